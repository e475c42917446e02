//! `pc`: predictive coding. States settle on an energy, then every layer learns from its own remaining error (Whittington
//! & Bogacz, Neural Computation 29, 2017); incremental predictive coding (Salvatori et al., ICLR 2024) and the schedule
//! that reproduces backpropagation (Z-IL; Song et al., NeurIPS 2020) by name.
//!
//! The states x_k of the hidden layers are potentials. Each is predicted from the rates below,
//! mu_k = c_k (W_k phi(x_{k-1}) + beta_b b_k), where the input takes the place of phi(x_0), and the energy of a sample is
//!
//! F = sum_{k<N} |x_k - mu_k|^2 / 2 + pi_N L(mu_N).
//!
//! L is the function's loss, half of it where that is a squared error; with `potentials` the output is the usual state
//! clamped to its target. States start feed-forward, x_k = mu_k, and all move at once down the gradient:
//! v = momentum v - rate dF/dx, x += v. What is taught is -dF/dW_k / pi_N = c_k eps_k phi(x_{k-1})^T / pi_N with
//! eps_k = x_k - mu_k. The division keeps learning rates comparable: the output layer's error does not shrink with pi_N,
//! and as pi_N goes to 0 the settled update goes to backpropagation's.
//!
//! An answer is the feed-forward pass: without a target it is where the states rest, with F = 0 below the output.

use super::Update;
use super::feed_forward::{Function, Pass, answer, gather, receive};
use super::loss::Loss;
use super::trained::{Algorithm, Teach};
use crate::circuit::{Tensors, potentials};
use crate::kernels::{Product, Real};
use crate::solvers::watch::{Moment, check_layer};
use crate::solvers::{Cell, Course, Outcome, Shown, Trouble};

/// Options.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// When weights change.
    pub schedule: Schedule,
    /// Inference steps T; `ZeroDivergence` has N - 1 of its own.
    pub steps: usize,
    /// Rate of the states; 1 under `ZeroDivergence`.
    pub rate: f64,
    /// Share of a state's last move that is kept; 0 under `ZeroDivergence`.
    pub momentum: f64,
    /// Precision pi_N of the output energy; the layers below have 1.
    pub output_precision: f64,
}

/// When weights change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// Once, after T steps of inference.
    Settled,
    /// After every step: T changes of the weights a batch (iPC).
    Incremental,
    /// Once, layer k from the errors after N - k steps of rate 1 without momentum (Z-IL): the errors have just reached it
    /// and nothing below has moved, so that the update is backpropagation's.
    ZeroDivergence,
}

impl Options {
    /// Why no network can be trained with these options, if that is so. There is no loss that cannot be used.
    pub fn refuses(&self) -> Option<String> {
        let inference = self.schedule != Schedule::ZeroDivergence;
        if inference && self.steps == 0 {
            return Some("without a step of inference no error leaves the output: take 1 or more".into());
        }
        if inference && !(self.rate > 0.0 && self.rate.is_finite()) {
            return Some(format!("a rate of the states of {} does not descend: take one above 0", self.rate));
        }
        if inference && !(0.0..1.0).contains(&self.momentum) {
            return Some(format!("a momentum of {} does not die out: take one from 0 to below 1", self.momentum));
        }
        if !(self.output_precision > 0.0 && self.output_precision.is_finite()) {
            return Some(format!("an output precision of {} teaches nothing: take one above 0", self.output_precision));
        }
        None
    }

    /// The inference that the schedule prescribes in a net of this depth: steps, rate, momentum.
    fn inference(&self, depth: usize) -> (usize, f64, f64) {
        match self.schedule {
            Schedule::ZeroDivergence => (depth - 1, 1.0, 0.0),
            Schedule::Settled | Schedule::Incremental => (self.steps, self.rate, self.momentum),
        }
    }
}

/// Predictive coding. Entry k - 1 of a list belongs to layer k, values sample after sample.
#[derive(Clone)]
pub struct Pc<T> {
    f: Function,
    options: Options,
    plan: Product,
    steps: usize,
    rate: T,
    momentum: T,
    /// x_k and phi(x_k) of the hidden layers; the potential of layer N is mu_N.
    state: Pass<T>,
    /// mu_1, which stands still as long as the weights do.
    first: Vec<T>,
    /// eps_k; of the output -pi_N dL/dmu_N.
    error: Vec<Vec<T>>,
    /// -dF/dx_k of the hidden layers.
    force: Vec<Vec<T>>,
    /// v_k of the hidden layers.
    velocity: Vec<Vec<T>>,
    /// Energy of each sample before inference.
    start: Vec<f64>,
    /// What the steps of inference, each at its own weights, have added to it.
    gain: Vec<f64>,
}

impl<T: Real> Pc<T> {
    /// Room for a function and a batch.
    pub fn new(f: &Function, options: &Options, samples: usize) -> Self {
        let state = Pass::new(f, samples);
        let hidden = state.potential[..f.depth() - 1].to_vec();
        let (steps, rate, momentum) = options.inference(f.depth());
        Pc {
            f: f.clone(),
            options: *options,
            plan: Product::best(),
            steps,
            rate: T::from_f64(rate),
            momentum: T::from_f64(momentum),
            first: state.potential[0].clone(),
            error: state.potential.clone(),
            force: hidden.clone(),
            velocity: hidden,
            start: vec![0.0; samples],
            gain: vec![0.0; samples],
            state,
        }
    }

    /// The function whose descent the update is, in a sentence.
    pub fn objective(&self) -> &'static str {
        match self.options.schedule {
            Schedule::Settled => {
                "the energy F / pi_N of the states after T steps; settled, its minimum over the states, which goes to the \
                 loss as pi_N goes to 0"
            }
            Schedule::Incremental => "the energy F / pi_N, descended in states and weights by turns",
            Schedule::ZeroDivergence => "the loss, as backpropagation",
        }
    }

    /// Mean energy F of a batch before inference and after each of its steps, at these weights; nothing of the
    /// algorithm changes. `target` is samples x n_N, as many samples as the algorithm has room for.
    pub fn energies(&self, w: &Tensors<T>, input: &[T], target: &[T]) -> Vec<f64> {
        let mut inference = self.clone();
        let mean = |pc: &Self| {
            let samples = pc.state.samples;
            (0..samples).map(|b| pc.energy(b, target)).sum::<f64>() / samples as f64
        };
        inference.begin(w, input);
        inference.output_error(target);
        let mut energies = vec![mean(&inference)];
        for _ in 0..self.steps {
            inference.step(w, target);
            energies.push(mean(&inference));
        }
        energies
    }

    /// Feed-forward states at rest, without errors below the output.
    fn begin(&mut self, w: &Tensors<T>, input: &[T]) {
        self.state.run(self.plan, &self.f, w, input);
        self.first.copy_from_slice(&self.state.potential[0]);
        self.error.iter_mut().chain(&mut self.velocity).for_each(|list| list.fill(T::ZERO));
    }

    /// mu_1 from the input at the present weights.
    fn predict_first(&mut self, w: &Tensors<T>, input: &[T]) {
        predict(self.plan, &self.f, w, 1, input, &mut self.first);
        if self.f.depth() == 1 {
            self.state.potential[0].copy_from_slice(&self.first);
        }
    }

    /// All errors from the present states.
    fn errors(&mut self, w: &Tensors<T>, target: &[T]) {
        let depth = self.f.depth();
        let Pass { potential, rate, .. } = &mut self.state;
        for k in 1..depth {
            let error = &mut self.error[k - 1];
            match k {
                1 => error.copy_from_slice(&self.first),
                _ => predict(self.plan, &self.f, w, k, &rate[k - 2], error),
            }
            error.iter_mut().zip(&potential[k - 1]).for_each(|(e, &x)| *e = x - *e);
        }
        if depth > 1 {
            predict(self.plan, &self.f, w, depth, &rate[depth - 2], &mut potential[depth - 1]);
        }
        self.output_error(target);
    }

    /// eps_N = -pi_N dL/dmu_N.
    fn output_error(&mut self, target: &[T]) {
        let error = &mut self.error[self.f.depth() - 1];
        self.f.descent(self.state.output(), target, error);
        scale(error, T::from_f64(self.options.output_precision));
    }

    /// -dF/dx_k = phi'(x_k) c_{k+1} W_{k+1}^T eps_{k+1} - eps_k.
    fn forces(&mut self, w: &Tensors<T>) {
        for k in 1..self.f.depth() {
            let force = &mut self.force[k - 1];
            self.plan.back_sum(&w.pp[k], &self.error[k], force);
            receive(&self.f, T::from_f64(self.f.factor(k + 1)), &self.state.potential[k - 1], force);
            force.iter_mut().zip(&self.error[k - 1]).for_each(|(force, &e)| *force -= e);
        }
    }

    /// One step of inference: every state moves by the forces of the same errors, which are found anew.
    fn step(&mut self, w: &Tensors<T>, target: &[T]) {
        self.forces(w);
        let (rate, momentum) = (self.rate, self.momentum);
        for k in 1..self.f.depth() {
            let moves = self.state.potential[k - 1].iter_mut().zip(&mut self.velocity[k - 1]).zip(&self.force[k - 1]);
            for ((x, v), &force) in moves {
                *v = momentum * *v + rate * force;
                *x += *v;
            }
            self.f.net.activation.rates(&self.state.potential[k - 1], &mut self.state.rate[k - 1]);
        }
        self.errors(w, target);
    }

    /// F of sample `b`, from the present errors.
    fn energy(&self, b: usize, target: &[T]) -> f64 {
        let depth = self.f.depth();
        let squares =
            |list: &[T], n: usize| -> f64 { list[b * n..(b + 1) * n].iter().map(|&e| (e * e).to_f64()).sum() };
        let hidden: f64 = (1..depth).map(|k| squares(&self.error[k - 1], self.f.net.sizes[k])).sum();
        let n = self.f.net.sizes[depth];
        let cells = b * n..(b + 1) * n;
        let half = if matches!(self.f.loss, Loss::Potentials | Loss::Rates) { 0.5 } else { 1.0 };
        let loss = self.f.loss.value(self.f.net.activation, &self.state.output()[cells.clone()], &target[cells]);
        0.5 * hidden + self.options.output_precision * half * loss
    }

    /// True if inference has not raised the energy of sample `b`. What rounding can do does not count: a part in 10^6,
    /// and errors so small that the loss itself is rounding.
    fn is_settled(&self, b: usize) -> bool {
        let slack = 1e-6 * self.start[b] + 1e-9 * self.options.output_precision;
        // NaN fails every comparison, so it counts as unsettled.
        self.gain[b] <= slack
    }

    /// Adds layer k's part of -dF/dW / pi_N.
    fn gather(&mut self, k: usize, input: &[T], update: &mut Update<T>) {
        scale(&mut self.error[k - 1], T::from_f64(1.0 / self.options.output_precision));
        gather(self.plan, &self.f, k, &self.error[k - 1], self.state.below(input, k), update);
    }

    /// Z-IL: layer N - t after t steps.
    fn layer_after_layer(&mut self, w: &Tensors<T>, input: &[T], target: &[T], update: &mut Update<T>) {
        self.output_error(target);
        let depth = self.f.depth();
        for k in (1..=depth).rev() {
            if k < depth {
                self.step(w, target);
            }
            self.gather(k, input, update);
            // The next step needs the error as it was.
            scale(&mut self.error[k - 1], T::from_f64(self.options.output_precision));
        }
    }

    /// `steps` of inference, with what they add to the energies.
    fn infer(&mut self, steps: usize, w: &Tensors<T>, target: &[T]) {
        for b in 0..self.gain.len() {
            self.gain[b] -= self.energy(b, target);
        }
        for _ in 0..steps {
            self.step(w, target);
        }
        for b in 0..self.gain.len() {
            self.gain[b] += self.energy(b, target);
        }
    }

    /// Silences the samples that have not settled, so that they teach nothing; returns how many these are.
    fn silence(&mut self) -> usize {
        let samples = self.gain.len();
        let mut unsettled = 0;
        for b in 0..samples {
            if self.is_settled(b) {
                continue;
            }
            unsettled += 1;
            for error in &mut self.error {
                let n = error.len() / samples;
                error[b * n..(b + 1) * n].fill(T::ZERO);
            }
            // 0 times a rate is nothing, unless the rate is no number.
            for rate in &mut self.state.rate {
                let n = rate.len() / samples;
                rate[b * n..(b + 1) * n].iter_mut().filter(|r| !r.is_finite()).for_each(|r| *r = T::ZERO);
            }
        }
        unsettled
    }

    /// The largest force on a state of a settled sample.
    fn residual(&mut self, w: &Tensors<T>) -> f64 {
        self.forces(w);
        let settled = (0..self.gain.len()).filter(|&b| self.is_settled(b));
        settled.map(|b| self.largest_force(b)).fold(0.0, f64::max)
    }

    /// The largest force on a state of sample `b`, from the present forces.
    fn largest_force(&self, b: usize) -> f64 {
        let samples = self.gain.len();
        let mut largest = T::ZERO;
        for list in &self.force {
            let n = list.len() / samples;
            largest = list[b * n..(b + 1) * n].iter().fold(largest, |m, force| m.max(force.abs()));
        }
        largest.to_f64()
    }
}

/// mu_k from the rates below.
fn predict<T: Real>(plan: Product, f: &Function, w: &Tensors<T>, k: usize, below: &[T], mu: &mut [T]) {
    potentials::basal(plan, &w.pp[k - 1], w.bpp.get(k - 1), T::from_f64(f.net.bias_rate), below, mu);
    scale(mu, T::from_f64(f.factor(k)));
}

fn scale<T: Real>(values: &mut [T], factor: T) {
    if factor != T::ONE {
        values.iter_mut().for_each(|x| *x *= factor);
    }
}

impl<T: Real> Algorithm<T> for Pc<T> {
    fn name(&self) -> &'static str {
        "pc"
    }

    fn reference(&self) -> &'static str {
        match self.options.schedule {
            Schedule::Settled => "Whittington & Bogacz, Neural Computation 29(5), 2017",
            Schedule::Incremental => "Salvatori et al., ICLR 2024",
            Schedule::ZeroDivergence => "Song, Lukasiewicz, Xu & Bogacz, NeurIPS 2020",
        }
    }

    /// A sample whose energy inference has raised (the rate of the states is too large) or lost teaches nothing and is
    /// counted as unsettled; its output is the feed-forward answer all the same. With Z-IL, whose steps need not descend,
    /// none is. `residual` is the largest |dF/dx| that is left, `sweeps` the number of steps.
    fn teach(
        &mut self,
        w: &Tensors<T>,
        shown: &Teach<'_, T>,
        update: &mut Update<T>,
        outcome: &mut Outcome<T>,
    ) -> Result<(), Trouble> {
        if shown.round == 0 {
            self.begin(w, shown.input);
            outcome.output.copy_from_slice(self.state.output());
            // Not the trouble of inference, so not left to it: a bound that both precisions know.
            check_layer(
                &outcome.output,
                shown.samples,
                (Cell::Pyramidal, self.f.depth()),
                Moment::Step(shown.step),
                f64::from(f32::MAX),
            )?;
        }
        let Some(target) = shown.target else { return Ok(()) };
        outcome.sweeps = self.steps;
        if self.options.schedule == Schedule::ZeroDivergence {
            self.layer_after_layer(w, shown.input, target, update);
            return Ok(());
        }
        if shown.round == 0 {
            self.output_error(target);
            for b in 0..self.start.len() {
                self.start[b] = self.energy(b, target);
            }
            self.gain.fill(0.0);
        } else {
            self.predict_first(w, shown.input);
            self.errors(w, target);
        }
        let rounds = self.rounds();
        self.infer(self.steps / rounds, w, target);
        if shown.round + 1 == rounds {
            outcome.residual = self.residual(w);
        }
        outcome.unsettled = self.silence();
        for k in 1..=self.f.depth() {
            self.gather(k, shown.input, update);
        }
        Ok(())
    }

    /// The feed-forward pass; every sample has an answer.
    fn answer(&self, w: &Tensors<T>, input: &[T], samples: usize, output: &mut [T]) -> Result<usize, Trouble> {
        answer(&self.f, w, input, samples, output);
        Ok(0)
    }

    /// Energies and forces of inference at these weights, whatever the schedule.
    fn follow(&self, w: &Tensors<T>, shown: &Shown<'_, T>) -> Option<Course> {
        let target = shown.target?;
        let mut pc = Pc::new(&self.f, &self.options, shown.samples);
        let mut course = Course::default();
        pc.begin(w, shown.input);
        pc.output_error(target);
        for step in 0..=pc.steps {
            if step > 0 {
                pc.step(w, target);
            }
            course.energy.push((0..shown.samples).map(|b| pc.energy(b, target)).collect());
            pc.forces(w);
            course.residual.push((0..shown.samples).map(|b| pc.largest_force(b)).collect());
        }
        Some(course)
    }

    fn copy(&self) -> Box<dyn Algorithm<T>> {
        Box::new(self.clone())
    }

    fn rounds(&self) -> usize {
        if self.options.schedule == Schedule::Incremental { self.steps } else { 1 }
    }
}
