//! A search: what is tried next follows from what was found. The values of trial N are asked for when it is begun, from all
//! trials that have ended by then, and kept in `trials/SPACE/N.json` by whoever is first; from then on its runs are runs like
//! any other. SPACE stands for all that gives the numbers their meaning, so that a changed file begins anew.

use super::draw::points_at;
use super::layout::{Layout, keep_first, machine};
use super::plan::{Planned, runs_of};
use super::ranking::must_have;
use super::spec::{Ranking, Spec};
use super::suggest::suggest;
use super::table::score;
use super::{Point, Trouble};
use crate::Error;
use crate::check::Context;
use crate::folder::Ending;
use crate::folder::atomic::read_text;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;

/// Trials that are drawn at random before anything is asked for.
pub(super) const STARTUP: u64 = 10;
/// More trials than any search comes to: each is asked for from all before it.
pub(super) const MOST_TRIALS: u64 = 10_000;
/// Digits of the hash that the folder of trials is called by.
const SPACE: usize = 16;
/// How often others are asked for where a config was there already or is refused.
const ATTEMPTS: u64 = 8;

/// A trial as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    trial: u64,
    /// For each axis the share of its way.
    shares: Vec<f64>,
    /// How many trials had ended when it was asked for.
    from: usize,
    /// For people.
    with: String,
    /// Its runs.
    #[serde(default)]
    runs: Vec<String>,
}

/// Words and runs of the trials that the search with this hash has kept in a folder, `samples` at most. A file that is none ends
/// them: it is told of by the commands that need it.
pub(super) fn trials_kept(layout: &Layout, sweep: &str, samples: u64) -> Vec<(String, Vec<String>)> {
    let Some(space) = sweep.get(..SPACE) else { return Vec::new() };
    let folder = layout.trials().join(space);
    let read =
        |n: u64| -> Option<Kept> { serde_json::from_str(&read_text(&folder.join(format!("{n}.json"))).ok()?).ok() };
    (0..samples).map_while(read).map(|kept| (kept.with, kept.runs)).collect()
}

/// A trial.
#[derive(Clone, Debug)]
pub(super) struct Trial {
    /// For each axis the share of its way.
    pub shares: Vec<f64>,
    /// For each axis whether its conditions hold.
    pub active: Vec<bool>,
    /// What it came to, smaller being better, infinite where a run failed; `None` before all of its runs have ended.
    pub score: Option<f64>,
    with: String,
    runs: Vec<String>,
}

/// The trials of a search so far.
pub(super) struct Search {
    folder: PathBuf,
    trials: Vec<Trial>,
    known: HashSet<String>,
    /// Runs of trials that another trial has as well.
    pub twins: usize,
}

impl Search {
    /// No trial yet.
    pub fn new(spec: &Spec, layout: &Layout) -> Search {
        let folder = layout.trials().join(&spec.sha256[..SPACE]);
        Search { folder, trials: Vec::new(), known: HashSet::new(), twins: 0 }
    }

    /// How many trials there are.
    pub fn len(&self) -> usize {
        self.trials.len()
    }

    /// Reads the trials that were kept since, and gives the runs that are new with them.
    ///
    /// # Errors
    /// A file that is no trial of this sweep; what is wrong with its experiment; the machine's.
    pub fn read(&mut self, spec: &Spec, context: &Context) -> Result<Vec<Planned>, Trouble> {
        let first = self.trials.len() as u64;
        let there = (first..spec.samples).take_while(|&n| self.path(n).exists());
        let numbers: Vec<u64> = there.collect();
        let read: Vec<Result<(Trial, Vec<Planned>), Trouble>> =
            numbers.into_par_iter().map(|n| self.trial(spec, context, n)).collect();
        let mut new = Vec::new();
        for trial in read {
            let (trial, runs) = trial?;
            let all = runs.len();
            let before = new.len();
            new.extend(runs.into_iter().filter(|planned| self.known.insert(planned.run.clone())));
            self.twins += all - (new.len() - before);
            self.trials.push(trial);
        }
        Ok(new)
    }

    /// Runs of the next trial that has some of its own, asked for here or elsewhere; none if there are to be no more.
    ///
    /// # Errors
    /// As [`Search::read`]; values that the experiment refuses, however often others are asked for.
    pub fn more(
        &mut self,
        spec: &Spec,
        layout: &Layout,
        context: &Context,
        token: &str,
    ) -> Result<Vec<Planned>, Trouble> {
        loop {
            let new = self.read(spec, context)?;
            if !new.is_empty() || self.trials.len() as u64 >= spec.samples {
                return Ok(new);
            }
            self.look(&spec.ranking, layout)?;
            let kept = self.ask(spec, context)?;
            fs::create_dir_all(&self.folder).map_err(|source| machine(&self.folder, source))?;
            let path = self.path(kept.trial);
            let text = serde_json::to_string(&kept).map_err(|e| Error::machine(path.display().to_string(), e))?;
            // Who was second reads what the first has kept.
            keep_first(&path, format!("{text}\n").as_bytes(), token)?;
        }
    }

    /// Looks which trials have ended since, and with what.
    fn look(&mut self, ranking: &Ranking, layout: &Layout) -> Result<(), Error> {
        for trial in self.trials.iter_mut().filter(|trial| trial.score.is_none()) {
            let scores: Vec<Option<f64>> = trial.runs.iter().map(|run| came_to(run, ranking, layout)).collect();
            if scores.iter().all(Option::is_some) {
                for run in
                    trial.runs.iter().zip(&scores).filter(|(_, s)| **s == Some(f64::INFINITY)).map(|(run, _)| run)
                {
                    let folder = layout.runs().join(run);
                    if Ending::read(&folder).is_ok_and(|ending| ending.is_some_and(|ending| ending.done)) {
                        must_have(&folder, ranking)?;
                    }
                }
                trial.score = Some(scores.iter().flatten().sum::<f64>() / scores.len().max(1) as f64);
            }
        }
        Ok(())
    }

    fn ask(&self, spec: &Spec, context: &Context) -> Result<Kept, Trouble> {
        let trial = self.trials.len() as u64;
        let from = self.trials.iter().filter(|trial| trial.score.is_some()).count();
        let mut attempt = 0;
        loop {
            let shares = suggest(spec, &self.trials, trial, attempt)?;
            let points = points_at(spec, &shares);
            let with = points.first().map_or(String::new(), |point| spec.combination(point));
            let last = attempt + 1 == ATTEMPTS;
            let is_new = self.trials.iter().all(|other| other.with != with);
            match runs_of(spec, points, context) {
                Ok(runs) if is_new || last => {
                    let runs = runs.into_iter().map(|planned| planned.run).collect();
                    return Ok(Kept { trial, shares, from, with, runs });
                }
                Err(trouble) if last => return Err(trouble),
                _ => attempt += 1,
            }
        }
    }

    fn path(&self, number: u64) -> PathBuf {
        self.folder.join(format!("{number}.json"))
    }

    fn trial(&self, spec: &Spec, context: &Context, number: u64) -> Result<(Trial, Vec<Planned>), Trouble> {
        let path = self.path(number);
        let refused = |found: String| {
            let allowed = "a trial of this search as apical writes it: remove the file to have it asked for anew";
            Trouble::from(Error::input(path.display().to_string(), found, allowed))
        };
        let kept: Kept = serde_json::from_str(&read_text(&path)?).map_err(|e| refused(e.to_string()))?;
        let axes = spec.space.axes.len();
        if kept.shares.len() != axes || kept.shares.iter().any(|x| !(0.0..1.0).contains(x)) {
            return Err(refused(format!("{} shares, not {axes} from 0 to below 1", kept.shares.len())));
        }
        let points = points_at(spec, &kept.shares);
        let active = points.first().map_or(Vec::new(), |point| active(spec, point));
        let with = points.first().map_or(String::new(), |point| spec.combination(point));
        let runs = runs_of(spec, points, context)?;
        let names = runs.iter().map(|planned| planned.run.clone()).collect();
        Ok((Trial { shares: kept.shares, active, score: None, with, runs: names }, runs))
    }
}

fn active(spec: &Spec, point: &Point) -> Vec<bool> {
    spec.space.axes.iter().map(|axis| axis.parameters.iter().any(|&p| point.values[p].is_some())).collect()
}

/// What a run that has ended came to, smaller being better: infinite if it failed or crashed; `None` if it has not ended.
pub(super) fn came_to(run: &str, ranking: &Ranking, layout: &Layout) -> Option<f64> {
    let folder = layout.runs().join(run);
    if !folder.exists() {
        return layout.crashed().join(format!("{run}.json")).exists().then_some(f64::INFINITY);
    }
    let is_done = Ending::read(&folder).is_ok_and(|ending| ending.is_some_and(|ending| ending.done));
    let score = if is_done { score(&folder, ranking) } else { None };
    let sign = if ranking.minimise { 1.0 } else { -1.0 };
    Some(score.filter(|x| x.is_finite()).map_or(f64::INFINITY, |x| sign * x))
}
