//! Figures of a comparison: the measure over epochs with bands, and the angle to backprop per layer.

use super::page;
use apical_lab::compare::Comparison;
use apical_lab::compare::results::{Curve, Results, RunResult};
use apical_report::{Axis, Band, Dash, Figure, Line, Panel, Scale, theme};

/// A figure with the stem of its files and its caption.
pub struct Picture {
    /// Stem of the files.
    pub stem: &'static str,
    /// What it shows.
    pub caption: String,
    /// It.
    pub figure: Figure,
}

/// All figures that the runs have data for.
pub fn all(c: &Comparison, r: &Results) -> Vec<Picture> {
    let band = if c.seeds.len() > 1 { "; lines: mean over seeds, bands: lowest to highest" } else { "" };
    let mut list = Vec::new();
    let words = page::measure(r).replace(" (%)", "");
    let label = words[..1].to_uppercase() + &words[1..];
    let factor = if r.is_error() { 100.0 } else { 1.0 };
    let mut panel =
        panel(c, r, Axis::new(label.as_str(), if r.is_error() { "%" } else { "" }), factor, &|run| Some(&run.curve));
    // Where all is positive, ratios are what is looked at.
    if panel.bands.iter().flat_map(|b| &b.low).chain(panel.lines.iter().flat_map(|l| &l.y)).all(|v| *v > 0.0) {
        panel.y.scale = Scale::Log;
    }
    let figure = Figure { width_mm: theme::ONE_AND_A_HALF_COLUMNS, axes_height_mm: 64.0, ..Figure::one(panel) };
    let stem = if r.is_error() { "validation-error" } else { "loss" };
    list.push(Picture { stem, caption: format!("{label} over epochs{band}."), figure });
    let angles = r.angles();
    if !angles.is_empty() {
        let panels: Vec<Panel> = angles
            .iter()
            .enumerate()
            .map(|(i, name)| {
                let axis = Axis { range: Some((0.0, 100.0)), ..Axis::new("Angle to backprop", "degrees") };
                let of = |run: &'_ RunResult| run.angles.iter().position(|a| a.name == *name);
                let mut panel = angle_panel(c, r, axis, &of);
                panel.title = format!("Layer {}", name.rsplit('.').next().unwrap_or_default());
                panel.levels = vec![90.0];
                if i > 0 {
                    panel.legend = Some(Vec::new());
                }
                panel
            })
            .collect();
        let figure = Figure { width_mm: theme::ONE_AND_A_HALF_COLUMNS, axes_height_mm: 45.0, columns: 1, panels };
        let caption = format!(
            "Angle of each layer's update to the backprop gradient over epochs{band}; dashed: 90 degrees, chance."
        );
        list.push(Picture { stem: "angle", caption, figure });
    }
    list
}

fn angle_panel(c: &Comparison, r: &Results, axis: Axis, of: &dyn Fn(&RunResult) -> Option<usize>) -> Panel {
    panel(c, r, axis, 1.0, &|run| of(run).map(|i| &run.angles[i]))
}

fn panel(
    c: &Comparison,
    r: &Results,
    y: Axis,
    factor: f64,
    of: &dyn for<'r> Fn(&'r RunResult) -> Option<&'r Curve>,
) -> Panel {
    let mut panel = Panel::new(Axis::new("Epochs", ""), y);
    for (i, entry) in c.entries.iter().enumerate() {
        let curves: Vec<&Curve> = r.runs.iter().filter(|run| run.entry == i).filter_map(of).collect();
        // Over the epochs that all its runs have reached.
        let n = curves.iter().map(|curve| curve.value.len()).min().unwrap_or(0);
        if n == 0 {
            continue;
        }
        let at = |j: usize| curves.iter().map(move |curve| factor * curve.value[j]);
        let fold =
            |start: f64, with: fn(f64, f64) -> f64| (0..n).map(|j| at(j).fold(start, with)).collect::<Vec<f64>>();
        let (colour, x) = (i, curves[0].epoch[..n].to_vec());
        if curves.len() > 1 {
            let (low, high) = (fold(f64::INFINITY, f64::min), fold(f64::NEG_INFINITY, f64::max));
            panel.bands.push(Band { name: entry.label.clone(), colour, x: x.clone(), low, high });
        }
        let y = fold(0.0, |a, b| a + b).into_iter().map(|sum| sum / curves.len() as f64).collect();
        let dash = Dash::ALL[i / theme::PALETTE.len() % Dash::ALL.len()];
        panel.lines.push(Line { name: entry.label.clone(), colour, dash, x, y });
    }
    panel
}
