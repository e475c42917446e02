//! Which samples a presentation shows.

use apical::kernels::Real;
use apical::kernels::rng::{Draws, Stream};
use apical::tasks::{Task, Train};

/// The training samples of one epoch in their order. A last batch that is not full is left out; another order leaves out
/// other samples.
pub struct Epoch<'a> {
    task: &'a Task,
    /// Rows of the set in their order; empty for streams.
    rows: Vec<u32>,
    /// Index of the epoch's first sample in a stream.
    first: u64,
    batch: usize,
}

/// A batch with room for its values.
pub struct Batch<T> {
    /// samples x n_0.
    pub input: Vec<T>,
    /// samples x n_N, meaningful if `has_target`.
    pub target: Vec<T>,
    /// The task has targets.
    pub has_target: bool,
    /// Classes; empty without.
    pub classes: Vec<u32>,
    x: Vec<f64>,
    y: Vec<f64>,
}

impl<T: Real> Batch<T> {
    /// Room for `batch` samples of a task.
    pub fn new(task: &Task, batch: usize) -> Self {
        Batch {
            input: vec![T::ZERO; batch * task.inputs],
            target: vec![T::ZERO; batch * task.outputs],
            has_target: false,
            classes: Vec::with_capacity(batch),
            x: vec![0.0; task.inputs],
            y: vec![0.0; task.outputs],
        }
    }
}

impl<'a> Epoch<'a> {
    /// Epoch `epoch` (counted from 0 over all phases) of a run with this seed.
    pub fn new(task: &'a Task, seed: u64, epoch: u64, batch: usize) -> Self {
        let rows = match &task.train {
            Train::Set(samples) => {
                let mut rows: Vec<u32> = (0..samples.len() as u32).collect();
                if !task.sequence {
                    Draws::new(seed, Stream::Order, epoch).shuffle(&mut rows);
                }
                rows
            }
            Train::Stream { .. } => Vec::new(),
        };
        let per_epoch = Self::presentations(task, batch) * batch as u64;
        Epoch { task, rows, first: epoch * per_epoch, batch }
    }

    /// Presentations in an epoch.
    pub fn presentations(task: &Task, batch: usize) -> u64 {
        (task.per_epoch() / batch) as u64
    }

    /// Fills the batch that presentation `n` of the epoch shows.
    pub fn fill<T: Real>(&self, n: u64, batch: &mut Batch<T>) {
        batch.classes.clear();
        for b in 0..self.batch {
            let index = n as usize * self.batch + b;
            let input = &mut batch.input[b * self.task.inputs..(b + 1) * self.task.inputs];
            let target = &mut batch.target[b * self.task.outputs..(b + 1) * self.task.outputs];
            match &self.task.train {
                Train::Set(samples) => {
                    let row = self.rows[index] as usize;
                    samples.input(row, input);
                    batch.has_target = samples.target(row, target);
                    batch.classes.extend(samples.class(row));
                }
                Train::Stream { source, .. } => {
                    batch.has_target = source.sample(self.first + index as u64, &mut batch.x, &mut batch.y);
                    input.iter_mut().zip(&batch.x).for_each(|(o, &x)| *o = T::from_f64(x));
                    target.iter_mut().zip(&batch.y).for_each(|(o, &y)| *o = T::from_f64(y));
                }
            }
        }
    }
}
