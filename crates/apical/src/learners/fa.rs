//! `fa`: feedback alignment. Errors come back through fixed random weights B_k = W^PP_{k,k+1} in place of the transposed
//! forward weights (Lillicrap, Cownden, Tweed & Akerman, Nature Communications 2016).
//!
//! delta_N = -dL/du_N ; delta_k = phi'(u_k) * B_k (c_{k+1} delta_{k+1}) ; dW_k = c_k delta_k r_{k-1}^T, mean over the batch.
//! It is the gradient of no function; with B_k = W_{k+1}^T it is `bp`.

use super::Update;
use super::feed_forward::{Function, Pass, answer, gather, receive};
use super::trained::{Algorithm, Teach};
use crate::circuit::{Kind, Tensors};
use crate::kernels::{Product, Real};
use crate::solvers::{Outcome, Trouble};

/// Feedback alignment.
#[derive(Clone)]
pub struct Fa<T> {
    f: Function,
    plan: Product,
    pass: Pass<T>,
    /// delta_k = -dL/du_k as the algorithm sees it; entry k - 1 is samples x n_k.
    delta: Vec<Vec<T>>,
}

impl<T: Real> Fa<T> {
    /// Room for a function and a batch.
    pub fn new(f: &Function, samples: usize) -> Self {
        let pass = Pass::new(f, samples);
        Fa { f: f.clone(), plan: Product::for_batch(samples), delta: pass.potential.clone(), pass }
    }
}

impl<T: Real> Algorithm<T> for Fa<T> {
    fn name(&self) -> &'static str {
        "fa"
    }

    fn reference(&self) -> &'static str {
        "Lillicrap, Cownden, Tweed & Akerman, Nature Communications 7:13276, 2016"
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
        for k in (1..depth).rev() {
            let (lower, upper) = self.delta.split_at_mut(k);
            let (delta, above) = (&mut lower[k - 1], &upper[0]);
            self.plan.weighted_sum(&w.pb[k - 1], above, delta);
            receive(&self.f, T::from_f64(self.f.factor(k + 1)), &self.pass.potential[k - 1], delta);
        }
        for k in 1..=depth {
            gather(self.plan, &self.f, k, &self.delta[k - 1], self.pass.below(shown.input, k), update);
        }
        Ok(())
    }

    /// The feedback is fixed: no decay of weights may touch it.
    fn relative_rate(&self, kind: Kind) -> f64 {
        if kind == Kind::Wpb { 0.0 } else { 1.0 }
    }

    fn answer(&self, w: &Tensors<T>, input: &[T], samples: usize, output: &mut [T]) -> Result<usize, Trouble> {
        answer(&self.f, w, input, samples, output);
        Ok(0)
    }

    fn copy(&self) -> Box<dyn Algorithm<T>> {
        Box::new(self.clone())
    }
}
