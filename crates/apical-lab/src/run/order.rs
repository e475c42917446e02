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
    /// The row whose target each row is taught, where they are shuffled.
    targets: Option<Vec<u32>>,
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
        Epoch { task, rows, targets: None, first: epoch * per_epoch, batch }
    }

    /// The same, where each sample of a set is taught the target of another: which one depends on the seed alone.
    pub fn shuffled(mut self, seed: u64) -> Self {
        let mut targets: Vec<u32> = (0..self.rows.len() as u32).collect();
        Draws::new(seed, Stream::Shuffled, 0).shuffle(&mut targets);
        self.targets = Some(targets);
        self
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
                    let taught = self.targets.as_ref().map_or(row, |targets| targets[row] as usize);
                    batch.has_target = samples.target(taught, target);
                    batch.classes.extend(samples.class(taught));
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

#[cfg(test)]
mod tests {
    use super::*;
    use apical::tasks::{Coding, Samples, Storage, Targets, Transform};
    use std::collections::BTreeMap;

    const SAMPLES: usize = 40;

    /// Sample i is i, and of class i modulo 4.
    fn task() -> Task {
        let labels = (0..SAMPLES as u32).map(|i| i % 4).collect();
        let x = Storage::Floats((0..SAMPLES).map(|i| i as f64).collect());
        let y = Targets::Classes { labels, coding: Coding { low: 0.0, high: 1.0 } };
        Task {
            inputs: 1,
            outputs: 4,
            classes: Vec::new(),
            sequence: false,
            train: Train::Set(Samples { inputs: 1, outputs: 4, x, y }),
            validation: Samples::empty(1, 4),
            test: Samples::empty(1, 4),
            transform: Transform::default(),
        }
    }

    /// The class that each sample is taught, by target and by label.
    fn taught(order: &Epoch<'_>, task: &Task) -> BTreeMap<usize, (usize, u32)> {
        let mut batch = Batch::<f64>::new(task, 1);
        let shown = (0..SAMPLES as u64).map(|n| {
            order.fill(n, &mut batch);
            let class = batch.target.iter().position(|&t| t == 1.0).unwrap();
            (batch.input[0] as usize, (class, batch.classes[0]))
        });
        shown.collect()
    }

    #[test]
    fn shuffled_targets_are_those_of_other_samples_and_the_same_in_all_epochs() {
        let task = task();
        let epoch = |epoch, seed| Epoch::new(&task, 3, epoch, 1).shuffled(seed);
        let plain = taught(&Epoch::new(&task, 3, 0, 1), &task);
        let shuffled = taught(&epoch(0, 3), &task);
        assert!(plain.iter().all(|(&i, &(class, label))| class == i % 4 && label as usize == class));
        assert!(shuffled.values().all(|&(class, label)| label as usize == class));
        assert_eq!(shuffled, taught(&epoch(7, 3), &task));
        assert_ne!(shuffled, taught(&epoch(0, 4), &task));
        let count =
            |classes: &BTreeMap<usize, (usize, u32)>, c| classes.values().filter(|taught| taught.0 == c).count();
        assert!((0..4).all(|c| count(&shuffled, c) == SAMPLES / 4), "none is lost");
        // By chance a quarter keeps its class: 10 of 40, sd 2.7.
        assert!(shuffled.iter().filter(|&(&i, &(class, _))| class == i % 4).count() < 20);
    }
}
