//! `dfa`: direct feedback alignment. The error at the output reaches every hidden layer directly, through a fixed random
//! matrix of its own (Noekland, NeurIPS 2016).
//!
//! delta_N = -dL/du_N ; delta_k = phi'(u_k) * B_k (c_N delta_N), B_k n_k x n_N ; dW_k = c_k delta_k r_{k-1}^T, mean over the
//! batch. The error is that at the output's potential, as everywhere here, so that with one hidden layer `dfa` is `fa`.
//! The last hidden layer has the feedback W^PP_{N-1,N}; only the matrices of the layers below it are drawn here, from the
//! seed, so that checkpoints need not keep them. The feedback weights onto those layers are not used.

use super::Update;
use super::error_back::ErrorBack;
use super::feed_forward::Function;
use super::trained::{Algorithm, Teach};
use crate::circuit::{Kind, Tensors};
use crate::kernels::rng::{Draws, Stream};
use crate::kernels::{Mat, Real};
use crate::solvers::{Outcome, Trouble};

/// Options.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Bound a of the direct feedback, U(-a, a), onto the hidden layers below the last, which has the feedback of `fa`.
    pub feedback: f64,
}

/// Where the direct feedback onto layer k is drawn: at this address + k, far from those of the start weights.
const ADDRESS: u64 = 0xDFA << 32;

/// Direct feedback alignment.
#[derive(Clone)]
pub struct Dfa<T> {
    common: ErrorBack<T>,
    /// B_k of layers 1 to N - 2.
    direct: Vec<Mat<T>>,
}

impl<T: Real> Dfa<T> {
    /// Room for a function and a batch; `seed` decides the direct feedback.
    pub fn new(f: &Function, options: &Options, samples: usize, seed: u64) -> Self {
        let (depth, sizes) = (f.depth(), &f.net.sizes);
        let draw = |k: usize| {
            let mut draws = Draws::new(seed, Stream::Weights, ADDRESS + k as u64);
            let mut entry = || T::from_f64(draws.uniform(-options.feedback, options.feedback));
            Mat::from_fn(sizes[k], sizes[depth], |_, _| entry())
        };
        Dfa { common: ErrorBack::new(f, samples), direct: (1..depth.saturating_sub(1)).map(draw).collect() }
    }
}

impl<T: Real> Algorithm<T> for Dfa<T> {
    fn name(&self) -> &'static str {
        "dfa"
    }

    fn reference(&self) -> &'static str {
        "Noekland, NeurIPS 29, 2016"
    }

    fn teach(
        &mut self,
        w: &Tensors<T>,
        shown: &Teach<'_, T>,
        update: &mut Update<T>,
        outcome: &mut Outcome<T>,
    ) -> Result<(), Trouble> {
        let Dfa { common, direct } = self;
        common.teach(w, shown, update, outcome, |f, plan, k, above, out| {
            // The last delta is the output's, whatever the layer; the last hidden layer has no matrix of its own here.
            let (feedback, top) = (direct.get(k - 1).unwrap_or(&w.pb[f.depth() - 2]), &above[above.len() - 1]);
            plan.weighted_sum(feedback, top, out);
            T::from_f64(f.factor(f.depth()))
        });
        Ok(())
    }

    /// The feedback is fixed: no decay of weights may touch it.
    fn relative_rate(&self, kind: Kind) -> f64 {
        if kind == Kind::Wpb { 0.0 } else { 1.0 }
    }

    fn answer(&self, w: &Tensors<T>, input: &[T], samples: usize, output: &mut [T]) -> Result<usize, Trouble> {
        self.common.answer(w, input, samples, output);
        Ok(0)
    }

    fn copy(&self) -> Box<dyn Algorithm<T>> {
        Box::new(self.clone())
    }
}
