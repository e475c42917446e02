//! Means over a metric interval. The sums are part of a checkpoint, so that an interval may be cut anywhere.

use crate::Experiment;
use crate::experiment::LearnerSpec;
use apical::kernels::Real;
use apical::learners::metrics::{class, is_answer};
use apical::solvers::Outcome;

/// Sums since the last metric lines.
#[derive(Clone, Debug, PartialEq)]
pub struct Interval {
    /// Presentations summed.
    presentations: f64,
    /// Samples with a target.
    taught: f64,
    loss: f64,
    /// Samples with a class, and those answered wrongly.
    classified: f64,
    wrong: f64,
    /// All samples, and those without a fixed point.
    samples: f64,
    unsettled: f64,
    /// Largest residual and number of sweeps.
    residual: f64,
    sweeps: f64,
    apical: Vec<f64>,
    mismatch: Vec<f64>,
}

/// What a batch should have answered.
pub struct Expected<'a, T> {
    /// Target potentials (samples x n_N), if the task has them, whether or not they nudged.
    pub target: Option<&'a [T]>,
    /// Classes, one per sample; empty without classes.
    pub classes: &'a [u32],
}

impl Interval {
    /// An empty interval of a net with `hidden` hidden layers.
    pub fn new(hidden: usize) -> Self {
        Interval {
            presentations: 0.0,
            taught: 0.0,
            loss: 0.0,
            classified: 0.0,
            wrong: 0.0,
            samples: 0.0,
            unsettled: 0.0,
            residual: 0.0,
            sweeps: 0.0,
            apical: vec![0.0; hidden],
            mismatch: vec![0.0; hidden],
        }
    }

    /// Adds a presentation.
    pub fn add<T: Real>(&mut self, e: &Experiment, outcome: &Outcome<T>, expected: &Expected<'_, T>) {
        let outputs = e.network.sizes[e.network.sizes.len() - 1];
        self.presentations += 1.0;
        self.samples += (outcome.output.len() / outputs) as f64;
        self.unsettled += outcome.unsettled as f64;
        self.residual = self.residual.max(outcome.residual);
        self.sweeps = self.sweeps.max(outcome.sweeps as f64);
        if let Some(target) = expected.target {
            let pairs = outcome.output.chunks_exact(outputs).zip(target.chunks_exact(outputs));
            // A sample without a fixed point has no answer, and so no loss.
            for (u, t) in pairs.filter(|(u, _)| outcome.unsettled == 0 || is_answer(u)) {
                self.loss += e.train.loss.value(e.network.activation, u, t);
                self.taught += 1.0;
            }
        }
        for (u, &label) in outcome.output.chunks_exact(outputs).zip(expected.classes) {
            self.wrong += f64::from(u8::from(!is_answer(u) || class(u) != label));
            self.classified += 1.0;
        }
        let pairs = self.apical.iter_mut().zip(&outcome.apical_squared);
        pairs.chain(self.mismatch.iter_mut().zip(&outcome.mismatch_squared)).for_each(|(sum, x)| *sum += x);
    }

    /// Nothing was added.
    pub fn is_empty(&self) -> bool {
        self.presentations == 0.0
    }

    /// Share of the samples without a fixed point.
    pub fn share_unsettled(&self) -> f64 {
        if self.samples == 0.0 { 0.0 } else { self.unsettled / self.samples }
    }

    /// Names and values of the metrics that the experiment's learner has.
    pub fn metrics(&self, e: &Experiment) -> Vec<(String, f64)> {
        let mut list = Vec::new();
        if self.taught > 0.0 {
            list.push(("train.loss".to_owned(), self.loss / self.taught));
        }
        if self.classified > 0.0 {
            list.push(("train.error".to_owned(), self.wrong / self.classified));
        }
        let circuit = e.learner == LearnerSpec::Microcircuit;
        let potentials = [("apical_squared", &self.apical), ("interneuron_mismatch_squared", &self.mismatch)];
        for (name, sums) in potentials.into_iter().filter(|_| circuit) {
            list.extend(sums.iter().enumerate().map(|(k, s)| (format!("{name}.{}", k + 1), s / self.presentations)));
        }
        if e.is_iterative() {
            list.push(("solver.unsettled".to_owned(), self.share_unsettled()));
            list.push(("solver.residual".to_owned(), self.residual));
            list.push(("solver.sweeps".to_owned(), self.sweeps));
        }
        list
    }

    /// All sums in a fixed order, for a checkpoint.
    pub fn to_sums(&self) -> Vec<f64> {
        let head = [
            self.presentations,
            self.taught,
            self.loss,
            self.classified,
            self.wrong,
            self.samples,
            self.unsettled,
            self.residual,
            self.sweeps,
        ];
        head.into_iter().chain(self.apical.iter().copied()).chain(self.mismatch.iter().copied()).collect()
    }

    /// From what [`Interval::to_sums`] gave; `None` if the length is another net's.
    pub fn from_sums(hidden: usize, sums: &[f64]) -> Option<Self> {
        let (head, lists) = sums.split_at_checked(9)?;
        let (apical, mismatch) = lists.split_at_checked(hidden)?;
        let &[presentations, taught, loss, classified, wrong, samples, unsettled, residual, sweeps] = head else {
            return None;
        };
        (mismatch.len() == hidden).then(|| Interval {
            presentations,
            taught,
            loss,
            classified,
            wrong,
            samples,
            unsettled,
            residual,
            sweeps,
            apical: apical.to_vec(),
            mismatch: mismatch.to_vec(),
        })
    }
}
