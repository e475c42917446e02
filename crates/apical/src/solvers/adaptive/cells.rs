//! Sweeps: all potentials of all samples at the ends of their steps, layer by layer, up and down. A sweep is one
//! right-hand side.

use super::clock::Clock;
use super::node::{Node, Site, populations};
use crate::circuit::params::{Conductances, Network, Timing};
use crate::circuit::plasticity::{feedback, forward, interneuron, predicted_rate};
use crate::circuit::{Attenuation, Kind, Potentials, State, Tensors, potentials};
use crate::kernels::{Product, Real};
use crate::solvers::Shown;

/// Class of a population's conductances: hidden, interneuron, output.
pub fn class(population: usize, depth: usize) -> usize {
    match population {
        p if p + 1 < depth => 0,
        p if p >= depth => 1,
        _ => 2,
    }
}

/// Total conductances of the classes (1/ms).
pub fn totals(c: &Conductances, target: bool) -> [f64; 3] {
    [
        c.g_lk + c.g_b + c.g_a,
        c.g_lk + c.g_d + c.g_som_interneuron,
        c.g_lk + c.g_b + if target { c.g_som_output } else { 0.0 },
    ]
}

/// All cells of a batch.
pub struct Cells<T> {
    net: Network,
    attenuation: Attenuation,
    g: [T; 5],
    tau_0: f64,
    tau_target: Option<f64>,
    /// How products are computed.
    pub plan: Product,
    /// Samples.
    pub samples: usize,
    /// Somas at each sample's newest node, population by population.
    pub soma: Vec<Vec<T>>,
    /// Somas at the node before.
    pub before: Vec<Vec<T>>,
    /// Somas at the ends of the steps under way.
    pub new: Vec<Vec<T>>,
    /// The same one sweep earlier.
    last: Vec<Vec<T>>,
    /// The part that does not depend on the new node, and the extrapolated current there.
    base: Vec<Vec<T>>,
    ahead: Vec<Vec<T>>,
    /// Currents at the ends of the steps.
    pub current: Vec<Vec<T>>,
    /// Per sample and class, the weight of the current at the new node.
    weight: Vec<[T; 3]>,
    /// Rates and dendritic potentials at the ends of the steps.
    pub p: Potentials<T>,
    /// The traced input at the ends of the steps.
    pub input: Vec<T>,
    target: Vec<T>,
    input_0: Vec<T>,
    /// W r_in = W x + e^(-t / tau_0) W (r_in(0) - x): both products, samples x n_1, at the weights of the beginning.
    settled: Vec<T>,
    fading: Vec<T>,
    /// e^(-t / tau_0) of each sample at the end of its step.
    left: Vec<T>,
    /// The weights into layer 1 are those of the beginning.
    pub still: bool,
    target_0: Vec<T>,
}

impl<T: Real> Cells<T> {
    /// Room for a net and a batch.
    pub fn new(net: &Network, timing: &Timing, plan: Product, samples: usize) -> Self {
        let c = &net.conductances;
        let zeros = || populations(net).iter().map(|n| vec![T::ZERO; n * samples]).collect::<Vec<_>>();
        let (inputs, outputs) = (net.sizes[0] * samples, net.sizes[net.sizes.len() - 1] * samples);
        Cells {
            net: net.clone(),
            attenuation: Attenuation::from_conductances(c),
            g: [c.g_b, c.g_a, c.g_d, c.g_som_interneuron, c.g_som_output].map(T::from_f64),
            tau_0: timing.tau_0,
            tau_target: timing.tau_target,
            plan,
            samples,
            soma: zeros(),
            before: zeros(),
            new: zeros(),
            last: zeros(),
            base: zeros(),
            ahead: zeros(),
            current: zeros(),
            weight: vec![[T::ZERO; 3]; samples],
            p: Potentials::new(net, samples),
            input: vec![T::ZERO; inputs],
            target: vec![T::ZERO; outputs],
            input_0: vec![T::ZERO; inputs],
            settled: vec![T::ZERO; net.sizes[1] * samples],
            fading: vec![T::ZERO; net.sizes[1] * samples],
            left: vec![T::ONE; samples],
            still: false,
            target_0: vec![T::ZERO; outputs],
        }
    }

    /// Total conductances of the classes (1/ms).
    pub fn totals(&self, target: bool) -> [f64; 3] {
        totals(&self.net.conductances, target)
    }

    /// Takes somas and traces from where a presentation begins.
    pub fn begin(&mut self, state: &State<T>, shown: &Shown<'_, T>, w: &Tensors<T>) {
        for (to, from) in self.soma.iter_mut().zip(state.soma.iter().chain(&state.inter)) {
            to.copy_from_slice(from);
        }
        self.input_0.copy_from_slice(&state.trace_input);
        self.target_0.copy_from_slice(&state.trace_target);
        self.plan.weighted_sum(&w.pp[0], shown.input, &mut self.settled);
        let away = self.input.iter_mut().zip(&self.input_0).zip(shown.input);
        away.for_each(|((d, &start), &x)| *d = start - x);
        self.plan.weighted_sum(&w.pp[0], &self.input, &mut self.fading);
    }

    /// The traces of `samples`' patterns `t` ms after the presentation began.
    fn trace(to: &mut [T], start: &[T], goal: &[T], t: f64, tau: f64) {
        let left = T::from_f64((-t / tau).exp());
        for ((to, &start), &goal) in to.iter_mut().zip(start).zip(goal) {
            *to = goal + left * (start - goal);
        }
    }

    fn traces(&mut self, shown: &Shown<'_, T>, first: usize, count: usize, t: f64) {
        let n = self.net.sizes[0];
        let at = first * n..(first + count) * n;
        let start = &self.input_0[at.clone()];
        Self::trace(&mut self.input[at.clone()], start, &shown.input[at], t, self.tau_0);
        self.left[first..first + count].fill(T::from_f64((-t / self.tau_0).exp()));
        if let Some(target) = shown.target {
            let n = self.net.sizes[self.net.sizes.len() - 1];
            let at = first * n..(first + count) * n;
            match self.tau_target {
                Some(tau) => {
                    let start = &self.target_0[at.clone()];
                    Self::trace(&mut self.target[at.clone()], start, &target[at], t, tau);
                }
                None => self.target[at.clone()].copy_from_slice(&target[at]),
            }
        }
    }

    /// Somas and traces into a state `t` ms after the presentation began.
    pub fn end(&self, shown: &Shown<'_, T>, t: f64, state: &mut State<T>) {
        for (from, to) in self.soma.iter().zip(state.soma.iter_mut().chain(&mut state.inter)) {
            to.copy_from_slice(from);
        }
        self.traces_at(shown, t, state);
    }

    /// The traces into a state `t` ms after the presentation began.
    pub fn traces_at(&self, shown: &Shown<'_, T>, t: f64, state: &mut State<T>) {
        Self::trace(&mut state.trace_input, &self.input_0, shown.input, t, self.tau_0);
        if let (Some(target), Some(tau)) = (shown.target, self.tau_target) {
            Self::trace(&mut state.trace_target, &self.target_0, target, t, tau);
        }
    }

    fn range(&self, population: usize, clock: &Clock) -> std::ops::Range<usize> {
        let n = self.new[population].len() / self.samples;
        clock.first * n..(clock.first + clock.count) * n
    }

    /// Makes the next sweep only look at a clock's newest node: its currents, rates and potentials.
    pub fn look(&mut self, shown: &Shown<'_, T>, clock: &Clock) {
        for population in 0..self.soma.len() {
            let at = self.range(population, clock);
            self.base[population][at.clone()].copy_from_slice(&self.soma[population][at]);
        }
        self.hold(shown, clock, clock.t);
    }

    /// Makes the next sweep only look at these somas, `t` ms after the presentation began.
    pub fn look_at(&mut self, shown: &Shown<'_, T>, clock: &Clock, t: f64, somas: &[Vec<T>]) {
        for (base, somas) in self.base.iter_mut().zip(somas) {
            base.copy_from_slice(somas);
        }
        self.hold(shown, clock, t);
    }

    /// Somas that no current moves: those in `base`.
    fn hold(&mut self, shown: &Shown<'_, T>, clock: &Clock, t: f64) {
        self.traces(shown, clock.first, clock.count, t);
        for population in 0..self.soma.len() {
            let at = self.range(population, clock);
            self.new[population][at.clone()].copy_from_slice(&self.base[population][at]);
        }
        self.weight[clock.first..clock.first + clock.count].fill([T::ZERO; 3]);
        self.rates(clock);
    }

    fn rates(&mut self, clock: &Clock) {
        let phi = self.net.activation;
        let depth = self.p.rate.len();
        for population in 0..self.new.len() {
            let at = self.range(population, clock);
            let rate = match population.checked_sub(depth) {
                None => &mut self.p.rate[population],
                Some(k) => &mut self.p.rate_inter[k],
            };
            phi.rates(&self.new[population][at.clone()], &mut rate[at]);
        }
    }

    /// Extrapolates to the end of the step that the clock has laid out.
    pub fn predict(&mut self, shown: &Shown<'_, T>, clock: &Clock, nodes: &[Node<T>]) {
        self.traces(shown, clock.first, clock.count, clock.t + clock.h);
        let depth = self.p.rate.len();
        for population in 0..self.soma.len() {
            let at = self.range(population, clock);
            let step = &clock.soma[class(population, depth)];
            let keep = T::from_f64(step.keep);
            let base = &mut self.base[population][at.clone()];
            let ahead = &mut self.ahead[population][at.clone()];
            base.iter_mut().zip(&self.soma[population][at.clone()]).for_each(|(b, &u)| *b = keep * u);
            ahead.fill(T::ZERO);
            for j in 0..clock.order {
                let (w, a) = (T::from_f64(step.weights[j + 1]), T::from_f64(clock.ahead[j]));
                let s = &nodes[clock.slots[j]].current[population][at.clone()];
                for ((b, ahead), &s) in base.iter_mut().zip(ahead.iter_mut()).zip(s) {
                    *b += w * s;
                    *ahead += a * s;
                }
            }
            let w = T::from_f64(step.weights[0]);
            let new = &mut self.new[population][at];
            new.iter_mut().zip(base.iter()).zip(ahead.iter()).for_each(|((u, &b), &s)| *u = b + w * s);
        }
        for k in 0..self.p.apical.len() {
            let at = self.range(k, clock);
            let apical = &mut self.p.apical[k][at.clone()];
            apical.fill(T::ZERO);
            for j in 0..clock.order {
                let a = T::from_f64(clock.ahead[j]);
                let v = &nodes[clock.slots[j]].apical[k][at.clone()];
                apical.iter_mut().zip(v).for_each(|(to, &v)| *to += a * v);
            }
        }
        let weights = std::array::from_fn(|class| T::from_f64(clock.soma[class].weights[0]));
        self.weight[clock.first..clock.first + clock.count].fill(weights);
        self.rates(clock);
    }

    /// One sweep of all samples.
    pub fn sweep(&mut self, w: &Tensors<T>, target: bool) {
        for (last, new) in self.last.iter_mut().zip(&self.new) {
            last.copy_from_slice(new);
        }
        let depth = self.p.rate.len();
        let (phi, beta_b) = (self.net.activation, T::from_f64(self.net.bias_rate));
        let [g_b, g_a, g_d, g_som_i, g_som_n] = self.g;
        let p = &mut self.p;
        // Up, with the apical potentials as they are.
        for k in 0..depth {
            if k == 0 && self.still {
                let n = p.basal[0].len() / self.samples;
                for (b, &left) in self.left.iter().enumerate() {
                    let at = b * n..(b + 1) * n;
                    let both = self.settled[at.clone()].iter().zip(&self.fading[at.clone()]);
                    p.basal[0][at].iter_mut().zip(both).for_each(|(v, (&s, &f))| *v = s + left * f);
                }
                potentials::add_bias(w.bpp.first(), beta_b, &mut p.basal[0]);
            } else {
                let r_below = if k == 0 { &self.input } else { &p.rate[k - 1] };
                potentials::basal(self.plan, &w.pp[k], w.bpp.get(k), beta_b, r_below, &mut p.basal[k]);
            }
            let cells = p.basal[k].len() / self.samples;
            let class = class(k, depth);
            for b in 0..self.samples {
                let at = b * cells..(b + 1) * cells;
                let weight = self.weight[b][class];
                let v_b = &p.basal[k][at.clone()];
                let s = &mut self.current[k][at.clone()];
                if k + 1 < depth {
                    let v_a = &p.apical[k][at.clone()];
                    s.iter_mut().zip(v_b).zip(v_a).for_each(|((s, &v_b), &v_a)| *s = g_b * v_b + g_a * v_a);
                } else if target {
                    let u = &self.target[at.clone()];
                    s.iter_mut().zip(v_b).zip(u).for_each(|((s, &v_b), &u)| *s = g_b * v_b + g_som_n * u);
                } else {
                    s.iter_mut().zip(v_b).for_each(|(s, &v_b)| *s = g_b * v_b);
                }
                let new = self.new[k][at.clone()].iter_mut().zip(&self.base[k][at]);
                new.zip(s.iter()).for_each(|((u, &base), &s)| *u = base + weight * s);
            }
            phi.rates(&self.new[k], &mut p.rate[k]);
        }
        // Down: interneurons, apical potentials, somas again.
        for k in (0..depth - 1).rev() {
            potentials::inter_dendrite(self.plan, &w.ip[k], w.bip.get(k), beta_b, &p.rate[k], &mut p.inter_dendrite[k]);
            let cells = p.inter_dendrite[k].len() / self.samples;
            let i = depth + k;
            for b in 0..self.samples {
                let at = b * cells..(b + 1) * cells;
                let weight = self.weight[b][1];
                let (below, above) = self.new.split_at_mut(i);
                let s = self.current[i][at.clone()].iter_mut();
                let u = above[0][at.clone()].iter_mut().zip(&self.base[i][at.clone()]);
                let v = p.inter_dendrite[k][at.clone()].iter().zip(&below[k + 1][at]);
                for ((s, (u, &base)), (&v_i, &u_above)) in s.zip(u).zip(v) {
                    *s = g_d * v_i + g_som_i * u_above;
                    *u = base + weight * *s;
                }
            }
            phi.rates(&self.new[i], &mut p.rate_inter[k]);
            let (feedback, lateral) = (&mut p.apical_feedback[k], &mut p.apical_lateral[k]);
            let (r_above, r_inter) = (&p.rate[k + 1], &p.rate_inter[k]);
            potentials::apical(self.plan, &w.pb[k], &w.pi[k], r_above, r_inter, feedback, lateral, &mut p.apical[k]);
            let cells = p.apical[k].len() / self.samples;
            for b in 0..self.samples {
                let at = b * cells..(b + 1) * cells;
                let weight = self.weight[b][0];
                let s = self.current[k][at.clone()].iter_mut();
                let u = self.new[k][at.clone()].iter_mut().zip(&self.base[k][at.clone()]);
                let v = p.basal[k][at.clone()].iter().zip(&p.apical[k][at]);
                for ((s, (u, &base)), (&v_b, &v_a)) in s.zip(u).zip(v) {
                    *s = g_b * v_b + g_a * v_a;
                    *u = base + weight * *s;
                }
            }
            phi.rates(&self.new[k], &mut p.rate[k]);
        }
    }

    /// The largest over populations and samples of the root mean square of `f` over the cells, divided by `scale`.
    fn worst(&self, clock: &Clock, scale: impl Fn(usize) -> f64, f: impl Fn(usize, usize) -> f64) -> f64 {
        let mut worst = 0.0f64;
        for population in 0..self.new.len() {
            let n = self.new[population].len() / self.samples;
            let scale = scale(population);
            for b in clock.first..clock.first + clock.count {
                let squares: f64 = (b * n..(b + 1) * n).map(|i| f(population, i).powi(2)).sum();
                let size = (squares / n as f64).sqrt() / scale;
                // NaN must not be lost in a maximum.
                worst = if size.is_nan() { f64::INFINITY } else { worst.max(size) };
            }
        }
        worst
    }

    /// How much the last sweep changed, in units of `scale`.
    pub fn change(&self, clock: &Clock, scale: impl Fn(usize) -> f64) -> f64 {
        self.worst(clock, scale, |k, i| self.new[k][i].to_f64() - self.last[k][i].to_f64())
    }

    /// The estimated error of the step in the somas, in units of `scale`.
    pub fn error(&self, clock: &Clock, scale: impl Fn(usize) -> f64) -> f64 {
        let depth = self.p.rate.len();
        self.worst(clock, scale, |k, i| {
            clock.soma[class(k, depth)].error * (self.current[k][i].to_f64() - self.ahead[k][i].to_f64())
        })
    }

    /// The errors of the rules, for a clock's samples.
    pub fn errors(&mut self, clock: &Clock, sites: &[Site]) {
        let phi = self.net.activation;
        let depth = self.p.rate.len();
        for &site in sites {
            let k = site.k;
            match site.kind {
                Kind::Wpp => {
                    let at = self.range(k, clock);
                    let p = &mut self.p;
                    let r_hat = &mut p.predicted[..at.len()];
                    predicted_rate(phi, self.attenuation.basal(k + 1, depth), &p.basal[k][at.clone()], r_hat);
                    forward::error(&p.rate[k][at.clone()], r_hat, &mut p.error_forward[k][at]);
                }
                Kind::Wip => {
                    let at = self.range(depth + k, clock);
                    let p = &mut self.p;
                    let r_hat = &mut p.predicted[..at.len()];
                    predicted_rate(phi, self.attenuation.interneuron, &p.inter_dendrite[k][at.clone()], r_hat);
                    interneuron::error(&p.rate_inter[k][at.clone()], r_hat, &mut p.error_inter[k][at]);
                }
                Kind::Wpb => {
                    let at = self.range(k, clock);
                    let p = &mut self.p;
                    let r_hat = &mut p.predicted[..at.len()];
                    predicted_rate(phi, 1.0, &p.apical_feedback[k][at.clone()], r_hat);
                    feedback::error(&p.rate[k][at.clone()], r_hat, &mut p.error_feedback[k][at]);
                }
                Kind::Bpp | Kind::Bip | Kind::Wpi => {}
            }
        }
    }

    /// The error of a rule at the end of the step.
    pub fn rule(&self, site: Site) -> &[T] {
        match site.kind {
            Kind::Wpp | Kind::Bpp => &self.p.error_forward[site.k],
            Kind::Wip | Kind::Bip => &self.p.error_inter[site.k],
            Kind::Wpi => &self.p.apical[site.k],
            Kind::Wpb => &self.p.error_feedback[site.k],
        }
    }

    /// Takes the somas at the end of a clock's step.
    pub fn accept(&mut self, clock: &Clock) {
        for population in 0..self.soma.len() {
            let at = self.range(population, clock);
            self.before[population][at.clone()].copy_from_slice(&self.soma[population][at.clone()]);
            self.soma[population][at.clone()].copy_from_slice(&self.new[population][at]);
        }
    }

    /// Keeps what the last sweep found for a clock's samples.
    pub fn keep(&self, clock: &Clock, node: &mut Node<T>) {
        node.take(&self.p, &self.current, &self.input, self.samples, clock.first, clock.count);
    }
}
