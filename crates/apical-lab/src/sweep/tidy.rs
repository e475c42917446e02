//! What workers leave behind, and where runs wait.

use super::claim::bury;
use super::layout::{Layout, RUNGS, names};
use crate::Error;
use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;

/// Removes what is left of claims and attempts on runs that `ended`, and the files of workers that died on this machine.
pub(super) fn tidy(layout: &Layout, ended: &HashSet<String>) -> Result<(), Error> {
    let ended: HashSet<&str> = ended.iter().filter_map(|run| Some(run.rsplit_once('-')?.1)).collect();
    for name in names(&layout.claims())? {
        if name.split_once('.').is_some_and(|(id, _)| ended.contains(id)) {
            let _ = fs::remove_file(layout.claims().join(name));
        }
    }
    for name in names(&layout.work())? {
        if name.split_once('.').is_some_and(|(id, _)| ended.contains(id)) {
            let _ = fs::remove_dir_all(layout.work().join(name));
        }
    }
    bury(layout)
}

/// Folders in which runs wait, the latest epoch first.
pub(super) fn rungs(layout: &Layout) -> Result<Vec<PathBuf>, Error> {
    let mut epochs: Vec<u64> = names(&layout.join(RUNGS))?.iter().filter_map(|name| name.parse().ok()).collect();
    epochs.sort_unstable();
    Ok(epochs.into_iter().rev().map(|epoch| layout.rung(epoch)).collect())
}
