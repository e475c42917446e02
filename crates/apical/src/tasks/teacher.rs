//! A teacher network: nonlinear regression whose answer is known to exist (Sacramento et al. 2018, Fig. 2).
//!
//! u_k = gain_k W_k r_{k-1} with r_0 the input as it is and r_k = phi(u_k); the target is the top potential u_N, to which
//! phi is not applied (but for a departure that takes the rate for a potential).

use super::spec::Sizes;
use super::{DataError, Entry, Samples, Storage, Stream, Targets, Task, Train, Transform, check_sizes};
use crate::kernels::Activation;
use crate::kernels::rng::{self, Draws};

pub(super) const ENTRY: Entry = Entry {
    name: "teacher",
    about: "a random teacher network: nonlinear regression on target potentials",
    reference: Some("Sacramento, Costa, Bengio & Senn, NeurIPS 2018"),
};

/// The most weights of a teacher: 1 GiB.
const WEIGHTS_MAX: usize = 1 << 27;

struct Teacher {
    layers: Vec<usize>,
    activation: Activation,
    /// gain_k W_k, (post, pre).
    weights: Vec<Vec<f64>>,
    input: f64,
    rates_as_target: bool,
    seed: u64,
}

impl Teacher {
    fn draw(&self, stream: rng::Stream, index: u64, input: &mut [f64], target: &mut [f64]) {
        let mut draws = Draws::new(self.seed, stream, index);
        input.fill_with(|| draws.uniform(-self.input, self.input));
        target.copy_from_slice(&self.answer(input));
    }

    /// u_N for an input; with `rates_as_target` r_N.
    fn answer(&self, input: &[f64]) -> Vec<f64> {
        let mut u = Vec::new();
        let mut r = input.to_vec();
        for weights in &self.weights {
            u = weights.chunks_exact(r.len()).map(|w| w.iter().zip(&r).map(|(w, r)| w * r).sum()).collect();
            r = u.iter().map(|&u: &f64| self.activation.rate(u)).collect();
        }
        if self.rates_as_target { r } else { u }
    }

    fn set(&self, stream: rng::Stream, count: usize) -> Samples {
        // build has checked that there are at least two layers.
        let (inputs, outputs) = (self.layers[0], self.layers[self.layers.len() - 1]);
        let mut x = vec![0.0; count * inputs];
        let mut y = vec![0.0; count * outputs];
        for (index, (x, y)) in x.chunks_exact_mut(inputs).zip(y.chunks_exact_mut(outputs)).enumerate() {
            self.draw(stream, index as u64, x, y);
        }
        Samples { inputs, outputs, x: Storage::Floats(x), y: Targets::Potentials(y) }
    }
}

impl Stream for Teacher {
    fn sample(&self, index: u64, input: &mut [f64], target: &mut [f64]) -> bool {
        self.draw(rng::Stream::TaskTrain, index, input, target);
        true
    }
}

pub(super) fn build(
    layers: &[usize],
    activation: Activation,
    gains: &[f64],
    input: f64,
    weight: f64,
    rates_as_target: bool,
    sizes: Sizes,
    seed: u64,
) -> Result<Task, DataError> {
    if layers.len() < 2 || layers.contains(&0) {
        return Err(DataError::field("task.layers", format!("{layers:?}"), "at least two sizes of at least 1"));
    }
    if gains.len() != layers.len() - 1 {
        let allowed = format!("one per weight matrix: {}", layers.len() - 1);
        return Err(DataError::field("task.gains", format!("{} values", gains.len()), allowed));
    }
    let count = layers.windows(2).try_fold(0usize, |sum, w| w[0].checked_mul(w[1])?.checked_add(sum));
    if count.is_none_or(|n| n > WEIGHTS_MAX) {
        return Err(DataError::field("task.layers", format!("{layers:?}"), format!("at most {WEIGHTS_MAX} weights")));
    }
    let (inputs, outputs) = (layers[0], layers[layers.len() - 1]);
    check_sizes(sizes, inputs.saturating_add(outputs), false)?;
    let weights = layers.windows(2).zip(gains).enumerate().map(|(k, (sizes, gain))| {
        let mut draws = Draws::new(seed, rng::Stream::TaskFixed, k as u64);
        (0..sizes[0] * sizes[1]).map(|_| gain * draws.uniform(-weight, weight)).collect()
    });
    let teacher =
        Teacher { layers: layers.to_vec(), activation, weights: weights.collect(), input, rates_as_target, seed };
    Ok(Task {
        inputs,
        outputs,
        classes: Vec::new(),
        sequence: false,
        validation: teacher.set(rng::Stream::TaskValidation, sizes.validation),
        test: teacher.set(rng::Stream::TaskTest, sizes.test),
        train: Train::Stream { source: Box::new(teacher), per_epoch: sizes.train },
        transform: Transform::default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_teacher_answers_with_its_top_potential() {
        let mut teacher = Teacher {
            layers: vec![2, 2, 1],
            activation: Activation::Relu,
            weights: vec![vec![1.0, 2.0, -1.0, 0.5], vec![3.0, -4.0]],
            input: 1.0,
            rates_as_target: false,
            seed: 0,
        };
        // u_1 = (1.5, -0.25), r_1 = (1.5, 0), u_2 = 4.5; and a negative top potential stays as it is.
        assert_eq!(teacher.answer(&[0.5, 0.5]), [4.5]);
        assert_eq!(teacher.answer(&[-1.0, 0.5]), [-5.0]);
        // The departure: phi of it.
        teacher.rates_as_target = true;
        assert_eq!((teacher.answer(&[0.5, 0.5]), teacher.answer(&[-1.0, 0.5])), (vec![4.5], vec![0.0]));
    }
}
