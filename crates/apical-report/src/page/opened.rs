//! Run folders opened for a report. Nothing of them is trusted: a folder that cannot be read is told of, and the others stay.

use super::model::Tone;
use crate::figures::Runs;
use apical_lab::record::{Ending, Error, Run, RunInfo};
use std::path::{Path, PathBuf};

/// How a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It came to its end.
    Finished,
    /// It failed.
    Failed,
    /// It has not ended.
    Unfinished,
    /// Its folder cannot be read.
    Damaged,
}

impl State {
    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            State::Finished => "finished",
            State::Failed => "failed",
            State::Unfinished => "unfinished",
            State::Damaged => "damaged",
        }
    }

    /// How that is to be taken.
    pub fn tone(self) -> Tone {
        match self {
            State::Finished => Tone::Good,
            State::Unfinished => Tone::Open,
            State::Failed | State::Damaged => Tone::Bad,
        }
    }
}

/// What one folder tells.
#[derive(Debug)]
pub struct Told {
    /// The folder's name.
    pub name: String,
    /// How its run is.
    pub state: State,
    /// Why it ended or cannot be read; may be empty.
    pub reason: String,
    /// Where it failed: layer, cell, step and so on, as far as the run tells.
    pub failed_at: Vec<(String, String)>,
    /// `run.json`.
    pub info: RunInfo,
    /// Its place among the runs that could be read.
    pub place: Option<usize>,
    /// What is wrong with it, or left out of it.
    pub problems: Vec<String>,
}

/// All folders of a report.
pub struct Opened {
    /// Run folders, in the order given.
    pub told: Vec<Told>,
    /// Those that could be read.
    pub runs: Runs,
    /// Folders of relations.
    pub relations: Runs,
}

impl Opened {
    /// Opens folders.
    ///
    /// # Errors
    /// If none of them can be read: what is wrong with the first.
    pub fn new(paths: &[PathBuf]) -> Result<Opened, Error> {
        let (mut told, mut runs, mut relations) = (Vec::new(), Vec::new(), Vec::new());
        let mut first = None;
        for path in paths {
            match readable(path) {
                Ok(run) if run.is_relation() => relations.push(run),
                Ok(run) => {
                    told.push(Told::of(&run, runs.len()));
                    runs.push(run);
                }
                Err(error) => {
                    told.push(Told::damaged(path, &error));
                    first = first.or(Some(error));
                }
            }
        }
        match first {
            Some(error) if runs.is_empty() && relations.is_empty() => Err(error),
            _ => Ok(Opened { told, runs: Runs::new(runs), relations: Runs::new(relations) }),
        }
    }

    /// What is told of the runs of a group.
    pub fn group(&self, group: usize) -> impl Iterator<Item = &Told> {
        self.told.iter().filter(move |told| told.place.is_some_and(|place| self.runs.groups.of[place] == group))
    }

    /// The run of what is told.
    pub fn run(&self, told: &Told) -> Option<&Run> {
        self.runs.runs.get(told.place?)
    }

    /// Final values of a metric in a group, of runs that have a finite one.
    pub fn finals(&self, group: usize, metric: &str) -> Vec<f64> {
        self.group(group).filter_map(|told| self.last(told, metric)).collect()
    }

    /// What a metric of a run came to, if that is finite.
    pub fn last(&self, told: &Told, metric: &str) -> Option<f64> {
        self.run(told)?.final_value(metric).ok()?.filter(|v| v.is_finite())
    }
}

/// A run whose metrics can be read too.
fn readable(path: &Path) -> Result<Run, Error> {
    let run = Run::open(path)?;
    run.metrics()?;
    Ok(run)
}

impl Told {
    fn of(run: &Run, place: usize) -> Told {
        let mut problems: Vec<String> = run.metrics().ok().and_then(|m| m.note.clone()).into_iter().collect();
        let mut kept = |error: Error| problems.push(error.to_string());
        let info = RunInfo::read(&run.path).map_err(&mut kept).unwrap_or_default();
        let ending = Ending::read(&run.path).map_err(&mut kept).unwrap_or_default();
        if let Err(error) = run.final_value("epochs") {
            kept(error);
        }
        let written = |value: &serde_json::Value| value.as_str().map_or(value.to_string(), str::to_owned);
        let at = |ending: &Ending| ending.place.iter().map(|(key, value)| (key.clone(), written(value))).collect();
        let failed_at = ending.as_ref().map(at).unwrap_or_default();
        let (state, reason) = match ending {
            Some(ending) if ending.done => (State::Finished, ending.reason),
            Some(ending) => (State::Failed, ending.reason),
            None => (State::Unfinished, info.exit.clone().unwrap_or_default()),
        };
        Told { name: run.name.clone(), state, reason, failed_at, info, place: Some(place), problems }
    }

    fn damaged(path: &Path, error: &Error) -> Told {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let info = RunInfo::read(path).unwrap_or_default();
        let (state, reason) = (State::Damaged, error.to_string());
        Told { name, state, reason, failed_at: Vec::new(), info, place: None, problems: Vec::new() }
    }
}
