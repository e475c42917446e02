//! What a finished (or stopped) run has learned: evaluation on a split, predictions for a file.

use super::build;
use super::saved::restore_weights;
use super::train::thread_pool;
use crate::Error;
use crate::checkpoint::{BEST, Checkpoint, LAST, epoch_file};
use crate::experiment::{Experiment, Precision};
use crate::folder::{CHECKPOINTS, write_out};
use apical::evaluate::{Evaluation, answers, evaluate};
use apical::kernels::Real;
use apical::learners::Learner;
use apical::learners::metrics::class;
use apical::solvers::Trouble;
use apical::tasks::{Samples, read_inputs};
use std::path::{Path, PathBuf};

/// Which checkpoint of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The best on validation; the last if there is none.
    Best,
    /// The newest.
    Last,
    /// The one kept after this epoch.
    Epoch(u64),
}

/// Which set of samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// For choosing.
    Validation,
    /// For reporting.
    Test,
}

/// The file of a checkpoint.
///
/// # Errors
/// There is none, with the ones that there are.
pub fn checkpoint_file(run: &Path, which: Which) -> Result<PathBuf, Error> {
    let folder = run.join(CHECKPOINTS);
    let (best, last) = (folder.join(BEST), folder.join(LAST));
    let file = match which {
        Which::Best if best.exists() || had_best(&last) => best,
        Which::Best | Which::Last => last,
        Which::Epoch(n) => folder.join(epoch_file(n)),
    };
    if file.exists() {
        return Ok(file);
    }
    let mut there: Vec<String> = std::fs::read_dir(&folder)
        .map(|list| list.filter_map(|f| f.ok().map(|f| f.file_name().to_string_lossy().into_owned())).collect())
        .unwrap_or_default();
    there.sort();
    let allowed = if there.is_empty() { "the run has no checkpoint yet".to_owned() } else { there.join(", ") };
    Err(Error::input(file.display().to_string(), "there is no such checkpoint", allowed))
}

/// True if the run had a best checkpoint, by what its last one says.
fn had_best(last: &Path) -> bool {
    Checkpoint::load(last).is_ok_and(|c| c.meta.get("best.epoch").is_some_and(|epoch| epoch != "0"))
}

fn load<T: Real>(e: &Experiment, run: &Path, which: Which) -> Result<Box<dyn Learner<T>>, Error> {
    let file = checkpoint_file(run, which)?;
    let checkpoint = Checkpoint::load(&file)?;
    let mut learner = build::learner::<T>(e, build::no_weights(e));
    restore_weights(&file.display().to_string(), &checkpoint, learner.as_mut())?;
    Ok(learner)
}

fn diverged(trouble: &Trouble) -> Error {
    Error::science("evaluation", trouble.to_string(), "")
}

/// Evaluates a checkpoint on a split.
///
/// # Errors
/// No such checkpoint or split, data that are missing; potentials that diverge.
pub fn evaluate_run(
    e: &Experiment,
    run: &Path,
    which: Which,
    split: Split,
    threads: usize,
) -> Result<Evaluation, Error> {
    fn typed<T: Real>(e: &Experiment, run: &Path, which: Which, split: Split, n: usize) -> Result<Evaluation, Error> {
        let task = build::task(e)?;
        let (name, samples) = match split {
            Split::Validation => ("validation", &task.validation),
            Split::Test => ("test", &task.test),
        };
        if samples.is_empty() {
            let found = format!("this task has no {name} set");
            return Err(Error::input("--split", found, "choose the other split, or give the task one"));
        }
        let learner = load::<T>(e, run, which)?;
        let pool = thread_pool(n)?;
        evaluate(learner.as_ref(), samples, task.sequence, e.network.activation, e.train.loss, &pool)
            .map_err(|trouble| diverged(&trouble))
    }
    match e.precision {
        Precision::F32 => typed::<f32>(e, run, which, split, threads),
        Precision::F64 => typed::<f64>(e, run, which, split, threads),
    }
}

/// Predicts the answers to the inputs of a file and writes them as CSV: a row per input, the class (if the task has
/// classes) and the potential of each output cell. Returns the number of rows.
///
/// # Errors
/// A file that cannot be read or has other columns than the training data; no checkpoint; potentials that diverge.
pub fn predict(
    e: &Experiment,
    run: &Path,
    which: Which,
    file: &Path,
    out: &Path,
    threads: usize,
) -> Result<usize, Error> {
    if let (Ok(from), Ok(to)) = (std::fs::canonicalize(file), std::fs::canonicalize(out))
        && from == to
    {
        let found = "the answers would replace the inputs";
        return Err(Error::input(out.display().to_string(), found, "another file for the answers"));
    }
    let task = build::task(e)?;
    let samples = read_inputs(&task, file)?;
    let (text, rows) = match e.precision {
        Precision::F32 => table::<f32>(e, run, which, &samples, &task.classes, task.sequence, threads)?,
        Precision::F64 => table::<f64>(e, run, which, &samples, &task.classes, task.sequence, threads)?,
    };
    write_out(out, &text, "predictions")?;
    Ok(rows)
}

fn table<T: Real>(
    e: &Experiment,
    run: &Path,
    which: Which,
    samples: &Samples,
    classes: &[String],
    sequence: bool,
    threads: usize,
) -> Result<(Vec<u8>, usize), Error> {
    let learner = load::<T>(e, run, which)?;
    let (output, unsettled) =
        answers(learner.as_ref(), samples, sequence, &thread_pool(threads)?).map_err(|trouble| diverged(&trouble))?;
    if unsettled > 0 {
        let found = format!("{unsettled} of {} inputs have no fixed point", samples.len());
        return Err(Error::science("prediction", found, "nothing was written: an iterate is no answer"));
    }
    let text = write_table(&output, samples.outputs, classes)
        .map_err(|source| Error::machine("the table of answers", source))?;
    Ok((text, samples.len()))
}

/// A header, then a line per answer.
fn write_table<T: Real>(output: &[T], outputs: usize, classes: &[String]) -> Result<Vec<u8>, csv::Error> {
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_field("row")?;
    if !classes.is_empty() {
        table.write_field("class")?;
    }
    for i in 0..outputs {
        match classes.get(i) {
            Some(name) => table.write_field(format!("u_{name}"))?,
            None => table.write_field(format!("u_{}", i + 1))?,
        }
    }
    // An empty record ends the line.
    table.write_record(None::<&[u8]>)?;
    for (row, u) in output.chunks_exact(outputs).enumerate() {
        table.write_field((row + 1).to_string())?;
        if !classes.is_empty() {
            table.write_field(classes.get(class(u) as usize).map_or("", String::as_str))?;
        }
        for u in u {
            table.write_field(u.to_string())?;
        }
        table.write_record(None::<&[u8]>)?;
    }
    table.into_inner().map_err(|e| e.into_error().into())
}
