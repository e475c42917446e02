//! `ep`: equilibrium propagation (Scellier & Bengio, Frontiers in Computational Neuroscience 2017). TODO

use super::Update;
use super::feed_forward::Function;
use super::trained::{Algorithm, Teach};
use crate::circuit::Tensors;
use crate::kernels::Real;
use crate::solvers::{Outcome, Trouble};

/// Options.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// The dynamics that settle.
    pub dynamics: Dynamics,
    /// How the nudged phases are combined.
    pub nudging: Nudging,
    /// Strength beta of the nudge, positive.
    pub beta: f64,
    /// Steps of the free phase.
    pub free_steps: usize,
    /// Steps of each nudged phase, from the free state.
    pub nudged_steps: usize,
    /// Size of a step: s moves by this share of -dE/ds (or towards phi(dPhi/ds)); 1: all the way.
    pub step: f64,
    /// A sample whose largest change in the last free step is above this has not settled: it teaches nothing, has no
    /// answer and is counted; `None`: nothing is counted.
    pub tolerance: Option<f64>,
}

/// Which dynamics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dynamics {
    /// Gradient descent on Hopfield's energy in the potentials (Scellier & Bengio 2017).
    Energy,
    /// s <- phi(dPhi/ds): the discrete dynamics of a primitive function (Ernoult et al. 2019).
    Primitive,
}

/// Which nudges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nudging {
    /// Free phase against +beta.
    Positive,
    /// -beta against the free phase.
    Negative,
    /// -beta against +beta (Laborieux et al. 2021).
    Centred,
}

/// Placeholder.
#[derive(Clone)]
pub struct Ep<T>(Vec<T>);

impl<T: Real> Ep<T> {
    /// Room for a function and a batch.
    pub fn new(_: &Function, _: &Options, _: usize) -> Self {
        unimplemented!()
    }
}

impl<T: Real> Algorithm<T> for Ep<T> {
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
    /// Why it is impossible with this activation and loss.
    pub fn refuses(&self, _: crate::kernels::Activation, _: super::loss::Loss) -> Option<String> {
        None
    }
}
