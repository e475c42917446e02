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
    seen: HashMap<String, (u64, Instant)>,
}

impl Watch {
    /// Workers count as dead whose counter stood still for `stale`.
    pub fn new(stale: Duration) -> Watch {
        Watch { stale, boot: boot(), seen: HashMap::new() }
    }

    /// True if a worker is dead, as far as one can tell.
    pub fn is_dead(&mut self, layout: &Layout, token: &str) -> bool {
        let path = layout.workers().join(token);
        let text = read_text(&path).unwrap_or_default();
        let mut lines = text.lines();
        // A file that is missing or empty has a counter that stands still, too.
        let beat = lines.next().and_then(|line| line.parse().ok()).unwrap_or(u64::MAX);
        if lines.next() == Some(self.boot.as_str()) && is_unlocked(&path) {
            return true;
        }
        self.stands_still(token, beat)
    }

    fn stands_still(&mut self, name: &str, mark: u64) -> bool {
        let now = Instant::now();
        match self.seen.get(name) {
            Some((before, since)) if *before == mark => now.duration_since(*since) >= self.stale,
            _ => {
                self.seen.insert(name.to_owned(), (mark, now));
                false
            }
        }
    }
}

fn is_unlocked(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| match file.try_lock_shared() {
        Ok(()) => {
            let _ = file.unlock();
            true
        }
        Err(TryLockError::WouldBlock | TryLockError::Error(_)) => false,
    })
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
    /// A living worker has it.
    Busy,
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
            match fs::read_to_string(file(&folder, id, generation + 1)) {
                Ok(text) => last = text.trim().to_owned(),
                Err(source) if source.kind() == ErrorKind::NotFound => break,
                Err(source) => return Err(machine(&file(&folder, id, generation + 1), source)),
            }
            generation += 1;
            deaths += u64::from(last != RELEASED);
        }
        let free = generation == 0
            || last == RELEASED
            // Left by a panic of this very process.
            || last == worker.token
            || if last.is_empty() {
                watch.stands_still(&format!("{id}.{generation}"), 0)
            } else {
                watch.is_dead(layout, &last)
            };
        if !free {
            return Ok(Tried::Busy);
        }
        generation += 1;
        let made = exclusively(&file(&folder, id, generation), worker.token.as_bytes(), &worker.token);
        let token = worker.token.clone();
        match made {
            Ok(true) => Ok(Tried::Ours(Claim { id: id.to_owned(), generation, deaths, token, folder })),
            Ok(false) => Ok(Tried::Busy),
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
    let token = fs::read_to_string(file(&layout.claims(), id, generation)).ok()?.trim().to_owned();
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
    let mut held = HashSet::new();
    for name in names(&layout.claims())? {
        let path = layout.claims().join(&name);
        match name.rsplit_once('.').filter(|_| name.starts_with('.')) {
            Some((_, token)) if watch.is_dead(layout, token) => drop(fs::remove_file(path)),
            Some(_) => {}
            None => held.extend(fs::read_to_string(path).map(|token| token.trim().to_owned())),
        }
    }
    for name in names(&layout.workers())? {
        let path = layout.workers().join(&name);
        let dead = if name.starts_with('.') { is_unlocked(&path) } else { watch.is_dead(layout, &name) };
        // A claim that names a worker is settled by its file.
        if dead && !held.contains(&name) {
            let _ = fs::remove_file(path);
        }
    }
    Ok(())
}
