//! `Engine`: what computes the steps of one presentation, and the reference engine, which every faster one is held against.

use crate::circuit::noise::Source;
use crate::circuit::params::{LagKind, Rates, Timing};
use crate::circuit::step::{Constants, Learning, Plastic, step};
use crate::circuit::{Potentials, State, Tensors};
use crate::kernels::Real;
use crate::solvers::{Observer, Shown, Trouble, View, Wants, may_go_on, steps_to_stop, watch};

/// What a presentation teaches.
pub enum Teaching<'a, T> {
    /// The circuit's own weights learn, through Delta if there is a low-pass.
    Own {
        /// Rates; 0 switches a rule off.
        rates: &'a Rates,
        /// Delta (unused without low-pass).
        delta: &'a mut Tensors<T>,
    },
    /// The weights stand still; what the rules would add to V = W + eta tau_w Delta is added here.
    Gather {
        /// Rates.
        rates: &'a Rates,
        /// Where changes of V are added.
        update: &'a mut Tensors<T>,
    },
    /// Nothing.
    Nothing,
}

impl<'a, T: Real> Teaching<'a, T> {
    /// The rates, where something learns.
    pub fn rates(&self) -> Option<&'a Rates> {
        match self {
            Teaching::Own { rates, .. } | Teaching::Gather { rates, .. } => Some(rates),
            Teaching::Nothing => None,
        }
    }

    /// What step `n` of the presentation does.
    pub fn step(&mut self, timing: &Timing, n: usize) -> Learning<'_, T> {
        let plastic = Plastic::in_presentation(timing, n);
        match self {
            Teaching::Own { rates, delta } => Learning::Own { rates, plastic, delta },
            // In the lag's variant "filter" the rules still reach Delta, and so V.
            Teaching::Gather { rates, update } if plastic == Plastic::On || timing.lag_kind == LagKind::Filter => {
                Learning::Gather { rates, update }
            }
            Teaching::Gather { .. } | Teaching::Nothing => Learning::None,
        }
    }
}

/// What the output of a presentation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// vhat_B,N: an answer that a nudge does not flatter.
    Prediction,
    /// u_N after each step.
    Soma,
}

/// The circumstances of a presentation.
pub struct Presentation<'a, T> {
    /// Times; resets of state and Delta are the caller's.
    pub timing: &'a Timing,
    /// Patterns and targets.
    pub shown: &'a Shown<'a, T>,
    /// Noise.
    pub noise: &'a Source,
    /// Potentials beyond it count as divergence.
    pub bound: f64,
    /// What is averaged over the window into the output.
    pub answer: Answer,
}

impl<T> Presentation<'_, T> {
    /// Number of steps.
    pub fn steps(&self) -> usize {
        self.timing.steps(self.timing.presentation)
    }

    /// First step whose output counts.
    pub fn window_start(&self) -> usize {
        self.steps() - self.timing.steps(self.timing.window).clamp(1, self.steps())
    }
}

/// A circuit between two presentations.
pub struct Circuit<'a, T> {
    /// Weights; after a presentation with everything that reached them in it.
    pub weights: &'a mut Tensors<T>,
    /// Somas, traces and the step count.
    pub state: &'a mut State<T>,
    /// After a presentation: rates, potentials and errors of its last step.
    pub potentials: &'a mut Potentials<T>,
}

/// Computes the steps of presentations. Between two of them it holds nothing but room.
pub trait Engine<T: Real>: Send + Sync {
    /// All steps of one presentation; `output` (samples x n_N) becomes the average over the window.
    ///
    /// The observer is asked before each step what it wants to see of it. What it sees is a copy: looking changes no bit.
    ///
    /// # Errors
    /// [`Trouble::Diverged`] after the step in which a soma left the bound.
    fn present(
        &mut self,
        constants: &Constants<T>,
        presentation: &Presentation<'_, T>,
        circuit: Circuit<'_, T>,
        teaching: Teaching<'_, T>,
        output: &mut [T],
        observer: &mut dyn Observer<T>,
    ) -> Result<(), Trouble>;
}

/// [`step`], again and again.
pub struct Reference;

impl<T: Real> Engine<T> for Reference {
    fn present(
        &mut self,
        constants: &Constants<T>,
        presentation: &Presentation<'_, T>,
        circuit: Circuit<'_, T>,
        teaching: Teaching<'_, T>,
        output: &mut [T],
        observer: &mut dyn Observer<T>,
    ) -> Result<(), Trouble> {
        let Presentation { shown, noise, .. } = presentation;
        let factor = constants.attenuation.output;
        step_by_step(presentation, circuit, teaching, factor, output, observer, |circuit, learning| {
            let Circuit { weights, state, potentials } = circuit;
            step(constants, weights, state, potentials, shown.input, shown.target, learning, noise);
        })
    }
}

/// All steps of a presentation, each made by `step`; `factor` is that of vhat_B,N.
///
/// # Errors
/// As [`Engine::present`].
pub fn step_by_step<T: Real>(
    presentation: &Presentation<'_, T>,
    mut circuit: Circuit<'_, T>,
    mut teaching: Teaching<'_, T>,
    factor: f64,
    output: &mut [T],
    observer: &mut dyn Observer<T>,
    mut step: impl FnMut(&mut Circuit<'_, T>, Learning<'_, T>),
) -> Result<(), Trouble> {
    let (steps, start) = (presentation.steps(), presentation.window_start());
    let top = circuit.state.soma.len() - 1;
    let factor = match presentation.answer {
        Answer::Prediction => factor,
        Answer::Soma => 1.0,
    };
    let share = T::from_f64(factor / (steps - start) as f64);
    output.fill(T::ZERO);
    let stride = steps_to_stop(circuit.weights, circuit.state.samples);
    for n in 0..steps {
        if n % stride == 0 {
            may_go_on(observer)?;
        }
        let wants = observer.wants(circuit.state.step + 1);
        step(&mut circuit, teaching.step(presentation.timing, n));
        let Circuit { weights, state, potentials } = &circuit;
        watch::check(state, presentation.bound)?;
        if n >= start {
            let potential = match presentation.answer {
                Answer::Prediction => &potentials.basal[top],
                Answer::Soma => &state.soma[top],
            };
            output.iter_mut().zip(potential).for_each(|(o, &v)| *o += share * v);
        }
        if wants != Wants::Nothing {
            let target = presentation.shown.target;
            observer.after_step(&View { step: state.step, state, potentials, weights, target });
        }
    }
    Ok(())
}
