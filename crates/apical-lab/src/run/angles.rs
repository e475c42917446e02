//! Updates compared while a run goes on: at the end of each metric interval, at the same weights, on the same samples.
//! Looking changes nothing of the run.

use super::build;
use super::order::{Batch, Epoch};
use crate::experiment::{AlgorithmSpec, Experiment, LearnerSpec, Loss};
use apical::circuit::params::LagKind;
use apical::circuit::{Kind, Tensors};
use apical::kernels::Real;
use apical::learners::feed_forward::Function;
use apical::learners::metrics::angle;
use apical::learners::{Learner, Update, probe};
use apical::solvers::{Shown, Trouble, Weights};
use apical::tasks::Task;

/// Batches on which updates are compared.
pub struct Probe<T> {
    batches: Vec<Batch<T>>,
}

impl<T: Real> Probe<T> {
    /// The first batches of the first epoch, as many as `record.angles` asks for; none without targets.
    pub fn new(e: &Experiment, task: &Task) -> Self {
        let wanted = (e.record.angles.div_ceil(e.train.batch) as u64).min(Epoch::presentations(task, e.train.batch));
        let order = Epoch::new(task, e.seed, 0, e.train.batch);
        let batches = (0..wanted).map(|index| {
            let mut batch = Batch::new(task, e.train.batch);
            order.fill(index, &mut batch);
            batch
        });
        Probe { batches: batches.filter(|b| b.has_target).collect() }
    }

    /// Names and values of the metrics at the learner's present weights; `epochs` are those completed.
    ///
    /// # Errors
    /// As [`Learner::update`].
    pub fn metrics(
        &self,
        e: &Experiment,
        learner: &dyn Learner<T>,
        epochs: u64,
    ) -> Result<Vec<(String, f64)>, Trouble> {
        let mut list: Vec<(String, f64)> = Vec::new();
        if self.batches.is_empty() {
            return Ok(list);
        }
        let w = learner.weights();
        let circuit = e.learner == LearnerSpec::Microcircuit;
        let mut f = build::function(e);
        if circuit {
            f.loss = Loss::Matching;
        }
        let own = self.sum(w, |shown| learner.update(shown, Weights::Held))?;
        let bp = self.sum(w, |shown| probe::direction(&AlgorithmSpec::Bp, &f, w, shown, e.seed))?;
        let frozen: &[usize] = match &e.learner {
            LearnerSpec::Microcircuit => &[],
            LearnerSpec::Trained(t) => &t.optimiser.frozen,
        };
        for k in 1..=f.depth() {
            // A layer that stands still goes in no direction.
            if frozen.contains(&k) {
                continue;
            }
            let (own_k, bp_k) = (&own.pp[k - 1], &bp.pp[k - 1]);
            if let Some(degrees) = angle(own_k, bp_k) {
                list.push((format!("angle_bp.{k}"), degrees));
                list.push((format!("norm_ratio.{k}"), own_k.norm() / bp_k.norm() / self.scale(e, k, epochs)));
            }
        }
        if w.pb.len() + 1 == f.depth() && f.depth() > 1 {
            let fa = self.sum(w, |shown| probe::direction(&AlgorithmSpec::Fa, &f, w, shown, e.seed))?;
            for k in 1..=f.depth() {
                let degrees = angle(&own.pp[k - 1], &fa.pp[k - 1]);
                if let Some(degrees) = degrees.filter(|_| !frozen.contains(&k)) {
                    list.push((format!("angle_fa.{k}"), degrees));
                }
            }
            for k in 1..f.depth() {
                if let Some(degrees) = angle(&w.pp[k].transposed(), &w.pb[k - 1]) {
                    list.push((format!("forward_feedback_angle.{k}"), degrees));
                }
            }
        }
        if circuit && f.depth() > 1 {
            self.interneurons(e, &f, w, epochs, &mut list)?;
        }
        Ok(list)
    }

    /// What multiplies a presentation's rule in the circuit's Update of layer k: the rate, and the time that it acts.
    fn scale(&self, e: &Experiment, k: usize, epochs: u64) -> f64 {
        if e.learner != LearnerSpec::Microcircuit {
            return 1.0;
        }
        let frozen = if e.timing.lag_kind == LagKind::Freeze { e.timing.lag } else { 0.0 };
        let time = if e.has_dynamics() { e.timing.presentation - frozen } else { 1.0 };
        // An optimiser takes the factor of the schedule upon itself.
        let factor = if e.optimiser.is_some() { 1.0 } else { build::rate_factor(e, epochs) };
        super::train::phase_at(e, epochs).rates.pp[k - 1] * factor * time
    }

    fn interneurons(
        &self,
        e: &Experiment,
        f: &Function,
        w: &Tensors<T>,
        epochs: u64,
        list: &mut Vec<(String, f64)>,
    ) -> Result<(), Trouble> {
        let batch = &self.batches[0];
        let shown = Shown { samples: e.train.batch, input: &batch.input, target: Some(&batch.target) };
        for (k, error) in probe::interneuron_error(f, w, &shown)?.into_iter().enumerate() {
            list.extend(error.map(|x| (format!("interneuron_error.{}", k + 1), x)));
        }
        if !e.has_dynamics() {
            let rates = super::train::phase_at(e, epochs).rates.scaled(build::rate_factor(e, epochs));
            let inputs: Vec<T> = self.batches.iter().flat_map(|b| b.input.iter().copied()).collect();
            let numbers = build::stability_numbers(e, w, &inputs, &rates);
            list.extend(numbers.into_iter().enumerate().map(|(k, x)| (format!("stability.{}", k + 1), x)));
        }
        Ok(())
    }

    fn sum(
        &self,
        w: &Tensors<T>,
        mut update: impl FnMut(&Shown<'_, T>) -> Result<Update<T>, Trouble>,
    ) -> Result<Update<T>, Trouble> {
        let mut sum = w.clone().only(&[Kind::Wpp]);
        sum.clear();
        for batch in &self.batches {
            let samples = batch.input.len() / w.pp[0].cols;
            let shown = Shown { samples, input: &batch.input, target: Some(&batch.target) };
            sum.add(&update(&shown)?);
        }
        Ok(sum)
    }
}
