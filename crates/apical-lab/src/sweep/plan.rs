//! Which runs a sweep has, each with the id of its resolved config; and what changes when the sweep file does.

use super::draw::{self, Point};
use super::layout::{Layout, PLAN, SWEEP, publish, token};
use super::search::Search;
use super::{Method, Spec, Trouble};
use crate::Error;
use crate::check::{Context, canonical};
use crate::experiment::Experiment;
use crate::folder::atomic::read_large_text;
use crate::folder::folder_name;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::path::Path;

/// Combinations that are checked before it is looked whether one was wrong.
const CHUNK: u64 = 1024;

/// A run of a sweep.
#[derive(Clone, Debug)]
pub struct Planned {
    /// Its folder's name, `NAME-ID`.
    pub run: String,
    /// Values and seed.
    pub(super) point: Point,
}

impl Planned {
    /// The 16 hex digits of its config's hash.
    pub fn id(&self) -> &str {
        self.run.rsplit('-').next().unwrap_or_default()
    }

    /// Its values and seed.
    pub fn point(&self) -> &Point {
        &self.point
    }
}

/// All runs of a sweep, in order.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The runs, no two with the same config.
    pub runs: Vec<Planned>,
    /// How many combinations gave a config that another gives as well.
    pub twins: usize,
    /// Of a search: trials so far, and how many runs may come.
    pub search: Option<(usize, u64)>,
}

/// What a plan has that the one before had not, and the other way round. Orphans keep their folders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Runs, with keys and values.
    pub added: Vec<String>,
    /// Runs, with keys and values, that are no longer part of the sweep.
    pub orphaned: Vec<String>,
    /// There was a plan before.
    pub from_before: bool,
}

#[derive(Serialize, Deserialize)]
struct Head {
    version: String,
    sweep: String,
    runs: usize,
    twins: usize,
}

#[derive(Serialize, Deserialize)]
struct Line {
    run: String,
    /// Which combination, and which of its seeds.
    at: (u64, u64),
    /// For people.
    with: String,
}

impl Plan {
    /// Checks all combinations, of a search those with which it begins, and that they have the metric by which they are ranked.
    ///
    /// # Errors
    /// What is wrong with the first that is wrong.
    pub fn compute(spec: &Spec, context: &Context) -> Result<(Plan, Vec<(u64, u64)>), Trouble> {
        let combinations = draw::combinations(spec).unwrap_or(0);
        let (mut plan, mut seen, mut at) = (Plan::default(), HashSet::new(), Vec::new());
        for first in (0..combinations).step_by(CHUNK as usize) {
            let chunk: Vec<u64> = (first..combinations.min(first + CHUNK)).collect();
            let made: Vec<Result<Vec<Planned>, Trouble>> =
                chunk.par_iter().map(|&index| runs_of(spec, draw::points(spec, index), context)).collect();
            for (index, made) in chunk.into_iter().zip(made) {
                for (n, planned) in made?.into_iter().enumerate() {
                    if seen.insert(planned.run.clone()) {
                        at.push((index, n as u64));
                        plan.runs.push(planned);
                    } else {
                        plan.twins += 1;
                    }
                }
            }
        }
        spec.check_metric(&plan.runs, context)?;
        Ok((plan, at))
    }

    /// The plan in a sweep's folder if it is that of this sweep file, else a new one, which `keep` leaves there.
    ///
    /// # Errors
    /// What is wrong with the runs; the machine's; a plan that cannot be read.
    pub fn open(spec: &Spec, layout: &Layout, context: &Context, keep: bool) -> Result<(Plan, Change), Trouble> {
        if spec.method == Method::Bayes {
            // What is wrong with the values of some is known before anything is made.
            Plan::compute(spec, context)?;
        }
        let path = layout.join(PLAN);
        let before = if path.is_file() { Some(read(&path)?) } else { None };
        if let Some((head, lines)) = &before
            && head.sweep == spec.sha256
            && spec.method != Method::Bayes
        {
            return Ok((restored(spec, head, lines)?, Change { from_before: true, ..Change::default() }));
        }
        let (plan, at) = match spec.method {
            Method::Bayes => Plan::of_trials(spec, layout, context)?,
            _ => Plan::compute(spec, context)?,
        };
        let lines: Vec<Line> = plan
            .runs
            .iter()
            .zip(at)
            .map(|(planned, at)| Line { run: planned.run.clone(), at, with: spec.words(&planned.point) })
            .collect();
        let change = match &before {
            // A search grows by itself.
            Some((head, _)) if head.sweep == spec.sha256 => Change { from_before: true, ..Change::default() },
            before => change(before.as_ref().map(|(_, lines)| &lines[..]), &lines),
        };
        if !keep {
            return Ok((plan, change));
        }
        layout.make()?;
        let token = token();
        publish(&layout.join(SWEEP), spec.text.as_bytes(), &token)?;
        publish(&path, &written(spec, &plan, &lines)?, &token)?;
        Ok((plan, change))
    }

    /// The runs of the trials of a search so far.
    fn of_trials(spec: &Spec, layout: &Layout, context: &Context) -> Result<(Plan, Vec<(u64, u64)>), Trouble> {
        let mut search = Search::new(spec, layout);
        let runs = search.read(spec, context)?;
        let at = (0..runs.len() as u64).map(|n| (n, 0)).collect();
        let to_come = spec.to_come(search.len());
        Ok((Plan { runs, twins: search.twins, search: Some((search.len(), to_come)) }, at))
    }

    /// How many runs there are or may come.
    pub fn most(&self) -> usize {
        self.runs.len() + self.search.map_or(0, |(_, to_come)| usize::try_from(to_come).unwrap_or(usize::MAX))
    }
}

/// Runs of a combination's points. The config is hashed once, whatever the number of seeds.
pub(super) fn runs_of(spec: &Spec, points: Vec<Point>, context: &Context) -> Result<Vec<Planned>, Trouble> {
    let Some(first) = points.first() else { return Ok(Vec::new()) };
    let e = spec.experiment(first, context)?;
    let text = canonical(&e)?;
    // The only line of a canonical config that begins so.
    let own = format!("seed = {}\n", e.seed);
    let name = |point: &Point| {
        let text = text.replacen(&own, &format!("seed = {}\n", spec.seed(point)), 1);
        folder_name(&e.name, &text)
    };
    points.into_iter().map(|point| Ok(Planned { run: name(&point)?, point })).collect()
}

fn change(before: Option<&[Line]>, now: &[Line]) -> Change {
    let names = |lines: &[Line]| -> HashSet<String> { lines.iter().map(|line| line.run.clone()).collect() };
    let without = |lines: &[Line], others: &HashSet<String>| -> Vec<String> {
        let missing = lines.iter().filter(|line| !others.contains(&line.run));
        missing.map(|line| format!("{} {}", line.run, line.with).trim_end().to_owned()).collect()
    };
    match before {
        None => Change::default(),
        Some(before) => {
            Change { added: without(now, &names(before)), orphaned: without(before, &names(now)), from_before: true }
        }
    }
}

fn written(spec: &Spec, plan: &Plan, lines: &[Line]) -> Result<Vec<u8>, Error> {
    let head = Head {
        version: env!("CARGO_PKG_VERSION").into(),
        sweep: spec.sha256.clone(),
        runs: lines.len(),
        twins: plan.twins,
    };
    let json = |source: serde_json::Error| Error::machine(PLAN, source);
    let mut text = serde_json::to_string(&head).map_err(json)?;
    for line in lines {
        text.push('\n');
        text.push_str(&serde_json::to_string(line).map_err(json)?);
    }
    text.push('\n');
    Ok(text.into_bytes())
}

fn read(path: &Path) -> Result<(Head, Vec<Line>), Error> {
    let text = read_large_text(path)?;
    let refused = |line: usize, found: String| {
        let place = format!("{}:{line}", path.display());
        Error::input(
            place,
            found,
            "the plan as `apical sweep plan` writes it: remove the file to plan anew, no run is lost",
        )
    };
    let mut lines = text.lines();
    let head: Head = serde_json::from_str(lines.next().unwrap_or_default()).map_err(|e| refused(1, e.to_string()))?;
    let lines: Vec<Line> = lines
        .enumerate()
        .map(|(i, line)| serde_json::from_str(line).map_err(|e| refused(i + 2, e.to_string())))
        .collect::<Result<_, _>>()?;
    if lines.len() != head.runs {
        return Err(refused(1, format!("{} runs are announced and {} told", head.runs, lines.len())));
    }
    Ok((head, lines))
}

/// Points follow from the sweep file; names of runs were checked when they were planned.
fn restored(spec: &Spec, head: &Head, lines: &[Line]) -> Result<Plan, Error> {
    let combinations = draw::combinations(spec).unwrap_or(0);
    let planned = |line: &Line| {
        let points = if line.at.0 < combinations { draw::points(spec, line.at.0) } else { Vec::new() };
        let point = points.into_iter().nth(usize::try_from(line.at.1).unwrap_or(usize::MAX));
        let found = || format!("{} is said to be combination {:?}, which the sweep has not", line.run, line.at);
        let point = point.ok_or_else(|| Error::input(PLAN, found(), "remove the file to plan anew, no run is lost"))?;
        Ok(Planned { run: line.run.clone(), point })
    };
    Ok(Plan { runs: lines.par_iter().map(planned).collect::<Result<_, Error>>()?, twins: head.twins, search: None })
}

impl Spec {
    /// Keys and values of a run and its seed, for people.
    pub fn words(&self, point: &Point) -> String {
        let words = self.combination(point);
        if self.varies_seed() || self.seeds < 2 {
            return words;
        }
        format!("{words} seed={}", self.seed(point)).trim_start().to_owned()
    }

    /// The same without the seed.
    pub(super) fn combination(&self, point: &Point) -> String {
        let words: Vec<String> = self.told(point).into_iter().map(|(key, value)| format!("{key}={value}")).collect();
        words.join(" ")
    }

    /// How many runs may come after so many trials of a search; none of anything else.
    pub(super) fn to_come(&self, trials: usize) -> u64 {
        if self.method != Method::Bayes {
            return 0;
        }
        self.samples.saturating_sub(trials as u64) * if self.varies_seed() { 1 } else { self.seeds }
    }

    /// The experiment of a planned run and its canonical config.
    ///
    /// # Errors
    /// What is wrong with it, and data that changed since it was planned.
    pub fn planned(&self, planned: &Planned, context: &Context) -> Result<(Experiment, String), Trouble> {
        let e = self.experiment(&planned.point, context)?;
        let text = canonical(&e)?;
        let name = folder_name(&e.name, &text)?;
        if name != planned.run {
            let found = format!("the run was planned as {}, and is {name} now", planned.run);
            return Err(Error::input(
                "plan",
                found,
                "data files changed since: remove plan.jsonl in the sweep's folder to plan anew",
            )
            .into());
        }
        Ok((e, text))
    }
}
