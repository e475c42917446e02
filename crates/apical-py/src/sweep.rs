//! Runs of sweeps, one at a time, by the claims and in the folders of `apical sweep`.

use crate::errors;
use crate::run::{Event, Teller, attended, head};
use crate::signals::abandonable;
use apical_lab::Error;
use apical_lab::check::Context;
use apical_lab::config::Source;
use apical_lab::run::{Options, Progress, Stop};
use apical_lab::sweep::work::{Board, Manner, ended, work};
use apical_lab::sweep::{Layout, Method, Plan, Spec, Stopping};
use pyo3::prelude::*;
use std::path::PathBuf;
use std::time::Duration;

/// A sweep file as Python holds it: label, name, text, folder.
type Raw = (String, String, String, PathBuf);

fn read(raw: Raw) -> PyResult<Spec> {
    let (label, name, text, folder) = raw;
    let source = Source { name, ..Source::new(label, text, folder) };
    let spec = Spec::read(&source).map_err(|list| errors::config(&list))?;
    let together = if spec.method == Method::Bayes {
        Some("a search")
    } else {
        matches!(spec.stopping, Some(Stopping::Halving(_))).then_some("successive halving")
    };
    match together {
        Some(what) => Err(errors::input(
            "sweep",
            format!("{what}: its runs depend on each other"),
            "`apical sweep run` for these; from Python a grid or a random sweep, or `apical.search`",
        )),
        None => Ok(spec),
    }
}

/// Plans a sweep in `out`: its folder, and of each run its name with keys and values in words.
#[pyfunction]
pub fn plan(py: Python<'_>, raw: Raw, out: PathBuf) -> PyResult<(PathBuf, Vec<(String, String)>)> {
    let planned = move |_: &_| {
        let spec = read(raw)?;
        let layout = Layout::new(&out, &spec.name);
        let (plan, _) = Plan::open(&spec, &layout, &Context::here(), true).map_err(|t| errors::sweep(&t))?;
        let runs = plan.runs.iter().map(|planned| (planned.run.clone(), spec.words(planned.point()))).collect();
        Ok((layout.path().to_owned(), runs))
    };
    // A plan that nobody waits for is kept, and found by whoever asks next.
    py.detach(|| abandonable(planned))?
}

/// Those of the planned runs that have not ended.
#[pyfunction]
pub fn missing(raw: Raw, out: PathBuf, runs: Vec<String>) -> PyResult<Vec<String>> {
    let layout = Layout::new(&out, &read(raw)?.name);
    let there = ended(&layout).map_err(|e| errors::error(&e))?;
    Ok(runs.into_iter().filter(|run| !there.contains(run)).collect())
}

/// What a run tells goes nowhere but to who waits for it.
struct Quiet<'a>(&'a Teller);

impl Board for Quiet<'_> {
    fn progress<'a>(&'a self, _: usize, _: &'a str) -> Box<dyn Progress + 'a> {
        Box::new(self.0)
    }

    fn ended(&self, _: usize, name: &str, how: &str) {
        self.0.tell(Event::Ended(name.to_owned(), how.to_owned()));
    }

    fn note(&self, line: &str) {
        self.0.tell(Event::Note(line.to_owned()));
    }
}

/// Makes one run of a sweep, unless it has ended; waits for it where another worker makes it. True if it has ended.
#[pyfunction]
#[pyo3(signature = (raw, out, run, threads, stale_seconds, argv, listener=None))]
pub fn make(
    py: Python<'_>,
    raw: Raw,
    out: PathBuf,
    run: String,
    threads: usize,
    stale_seconds: u64,
    argv: Vec<String>,
    listener: Option<Py<PyAny>>,
) -> PyResult<bool> {
    let stop = Stop::default();
    let options = Options { threads, stop: stop.clone(), allow_different_bits: false };
    let manner = Manner { jobs: 1, options, stale: Duration::from_secs(stale_seconds), wait: true, most: None };
    attended(py, listener.as_ref(), &stop, |teller| {
        let spec = read(raw)?;
        let (layout, context) = (Layout::new(&out, &spec.name), Context::here());
        let (plan, _) = Plan::open(&spec, &layout, &context, false).map_err(|t| errors::sweep(&t))?;
        let Some(planned) = plan.runs.into_iter().find(|planned| planned.run == run) else {
            return Err(errors::input("run", run, "a run of the sweep"));
        };
        let info = |e: &apical_lab::Experiment| -> Result<_, Error> { head(e, threads, &argv) };
        let done = work(&spec, &[planned], &layout, &context, &manner, &info, &Quiet(teller));
        Ok(done.map_err(|t| errors::sweep(&t))?.left == 0)
    })?
}
