//! The results of a sweep as one table: a row per run, the keys that differ, what the run came to.

use super::Point;
use super::layout::Layout;
use super::plan::{Plan, Planned};
use super::spec::{Ranking, Spec};
use super::status::crashes;
use crate::Error;
use crate::config::node::{Node, Value};
use crate::folder::{Ending, FINAL_METRICS, METRICS, RunInfo};
use crate::record::read::{self, Metrics};
use rayon::prelude::*;
use std::collections::HashMap;
use std::path::Path;

/// A value of the table.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Nothing.
    Empty,
    /// An integer.
    Integer(i64),
    /// A number; not finite where a run diverged.
    Number(f64),
    /// True or false.
    Flag(bool),
    /// A text.
    Text(String),
}

/// Columns of one length.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// Names and values.
    pub columns: Vec<(String, Vec<Cell>)>,
}

/// What a run came to.
pub(super) struct Outcome {
    pub state: &'static str,
    pub reason: String,
    score: Cell,
    pub metrics: Vec<(String, Cell)>,
    costs: [Cell; 2],
}

/// The table of the runs that have ended, in the order of the plan. `costs` adds what differs from one making to the next:
/// seconds and machine.
///
/// # Errors
/// The machine's. A damaged run folder is a row that says so.
pub fn collect(spec: &Spec, plan: &Plan, layout: &Layout, costs: bool) -> Result<Table, Error> {
    let crashed: HashMap<String, String> = crashes(layout)?.into_iter().map(|c| (c.run, c.reason)).collect();
    let rows: Vec<Option<Outcome>> =
        plan.runs.par_iter().map(|planned| outcome(spec, planned, layout, &crashed)).collect();
    let (runs, rows): (Vec<&Planned>, Vec<Outcome>) =
        plan.runs.iter().zip(rows).filter_map(|(planned, row)| Some((planned, row?))).unzip();
    let text = |s: &str| Cell::Text(s.to_owned());
    let mut table = Table::default();
    table.add("run", runs.iter().map(|p| text(&p.run)).collect());
    for (i, key) in spec.keys().into_iter().enumerate() {
        table.add(key, runs.iter().map(|p| p.point.values[i].as_ref().map_or(Cell::Empty, cell)).collect());
    }
    if !spec.varies_seed() {
        table.add("seed", runs.iter().map(|p| Cell::Integer(spec.seed(&p.point) as i64)).collect());
    }
    table.add("state", rows.iter().map(|row| text(row.state)).collect());
    table.add("reason", rows.iter().map(|row| text(&row.reason)).collect());
    let metric = &spec.ranking.metric;
    let score = if spec.ranking.best { format!("{metric}.best") } else { format!("{metric}.last") };
    table.add(&score, rows.iter().map(|row| row.score.clone()).collect());
    let mut names: Vec<&str> = Vec::new();
    let mut known: HashMap<&str, usize> = HashMap::new();
    for (name, _) in rows.iter().flat_map(|row| &row.metrics) {
        known.entry(name).or_insert_with(|| {
            names.push(name);
            names.len() - 1
        });
    }
    let mut columns = vec![vec![Cell::Empty; rows.len()]; names.len()];
    for (r, row) in rows.iter().enumerate() {
        for (name, value) in &row.metrics {
            columns[known[name.as_str()]][r] = value.clone();
        }
    }
    for (name, column) in names.into_iter().zip(columns) {
        table.add(name, column);
    }
    if costs {
        for (i, name) in ["seconds", "host"].into_iter().enumerate() {
            table.add(name, rows.iter().map(|row| row.costs[i].clone()).collect());
        }
    }
    Ok(table)
}

/// What a run came to; nothing if it has not ended.
pub(super) fn outcome(
    spec: &Spec,
    planned: &Planned,
    layout: &Layout,
    crashed: &HashMap<String, String>,
) -> Option<Outcome> {
    let folder = layout.runs().join(&planned.run);
    let empty = |state, reason: String| {
        Some(Outcome { state, reason, score: Cell::Empty, metrics: Vec::new(), costs: [Cell::Empty, Cell::Empty] })
    };
    if !folder.is_dir() {
        return crashed.get(&planned.run).and_then(|reason| empty("crashed", reason.clone()));
    }
    let ending = match Ending::read(&folder) {
        Ok(Some(ending)) => ending,
        Ok(None) => return empty("damaged", "neither DONE nor FAILED in its folder".into()),
        Err(error) => return empty("damaged", error.to_string()),
    };
    // What came to its end has both; what failed may have neither.
    let course = read::metrics(&folder).and_then(|course| match course.series.is_empty() && ending.done {
        false => Ok(course),
        true => Err(Error::input(folder.join(METRICS).display().to_string(), "no values", "those of a run that ended")),
    });
    let course = match course {
        Ok(course) => Some(course),
        Err(error) if ending.done => return empty("damaged", error.to_string()),
        Err(_) => None,
    };
    let metrics = if ending.done || folder.join(FINAL_METRICS).exists() {
        match read::final_metrics(&folder) {
            Ok(map) => map.into_iter().map(|(name, value)| (name, json_cell(&value))).collect(),
            Err(error) => return empty("damaged", error.to_string()),
        }
    } else {
        Vec::new()
    };
    let info = RunInfo::read(&folder).ok();
    let costs = info.map_or([Cell::Empty, Cell::Empty], |info| [Cell::Number(info.seconds), Cell::Text(info.host)]);
    let score = course.filter(|_| ending.done).and_then(|course| counts(&course, &spec.ranking));
    let score = score.map_or(Cell::Empty, Cell::Number);
    Some(Outcome { state: if ending.done { "done" } else { "failed" }, reason: ending.reason, score, metrics, costs })
}

impl Spec {
    /// What is varied at a point, and its values.
    pub(super) fn values(&self, point: &Point) -> Vec<(&str, Cell)> {
        let values = point.values.iter().map(|value| value.as_ref().map_or(Cell::Empty, cell));
        self.keys().into_iter().zip(values).collect()
    }
}

/// What a run counts for, by the ranking; nothing if it has no such metric.
pub fn score(folder: &Path, ranking: &Ranking) -> Option<f64> {
    counts(&read::metrics(folder).ok()?, ranking)
}

fn counts(course: &Metrics, ranking: &Ranking) -> Option<f64> {
    ranking.of(&course.get(&ranking.metric)?.values)
}

fn json_cell(value: &serde_json::Value) -> Cell {
    match value {
        serde_json::Value::Number(n) => n.as_f64().map_or(Cell::Empty, Cell::Number),
        serde_json::Value::String(s) => Cell::Text(s.clone()),
        serde_json::Value::Bool(b) => Cell::Flag(*b),
        _ => Cell::Empty,
    }
}

fn cell(node: &Node) -> Cell {
    match &node.value {
        Value::Int(i) => i64::try_from(*i).map_or(Cell::Number(*i as f64), Cell::Integer),
        Value::Float(x) => Cell::Number(*x),
        Value::Flag(b) => Cell::Flag(*b),
        Value::Text(s) => Cell::Text(s.clone()),
        _ => Cell::Text(super::spec::toml(node)),
    }
}

impl Table {
    /// Adds a column; numbers and integers in one become numbers, anything else mixed becomes text.
    fn add(&mut self, name: &str, mut cells: Vec<Cell>) {
        let is = |kind: fn(&Cell) -> bool| cells.iter().all(|c| matches!(c, Cell::Empty) || kind(c));
        if is(|c| matches!(c, Cell::Integer(_)))
            || is(|c| matches!(c, Cell::Flag(_)))
            || is(|c| matches!(c, Cell::Text(_)))
        {
        } else if is(|c| matches!(c, Cell::Integer(_) | Cell::Number(_))) {
            for c in &mut cells {
                if let Cell::Integer(i) = *c {
                    *c = Cell::Number(i as f64);
                }
            }
        } else {
            for c in cells.iter_mut().filter(|c| !matches!(c, Cell::Empty)) {
                *c = Cell::Text(c.text());
            }
        }
        self.columns.push((name.to_owned(), cells));
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, |(_, cells)| cells.len())
    }

    /// A column.
    pub fn column(&self, name: &str) -> Option<&[Cell]> {
        self.columns.iter().find(|(n, _)| n == name).map(|(_, cells)| &cells[..])
    }

    /// The table as CSV.
    ///
    /// # Errors
    /// The machine's: no memory.
    pub fn csv(&self) -> Result<Vec<u8>, Error> {
        let mut out = csv::Writer::from_writer(Vec::new());
        let failed = |e: csv::Error| Error::machine("results.csv", e);
        out.write_record(self.columns.iter().map(|(name, _)| name)).map_err(failed)?;
        for r in 0..self.rows() {
            out.write_record(self.columns.iter().map(|(_, cells)| cells[r].text())).map_err(failed)?;
        }
        out.into_inner().map_err(|e| Error::machine("results.csv", e.into_error()))
    }
}

impl Cell {
    /// As CSV has it.
    pub fn text(&self) -> String {
        match self {
            Cell::Empty => String::new(),
            Cell::Integer(i) => i.to_string(),
            Cell::Number(x) if x.is_finite() => format!("{x:?}"),
            Cell::Number(x) => if x.is_nan() {
                "nan"
            } else if *x > 0.0 {
                "inf"
            } else {
                "-inf"
            }
            .to_owned(),
            Cell::Flag(b) => b.to_string(),
            Cell::Text(s) => s.clone(),
        }
    }
}
