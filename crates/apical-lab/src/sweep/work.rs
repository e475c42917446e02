//! A worker: takes runs that nobody makes, makes them, shows them when they are whole.

use super::Trouble;
use super::claim::Worker;
use super::layout::{Layout, names};
use super::median::Judge;
use super::next::{Next, Queue};
use super::plan::Planned;
use super::search::Search;
use super::spec::{Method, Spec, Stopping};
use super::tidy::tidy;
use crate::Error;
use crate::check::Context;
use crate::experiment::Experiment;
use crate::folder::RunInfo;
use crate::folder::atomic::Deferred;
use crate::run::{Options, Progress};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How a worker works; changes nothing of the results.
#[derive(Clone, Debug)]
pub struct Manner {
    /// Runs side by side.
    pub jobs: usize,
    /// Of each run.
    pub options: Options,
    /// A worker of another machine counts as dead when its counter stood still for this.
    pub stale: Duration,
    /// Wait for runs that others make, in case they die.
    pub wait: bool,
    /// Leave off after this many runs.
    pub most: Option<u64>,
}

/// What a worker needs from the command: it alone knows the program's version.
pub type Provenance<'a> = &'a (dyn Fn(&Experiment) -> Result<RunInfo, Error> + Sync);

/// What happens on the way, for who shows it.
pub trait Board: Sync {
    /// Where the progress of a run goes.
    fn progress<'a>(&'a self, index: usize, name: &'a str) -> Box<dyn Progress + 'a>;
    /// A run has ended, here or elsewhere; `how` is empty for what was there before.
    fn ended(&self, index: usize, name: &str, how: &str);
    /// Something to say.
    fn note(&self, line: &str);
}

/// How it went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Runs that this worker brought to their end.
    pub made: u64,
    /// The signal that stopped it.
    pub signal: Option<i32>,
    /// Runs that are left to others.
    pub left: u64,
}

/// A run that crashed too often: `crashed/RUN.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crash {
    /// The run.
    pub run: String,
    /// Why, at the last attempt.
    pub reason: String,
    /// How many attempts there were.
    pub attempts: u64,
}

/// What is to be done with runs now.
pub(super) enum Goal<'a> {
    /// Bring them to their end.
    End,
    /// Bring them to the end of this epoch.
    Until(u64),
    /// End them, each for its reason.
    Drop(&'a HashMap<String, String>),
}

/// The threads of a worker, at one goal.
pub(super) struct Shift<'a> {
    pub crew: &'a Crew<'a>,
    pub goal: Goal<'a>,
    pub queue: Mutex<Queue>,
    pub done: Mutex<Done>,
    trouble: Mutex<Option<Trouble>>,
}

/// Makes the runs of a plan that are missing, until there is none or a signal comes.
///
/// # Errors
/// What stops all work: the machine's, data that are missing. Runs that were begun are kept as far as they came.
pub fn work(
    spec: &Spec,
    runs: &[Planned],
    layout: &Layout,
    context: &Context,
    manner: &Manner,
    provenance: Provenance<'_>,
    board: &dyn Board,
) -> Result<Done, Trouble> {
    layout.make()?;
    let ended = ended(layout)?;
    tidy(layout, &ended)?;
    let mut there = 0;
    let mut search = (spec.method == Method::Bayes).then(|| Search::new(spec, layout));
    let runs = match &mut search {
        Some(search) => search.read(spec, context)?,
        None => runs.to_vec(),
    };
    for (i, planned) in runs.iter().enumerate().filter(|(_, planned)| ended.contains(&planned.run)) {
        board.ended(i, &planned.run, "");
        there += 1;
    }
    if there > 0 {
        board.note(&format!("{there} of {} runs have ended before", runs.len()));
    }
    let _deferred = Deferred::new(&layout.work());
    let worker = Worker::enter(layout)?;
    let all: Vec<usize> = (0..runs.len()).collect();
    let judge = match spec.stopping {
        Some(Stopping::Median(rule)) => Some(Judge::new(rule)),
        _ => None,
    };
    let crew = Crew {
        spec,
        runs: Mutex::new(runs),
        search: search.map(Mutex::new),
        judge,
        layout,
        context,
        worker: &worker,
        manner,
        provenance,
        board,
    };
    let mut done = match spec.stopping {
        Some(Stopping::Halving(halving)) => super::halving::rungs(&crew, halving, all)?,
        _ => crew.through(&all, Goal::End)?,
    };
    let ended = self::ended(layout)?;
    done.left = lock(&crew.runs).iter().filter(|planned| !ended.contains(&planned.run)).count() as u64;
    done.left += crew.search.as_ref().map_or(0, |search| spec.to_come(lock(search).len()));
    done.signal = manner.options.stop.signal().filter(|_| done.left > 0);
    drop(worker);
    tidy(layout, &ended)?;
    Ok(done)
}

/// What all shifts of a worker share.
pub(super) struct Crew<'a> {
    pub spec: &'a Spec,
    /// In the order of the plan; a search adds to them.
    pub runs: Mutex<Vec<Planned>>,
    pub search: Option<Mutex<Search>>,
    pub judge: Option<Judge>,
    pub layout: &'a Layout,
    pub context: &'a Context,
    pub worker: &'a Worker,
    pub manner: &'a Manner,
    pub provenance: Provenance<'a>,
    pub board: &'a dyn Board,
}

impl Crew<'_> {
    /// A run by its place in the plan.
    pub fn run(&self, index: usize) -> Planned {
        lock(&self.runs)[index].clone()
    }

    /// The places of runs that a search adds now.
    pub fn more(&self) -> Result<Vec<usize>, Trouble> {
        let Some(search) = &self.search else { return Ok(Vec::new()) };
        let new = lock(search).more(self.spec, self.layout, self.context, self.worker.token())?;
        let mut runs = lock(&self.runs);
        let first = runs.len();
        runs.extend(new);
        Ok((first..runs.len()).collect())
    }

    /// Brings runs to a goal, until none is missing or a signal comes.
    pub fn through(&self, runs: &[usize], goal: Goal<'_>) -> Result<Done, Trouble> {
        let there = goal.reached(self.layout)?;
        let missing = runs.iter().copied().filter(|&i| !there.contains(&self.run(i).run));
        let mut pending: VecDeque<usize> = missing.collect();
        // The runs of a search are taken in their order, so that it knows as much as it can.
        let grows = self.search.is_some();
        if !grows && names(&self.layout.workers())?.len() > 1 {
            self.go_elsewhere(&mut pending);
        }
        let threads = if grows { self.manner.jobs } else { self.manner.jobs.min(pending.len()).max(1) };
        let queue = Queue::new(pending, self.manner.stale);
        let shift = Shift {
            crew: self,
            goal,
            queue: Mutex::new(queue),
            done: Mutex::new(Done::default()),
            trouble: Mutex::new(None),
        };
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| shift.work());
            }
        });
        let queue = shift.queue.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut done = shift.done.into_inner().unwrap_or_else(PoisonError::into_inner);
        done.left = (queue.pending.len() + queue.waiting.len()) as u64;
        match shift.trouble.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(trouble) => Err(trouble),
            None => Ok(done),
        }
    }

    /// Each worker begins elsewhere: then they seldom reach for the same run.
    pub fn go_elsewhere(&self, pending: &mut VecDeque<usize>) {
        let by = usize::from_str_radix(&self.worker.token()[..12], 16).unwrap_or(0);
        pending.rotate_left(by.checked_rem(pending.len()).unwrap_or(0));
    }
}

impl Goal<'_> {
    /// Names of runs that are there already.
    pub fn reached(&self, layout: &Layout) -> Result<HashSet<String>, Error> {
        let mut all = ended(layout)?;
        if let Goal::Until(epoch) = self {
            all.extend(names(&layout.rung(*epoch))?);
        }
        Ok(all)
    }
}

/// Names of runs that need nothing more: in `runs/`, or crashed for good.
///
/// # Errors
/// The machine's.
pub fn ended(layout: &Layout) -> Result<HashSet<String>, Error> {
    let mut all = names(&layout.runs())?;
    for name in names(&layout.crashed())? {
        all.extend(name.strip_suffix(".json").map(str::to_owned));
    }
    Ok(all)
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shift<'_> {
    pub fn stopped(&self) -> bool {
        self.crew.manner.options.stop.signal().is_some() || lock(&self.trouble).is_some()
    }

    fn work(&self) {
        while !self.stopped() {
            match self.next() {
                Ok(Next::Take(index, claim)) => {
                    if let Err(trouble) = self.make(index, claim) {
                        lock(&self.trouble).get_or_insert(trouble);
                    }
                }
                Ok(Next::Wait(time)) => self.pause(time),
                Ok(Next::Nothing) => return,
                Err(trouble) => {
                    lock(&self.trouble).get_or_insert(trouble);
                }
            }
        }
    }

    pub fn pause(&self, time: Duration) {
        let begun = Instant::now();
        while begun.elapsed() < time && !self.stopped() {
            std::thread::sleep(Duration::from_millis(20).min(time));
        }
    }
}
