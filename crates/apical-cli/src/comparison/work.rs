//! The runs of a comparison, side by side: each in its ordinary folder, with threads of its own.

use crate::board::{Board, Share};
use crate::failure::Failure;
use crate::provenance;
use crate::terminal::Terminal;
use apical_lab::Error;
use apical_lab::check::resolved_toml;
use apical_lab::compare::Comparison;
use apical_lab::experiment::{Experiment, StartWeights};
use apical_lab::folder::{self, RunFolder, RunInfo, State, runinfo};
use apical_lab::run::{Ended, Options, check_files, run};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A run to be made.
pub struct Job {
    /// What it is called.
    pub name: String,
    /// Its experiment.
    pub e: Experiment,
    /// What its id is made of.
    pub canonical: String,
    /// Its folder.
    pub path: PathBuf,
    info: RunInfo,
}

/// All runs (of so many threads each) in the order of learners, then seeds; data and start weights are looked at before anything is written.
///
/// # Errors
/// Data that are missing or damaged.
pub fn jobs(c: &Comparison, out: &Path, again: bool, threads: usize) -> Result<Vec<Job>, Error> {
    let mut jobs = Vec::new();
    let mut looked_at: Vec<&Experiment> = Vec::new();
    for entry in &c.entries {
        let first = &entry.experiment;
        let mut info = None;
        for (&seed, canonical) in c.seeds.iter().zip(entry.canonicals(&c.seeds)?) {
            let path = out.join(folder::folder_name(&first.name, &canonical)?);
            let is_new = again || !path.join(runinfo::FILE).exists();
            if is_new && info.is_none() {
                let is_same = |e: &&Experiment| {
                    let drawn =
                        matches!(e.start, StartWeights::Kinds(_)) && matches!(first.start, StartWeights::Kinds(_));
                    e.task == first.task && e.network.sizes == first.network.sizes && (drawn || e.start == first.start)
                };
                if !looked_at.iter().any(is_same) {
                    check_files(first)?;
                    looked_at.push(first);
                }
                info = Some(provenance::run_info(first, threads)?);
            }
            // A run that exists keeps what its run.json says.
            let info = RunInfo { seed, ..info.clone().unwrap_or_default() };
            jobs.push(Job {
                name: format!("{}, seed {seed}", entry.label),
                e: entry.seeded(seed),
                canonical,
                path,
                info,
            });
        }
    }
    Ok(jobs)
}

/// Makes all runs, `side` of them side by side; returns the signal that stopped them, if one did.
///
/// # Errors
/// The first that any run met; those that had begun are brought to their end, the others are not begun.
pub fn make(
    jobs: &[Job],
    out: &Path,
    again: bool,
    side: usize,
    options: &Options,
    terminal: &Terminal,
) -> Result<Option<i32>, Failure> {
    let board = Board::new(terminal, jobs.len());
    let next = AtomicUsize::new(0);
    let trouble: Mutex<Option<Error>> = Mutex::new(None);
    let first_trouble = || trouble.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    std::thread::scope(|scope| {
        for _ in 0..side.min(jobs.len()).max(1) {
            scope.spawn(|| {
                while options.stop.signal().is_none() && first_trouble().is_none() {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(job) = jobs.get(index) else { return };
                    if let Err(error) = one(job, index, out, again, options, &board) {
                        first_trouble().get_or_insert(error);
                    }
                }
            });
        }
    });
    board.close();
    match trouble.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
        Some(error) => Err(error.into()),
        None => {
            let whole = jobs.iter().all(|job| matches!(folder::state(&job.path), Ok(State::Finished | State::Failed)));
            Ok(options.stop.signal().filter(|_| !whole))
        }
    }
}

fn one(job: &Job, index: usize, out: &Path, again: bool, options: &Options, board: &Board<'_>) -> Result<(), Error> {
    if again && job.path.join(runinfo::FILE).exists() {
        folder::move_aside(&job.path)?;
    }
    let (toml, info) = (resolved_toml(&job.e), job.info.clone());
    let mut opened = RunFolder::open_or_create(out, &job.e.name, &job.canonical, &toml, info)?;
    if !opened.begin()? {
        board.was_there(index);
        return Ok(());
    }
    let mut share = Share { board, run: index, name: &job.name, total: 1 };
    match run(&job.e, &mut opened.folder, options, &mut share)? {
        Ended::Done { missed } if missed.is_empty() => board.ended(index, &job.name, "finished"),
        Ended::Done { missed } => board.ended(index, &job.name, &format!("finished; {}", missed.join("; "))),
        Ended::Failed { reason } => board.ended(index, &job.name, &format!("FAILED: {reason}")),
        Ended::Stopped { .. } | Ended::Paused => {}
    }
    Ok(())
}
