//! Random patterns without target: what a circuit sees while it learns to predict itself (Sacramento et al. 2018).

use super::spec::Sizes;
use super::{DataError, Entry, Samples, Storage, Stream, Targets, Task, Train, Transform, check_sizes};
use crate::kernels::rng::{self, Draws};

pub(super) const ENTRY: Entry = Entry {
    name: "patterns",
    about: "random patterns U(low, high) without target, for learning to self-predict",
    reference: Some("Sacramento, Costa, Bengio & Senn, NeurIPS 2018"),
};

struct Patterns {
    low: f64,
    high: f64,
    seed: u64,
}

impl Patterns {
    fn draw(&self, stream: rng::Stream, index: u64, input: &mut [f64]) {
        let mut draws = Draws::new(self.seed, stream, index);
        input.fill_with(|| draws.uniform(self.low, self.high));
    }

    fn set(&self, stream: rng::Stream, count: usize, inputs: usize, outputs: usize) -> Samples {
        let mut x = vec![0.0; count * inputs];
        for (index, input) in x.chunks_exact_mut(inputs).enumerate() {
            self.draw(stream, index as u64, input);
        }
        Samples { inputs, outputs, x: Storage::Floats(x), y: Targets::None }
    }
}

impl Stream for Patterns {
    fn sample(&self, index: u64, input: &mut [f64], _: &mut [f64]) -> bool {
        self.draw(rng::Stream::TaskTrain, index, input);
        false
    }
}

pub(super) fn build(low: f64, high: f64, sizes: Sizes, cells: (usize, usize), seed: u64) -> Result<Task, DataError> {
    let (inputs, outputs) = cells;
    check_sizes(sizes, inputs.saturating_add(outputs), false)?;
    let source = Patterns { low, high, seed };
    Ok(Task {
        inputs,
        outputs,
        classes: Vec::new(),
        sequence: false,
        validation: source.set(rng::Stream::TaskValidation, sizes.validation, inputs, outputs),
        test: source.set(rng::Stream::TaskTest, sizes.test, inputs, outputs),
        train: Train::Stream { source: Box::new(source), per_epoch: sizes.train },
        transform: Transform::default(),
    })
}
