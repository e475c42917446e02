//! Updates beside backprop's, and forward weights beside feedback.

use super::overlay::{Runs, X, layers};
use super::{Drawn, Options, Refusal, drawn, missing};
use crate::figure::{Axis, Figure, Scale};
use crate::theme::ONE_COLUMN;

fn members(runs: &Runs, prefix: &str, also: &str) -> Result<Vec<(String, String)>, Refusal> {
    let members = layers(runs.metrics(prefix)?);
    if members.is_empty() {
        return missing(
            format!("no metric {prefix}K"),
            format!("set record.angles, such as record.angles = 100{also}"),
        );
    }
    Ok(members)
}

/// Angles from 0 to just beyond 90 degrees, or as far as they go, with the line of 90.
fn angles(runs: &Runs, options: &Options, prefix: &str, label: &str, also: &str) -> Result<Drawn, Refusal> {
    let members = members(runs, prefix, also)?;
    let mut panel = runs.panel(X::Presentations, Axis::new(label, "\u{b0}"), 1.0, &members)?;
    let edges = panel.bands.iter().flat_map(|b| &b.high);
    let most =
        panel.lines.iter().flat_map(|l| &l.y).chain(edges).copied().filter(|v| v.is_finite()).fold(0.0, f64::max);
    panel.y.scale = Scale::Linear;
    let top = [100.0, 125.0].into_iter().find(|top| most <= *top).unwrap_or(180.0);
    panel.y.range = Some((0.0, top));
    panel.y.names = (0..=6).map(|i| 30.0 * f64::from(i)).filter(|v| *v <= top).map(|v| (v, format!("{v}"))).collect();
    panel.levels = vec![90.0];
    drawn(Figure { width_mm: options.width(ONE_COLUMN), ..Figure::one(panel) })
}

pub(super) fn to_backprop(runs: &Runs, options: &Options) -> Result<Drawn, Refusal> {
    angles(runs, options, "angle_bp.", "Angle to backprop", "")
}

pub(super) fn feedback(runs: &Runs, options: &Options) -> Result<Drawn, Refusal> {
    let also = ", with a learner that has feedback weights (microcircuit, fa, dfa, dtp)";
    angles(runs, options, "forward_feedback_angle.", "Forward to feedback angle", also)
}

pub(super) fn norm_ratio(runs: &Runs, options: &Options) -> Result<Drawn, Refusal> {
    let members = members(runs, "norm_ratio.", "")?;
    let mut panel = runs.panel(X::Presentations, Axis::new("Norm over backprop's", ""), 1.0, &members)?;
    panel.levels = vec![1.0];
    drawn(Figure { width_mm: options.width(ONE_COLUMN), ..Figure::one(panel) })
}
