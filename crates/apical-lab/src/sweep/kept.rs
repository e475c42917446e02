//! A table of results that is kept where the runs are not: in a repository, say. Runs that stand in it need not be made
//! again; each that ends is added at once.

use super::layout::{Layout, machine};
use super::plan::{Plan, Planned};
use super::spec::{Method, Spec};
use super::table::{Outcome, outcome};
use crate::Error;
use crate::folder::RunInfo;
use crate::folder::atomic::{read_large_text, write_atomic};
use crate::record::read::{self, Series};
use crate::run::significant;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::fs::File;
use std::path::{Path, PathBuf};

/// The most points of a curve.
const POINTS: usize = 30;
/// Metrics whose course is kept.
const CURVES: &[&str] =
    &["validation.", "train.", "angle_", "apical_squared.", "interneuron_mismatch_squared.", "distance_"];
/// What stands before the name of a metric whose course a column holds, by what its points are counted in.
const BY: [&str; 2] = ["by_epoch.", "by_presentation."];
const RUN: &str = "run";
/// In the sweep's folder: who has it locked may write the table.
const LOCK: &str = "table.lock";

/// Column and value, as text.
type Cells = BTreeMap<String, String>;

/// The table, a row per run.
#[derive(Debug)]
pub struct Kept {
    path: PathBuf,
    rows: HashMap<String, Cells>,
    /// Rows as the file has them, for those that the plan does not know.
    order: Vec<String>,
}

impl Kept {
    /// Reads the table, if there is one.
    ///
    /// # Errors
    /// `Input` if the file is no such table, or if runs of the sweep depend on each other; `Machine`.
    pub fn open(path: &Path, spec: &Spec) -> Result<Kept, Error> {
        let place = || path.display().to_string();
        if spec.method == Method::Bayes || spec.stopping.is_some() {
            let found = "runs of a search, and those that are ended early, depend on what others came to";
            return Err(Error::input(place(), found, "a sweep without [stop] and method = \"bayes\""));
        }
        Self::read(path)
    }

    fn read(path: &Path) -> Result<Kept, Error> {
        let place = || path.display().to_string();
        let mut kept = Kept { path: path.to_owned(), rows: HashMap::new(), order: Vec::new() };
        if !path.exists() {
            return Ok(kept);
        }
        let text = read_large_text(path)?;
        let allowed = "a table that `apical sweep run --table` wrote, or no file";
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let columns = reader.headers().map_err(|e| Error::input(place(), e.to_string(), allowed))?.clone();
        if columns.get(0) != Some(RUN) {
            return Err(Error::input(place(), format!("its first column is no `{RUN}`"), allowed));
        }
        for record in reader.records() {
            let record = record.map_err(|e| Error::input(place(), e.to_string(), allowed))?;
            let full = columns.iter().zip(&record).filter(|(_, value)| !value.is_empty());
            let cells: Cells = full.map(|(column, value)| (column.to_owned(), value.to_owned())).collect();
            let run = cells.get(RUN).cloned().unwrap_or_default();
            if run.is_empty() || kept.rows.insert(run.clone(), cells).is_some() {
                let line = record.position().map_or(0, csv::Position::line);
                let found = format!("no run, or one that stands above: {run:?}");
                return Err(Error::input(format!("{}:{line}", place()), found, "a row for each run"));
            }
            kept.order.push(run);
        }
        Ok(kept)
    }

    /// True if a run stands in it.
    pub fn has(&self, run: &str) -> bool {
        self.rows.contains_key(run)
    }

    /// How many rows are of no run of the plan. They are left as they are.
    pub fn foreign(&self, plan: &Plan) -> usize {
        self.order.len() - plan.runs.iter().filter(|p| self.order.contains(&p.run)).count()
    }

    /// Adds a run that has ended, to what other workers have made of the table meanwhile, and writes it.
    ///
    /// # Errors
    /// `Machine`; `Input` if the run's folder is damaged.
    pub fn add(&mut self, spec: &Spec, plan: &Plan, planned: &Planned, layout: &Layout) -> Result<(), Error> {
        let folder = layout.runs().join(&planned.run);
        let cells = cells(spec, planned, &folder, layout)?;
        let lock = layout.join(LOCK);
        let waited = File::create(&lock).and_then(|file| file.lock().map(|()| file));
        // Held until the table is written; death releases it.
        let _held = waited.map_err(|source| machine(&lock, source))?;
        *self = Self::read(&self.path)?;
        self.rows.insert(planned.run.clone(), cells);
        write_atomic(&self.path, &self.csv(spec, plan)?, "comparison")
    }

    /// Rows in the order of the plan, then those that it does not know; columns by what they are.
    fn csv(&self, spec: &Spec, plan: &Plan) -> Result<Vec<u8>, Error> {
        let mut columns = vec![RUN.to_owned()];
        columns.extend(spec.keys().into_iter().map(str::to_owned));
        columns.extend(["seed", "state", "reason"].map(str::to_owned));
        let mut all: Vec<&String> = self.rows.values().flat_map(BTreeMap::keys).collect();
        all.sort_by_key(|name| (COSTS.contains(&name.as_str()), BY.iter().any(|by| name.starts_with(by)), *name));
        all.dedup();
        let more: Vec<String> = all.into_iter().filter(|name| !columns.contains(name)).cloned().collect();
        columns.extend(more);
        let foreign = self.order.iter().filter(|run| !plan.runs.iter().any(|p| p.run == **run));
        let runs = plan.runs.iter().map(|p| &p.run).chain(foreign);
        let failed = |e: csv::Error| Error::machine(self.path.display().to_string(), e);
        let mut out = csv::Writer::from_writer(Vec::new());
        out.write_record(&columns).map_err(failed)?;
        for row in runs.filter_map(|run| self.rows.get(run)) {
            let values = columns.iter().map(|name| row.get(name).map_or("", String::as_str));
            out.write_record(values).map_err(failed)?;
        }
        out.into_inner().map_err(|e| Error::machine(self.path.display().to_string(), e.into_error()))
    }
}

/// What differs from one making to the next.
const COSTS: [&str; 6] = ["precision", "commit", "cpu", "cpu_features", "threads", "seconds"];

fn cells(spec: &Spec, planned: &Planned, folder: &Path, layout: &Layout) -> Result<Cells, Error> {
    let mut cells = Cells::from([(RUN.to_owned(), planned.run.clone())]);
    let mut put = |name: &str, value: String| {
        if !value.is_empty() {
            cells.insert(name.to_owned(), value);
        }
    };
    spec.values(&planned.point).into_iter().for_each(|(key, value)| put(key, value.text()));
    put("seed", spec.seed(&planned.point).to_string());
    let Some(Outcome { state, reason, metrics, .. }) = outcome(spec, planned, layout, &HashMap::new()) else {
        let found = "the run is to be added to a table and is not there";
        return Err(Error::input(folder.display().to_string(), found, "a run that has ended"));
    };
    put("state", state.to_owned());
    put("reason", reason);
    metrics.iter().for_each(|(name, value)| put(name, value.text()));
    for series in read::metrics(folder)?.series.iter().filter(|s| CURVES.iter().any(|c| s.name.starts_with(c))) {
        if let Some((by, course)) = course(series) {
            put(&format!("{by}{}", series.name), course);
        }
        let finite = series.values.iter().copied().filter(|x| x.is_finite());
        if let Some(least) = finite.min_by(f64::total_cmp).filter(|_| series.name.starts_with("validation.")) {
            put(&format!("{}.best", series.name), format!("{least:?}"));
        }
    }
    let info = RunInfo::read(folder)?;
    let features = info.cpu_features.join(" ");
    let seconds = significant(info.seconds);
    let costs = [info.precision, info.commit, info.cpu, features, info.threads.to_string(), seconds];
    COSTS.iter().zip(costs).for_each(|(name, value)| put(name, value));
    Ok(cells)
}

/// A series as `at:value at:value`, its ends and points between them evenly spaced, each with four digits.
fn course(series: &Series) -> Option<(&'static str, String)> {
    let n = series.values.len();
    if n < 2 {
        return None;
    }
    let epochs = series.when.windows(2).all(|pair| pair[0].epoch < pair[1].epoch);
    let mut text = String::new();
    let most = n.min(POINTS);
    for i in 0..most {
        let i = i * (n - 1) / (most - 1);
        let at = if epochs { series.when[i].epoch } else { series.when[i].presentation };
        let between = if text.is_empty() { "" } else { " " };
        // Writing to a String cannot fail.
        let _ = write!(text, "{between}{at}:{}", significant(series.values[i]));
    }
    Some((if epochs { BY[0] } else { BY[1] }, text))
}
