//! `bp`: the gradient by backpropagation of errors (Rumelhart, Hinton & Williams, Nature 1986).
//!
//! delta_N = -dL/du_N ; delta_k = phi'(u_k) * W_{k+1}^T (c_{k+1} delta_{k+1}).

use super::Update;
use super::error_back::ErrorBack;
use super::feed_forward::Function;
use super::trained::{Algorithm, Teach};
use crate::circuit::Tensors;
use crate::kernels::Real;
use crate::solvers::{Outcome, Trouble};

/// Backpropagation.
#[derive(Clone)]
pub struct Bp<T>(ErrorBack<T>);

impl<T: Real> Bp<T> {
    /// Room for a function and a batch.
    pub fn new(f: &Function, samples: usize) -> Self {
        Bp(ErrorBack::new(f, samples))
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
        self.0.teach(w, shown, update, outcome, |f, plan, k, above, out| {
            plan.back_sum(&w.pp[k], &above[0], out);
            T::from_f64(f.factor(k + 1))
        });
        Ok(())
    }

    fn answer(&self, w: &Tensors<T>, input: &[T], samples: usize, output: &mut [T]) -> Result<usize, Trouble> {
        self.0.answer(w, input, samples, output);
        Ok(0)
    }

    fn copy(&self) -> Box<dyn Algorithm<T>> {
        Box::new(self.clone())
    }
}
