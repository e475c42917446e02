//! The median rule (Golovin et al., KDD 2017): a run whose score at an epoch is worse than the median of what the others had
//! there is ended. Others are those of the sweep that have ended, which may be few: so which runs are ended depends on who
//! came first, unless there is one worker with one job.

use super::layout::names;
use super::ranking::must_have;
use super::spec::{Median, Ranking};
use super::work::{Crew, lock};
use crate::Error;
use crate::folder::Ending;
use crate::folder::runinfo::STOPPED_EARLY;
use crate::record::read;
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Mutex;

/// Scores of a run over its epochs, in the order of epochs, smaller being better.
type Course = Vec<(u64, f64)>;

/// Decides by the median rule.
pub(super) struct Judge {
    rule: Median,
    /// Courses of runs that have ended, read once.
    courses: Mutex<HashMap<String, Course>>,
}

impl Judge {
    /// Has seen no run yet.
    pub fn new(rule: Median) -> Judge {
        Judge { rule, courses: Mutex::default() }
    }

    /// The first epoch at which a run is judged.
    pub fn first(&self) -> u64 {
        self.rule.first
    }

    /// The next after this one.
    pub fn next(&self, epoch: u64) -> u64 {
        epoch.saturating_add(self.rule.every)
    }

    /// Why a run that has come to the end of an epoch is to be ended; `None` if it goes on.
    ///
    /// # Errors
    /// As [`must_have`].
    pub fn ends(&self, crew: &Crew<'_>, run: &str, folder: &Path, epoch: u64) -> Result<Option<String>, Error> {
        let ranking = &crew.spec.ranking;
        let Some(own) = course(folder, ranking).and_then(|own| at(&own, epoch)) else {
            return must_have(folder, ranking).map(|()| None);
        };
        let mut others = self.others(crew, run, epoch);
        if (others.len() as u64) < self.rule.others {
            return Ok(None);
        }
        others.sort_by(f64::total_cmp);
        // The lower of two in the middle: a run must be worse than at least half.
        let median = others[(others.len() - 1) / 2];
        let sign = if ranking.minimise { 1.0 } else { -1.0 };
        Ok((own > median).then(|| {
            let (n, metric) = (others.len(), &ranking.metric);
            format!(
                "{STOPPED_EARLY} {epoch}: {metric} {} is worse than the median of {n} others, {}",
                sign * own,
                sign * median
            )
        }))
    }

    fn others(&self, crew: &Crew<'_>, run: &str, epoch: u64) -> Vec<f64> {
        let mut courses = lock(&self.courses);
        // One look at the folder, not one for each run that might be there.
        let there = names(&crew.layout.runs()).unwrap_or_default();
        let mut new: Vec<&String> = there.iter().filter(|name| !courses.contains_key(*name)).collect();
        if !new.is_empty() {
            let runs = lock(&crew.runs);
            let planned: HashSet<&str> = runs.iter().map(|planned| planned.run.as_str()).collect();
            new.retain(|name| planned.contains(name.as_str()));
        }
        for name in new {
            let (folder, ranking) = (crew.layout.runs().join(name), &crew.spec.ranking);
            let failed = Ending::read(&folder).is_ok_and(|ending| ending.is_some_and(|ending| !ending.done));
            let mut own = course(&folder, ranking).unwrap_or_default();
            if failed {
                // From where it failed on it is worse than all.
                let last = own.last().map_or(0, |(epoch, _)| *epoch);
                own.push((last.saturating_add(1), f64::INFINITY));
            }
            courses.insert(name.clone(), own);
        }
        let reached = |course: &Course| {
            let &(last, score) = course.last()?;
            if score == f64::INFINITY && epoch >= last {
                Some(score)
            } else {
                at(course, epoch).filter(|_| last >= epoch)
            }
        };
        courses.iter().filter(|(name, _)| *name != run).filter_map(|(_, course)| reached(course)).collect()
    }
}

/// The score at an epoch: of the last value by then.
fn at(course: &Course, epoch: u64) -> Option<f64> {
    course.iter().take_while(|(when, _)| *when <= epoch).last().map(|(_, score)| *score)
}

/// What a run would count for if it ended at each of its epochs.
fn course(folder: &Path, ranking: &Ranking) -> Option<Course> {
    let metrics = read::metrics(folder).ok()?;
    let series = metrics.get(&ranking.metric)?;
    let sign = if ranking.minimise { 1.0 } else { -1.0 };
    let mut best = f64::INFINITY;
    let values = series.when.iter().zip(&series.values).map(|(when, &value)| {
        let value = if value.is_finite() { sign * value } else { f64::INFINITY };
        best = best.min(value);
        (when.epoch, if ranking.best { best } else { value })
    });
    Some(values.collect())
}
