//! What drives hidden cells' plasticity while the circuit settles after a switch of the pattern.

use super::answers::{damaged, numbers, observation};
use super::overlay::span_scale;
use super::{Drawn, Options, Refusal, Runs, drawn};
use crate::figure::{Axis, Dash, Figure, Line, Panel, Scale};
use crate::theme::TWO_COLUMNS;
use apical_lab::record::SWITCHES;
use serde_json::Value;

/// Keys of the parts, what they are called, and how they are drawn.
const PARTS: [(&str, &str, Dash); 3] = [
    ("soma_lag", "soma lag", Dash::Solid),
    ("apical_error", "apical error without a target", Dash::Dashed),
    ("teacher", "teacher", Dash::DashDot),
];
/// Decades shown below the highest value: what is smaller has vanished.
const DECADES: f64 = 1e-5;

/// A panel for the start and one for the end of training, for each hidden layer.
pub(super) fn switches(runs: &Runs, options: &Options) -> Result<Drawn, Refusal> {
    let run = runs.first()?;
    let found = observation(run, SWITCHES, "record.switches = 20 keeps it, with the solvers euler and adaptive")?;
    let (Some(ms), Some(courses)) = (numbers(found.get("ms")), found.get("courses").and_then(Value::as_array)) else {
        return damaged(run, SWITCHES, "ms and courses");
    };
    let several = courses.len() > 2;
    let mut panels = Vec::new();
    let mut highest: f64 = 0.0;
    // One layer after the other, each before and after.
    let mut sorted: Vec<(u64, bool, &Value)> = Vec::new();
    for course in courses {
        let at_end = match course.get("when").and_then(Value::as_str) {
            Some("start") => false,
            Some("end") => true,
            _ => return damaged(run, SWITCHES, "when"),
        };
        let Some(layer) = course.get("layer").and_then(Value::as_u64) else { return damaged(run, SWITCHES, "layer") };
        sorted.push((layer, at_end, course));
    }
    sorted.sort_by_key(|(layer, at_end, _)| (*layer, *at_end));
    for (layer, at_end, course) in sorted {
        let y = Axis::new("Error of hidden cells, RMS (rate)", "");
        let mut panel = Panel::new(Axis::new("Time since the switch", "ms"), y);
        let when = if at_end { "After training" } else { "Before training" };
        panel.title = if several { format!("{when}, layer {layer}") } else { when.to_owned() };
        for (i, (key, name, dash)) in PARTS.into_iter().enumerate() {
            let Some(values) = numbers(course.get(key)).filter(|v| v.len() == ms.len()) else {
                return damaged(run, SWITCHES, key);
            };
            highest = values.iter().copied().fold(highest, f64::max);
            panel.lines.push(Line { name: name.to_owned(), colour: i, dash, x: ms.clone(), y: values });
        }
        panels.push(panel);
    }
    if panels.is_empty() {
        return damaged(run, SWITCHES, "courses");
    }
    let all = panels.iter().flat_map(|p| &p.lines).flat_map(|l| l.y.iter().copied()).filter(|v| *v > 0.0);
    let scale = span_scale(all);
    for panel in &mut panels {
        panel.y.scale = scale;
        if scale == Scale::Log && highest > 0.0 {
            panel.y.range = Some((highest * DECADES, highest * 1.5));
        }
    }
    let width_mm = options.width(TWO_COLUMNS);
    drawn(Figure { width_mm, columns: 2, panels, ..Figure::one(Panel::new(Axis::new("", ""), Axis::new("", ""))) })
}
