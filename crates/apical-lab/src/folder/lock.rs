//! One process at a time in a run folder: a lock of the operating system, which death releases.

use crate::error::Error;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

/// The file that is locked; it stays in the folder and is empty.
pub const FILE: &str = ".lock";

/// The right to write in a folder, for as long as this lives.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock of `folder`, without waiting.
    ///
    /// # Errors
    /// `Input` if another process has it; `Machine` if the file cannot be made or locked.
    pub fn take(folder: &Path) -> Result<Lock, Error> {
        let path = folder.join(FILE);
        let machine = |source: std::io::Error| Error::machine(path.display().to_string(), source);
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(machine)?;
        match file.try_lock() {
            Ok(()) => Ok(Lock { file }),
            Err(TryLockError::WouldBlock) => Err(Error::input(
                folder.display().to_string(),
                "the run folder is in use by another process",
                "wait until that one has ended, or stop it",
            )),
            Err(TryLockError::Error(source)) => Err(machine(source)),
        }
    }

    /// Whether some process has the lock of `folder`. Looks without making a file.
    pub fn is_taken(folder: &Path) -> bool {
        let path = folder.join(FILE);
        // Opening what is no file, a pipe say, may wait for ever.
        path.is_file()
            && File::open(path).is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }
}

impl Drop for Lock {
    /// Closing alone would not do: a process forked meanwhile holds the file until it becomes another program.
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}
