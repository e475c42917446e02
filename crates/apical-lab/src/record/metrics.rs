//! `metrics.jsonl`, a line per value, and `metrics.json`, the final values.
//!
//! Lines are appended; a checkpoint stores the file's length, and a resumed run cuts the file back to it. Numbers are
//! written as the shortest decimal that reads back as the same bits, so equal values are equal bytes.

use crate::error::Error;
use crate::failpoint::hit;
use crate::folder::write_atomic;
use serde_json::{Map, Value, json};
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// When a value was taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct When {
    /// Presentations so far.
    pub presentation: u64,
    /// Epochs so far.
    pub epoch: u64,
    /// Simulated time in ms.
    pub time_ms: f64,
}

/// Lines wait here until there are this many bytes, or a checkpoint asks.
const BUFFER: usize = 1 << 16;

/// Writes `metrics.jsonl`.
#[derive(Debug)]
pub struct MetricsWriter {
    path: PathBuf,
    file: File,
    /// Bytes of whole lines in the file. A write that failed halfway is written over by the next.
    length: u64,
    waiting: Vec<u8>,
}

impl MetricsWriter {
    /// Opens the file (made if missing) and cuts it back to its first `position` bytes: 0 begins anew.
    ///
    /// # Errors
    /// `Input` if the file is shorter than `position` or that is not a line's end; `Machine`: disk.
    pub fn resume(path: &Path, position: u64) -> Result<Self, Error> {
        let machine = |source: io::Error| Error::machine(path.display().to_string(), source);
        let options = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path);
        let mut file = options.map_err(machine)?;
        let length = file.metadata().map_err(machine)?.len();
        if length < position || !ends_line(&mut file, position).map_err(machine)? {
            return Err(Error::input(
                path.display().to_string(),
                format!("{length} bytes, without a line's end at byte {position} where the checkpoint was taken"),
                "the file as the run left it: it was changed since, start again with --again",
            ));
        }
        hit("metrics.cut.before");
        file.set_len(position).map_err(machine)?;
        file.sync_all().map_err(machine)?;
        hit("metrics.cut.after");
        Ok(MetricsWriter { path: path.to_path_buf(), file, length: position, waiting: Vec::with_capacity(BUFFER) })
    }

    /// Appends a value; one that is not finite becomes null.
    ///
    /// # Errors
    /// The machine's.
    pub fn append(&mut self, when: When, name: &str, value: f64) -> Result<(), Error> {
        let line = json!({
            "presentation": when.presentation, "epoch": when.epoch, "time_ms": when.time_ms,
            "name": name, "value": value,
        });
        hit("metrics.write.before");
        self.waiting.extend_from_slice(line.to_string().as_bytes());
        self.waiting.push(b'\n');
        hit("metrics.write.after");
        if self.waiting.len() >= BUFFER { self.flush() } else { Ok(()) }
    }

    /// Hands all lines to the operating system, so that a reader sees them.
    ///
    /// # Errors
    /// The machine's.
    pub fn flush(&mut self) -> Result<(), Error> {
        hit("metrics.flush.before");
        let written = self.file.seek(SeekFrom::Start(self.length)).and_then(|_| self.file.write_all(&self.waiting));
        written.map_err(|source| Error::machine(self.path.display().to_string(), source))?;
        self.length += self.waiting.len() as u64;
        self.waiting.clear();
        hit("metrics.flush.after");
        Ok(())
    }

    /// Makes all lines durable and returns the file's length in bytes, for a checkpoint.
    ///
    /// # Errors
    /// The machine's.
    pub fn position(&mut self) -> Result<u64, Error> {
        self.flush()?;
        hit("metrics.sync.before");
        self.file.sync_all().map_err(|source| Error::machine(self.path.display().to_string(), source))?;
        hit("metrics.sync.after");
        Ok(self.length)
    }
}

fn ends_line(file: &mut File, position: u64) -> io::Result<bool> {
    if position == 0 {
        return Ok(true);
    }
    let mut last = [0];
    file.seek(SeekFrom::Start(position - 1))?;
    io::Read::read_exact(file, &mut last)?;
    Ok(last == *b"\n")
}

/// Final values under their names, in the order given: numbers (null if not finite) and texts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FinalMetrics(pub Map<String, Value>);

impl FinalMetrics {
    /// Sets a number.
    pub fn number(&mut self, name: &str, value: f64) {
        self.0.insert(name.into(), json!(value));
    }

    /// Sets a text.
    pub fn text(&mut self, name: &str, value: &str) {
        self.0.insert(name.into(), json!(value));
    }

    /// Writes `metrics.json`.
    ///
    /// # Errors
    /// The machine's.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let text = serde_json::to_string_pretty(&self.0)
            .map_err(|source| Error::machine(path.display().to_string(), source))?;
        write_atomic(path, format!("{text}\n").as_bytes(), "final-metrics")
    }
}
