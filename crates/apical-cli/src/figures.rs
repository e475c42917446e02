//! Figures of a run: drawn from what its folder holds, so they can be drawn at any time, with the same bytes.

use crate::failure::Failure;
use apical_lab::Error;
use apical_lab::folder::{FIGURES, write_atomic};
use apical_lab::record::read;
use apical_report::{Series, metric_figures};
use std::path::Path;

/// Dots per inch of the PNG files.
const DPI: f64 = 200.0;

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
