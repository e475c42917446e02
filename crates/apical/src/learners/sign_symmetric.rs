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
use super::error_back::ErrorBack;
use super::feed_forward::Function;
use super::trained::{Algorithm, Teach};
use crate::circuit::Tensors;
use crate::kernels::{Mat, Real, matvec};
use crate::solvers::{Outcome, Trouble};

/// Sign-symmetric feedback.
#[derive(Clone)]
pub struct SignSymmetric<T> {
    common: ErrorBack<T>,
    /// sign(W_k); entry k - 2, since none leads back to the input.
    sign: Vec<Mat<T>>,
}

impl<T: Real> SignSymmetric<T> {
    /// Room for a function and a batch.
    pub fn new(f: &Function, samples: usize) -> Self {
        SignSymmetric {
            common: ErrorBack::new(f, samples),
            sign: f.net.sizes[1..].windows(2).map(|n| Mat::zeros(n[1], n[0])).collect(),
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
        let SignSymmetric { common, sign } = self;
        common.teach(w, shown, update, outcome, |f, plan, k, above, out| {
            let size = signs(&w.pp[k], &mut sign[k - 1]);
            plan.back_sum(&sign[k - 1], &above[0], out);
            size * T::from_f64(f.factor(k + 1))
        });
        Ok(())
    }

    fn answer(&self, w: &Tensors<T>, input: &[T], samples: usize, output: &mut [T]) -> Result<usize, Trouble> {
        self.common.answer(w, input, samples, output);
        Ok(0)
    }

    fn copy(&self) -> Box<dyn Algorithm<T>> {
        Box::new(self.clone())
    }
}
