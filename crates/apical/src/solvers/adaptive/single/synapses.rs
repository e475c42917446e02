//! All weights of one presentation: those above the first layer in vectors, and changes that wait. A node's errors and rates
//! make a change of rank one; how much of it W and Delta have got is two numbers, which is all that moves with time.

use super::super::path::Gains;
use super::super::quadrature::Row;
use super::input::Input;
use super::layout::Layout;
use crate::circuit::params::{Network, Rates};
use crate::circuit::{Kind, Tensors};
use crate::kernels::fused::add;
use crate::kernels::ranked::{Changes, Fold, RANK, Ranked, Waiting, add_errors, dots};
use crate::kernels::{Aligned, Real};
use pulp::Simd;
use std::ops::Range;

/// How far the weights have moved since changes were last folded: W + eta (alpha D + sum_n to_w_n B_n), and
/// kappa D + sum_n to_d_n B_n, with B_n = e_n r_n^T.
#[derive(Clone, Copy, Debug)]
pub struct Moved {
    pub alpha: f64,
    pub kappa: f64,
    pub to_w: [f64; RANK],
    pub to_d: [f64; RANK],
}

impl Moved {
    /// Not at all.
    pub const NOT: Moved = Moved { alpha: 0.0, kappa: 1.0, to_w: [0.0; RANK], to_d: [0.0; RANK] };

    /// Delta acts on W, for a stretch of time.
    pub fn follow(&mut self, gains: &Gains, entries: &[usize], of_weights: &Row) {
        self.alpha += gains.delta * self.kappa;
        self.to_w.iter_mut().zip(&self.to_d).for_each(|(w, d)| *w += gains.delta * d);
        entries.iter().zip(of_weights).for_each(|(&n, a)| self.to_w[n] += a);
    }

    /// The rules act on Delta.
    pub fn filter(&mut self, keep: f64, entries: &[usize], of_delta: &Row) {
        self.kappa *= keep;
        self.to_d.iter_mut().for_each(|d| *d *= keep);
        entries.iter().zip(of_delta).for_each(|(&n, c)| self.to_d[n] += c);
    }
}

/// Bias weights of one population and their Delta.
#[derive(Clone)]
struct Bias<T: Real> {
    b: Aligned<T>,
    d: Aligned<T>,
}

/// A projection above the first layer.
#[derive(Clone)]
pub struct Projection<T: Real> {
    kind: Kind,
    /// Its index in its list.
    k: usize,
    pre: Range<usize>,
    /// Where its errors begin in a record.
    e: usize,
    sign: f64,
    /// 0: its rule is off.
    eta: f64,
    weights: Ranked<T>,
    bias: Option<Bias<T>>,
}

impl<T: Real> Projection<T> {
    /// Places of its presynaptic cells.
    #[inline(always)]
    pub fn pre(&self) -> Range<usize> {
        self.pre.clone()
    }

    /// True if its rule is on.
    #[inline(always)]
    pub fn learns(&self) -> bool {
        self.eta != 0.0
    }
}

/// Weights and changes.
#[derive(Clone)]
pub struct Synapses<T: Real> {
    pub input: Input<T>,
    /// Into basal dendrites of layers 2 to N; for each hidden layer onto its interneurons; from these; from above.
    pub basal: Vec<Projection<T>>,
    pub inter: Vec<Projection<T>>,
    pub lateral: Vec<Projection<T>>,
    pub feedback: Vec<Projection<T>>,
    /// Changes that wait, from the place of the rates on, and e^(-t / tau_0) of each.
    rows: Aligned<T>,
    stride: usize,
    /// Where a record's part begins that is kept of a change.
    origin: usize,
    places: (usize, usize),
    pub count: usize,
    q: [f64; RANK],
    beta: f64,
    /// Weights move by Delta.
    low_pass: bool,
}

/// What a sweep sees of weights that move.
#[derive(Clone, Copy)]
pub struct Seen<'a, T> {
    pub alpha: f64,
    pub to_w: &'a Waiting<T>,
}

impl<T: Real> Synapses<T> {
    pub fn new(net: &Network, layout: &Layout, lanes: usize) -> Self {
        let depth = layout.depth;
        let of = |kind, k: usize, post: usize, pre: usize, e: usize, sign| {
            let ((n_post, post), (n_pre, pre)) = (layout.populations[post].clone(), layout.populations[pre].clone());
            let there = net.bias_rate != 0.0 && matches!(kind, Kind::Wpp | Kind::Wip);
            let row = || Aligned::zeros(post.len());
            let bias = there.then(|| Bias { b: row(), d: row() });
            let (weights, e) = (Ranked::new(n_post, n_pre, lanes), e + post.start);
            Projection { kind, k, pre, e, sign, eta: 0.0, weights, bias }
        };
        let hidden = 0..depth - 1;
        let stride = layout.v - layout.r;
        Synapses {
            input: Input::new(net.sizes[0], layout.pyramidal(0).len(), net.bias_rate),
            basal: (1..depth).map(|k| of(Kind::Wpp, k, k, k - 1, layout.e, 1.0)).collect(),
            inter: hidden.clone().map(|k| of(Kind::Wip, k, depth + k, k, layout.e, 1.0)).collect(),
            lateral: hidden.clone().map(|k| of(Kind::Wpi, k, k, depth + k, layout.apical, -1.0)).collect(),
            feedback: hidden.map(|k| of(Kind::Wpb, k, k, k + 1, layout.e_feedback, 1.0)).collect(),
            rows: Aligned::zeros(RANK * stride),
            stride,
            origin: layout.r,
            places: (layout.r, layout.e),
            count: 0,
            q: [0.0; RANK],
            beta: net.bias_rate,
            low_pass: false,
        }
    }

    fn projections(&mut self) -> impl Iterator<Item = &mut Projection<T>> {
        let Synapses { basal, inter, lateral, feedback, .. } = self;
        basal.iter_mut().chain(inter).chain(lateral).chain(feedback)
    }

    /// Takes weights, and Delta where the circuit's own weights learn through it.
    pub fn begin(&mut self, rates: Option<&Rates>, x: &[T], trace: &[T], w: &Tensors<T>, delta: Option<&Tensors<T>>) {
        (self.count, self.low_pass) = (0, delta.is_some());
        self.input.begin(rates.map_or(0.0, |r| r.pp[0]), x, trace, w, delta);
        for p in self.projections() {
            let k = p.k;
            p.eta = rates.map_or(0.0, |r| match p.kind {
                Kind::Wpp | Kind::Bpp => r.pp[k],
                Kind::Wip | Kind::Bip => r.ip[k],
                Kind::Wpi => r.pi[k],
                Kind::Wpb => r.pb[k],
            });
            p.weights.take_weights(&w.kind(p.kind)[k]);
            if p.eta != 0.0 {
                p.weights.take_delta(delta.map(|d| &d.kind(p.kind)[k]));
            }
            if let Some(bias) = &mut p.bias {
                let of =
                    |t: &Tensors<T>| if p.kind == Kind::Wpp { t.bpp[k].data.clone() } else { t.bip[k].data.clone() };
                let b = of(w);
                bias.b[..b.len()].copy_from_slice(&b);
                match delta {
                    Some(delta) => bias.d[..b.len()].copy_from_slice(&of(delta)),
                    None => bias.d.fill(T::ZERO),
                }
            }
        }
    }

    /// The changes that wait.
    #[inline(always)]
    pub fn changes(&self) -> Changes<'_, T> {
        Changes { rows: &self.rows, stride: self.stride, count: self.count }
    }

    /// One more change waits: `kept` of a node, from its rates on. Returns its number.
    pub fn push(&mut self, kept: &[T], q: f64) -> usize {
        let n = self.count;
        self.rows[n * self.stride..(n + 1) * self.stride].copy_from_slice(kept);
        self.q[n] = q;
        self.count += 1;
        n
    }

    /// r_n . r, r the rates of a population at `pre`.
    #[inline(always)]
    pub fn dots<S: Simd>(&self, simd: S, pre: &Range<usize>, r: &[T], out: &mut Waiting<T>) {
        dots(simd, self.changes(), self.places.0 - self.origin + pre.start, r, out);
    }

    /// Basal potentials of layer 1.
    #[inline(always)]
    pub fn first<S: Simd>(&self, simd: S, q: f64, moved: Option<&Moved>, v: &mut [T]) {
        self.input.potential(simd, q, moved, (self.changes(), &self.q, self.places.1 - self.origin), v);
    }

    /// Potentials that a projection brings about, with the rates `r` of all cells and its presynaptic cells' `dots`.
    #[inline(always)]
    pub fn potential<S: Simd>(
        &self,
        simd: S,
        p: &Projection<T>,
        seen: Option<Seen<'_, T>>,
        r: &[T],
        dots: &Waiting<T>,
        v: &mut [T],
    ) {
        let seen = seen.filter(|_| p.eta != 0.0);
        let c = seen.filter(|_| self.low_pass).map(|seen| T::from_f64(p.eta * seen.alpha));
        p.weights.read(simd, c, &r[p.pre.clone()], v);
        let beta = if p.bias.is_some() { T::from_f64(self.beta) } else { T::ZERO };
        if let Some(bias) = &p.bias {
            add(simd, beta, &bias.b, v);
            if let Some(c) = c {
                add(simd, beta * c, &bias.d, v);
            }
        }
        if let Some(seen) = seen {
            let (scale, square) = (T::from_f64(p.eta * p.sign), beta * beta);
            let mut f = [T::ZERO; RANK];
            for n in 0..RANK {
                f[n] = scale * seen.to_w[n] * (dots[n] + square);
            }
            add_errors(simd, self.changes(), p.e - self.origin, &f, v);
        }
    }

    /// Folds all changes that wait into W and D.
    #[inline(always)]
    pub fn fold<S: Simd>(&mut self, simd: S, moved: &Moved) {
        let Synapses { input, basal, inter, lateral, feedback, rows, stride, origin, places, count, q, beta, .. } =
            self;
        let changes = Changes { rows, stride: *stride, count: *count };
        input.fold(simd, moved, (changes, q, places.1 - *origin));
        let all = basal.iter_mut().chain(inter).chain(lateral).chain(feedback);
        for p in all.filter(|p| p.eta != 0.0) {
            let (mut to_w, mut to_d) = ([T::ZERO; RANK], [T::ZERO; RANK]);
            for n in 0..RANK {
                to_w[n] = T::from_f64(p.eta * p.sign * moved.to_w[n]);
                to_d[n] = T::from_f64(p.sign * moved.to_d[n]);
            }
            let (c, keep) = (T::from_f64(p.eta * moved.alpha), T::from_f64(moved.kappa));
            let mut fold = Fold { c, keep, to_w, to_d };
            p.weights.fold(simd, &fold, changes, (p.e - *origin, places.0 - *origin + p.pre.start));
            if let Some(Bias { b, d }) = &mut p.bias {
                let beta = T::from_f64(*beta);
                fold.to_w.iter_mut().for_each(|a| *a *= beta);
                fold.to_d.iter_mut().for_each(|c| *c *= beta);
                add(simd, fold.c, d, b);
                add_errors(simd, changes, p.e - *origin, &fold.to_w, b);
                d.iter_mut().for_each(|d| *d *= fold.keep);
                add_errors(simd, changes, p.e - *origin, &fold.to_d, d);
            }
        }
        *count = 0;
    }

    /// Gives back W and, through a low-pass, Delta, where nothing waits.
    #[inline(always)]
    pub fn give(&mut self, w: &mut Tensors<T>, delta: &mut Tensors<T>) {
        let low_pass = self.low_pass;
        if self.input.learns() {
            self.input.give_weights(low_pass.then_some(delta), w);
            if low_pass {
                self.input.give_delta(delta);
            }
        }
        for p in self.projections().filter(|p| p.eta != 0.0) {
            p.weights.give_weights(&mut w.kind_mut(p.kind)[p.k]);
            if low_pass {
                p.weights.give_delta(&mut delta.kind_mut(p.kind)[p.k]);
            }
            let Some(bias) = &p.bias else { continue };
            let kind = if p.kind == Kind::Wpp { Kind::Bpp } else { Kind::Bip };
            let b = &mut w.kind_mut(kind)[p.k].data;
            let n = b.len();
            b.copy_from_slice(&bias.b[..n]);
            if low_pass {
                delta.kind_mut(kind)[p.k].data.copy_from_slice(&bias.d[..n]);
            }
        }
    }

    /// Update += eta D, where nothing waits.
    #[inline(always)]
    pub fn add_gathered(&mut self, update: &mut Tensors<T>) {
        if self.input.learns() {
            self.input.add_gathered(update);
        }
        for p in self.projections().filter(|p| p.eta != 0.0) {
            let eta = T::from_f64(p.eta);
            p.weights.add_delta(eta, &mut update.kind_mut(p.kind)[p.k]);
            let Some(bias) = &p.bias else { continue };
            let kind = if p.kind == Kind::Wpp { Kind::Bpp } else { Kind::Bip };
            let b = &mut update.kind_mut(kind)[p.k].data;
            b.iter_mut().zip(bias.d.iter()).for_each(|(b, &d)| *b += eta * d);
        }
    }
}
