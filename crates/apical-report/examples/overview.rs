//! A run on one sheet: its circuit on the left, some of its metrics on the right.
//!
//! `cargo run --release -p apical-report --example overview -- RUN OUT.png METRIC...`, where METRIC is `error`, `loss`,
//! `apical_squared` and so on: the stem of a file in the run's `figures/`.

use apical_lab::record::read;
use apical_report::{Figure, Panel, Plastic, Schematic, Series, metric_figures};
use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [run, out, metrics @ ..] = arguments.as_slice() else {
        return Err("give a run folder, the file to write, and metrics: error apical_squared".into());
    };
    let run = Path::new(run);
    let config = read::resolved_config(run)?;
    let learns = |key: &str| values(&config, key).iter().any(|eta| *eta != 0.0);
    let schematic = Schematic {
        sizes: values(&config, "sizes").into_iter().map(|n| n as usize).collect(),
        plastic: Plastic {
            forward: learns("eta_pp"),
            interneuron: learns("eta_ip"),
            apical: learns("eta_pi"),
            feedback: learns("eta_pb"),
        },
    };
    let figure = Figure { width_mm: 85.0, axes_height_mm: 30.0, columns: 1, panels: panels(run, metrics)? };
    std::fs::write(out, schematic.scene().beside(figure.scene()).png(200.0)?)?;
    Ok(())
}

/// Panels of the named metrics, in that order.
fn panels(run: &Path, metrics: &[String]) -> Result<Vec<Panel>, Box<dyn Error>> {
    let series: Vec<Series> = read::metrics(run)?
        .series
        .into_iter()
        .map(|s| Series {
            run: String::new(),
            metric: s.name,
            x: s.when.iter().map(|when| when.presentation as f64).collect(),
            y: s.values,
        })
        .collect();
    let figures = metric_figures(&series);
    let mut panels = Vec::new();
    for metric in metrics {
        let found = figures.iter().find(|(stem, _)| stem == metric).ok_or(format!("the run has no metric {metric}"))?;
        panels.extend(found.1.panels.clone());
    }
    Ok(panels)
}

/// The numbers of all `key = [..]` in a resolved config, which writes each on a line of its own.
fn values(config: &str, key: &str) -> Vec<f64> {
    let lists = config.lines().filter_map(|line| line.strip_prefix(key)?.trim_start().strip_prefix("= ["));
    lists.flat_map(|list| list.trim_end_matches(']').split(',')).filter_map(|n| n.trim().parse().ok()).collect()
}
