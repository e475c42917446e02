//! A run folder: who may write in it, which files it has, in which state it is.
//!
//! `runs/NAME-ID16` with ID16 the first 16 hex digits of the SHA-256 of the canonical config: the same experiment finds
//! its folder again. The full hash stands in `run.json`, which is written last when a folder is made; a folder without
//! it is one whose making was cut short, and is made anew. This module knows nothing of what is computed.

pub mod atomic;
pub mod lock;
pub mod runinfo;

pub use atomic::{ignore_file_size_signal, write_atomic, write_out};
pub use runinfo::{Ending, RunInfo};

use crate::error::Error;
use crate::failpoint::hit;
use lock::Lock;
use sha2::{Digest, Sha256};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The config with nothing left open.
pub const CONFIG: &str = "config.resolved.toml";
/// Metric values, a line each.
pub const METRICS: &str = "metrics.jsonl";
/// Final metric values.
pub const FINAL_METRICS: &str = "metrics.json";
/// What happened when, for people.
pub const LOG: &str = "log.txt";
/// Folder of checkpoints.
pub const CHECKPOINTS: &str = "checkpoints";
/// Folder of traces.
pub const TRACES: &str = "traces";
/// Folder of events for TensorBoard.
pub const TENSORBOARD: &str = "tensorboard";
/// Which classes are taken for which in the test set.
pub const CONFUSION: &str = "confusion.json";
/// The class answered at each point of a plane.
pub const DECISION_MAP: &str = "decision_map.json";
/// How potentials came to rest.
pub const INFERENCE: &str = "inference.json";
/// What drove hidden cells' plasticity after switches of the pattern.
pub const SWITCHES: &str = "switches.json";
/// Histograms of the cells' rates.
pub const RATES: &str = "rates.json";
/// Folder of figures.
pub const FIGURES: &str = "figures";

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Just made.
    New,
    /// Begun and stopped, or going on. There may be no checkpoint yet.
    Unfinished,
    /// `DONE`.
    Finished,
    /// `FAILED`.
    Failed,
}

/// A run folder that this process alone may write in.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    info: RunInfo,
    _lock: Lock,
}

/// What opening a run folder gives.
#[derive(Debug)]
pub struct Opened {
    /// The folder.
    pub folder: RunFolder,
    /// How far its run has come.
    pub state: State,
}

impl Opened {
    /// Tells log and run.json that the run begins or goes on; false if it has ended and there is nothing to go on with.
    ///
    /// # Errors
    /// The machine's.
    pub fn begin(&mut self) -> Result<bool, Error> {
        match self.state {
            State::New => self.folder.log("started")?,
            State::Unfinished => {
                self.folder.log("resumed")?;
                self.folder.update(|info| {
                    info.resumed.push(runinfo::now());
                    (info.ended, info.exit) = (None, None);
                })?;
            }
            State::Finished | State::Failed => return Ok(false),
        }
        Ok(true)
    }
}

impl RunFolder {
    /// Finds or makes the run folder of an experiment in `parent`, and locks it. `canonical` is the text that decides
    /// the id; `resolved_toml` goes to `config.resolved.toml`, `info` to `run.json` (hash and start are set here) if
    /// the folder is new.
    ///
    /// # Errors
    /// `Input`: a name that is no file name, a folder in use, of another config or of other things; `Machine`: disk.
    pub fn open_or_create(
        parent: &Path,
        name: &str,
        canonical: &str,
        resolved_toml: &str,
        info: RunInfo,
    ) -> Result<Opened, Error> {
        let path = parent.join(folder_name(name, canonical)?);
        let machine = |source: io::Error| Error::machine(path.display().to_string(), source);
        fs::create_dir_all(&path).map_err(machine)?;
        atomic::sync_folder(parent).map_err(machine)?;
        hit("folder.created");
        let lock = Lock::take(&path)?;
        let hash = sha256_hex(canonical.as_bytes());
        if path.join(runinfo::FILE).exists() {
            let opened = Self::existing(path, lock)?;
            let folder = &opened.folder;
            if folder.info.config_sha256 != hash {
                let place = folder.path.join(runinfo::FILE).display().to_string();
                let found = format!("config_sha256 is {}, this experiment's is {hash}", folder.info.config_sha256);
                return Err(Error::input(place, found, "a folder of the same config: choose another name or --out"));
            }
            return Ok(opened);
        }
        refuse_foreign(&path)?;
        atomic::sweep_temporary(&path);
        let info = RunInfo { name: name.into(), config_sha256: hash, started: runinfo::now(), ..info };
        write_atomic(&path.join(CONFIG), resolved_toml.as_bytes(), "config")?;
        info.write(&path)?;
        Ok(Opened { folder: RunFolder { path, info, _lock: lock }, state: State::New })
    }

    /// Opens and locks a run folder that exists, whatever its config.
    ///
    /// # Errors
    /// `Input`: no run folder, or one in use; `Machine`: disk.
    pub fn open(path: &Path) -> Result<Opened, Error> {
        if !path.join(runinfo::FILE).is_file() {
            return Err(Error::input(path.display().to_string(), "no run.json in it", "a run folder"));
        }
        Self::existing(path.to_path_buf(), Lock::take(path)?)
    }

    fn existing(path: PathBuf, lock: Lock) -> Result<Opened, Error> {
        atomic::sweep_temporary(&path);
        atomic::sweep_temporary(&path.join(CHECKPOINTS));
        let info = RunInfo::read(&path)?;
        let state = state(&path)?;
        Ok(Opened { folder: RunFolder { path, info, _lock: lock }, state })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file or folder inside.
    pub fn join(&self, inside: impl AsRef<Path>) -> PathBuf {
        self.path.join(inside)
    }

    /// What `run.json` says.
    pub fn info(&self) -> &RunInfo {
        &self.info
    }

    /// Changes `run.json`.
    ///
    /// # Errors
    /// The machine's.
    pub fn update(&mut self, change: impl FnOnce(&mut RunInfo)) -> Result<(), Error> {
        change(&mut self.info);
        self.info.write(&self.path)
    }

    /// Appends a line to `log.txt`, with the time.
    ///
    /// # Errors
    /// The machine's.
    pub fn log(&self, line: &str) -> Result<(), Error> {
        let path = self.join(LOG);
        let file = OpenOptions::new().create(true).append(true).open(&path);
        file.and_then(|mut file| file.write_all(format!("{} {line}\n", runinfo::now()).as_bytes()))
            .map_err(|source| Error::machine(path.display().to_string(), source))
    }

    /// Ends the run: time and reason to `run.json`, then `DONE` or `FAILED`. A kill in between leaves it unfinished.
    ///
    /// # Errors
    /// The machine's.
    pub fn end(&mut self, ending: &Ending) -> Result<(), Error> {
        self.update(|info| {
            info.ended = Some(runinfo::now());
            info.exit = Some(ending.reason.clone());
        })?;
        ending.write(&self.path)
    }
}

/// What the name of an experiment may be, in words.
pub const NAME_RULE: &str = "1 to 100 letters, digits, '.', '_' or '-', the first a letter, a digit or '_'";

/// True if an experiment may be called so: its folder is.
pub fn is_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    !name.is_empty() && name.len() <= 100 && !name.starts_with(['.', '-']) && name.chars().all(allowed)
}

/// `NAME-ID16`.
///
/// # Errors
/// `Input` if the name breaks [`NAME_RULE`].
pub fn folder_name(name: &str, canonical: &str) -> Result<String, Error> {
    if !is_name(name) {
        return Err(Error::input("name", format!("{name:?}"), NAME_RULE));
    }
    Ok(format!("{name}-{}", &sha256_hex(canonical.as_bytes())[..16]))
}

/// SHA-256 in hex.
pub fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// How far the run in a folder with `run.json` has come.
///
/// # Errors
/// The machine's, if `DONE` or `FAILED` cannot be read.
pub fn state(folder: &Path) -> Result<State, Error> {
    Ok(match Ending::read(folder)? {
        None => State::Unfinished,
        Some(ending) if ending.done => State::Finished,
        Some(_) => State::Failed,
    })
}

/// A folder without `run.json` that holds results is not one whose making was cut short: nothing there is touched.
fn refuse_foreign(path: &Path) -> Result<(), Error> {
    match [METRICS, FINAL_METRICS, CHECKPOINTS, TRACES, TENSORBOARD, runinfo::DONE, runinfo::FAILED]
        .into_iter()
        .find(|name| path.join(name).exists())
    {
        None => Ok(()),
        Some(name) => Err(Error::input(
            path.display().to_string(),
            format!("it holds {name} but no run.json"),
            "a whole run folder, or none: move this one away",
        )),
    }
}

/// Moves a run folder out of the way, to `NAME.old-1` or the first number that is free. Returns where it is now.
///
/// # Errors
/// `Input` if it is in use; `Machine`: disk.
pub fn move_aside(path: &Path) -> Result<PathBuf, Error> {
    let _lock = Lock::take(path)?;
    let machine = |source: io::Error| Error::machine(path.display().to_string(), source);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut number = 1;
    let aside = loop {
        let aside = path.with_file_name(format!("{name}.old-{number}"));
        if fs::symlink_metadata(&aside).is_err() {
            break aside;
        }
        number += 1;
    };
    fs::rename(path, &aside).map_err(machine)?;
    atomic::sync_folder(path.parent().unwrap_or(Path::new(""))).map_err(machine)?;
    hit("folder.moved-aside");
    Ok(aside)
}

/// A run folder as a table shows it.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The folder.
    pub path: PathBuf,
    /// How far its run has come; `None` if that cannot be told.
    pub state: Option<State>,
    /// A process is writing in it.
    pub in_use: bool,
    /// `run.json`, if readable.
    pub info: Option<RunInfo>,
    /// `DONE` or `FAILED`, if there.
    pub ending: Option<Ending>,
    /// What is wrong with the folder.
    pub problem: Option<String>,
}

/// All run folders in `parent`, sorted by name: folders that hold `run.json` or `config.resolved.toml`. A damaged one
/// is listed with its problem. A parent that does not exist holds none.
///
/// # Errors
/// The machine's, if `parent` cannot be read.
pub fn list(parent: &Path) -> Result<Vec<Listed>, Error> {
    let machine = |source: io::Error| Error::machine(parent.display().to_string(), source);
    let entries = match fs::read_dir(parent) {
        Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(machine)?,
    };
    let paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>().map_err(machine)?;
    let is_run = |path: &PathBuf| path.join(runinfo::FILE).exists() || path.join(CONFIG).exists();
    let mut runs: Vec<Listed> = paths.into_iter().filter(is_run).map(look).collect();
    runs.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(runs)
}

fn look(path: PathBuf) -> Listed {
    let in_use = Lock::is_taken(&path);
    let (info, ending) = (RunInfo::read(&path), Ending::read(&path));
    let problem = info.as_ref().err().or(ending.as_ref().err()).map(Error::to_string);
    let state = info.is_ok().then(|| state(&path).ok()).flatten();
    Listed { in_use, state, info: info.ok(), ending: ending.ok().flatten(), problem, path }
}
