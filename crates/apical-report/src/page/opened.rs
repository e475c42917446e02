//! Run folders opened for a report. Nothing of them is trusted: a folder that cannot be read is told of, and the others stay.

use super::model::Tone;
use super::verdict::SCORES;
use crate::figures::Runs;
use apical_lab::record::read::final_metrics;
use apical_lab::record::{Ending, Error, FINAL_METRICS, Members, Run, RunInfo};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The squares of what is larger are not finite: no score of ours.
const LARGEST: f64 = 1e150;

/// How a reason begins that tells of an expectation.
const MISSED: &str = "missed [expect]";

/// How a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It came to its end.
    Finished,
    /// It came to its end without what it was expected to reach.
    Missed,
    /// It was ended before its last epoch, since others did better.
    Early,
    /// It failed.
    Failed,
    /// It has not ended.
    Unfinished,
    /// Its folder cannot be read.
    Damaged,
    /// Another run of the report has the same config and seed, and counts for both.
    Copy,
}

impl State {
    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            State::Finished => "finished",
            State::Missed => "missed [expect]",
            State::Early => "ended early",
            State::Failed => "failed",
            State::Unfinished => "unfinished",
            State::Damaged => "damaged",
            State::Copy => "copy",
        }
    }

    /// How that is to be taken.
    pub fn tone(self) -> Tone {
        match self {
            State::Finished => Tone::Good,
            State::Unfinished | State::Early => Tone::Open,
            State::Failed | State::Damaged | State::Missed => Tone::Bad,
            State::Copy => Tone::Plain,
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
    /// The epoch after which it was ended early.
    pub stopped_at: Option<u64>,
    /// Where it failed: layer, cell, step and so on, as far as the run tells.
    pub failed_at: Vec<(String, String)>,
    /// `run.json`.
    pub info: RunInfo,
    /// Its place among the runs that count.
    pub place: Option<usize>,
    /// What is wrong with it, or left out of it.
    pub problems: Vec<String>,
}

/// All folders of a report.
pub struct Opened {
    /// Run folders, in the order given.
    pub told: Vec<Told>,
    /// Those that could be read, each config with a seed once.
    pub runs: Runs,
    /// Folders of relations.
    pub relations: Runs,
}

impl Opened {
    /// Opens folders.
    ///
    /// # Errors
    /// If none of them can be read: what is wrong with the first.
    pub fn new(paths: &[PathBuf], members: &Members) -> Result<Opened, Error> {
        let (mut told, mut read, mut relations) = (Vec::new(), Vec::new(), Vec::new());
        let mut first = None;
        for path in paths {
            match readable(path) {
                Ok(run) if run.is_relation() => relations.push(run),
                Ok(run) => {
                    told.push(Told::of(&run));
                    read.push(Some(run));
                }
                Err(error) => {
                    told.push(Told::damaged(path, &error));
                    read.push(None);
                    first = first.or(Some(error));
                }
            }
        }
        let runs = counted(&mut told, read);
        match first {
            Some(error) if runs.is_empty() && relations.is_empty() => Err(error),
            _ => Ok(Opened { told, runs: Runs::of_sweeps(runs, members), relations: Runs::new(relations) }),
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

    /// Final values of a metric in a group, of runs that have a finite one. Runs that differ in what they record alone are of
    /// one group and come to the same: each seed has one value. None of a group of which a run was ended early while others went
    /// on: its runs have come to other ends, and the mean of those that are left would be that of the lucky ones.
    pub fn finals(&self, group: usize, metric: &str) -> Vec<f64> {
        if self.runs.early(group).is_some() {
            return Vec::new();
        }
        let mut seeds = BTreeSet::new();
        let mut value = |told: &Told| {
            let seed = self.run(told)?.settings.get("seed");
            let value = self.last(told, metric)?;
            seed.is_none_or(|seed| seeds.insert(seed.to_owned())).then_some(value)
        };
        self.group(group).filter_map(&mut value).collect()
    }

    /// What a metric of a run came to, if that is finite; its last value, if the final ones are damaged.
    pub fn last(&self, told: &Told, metric: &str) -> Option<f64> {
        let run = self.run(told)?;
        let value = match run.final_value(metric) {
            Ok(value) => value,
            Err(_) => run.series(metric).ok()?.and_then(|series| series.values.last().copied()),
        };
        value.filter(|v| v.abs() <= LARGEST)
    }
}

/// A run whose metrics can be read too, or a relation whose table can.
fn readable(path: &Path) -> Result<Run, Error> {
    let run = Run::open(path)?;
    run.metrics()?;
    run.relation()?;
    Ok(run)
}

/// Of runs of one config and seed, which come to the same, one counts: the first that came to its end, else the first.
fn counted(told: &mut [Told], read: Vec<Option<Run>>) -> Vec<Run> {
    let config = |run: &Run| -> Vec<(String, String)> {
        run.settings.entries().iter().filter(|(key, _)| key != "name").cloned().collect()
    };
    let ended = |told: &Told| matches!(told.state, State::Finished | State::Missed | State::Early);
    let mut first: BTreeMap<_, usize> = BTreeMap::new();
    for (i, run) in read.iter().enumerate() {
        let Some(run) = run else { continue };
        let kept = first.entry(config(run)).or_insert(i);
        if !ended(&told[*kept]) && ended(&told[i]) {
            *kept = i;
        }
    }
    let mut runs = Vec::new();
    for (i, run) in read.into_iter().enumerate() {
        let Some(run) = run else { continue };
        match first.get(&config(&run)) {
            Some(&kept) if kept != i => {
                let reason = format!("the same config and seed as {}, which counts for both", told[kept].name);
                (told[i].state, told[i].reason) = (State::Copy, reason);
            }
            _ => {
                told[i].place = Some(runs.len());
                runs.push(run);
            }
        }
    }
    runs
}

impl Told {
    fn of(run: &Run) -> Told {
        let mut problems: Vec<String> = run.metrics().ok().and_then(|m| m.note.clone()).into_iter().collect();
        let mut kept = |error: Error| problems.push(error.to_string());
        let info = RunInfo::read(&run.path).map_err(&mut kept).unwrap_or_default();
        let ending = Ending::read(&run.path).map_err(&mut kept).unwrap_or_default();
        match final_metrics(&run.path) {
            // A run that goes on or failed has none.
            Err(_) if !run.path.join(FINAL_METRICS).exists() => {}
            Err(error) => kept(error),
            Ok(found) => {
                let odd = |v: &serde_json::Value| !v.is_null() && !v.as_f64().is_some_and(|v| v.abs() <= LARGEST);
                for (name, value) in
                    SCORES.iter().filter_map(|name| Some((name, found.get(*name)?))).filter(|f| odd(f.1))
                {
                    let place = format!("{}: {name}", run.path.join(FINAL_METRICS).display());
                    kept(Error::input(
                        place,
                        value.to_string(),
                        "left out: allowed is a number of up to 1e150, or null",
                    ));
                }
            }
        }
        let written = |value: &serde_json::Value| value.as_str().map_or(value.to_string(), str::to_owned);
        let at = |ending: &Ending| ending.place.iter().map(|(key, value)| (key.clone(), written(value))).collect();
        let failed_at = ending.as_ref().map(at).unwrap_or_default();
        let stopped_at = ending.as_ref().and_then(Ending::stopped_at);
        let (state, reason) = match ending {
            Some(ending) if stopped_at.is_some() => (State::Early, ending.reason),
            Some(ending) if ending.done && ending.reason.contains(MISSED) => (State::Missed, ending.reason),
            Some(ending) if ending.done => (State::Finished, ending.reason),
            Some(ending) => (State::Failed, ending.reason),
            None => (State::Unfinished, info.exit.clone().unwrap_or_default()),
        };
        Told { name: run.name.clone(), state, reason, stopped_at, failed_at, info, place: None, problems }
    }

    /// What was expected and not reached, each in words.
    pub fn missed(&self) -> impl Iterator<Item = &str> {
        let parts = if self.state == State::Missed { &self.reason[..] } else { "" };
        parts.split("; ").filter(|part| part.starts_with(MISSED))
    }

    fn damaged(path: &Path, error: &Error) -> Told {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let info = RunInfo::read(path).unwrap_or_default();
        let (state, reason) = (State::Damaged, error.to_string());
        Told { name, state, reason, stopped_at: None, failed_at: Vec::new(), info, place: None, problems: Vec::new() }
    }
}
