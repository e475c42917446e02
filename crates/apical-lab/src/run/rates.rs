//! How the cells of each layer use their activation, on the first training samples of a run.

use super::build;
use super::order::{Batch, Epoch};
use crate::Error;
use crate::experiment::Experiment;
use apical::circuit::Tensors;
use apical::kernels::Real;
use apical::learners::rates::{Layer, histogram, layers};
use apical::tasks::Task;
use serde_json::{Value, json};

/// Samples looked at, at most: few enough to cost nothing beside an epoch.
const SAMPLES: usize = 100;
/// Bins of a histogram.
const BINS: usize = 20;

/// Share of saturated cells in each layer, as metrics.
pub fn saturation<T: Real>(e: &Experiment, task: &Task, w: &Tensors<T>) -> Vec<(String, f64)> {
    let layers = look(e, task, w);
    layers.iter().enumerate().map(|(i, layer)| (format!("saturated.{}", i + 1), layer.saturated)).collect()
}

/// Histograms of the rates at the start weights and at those of now.
///
/// # Errors
/// The start weights cannot be read.
pub fn histograms<T: Real>(e: &Experiment, task: &Task, w: &Tensors<T>) -> Result<Value, Error> {
    let start = look(e, task, &build::start_weights::<T>(e)?);
    let layers: Vec<Value> = start.iter().zip(&look(e, task, w)).enumerate().map(counted).collect();
    Ok(json!({
        "samples": samples(e, task), "layers": layers,
        "says": "rates of all cells of a layer on the first training samples, counted in equal bins from low to high",
    }))
}

fn counted((i, (start, end)): (usize, (&Layer, &Layer))) -> Value {
    let all = || start.rates.iter().chain(&end.rates).copied().filter(|r| r.is_finite());
    let (low, high) = (all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max));
    // Rates between 0 and 1 are seen beside those of other layers and runs.
    let (low, high) = if low >= 0.0 && high <= 1.0 { (0.0, 1.0) } else { (low, high) };
    let count = |layer: &Layer| histogram(&layer.rates, low, high, BINS);
    json!({
        "layer": i + 1, "low": low, "high": high, "start": count(start), "end": count(end),
        "saturated_start": start.saturated, "saturated_end": end.saturated,
    })
}

/// Samples looked at: whole batches, at least one.
fn samples(e: &Experiment, task: &Task) -> usize {
    let batches = (SAMPLES / e.train.batch).max(1);
    batches.min(Epoch::presentations(task, e.train.batch) as usize) * e.train.batch
}

fn look<T: Real>(e: &Experiment, task: &Task, w: &Tensors<T>) -> Vec<Layer> {
    let order = Epoch::new(task, e.seed, 0, e.train.batch);
    let (mut input, mut batch) = (Vec::new(), Batch::new(task, e.train.batch));
    let samples = samples(e, task);
    for n in 0..samples / e.train.batch {
        order.fill(n as u64, &mut batch);
        input.extend_from_slice(&batch.input);
    }
    layers(&build::function(e), w, &input, samples)
}
