//! `microcircuit`: the dendritic cortical microcircuit (Sacramento, Costa, Bengio & Senn, NeurIPS 2018) learns from local
//! prediction errors, with any of the solvers inside.

use super::optimiser::{self, Optimiser};
use super::{Learner, Update};
use crate::circuit::imperfect::Synapses;
use crate::circuit::params::Rates;
use crate::circuit::{Kind, Tensors};
use crate::kernels::Real;
use crate::solvers::{Array, Course, Observer, Outcome, Shown, Solver, Trouble, Weights};

/// Weights, rates and a solver.
pub struct Microcircuit<T> {
    weights: Tensors<T>,
    rates: Rates,
    solver: Box<dyn Solver<T>>,
    followed: Option<Followed<T>>,
    synapses: Option<Synapses<T>>,
}

/// An optimiser that follows what presentations teach, in place of the rules' own rates alone.
struct Followed<T> {
    optimiser: Optimiser<T>,
    update: Update<T>,
    factor: f64,
}

impl<T: Real> Microcircuit<T> {
    /// From start weights and a solver of the same net.
    pub fn new(weights: Tensors<T>, rates: Rates, solver: Box<dyn Solver<T>>) -> Self {
        Microcircuit { weights, rates, solver, followed: None, synapses: None }
    }

    /// The same, with an optimiser that follows what each presentation taught; weights stand still within one.
    pub fn followed(mut self, spec: &optimiser::Spec) -> Self {
        let mut update = self.weights.clone();
        update.clear();
        let optimiser = Optimiser::new(spec, &self.weights);
        self.followed = Some(Followed { optimiser, update, factor: 1.0 });
        self
    }

    /// The same, with imperfect synapses. Its weights are taken for ones that these can have.
    pub fn imperfect(mut self, synapses: Synapses<T>) -> Self {
        self.synapses = Some(synapses);
        self
    }

    fn present(
        &mut self,
        shown: &Shown<'_, T>,
        outcome: &mut Outcome<T>,
        observer: &mut dyn Observer<T>,
    ) -> Result<(), Trouble> {
        let Some(followed) = &mut self.followed else {
            return self.solver.learn(&mut self.weights, shown, &self.rates, outcome, observer);
        };
        followed.update.clear();
        let before = self.solver.clock();
        self.solver.gather(&self.weights, shown, &self.rates, &mut followed.update, outcome, observer)?;
        // Every presentation takes as many steps as this one.
        let (after, factor) = (self.solver.clock(), followed.factor);
        let presentation = after / (after - before);
        // Synapses whose rule is off stand still: they do not decay either.
        let relative = |kind| {
            let rates = match kind {
                Kind::Wpp | Kind::Bpp => &self.rates.pp,
                Kind::Wip | Kind::Bip => &self.rates.ip,
                Kind::Wpi => &self.rates.pi,
                Kind::Wpb => &self.rates.pb,
            };
            f64::from(u8::from(rates.iter().any(|&eta| eta != 0.0)))
        };
        followed.optimiser.apply(&mut self.weights, &mut followed.update, factor, relative, presentation);
        Ok(())
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
        match &mut self.followed {
            None => self.rates = rates.scaled(factor),
            Some(followed) => {
                self.rates = rates.clone();
                followed.factor = factor;
            }
        }
    }

    fn update(&self, shown: &Shown<'_, T>, mode: Weights) -> Result<Update<T>, Trouble> {
        let mut update = self.solver.update(&self.weights, shown, &self.rates, mode)?;
        if let Some(synapses) = &self.synapses {
            synapses.mask(&mut update);
        }
        Ok(update)
    }

    fn learn(
        &mut self,
        shown: &Shown<'_, T>,
        outcome: &mut Outcome<T>,
        observer: &mut dyn Observer<T>,
    ) -> Result<(), Trouble> {
        let n = self.solver.clock();
        if let Some(synapses) = &mut self.synapses {
            synapses.before(&mut self.weights, n);
        }
        let learned = self.present(shown, outcome, observer);
        if let Some(synapses) = &mut self.synapses {
            synapses.after(&mut self.weights, n);
        }
        learned
    }

    fn answer(&self, input: &[T], samples: usize, output: &mut [T]) -> Result<usize, Trouble> {
        self.solver.answer(&self.weights, input, samples, output)
    }

    fn answer_sequence(&self, input: &[T], length: usize, output: &mut [T]) -> Result<usize, Trouble> {
        self.solver.answer_sequence(&self.weights, input, length, output)
    }

    fn follow(&self, shown: &Shown<'_, T>) -> Option<Course> {
        self.solver.follow(&self.weights, shown)
    }

    fn save(&self) -> Vec<Array<T>> {
        let mut list = self.solver.save();
        if let Some(followed) = &self.followed {
            list.extend(followed.optimiser.save());
        }
        list
    }

    fn restore(&mut self, find: &mut dyn FnMut(&str, usize) -> Option<Vec<T>>) -> Result<(), String> {
        self.solver.restore(find)?;
        self.followed.as_mut().map_or(Ok(()), |followed| followed.optimiser.restore(find))
    }

    fn clock(&self) -> u64 {
        self.solver.clock()
    }

    fn set_clock(&mut self, step: u64) {
        self.solver.set_clock(step);
    }
}
