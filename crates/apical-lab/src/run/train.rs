//! The course of a run: presentations, metrics, validation, checkpoints. What it computes is a function of the config
//! alone; when it looks, saves or stops changes nothing of it.

use super::angles::Probe;
use super::build;
use super::interval::{Expected, Interval};
use super::measured::Measured;
use super::order::{Batch, Epoch};
use super::rates;
use super::saved::{self, Best, Counters, Identity, Positions};
use super::traces::{Recorder, step_ms};
use super::{Ended, Options, Progress, Stop};
use crate::Error;
use crate::checkpoint::{BEST, Checkpoint, LAST, epoch_file};
use crate::experiment::{Experiment, LearnerSpec, Phase, SolverSpec};
use crate::failpoint::hit;
use crate::folder::runinfo::Cost;
use crate::folder::{CHECKPOINTS, Ending, METRICS, RunFolder};
use crate::plan;
use crate::record::When;
use apical::circuit::self_prediction::{distance_ip, distance_pi};
use apical::evaluate::{Evaluation, answers_while, judge};
use apical::kernels::Real;
use apical::learners::Learner;
use apical::solvers::{Moment, Outcome, Shown, Trouble};
use apical::tasks::Task;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Epoch ends that follow each other sooner than this do not each write `last`.
const SAVE_AT_MOST_EVERY: Duration = Duration::from_secs(1);
/// A presentation that ends this long after the last checkpoint writes one.
const SAVE_AT_LEAST_EVERY: Duration = Duration::from_secs(30);
/// Share of an interval's samples that may be without a fixed point.
const UNSETTLED_ALLOWED: f64 = 0.01;

/// A run in progress.
pub(super) struct Run<'a, T> {
    pub e: &'a Experiment,
    pub folder: &'a mut RunFolder,
    pub task: Arc<Task>,
    pub learner: Box<dyn Learner<T>>,
    pub pool: &'a rayon::ThreadPool,
    probe: Probe<T>,
    warned: bool,
    counters: Counters,
    measured: Measured,
    recorder: Recorder,
    identity: Identity,
    saved: Instant,
    /// Of this session so far.
    pub cost: Cost,
}

impl<'a, T: Real> Run<'a, T> {
    /// Builds everything, and takes the run up at its last checkpoint if there is one.
    pub fn open(
        e: &'a Experiment,
        folder: &'a mut RunFolder,
        options: &Options,
        pool: &'a rayon::ThreadPool,
    ) -> Result<Self, Error> {
        let task = build::task(e)?;
        let identity = Identity { config: folder.info().config_sha256.clone(), plan: folder.info().plan.clone() };
        let here = plan::describe(e);
        if identity.plan != here && !options.allow_different_bits {
            return Err(Error::input(
                folder.path().display().to_string(),
                format!("the run was begun with the plan \"{}\"; this machine would use \"{here}\"", identity.plan),
                "the same machine, or --allow-different-bits",
            ));
        }
        let hidden = saved::hidden(e);
        let last = folder.join(CHECKPOINTS).join(LAST);
        std::fs::create_dir_all(folder.join(CHECKPOINTS))
            .map_err(|source| Error::machine(folder.join(CHECKPOINTS).display().to_string(), source))?;
        let fresh = Counters { presentation: 0, epoch: 0, in_epoch: 0, best: None, interval: Interval::new(hidden) };
        let (learner, counters, positions) = if last.exists() {
            let mut learner = build::learner::<T>(e, build::no_weights(e));
            let checkpoint = Checkpoint::load(&last)?;
            let (counters, positions) = saved::restore(&last, &checkpoint, &identity, learner.as_mut(), hidden)?;
            if counters.best.is_some() {
                // The test at the end needs it: better to miss it now than after all the training.
                Checkpoint::load(&folder.join(CHECKPOINTS).join(BEST))?;
            }
            (learner, counters, Some(positions))
        } else {
            refuse_lost_checkpoint(folder)?;
            (build::learner::<T>(e, build::start_weights(e)?), fresh, None)
        };
        let measured = Measured::open(e, folder, positions.as_ref())?;
        let recorder = Recorder::open(e, folder.path(), positions.as_ref().map(|p| &p.traces[..]))?;
        let begun = positions.is_some();
        let (probe, warned) = (Probe::new(e, &task), false);
        let (saved, cost) = (Instant::now(), Cost::default());
        let mut run =
            Run { e, folder, task, learner, pool, probe, warned, counters, measured, recorder, identity, saved, cost };
        if !begun {
            // From here on there is always a checkpoint, and one that is missing was lost.
            run.save(&[LAST.into()])?;
        }
        Ok(run)
    }

    /// Trains to the end or to the end of epoch `until`, or until it is stopped or fails.
    pub fn train(&mut self, options: &Options, progress: &mut dyn Progress, until: u64) -> Result<Ended, Error> {
        let per_epoch = Epoch::presentations(&self.task, self.e.train.batch);
        let epochs: u64 = self.e.phases.iter().map(|p| p.epochs as u64).sum();
        progress.begin(epochs * per_epoch, self.counters.presentation);
        if self.folder.info().presentations != epochs * per_epoch {
            self.folder.update(|info| (info.presentations, info.epochs) = (epochs * per_epoch, epochs))?;
        }
        let interval = if self.e.record.interval == 0 { per_epoch } else { self.e.record.interval };
        let checkpoint_every =
            if self.e.train.checkpoint_every == 0 { u64::MAX } else { self.e.train.checkpoint_every };
        let mut batch = Batch::new(&self.task, self.e.train.batch);
        let mut outcome = Outcome::new(&self.e.network, self.e.train.batch);
        let (e, task) = (self.e, self.task.clone());
        // Rates are part of the updates that are compared.
        let rates = &phase_at(self.e, self.counters.epoch).rates;
        self.learner.set_rates(rates, build::rate_factor(self.e, self.counters.epoch));
        if self.counters.presentation == 0 {
            self.write_weights()?;
            if let Some(trouble) = self.compare_updates()? {
                return self.fail(&trouble);
            }
        }
        while self.counters.epoch < epochs {
            if self.counters.epoch >= until {
                self.save(&[LAST.into()])?;
                return Ok(Ended::Paused);
            }
            let phase = phase_at(e, self.counters.epoch);
            self.learner.set_rates(&phase.rates, build::rate_factor(e, self.counters.epoch));
            let mut order = Epoch::new(&task, e.seed, self.counters.epoch, e.train.batch);
            if phase.shuffled {
                order = order.shuffled(e.seed);
            }
            let timed = Timed::new(self);
            while self.counters.in_epoch < per_epoch {
                order.fill(self.counters.in_epoch, &mut batch);
                if let Some(trouble) = self.present(phase, &batch, &mut outcome) {
                    timed.end(self, false);
                    return self.fail(&trouble);
                }
                let c = &mut self.counters;
                let target = batch.has_target.then_some(&batch.target[..]);
                c.interval.add(e, &outcome, &Expected { target, classes: &batch.classes });
                c.presentation += 1;
                c.in_epoch += 1;
                let last = c.in_epoch == per_epoch && c.epoch + 1 == epochs;
                if (c.presentation.is_multiple_of(interval) || last)
                    && let Some(ended) = self.end_interval(progress)?
                {
                    timed.end(self, false);
                    return Ok(ended);
                }
                if self.counters.in_epoch == per_epoch {
                    break;
                }
                // Before a signal may end the loop: which histograms there are depends on the config alone.
                let due = self.counters.presentation.is_multiple_of(checkpoint_every);
                if due {
                    self.write_weights()?;
                }
                if let Some(signal) = options.stop.signal() {
                    timed.end(self, false);
                    self.save(&[LAST.into()])?;
                    return Ok(Ended::Stopped { signal });
                }
                if due || self.saved.elapsed() > SAVE_AT_LEAST_EVERY {
                    self.save(&[LAST.into()])?;
                }
                progress.advance(self.counters.presentation);
            }
            timed.end(self, true);
            if let Some(ended) = self.end_epoch(epochs, options, progress)? {
                return Ok(ended);
            }
            progress.advance(self.counters.presentation);
            if let Some(signal) = options.stop.signal().filter(|_| self.counters.epoch < epochs) {
                self.save(&[LAST.into()])?;
                return Ok(Ended::Stopped { signal });
            }
        }
        Ok(Ended::Done { missed: Vec::new() })
    }

    fn present(&mut self, phase: &Phase, batch: &Batch<T>, outcome: &mut Outcome<T>) -> Option<Trouble> {
        let target = (phase.target && batch.has_target).then_some(&batch.target[..]);
        let shown = Shown { samples: self.e.train.batch, input: &batch.input, target };
        self.learner.learn(&shown, outcome, &mut self.recorder).err()
    }

    fn when(&self) -> When {
        let steps = self.learner.clock();
        let presentation = self.counters.presentation;
        let epoch = presentation / Epoch::presentations(&self.task, self.e.train.batch);
        When { presentation, epoch, time_ms: steps as f64 * step_ms(self.e) }
    }

    /// Writes the metrics of an interval and begins the next.
    fn end_interval(&mut self, progress: &mut dyn Progress) -> Result<Option<Ended>, Error> {
        let when = self.when();
        let hidden = saved::hidden(self.e);
        if self.counters.interval.is_empty() {
            return Ok(None);
        }
        let interval = std::mem::replace(&mut self.counters.interval, Interval::new(hidden));
        for (name, value) in interval.metrics(self.e) {
            self.measured.append(when, &name, value)?;
        }
        let w = self.learner.weights();
        let pi = distance_pi(w);
        let ip = distance_ip(&build::attenuation(self.e), w);
        for (name, list) in [("distance_pi", pi), ("distance_ip", ip)] {
            for (k, value) in list.into_iter().enumerate() {
                self.measured.append(when, &format!("{name}.{}", k + 1), value)?;
            }
        }
        for (name, m) in w.named() {
            self.measured.append(when, &format!("weight_norm.{name}"), m.norm())?;
        }
        if let Some(trouble) = self.compare_updates()? {
            return self.fail(&trouble).map(Some);
        }
        self.measured.show()?;
        let share = interval.share_unsettled();
        if share > 0.0 && !self.warned {
            self.warned = true;
            let line =
                format!("warning: {:.2} % of the samples did not settle (metric solver.unsettled)", 100.0 * share);
            progress.note(&line);
            self.folder.log(&line)?;
        }
        let allowed = match &self.e.learner {
            LearnerSpec::Microcircuit => UNSETTLED_ALLOWED,
            LearnerSpec::Trained(t) => t.unsettled_allowed,
        };
        if share > allowed {
            let reason = format!(
                "{:.2} % of the samples before presentation {} did not settle; at most {} % are allowed",
                100.0 * share,
                when.presentation,
                100.0 * allowed
            );
            return self.end_failed(reason, serde_json::Map::new()).map(Some);
        }
        Ok(None)
    }

    /// Writes the angles and norms of updates at the present weights, if they are recorded.
    fn compare_updates(&mut self) -> Result<Option<Trouble>, Error> {
        let when = self.when();
        match self.probe.metrics(self.e, self.learner.as_ref(), self.counters.epoch) {
            Ok(list) => {
                for (name, value) in list {
                    self.measured.append(when, &name, value)?;
                }
                Ok(None)
            }
            Err(trouble) => Ok(Some(trouble)),
        }
    }

    /// Writes histograms of the weights, if the run writes events.
    fn write_weights(&mut self) -> Result<(), Error> {
        self.measured.weights(self.when(), self.learner.weights())
    }

    /// The validation set's evaluation; nothing, if a signal asked to stop meanwhile.
    fn validate(&self, options: &Options) -> Result<Option<Evaluation>, Trouble> {
        let (e, set) = (self.e, &self.task.validation);
        let go_on = || options.stop.signal().is_none();
        let found = answers_while(self.learner.as_ref(), set, self.task.sequence, self.pool, &go_on)?;
        Ok(found.map(|(output, unsettled)| judge(&output, unsettled, set, e.network.activation, e.train.loss)))
    }

    /// Validates and saves at the end of an epoch.
    fn end_epoch(
        &mut self,
        epochs: u64,
        options: &Options,
        progress: &mut dyn Progress,
    ) -> Result<Option<Ended>, Error> {
        let e = self.e;
        let epoch = self.counters.epoch + 1;
        let due = epoch.is_multiple_of(e.train.validate_every as u64) || epoch == epochs;
        let mut validated = None;
        if due && !self.task.validation.is_empty() {
            // Before anything of this is counted: who stops here goes on here.
            validated = match (self.validate(options), options.stop.signal()) {
                (Ok(Some(found)), _) => Some(found),
                (Ok(None), signal) => {
                    self.save(&[LAST.into()])?;
                    return Ok(Some(Ended::Stopped { signal: signal.unwrap_or(Stop::BY_CALLER) }));
                }
                (Err(trouble), _) => {
                    (self.counters.epoch, self.counters.in_epoch) = (epoch, 0);
                    return self.fail(&trouble).map(Some);
                }
            };
        }
        (self.counters.epoch, self.counters.in_epoch) = (epoch, 0);
        let mut files: Vec<PathBuf> = Vec::new();
        if due {
            for (name, value) in rates::saturation(e, &self.task, self.learner.weights()) {
                self.measured.append(self.when(), &name, value)?;
            }
        }
        if let Some(found) = validated {
            hit("evaluation.middle");
            let when = self.when();
            let unsettled = e.is_iterative().then(|| found.unsettled as f64 / found.samples as f64);
            let names = ["validation.loss", "validation.error", "validation.unsettled"];
            let values = names.into_iter().zip([found.loss, found.error, unsettled]);
            let values: Vec<(&str, f64)> = values.filter_map(|(name, value)| Some((name, value?))).collect();
            for &(name, value) in &values {
                self.measured.append(when, name, value)?;
            }
            progress.evaluated(when, &values);
            if let Some(score) = found.error.or(found.loss) {
                if score.is_finite() && self.counters.best.is_none_or(|best| score < best.score) {
                    self.counters.best = Some(Best { epoch, score });
                    files.push(BEST.into());
                }
                let name = if found.error.is_some() { "validation error" } else { "validation loss" };
                progress.note(&format!("epoch {epoch}/{epochs}: {name} {}", significant(score)));
            }
        }
        self.write_weights()?;
        if e.train.keep_every > 0 && epoch.is_multiple_of(e.train.keep_every as u64) {
            files.push(epoch_file(epoch).into());
        }
        if epoch == epochs || self.saved.elapsed() > SAVE_AT_MOST_EVERY || !files.is_empty() {
            files.push(LAST.into());
        }
        if !files.is_empty() {
            self.save(&files)?;
        }
        Ok(None)
    }

    /// Writes one checkpoint under the given names.
    fn save(&mut self, files: &[PathBuf]) -> Result<(), Error> {
        let (metrics, events) = self.measured.position()?;
        let positions = Positions { metrics, events, traces: self.recorder.position()? };
        let checkpoint = saved::checkpoint(self.learner.as_ref(), &self.counters, &positions, &self.identity);
        for file in files {
            checkpoint.save(&self.folder.join(CHECKPOINTS).join(file))?;
        }
        self.saved = Instant::now();
        Ok(())
    }

    /// The best epoch, where there is a validation.
    pub fn best(&self) -> Option<Best> {
        self.counters.best
    }

    /// Presentations and epochs made.
    pub fn made(&self) -> (u64, u64) {
        (self.counters.presentation, self.counters.epoch)
    }

    /// Ends the run as failed because potentials diverged or a fixed point is missing.
    pub fn fail(&mut self, trouble: &Trouble) -> Result<Ended, Error> {
        let mut place = serde_json::Map::new();
        let presentation = self.counters.presentation + 1;
        let reason = match trouble {
            Trouble::Diverged { cell, layer, index, moment, value, .. } => {
                place.insert("layer".into(), (*layer).into());
                place.insert("cell".into(), cell.to_string().into());
                place.insert("index".into(), (*index).into());
                place.insert("value".into(), value.to_string().into());
                match *moment {
                    Moment::Step(step) => {
                        let time = step as f64 * step_ms(self.e);
                        place.insert("step".into(), step.into());
                        place.insert("time_ms".into(), time.into());
                        format!("{trouble}, {} ms into the run (presentation {presentation})", significant(time))
                    }
                    Moment::Time(time) => {
                        place.insert("time_in_presentation_ms".into(), time.into());
                        format!("{trouble} (presentation {presentation})")
                    }
                }
            }
            Trouble::NoFixedPoint { sample, residual, sweeps } => {
                place.insert("sample".into(), (*sample).into());
                place.insert("residual".into(), residual.to_string().into());
                place.insert("sweeps".into(), (*sweeps).into());
                format!("{trouble} (presentation {presentation})")
            }
            Trouble::StepTooSmall { cell, layer, sample, time } => {
                place.insert("layer".into(), (*layer).into());
                place.insert("cell".into(), cell.to_string().into());
                place.insert("sample".into(), (*sample).into());
                place.insert("time_in_presentation_ms".into(), (*time).into());
                format!("{trouble} (presentation {presentation})")
            }
            Trouble::NoInverse { layer, condition } => {
                place.insert("layer".into(), (*layer).into());
                place.insert("condition".into(), condition.to_string().into());
                format!("{trouble} (presentation {presentation})")
            }
            // No observer of a run asks for it.
            Trouble::Stopped => format!("{trouble} (presentation {presentation})"),
        };
        place.insert("presentation".into(), presentation.into());
        self.end_failed(reason, place)
    }

    fn end_failed(
        &mut self,
        reason: String,
        place: serde_json::Map<String, serde_json::Value>,
    ) -> Result<Ended, Error> {
        self.measured.position()?;
        self.recorder.position()?;
        let exit_code = Error::science("", "", "").exit_code();
        self.folder.end(&Ending { done: false, reason: reason.clone(), exit_code, place })?;
        Ok(Ended::Failed { reason })
    }
}

/// Part of an epoch whose time is taken.
struct Timed {
    begun: Instant,
    presentation: u64,
    in_epoch: u64,
    clock: u64,
}

impl Timed {
    fn new<T: Real>(run: &Run<'_, T>) -> Self {
        let (c, clock) = (&run.counters, run.learner.clock());
        Timed { begun: Instant::now(), presentation: c.presentation, in_epoch: c.in_epoch, clock }
    }

    /// Adds what was done since to the session's cost.
    fn end<T: Real>(&self, run: &mut Run<'_, T>, epoch_ended: bool) {
        let seconds = self.begun.elapsed().as_secs_f64();
        let has_steps = matches!(run.e.solver, SolverSpec::Euler(_)) && run.e.has_dynamics();
        run.cost.add(Cost {
            training_seconds: seconds,
            presentations: run.counters.presentation - self.presentation,
            steps: if has_steps { run.learner.clock() - self.clock } else { 0 },
            slowest_epoch_seconds: if epoch_ended && self.in_epoch == 0 { seconds } else { 0.0 },
            peak_memory_bytes: 0,
        });
    }
}

/// A run saves before it measures anything: metrics or other checkpoints without the last one mean that it was lost, and
/// starting anew would write over what is left.
fn refuse_lost_checkpoint(folder: &RunFolder) -> Result<(), Error> {
    let measured = std::fs::metadata(folder.join(METRICS)).is_ok_and(|m| m.len() > 0);
    let others = std::fs::read_dir(folder.join(CHECKPOINTS)).into_iter().flatten().flatten();
    let kept = others.filter(|f| f.path().extension().is_some_and(|e| e == "safetensors")).count();
    if !measured && kept == 0 {
        return Ok(());
    }
    let place = folder.join(CHECKPOINTS).join(LAST).display().to_string();
    let found = "it is missing, though the run has begun and kept other results";
    Err(Error::input(place, found, "put it back, or start anew with `apical run --again`"))
}

/// The phase in which an epoch lies.
pub(super) fn phase_at(e: &Experiment, epoch: u64) -> &Phase {
    let mut end = 0;
    e.phases
        .iter()
        .find(|p| {
            end += p.epochs as u64;
            epoch < end
        })
        .unwrap_or(&e.phases[e.phases.len() - 1])
}

/// A pool of its own for one run.
pub(crate) fn thread_pool(threads: usize) -> Result<rayon::ThreadPool, Error> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.map_err(|source| Error::machine("threads", source))
}

/// Four significant digits.
pub fn significant(x: f64) -> String {
    if x == 0.0 || !x.is_finite() {
        return format!("{x}");
    }
    let digits = 3 - x.abs().log10().floor() as i32;
    if (-9..=9).contains(&digits) { format!("{x:.*}", digits.max(0) as usize) } else { format!("{x:.3e}") }
}
