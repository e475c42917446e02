//! How far a sweep has come, from its folder, and from the table in which its runs are kept if there is one.

use super::claim::{Pulse, Watch, holder};
use super::kept::Kept;
use super::layout::{Layout, names};
use super::plan::Plan;
use super::work::Crash;
use crate::Error;
use crate::folder::atomic::read_text;
use crate::folder::{Ending, RunInfo, runinfo};
use rayon::prelude::*;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

/// Runs whose times are looked at.
const TIMED: usize = 64;

/// A run that somebody has claimed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// The run.
    pub run: String,
    /// The machine on which its worker is; empty if it does not tell.
    pub host: String,
    /// Its worker is known to be dead: the next that looks takes the run over.
    pub dead: bool,
}

/// How far a sweep has come.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Status {
    /// Runs in all; of a search those that may still come among them.
    pub runs: usize,
    /// Runs that came to their end.
    pub done: usize,
    /// Runs that failed, as a result of the science: reasons and how many runs have each.
    pub failed: Vec<(String, usize)>,
    /// Runs that crashed too often.
    pub crashed: Vec<Crash>,
    /// Runs that somebody makes.
    pub running: Vec<Running>,
    /// Run folders that are no longer part of the sweep.
    pub orphans: usize,
    /// Mean seconds of a run, of some that have ended.
    pub seconds: Option<f64>,
    /// Seconds until all have ended, if as many go on as now.
    pub left: Option<f64>,
}

impl Status {
    /// Runs that nobody has begun.
    pub fn queued(&self) -> usize {
        self.runs - self.done - self.failed() - self.crashed.len() - self.running.len()
    }

    /// Runs that failed.
    pub fn failed(&self) -> usize {
        self.failed.iter().map(|(_, n)| n).sum()
    }
}

/// Looks at the folder, and at the table. What has its folder counts as that has it.
///
/// # Errors
/// The machine's; a folder's damage is told with the run, not here.
pub fn status(plan: &Plan, layout: &Layout, table: Option<&Kept<'_>>) -> Result<Status, Error> {
    let mut there = names(&layout.runs())?;
    let planned: HashSet<&str> = plan.runs.iter().map(|p| p.run.as_str()).collect();
    let orphans = there.iter().filter(|run| !planned.contains(run.as_str())).count();
    let all = || plan.runs.iter().map(|p| p.run.as_str());
    let ended: Vec<&str> = all().filter(|run| there.contains(*run)).collect();
    let mut reasons: Vec<Option<String>> = ended.par_iter().map(|run| failure(layout, run)).collect();
    let in_table: Vec<&str> = all().filter(|run| !there.contains(*run) && table.is_some_and(|t| t.has(run))).collect();
    reasons.extend(in_table.iter().map(|run| table?.failure(run)));
    there.extend(in_table.iter().map(|run| (*run).to_owned()));
    let mut failed: BTreeMap<String, usize> = BTreeMap::new();
    for reason in reasons.iter().flatten() {
        *failed.entry(reason.clone()).or_default() += 1;
    }
    let mut failed: Vec<(String, usize)> = failed.into_iter().collect();
    failed.sort_by_key(|(_, runs)| Reverse(*runs));
    let crashed = crashes(layout)?.into_iter().filter(|c| planned.contains(c.run.as_str()) && !there.contains(&c.run));
    let crashed: Vec<Crash> = crashed.collect();
    let running = running(plan, layout, &there, &crashed)?;
    let step = ended.len().div_ceil(TIMED).max(1);
    let times: Vec<f64> = ended
        .iter()
        .step_by(step)
        .filter_map(|run| Some(RunInfo::read(&layout.runs().join(run)).ok()?.seconds))
        .collect();
    let seconds = (!times.is_empty()).then(|| times.iter().sum::<f64>() / times.len() as f64);
    let mut status = Status {
        runs: plan.most(),
        done: reasons.iter().filter(|reason| reason.is_none()).count(),
        failed,
        crashed,
        orphans,
        running,
        seconds,
        left: None,
    };
    let alive = status.running.iter().filter(|r| !r.dead).count();
    let open = status.queued() + status.running.len();
    status.left = seconds.filter(|_| alive > 0).map(|seconds| seconds * open as f64 / alive as f64);
    Ok(status)
}

/// Why a run failed; nothing if it came to its end.
fn failure(layout: &Layout, run: &str) -> Option<String> {
    let folder = layout.runs().join(run);
    if folder.join(runinfo::DONE).exists() {
        return None;
    }
    match Ending::read(&folder) {
        Ok(Some(ending)) if ending.done => None,
        Ok(Some(ending)) => Some(ending.reason),
        Ok(None) => Some("neither DONE nor FAILED in its folder: remove it to make the run anew".into()),
        Err(error) => Some(error.to_string()),
    }
}

/// Runs that crashed too often.
///
/// # Errors
/// The machine's.
pub fn crashes(layout: &Layout) -> Result<Vec<Crash>, Error> {
    let mut files: Vec<String> = names(&layout.crashed())?.into_iter().filter(|name| name.ends_with(".json")).collect();
    files.sort();
    let read = |name: &String| {
        let path = layout.crashed().join(name);
        let crash = |reason: String| Crash { run: name.trim_end_matches(".json").to_owned(), reason, attempts: 0 };
        match read_text(&path) {
            Ok(text) => serde_json::from_str(&text).unwrap_or_else(|e| crash(format!("{}: {e}", path.display()))),
            Err(error) => crash(error.to_string()),
        }
    };
    Ok(files.iter().map(read).collect())
}

fn running(plan: &Plan, layout: &Layout, there: &HashSet<String>, crashed: &[Crash]) -> Result<Vec<Running>, Error> {
    let mut highest: HashMap<String, u64> = HashMap::new();
    for name in names(&layout.claims())? {
        if let Some((id, generation)) = name.split_once('.').and_then(|(id, g)| Some((id, g.parse::<u64>().ok()?))) {
            let known = highest.entry(id.to_owned()).or_default();
            *known = (*known).max(generation);
        }
    }
    let mut watch = Watch::new(Duration::MAX);
    let mut list = Vec::new();
    for planned in &plan.runs {
        let Some(&generation) = highest.get(planned.id()) else { continue };
        if there.contains(&planned.run) || crashed.iter().any(|c| c.run == planned.run) {
            continue;
        }
        if let Some((token, host)) = holder(layout, planned.id(), generation) {
            let dead = watch.pulse(layout, &token) == Pulse::Dead;
            list.push(Running { run: planned.run.clone(), host, dead });
        }
    }
    Ok(list)
}
