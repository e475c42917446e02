//! The registry of figures that `apical plot` draws: each is a function of opened run folders.
//!
//! A new figure is a function in one of the files here and a line in [`FIGURES`].

mod angles;
mod answers;
mod checks;
mod curves;
mod distances;
mod importance;
mod inference;
mod net;
pub(crate) mod overlay;
mod raster;
mod relation;
mod sweep;
mod switches;
mod traces;
mod trials;

pub use overlay::Runs;

use crate::{Figure, HeatMap, Scene};
use apical_lab::record::{self, Ranking};
use checks::drawn;
use std::fmt;

/// What the user may choose.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    /// Width, mm; `None`: what suits the figure.
    pub width_mm: Option<f64>,
    /// Numbers of the cells shown, by their number within a layer; `None`: the first few.
    pub cells: Option<Vec<usize>>,
    /// First and last time shown of traces, ms of the run; `None`: all, or one presentation where that is what a figure shows.
    pub window: Option<(f64, f64)>,
    /// What sweeps and learning curves show; `None`: the validation error, or the loss without classes.
    pub metric: Option<String>,
    /// By what the sweep whose runs these are ranks them: figures of sweeps show this unless `metric` is another one.
    pub ranking: Option<Ranking>,
}

impl Options {
    /// The width asked for, or another.
    fn width(&self, otherwise: f64) -> f64 {
        self.width_mm.unwrap_or(otherwise)
    }
}

/// A figure drawn: what is on paper, and its data.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawn {
    /// Shapes and texts, for SVG, PNG and PDF.
    pub scene: Scene,
    /// The data.
    pub csv: String,
    /// The figure in the words of the data, where it is made of axes.
    pub figure: Option<Figure>,
}

impl From<Figure> for Drawn {
    fn from(figure: Figure) -> Drawn {
        Drawn { scene: figure.scene(), csv: figure.csv(), figure: Some(figure) }
    }
}

impl From<HeatMap> for Drawn {
    fn from(map: HeatMap) -> Drawn {
        Drawn { scene: map.scene(), csv: map.csv(), figure: None }
    }
}

/// Why there is no figure.
#[derive(Clone, Debug, PartialEq)]
pub enum Refusal {
    /// The folder does not hold what the figure shows.
    Missing {
        /// What is not there.
        what: String,
        /// What would have kept it.
        remedy: String,
    },
    /// Something in the folder is damaged, or cannot be read.
    Failed(record::Error),
}

impl From<record::Error> for Refusal {
    fn from(error: record::Error) -> Refusal {
        Refusal::Failed(error)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Missing { what, remedy } => write!(f, "{what}; {remedy}"),
            Refusal::Failed(error) => error.fmt(f),
        }
    }
}

/// A missing thing, and the `[record]` entry (or whatever else) that would have kept it.
fn missing<T>(what: impl Into<String>, remedy: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::Missing { what: what.into(), remedy: remedy.into() })
}

/// How many runs a figure is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// One; of several, each has a figure of its own.
    One,
    /// One or several, in one figure.
    Any,
    /// Runs of at least two configs.
    Several,
}

/// A figure that can be drawn.
pub struct Entry {
    /// Its name, and the stem of its files.
    pub name: &'static str,
    /// What it shows.
    pub about: &'static str,
    /// What must have been recorded.
    pub needs: &'static str,
    /// Of how many runs it is.
    pub of: Of,
    /// Draws it.
    pub draw: fn(&Runs, &Options) -> Result<Drawn, Refusal>,
}

const fn entry(
    name: &'static str,
    about: &'static str,
    needs: &'static str,
    of: Of,
    draw: fn(&Runs, &Options) -> Result<Drawn, Refusal>,
) -> Entry {
    Entry { name, about, needs, of, draw }
}

/// All figures, in the order in which they are listed.
pub const FIGURES: [Entry; 24] = [
    entry(
        "interneuron-distance",
        "distance of interneurons from the pyramidal cells above, per layer",
        "a microcircuit with hidden layers",
        Of::Any,
        distances::interneuron,
    ),
    entry(
        "synapse-distance",
        "distance of the synapse pairs forward/IP and feedback/PI from self-prediction, per layer",
        "a microcircuit with hidden layers",
        Of::Any,
        distances::synapse,
    ),
    entry(
        "synapse-traces",
        "the mean and chosen synapses of each of the four kinds over time, per layer",
        "[record.weights.\"Wpp.1\"] and so on",
        Of::Any,
        traces::synapse,
    ),
    entry(
        "neuron-traces",
        "input and somas of every layer over time",
        "[record.soma], [record.input]",
        Of::Any,
        traces::neuron,
    ),
    entry(
        "apical-traces",
        "per cell the top-down and the lateral part of the apical potential and their sum, with input, output and target",
        "[record.apical], [record.apical_feedback], [record.apical_lateral]; [record.input], [record.soma], [record.target]",
        Of::One,
        traces::apical,
    ),
    entry(
        "apical-distance",
        "distance of the apical potentials from rest, per layer",
        "a microcircuit with hidden layers",
        Of::Any,
        distances::apical,
    ),
    entry(
        "learning",
        "validation error with apical and interneuron distance",
        "a microcircuit with hidden layers and a validation set",
        Of::Any,
        distances::learning,
    ),
    entry(
        "learning-curves",
        "error and loss in training and validation, with bands over seeds",
        "a task with targets",
        Of::Any,
        curves::learning_curves,
    ),
    entry("angles", "angle of updates to backprop, per layer", "record.angles", Of::Any, angles::to_backprop),
    entry("norm-ratio", "length of updates over backprop's, per layer", "record.angles", Of::Any, angles::norm_ratio),
    entry(
        "feedback-alignment",
        "angle between forward weights, transposed, and feedback, per layer",
        "record.angles, and a learner with feedback weights",
        Of::Any,
        angles::feedback,
    ),
    entry(
        "sweep-lines",
        "what runs came to over the key in which configs differ, with bands over seeds",
        "runs whose configs differ in one or two keys",
        Of::Several,
        sweep::lines,
    ),
    entry(
        "sweep-map",
        "what runs came to over the two keys in which configs differ, as a heat map",
        "runs whose configs differ in two keys",
        Of::Several,
        sweep::map,
    ),
    entry(
        "sweep-parallel",
        "each config as a line across the keys in which they differ to what it came to, the better the darker",
        "runs whose configs differ",
        Of::Several,
        trials::parallel,
    ),
    entry(
        "sweep-importance",
        "how much each key matters for what runs came to: permutation importance with a random forest",
        "runs of four configs, better of hundreds",
        Of::Several,
        trials::importances,
    ),
    entry(
        "confusion",
        "which classes are taken for which in the test set",
        "record.confusion",
        Of::One,
        answers::confusion,
    ),
    entry("weight-tiles", "the weights of the first layer as images", "a task of images", Of::One, net::tiles),
    entry(
        "decision-map",
        "the class answered at each point of the plane, with samples of the test set",
        "record.decision_map, and a task with classes of points in a plane",
        Of::One,
        answers::decision_map,
    ),
    entry(
        "convergence",
        "what is left at each step on the way to a fixed point",
        "record.inference, and the solver steady or the learners ep, pc",
        Of::Any,
        inference::convergence,
    ),
    entry(
        "energy",
        "energy at each step of inference",
        "record.inference, and the learners ep, pc",
        Of::Any,
        inference::energy,
    ),
    entry(
        "switches",
        "what drives hidden cells' plasticity after a switch of the pattern: soma lag, apical error, teacher",
        "record.switches, and the solver euler or adaptive",
        Of::One,
        switches::switches,
    ),
    entry(
        "raster",
        "potentials of all cells of each layer over a presentation",
        "[record.soma] with all cells",
        Of::One,
        raster::raster,
    ),
    entry(
        "circuit",
        "the circuit: layers, compartments, and which synapses learn",
        "a microcircuit",
        Of::One,
        net::circuit,
    ),
    entry(
        OF_RELATIONS,
        "angles between what learners would do at the same weights",
        "the folder of `apical relate`",
        Of::One,
        relation::relate,
    ),
];

/// The figure that is of folders of relations; all others are of run folders.
pub const OF_RELATIONS: &str = "relate";

/// The figure of a name.
pub fn find(name: &str) -> Option<&'static Entry> {
    FIGURES.iter().find(|entry| entry.name == name)
}
