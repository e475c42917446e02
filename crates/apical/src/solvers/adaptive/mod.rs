//! `adaptive`: the full dynamics without noise, in as few steps as a stated error allows. An exponential Adams method of
//! variable step, made for this circuit: every soma relaxes with a conductance that is known, u' = -g u + s(t), so over a
//! step from t_n to t_n + h
//!
//! ```text
//! u(t_n + h) = e^(-g h) u(t_n) + integral over the step of e^(-g (t_n + h - t)) P(t) dt
//! ```
//!
//! with P the polynomial through s at the end of the step and at up to four nodes behind it. The end's s depends on the
//! end's potentials; the equation is solved by sweeps up and down the layers, in the order of [`super::steady`]. A sweep is
//! one right-hand side, and after a good extrapolation one or two are enough. At g h >> 1 a step is a step along the
//! drifting fixed point, and its length is bounded by how fast the fixed point moves, not by 1 / g.
//!
//! - [`quadrature`]: integrals of polynomials, with and without exponentials. [`clock`]: nodes, steps and their length.
//! - [`cells`]: sweeps. [`elements`]: what happens to each cell. [`span`]: what the input brings about in layer 1. [`node`]: what is kept of a moment. [`dense`]: between the nodes.
//! - [`single`]: one sample of a small net, in vectors.
//! - [`pace`]: how large an error may be. [`path`]: how the weights move. [`course`]: all of it, as a presentation.
//!
//! **Batches.** While the weights stand still (in answers, in Updates at held weights, until the end of the lag) every
//! sample has steps of its own, and what it gives does not depend on the others. While a batch moves the weights, what one
//! sample teaches acts on all of them: they then step together, as carefully as the one that needs it most, and the
//! motion of the weights within the presentation is a part of the solution. In the lag's variant "filter" a batch steps
//! together from the start.
//!
//! It is not for noise, which has no derivative to extrapolate.

mod cells;
mod clock;
mod course;
mod dense;
mod elements;
mod node;
mod pace;
mod path;
mod quadrature;
mod single;
mod span;

use super::euler::engine::{Answer, Teaching};
use super::{Array, Nobody, Observer, Outcome, Shown, Solver, Trouble, Weights};
use crate::circuit::params::{Network, Rates, Timing};
use crate::circuit::{Attenuation, State, Tensors};
use crate::kernels::Real;
pub use course::Cost;
use course::Room;
use pace::Setting;
pub use quadrature::NODES;
use single::Single;

/// Samples that are answered side by side: enough for products, and few beside a batch that learns, since each of several
/// threads has room for so many.
pub const ANSWERED: usize = 25;

/// True if a net and a batch are one sample of a small net, which one thread computes.
pub fn single(net: &Network, samples: usize) -> bool {
    let n = &net.sizes;
    samples == 1 && (2..n.len()).map(|k| 4 * n[k] * n[k - 1]).sum::<usize>() <= single::MOST
}

/// What presentations are computed in.
enum Way<T: Real> {
    Single(Box<Single<T>>),
    Batch(Box<Room<T>>),
}

impl<T: Real> Way<T> {
    fn new(setting: &Setting, samples: usize) -> Self {
        if single(&setting.net, samples) {
            Way::Single(Box::new(Single::new(setting)))
        } else {
            Way::Batch(Box::new(Room::new(setting, samples)))
        }
    }

    fn cost(&self) -> Cost {
        match self {
            Way::Single(single) => single.cost,
            Way::Batch(room) => room.cost,
        }
    }

    fn present(
        &mut self,
        setting: &Setting,
        weights: &mut Tensors<T>,
        state: &mut State<T>,
        shown: &Shown<'_, T>,
        teaching: Teaching<'_, T>,
        answer: Answer,
        output: &mut [T],
        observer: &mut dyn Observer<T>,
    ) -> Result<(), Trouble> {
        match self {
            Way::Single(single) => single.present(setting, weights, state, shown, teaching, answer, output, observer),
            Way::Batch(room) => room.present(setting, weights, state, shown, teaching, answer, output, observer),
        }
    }

    fn measure(&mut self, state: &State<T>, outcome: &mut Outcome<T>) {
        match self {
            Way::Single(single) => single.measure(state, outcome),
            Way::Batch(room) => room.measure(state, outcome),
        }
    }
}

/// The adaptive solver with its circuit's state.
pub struct Adaptive<T: Real> {
    setting: Setting,
    way: Way<T>,
    state: State<T>,
    delta: Tensors<T>,
}

impl<T: Real> Adaptive<T> {
    /// A circuit at rest. `tolerance`: relative error of what a presentation teaches; `bound`: potentials beyond it count
    /// as divergence.
    pub fn new(net: &Network, timing: Timing, tau_w: Option<f64>, tolerance: f64, bound: f64, samples: usize) -> Self {
        let setting = Setting {
            net: net.clone(),
            timing,
            tau_w,
            tolerance,
            bound,
            output: Attenuation::from_conductances(&net.conductances).output,
        };
        Adaptive {
            way: Way::new(&setting, samples),
            setting,
            state: State::rest(net, samples),
            delta: if tau_w.is_some() { Tensors::zeros(&net.sizes, net.bias_rate != 0.0) } else { Tensors::default() },
        }
    }

    /// What the last presentation cost.
    pub fn cost(&self) -> Cost {
        self.way.cost()
    }

    /// Somas and traces, to look at or to start from.
    pub fn state_mut(&mut self) -> &mut State<T> {
        &mut self.state
    }

    /// Delta (all lists empty without low-pass).
    pub fn delta(&self) -> &Tensors<T> {
        &self.delta
    }

    /// Somas, traces and Delta as a presentation finds them.
    fn begin(timing: &Timing, state: &mut State<T>, delta: &mut Tensors<T>) {
        if timing.reset_delta {
            delta.clear();
        }
        if timing.reset_state {
            state.reset();
        }
    }

    /// Patterns one after the other without target and plasticity, from rest.
    fn answer_all(
        &self,
        weights: &Tensors<T>,
        samples: usize,
        inputs: std::slice::ChunksExact<'_, T>,
        outputs: std::slice::ChunksExactMut<'_, T>,
    ) -> Result<usize, Trouble> {
        let mut room = Way::new(&self.setting, samples);
        let (mut weights, mut state) = (weights.clone(), State::rest(&self.setting.net, samples));
        for (input, output) in inputs.zip(outputs) {
            if self.setting.timing.reset_state {
                state.reset();
            }
            let shown = Shown { samples, input, target: None };
            let (weights, state, nothing) = (&mut weights, &mut state, Teaching::Nothing);
            room.present(&self.setting, weights, state, &shown, nothing, Answer::Soma, output, &mut Nobody)?;
        }
        Ok(0)
    }
}

impl<T: Real> Solver<T> for Adaptive<T> {
    fn name(&self) -> &'static str {
        "adaptive"
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
        Self::begin(&self.setting.timing, &mut self.state, &mut self.delta);
        let teaching = Teaching::Own { rates, delta: &mut self.delta };
        let (output, state, setting) = (&mut outcome.output, &mut self.state, &self.setting);
        self.way.present(setting, weights, state, shown, teaching, Answer::Prediction, output, observer)?;
        self.way.measure(&self.state, outcome);
        Ok(())
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
        Self::begin(&self.setting.timing, &mut self.state, &mut self.delta);
        let (teaching, weights) = (Teaching::Gather { rates, update }, &mut weights.clone());
        let (output, state, setting) = (&mut outcome.output, &mut self.state, &self.setting);
        self.way.present(setting, weights, state, shown, teaching, Answer::Prediction, output, observer)?;
        self.way.measure(&self.state, outcome);
        Ok(())
    }

    fn update(
        &self,
        weights: &Tensors<T>,
        shown: &Shown<'_, T>,
        rates: &Rates,
        mode: Weights,
    ) -> Result<Tensors<T>, Trouble> {
        let Setting { net, timing, tau_w, .. } = &self.setting;
        let (mut moved, mut state, mut delta) = (weights.clone(), self.state.clone(), self.delta.clone());
        Self::begin(timing, &mut state, &mut delta);
        let before = super::taught(weights, &delta, rates, *tau_w);
        let mut gathered = Tensors::zeros(&net.sizes, net.bias_rate != 0.0);
        let teaching = match mode {
            Weights::Moving => Teaching::Own { rates, delta: &mut delta },
            Weights::Held => Teaching::Gather { rates, update: &mut gathered },
        };
        let mut output = vec![T::ZERO; shown.samples * net.sizes[net.sizes.len() - 1]];
        let (mut room, output) = (Way::new(&self.setting, shown.samples), &mut output);
        let prediction = Answer::Prediction;
        room.present(&self.setting, &mut moved, &mut state, shown, teaching, prediction, output, &mut Nobody)?;
        if mode == Weights::Moving {
            gathered = super::taught_since(&before, &moved, &delta, rates, *tau_w);
        }
        Ok(gathered)
    }

    fn answer(&self, weights: &Tensors<T>, input: &[T], samples: usize, output: &mut [T]) -> Result<usize, Trouble> {
        let (inputs, outputs) = (input.len() / samples, output.len() / samples);
        for (input, output) in input.chunks(ANSWERED * inputs).zip(output.chunks_mut(ANSWERED * outputs)) {
            let all = (input.chunks_exact(input.len()), output.chunks_exact_mut(output.len()));
            self.answer_all(weights, input.len() / inputs, all.0, all.1)?;
        }
        Ok(0)
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
