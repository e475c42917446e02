//! `bp`: the gradient by backpropagation of errors (Rumelhart, Hinton & Williams, Nature 1986).
//!
//! delta_N = -dL/du_N ; delta_k = phi'(u_k) * W_{k+1}^T (c_{k+1} delta_{k+1}) ; dW_k = c_k delta_k r_{k-1}^T, mean over the
//! batch; biases alike with the rate beta_b.

use super::Update;
use super::feed_forward::{Function, Pass, answer, gather, receive};
use super::trained::{Algorithm, Teach};
use crate::circuit::Tensors;
use crate::kernels::{Product, Real};
use crate::solvers::{Outcome, Trouble};

/// Backpropagation.
#[derive(Clone)]
pub struct Bp<T> {
    f: Function,
    plan: Product,
    pass: Pass<T>,
    /// delta_k = -dL/du_k as the algorithm sees it; entry k - 1 is samples x n_k.
    delta: Vec<Vec<T>>,
}

impl<T: Real> Bp<T> {
    /// Room for a function and a batch.
    pub fn new(f: &Function, samples: usize) -> Self {
        let pass = Pass::new(f, samples);
        Bp { f: f.clone(), plan: Product::for_batch(samples), delta: pass.potential.clone(), pass }
    }
}

impl<T: Real> Algorithm<T> for Bp<T> {
    fn name(&self) -> &'static str {
        "bp"
    }

    fn reference(&self) -> &'static str {
        "Rumelhart, Hinton & Williams, Nature 323, 1986"
    }

    fn teach(
        &mut self,
        w: &Tensors<T>,
        shown: &Teach<'_, T>,
        update: &mut Update<T>,
        outcome: &mut Outcome<T>,
    ) -> Result<(), Trouble> {
        let depth = self.f.depth();
        if !self.pass.error(self.plan, &self.f, w, shown, &mut outcome.output, &mut self.delta[depth - 1]) {
            return Ok(());
        }
        for k in (1..=depth).rev() {
            gather(self.plan, &self.f, k, &self.delta[k - 1], self.pass.below(shown.input, k), update);
            if k > 1 {
                let (lower, upper) = self.delta.split_at_mut(k - 1);
                let (delta, above) = (&mut lower[k - 2], &upper[0]);
                self.plan.back_sum(&w.pp[k - 1], above, delta);
                receive(&self.f, T::from_f64(self.f.factor(k)), &self.pass.potential[k - 2], delta);
            }
        }
        Ok(())
    }

    fn answer(&self, w: &Tensors<T>, input: &[T], samples: usize, output: &mut [T]) -> Result<usize, Trouble> {
        answer(&self.f, w, input, samples, output);
        Ok(0)
    }

    fn copy(&self) -> Box<dyn Algorithm<T>> {
        Box::new(self.clone())
    }
}
