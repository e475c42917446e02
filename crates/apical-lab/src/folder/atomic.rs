//! Files that are there as a whole or not at all.
//!
//! A file is written beside its place, synced, and renamed over the old one; then the folder is synced. Whoever is
//! killed in between, or finds the disk full, leaves the old file as it was. Of several files each is there as a whole or
//! not at all; they take these steps together, since what a file system commits for the first sync it need not commit again
//! for the next.

use crate::error::Error;
use crate::failpoint::hit_step;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
#[cfg(unix)]
use std::sync::{Arc, atomic::AtomicBool};
use std::sync::{PoisonError, RwLock};

/// The end of a temporary file's name; such files are left by a kill and swept when the folder is opened.
const TEMPORARY: &str = ".tmp";

/// So many files are open at once.
const OPEN_FILES: usize = 64;

/// Writes `bytes` to `path`, all of it or nothing. `kind` is one of `failpoint::ATOMIC_FILES`.
///
/// Only one process may write a path at a time (the lock of a run folder sees to it).
///
/// What a link leads to is replaced, not the link.
///
/// # Errors
/// `Input` if something is there that is no regular file: a rename would put a file in the place of a device. The machine's,
/// naming the path; the temporary file is removed and an older file at `path` stays as it is. That a file-size limit is an
/// error and not the end of the process takes `ignore_file_size_signal`.
pub fn write_atomic(path: &Path, bytes: &[u8], kind: &str) -> Result<(), Error> {
    write_all_atomic(&[(path, bytes)], kind)
}

/// Writes several files of one kind, each as [`write_atomic`] does.
///
/// # Errors
/// As [`write_atomic`], naming the first file that could not be written; those before it may be the new ones.
pub fn write_all_atomic(files: &[(&Path, &[u8])], kind: &str) -> Result<(), Error> {
    files.chunks(OPEN_FILES).try_for_each(|files| {
        let files: Vec<(PathBuf, &[u8])> =
            files.iter().map(|&(path, bytes)| Ok((replaceable(path)?, bytes))).collect::<Result<_, Error>>()?;
        replace(&files, kind).map_err(|(path, source)| {
            files.iter().for_each(|(path, _)| drop(fs::remove_file(temporary(path))));
            let kept = if path.exists() { "the last good one is kept" } else { "nothing is left of it" };
            Error {
                allowed: kept.into(),
                ..Error::machine(path.display().to_string(), format!("not written: {source}"))
            }
        })
    })
}

/// Writes what a user asked for to where the user wants it: a file as [`write_atomic`] does, a device or a pipe as it is.
///
/// # Errors
/// As [`write_atomic`]. A reader of a pipe that has gone away has read enough.
pub fn write_out(path: &Path, bytes: &[u8], kind: &str) -> Result<(), Error> {
    match fs::metadata(path) {
        Ok(there) if !there.is_file() && !there.is_dir() => {
            match OpenOptions::new().write(true).open(path).and_then(|mut file| file.write_all(bytes)) {
                Err(source) if source.kind() != io::ErrorKind::BrokenPipe => {
                    Err(Error::machine(path.display().to_string(), source))
                }
                _ => Ok(()),
            }
        }
        _ => write_atomic(path, bytes, kind),
    }
}

/// The place of the regular file that `path` names or will name.
fn replaceable(path: &Path) -> Result<PathBuf, Error> {
    let Ok(there) = fs::symlink_metadata(path) else { return Ok(path.to_owned()) };
    let place = if there.is_symlink() { path.canonicalize() } else { Ok(path.to_owned()) };
    let found = match place {
        Ok(place) if place.is_file() => return Ok(place),
        Ok(place) if place.is_dir() => "this is a folder",
        Ok(_) => "this is no regular file",
        Err(_) => "a link that leads nowhere",
    };
    Err(Error::input(path.display().to_string(), found, "allowed: a regular file, or a name that is free"))
}

fn replace<'a>(files: &'a [(PathBuf, &[u8])], kind: &str) -> Result<(), (&'a Path, io::Error)> {
    let each = |step: &mut dyn FnMut(&'a Path, &[u8]) -> io::Result<()>| {
        files.iter().try_for_each(|(path, bytes)| step(path, bytes).map_err(|source| (path.as_path(), source)))
    };
    let mut written = Vec::with_capacity(files.len());
    each(&mut |path, bytes| {
        hit_step(kind, "write.before");
        let mut file = File::create(temporary(path))?;
        let (first, second) = bytes.split_at(bytes.len() / 2);
        file.write_all(first)?;
        hit_step(kind, "write.middle");
        file.write_all(second)?;
        hit_step(kind, "write.after");
        written.push(file);
        Ok(())
    })?;
    let mut written = written.into_iter();
    each(&mut |path, _| {
        hit_step(kind, "sync.before");
        written.next().map_or(Ok(()), |file| sync(&file, path))?;
        hit_step(kind, "sync.after");
        Ok(())
    })?;
    each(&mut |path, _| {
        hit_step(kind, "rename.before");
        fs::rename(temporary(path), path)?;
        hit_step(kind, "rename.after");
        Ok(())
    })?;
    each(&mut |path, _| {
        sync_folder(path.parent().unwrap_or(Path::new("")))?;
        hit_step(kind, "folder-sync.after");
        Ok(())
    })
}

fn temporary(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}{TEMPORARY}"))
}

/// Folders whose files are made durable as a whole, not one by one.
static DEFERRED: RwLock<Vec<PathBuf>> = RwLock::new(Vec::new());

/// While this lives, files below its folder are not synced when they are written: they survive the death of a process,
/// but not of the machine. Who shows them as results calls [`sync_tree`] first.
#[derive(Debug)]
pub struct Deferred(PathBuf);

impl Deferred {
    /// Defers the syncs below `folder`, named as the files in it will be.
    pub fn new(folder: &Path) -> Deferred {
        DEFERRED.write().unwrap_or_else(PoisonError::into_inner).push(folder.to_owned());
        Deferred(folder.to_owned())
    }
}

impl Drop for Deferred {
    fn drop(&mut self) {
        let mut list = DEFERRED.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(i) = list.iter().position(|folder| *folder == self.0) {
            list.remove(i);
        }
    }
}

fn is_deferred(path: &Path) -> bool {
    DEFERRED.read().unwrap_or_else(PoisonError::into_inner).iter().any(|folder| path.starts_with(folder))
}

/// Makes a file's content durable, unless that of its folder is deferred.
pub fn sync(file: &File, path: &Path) -> io::Result<()> {
    if is_deferred(path) { Ok(()) } else { file.sync_all() }
}

/// Makes a folder durable with all that is in it. The files are synced side by side: then a journal writes them at once,
/// and many take no longer than one.
///
/// # Errors
/// The machine's.
pub fn sync_tree(folder: &Path) -> io::Result<()> {
    let mut all = vec![folder.to_owned()];
    let mut next = 0;
    while let Some(path) = all.get(next).cloned() {
        next += 1;
        if path.is_dir() {
            for entry in fs::read_dir(&path)? {
                all.push(entry?.path());
            }
        }
    }
    let part = all.len().div_ceil(SYNCED_AT_ONCE).max(1);
    std::thread::scope(|scope| {
        let parts: Vec<_> = all
            .chunks(part)
            .map(|part| {
                scope.spawn(move || {
                    part.iter()
                        .filter(|path| cfg!(unix) || path.is_file())
                        .try_for_each(|path| File::open(path)?.sync_all())
                })
            })
            .collect();
        parts.into_iter().try_for_each(|part| part.join().unwrap_or_else(|_| Err(io::Error::other("a sync panicked"))))
    })
}

/// Makes created, renamed and removed names of a folder durable. Only Unix can open a folder to sync it.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) && !is_deferred(folder) {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// Texts of a run folder (configs, `run.json`, `DONE`) are far smaller than this.
const LARGEST_TEXT: u64 = 16 << 20;
/// The plan of ten million runs is smaller than this.
const LARGEST_PLAN: u64 = 4 << 30;
/// So many threads sync the files of a folder.
const SYNCED_AT_ONCE: usize = 16;

/// Reads a small text file as a whole.
///
/// # Errors
/// `Input` if there is no such file, or it is no file, not UTF-8 or beyond 16 MiB; `Machine` if it cannot be read.
pub fn read_text(path: &Path) -> Result<String, Error> {
    read_up_to(path, LARGEST_TEXT)
}

/// Reads a text file that may have a line per run of a sweep.
///
/// # Errors
/// As [`read_text`], beyond 4 GiB.
pub fn read_large_text(path: &Path) -> Result<String, Error> {
    read_up_to(path, LARGEST_PLAN)
}

/// Refuses what is no regular file, which might be read for ever, and one of more than `most` bytes.
///
/// # Errors
/// `Input` for these and if there is no such file; `Machine` if that cannot be told.
pub fn must_be_readable(path: &Path, most: u64) -> Result<(), Error> {
    let refused = |found: &str| Err(Error::input(path.display().to_string(), found, "a file that a run wrote"));
    match fs::metadata(path) {
        Ok(meta) if meta.is_file() && meta.len() <= most => Ok(()),
        Ok(_) => refused(&format!("no file, or one of more than {} MiB", most >> 20)),
        Err(source) if source.kind() == io::ErrorKind::NotFound => refused("there is no such file"),
        Err(_) if path.is_symlink() => refused("a link that leads nowhere"),
        Err(source) => Err(Error::machine(path.display().to_string(), source)),
    }
}

fn read_up_to(path: &Path, most: u64) -> Result<String, Error> {
    let place = || path.display().to_string();
    must_be_readable(path, most)?;
    let bytes = fs::read(path).map_err(|source| Error::machine(place(), source))?;
    String::from_utf8(bytes).map_err(|source| {
        let byte = source.utf8_error().valid_up_to();
        Error::input(place(), format!("not UTF-8 at byte {byte}"), "a text file that a run wrote")
    })
}

/// Removes temporary files that a killed process left in `folder`.
pub fn sweep_temporary(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') && name.ends_with(TEMPORARY) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Lets a write beyond the file-size limit (`ulimit -f`) fail with an error: by default SIGXFSZ ends the process.
///
/// # Errors
/// The machine's, if the signal cannot be handled.
pub fn ignore_file_size_signal() -> Result<(), Error> {
    #[cfg(unix)]
    signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::new(AtomicBool::new(false)))
        .map_err(|source| Error::machine("SIGXFSZ", source))?;
    Ok(())
}
