//! A run as a worker of a sweep makes it: attempts in a folder of its own, until it can be shown, is given up, or is
//! another worker's.

use super::Trouble;
use super::claim::Claim;
use super::layout::{copy_folder, machine};
use super::plan::Planned;
use super::tidy::rungs;
use super::work::{Crash, Goal, Shift, lock};
use crate::Error;
use crate::check::resolved_toml;
use crate::error::Kind;
use crate::experiment::Experiment;
use crate::folder::atomic::{sync_folder, sync_tree};
use crate::folder::{RunFolder, write_atomic};
use crate::run::{Ended, end_early, run_until};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A run at which so many workers died is given up: it may well be what killed them.
const MOST_DEATHS: u64 = 25;
/// Pause before what crashed is tried again.
const PAUSE: Duration = Duration::from_secs(1);

impl Shift<'_> {
    /// Makes a run, again if it crashes.
    pub fn make(&self, index: usize, claim: Claim) -> Result<(), Trouble> {
        let planned = self.crew.run(index);
        let attempt = self.crew.layout.attempt(planned.id(), claim.generation);
        let mut attempts = claim.deaths;
        loop {
            if claim.deaths >= MOST_DEATHS {
                let reason = format!("{} workers died at it", claim.deaths);
                return Ok(self.give_up(index, claim, &reason, attempts)?);
            }
            attempts += 1;
            let caught = catch_unwind(AssertUnwindSafe(|| self.attempt(index, &claim, &attempt)));
            let was_there = attempt.exists();
            let (reason, trouble) = match caught {
                Ok(Ok(Some((place, how)))) => return Ok(self.show(index, claim, &attempt, &place, &how)?),
                Ok(Ok(None)) => {
                    claim.release();
                    lock(&self.queue).pending.push_back(index);
                    return Ok(());
                }
                // Whoever took the run over makes it; what happened here is of no interest.
                Ok(Err(_)) if !claim.holds() => {
                    self.lost(index, &attempt);
                    return Ok(());
                }
                Ok(Err(Trouble::Error(error))) if error.kind == Kind::Machine => {
                    (error.to_string(), Trouble::Error(error))
                }
                Ok(Err(trouble)) => {
                    claim.release();
                    return Err(trouble);
                }
                Err(panic) => {
                    let text = panic.downcast_ref::<String>().cloned();
                    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
                    let reason = format!("a bug of apical: {}", text.unwrap_or_default());
                    (reason.clone(), Trouble::Error(Error::science(planned.run.clone(), reason, "")))
                }
            };
            let is_machine = matches!(&trouble, Trouble::Error(error) if error.kind == Kind::Machine);
            if attempts <= self.crew.spec.retries + claim.deaths && !self.stopped() {
                self.crew.board.note(&format!("{}: {reason}; it is tried again", planned.run));
                self.pause(PAUSE);
                continue;
            }
            if is_machine && was_there {
                // A full disk is full for all runs.
                claim.release();
                return Err(trouble);
            }
            return Ok(self.give_up(index, claim, &reason, attempts)?);
        }
    }

    /// One attempt: where the run belongs now and how it ended, or nothing if it was asked to stop.
    fn attempt(&self, index: usize, claim: &Claim, attempt: &Path) -> Result<Option<(PathBuf, String)>, Trouble> {
        let planned = self.crew.run(index);
        let (e, canonical) = self.crew.spec.planned(&planned, self.crew.context)?;
        self.take_over(&planned, claim.generation, attempt)?;
        let ended = match self.go_on(index, &e, &canonical, attempt) {
            // What a machine's death left may be in pieces.
            Err(error) if error.kind == Kind::Input && attempt.join(&planned.run).exists() && claim.generation > 1 => {
                fs::remove_dir_all(attempt).map_err(|source| machine(attempt, source))?;
                self.crew
                    .board
                    .note(&format!("{}: begun anew, since what was left of it is damaged: {error}", planned.run));
                self.go_on(index, &e, &canonical, attempt)?
            }
            ended => ended?,
        };
        let runs = self.crew.layout.runs();
        Ok(match ended {
            Ended::Done { missed } if missed.is_empty() => Some((runs, "finished".to_owned())),
            Ended::Done { missed } => Some((runs, format!("finished; {}", missed.join("; ")))),
            Ended::Failed { reason } => Some((runs, format!("FAILED: {reason}"))),
            Ended::Paused => Some((self.crew.layout.rung(self.until()), String::new())),
            Ended::Stopped { .. } => None,
        })
    }

    fn until(&self) -> u64 {
        if let Goal::Until(epoch) = self.goal { epoch } else { u64::MAX }
    }

    fn go_on(&self, index: usize, e: &Experiment, canonical: &str, attempt: &Path) -> Result<Ended, Error> {
        let info = (self.crew.provenance)(e)?;
        let mut opened = RunFolder::open_or_create(attempt, &e.name, canonical, &resolved_toml(e), info)?;
        if !opened.begin()? {
            // Its worker died between its end and its move.
            return Ok(Ended::Done { missed: Vec::new() });
        }
        if let Goal::Drop(reasons) = &self.goal {
            let reason = reasons.get(&self.crew.run(index).run).map_or("", String::as_str);
            end_early(&mut opened.folder, reason)?;
            return Ok(Ended::Done { missed: Vec::new() });
        }
        let planned = self.crew.run(index);
        let mut progress = self.crew.board.progress(index, &planned.run);
        let mut until = self.until();
        if let Some(judge) = &self.crew.judge {
            until = judge.first();
        }
        loop {
            let ended = run_until(e, &mut opened.folder, &self.crew.manner.options, &mut *progress, until)?;
            let Some(judge) = self.crew.judge.as_ref().filter(|_| ended == Ended::Paused) else { return Ok(ended) };
            if let Some(reason) = judge.ends(self.crew, &planned.run, opened.folder.path(), until)? {
                end_early(&mut opened.folder, &reason)?;
                return Ok(Ended::Done { missed: Vec::new() });
            }
            until = judge.next(until);
        }
    }

    /// Brings what an earlier claim left into this one's folder. A copy: who was taken for dead may still write in it.
    fn take_over(&self, planned: &Planned, generation: u64, attempt: &Path) -> Result<(), Error> {
        if attempt.join(&planned.run).exists() {
            return Ok(());
        }
        let layout = self.crew.layout;
        let before = (1..generation).rev().map(|before| layout.attempt(planned.id(), before));
        // Without an attempt at this goal it is where the last goal left it.
        for left in before.chain(rungs(layout)?).map(|folder| folder.join(&planned.run)) {
            if left.is_dir() {
                let half = attempt.join(format!(".{}.half", planned.run));
                let _ = fs::remove_dir_all(&half);
                copy_folder(&left, &half)?;
                return fs::rename(&half, attempt.join(&planned.run)).map_err(|source| machine(&half, source));
            }
        }
        Ok(())
    }

    /// Moves a run to where it belongs now, if the claim still holds.
    fn show(&self, index: usize, claim: Claim, attempt: &Path, place: &Path, how: &str) -> Result<(), Error> {
        let planned = self.crew.run(index);
        let (from, to) = (attempt.join(&planned.run), place.join(&planned.run));
        fs::create_dir_all(place).map_err(|source| machine(place, source))?;
        sync_tree(&from).map_err(|source| machine(&from, source))?;
        if !claim.holds() {
            self.lost(index, attempt);
            return Ok(());
        }
        match fs::rename(&from, &to) {
            Ok(()) => sync_folder(place).map_err(|source| machine(&to, source))?,
            // Another worker was here between the two lines above; both computed the same.
            Err(_) if to.exists() => {}
            Err(source) => return Err(machine(&to, source)),
        }
        self.clear(&planned, claim.generation, place);
        claim.finish();
        if place == self.crew.layout.runs() {
            lock(&self.done).made += 1;
            self.crew.board.ended(index, &planned.run, how);
        }
        Ok(())
    }

    /// Another worker has the run.
    fn lost(&self, index: usize, attempt: &Path) {
        let _ = fs::remove_dir_all(attempt);
        self.crew.board.note(&format!("{}: another worker took it over", self.crew.run(index).run));
        lock(&self.queue).waiting.push((index, false));
    }

    fn give_up(&self, index: usize, claim: Claim, reason: &str, attempts: u64) -> Result<(), Error> {
        let planned = self.crew.run(index);
        let crash = Crash { run: planned.run.clone(), reason: reason.to_owned(), attempts };
        let text = serde_json::to_string_pretty(&crash).map_err(|source| Error::machine("crash", source))?;
        let path: PathBuf = self.crew.layout.crashed().join(format!("{}.json", planned.run));
        write_atomic(&path, format!("{text}\n").as_bytes(), "ending")?;
        claim.finish();
        self.crew.board.ended(index, &planned.run, &format!("CRASHED: {reason}"));
        Ok(())
    }

    /// Removes what attempts left.
    fn clear(&self, planned: &Planned, generation: u64, place: &Path) {
        for before in 1..=generation {
            let _ = fs::remove_dir_all(self.crew.layout.attempt(planned.id(), before));
        }
        for rung in rungs(self.crew.layout).unwrap_or_default().into_iter().filter(|rung| rung != place) {
            let _ = fs::remove_dir_all(rung.join(&planned.run));
        }
    }
}
