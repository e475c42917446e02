//! Curves of Updates on their way to a limit: the angle to it, and how far the norm is from the limit's, over the parameter
//! that goes there. A row of panels per layer, both axes logarithmic: a power law is a straight line.

use crate::figure::{Axis, Dash, Figure, Line, Panel, Scale};
use crate::theme::{self, PALETTE};

/// One point of one curve.
#[derive(Clone, Debug, PartialEq)]
pub struct LimitPoint {
    /// Which figure it belongs to.
    pub figure: String,
    /// Name of the curve.
    pub curve: String,
    /// What varies, and its unit.
    pub parameter: (String, String),
    /// Its value.
    pub value: f64,
    /// Title of the panels.
    pub layer: String,
    /// Angle to the limit, degrees.
    pub degrees: f64,
    /// Norm over the limit's.
    pub norm_ratio: f64,
}

/// Smaller angles (degrees) and differences are rounding, and are not shown.
const LEAST: (f64, f64) = (1e-5, 1e-7);

/// What a panel shows of a point.
type Measure = fn(&LimitPoint) -> f64;

/// One figure for each name of figures, in the order in which the points first name them.
pub fn limit_figures(points: &[LimitPoint]) -> Vec<(String, Figure)> {
    let figures = names(points.iter().map(|p| p.figure.as_str()));
    figures.into_iter().map(|name| (name.to_owned(), figure(points.iter().filter(|p| p.figure == name)))).collect()
}

fn figure<'a>(points: impl Iterator<Item = &'a LimitPoint>) -> Figure {
    let points: Vec<&LimitPoint> = points.collect();
    let curves = names(points.iter().map(|p| p.curve.as_str()));
    let ends = |(low, high): (f64, f64), p: &&LimitPoint| (low.min(p.value), high.max(p.value));
    let range = Some(points.iter().fold((f64::INFINITY, f64::NEG_INFINITY), ends));
    let mut panels = Vec::new();
    for layer in names(points.iter().map(|p| p.layer.as_str())) {
        let measures: [(&str, &str, f64, Measure); 2] = [
            ("Angle to the limit", "\u{b0}", LEAST.0, |p| p.degrees),
            ("|norm / limit's \u{2212} 1|", "", LEAST.1, |p| (p.norm_ratio - 1.0).abs()),
        ];
        for (label, unit, least, of) in measures {
            let line = |(index, curve): (usize, &&str)| {
                let own = || points.iter().filter(|p| p.curve == **curve && p.layer == layer);
                let shown = |y: f64| if y >= least { y } else { f64::NAN };
                Line {
                    name: (**curve).to_owned(),
                    colour: index % PALETTE.len(),
                    dash: Dash::ALL[index / PALETTE.len() % Dash::ALL.len()],
                    x: own().map(|p| p.value).collect(),
                    y: own().map(|p| shown(of(p))).collect(),
                }
            };
            let (name, parameter_unit) = points.first().map(|p| p.parameter.clone()).unwrap_or_default();
            let axis = |label: &str, unit: &str| Axis { scale: Scale::Log, ..Axis::new(label, unit) };
            let lines: Vec<Line> = curves.iter().enumerate().map(line).collect();
            let drawn = lines.iter().any(|line| line.y.iter().any(|y| !y.is_nan()));
            let known = points.iter().filter(|p| p.layer == layer).any(|p| p.degrees.is_finite());
            let title = match (drawn, known) {
                (true, _) => layer.to_owned(),
                (false, true) => format!("{layer}: at the limit"),
                (false, false) => format!("{layer}: no direction"),
            };
            let mut panel = Panel::new(axis(&name, &parameter_unit), axis(label, unit));
            panel.x.range = range;
            // The first panel names the curves for all.
            let legend = (!panels.is_empty()).then(Vec::new);
            panels.push(Panel { title, lines, legend, ..panel });
        }
    }
    Figure { width_mm: theme::TWO_COLUMNS, axes_height_mm: 36.0, columns: 2, panels }
}

/// Names in the order in which they first appear.
fn names<'a>(of: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut found = Vec::new();
    for name in of {
        if !found.contains(&name) {
            found.push(name);
        }
    }
    found
}
