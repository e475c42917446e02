//! What a run without targets comes to: how far the errors of its circuit's own predictions have fallen.

use super::opened::{Opened, State};
use super::words;
use apical_lab::record::{Metrics, Series};

/// Errors of prediction, a metric for each layer, and what their sums over layers are called.
const PREDICTIONS: [(&str, &str); 2] =
    [("apical_squared.", "squared apical error"), ("interneuron_mismatch_squared.", "squared interneuron mismatch")];

/// An error of prediction over the runs of a group.
pub struct Settling {
    /// What it is.
    pub measure: &'static str,
    /// Its means over runs, in the first interval and in the last.
    pub course: String,
    /// Runs that it is taken over.
    pub runs: usize,
}

/// Those that the runs of a group have, failed ones left out.
pub fn settling(opened: &Opened, group: usize) -> Vec<Settling> {
    let of = |(prefix, measure): (&str, &'static str)| {
        let runs = opened
            .group(group)
            .filter(|t| !matches!(t.state, State::Failed | State::Early))
            .filter_map(|t| opened.run(t));
        let ends = |series: Series| {
            let mut finite = series.values.into_iter().filter(|v| v.is_finite());
            let first = finite.next()?;
            Some((first, finite.next_back().unwrap_or(first)))
        };
        let found = runs.filter_map(|run| summed(run.metrics().ok()?, prefix)).filter_map(ends);
        let (firsts, lasts): (Vec<f64>, Vec<f64>) = found.unzip();
        let ((first, _), (last, _)) = (words::mean_sd(&firsts)?, words::mean_sd(&lasts)?);
        let course = format!("{} \u{2192} {}", words::short(first), words::short(last));
        Some(Settling { measure, course, runs: firsts.len() })
    };
    PREDICTIONS.into_iter().filter_map(of).collect()
}

/// The first of these errors over time, summed over layers.
pub fn error(metrics: &Metrics) -> Option<Series> {
    PREDICTIONS.iter().find_map(|(prefix, _)| summed(metrics, prefix))
}

fn summed(metrics: &Metrics, prefix: &str) -> Option<Series> {
    let mut layers = metrics.series.iter().filter(|series| series.name.starts_with(prefix));
    let mut sum = layers.next()?.clone();
    for layer in layers {
        sum.values.iter_mut().zip(&layer.values).for_each(|(sum, value)| *sum += value);
    }
    Some(sum)
}
