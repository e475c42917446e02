//! `fa`: feedback alignment. Errors come back through fixed random weights B_k = W^PP_{k,k+1} in place of the transposed
//! forward weights (Lillicrap, Cownden, Tweed & Akerman, Nature Communications 2016).
//!
//! delta_N = -dL/du_N ; delta_k = phi'(u_k) * B_k (c_{k+1} delta_{k+1}) ; dW_k = c_k delta_k r_{k-1}^T, mean over the batch.
//! It is the gradient of no function; with B_k = W_{k+1}^T it is `bp`.

use super::Update;
use super::error_back::ErrorBack;
use super::feed_forward::Function;
use super::trained::{Algorithm, Teach};
use crate::circuit::{Kind, Tensors};
use crate::kernels::Real;
use crate::solvers::{Outcome, Trouble};

/// Feedback alignment.
#[derive(Clone)]
pub struct Fa<T>(ErrorBack<T>);

impl<T: Real> Fa<T> {
    /// Room for a function and a batch.
    pub fn new(f: &Function, samples: usize) -> Self {
        Fa(ErrorBack::new(f, samples))
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
        self.0.teach(w, shown, update, outcome, |f, plan, k, above, out| {
            plan.weighted_sum(&w.pb[k - 1], &above[0], out);
            T::from_f64(f.factor(k + 1))
        });
        Ok(())
    }

    /// The feedback is fixed: no decay of weights may touch it.
    fn relative_rate(&self, kind: Kind) -> f64 {
        if kind == Kind::Wpb { 0.0 } else { 1.0 }
    }

    fn answer(&self, w: &Tensors<T>, input: &[T], samples: usize, output: &mut [T]) -> Result<usize, Trouble> {
        self.0.answer(w, input, samples, output);
        Ok(0)
    }

    fn copy(&self) -> Box<dyn Algorithm<T>> {
        Box::new(self.clone())
    }
}
