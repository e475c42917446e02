//! Learners: algorithms that assign credit. Each yields an [`Update`] at given weights for a given batch without applying
//! it, so that any two can be compared. A new learner is one file and one line in [`NAMES`].

pub mod metrics;
pub mod microcircuit;
pub mod theory;

use crate::circuit::Tensors;
use crate::circuit::params::Rates;
use crate::kernels::Real;
use crate::solvers::{Array, Observer, Outcome, Shown, Trouble, Weights};

/// A change of weights, one matrix per projection, before it is applied.
pub type Update<T> = Tensors<T>;

/// Names and descriptions of all learners.
pub const NAMES: [(&str, &str); 1] =
    [("microcircuit", "dendritic prediction errors in a cortical microcircuit (Sacramento et al. 2018)")];

/// An algorithm that assigns credit, with its weights.
pub trait Learner<T: Real>: Send + Sync {
    /// The name in configs.
    fn name(&self) -> &'static str;

    /// The paper it comes from.
    fn reference(&self) -> &'static str;

    /// Present weights.
    fn weights(&self) -> &Tensors<T>;

    /// Present weights, to set.
    fn weights_mut(&mut self) -> &mut Tensors<T>;

    /// Sets the learning rates for what follows.
    fn set_rates(&mut self, rates: &Rates);

    /// What this batch would teach at the present weights; nothing of the learner changes.
    ///
    /// # Errors
    /// [`Trouble`] if potentials diverge or a required fixed point is missing.
    fn update(&self, shown: &Shown<'_, T>, mode: Weights) -> Result<Update<T>, Trouble>;

    /// Learns from one presentation.
    ///
    /// # Errors
    /// As [`Learner::update`]; the weights are then of no use.
    fn learn(
        &mut self,
        shown: &Shown<'_, T>,
        outcome: &mut Outcome<T>,
        observer: &mut dyn Observer<T>,
    ) -> Result<(), Trouble>;

    /// Output potentials from rest without target, noise and plasticity (samples x n_N); returns how many samples have
    /// no answer.
    ///
    /// # Errors
    /// [`Trouble::Diverged`].
    fn answer(&self, input: &[T], samples: usize, output: &mut [T]) -> Result<usize, Trouble>;

    /// The same for samples that follow each other in time without a reset.
    ///
    /// # Errors
    /// [`Trouble::Diverged`].
    fn answer_sequence(&self, input: &[T], length: usize, output: &mut [T]) -> Result<usize, Trouble>;

    /// What must be kept beside the weights to go on exactly here.
    fn save(&self) -> Vec<Array<T>>;

    /// Takes back what [`Learner::save`] gave.
    ///
    /// # Errors
    /// The name of the first array that is missing.
    fn restore(&mut self, find: &mut dyn FnMut(&str, usize) -> Option<Vec<T>>) -> Result<(), String>;

    /// Steps made since the run began: the address of the noise.
    fn clock(&self) -> u64;

    /// Sets the number of steps made.
    fn set_clock(&mut self, step: u64);
}
