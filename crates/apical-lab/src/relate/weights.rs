//! The weights at which all are asked: forward weights and feedback that they share, and inverses that are learned on them.

use super::participant::{Halt, Participant};
use super::{Plan, Watch};
use crate::Error;
use crate::checkpoint::read_weights;
use crate::experiment::{AlgorithmSpec, Experiment, LearnerSpec};
use crate::run::build;
use crate::run::order::{Batch, Epoch};
use apical::circuit::{Kind, Tensors};
use apical::kernels::Mat;
use apical::learners::dtp::Dtp;
use apical::learners::trained::{Algorithm, Teach};
use apical::learners::{self, optimiser};
use apical::solvers::{Nobody, Outcome, Shown};
use apical::tasks::Task;
use std::path::Path;

/// Forward weights, biases and feedback with a name for the moment at which they are these.
#[derive(Clone, Debug, PartialEq)]
pub struct Moment {
    /// `start`, `trained` or `given`.
    pub name: String,
    /// Where they come from, for people.
    pub from: String,
    /// Forward, biases, feedback.
    pub weights: Tensors<f64>,
}

/// The start weights: forward of the first experiment, feedback of the first that has feedback (a learner of inverses has
/// none).
///
/// # Errors
/// A file of weights that does not fit.
pub(super) fn start(first: &Experiment, all: &[&Experiment]) -> Result<Tensors<f64>, Error> {
    let mut w = build::start_weights::<f64>(first)?.only(&[Kind::Wpp, Kind::Bpp]);
    w.pb = match std::iter::once(&first).chain(all).find(|e| has_feedback(e)) {
        Some(e) => build::start_weights::<f64>(e)?.pb,
        None => w.pp.iter().skip(1).map(Mat::transposed).collect(),
    };
    Ok(w)
}

/// True if an experiment's feedback weights carry errors.
pub(super) fn has_feedback(e: &Experiment) -> bool {
    match &e.learner {
        LearnerSpec::Microcircuit => true,
        LearnerSpec::Trained(t) => matches!(t.algorithm, AlgorithmSpec::Fa | AlgorithmSpec::Dfa(_)),
    }
}

impl Plan {
    /// The weights of a safetensors file: forward weights and biases that it must hold, and its feedback if it has some
    /// and `feedback` wants it; without, that of the start stays.
    ///
    /// # Errors
    /// A file that lacks a tensor, has one of another shape, or a number that is not finite.
    pub fn moment(&self, name: &str, path: &Path, feedback: bool) -> Result<Moment, Error> {
        let tensors = read_weights(path)?;
        let mut weights = self.start.clone();
        for (name, m) in weights.named_mut() {
            let is_feedback = name.starts_with(Kind::Wpb.stem());
            let place = format!("{}: tensor {name}", path.display());
            let shape = format!("expected shape [{}, {}], as network.sizes asks for", m.rows, m.cols);
            let Some(tensor) = tensors.iter().find(|t| t.name == name) else {
                if is_feedback {
                    continue;
                }
                return Err(Error::input(place, "missing", shape));
            };
            if is_feedback && !feedback {
                continue;
            }
            let flat = m.cols == 1 && tensor.shape == [m.rows];
            if tensor.shape != [m.rows, m.cols] && !flat {
                return Err(Error::input(place, format!("found shape {:?}", tensor.shape), shape));
            }
            let values = tensor.to_f64();
            if let Some(at) = values.iter().position(|x| !x.is_finite()) {
                return Err(Error::input(place, format!("{} at entry {at}", values[at]), "finite numbers"));
            }
            *m = Mat { data: values, ..*m };
        }
        Ok(Moment { name: name.into(), from: path.display().to_string(), weights })
    }
}

/// Inverses that a participant learns on held forward weights, from the start of its own experiment, and for each hidden
/// layer the share of a small change that they fail to bring back. They follow the participant's own rule for them, but with
/// Adam at a rate that falls to 0: the experiment's rate is made for weights that move.
pub(super) fn inverses(
    p: &Participant,
    e: &Experiment,
    task: &Task,
    forward: &Tensors<f64>,
    steps: usize,
    watch: &mut Watch<'_>,
) -> Result<(Vec<Mat<f64>>, Vec<f64>), Halt> {
    let LearnerSpec::Trained(t) = &e.learner else { return Ok((forward.pb.clone(), Vec::new())) };
    let f = &p.function;
    let mut w = forward.clone().only(&[Kind::Wpp, Kind::Bpp]);
    w.pb = build::start_weights::<f64>(e)?.pb;
    let AlgorithmSpec::Dtp(options) = &t.algorithm else { return Ok((w.pb, Vec::new())) };
    let rule = optimiser::Rule::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decoupled: false };
    let rate = vec![INVERSE_RATE / options.feedback_rate.max(f64::MIN_POSITIVE); f.depth()];
    let held = optimiser::Spec { rule, rate, weight_decay: 0.0, clip: None, frozen: (1..=f.depth()).collect() };
    let spec = learners::Spec::Trained { algorithm: t.algorithm.clone(), optimiser: held, bound: f64::INFINITY };
    let samples = e.train.batch;
    let mut learner = learners::build::<f64>(&spec, f, w, samples, e.seed);
    let (mut batch, mut outcome) = (Batch::new(task, samples), Outcome::new(&f.net, samples));
    let per_epoch = Epoch::presentations(task, samples);
    let mut order = Epoch::new(task, e.seed, 0, samples);
    for step in 0..steps as u64 {
        watch.tick(INVERSE_COST * samples as u64)?;
        learner.set_rates(&e.phases[0].rates, 1.0 - step as f64 / steps as f64);
        if step > 0 && step.is_multiple_of(per_epoch) {
            order = Epoch::new(task, e.seed, step / per_epoch, samples);
        }
        order.fill(step % per_epoch, &mut batch);
        let shown = Shown { samples, input: &batch.input, target: Some(&batch.target) };
        learner.learn(&shown, &mut outcome, &mut Nobody)?;
    }
    let w = learner.weights().clone();
    order.fill(steps as u64 % per_epoch, &mut batch);
    let mut probe = Dtp::<f64>::new(f, options, samples, e.seed);
    let mut update = w.clone();
    update.clear();
    let teach = Teach { samples, input: &batch.input, target: Some(&batch.target[..]), step: steps as u64, round: 0 };
    probe.teach(&w, &teach, &mut update, &mut outcome)?;
    Ok((w.pb, probe.reconstruction().to_vec()))
}

/// Adam's rate for inverses at the start.
const INVERSE_RATE: f64 = 0.01;
/// Passes that a sample costs while inverses are learned, about.
pub(super) const INVERSE_COST: u64 = 8;
