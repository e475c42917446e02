//! `bp`: the gradient by backpropagation of errors (Rumelhart, Hinton & Williams, Nature 1986).

use super::Update;
use super::feed_forward::{Function, Pass, gather, times_slope};
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
        self.pass.run(self.plan, &self.f, w, shown.input);
        outcome.output.copy_from_slice(self.pass.output());
        let Some(target) = shown.target else { return Ok(()) };
        let depth = self.f.depth();
        self.f.descent(self.pass.output(), target, &mut self.delta[depth - 1]);
        for k in (1..=depth).rev() {
            let below = if k == 1 { shown.input } else { &self.pass.rate[k - 2][..] };
            gather(self.plan, &self.f, k, &self.delta[k - 1], below, update);
            if k > 1 {
                let (lower, upper) = self.delta.split_at_mut(k - 1);
                let (delta, above) = (&mut lower[k - 2], &upper[0]);
                self.plan.back_sum(&w.pp[k - 1], above, delta);
                let c = T::from_f64(self.f.factor(k));
                delta.iter_mut().for_each(|d| *d *= c);
                times_slope(&self.f, &self.pass.potential[k - 2], delta);
            }
        }
        Ok(())
    }

    fn answer(&self, w: &Tensors<T>, input: &[T], samples: usize, output: &mut [T]) -> Result<usize, Trouble> {
        let mut pass = Pass::new(&self.f, samples);
        pass.run(Product::for_batch(samples), &self.f, w, input);
        output.copy_from_slice(pass.output());
        Ok(0)
    }

    fn copy(&self) -> Box<dyn Algorithm<T>> {
        Box::new(self.clone())
    }
}
