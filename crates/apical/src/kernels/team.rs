//! A leader and its followers, who stay awake between rounds of jobs.
//!
//! A step of a circuit is a few rounds of some microseconds each; to wake a thread takes longer. So followers look out for the
//! next round for a while before they sleep. Each thread has a lane of jobs, the same in every round of as many jobs, so that
//! what they work on stays in its caches; who has finished its own takes from the other lanes. The leader waits for nobody who
//! has not begun: a follower that the machine keeps from running costs nothing but its help.

use std::cell::UnsafeCell;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicUsize, fence};
use std::thread::{self, Thread};

/// Looks at the next round that a follower takes at full speed: some tens of microseconds, longer than what lies between rounds.
const SPINS: usize = 2_000;
/// And those that it takes with a yield to others in between, before it sleeps.
const YIELDS: usize = 500;

/// A thread's share of a round, on a cache line of its own (two: processors fetch them in pairs).
#[repr(align(128))]
#[derive(Default)]
struct Lane {
    /// The next job of the lane, counted within it.
    next: AtomicUsize,
    /// Its follower sleeps, or is about to.
    sleeps: AtomicBool,
}

/// What is done in a round.
struct Work {
    /// Valid while the round is open or somebody is busy in it; null before the first round.
    job: *const (dyn Fn(usize) + Sync),
    count: usize,
    backwards: bool,
}

/// What leader and followers share.
struct Common {
    /// Odd while a round is open.
    round: AtomicUsize,
    /// Followers who are, or may be, at work.
    busy: AtomicUsize,
    ended: AtomicBool,
    /// A follower's job has panicked.
    failed: AtomicBool,
    lanes: Box<[Lane]>,
    work: UnsafeCell<Work>,
}

#[allow(unsafe_code)]
// SAFETY: all fields but `work` are atomic. `work` is written by the leader alone, while no round is open and nobody is busy
// (`Team::round`), and read by followers only between their entry and exit of an open round (`Common::join`); the job that it
// points to is `Sync` and outlives the round.
unsafe impl Sync for Common {}
#[allow(unsafe_code)]
// SAFETY: as above; the pointer in `work` is used in no other way.
unsafe impl Send for Common {}

/// Counts somebody as busy until it is dropped.
struct Busy<'a>(&'a Common);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.failed.store(true, Relaxed);
        }
        self.0.busy.fetch_sub(1, Release);
    }
}

impl Common {
    /// Does the jobs of the lane `own`, then what is left in others.
    fn work(&self, own: usize, work: &Work) {
        #[allow(unsafe_code)]
        // SAFETY: the caller is the leader within `Team::round`, whose borrow of the job lives as long, or a follower that is
        // counted as busy in a round that it saw open: the leader does not leave `Team::round` before it is not.
        let job = unsafe { &*work.job };
        let lanes = self.lanes.len();
        for lane in (own..lanes).chain(0..own) {
            let jobs = work.count.saturating_sub(lane).div_ceil(lanes);
            loop {
                let n = self.lanes[lane].next.fetch_add(1, Relaxed);
                if n >= jobs {
                    break;
                }
                job(lane + lanes * if work.backwards { jobs - 1 - n } else { n });
            }
        }
    }

    /// A follower's part of the round that it saw open, unless it comes too late.
    fn join(&self, own: usize, round: usize) {
        self.busy.fetch_add(1, SeqCst);
        let _busy = Busy(self);
        // Either the leader, who closes before it looks at `busy`, sees this follower, or this sees the round closed.
        if self.round.load(SeqCst) == round {
            #[allow(unsafe_code)]
            // SAFETY: the round is open and this thread is counted as busy: the leader does not write before it leaves.
            let work = unsafe { &*self.work.get() };
            self.work(own, work);
        }
    }

    /// The life of a follower.
    fn follow(&self, own: usize) {
        let (mut last, mut idle) = (0, 0);
        while !self.ended.load(Acquire) {
            let round = self.round.load(Acquire);
            if round % 2 == 1 && round != last {
                self.join(own, round);
                (last, idle) = (round, 0);
                continue;
            }
            idle += 1;
            if idle < SPINS {
                std::hint::spin_loop();
            } else if idle < SPINS + YIELDS {
                thread::yield_now();
            } else {
                let sleeps = &self.lanes[own].sleeps;
                sleeps.store(true, SeqCst);
                // Either the leader, who opens a round before it looks who sleeps, wakes this follower, or this sees the round.
                let round = self.round.load(SeqCst);
                if !(round % 2 == 1 && round != last || self.ended.load(SeqCst)) {
                    thread::park();
                }
                sleeps.store(false, SeqCst);
                idle = 0;
            }
        }
    }
}

/// A thread and those who help it.
pub struct Team {
    common: Arc<Common>,
    followers: Vec<Thread>,
}

impl Team {
    /// The calling thread and `followers` more, or as many as the system gives.
    pub fn new(followers: usize) -> Self {
        let lanes = (0..=followers).map(|_| Lane::default()).collect();
        let nothing: &(dyn Fn(usize) + Sync) = &|_| {};
        let common = Arc::new(Common {
            round: AtomicUsize::new(0),
            busy: AtomicUsize::new(0),
            ended: AtomicBool::new(false),
            failed: AtomicBool::new(false),
            lanes,
            work: UnsafeCell::new(Work { job: nothing, count: 0, backwards: false }),
        });
        let spawn = |own| {
            let common = common.clone();
            let named = thread::Builder::new().name(format!("follower {own}"));
            Some(named.spawn(move || common.follow(own)).ok()?.thread().clone())
        };
        let followers = (1..=followers).map_while(spawn).collect();
        Team { common, followers }
    }

    /// Does the jobs 0 to `count`, each once by one thread; every thread's own ones from its last to its first if `backwards`.
    ///
    /// # Panics
    /// If a job does.
    pub fn round(&mut self, count: usize, backwards: bool, job: &(dyn Fn(usize) + Sync)) {
        let common = &*self.common;
        #[allow(unsafe_code)]
        // SAFETY: only the lifetime changes. No follower uses the pointer after this function: `Closed` waits for all.
        let job: *const (dyn Fn(usize) + Sync + 'static) = unsafe { std::mem::transmute(job) };
        let work = Work { job, count, backwards };
        #[allow(unsafe_code)]
        // SAFETY: no round is open and nobody is busy in one: this was waited for at the last round's end.
        unsafe {
            *common.work.get() = Work { ..work };
        }
        for lane in &common.lanes {
            lane.next.store(0, Relaxed);
        }
        common.round.fetch_add(1, SeqCst);
        let closed = Closed(common);
        for (follower, lane) in self.followers.iter().zip(&common.lanes[1..]) {
            if lane.sleeps.load(SeqCst) {
                follower.unpark();
            }
        }
        common.work(0, &work);
        drop(closed);
        assert!(!common.failed.swap(false, Relaxed), "a follower's job panicked");
    }
}

/// Closes a round when it is dropped, and waits until nobody works in it.
struct Closed<'a>(&'a Common);

impl Drop for Closed<'_> {
    fn drop(&mut self) {
        self.0.round.fetch_add(1, SeqCst);
        let mut idle = 0;
        while self.0.busy.load(SeqCst) != 0 {
            idle += 1;
            if idle < SPINS {
                std::hint::spin_loop();
            } else {
                thread::yield_now();
            }
        }
        fence(Acquire);
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        self.common.ended.store(true, SeqCst);
        self.followers.iter().for_each(Thread::unpark);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    /// Rounds of every length, with pauses in which followers fall asleep.
    #[test]
    fn every_job_is_done_once() {
        for followers in [0, 1, 2, 6] {
            let mut team = Team::new(followers);
            for round in 0..3000 {
                let count = round % 23;
                let done: Vec<AtomicUsize> = (0..count).map(|_| AtomicUsize::new(0)).collect();
                team.round(count, round % 2 == 1, &|n| {
                    done[n].fetch_add(1, Relaxed);
                });
                assert!(done.iter().all(|done| done.load(Relaxed) == 1), "{followers} followers, round {round}");
                if round % 500 == 0 {
                    thread::sleep(std::time::Duration::from_millis(5));
                }
            }
        }
    }

    #[test]
    fn a_lane_is_passed_backwards() {
        let order = Mutex::new(Vec::new());
        Team::new(0).round(4, true, &|n| order.lock().expect("alone").push(n));
        assert_eq!(order.into_inner().expect("alone"), [3, 2, 1, 0]);
    }

    /// Whoever it is who meets it: the leader hears of it and nobody waits for ever.
    #[test]
    fn a_panic_reaches_the_leader() {
        let mut team = Team::new(2);
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for _ in 0..1000 {
                team.round(9, false, &|n| assert!(n != 4, "this job fails"));
            }
        }));
        assert!(result.is_err());
    }
}
