//! Curves of metrics, over runs and seeds, with as many points as a page can hold.

use super::model::Chart;
use super::opened::Opened;
use crate::decimate::decimate;
use crate::figure::{Axis, Panel, Scale};
use crate::figures::Refusal;
use crate::figures::overlay::{Runs, X, layers};

/// Points of all curves of a page together: each costs about 30 bytes, drawn and as data.
const MOST_POINTS: usize = 80_000;
/// Points of one curve: more are not told apart on a screen.
const MOST_OF_A_CURVE: usize = 500;
/// With more groups the legend would be larger than the curves.
const MOST_KEYS: usize = 12;

/// A family of metrics, one for each layer or tensor.
struct Family {
    prefix: &'static str,
    title: &'static str,
    axis: (&'static str, &'static str),
}

const fn family(prefix: &'static str, title: &'static str, axis: (&'static str, &'static str)) -> Family {
    Family { prefix, title, axis }
}

/// What tells how learning went, in the order of the page.
const DIAGNOSTICS: [Family; 14] = [
    family("angle_bp.", "Angle of updates to backpropagation", ("Angle", "\u{b0}")),
    family("angle_fa.", "Angle of updates to feedback alignment", ("Angle", "\u{b0}")),
    family("norm_ratio.", "Length of updates over backpropagation's", ("Ratio of norms", "")),
    family("forward_feedback_angle.", "Angle between forward weights, transposed, and feedback", ("Angle", "\u{b0}")),
    family(
        "apical_squared.",
        "Apical error: squared apical potential, summed over a layer",
        ("Apical distance\u{b2}", ""),
    ),
    family("interneuron_mismatch_squared.", "Mismatch of interneurons, squared", ("Interneuron distance\u{b2}", "")),
    family("interneuron_error.", "Error of interneurons over the nudge", ("Interneuron error", "")),
    family("distance_pi.", "Distance of W^PI from self-prediction", ("Distance PI", "")),
    family("distance_ip.", "Distance of W^IP from self-prediction", ("Distance IP", "")),
    family("saturated.", "Saturated cells: slope below a twentieth of the steepest", ("Share of cells", "%")),
    family("weight_norm.", "Norms of weights", ("Norm", "")),
    family("solver.", "The solver: samples that did not settle, residual, sweeps", ("Value", "")),
    family("stability.", "Stability: must stay below 2", ("Stability number", "")),
    family("validation.unsettled", "Validation samples without an answer", ("Share", "%")),
];

/// What is shown of several runs, for readers.
pub fn shown(opened: &Opened) -> &'static str {
    let seeds = opened.told.iter().filter(|t| t.place.is_some()).count() > opened.runs.count();
    match (seeds, opened.runs.count() > 1) {
        (true, true) => "Curves are means over the seeds of a config, bands reach from the lowest to the highest.",
        (true, false) => "Curves are means over the seeds, bands reach from the lowest to the highest.",
        _ => "",
    }
}

/// Error and loss in training and validation.
pub fn learning(opened: &Opened) -> Vec<Chart> {
    let runs = &opened.runs;
    let of = |(what, label, unit, factor): (&str, &str, &str, f64)| {
        let members = [("validation", "validation"), ("train", "training")]
            .map(|(set, name)| (format!("{set}.{what}"), name.to_owned()));
        chart(runs, label, X::of(runs, &members).ok()?, Axis::new(label, unit), factor, &members)
    };
    [("error", "Classification error", "%", 100.0), ("loss", "Loss", "", 1.0)].into_iter().filter_map(of).collect()
}

/// All diagnostics that any run has.
pub fn diagnostics(opened: &Opened) -> Vec<Chart> {
    let runs = &opened.runs;
    let of = |f: &Family| {
        let found = runs.metrics(f.prefix).ok()?;
        let by_layer = found.iter().all(|(_, rest)| rest.parse::<usize>().is_ok());
        let members = if by_layer { layers(found) } else { found };
        let factor = if f.axis.1 == "%" { 100.0 } else { 1.0 };
        chart(runs, f.title, X::Presentations, Axis::new(f.axis.0, f.axis.1), factor, &members)
    };
    DIAGNOSTICS.iter().filter_map(of).collect()
}

fn chart(runs: &Runs, title: &str, x: X, y: Axis, factor: f64, members: &[(String, String)]) -> Option<Chart> {
    let panel: Result<Panel, Refusal> = runs.panel(x, y, factor, members);
    let mut panel = panel.ok().filter(|panel| panel.lines.iter().any(|line| line.y.iter().any(|v| v.is_finite())))?;
    // An angle of 1 degree is no tenth of one of 10.
    if panel.y.unit == "\u{b0}" {
        panel.y.scale = Scale::Linear;
    }
    let keys = panel.legend.clone();
    if panel.legend.as_ref().is_some_and(|keys| keys.len() > MOST_KEYS) {
        panel.legend = Some(Vec::new());
    }
    Some(Chart { title: title.to_owned(), panel, keys })
}

/// Takes points out of all charts of a page, so that together they have no more than a page can hold.
pub fn thin(charts: &mut [&mut Chart]) {
    let curves: usize = charts.iter().map(|c| c.panel.lines.len() + 2 * c.panel.bands.len()).sum();
    let most = (MOST_POINTS / curves.max(1)).min(MOST_OF_A_CURVE);
    for panel in charts.iter_mut().map(|chart| &mut chart.panel) {
        let pick = |list: &[f64], kept: &[usize]| kept.iter().filter_map(|&i| list.get(i).copied()).collect::<Vec<_>>();
        for line in &mut panel.lines {
            let kept = decimate(&line.y, most);
            (line.x, line.y) = (pick(&line.x, &kept), pick(&line.y, &kept));
        }
        for band in &mut panel.bands {
            let kept = decimate(&band.high, most);
            (band.x, band.low, band.high) = (pick(&band.x, &kept), pick(&band.low, &kept), pick(&band.high, &kept));
        }
    }
}
