//! `run.json`: who ran what, where and when; and `DONE` or `FAILED`: how it ended.

use super::atomic::{read_text, write_atomic};
use crate::error::Error;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Name of the file.
pub const FILE: &str = "run.json";
/// Name of the file of a run that came to its end.
pub const DONE: &str = "DONE";
/// Name of the file of a run that cannot go on.
pub const FAILED: &str = "FAILED";

/// What `run.json` holds. Fields that an older version did not write are empty.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunInfo {
    /// Name of the experiment.
    pub name: String,
    /// Seed of everything random.
    pub seed: u64,
    /// SHA-256 of the canonical config, hex; set by `RunFolder::open_or_create`.
    pub config_sha256: String,
    /// Version of apical.
    pub version: String,
    /// Commit it was built from.
    pub commit: String,
    /// The command line.
    pub argv: Vec<String>,
    /// Name of the machine.
    pub host: String,
    /// Model of its CPU.
    pub cpu: String,
    /// Features of the CPU that were used.
    pub cpu_features: Vec<String>,
    /// Number of threads.
    pub threads: usize,
    /// `f32` or `f64`.
    pub precision: String,
    /// Which kernels and blocks: what decides the bits beside the config.
    pub plan: String,
    /// SHA-256 of each data file, unpacked.
    pub data: BTreeMap<String, String>,
    /// Presentations that the whole run makes; 0: not told.
    pub presentations: u64,
    /// Epochs that the whole run makes; 0: not told.
    pub epochs: u64,
    /// When the run began, RFC 3339 in UTC.
    pub started: String,
    /// When it was taken up again.
    pub resumed: Vec<String>,
    /// When it ended or was stopped.
    pub ended: Option<String>,
    /// Why it ended or was stopped.
    pub exit: Option<String>,
    /// Seconds that it took, over all sessions that ended by themselves or by a request to stop.
    pub seconds: f64,
    /// What these sessions cost.
    pub cost: Cost,
}

/// What a run cost, over the same sessions as [`RunInfo::seconds`]; 0: not told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cost {
    /// Seconds of training alone: without validation, test and checkpoints at the ends of epochs.
    pub training_seconds: f64,
    /// Presentations made in them.
    pub presentations: u64,
    /// Euler steps made in them; 0 for other solvers.
    pub steps: u64,
    /// Seconds of the longest epoch.
    pub slowest_epoch_seconds: f64,
    /// Most memory that the process ever held, bytes; 0 where the system does not tell.
    pub peak_memory_bytes: u64,
}

impl Cost {
    /// Adds a session.
    pub fn add(&mut self, session: Cost) {
        self.training_seconds += session.training_seconds;
        self.presentations += session.presentations;
        self.steps += session.steps;
        self.slowest_epoch_seconds = self.slowest_epoch_seconds.max(session.slowest_epoch_seconds);
        self.peak_memory_bytes = self.peak_memory_bytes.max(session.peak_memory_bytes);
    }
}

impl RunInfo {
    /// Reads `run.json` of a run folder.
    ///
    /// # Errors
    /// `Machine` if the file cannot be read, `Input` if it is not what it should be; both name it.
    pub fn read(folder: &Path) -> Result<RunInfo, Error> {
        let path = folder.join(FILE);
        let text = read_text(&path)?;
        // By way of an object: serde would take an array as the fields in their order.
        let object = serde_json::from_str(&text).map(serde_json::Value::Object);
        object.and_then(serde_json::from_value).map_err(|source| {
            Error::input(path.display().to_string(), source.to_string(), "the JSON object that a run writes")
        })
    }

    /// Writes `run.json` of a run folder.
    ///
    /// # Errors
    /// The machine's.
    pub fn write(&self, folder: &Path) -> Result<(), Error> {
        let path = folder.join(FILE);
        let text = serde_json::to_string_pretty(self).map_err(|source| Error::machine(FILE, source))?;
        write_atomic(&path, format!("{text}\n").as_bytes(), "run-info")
    }
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Ending {
    /// `DONE` (it came to its end, whether or not it reached what was expected) or `FAILED` (it cannot go on).
    pub done: bool,
    /// For people, one line.
    pub reason: String,
    /// What the command exits with, then and when it is asked again.
    pub exit_code: i32,
    /// Where it failed (layer, kind of cell, time), for programs; empty for `DONE`.
    pub place: serde_json::Map<String, serde_json::Value>,
}

/// How the reason of a run begins that was ended before its last epoch, since others did better; the epoch follows, and a colon.
pub const STOPPED_EARLY: &str = "stopped early after epoch";

impl Ending {
    /// The epoch after which the run was ended early, if it was.
    pub fn stopped_at(&self) -> Option<u64> {
        let rest = self.reason.strip_prefix(STOPPED_EARLY).filter(|_| self.done)?;
        rest.split(':').next()?.trim().parse().ok()
    }

    /// Writes `DONE` or `FAILED`: the reason in the first line, a JSON object in the second.
    ///
    /// # Errors
    /// The machine's.
    pub fn write(&self, folder: &Path) -> Result<(), Error> {
        let details = serde_json::json!({ "exit_code": self.exit_code, "place": self.place });
        let text = format!("{}\n{details}\n", self.reason.replace('\n', " "));
        write_atomic(&folder.join(if self.done { DONE } else { FAILED }), text.as_bytes(), "ending")
    }

    /// Reads `DONE` or `FAILED`; `None` if the run has not ended. What is missing in a file cut or written by hand
    /// is taken as exit code 0 for `DONE`, 1 for `FAILED`.
    ///
    /// # Errors
    /// The machine's, if the file is there and cannot be read.
    pub fn read(folder: &Path) -> Result<Option<Ending>, Error> {
        let done = folder.join(DONE).exists();
        if !done && !folder.join(FAILED).exists() {
            return Ok(None);
        }
        let file = folder.join(if done { DONE } else { FAILED });
        let text = read_text(&file)?;
        if text.trim().is_empty() {
            let place = file.display().to_string();
            return Err(Error::input(
                place,
                "it is empty",
                "the reason that a run writes; without this file the run goes on",
            ));
        }
        let mut lines = text.lines();
        let reason = lines.next().unwrap_or_default().to_string();
        let details: serde_json::Value = lines.next().and_then(|l| serde_json::from_str(l).ok()).unwrap_or_default();
        let exit_code = details["exit_code"].as_i64().and_then(|code| i32::try_from(code).ok());
        let place = details["place"].as_object().cloned().unwrap_or_default();
        Ok(Some(Ending { done, reason, exit_code: exit_code.unwrap_or(i32::from(!done)), place }))
    }
}

/// Now, as `run.json` and `log.txt` write it: RFC 3339 in UTC, to the second.
pub fn now() -> String {
    let now = OffsetDateTime::now_utc();
    let now = now.replace_nanosecond(0).unwrap_or(now);
    now.format(&Rfc3339).unwrap_or_default()
}

/// Name of this machine, `unknown` if it does not tell.
pub fn host_name() -> String {
    let told = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let told = told.or_else(|| std::env::var("HOSTNAME").ok()).or_else(|| std::env::var("COMPUTERNAME").ok());
    told.map(|name| name.trim().to_string()).filter(|name| !name.is_empty()).unwrap_or_else(|| "unknown".into())
}

/// Model of this machine's CPU, its architecture if it does not tell.
pub fn cpu_model() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    model.map_or_else(|| std::env::consts::ARCH.to_string(), |(_, name)| name.trim().to_string())
}

/// Most memory that this process ever held, bytes; 0 where the system does not tell.
pub fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse().ok());
    field.map_or(0, |kilobytes: u64| kilobytes * 1024)
}
