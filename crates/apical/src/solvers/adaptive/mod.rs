//! `adaptive`: the full dynamics without noise, in as few steps as a stated error allows.

mod cells;
mod clock;
mod course;
mod node;
mod path;
mod quadrature;

use super::euler::engine::{Answer, Teaching};
use super::{Array, Nobody, Observer, Outcome, Shown, Solver, Trouble, Weights};
use crate::circuit::params::{Network, Rates, Timing};
use crate::circuit::{Attenuation, State, Tensors};
use crate::kernels::Real;
use course::{Room, Setting};

/// The adaptive solver with its circuit's state.
pub struct Adaptive<T> {
    setting: Setting,
    room: Room<T>,
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
            room: Room::new(&setting, samples),
            setting,
            state: State::rest(net, samples),
            delta: if tau_w.is_some() { Tensors::zeros(&net.sizes, net.bias_rate != 0.0) } else { Tensors::default() },
        }
    }

    /// Right-hand sides and steps of the last presentation.
    pub fn cost(&self) -> (usize, usize) {
        (self.room.sweeps, self.room.steps)
    }

    /// Somas and traces.
    pub fn state_mut(&mut self) -> &mut State<T> {
        &mut self.state
    }

    /// Delta.
    pub fn delta(&self) -> &Tensors<T> {
        &self.delta
    }

    fn reset(&mut self) {
        if self.setting.timing.reset_delta {
            self.delta.clear();
        }
        if self.setting.timing.reset_state {
            self.state.reset();
        }
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
        self.reset();
        let teaching = Teaching::Own { rates, delta: &mut self.delta };
        let output = &mut outcome.output;
        let (state, setting) = (&mut self.state, &self.setting);
        self.room.present(setting, weights, state, shown, teaching, Answer::Prediction, output, observer)
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
        self.reset();
        let teaching = Teaching::Gather { rates, update };
        let output = &mut outcome.output;
        let (state, setting) = (&mut self.state, &self.setting);
        self.room.present(setting, &mut weights.clone(), state, shown, teaching, Answer::Prediction, output, observer)
    }

    fn update(
        &self,
        _weights: &Tensors<T>,
        _shown: &Shown<'_, T>,
        _rates: &Rates,
        _mode: Weights,
    ) -> Result<Tensors<T>, Trouble> {
        todo!()
    }

    fn answer(&self, weights: &Tensors<T>, input: &[T], samples: usize, output: &mut [T]) -> Result<usize, Trouble> {
        let mut room = Room::new(&self.setting, samples);
        let mut state = State::rest(&self.setting.net, samples);
        let shown = Shown { samples, input, target: None };
        let (weights, teaching) = (&mut weights.clone(), Teaching::Nothing);
        room.present(&self.setting, weights, &mut state, &shown, teaching, Answer::Soma, output, &mut Nobody)?;
        Ok(0)
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
