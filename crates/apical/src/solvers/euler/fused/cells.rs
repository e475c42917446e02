//! Somas and dendrites of one pattern, all populations side by side in one row of padded vectors.

use crate::circuit::noise::Source;
use crate::circuit::params::{Network, Nudging};
use crate::circuit::step::Constants;
use crate::circuit::{Potentials, State};
use crate::kernels::activation::{GROUP, rates_of_groups};
use crate::kernels::rng::{self, AHEAD, Stream};
use crate::kernels::{Activation, Aligned, Lanes, Real};
use crate::solvers::Cell;
use pulp::Simd;
use std::ops::Range;

/// Where populations lie: pyramidal layers from 1 to N, then interneurons of layers 1 to N - 1, each padded to whole groups.
#[derive(Clone, Debug)]
pub struct Places {
    /// Kind of cell, layer and number of cells of each population.
    populations: Vec<(Cell, usize, usize)>,
    starts: Vec<usize>,
    depth: usize,
}

impl Places {
    pub fn new(net: &Network) -> Self {
        let (n, depth) = (&net.sizes, net.sizes.len() - 1);
        let pyramidal = (1..=depth).map(|k| (Cell::Pyramidal, k, n[k]));
        let populations: Vec<_> = pyramidal.chain((1..depth).map(|k| (Cell::Interneuron, k, n[k + 1]))).collect();
        let mut starts = vec![0];
        for &(_, _, cells) in &populations {
            starts.push(starts[starts.len() - 1] + cells.next_multiple_of(GROUP));
        }
        Places { populations, starts, depth }
    }

    /// Pyramidal cells of layer k, padding included.
    pub fn pyramidal(&self, k: usize) -> Range<usize> {
        self.starts[k - 1]..self.starts[k]
    }

    /// Interneurons of layer k, padding included.
    pub fn inter(&self, k: usize) -> Range<usize> {
        self.starts[self.depth + k - 1]..self.starts[self.depth + k]
    }

    /// Everything.
    pub fn len(&self) -> usize {
        self.starts[self.populations.len()]
    }

    /// All hidden pyramidal cells: they come first.
    pub fn hidden(&self) -> usize {
        self.starts[self.depth - 1]
    }

    /// Number of layers N.
    pub fn depth(&self) -> usize {
        self.depth
    }
}

/// Copies the cells of a padded row into a list of layers; interneurons begin at population `first`.
fn give<T: Real>(places: &Places, first: usize, row: &[T], lists: &mut [Vec<T>]) {
    for (list, &start) in lists.iter_mut().zip(&places.starts[first..]) {
        let end = start + list.len();
        list.copy_from_slice(&row[start..end]);
    }
}

/// The reverse of [`give`].
fn take<T: Real>(places: &Places, first: usize, row: &mut [T], lists: &[Vec<T>]) {
    for (list, &start) in lists.iter().zip(&places.starts[first..]) {
        row[start..start + list.len()].copy_from_slice(list);
    }
}

/// Rows of values, one for every place. Padded lanes stay 0 in all of them.
pub struct Cells<T> {
    pub places: Places,
    u: Aligned<T>,
    du: Aligned<T>,
    /// Rates of this step, and of the one before.
    pub r: Aligned<T>,
    pub r_was: Aligned<T>,
    /// Basal potentials, potentials of the interneurons' dendrites.
    pub v: Aligned<T>,
    /// The two parts of the apical potential.
    pub feedback: Aligned<T>,
    pub lateral: Aligned<T>,
    /// Errors of rules (7) and (8), of (9) and of (10).
    pub e: Aligned<T>,
    pub e_apical: Aligned<T>,
    pub e_feedback: Aligned<T>,
    /// What goes through phi: somas, predictions, predictions by feedback.
    through: Aligned<T>,
    /// 1 where there is a cell.
    mask: Aligned<T>,
    /// Attenuation between dendrite and prediction.
    factor: Aligned<T>,
    /// Target potentials of this step.
    target: Aligned<T>,
    /// Jumps of the next steps.
    noise: Aligned<T>,
}

impl<T: Real> Cells<T> {
    pub fn new(net: &Network) -> Self {
        let places = Places::new(net);
        let (all, hidden) = (places.len(), places.hidden());
        let output = places.starts[places.depth] - hidden;
        let row = || Aligned::zeros(all);
        let mut mask = row();
        for (&start, &(_, _, cells)) in places.starts.iter().zip(&places.populations) {
            mask[start..start + cells].fill(T::ONE);
        }
        Cells {
            u: row(),
            du: row(),
            r: row(),
            r_was: row(),
            v: row(),
            feedback: Aligned::zeros(hidden),
            lateral: Aligned::zeros(hidden),
            e: row(),
            e_apical: Aligned::zeros(hidden),
            e_feedback: Aligned::zeros(hidden),
            through: Aligned::zeros(2 * all + hidden),
            mask,
            factor: row(),
            target: Aligned::zeros(output),
            noise: Aligned::zeros(AHEAD * all),
            places,
        }
    }

    /// Takes the state at the start of a presentation.
    pub fn begin(&mut self, c: &Constants<T>, state: &State<T>, target: Option<&[T]>) {
        let Places { depth, .. } = self.places;
        take(&self.places, 0, &mut self.u, &state.soma);
        take(&self.places, depth, &mut self.u, &state.inter);
        self.r.copy_from_slice(&self.u);
        c.net.activation.rates_in_place(&mut self.r);
        self.r.iter_mut().zip(self.mask.iter()).for_each(|(r, &m)| *r *= m);
        for k in 1..=depth {
            self.factor[self.places.pyramidal(k)].fill(T::from_f64(c.attenuation.basal(k, depth)));
        }
        for k in 1..depth {
            self.factor[self.places.inter(k)].fill(T::from_f64(c.attenuation.interneuron));
        }
        if let Some(target) = target {
            let first = if c.trace_target.is_some() { &state.trace_target[..] } else { target };
            self.target[..first.len()].copy_from_slice(first);
        }
    }

    /// Gives somas and the target's trace to a state.
    pub fn give_state(&self, c: &Constants<T>, target: bool, state: &mut State<T>) {
        give(&self.places, 0, &self.u, &mut state.soma);
        give(&self.places, self.places.depth, &self.u, &mut state.inter);
        if target && c.trace_target.is_some() {
            let n = state.trace_target.len();
            state.trace_target.copy_from_slice(&self.target[..n]);
        }
    }

    /// Gives what the last step has used, after [`Cells::finish`]; errors only if it made them.
    pub fn give_potentials(&self, learned: Option<Errors>, p: &mut Potentials<T>) {
        let (places, depth) = (&self.places, self.places.depth);
        give(places, 0, &self.r_was, &mut p.rate);
        give(places, depth, &self.r_was, &mut p.rate_inter);
        give(places, 0, &self.v, &mut p.basal);
        give(places, depth, &self.v, &mut p.inter_dendrite);
        give(places, 0, &self.du, &mut p.d_soma);
        give(places, depth, &self.du, &mut p.d_inter);
        give(places, 0, &self.feedback, &mut p.apical_feedback);
        give(places, 0, &self.lateral, &mut p.apical_lateral);
        for ((v_a, f), l) in p.apical.iter_mut().zip(&p.apical_feedback).zip(&p.apical_lateral) {
            for ((v_a, &f), &l) in v_a.iter_mut().zip(f).zip(l) {
                *v_a = f + l;
            }
        }
        let Some(Errors { rates, .. }) = learned else { return };
        let lists = [
            (0, &self.e, &mut p.error_forward, &rates.pp),
            (depth, &self.e, &mut p.error_inter, &rates.ip),
            (0, &self.e_apical, &mut p.error_apical, &rates.pi),
            (0, &self.e_feedback, &mut p.error_feedback, &rates.pb),
        ];
        for (first, row, lists, rates) in lists {
            for (k, list) in lists.iter_mut().enumerate().filter(|(k, _)| rates[*k] != 0.0) {
                give(places, first + k, row, std::slice::from_mut(list));
            }
        }
    }

    /// Output potentials of the last step: basal, or of the soma.
    pub fn output(&self, soma: bool) -> &[T] {
        let row = if soma { &self.u } else { &self.v };
        &row[self.places.pyramidal(self.places.depth)]
    }
}

/// Which errors a step makes.
#[derive(Clone, Copy)]
pub struct Errors<'a> {
    /// Rates of the rules.
    pub rates: &'a crate::circuit::params::Rates,
    /// True if any rule (10) is on.
    pub feedback: bool,
}

/// A step of the cells, in vectors.
impl<T: Real> Cells<T> {
    /// The target's trace goes one step on.
    #[inline(always)]
    pub fn follow_target(&mut self, target: &[T], rate: T) {
        for (trace, &target) in self.target.iter_mut().zip(target) {
            *trace += rate * (target - *trace);
        }
    }

    /// Draws the jumps of the next [`AHEAD`] steps.
    #[inline(always)]
    pub fn draw(&mut self, source: &Source, step: u64) {
        let all = self.places.len();
        match *source {
            Source::Silent => {}
            Source::Constant(jump) => {
                for row in self.noise.chunks_exact_mut(all) {
                    row.iter_mut().zip(self.mask.iter()).for_each(|(z, &m)| *z = m * T::from_f64(jump));
                }
            }
            Source::Gaussian { seed, jump } => {
                let jump = T::from_f64(jump);
                for (&start, &(cell, layer, cells)) in self.places.starts.iter().zip(&self.places.populations) {
                    let stream = match cell {
                        Cell::Pyramidal => Stream::NoisePyramidal,
                        Cell::Interneuron => Stream::NoiseInterneuron,
                    };
                    for block in 0..cells.div_ceil(4) {
                        let z = rng::normals_ahead(seed, stream, (step << 16) + layer as u64, block as u32);
                        for unit in 4 * block..cells.min(4 * block + 4) {
                            let places = self.noise[start + unit..].iter_mut().step_by(all);
                            for (place, &z) in places.zip(&z[unit % 4]) {
                                *place = jump * T::from_f64(f64::from(z));
                            }
                        }
                    }
                }
            }
        }
    }

    /// Twin of [`crate::circuit::step::derivatives`] and of the advance of the somas: du/dt from the dendritic potentials,
    /// then u += dt du, and the jump of row `ahead` where there is noise.
    #[inline(always)]
    pub fn advance<S: Simd>(&mut self, simd: S, c: &Constants<T>, target: bool, ahead: Option<usize>) {
        let Places { depth, .. } = self.places;
        let (g, dt) = (&c.g, c.dt_t);
        let (u, v, du) = (&self.u, &self.v, &mut self.du);
        let (hidden, all) = (self.places.hidden(), self.places.len());
        let apical = (&self.feedback[..], &self.lateral[..], &mut self.e_apical[..]);
        pyramidal(simd, [g.lk, g.b, g.a], &u[..hidden], &v[..hidden], apical, &mut du[..hidden]);
        let top = self.places.pyramidal(depth);
        leaky(simd, [g.lk, g.b], &u[top.clone()], &v[top.clone()], &mut du[top.clone()]);
        if target {
            nudge(simd, g.nudging, g.som_n, &self.target, &u[top.clone()], &mut du[top]);
        }
        for k in 1..depth {
            let (own, above) = (self.places.inter(k), self.places.pyramidal(k + 1));
            leaky(simd, [g.lk, g.d], &u[own.clone()], &v[own.clone()], &mut du[own.clone()]);
            nudge(simd, Nudging::Current, g.som_i, &u[above], &u[own.clone()], &mut du[own]);
        }
        let somas = &mut self.through[..all];
        match ahead {
            None => advance(simd, dt, &self.du, &mut self.u, somas),
            Some(row) => advance_with(simd, dt, &self.du, &self.noise[row * all..(row + 1) * all], &mut self.u, somas),
        }
    }

    /// Rates of the next step, and the errors of this one.
    #[inline(always)]
    pub fn finish<S: Simd>(&mut self, simd: S, phi: Activation, errors: Option<Errors>) {
        let (all, hidden) = (self.places.len(), self.places.hidden());
        let with_feedback = errors.is_some_and(|errors| errors.feedback);
        let used = match errors {
            None => all,
            Some(_) => {
                scaled(simd, &self.factor, &self.v, &mut self.through[all..2 * all]);
                if with_feedback {
                    self.through[2 * all..].copy_from_slice(&self.feedback);
                    2 * all + hidden
                } else {
                    2 * all
                }
            }
        };
        let (groups, _) = self.through[..used].as_chunks_mut::<GROUP>();
        rates_of_groups(phi, groups);
        std::mem::swap(&mut self.r, &mut self.r_was);
        scaled(simd, &self.mask, &self.through[..all], &mut self.r);
        if errors.is_some() {
            missed(simd, &self.r_was, &self.mask, &self.through[all..2 * all], &mut self.e);
        }
        if with_feedback {
            missed(simd, &self.r_was[..hidden], &self.mask, &self.through[2 * all..], &mut self.e_feedback);
        }
    }

    /// True if every soma is within the bound; NaN is not.
    #[inline(always)]
    pub fn bounded<S: Simd>(&self, simd: S, bound: T) -> bool {
        let mut outside = [T::ZERO; GROUP];
        for group in self.u.as_chunks::<GROUP>().0 {
            for (outside, &u) in outside.iter_mut().zip(group) {
                *outside = if u.abs() <= bound { *outside } else { T::ONE };
            }
        }
        let mut sum = T::ZERO;
        for &part in T::split::<S>(&outside).0 {
            sum += <T as Lanes>::sum(simd, part);
        }
        sum == T::ZERO
    }
}

/// du = -g_lk u + g (v - u).
#[inline(always)]
fn leaky<T: Lanes, S: Simd>(simd: S, [lk, g]: [T; 2], u: &[T], v: &[T], du: &mut [T]) {
    let (lk, g) = (T::splat(simd, lk), T::splat(simd, g));
    let (u, v, du) = (T::split::<S>(u).0, T::split::<S>(v).0, T::split_mut::<S>(du).0);
    for ((du, &u), &v) in du.iter_mut().zip(u).zip(v) {
        *du = T::sub(simd, T::mul(simd, g, T::sub(simd, v, u)), T::mul(simd, lk, u));
    }
}

/// du = -g_lk u + g_B (v_B - u) + g_A (v_A - u), and v_rest - v_A.
#[inline(always)]
fn pyramidal<T: Lanes, S: Simd>(
    simd: S,
    [lk, b, a]: [T; 3],
    u: &[T],
    v: &[T],
    (feedback, lateral, e): (&[T], &[T], &mut [T]),
    du: &mut [T],
) {
    let (lk, b, a) = (T::splat(simd, lk), T::splat(simd, b), T::splat(simd, a));
    let (u, v, du) = (T::split::<S>(u).0, T::split::<S>(v).0, T::split_mut::<S>(du).0);
    let (feedback, lateral, e) = (T::split::<S>(feedback).0, T::split::<S>(lateral).0, T::split_mut::<S>(e).0);
    let zero = T::sub(simd, lk, lk);
    for (((du, &u), &v), ((e, &f), &l)) in du.iter_mut().zip(u).zip(v).zip(e.iter_mut().zip(feedback).zip(lateral)) {
        let v_a = T::add(simd, f, l);
        *e = T::sub(simd, zero, v_a);
        let basal = T::sub(simd, T::mul(simd, b, T::sub(simd, v, u)), T::mul(simd, lk, u));
        *du = T::mul_add(simd, a, T::sub(simd, v_a, u), basal);
    }
}

/// Twin of [`crate::circuit::teacher::current`]: du += i.
#[inline(always)]
fn nudge<T: Real, S: Simd>(simd: S, form: Nudging, g: T, target: &[T], u: &[T], du: &mut [T]) {
    let half = T::from_f64(0.5);
    nudge_lanes(simd, form, (g, half * g, T::ONE), target, u, du);
}

#[inline(always)]
fn nudge_lanes<T: Lanes, S: Simd>(simd: S, form: Nudging, (g, half_g, one): (T, T, T), t: &[T], u: &[T], du: &mut [T]) {
    let (g, half_g, one) = (T::splat(simd, g), T::splat(simd, half_g), T::splat(simd, one));
    let (t, u, du) = (T::split::<S>(t).0, T::split::<S>(u).0, T::split_mut::<S>(du).0);
    for ((du, &u), &t) in du.iter_mut().zip(u).zip(t) {
        *du = match form {
            Nudging::Current => T::mul_add(simd, g, T::sub(simd, t, u), *du),
            Nudging::Conductance => {
                // Reversal potentials 1 and -1: g_exc = g (t + 1) / 2, g_inh = -g (t - 1) / 2.
                let exc = T::mul(simd, half_g, T::add(simd, t, one));
                let inh = T::mul(simd, half_g, T::sub(simd, one, t));
                let pull = T::mul(simd, exc, T::sub(simd, one, u));
                T::add(simd, *du, T::sub(simd, pull, T::mul(simd, inh, T::add(simd, one, u))))
            }
        };
    }
}

/// u += dt du, and a copy of u.
#[inline(always)]
fn advance<T: Lanes, S: Simd>(simd: S, dt: T, du: &[T], u: &mut [T], copy: &mut [T]) {
    let dt = T::splat(simd, dt);
    let (du, u, copy) = (T::split::<S>(du).0, T::split_mut::<S>(u).0, T::split_mut::<S>(copy).0);
    for ((u, copy), &du) in u.iter_mut().zip(copy).zip(du) {
        *u = T::mul_add(simd, dt, du, *u);
        *copy = *u;
    }
}

/// u += dt du + z, and a copy of u.
#[inline(always)]
fn advance_with<T: Lanes, S: Simd>(simd: S, dt: T, du: &[T], z: &[T], u: &mut [T], copy: &mut [T]) {
    let dt = T::splat(simd, dt);
    let (du, z) = (T::split::<S>(du).0, T::split::<S>(z).0);
    let (u, copy) = (T::split_mut::<S>(u).0, T::split_mut::<S>(copy).0);
    for (((u, copy), &du), &z) in u.iter_mut().zip(copy).zip(du).zip(z) {
        *u = T::add(simd, T::mul_add(simd, dt, du, *u), z);
        *copy = *u;
    }
}

/// out = a b.
#[inline(always)]
fn scaled<T: Lanes, S: Simd>(simd: S, a: &[T], b: &[T], out: &mut [T]) {
    let (a, b, out) = (T::split::<S>(a).0, T::split::<S>(b).0, T::split_mut::<S>(out).0);
    for ((out, &a), &b) in out.iter_mut().zip(a).zip(b) {
        *out = T::mul(simd, a, b);
    }
}

/// e = r - mask r_hat.
#[inline(always)]
fn missed<T: Lanes, S: Simd>(simd: S, r: &[T], mask: &[T], r_hat: &[T], e: &mut [T]) {
    let (r, mask) = (T::split::<S>(r).0, T::split::<S>(mask).0);
    let (r_hat, e) = (T::split::<S>(r_hat).0, T::split_mut::<S>(e).0);
    for (((e, &r), &mask), &r_hat) in e.iter_mut().zip(r).zip(mask).zip(r_hat) {
        *e = T::sub(simd, r, T::mul(simd, mask, r_hat));
    }
}
