//! A config that was read, changed and checked: what experiments and circuits are made of.

use crate::errors;
use apical::{learners as engine_learners, solvers as engine_solvers};
use apical_lab::Experiment;
use apical_lab::check::{Checked, Context, canonical, check, recorded, resolved_toml};
use apical_lab::config::{self, Override, PRESETS, Source};
use apical_lab::folder;
use pyo3::prelude::*;
use std::path::{Path, PathBuf};

/// A checked config.
#[pyclass(frozen, module = "apical._engine")]
pub struct Config {
    /// What it means.
    pub e: Experiment,
    warnings: Vec<String>,
}

#[pymethods]
impl Config {
    /// From the text of a config: `label` stands in messages, `name` names its runs unless the text does, paths are relative
    /// to `folder`, and `changes` are KEY=VALUE in order.
    #[new]
    fn new(
        py: Python<'_>,
        label: String,
        name: String,
        text: String,
        folder: PathBuf,
        changes: Vec<String>,
    ) -> PyResult<Self> {
        let source = Source { name, ..Source::new(label, text, folder) };
        let changes: Vec<Override> = changes.into_iter().map(Override::set).collect();
        let checked = py.detach(|| check(&source, &changes, &Context::here()));
        let Checked { experiment: e, warnings } = checked.map_err(|list| errors::config(&list))?;
        Ok(Config { e, warnings: warnings.iter().map(|w| config::report(std::slice::from_ref(w), false)).collect() })
    }

    /// Name of the experiment.
    #[getter]
    fn name(&self) -> &str {
        &self.e.name
    }

    /// Seed of everything random.
    #[getter]
    fn seed(&self) -> u64 {
        self.e.seed
    }

    /// Cells per layer.
    #[getter]
    fn sizes(&self) -> Vec<usize> {
        self.e.network.sizes.clone()
    }

    /// "f32" or "f64".
    #[getter]
    fn precision(&self) -> &'static str {
        self.e.precision.name()
    }

    /// Samples side by side.
    #[getter]
    fn batch(&self) -> usize {
        self.e.train.batch
    }

    /// Simulated ms of one step; of one presentation, where there are no dynamics.
    #[getter]
    fn step_ms(&self) -> f64 {
        if self.e.has_dynamics() { self.e.timing.dt } else { self.e.timing.presentation }
    }

    /// Length of a presentation, ms.
    #[getter]
    fn presentation_ms(&self) -> f64 {
        self.e.timing.presentation
    }

    /// True if a presentation is a course of steps.
    #[getter]
    fn has_dynamics(&self) -> bool {
        self.e.has_dynamics()
    }

    /// Activation, bias rate, factors of attenuation of each layer, for the feed-forward function.
    #[getter]
    fn function(&self) -> (String, f64, Vec<f64>) {
        let f = apical_lab::run::build::function(&self.e);
        (f.net.activation.name().to_owned(), f.net.bias_rate, (1..=f.depth()).map(|k| f.factor(k)).collect())
    }

    /// What will probably not go as hoped.
    #[getter]
    fn warnings(&self) -> Vec<String> {
        self.warnings.clone()
    }

    /// Names of the metrics that a run keeps over time.
    #[getter]
    fn metrics(&self) -> Vec<String> {
        recorded(&self.e)
    }

    /// The config with nothing left open, as TOML.
    #[getter]
    fn resolved(&self) -> String {
        resolved_toml(&self.e)
    }

    /// Name of its run folder.
    ///
    /// # Errors
    /// A named data file cannot be read.
    fn folder_name(&self, py: Python<'_>) -> PyResult<String> {
        let named = py.detach(|| canonical(&self.e).and_then(|text| folder::folder_name(&self.e.name, &text)));
        named.map_err(|e| errors::error(&e))
    }
}

/// The config that a preset's name or a file's path means: label, name, text, folder.
#[pyfunction]
pub fn find(named: &str) -> PyResult<Found> {
    told(named, config::find(named, Path::new("")))
}

/// The sweep that a name or a file's path means, likewise.
#[pyfunction]
pub fn find_sweep(named: &str) -> PyResult<Found> {
    told(named, config::find_sweep(named))
}

/// Label, name, text, folder.
type Found = (String, String, String, PathBuf);

fn told(named: &str, found: Result<Source, apical_lab::Error>) -> PyResult<Found> {
    let source = found.map_err(|e| errors::error(&e))?;
    let text = String::from_utf8(source.text).map_err(|_| errors::input(named, "it is not UTF-8", "a TOML file"))?;
    Ok((source.label, source.name, text, source.dir))
}

/// Names and descriptions of all presets.
#[pyfunction]
pub fn presets() -> Vec<(&'static str, &'static str)> {
    PRESETS.iter().map(|preset| (preset.name, preset.about)).collect()
}

/// Names and descriptions of all solvers.
#[pyfunction]
pub fn solvers() -> Vec<(&'static str, &'static str)> {
    engine_solvers::NAMES.to_vec()
}

/// Names and descriptions of all learners.
#[pyfunction]
pub fn learners() -> Vec<(&'static str, &'static str)> {
    engine_learners::NAMES.to_vec()
}
