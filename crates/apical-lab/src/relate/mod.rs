//! How learners relate: what each would do at the same weights with the same samples, as angles between every two, and how
//! fast each approaches its own limit. Everything is computed in f64, whatever the experiment's precision.
//!
//! Nothing learns here but dtp's inverses; training is an ordinary run, made before.

mod limits;
mod matrix;
mod participant;
mod weights;
mod write;

pub use limits::Point;
pub use matrix::Matrix;
pub use participant::{Ask, Participant};
pub use weights::Moment;
pub use write::{degrees, folder, write};

use crate::Error;
use crate::compare::Entry;
use crate::experiment::Experiment;
use crate::run::build;
use crate::run::order::{Batch, Epoch};
use crate::run::{Progress, Stop, thread_pool};
use apical::circuit::Tensors;
use apical::tasks::Task;
use participant::Halt;
use std::sync::Arc;

/// How much is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Training samples for the matrix; rounded up to whole batches.
    pub samples: usize,
    /// Training samples for the limits, one batch; 0: no limits.
    pub limit_samples: usize,
    /// Batches on which dtp learns its inverses of the held weights.
    pub inverse_steps: usize,
    /// Threads; the results do not depend on it.
    pub threads: usize,
}

/// What is to be related.
pub struct Plan {
    /// Name of the comparison.
    pub name: String,
    /// Index of the learner that is trained, among the entries.
    pub trained: usize,
    /// The learners.
    pub entries: Vec<Entry>,
    /// Rows and columns.
    pub participants: Vec<Participant>,
    /// Who is left out, and why.
    pub left_out: Vec<String>,
    /// How much.
    pub options: Options,
    /// For each participant its entry; `None`: a reference.
    owners: Vec<Option<usize>>,
    /// Index among the entries of the first one with the circuit.
    circuit: Option<usize>,
    start: Tensors<f64>,
    task: Arc<Task>,
}

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Relation {
    /// A matrix for each moment.
    pub matrices: Vec<Matrix>,
    /// The curves, at the start weights.
    pub limits: Vec<Point>,
    /// What happened on the way, for people.
    pub notes: Vec<String>,
    /// Something failed.
    pub failed: bool,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ended {
    /// With this.
    Done(Relation),
    /// By this signal.
    Stopped(i32),
}

/// Counts what is done, shows it, and hears requests to stop.
pub(crate) struct Watch<'a> {
    stop: &'a Stop,
    progress: &'a mut dyn Progress,
    done: u64,
}

impl Watch<'_> {
    /// Before work of `passes` passes.
    fn tick(&mut self, passes: u64) -> Result<(), Halt> {
        self.progress.advance(self.done);
        self.done += passes;
        self.stop.signal().map_or(Ok(()), |signal| Err(Halt::Stopped(signal)))
    }
}

impl Plan {
    /// Who takes part, with data and start weights loaded. `trained` names the learner whose weights all are asked at;
    /// without a name the first.
    ///
    /// # Errors
    /// `Input`: no such learner, a task without targets, more samples than there are; data or weights that do not fit.
    pub fn new(name: &str, entries: &[Entry], trained: Option<&str>, options: Options) -> Result<Plan, Error> {
        let names = || entries.iter().map(|e| e.name.as_str()).collect::<Vec<_>>().join(", ");
        let trained = match trained {
            None => 0,
            Some(wanted) => entries.iter().position(|e| e.name == wanted).ok_or_else(|| {
                Error::input(
                    "--trained-by",
                    format!("{wanted:?} is none of the learners"),
                    format!("allowed: {}", names()),
                )
            })?,
        };
        let base = &entries[trained].experiment;
        let task = build::task(base)?;
        let most = task.per_epoch();
        for (flag, samples) in [("--samples", options.samples), ("--limit-samples", options.limit_samples)] {
            let zero = samples == 0 && flag == "--samples";
            if zero || samples > most {
                return Err(Error::input(
                    flag,
                    samples.to_string(),
                    format!("allowed: 1 to {most}, as many as there are"),
                ));
            }
        }
        let (mut participants, mut owners, mut left_out) = (Vec::new(), Vec::new(), Vec::new());
        let mut circuit = None;
        for (index, entry) in entries.iter().enumerate() {
            if let Some(why) = differs(base, &entry.experiment) {
                left_out.push(format!("{} is left out: {why}", entry.label));
                continue;
            }
            if entry.experiment.learner.name() == "microcircuit" {
                circuit = circuit.or(Some(index));
            }
            for participant in participant::participants(&entry.label, &entry.experiment) {
                participants.push(participant);
                owners.push(Some(index));
            }
        }
        if let Some(index) = circuit {
            let reference = matrix::reference(&entries[index].experiment);
            let known = participants.iter().any(|p: &Participant| {
                p.ask == reference.ask
                    && p.function.attenuation == reference.function.attenuation
                    && p.function.loss == reference.function.loss
            });
            if !known {
                participants.push(reference);
                owners.push(None);
            }
        }
        let used: Vec<&Experiment> = owners.iter().flatten().map(|&index: &usize| &entries[index].experiment).collect();
        let start = weights::start(base, &used)?;
        let plan = Plan {
            name: name.to_owned(),
            trained,
            entries: entries.to_vec(),
            participants,
            left_out,
            options,
            owners,
            circuit,
            start,
            task,
        };
        if !plan.batch(1, 0).has_target {
            return Err(Error::input(
                "task",
                "it has no targets",
                "a task with targets: without, nobody has an Update",
            ));
        }
        Ok(plan)
    }

    /// The experiment that is trained.
    pub fn base(&self) -> &Experiment {
        &self.entries[self.trained].experiment
    }

    /// The start weights.
    pub fn start(&self) -> Moment {
        let from = format!("drawn with seed {}", self.base().seed);
        Moment { name: "start".into(), from, weights: self.start.clone() }
    }

    /// True if the weights of the trained run hold feedback that carries errors.
    pub fn trains_feedback(&self) -> bool {
        weights::has_feedback(self.base())
    }

    fn batch(&self, samples: usize, index: u64) -> Batch<f64> {
        let mut batch = Batch::new(&self.task, samples);
        Epoch::new(&self.task, self.base().seed, 0, samples).fill(index, &mut batch);
        batch
    }

    /// The first batches of the first epoch, of the trained experiment's size.
    fn batches(&self) -> Vec<Batch<f64>> {
        let size = self.base().train.batch;
        let wanted = (self.options.samples.div_ceil(size) as u64).min(Epoch::presentations(&self.task, size));
        (0..wanted).map(|index| self.batch(size, index)).collect()
    }

    /// Samples of the matrix.
    pub fn samples(&self) -> usize {
        let size = self.base().train.batch;
        self.options.samples.div_ceil(size).min(self.task.per_epoch() / size) * size
    }

    /// Passes through the net that all takes, about.
    fn cost(&self, moments: usize) -> u64 {
        let samples = self.samples() as u64;
        let each = |p: &Participant| {
            let inverses =
                if p.learns_inverses() { weights::INVERSE_COST * self.options.inverse_steps as u64 } else { 0 };
            p.cost() * samples + inverses * self.base().train.batch as u64
        };
        self.participants.iter().map(each).sum::<u64>() * moments as u64 + limits::cost(self)
    }
}

/// Asks everybody at each moment, and follows everybody to its limit at the start weights.
///
/// # Errors
/// Weights or data that cannot be read. Numerical trouble of one participant is a note.
pub fn relate(plan: &Plan, moments: &[Moment], stop: &Stop, progress: &mut dyn Progress) -> Result<Ended, Error> {
    progress.begin(plan.cost(moments.len()), 0);
    let mut watch = Watch { stop, progress, done: 0 };
    let ended = thread_pool(plan.options.threads)?.install(|| relation(plan, moments, &mut watch));
    watch.progress.end();
    match ended {
        Ok(relation) => Ok(Ended::Done(relation)),
        Err(Halt::Stopped(signal)) => Ok(Ended::Stopped(signal)),
        Err(Halt::Error(error)) => Err(error),
        // Whoever has trouble is noted where it is asked.
        Err(Halt::Trouble(trouble)) => Err(Error::science("relate", trouble.to_string(), "")),
    }
}

fn relation(plan: &Plan, moments: &[Moment], watch: &mut Watch<'_>) -> Result<Relation, Halt> {
    let mut relation = Relation { matrices: Vec::new(), limits: Vec::new(), notes: Vec::new(), failed: false };
    let batches = plan.batches();
    for moment in moments {
        let matrix = matrix::matrix(plan, moment, &batches, watch, &mut relation)?;
        relation.matrices.push(matrix);
    }
    if plan.options.limit_samples > 0 {
        limits::limits(plan, watch, &mut relation)?;
    }
    Ok(relation)
}

/// Why an experiment cannot be asked at the weights of another.
fn differs(base: &Experiment, other: &Experiment) -> Option<String> {
    let (a, b) = (&base.network, &other.network);
    if a.sizes != b.sizes {
        let text = |sizes: &[usize]| sizes.iter().map(usize::to_string).collect::<Vec<_>>().join("-");
        return Some(format!("its network is {}, not {}", text(&b.sizes), text(&a.sizes)));
    }
    if (a.bias_rate == 0.0) != (b.bias_rate == 0.0) {
        return Some("one has biases, the other has none".into());
    }
    if other.departures.any() || other.imperfections.any() {
        return Some("its steps or synapses depart from the circuit's".into());
    }
    (base.task != other.task).then(|| "its task is another one".into())
}
