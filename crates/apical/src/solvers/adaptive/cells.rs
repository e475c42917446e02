//! Sweeps: all potentials of all samples at the ends of their steps, layer by layer, up and down. A sweep is one
//! right-hand side.

use super::clock::Clock;
use super::elements::{Ahead, End, Flow, Rule};
use super::node::{Node, Site, populations};
use super::pace::larger;
use super::quadrature::NODES;
use super::span::Span;
use crate::circuit::params::{Conductances, Network, Timing};
use crate::circuit::{Attenuation, Kind, Potentials, State, Tensors, potentials};
use crate::kernels::{Isa, Product, Real, Rows, RowsMut};
use crate::solvers::Shown;
use std::ops::Range;

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

/// How the potentials of layer 1 are found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Entry {
    /// By products taken when the presentation began: the weights into layer 1 stand still.
    Still,
    /// The same, and they move at this rate.
    Spanned(f64),
    /// By a product with the weights at the end of the step, which all samples have in common.
    Direct,
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
    isa: Isa,
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
    /// Per class and sample, the weight of the current at the new node.
    weight: [Vec<T>; 3],
    /// Per population and sample, [`End::sums`] of the last sweep.
    sums: Vec<Vec<[T; 3]>>,
    /// Per rule and sample, [`Rule::sums`].
    rules: Vec<Vec<[T; 2]>>,
    /// Rates and dendritic potentials at the ends of the steps.
    pub p: Potentials<T>,
    /// The traced input at the ends of the steps, where somebody needs it.
    pub input: Vec<T>,
    target: Vec<T>,
    input_0: Vec<T>,
    target_0: Vec<T>,
    /// What the input brings about in layer 1.
    pub span: Span<T>,
    /// How.
    pub entry: Entry,
    /// The traced input itself is needed.
    pub traces_input: bool,
    /// Hidden layers whose interneurons end with the weights of the feedback and the other sign, and stay so: one product
    /// does for both. What feedback brings is needed alone.
    mirrored: Vec<bool>,
    alone: Vec<bool>,
}

impl<T: Real> Cells<T> {
    /// Room for a net and a batch.
    pub fn new(net: &Network, timing: &Timing, plan: Product, samples: usize) -> Self {
        let c = &net.conductances;
        let zeros = || populations(net).iter().map(|n| vec![T::ZERO; n * samples]).collect::<Vec<_>>();
        let (inputs, outputs) = (net.sizes[0] * samples, net.sizes[net.sizes.len() - 1] * samples);
        let hidden = net.sizes.len() - 2;
        Cells {
            net: net.clone(),
            attenuation: Attenuation::from_conductances(c),
            g: [c.g_b, c.g_a, c.g_d, c.g_som_interneuron, c.g_som_output].map(T::from_f64),
            tau_0: timing.tau_0,
            tau_target: timing.tau_target,
            plan,
            isa: Isa::best(),
            samples,
            soma: zeros(),
            before: zeros(),
            new: zeros(),
            last: zeros(),
            base: zeros(),
            ahead: zeros(),
            current: zeros(),
            weight: std::array::from_fn(|_| vec![T::ZERO; samples]),
            sums: vec![vec![[T::ZERO; 3]; samples]; populations(net).len()],
            rules: Vec::new(),
            p: Potentials::new(net, samples),
            input: vec![T::ZERO; inputs],
            target: vec![T::ZERO; outputs],
            input_0: vec![T::ZERO; inputs],
            target_0: vec![T::ZERO; outputs],
            span: Span::new(plan, samples, net.sizes[0], net.sizes[1]),
            entry: Entry::Still,
            traces_input: true,
            mirrored: vec![false; hidden],
            alone: vec![true; hidden],
        }
    }

    /// Total conductances of the classes (1/ms).
    pub fn totals(&self, target: bool) -> [f64; 3] {
        totals(&self.net.conductances, target)
    }

    /// Takes somas and traces from where a presentation begins. `sites`: what learns, and `moves`: by moving the weights.
    pub fn begin(&mut self, state: &State<T>, shown: &Shown<'_, T>, w: &Tensors<T>, sites: &[Site], moves: bool) {
        for (to, from) in self.soma.iter_mut().zip(state.soma.iter().chain(&state.inter)) {
            to.copy_from_slice(from);
        }
        self.input_0.copy_from_slice(&state.trace_input);
        self.target_0.copy_from_slice(&state.trace_target);
        self.span.begin(shown.input, &self.input_0, &w.pp[0]);
        self.rules.resize_with(sites.len(), || vec![[T::ZERO; 2]; self.samples]);
        for k in 0..self.mirrored.len() {
            let learns = |kind| sites.iter().any(|site| site.kind == kind && site.k == k);
            self.alone[k] = learns(Kind::Wpb);
            let fixed = !moves || !learns(Kind::Wpi) && !learns(Kind::Wpb);
            self.mirrored[k] = fixed
                && !self.alone[k]
                && w.pb[k].data.iter().zip(&w.pi[k].data).all(|(&down, &across)| down == -across);
        }
    }

    /// The traces of `samples`' patterns `t` ms after the presentation began.
    fn trace(to: &mut [T], start: &[T], goal: &[T], t: f64, tau: f64) {
        let left = T::from_f64((-t / tau).exp());
        for ((to, &start), &goal) in to.iter_mut().zip(start).zip(goal) {
            *to = goal + left * (start - goal);
        }
    }

    fn traces(&mut self, shown: &Shown<'_, T>, first: usize, count: usize, t: f64) {
        if self.traces_input {
            let n = self.net.sizes[0];
            let at = first * n..(first + count) * n;
            let start = &self.input_0[at.clone()];
            Self::trace(&mut self.input[at.clone()], start, &shown.input[at], t, self.tau_0);
        }
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

    fn range(&self, population: usize, clock: &Clock) -> Range<usize> {
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
        for weight in &mut self.weight {
            weight[clock.first..clock.first + clock.count].fill(T::ZERO);
        }
    }

    /// The basal potentials of layer 1 at time `t` (ms); no sweep changes them.
    pub fn enter(&mut self, clock: &Clock, t: f64, w: &Tensors<T>) {
        let at = self.range(0, clock);
        let q = (-t / self.tau_0).exp();
        let v = &mut self.p.basal[0][at];
        match self.entry {
            Entry::Still => self.span.still(clock.first, q, v),
            Entry::Spanned(eta) => self.span.moved(eta, q, v),
            Entry::Direct => self.plan.weighted_sum(&w.pp[0], &self.input, v),
        }
        potentials::add_bias(w.bpp.first(), T::from_f64(self.net.bias_rate), v);
    }

    /// Extrapolates to the end of the step that the clock has laid out.
    pub fn predict(&mut self, shown: &Shown<'_, T>, clock: &Clock, nodes: &[Node<T>]) {
        self.traces(shown, clock.first, clock.count, clock.t + clock.h);
        let depth = self.p.rate.len();
        let ranges: Vec<_> = (0..self.soma.len()).map(|population| self.range(population, clock)).collect();
        let past = |population: usize| -> [(&[T], T, T); NODES] {
            let step = &clock.soma[class(population, depth)];
            std::array::from_fn(|j| {
                let s = &nodes[clock.slots[j]].current[population][ranges[population].clone()];
                let weight = step.weights.get(j + 1).copied().unwrap_or(0.0);
                (s, T::from_f64(weight), T::from_f64(clock.ahead[j]))
            })
        };
        let all: Vec<_> = (0..self.soma.len()).map(past).collect();
        let lists = self.base.iter_mut().zip(&mut self.ahead).zip(self.new.iter_mut().zip(&mut self.last));
        let lists = lists.zip(&self.soma).zip(&all).enumerate();
        let lists = lists.map(|(population, ((((base, ahead), (new, last)), soma), past))| {
            let at = ranges[population].clone();
            let step = &clock.soma[class(population, depth)];
            Ahead {
                cells: base.len() / self.samples,
                soma: &soma[at.clone()],
                keep: T::from_f64(step.keep),
                past: &past[..clock.order],
                weight: T::from_f64(step.weights[0]),
                base: &mut base[at.clone()],
                ahead: &mut ahead[at.clone()],
                new: &mut new[at.clone()],
                last: &mut last[at],
            }
        });
        Ahead::all(self.plan, lists);
        for (k, apical) in self.p.apical.iter_mut().enumerate() {
            let at = ranges[k].clone();
            let terms: [(T, &[T]); NODES] =
                std::array::from_fn(|j| (T::from_f64(clock.ahead[j]), &nodes[clock.slots[j]].apical[k][at.clone()]));
            self.plan.combine(T::ZERO, &terms[..clock.order], &mut apical[at.clone()]);
        }
        for (class, weight) in self.weight.iter_mut().enumerate() {
            weight[clock.first..clock.first + clock.count].fill(T::from_f64(clock.soma[class].weights[0]));
        }
    }

    /// One sweep of all samples.
    pub fn sweep(&mut self, w: &Tensors<T>, target: bool) {
        let depth = self.p.rate.len();
        let beta_b = T::from_f64(self.net.bias_rate);
        // Up: basal potentials, with apical ones of before; somas; rates.
        for k in 0..depth {
            if k > 0 {
                let (plan, p) = (self.plan, &mut self.p);
                potentials::basal(plan, &w.pp[k], w.bpp.get(k), beta_b, &p.rate[k - 1], &mut p.basal[k]);
            }
            self.pyramidal(k, target, k + 1 == depth);
        }
        // Down: interneurons, apical potentials, somas again.
        for k in (0..depth - 1).rev() {
            let (plan, p) = (self.plan, &mut self.p);
            potentials::inter_dendrite(plan, &w.ip[k], w.bip.get(k), beta_b, &p.rate[k], &mut p.inter_dendrite[k]);
            self.interneurons(k);
            self.apical(k, w);
            self.pyramidal(k, target, true);
        }
    }

    /// Currents, somas and rates of a layer; `last`: the sweep does not come back to it.
    fn pyramidal(&mut self, k: usize, target: bool, last: bool) {
        let depth = self.p.rate.len();
        let [g_b, g_a, _, _, g_som] = self.g;
        let other: (T, &[T]) = match self.p.apical.get(k) {
            Some(v_a) => (g_a, v_a),
            None if target => (g_som, &self.target),
            None => (T::ZERO, &[]),
        };
        let end = End { last: &mut self.last[k], ahead: &self.ahead[k], sums: &mut self.sums[k] };
        let flow = Flow {
            cells: self.new[k].len() / self.samples,
            dendrite: (g_b, &self.p.basal[k]),
            other,
            base: &self.base[k],
            weight: &self.weight[class(k, depth)],
            current: &mut self.current[k],
            soma: &mut self.new[k],
            rate: &mut self.p.rate[k],
            end: last.then_some(end),
        };
        flow.all(self.isa, self.net.activation);
    }

    fn interneurons(&mut self, k: usize) {
        let i = self.p.rate.len() + k;
        let [_, _, g_d, g_som, _] = self.g;
        let (below, above) = self.new.split_at_mut(i);
        let end = End { last: &mut self.last[i], ahead: &self.ahead[i], sums: &mut self.sums[i] };
        let flow = Flow {
            cells: above[0].len() / self.samples,
            dendrite: (g_d, &self.p.inter_dendrite[k]),
            other: (g_som, &below[k + 1]),
            base: &self.base[i],
            weight: &self.weight[1],
            current: &mut self.current[i],
            soma: &mut above[0],
            rate: &mut self.p.rate_inter[k],
            end: Some(end),
        };
        flow.all(self.isa, self.net.activation);
    }

    /// v_A of a hidden layer.
    fn apical(&mut self, k: usize, w: &Tensors<T>) {
        let (plan, samples, p) = (self.plan, self.samples, &mut self.p);
        let (r_above, r_inter, v_a) = (&p.rate[k + 1], &p.rate_inter[k], &mut p.apical[k]);
        if self.alone[k] {
            let (feedback, lateral) = (&mut p.apical_feedback[k], &mut p.apical_lateral[k]);
            potentials::apical(plan, &w.pb[k], &w.pi[k], r_above, r_inter, feedback, lateral, v_a);
            return;
        }
        let (above, cells) = (r_above.len() / samples, v_a.len() / samples);
        if self.mirrored[k] {
            let difference = &mut p.predicted[..r_above.len()];
            plan.combine(T::ZERO, &[(T::ONE, r_above), (-T::ONE, r_inter)], difference);
            plan.weighted_sum(&w.pb[k], difference, v_a);
        } else {
            plan.weighted_sum(&w.pb[k], r_above, v_a);
            let (r, v_a) = (Rows::packed(r_inter, samples, above), RowsMut::packed(v_a, samples, cells));
            plan.weighted_sums((&w.pi[k]).into(), r, T::ONE, T::ONE, v_a);
        }
    }

    /// The largest over a clock's samples of the root mean square of what a population's sums at `which` are of.
    fn worst(&self, population: usize, clock: &Clock, which: usize) -> f64 {
        let n = (self.new[population].len() / self.samples) as f64;
        let sums = &self.sums[population][clock.first..clock.first + clock.count];
        sums.iter().fold(0.0, |worst, sums| larger(worst, (sums[which].to_f64() / n).sqrt()))
    }

    /// How much the last sweep changed a population's somas, in units of `scale`.
    pub fn change(&self, population: usize, clock: &Clock, scale: f64) -> f64 {
        self.worst(population, clock, 0) * (1.0 / scale)
    }

    /// The estimated error of the step in a population's somas, in units of `scale`.
    pub fn error(&self, population: usize, clock: &Clock, scale: f64) -> f64 {
        let error = clock.soma[class(population, self.p.rate.len())].error.abs();
        self.worst(population, clock, 1) * (error / scale)
    }

    /// True if all somas of a clock's samples are within a bound, by their squares; false says nothing.
    pub fn within(&self, clock: &Clock, bound: f64) -> bool {
        let samples = clock.first..clock.first + clock.count;
        self.sums.iter().all(|sums| sums[samples.clone()].iter().all(|sums| sums[2].to_f64() < 0.99 * bound * bound))
    }

    /// The errors of the rules, for a clock's samples, and how they compare with their extrapolations.
    pub fn errors(&mut self, clock: &Clock, nodes: &[Node<T>], sites: &[Site]) {
        let depth = self.p.rate.len();
        let places: Vec<_> = sites.iter().map(|&site| self.range(self.population(site), clock)).collect();
        let past = |(&site, at): (&Site, &Range<usize>)| -> [(&[T], T); NODES] {
            let error = |slot: usize| &nodes[slot].factors(site).0[at.clone()];
            std::array::from_fn(|j| (error(clock.slots[j]), T::from_f64(clock.ahead[j])))
        };
        let past: Vec<_> = sites.iter().zip(&places).map(past).collect();
        let samples = clock.first..clock.first + clock.count;
        let p = &mut self.p;
        let mut forward: Vec<_> = p.error_forward.iter_mut().map(Some).collect();
        let mut inter: Vec<_> = p.error_inter.iter_mut().map(Some).collect();
        let mut feedback: Vec<_> = p.error_feedback.iter_mut().map(Some).collect();
        let mut apical: Vec<_> = p.apical.iter_mut().map(Some).collect();
        let lists = sites.iter().zip(&places).zip(past.iter().zip(&mut self.rules));
        let lists = lists.filter_map(|((&site, at), (past, sums))| {
            let (k, at) = (site.k, at.clone());
            let (error, factor, v, rate): (_, _, &[T], &[T]) = match site.kind {
                Kind::Wpp => {
                    let factor = T::from_f64(self.attenuation.basal(k + 1, depth));
                    (forward[k].take()?, factor, &p.basal[k][at.clone()], &p.rate[k][at.clone()])
                }
                Kind::Wip => {
                    let factor = T::from_f64(self.attenuation.interneuron);
                    (inter[k].take()?, factor, &p.inter_dendrite[k][at.clone()], &p.rate_inter[k][at.clone()])
                }
                Kind::Wpb => (feedback[k].take()?, T::ONE, &p.apical_feedback[k][at.clone()], &p.rate[k][at.clone()]),
                Kind::Wpi => (apical[k].take()?, T::ONE, &[], &[]),
                Kind::Bpp | Kind::Bip => return None,
            };
            let error = &mut error[at];
            let cells = error.len() / samples.len();
            let sums = &mut sums[samples.clone()];
            Some(Rule { cells, dendrite: (factor, v), rate, error, past: &past[..clock.order], sums })
        });
        Rule::all(self.isa, self.net.activation, lists);
    }

    /// Of rule `n` of those given to [`Cells::errors`]: the sums over a clock's samples of the squares of what was not
    /// extrapolated, and of the errors; and the number of errors.
    pub fn rule(&self, n: usize, site: Site, clock: &Clock) -> (f64, f64, usize) {
        let sums = &self.rules[n][clock.first..clock.first + clock.count];
        let [mut off, mut size] = [0.0; 2];
        for sums in sums {
            off += sums[0].to_f64();
            size += sums[1].to_f64();
        }
        (off, size, self.range(self.population(site), clock).len())
    }

    /// The population in which a projection ends.
    pub fn population(&self, site: Site) -> usize {
        let inter = matches!(site.kind, Kind::Wip | Kind::Bip);
        if inter { self.p.rate.len() + site.k } else { site.k }
    }

    /// Takes the somas at the end of a clock's step.
    pub fn accept(&mut self, clock: &Clock) {
        for population in 0..self.soma.len() {
            let at = self.range(population, clock);
            let (before, soma, new) =
                (&mut self.before[population], &mut self.soma[population], &mut self.new[population]);
            if at.len() == soma.len() {
                std::mem::swap(before, soma);
                std::mem::swap(soma, new);
            } else {
                before[at.clone()].copy_from_slice(&soma[at.clone()]);
                soma[at.clone()].copy_from_slice(&new[at]);
            }
        }
    }

    /// Gives what the last sweep found for a clock's samples to the node in `slot`.
    pub fn keep(&mut self, clock: &Clock, slot: usize, nodes: &mut [Node<T>]) {
        self.span.mark(slot, (-clock.t / self.tau_0).exp());
        let input = if self.traces_input { &mut self.input } else { &mut Vec::new() };
        nodes[slot].take(&mut self.p, &mut self.current, input, self.samples, clock.first, clock.count);
    }
}
