//! `dfa`: direct feedback alignment (Noekland, NeurIPS 2016). TODO

use super::Update;
use super::feed_forward::Function;
use super::trained::{Algorithm, Teach};
use crate::circuit::Tensors;
use crate::kernels::Real;
use crate::solvers::{Outcome, Trouble};

/// Options.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Bound a of the direct feedback, U(-a, a), onto the hidden layers below the last, which has the feedback of `fa`.
    pub feedback: f64,
}

/// Placeholder.
#[derive(Clone)]
pub struct Dfa<T>(Vec<T>);

impl<T: Real> Dfa<T> {
    /// Room for a function and a batch.
    pub fn new(_: &Function, _: &Options, _: usize, _: u64) -> Self {
        unimplemented!()
    }
}

impl<T: Real> Algorithm<T> for Dfa<T> {
    fn name(&self) -> &'static str {
        unimplemented!()
    }
    fn reference(&self) -> &'static str {
        unimplemented!()
    }
    fn teach(
        &mut self,
        _: &Tensors<T>,
        _: &Teach<'_, T>,
        _: &mut Update<T>,
        _: &mut Outcome<T>,
    ) -> Result<(), Trouble> {
        unimplemented!()
    }
    fn answer(&self, _: &Tensors<T>, _: &[T], _: usize, _: &mut [T]) -> Result<usize, Trouble> {
        unimplemented!()
    }
    fn copy(&self) -> Box<dyn Algorithm<T>> {
        Box::new(self.clone())
    }
}
