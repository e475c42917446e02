//! Figures of a run: drawn from what its folder holds, so they can be drawn at any time, with the same bytes.

use crate::failure::Failure;
use apical_lab::Error;
use apical_lab::folder::{FIGURES, write_atomic};
use apical_lab::record::read;
use apical_lab::relate::Relation;
use apical_report::{HeatMap, LimitPoint, Matrix, Series, limit_figures, metric_figures, theme};
use std::path::Path;

/// Dots per inch of the PNG files that come with a run.
const DPI: f64 = 200.0;
/// Dots per inch of the PNG files that are asked for: what journals ask for.
pub const DPI_PRINT: f64 = 300.0;

/// Draws the figures that are missing: each metric's curve as SVG and PNG, with its data as CSV.
///
/// # Errors
/// Metrics that cannot be read; the machine's.
pub fn draw_missing(run: &Path) -> Result<(), Failure> {
    let name = run.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let series: Vec<Series> = read::metrics(run)?
        .series
        .into_iter()
        .map(|series| Series {
            run: name.clone(),
            metric: series.name,
            x: series.when.iter().map(|when| when.presentation as f64).collect(),
            y: series.values,
        })
        .collect();
    let folder = run.join(FIGURES);
    std::fs::create_dir_all(&folder).map_err(|e| Error::machine(folder.display().to_string(), e))?;
    for (stem, figure) in metric_figures(&series) {
        let path = |end: &str| Some(folder.join(format!("{stem}.{end}"))).filter(|path| !path.exists());
        if let Some(path) = path("csv") {
            write_atomic(&path, figure.csv().as_bytes(), "figure")?;
        }
        if let Some(path) = path("svg") {
            write_atomic(&path, figure.svg().as_bytes(), "figure")?;
        }
        if let Some(path) = path("png") {
            let png = figure.png(DPI).map_err(|e| Error::machine(path.display().to_string(), e))?;
            write_atomic(&path, &png, "figure")?;
        }
    }
    Ok(())
}

/// Draws a relation: a heat map for each moment, a figure for each limit; each as SVG and PNG, with its data as CSV.
///
/// # Errors
/// The machine's.
pub fn draw_relation(to: &Path, relation: &Relation) -> Result<(), Failure> {
    let folder = to.join(FIGURES);
    std::fs::create_dir_all(&folder).map_err(|e| Error::machine(folder.display().to_string(), e))?;
    let save = |stem: &str, csv: String, svg: String, png: Result<Vec<u8>, apical_report::Error>| {
        let path = |end: &str| folder.join(format!("{stem}.{end}"));
        let png = png.map_err(|e| Error::machine(path("png").display().to_string(), e))?;
        write_atomic(&path("csv"), csv.as_bytes(), "figure")?;
        write_atomic(&path("svg"), svg.as_bytes(), "figure")?;
        write_atomic(&path("png"), &png, "figure")
    };
    for matrix in &relation.matrices {
        let title = |layer: &String| if layer == "all" { "All layers".to_owned() } else { format!("Layer {layer}") };
        let panels = matrix.layers.iter().zip(&matrix.degrees);
        let map = HeatMap {
            width_mm: theme::TWO_COLUMNS,
            columns: 2,
            names: matrix.names.clone(),
            panels: panels.map(|(layer, list)| Matrix { title: title(layer), degrees: list.clone() }).collect(),
        };
        save(&format!("angles-{}", matrix.when), map.csv(), map.svg(), map.png(DPI))?;
    }
    let points: Vec<LimitPoint> = (relation.limits.iter())
        .map(|p| LimitPoint {
            figure: p.figure.to_owned(),
            curve: p.method.clone(),
            parameter: symbol(p.parameter),
            value: p.value,
            layer: if p.layer == "all" { "All layers".to_owned() } else { format!("Layer {}", p.layer) },
            degrees: p.degrees,
            norm_ratio: p.norm_ratio,
        })
        .collect();
    for (name, figure) in limit_figures(&points) {
        save(&format!("limit-{name}"), figure.csv(), figure.svg(), figure.png(DPI))?;
    }
    Ok(())
}

/// A parameter as an axis calls it, with its unit.
fn symbol(parameter: &str) -> (String, String) {
    let (name, unit) = match parameter {
        "g_som_output" => ("Nudging conductance g_som of the output", "1/ms"),
        "lambda_N" => ("Mixing factor of the nudge", ""),
        "beta" => ("Nudge beta", ""),
        "output_precision" => ("Precision of the output", ""),
        "T" => ("Inference steps T", ""),
        "target_step" => ("Step of the target", ""),
        other => (other, ""),
    };
    (name.to_owned(), unit.to_owned())
}
