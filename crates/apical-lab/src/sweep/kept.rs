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
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The most points of a curve.
const POINTS: usize = 30;
/// Metrics whose course is kept.
const CURVES: &[&str] = &[
    "validation.",
    "train.",
    "angle_",
    "apical_squared.",
    "interneuron_mismatch_squared.",
    "distance_",
    "forward_feedback_angle.",
];
/// What stands before the name of a metric whose course a column holds, by what its points are counted in.
const BY: [&str; 2] = ["by_epoch.", "by_presentation."];
const RUN: &str = "run";
const STATE: &str = "state";
/// States of runs that have ended, which alone stand in it.
const ENDED: [&str; 2] = ["done", "failed"];

/// Column and value, as text.
type Cells = BTreeMap<String, String>;

/// The table, a row per run.
#[derive(Debug)]
pub struct Kept<'a> {
    spec: &'a Spec,
    plan: &'a Plan,
    layout: &'a Layout,
    path: PathBuf,
    rows: Rows,
    /// Rows that were added here, all of them: whoever puts back an older file meanwhile loses none.
    added: Vec<(String, Cells)>,
    /// Some of these are not in the file yet.
    unwritten: bool,
    /// When the file was last written, and how long that took.
    written: Option<(Instant, Duration)>,
}

/// What the file holds.
#[derive(Debug, Default)]
struct Rows {
    cells: HashMap<String, Cells>,
    /// Rows as the file has them, for those that the plan does not know.
    order: Vec<String>,
}

/// A table of thousands of rows is written so seldom that writing takes at most one part in this.
const SHARE: u32 = 10;

impl<'a> Kept<'a> {
    /// Reads the table, if there is one, and changes nothing.
    ///
    /// # Errors
    /// `Input` if the file is no such table or lies in the sweep's folder, or if runs of the sweep depend on each other;
    /// `Machine`.
    pub fn look(path: &Path, spec: &'a Spec, plan: &'a Plan, layout: &'a Layout) -> Result<Kept<'a>, Error> {
        let refused = |found: &str, allowed: &str| Error::input(path.display().to_string(), found, allowed);
        if spec.method == Method::Bayes || spec.stopping.is_some() {
            let found = "runs of a search, and those that are ended early, depend on what others came to";
            return Err(refused(found, "a sweep without [stop] and method = \"bayes\""));
        }
        let folder = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        if folder(path).starts_with(folder(layout.path())) {
            return Err(refused("the table would lie in the sweep's own folder", "a place outside of it"));
        }
        let above = path.parent().filter(|above| !above.as_os_str().is_empty());
        if let Some(above) = above.filter(|above| !above.is_dir()) {
            return Err(refused(
                &format!("there is no folder {}", above.display()),
                "a file in a folder that is there",
            ));
        }
        if path.is_symlink() && !path.exists() {
            return Err(refused("a link to what is not there", "a file, or no file"));
        }
        let (path, rows, added) = (path.to_owned(), Rows::read(path)?, Vec::new());
        Ok(Kept { spec, plan, layout, path, rows, added, unwritten: false, written: None })
    }

    /// The same for one that will be added to, and gives its rows the values that the plan has for them.
    ///
    /// # Errors
    /// As [`Kept::look`]; `Machine` if the table's folder cannot be written.
    pub fn open(path: &Path, spec: &'a Spec, plan: &'a Plan, layout: &'a Layout) -> Result<Kept<'a>, Error> {
        let mut kept = Kept::look(path, spec, plan, layout)?;
        let _held = kept.lock()?;
        kept.rows = Rows::read(&kept.path)?;
        if !kept.rows.cells.is_empty() {
            kept.write()?;
        }
        Ok(kept)
    }

    /// True if a run stands in it.
    pub fn has(&self, run: &str) -> bool {
        self.rows.cells.contains_key(run)
    }

    /// Why a run that stands in it failed; nothing of one that came to its end, or does not stand in it.
    pub fn failure(&self, run: &str) -> Option<String> {
        let row = self.rows.cells.get(run).filter(|row| row.get(STATE).is_some_and(|state| state != "done"))?;
        Some(row.get("reason").cloned().unwrap_or_default())
    }

    /// How many rows are of no run of the plan. They are left as they are.
    pub fn foreign(&self) -> usize {
        let planned: HashSet<&str> = self.plan.runs.iter().map(|p| p.run.as_str()).collect();
        self.rows.order.iter().filter(|run| !planned.contains(run.as_str())).count()
    }

    /// Adds a run that has ended.
    ///
    /// # Errors
    /// `Machine`; `Input` if the run's folder is damaged.
    pub fn add(&mut self, planned: &Planned) -> Result<(), Error> {
        self.added.push((planned.run.clone(), cells(self.spec, planned, self.layout)?));
        self.unwritten = true;
        match self.written {
            Some((at, took)) if at.elapsed() < SHARE * took => Ok(()),
            _ => self.flush(),
        }
    }

    /// Writes what was added, into what others have made of the file meanwhile.
    ///
    /// # Errors
    /// `Machine`; `Input` if the file has become something else.
    pub fn flush(&mut self) -> Result<(), Error> {
        if !self.unwritten {
            return Ok(());
        }
        let began = Instant::now();
        let _held = self.lock()?;
        self.rows = Rows::read(&self.path)?;
        self.rows.cells.extend(self.added.iter().cloned());
        self.write()?;
        self.unwritten = false;
        self.written = Some((Instant::now(), began.elapsed()));
        Ok(())
    }

    /// Who holds this may write the file; death releases it.
    fn lock(&self) -> Result<File, Error> {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let path = self.path.with_file_name(format!(".{name}.lock"));
        let open = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        open.and_then(|file| file.lock().map(|()| file)).map_err(|source| machine(&path, source))
    }

    fn write(&mut self) -> Result<(), Error> {
        for planned in &self.plan.runs {
            if let Some(row) = self.rows.cells.get_mut(&planned.run) {
                label(row, self.spec, planned);
            }
        }
        let bytes =
            self.rows.csv(self.spec, self.plan).map_err(|e| Error::machine(self.path.display().to_string(), e))?;
        write_atomic(&self.path, &bytes, "comparison")
    }
}

/// Gives a row the values that its run has in the plan: names of variants may have changed since it was made.
fn label(row: &mut Cells, spec: &Spec, planned: &Planned) {
    let seed = ("seed", spec.seed(&planned.point).to_string());
    let varied = spec.values(&planned.point).into_iter().map(|(key, value)| (key, value.text()));
    for (key, text) in varied.chain([seed]) {
        if text.is_empty() {
            row.remove(key);
        } else {
            row.insert(key.to_owned(), text);
        }
    }
}

impl Rows {
    fn read(path: &Path) -> Result<Rows, Error> {
        let place = || path.display().to_string();
        let mut rows = Rows::default();
        if !path.exists() {
            return Ok(rows);
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
            if run.is_empty() || rows.cells.insert(run.clone(), cells).is_some() {
                let line = record.position().map_or(0, csv::Position::line);
                let found = format!("no run, or one that stands above: {run:?}");
                return Err(Error::input(format!("{}:{line}", place()), found, "a row for each run"));
            }
            let state = rows.cells.get(&run).and_then(|cells| cells.get(STATE));
            if state.is_none_or(|state| !ENDED.contains(&state.as_str())) {
                let line = record.position().map_or(0, csv::Position::line);
                let found = format!("column `{STATE}`: {:?}", state.map_or("", String::as_str));
                return Err(Error::input(format!("{}:{line}", place()), found, ENDED.join(" or ")));
            }
            rows.order.push(run);
        }
        Ok(rows)
    }

    /// Rows in the order of the plan, then those that it does not know; columns by what they are.
    fn csv(&self, spec: &Spec, plan: &Plan) -> io::Result<Vec<u8>> {
        let mut columns = vec![RUN.to_owned()];
        columns.extend(spec.keys().into_iter().map(str::to_owned));
        columns.extend(["seed", STATE, "reason"].map(str::to_owned));
        let mut all: Vec<&String> =
            self.cells.values().flat_map(BTreeMap::keys).collect::<HashSet<_>>().into_iter().collect();
        all.sort_by_key(|name| (COSTS.contains(&name.as_str()), BY.iter().any(|by| name.starts_with(by)), *name));
        let more: Vec<String> = all.into_iter().filter(|name| !columns.contains(name)).cloned().collect();
        columns.extend(more);
        let planned: HashSet<&String> = plan.runs.iter().map(|p| &p.run).collect();
        let foreign = self.order.iter().filter(|run| !planned.contains(run));
        let runs = plan.runs.iter().map(|p| &p.run).chain(foreign);
        let mut out = csv::Writer::from_writer(Vec::new());
        out.write_record(&columns)?;
        for row in runs.filter_map(|run| self.cells.get(run)) {
            let values = columns.iter().map(|name| row.get(name).map_or("", String::as_str));
            out.write_record(values)?;
        }
        out.into_inner().map_err(|e| e.into_error())
    }
}

/// What differs from one making to the next.
const COSTS: [&str; 6] = ["precision", "commit", "cpu", "cpu_features", "threads", "seconds"];

fn cells(spec: &Spec, planned: &Planned, layout: &Layout) -> Result<Cells, Error> {
    let folder = layout.runs().join(&planned.run);
    let mut cells = Cells::from([(RUN.to_owned(), planned.run.clone())]);
    let mut put = |name: &str, value: String| {
        if !value.is_empty() {
            cells.insert(name.to_owned(), value);
        }
    };
    let Some(Outcome { state, reason, metrics, .. }) = outcome(spec, planned, layout, &HashMap::new()) else {
        let found = "the run is to be added to a table and is not there";
        return Err(Error::input(folder.display().to_string(), found, "a run that has ended"));
    };
    if !ENDED.contains(&state) {
        return Err(Error::input(folder.display().to_string(), reason, "a run that has ended and is whole"));
    }
    put(STATE, state.to_owned());
    put("reason", reason);
    metrics.iter().for_each(|(name, value)| put(name, value.text()));
    for series in read::metrics(&folder)?.series.iter().filter(|s| CURVES.iter().any(|c| s.name.starts_with(c))) {
        if let Some((by, course)) = course(series) {
            put(&format!("{by}{}", series.name), course);
        }
        let finite = series.values.iter().copied().filter(|x| x.is_finite());
        if let Some(least) = finite.min_by(f64::total_cmp).filter(|_| series.name.starts_with("validation.")) {
            put(&format!("{}.best", series.name), format!("{least:?}"));
        }
    }
    let info = RunInfo::read(&folder)?;
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
