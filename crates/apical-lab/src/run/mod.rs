//! Running an experiment in its run folder: from the start or from the last checkpoint, to the end or until stopped.

mod angles;
pub mod answer;
pub mod build;
pub mod dry;
pub mod interval;
mod measured;
pub mod memory;
mod observed;
pub(crate) mod order;
pub mod provenance;
mod rates;
pub mod recording;
mod saved;
mod shared;
mod traces;
mod train;

pub use shared::files;
pub use traces::QUANTITIES;
pub use train::significant;
pub(crate) use train::thread_pool;

use crate::checkpoint::{BEST, Checkpoint, LAST};
use crate::experiment::{Experiment, Precision};
use crate::folder::runinfo::{Cost, peak_memory};
use crate::folder::{CHECKPOINTS, Ending, FINAL_METRICS, RunFolder};
use crate::record::{FinalMetrics, When, read};
use crate::{Error, folder};
use apical::evaluate::{answers_while, judge};
use apical::kernels::Real;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use train::Run;

/// A request to stop, set by a signal handler; 0: none.
#[derive(Clone, Debug, Default)]
pub struct Stop(pub Arc<AtomicUsize>);

impl Stop {
    /// Stands in place of a signal's number where the program itself asks.
    pub const BY_CALLER: i32 = i32::MAX;

    /// Asks the run to stop, as a signal would.
    pub fn ask(&self) {
        self.0.store(Self::BY_CALLER.unsigned_abs() as usize, Ordering::Relaxed);
    }

    /// The signal that asked, if one did.
    pub fn signal(&self) -> Option<i32> {
        i32::try_from(self.0.load(Ordering::Relaxed)).ok().filter(|&signal| signal != 0)
    }
}

/// How to run; changes nothing of the results.
#[derive(Clone, Debug)]
pub struct Options {
    /// Threads, of training and of evaluation.
    pub threads: usize,
    /// Asked at the end of each presentation.
    pub stop: Stop,
    /// Go on even if this machine would compute other bits than the one that began.
    pub allow_different_bits: bool,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ended {
    /// It came to its end.
    Done {
        /// What was expected and not reached, in words.
        missed: Vec<String>,
    },
    /// It cannot go on.
    Failed {
        /// Why.
        reason: String,
    },
    /// It was asked to stop; a checkpoint is kept.
    Stopped {
        /// By this signal.
        signal: i32,
    },
    /// It has come to the epoch at which it was to wait; a checkpoint is kept.
    Paused,
}

/// Shows how far a run has come.
pub trait Progress: Send {
    /// `done` of `total` presentations are made.
    fn begin(&mut self, total: u64, done: u64);
    /// Now `done` are made.
    fn advance(&mut self, done: u64);
    /// The validation set was evaluated, after so many presentations and epochs; what was found, by the names of metrics.
    fn evaluated(&mut self, _when: When, _found: &[(&str, f64)]) {}
    /// Something to say on the way.
    fn note(&mut self, line: &str);
    /// The bar can go.
    fn end(&mut self);
}

/// Shows nothing.
pub struct Quiet;

impl Progress for Quiet {
    fn begin(&mut self, _: u64, _: u64) {}
    fn advance(&mut self, _: u64) {}
    fn note(&mut self, _: &str) {}
    fn end(&mut self) {}
}

/// Loads the data and the start weights of an experiment, to find what is wrong with them before a run folder is made.
///
/// # Errors
/// Data or weights that are missing, damaged or of other sizes than the network.
pub fn check_files(e: &Experiment) -> Result<(), Error> {
    build::task(e)?;
    build::start_weights::<f32>(e).map(|_| ())
}

/// Runs an experiment in its folder until it ends or is stopped.
///
/// # Errors
/// Data or checkpoints that do not fit; the machine's. What the science does wrong is no error but [`Ended::Failed`].
pub fn run(
    e: &Experiment,
    folder: &mut RunFolder,
    options: &Options,
    progress: &mut dyn Progress,
) -> Result<Ended, Error> {
    run_until(e, folder, options, progress, u64::MAX)
}

/// Runs an experiment until it has made `epochs` epochs, if it has more.
///
/// # Errors
/// As [`run`].
pub fn run_until(
    e: &Experiment,
    folder: &mut RunFolder,
    options: &Options,
    progress: &mut dyn Progress,
    epochs: u64,
) -> Result<Ended, Error> {
    let begun = Instant::now();
    let pool = thread_pool(options.threads)?;
    // All of a run is done by threads of its pool: whoever has work to share there finds the others.
    let ended = pool.install(|| match e.precision {
        Precision::F32 => run_in::<f32>(e, folder, options, &pool, progress, epochs),
        Precision::F64 => run_in::<f64>(e, folder, options, &pool, progress, epochs),
    });
    progress.end();
    let (ended, mut cost) = ended.map_or_else(|error| (Err(error), Cost::default()), |(ended, cost)| (Ok(ended), cost));
    cost.peak_memory_bytes = peak_memory();
    let stopped = match &ended {
        Ok(Ended::Stopped { signal: Stop::BY_CALLER }) => Some("stopped by the program that made it".to_owned()),
        Ok(Ended::Stopped { signal }) => Some(format!("stopped by signal {signal}")),
        _ => None,
    };
    if let Some(reason) = &stopped {
        folder.log(reason)?;
    }
    if ended.is_ok() {
        folder.update(|info| {
            info.seconds += begun.elapsed().as_secs_f64();
            info.cost.add(cost);
            if stopped.is_some() {
                (info.ended, info.exit) = (Some(folder::runinfo::now()), stopped);
            }
        })?;
    }
    if let Err(error) = &ended {
        // The disk may be the trouble: then the log cannot tell it, and the error itself goes to the user anyway.
        let _ = folder.log(&format!("error: {error}"));
    }
    ended
}

fn run_in<T: Real>(
    e: &Experiment,
    folder: &mut RunFolder,
    options: &Options,
    pool: &rayon::ThreadPool,
    progress: &mut dyn Progress,
    until: u64,
) -> Result<(Ended, Cost), Error> {
    let mut run = Run::<T>::open(e, folder, options, pool)?;
    if run.made().0 == 0 {
        let (numbers, warnings) = build::stability(e, &run.task, run.learner.weights());
        if !numbers.is_empty() {
            let list: Vec<String> = numbers.iter().map(|n| format!("{n:.3}")).collect();
            let number = "stability number eta_IP lambda_I <phi'> (|<r>|^2 + beta_b^2) per layer";
            say(&run, progress, &format!("{number}: {}", list.join(", ")))?;
        }
        for warning in &warnings {
            say(&run, progress, &format!("warning: {warning}"))?;
        }
    }
    let trained = run.train(options, progress, until)?;
    let cost = run.cost;
    let ended = if let Ended::Done { .. } = trained { finish(run, &options.stop)? } else { trained };
    Ok((ended, cost))
}

/// Tells the user and the log.
fn say<T: Real>(run: &Run<'_, T>, progress: &mut dyn Progress, line: &str) -> Result<(), Error> {
    progress.note(line);
    run.folder.log(line)
}

/// Tests once, with the checkpoint that was best on validation; writes metrics.json; compares with what was expected.
fn finish<T: Real>(mut run: Run<'_, T>, stop: &Stop) -> Result<Ended, Error> {
    let e = run.e;
    let mut list = last_values(&read::metrics(run.folder.path())?, run.made());
    let chosen = match run.best() {
        Some(best) => {
            list.number("best.epoch", best.epoch as f64);
            (BEST, "best")
        }
        None => (LAST, "last"),
    };
    if !run.task.test.is_empty() {
        let path = run.folder.join(CHECKPOINTS).join(chosen.0);
        let checkpoint = Checkpoint::load(&path)?;
        saved::restore_weights(&path.display().to_string(), &checkpoint, run.learner.as_mut())?;
        let (phi, sequence) = (e.network.activation, run.task.sequence);
        let go_on = || stop.signal().is_none();
        let (output, unsettled) = match answers_while(run.learner.as_ref(), &run.task.test, sequence, run.pool, &go_on)
        {
            Ok(Some(found)) => found,
            // All is saved but this test.
            Ok(None) => return Ok(Ended::Stopped { signal: stop.signal().unwrap_or(Stop::BY_CALLER) }),
            Err(trouble) => return run.fail(&trouble),
        };
        let found = judge(&output, unsettled, &run.task.test, phi, e.train.loss);
        crate::failpoint::hit("evaluation.middle");
        if let Some(loss) = found.loss {
            list.number("test.loss", loss);
        }
        if let Some(error) = found.error {
            list.number("test.error", error);
        }
        if e.is_iterative() {
            list.number("test.unsettled", found.unsettled as f64 / found.samples as f64);
        }
        list.text("test.checkpoint", chosen.1);
        observed::confusion(&run, &output, chosen.1)?;
    }
    if let Some(trouble) = observed::at_end(&run)? {
        return run.fail(&trouble);
    }
    list.write(&run.folder.join(FINAL_METRICS))?;
    let missed = missed(e, &list);
    let reason = if missed.is_empty() { "finished".to_owned() } else { format!("finished; {}", missed.join("; ")) };
    let exit_code = if missed.is_empty() { 0 } else { Error::science("", "", "").exit_code() };
    run.folder.end(&Ending { done: true, reason, exit_code, place: serde_json::Map::new() })?;
    Ok(Ended::Done { missed })
}

/// Ends a run that waits, for a reason of its sweep: its metrics so far are its last, and nothing is tested.
///
/// # Errors
/// The machine's; metrics that cannot be read.
pub fn end_early(folder: &mut RunFolder, reason: &str) -> Result<(), Error> {
    let metrics = read::metrics(folder.path())?;
    let last = metrics.series.iter().filter_map(|series| series.when.last());
    let made = last.fold((0, 0), |made, when| (made.0.max(when.presentation), made.1.max(when.epoch)));
    let list = last_values(&metrics, made);
    list.write(&folder.join(FINAL_METRICS))?;
    folder.end(&Ending { done: true, reason: reason.to_owned(), exit_code: 0, place: serde_json::Map::new() })
}

/// The last value of each metric, and how many presentations and epochs were made.
fn last_values(metrics: &read::Metrics, (presentations, epochs): (u64, u64)) -> FinalMetrics {
    let mut list = FinalMetrics::default();
    for series in &metrics.series {
        if let Some(&value) = series.values.last() {
            list.number(&series.name, value);
        }
    }
    list.number("presentations", presentations as f64);
    list.number("epochs", epochs as f64);
    list
}

/// What was expected and not reached, in words.
fn missed(e: &Experiment, found: &FinalMetrics) -> Vec<String> {
    let mut list = Vec::new();
    for expected in &e.expect {
        let name = &expected.metric;
        let Some(value) = found.0.get(name).and_then(serde_json::Value::as_f64) else {
            list.push(format!("missed [expect] {name}: the run has no such value"));
            continue;
        };
        if let Some(min) = expected.min.filter(|&min| value < min) {
            list.push(format!("missed [expect] {name}: {} is below {min}", significant(value)));
        }
        if let Some(max) = expected.max.filter(|&max| value > max) {
            list.push(format!("missed [expect] {name}: {} is above {max}", significant(value)));
        }
    }
    list
}
