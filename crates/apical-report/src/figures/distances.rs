//! How far interneurons, apical dendrites and pairs of synapses are from where a circuit has learned: the figures of
//! self-prediction.

use super::curves::score;
use super::overlay::{Runs, X, layers};
use super::{Drawn, Options, Refusal, drawn, missing};
use crate::figure::{Axis, Figure, Panel};
use crate::theme::ONE_COLUMN;

const INTERNEURON: (&str, &str) = ("interneuron_mismatch_squared.", "Interneuron distance\u{b2}");
const APICAL: (&str, &str) = ("apical_squared.", "Apical distance\u{b2}");
/// Most metrics need no entry.
const CIRCUIT: &str = "runs of the learner microcircuit with a hidden layer have it, once the first interval has ended";

/// A panel of a metric per layer.
fn per_layer(runs: &Runs, (prefix, label): (&str, &str)) -> Result<Panel, Refusal> {
    let members = layers(runs.metrics(prefix)?);
    if members.is_empty() {
        return missing(format!("no metric {prefix}K"), CIRCUIT);
    }
    runs.panel(X::Presentations, Axis::new(label, ""), 1.0, &members)
}

/// Panels above each other that share the horizontal axis.
pub(super) fn stacked(mut panels: Vec<Panel>, width_mm: f64, axes_height_mm: f64) -> Figure {
    let last = panels.len().saturating_sub(1);
    for panel in &mut panels[..last] {
        panel.x.label.clear();
        panel.x.unit.clear();
    }
    tell_once(&mut panels);
    share_x(&mut panels);
    Figure { width_mm, axes_height_mm, columns: 1, panels }
}

/// Puts a title before what the panel is called already.
pub(super) fn entitle(panel: &mut Panel, title: &str) {
    panel.title = match panel.title.as_str() {
        "" => title.to_owned(),
        member => format!("{title}, {}", member.to_lowercase()),
    };
}

/// What a panel before has told is not told again.
pub(super) fn tell_once(panels: &mut [Panel]) {
    for i in 1..panels.len() {
        let (before, this) = panels.split_at_mut(i);
        if before.iter().any(|p| p.legend == this[0].legend) {
            this[0].legend = Some(Vec::new());
        }
    }
}

/// All panels show the same stretch of the horizontal axis.
fn share_x(panels: &mut [Panel]) {
    let values = || panels.iter().flat_map(|p| p.lines.iter().flat_map(|l| &l.x)).copied().filter(|x| x.is_finite());
    let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
    if low < high {
        // Counts and times begin at 0 if they begin near it.
        let low = if low > 0.0 && low < 0.25 * (high - low) { 0.0 } else { low };
        panels.iter_mut().filter(|p| p.image.is_none()).for_each(|p| p.x.range = Some((low, high)));
    }
}

pub(super) fn interneuron(runs: &Runs, options: &Options) -> Result<Drawn, Refusal> {
    let panel = per_layer(runs, INTERNEURON)?;
    drawn(Figure { width_mm: options.width(ONE_COLUMN), ..Figure::one(panel) })
}

pub(super) fn apical(runs: &Runs, options: &Options) -> Result<Drawn, Refusal> {
    let panel = per_layer(runs, APICAL)?;
    drawn(Figure { width_mm: options.width(ONE_COLUMN), ..Figure::one(panel) })
}

pub(super) fn synapse(runs: &Runs, options: &Options) -> Result<Drawn, Refusal> {
    let mut forward = per_layer(runs, ("distance_ip.", "Distance"))?;
    let mut feedback = per_layer(runs, ("distance_pi.", "Distance"))?;
    entitle(&mut forward, "Forward and P to I");
    entitle(&mut feedback, "Feedback and I to P");
    let (mut panels, width_mm) = (vec![forward, feedback], options.width(ONE_COLUMN));
    if width_mm <= ONE_COLUMN {
        return drawn(stacked(panels, width_mm, 34.0));
    }
    tell_once(&mut panels);
    drawn(Figure { width_mm, axes_height_mm: 34.0, columns: 2, panels })
}

pub(super) fn learning(runs: &Runs, options: &Options) -> Result<Drawn, Refusal> {
    let (metric, label, unit, factor) = score(runs, options)?;
    let distances = [per_layer(runs, APICAL)?, per_layer(runs, INTERNEURON)?];
    let mut panel = runs.panel(X::Presentations, Axis::new(label, unit), factor, &[(metric, String::new())])?;
    let [apical, interneuron] = distances;
    // The runs are told by the panel below, together with the layers.
    let below = apical.keys();
    if panel.keys().iter().all(|key| below.contains(key)) {
        panel.legend = Some(Vec::new());
    }
    drawn(stacked(vec![panel, apical, interneuron], options.width(ONE_COLUMN), 30.0))
}
