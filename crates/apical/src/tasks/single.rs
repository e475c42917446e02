//! One fixed input-target pair, shown again and again; it validates and tests as well.

use super::{DataError, Entry, Samples, Storage, Stream, Targets, Task, Train, Transform};
use crate::kernels::rng::{self, Draws};

pub(super) const ENTRY: Entry = Entry {
    name: "single",
    about: "one fixed input U(low, high) with target potentials U(target_low, target_high)",
    reference: Some("Sacramento, Costa, Bengio & Senn, NeurIPS 2018"),
};

struct Single {
    input: Vec<f64>,
    target: Vec<f64>,
}

impl Stream for Single {
    fn sample(&self, _: u64, input: &mut [f64], target: &mut [f64]) -> bool {
        input.copy_from_slice(&self.input);
        target.copy_from_slice(&self.target);
        true
    }
}

pub(super) fn build(
    input: (f64, f64),
    target: (f64, f64),
    presentations: usize,
    cells: (usize, usize),
    seed: u64,
) -> Result<Task, DataError> {
    if presentations == 0 {
        return Err(DataError::field("task.presentations", "0", "at least 1"));
    }
    let mut draws = Draws::new(seed, rng::Stream::TaskFixed, 0);
    let input: Vec<f64> = (0..cells.0).map(|_| draws.uniform(input.0, input.1)).collect();
    let target: Vec<f64> = (0..cells.1).map(|_| draws.uniform(target.0, target.1)).collect();
    let pair = Samples {
        inputs: cells.0,
        outputs: cells.1,
        x: Storage::Floats(input.clone()),
        y: Targets::Potentials(target.clone()),
    };
    Ok(Task {
        inputs: cells.0,
        outputs: cells.1,
        classes: Vec::new(),
        sequence: false,
        train: Train::Stream { source: Box::new(Single { input, target }), per_epoch: presentations },
        validation: pair.clone(),
        test: pair,
        transform: Transform::default(),
    })
}
