//! Making a run from Python: the run has a thread of its own, and the thread that asked waits, shows progress, calls back and
//! lets Python handle its signals. So Ctrl-C is heard at once, and everything of Python happens where Python expects it.

use crate::config::Config;
use crate::errors;
use crate::signals::look;
use crate::{COMMIT, VERSION};
use apical_lab::check::{canonical, resolved_toml};
use apical_lab::folder::{self, RunFolder, RunInfo, runinfo};
use apical_lab::record::When;
use apical_lab::run::provenance::{Program, run_info};
use apical_lab::run::{Options, Progress, Stop, check_files};
use apical_lab::{Error, Experiment};
use pyo3::prelude::*;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long the waiting thread sleeps at most before it looks at signals and progress.
const TICK: Duration = Duration::from_millis(50);

/// What the run tells the thread that waits.
pub enum Event {
    /// So many presentations in all, so many made.
    Begin(u64, u64),
    /// A line for people.
    Note(String),
    /// A validation; the run goes on when the answer comes.
    Evaluated(When, Vec<(String, f64)>, SyncSender<()>),
    /// A run of a sweep has ended.
    Ended(String, String),
}

/// The run's side.
pub struct Teller {
    events: Mutex<Sender<Event>>,
    made: Arc<AtomicU64>,
}

impl Teller {
    /// Tells something; nobody may be listening any more.
    pub fn tell(&self, event: Event) {
        let _ = self.events.lock().unwrap_or_else(PoisonError::into_inner).send(event);
    }
}

impl Progress for &Teller {
    fn begin(&mut self, total: u64, done: u64) {
        self.made.store(done, Ordering::Relaxed);
        self.tell(Event::Begin(total, done));
    }

    fn advance(&mut self, done: u64) {
        self.made.store(done, Ordering::Relaxed);
    }

    fn evaluated(&mut self, when: When, found: &[(&str, f64)]) {
        let (answer, answered) = sync_channel(1);
        let found = found.iter().map(|&(name, value)| (name.to_owned(), value)).collect();
        self.tell(Event::Evaluated(when, found, answer));
        // Without an answer the listener has gone, and has asked to stop.
        let _ = answered.recv();
    }

    fn note(&mut self, line: &str) {
        self.tell(Event::Note(line.to_owned()));
    }

    fn end(&mut self) {}
}

/// Does `work` in a thread of its own while this one listens. What Python raises meanwhile stops the work and is raised when
/// it has ended.
///
/// `listener` has methods begin(total, done), advance(done), note(line), ended(name, how) and
/// evaluated(presentation, epoch, time_ms, found), which returns True to stop.
pub fn attended<R: Send>(
    py: Python<'_>,
    listener: Option<&Py<PyAny>>,
    stop: &Stop,
    work: impl FnOnce(&Teller) -> R + Send,
) -> PyResult<R> {
    let (events, told) = channel();
    let made = Arc::new(AtomicU64::new(0));
    let teller = Teller { events: Mutex::new(events), made: made.clone() };
    let (result, raised) = py.detach(|| {
        let told = told;
        std::thread::scope(|scope| {
            // The teller goes with the work: its end is the end of what is told.
            let worker = scope.spawn(move || work(&teller));
            let raised = listen(&told, listener, stop, &made);
            (worker.join(), raised)
        })
    });
    match (result, raised) {
        (Err(panic), _) => Err(errors::panic(&*panic)),
        (Ok(_), Some(raised)) => Err(raised),
        (Ok(result), None) => Ok(result),
    }
}

fn listen(told: &Receiver<Event>, listener: Option<&Py<PyAny>>, stop: &Stop, made: &AtomicU64) -> Option<PyErr> {
    let mut raised: Option<PyErr> = None;
    let mut shown = None;
    loop {
        let done = match told.recv_timeout(TICK) {
            Ok(event) => hear(event, listener.filter(|_| raised.is_none()), stop),
            Err(RecvTimeoutError::Timeout) => {
                let now = made.load(Ordering::Relaxed);
                let news = listener.filter(|_| raised.is_none() && shown != Some(now));
                shown = Some(now);
                look().and_then(|()| match news {
                    Some(listener) => Python::attach(|py| listener.call_method1(py, "advance", (now,)).map(|_| ())),
                    None => Ok(()),
                })
            }
            Err(RecvTimeoutError::Disconnected) => return raised,
        };
        if let Err(error) = done {
            stop.ask();
            raised.get_or_insert(error);
        }
    }
}

fn hear(event: Event, listener: Option<&Py<PyAny>>, stop: &Stop) -> PyResult<()> {
    let Some(listener) = listener else { return Ok(()) };
    Python::attach(|py| {
        py.check_signals()?;
        match event {
            Event::Begin(total, done) => listener.call_method1(py, "begin", (total, done)).map(|_| ()),
            Event::Note(line) => listener.call_method1(py, "note", (line,)).map(|_| ()),
            Event::Ended(name, how) => listener.call_method1(py, "ended", (name, how)).map(|_| ()),
            Event::Evaluated(when, found, _answer) => {
                let arguments = (when.presentation, when.epoch, when.time_ms, found);
                let wants_stop = listener.call_method1(py, "evaluated", arguments)?.bind(py).is_truthy()?;
                if wants_stop {
                    stop.ask();
                }
                Ok(())
            }
        }
    })
}

/// The head of `run.json` of a run that Python makes.
pub fn head(e: &Experiment, threads: usize, argv: &[String]) -> Result<RunInfo, Error> {
    run_info(e, threads, Program { version: VERSION.into(), commit: COMMIT.into(), argv: argv.to_vec() })
}

/// Makes or goes on with the run of an experiment in `out`; returns its folder. With `again` an older one is moved aside.
#[pyfunction]
#[pyo3(signature = (config, out, threads, again, allow_different_bits, argv, listener))]
pub fn run(
    py: Python<'_>,
    config: &Config,
    out: PathBuf,
    threads: usize,
    again: bool,
    allow_different_bits: bool,
    argv: Vec<String>,
    listener: Option<Py<PyAny>>,
) -> PyResult<PathBuf> {
    let e = &config.e;
    let stop = Stop::default();
    let options = Options { threads, stop: stop.clone(), allow_different_bits };
    let made = attended(py, listener.as_ref(), &stop, |teller| -> Result<PathBuf, Error> {
        let canonical = canonical(e)?;
        let path = out.join(folder::folder_name(&e.name, &canonical)?);
        let is_run = path.join(runinfo::FILE).exists();
        if again || !is_run {
            check_files(e)?;
        }
        if again && is_run {
            folder::move_aside(&path)?;
        }
        let info = if is_run && !again { RunInfo::default() } else { head(e, threads, &argv)? };
        let mut opened = RunFolder::open_or_create(&out, &e.name, &canonical, &resolved_toml(e), info)?;
        if opened.begin()? {
            apical_lab::run::run(e, &mut opened.folder, &options, &mut { teller })?;
        }
        Ok(path)
    });
    made?.map_err(|e| errors::error(&e))
}
