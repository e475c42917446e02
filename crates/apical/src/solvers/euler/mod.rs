//! `euler`: the full dynamics of Sacramento et al. 2018 in Euler steps, plasticity always on. The circuit's state, traces
//! and Delta go on from one presentation to the next unless a reset is asked for.
//!
//! What computes the steps is an [`Engine`]; the [`Plan`] says which.

mod dense;
mod departed;
pub mod engine;
mod fused;
pub mod plan;
pub mod switch;

use super::{Array, Nobody, Observer, Outcome, Shown, Solver, Trouble, Weights, taught};
use crate::circuit::departures::Departures;
use crate::circuit::noise::Source;
use crate::circuit::params::{Network, Rates, Timing};
use crate::circuit::step::Constants;
use crate::circuit::{Potentials, State, Tensors};
use crate::kernels::real::either;
use crate::kernels::{Product, Real};
use dense::Dense;
use departed::Departed;
use engine::{Answer, Circuit, Engine, Presentation, Reference, Teaching};
pub use plan::{Choice, Plan, Way};

/// The engine that a plan asks for.
fn engine<T: Real>(plan: Plan, net: &Network, samples: usize) -> Box<dyn Engine<T>> {
    either::<T, _, _, _>(|| single(plan, net, samples), || double(plan, net, samples))
}

fn single(plan: Plan, net: &Network, samples: usize) -> Box<dyn Engine<f32>> {
    engine_in(plan, net, samples)
}

fn double(plan: Plan, net: &Network, samples: usize) -> Box<dyn Engine<f64>> {
    engine_in(plan, net, samples)
}

fn engine_in<T: Real>(plan: Plan, net: &Network, samples: usize) -> Box<dyn Engine<T>> {
    match plan.way {
        Way::Fused if samples == 1 => Box::new(fused::Fused::new(net, plan.isa)),
        Way::Reference => Box::new(Reference),
        Way::Blocks(steps) => Box::new(Dense::new(net, samples, steps, plan.isa)),
        // Several patterns at once, asked of a fused plan for one: answers to a set.
        Way::Fused | Way::Batch => Box::new(Dense::new(net, samples, 1, plan.isa)),
    }
}

/// The Euler solver with its circuit's state.
pub struct Euler<T> {
    constants: Constants<T>,
    timing: Timing,
    tau_w: Option<f64>,
    noise: Source,
    bound: f64,
    plan: Plan,
    departures: Departures,
    engine: Box<dyn Engine<T>>,
    state: State<T>,
    delta: Tensors<T>,
    potentials: Potentials<T>,
}

impl<T: Real> Euler<T> {
    /// A circuit at rest, computed as the reference does. `bound`: potentials beyond it count as divergence.
    pub fn new(net: &Network, timing: Timing, tau_w: Option<f64>, noise: Source, bound: f64, samples: usize) -> Self {
        let delta = if tau_w.is_some() { Tensors::zeros(&net.sizes, net.bias_rate != 0.0) } else { Tensors::default() };
        Euler {
            constants: Constants::new(net, &timing, tau_w, Product::Plain),
            timing,
            tau_w,
            noise,
            bound,
            plan: Plan::REFERENCE,
            departures: Departures::default(),
            engine: engine(Plan::REFERENCE, net, samples),
            state: State::rest(net, samples),
            delta,
            potentials: Potentials::new(net, samples),
        }
    }

    /// The same, computed by another plan.
    pub fn with_plan(mut self, plan: Plan) -> Self {
        let plan = plan.within(self.timing.steps(self.timing.presentation));
        self.engine = engine(plan, self.constants.net(), self.state.samples);
        self.plan = plan;
        self
    }

    /// A circuit at rest whose steps depart from the reference, computed in plain loops.
    pub fn departing(mut self, on: Departures) -> Self {
        if on.replace_low_pass() {
            self.tau_w = None;
            self.delta = Tensors::default();
            self.constants = Constants::new(&self.constants.net, &self.timing, None, Product::Plain);
        }
        (self.departures, self.plan) = (on, Plan::REFERENCE);
        self.engine = self.another_engine(self.state.samples);
        self
    }

    /// An engine like the circuit's own, for so many samples.
    fn another_engine(&self, samples: usize) -> Box<dyn Engine<T>> {
        match self.departures.any() {
            true => Box::new(Departed::new(self.departures, self.constants.net(), samples)),
            false => engine(self.plan, self.constants.net(), samples),
        }
    }

    /// Somas and traces, to look at or to start from.
    pub fn state_mut(&mut self) -> &mut State<T> {
        &mut self.state
    }

    /// Delta (all lists empty without low-pass).
    pub fn delta(&self) -> &Tensors<T> {
        &self.delta
    }

    /// Shows patterns without noise and plasticity for one presentation: brings the state to where these patterns settle.
    ///
    /// # Errors
    /// [`Trouble::Diverged`].
    pub fn settle(&mut self, weights: &Tensors<T>, shown: &Shown<'_, T>) -> Result<(), Trouble> {
        let mut output = vec![T::ZERO; self.potentials.basal[self.potentials.basal.len() - 1].len()];
        let presentation = Presentation {
            timing: &self.timing,
            shown,
            noise: &Source::Silent,
            bound: self.bound,
            answer: Answer::Soma,
        };
        let circuit =
            Circuit { weights: &mut weights.clone(), state: &mut self.state, potentials: &mut self.potentials };
        let engine = &mut self.engine;
        engine.present(&self.constants, &presentation, circuit, Teaching::Nothing, &mut output, &mut Nobody)
    }

    /// Presents patterns one after the other without target, noise and plasticity, from rest, and averages u_N over the
    /// window of each.
    fn answer_all(
        &self,
        weights: &Tensors<T>,
        samples: usize,
        inputs: std::slice::ChunksExact<'_, T>,
        outputs: std::slice::ChunksExactMut<'_, T>,
    ) -> Result<usize, Trouble> {
        let net = self.constants.net();
        let (mut weights, mut state, mut potentials) =
            (weights.clone(), State::rest(net, samples), Potentials::new(net, samples));
        let mut engine = self.another_engine(samples);
        for (input, output) in inputs.zip(outputs) {
            if self.timing.reset_state {
                state.reset();
            }
            let presentation = Presentation {
                timing: &self.timing,
                shown: &Shown { samples, input, target: None },
                noise: &Source::Silent,
                bound: self.bound,
                answer: Answer::Soma,
            };
            let circuit = Circuit { weights: &mut weights, state: &mut state, potentials: &mut potentials };
            engine.present(&self.constants, &presentation, circuit, Teaching::Nothing, output, &mut Nobody)?;
        }
        Ok(0)
    }

    /// The steps of a presentation; with an `update` the weights stand still and the rules are gathered there.
    fn course(
        &mut self,
        weights: &mut Tensors<T>,
        shown: &Shown<'_, T>,
        rates: &Rates,
        update: Option<&mut Tensors<T>>,
        outcome: &mut Outcome<T>,
        observer: &mut dyn Observer<T>,
    ) -> Result<(), Trouble> {
        if self.timing.reset_delta {
            self.delta.clear();
        }
        if self.timing.reset_state {
            self.state.reset();
        }
        let presentation = Presentation {
            timing: &self.timing,
            shown,
            noise: &self.noise,
            bound: self.bound,
            answer: Answer::Prediction,
        };
        let circuit = Circuit { weights, state: &mut self.state, potentials: &mut self.potentials };
        let teaching = match update {
            None => Teaching::Own { rates, delta: &mut self.delta },
            Some(update) => Teaching::Gather { rates, update },
        };
        let output = &mut outcome.output;
        self.engine.present(&self.constants, &presentation, circuit, teaching, output, observer)?;
        outcome.measure(&self.state, &self.potentials);
        Ok(())
    }
}

impl<T: Real> Solver<T> for Euler<T> {
    fn name(&self) -> &'static str {
        "euler"
    }

    fn reference(&self) -> &'static str {
        "Sacramento, Costa, Bengio & Senn, NeurIPS 2018"
    }

    fn learn(
        &mut self,
        weights: &mut Tensors<T>,
        shown: &Shown<'_, T>,
        rates: &Rates,
        outcome: &mut Outcome<T>,
        observer: &mut dyn Observer<T>,
    ) -> Result<(), Trouble> {
        self.course(weights, shown, rates, None, outcome, observer)
    }

    fn gather(
        &mut self,
        weights: &Tensors<T>,
        shown: &Shown<'_, T>,
        rates: &Rates,
        update: &mut Tensors<T>,
        outcome: &mut Outcome<T>,
        observer: &mut dyn Observer<T>,
    ) -> Result<(), Trouble> {
        self.course(&mut weights.clone(), shown, rates, Some(update), outcome, observer)
    }

    fn update(
        &self,
        weights: &Tensors<T>,
        shown: &Shown<'_, T>,
        rates: &Rates,
        mode: Weights,
    ) -> Result<Tensors<T>, Trouble> {
        let net = self.constants.net();
        let (mut weights, mut delta) = (weights.clone(), self.delta.clone());
        let (mut state, mut potentials) = (self.state.clone(), self.potentials.clone());
        if self.timing.reset_delta {
            delta.clear();
        }
        if self.timing.reset_state {
            state.reset();
        }
        let before = taught(&weights, &delta, rates, self.tau_w);
        let mut gathered = Tensors::zeros(&net.sizes, net.bias_rate != 0.0);
        let presentation = Presentation {
            timing: &self.timing,
            shown,
            noise: &self.noise,
            bound: self.bound,
            answer: Answer::Prediction,
        };
        let circuit = Circuit { weights: &mut weights, state: &mut state, potentials: &mut potentials };
        let teaching = match mode {
            Weights::Moving => Teaching::Own { rates, delta: &mut delta },
            Weights::Held => Teaching::Gather { rates, update: &mut gathered },
        };
        let mut output = vec![T::ZERO; shown.samples * net.sizes[net.sizes.len() - 1]];
        let mut engine = self.another_engine(shown.samples);
        engine.present(&self.constants, &presentation, circuit, teaching, &mut output, &mut Nobody)?;
        if mode == Weights::Moving {
            gathered = super::taught_since(&before, &weights, &delta, rates, self.tau_w);
        }
        Ok(gathered)
    }

    fn answer(&self, weights: &Tensors<T>, input: &[T], samples: usize, output: &mut [T]) -> Result<usize, Trouble> {
        let (inputs, outputs) = (input.chunks_exact(input.len()), output.chunks_exact_mut(output.len()));
        self.answer_all(weights, samples, inputs, outputs)
    }

    fn answer_sequence(
        &self,
        weights: &Tensors<T>,
        input: &[T],
        length: usize,
        output: &mut [T],
    ) -> Result<usize, Trouble> {
        let (inputs, outputs) = (input.len() / length, output.len() / length);
        self.answer_all(weights, 1, input.chunks_exact(inputs), output.chunks_exact_mut(outputs))
    }

    fn save(&self) -> Vec<Array<T>> {
        super::saved(&self.state, &self.delta)
    }

    fn restore(&mut self, find: &mut dyn FnMut(&str, usize) -> Option<Vec<T>>) -> Result<(), String> {
        super::restored(&mut self.state, &mut self.delta, find)
    }

    fn clock(&self) -> u64 {
        self.state.step
    }

    fn set_clock(&mut self, step: u64) {
        self.state.step = step;
    }
}
