//! Between a running experiment and its checkpoint.

use super::interval::Interval;
use crate::Error;
use crate::checkpoint::{Checkpoint, Tensor, TensorType};
use crate::experiment::Experiment;
use apical::kernels::{Mat, Real};
use apical::learners::Learner;
use std::path::Path;

/// Where a run stands. Counters go on over all phases.
#[derive(Clone, Debug, PartialEq)]
pub struct Counters {
    /// Presentations made.
    pub presentation: u64,
    /// Epochs completed.
    pub epoch: u64,
    /// Presentations made in the present epoch.
    pub in_epoch: u64,
    /// The best validation so far, if there was one.
    pub best: Option<Best>,
    /// Sums of the present metric interval.
    pub interval: Interval,
}

/// The best validation so far.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Best {
    /// After this epoch.
    pub epoch: u64,
    /// Its error, or its loss where there are no classes.
    pub score: f64,
}

/// Positions in files that grow.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Positions {
    /// Bytes of metrics.jsonl.
    pub metrics: u64,
    /// Bytes of the events, if the run writes any.
    pub events: Option<u64>,
    /// Rows of each trace variable.
    pub traces: Vec<u64>,
}

/// What does not change during a run but must be the same when it goes on.
#[derive(Clone, Debug, PartialEq)]
pub struct Identity {
    /// SHA-256 of the canonical config.
    pub config: String,
    /// What decides the bits beside it.
    pub plan: String,
}

const FORMAT: &str = "1";

fn tensor<T: Real>(name: String, shape: &[usize], values: &[T]) -> Tensor {
    let mut data = Vec::with_capacity(std::mem::size_of_val(values));
    values.iter().for_each(|x| x.push_le(&mut data));
    Tensor { name, dtype: tensor_type::<T>(), shape: shape.to_vec(), data }
}

/// The type of the run's own numbers.
fn tensor_type<T: Real>() -> TensorType {
    if T::NAME == "f64" { TensorType::F64 } else { TensorType::F32 }
}

/// A checkpoint of everything.
pub fn checkpoint<T: Real>(
    learner: &dyn Learner<T>,
    counters: &Counters,
    positions: &Positions,
    identity: &Identity,
) -> Checkpoint {
    let weights = learner.weights().named().map(|(name, m)| tensor(name, &[m.rows, m.cols], &m.data));
    let state = learner.save().into_iter().map(|a| tensor(a.name, &a.shape, &a.data));
    let mut tensors: Vec<Tensor> = weights.chain(state).collect();
    let sums = counters.interval.to_sums();
    tensors.push(Tensor::f64("interval", &[sums.len()], &sums));
    tensors.push(Tensor::u64("position.traces", &[positions.traces.len()], &positions.traces));
    let mut best = Vec::new();
    if let Some(b) = counters.best {
        best.push(b.score);
    }
    tensors.push(Tensor::f64("best.score", &[best.len()], &best));
    let mut meta = std::collections::BTreeMap::new();
    let mut put = |key: &str, value: String| meta.insert(key.to_owned(), value);
    put("format", FORMAT.to_owned());
    put("config_sha256", identity.config.clone());
    put("plan", identity.plan.clone());
    put("precision", T::NAME.to_owned());
    put("presentation", counters.presentation.to_string());
    put("epoch", counters.epoch.to_string());
    put("in_epoch", counters.in_epoch.to_string());
    put("step", learner.clock().to_string());
    put("best.epoch", counters.best.map_or(0, |b| b.epoch).to_string());
    put("position.metrics", positions.metrics.to_string());
    if let Some(events) = positions.events {
        put("position.events", events.to_string());
    }
    Checkpoint { tensors, meta }
}

/// Takes a run up where a checkpoint left it.
///
/// # Errors
/// `Input`, naming the file and what does not fit.
pub fn restore<T: Real>(
    path: &Path,
    checkpoint: &Checkpoint,
    identity: &Identity,
    learner: &mut dyn Learner<T>,
    hidden: usize,
) -> Result<(Counters, Positions), Error> {
    let place = path.display().to_string();
    let wrong = |found: String, allowed: &str| Error::input(&place, found, allowed);
    let text = |key: &str| {
        let value = checkpoint.meta.get(key);
        value.cloned().ok_or_else(|| wrong(format!("no {key}"), "a checkpoint of this version of apical"))
    };
    let number = |key: &str| {
        let value = text(key)?;
        value.parse::<u64>().map_err(|_| wrong(format!("{key} is {value:?}"), "a whole number"))
    };
    if text("format")? != FORMAT {
        return Err(wrong(format!("format {}", text("format")?), "format 1"));
    }
    if text("config_sha256")? != identity.config {
        return Err(wrong("it belongs to another config".into(), "the checkpoint that this run wrote"));
    }
    if text("precision")? != T::NAME {
        return Err(wrong(format!("precision {}", text("precision")?), T::NAME));
    }
    restore_weights(&place, checkpoint, learner)?;
    let array = |name: &str, length: usize| -> Option<Vec<T>> {
        let tensor = checkpoint.tensor(name)?;
        let values: Vec<T> = values(tensor)?;
        (values.len() == length).then_some(values)
    };
    learner
        .restore(&mut |name, length| array(name, length))
        .map_err(|name| wrong(format!("tensor {name} is missing or of another size"), "the state of this network"))?;
    learner.set_clock(number("step")?);
    let sums = checkpoint.tensor("interval").map(Tensor::to_f64).unwrap_or_default();
    let interval = Interval::from_sums(hidden, &sums)
        .ok_or_else(|| wrong(format!("{} interval sums", sums.len()), "those of this network"))?;
    let score = checkpoint.tensor("best.score").map(Tensor::to_f64).unwrap_or_default();
    let best_epoch = number("best.epoch")?;
    let counters = Counters {
        presentation: number("presentation")?,
        epoch: number("epoch")?,
        in_epoch: number("in_epoch")?,
        best: score.first().map(|&score| Best { epoch: best_epoch, score }),
        interval,
    };
    let traces = checkpoint.tensor("position.traces").and_then(Tensor::to_u64).unwrap_or_default();
    let events = checkpoint.meta.contains_key("position.events").then(|| number("position.events")).transpose()?;
    Ok((counters, Positions { metrics: number("position.metrics")?, events, traces }))
}

/// Only the weights of a checkpoint: for evaluation and prediction.
///
/// # Errors
/// `Input`, naming the file and the tensor that does not fit.
pub fn restore_weights<T: Real>(
    place: &str,
    checkpoint: &Checkpoint,
    learner: &mut dyn Learner<T>,
) -> Result<(), Error> {
    for (name, m) in learner.weights_mut().named_mut() {
        let found = checkpoint.tensor(&name).and_then(values).filter(|v: &Vec<T>| v.len() == m.data.len());
        let Some(data) = found else {
            let (found, allowed) = (format!("tensor {name} is missing or of another size"), "weights of this network");
            return Err(Error::input(place, found, allowed));
        };
        *m = Mat { data, ..*m };
    }
    Ok(())
}

/// The values of a tensor of the run's own precision, bit for bit.
fn values<T: Real>(tensor: &Tensor) -> Option<Vec<T>> {
    (tensor.dtype == tensor_type::<T>()).then(|| tensor.data.chunks_exact(size_of::<T>()).map(T::from_le).collect())
}

/// Hidden layers of an experiment's network.
pub fn hidden(e: &Experiment) -> usize {
    e.network.sizes.len() - 2
}
