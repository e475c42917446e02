//! A worker: takes runs that nobody makes, makes them, shows them when they are whole.

use super::Trouble;
use super::claim::{Claim, Worker};
use super::layout::{Layout, copy_folder, machine, names};
use super::next::{Next, Queue};
use super::plan::Planned;
use super::spec::Spec;
use super::tidy::{rungs, tidy};
use crate::Error;
use crate::check::{Context, resolved_toml};
use crate::error::Kind;
use crate::experiment::Experiment;
use crate::folder::atomic::{Deferred, sync_folder, sync_tree};
use crate::folder::{RunFolder, RunInfo, write_atomic};
use crate::run::{Ended, Options, Progress, end_early, run_until};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet, VecDeque};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A run at which so many workers died is given up: it may well be what killed them.
const MOST_DEATHS: u64 = 25;
/// Pause before what crashed is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// How a worker works; changes nothing of the results.
#[derive(Clone, Debug)]
pub struct Manner {
    /// Runs side by side.
    pub jobs: usize,
    /// Of each run.
    pub options: Options,
    /// A worker of another machine counts as dead when its counter stood still for this.
    pub stale: Duration,
    /// Wait until the runs that others make have ended; without it, until these others are known to live.
    pub wait: bool,
    /// Leave off after this many runs.
    pub most: Option<u64>,
}

/// What a worker needs from the command: it alone knows the program's version.
pub type Provenance<'a> = &'a (dyn Fn(&Experiment) -> Result<RunInfo, Error> + Sync);

/// What happens on the way, for who shows it.
pub trait Board: Sync {
    /// Where the progress of a run goes.
    fn progress<'a>(&'a self, index: usize, name: &'a str) -> Box<dyn Progress + 'a>;
    /// A run has ended, here or elsewhere; `how` is empty for what was there before.
    fn ended(&self, index: usize, name: &str, how: &str);
    /// Something to say.
    fn note(&self, line: &str);
}

/// How it went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Runs that this worker brought to their end.
    pub made: u64,
    /// The signal that stopped it.
    pub signal: Option<i32>,
    /// Runs that are left to others.
    pub left: u64,
}

/// A run that crashed too often: `crashed/RUN.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crash {
    /// The run.
    pub run: String,
    /// Why, at the last attempt.
    pub reason: String,
    /// How many attempts there were.
    pub attempts: u64,
}

/// What is to be done with runs now.
pub(super) enum Goal<'a> {
    /// Bring them to their end.
    End,
    /// Bring them to the end of this epoch.
    Until(u64),
    /// End them, each for its reason.
    Drop(&'a HashMap<String, String>),
}

/// The threads of a worker, at one goal.
pub(super) struct Shift<'a> {
    pub crew: &'a Crew<'a>,
    pub goal: Goal<'a>,
    pub queue: Mutex<Queue>,
    done: Mutex<Done>,
    trouble: Mutex<Option<Trouble>>,
}

/// Makes the runs of a plan that are missing, until there is none or a signal comes.
///
/// # Errors
/// What stops all work: the machine's, data that are missing. Runs that were begun are kept as far as they came.
pub fn work(
    spec: &Spec,
    runs: &[Planned],
    layout: &Layout,
    context: &Context,
    manner: &Manner,
    provenance: Provenance<'_>,
    board: &dyn Board,
) -> Result<Done, Trouble> {
    layout.make()?;
    tidy(layout)?;
    let ended = ended(layout)?;
    let mut there = 0;
    for (i, planned) in runs.iter().enumerate().filter(|(_, planned)| ended.contains(&planned.run)) {
        board.ended(i, &planned.run, "");
        there += 1;
    }
    if there > 0 {
        board.note(&format!("{there} of {} runs have ended before", runs.len()));
    }
    let _deferred = Deferred::new(&layout.work());
    let worker = Worker::enter(layout)?;
    let crew = Crew { spec, runs, layout, context, worker: &worker, manner, provenance, board };
    let all: Vec<usize> = (0..runs.len()).collect();
    let mut done = match spec.halving {
        None => crew.through(&all, Goal::End)?,
        Some(halving) => super::halving::rungs(&crew, halving, all)?,
    };
    let ended = self::ended(layout)?;
    done.left = runs.iter().filter(|planned| !ended.contains(&planned.run)).count() as u64;
    done.signal = manner.options.stop.signal().filter(|_| done.left > 0);
    drop(worker);
    tidy(layout)?;
    Ok(done)
}

/// What all shifts of a worker share.
pub(super) struct Crew<'a> {
    pub spec: &'a Spec,
    pub runs: &'a [Planned],
    pub layout: &'a Layout,
    pub context: &'a Context,
    pub worker: &'a Worker,
    pub manner: &'a Manner,
    pub provenance: Provenance<'a>,
    pub board: &'a dyn Board,
}

impl Crew<'_> {
    /// Brings runs to a goal, until none is missing or a signal comes.
    pub fn through(&self, runs: &[usize], goal: Goal<'_>) -> Result<Done, Trouble> {
        let there = goal.reached(self.layout)?;
        let missing = runs.iter().copied().filter(|&i| !there.contains(&self.runs[i].run));
        let mut pending: VecDeque<usize> = missing.collect();
        if names(&self.layout.workers())?.len() > 1 {
            self.go_elsewhere(&mut pending);
        }
        let threads = self.manner.jobs.min(pending.len()).max(1);
        let queue = Queue::new(pending, self.manner.stale);
        let shift = Shift {
            crew: self,
            goal,
            queue: Mutex::new(queue),
            done: Mutex::new(Done::default()),
            trouble: Mutex::new(None),
        };
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| shift.work());
            }
        });
        let queue = shift.queue.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut done = shift.done.into_inner().unwrap_or_else(PoisonError::into_inner);
        done.left = (queue.pending.len() + queue.waiting.len()) as u64;
        match shift.trouble.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(trouble) => Err(trouble),
            None => Ok(done),
        }
    }

    /// Each worker begins elsewhere: then they seldom reach for the same run.
    pub fn go_elsewhere(&self, pending: &mut VecDeque<usize>) {
        let by = usize::from_str_radix(&self.worker.token()[..12], 16).unwrap_or(0);
        pending.rotate_left(by.checked_rem(pending.len()).unwrap_or(0));
    }
}

impl Goal<'_> {
    /// Names of runs that are there already.
    pub fn reached(&self, layout: &Layout) -> Result<HashSet<String>, Error> {
        let mut all = ended(layout)?;
        if let Goal::Until(epoch) = self {
            all.extend(names(&layout.rung(*epoch))?);
        }
        Ok(all)
    }
}

/// Names of runs that need nothing more: in `runs/`, or crashed for good.
///
/// # Errors
/// The machine's.
pub fn ended(layout: &Layout) -> Result<HashSet<String>, Error> {
    let mut all = names(&layout.runs())?;
    for name in names(&layout.crashed())? {
        all.extend(name.strip_suffix(".json").map(str::to_owned));
    }
    Ok(all)
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shift<'_> {
    fn stopped(&self) -> bool {
        self.crew.manner.options.stop.signal().is_some() || lock(&self.trouble).is_some()
    }

    fn work(&self) {
        while !self.stopped() {
            match self.next() {
                Ok(Next::Take(index, claim)) => {
                    if let Err(trouble) = self.make(index, claim) {
                        lock(&self.trouble).get_or_insert(trouble);
                    }
                }
                Ok(Next::Wait(time)) => self.pause(time),
                Ok(Next::Nothing) => return,
                Err(error) => {
                    lock(&self.trouble).get_or_insert(error.into());
                }
            }
        }
    }

    fn pause(&self, time: Duration) {
        let begun = Instant::now();
        while begun.elapsed() < time && !self.stopped() {
            std::thread::sleep(Duration::from_millis(20).min(time));
        }
    }

    /// Makes a run, again if it crashes.
    fn make(&self, index: usize, claim: Claim) -> Result<(), Trouble> {
        let planned = &self.crew.runs[index];
        let attempt = self.crew.layout.attempt(planned.id(), claim.generation);
        let mut attempts = claim.deaths;
        loop {
            if claim.deaths >= MOST_DEATHS {
                let reason = format!("{} workers died at it", claim.deaths);
                return Ok(self.give_up(index, claim, &reason, attempts)?);
            }
            attempts += 1;
            let caught = catch_unwind(AssertUnwindSafe(|| self.attempt(index, &claim, &attempt)));
            let was_there = attempt.exists();
            let (reason, trouble) = match caught {
                Ok(Ok(Some((place, how)))) => return Ok(self.show(index, claim, &attempt, &place, &how)?),
                Ok(Ok(None)) => {
                    claim.release();
                    lock(&self.queue).pending.push_back(index);
                    return Ok(());
                }
                // Whoever took the run over makes it; what happened here is of no interest.
                Ok(Err(_)) if !claim.holds() => {
                    self.lost(index, &attempt);
                    return Ok(());
                }
                Ok(Err(Trouble::Error(error))) if error.kind == Kind::Machine => {
                    (error.to_string(), Trouble::Error(error))
                }
                Ok(Err(trouble)) => {
                    claim.release();
                    return Err(trouble);
                }
                Err(panic) => {
                    let text = panic.downcast_ref::<String>().cloned();
                    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
                    let reason = format!("a bug of apical: {}", text.unwrap_or_default());
                    (reason.clone(), Trouble::Error(Error::science(planned.run.clone(), reason, "")))
                }
            };
            let is_machine = matches!(&trouble, Trouble::Error(error) if error.kind == Kind::Machine);
            if attempts <= self.crew.spec.retries + claim.deaths && !self.stopped() {
                self.crew.board.note(&format!("{}: {reason}; it is tried again", planned.run));
                self.pause(PAUSE);
                continue;
            }
            if is_machine && was_there {
                // A full disk is full for all runs.
                claim.release();
                return Err(trouble);
            }
            return Ok(self.give_up(index, claim, &reason, attempts)?);
        }
    }

    /// One attempt: where the run belongs now and how it ended, or nothing if it was asked to stop.
    fn attempt(&self, index: usize, claim: &Claim, attempt: &Path) -> Result<Option<(PathBuf, String)>, Trouble> {
        let planned = &self.crew.runs[index];
        let (e, canonical) = self.crew.spec.planned(planned, self.crew.context)?;
        self.take_over(planned, claim.generation, attempt)?;
        let ended = match self.go_on(index, &e, &canonical, attempt) {
            // What a machine's death left may be in pieces.
            Err(error) if error.kind == Kind::Input && attempt.join(&planned.run).exists() && claim.generation > 1 => {
                fs::remove_dir_all(attempt).map_err(|source| machine(attempt, source))?;
                self.crew
                    .board
                    .note(&format!("{}: begun anew, since what was left of it is damaged: {error}", planned.run));
                self.go_on(index, &e, &canonical, attempt)?
            }
            ended => ended?,
        };
        let runs = self.crew.layout.runs();
        Ok(match ended {
            Ended::Done { missed } if missed.is_empty() => Some((runs, "finished".to_owned())),
            Ended::Done { missed } => Some((runs, format!("finished; {}", missed.join("; ")))),
            Ended::Failed { reason } => Some((runs, format!("FAILED: {reason}"))),
            Ended::Paused => Some((self.crew.layout.rung(self.until()), String::new())),
            Ended::Stopped { .. } => None,
        })
    }

    fn until(&self) -> u64 {
        if let Goal::Until(epoch) = self.goal { epoch } else { u64::MAX }
    }

    fn go_on(&self, index: usize, e: &Experiment, canonical: &str, attempt: &Path) -> Result<Ended, Error> {
        let info = (self.crew.provenance)(e)?;
        let mut opened = RunFolder::open_or_create(attempt, &e.name, canonical, &resolved_toml(e), info)?;
        if !opened.begin()? {
            // Its worker died between its end and its move.
            return Ok(Ended::Done { missed: Vec::new() });
        }
        if let Goal::Drop(reasons) = &self.goal {
            let reason = reasons.get(&self.crew.runs[index].run).map_or("", String::as_str);
            end_early(&mut opened.folder, reason)?;
            return Ok(Ended::Done { missed: Vec::new() });
        }
        let mut progress = self.crew.board.progress(index, &self.crew.runs[index].run);
        run_until(e, &mut opened.folder, &self.crew.manner.options, &mut *progress, self.until())
    }

    /// Brings what an earlier claim left into this one's folder. A copy: who was taken for dead may still write in it.
    fn take_over(&self, planned: &Planned, generation: u64, attempt: &Path) -> Result<(), Error> {
        if attempt.join(&planned.run).exists() {
            return Ok(());
        }
        let layout = self.crew.layout;
        let before = (1..generation).rev().map(|before| layout.attempt(planned.id(), before));
        // Without an attempt at this goal it is where the last goal left it.
        for left in before.chain(rungs(layout)?).map(|folder| folder.join(&planned.run)) {
            if left.is_dir() {
                let half = attempt.join(format!(".{}.half", planned.run));
                let _ = fs::remove_dir_all(&half);
                copy_folder(&left, &half)?;
                return fs::rename(&half, attempt.join(&planned.run)).map_err(|source| machine(&half, source));
            }
        }
        Ok(())
    }

    /// Moves a run to where it belongs now, if the claim still holds.
    fn show(&self, index: usize, claim: Claim, attempt: &Path, place: &Path, how: &str) -> Result<(), Error> {
        let planned = &self.crew.runs[index];
        let (from, to) = (attempt.join(&planned.run), place.join(&planned.run));
        fs::create_dir_all(place).map_err(|source| machine(place, source))?;
        sync_tree(&from).map_err(|source| machine(&from, source))?;
        if !claim.holds() {
            self.lost(index, attempt);
            return Ok(());
        }
        match fs::rename(&from, &to) {
            Ok(()) => sync_folder(place).map_err(|source| machine(&to, source))?,
            // Another worker was here between the two lines above; both computed the same.
            Err(_) if to.exists() => {}
            Err(source) => return Err(machine(&to, source)),
        }
        self.clear(planned, claim.generation, place);
        claim.finish();
        if place == self.crew.layout.runs() {
            lock(&self.done).made += 1;
            self.crew.board.ended(index, &planned.run, how);
        }
        Ok(())
    }

    /// Another worker has the run.
    fn lost(&self, index: usize, attempt: &Path) {
        let _ = fs::remove_dir_all(attempt);
        self.crew.board.note(&format!("{}: another worker took it over", self.crew.runs[index].run));
        lock(&self.queue).waiting.push((index, false));
    }

    fn give_up(&self, index: usize, claim: Claim, reason: &str, attempts: u64) -> Result<(), Error> {
        let planned = &self.crew.runs[index];
        let crash = Crash { run: planned.run.clone(), reason: reason.to_owned(), attempts };
        let text = serde_json::to_string_pretty(&crash).map_err(|source| Error::machine("crash", source))?;
        let path: PathBuf = self.crew.layout.crashed().join(format!("{}.json", planned.run));
        write_atomic(&path, format!("{text}\n").as_bytes(), "ending")?;
        claim.finish();
        self.crew.board.ended(index, &planned.run, &format!("CRASHED: {reason}"));
        Ok(())
    }

    /// Removes what attempts left.
    fn clear(&self, planned: &Planned, generation: u64, place: &Path) {
        for before in 1..=generation {
            let _ = fs::remove_dir_all(self.crew.layout.attempt(planned.id(), before));
        }
        for rung in rungs(self.crew.layout).unwrap_or_default().into_iter().filter(|rung| rung != place) {
            let _ = fs::remove_dir_all(rung.join(&planned.run));
        }
    }
}
