//! What the runs of a comparison have come to: read from their folders, ranked on validation, written as CSV.

use super::Comparison;
use crate::folder::{Ending, FINAL_METRICS, METRICS, RunInfo};
use crate::record::read;
use crate::{Error, record::read::Metrics};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Validations that the error of the last epochs is the mean of.
pub const LAST: usize = 5;
/// What learners are ranked by: the first of these that the runs have.
const MEASURES: [&str; 3] = ["validation.error", "validation.loss", "train.loss"];
/// Metrics per layer that are kept beside it.
const ANGLE: &str = "angle_bp.";

/// Values over epochs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curve {
    /// The metric.
    pub name: String,
    /// Epochs made, with part of one where a value was taken within.
    pub epoch: Vec<f64>,
    /// Values; NaN where the run wrote null.
    pub value: Vec<f64>,
}

/// One run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunResult {
    /// Index into the entries of the comparison.
    pub entry: usize,
    /// Its seed.
    pub seed: u64,
    /// Its folder.
    pub folder: PathBuf,
    /// How it ended, if it did.
    pub ending: Option<Ending>,
    /// Best value of the measure, and its epoch.
    pub best: Option<(f64, f64)>,
    /// The test's error, or loss without classes.
    pub test: Option<f64>,
    /// Mean of the measure over the last [`LAST`] validations.
    pub last: Option<f64>,
    /// Seconds over all its sessions.
    pub seconds: f64,
    /// Epochs made.
    pub epochs: f64,
    /// The measure over epochs.
    pub curve: Curve,
    /// `angle_bp.K` over epochs, by layer.
    pub angles: Vec<Curve>,
}

impl RunResult {
    /// True if it came to its end.
    pub fn is_done(&self) -> bool {
        self.ending.as_ref().is_some_and(|ending| ending.done)
    }
}

/// A mean and what goes with it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mean {
    /// The mean.
    pub mean: f64,
    /// Standard deviation of the values (n - 1); `None` for a single one.
    pub sd: Option<f64>,
}

/// What the runs of one learner have come to, over those that came to their end.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Index into the entries of the comparison.
    pub entry: usize,
    /// Runs that came to their end, and runs that failed.
    pub runs: (usize, usize),
    /// Best value of the measure.
    pub best: Option<Mean>,
    /// Test.
    pub test: Option<Mean>,
    /// Last epochs.
    pub last: Option<Mean>,
    /// Seconds of a run.
    pub seconds: Option<Mean>,
    /// Seconds of an epoch.
    pub per_epoch: Option<Mean>,
    /// `angle_bp.K` at the end, by layer.
    pub angles: Vec<(String, Option<Mean>)>,
}

/// All runs of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Results {
    /// What was compared by: the name of a metric.
    pub measure: &'static str,
    /// Runs in the order of learners, then seeds.
    pub runs: Vec<RunResult>,
    /// Learners, the best first.
    pub rows: Vec<Row>,
}

impl Results {
    /// Reads the run folders, `folders[entry][seed]`.
    ///
    /// # Errors
    /// Damaged run folders; the machine's.
    pub fn read(c: &Comparison, folders: &[Vec<PathBuf>]) -> Result<Results, Error> {
        let mut raw = Vec::new();
        for (entry, folders) in folders.iter().enumerate() {
            for (&seed, folder) in c.seeds.iter().zip(folders) {
                let metrics = match folder.join(METRICS).exists() {
                    true => read::metrics(folder)?,
                    false => Metrics::default(),
                };
                raw.push((entry, seed, folder, metrics));
            }
        }
        let has = |name: &&&str| raw.iter().any(|(.., m)| m.get(name).is_some());
        let measure = MEASURES.iter().find(has).copied().unwrap_or(MEASURES[0]);
        let runs: Result<Vec<_>, Error> =
            raw.iter().map(|(entry, seed, folder, metrics)| run(*entry, *seed, folder, metrics, measure)).collect();
        let runs = runs?;
        let mut rows: Vec<Row> = (0..c.entries.len()).map(|entry| row(entry, &runs)).collect();
        // A learner of which runs failed stands behind those of which none did.
        let key = |r: &Row| (r.runs.1 > 0, r.best.map_or(f64::INFINITY, |m| m.mean));
        rows.sort_by(|a, b| key(a).0.cmp(&key(b).0).then(key(a).1.total_cmp(&key(b).1)));
        Ok(Results { measure, runs, rows })
    }

    /// True if the measure is a share of samples.
    pub fn is_error(&self) -> bool {
        self.measure.ends_with("error")
    }

    /// The names `angle_bp.K` that any run has, in order of layers.
    pub fn angles(&self) -> Vec<String> {
        let mut names: Vec<String> = self.runs.iter().flat_map(|r| &r.angles).map(|a| a.name.clone()).collect();
        names.sort_by_key(|name| (name.len(), name.clone()));
        names.dedup();
        names
    }

    /// A row per run.
    pub fn runs_csv(&self, c: &Comparison) -> String {
        let mut out = String::from(
            "learner,label,seed,run,state,measure,best_validation,best_epoch,test,last_epochs,epochs,seconds,seconds_per_epoch",
        );
        let angles = self.angles();
        for name in &angles {
            let _ = write!(out, ",{name}_final,{name}_mean");
        }
        out.push('\n');
        for r in &self.runs {
            let (entry, state) = (&c.entries[r.entry], state(r));
            let run = r.folder.file_name().unwrap_or_default().to_string_lossy();
            let _ = write!(
                out,
                "{},{},{},{},{state},{},{},{},{},{},{},{:.3},{:.4}",
                field(&entry.name),
                field(&entry.label),
                r.seed,
                field(&run),
                self.measure,
                number(r.best.map(|b| b.0)),
                number(r.best.map(|b| b.1)),
                number(r.test),
                number(r.last),
                number(Some(r.epochs)),
                r.seconds,
                r.seconds / r.epochs.max(1.0)
            );
            for name in &angles {
                let curve = r.angles.iter().find(|a| a.name == *name);
                let last = curve.and_then(|a| a.value.last().copied());
                let mean = curve.and_then(|a| mean(a.value.iter().copied())).map(|m| m.mean);
                let _ = write!(out, ",{},{}", number(last), number(mean));
            }
            out.push('\n');
        }
        out
    }

    /// A row per learner, the best first.
    pub fn summary_csv(&self, c: &Comparison) -> String {
        let columns = ["best_validation", "test", "last_epochs", "seconds", "seconds_per_epoch"];
        let angles = self.angles();
        let mut out = String::from("rank,learner,label,finished,failed,measure");
        for name in columns.iter().map(|c| (*c).to_owned()).chain(angles.iter().map(|a| format!("{a}_final"))) {
            let _ = write!(out, ",{name}_mean,{name}_sd");
        }
        out.push('\n');
        for (rank, row) in self.rows.iter().enumerate() {
            let entry = &c.entries[row.entry];
            let (name, label) = (field(&entry.name), field(&entry.label));
            let _ = write!(out, "{},{name},{label},{},{},{}", rank + 1, row.runs.0, row.runs.1, self.measure);
            let of_angle = |name: &String| row.angles.iter().find(|(n, _)| n == name).and_then(|(_, m)| *m);
            let means = [row.best, row.test, row.last, row.seconds, row.per_epoch];
            for m in means.into_iter().chain(angles.iter().map(of_angle)) {
                let _ = write!(out, ",{},{}", number(m.map(|m| m.mean)), number(m.and_then(|m| m.sd)));
            }
            out.push('\n');
        }
        out
    }

    /// A row per value over epochs.
    pub fn curves_csv(&self, c: &Comparison) -> String {
        let mut out = String::from("learner,seed,metric,epoch,value\n");
        for r in &self.runs {
            let name = field(&c.entries[r.entry].name);
            for curve in std::iter::once(&r.curve).chain(&r.angles) {
                for (epoch, value) in curve.epoch.iter().zip(&curve.value) {
                    let (epoch, value) = (number(Some(*epoch)), number(Some(*value)));
                    let _ = writeln!(out, "{name},{},{},{epoch},{value}", r.seed, curve.name);
                }
            }
        }
        out
    }
}

/// `finished`, `failed` or `unfinished`.
pub fn state(r: &RunResult) -> &'static str {
    match &r.ending {
        Some(ending) if ending.done => "finished",
        Some(_) => "failed",
        None => "unfinished",
    }
}

fn run(entry: usize, seed: u64, folder: &Path, metrics: &Metrics, measure: &str) -> Result<RunResult, Error> {
    let per_epoch = metrics
        .series
        .iter()
        .flat_map(|s| &s.when)
        .filter(|w| w.epoch > 0)
        .map(|w| w.presentation as f64 / w.epoch as f64)
        .fold(f64::INFINITY, f64::min);
    let curve = |name: &str| {
        let series = metrics.get(name)?;
        let whole = name.starts_with("validation");
        // Metrics of an interval are written before the epoch that they end is counted.
        let epoch = series.when.iter().map(|w| if whole { w.epoch as f64 } else { w.presentation as f64 / per_epoch });
        Some(Curve { name: name.to_owned(), epoch: epoch.collect(), value: series.values.clone() })
    };
    let list = if folder.join(FINAL_METRICS).exists() { read::final_metrics(folder)? } else { Default::default() };
    let curve_of = curve(measure).unwrap_or_default();
    let points = || curve_of.epoch.iter().copied().zip(curve_of.value.iter().copied()).filter(|p| p.1.is_finite());
    let best = points().map(|(e, v)| (v, e)).reduce(|a, b| if b.0 < a.0 { b } else { a });
    let tail = &curve_of.value[curve_of.value.len().saturating_sub(LAST)..];
    let value = |name: &str| list.get(name).and_then(serde_json::Value::as_f64);
    let test = if measure.ends_with("error") { value("test.error") } else { value("test.loss") };
    let last_epoch = metrics.series.iter().flat_map(|s| &s.when).map(|w| w.epoch as f64).fold(0.0, f64::max);
    Ok(RunResult {
        entry,
        seed,
        folder: folder.to_path_buf(),
        ending: Ending::read(folder)?,
        best,
        test,
        last: mean(tail.iter().copied()).map(|m| m.mean),
        seconds: RunInfo::read(folder)?.seconds,
        epochs: value("epochs").unwrap_or(last_epoch),
        angles: metrics.series.iter().filter(|s| s.name.starts_with(ANGLE)).filter_map(|s| curve(&s.name)).collect(),
        curve: curve_of,
    })
}

fn row(entry: usize, runs: &[RunResult]) -> Row {
    let own: Vec<&RunResult> = runs.iter().filter(|r| r.entry == entry).collect();
    let done: Vec<&RunResult> = own.iter().copied().filter(|r| r.is_done()).collect();
    let of = |value: &dyn Fn(&RunResult) -> Option<f64>| mean(done.iter().filter_map(|r| value(r)));
    let mut names: Vec<&String> = done.iter().flat_map(|r| &r.angles).map(|a| &a.name).collect();
    names.sort();
    names.dedup();
    let last = |r: &RunResult, name: &str| r.angles.iter().find(|a| a.name == name)?.value.last().copied();
    Row {
        entry,
        runs: (done.len(), own.iter().filter(|r| r.ending.is_some() && !r.is_done()).count()),
        best: of(&|r| r.best.map(|b| b.0)),
        test: of(&|r| r.test),
        last: of(&|r| r.last),
        seconds: of(&|r| Some(r.seconds)),
        per_epoch: of(&|r| Some(r.seconds / r.epochs.max(1.0))),
        angles: names.into_iter().map(|name| (name.clone(), of(&|r| last(r, name)))).collect(),
    }
}

/// Mean and deviation of the finite values; `None` if there are none.
pub fn mean(values: impl Iterator<Item = f64>) -> Option<Mean> {
    let values: Vec<f64> = values.filter(|v| v.is_finite()).collect();
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    (!values.is_empty()).then(|| Mean { mean, sd: (values.len() > 1).then(|| (squares / (n - 1.0)).sqrt()) })
}

/// The shortest decimal that reads back as the same; empty where there is none.
fn number(value: Option<f64>) -> String {
    value.filter(|v| v.is_finite()).map_or(String::new(), |v| v.to_string())
}

/// Quoted where RFC 4180 asks for it.
fn field(text: &str) -> String {
    if text.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}
