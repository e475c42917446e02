//! What a run has come to, as its folder tells it.

use crate::table::columns;
use apical_lab::Error;
use apical_lab::folder::{Ending, FINAL_METRICS, METRICS, RunInfo};
use apical_lab::record::read;
use apical_lab::run::significant;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

/// Larger metric files are not read for a table.
const LARGEST_METRICS: u64 = 1 << 30;

/// What a run has come to.
#[derive(Clone, Debug)]
pub struct Results {
    /// Its folder.
    pub path: PathBuf,
    /// What `run.json` says.
    pub info: RunInfo,
    /// How it ended, if it did.
    pub ending: Option<Ending>,
    /// Final values; those so far if it has not ended.
    pub metrics: Map<String, Value>,
}

impl Results {
    /// Reads them.
    ///
    /// # Errors
    /// A folder that is none of a run, or is damaged; the machine's.
    pub fn read(run: &Path) -> Result<Results, Error> {
        Ok(Results {
            path: run.to_path_buf(),
            info: RunInfo::read(run)?,
            ending: Ending::read(run)?,
            metrics: metrics(run)?,
        })
    }

    /// `finished`, `failed` or `unfinished`.
    pub fn state(&self) -> &'static str {
        match &self.ending {
            Some(ending) if ending.done => "finished",
            Some(_) => "failed",
            None => "unfinished",
        }
    }

    /// As JSON.
    pub fn json(&self) -> Value {
        let reason = self.ending.as_ref().map(|e| e.reason.clone()).or_else(|| self.info.exit.clone());
        json!({
            "name": self.info.name,
            "seed": self.info.seed,
            "state": self.state(),
            "reason": reason,
            "exit_code": self.ending.as_ref().map(|ending| ending.exit_code),
            "place": self.ending.as_ref().map(|ending| &ending.place).filter(|place| !place.is_empty()),
            "metrics": self.metrics,
            "path": self.path.display().to_string(),
        })
    }

    /// The final values for people, what was tested first; the norms of weights are left to the files.
    pub fn table(&self) -> String {
        let rank = |name: &str| {
            let order = ["test.", "validation.", "train.", "best.", "epochs", "presentations"];
            order.iter().position(|start| name.starts_with(start)).unwrap_or(order.len())
        };
        let mut list: Vec<(&String, &Value)> =
            self.metrics.iter().filter(|(name, _)| !name.starts_with("weight_norm.")).collect();
        list.sort_by_key(|(name, _)| rank(name));
        let rows: Vec<Vec<String>> = list.into_iter().map(|(name, value)| vec![name.clone(), text(value)]).collect();
        columns(&rows)
    }
}

/// Final values, or the last ones so far.
///
/// # Errors
/// Files that are damaged; the machine's.
pub fn metrics(run: &Path) -> Result<Map<String, Value>, Error> {
    if run.join(FINAL_METRICS).exists() {
        return read::final_metrics(run);
    }
    let path = run.join(METRICS);
    let mut last = Map::new();
    let Ok(meta) = path.metadata() else { return Ok(last) };
    if !meta.is_file() || meta.len() > LARGEST_METRICS {
        let found = "no file, or one of more than 1 GiB";
        return Err(Error::input(path.display().to_string(), found, "the metrics that a run writes"));
    }
    let mut made = (0, 0);
    for series in read::metrics(run)?.series {
        if let (Some(value), Some(when)) = (series.values.last(), series.when.last()) {
            last.insert(series.name, json!(value));
            made = (made.0.max(when.presentation), made.1.max(when.epoch));
        }
    }
    if !last.is_empty() {
        last.insert("presentations".into(), json!(made.0));
        last.insert("epochs".into(), json!(made.1));
    }
    Ok(last)
}

/// A value for people.
pub fn text(value: &Value) -> String {
    match value {
        Value::Number(number) => match number.as_f64() {
            // Counts are written with all their digits.
            Some(x) if x.fract() == 0.0 && x.abs() < 1e15 => format!("{x:.0}"),
            Some(x) => significant(x),
            None => number.to_string(),
        },
        Value::String(text) => text.clone(),
        Value::Null => "not finite".into(),
        other => other.to_string(),
    }
}
