//! How far a run has come: a bar on a terminal, else a line every few percent.

use crate::terminal::Terminal;
use apical_lab::run::{Progress, significant};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::fmt::Write;
use std::time::{Duration, Instant};

/// Without a terminal a line appears after this share of the presentations.
const SHARE: f64 = 0.05;
/// But no sooner after the last one than this. Notes on the way keep the same pause, the newest replaces one that waits.
const PAUSE: Duration = Duration::from_secs(1);

const BAR: &str = "{wide_bar} {percent:>3} %  {human_pos}/{human_len} {msg}  {rate}  {eta} left";

/// Shows a run's progress on stderr.
pub struct Reporter<'a> {
    terminal: &'a Terminal,
    /// What is counted.
    unit: &'static str,
    bar: Option<ProgressBar>,
    begun: Instant,
    first: u64,
    total: u64,
    printed: (Instant, u64),
    noted: Option<Instant>,
    waiting: Option<String>,
    /// Presentations made so far.
    pub done: u64,
}

impl<'a> Reporter<'a> {
    /// Nothing is shown yet.
    pub fn new(terminal: &'a Terminal) -> Self {
        Reporter::of(terminal, "presentations")
    }

    /// The same for something else that is counted.
    pub fn of(terminal: &'a Terminal, unit: &'static str) -> Self {
        let now = Instant::now();
        Reporter {
            terminal,
            unit,
            bar: None,
            begun: now,
            first: 0,
            total: 0,
            printed: (now, 0),
            noted: None,
            waiting: None,
            done: 0,
        }
    }

    fn beside_bar(&self, show: impl FnOnce(&Terminal)) {
        match &self.bar {
            Some(bar) => bar.suspend(|| show(self.terminal)),
            None => show(self.terminal),
        }
    }

    fn line(&self) -> String {
        let made = self.done.saturating_sub(self.first) as f64;
        let rate = made / self.begun.elapsed().as_secs_f64().max(1e-9);
        let left = self.total.saturating_sub(self.done) as f64 / rate;
        let percent = 100.0 * self.done as f64 / self.total.max(1) as f64;
        let left = Duration::try_from_secs_f64(left.min(1e9)).unwrap_or_default();
        format!(
            "{percent:3.0} %  {}/{} {}  {}/s  {} left",
            self.done,
            self.total,
            self.unit,
            significant(rate),
            indicatif::HumanDuration(left)
        )
    }
}

fn write_rate(state: &ProgressState, text: &mut dyn Write) {
    // A text in memory takes everything.
    let _ = write!(text, "{}/s", significant(state.per_sec()));
}

impl Progress for Reporter<'_> {
    fn begin(&mut self, total: u64, done: u64) {
        let now = Instant::now();
        (self.begun, self.first, self.total, self.done, self.printed) = (now, done, total, done, (now, done));
        if self.terminal.interactive && !self.terminal.quiet {
            let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr())
                .with_position(done)
                .with_message(self.unit);
            let bar = match ProgressStyle::with_template(BAR) {
                Ok(style) => bar.with_style(style.with_key("rate", write_rate)),
                Err(_) => bar,
            };
            bar.reset_eta();
            self.bar = Some(bar);
        }
    }

    fn advance(&mut self, done: u64) {
        self.done = done;
        if let Some(bar) = &self.bar {
            bar.set_position(done);
            return;
        }
        let (when, before) = self.printed;
        if (done - before) as f64 >= SHARE * self.total as f64 && when.elapsed() >= PAUSE {
            self.printed = (Instant::now(), done);
            self.terminal.say(&self.line());
        }
    }

    fn note(&mut self, line: &str) {
        let warning = line.strip_prefix("warning: ");
        if warning.is_none() && self.done > self.first && self.noted.is_some_and(|when| when.elapsed() < PAUSE) {
            self.waiting = Some(line.to_owned());
            return;
        }
        (self.noted, self.waiting) = (Some(Instant::now()), None);
        self.beside_bar(|terminal| match warning {
            Some(warning) => terminal.warn(warning),
            None => terminal.say(line),
        });
    }

    fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        if let Some(line) = self.waiting.take() {
            self.terminal.say(&line);
        }
    }
}
