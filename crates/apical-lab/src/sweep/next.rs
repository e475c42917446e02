//! Which run a worker makes next, among many workers that share a folder.

use super::Trouble;
use super::claim::{Claim, Pulse, Tried, Watch};
use super::plan::Planned;
use super::work::{Goal, Shift, lock};
use std::collections::{HashSet, VecDeque};
use std::time::Duration;

/// Runs of others are looked at again after this, and after so much more as there are sixteens of them: a thousand workers
/// that all look at the last thousand runs are a load for the machine that keeps the folder.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// Runs of others are looked at again after this at the latest.
const LOOK_AGAIN_AT_LAST: Duration = Duration::from_secs(30);
/// Runs that others have made in the meantime, of which so many are found one by one before the folder is listed again.
const FOUND_ENDED: u64 = 16;
/// Runs that are looked at while the other threads wait.
const LOOKED_AT_ONCE: usize = 64;

/// What a worker has before it.
pub(super) struct Queue {
    /// Runs to look at.
    pub pending: VecDeque<usize>,
    /// Runs that others make, and whether those are known to live.
    pub waiting: Vec<(usize, bool)>,
    watch: Watch,
    /// Runs that were claimed.
    pub begun: u64,
    /// Runs that were found to be made by others, since the folder was listed.
    found_ended: u64,
}

impl Queue {
    /// Runs that nobody is known to make; workers count as dead after `stale`.
    pub fn new(pending: VecDeque<usize>, stale: Duration) -> Queue {
        Queue { pending, waiting: Vec::new(), watch: Watch::new(stale), begun: 0, found_ended: 0 }
    }
}

/// What a thread does next.
pub(super) enum Next {
    /// Make this run.
    Take(usize, Claim),
    /// Look again after this.
    Wait(Duration),
    /// Leave off.
    Nothing,
}

impl Shift<'_> {
    /// The next run to make.
    pub fn next(&self) -> Result<Next, Trouble> {
        let mut queue = lock(&self.queue);
        if self.crew.manner.most.is_some_and(|most| queue.begun >= most) {
            return Ok(Next::Nothing);
        }
        let mut looked = 0;
        let candidates = queue.pending.len();
        loop {
            if queue.found_ended >= FOUND_ENDED {
                self.list_again(&mut queue)?;
            }
            let Some(index) = queue.pending.pop_front() else { break };
            let planned = self.crew.run(index);
            match Claim::take(self.crew.layout, planned.id(), self.crew.worker, &mut queue.watch)? {
                Tried::Ours(claim) => {
                    if self.is_ended(&planned) {
                        claim.finish();
                        self.crew.board.ended(index, &planned.run, "made by another worker");
                        queue.found_ended += 1;
                        continue;
                    }
                    queue.begun += 1;
                    return Ok(Next::Take(index, claim));
                }
                Tried::Busy(pulse) => queue.waiting.push((index, pulse == Pulse::Lives)),
            }
            looked += 1;
            // Other threads want to look, too.
            if looked == candidates.min(LOOKED_AT_ONCE) {
                break;
            }
        }
        if !queue.pending.is_empty() {
            return Ok(Next::Wait(Duration::ZERO));
        }
        queue.pending.extend(self.crew.more()?);
        if !queue.pending.is_empty() {
            return Ok(Next::Wait(Duration::ZERO));
        }
        // Nothing is free. Of what others make, some may have ended, and some of the others may have died.
        let waiting = std::mem::take(&mut queue.waiting);
        let ended = if waiting.is_empty() { HashSet::new() } else { self.goal.reached(self.crew.layout)? };
        let mut all_live = true;
        for (index, lives) in waiting {
            if ended.contains(&self.crew.run(index).run) {
                self.crew.board.ended(index, &self.crew.run(index).run, "made by another worker");
            } else {
                queue.pending.push_back(index);
                all_live &= lives;
            }
        }
        let nothing = queue.pending.is_empty() || (all_live && !self.crew.manner.wait);
        let more = u32::try_from(queue.pending.len() / 16).unwrap_or(u32::MAX);
        let wait = LOOK_AGAIN.saturating_mul(more.saturating_add(1)).min(LOOK_AGAIN_AT_LAST);
        Ok(if nothing { Next::Nothing } else { Next::Wait(wait) })
    }

    /// Strikes out what others have made, and goes where they may not be.
    fn list_again(&self, queue: &mut Queue) -> Result<(), Trouble> {
        queue.found_ended = 0;
        let ended = self.goal.reached(self.crew.layout)?;
        queue.pending.retain(|&index| {
            let run = self.crew.run(index).run;
            let missing = !ended.contains(&run);
            if !missing {
                self.crew.board.ended(index, &run, "made by another worker");
            }
            missing
        });
        // The runs of a search are taken in their order.
        if self.crew.search.is_none() {
            self.crew.go_elsewhere(&mut queue.pending);
        }
        Ok(())
    }

    fn is_ended(&self, planned: &Planned) -> bool {
        let layout = self.crew.layout;
        let waits = matches!(self.goal, Goal::Until(epoch) if layout.rung(epoch).join(&planned.run).exists());
        waits
            || layout.runs().join(&planned.run).exists()
            || layout.crashed().join(format!("{}.json", planned.run)).exists()
    }
}
