//! `Trained`: a learner made of an [`Algorithm`], which yields a direction, and an [`Optimiser`], which follows it.

use super::feed_forward::Function;
use super::optimiser::{self, Optimiser};
use super::{Learner, Update};
use crate::circuit::params::Rates;
use crate::circuit::{Kind, Potentials, State, Tensors};
use crate::kernels::Real;
use crate::solvers::watch::{Moment, check_layer};
use crate::solvers::{Array, Cell, Course, Observer, Outcome, Shown, Trouble, View, Wants, Weights};

/// A batch, and where in the run it is shown.
#[derive(Clone, Copy, Debug)]
pub struct Teach<'a, T> {
    /// Number of patterns.
    pub samples: usize,
    /// samples x n_0 input rates.
    pub input: &'a [T],
    /// samples x n_N target potentials; without them there is nothing to learn.
    pub target: Option<&'a [T]>,
    /// Batches shown before this one: the address of random numbers.
    pub step: u64,
    /// Which of [`Algorithm::rounds`] this is, from 0.
    pub round: usize,
}

/// Finds the direction in which a batch would move the weights.
pub trait Algorithm<T: Real>: Send + Sync {
    /// The name in configs.
    fn name(&self) -> &'static str;

    /// The paper it comes from.
    fn reference(&self) -> &'static str;

    /// Adds to `update` (zeros before) the mean over the batch of what descends the algorithm's objective: for `bp` minus
    /// the gradient. Fills `outcome.output` with the answer before any target, and the other fields that it has.
    ///
    /// # Errors
    /// [`Trouble`] if its dynamics diverge.
    fn teach(
        &mut self,
        w: &Tensors<T>,
        shown: &Teach<'_, T>,
        update: &mut Update<T>,
        outcome: &mut Outcome<T>,
    ) -> Result<(), Trouble>;

    /// Output potentials (samples x n_N) to inputs without target; returns how many samples have no answer (NaN).
    ///
    /// # Errors
    /// [`Trouble::Diverged`].
    fn answer(&self, w: &Tensors<T>, input: &[T], samples: usize, output: &mut [T]) -> Result<usize, Trouble>;

    /// How states come to rest for a batch, step by step; nothing of the algorithm changes. `None`: nothing settles, or not
    /// without a target.
    fn follow(&self, _w: &Tensors<T>, _shown: &Shown<'_, T>) -> Option<Course> {
        None
    }

    /// A copy of its own, for an Update that must not change the learner.
    fn copy(&self) -> Box<dyn Algorithm<T>>;

    /// How often a batch changes the weights; `teach` is called as often.
    fn rounds(&self) -> usize {
        1
    }

    /// The learning rate of a kind of synapse, relative to the forward weights'.
    fn relative_rate(&self, _kind: Kind) -> f64 {
        1.0
    }
}

/// An algorithm, its weights and its optimiser.
pub struct Trained<T> {
    algorithm: Box<dyn Algorithm<T>>,
    optimiser: Optimiser<T>,
    weights: Tensors<T>,
    update: Update<T>,
    /// What observers of weights are shown beside them.
    idle: (State<T>, Potentials<T>),
    bound: f64,
    factor: f64,
    clock: u64,
}

impl<T: Real> Trained<T> {
    /// From start weights. `bound`: outputs beyond it count as divergence.
    pub fn new(
        algorithm: Box<dyn Algorithm<T>>,
        optimiser: &optimiser::Spec,
        f: &Function,
        weights: Tensors<T>,
        samples: usize,
        bound: f64,
    ) -> Self {
        let mut update = weights.clone();
        update.clear();
        let idle = (State::rest(&f.net, samples), Potentials::new(&f.net, samples));
        let optimiser = Optimiser::new(optimiser, &weights);
        Trained { algorithm, optimiser, weights, update, idle, bound, factor: 1.0, clock: 0 }
    }
}

impl<T: Real> Trained<T> {
    /// Outputs (samples x n_N) within the bound.
    fn check(&self, output: &[T], samples: usize) -> Result<(), Trouble> {
        check_layer(output, samples, (Cell::Pyramidal, self.weights.pp.len()), Moment::Step(self.clock), self.bound)
    }
}

impl<T: Real> Learner<T> for Trained<T> {
    fn name(&self) -> &'static str {
        self.algorithm.name()
    }

    fn reference(&self) -> &'static str {
        self.algorithm.reference()
    }

    fn weights(&self) -> &Tensors<T> {
        &self.weights
    }

    fn weights_mut(&mut self) -> &mut Tensors<T> {
        &mut self.weights
    }

    fn set_rates(&mut self, _: &Rates, factor: f64) {
        self.factor = factor;
    }

    /// The sum over all rounds at the present weights: they stand still whatever the mode, since the optimiser, not the
    /// algorithm, moves them.
    fn update(&self, shown: &Shown<'_, T>, _: Weights) -> Result<Update<T>, Trouble> {
        let mut algorithm = self.algorithm.copy();
        let mut update = self.update.clone();
        update.clear();
        let mut outcome = Outcome::for_output(shown.samples, self.weights.pp[self.weights.pp.len() - 1].rows);
        for round in 0..algorithm.rounds() {
            let teach =
                Teach { samples: shown.samples, input: shown.input, target: shown.target, step: self.clock, round };
            algorithm.teach(&self.weights, &teach, &mut update, &mut outcome)?;
        }
        Ok(update)
    }

    fn learn(
        &mut self,
        shown: &Shown<'_, T>,
        outcome: &mut Outcome<T>,
        observer: &mut dyn Observer<T>,
    ) -> Result<(), Trouble> {
        let rounds = self.algorithm.rounds();
        (outcome.unsettled, outcome.residual, outcome.sweeps) = (0, 0.0, 0);
        for round in 0..rounds {
            self.update.clear();
            let teach =
                Teach { samples: shown.samples, input: shown.input, target: shown.target, step: self.clock, round };
            self.algorithm.teach(&self.weights, &teach, &mut self.update, outcome)?;
            if shown.target.is_some() {
                let step = self.clock * rounds as u64 + round as u64 + 1;
                let algorithm = &self.algorithm;
                let relative = |kind| algorithm.relative_rate(kind);
                self.optimiser.apply(&mut self.weights, &mut self.update, self.factor, relative, step);
            }
        }
        self.clock += 1;
        if outcome.unsettled == 0 {
            self.check(&outcome.output, shown.samples)?;
        }
        let (state, potentials) = (&self.idle.0, &self.idle.1);
        let weights = &self.weights;
        if observer.wants(self.clock) != Wants::Nothing {
            observer.after_step(&View { step: self.clock, state, potentials, weights, target: shown.target });
        }
        Ok(())
    }

    fn answer(&self, input: &[T], samples: usize, output: &mut [T]) -> Result<usize, Trouble> {
        let unsettled = self.algorithm.answer(&self.weights, input, samples, output)?;
        if unsettled == 0 {
            self.check(output, samples)?;
        }
        Ok(unsettled)
    }

    fn answer_sequence(&self, input: &[T], length: usize, output: &mut [T]) -> Result<usize, Trouble> {
        self.answer(input, length, output)
    }

    fn follow(&self, shown: &Shown<'_, T>) -> Option<Course> {
        self.algorithm.follow(&self.weights, shown)
    }

    fn save(&self) -> Vec<Array<T>> {
        self.optimiser.save()
    }

    fn restore(&mut self, find: &mut dyn FnMut(&str, usize) -> Option<Vec<T>>) -> Result<(), String> {
        self.optimiser.restore(find)
    }

    fn clock(&self) -> u64 {
        self.clock
    }

    fn set_clock(&mut self, step: u64) {
        self.clock = step;
    }
}
