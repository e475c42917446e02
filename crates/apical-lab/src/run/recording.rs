//! The same traces as a run folder's, kept in memory: for programs that drive a circuit themselves.

use super::traces::{Channel, channels, step_ms};
use crate::Experiment;
use crate::record::Variable;
use apical::kernels::Real;
use apical::solvers::{Observer, View, Wants};

/// A variable and its rows so far.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// What it is, as in the run folder.
    pub variable: Variable,
    /// When each row was taken, ms.
    pub times: Vec<f64>,
    /// Rows one after the other: samples x cells values each.
    pub values: Vec<f64>,
}

/// Keeps what an experiment's `[record]` asks for.
pub struct Recording {
    channels: Vec<Channel>,
    recorded: Vec<Recorded>,
    step_ms: f64,
    row: Vec<f64>,
    next: u64,
}

impl Recording {
    /// Nothing recorded yet.
    pub fn new(e: &Experiment) -> Self {
        let (channels, variables) = channels(e);
        let empty = |variable| Recorded { variable, times: Vec::new(), values: Vec::new() };
        let recorded = variables.into_iter().map(empty).collect();
        Recording { channels, recorded, step_ms: step_ms(e), row: Vec::new(), next: 0 }
    }

    /// Bytes that so many steps after step `before` add.
    pub fn bytes(&self, before: u64, steps: u64) -> f64 {
        let of = |(channel, recorded): (&Channel, &Recorded)| {
            let cells = recorded.variable.axis.as_ref().map_or(1, |axis| axis.labels.len());
            // Each row has its time.
            channel.rows(before, before.saturating_add(steps)) as f64 * (recorded.variable.samples * cells + 1) as f64
        };
        self.channels.iter().zip(&self.recorded).map(of).sum::<f64>() * size_of::<f64>() as f64
    }

    /// All that was recorded, in the order of the config.
    pub fn into_recorded(self) -> Vec<Recorded> {
        self.recorded
    }
}

impl<T: Real> Observer<T> for Recording {
    fn looks(&self) -> bool {
        !self.channels.is_empty()
    }

    fn wants(&self, step: u64) -> Wants {
        if step < self.next {
            return Wants::Nothing;
        }
        let due = self.channels.iter().filter(|channel| channel.due(step));
        due.map(Channel::wants).max().unwrap_or(Wants::Nothing)
    }

    fn after_step(&mut self, view: &View<'_, T>) {
        self.next = self.channels.iter().map(|channel| channel.due_after(view.step)).min().unwrap_or(u64::MAX);
        for (channel, recorded) in self.channels.iter().zip(&mut self.recorded) {
            if channel.due(view.step) {
                channel.row(view, &mut self.row);
                recorded.times.push(view.step as f64 * self.step_ms);
                recorded.values.extend_from_slice(&self.row);
            }
        }
    }
}
