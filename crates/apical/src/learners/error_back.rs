//! What `bp`, `fa`, `dfa` and `sign-symmetric` have in common: an answer, the error at the output, errors that come back
//! layer by layer, and weight changes that are error times rate. They differ in the way back alone.
//!
//! delta_N = -dL/du_N ; delta_k = phi'(u_k) * (what comes back to layer k) ; dW_k = c_k delta_k r_{k-1}^T, mean over the
//! batch; biases alike with the rate beta_b.

use super::Update;
use super::feed_forward::{Function, Pass, answer, gather, receive};
use super::trained::Teach;
use crate::circuit::Tensors;
use crate::kernels::{Product, Real};
use crate::solvers::Outcome;

/// A function and room for a batch of its potentials and errors.
#[derive(Clone)]
pub struct ErrorBack<T> {
    f: Function,
    plan: Product,
    pass: Pass<T>,
    /// delta_k = -dL/du_k as the algorithm sees it; entry k - 1 is samples x n_k.
    delta: Vec<Vec<T>>,
}

impl<T: Real> ErrorBack<T> {
    /// Room for a function and a batch.
    pub fn new(f: &Function, samples: usize) -> Self {
        let pass = Pass::new(f, samples);
        ErrorBack { f: f.clone(), plan: Product::best(), delta: pass.potential.clone(), pass }
    }

    /// As [`super::trained::Algorithm::teach`]. `back(f, plan, k, above, out)` writes to `out` what comes back to layer k before a
    /// factor, which it returns; `above` holds delta of the layers k + 1 to N.
    pub fn teach(
        &mut self,
        w: &Tensors<T>,
        shown: &Teach<'_, T>,
        update: &mut Update<T>,
        outcome: &mut Outcome<T>,
        mut back: impl FnMut(&Function, Product, usize, &[Vec<T>], &mut [T]) -> T,
    ) {
        let (depth, plan) = (self.f.depth(), self.plan);
        self.pass.run(plan, &self.f, w, shown.input);
        outcome.output.copy_from_slice(self.pass.output());
        let Some(target) = shown.target else { return };
        self.f.descent(self.pass.output(), target, &mut self.delta[depth - 1]);
        for k in (1..depth).rev() {
            let (lower, above) = self.delta.split_at_mut(k);
            let delta = &mut lower[k - 1];
            let factor = back(&self.f, plan, k, above, delta);
            receive(&self.f, factor, &self.pass.potential[k - 1], delta);
        }
        for k in 1..=depth {
            gather(plan, &self.f, k, &self.delta[k - 1], self.pass.below(shown.input, k), update);
        }
    }

    /// As [`super::trained::Algorithm::answer`]: the feed-forward function has an answer to everything.
    pub fn answer(&self, w: &Tensors<T>, input: &[T], samples: usize, output: &mut [T]) {
        answer(&self.f, w, input, samples, output);
    }
}
