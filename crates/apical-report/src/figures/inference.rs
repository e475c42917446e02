//! How potentials come to rest, step by step: what is left of the way, and the energy.

use super::answers::{damaged, numbers, observation};
use super::overlay::span_scale;
use super::{Drawn, Options, Refusal, Runs, drawn, missing};
use crate::figure::{Axis, Band, Figure, Line, Panel, Scale};
use crate::theme::ONE_COLUMN;
use apical_lab::record::INFERENCE;
use serde_json::Value;

/// Median, lowest and highest over samples at the start and at the end, for each run.
fn panel(runs: &Runs, quantity: &str, label: &str, whose: &str) -> Result<Panel, Refusal> {
    let remedy = format!("record.inference = 20 keeps it, for {whose}");
    let mut panel = Panel::new(Axis::new("Steps of inference", ""), Axis::new(label, ""));
    let mut members: Vec<String> = Vec::new();
    for (run, &group) in runs.runs.iter().zip(&runs.groups.of) {
        let found = observation(run, INFERENCE, &remedy)?;
        if let Some(word) = found.get("step").and_then(Value::as_str).filter(|_| runs.runs.len() == 1) {
            panel.x.label = word.to_owned();
        }
        let courses = found.get("courses").and_then(Value::as_array);
        let Some(courses) = courses else { return damaged(run, INFERENCE, "courses") };
        for course in courses {
            let when = match course.get("when").and_then(Value::as_str) {
                Some("start") => "at the start",
                Some("end") => "after training",
                _ => return damaged(run, INFERENCE, "when"),
            };
            let Some(values) = course.get(quantity).filter(|v| !v.is_null()) else { continue };
            let list = ["low", "median", "high"].map(|key| numbers(values.get(key)));
            let [Some(low), Some(median), Some(high)] = list else { return damaged(run, INFERENCE, quantity) };
            let index = members.iter().position(|m| m == when).unwrap_or_else(|| {
                members.push(when.to_owned());
                members.len() - 1
            });
            let (colour, dash) = runs.style(group, index);
            let first = course.get("first").and_then(Value::as_f64).unwrap_or(0.0);
            let x: Vec<f64> = (0..median.len()).map(|i| first + i as f64).collect();
            let name =
                if runs.count() > 1 { format!("{}, {when}", runs.groups.labels[group]) } else { when.to_owned() };
            panel.bands.push(Band { name: name.clone(), colour, x: x.clone(), low, high });
            panel.lines.push(Line { name, colour, dash, x, y: median });
        }
    }
    if panel.lines.is_empty() {
        return missing(format!("{INFERENCE} holds no {quantity}"), remedy);
    }
    panel.legend = Some(runs.keys(&members, &panel.lines));
    Ok(panel)
}

pub(super) fn convergence(runs: &Runs, options: &Options) -> Result<Drawn, Refusal> {
    let mut panel = panel(runs, "residual", "Largest residual", "the solver steady or the learners ep, pc")?;
    // A sample that is there at once leaves nothing: zeros alone are no logarithms.
    let positive = panel.lines.iter().any(|l| l.y.iter().filter(|v| **v > 0.0).count() > 1);
    panel.y.scale = if positive { Scale::Log } else { Scale::Linear };
    drawn(Figure { width_mm: options.width(ONE_COLUMN), ..Figure::one(panel) })
}

pub(super) fn energy(runs: &Runs, options: &Options) -> Result<Drawn, Refusal> {
    let mut panel = panel(runs, "energy", "Energy", "the learners ep, pc")?;
    panel.y.scale = span_scale(panel.bands.iter().flat_map(|b| b.low.iter().chain(&b.high)).copied());
    drawn(Figure { width_mm: options.width(ONE_COLUMN), ..Figure::one(panel) })
}
