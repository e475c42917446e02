//! A file that grows by whole pieces (lines, records) and is cut back to a checkpoint's length when its run is resumed.

use crate::error::Error;
use crate::failpoint::hit_step;
use crate::folder::atomic::sync;
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Pieces wait here until there are this many bytes, or a checkpoint asks.
const BUFFER: usize = 1 << 16;

/// A file that is appended to.
#[derive(Debug)]
pub(super) struct Growing {
    path: PathBuf,
    /// One of `failpoint::GROWING_FILES`.
    kind: &'static str,
    file: File,
    /// Bytes of whole pieces in the file. A write that failed halfway is written over by the next.
    length: u64,
    waiting: Vec<u8>,
}

impl Growing {
    /// Opens the file (made if missing) and cuts it back to its first `position` bytes: 0 begins anew. `ends` tells
    /// whether a piece ends at a position; `piece` is what error messages call one.
    ///
    /// # Errors
    /// `Input` if the file is shorter than `position` or no piece ends there; `Machine`: disk.
    pub fn resume(
        path: &Path,
        kind: &'static str,
        piece: &str,
        position: u64,
        ends: impl Fn(&mut File, u64) -> io::Result<bool>,
    ) -> Result<Self, Error> {
        let machine = |source: io::Error| Error::machine(path.display().to_string(), source);
        let options = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path);
        let mut file = options.map_err(machine)?;
        let length = file.metadata().map_err(machine)?.len();
        if length < position || !ends(&mut file, position).map_err(machine)? {
            return Err(Error::input(
                path.display().to_string(),
                format!("{length} bytes, without a {piece}'s end at byte {position} where the checkpoint was taken"),
                "the file as the run left it: it was changed since, start again with --again",
            ));
        }
        hit_step(kind, "cut.before");
        file.set_len(position).map_err(machine)?;
        sync(&file, path).map_err(machine)?;
        hit_step(kind, "cut.after");
        let waiting = Vec::with_capacity(BUFFER);
        Ok(Growing { path: path.to_path_buf(), kind, file, length: position, waiting })
    }

    /// Appends a whole piece.
    ///
    /// # Errors
    /// The machine's.
    pub fn append(&mut self, piece: &[u8]) -> Result<(), Error> {
        hit_step(self.kind, "write.before");
        self.waiting.extend_from_slice(piece);
        hit_step(self.kind, "write.after");
        if self.waiting.len() >= BUFFER { self.flush() } else { Ok(()) }
    }

    /// Hands all pieces to the operating system, so that a reader sees them.
    ///
    /// # Errors
    /// The machine's.
    pub fn flush(&mut self) -> Result<(), Error> {
        hit_step(self.kind, "flush.before");
        let written = self.file.seek(SeekFrom::Start(self.length)).and_then(|_| self.file.write_all(&self.waiting));
        written.map_err(|source| Error::machine(self.path.display().to_string(), source))?;
        self.length += self.waiting.len() as u64;
        self.waiting.clear();
        hit_step(self.kind, "flush.after");
        Ok(())
    }

    /// Makes all pieces durable and returns the file's length in bytes, for a checkpoint.
    ///
    /// # Errors
    /// The machine's.
    pub fn position(&mut self) -> Result<u64, Error> {
        self.flush()?;
        hit_step(self.kind, "sync.before");
        sync(&self.file, &self.path).map_err(|source| Error::machine(self.path.display().to_string(), source))?;
        hit_step(self.kind, "sync.after");
        Ok(self.length)
    }
}
