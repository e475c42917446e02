//! Runs seen from outside, by their files alone: how far they are, what their curves do, whether they live. Nothing is
//! written or locked for long; what is missing, half-written or not ours becomes a problem in words.

mod config;
mod pace;
mod run;
mod tail;

pub use run::{Point, Run, Seen, State};
pub use tail::Curve;

use crate::error::Error;
use crate::folder::{CHECKPOINTS, CONFIG, METRICS, runinfo};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// A folder of runs, or a single one, that is looked at again and again.
#[derive(Debug)]
pub struct Watch {
    root: PathBuf,
    /// `root` is a run.
    single: bool,
    runs: Vec<Run>,
    looks: u32,
}

/// Runs that have ended are looked at once in so many looks: there may be thousands, behind a network.
const ENDED: u32 = 10;

impl Watch {
    /// Watches a run folder, or all run folders in a folder.
    ///
    /// # Errors
    /// `Input` if there is no such folder.
    pub fn new(root: &Path) -> Result<Self, Error> {
        if !root.is_dir() {
            let found = if root.exists() { "this is no folder" } else { "there is no such folder" };
            return Err(Error::input(root.display().to_string(), found, "a run folder, or a folder that holds some"));
        }
        let single = is_run(root) || root.join(CHECKPOINTS).is_dir();
        let runs = if single { vec![Run::new(root.to_path_buf())] } else { Vec::new() };
        Ok(Watch { root: root.to_path_buf(), single, runs, looks: 0 })
    }

    /// What is watched is one run.
    pub fn is_single(&self) -> bool {
        self.single
    }

    /// Looks at the files of all runs; true if some have more than was read.
    ///
    /// # Errors
    /// The machine's, if the folder cannot be read.
    pub fn look(&mut self) -> Result<bool, Error> {
        if !self.single {
            self.find()?;
        }
        let all = self.looks.is_multiple_of(ENDED);
        self.looks = self.looks.wrapping_add(1);
        let mut more = false;
        for run in self.runs.iter_mut().filter(|run| all || !run.is_settled()) {
            more |= run.look(Instant::now());
        }
        Ok(more)
    }

    /// What there is to see: runs that have not ended first, then by name.
    pub fn seen(&self) -> Vec<Seen> {
        let now = Instant::now();
        let mut list: Vec<Seen> = self.runs.iter().map(|run| run.seen(now)).collect();
        list.sort_by(|a, b| a.state.has_ended().cmp(&b.state.has_ended()).then_with(|| a.name.cmp(&b.name)));
        list
    }

    fn find(&mut self) -> Result<(), Error> {
        let machine = |source: std::io::Error| Error::machine(self.root.display().to_string(), source);
        let mut paths = BTreeSet::new();
        for entry in std::fs::read_dir(&self.root).map_err(machine)? {
            let path = entry.map_err(machine)?.path();
            if path.is_dir() && is_run(&path) {
                paths.insert(path);
            }
        }
        // What is left of the paths after this are new runs.
        self.runs.retain(|run| paths.remove(&run.path));
        self.runs.extend(paths.into_iter().map(Run::new));
        Ok(())
    }
}

fn is_run(path: &Path) -> bool {
    [runinfo::FILE, CONFIG, METRICS].iter().any(|name| path.join(name).symlink_metadata().is_ok())
}
