//! Learners: algorithms that assign credit. Each yields an [`Update`] at given weights for a given batch without applying
//! it, so that any two can be compared. A new learner is one file, one line in [`NAMES`]
//! and one variant of [`AlgorithmSpec`]; how a config names it and its options stands in the lab.

pub mod bp;
pub mod dfa;
pub mod dtp;
pub mod ep;
mod error_back;
pub mod fa;
pub mod feed_forward;
pub mod loss;
pub mod metrics;
pub mod microcircuit;
pub mod optimiser;
pub mod pc;
pub mod probe;
pub mod rates;
pub mod sign_symmetric;
pub mod theory;
pub mod trained;

use crate::circuit::imperfect::{Imperfections, Synapses};
use crate::circuit::params::Rates;
use crate::circuit::{Kind, Tensors};
use crate::kernels::Real;
use crate::kernels::real::{either, same};
use crate::solvers::{self, Array, Course, Observer, Outcome, Shown, Trouble, Weights};
use feed_forward::Function;
use trained::{Algorithm, Trained};

/// A change of weights, one matrix per projection, before it is applied.
pub type Update<T> = Tensors<T>;

/// Names and descriptions of all learners.
pub const NAMES: [(&str, &str); 8] = [
    ("microcircuit", "dendritic prediction errors in a cortical microcircuit (Sacramento et al. 2018)"),
    ("bp", "backpropagation of errors (Rumelhart et al. 1986)"),
    ("fa", "feedback alignment: errors come back through fixed random weights (Lillicrap et al. 2016)"),
    ("dfa", "direct feedback alignment: the output's error reaches every layer directly (Noekland 2016)"),
    ("sign-symmetric", "errors come back through the signs of the forward weights (Liao et al. 2016)"),
    ("ep", "equilibrium propagation: a free and a nudged fixed point (Scellier & Bengio 2017)"),
    ("pc", "predictive coding: errors settle before weights change (Whittington & Bogacz 2017)"),
    ("dtp", "difference target propagation: targets come back through inverses (Lee et al. 2015)"),
];

/// True if the learner of this name has feedback weights of its own.
pub fn has_feedback(name: &str) -> bool {
    matches!(name, "microcircuit" | "fa" | "dfa" | "dtp")
}

/// Which learner, with everything it needs.
#[derive(Clone, Debug, PartialEq)]
pub enum Spec {
    /// The dendritic cortical microcircuit, with a solver and its rates.
    Microcircuit {
        /// How potentials are found.
        solver: Box<solvers::Spec>,
        /// Learning rates of its rules.
        rates: Rates,
        /// Follows what presentations teach; `None`: the rules' own rates do.
        optimiser: Option<optimiser::Spec>,
        /// What its synapses lack.
        imperfections: Imperfections,
    },
    /// All others: an algorithm yields a direction, an optimiser follows it.
    Trained {
        /// The algorithm.
        algorithm: AlgorithmSpec,
        /// The optimiser.
        optimiser: optimiser::Spec,
        /// Outputs beyond this bound count as divergence.
        bound: f64,
    },
}

/// Which algorithm, with its options.
#[derive(Clone, Debug, PartialEq)]
pub enum AlgorithmSpec {
    /// Backpropagation.
    Bp,
    /// Feedback alignment.
    Fa,
    /// Direct feedback alignment.
    Dfa(dfa::Options),
    /// Sign-symmetric feedback.
    SignSymmetric,
    /// Equilibrium propagation.
    Ep(ep::Options),
    /// Predictive coding.
    Pc(pc::Options),
    /// Difference target propagation.
    Dtp(dtp::Options),
}

impl AlgorithmSpec {
    /// The name in configs.
    pub fn name(&self) -> &'static str {
        match self {
            AlgorithmSpec::Bp => "bp",
            AlgorithmSpec::Fa => "fa",
            AlgorithmSpec::Dfa(_) => "dfa",
            AlgorithmSpec::SignSymmetric => "sign-symmetric",
            AlgorithmSpec::Ep(_) => "ep",
            AlgorithmSpec::Pc(_) => "pc",
            AlgorithmSpec::Dtp(_) => "dtp",
        }
    }

    /// The kinds of synapse that it has; the weights of a learner hold no others.
    pub fn kinds(&self) -> &'static [Kind] {
        if has_feedback(self.name()) { &[Kind::Wpp, Kind::Bpp, Kind::Wpb] } else { &[Kind::Wpp, Kind::Bpp] }
    }

    /// True if samples may be left unsettled.
    pub fn is_iterative(&self) -> bool {
        matches!(self, AlgorithmSpec::Ep(_) | AlgorithmSpec::Pc(_))
    }

    /// The algorithm for a function and a batch size. `seed` decides what it draws itself.
    pub fn build<T: Real>(&self, f: &Function, samples: usize, seed: u64) -> Box<dyn Algorithm<T>> {
        either::<T, _, _, _>(|| self.single(f, samples, seed), || self.double(f, samples, seed))
    }

    fn single(&self, f: &Function, samples: usize, seed: u64) -> Box<dyn Algorithm<f32>> {
        self.build_in(f, samples, seed)
    }

    fn double(&self, f: &Function, samples: usize, seed: u64) -> Box<dyn Algorithm<f64>> {
        self.build_in(f, samples, seed)
    }

    fn build_in<T: Real>(&self, f: &Function, samples: usize, seed: u64) -> Box<dyn Algorithm<T>> {
        match self {
            AlgorithmSpec::Bp => Box::new(bp::Bp::new(f, samples)),
            AlgorithmSpec::Fa => Box::new(fa::Fa::new(f, samples)),
            AlgorithmSpec::Dfa(options) => Box::new(dfa::Dfa::new(f, options, samples, seed)),
            AlgorithmSpec::SignSymmetric => Box::new(sign_symmetric::SignSymmetric::new(f, samples)),
            AlgorithmSpec::Ep(options) => Box::new(ep::Ep::new(f, options, samples)),
            AlgorithmSpec::Pc(options) => Box::new(pc::Pc::new(f, options, samples)),
            AlgorithmSpec::Dtp(options) => Box::new(dtp::Dtp::new(f, options, samples, seed)),
        }
    }
}

/// The learner that a spec describes, for a function, start weights and a batch size.
pub fn build<T: Real>(
    spec: &Spec,
    f: &Function,
    weights: Tensors<T>,
    samples: usize,
    seed: u64,
) -> Box<dyn Learner<T>> {
    let built = match same::<_, Tensors<f32>>(weights) {
        Ok(weights) => same(single(spec, f, weights, samples, seed)).ok(),
        Err(weights) => {
            let weights = same::<_, Tensors<f64>>(weights).ok();
            weights.and_then(|weights| same(double(spec, f, weights, samples, seed)).ok())
        }
    };
    built.unwrap_or_else(|| unreachable!("Real is f32 or f64"))
}

fn single(spec: &Spec, f: &Function, weights: Tensors<f32>, samples: usize, seed: u64) -> Box<dyn Learner<f32>> {
    build_in(spec, f, weights, samples, seed)
}

fn double(spec: &Spec, f: &Function, weights: Tensors<f64>, samples: usize, seed: u64) -> Box<dyn Learner<f64>> {
    build_in(spec, f, weights, samples, seed)
}

fn build_in<T: Real>(spec: &Spec, f: &Function, weights: Tensors<T>, samples: usize, seed: u64) -> Box<dyn Learner<T>> {
    match spec {
        Spec::Microcircuit { solver, rates, optimiser, imperfections } => {
            let solver = solvers::build(solver, &f.net, samples);
            let synapses = imperfections.of_synapses().then(|| Synapses::new(*imperfections, &weights, seed));
            let mut circuit = microcircuit::Microcircuit::new(weights, rates.clone(), solver);
            if let Some(synapses) = synapses {
                circuit = circuit.imperfect(synapses);
            }
            Box::new(match optimiser {
                Some(optimiser) => circuit.followed(optimiser),
                None => circuit,
            })
        }
        Spec::Trained { algorithm, optimiser, bound } => {
            let algorithm = algorithm.build(f, samples, seed);
            Box::new(Trained::new(algorithm, optimiser, f, weights, samples, *bound))
        }
    }
}

/// An algorithm that assigns credit, with its weights.
pub trait Learner<T: Real>: Send + Sync {
    /// The name in configs.
    fn name(&self) -> &'static str;

    /// The paper it comes from.
    fn reference(&self) -> &'static str;

    /// Present weights.
    fn weights(&self) -> &Tensors<T>;

    /// Present weights, to set.
    fn weights_mut(&mut self) -> &mut Tensors<T>;

    /// Sets the learning rates for what follows: those of the microcircuit's rules, and a factor on the rates of every
    /// learner.
    fn set_rates(&mut self, rates: &Rates, factor: f64);

    /// What this batch would teach at the present weights; nothing of the learner changes.
    ///
    /// # Errors
    /// [`Trouble`] if potentials diverge or a required fixed point is missing.
    fn update(&self, shown: &Shown<'_, T>, mode: Weights) -> Result<Update<T>, Trouble>;

    /// Learns from one presentation.
    ///
    /// # Errors
    /// As [`Learner::update`]; the weights are then of no use.
    fn learn(
        &mut self,
        shown: &Shown<'_, T>,
        outcome: &mut Outcome<T>,
        observer: &mut dyn Observer<T>,
    ) -> Result<(), Trouble>;

    /// Output potentials from rest without target, noise and plasticity (samples x n_N); returns how many samples have
    /// no answer.
    ///
    /// # Errors
    /// [`Trouble::Diverged`].
    fn answer(&self, input: &[T], samples: usize, output: &mut [T]) -> Result<usize, Trouble>;

    /// The same for samples that follow each other in time without a reset.
    ///
    /// # Errors
    /// [`Trouble::Diverged`].
    fn answer_sequence(&self, input: &[T], length: usize, output: &mut [T]) -> Result<usize, Trouble>;

    /// How potentials come to rest for a batch at the present weights, step by step; nothing of the learner changes. `None`:
    /// nothing settles in steps.
    fn follow(&self, _shown: &Shown<'_, T>) -> Option<Course> {
        None
    }

    /// What must be kept beside the weights to go on exactly here.
    fn save(&self) -> Vec<Array<T>>;

    /// Takes back what [`Learner::save`] gave.
    ///
    /// # Errors
    /// The name of the first array that is missing.
    fn restore(&mut self, find: &mut dyn FnMut(&str, usize) -> Option<Vec<T>>) -> Result<(), String>;

    /// Steps made since the run began: the address of the noise.
    fn clock(&self) -> u64;

    /// Sets the number of steps made.
    fn set_clock(&mut self, step: u64);
}
