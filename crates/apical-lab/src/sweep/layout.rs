//! What lies where in the folder of a sweep.

use crate::Error;
use crate::folder::atomic::{sync, sync_folder};
use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The text of the sweep file as it was planned.
pub const SWEEP: &str = "sweep.toml";
/// Which runs there are.
pub const PLAN: &str = "plan.jsonl";
/// Where runs wait for each other, a folder per epoch.
pub(super) const RUNGS: &str = "rungs";
/// The table of results.
pub const TABLE: &str = "results";

/// The folder of a sweep.
#[derive(Clone, Debug)]
pub struct Layout {
    path: PathBuf,
}

impl Layout {
    /// `PARENT/NAME`.
    pub fn new(parent: &Path, name: &str) -> Layout {
        Layout { path: parent.join(name) }
    }

    /// Makes its folders.
    ///
    /// # Errors
    /// The machine's.
    pub fn make(&self) -> Result<(), Error> {
        for folder in [self.runs(), self.work(), self.claims(), self.workers(), self.crashed()] {
            fs::create_dir_all(&folder).map_err(|source| machine(&folder, source))?;
        }
        sync_folder(&self.path).map_err(|source| machine(&self.path, source))
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs that have ended, each an ordinary run folder.
    pub fn runs(&self) -> PathBuf {
        self.path.join("runs")
    }

    /// Runs that are being made: `work/ID.G/NAME-ID`, G counting the claims on the run.
    pub fn work(&self) -> PathBuf {
        self.path.join("work")
    }

    /// Who makes what: `claims/ID.G`.
    pub fn claims(&self) -> PathBuf {
        self.path.join("claims")
    }

    /// Who is at work: a file per process, with a counter that goes on while it lives.
    pub fn workers(&self) -> PathBuf {
        self.path.join("workers")
    }

    /// Runs that crashed too often to be tried again.
    pub fn crashed(&self) -> PathBuf {
        self.path.join("crashed")
    }

    /// Runs that wait at epoch `epoch` for the others.
    pub fn rung(&self, epoch: u64) -> PathBuf {
        self.path.join(RUNGS).join(epoch.to_string())
    }

    /// What a search asked for: a folder per space that is searched, in it a file per trial.
    pub fn trials(&self) -> PathBuf {
        self.path.join("trials")
    }

    /// A file in it.
    pub fn join(&self, inside: impl AsRef<Path>) -> PathBuf {
        self.path.join(inside)
    }

    /// The folder in which claim `generation` of a run works.
    pub fn attempt(&self, id: &str, generation: u64) -> PathBuf {
        self.work().join(format!("{id}.{generation}"))
    }
}

/// An error of the machine at a path.
pub(super) fn machine(path: &Path, source: io::Error) -> Error {
    Error::machine(path.display().to_string(), source)
}

/// Names of the entries of a folder; none if there is no such folder.
///
/// # Errors
/// The machine's.
pub(super) fn names(folder: &Path) -> Result<HashSet<String>, Error> {
    let entries = match fs::read_dir(folder) {
        Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(HashSet::new()),
        entries => entries.map_err(|source| machine(folder, source))?,
    };
    let mut names = HashSet::new();
    for entry in entries {
        names.insert(entry.map_err(|source| machine(folder, source))?.file_name().to_string_lossy().into_owned());
    }
    Ok(names)
}

/// Writes a file that several processes may write at once: the last whole one stands. `token` tells them apart.
///
/// # Errors
/// The machine's.
pub(super) fn publish(path: &Path, bytes: &[u8], token: &str) -> Result<(), Error> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = path.with_file_name(format!(".{name}.{token}.tmp"));
    let written = File::create(&temporary).and_then(|mut file| {
        file.write_all(bytes)?;
        sync(&file, &temporary)?;
        fs::rename(&temporary, path)?;
        sync_folder(path.parent().unwrap_or(Path::new("")))
    });
    written.map_err(|source| {
        let _ = fs::remove_file(&temporary);
        machine(path, source)
    })
}

/// Writes a file, whole, unless there is one: the first that is written stands. True if it was this one.
///
/// # Errors
/// The machine's.
pub(super) fn keep_first(path: &Path, bytes: &[u8], token: &str) -> Result<bool, Error> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mine = path.with_file_name(format!(".{name}.{token}"));
    publish(&mine, bytes, token)?;
    let linked = fs::hard_link(&mine, path);
    let first = linked.is_ok() || !path.exists();
    // Without links the last one stands, which two workers can see differently for a moment.
    let kept = if linked.is_err() && first { fs::rename(&mine, path) } else { fs::remove_file(&mine) };
    let folder = path.parent().unwrap_or(Path::new(""));
    kept.and_then(|()| sync_folder(folder)).map_err(|source| machine(path, source))?;
    Ok(first)
}

/// Copies a folder with all that is in it, but for temporary files and locks.
///
/// # Errors
/// The machine's.
pub(super) fn copy_folder(from: &Path, to: &Path) -> Result<(), Error> {
    fs::create_dir_all(to).map_err(|source| machine(to, source))?;
    for entry in fs::read_dir(from).map_err(|source| machine(from, source))? {
        let entry = entry.map_err(|source| machine(from, source))?;
        let name = entry.file_name();
        if name.to_string_lossy().starts_with('.') {
            continue;
        }
        let (from, to) = (entry.path(), to.join(&name));
        if entry.file_type().map_err(|source| machine(&from, source))?.is_dir() {
            copy_folder(&from, &to)?;
        } else {
            fs::copy(&from, &to).map_err(|source| machine(&to, source))?;
        }
    }
    Ok(())
}

/// A word that no other process has: 32 hex digits.
pub fn token() -> String {
    use std::hash::{BuildHasher, Hasher};
    // The keys of a `RandomState` come from the operating system; ids of process and time tell apart what they do not.
    let word = |salt: u32| {
        let mut hasher = std::collections::hash_map::RandomState::new().build_hasher();
        hasher.write_u32(std::process::id());
        hasher.write_u32(salt);
        hasher.finish()
    };
    format!("{:016x}{:016x}", word(1), word(2))
}
