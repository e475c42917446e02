//! One run, seen again and again.

use super::config::Choices;
use super::pace::Pace;
use super::tail::{Curve, Tail};
use crate::checkpoint::{LAST, glance};
use crate::folder::atomic::read_text;
use crate::folder::lock::Lock;
use crate::folder::runinfo::{self, host_name};
use crate::folder::{CHECKPOINTS, CONFIG, Ending, LOG, METRICS, RunInfo};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// Bytes of metrics that one look takes in.
const BUDGET: u64 = 4 << 20;
/// Bytes from the log's end, and lines of them.
const LOG_BYTES: u64 = 8 << 10;
const LOG_LINES: usize = 8;
/// A run that goes on writes at least every half minute, but for a long presentation or evaluation.
const QUIET: Duration = Duration::from_secs(120);
/// The lock of a run that does not move is looked at again after this.
const ASK_LOCK: Duration = Duration::from_secs(2);

/// How a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It goes on.
    Running,
    /// It should go on, but nothing changes.
    Stalled,
    /// It has not ended, and from here one cannot tell whether a process is at it.
    Unfinished,
    /// It was asked to stop, and can be resumed.
    Stopped,
    /// Its process ended without a word.
    Dead,
    /// It failed.
    Failed,
    /// It came to its end.
    Done,
    /// No whole run folder.
    Damaged,
}

impl State {
    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            State::Running => "running",
            State::Stalled => "stalled",
            State::Unfinished => "unfinished",
            State::Stopped => "stopped",
            State::Dead => "dead",
            State::Failed => "failed",
            State::Done => "done",
            State::Damaged => "damaged",
        }
    }

    /// Nothing more will come of it by itself.
    pub fn has_ended(self) -> bool {
        !matches!(self, State::Running | State::Stalled | State::Unfinished)
    }
}

/// Where a checkpoint was taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Presentations made.
    pub presentation: u64,
    /// Epochs completed.
    pub epoch: u64,
    /// Epoch of the best validation so far.
    pub best: Option<u64>,
    /// How long ago it was written; `None`: before the watch began, by a clock of another machine.
    pub age: Option<Duration>,
}

/// What there is to see of a run. Texts are as the files have them: who shows them takes out what a terminal obeys.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The folder's name.
    pub name: String,
    /// The folder.
    pub path: PathBuf,
    /// How it is.
    pub state: State,
    /// Why, or what to do; may be empty.
    pub reason: String,
    /// Learner, solver, sizes, task and so on, each in a word.
    pub words: Vec<String>,
    /// Presentations made, and in all.
    pub presentation: u64,
    /// In all, where that is known.
    pub presentations: Option<u64>,
    /// Epochs completed.
    pub epoch: u64,
    /// In all, where that is known.
    pub epochs: Option<u64>,
    /// Presentations a second, of a run that goes on.
    pub rate: Option<f64>,
    /// Time left, of a run that goes on.
    pub left: Option<Duration>,
    /// The metrics.
    pub curves: Arc<[Curve]>,
    /// The last checkpoint.
    pub checkpoint: Option<Point>,
    /// The last lines of the log.
    pub log: Vec<String>,
    /// What is wrong with the folder.
    pub problems: Vec<String>,
}

/// A file as it was seen: if it is written, one of these changes. Dates alone are too coarse for two writes on end.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Stamp {
    length: u64,
    written: SystemTime,
    /// Its number in the file system: a file that is renamed over another has its own.
    file: u64,
}

/// A run that is watched.
#[derive(Debug)]
pub struct Run {
    pub(super) path: PathBuf,
    tail: Tail,
    curves: Arc<[Curve]>,
    info: Option<RunInfo>,
    choices: Choices,
    ending: Option<Ending>,
    checkpoint: Option<(Point, Stamp)>,
    /// Presentations of the whole run, as the checkpoint tells.
    all: Option<u64>,
    /// When that one was seen to appear; `None`: it was there at the first look.
    saved: Option<Instant>,
    log: Vec<String>,
    problems: Vec<String>,
    pace: Pace,
    /// Of the files in `WATCHED`.
    stamps: [Option<Stamp>; WATCHED.len()],
    /// When a change was last seen; the longest time between two.
    changed: Option<Instant>,
    longest: Duration,
    looked: bool,
    /// The metrics have more than was read.
    more: bool,
    /// A process holds the lock, and when it was asked.
    held: Option<(bool, Instant)>,
    here: bool,
}

const WATCHED: [&str; 7] =
    [runinfo::FILE, CONFIG, METRICS, LOG, runinfo::DONE, runinfo::FAILED, "checkpoints/last.safetensors"];

impl Run {
    /// Nothing is seen yet.
    pub fn new(path: PathBuf) -> Self {
        Run {
            tail: Tail::new(path.join(METRICS)),
            curves: Arc::new([]),
            info: None,
            choices: Choices::default(),
            ending: None,
            checkpoint: None,
            all: None,
            saved: None,
            log: Vec::new(),
            problems: Vec::new(),
            pace: Pace::default(),
            stamps: [None; WATCHED.len()],
            changed: None,
            longest: Duration::ZERO,
            looked: false,
            more: false,
            held: None,
            here: false,
            path,
        }
    }

    /// Looks at the files; true if the metrics have more than was read.
    pub fn look(&mut self, now: Instant) -> bool {
        let stamps = WATCHED.map(|name| stamp(&self.path.join(name)));
        let moved = stamps != self.stamps;
        if moved && self.looked {
            if let Some(before) = self.changed {
                self.longest = self.longest.max(now.duration_since(before));
            }
            self.changed = Some(now);
        }
        if moved || !self.looked {
            self.stamps = stamps;
            self.read(now);
        }
        let before = self.tail.made;
        let more = self.tail.look(BUDGET);
        if moved || !self.looked || before != self.tail.made || self.curves.is_empty() {
            self.curves = self.tail.curves.clone().into();
        }
        (self.looked, self.more) = (true, more);
        if !more {
            self.pace.note(now, self.made().0);
        }
        let ended = self.ending.is_some() || self.info.as_ref().is_some_and(|info| info.ended.is_some());
        let asked = self.held.is_some_and(|(_, when)| now.duration_since(when) < ASK_LOCK);
        if !ended && !asked && (!moved || self.held.is_none_or(|(held, _)| !held)) {
            self.held = Some((Lock::is_taken(&self.path), now));
        }
        more
    }

    /// It has ended, and everything is read.
    pub(super) fn is_settled(&self) -> bool {
        self.looked && !self.more && self.ending.is_some()
    }

    /// Reads all small files again.
    fn read(&mut self, now: Instant) {
        self.problems.clear();
        // A run that is just being made has no run.json yet: the last one is kept, and the problem told.
        match RunInfo::read(&self.path) {
            Ok(info) => {
                self.here = info.host == host_name();
                // The pause before a run went on is no part of its pace.
                if self.info.as_ref().is_some_and(|before| before.resumed != info.resumed) {
                    self.pace = Pace::default();
                }
                self.info = Some(info);
            }
            Err(error) => self.problems.push(error.to_string()),
        }
        let config = read_text(&self.path.join(CONFIG)).map_err(|error| error.to_string());
        match config.and_then(|text| Choices::read(&text).map_err(|what| format!("{CONFIG}: {what}"))) {
            Ok(choices) => self.choices = choices,
            Err(problem) => self.problems.push(problem),
        }
        match Ending::read(&self.path) {
            Ok(ending) => self.ending = ending,
            Err(error) => self.problems.push(error.to_string()),
        }
        if self.ending.as_ref().is_some_and(|ending| ending.done) && self.stamps[2].is_none() {
            self.problems.push(format!("{METRICS}: there is no such file"));
        }
        self.read_checkpoint(now);
        match log_end(&self.path.join(LOG)) {
            Ok(lines) => self.log = lines,
            Err(problem) => self.problems.push(problem),
        }
    }

    fn read_checkpoint(&mut self, now: Instant) {
        let path = self.path.join(CHECKPOINTS).join(LAST);
        let Some(stamp) = stamp(&path).filter(|stamp| self.checkpoint.is_none_or(|(_, of)| of != *stamp)) else {
            return;
        };
        let meta = match glance(&path) {
            Ok(meta) => meta,
            Err(error) => return self.problems.push(error.to_string()),
        };
        let number = |key: &str| meta.get(key).and_then(|text| text.parse::<u64>().ok());
        let (presentation, epoch) = (number("presentation").unwrap_or(0), number("epoch").unwrap_or(0));
        let best = number("best.epoch").filter(|&epoch| epoch > 0);
        self.checkpoint = Some((Point { presentation, epoch, best, age: None }, stamp));
        // Runs of older versions do not say how long they are; their first epoch does.
        if let (Some(in_epoch), Some(epochs)) = (number("in_epoch"), self.choices.epochs)
            && let Some(one) = presentation.saturating_sub(in_epoch).checked_div(epoch)
        {
            self.all = Some(one.saturating_mul(epochs));
        }
        // Both dates are the file system's, so their difference is a time wherever this is read.
        let begun = self.stamps[0].filter(|_| self.info.as_ref().is_some_and(|info| info.resumed.is_empty()));
        if let Some(Ok(time)) = begun.map(|begun| stamp.written.duration_since(begun.written)) {
            self.pace.tell(presentation, time);
        }
        self.saved = Some(now).filter(|_| self.looked);
    }

    /// Presentations and epochs made: what the newest of metrics and checkpoint tell.
    fn made(&self) -> (u64, u64) {
        let saved = self.checkpoint.map_or((0, 0), |(point, _)| (point.presentation, point.epoch));
        let done = self.ending.as_ref().is_some_and(|ending| ending.done);
        let all = self.info.as_ref().filter(|_| done).map_or((0, 0), |info| (info.presentations, info.epochs));
        let told = self.tail.made;
        (told.0.max(saved.0).max(all.0), told.1.max(saved.1).max(all.1))
    }

    fn state(&self, now: Instant) -> (State, String) {
        let Some(info) = &self.info else { return (State::Damaged, String::new()) };
        if let Some(ending) = &self.ending {
            return (if ending.done { State::Done } else { State::Failed }, ending.reason.clone());
        }
        if info.ended.is_some() {
            return (State::Stopped, info.exit.clone().unwrap_or_default());
        }
        let quiet = self.changed.map(|when| now.duration_since(when));
        let limit = QUIET.max(4 * self.longest);
        let minutes = quiet.map_or(0, |quiet| quiet.as_secs() / 60);
        let held = self.held.is_some_and(|(held, _)| held);
        // A change after the lock was found free is a process that has it now.
        let moves = quiet.is_some_and(|quiet| quiet < ASK_LOCK);
        match (held, self.here) {
            (true, _) if quiet.is_some_and(|quiet| quiet > limit) => {
                (State::Stalled, format!("a process is at it, but no file has changed for {minutes} min"))
            }
            (true, _) => (State::Running, String::new()),
            (false, true) if moves => (State::Running, String::new()),
            (false, true) => (State::Dead, "its process ended without a word; `apical resume` goes on".into()),
            (false, false) => match quiet {
                Some(quiet) if quiet <= limit => (State::Running, String::new()),
                Some(_) => (State::Stalled, format!("no file has changed for {minutes} min; it runs on {}", info.host)),
                None => (State::Unfinished, format!("begun on {}; its files have not changed yet", info.host)),
            },
        }
    }

    /// What there is to see.
    pub fn seen(&self, now: Instant) -> Seen {
        let (state, reason) = self.state(now);
        let (presentation, epoch) = self.made();
        let known = |all: fn(&RunInfo) -> u64| self.info.as_ref().map(all).filter(|&all| all > 0);
        let presentations = known(|info| info.presentations).or(self.all);
        let goes_on = state == State::Running;
        let mut problems = self.problems.clone();
        problems.extend(self.tail.problem.clone());
        Seen {
            name: self.path.file_name().map_or(".".into(), |name| name.to_string_lossy().into_owned()),
            path: self.path.clone(),
            state,
            reason,
            words: self.choices.words.clone(),
            presentation,
            presentations,
            epoch,
            epochs: known(|info| info.epochs).or(self.choices.epochs),
            rate: self.pace.rate().filter(|_| goes_on),
            left: presentations.filter(|_| goes_on).and_then(|all| self.pace.left(now, all)),
            curves: self.curves.clone(),
            checkpoint: self.checkpoint.map(|(point, stamp)| Point { age: self.age(now, stamp), ..point }),
            log: self.log.clone(),
            problems,
        }
    }

    /// Age of a file: by this machine's clock if the run is on this machine, else since it was seen to change.
    fn age(&self, now: Instant, stamp: Stamp) -> Option<Duration> {
        if self.here {
            return SystemTime::now().duration_since(stamp.written).ok();
        }
        self.saved.map(|when| now.duration_since(when))
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let meta = std::fs::metadata(path).ok()?;
    #[cfg(unix)]
    let file = std::os::unix::fs::MetadataExt::ino(&meta);
    #[cfg(not(unix))]
    let file = 0;
    Some(Stamp { length: meta.len(), written: meta.modified().unwrap_or(SystemTime::UNIX_EPOCH), file })
}

/// The last lines of a log; none if there is no log.
fn log_end(path: &Path) -> Result<Vec<String>, String> {
    let problem = |source: std::io::Error| format!("{LOG}: {source}");
    let Ok(meta) = std::fs::metadata(path) else { return Ok(Vec::new()) };
    if !meta.is_file() {
        return Err(format!("{LOG} is no file"));
    }
    let mut file = File::open(path).map_err(problem)?;
    let start = meta.len().saturating_sub(LOG_BYTES);
    file.seek(SeekFrom::Start(start)).map_err(problem)?;
    let mut bytes = Vec::new();
    file.take(LOG_BYTES).read_to_end(&mut bytes).map_err(problem)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().skip(usize::from(start > 0)).filter(|line| !line.is_empty()).collect();
    Ok(lines[lines.len().saturating_sub(LOG_LINES)..].iter().map(|line| line.chars().take(400).collect()).collect())
}
