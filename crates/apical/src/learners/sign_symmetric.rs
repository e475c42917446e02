//! `sign-symmetric`: errors come back through the signs of the forward weights, not their sizes (Liao, Leibo & Poggio,
//! AAAI 2016, "uniform sign-concordant feedback").
//!
//! delta_N = -dL/du_N ; delta_k = phi'(u_k) * s_{k+1} sign(W_{k+1})^T (c_{k+1} delta_{k+1}) ; dW_k = c_k delta_k r_{k-1}^T, mean
//! over the batch. It is the gradient of no function, and its angle to the gradient has no bound in general.
//!
//! Which s: Liao et al. take 1 and let batch normalisation and updates by sign ("batch manhattan") see to the size; others
//! fix random sizes, or draw them anew for each batch. Here s_k is the mean |W_k|, the number for which s sign(W) is nearest
//! to W in least squares, so that layers learn at the speeds of `bp` under plain descent. One positive number per matrix
//! changes no angle of a layer.

use super::Update;
use super::feed_forward::{Function, Pass, answer, gather, receive};
use super::trained::{Algorithm, Teach};
use crate::circuit::Tensors;
use crate::kernels::{Mat, Product, Real, matvec};
use crate::solvers::{Outcome, Trouble};

/// Sign-symmetric feedback.
#[derive(Clone)]
pub struct SignSymmetric<T> {
    f: Function,
    plan: Product,
    pass: Pass<T>,
    /// delta_k = -dL/du_k as the algorithm sees it; entry k - 1 is samples x n_k.
    delta: Vec<Vec<T>>,
    /// sign(W_k); entry k - 2, since none leads back to the input.
    sign: Vec<Mat<T>>,
}

impl<T: Real> SignSymmetric<T> {
    /// Room for a function and a batch.
    pub fn new(f: &Function, samples: usize) -> Self {
        let pass = Pass::new(f, samples);
        SignSymmetric {
            f: f.clone(),
            plan: Product::for_batch(samples),
            delta: pass.potential.clone(),
            sign: f.net.sizes[1..].windows(2).map(|n| Mat::zeros(n[1], n[0])).collect(),
            pass,
        }
    }
}

/// Writes sign(W), with 0 for 0, and returns the mean |W|.
fn signs<T: Real>(w: &Mat<T>, sign: &mut Mat<T>) -> T {
    for (s, &w) in sign.data.iter_mut().zip(&w.data) {
        *s = if w > T::ZERO {
            T::ONE
        } else if w < T::ZERO {
            -T::ONE
        } else {
            T::ZERO
        };
    }
    matvec::dot(&w.data, &sign.data) / T::from_f64(w.data.len() as f64)
}

impl<T: Real> Algorithm<T> for SignSymmetric<T> {
    fn name(&self) -> &'static str {
        "sign-symmetric"
    }

    fn reference(&self) -> &'static str {
        "Liao, Leibo & Poggio, AAAI 30, 2016"
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
            let size = signs(&w.pp[k], &mut self.sign[k - 1]);
            self.plan.back_sum(&self.sign[k - 1], above, delta);
            receive(&self.f, size * T::from_f64(self.f.factor(k + 1)), &self.pass.potential[k - 1], delta);
        }
        for k in 1..=depth {
            gather(self.plan, &self.f, k, &self.delta[k - 1], self.pass.below(shown.input, k), update);
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
