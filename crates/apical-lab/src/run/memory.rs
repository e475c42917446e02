//! How much memory a run holds at most, about: an estimate from sizes alone, for people who plan. None of it grows with the
//! length of the run.

use crate::experiment::{Experiment, LearnerSpec, SolverSpec, optimiser::Rule};
use crate::plan;
use apical::circuit::params::Rates;
use apical::evaluate::CHUNK;
use apical::solvers::adaptive;
use apical::solvers::euler::Way;
use apical::tasks::{Samples, Storage, Targets, Task, Train};

/// The program itself, its stacks and what the system gives it.
const PROGRAM: u64 = 8 << 20;
/// Values per cell and sample: soma, traces, rates, dendritic potentials, predictions and errors.
const PER_CELL: usize = 12;
/// Bytes of a trace variable's open chunk.
const CHUNK_BYTES: u64 = 1 << 20;

/// Bytes by what they are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Weights, their low-passed changes, and what an optimiser keeps of them.
    pub weights: u64,
    /// State and potentials of the batch.
    pub state: u64,
    /// What the plan holds beside them: histories of a block, padded or packed copies.
    pub plan: u64,
    /// The data set.
    pub data: u64,
    /// Evaluations side by side, one a thread.
    pub evaluation: u64,
    /// A checkpoint while it is written.
    pub checkpoint: u64,
    /// Open chunks of traces.
    pub recording: u64,
    /// All of it and the program; what is never there at the same time counts once.
    pub total: u64,
}

/// How many tensors of the weights' sizes training holds: weights and low-passed changes.
pub fn copies(e: &Experiment) -> u64 {
    if e.has_low_pass() { 2 } else { 1 }
}

/// Tensors that an optimiser adds: the update and its moments.
fn optimiser_copies(e: &Experiment) -> u64 {
    let rule = match &e.learner {
        LearnerSpec::Microcircuit => e.optimiser.as_ref().map(|o| o.rule),
        LearnerSpec::Trained(t) => Some(t.optimiser.rule),
    };
    match rule {
        None => 0,
        Some(Rule::Sgd) => 1,
        Some(Rule::Momentum { .. }) => 2,
        Some(Rule::Adam { .. }) => 3,
    }
}

/// Tensors that imperfect synapses add: what each may be, and with noise the weights themselves and the noisy ones.
fn imperfect_copies(e: &Experiment) -> u64 {
    match (e.imperfections.of_synapses(), e.imperfections.weight_noise > 0.0) {
        (false, _) => 0,
        (true, false) => 1,
        (true, true) => 3,
    }
}

/// The estimate for a run with this many threads.
pub fn estimate(e: &Experiment, task: &Task, threads: usize) -> Memory {
    let number = plan::number_bytes(e) as u64;
    let bytes = plan::weight_bytes(e);
    let n = &e.network.sizes;
    let cells = n.iter().sum::<usize>() as u64;
    let inter = n.iter().skip(2).sum::<usize>() as u64;
    let batch = e.train.batch as u64;
    let per_sample = (cells + inter) * PER_CELL as u64 * number;
    let weights = bytes * (copies(e) + optimiser_copies(e) + imperfect_copies(e));
    let state = per_sample * batch;
    let sets = [&task.validation, &task.test];
    let largest = sets.iter().map(|set| set.len()).max().unwrap_or(0);
    let (parallel, side) =
        if task.sequence { (1, 1) } else { (largest.div_ceil(CHUNK).min(threads), largest.min(CHUNK)) };
    // A course in time works on a copy of the weights, and its answers stay until all are there.
    let own = if e.has_dynamics() { bytes } else { 0 };
    let answers = (largest * task.outputs) as u64 * number * 2;
    let inputs = (side * n[0]) as u64 * number;
    let room = match of_adaptive(e) {
        // What is answered side by side, and weights as the ends of steps see them.
        Some(kept) => own + side.min(adaptive::ANSWERED) as u64 * (per_sample + kept.per_sample * number),
        None => side as u64 * per_sample,
    };
    let evaluation = parallel as u64 * (own + room + inputs) + answers;
    // The tensors as bytes, and the file that they make.
    let checkpoint = 2 * (bytes * copies(e) + state / PER_CELL as u64);
    let recording: u64 = e.record.traces.iter().map(|t| CHUNK_BYTES * t.layers.len().max(1) as u64).sum();
    let data = match &task.train {
        Train::Set(samples) => set_bytes(samples) + 4 * samples.len() as u64,
        Train::Stream { .. } => 0,
    } + sets.into_iter().map(set_bytes).sum::<u64>();
    let beside = plan_bytes(e, cells + inter, number);
    let training = weights + state + beside + data + recording + evaluation.max(checkpoint);
    // Before training a data set is there twice: as it is read, and in its parts.
    let total = PROGRAM + training.max(2 * data);
    Memory { weights, state, plan: beside, data, evaluation, checkpoint, recording, total }
}

/// What the engine of a plan holds beside weights and state.
fn plan_bytes(e: &Experiment, cells: u64, number: u64) -> u64 {
    let bytes = plan::weight_bytes(e);
    let batch = e.train.batch as u64;
    if let Some(kept) = of_adaptive(e) {
        return bytes * copies(e) + (kept.of_weights + kept.per_sample * batch) * number;
    }
    match plan::of_euler(e).map(|plan| plan.way) {
        // Rows of a rule.
        Some(Way::Reference) => 0,
        // Padded copies of weights and changes.
        Some(Way::Fused) => bytes * copies(e) * 5 / 4,
        // Copies too, with rates and errors of every step of a block, and what its sums are made of.
        Some(Way::Blocks(steps)) => bytes * copies(e) + ((2 * steps as u64 + 4) * cells + 6 * batch) * batch * number,
        Some(Way::Batch) => bytes * copies(e) + 6 * batch * (cells + batch) * number,
        None => 0,
    }
}

/// What `adaptive` keeps beside weights, state and potentials.
struct Kept {
    /// Values for each sample: what a step is made of, and the nodes behind it.
    per_sample: u64,
    /// Values of what the rules say at the nodes, where weights move with the steps.
    of_weights: u64,
}

fn of_adaptive(e: &Experiment) -> Option<Kept> {
    let (SolverSpec::Adaptive { .. }, LearnerSpec::Microcircuit) = (e.solver, &e.learner) else { return None };
    let (n, batch) = (&e.network.sizes, e.train.batch);
    let depth = n.len() - 1;
    let sum = |sizes: &[usize]| sizes.iter().sum::<usize>();
    let all = sum(&n[1..]) + sum(&n[2..]);
    // Currents, rates, apical potentials, what the rules are made of, input and output.
    let node = 3 * all + 2 * sum(&n[1..depth]) + n[0] + n[depth];
    // Somas of this and other times, extrapolations; the inputs' span and what it does in layer 1.
    let step = 7 * all + 4 * n[0] + 4 * n[1];
    // Rates that are not 0 in some phase; weights into layer 1 move by their span if that is less.
    let moves = |eta: &dyn Fn(&Rates) -> f64| e.phases.iter().any(|phase| eta(&phase.rates) != 0.0);
    let written = (0..depth).filter(|&k| (k > 0 || 2 * batch >= n[0]) && moves(&|r| r.pp[k])).map(|k| n[k] * n[k + 1]);
    let hidden = (1..depth).map(|k| {
        let rules = [moves(&|r| r.ip[k - 1]), moves(&|r| r.pi[k - 1]), moves(&|r| r.pb[k - 1])];
        n[k] * n[k + 1] * rules.into_iter().filter(|&moves| moves).count()
    });
    let of_weights = adaptive::NODES * written.chain(hidden).sum::<usize>();
    Some(Kept { per_sample: (step + adaptive::NODES * node) as u64, of_weights: of_weights as u64 })
}

fn set_bytes(samples: &Samples) -> u64 {
    let x = match &samples.x {
        Storage::Bytes { data, .. } => data.len(),
        Storage::Floats(data) => size_of_val(&data[..]),
    };
    let y = match &samples.y {
        Targets::None => 0,
        Targets::Classes { labels, .. } => size_of_val(&labels[..]),
        Targets::Potentials(data) => size_of_val(&data[..]),
    };
    (x + y) as u64
}
