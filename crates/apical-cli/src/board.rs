//! How far many runs have come: a bar on a terminal, else a line per run and every few percent.

use crate::terminal::Terminal;
use apical_lab::run::Progress;
use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Without a terminal a line appears after this share of all runs, but no sooner than this after the last one.
const SHARE: f64 = 0.05;
const PAUSE: Duration = Duration::from_secs(5);
/// Steps of the bar per run.
const STEPS: f64 = 1000.0;

/// What all threads tell.
pub struct Board<'a> {
    terminal: &'a Terminal,
    bar: Option<ProgressBar>,
    state: Mutex<State>,
}

struct State {
    begun: Instant,
    /// Share that is made of each run.
    made: Vec<f64>,
    /// Their sum, kept up: a sweep may have a million runs, each of which tells how far it is again and again.
    sum: f64,
    /// The sum when this session began.
    first: f64,
    ended: usize,
    printed: (Instant, f64),
    warned: Vec<String>,
}

impl State {
    fn set(&mut self, run: usize, share: f64) {
        self.sum += share - self.made[run];
        self.made[run] = share;
    }

    fn line(&self) -> String {
        let (sum, all) = (self.sum, self.made.len() as f64);
        let rate = (sum - self.first) / self.begun.elapsed().as_secs_f64().max(1e-9);
        let left = if rate > 0.0 {
            Duration::try_from_secs_f64((all - sum) / rate).unwrap_or(Duration::MAX)
        } else {
            Duration::MAX
        };
        let left = if left > Duration::from_secs(1 << 30) { "?".to_owned() } else { HumanDuration(left).to_string() };
        format!("{:3.0} %  {}/{} runs  {left} left", 100.0 * sum / all.max(1.0), self.ended, self.made.len())
    }
}

impl<'a> Board<'a> {
    /// A board for so many runs.
    pub fn new(terminal: &'a Terminal, runs: usize) -> Self {
        let now = Instant::now();
        let made = vec![0.0; runs];
        let state = State { begun: now, made, sum: 0.0, first: 0.0, ended: 0, printed: (now, 0.0), warned: Vec::new() };
        let bar = (terminal.interactive && !terminal.quiet).then(|| {
            let target = ProgressDrawTarget::stderr();
            let bar = ProgressBar::with_draw_target(Some((runs as f64 * STEPS) as u64), target);
            match ProgressStyle::with_template("{wide_bar} {msg}") {
                Ok(style) => bar.with_style(style),
                Err(_) => bar,
            }
        });
        Board { terminal, bar, state: Mutex::new(state) }
    }

    fn beside_bar(&self, show: impl FnOnce(&Terminal)) {
        match &self.bar {
            Some(bar) => bar.suspend(|| show(self.terminal)),
            None => show(self.terminal),
        }
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        // A thread that panicked has left numbers, which are still numbers.
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        change(&mut state);
        if let Some(bar) = &self.bar {
            bar.set_position((state.sum * STEPS) as u64);
            bar.set_message(state.line());
            return;
        }
        let (when, before) = state.printed;
        if state.sum - before >= SHARE * state.made.len() as f64 && when.elapsed() >= PAUSE {
            state.printed = (Instant::now(), state.sum);
            self.terminal.say(&state.line());
        }
    }

    /// A run that needs nothing more.
    pub fn was_there(&self, run: usize) {
        self.change(|s| {
            s.first += 1.0 - s.made[run];
            s.set(run, 1.0);
            s.ended += 1;
        });
    }

    /// A run has ended.
    pub fn ended(&self, run: usize, name: &str, how: &str) {
        let mut line = String::new();
        self.change(|s| {
            s.set(run, 1.0);
            s.ended += 1;
            s.printed = (Instant::now(), s.sum);
            line = s.line();
        });
        self.beside_bar(|t| {
            t.say(&if self.bar.is_some() { format!("{name}: {how}") } else { format!("{line}  {name}: {how}") })
        });
    }

    /// A run has ended as it should, one of so many that none is told of by itself.
    pub fn counted(&self, run: usize) {
        self.change(|s| {
            s.set(run, 1.0);
            s.ended += 1;
        });
    }

    /// Something to say.
    pub fn note(&self, line: &str) {
        self.beside_bar(|t| t.say(line));
    }

    /// Something that should not be missed.
    pub fn warn(&self, line: &str) {
        self.beside_bar(|t| t.warn(line));
    }

    /// The bar can go.
    pub fn close(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// What one run tells the board.
pub struct Share<'a, 'b> {
    /// The board.
    pub board: &'a Board<'b>,
    /// Which run.
    pub run: usize,
    /// What it is called.
    pub name: &'a str,
    /// Presentations in all.
    pub total: u64,
}

impl Progress for Share<'_, '_> {
    fn begin(&mut self, total: u64, done: u64) {
        self.total = total.max(1);
        let made = done as f64 / self.total as f64;
        self.board.change(|s| {
            s.first += made;
            s.set(self.run, made);
        });
    }

    fn advance(&mut self, done: u64) {
        self.board.change(|s| s.set(self.run, done as f64 / self.total as f64));
    }

    fn note(&mut self, line: &str) {
        let Some(warning) = line.strip_prefix("warning: ") else { return };
        let mut is_new = false;
        self.board.change(|s| {
            is_new = !s.warned.iter().any(|w| w == warning);
            if is_new {
                s.warned.push(warning.to_owned());
            }
        });
        if is_new {
            self.board.beside_bar(|t| t.warn(&format!("{}: {warning}", self.name)));
        }
    }

    fn end(&mut self) {}
}
