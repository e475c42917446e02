//! `Experiment`: a config after every decision. Nothing optional means "default" any more; what is `None` is absent.

use apical::circuit::Kind;
use apical::circuit::departures::Departures;
use apical::circuit::imperfect::Imperfections;
use apical::circuit::params::{Mixing, Network, Noise, Rates, Timing};
pub use apical::circuit::start::{Start, Starts};
pub use apical::learners::AlgorithmSpec;
pub use apical::learners::loss::Loss;
pub use apical::learners::optimiser;
pub use apical::solvers::NoFixedPoint;
pub use apical::solvers::euler::{Choice, Way};
use apical::tasks::TaskSpec;
use std::path::PathBuf;

/// The number type of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// Single precision.
    F32,
    /// Double precision.
    F64,
}

impl Precision {
    /// The name in configs.
    pub fn name(self) -> &'static str {
        match self {
            Precision::F32 => "f32",
            Precision::F64 => "f64",
        }
    }
}

/// How all weights start.
#[derive(Clone, Debug, PartialEq)]
pub enum StartWeights {
    /// Drawn or computed per kind of synapse.
    Kinds(Starts),
    /// Read from a safetensors file (or a checkpoint of another run).
    File {
        /// The file.
        path: PathBuf,
        /// SHA-256 of its content, hex.
        sha256: String,
    },
}

/// How the two-step solver takes potentials.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Attenuation {
    /// vhat = v, and the mixing factors are given.
    None(Mixing),
    /// Both follow from the conductances.
    Conductances,
}

/// How potentials are found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SolverSpec {
    /// Full dynamics, Euler steps, computed in this way.
    Euler(Choice),
    /// Full dynamics without noise, in steps of their own choice.
    Adaptive {
        /// Relative error of what a presentation teaches.
        tolerance: f64,
    },
    /// The fixed point, by sweeps.
    Steady {
        /// Bound on the largest |du/dt| (1/ms).
        tolerance: f64,
        /// Sweeps at most.
        max_sweeps: usize,
        /// What happens otherwise.
        on_no_fixed_point: NoFixedPoint,
    },
    /// One pass up, one down.
    TwoStep(Attenuation),
}

/// Who assigns credit.
#[derive(Clone, Debug, PartialEq)]
pub enum LearnerSpec {
    /// The dendritic cortical microcircuit, with the experiment's solver, times and rates.
    Microcircuit,
    /// Any other.
    Trained(TrainedSpec),
}

/// A learner whose updates an optimiser follows.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainedSpec {
    /// The algorithm.
    pub algorithm: AlgorithmSpec,
    /// Its function has the circuit's attenuation.
    pub attenuated: bool,
    /// The optimiser.
    pub optimiser: optimiser::Spec,
    /// A run fails if a larger share of an interval's samples does not settle.
    pub unsettled_allowed: f64,
}

/// How rates fall over a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// Not at all.
    Constant,
    /// In a line towards 0.
    Linear,
    /// As half a cosine towards 0.
    Cosine,
}

impl Schedule {
    /// The name in configs.
    pub fn name(self) -> &'static str {
        match self {
            Schedule::Constant => "constant",
            Schedule::Linear => "linear",
            Schedule::Cosine => "cosine",
        }
    }
}

/// The course of training.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainSpec {
    /// Samples shown side by side.
    pub batch: usize,
    /// All rates are multiplied by this after each epoch (counted over all phases).
    pub decay: f64,
    /// How all rates fall beside that.
    pub schedule: Schedule,
    /// Epochs in which all rates rise to their full value.
    pub warmup: usize,
    /// Epochs between validations.
    pub validate_every: usize,
    /// Presentations between checkpoints; 0: only by time and at the ends of epochs.
    pub checkpoint_every: u64,
    /// Keep a numbered checkpoint every so many epochs (0: none).
    pub keep_every: usize,
    /// What the loss is.
    pub loss: Loss,
    /// Potentials beyond this bound count as divergence.
    pub divergence_bound: f64,
}

/// One stretch of training with its own rates.
#[derive(Clone, Debug, PartialEq)]
pub struct Phase {
    /// For people and errors.
    pub name: String,
    /// Epochs it lasts.
    pub epochs: usize,
    /// A target nudges the output.
    pub target: bool,
    /// Each sample is taught the target of another, the same one in all epochs.
    pub shuffled: bool,
    /// Learning rates; 0 switches a rule off.
    pub rates: Rates,
}

/// Which cells of a layer are recorded.
#[derive(Clone, Debug, PartialEq)]
pub enum Cells {
    /// All of them.
    All,
    /// These.
    Chosen(Vec<usize>),
}

/// One recorded quantity.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceSpec {
    /// One of soma, inter, basal, apical, apical_feedback, apical_lateral, inter_dendrite, rate, input, target, or a
    /// weight tensor's name (`Wpp.1`).
    pub quantity: String,
    /// Layers (empty for input, target and weights: they say it themselves).
    pub layers: Vec<usize>,
    /// Which cells.
    pub cells: Cells,
    /// Weights only: chosen (post, pre) pairs; empty: the mean over all synapses of the tensor.
    pub pairs: Vec<(usize, usize)>,
    /// Weights only: beside chosen pairs the mean over all synapses.
    pub mean: bool,
    /// Steps between two values (Euler steps; presentations with the other solvers).
    pub every: u64,
    /// From and to, in ms of the run (steps times dt; presentations times presentation time otherwise).
    pub window: (f64, f64),
}

/// What is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordSpec {
    /// Presentations in a metric interval; 0: those of an epoch (known when the task's data is loaded).
    pub interval: u64,
    /// Training samples over which updates are compared at the end of an interval; 0: none.
    pub angles: usize,
    /// Draw a figure of each metric when the run ends.
    pub figures: bool,
    /// Write events for TensorBoard.
    pub tensorboard: bool,
    /// Keep which classes are taken for which in the test set.
    pub confusion: bool,
    /// Points on each side of a grid that is answered at the end; 0: none.
    pub decision_map: usize,
    /// Training samples whose inference is followed step by step, at the start weights and at the end; 0: none.
    pub inference: usize,
    /// Training samples after whose switches the errors of hidden cells are followed, at the start weights and at the end; 0: none.
    pub switches: usize,
    /// Traces.
    pub traces: Vec<TraceSpec>,
}

/// What a run must reach.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// Name of a metric in metrics.json.
    pub metric: String,
    /// At least this.
    pub min: Option<f64>,
    /// At most this.
    pub max: Option<f64>,
}

/// A complete experiment.
#[derive(Clone, Debug, PartialEq)]
pub struct Experiment {
    /// For the run folder's name.
    pub name: String,
    /// Seed of everything random in the run.
    pub seed: u64,
    /// Number type.
    pub precision: Precision,
    /// Cells.
    pub network: Network,
    /// Noise while training.
    pub noise: Noise,
    /// How weights start.
    pub start: StartWeights,
    /// Times.
    pub timing: Timing,
    /// Low-pass of the weight change in ms; `None`: weights follow the rule at once.
    pub tau_w: Option<f64>,
    /// Where euler's steps depart from the circuit.
    pub departures: Departures,
    /// What the circuit's synapses and interneurons lack.
    pub imperfections: Imperfections,
    /// How potentials are found.
    pub solver: SolverSpec,
    /// Who learns.
    pub learner: LearnerSpec,
    /// The microcircuit's optimiser, if one follows its rules.
    pub optimiser: Option<optimiser::Spec>,
    /// What is learned.
    pub task: TaskSpec,
    /// Number of output and input cells that the task has are checked against `network.sizes`.
    pub train: TrainSpec,
    /// Phases, at least one.
    pub phases: Vec<Phase>,
    /// What is kept.
    pub record: RecordSpec,
    /// What must be reached.
    pub expect: Vec<Expectation>,
}

impl Experiment {
    /// True if a presentation is a course of steps of dt; without, it is one step.
    pub fn has_dynamics(&self) -> bool {
        self.learner == LearnerSpec::Microcircuit && self.solver.has_dynamics()
    }

    /// Where euler's steps depart, imperfections included.
    pub fn departures_of_steps(&self) -> Departures {
        let on = &self.imperfections;
        Departures { blurred_nudging: on.blurred_nudging, delay: self.timing.steps(on.delay), ..self.departures }
    }

    /// True if weight changes go through Delta.
    pub fn has_low_pass(&self) -> bool {
        self.has_dynamics() && self.tau_w.is_some() && !self.departures.replace_low_pass()
    }

    /// True if samples may have no fixed point.
    pub fn is_iterative(&self) -> bool {
        match &self.learner {
            LearnerSpec::Microcircuit => matches!(self.solver, SolverSpec::Steady { .. }),
            LearnerSpec::Trained(t) => t.algorithm.is_iterative(),
        }
    }

    /// The kinds of synapse that the learner has.
    pub fn kinds(&self) -> &'static [Kind] {
        self.learner.kinds()
    }
}

impl SolverSpec {
    /// True if a presentation is a course in time.
    pub fn has_dynamics(&self) -> bool {
        matches!(self, SolverSpec::Euler(_) | SolverSpec::Adaptive { .. })
    }
}

impl LearnerSpec {
    /// The name in configs.
    pub fn name(&self) -> &'static str {
        match self {
            LearnerSpec::Microcircuit => "microcircuit",
            LearnerSpec::Trained(t) => t.algorithm.name(),
        }
    }

    /// The kinds of synapse that the learner has.
    pub fn kinds(&self) -> &'static [Kind] {
        match self {
            LearnerSpec::Microcircuit => &Kind::ALL,
            LearnerSpec::Trained(t) => t.algorithm.kinds(),
        }
    }
}
