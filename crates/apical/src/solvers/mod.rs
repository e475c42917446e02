//! Solvers: how the potentials of a circuit are found, and with them what a presentation teaches. Know no task and no
//! learner. A new solver is one file and one line in [`NAMES`] and
//! [`build`] here; how a config names it and its options stands in the lab.

pub mod adaptive;
pub mod euler;
pub mod steady;
pub mod two_step;
pub mod watch;

use crate::circuit::departures::Departures;
use crate::circuit::noise::Source;
use crate::circuit::params::{Network, Rates, Timing};
use crate::circuit::{Attenuation, Potentials, State, Tensors};
use crate::kernels::real::either;
use crate::kernels::{Isa, Real};
pub use watch::{Cell, Moment, Trouble};

/// Patterns shown side by side, sample after sample.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a, T> {
    /// Number of patterns.
    pub samples: usize,
    /// samples x n_0 input rates.
    pub input: &'a [T],
    /// samples x n_N target potentials, if a target nudges.
    pub target: Option<&'a [T]>,
}

/// What a presentation showed of the circuit. Means are over the samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome<T> {
    /// vhat_B,N (samples x n_N), averaged over the window: the answer that a nudge does not flatter. NaN for a sample
    /// without a fixed point.
    pub output: Vec<T>,
    /// sum over the cells of hidden layer k of v_A^2 at the end.
    pub apical_squared: Vec<f64>,
    /// sum over the interneurons of hidden layer k of (u^I_k - u^P_{k+1})^2 at the end.
    pub mismatch_squared: Vec<f64>,
    /// Samples without a fixed point; they taught nothing.
    pub unsettled: usize,
    /// Largest residual |du/dt| (1/ms) of a settled sample; 0 where the solver has none.
    pub residual: f64,
    /// Largest number of sweeps that a settled sample took; 0 where the solver has none.
    pub sweeps: usize,
}

impl<T: Real> Outcome<T> {
    /// Room for a net and a batch.
    pub fn new(net: &Network, samples: usize) -> Self {
        let depth = net.sizes.len() - 1;
        Outcome {
            apical_squared: vec![0.0; depth - 1],
            mismatch_squared: vec![0.0; depth - 1],
            ..Outcome::for_output(samples, net.sizes[depth])
        }
    }

    /// Room for the output alone (`cells` of it per sample): for algorithms without apical dendrites.
    pub fn for_output(samples: usize, cells: usize) -> Self {
        Outcome {
            output: vec![T::ZERO; samples * cells],
            apical_squared: Vec::new(),
            mismatch_squared: Vec::new(),
            unsettled: 0,
            residual: 0.0,
            sweeps: 0,
        }
    }

    /// Fills the output, vhat_B,N = factor v_B,N, and the error measures from potentials that were found at once.
    fn take(&mut self, factor: f64, state: &State<T>, p: &Potentials<T>) {
        let factor = T::from_f64(factor);
        for (o, &v_b) in self.output.iter_mut().zip(&p.basal[p.basal.len() - 1]) {
            *o = factor * v_b;
        }
        self.measure(state, p);
    }

    /// Fills the two error measures from the end of a presentation.
    fn measure(&mut self, state: &State<T>, p: &Potentials<T>) {
        let share = 1.0 / state.samples as f64;
        for k in 0..self.apical_squared.len() {
            let squares = p.apical[k].iter().map(|v| v.to_f64() * v.to_f64());
            self.apical_squared[k] = squares.sum::<f64>() * share;
            let pairs = state.inter[k].iter().zip(&state.soma[k + 1]);
            let squares = pairs.map(|(i, u)| (i.to_f64() - u.to_f64()).powi(2));
            self.mismatch_squared[k] = squares.sum::<f64>() * share;
        }
    }
}

/// What an observer sees after a step (Euler) or a presentation (the other solvers).
#[derive(Clone, Copy, Debug)]
pub struct View<'a, T> {
    /// Steps made since the run began, this one included.
    pub step: u64,
    /// Somas and traces after the step.
    pub state: &'a State<T>,
    /// Rates and dendritic potentials that the step used.
    pub potentials: &'a Potentials<T>,
    /// Weights after the step.
    pub weights: &'a Tensors<T>,
    /// Target potentials, if a target nudged (samples x n_N).
    pub target: Option<&'a [T]>,
}

/// What an observer wants to see of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wants {
    /// Nothing: [`Observer::after_step`] is not called.
    Nothing,
    /// Potentials, rates and traces; the weights may be older ones.
    Cells,
    /// Everything.
    Weights,
}

/// Watches a run without changing it.
pub trait Observer<T> {
    /// False if it never looks: then it is asked nothing more.
    fn looks(&self) -> bool {
        true
    }

    /// Asked once for each step, before [`Observer::after_step`], what it wants to see of it: what nobody looks at need not be
    /// made.
    fn wants(&self, _step: u64) -> Wants {
        Wants::Weights
    }

    /// Called after each step of which something is wanted; `view.step` counts them.
    fn after_step(&mut self, view: &View<'_, T>);

    /// Asked now and then in the course of a presentation; if true it ends at once with [`Trouble::Stopped`], and weights and
    /// state are of no use. Solvers without a course do not ask.
    fn stops(&mut self) -> bool {
        false
    }
}

/// Steps between two times that an observer is asked whether to stop: 64, or fewer where samples times weights make them slow.
fn steps_to_stop<T>(weights: &Tensors<T>, samples: usize) -> usize {
    // About a tenth of a second.
    const PRODUCTS: usize = 100_000_000;
    let lists = [&weights.pp, &weights.pb, &weights.ip, &weights.pi];
    let weights: usize = lists.into_iter().flatten().map(|m| m.data.len()).sum();
    (PRODUCTS / (weights * samples).max(1)).clamp(1, 64)
}

/// Asks the observer.
fn may_go_on<T>(observer: &mut dyn Observer<T>) -> Result<(), Trouble> {
    if observer.stops() { Err(Trouble::Stopped) } else { Ok(()) }
}

/// An observer that looks away.
pub struct Nobody;

impl<T> Observer<T> for Nobody {
    fn looks(&self) -> bool {
        false
    }

    fn wants(&self, _: u64) -> Wants {
        Wants::Nothing
    }

    fn after_step(&mut self, _: &View<'_, T>) {}
}

/// A named array of a solver's state, for checkpoints.
#[derive(Clone, Debug, PartialEq)]
pub struct Array<T> {
    /// `soma.1`, `delta.Wpp.1`, ...
    pub name: String,
    /// Shape, slowest dimension first.
    pub shape: Vec<usize>,
    /// Values.
    pub data: Vec<T>,
}

/// Somas, traces and Delta as arrays.
fn saved<T: Real>(state: &State<T>, delta: &Tensors<T>) -> Vec<Array<T>> {
    let samples = state.samples;
    let state = state.named().into_iter().map(|(name, values)| Array {
        name,
        shape: vec![samples, values.len() / samples],
        data: values.to_vec(),
    });
    let delta = delta.named().map(|(name, m)| Array {
        name: format!("delta.{name}"),
        shape: vec![m.rows, m.cols],
        data: m.data.clone(),
    });
    state.chain(delta).collect()
}

/// Takes back what [`saved`] gave.
fn restored<T: Real>(
    state: &mut State<T>,
    delta: &mut Tensors<T>,
    find: &mut dyn FnMut(&str, usize) -> Option<Vec<T>>,
) -> Result<(), String> {
    for (name, values) in state.named_mut() {
        values.copy_from_slice(&find(&name, values.len()).ok_or(name)?);
    }
    for (name, m) in delta.named_mut() {
        let name = format!("delta.{name}");
        m.data = find(&name, m.data.len()).ok_or(name)?;
    }
    Ok(())
}

/// V = W + eta tau_w Delta: what the rules have taught, whether it has reached W yet or not.
fn taught<T: Real>(weights: &Tensors<T>, delta: &Tensors<T>, rates: &Rates, tau_w: Option<f64>) -> Tensors<T> {
    let mut v = weights.clone();
    let Some(tau_w) = tau_w else { return v };
    let lists = [
        (&mut v.pp, &delta.pp, &rates.pp),
        (&mut v.bpp, &delta.bpp, &rates.pp),
        (&mut v.pb, &delta.pb, &rates.pb),
        (&mut v.ip, &delta.ip, &rates.ip),
        (&mut v.bip, &delta.bip, &rates.ip),
        (&mut v.pi, &delta.pi, &rates.pi),
    ];
    for (w, d, eta) in lists {
        for ((w, d), &eta) in w.iter_mut().zip(d).zip(eta) {
            let factor = T::from_f64(eta * tau_w);
            w.data.iter_mut().zip(&d.data).for_each(|(w, &d)| *w += factor * d);
        }
    }
    v
}

/// What has been taught since V was `before`.
fn taught_since<T: Real>(
    before: &Tensors<T>,
    weights: &Tensors<T>,
    delta: &Tensors<T>,
    rates: &Rates,
    tau_w: Option<f64>,
) -> Tensors<T> {
    let mut v = taught(weights, delta, rates, tau_w);
    for ((_, after), (_, before)) in v.named_mut().zip(before.named()) {
        after.data.iter_mut().zip(&before.data).for_each(|(a, &b)| *a -= b);
    }
    v
}

/// How potentials came to rest, step by step. Entry i of a list belongs to the state after `first + i` steps and has a value
/// per sample; a list may be empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Course {
    /// Steps before the first entry.
    pub first: usize,
    /// The largest rate of change that is left.
    pub residual: Vec<Vec<f64>>,
    /// The energy that the steps descend.
    pub energy: Vec<Vec<f64>>,
}

/// Which weights the rules see while an Update is gathered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weights {
    /// The weights stand still: angles and limits are taken this way.
    Held,
    /// The weights move as they would in training.
    Moving,
}

/// Finds potentials and teaches.
pub trait Solver<T: Real>: Send + Sync {
    /// The name in configs.
    fn name(&self) -> &'static str;

    /// The paper it comes from.
    fn reference(&self) -> &'static str;

    /// One presentation: potentials are found, weights change.
    ///
    /// # Errors
    /// [`Trouble`] if potentials diverge or a required fixed point is missing; the weights are then of no use.
    fn learn(
        &mut self,
        weights: &mut Tensors<T>,
        shown: &Shown<'_, T>,
        rates: &Rates,
        outcome: &mut Outcome<T>,
        observer: &mut dyn Observer<T>,
    ) -> Result<(), Trouble>;

    /// One presentation at weights that stand still: what it would teach is added to `update` for somebody else to follow.
    /// Only solvers whose plasticity acts once per presentation do this.
    ///
    /// # Errors
    /// As [`Solver::learn`].
    fn gather(
        &mut self,
        weights: &Tensors<T>,
        shown: &Shown<'_, T>,
        rates: &Rates,
        update: &mut Tensors<T>,
        outcome: &mut Outcome<T>,
        observer: &mut dyn Observer<T>,
    ) -> Result<(), Trouble>;

    /// What the presentation would add to the weights (for low-passed plasticity: to V = W + eta tau_w Delta); nothing
    /// of the solver changes.
    ///
    /// # Errors
    /// As [`Solver::learn`].
    fn update(
        &self,
        weights: &Tensors<T>,
        shown: &Shown<'_, T>,
        rates: &Rates,
        mode: Weights,
    ) -> Result<Tensors<T>, Trouble>;

    /// Output potentials (samples x n_N) from rest, without target, noise and plasticity; returns how many samples have
    /// no fixed point; their output is NaN.
    ///
    /// # Errors
    /// [`Trouble::Diverged`].
    fn answer(&self, weights: &Tensors<T>, input: &[T], samples: usize, output: &mut [T]) -> Result<usize, Trouble>;

    /// The same for patterns that follow each other without a reset, one at a time. Without dynamics nothing goes on from
    /// one pattern to the next, and it is [`Solver::answer`].
    ///
    /// # Errors
    /// As [`Solver::answer`].
    fn answer_sequence(
        &self,
        weights: &Tensors<T>,
        input: &[T],
        length: usize,
        output: &mut [T],
    ) -> Result<usize, Trouble> {
        self.answer(weights, input, length, output)
    }

    /// How the potentials of these patterns come to rest; nothing of the solver changes. `None`: it makes no steps towards a
    /// fixed point.
    fn follow(&self, _weights: &Tensors<T>, _shown: &Shown<'_, T>) -> Option<Course> {
        None
    }

    /// What must be kept to go on exactly here; nothing, if no state goes on from one presentation to the next.
    fn save(&self) -> Vec<Array<T>> {
        Vec::new()
    }

    /// Takes back what [`Solver::save`] gave; `find` yields the array of a name and length.
    ///
    /// # Errors
    /// The name of the first array that is missing.
    fn restore(&mut self, _find: &mut dyn FnMut(&str, usize) -> Option<Vec<T>>) -> Result<(), String> {
        Ok(())
    }

    /// Steps made since the run began.
    fn clock(&self) -> u64;

    /// Sets the number of steps made.
    fn set_clock(&mut self, step: u64);
}

/// What happens to a pattern without fixed point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoFixedPoint {
    /// It teaches nothing and is counted.
    Skip,
    /// [`Trouble::NoFixedPoint`].
    Fail,
}

/// Which solver, with everything it needs.
#[derive(Clone, Debug, PartialEq)]
pub enum Spec {
    /// Full dynamics.
    Euler {
        /// Times of a presentation.
        timing: Timing,
        /// Low-pass of the weight change (ms).
        tau_w: Option<f64>,
        /// Noise while learning.
        noise: Source,
        /// Potentials beyond this bound count as divergence.
        bound: f64,
        /// In which way the steps are computed.
        way: euler::Choice,
    },
    /// Full dynamics whose steps depart from the reference.
    Departed {
        /// Times of a presentation.
        timing: Timing,
        /// Low-pass of the weight change (ms); without effect where departures replace it.
        tau_w: Option<f64>,
        /// Noise while learning.
        noise: Source,
        /// Potentials beyond this bound count as divergence.
        bound: f64,
        /// How they depart.
        departures: Departures,
    },
    /// Full dynamics without noise, in steps of their own choice.
    Adaptive {
        /// Times of a presentation; dt is what records and clocks count in.
        timing: Timing,
        /// Low-pass of the weight change (ms).
        tau_w: Option<f64>,
        /// Relative error of what a presentation teaches.
        tolerance: f64,
        /// Potentials beyond this bound count as divergence.
        bound: f64,
    },
    /// Fixed point by sweeps.
    Steady {
        /// Bound on |du/dt| (1/ms).
        tolerance: f64,
        /// Sweeps at most.
        max_sweeps: usize,
        /// What happens otherwise.
        on_no_fixed_point: NoFixedPoint,
        /// Potentials beyond this bound count as divergence.
        bound: f64,
    },
    /// One pass up, one down.
    TwoStep {
        /// Attenuation and mixing factors.
        attenuation: Attenuation,
        /// Share of an interneuron's teacher that is the mean over all cells above.
        blur: f64,
        /// Potentials beyond this bound count as divergence.
        bound: f64,
    },
}

/// Names and descriptions of all solvers.
pub const NAMES: [(&str, &str); 4] = [
    ("euler", "full dynamics in Euler steps of dt, plasticity always on"),
    ("adaptive", "full dynamics without noise, in as few steps as a stated error allows"),
    ("steady", "the fixed point of the dynamics, by sweeps; reports patterns that have none"),
    ("two-step", "one pass up, one pass down with a nudged output (S18's MNIST simplification)"),
];

/// The solver that a spec describes, for a net and a batch size.
pub fn build<T: Real>(spec: &Spec, net: &Network, samples: usize) -> Box<dyn Solver<T>> {
    either::<T, _, _, _>(|| single(spec, net, samples), || double(spec, net, samples))
}

fn single(spec: &Spec, net: &Network, samples: usize) -> Box<dyn Solver<f32>> {
    build_in(spec, net, samples)
}

fn double(spec: &Spec, net: &Network, samples: usize) -> Box<dyn Solver<f64>> {
    build_in(spec, net, samples)
}

fn build_in<T: Real>(spec: &Spec, net: &Network, samples: usize) -> Box<dyn Solver<T>> {
    match spec {
        Spec::Euler { timing, tau_w, noise, bound, way } => {
            let plan = euler::Plan::new::<T>(*way, net, samples, Isa::best());
            Box::new(euler::Euler::new(net, *timing, *tau_w, *noise, *bound, samples).with_plan(plan))
        }
        Spec::Departed { timing, tau_w, noise, bound, departures } => {
            Box::new(euler::Euler::new(net, *timing, *tau_w, *noise, *bound, samples).departing(*departures))
        }
        Spec::Adaptive { timing, tau_w, tolerance, bound } => {
            Box::new(adaptive::Adaptive::new(net, *timing, *tau_w, *tolerance, *bound, samples))
        }
        Spec::Steady { tolerance, max_sweeps, on_no_fixed_point, bound } => {
            Box::new(steady::Steady::new(net, *tolerance, *max_sweeps, *on_no_fixed_point, *bound, samples))
        }
        Spec::TwoStep { attenuation, blur, bound } => {
            Box::new(two_step::TwoStep::new(net, *attenuation, *bound, samples).blurred(*blur))
        }
    }
}
