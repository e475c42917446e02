//! `dtp`: difference target propagation (Lee, Zhang, Fischer & Bengio, ECML 2015). TODO

use super::Update;
use super::feed_forward::Function;
use super::trained::{Algorithm, Teach};
use crate::circuit::Tensors;
use crate::kernels::Real;
use crate::solvers::{Outcome, Trouble};

/// Options.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// How targets come back.
    pub inverse: Inverse,
    /// Share of the way from the output to the target that the output's own target goes.
    pub step: f64,
    /// Standard deviation of the noise with which inverses are learned.
    pub noise: f64,
    /// Learning rate of the inverses relative to the forward weights'.
    pub feedback_rate: f64,
}

/// How targets come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inverse {
    /// Learned inverses, with the difference correction.
    Learned,
    /// Exact inverses of weights and activation, without correction: plain target propagation.
    Exact,
}

/// Placeholder.
#[derive(Clone)]
pub struct Dtp<T>(Vec<T>);

impl<T: Real> Dtp<T> {
    /// Room for a function and a batch.
    pub fn new(_: &Function, _: &Options, _: usize, _: u64) -> Self {
        unimplemented!()
    }
}

impl<T: Real> Algorithm<T> for Dtp<T> {
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

impl Options {
    /// Why it is impossible with this activation and these sizes.
    pub fn refuses(&self, _: crate::kernels::Activation, _: &[usize]) -> Option<String> {
        None
    }
}
