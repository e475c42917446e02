//! `microcircuit`: the dendritic cortical microcircuit (Sacramento, Costa, Bengio & Senn, NeurIPS 2018) learns from local
//! prediction errors, with any of the solvers inside.

use super::{Learner, Update};
use crate::circuit::Tensors;
use crate::circuit::params::Rates;
use crate::kernels::Real;
use crate::solvers::{Array, Observer, Outcome, Shown, Solver, Trouble, Weights};

/// Weights, rates and a solver.
pub struct Microcircuit<T> {
    weights: Tensors<T>,
    rates: Rates,
    solver: Box<dyn Solver<T>>,
}

impl<T: Real> Microcircuit<T> {
    /// From start weights and a solver of the same net.
    pub fn new(weights: Tensors<T>, rates: Rates, solver: Box<dyn Solver<T>>) -> Self {
        Microcircuit { weights, rates, solver }
    }
}

impl<T: Real> Learner<T> for Microcircuit<T> {
    fn name(&self) -> &'static str {
        "microcircuit"
    }

    fn reference(&self) -> &'static str {
        self.solver.reference()
    }

    fn weights(&self) -> &Tensors<T> {
        &self.weights
    }

    fn weights_mut(&mut self) -> &mut Tensors<T> {
        &mut self.weights
    }

    fn set_rates(&mut self, rates: &Rates, factor: f64) {
        self.rates = rates.scaled(factor);
    }

    fn update(&self, shown: &Shown<'_, T>, mode: Weights) -> Result<Update<T>, Trouble> {
        self.solver.update(&self.weights, shown, &self.rates, mode)
    }

    fn learn(
        &mut self,
        shown: &Shown<'_, T>,
        outcome: &mut Outcome<T>,
        observer: &mut dyn Observer<T>,
    ) -> Result<(), Trouble> {
        self.solver.learn(&mut self.weights, shown, &self.rates, outcome, observer)
    }

    fn answer(&self, input: &[T], samples: usize, output: &mut [T]) -> Result<usize, Trouble> {
        self.solver.answer(&self.weights, input, samples, output)
    }

    fn answer_sequence(&self, input: &[T], length: usize, output: &mut [T]) -> Result<usize, Trouble> {
        self.solver.answer_sequence(&self.weights, input, length, output)
    }

    fn save(&self) -> Vec<Array<T>> {
        self.solver.save()
    }

    fn restore(&mut self, find: &mut dyn FnMut(&str, usize) -> Option<Vec<T>>) -> Result<(), String> {
        self.solver.restore(find)
    }

    fn clock(&self) -> u64 {
        self.solver.clock()
    }

    fn set_clock(&mut self, step: u64) {
        self.solver.set_clock(step);
    }
}
