//! A run folder opened for figures: what is in it is read when it is asked for, and nothing of it is trusted.

use super::read::{self, Metrics, Series, Trace, final_metrics, trace_names};
use super::settings::Settings;
use crate::checkpoint::{BEST, LAST, Tensor, read_weights};
use crate::error::Error;
use crate::folder::atomic::read_text;
use crate::folder::{CHECKPOINTS, Ending, FINAL_METRICS, METRICS, RunInfo, runinfo};
use crate::sweep::Ranking;
use serde_json::{Map, Value};
use std::cell::OnceCell;
use std::path::{Path, PathBuf};

/// The table that `apical relate` leaves.
const RELATION: &str = "relate.csv";

/// A run folder, or the folder of a relation.
#[derive(Debug)]
pub struct Run {
    /// Where it is.
    pub path: PathBuf,
    /// The folder's name.
    pub name: String,
    /// The resolved config; nothing in the folder of a relation.
    pub settings: Settings,
    relation: bool,
    metrics: OnceCell<Metrics>,
}

impl Run {
    /// Opens a folder.
    ///
    /// # Errors
    /// `Input` if it is neither of the two, or `run.json` or the config is damaged; `Machine`.
    pub fn open(path: &Path) -> Result<Run, Error> {
        let refused = |found: &str| {
            let allowed =
                "the folder of a run, as `apical run` prints it and `apical runs` lists it, or of `apical relate`";
            Error::input(path.display().to_string(), found, allowed)
        };
        if !path.is_dir() {
            return Err(refused(if path.exists() { "this is no folder" } else { "there is no such folder" }));
        }
        let is_run = path.join(runinfo::FILE).is_file();
        if !is_run && !path.join(RELATION).is_file() {
            return Err(refused("neither run.json nor relate.csv in it"));
        }
        let settings = if is_run {
            RunInfo::read(path)?;
            Settings::read(path)?
        } else {
            Settings::default()
        };
        let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let name = whole.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Run { path: path.to_owned(), name, settings, relation: !is_run, metrics: OnceCell::new() })
    }

    /// True for the folder of a relation.
    pub fn is_relation(&self) -> bool {
        self.relation
    }

    /// All that `metrics.jsonl` holds; nothing, if the run has not yet written it.
    ///
    /// # Errors
    /// As [`read::metrics`].
    pub fn metrics(&self) -> Result<&Metrics, Error> {
        if let Some(found) = self.metrics.get() {
            return Ok(found);
        }
        let path = self.path.join(METRICS);
        // A run that was just begun has none; one that has ended must.
        let begun = !path.exists() && crate::folder::state(&self.path)? == crate::folder::State::Unfinished;
        let found = if self.relation || begun { Metrics::default() } else { read::metrics(&self.path)? };
        Ok(self.metrics.get_or_init(|| found))
    }

    /// A metric over time.
    ///
    /// # Errors
    /// As [`Run::metrics`].
    pub fn series(&self, name: &str) -> Result<Option<&Series>, Error> {
        Ok(self.metrics()?.get(name))
    }

    /// What a metric has come to; NaN if the run failed.
    ///
    /// # Errors
    /// As [`Run::metrics`] and [`final_metrics`].
    pub fn final_value(&self, name: &str) -> Result<Option<f64>, Error> {
        if self.path.join(runinfo::FAILED).exists() {
            return Ok(Some(f64::NAN));
        }
        if self.path.join(FINAL_METRICS).exists() {
            let value = final_metrics(&self.path)?.get(name).cloned();
            return Ok(value.map(|v| v.as_f64().unwrap_or(f64::NAN)));
        }
        Ok(self.series(name)?.and_then(|series| series.values.last().copied()))
    }

    /// What the run counts for by a ranking; NaN if it failed, or has no number to rank.
    ///
    /// # Errors
    /// As [`Run::final_value`].
    pub fn score(&self, ranking: &Ranking) -> Result<f64, Error> {
        if !ranking.best || self.path.join(runinfo::FAILED).exists() {
            return Ok(self.final_value(&ranking.metric)?.unwrap_or(f64::NAN));
        }
        let best = self.series(&ranking.metric)?.and_then(|series| ranking.of(&series.values));
        Ok(best.unwrap_or(f64::NAN))
    }

    /// The same if the run had ended with this epoch.
    ///
    /// # Errors
    /// As [`Run::metrics`].
    pub fn score_by(&self, ranking: &Ranking, epoch: u64) -> Result<f64, Error> {
        if self.path.join(runinfo::FAILED).exists() {
            return Ok(f64::NAN);
        }
        let by_then = |series: &Series| {
            let made = series.when.iter().take_while(|when| when.epoch <= epoch).count();
            ranking.of(&series.values[..made])
        };
        Ok(self.series(&ranking.metric)?.and_then(by_then).unwrap_or(f64::NAN))
    }

    /// The epoch after which the run was ended early, if it was.
    ///
    /// # Errors
    /// As [`Ending::read`].
    pub fn stopped_at(&self) -> Result<Option<u64>, Error> {
        Ok(Ending::read(&self.path)?.and_then(|ending| ending.stopped_at()))
    }

    /// The trace of a name, if it was recorded.
    ///
    /// # Errors
    /// As [`Trace::open`].
    pub fn trace(&self, name: &str) -> Result<Option<Trace>, Error> {
        if trace_names(&self.path)?.iter().any(|known| known == name) {
            Trace::open(&self.path, name).map(Some)
        } else {
            Ok(None)
        }
    }

    /// A weight matrix of the best checkpoint, of the last if there is no best; none, if there is no checkpoint or no such
    /// matrix.
    ///
    /// # Errors
    /// `Input` if the checkpoint is damaged; `Machine`.
    pub fn weights(&self, name: &str) -> Result<Option<Tensor>, Error> {
        let folder = self.path.join(CHECKPOINTS);
        let Some(file) = [BEST, LAST].map(|file| folder.join(file)).into_iter().find(|file| file.exists()) else {
            return Ok(None);
        };
        Ok(read_weights(&file)?.into_iter().find(|tensor| tensor.name == name && tensor.shape.len() == 2))
    }

    /// One of the JSON objects that a run leaves at its end; none, if it is not there.
    ///
    /// # Errors
    /// `Input` if it is no JSON object; `Machine`.
    pub fn observation(&self, file: &str) -> Result<Option<Map<String, Value>>, Error> {
        let path = self.path.join(file);
        if !path.exists() {
            return Ok(None);
        }
        let object = serde_json::from_str(&read_text(&path)?);
        object.map(Some).map_err(|source| Error::input(path.display().to_string(), source.to_string(), "a JSON object"))
    }

    /// The angles of a relation, a matrix for each moment and layer; none in the folder of a run.
    ///
    /// # Errors
    /// `Input`, naming the line, if `relate.csv` is not what `apical relate` writes; `Machine`.
    pub fn relation(&self) -> Result<Vec<AngleMatrix>, Error> {
        if !self.relation {
            return Ok(Vec::new());
        }
        let path = self.path.join(RELATION);
        let text = read_text(&path)?;
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let head = "when,layer,learner_a,learner_b,degrees";
        if !reader.headers().is_ok_and(|names| names.iter().eq(head.split(','))) {
            let first: String = text.lines().next().unwrap_or_default().chars().take(80).collect();
            return Err(Error::input(format!("{}:1", path.display()), first, head));
        }
        let mut found: Vec<AngleMatrix> = Vec::new();
        for (line, row) in reader.records().enumerate() {
            let wrong = |found: String| {
                let place = format!("{}:{}", path.display(), line + 2);
                Error::input(place, found, head)
            };
            let row = row.map_err(|source| wrong(source.to_string()))?;
            let [when, layer, a, b, degrees] = std::array::from_fn(|i| row.get(i).unwrap_or_default());
            let degrees = if degrees.is_empty() { Some(f64::NAN) } else { degrees.parse().ok() };
            let Some(degrees) = degrees.filter(|_| row.len() == 5) else {
                return Err(wrong(row.iter().collect::<Vec<_>>().join(",")));
            };
            let place = found.iter().position(|m| m.when == when && m.layer == layer).unwrap_or_else(|| {
                found.push(AngleMatrix { when: when.into(), layer: layer.into(), ..AngleMatrix::default() });
                found.len() - 1
            });
            found[place].entries.push((a.to_owned(), b.to_owned(), degrees));
        }
        Ok(found)
    }
}

/// Angles between learners at one moment in one layer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AngleMatrix {
    /// `start`, `trained` or `given`.
    pub when: String,
    /// `1` and so on, or `all`.
    pub layer: String,
    /// Row, column, degrees (NaN where there is no angle).
    pub entries: Vec<(String, String, f64)>,
}
