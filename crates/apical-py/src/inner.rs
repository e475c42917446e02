//! A circuit in one number type: presentations one after the other, and where they may be interrupted.

use crate::signals::{LOOK_EVERY, abandonable, attended, look};
use apical::circuit::params::Rates;
use apical::circuit::{Tensors, self_prediction};
use apical::evaluate::CHUNK;
use apical::kernels::Real;
use apical::learners::Learner;
use apical::solvers::{Observer, Outcome, Shown, Trouble, View, Wants, Weights};
use apical_lab::run::build;
use apical_lab::{Error, Experiment};
use numpy::Element;
use pyo3::PyErr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// Steps x samples x weights from which on a presentation may be stopped midway: less takes a fraction of a second.
const LONG: f64 = 3e8;

/// Samples that are asked side by side what they would teach: some solvers need room for every two of them.
const TOGETHER: usize = 1000;

/// The numbers of a circuit: both the engine's and NumPy's.
pub trait Number: Real + Element {}
impl Number for f32 {}
impl Number for f64 {}

/// Why presentations ended early.
pub enum Halt {
    /// Numerical trouble.
    Trouble(Trouble),
    /// A signal handler of Python raised this.
    Interrupted(PyErr),
}

impl From<Trouble> for Halt {
    fn from(trouble: Trouble) -> Self {
        Halt::Trouble(trouble)
    }
}

/// A circuit and what it goes on with.
pub struct Inner<T> {
    e: Experiment,
    /// Weights, potentials, low-passed changes, clock.
    pub learner: Box<dyn Learner<T>>,
    outcome: Outcome<T>,
}

/// Patterns one presentation after the other: presentations x samples x cells.
pub struct Patterns<'a, T> {
    /// Input rates.
    pub inputs: &'a [T],
    /// Target potentials, if a target nudges.
    pub targets: Option<&'a [T]>,
    /// Whether rules act.
    pub plastic: bool,
}

impl<T: Number> Inner<T> {
    /// With its start weights, at rest.
    pub fn new(e: &Experiment) -> Result<Self, Error> {
        let learner = build::learner(e, build::start_weights::<T>(e)?);
        Ok(Inner { e: e.clone(), learner, outcome: Outcome::new(&e.network, e.train.batch) })
    }

    /// Values of a presentation: of its inputs, of its outputs.
    pub fn lengths(&self) -> (usize, usize) {
        let (sizes, batch) = (&self.e.network.sizes, self.e.train.batch);
        (batch * sizes[0], batch * sizes[sizes.len() - 1])
    }

    /// The same circuit with presentations of another length.
    pub fn retime(&mut self, e: &Experiment) -> Result<(), Error> {
        if e.timing == self.e.timing {
            return Ok(());
        }
        let mut learner = build::learner(e, self.learner.weights().clone());
        let (clock, mut saved) = (self.learner.clock(), self.learner.save());
        let missing = learner.restore(&mut |name, length| {
            let at = saved.iter().position(|array| array.name == name && array.data.len() == length)?;
            Some(saved.swap_remove(at).data)
        });
        missing.map_err(|name| Error::input("state", format!("it has no {name}"), "the state of such a circuit"))?;
        learner.set_clock(clock);
        self.learner = learner;
        self.e.timing = e.timing;
        Ok(())
    }

    /// Whether one presentation of so many samples may take long enough for somebody to lose patience.
    fn is_long(&self, samples: usize) -> bool {
        let steps = if self.e.has_dynamics() { self.e.timing.steps(self.e.timing.presentation) } else { 1 };
        let weights: usize = self.learner.weights().named().map(|(_, m)| m.data.len()).sum();
        steps as f64 * (samples * weights) as f64 > LONG
    }

    /// One presentation that Python's signals end midway; the circuit is then as before it.
    fn present_long(
        &mut self,
        shown: &Shown<'_, T>,
        observer: &mut (dyn Observer<T> + Send),
        pool: Option<&rayon::ThreadPool>,
    ) -> Result<(), Halt> {
        let (weights, saved, clock) = (self.learner.weights().clone(), self.learner.save(), self.learner.clock());
        let stop = AtomicBool::new(false);
        let mut observer = Stoppable { observer, stop: &stop };
        let (learner, outcome) = (&mut self.learner, &mut self.outcome);
        let result = attended(
            || stop.store(true, Ordering::Relaxed),
            move || match pool {
                Some(pool) => pool.install(|| learner.learn(shown, outcome, &mut observer)),
                None => learner.learn(shown, outcome, &mut observer),
            },
        );
        if result.is_err() {
            *self.learner.weights_mut() = weights;
            let mut find =
                |name: &str, _| saved.iter().find(|array| array.name == name).map(|array| array.data.clone());
            // It has just been saved by the same learner, so nothing is missing.
            let _ = self.learner.restore(&mut find);
            self.learner.set_clock(clock);
        }
        Ok(result.map_err(Halt::Interrupted)??)
    }

    /// Shows patterns; appends what the output's basal dendrites predict of each to `outputs`.
    pub fn present(
        &mut self,
        patterns: &Patterns<'_, T>,
        outputs: &mut Vec<T>,
        observer: &mut (dyn Observer<T> + Send),
        pool: Option<&rayon::ThreadPool>,
    ) -> Result<(), Halt> {
        let rates = &self.e.phases[0].rates;
        if patterns.plastic {
            self.learner.set_rates(rates, 1.0);
        } else {
            self.learner.set_rates(&still(rates), 1.0);
        }
        let (input, target) = self.lengths();
        let long = self.is_long(self.e.train.batch);
        let mut looked = Instant::now();
        for (n, shown) in patterns.inputs.chunks_exact(input).enumerate() {
            let target = patterns.targets.map(|all| &all[n * target..][..target]);
            let shown = Shown { samples: self.e.train.batch, input: shown, target };
            let (learner, outcome) = (&mut self.learner, &mut self.outcome);
            match pool {
                _ if long => self.present_long(&shown, observer, pool)?,
                Some(pool) => pool.install(|| learner.learn(&shown, outcome, observer))?,
                None => learner.learn(&shown, outcome, observer)?,
            }
            outputs.extend_from_slice(&self.outcome.output);
            if looked.elapsed() > LOOK_EVERY {
                look().map_err(Halt::Interrupted)?;
                looked = Instant::now();
            }
        }
        Ok(())
    }

    /// Answers from rest, in the portions of every evaluation, on which bits depend; returns how many samples have none.
    pub fn answer(&self, inputs: &[T], output: &mut [T]) -> Result<usize, Halt> {
        let sizes = &self.e.network.sizes;
        let (first, last) = (sizes[0], sizes[sizes.len() - 1]);
        if self.is_long(CHUNK.min(inputs.len() / first)) {
            // By a learner of its own, which can be left alone: answers depend on nothing but the weights.
            let learner = build::learner(&self.e, self.learner.weights().clone());
            let (inputs, outputs) = (inputs.to_vec(), output.len());
            let answered = move |left: &AtomicBool| -> Result<(Vec<T>, usize), Trouble> {
                let (mut output, mut unsettled) = (vec![T::ZERO; outputs], 0);
                for (inputs, output) in inputs.chunks(CHUNK * first).zip(output.chunks_mut(CHUNK * last)) {
                    if left.load(Ordering::Relaxed) {
                        return Err(Trouble::Stopped);
                    }
                    unsettled += learner.answer(inputs, inputs.len() / first, output)?;
                }
                Ok((output, unsettled))
            };
            let (answers, unsettled) = abandonable(answered).map_err(Halt::Interrupted)??;
            output.copy_from_slice(&answers);
            return Ok(unsettled);
        }
        let (mut unsettled, mut looked) = (0, Instant::now());
        for (inputs, output) in inputs.chunks(CHUNK * first).zip(output.chunks_mut(CHUNK * last)) {
            unsettled += self.learner.answer(inputs, inputs.len() / first, output)?;
            if looked.elapsed() > LOOK_EVERY {
                look().map_err(Halt::Interrupted)?;
                looked = Instant::now();
            }
        }
        Ok(unsettled)
    }

    /// Sums over cells at the end of the last presentation, mean over samples, per hidden layer: v_A^2, and (u^I - u^P)^2.
    pub fn measures(&self) -> (Vec<f64>, Vec<f64>) {
        (self.outcome.apical_squared.clone(), self.outcome.mismatch_squared.clone())
    }

    /// All interneuron synapses at their self-predicting values.
    pub fn self_predicting(&mut self) {
        let attenuation = build::attenuation(&self.e);
        self_prediction::set(&attenuation, self.learner.weights_mut());
    }

    /// What the forward rules would teach at a rate of 1, from rest, at weights that stand still; samples as in `e`.
    /// Ends between portions of samples if it is `left`.
    pub fn direction(
        e: &Experiment,
        w: Tensors<T>,
        inputs: &[T],
        targets: &[T],
        left: &AtomicBool,
    ) -> Result<Tensors<T>, Trouble> {
        let (samples, own) = (e.train.batch, &e.phases[0].rates);
        let (cells, outputs) = (inputs.len() / samples, targets.len() / samples);
        let mut sum: Option<Tensors<T>> = None;
        for (inputs, targets) in inputs.chunks(TOGETHER * cells).zip(targets.chunks(TOGETHER * outputs)) {
            if left.load(Ordering::Relaxed) {
                return Err(Trouble::Stopped);
            }
            let mut e = e.clone();
            e.train.batch = inputs.len() / cells;
            let mut learner = build::learner(&e, w.clone());
            learner.set_rates(&Rates { pp: vec![1.0; own.pp.len()], ..still(own) }, 1.0);
            let shown = Shown { samples: e.train.batch, input: inputs, target: Some(targets) };
            let mut update = learner.update(&shown, Weights::Held)?;
            if e.train.batch == samples {
                return Ok(update);
            }
            let share = T::from_f64(e.train.batch as f64 / samples as f64);
            for (_, m) in update.named_mut() {
                m.data.iter_mut().for_each(|v| *v *= share);
            }
            match &mut sum {
                Some(sum) => sum.add(&update),
                None => sum = Some(update),
            }
        }
        Ok(sum.unwrap_or_default())
    }
}

/// An observer, and a flag that ends what it observes.
struct Stoppable<'a, T> {
    observer: &'a mut (dyn Observer<T> + Send),
    stop: &'a AtomicBool,
}

impl<T> Observer<T> for Stoppable<'_, T> {
    fn looks(&self) -> bool {
        self.observer.looks()
    }

    fn wants(&self, step: u64) -> Wants {
        self.observer.wants(step)
    }

    fn after_step(&mut self, view: &View<'_, T>) {
        self.observer.after_step(view);
    }

    fn stops(&mut self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// No rule acts.
fn still(rates: &Rates) -> Rates {
    rates.scaled(0.0)
}
