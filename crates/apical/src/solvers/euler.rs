//! `euler`: the full dynamics of Sacramento et al. 2018 in Euler steps, plasticity always on. The circuit's state, traces
//! and Delta go on from one presentation to the next unless a reset is asked for.

use super::{Array, Observer, Outcome, Shown, Solver, Trouble, View, Weights, watch};
use crate::circuit::noise::Source;
use crate::circuit::params::{LagKind, Network, Rates, Timing};
use crate::circuit::step::{Constants, Learning, Plastic, step};
use crate::circuit::{Potentials, State, Tensors};
use crate::kernels::{Product, Real};

/// The Euler solver with its circuit's state.
pub struct Euler<T> {
    constants: Constants<T>,
    timing: Timing,
    tau_w: Option<f64>,
    noise: Source,
    bound: f64,
    state: State<T>,
    delta: Tensors<T>,
    potentials: Potentials<T>,
}

impl<T: Real> Euler<T> {
    /// A circuit at rest. `bound`: potentials beyond it count as divergence.
    pub fn new(net: &Network, timing: Timing, tau_w: Option<f64>, noise: Source, bound: f64, samples: usize) -> Self {
        let delta = if tau_w.is_some() { Tensors::zeros(&net.sizes, net.bias_rate != 0.0) } else { Tensors::default() };
        Euler {
            constants: Constants::new(net, &timing, tau_w, Product::for_batch(samples)),
            timing,
            tau_w,
            noise,
            bound,
            state: State::rest(net, samples),
            delta,
            potentials: Potentials::new(net, samples),
        }
    }

    /// The same with another plan for products.
    pub fn with_plan(mut self, plan: Product) -> Self {
        self.constants.plan = plan;
        self
    }

    /// Somas and traces, to look at or to start from.
    pub fn state_mut(&mut self) -> &mut State<T> {
        &mut self.state
    }

    /// Delta (all lists empty without low-pass).
    pub fn delta(&self) -> &Tensors<T> {
        &self.delta
    }

    fn steps(&self) -> usize {
        self.timing.steps(self.timing.presentation)
    }

    /// First step whose output counts.
    fn window_start(&self) -> usize {
        self.steps() - self.timing.steps(self.timing.window).clamp(1, self.steps())
    }

    /// Shows patterns without plasticity for one presentation: brings the state to where these patterns settle.
    ///
    /// # Errors
    /// [`Trouble::Diverged`].
    pub fn settle(&mut self, weights: &Tensors<T>, shown: &Shown<'_, T>) -> Result<(), Trouble> {
        let mut weights = weights.clone();
        let silent = Source::Silent;
        for _ in 0..self.steps() {
            let (c, state, p) = (&self.constants, &mut self.state, &mut self.potentials);
            step(c, &mut weights, state, p, shown.input, shown.target, Learning::None, &silent);
        }
        watch::check(&self.state, self.bound)
    }

    /// Presents without target, noise and plasticity, and averages u_N over the window.
    fn present_silently(
        &self,
        weights: &mut Tensors<T>,
        state: &mut State<T>,
        p: &mut Potentials<T>,
        input: &[T],
        output: &mut [T],
    ) -> Result<(), Trouble> {
        if self.timing.reset_state {
            state.reset();
        }
        let (steps, start) = (self.steps(), self.window_start());
        let mut constants = self.constants.clone();
        constants.plan = Product::for_batch(state.samples);
        output.fill(T::ZERO);
        let share = T::ONE / T::from_f64((steps - start) as f64);
        for n in 0..steps {
            step(&constants, weights, state, p, input, None, Learning::None, &Source::Silent);
            if n >= start {
                for (o, &u) in output.iter_mut().zip(&state.soma[state.soma.len() - 1]) {
                    *o += share * u;
                }
            }
        }
        watch::check(state, self.bound)
    }

    /// The steps of a presentation; with an `update` the weights stand still and the rules are gathered there.
    fn course(
        &mut self,
        weights: &mut Tensors<T>,
        shown: &Shown<'_, T>,
        rates: &Rates,
        mut update: Option<&mut Tensors<T>>,
        outcome: &mut Outcome<T>,
        observer: &mut dyn Observer<T>,
    ) -> Result<(), Trouble> {
        if self.timing.reset_delta {
            self.delta.clear();
        }
        if self.timing.reset_state {
            self.state.reset();
        }
        let (steps, start) = (self.steps(), self.window_start());
        let top = self.state.soma.len() - 1;
        let share = T::from_f64(self.constants.attenuation.output / (steps - start) as f64);
        outcome.output.fill(T::ZERO);
        for n in 0..steps {
            let plastic = Plastic::in_presentation(&self.timing, n);
            let learning = match &mut update {
                None => Learning::Own { rates, plastic, delta: &mut self.delta },
                Some(update) if plastic == Plastic::On || self.timing.lag_kind == LagKind::Filter => {
                    Learning::Gather { rates, update }
                }
                Some(_) => Learning::None,
            };
            let (c, state, p) = (&self.constants, &mut self.state, &mut self.potentials);
            step(c, weights, state, p, shown.input, shown.target, learning, &self.noise);
            watch::check(state, self.bound)?;
            if n >= start {
                for (o, &v) in outcome.output.iter_mut().zip(&p.basal[top]) {
                    *o += share * v;
                }
            }
            observer.after_step(&View { step: state.step, state, potentials: p, weights, target: shown.target });
        }
        outcome.measure(&self.state, &self.potentials);
        Ok(())
    }
}

impl<T: Real> Solver<T> for Euler<T> {
    fn name(&self) -> &'static str {
        "euler"
    }

    fn reference(&self) -> &'static str {
        "Sacramento, Costa, Bengio & Senn, NeurIPS 2018"
    }

    fn learn(
        &mut self,
        weights: &mut Tensors<T>,
        shown: &Shown<'_, T>,
        rates: &Rates,
        outcome: &mut Outcome<T>,
        observer: &mut dyn Observer<T>,
    ) -> Result<(), Trouble> {
        self.course(weights, shown, rates, None, outcome, observer)
    }

    fn gather(
        &mut self,
        weights: &Tensors<T>,
        shown: &Shown<'_, T>,
        rates: &Rates,
        update: &mut Tensors<T>,
        outcome: &mut Outcome<T>,
        observer: &mut dyn Observer<T>,
    ) -> Result<(), Trouble> {
        self.course(&mut weights.clone(), shown, rates, Some(update), outcome, observer)
    }

    fn update(
        &self,
        weights: &Tensors<T>,
        shown: &Shown<'_, T>,
        rates: &Rates,
        mode: Weights,
    ) -> Result<Tensors<T>, Trouble> {
        let (mut weights, mut delta) = (weights.clone(), self.delta.clone());
        let (mut state, mut p) = (self.state.clone(), self.potentials.clone());
        if self.timing.reset_delta {
            delta.clear();
        }
        if self.timing.reset_state {
            state.reset();
        }
        let before = taught(&weights, &delta, rates, self.tau_w);
        let mut gathered = Tensors::zeros(&self.constants.net().sizes, self.constants.net().bias_rate != 0.0);
        for n in 0..self.steps() {
            let plastic = Plastic::in_presentation(&self.timing, n);
            let learning = match mode {
                Weights::Moving => Learning::Own { rates, plastic, delta: &mut delta },
                // In the lag's variant "filter" the rules still reach Delta, and so V.
                Weights::Held if plastic == Plastic::On || self.timing.lag_kind == LagKind::Filter => {
                    Learning::Gather { rates, update: &mut gathered }
                }
                Weights::Held => Learning::None,
            };
            let noise = &self.noise;
            step(&self.constants, &mut weights, &mut state, &mut p, shown.input, shown.target, learning, noise);
            watch::check(&state, self.bound)?;
        }
        if mode == Weights::Moving {
            gathered = taught(&weights, &delta, rates, self.tau_w);
            for (after, before) in gathered.named_mut().zip(before.named()) {
                after.1.data.iter_mut().zip(&before.1.data).for_each(|(a, &b)| *a -= b);
            }
        }
        Ok(gathered)
    }

    fn answer(&self, weights: &Tensors<T>, input: &[T], samples: usize, output: &mut [T]) -> Result<usize, Trouble> {
        let net = self.constants.net();
        let (mut state, mut p) = (State::rest(net, samples), Potentials::new(net, samples));
        self.present_silently(&mut weights.clone(), &mut state, &mut p, input, output)?;
        Ok(0)
    }

    fn answer_sequence(
        &self,
        weights: &Tensors<T>,
        input: &[T],
        length: usize,
        output: &mut [T],
    ) -> Result<usize, Trouble> {
        let net = self.constants.net();
        let (mut weights, mut state, mut p) = (weights.clone(), State::rest(net, 1), Potentials::new(net, 1));
        let outputs = output.chunks_exact_mut(output.len() / length);
        for (x, o) in input.chunks_exact(input.len() / length).zip(outputs) {
            self.present_silently(&mut weights, &mut state, &mut p, x, o)?;
        }
        Ok(0)
    }

    fn save(&self) -> Vec<Array<T>> {
        let samples = self.state.samples;
        let state = self.state.named().into_iter().map(|(name, values)| Array {
            name,
            shape: vec![samples, values.len() / samples],
            data: values.to_vec(),
        });
        let delta = self.delta.named().map(|(name, m)| Array {
            name: format!("delta.{name}"),
            shape: vec![m.rows, m.cols],
            data: m.data.clone(),
        });
        state.chain(delta).collect()
    }

    fn restore(&mut self, find: &mut dyn FnMut(&str, usize) -> Option<Vec<T>>) -> Result<(), String> {
        for (name, values) in self.state.named_mut() {
            values.copy_from_slice(&find(&name, values.len()).ok_or(name)?);
        }
        for (name, m) in self.delta.named_mut() {
            let name = format!("delta.{name}");
            m.data = find(&name, m.data.len()).ok_or(name)?;
        }
        Ok(())
    }

    fn clock(&self) -> u64 {
        self.state.step
    }

    fn set_clock(&mut self, step: u64) {
        self.state.step = step;
    }
}

/// V = W + eta tau_w Delta: what the rules have taught, whether it has reached W yet or not.
fn taught<T: Real>(weights: &Tensors<T>, delta: &Tensors<T>, rates: &Rates, tau_w: Option<f64>) -> Tensors<T> {
    let mut v = weights.clone();
    let Some(tau_w) = tau_w else { return v };
    let lists = [
        (&mut v.pp, &delta.pp, &rates.pp),
        (&mut v.bpp, &delta.bpp, &rates.pp),
        (&mut v.pb, &delta.pb, &rates.pb),
        (&mut v.ip, &delta.ip, &rates.ip),
        (&mut v.bip, &delta.bip, &rates.ip),
        (&mut v.pi, &delta.pi, &rates.pi),
    ];
    for (w, d, eta) in lists {
        for ((w, d), &eta) in w.iter_mut().zip(d).zip(eta) {
            let factor = T::from_f64(eta * tau_w);
            w.data.iter_mut().zip(&d.data).for_each(|(w, &d)| *w += factor * d);
        }
    }
    v
}
