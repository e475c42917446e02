//! The best combination of a sweep, and how to make its run by itself.

use super::Point;
use super::layout::Layout;
use super::plan::{Plan, Planned};
use super::search::came_to;
use super::space::{VARIANT, gives, settings};
use super::spec::Spec;
use rayon::prelude::*;

/// The best combination: the mean over its seeds is the lowest, or the highest if that is the goal.
#[derive(Clone, Debug, PartialEq)]
pub struct Best {
    /// Its runs, one for each seed.
    pub runs: Vec<String>,
    /// The mean over its runs of what each came to.
    pub score: f64,
    /// Keys and values, for people.
    pub with: String,
    /// What follows `apical run` to make the first of its runs: the experiment, then `--set KEY=VALUE` and so on.
    pub arguments: Vec<String>,
}

/// Finds the best of the combinations whose runs have all ended, and none failed. The first of equals.
pub fn best(spec: &Spec, plan: &Plan, layout: &Layout) -> Option<Best> {
    let scores: Vec<Option<f64>> =
        plan.runs.par_iter().map(|planned| came_to(&planned.run, &spec.ranking, layout)).collect();
    let mut best: Option<(f64, &[Planned])> = None;
    let mut scores = &scores[..];
    // Seeds of a combination follow each other in a plan.
    for group in plan.runs.chunk_by(|a, b| spec.combination(&a.point) == spec.combination(&b.point)) {
        let (own, rest) = scores.split_at(group.len());
        scores = rest;
        let sum = own.iter().try_fold(0.0, |sum, score| Some(sum + (*score)?));
        let Some(mean) = sum.map(|sum| sum / own.len() as f64).filter(|mean| mean.is_finite()) else { continue };
        if best.is_none_or(|(lowest, _)| mean < lowest) {
            best = Some((mean, group));
        }
    }
    let (mean, group) = best?;
    let first = group.first()?;
    Some(Best {
        runs: group.iter().map(|planned| planned.run.clone()).collect(),
        score: if spec.ranking.minimise { mean } else { -mean },
        with: spec.combination(&first.point),
        arguments: arguments(spec, &first.point, layout, &first.run),
    })
}

fn arguments(spec: &Spec, point: &Point, layout: &Layout, run: &str) -> Vec<String> {
    // Another learner leaves keys out, which no flag can do.
    let variant = spec.variant(point);
    if spec.keys().iter().any(|key| key.split('.').next() == Some("learner"))
        || variant.is_some_and(|(_, table)| gives(table, "learner"))
    {
        return vec![layout.runs().join(run).join(crate::folder::CONFIG).display().to_string()];
    }
    let mut list = vec![spec.experiment_named()];
    let varied = spec.told(point).into_iter().filter(|(key, _)| *key != VARIANT);
    let varied = varied.map(|(key, value)| (key.to_owned(), value));
    let own = settings(variant.map(|(_, table)| table));
    for (key, value) in spec.set.iter().cloned().chain(own).chain(varied) {
        list.extend(["--set".to_owned(), format!("{key}={value}")]);
    }
    list
}
