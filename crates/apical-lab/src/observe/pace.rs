//! How fast a run gets on, by the observer's own clock: nothing is compared with the clock of another machine.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Advances that are kept.
const KEPT: usize = 32;

/// Advances as they were seen.
#[derive(Clone, Debug, Default)]
pub struct Pace {
    seen: VecDeque<(Instant, u64)>,
    /// Presentations a second that the files themselves tell of, and over which time, until two advances were seen.
    told: Option<(f64, Duration)>,
}

impl Pace {
    /// `presentation` are made now.
    pub fn note(&mut self, now: Instant, presentation: u64) {
        match self.seen.back() {
            Some((_, last)) if presentation == *last => return,
            // A run that was resumed goes on from its checkpoint.
            Some((_, last)) if presentation < *last => self.seen.clear(),
            _ => {}
        }
        if self.seen.len() == KEPT {
            self.seen.pop_front();
        }
        self.seen.push_back((now, presentation));
    }

    /// What the files tell of the pace so far: presentations and the time between two of their dates.
    pub fn tell(&mut self, presentations: u64, time: Duration) {
        let rate = presentations as f64 / time.as_secs_f64();
        self.told = Some((rate, time)).filter(|(rate, _)| rate.is_finite() && *rate > 0.0);
    }

    /// Presentations a second.
    pub fn rate(&self) -> Option<f64> {
        self.measured().or(self.told).map(|(rate, _)| rate)
    }

    /// Presentations a second as they were seen, and the mean time between two advances. What was there at the first look
    /// came at an unknown time and only serves as a start.
    fn measured(&self) -> Option<(f64, Duration)> {
        let (&(from, a), &(to, b)) = self.seen.get(1).zip(self.seen.back())?;
        let (time, steps) = (to.duration_since(from), u32::try_from(self.seen.len() - 2).ok()?);
        (b > a && !time.is_zero()).then(|| ((b - a) as f64 / time.as_secs_f64(), time / steps))
    }

    /// Time until `total` are made.
    pub fn left(&self, now: Instant, total: u64) -> Option<Duration> {
        let &(when, made) = self.seen.back()?;
        let (rate, step) = self.measured().or(self.told)?;
        let left = Duration::try_from_secs_f64(total.saturating_sub(made) as f64 / rate).ok()?;
        // Time goes on between two advances; an advance that is late brings no end nearer.
        Some(left.saturating_sub(now.duration_since(when).min(step)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_follows_from_the_advances_seen() {
        let begun = Instant::now();
        let at = |seconds: u64| begun + Duration::from_secs(seconds);
        let mut pace = Pace::default();
        pace.note(at(0), 500);
        assert_eq!(pace.left(at(0), 1000), None, "a single look tells no pace");
        pace.tell(500, Duration::from_secs(100));
        assert_eq!(pace.left(at(0), 1000), Some(Duration::from_secs(100)));
        // Ten a second from here on, which is what counts; the first advance began before the watch did.
        for (time, made) in [(1, 600), (6, 650), (6, 650), (11, 700)] {
            pace.note(at(time), made);
        }
        assert_eq!(pace.rate(), Some(10.0));
        assert_eq!(pace.left(at(11), 1000), Some(Duration::from_secs(30)));
        assert_eq!(pace.left(at(15), 1000), Some(Duration::from_secs(26)));
        assert_eq!(pace.left(at(99), 1000), Some(Duration::from_secs(25)), "an advance that is late");
        assert_eq!(pace.left(at(15), 700), Some(Duration::ZERO));
        pace.note(at(100), 600);
        pace.note(at(101), 620);
        pace.note(at(102), 640);
        assert_eq!(pace.rate(), Some(20.0), "a resumed run is timed anew");
    }
}
