//! Samples in memory: bytes stay bytes (MNIST takes 47 MB, not 376), everything else is f64.

use super::Transform;
use crate::kernels::Real;

/// How a class becomes target potentials: `high` for its own output cell, `low` for the others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coding {
    /// Potential of the cells that should be silent.
    pub low: f64,
    /// Potential of the cell of the class.
    pub high: f64,
}

/// Input values, sample after sample.
#[derive(Clone, Debug, PartialEq)]
pub enum Storage {
    /// `scale * byte + offset`.
    Bytes {
        /// One byte a value.
        data: Vec<u8>,
        /// Factor.
        scale: f64,
        /// Added after the factor.
        offset: f64,
    },
    /// As they are.
    Floats(Vec<f64>),
}

/// What the circuit should answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Targets {
    /// Nothing: there is no teacher.
    None,
    /// A class per sample.
    Classes {
        /// Index of the class, below the number of outputs.
        labels: Vec<u32>,
        /// Potentials of the output cells.
        coding: Coding,
    },
    /// Target potentials, `outputs` per sample, sample after sample.
    Potentials(Vec<f64>),
}

/// A set of samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Samples {
    /// Number of input cells n_0.
    pub inputs: usize,
    /// Number of output cells n_N.
    pub outputs: usize,
    /// Input values.
    pub x: Storage,
    /// Targets.
    pub y: Targets,
}

impl Samples {
    /// A set without samples.
    pub fn empty(inputs: usize, outputs: usize) -> Self {
        Samples { inputs, outputs, x: Storage::Floats(Vec::new()), y: Targets::None }
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        let values = match &self.x {
            Storage::Bytes { data, .. } => data.len(),
            Storage::Floats(data) => data.len(),
        };
        values / self.inputs
    }

    /// True if there are no samples.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes the input of sample `row` (`inputs` values).
    pub fn input<T: Real>(&self, row: usize, out: &mut [T]) {
        let range = row * self.inputs..(row + 1) * self.inputs;
        match &self.x {
            Storage::Bytes { data, scale, offset } => {
                for (o, &byte) in out.iter_mut().zip(&data[range]) {
                    *o = T::from_f64(scale * f64::from(byte) + offset);
                }
            }
            Storage::Floats(data) => {
                for (o, &x) in out.iter_mut().zip(&data[range]) {
                    *o = T::from_f64(x);
                }
            }
        }
    }

    /// Writes the target potentials of sample `row` (`outputs` values); false if there is no target.
    pub fn target<T: Real>(&self, row: usize, out: &mut [T]) -> bool {
        match &self.y {
            Targets::None => return false,
            Targets::Classes { labels, coding } => {
                out.fill(T::from_f64(coding.low));
                out[labels[row] as usize] = T::from_f64(coding.high);
            }
            Targets::Potentials(data) => {
                for (o, &y) in out.iter_mut().zip(&data[row * self.outputs..(row + 1) * self.outputs]) {
                    *o = T::from_f64(y);
                }
            }
        }
        true
    }

    /// The class of sample `row`, where there are classes.
    pub fn class(&self, row: usize) -> Option<u32> {
        match &self.y {
            Targets::Classes { labels, .. } => Some(labels[row]),
            _ => None,
        }
    }

    /// A new set of the given rows, in that order.
    pub fn select(&self, rows: &[usize]) -> Self {
        fn pick<V: Copy>(data: &[V], width: usize, rows: &[usize]) -> Vec<V> {
            rows.iter().flat_map(|&r| data[r * width..(r + 1) * width].iter().copied()).collect()
        }
        Samples {
            inputs: self.inputs,
            outputs: self.outputs,
            x: match &self.x {
                Storage::Bytes { data, scale, offset } => {
                    Storage::Bytes { data: pick(data, self.inputs, rows), scale: *scale, offset: *offset }
                }
                Storage::Floats(data) => Storage::Floats(pick(data, self.inputs, rows)),
            },
            y: match &self.y {
                Targets::None => Targets::None,
                Targets::Classes { labels, coding } => {
                    Targets::Classes { labels: pick(labels, 1, rows), coding: *coding }
                }
                Targets::Potentials(data) => Targets::Potentials(pick(data, self.outputs, rows)),
            },
        }
    }
}

/// An endless source of training samples; sample `index` is a function of the index alone.
pub trait Stream: Send + Sync {
    /// Writes input and target potentials of sample `index`; false if there is no target.
    fn sample(&self, index: u64, input: &mut [f64], target: &mut [f64]) -> bool;
}

/// Training samples.
pub enum Train {
    /// A fixed set, shown in a new order each epoch (or in its own order, see [`Task::sequence`]).
    Set(Samples),
    /// New samples for ever; an epoch is `per_epoch` of them.
    Stream {
        /// The source.
        source: Box<dyn Stream>,
        /// Samples in an epoch.
        per_epoch: usize,
    },
}

/// What a circuit is shown and what it should answer.
pub struct Task {
    /// Number of input cells n_0.
    pub inputs: usize,
    /// Number of output cells n_N.
    pub outputs: usize,
    /// Names of the classes, one per output; empty where targets are potentials or absent.
    pub classes: Vec<String>,
    /// Samples belong together in time: shown in their own order, the state going on from one to the next.
    pub sequence: bool,
    /// For training.
    pub train: Train,
    /// For choosing.
    pub validation: Samples,
    /// For reporting, once.
    pub test: Samples,
    /// What was done to raw values; does the same to a file to predict ([`super::read_inputs`]).
    pub transform: Transform,
}

impl Task {
    /// Number of training samples in an epoch.
    pub fn per_epoch(&self) -> usize {
        match &self.train {
            Train::Set(samples) => samples.len(),
            Train::Stream { per_epoch, .. } => *per_epoch,
        }
    }
}
