//! What a run would be, without making it: plan, memory, and the time that a short trial suggests.

use super::memory::{self, Memory};
use super::order::{Batch, Epoch};
use super::{build, thread_pool};
use crate::Error;
use crate::experiment::{Experiment, Precision};
use crate::plan;
use apical::kernels::Real;
use apical::solvers::{Nobody, Outcome, Shown, euler};
use std::time::{Duration, Instant};

/// How long the trial may take.
const TRIAL: Duration = Duration::from_millis(400);

/// What a run would be.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// What decides the bits beside the config.
    pub plan: String,
    /// Presentations in all.
    pub presentations: u64,
    /// Euler steps in all; 0 where the solver makes none.
    pub steps: u64,
    /// Why it is this plan.
    pub why: String,
    /// The parts of the plan, where `euler` trains.
    pub euler: Option<euler::Plan>,
    /// Bytes of weights and their low-passed changes.
    pub weight_bytes: u64,
    /// Bytes that the run holds at most, about.
    pub memory: Memory,
    /// Threads that training uses at most.
    pub threads: usize,
    /// Seconds of training that a trial of a few presentations suggests (without evaluation).
    pub seconds: f64,
    /// Stability number of the interneurons per hidden layer, where the solver has that bound.
    pub stability: Vec<f64>,
    /// What will probably not go as hoped.
    pub warnings: Vec<String>,
}

/// Plans a run and tries a few presentations of it, with as many threads as the run would have.
///
/// # Errors
/// Data that are missing or do not fit; divergence within the trial.
pub fn plan(e: &Experiment, threads: usize) -> Result<Plan, Error> {
    thread_pool(threads)?.install(|| match e.precision {
        Precision::F32 => plan_in::<f32>(e, threads),
        Precision::F64 => plan_in::<f64>(e, threads),
    })
}

fn plan_in<T: Real>(e: &Experiment, threads: usize) -> Result<Plan, Error> {
    let task = build::task(e)?;
    let per_epoch = Epoch::presentations(&task, e.train.batch);
    let presentations = per_epoch * e.phases.iter().map(|p| p.epochs as u64).sum::<u64>();
    let weights = build::start_weights::<T>(e)?;
    let (stability, warnings) = build::stability(e, &task, &weights);
    let mut learner = build::learner(e, weights);
    let phase = &e.phases[0];
    learner.set_rates(&phase.rates, 1.0);
    let order = Epoch::new(&task, e.seed, 0, e.train.batch);
    let (mut batch, mut outcome) = (Batch::new(&task, e.train.batch), Outcome::new(&e.network, e.train.batch));
    let start = Instant::now();
    let mut tried = 0;
    while tried < per_epoch && start.elapsed() < TRIAL {
        order.fill(tried, &mut batch);
        let target = (phase.target && batch.has_target).then_some(&batch.target[..]);
        let shown = Shown { samples: e.train.batch, input: &batch.input, target };
        learner.learn(&shown, &mut outcome, &mut Nobody).map_err(|t| Error::science("trial", t.to_string(), ""))?;
        tried += 1;
    }
    let per_presentation = start.elapsed().as_secs_f64() / tried.max(1) as f64;
    let euler = plan::of_euler(e);
    let steps = euler.map_or(0, |_| presentations * e.timing.steps(e.timing.presentation) as u64);
    Ok(Plan {
        plan: plan::describe(e),
        presentations,
        steps,
        why: plan::why(e),
        euler,
        threads: if plan::alone(e) { 1 } else { threads },
        weight_bytes: plan::weight_bytes(e) * memory::copies(e),
        memory: memory::estimate(e, &task, threads),
        seconds: per_presentation * presentations as f64,
        stability,
        warnings,
    })
}
