//! From what the user names to an experiment.

use crate::failure::Failure;
use crate::terminal::Terminal;
use apical_lab::check::{Checked, Context, canonical, check};
use apical_lab::config::{self, Override, PRESETS, Source};
use apical_lab::folder::{self, CONFIG, RunInfo, runinfo, sha256_hex};
use apical_lab::sweep::{Members, Ranking, layout};
use apical_lab::{Error, Experiment, record};
use std::path::{Path, PathBuf};

/// The config that a preset's name or a file's path means, as [`config::find`] says.
pub fn source(named: &Path, terminal: &Terminal) -> Result<Source, Failure> {
    let name = named.to_string_lossy();
    if !config::is_path(&name) && PRESETS.iter().any(|preset| preset.name == name) && named.is_file() {
        terminal.warn(&format!("{name} is taken as the preset; ./{name} is the file"));
    }
    // A path that is not UTF-8 is no preset.
    if named.to_str().is_none() { Ok(config::load_file(named)?) } else { Ok(config::find(&name, Path::new(""))?) }
}

/// What a check needs to know of this machine.
pub fn machine() -> Context {
    Context::here()
}

/// Checks a config and shows its warnings.
pub fn experiment(source: &Source, overrides: &[Override], terminal: &Terminal) -> Result<Experiment, Failure> {
    let Checked { experiment, warnings } = check(source, overrides, &machine()).map_err(Failure::Config)?;
    terminal.warnings(&warnings);
    Ok(experiment)
}

/// The experiment of a run folder, and whether config and data are still what the run began with.
pub fn of_run(run: &Path) -> Result<(Experiment, bool), Failure> {
    must_be_run(run)?;
    let info = RunInfo::read(run)?;
    let text = record::read::resolved_config(run)?;
    let source = Source::new(run.join(CONFIG).display().to_string(), text, run);
    // Its warnings were shown when the run began.
    let checked = check(&source, &[], &machine()).map_err(Failure::Config)?;
    let same = sha256_hex(canonical(&checked.experiment)?.as_bytes()) == info.config_sha256;
    Ok((checked.experiment, same))
}

/// Folders of runs, and what sweeps say of them.
#[derive(Default)]
pub struct Gathered {
    /// Each once, in the order in which they were named.
    pub folders: Vec<PathBuf>,
    /// The runs of sweeps among them, or beside them.
    pub members: Members,
    /// How many lie in folders of sweeps that were named and are no longer part of these.
    pub left_out: usize,
    /// How many folders of sweeps were named.
    pub sweeps: usize,
}

impl Gathered {
    /// Takes the folder of a sweep as the runs in it that are part of it. What is none is given back by `otherwise`.
    ///
    /// # Errors
    /// The machine's, and those of `otherwise`.
    pub fn of(named: &[PathBuf], otherwise: impl Fn(&Path) -> Result<Vec<PathBuf>, Error>) -> Result<Gathered, Error> {
        let mut all = Gathered::default();
        let mut known: Vec<PathBuf> = Vec::new();
        for path in named {
            let Some(runs) = runs_of_sweep(path) else {
                let found = otherwise(path)?;
                // Runs of a sweep may be named by themselves.
                for sweep in found.iter().filter_map(|run| run.parent()?.parent()).filter(|above| is_sweep(above)) {
                    if !known.iter().any(|other| other == sweep) {
                        known.push(sweep.to_owned());
                        all.members.join(Members::of_folder(sweep)?.unwrap_or_default());
                    }
                }
                all.add(found);
                continue;
            };
            let members = Members::of_folder(path)?;
            let is_part = |run: &PathBuf| {
                let name = run.file_name().unwrap_or_default().to_string_lossy();
                members.as_ref().is_none_or(|members| members.has(&name))
            };
            let (own, orphans): (Vec<_>, Vec<_>) =
                folder::list(&runs)?.into_iter().map(|listed| listed.path).partition(is_part);
            all.add(own);
            all.left_out += orphans.len();
            all.sweeps += 1;
            all.members.join(members.unwrap_or_default());
        }
        Ok(all)
    }

    fn add(&mut self, folders: Vec<PathBuf>) {
        for folder in folders {
            if !self.folders.contains(&folder) {
                self.folders.push(folder);
            }
        }
    }

    /// Says how many runs were left out.
    pub fn tell(&self, terminal: &Terminal) {
        match self.left_out {
            0 => {}
            1 => terminal.say("1 run is no longer part of its sweep and left out"),
            n => terminal.say(&format!("{n} runs are no longer part of their sweep and left out")),
        }
    }
}

fn is_sweep(path: &Path) -> bool {
    !path.join(runinfo::FILE).exists() && path.join(layout::SWEEP).is_file()
}

/// Where the runs lie in the folder of a sweep; nothing if it is none.
fn runs_of_sweep(path: &Path) -> Option<PathBuf> {
    let runs = path.join("runs");
    (is_sweep(path) && runs.is_dir()).then_some(runs)
}

/// By what the sweeps whose folders are named rank their runs; nothing unless all that is named is, and all do it alike.
pub fn ranking(named: &[PathBuf]) -> Result<Option<Ranking>, Error> {
    let mut common = None;
    for path in named {
        if !is_sweep(path) {
            return Ok(None);
        }
        let own = Ranking::of_folder(path)?;
        if common.as_ref().is_some_and(|common| *common != own) {
            return Ok(None);
        }
        common = Some(own);
    }
    Ok(common)
}

/// Refuses what is no run folder.
pub fn must_be_run(path: &Path) -> Result<(), Failure> {
    let allowed = "allowed: the folder of a run, as `apical run` prints it and `apical runs` lists it";
    if !path.is_dir() {
        return Err(Failure::input(path.display().to_string(), "there is no such folder", allowed));
    }
    if !path.join(runinfo::FILE).is_file() {
        return Err(Failure::input(path.display().to_string(), "no run.json in it", allowed));
    }
    Ok(())
}
