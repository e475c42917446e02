//! Learning curves.

use super::overlay::{Runs, X};
use super::{Drawn, Options, Refusal, missing};
use crate::figure::{Axis, Figure};
use crate::theme::ONE_COLUMN;

/// A quantity with the words for its axis: metric, label, unit, factor.
type Quantity = (String, String, &'static str, f64);

/// How a metric is called on an axis.
pub(super) fn named(metric: &str) -> (String, &'static str, f64) {
    let (set, what) = metric.split_once('.').unwrap_or(("", metric));
    let set = match set {
        "train" => "Training",
        "validation" => "Validation",
        "test" => "Test",
        _ => return (metric.to_owned(), "", 1.0),
    };
    match what {
        "error" => (format!("{set} error"), "%", 100.0),
        other => (format!("{set} {other}"), "", 1.0),
    }
}

/// The metric asked for, or the first that all runs have of validation error, validation loss, training error and loss.
pub(super) fn score(runs: &Runs, options: &Options) -> Result<Quantity, Refusal> {
    let usual = ["validation.error", "validation.loss", "train.error", "train.loss"].map(String::from).to_vec();
    for metric in options.metric.as_ref().map_or(usual, |metric| vec![metric.clone()]) {
        let mut all = true;
        for run in &runs.runs {
            all &= run.series(&metric)?.is_some() || run.final_value(&metric)?.is_some();
        }
        if all {
            let (label, unit, factor) = named(&metric);
            return Ok((metric, label, unit, factor));
        }
    }
    match &options.metric {
        Some(metric) => missing(format!("not every run has the metric {metric}"), "choose another with --metric"),
        None => missing(
            "not every run has an error or a loss",
            "runs have them if the task has targets, once the first interval has ended",
        ),
    }
}

pub(super) fn learning_curves(runs: &Runs, options: &Options) -> Result<Drawn, Refusal> {
    let mut panels = Vec::new();
    if let Some(metric) = &options.metric {
        let (label, unit, factor) = named(metric);
        let members = [(metric.clone(), String::new())];
        let panel = runs.panel(X::of(runs, &members)?, Axis::new(label, unit), factor, &members)?;
        panels.extend(Some(panel).filter(|panel| !panel.lines.is_empty()));
    } else {
        for (what, label, unit, factor) in [("error", "Classification error", "%", 100.0), ("loss", "Loss", "", 1.0)] {
            let members: Vec<(String, String)> = [("validation", "validation"), ("train", "training")]
                .map(|(set, name)| (format!("{set}.{what}"), name.to_owned()))
                .to_vec();
            let panel = runs.panel(X::of(runs, &members)?, Axis::new(label, unit), factor, &members)?;
            panels.extend(Some(panel).filter(|panel| !panel.lines.is_empty()));
        }
    }
    if panels.is_empty() {
        return match &options.metric {
            Some(metric) => missing(format!("no metric {metric}"), "choose another with --metric"),
            None => missing(
                "no error and no loss",
                "runs have them if the task has targets, once the first interval has ended",
            ),
        };
    }
    let width_mm = options.width(ONE_COLUMN);
    let wide = width_mm > ONE_COLUMN && panels.len() > 1;
    if !wide {
        return Ok(super::distances::stacked(panels, width_mm, 40.0).into());
    }
    super::distances::tell_once(&mut panels);
    Ok(Figure { width_mm, axes_height_mm: 42.0, columns: 2, panels }.into())
}
