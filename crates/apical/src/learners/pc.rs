//! `pc`: predictive coding (Whittington & Bogacz, Neural Computation 2017). TODO

use super::Update;
use super::feed_forward::Function;
use super::trained::{Algorithm, Teach};
use crate::circuit::Tensors;
use crate::kernels::Real;
use crate::solvers::{Outcome, Trouble};

/// Options.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// When weights change.
    pub schedule: Schedule,
    /// Inference steps T.
    pub steps: usize,
    /// Rate gamma of the states.
    pub rate: f64,
    /// Momentum of the states.
    pub momentum: f64,
    /// Precision of the output energy; the layers below have 1.
    pub output_precision: f64,
}

/// When weights change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// Once, after T steps of inference.
    Settled,
    /// After every step (incremental predictive coding, Salvatori et al. 2024).
    Incremental,
    /// Layer l at its own step, from feed-forward states: equal to backpropagation (Z-IL, Song et al. 2020).
    ZeroDivergence,
}

/// Placeholder.
#[derive(Clone)]
pub struct Pc<T>(Vec<T>);

impl<T: Real> Pc<T> {
    /// Room for a function and a batch.
    pub fn new(_: &Function, _: &Options, _: usize) -> Self {
        unimplemented!()
    }
}

impl<T: Real> Algorithm<T> for Pc<T> {
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
