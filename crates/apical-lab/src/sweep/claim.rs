//! Who makes a run.
//!
//! A claim is a file `claims/ID.G` that holds its worker's token; it is made whole and exclusively, and the highest G
//! holds. A worker that gives a run up overwrites its claim with a word; one that dies leaves it. Each process has a file
//! in `workers/` whose counter goes on while it lives: an observer that has seen the counter stand still for so many
//! seconds of its own monotonic clock claims G + 1. So the clocks of two machines are never compared, and one that was
//! taken for dead and lives finds that its claim is not the highest any more, before it shows any result.
//!
//! On one machine nobody waits: the operating system tells, by a lock on the worker's file, that its process has died.

use super::layout::{Layout, machine, names, token};
use crate::Error;
use crate::folder::atomic::read_text;
use crate::folder::runinfo::host_name;
use std::collections::{HashMap, HashSet};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A living worker's counter goes on after this.
const BEAT: Duration = Duration::from_secs(2);
/// A worker whose counter stood still for less than this may well be alive.
pub const SHORTEST_STALE: u64 = 10;
/// What stands in a claim that was given up.
const RELEASED: &str = "released";
/// More claims on one run than any sweep sees.
const MOST_CLAIMS: u64 = 1 << 20;

/// This process, to the others.
#[derive(Debug)]
pub struct Worker {
    token: String,
    path: PathBuf,
    end: Option<Sender<()>>,
    heart: Option<JoinHandle<()>>,
}

impl Worker {
    /// Enters the sweep: from now on the counter goes on.
    ///
    /// # Errors
    /// The machine's.
    pub fn enter(layout: &Layout) -> Result<Worker, Error> {
        let (token, path, mut file) = loop {
            let token = token();
            let path = layout.workers().join(&token);
            match shown(layout, &token, &path) {
                Ok(file) => break (token, path, file),
                // Another, which tidied up, has taken it for what a dead one left, before it was locked.
                Err(source) if source.kind() == ErrorKind::NotFound && layout.workers().is_dir() => {}
                Err(source) => return Err(machine(&path, source)),
            }
        };
        let (end, ended) = channel();
        let heart = std::thread::spawn(move || {
            let mut beat = 0u64;
            // The file is kept open, and so locked, until the end.
            while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(BEAT) {
                beat += 1;
                // A disk that is full for a while is no reason to die: the counter goes on when it can.
                let _ = file.seek(SeekFrom::Start(0)).and_then(|_| file.write_all(format!("{beat:020}").as_bytes()));
                let _ = file.sync_data();
            }
        });
        Ok(Worker { token, path, end: Some(end), heart: Some(heart) })
    }

    /// Its token.
    pub fn token(&self) -> &str {
        &self.token
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(heart) = self.heart.take() {
            let _ = heart.join();
        }
        let _ = fs::remove_file(&self.path);
    }
}

/// Makes a worker's file. Locked before it is seen: an unlocked file is one of the dead.
fn shown(layout: &Layout, token: &str, path: &Path) -> io::Result<File> {
    let hidden = layout.workers().join(format!(".{token}"));
    let mut file = OpenOptions::new().write(true).create_new(true).open(&hidden)?;
    // Some file systems have no locks: there a counter has to do.
    let _ = file.lock();
    file.write_all(format!("{:020}\n{}\n{}\n{}\n", 0, boot(), host_name(), std::process::id()).as_bytes())?;
    fs::rename(&hidden, path)?;
    Ok(file)
}

/// Identity of this machine's running system: two processes with the same see each other's locks.
fn boot() -> String {
    let told = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok();
    told.map_or_else(|| format!("host {}", host_name()), |id| id.trim().to_owned())
}

/// Tells the dead from the living by what it has seen itself.
#[derive(Debug)]
pub struct Watch {
    stale: Duration,
    boot: String,
    /// The last counter of each worker, since when, and whether it was another one before.
    seen: HashMap<String, (u64, Instant, bool)>,
}

/// What a watch knows of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pulse {
    /// Its process is there, or its counter has gone on.
    Lives,
    /// Seen for too short a time to tell.
    Unknown,
    /// Its process is gone, or its counter stood still for too long.
    Dead,
}

impl Watch {
    /// Workers count as dead whose counter stood still for `stale`.
    pub fn new(stale: Duration) -> Watch {
        Watch { stale, boot: boot(), seen: HashMap::new() }
    }

    /// How a worker is, as far as one can tell.
    pub fn pulse(&mut self, layout: &Layout, token: &str) -> Pulse {
        let path = layout.workers().join(token);
        let text = read_text(&path).unwrap_or_default();
        let mut lines = text.lines();
        // A file that is missing or empty has a counter that stands still, too.
        let beat = lines.next().and_then(|line| line.parse().ok()).unwrap_or(u64::MAX);
        let locked = if lines.next() == Some(self.boot.as_str()) { is_locked(&path) } else { None };
        match (locked, self.counter(token, beat)) {
            (Some(false), _) => Pulse::Dead,
            (Some(true), Pulse::Unknown) => Pulse::Lives,
            (_, counter) => counter,
        }
    }

    /// What a counter tells, seen at `mark` now.
    fn counter(&mut self, name: &str, mark: u64) -> Pulse {
        let now = Instant::now();
        match self.seen.get_mut(name) {
            None => {
                self.seen.insert(name.to_owned(), (mark, now, false));
                Pulse::Unknown
            }
            Some(seen) if seen.0 != mark => {
                *seen = (mark, now, true);
                Pulse::Lives
            }
            Some((_, since, _)) if now.duration_since(*since) >= self.stale => Pulse::Dead,
            Some((_, _, true)) => Pulse::Lives,
            Some(_) => Pulse::Unknown,
        }
    }
}

/// Whether a process holds the lock on a file; nothing where there are no locks, or no file.
fn is_locked(path: &Path) -> Option<bool> {
    match File::open(path).ok()?.try_lock_shared() {
        // Given back with the file.
        Ok(()) => Some(false),
        Err(TryLockError::WouldBlock) => Some(true),
        Err(TryLockError::Error(_)) => None,
    }
}

/// The right to make a run.
#[derive(Debug)]
pub struct Claim {
    id: String,
    /// Which claim on this run it is, from 1.
    pub generation: u64,
    /// How many of the earlier ones were left by workers that died.
    pub deaths: u64,
    token: String,
    folder: PathBuf,
}

/// What trying to claim a run gives.
#[derive(Debug)]
pub enum Tried {
    /// It is ours.
    Ours(Claim),
    /// Another worker has it, whose pulse is not known to have ended.
    Busy(Pulse),
}

impl Claim {
    /// Claims a run, if nobody alive has it.
    ///
    /// # Errors
    /// The machine's.
    pub fn take(layout: &Layout, id: &str, worker: &Worker, watch: &mut Watch) -> Result<Tried, Error> {
        let folder = layout.claims();
        let (mut generation, mut deaths) = (0, 0);
        let mut last = String::new();
        while generation < MOST_CLAIMS {
            match told(&file(&folder, id, generation + 1)) {
                Ok(text) => last = text,
                Err(source) if source.kind() == ErrorKind::NotFound => break,
                Err(source) => return Err(machine(&file(&folder, id, generation + 1), source)),
            }
            generation += 1;
            deaths += u64::from(last != RELEASED);
        }
        // Given up, or left by a panic of this very process.
        let pulse = if generation == 0 || last == RELEASED || last == worker.token {
            Pulse::Dead
        } else if last.is_empty() {
            watch.counter(&format!("{id}.{generation}"), 0)
        } else {
            watch.pulse(layout, &last)
        };
        if pulse != Pulse::Dead {
            return Ok(Tried::Busy(pulse));
        }
        generation += 1;
        let made = exclusively(&file(&folder, id, generation), worker.token.as_bytes(), &worker.token);
        let token = worker.token.clone();
        match made {
            Ok(true) => Ok(Tried::Ours(Claim { id: id.to_owned(), generation, deaths, token, folder })),
            // Made a moment ago.
            Ok(false) => Ok(Tried::Busy(Pulse::Unknown)),
            Err(source) => Err(machine(&file(&folder, id, generation), source)),
        }
    }

    /// True while no other worker has taken the run over.
    pub fn holds(&self) -> bool {
        let mine = fs::read_to_string(file(&self.folder, &self.id, self.generation));
        let next = fs::symlink_metadata(file(&self.folder, &self.id, self.generation + 1));
        mine.is_ok_and(|token| token == self.token) && next.is_err_and(|e| e.kind() == ErrorKind::NotFound)
    }

    /// Gives the run up: another may take it at once.
    pub fn release(self) {
        // Who cannot write here any more is as good as dead, and the others will find out.
        let path = file(&self.folder, &self.id, self.generation);
        let _ =
            OpenOptions::new().write(true).truncate(true).open(path).and_then(|mut f| f.write_all(RELEASED.as_bytes()));
    }

    /// Removes all claims on the run, which is done with.
    pub fn finish(self) {
        let mut generation = 1;
        while fs::remove_file(file(&self.folder, &self.id, generation)).is_ok() || generation < self.generation {
            generation += 1;
        }
    }
}

/// What stands in a claim. One that a disk has garbled names nobody who lives, and is taken over like that of the dead.
fn told(path: &Path) -> io::Result<String> {
    Ok(String::from_utf8_lossy(&fs::read(path)?).trim().to_owned())
}

fn file(folder: &Path, id: &str, generation: u64) -> PathBuf {
    folder.join(format!("{id}.{generation}"))
}

/// Makes a file with its content, or tells that there is one.
fn exclusively(path: &Path, bytes: &[u8], token: &str) -> io::Result<bool> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = path.with_file_name(format!(".{name}.{token}"));
    fs::write(&temporary, bytes)?;
    // A link is made at once and whole, over network file systems too.
    let linked = fs::hard_link(&temporary, path);
    let _ = fs::remove_file(&temporary);
    match linked {
        Ok(()) => Ok(true),
        Err(source) if source.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(_) => match OpenOptions::new().write(true).create_new(true).open(path) {
            Ok(mut file) => file.write_all(bytes).map(|()| true),
            Err(source) if source.kind() == ErrorKind::AlreadyExists => Ok(false),
            Err(source) => Err(source),
        },
    }
}

/// Whose a claim is, and the machine on which that worker runs; nothing if it was given up.
pub(super) fn holder(layout: &Layout, id: &str, generation: u64) -> Option<(String, String)> {
    let token = told(&file(&layout.claims(), id, generation)).ok()?;
    if token == RELEASED {
        return None;
    }
    let worker = read_text(&layout.workers().join(&token)).unwrap_or_default();
    Some((token, worker.lines().nth(2).unwrap_or_default().to_owned()))
}

/// Removes the files of workers that died on this machine, and claims that they had not finished making; others' are left
/// to whoever can tell.
///
/// # Errors
/// The machine's.
pub(super) fn bury(layout: &Layout) -> Result<(), Error> {
    // Half of a watch: nobody is taken for dead for standing still.
    let mut watch = Watch::new(Duration::MAX);
    let mut dead = |name: &str| match name.starts_with('.') {
        true => is_locked(&layout.workers().join(name)) == Some(false),
        false => watch.pulse(layout, name) == Pulse::Dead,
    };
    let (workers, claims) = (names(&layout.workers())?, names(&layout.claims())?);
    for name in claims.iter().filter(|name| name.starts_with('.')) {
        if name.rsplit_once('.').is_some_and(|(_, token)| dead(token)) {
            let _ = fs::remove_file(layout.claims().join(name));
        }
    }
    let mut gone: Vec<&String> = workers.iter().filter(|name| dead(name)).collect();
    if gone.is_empty() {
        // A thousand workers that begin need not read each other's claims.
        return Ok(());
    }
    // A claim that names a worker is settled by its file. The dead make no more of them.
    let claimed = names(&layout.claims())?.into_iter().filter(|name| !name.starts_with('.'));
    let held: HashSet<String> = claimed.filter_map(|name| told(&layout.claims().join(name)).ok()).collect();
    gone.retain(|name| !held.contains(*name));
    gone.iter().for_each(|name| drop(fs::remove_file(layout.workers().join(name))));
    Ok(())
}
