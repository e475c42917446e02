//! Who is asked: an algorithm with its options, or the circuit with one of its solvers; and what it answers at given
//! weights.

use super::Watch;
use crate::Error;
use crate::experiment::{AlgorithmSpec, Experiment, LearnerSpec, Loss, SolverSpec};
use crate::run::build;
use crate::run::order::Batch;
use apical::circuit::noise::Source;
use apical::circuit::params::{LagKind, Network, Rates, Timing};
use apical::circuit::{Kind, Tensors, self_prediction};
use apical::kernels::{Isa, Mat};
use apical::learners::feed_forward::Function;
use apical::learners::trained::Teach;
use apical::learners::{dtp, pc};
use apical::solvers::euler::{Choice, Euler, Plan};
use apical::solvers::steady::Steady;
use apical::solvers::two_step::TwoStep;
use apical::solvers::{NoFixedPoint, Nobody, Outcome, Shown, Solver, Trouble};

/// From the settled state the circuit's first ms are left out: the nudge is still on its way down.
const SETTLING_LAG: f64 = 20.0;

/// Who finds the direction.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// An algorithm.
    Algorithm(AlgorithmSpec),
    /// The circuit's two-step solver.
    TwoStep,
    /// The circuit's fixed point, by sweeps.
    Steady {
        /// Bound on |du/dt| (1/ms).
        tolerance: f64,
        /// Sweeps at most.
        max_sweeps: usize,
    },
    /// The circuit's full dynamics, from the settled state of the same pattern without its target.
    Settled,
}

/// One row and column of the matrix.
#[derive(Clone, Debug, PartialEq)]
pub struct Participant {
    /// What tables call it.
    pub name: String,
    /// Who finds the direction.
    pub ask: Ask,
    /// The function that it has, and the loss.
    pub function: Function,
    /// Learning rate of each layer: its weight among all layers.
    pub rates: Vec<f64>,
    /// Times of the circuit.
    pub timing: Timing,
    /// Potentials beyond it count as divergence.
    pub bound: f64,
    /// Seed of what it draws itself.
    pub seed: u64,
    /// Which function its Update belongs to, a line.
    pub says: String,
}

/// What would be added to the forward weights, at a rate of 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Direction {
    /// Layer k at k - 1.
    pub layers: Vec<Mat<f64>>,
    /// Samples that did not settle and taught nothing.
    pub unsettled: usize,
}

/// The rows of a learner: one, or one for each solver that its circuit allows.
pub(super) fn participants(label: &str, e: &Experiment) -> Vec<Participant> {
    let mut f = build::function(e);
    let depth = f.depth();
    let (rates, asks) = match &e.learner {
        LearnerSpec::Trained(t) => {
            let rate = |k: usize| if t.optimiser.frozen.contains(&(k + 1)) { 0.0 } else { t.optimiser.rate[k] };
            ((0..depth).map(rate).collect(), vec![(label.to_owned(), Ask::Algorithm(t.algorithm.clone()))])
        }
        LearnerSpec::Microcircuit => {
            f.loss = Loss::Matching;
            let phase = e.phases.iter().rev().find(|p| p.target).unwrap_or(&e.phases[0]);
            let followed = |k: usize| e.optimiser.as_ref().map_or(1.0, |o| o.rate[k]);
            let rates = (0..depth).map(|k| phase.rates.pp[k] * followed(k)).collect();
            let mut asks = vec![(format!("{label} two-step"), Ask::TwoStep)];
            if has_dynamics(e) {
                asks.push((format!("{label} steady"), steady(e)));
                asks.push((format!("{label} settled"), Ask::Settled));
            }
            (rates, asks)
        }
    };
    let row = |(name, ask): (String, Ask)| Participant {
        name,
        says: says(&ask, &f),
        ask,
        function: f.clone(),
        rates: Vec::clone(&rates),
        timing: timing(e),
        bound: e.train.divergence_bound,
        seed: e.seed,
    };
    asks.into_iter().map(row).collect()
}

/// Whether the circuit of an experiment is one of conductances: only such a one has dynamics.
pub(super) fn has_dynamics(e: &Experiment) -> bool {
    e.learner == LearnerSpec::Microcircuit
        && !matches!(e.solver, SolverSpec::TwoStep(crate::experiment::Attenuation::None(_)))
}

pub(super) fn steady(e: &Experiment) -> Ask {
    match e.solver {
        SolverSpec::Steady { tolerance, max_sweeps, .. } => Ask::Steady { tolerance, max_sweeps },
        _ => Ask::Steady { tolerance: 1e-12, max_sweeps: 2000 },
    }
}

/// The circuit in double precision without noise and low-pass, by the plan that costs least.
pub(super) fn euler(net: &Network, timing: Timing, bound: f64, samples: usize) -> Euler<f64> {
    let plan = Plan::new::<f64>(Choice::Auto, net, samples, Isa::best());
    Euler::new(net, timing, None, Source::Silent, bound, samples).with_plan(plan)
}

/// The times of an experiment without what happens at a switch.
fn timing(e: &Experiment) -> Timing {
    let lag = if e.timing.presentation > 2.0 * SETTLING_LAG { SETTLING_LAG } else { 0.0 };
    Timing { lag, lag_kind: LagKind::Freeze, window: 0.0, reset_delta: false, reset_state: false, ..e.timing }
}

/// Which function an Update belongs to.
pub(super) fn says(ask: &Ask, f: &Function) -> String {
    let c = |k| f.factor(k);
    let function = match f.depth() {
        n if c(n) == 1.0 && c(1) == 1.0 => "the feed-forward function".to_owned(),
        1 => format!("the feed-forward function attenuated by {:.3}", c(1)),
        n => format!("the feed-forward function attenuated by {:.3} (hidden) and {:.3} (output)", c(1), c(n)),
    };
    let loss = match f.loss {
        Loss::Potentials => "the squared error of potentials",
        Loss::Rates => "the squared error of rates",
        Loss::CrossEntropy => "the cross-entropy",
        Loss::Matching => "the matching loss",
    };
    let of = format!("{loss} of {function}");
    match ask {
        Ask::Algorithm(AlgorithmSpec::Bp) => format!("minus the gradient of {of}"),
        Ask::Algorithm(AlgorithmSpec::Fa) => {
            format!("no function: the error of {of}, sent back through the held feedback weights")
        }
        Ask::Algorithm(AlgorithmSpec::Dfa(_)) => {
            format!("no function: the error of {of}, sent from the output to each layer through random weights")
        }
        Ask::Algorithm(AlgorithmSpec::SignSymmetric) => {
            format!("no function: the error of {of}, sent back through the signs of the forward weights")
        }
        Ask::Algorithm(AlgorithmSpec::Ep(o)) => format!("{} ({loss})", o.objective(f.loss)),
        Ask::Algorithm(AlgorithmSpec::Pc(o)) => {
            let (t, pi) = (o.steps, o.output_precision);
            let detail = if o.schedule == pc::Schedule::ZeroDivergence {
                String::new()
            } else {
                format!("; here T = {t} and pi_N = {pi}")
            };
            format!("{}{detail} ({of})", pc::Pc::<f64>::new(f, o, 1).objective())
        }
        Ask::Algorithm(AlgorithmSpec::Dtp(o)) => format!("{} ({of})", o.objective()),
        Ask::TwoStep | Ask::Steady { .. } | Ask::Settled => format!(
            "as the nudge goes to 0, minus the gradient of {of} where the feedback is the transposed forward weights, and \
             feedback alignment's direction with other feedback; here lambda_N = {:.3}",
            f.attenuation.mixing.output
        ),
    }
}

impl Participant {
    /// True if the circuit is asked.
    pub fn is_circuit(&self) -> bool {
        !matches!(self.ask, Ask::Algorithm(_))
    }

    /// True if it learns inverses, which are no feedback weights of another learner.
    pub fn learns_inverses(&self) -> bool {
        matches!(&self.ask, Ask::Algorithm(AlgorithmSpec::Dtp(o)) if o.inverse == dtp::Inverse::Learned)
    }

    /// Passes through the net that a sample costs, about.
    pub fn cost(&self) -> u64 {
        let steps = match &self.ask {
            Ask::Algorithm(AlgorithmSpec::Ep(o)) => 3 * (o.free_steps + 2 * o.nudged_steps),
            Ask::Algorithm(AlgorithmSpec::Pc(o)) => 3 + 3 * o.steps,
            Ask::Algorithm(_) => 3,
            Ask::TwoStep => 5,
            Ask::Steady { .. } => 200,
            Ask::Settled => 8 * self.timing.steps(self.timing.presentation),
        };
        steps as u64
    }

    /// The weights that it has, out of forward and feedback weights; the interneurons are self-predicting.
    pub fn weights(&self, w: &Tensors<f64>) -> Tensors<f64> {
        let Ask::Algorithm(algorithm) = &self.ask else {
            return self_predicting(&self.function, w);
        };
        w.clone().only(algorithm.kinds())
    }

    /// The sum over the batches of what it would do at these weights (its own kinds), which stand still.
    pub(super) fn direction(
        &self,
        w: &Tensors<f64>,
        batches: &[Batch<f64>],
        watch: &mut Watch<'_>,
    ) -> Result<Direction, Halt> {
        let mut update = Tensors::zeros(&self.function.net.sizes, !w.bpp.is_empty());
        let mut unsettled = 0;
        for (step, batch) in batches.iter().enumerate() {
            let samples = batch.input.len() / w.pp[0].cols;
            watch.tick(self.cost() * samples as u64)?;
            let shown = Shown { samples, input: &batch.input, target: Some(&batch.target) };
            unsettled += self.add(w, &shown, step as u64, &mut update)?;
        }
        Ok(Direction { layers: update.pp, unsettled })
    }

    /// Adds what one batch teaches; returns how many samples did not settle.
    fn add(
        &self,
        w: &Tensors<f64>,
        shown: &Shown<'_, f64>,
        step: u64,
        update: &mut Tensors<f64>,
    ) -> Result<usize, Trouble> {
        let (f, samples) = (&self.function, shown.samples);
        let net = &f.net;
        let mut outcome = Outcome::new(net, samples);
        let rates = unit_rates(f.depth());
        match &self.ask {
            Ask::Algorithm(spec) => {
                let mut algorithm = spec.build::<f64>(f, samples, self.seed);
                let mut own = w.clone();
                own.clear();
                for round in 0..algorithm.rounds() {
                    let teach = Teach { samples, input: shown.input, target: shown.target, step, round };
                    algorithm.teach(w, &teach, &mut own, &mut outcome)?;
                }
                update.pp.iter_mut().zip(&own.pp).for_each(|(sum, own)| add(sum, own));
            }
            Ask::TwoStep => {
                let mut solver = TwoStep::new(net, f.attenuation, self.bound, samples);
                solver.gather(w, shown, &rates, update, &mut outcome, &mut Nobody)?;
            }
            Ask::Steady { tolerance, max_sweeps } => {
                let mut solver = Steady::new(net, *tolerance, *max_sweeps, NoFixedPoint::Skip, self.bound, samples);
                solver.gather(w, shown, &rates, update, &mut outcome, &mut Nobody)?;
            }
            Ask::Settled => {
                let mut solver = euler(net, self.timing, self.bound, samples);
                solver.settle(w, &Shown { target: None, ..*shown })?;
                solver.gather(w, shown, &rates, update, &mut outcome, &mut Nobody)?;
            }
        }
        Ok(outcome.unsettled)
    }
}

fn add(sum: &mut Mat<f64>, other: &Mat<f64>) {
    sum.data.iter_mut().zip(&other.data).for_each(|(a, b)| *a += b);
}

/// Only forward weights learn, at a rate of 1.
pub(super) fn unit_rates(depth: usize) -> Rates {
    let off = || vec![0.0; depth - 1];
    Rates { pp: vec![1.0; depth], ip: off(), pi: off(), pb: off() }
}

/// Forward and feedback weights with the interneurons that predict them.
pub(super) fn self_predicting(f: &Function, w: &Tensors<f64>) -> Tensors<f64> {
    let mut all = w.clone().only(&[Kind::Wpp, Kind::Bpp, Kind::Wpb]);
    self_prediction::set(&f.attenuation, &mut all);
    all
}

/// Why there is no direction.
#[derive(Debug)]
pub enum Halt {
    /// Numerical trouble of the one that was asked.
    Trouble(Trouble),
    /// A signal asked to stop.
    Stopped(i32),
    /// Anything else.
    Error(Error),
}

impl From<Trouble> for Halt {
    fn from(trouble: Trouble) -> Self {
        Halt::Trouble(trouble)
    }
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Halt::Error(error)
    }
}
