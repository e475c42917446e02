//! Successive halving (Jamieson & Talwalkar, AISTATS 2016): all runs go to a first epoch, the best of them to a later one,
//! and so on. Each rung is decided once, when all runs have come to it, and kept in `rungs/EPOCH.json`: so the decision is
//! the same whoever takes it, however many workers there are and whenever they die.

use super::layout::{RUNGS, keep_first};
use super::ranking::must_have;
use super::spec::Halving;
use super::table::score;
use super::work::{Crew, Done, Goal};
use super::{Layout, Trouble};
use crate::Error;
use crate::folder::atomic::read_large_text;
use crate::folder::runinfo::STOPPED_EARLY;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

/// What was decided at an epoch.
#[derive(Debug, Serialize, Deserialize)]
struct Decision {
    /// Runs that go on.
    on: Vec<String>,
    /// Runs that are ended, with the reason.
    off: HashMap<String, String>,
}

/// Brings runs through all rungs.
pub(super) fn rungs(crew: &Crew<'_>, halving: Halving, all: Vec<usize>) -> Result<Done, Trouble> {
    let (mut alive, mut done) = (all, Done::default());
    let mut epoch = halving.first;
    loop {
        let decision = match read(crew.layout, epoch)? {
            Some(decision) => decision,
            None => {
                let now = crew.through(&alive, Goal::Until(epoch))?;
                done.made += now.made;
                if now.left > 0 || crew.manner.options.stop.signal().is_some() {
                    return Ok(done);
                }
                let waiting = crew.layout.rung(epoch);
                if !alive.iter().any(|&i| waiting.join(&crew.run(i).run).exists()) {
                    // All have ended: none was longer than this.
                    return Ok(done);
                }
                decide(crew, halving, epoch, &alive)?
            }
        };
        let (off, on): (Vec<usize>, Vec<usize>) =
            alive.iter().copied().partition(|&i| decision.off.contains_key(&crew.run(i).run));
        let now = crew.through(&off, Goal::Drop(&decision.off))?;
        done.made += now.made;
        if now.left > 0 || crew.manner.options.stop.signal().is_some() {
            return Ok(done);
        }
        let on_names: HashSet<&str> = decision.on.iter().map(String::as_str).collect();
        alive = on.into_iter().filter(|&i| on_names.contains(crew.run(i).run.as_str())).collect();
        if alive.is_empty() {
            return Ok(done);
        }
        epoch = epoch.saturating_mul(halving.factor);
    }
}

/// Ranks the runs that wait at an epoch with those that ended before it; the decision that is kept first stands.
fn decide(crew: &Crew<'_>, halving: Halving, epoch: u64, alive: &[usize]) -> Result<Decision, Error> {
    let (waiting, ended) = (crew.layout.rung(epoch), crew.layout.runs());
    let mut ranked: Vec<(Option<f64>, usize, bool)> = Vec::new();
    for &i in alive {
        let name = crew.run(i).run;
        let waits = waiting.join(&name).exists();
        let folder = if waits { waiting.join(&name) } else { ended.join(&name) };
        ranked.push((score(&folder, &crew.spec.ranking).filter(|x| x.is_finite()), i, waits));
    }
    // That no run has a score is the fault of the metric, or of all runs.
    if ranked.iter().all(|(score, ..)| score.is_none())
        && let Some((_, i, _)) = ranked.iter().find(|(.., waits)| *waits)
    {
        must_have(&waiting.join(crew.run(*i).run), &crew.spec.ranking)?;
    }
    let sign = if crew.spec.ranking.minimise { 1.0 } else { -1.0 };
    let key = |score: Option<f64>| score.map_or(f64::INFINITY, |x| sign * x);
    // Ties by the order of the plan: the sort is stable.
    ranked.sort_by(|a, b| key(a.0).total_cmp(&key(b.0)));
    let keep = ranked.len().div_ceil(usize::try_from(halving.factor).unwrap_or(usize::MAX));
    let mut decision = Decision { on: Vec::new(), off: HashMap::new() };
    let all = ranked.len();
    for (rank, (score, i, waits)) in ranked.into_iter().enumerate() {
        let name = crew.run(i).run.clone();
        if waits && rank < keep {
            decision.on.push(name);
        } else if waits {
            let value = score.map_or("none".to_owned(), |x| format!("{x}"));
            let reason =
                format!("{STOPPED_EARLY} {epoch}: {} of {all} in {} ({value})", rank + 1, crew.spec.ranking.metric);
            decision.off.insert(name, reason);
        }
    }
    let path = path(crew.layout, epoch);
    let text = serde_json::to_string(&decision).map_err(|source| Error::machine(path.display().to_string(), source))?;
    keep_first(&path, text.as_bytes(), crew.worker.token())?;
    Ok(read(crew.layout, epoch)?.unwrap_or(decision))
}

fn path(layout: &Layout, epoch: u64) -> PathBuf {
    layout.join(RUNGS).join(format!("{epoch}.json"))
}

fn read(layout: &Layout, epoch: u64) -> Result<Option<Decision>, Error> {
    let path = path(layout, epoch);
    if !path.exists() {
        return Ok(None);
    }
    let text = read_large_text(&path)?;
    serde_json::from_str(&text).map(Some).map_err(|source| {
        let allowed = "what apical wrote: remove the file to decide anew";
        Error::input(path.display().to_string(), source.to_string(), allowed)
    })
}
