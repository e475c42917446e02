//! What is kept of a run at its end beside numbers: which classes are taken for which, the plane divided into classes, the
//! way to fixed points. All of it follows from the config and the weights, so nothing of it need be in a checkpoint.

use super::build;
use super::order::{Batch, Epoch};
use super::rates;
use super::train::{Run, phase_at};
use crate::Error;
use crate::experiment::Experiment;
use crate::folder::{CONFUSION, DECISION_MAP, INFERENCE, RATES, SWITCHES, write_atomic};
use apical::circuit::step::Constants;
use apical::evaluate;
use apical::kernels::{Product, Real};
use apical::learners::Learner;
use apical::learners::metrics::{class, is_answer};
use apical::solvers::euler::switch;
use apical::solvers::{Course, Shown, Trouble};
use apical::tasks::{Samples, Storage, Targets, Task};
use serde_json::{Value, json};

/// Samples of the test set that a decision map shows at most.
const SHOWN: usize = 300;

/// Writes which classes are taken for which by these answers to the test set, if that is to be kept.
///
/// # Errors
/// The machine's.
pub fn confusion<T: Real>(run: &Run<'_, T>, output: &[T], checkpoint: &str) -> Result<(), Error> {
    let samples = &run.task.test;
    let Some(counts) = evaluate::confusion(output, samples).filter(|_| run.e.record.confusion) else { return Ok(()) };
    let rows: Vec<&[u64]> = counts.chunks(samples.outputs).collect();
    let value = json!({
        "set": "test", "checkpoint": checkpoint, "classes": class_names(&run.task), "counts": rows,
        "says": "counts[i][j]: samples of class i answered with class j",
    });
    write(run, CONFUSION, &value)
}

/// Writes the rates, and the decision map and the way to fixed points, if they are to be kept; at the weights that the learner has now.
///
/// # Errors
/// The machine's.
pub fn at_end<T: Real>(run: &Run<'_, T>) -> Result<Option<Trouble>, Error> {
    write(run, RATES, &rates::histograms(run.e, &run.task, run.learner.weights())?)?;
    if run.e.record.inference > 0 {
        inference(run)?;
    }
    if run.e.record.switches > 0
        && let Err(trouble) = switches(run)?
    {
        return Ok(Some(trouble));
    }
    if run.e.record.decision_map > 0 && !run.task.classes.is_empty() {
        return decision_map(run, run.e.record.decision_map);
    }
    Ok(None)
}

fn write<T: Real>(run: &Run<'_, T>, file: &str, value: &Value) -> Result<(), Error> {
    write_atomic(&run.folder.join(file), format!("{value}\n").as_bytes(), "observation")
}

fn class_names(task: &Task) -> Vec<String> {
    let name = |i: usize| task.classes.get(i).cloned().unwrap_or_else(|| i.to_string());
    (0..task.outputs).map(name).collect()
}

fn decision_map<T: Real>(run: &Run<'_, T>, side: usize) -> Result<Option<Trouble>, Error> {
    let task = &run.task;
    // Of four inputs the last two are 1 minus the first two.
    let mirrored = task.inputs == 4;
    let points = |samples: &Samples, most: usize| -> Vec<[f64; 2]> {
        let mut x = vec![0.0; samples.inputs];
        (0..samples.len().min(most))
            .map(|row| {
                samples.input(row, &mut x);
                [x[0], x[1]]
            })
            .collect()
    };
    let ends = |i: usize| {
        if mirrored {
            return (0.0, 1.0);
        }
        let values = points(&task.test, usize::MAX).into_iter().chain(points(&task.validation, usize::MAX));
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), p| (a.min(p[i]), b.max(p[i])));
        let spare = 0.05 * (high - low);
        if low < high { (low - spare, high + spare) } else { (0.0, 1.0) }
    };
    let (x, y) = (ends(0), ends(1));
    let at = |(from, to): (f64, f64), i: usize| from + (to - from) * (i as f64 + 0.5) / side as f64;
    let mut values = Vec::with_capacity(side * side * task.inputs);
    for (row, column) in (0..side).flat_map(|row| (0..side).map(move |column| (row, column))) {
        let (a, b) = (at(x, column), at(y, row));
        values.extend([a, b]);
        if mirrored {
            values.extend([1.0 - a, 1.0 - b]);
        }
    }
    let grid = Samples { inputs: task.inputs, outputs: task.outputs, x: Storage::Floats(values), y: Targets::None };
    let output = match evaluate::answers(run.learner.as_ref(), &grid, false, run.pool) {
        Ok((output, _)) => output,
        Err(trouble) => return Ok(Some(trouble)),
    };
    let answers: Vec<i64> =
        output.chunks_exact(task.outputs).map(|u| if is_answer(u) { i64::from(class(u)) } else { -1 }).collect();
    let shown: Vec<Value> = points(&task.test, SHOWN)
        .into_iter()
        .enumerate()
        .filter_map(|(row, [a, b])| Some(json!([a, b, task.test.class(row)?])))
        .collect();
    let value = json!({
        "x": [x.0, x.1], "y": [y.0, y.1], "side": side, "classes": class_names(task), "answers": answers, "samples": shown,
        "says": "answers row by row from the lowest y, -1 without an answer; samples of the test set as [x, y, class]",
    });
    write(run, DECISION_MAP, &value)?;
    Ok(None)
}

/// The first training samples, at the start weights and at those of now.
fn inference<T: Real>(run: &Run<'_, T>) -> Result<(), Error> {
    let e = run.e;
    let mut courses = Vec::new();
    let start = build::learner::<T>(e, build::start_weights(e)?);
    for (when, learner) in [("start", start.as_ref()), ("end", run.learner.as_ref())] {
        if let Some(course) = followed(e, &run.task, learner) {
            courses.push(json!({
                "when": when, "first": course.first,
                "residual": over_samples(&course.residual), "energy": over_samples(&course.energy),
            }));
        }
    }
    let step = match e.learner.name() {
        "microcircuit" => "Sweeps",
        "ep" => "Steps of the free phase",
        _ => "Steps of inference",
    };
    let value = json!({
        "samples": e.record.inference, "step": step, "courses": courses,
        "says": "low, median and high over the samples at each step, from the state after `first` steps on",
    });
    write(run, INFERENCE, &value)
}

/// One presentation after the other, in the order of the first epoch.
fn switches<T: Real>(run: &Run<'_, T>) -> Result<Result<(), Trouble>, Error> {
    let e = run.e;
    let order = Epoch::new(&run.task, e.seed, 0, 1);
    let most = Epoch::presentations(&run.task, 1);
    let nudged = e.phases.iter().any(|phase| phase.target);
    // The first starts from rest: it follows no other.
    let batches: Vec<Batch<T>> = (0..=e.record.switches as u64)
        .map(|index| {
            let mut batch = Batch::new(&run.task, 1);
            order.fill(index % most, &mut batch);
            batch
        })
        .collect();
    let shown = || batches.iter().map(|b| (&b.input[..], (nudged && b.has_target).then_some(&b.target[..])));
    let constants = Constants::new(&e.network, &e.timing, None, Product::Plain);
    let start = build::start_weights(e)?;
    let mut courses = Vec::new();
    let mut ms = Vec::new();
    for (when, weights) in [("start", &start), ("end", run.learner.weights())] {
        let found = match switch::follow(&constants, &e.timing, weights, shown(), e.train.divergence_bound) {
            Ok(found) => found,
            Err(trouble) => return Ok(Err(trouble)),
        };
        for (k, layer) in found.layers.iter().enumerate() {
            let switch::Course { soma_lag, apical_error, teacher } = layer;
            courses.push(json!({
                "when": when, "layer": k + 1, "soma_lag": soma_lag, "apical_error": apical_error, "teacher": teacher,
            }));
        }
        ms = found.ms;
    }
    let value = json!({
        "samples": e.record.switches, "ms": ms, "lag": e.timing.lag, "courses": courses,
        "says": "parts of phi(u) - phi(vhat_B), root mean square over cells and samples, at each time since the switch",
    });
    write(run, SWITCHES, &value).map(Ok)
}

fn followed<T: Real>(e: &Experiment, task: &Task, learner: &dyn Learner<T>) -> Option<Course> {
    let order = Epoch::new(task, e.seed, 0, e.train.batch);
    let wanted = (e.record.inference.div_ceil(e.train.batch) as u64).min(Epoch::presentations(task, e.train.batch));
    let nudged = phase_at(e, 0).target || e.phases.iter().any(|phase| phase.target);
    let mut whole: Option<Course> = None;
    for index in 0..wanted {
        let mut batch = Batch::new(task, e.train.batch);
        order.fill(index, &mut batch);
        let target = (nudged && batch.has_target).then_some(&batch.target[..]);
        let course = learner.follow(&Shown { samples: e.train.batch, input: &batch.input, target })?;
        whole = Some(match whole {
            None => course,
            Some(before) => joined(before, course),
        });
    }
    whole
}

/// Samples side by side; where some have come to rest earlier their last value stays.
fn joined(a: Course, b: Course) -> Course {
    let both = |a: Vec<Vec<f64>>, b: Vec<Vec<f64>>| -> Vec<Vec<f64>> {
        let steps = a.len().max(b.len());
        let at = |list: &[Vec<f64>], i: usize| list.get(i).or(list.last()).cloned().unwrap_or_default();
        (0..steps).map(|i| [at(&a, i), at(&b, i)].concat()).collect()
    };
    Course { first: a.first, residual: both(a.residual, b.residual), energy: both(a.energy, b.energy) }
}

fn over_samples(steps: &[Vec<f64>]) -> Value {
    if steps.is_empty() {
        return Value::Null;
    }
    let sorted: Vec<Vec<f64>> = (steps.iter())
        .map(|step| {
            let mut step = step.clone();
            step.sort_by(f64::total_cmp);
            step
        })
        .collect();
    let pick = |of: fn(usize) -> usize| sorted.iter().map(|step| step[of(step.len() - 1)]).collect::<Vec<f64>>();
    json!({ "low": pick(|_| 0), "median": pick(|last| last / 2), "high": pick(|last| last) })
}
