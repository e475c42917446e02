//! How far interneurons, apical dendrites and pairs of synapses are from where a circuit has learned: the figures of
//! self-prediction.

use super::curves::score;
use super::overlay::{Runs, X, layers};
use super::{Drawn, Options, Refusal, missing};
use crate::figure::{Axis, Figure, Panel};
use crate::theme::{ONE_COLUMN, TWO_COLUMNS};

const INTERNEURON: (&str, &str) = ("interneuron_mismatch_squared.", "Interneuron distance, squared");
const APICAL: (&str, &str) = ("apical_squared.", "Apical distance, squared");
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
    for i in 1..panels.len() {
        // What a panel above has told is not told again.
        if panels[i].legend.is_some() && panels[..i].iter().any(|p| p.legend == panels[i].legend) {
            panels[i].legend = Some(Vec::new());
        }
    }
    Figure { width_mm, axes_height_mm, columns: 1, panels }
}

pub(super) fn interneuron(runs: &Runs, options: &Options) -> Result<Drawn, Refusal> {
    let panel = per_layer(runs, INTERNEURON)?;
    Ok(Figure { width_mm: options.width(ONE_COLUMN), ..Figure::one(panel) }.into())
}

pub(super) fn apical(runs: &Runs, options: &Options) -> Result<Drawn, Refusal> {
    let panel = per_layer(runs, APICAL)?;
    Ok(Figure { width_mm: options.width(ONE_COLUMN), ..Figure::one(panel) }.into())
}

pub(super) fn synapse(runs: &Runs, options: &Options) -> Result<Drawn, Refusal> {
    let mut forward = per_layer(runs, ("distance_ip.", "Distance"))?;
    let mut feedback = per_layer(runs, ("distance_pi.", "Distance"))?;
    forward.title = "Forward and P to I".into();
    feedback.title = "Feedback and I to P".into();
    if forward.legend == feedback.legend {
        feedback.legend = Some(Vec::new());
    }
    let width_mm = options.width(ONE_COLUMN);
    let columns = if width_mm > ONE_COLUMN { 2 } else { 1 };
    let figure = Figure { width_mm, axes_height_mm: 34.0, columns, panels: vec![forward, feedback] };
    Ok(if columns == 1 { stacked(figure.panels, width_mm, 34.0) } else { figure }.into())
}

pub(super) fn learning(runs: &Runs, options: &Options) -> Result<Drawn, Refusal> {
    let (metric, label, unit, factor) = score(runs, options)?;
    let distances = [per_layer(runs, APICAL)?, per_layer(runs, INTERNEURON)?];
    let mut panel = runs.panel(X::Presentations, Axis::new(label, unit), factor, &[(metric, String::new())])?;
    if panel.legend.as_ref().is_some_and(|keys| keys.len() > 1) && runs.count() > 1 {
        // The runs are told by the panel below, together with the layers.
        panel.legend = Some(Vec::new());
    }
    let [apical, interneuron] = distances;
    Ok(stacked(vec![panel, apical, interneuron], options.width(ONE_COLUMN.min(TWO_COLUMNS)), 30.0).into())
}
