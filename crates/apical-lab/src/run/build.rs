//! From an experiment to what runs: task, start weights, learner.

use super::order::{Batch, Epoch};
use super::shared;
use crate::Error;
use crate::checkpoint::read_weights;
use crate::experiment::{Attenuation as AttenuationSpec, Experiment, LearnerSpec, Schedule, SolverSpec, StartWeights};
use apical::circuit::imperfect::Synapses;
use apical::circuit::noise::Source;
use apical::circuit::params::Rates;
use apical::circuit::{Attenuation, Kind, Tensors, start};
use apical::kernels::{Mat, Real};
use apical::learners::feed_forward::Function;
use apical::learners::theory::interneuron_gain;
use apical::learners::{self, Learner};
use apical::solvers::Spec;
use apical::tasks::{Task, Train};
use std::path::Path;
use std::sync::Arc;

/// Counters of samples and steps stay within their numbers.
const MOST_STEPS: u128 = 1 << 60;

/// Attenuation and mixing factors of an experiment's circuit.
pub fn attenuation(e: &Experiment) -> Attenuation {
    match (&e.learner, e.solver) {
        (LearnerSpec::Trained(t), _) if !t.attenuated => Attenuation::none(e.network.conductances.mixing()),
        (LearnerSpec::Microcircuit, SolverSpec::TwoStep(AttenuationSpec::None(mixing))) => Attenuation::none(mixing),
        _ => Attenuation::from_conductances(&e.network.conductances),
    }
}

/// The solver of an experiment with everything it needs.
pub fn solver_spec(e: &Experiment) -> Spec {
    let bound = e.train.divergence_bound;
    match e.solver {
        SolverSpec::Euler(way) => {
            let noise = Source::new(e.noise, e.timing.dt, e.seed);
            let departures = e.departures_of_steps();
            if departures.any() {
                let (timing, tau_w) = (e.timing, e.tau_w);
                return Spec::Departed { timing, tau_w, noise, bound, departures };
            }
            Spec::Euler { timing: e.timing, tau_w: e.tau_w, noise, bound, way }
        }
        SolverSpec::Adaptive { tolerance } => Spec::Adaptive { timing: e.timing, tau_w: e.tau_w, tolerance, bound },
        SolverSpec::Steady { tolerance, max_sweeps, on_no_fixed_point } => {
            Spec::Steady { tolerance, max_sweeps, on_no_fixed_point, bound }
        }
        SolverSpec::TwoStep(_) => {
            Spec::TwoStep { attenuation: attenuation(e), blur: e.imperfections.blurred_nudging, bound }
        }
    }
}

/// The task, checked against the network; a data set is shared with the run before, if that had the same.
///
/// # Errors
/// Data that are missing or damaged; a network of other sizes than the task; sequences in minibatches.
pub fn task(e: &Experiment) -> Result<Arc<Task>, Error> {
    let sizes = &e.network.sizes;
    let (first, last) = (sizes[0], sizes[sizes.len() - 1]);
    let task = shared::build(&e.task, (first, last), e.seed)?;
    if (task.inputs, task.outputs) != (first, last) {
        return Err(Error::input(
            "network.sizes",
            format!("{first} inputs and {last} outputs"),
            format!("the task has {} and {}", task.inputs, task.outputs),
        ));
    }
    if task.per_epoch() < e.train.batch {
        let found = format!("{} for {} training samples", e.train.batch, task.per_epoch());
        return Err(Error::input("train.batch", found, "no more than there are samples in an epoch"));
    }
    let epochs = e.phases.iter().fold(0, |sum: u128, phase| sum.saturating_add(phase.epochs as u128));
    let steps = if e.has_dynamics() { e.timing.steps(e.timing.presentation) } else { 1 };
    let all = epochs.saturating_mul(task.per_epoch() as u128).saturating_mul(steps as u128);
    if all > MOST_STEPS {
        let found = format!("{epochs} epochs of {} samples", task.per_epoch());
        return Err(Error::input("train.epochs", found, "at most 2^60 steps in all"));
    }
    if task.sequence && e.train.batch != 1 {
        return Err(Error::input("train.batch", e.train.batch.to_string(), "1: the samples follow each other in time"));
    }
    if e.phases.iter().any(|p| p.target) && !has_targets(&task) {
        return Err(Error::input("phase.target", "true", "false: this task has no targets"));
    }
    Ok(task)
}

fn has_targets(task: &Task) -> bool {
    match &task.train {
        Train::Set(samples) => samples.target(0, &mut vec![0.0f64; samples.outputs]),
        Train::Stream { source, .. } => source.sample(0, &mut vec![0.0; task.inputs], &mut vec![0.0; task.outputs]),
    }
}

/// Weights of 0, to be overwritten.
pub fn no_weights<T: Real>(e: &Experiment) -> Tensors<T> {
    Tensors::zeros(&e.network.sizes, e.network.bias_rate != 0.0).only(e.kinds())
}

/// Start weights.
///
/// # Errors
/// A file that does not hold exactly the tensors of the network, or holds a number that is not finite.
pub fn start_weights<T: Real>(e: &Experiment) -> Result<Tensors<T>, Error> {
    let mut weights = match &e.start {
        StartWeights::Kinds(starts) => start::draw(&e.network, &attenuation(e), starts, e.seed).only(e.kinds()),
        StartWeights::File { path, .. } => weights_from(e, path)?,
    };
    if e.imperfections.of_synapses() {
        Synapses::new(e.imperfections, &weights, e.seed).start(&mut weights);
    }
    Ok(weights)
}

/// Weights from a safetensors file.
///
/// # Errors
/// A file that does not hold the tensors of the network, or holds a number that is not finite.
pub fn weights_from<T: Real>(e: &Experiment, path: &Path) -> Result<Tensors<T>, Error> {
    let mut weights = no_weights(e);
    let tensors = read_weights(path)?;
    let is_weight = |name: &str| Kind::ALL.iter().any(|k| name.split('.').next() == Some(k.stem()));
    if let Some(tensor) = tensors.iter().find(|t| is_weight(&t.name) && weights.get(&t.name).is_none()) {
        let known: Vec<String> = weights.named().map(|(name, _)| name).collect();
        let found = "this network has no such weights";
        return Err(Error::input(format!("{}: tensor {}", path.display(), tensor.name), found, known.join(", ")));
    }
    for (name, m) in weights.named_mut() {
        let place = format!("{}: tensor {name}", path.display());
        let shape = format!("expected shape [{}, {}], as network.sizes asks for", m.rows, m.cols);
        let Some(tensor) = tensors.iter().find(|t| t.name == name) else {
            return Err(Error::input(place, "missing", shape));
        };
        let flat = m.cols == 1 && tensor.shape == [m.rows];
        if tensor.shape != [m.rows, m.cols] && !flat {
            return Err(Error::input(place, format!("found shape {:?}", tensor.shape), shape));
        }
        let values = tensor.to_f64();
        if let Some(at) = values.iter().position(|x| !x.is_finite()) {
            return Err(Error::input(place, format!("{} at entry {at}", values[at]), "finite numbers"));
        }
        *m = Mat { data: values.into_iter().map(T::from_f64).collect(), ..*m };
    }
    Ok(weights)
}

/// The feed-forward function that an experiment's learner has: without a target, the circuit's own.
pub fn function(e: &Experiment) -> Function {
    Function { net: e.network.clone(), attenuation: attenuation(e), loss: e.train.loss }
}

/// The learner of an experiment with given weights.
pub fn learner<T: Real>(e: &Experiment, weights: Tensors<T>) -> Box<dyn Learner<T>> {
    let spec = match &e.learner {
        LearnerSpec::Microcircuit => learners::Spec::Microcircuit {
            solver: Box::new(solver_spec(e)),
            rates: e.phases[0].rates.clone(),
            optimiser: e.optimiser.clone(),
            imperfections: e.imperfections,
        },
        LearnerSpec::Trained(t) => learners::Spec::Trained {
            algorithm: t.algorithm.clone(),
            optimiser: t.optimiser.clone(),
            bound: e.train.divergence_bound,
        },
    };
    learners::build(&spec, &function(e), weights, e.train.batch, e.seed)
}

/// Features of this CPU that kernels use.
pub fn cpu_features() -> Vec<&'static str> {
    let mut features = vec![std::env::consts::ARCH];
    #[cfg(target_arch = "x86_64")]
    {
        let known = [
            ("avx2", std::arch::is_x86_feature_detected!("avx2")),
            ("fma", std::arch::is_x86_feature_detected!("fma")),
            ("avx512f", std::arch::is_x86_feature_detected!("avx512f")),
        ];
        features.extend(known.into_iter().filter(|k| k.1).map(|k| k.0));
    }
    features
}

/// The factor on all learning rates after `epochs` epochs: decay, schedule and warm-up.
pub fn rate_factor(e: &Experiment, epochs: u64) -> f64 {
    let decay = e.train.decay.powi(i32::try_from(epochs).unwrap_or(i32::MAX));
    let all: usize = e.phases.iter().map(|p| p.epochs).sum();
    let gone = epochs as f64 / all as f64;
    let schedule = match e.train.schedule {
        Schedule::Constant => 1.0,
        Schedule::Linear => 1.0 - gone,
        Schedule::Cosine => 0.5 * (1.0 + (std::f64::consts::PI * gone).cos()),
    };
    let warmup = ((epochs as f64 + 1.0) / (e.train.warmup as f64 + 1.0)).min(1.0);
    decay * schedule * warmup
}

/// The stability number eta_IP lambda_I <phi'> (|<r_k>|^2 + beta_b^2) of each hidden layer at the start weights, over the
/// first 100 training samples, and a warning for each that is not safely below 2.
///
/// The bound holds for rules that act once per presentation; plasticity in continuous time does not have it.
pub fn stability<T: Real>(e: &Experiment, task: &Task, weights: &Tensors<T>) -> (Vec<f64>, Vec<String>) {
    let depth = e.network.sizes.len() - 1;
    if e.learner != LearnerSpec::Microcircuit || e.has_dynamics() || depth < 2 {
        return (Vec::new(), Vec::new());
    }
    let rows = task.per_epoch().min(100);
    let mut batch = Batch::new(task, rows);
    Epoch::new(task, e.seed, 0, rows).fill(0, &mut batch);
    let largest = |k: usize| e.phases.iter().map(|p| p.rates.ip[k]).fold(0.0, f64::max);
    let ip: Vec<f64> = (0..depth - 1).map(largest).collect();
    let rates = Rates { ip, ..e.phases[0].rates.clone() };
    let numbers = stability_numbers(e, weights, &batch.input, &rates);
    let mut warnings = Vec::new();
    for (k, &number) in numbers.iter().enumerate() {
        if number >= 1.5 {
            let verdict = if number >= 2.0 {
                "above the bound 2: the interneurons can oscillate, and then learning fails"
            } else {
                "close to the bound 2: stay below 1.5"
            };
            warnings.push(format!(
                "plasticity.eta_ip of layer {}: eta_IP lambda_I <phi'> (|<r>|^2 + beta_b^2) = {number:.2} at the start is {verdict}",
                k + 1
            ));
        }
    }
    (numbers, warnings)
}

/// The stability number of each hidden layer at given weights and rates, over some inputs.
pub fn stability_numbers<T: Real>(e: &Experiment, weights: &Tensors<T>, input: &[T], rates: &Rates) -> Vec<f64> {
    let att = attenuation(e);
    let gains = interneuron_gain(&e.network, &att, weights, input);
    gains.iter().zip(&rates.ip).map(|(gain, eta)| eta * att.mixing.interneuron * gain).collect()
}
