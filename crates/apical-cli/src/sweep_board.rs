//! What `apical sweep run` does as runs end: shows them, and adds them to a table that is kept elsewhere.

use crate::board::{Board, Share};
use crate::terminal::Terminal;
use apical_lab::error::{Error, Kind};
use apical_lab::run::Progress;
use apical_lab::sweep::kept::Kept;
use apical_lab::sweep::{Layout, Plan, Planned, work};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// What a sweep tells while it works: its runs as shares of one bar, and what went wrong.
pub struct Shown<'a> {
    /// The bar.
    pub board: Board<'a>,
    /// The table, if there is one.
    pub kept: Option<Keeping<'a>>,
}

/// The table that runs are added to as they end, and why the last could not be.
pub struct Keeping<'a> {
    runs: &'a Layout,
    missing: &'a [Planned],
    table: Mutex<(Kept<'a>, Option<Error>)>,
}

impl<'a> Keeping<'a> {
    /// A table for the runs of a sweep that do not stand in it.
    pub fn new(runs: &'a Layout, missing: &'a [Planned], table: Kept<'a>) -> Self {
        Keeping { runs, missing, table: Mutex::new((table, None)) }
    }

    /// Adds a run; what there is to be told if that does not go, or goes again.
    fn add(&self, index: usize) -> Option<String> {
        let mut held = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let (table, trouble) = &mut *held;
        // What crashed has no folder, and is no result.
        let run = self.missing.get(index).filter(|p| self.runs.runs().join(&p.run).is_dir());
        let now = table.add(run?).err();
        let is_machine = |error: &Error| error.kind == Kind::Machine;
        match (&*trouble, now) {
            (Some(before), Some(now)) if before.to_string() == now.to_string() => None,
            (_, Some(now)) => {
                // What could not be written stays in memory, for the next time; a run that is damaged has no row.
                let kept = if is_machine(&now) { "; rows are kept in memory until it can be written" } else { "" };
                Some(format!("{now}{kept}")).inspect(|_| *trouble = Some(now))
            }
            (Some(before), None) if is_machine(before) => {
                *trouble = None;
                Some("the table can be written again, and nothing is missing in it".to_owned())
            }
            (_, None) => None,
        }
    }

    /// Writes what is left, and gives the table back.
    ///
    /// # Errors
    /// What kept the last rows from being written.
    pub fn end(self) -> Result<Kept<'a>, Error> {
        let (mut table, trouble) = self.table.into_inner().unwrap_or_else(PoisonError::into_inner);
        table.flush()?;
        trouble.map_or(Ok(table), Err)
    }
}

/// Tells how much of a sweep a table holds, and what in it is of no run.
pub fn told_of_table(kept: &Kept<'_>, path: &Path, plan: &Plan, terminal: &Terminal) {
    let stand = plan.runs.iter().filter(|p| kept.has(&p.run)).count();
    terminal.say(&format!("{stand} of {} runs stand in {}", plan.runs.len(), path.display()));
    let foreign = kept.foreign();
    if foreign > 0 {
        terminal.warn(&format!("{}: {foreign} rows are no longer part of the sweep; they are kept", path.display()));
    }
}

impl work::Board for Shown<'_> {
    fn progress<'a>(&'a self, index: usize, name: &'a str) -> Box<dyn Progress + 'a> {
        Box::new(Share { board: &self.board, run: index, name, total: 1 })
    }

    fn ended(&self, index: usize, name: &str, how: &str) {
        match how {
            "" | "made by another worker" => self.board.was_there(index),
            "finished" => self.board.counted(index),
            _ => self.board.ended(index, name, how),
        }
        if let Some(told) = self.kept.as_ref().and_then(|kept| kept.add(index)) {
            self.board.warn(&told);
        }
    }

    fn note(&self, line: &str) {
        self.board.note(line);
    }
}
