//! Learning curves.

use super::overlay::{Runs, X};
use super::{Drawn, Options, Refusal, drawn, missing};
use crate::figure::{Axis, Figure};
use crate::theme::ONE_COLUMN;
use apical_lab::record::{Ranking, Run};

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
        Some(metric) => missing(format!("not every run has the metric {metric}"), others(runs, true)?),
        None => missing(
            "not every run has an error or a loss",
            "runs have them if the task has targets, once the first interval has ended",
        ),
    }
}

/// What the figures of sweeps show of a run.
pub(super) struct Judged {
    pub ranking: Ranking,
    pub label: String,
    pub unit: &'static str,
    pub factor: f64,
}

/// By what figures of sweeps judge runs: as their sweep ranks them, unless another metric is asked for or theirs is not there;
/// else the final value of [`score`].
pub(super) fn judged(runs: &Runs, options: &Options) -> Result<Judged, Refusal> {
    let own = options.ranking.as_ref().filter(|own| options.metric.as_ref().is_none_or(|asked| *asked == own.metric));
    if let Some(own) = own {
        let named = Options { metric: Some(own.metric.clone()), ..options.clone() };
        match score(runs, &named) {
            Ok((_, label, unit, factor)) => {
                let label = if own.best { best(&label) } else { label };
                return Ok(Judged { ranking: own.clone(), label, unit, factor });
            }
            Err(Refusal::Missing { .. }) if options.metric.is_none() => {}
            Err(refusal) => return Err(refusal),
        }
    }
    let (metric, label, unit, factor) = score(runs, options)?;
    Ok(Judged { ranking: Ranking { metric, minimise: true, best: false }, label, unit, factor })
}

impl Judged {
    /// What the runs of a group came to, each in the unit of the axis: at their ends, or at the end of an epoch.
    pub fn scores(&self, runs: &Runs, group: usize, epoch: Option<u64>) -> Result<Vec<f64>, Refusal> {
        let score = |run: &Run| match epoch {
            Some(epoch) => run.score_by(&self.ranking, epoch),
            None => run.score(&self.ranking),
        };
        runs.of(group).map(|run| Ok(self.factor * score(run)?)).collect()
    }

    /// The same judge, who says by which epoch runs are judged.
    pub fn by(mut self, epoch: Option<u64>) -> Judged {
        if let Some(epoch) = epoch {
            self.label += &format!(" by epoch {epoch}");
        }
        self
    }
}

fn best(label: &str) -> String {
    let mut letters = label.chars();
    let first = letters.next().map_or(String::new(), |first| first.to_lowercase().collect());
    format!("Best {first}{}", letters.as_str())
}

/// What may be asked for in place of a metric that is not there.
fn others(runs: &Runs, ended: bool) -> Result<String, Refusal> {
    let all = runs.common_metrics(ended)?;
    let names = if all.is_empty() { "none that all runs have".to_owned() } else { all.join(", ") };
    Ok(format!("choose another with --metric: {names}"))
}

pub(super) fn learning_curves(runs: &Runs, options: &Options) -> Result<Drawn, Refusal> {
    let mut panels = Vec::new();
    if let Some(metric) = &options.metric {
        let (label, unit, factor) = named(metric);
        let members = [(metric.clone(), String::new())];
        let panel = runs.panel(X::of(runs, &members)?, Axis::new(label, unit), factor, &members)?;
        panels.extend(Some(panel).filter(|panel| !panel.lines.is_empty()));
    } else {
        let members = |what: &str| {
            [("validation", "validation"), ("train", "training")]
                .map(|(set, name)| (format!("{set}.{what}"), name.to_owned()))
        };
        // One axis for all panels, which may share it.
        let x = X::of(runs, &[members("error"), members("loss")].concat())?;
        for (what, label, unit, factor) in [("error", "Classification error", "%", 100.0), ("loss", "Loss", "", 1.0)] {
            let panel = runs.panel(x, Axis::new(label, unit), factor, &members(what))?;
            panels.extend(Some(panel).filter(|panel| !panel.lines.is_empty()));
        }
    }
    if panels.is_empty() {
        return match &options.metric {
            Some(metric) => missing(format!("no metric {metric} over time"), others(runs, false)?),
            None => missing(
                "no error and no loss",
                "runs have them if the task has targets, once the first interval has ended",
            ),
        };
    }
    let width_mm = options.width(ONE_COLUMN);
    let wide = width_mm > ONE_COLUMN && panels.len() > 1;
    if !wide {
        return drawn(super::distances::stacked(panels, width_mm, 40.0));
    }
    super::distances::tell_once(&mut panels);
    drawn(Figure { width_mm, axes_height_mm: 42.0, columns: 2, panels })
}
