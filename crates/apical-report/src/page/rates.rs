//! Histograms of the cells' rates, a chart for each layer: at the start and at the end of one config's runs, or at the end of
//! several.

use super::model::Chart;
use super::opened::Opened;
use crate::figure::{Axis, Dash, Line, Panel};
use apical_lab::record::{RATES, Run};
use serde_json::Value;

/// With more configs than this their histograms would hide each other.
const MOST_CONFIGS: usize = 7;

/// Counts in equal bins.
#[derive(Clone, Debug, PartialEq)]
struct Histogram {
    low: f64,
    high: f64,
    counts: Vec<f64>,
}

/// A chart for each layer that the runs tell of; those of the first configs.
pub fn charts(opened: &Opened) -> Vec<Chart> {
    let runs = &opened.runs;
    let several = runs.count() > 1;
    (1..)
        .map_while(|layer| {
            let mut panel = Panel::new(Axis::new("Rate", ""), Axis::new("Share of cells", "%"));
            for (group, label) in runs.groups.labels.iter().enumerate().take(MOST_CONFIGS) {
                let of = |when| pooled(opened.group(group).filter_map(|told| opened.run(told)), layer, when);
                let parts = if several {
                    vec![("end", label.as_str(), Dash::Solid, group)]
                } else {
                    vec![("end", "end", Dash::Solid, 0), ("start", "start", Dash::Dashed, 1)]
                };
                let lines = parts
                    .into_iter()
                    .filter_map(|(when, name, dash, colour)| Some(line(&of(when)?, name, dash, colour)));
                panel.lines.extend(lines);
            }
            let most = panel.lines.iter().flat_map(|line| &line.y).copied().fold(0.0, f64::max);
            panel.y.range = Some((0.0, 1.05 * most));
            let of = if several { ", at the end" } else { "" };
            (!panel.lines.is_empty()).then(|| Chart { title: format!("Rates of layer {layer}{of}"), panel, keys: None })
        })
        .collect()
}

fn line(h: &Histogram, name: &str, dash: Dash, colour: usize) -> Line {
    let (width, all) = ((h.high - h.low) / h.counts.len() as f64, h.counts.iter().sum::<f64>());
    let x = (0..h.counts.len()).map(|i| h.low + (i as f64 + 0.5) * width).collect();
    Line { name: name.to_owned(), colour, dash, x, y: h.counts.iter().map(|n| 100.0 * n / all).collect() }
}

/// The runs' histograms together, if they have the same bins; else the first one.
fn pooled<'a>(runs: impl Iterator<Item = &'a Run>, layer: usize, when: &str) -> Option<Histogram> {
    let mut whole: Option<Histogram> = None;
    for found in runs.filter_map(|run| histogram(run, layer, when)) {
        match &mut whole {
            None => whole = Some(found),
            Some(w) if (w.low, w.high, w.counts.len()) == (found.low, found.high, found.counts.len()) => {
                w.counts.iter_mut().zip(&found.counts).for_each(|(sum, n)| *sum += n);
            }
            Some(_) => {}
        }
    }
    whole
}

/// What a run tells of a layer; `None` where it does not, or tells what makes no sense.
fn histogram(run: &Run, layer: usize, when: &str) -> Option<Histogram> {
    let found = run.observation(RATES).ok()??;
    let of_layer = found.get("layers")?.as_array()?.get(layer - 1)?;
    let (low, high) = (of_layer["low"].as_f64()?, of_layer["high"].as_f64()?);
    let counts: Vec<f64> = of_layer[when].as_array()?.iter().map(Value::as_f64).collect::<Option<_>>()?;
    let sum: f64 = counts.iter().sum();
    (low < high && counts.len() <= 1000 && sum > 0.0 && counts.iter().all(|n| *n >= 0.0)).then_some(Histogram {
        low,
        high,
        counts,
    })
}
