//! What a run would be, without making it: plan, size, and the time that a short trial suggests.

use super::build;
use super::order::{Batch, Epoch};
use crate::Error;
use crate::experiment::{Experiment, Precision};
use apical::kernels::Real;
use apical::solvers::{Nobody, Outcome, Shown};
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
    /// Bytes of weights and their low-passed changes.
    pub weight_bytes: u64,
    /// Seconds of training that a trial of a few presentations suggests (without evaluation).
    pub seconds: f64,
    /// Stability number of the interneurons per hidden layer, where the solver has that bound.
    pub stability: Vec<f64>,
    /// What will probably not go as hoped.
    pub warnings: Vec<String>,
}

/// Plans a run and tries a few presentations of it.
///
/// # Errors
/// Data that are missing or do not fit; divergence within the trial.
pub fn plan(e: &Experiment) -> Result<Plan, Error> {
    match e.precision {
        Precision::F32 => plan_in::<f32>(e),
        Precision::F64 => plan_in::<f64>(e),
    }
}

fn plan_in<T: Real>(e: &Experiment) -> Result<Plan, Error> {
    let task = build::task(e)?;
    let per_epoch = Epoch::presentations(&task, e.train.batch);
    let presentations = per_epoch * e.phases.iter().map(|p| p.epochs as u64).sum::<u64>();
    let weights = build::start_weights::<T>(e)?;
    let count: usize = weights.named().map(|(_, m)| m.data.len()).sum();
    let copies = if e.tau_w.is_some() && e.has_dynamics() { 2 } else { 1 };
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
    let steps = if e.has_dynamics() { presentations * e.timing.steps(e.timing.presentation) as u64 } else { 0 };
    Ok(Plan {
        plan: build::plan(e),
        presentations,
        steps,
        weight_bytes: (count * copies * size_of::<T>()) as u64,
        seconds: per_presentation * presentations as f64,
        stability,
        warnings,
    })
}
