//! `metrics.jsonl`, a line per value, and `metrics.json`, the final values.
//!
//! Lines are appended; a checkpoint stores the file's length, and a resumed run cuts the file back to it. Numbers are
//! written as the shortest decimal that reads back as the same bits, so equal values are equal bytes.

use super::growing::Growing;
use crate::error::Error;
use crate::folder::write_atomic;
use serde_json::{Map, Value, json};
use std::fs::File;
use std::io::{self, Seek, SeekFrom};
use std::path::Path;

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

/// Writes `metrics.jsonl`.
#[derive(Debug)]
pub struct MetricsWriter {
    file: Growing,
}

impl MetricsWriter {
    /// Opens the file (made if missing) and cuts it back to its first `position` bytes: 0 begins anew.
    ///
    /// # Errors
    /// `Input` if the file is shorter than `position` or that is not a line's end; `Machine`: disk.
    pub fn resume(path: &Path, position: u64) -> Result<Self, Error> {
        Ok(MetricsWriter { file: Growing::resume(path, "metrics", "line", position, ends_line)? })
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
        self.file.append(format!("{line}\n").as_bytes())
    }

    /// Hands all lines to the operating system, so that a reader sees them.
    ///
    /// # Errors
    /// The machine's.
    pub fn flush(&mut self) -> Result<(), Error> {
        self.file.flush()
    }

    /// Makes all lines durable and returns the file's length in bytes, for a checkpoint.
    ///
    /// # Errors
    /// The machine's.
    pub fn position(&mut self) -> Result<u64, Error> {
        self.file.position()
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
