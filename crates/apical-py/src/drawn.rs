//! Figures of run folders as data: what the report's registry makes, for matplotlib to draw.

use crate::errors;
use apical_lab::record::Run;
use apical_report::figures::{self, Drawn, Options, Runs};
use apical_report::{Axis, Colours, Dash, Figure, Image, Panel, Scale, theme};
use pyo3::prelude::*;
use serde_json::{Value, json};
use std::path::PathBuf;

/// Name, what it shows and what must have been recorded, of all figures.
#[pyfunction(name = "figures")]
pub fn list() -> Vec<(&'static str, &'static str, &'static str)> {
    figures::FIGURES.iter().map(|entry| (entry.name, entry.about, entry.needs)).collect()
}

/// A figure of run folders: panels as JSON, or, of a picture that has none, nothing; its CSV; and as PNG where asked.
#[pyfunction]
#[pyo3(signature = (name, runs, cells=None, window=None, metric=None, png_dpi=None))]
pub fn draw(
    py: Python<'_>,
    name: &str,
    runs: Vec<PathBuf>,
    cells: Option<Vec<usize>>,
    window: Option<(f64, f64)>,
    metric: Option<String>,
    png_dpi: Option<f64>,
) -> PyResult<(Option<String>, String, Option<Vec<u8>>)> {
    let Some(entry) = figures::find(name) else {
        let names: Vec<&str> = figures::FIGURES.iter().map(|entry| entry.name).collect();
        return Err(errors::input("figure", format!("there is no figure {name:?}"), names.join(", ")));
    };
    let options = Options { width_mm: None, cells, window, metric, ranking: None };
    py.detach(|| {
        let opened = runs.iter().map(|path| Run::open(path)).collect::<Result<Vec<_>, _>>();
        let runs = Runs::new(opened.map_err(|e| errors::error(&e))?);
        let Drawn { scene, csv, figure } = (entry.draw)(&runs, &options).map_err(|r| errors::refusal(name, &r))?;
        let png = png_dpi.map(|dpi| scene.png(dpi).map_err(|e| errors::input("dpi", e.to_string(), ""))).transpose()?;
        Ok((figure.map(|figure| told(&figure).to_string()), csv, png))
    })
}

fn told(figure: &Figure) -> Value {
    let colours: Vec<&str> = theme::PALETTE.to_vec();
    json!({
        "width_mm": figure.width_mm, "axes_height_mm": figure.axes_height_mm, "columns": figure.columns,
        "palette": colours, "panels": figure.panels.iter().map(panel).collect::<Vec<_>>(),
    })
}

fn panel(p: &Panel) -> Value {
    let lines: Vec<Value> = (p.lines.iter())
        .map(|l| json!({"name": l.name, "colour": l.colour, "dash": dash(l.dash), "x": l.x, "y": l.y}))
        .collect();
    let bands: Vec<Value> = (p.bands.iter())
        .map(|b| json!({"name": b.name, "colour": b.colour, "x": b.x, "low": b.low, "high": b.high}))
        .collect();
    let keys: Vec<Value> =
        (p.keys().iter()).map(|k| json!({"name": k.name, "colour": k.colour, "dash": dash(k.dash)})).collect();
    json!({
        "title": p.title, "x": axis(&p.x), "y": axis(&p.y), "image": p.image.as_ref().map(image), "bands": bands,
        "levels": p.levels, "lines": lines, "keys": keys, "square": p.square, "bare": p.bare,
    })
}

fn axis(a: &Axis) -> Value {
    json!({"label": a.text(), "log": a.scale == Scale::Log, "range": a.range, "names": a.names})
}

fn image(i: &Image) -> Value {
    let (kind, range) = match i.colours {
        Colours::Sequential(low, high) => ("sequential", Some((low, high))),
        Colours::Diverging(most) => ("diverging", Some((-most, most))),
        Colours::Classes => ("classes", None),
    };
    json!({
        "x": i.x, "y": i.y, "columns": i.columns, "rows": i.rows(), "values": i.values, "kind": kind, "range": range,
        "label": i.label, "bar": i.bar, "texts": i.texts,
    })
}

fn dash(dash: Dash) -> Value {
    match dash {
        Dash::Points => json!("points"),
        other => json!(other.lengths()),
    }
}
