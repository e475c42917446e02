//! What is computed with vectors: extrapolation, sweeps, errors. Each is one kernel.

use super::super::clock::Clock;
use super::super::pace::larger;
use super::super::quadrature::{NODES, Row};
use super::layout::Layout;
use super::synapses::{Moved, Seen, Synapses};
use crate::circuit::Attenuation;
use crate::circuit::params::Network;
use crate::kernels::activation::{GROUP, rates_of_groups};
use crate::kernels::ranked::{RANK, Waiting};
use crate::kernels::{Activation, Aligned, Isa, Lanes, Real};
use pulp::{Simd, WithSimd};
use std::ops::Range;

/// Values of a rule's errors: where they lie in a record, and how many cells there are.
#[derive(Clone, Debug)]
pub struct Ruled {
    /// Places in a record.
    pub places: Range<usize>,
    /// Cells.
    pub cells: usize,
    /// The population where it learns.
    pub population: usize,
    /// They tell how large errors are there.
    pub tells: bool,
}

/// One sample of a circuit.
pub struct Core<T: Real> {
    isa: Isa,
    pub layout: Layout,
    phi: Activation,
    /// g_B, g_A, g_D, g_som of the interneurons and of the output.
    g: [T; 5],
    pub record: Aligned<T>,
    /// Kept parts of records, and basal potentials of the output.
    pub nodes: [Aligned<T>; NODES],
    pub tops: [Aligned<T>; NODES],
    pub synapses: Synapses<T>,
    /// Somas at the node before the newest.
    pub before: Aligned<T>,
    /// 1 where there is a cell.
    mask: Aligned<T>,
    /// Attenuation between dendrite and prediction.
    factor: Aligned<T>,
    /// Predictions.
    through: Aligned<T>,
    /// Sums of the rules' dots with layers on the way up.
    dots: Vec<Waiting<T>>,
    /// What sweeps see of the weights' motion.
    to_w: Waiting<T>,
    /// Per population, 1 / (cells scale^2).
    pub inverse: Vec<f64>,
    /// The rules' errors: sums over the cells of e^2 and of its distance from what was extrapolated, squared.
    pub rules: Vec<(Ruled, [f64; 2])>,
    /// Errors of the feedback rule are wanted.
    pub with_feedback: bool,
}

/// A kernel.
#[derive(Clone, Copy)]
pub enum Work<'a> {
    /// Extrapolates to the end of a step, where e^(-t / tau_0) is `q`.
    Predict { clock: &'a Clock, q: f64, moved: Option<&'a Moved> },
    /// Looks at somas that nothing moves.
    Hold { q: f64, moved: Option<&'a Moved> },
    /// A sweep; gives how much it changed.
    Sweep { weights: [f64; 3], moved: Option<&'a Moved>, target: bool },
    /// Errors of the rules, and the error of the step.
    Judge { clock: &'a Clock },
    /// Folds the changes that wait.
    Fold { moved: &'a Moved },
}

struct Kernel<'a, T: Real> {
    core: &'a mut Core<T>,
    work: Work<'a>,
}

impl<T: Real> WithSimd for Kernel<'_, T> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        let Kernel { core, work } = self;
        match work {
            Work::Predict { clock, q, moved } => {
                core.predict(simd, clock);
                core.first(simd, q, moved);
                0.0
            }
            Work::Hold { q, moved } => {
                core.first(simd, q, moved);
                0.0
            }
            Work::Sweep { weights, moved, target } => core.sweep(simd, weights, moved, target),
            Work::Judge { clock } => core.judge(simd, clock),
            Work::Fold { moved } => {
                core.synapses.fold(simd, moved);
                0.0
            }
        }
    }
}

impl<T: Real> Core<T> {
    pub fn new(net: &Network, isa: Isa) -> Self {
        let layout = Layout::new(net);
        let (all, depth) = (layout.all, layout.depth);
        let (c, attenuation) = (&net.conductances, Attenuation::from_conductances(&net.conductances));
        let (mut mask, mut factor) = (Aligned::zeros(all), Aligned::zeros(all));
        for (k, (cells, places)) in layout.populations.iter().enumerate() {
            mask[places.start..places.start + cells].fill(T::ONE);
            let f = if k < depth { attenuation.basal(k + 1, depth) } else { attenuation.interneuron };
            factor[places.clone()].fill(T::from_f64(f));
        }
        Core {
            isa,
            phi: net.activation,
            g: [c.g_b, c.g_a, c.g_d, c.g_som_interneuron, c.g_som_output].map(T::from_f64),
            record: Aligned::zeros(layout.size),
            nodes: std::array::from_fn(|_| Aligned::zeros(layout.kept())),
            tops: std::array::from_fn(|_| Aligned::zeros(layout.top.len())),
            synapses: Synapses::new(net, &layout, isa.lanes::<T>()),
            before: Aligned::zeros(all),
            mask,
            factor,
            through: Aligned::zeros(all + layout.hidden),
            dots: vec![[T::ZERO; RANK]; depth],
            to_w: [T::ZERO; RANK],
            inverse: vec![0.0; layout.populations.len()],
            rules: Vec::new(),
            with_feedback: false,
            layout,
        }
    }

    /// Runs a kernel.
    pub fn run(&mut self, work: Work<'_>) -> f64 {
        self.isa.run(Kernel { core: self, work })
    }

    /// Basal potentials of layer 1 do not depend on any soma.
    #[inline(always)]
    fn first<S: Simd>(&mut self, simd: S, q: f64, moved: Option<&Moved>) {
        let places = self.layout.pyramidal(0);
        let v = &mut self.record[self.layout.v..][places];
        self.synapses.first(simd, q, moved, v);
    }

    #[inline(always)]
    fn predict<S: Simd>(&mut self, simd: S, clock: &Clock) {
        let Core { layout: at, record, nodes, .. } = self;
        let lanes = T::count::<S>();
        let (record, _) = T::split_mut::<S>(record);
        let mut past: [&[T::Vector<S>]; NODES] = [&[]; NODES];
        for j in 0..clock.order {
            past[j] = T::split::<S>(&nodes[clock.slots[j]]).0;
        }
        let zero = T::splat(simd, T::ZERO);
        let (mut w, mut a) = ([zero; NODES], [zero; NODES]);
        for j in 0..NODES {
            a[j] = T::splat(simd, T::from_f64(clock.ahead[j]));
        }
        for (step, places) in clock.soma.iter().zip(at.classes()) {
            let keep = T::splat(simd, T::from_f64(step.keep));
            for j in 0..NODES {
                w[j] = T::splat(simd, T::from_f64(step.weights[j]));
            }
            let (soma, base, ahead) = (at.soma / lanes, at.base / lanes, at.ahead / lanes);
            for i in places.start / lanes..places.end / lanes {
                let mut b = <T as Lanes>::mul(simd, keep, record[soma + i]);
                let mut s_ahead = zero;
                for j in 0..clock.order {
                    let s = past[j][i];
                    b = T::mul_add(simd, w[j + 1], s, b);
                    s_ahead = T::mul_add(simd, a[j], s, s_ahead);
                }
                record[base + i] = b;
                record[ahead + i] = s_ahead;
                record[i] = T::mul_add(simd, w[0], s_ahead, b);
            }
        }
        let from = (at.apical - at.s) / lanes;
        for i in 0..at.hidden / lanes {
            let mut sum = zero;
            for j in 0..clock.order {
                sum = T::mul_add(simd, a[j], past[j][from + i], sum);
            }
            record[at.apical / lanes + i] = sum;
        }
    }

    #[inline(always)]
    fn sweep<S: Simd>(&mut self, simd: S, weights: [f64; 3], moved: Option<&Moved>, target: bool) -> f64 {
        let [g_b, g_a, g_d, g_som_i, g_som_n] = self.g;
        let [w_hidden, w_inter, w_output] = [T::from_f64(weights[0]), T::from_f64(weights[1]), T::from_f64(weights[2])];
        if let Some(moved) = moved {
            for n in 0..RANK {
                self.to_w[n] = T::from_f64(moved.to_w[n]);
            }
        }
        let (all, last, depth) = (self.layout.all, self.layout.last, self.layout.depth);
        let (new, rest) = self.record.split_at_mut(all);
        rest[last - all..last].copy_from_slice(new);
        let alpha = moved.map(|moved| moved.alpha);
        // Up with the apical potentials as they are, then down: interneurons, apical potentials, somas again.
        for n in 0..depth + 2 * (depth - 1) {
            let (up, down) = (n < depth, n.wrapping_sub(depth));
            let k = if up { n } else { depth - 2 - down / 2 };
            let Core { layout: at, record, synapses, dots, to_w, .. } = self;
            let seen = alpha.map(|alpha| Seen { alpha, to_w });
            let (low, high) = record.split_at_mut(at.v);
            let (r, v) = (&low[at.r..at.r + at.all], at.v);
            let above = at.pyramidal(k + usize::from(k + 1 < depth));
            let (own, a, b, other, weight);
            if up {
                own = at.pyramidal(k);
                if k > 0 {
                    let p = &synapses.basal[k - 1];
                    if seen.is_some() {
                        synapses.dots(simd, &p.pre(), &r[p.pre()], &mut dots[k - 1]);
                    }
                    synapses.potential(simd, p, seen, r, &dots[k - 1], &mut high[own.clone()]);
                }
                a = g_b;
                let hidden = k + 1 < depth;
                (b, other) = match hidden {
                    true => (g_a, at.apical + own.start),
                    false => (if target { g_som_n } else { T::ZERO }, at.target),
                };
                weight = if hidden { w_hidden } else { w_output };
            } else if down.is_multiple_of(2) {
                own = at.inter(k);
                synapses.potential(simd, &synapses.inter[k], seen, r, &dots[k], &mut high[own.clone()]);
                (a, b, other, weight) = (g_d, g_som_i, above.start, w_inter);
            } else {
                own = at.pyramidal(k);
                for (p, part) in [(&synapses.feedback[k], at.feedback), (&synapses.lateral[k], at.lateral)] {
                    let mut dots = [T::ZERO; RANK];
                    if seen.is_some() && p.learns() {
                        synapses.dots(simd, &p.pre(), &r[p.pre()], &mut dots);
                    }
                    let part = part - v + own.start;
                    synapses.potential(simd, p, seen, r, &dots, &mut high[part..part + own.len()]);
                }
                let (feedback, lateral) = (at.feedback - v + own.start, at.lateral - v + own.start);
                let parts = (&high[feedback..feedback + own.len()], &high[lateral..lateral + own.len()]);
                both(simd, parts, &mut low[at.apical + own.start..at.apical + own.end]);
                (a, b, other, weight) = (g_b, g_a, at.apical + own.start, w_hidden);
            }
            self.advance(simd, own, [a, b, weight], other);
        }
        self.change(simd)
    }

    /// Currents a v + b x, x at `other`, and with them the new somas and rates of a population.
    #[inline(always)]
    fn advance<S: Simd>(&mut self, simd: S, own: Range<usize>, [a, b, weight]: [T; 3], other: usize) {
        let Core { layout: at, record, mask, phi, .. } = self;
        let lanes = T::count::<S>();
        let (vectors, _) = T::split_mut::<S>(record);
        let (a, b, weight) = (T::splat(simd, a), T::splat(simd, b), T::splat(simd, weight));
        let first = own.start / lanes;
        let (v, s, base, r) = (at.v / lanes, at.s / lanes, at.base / lanes, at.r / lanes);
        for i in first..own.end / lanes {
            let x = vectors[other / lanes + i - first];
            let current = T::mul_add(simd, a, vectors[v + i], <T as Lanes>::mul(simd, b, x));
            let u = T::mul_add(simd, weight, current, vectors[base + i]);
            vectors[s + i] = current;
            vectors[i] = u;
            vectors[r + i] = u;
        }
        let rates = &mut record[at.r + own.start..at.r + own.end];
        rates_of_groups(*phi, rates.as_chunks_mut::<GROUP>().0);
        times(simd, &mask[own], rates);
    }

    /// The largest over the populations of the mean square of what the last sweep changed, in units of their scales.
    #[inline(always)]
    fn change<S: Simd>(&self, simd: S) -> f64 {
        let at = &self.layout;
        let mut worst = 0.0f64;
        for ((_, places), inverse) in at.populations.iter().zip(&self.inverse) {
            let (new, last) = (&self.record[places.clone()], &self.record[at.last..][places.clone()]);
            worst = larger(worst, distance(simd, new, last) * inverse);
        }
        worst.sqrt()
    }

    /// Errors of the rules; the largest over the populations of the step's mean square error, in units of their scales.
    #[inline(always)]
    fn judge<S: Simd>(&mut self, simd: S, clock: &Clock) -> f64 {
        let Core { layout: at, record, through, factor, mask, phi, rules, nodes, .. } = self;
        if !rules.is_empty() {
            let (all, hidden) = (at.all, at.hidden);
            through[..all].copy_from_slice(&record[at.v..at.v + all]);
            times(simd, factor, &mut through[..all]);
            let used = if self.with_feedback { all + hidden } else { all };
            through[all..used].copy_from_slice(&record[at.feedback..at.feedback + used - all]);
            rates_of_groups(*phi, through[..used].as_chunks_mut::<GROUP>().0);
            let (rates, errors) = record[at.r..].split_at_mut(at.all);
            missed(simd, rates, mask, &through[..all], &mut errors[..all]);
            if self.with_feedback {
                let e = at.e_feedback - at.e;
                missed(simd, rates, mask, &through[all..used], &mut errors[e..e + hidden]);
            }
            let mut past: [&[T]; NODES] = [&[]; NODES];
            for (ruled, sums) in rules.iter_mut() {
                let new = &record[ruled.places.clone()];
                for j in 0..clock.order {
                    past[j] = &nodes[clock.slots[j]][ruled.places.start - at.s..ruled.places.end - at.s];
                }
                *sums = departures(simd, new, &past, &clock.ahead, clock.order);
            }
        }
        let mut worst = 0.0f64;
        for (k, ((_, places), inverse)) in at.populations.iter().zip(&self.inverse).enumerate() {
            let class = super::super::cells::class(k, at.depth);
            let (current, ahead) = (&self.record[at.s..][places.clone()], &self.record[at.ahead..][places.clone()]);
            let squares = distance(simd, current, ahead) * clock.soma[class].error.powi(2);
            worst = larger(worst, squares * inverse);
        }
        worst.sqrt()
    }
}

impl<T: Real> Core<T> {
    /// Keeps the newest node in a slot.
    pub fn keep(&mut self, slot: usize) {
        let at = &self.layout;
        self.nodes[slot].copy_from_slice(&self.record[at.s..at.v]);
        self.tops[slot].copy_from_slice(&self.record[at.v..][at.top.clone()]);
    }

    /// Of the rules that tell: where, how many cells, and the sum of the squares of their errors.
    pub fn sizes(&self) -> impl Iterator<Item = (usize, usize, f64)> {
        let rules = self.rules.iter().filter(|(ruled, _)| ruled.tells);
        rules.map(|(ruled, sums)| (ruled.population, ruled.cells, sums[0]))
    }

    /// Per population, in units of its scale, the error of a step whose sweeps settled, else what the last sweep changed.
    pub fn misses(&self, clock: &Clock, settled: bool) -> impl Iterator<Item = f64> {
        let at = &self.layout;
        at.populations.iter().zip(&self.inverse).enumerate().map(move |(k, ((_, places), inverse))| {
            let (from, to, factor) = match settled {
                true => (at.s, at.ahead, clock.soma[super::super::cells::class(k, at.depth)].error),
                false => (0, at.last, 1.0),
            };
            let pairs = self.record[from..][places.clone()].iter().zip(&self.record[to..][places.clone()]);
            let squares: f64 = pairs.map(|(&a, &b)| (a - b).to_f64().powi(2)).sum();
            (squares * inverse).sqrt() * factor.abs()
        })
    }

    /// Takes the new somas as those of the newest node.
    pub fn accept(&mut self) {
        let (all, soma) = (self.layout.all, self.layout.soma);
        let (new, rest) = self.record.split_at_mut(all);
        let old = &mut rest[soma - all..soma];
        self.before.copy_from_slice(old);
        old.copy_from_slice(new);
    }
}

/// out = a + b.
#[inline(always)]
fn both<T: Lanes, S: Simd>(simd: S, (a, b): (&[T], &[T]), out: &mut [T]) {
    let (a, b) = (T::split::<S>(a).0, T::split::<S>(b).0);
    for ((out, &a), &b) in T::split_mut::<S>(out).0.iter_mut().zip(a).zip(b) {
        *out = T::add(simd, a, b);
    }
}

/// x *= y.
#[inline(always)]
fn times<T: Lanes, S: Simd>(simd: S, y: &[T], x: &mut [T]) {
    for (x, &y) in T::split_mut::<S>(x).0.iter_mut().zip(T::split::<S>(y).0) {
        *x = T::mul(simd, *x, y);
    }
}

/// e = r - mask r_hat.
#[inline(always)]
fn missed<T: Lanes, S: Simd>(simd: S, r: &[T], mask: &[T], r_hat: &[T], e: &mut [T]) {
    let (r, mask, r_hat) = (T::split::<S>(r).0, T::split::<S>(mask).0, T::split::<S>(r_hat).0);
    for (((e, &r), &mask), &r_hat) in T::split_mut::<S>(e).0.iter_mut().zip(r).zip(mask).zip(r_hat) {
        *e = T::sub(simd, r, T::mul(simd, mask, r_hat));
    }
}

/// |a - b|^2.
#[inline(always)]
fn distance<T: Real, S: Simd>(simd: S, a: &[T], b: &[T]) -> f64 {
    let mut sum = T::splat(simd, T::ZERO);
    for (&a, &b) in T::split::<S>(a).0.iter().zip(T::split::<S>(b).0) {
        let off = <T as Lanes>::sub(simd, a, b);
        sum = T::mul_add(simd, off, off, sum);
    }
    <T as Lanes>::sum(simd, sum).to_f64()
}

/// |e|^2, and the square of its distance from what `order` nodes behind let expect.
#[inline(always)]
fn departures<T: Real, S: Simd>(simd: S, e: &[T], past: &[&[T]; NODES], ahead: &Row, order: usize) -> [f64; 2] {
    let zero = T::splat(simd, T::ZERO);
    let (mut size, mut off) = (zero, zero);
    let mut nodes: [&[T::Vector<S>]; NODES] = [&[]; NODES];
    let mut a = [zero; NODES];
    for j in 0..order {
        nodes[j] = T::split::<S>(past[j]).0;
        a[j] = T::splat(simd, T::from_f64(-ahead[j]));
    }
    for (i, &e) in T::split::<S>(e).0.iter().enumerate() {
        let mut d = e;
        for j in 0..order {
            d = T::mul_add(simd, a[j], nodes[j][i], d);
        }
        size = T::mul_add(simd, e, e, size);
        off = T::mul_add(simd, d, d, off);
    }
    [<T as Lanes>::sum(simd, size).to_f64(), <T as Lanes>::sum(simd, off).to_f64()]
}
