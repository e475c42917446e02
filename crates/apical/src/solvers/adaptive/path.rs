//! The way of the weights through a presentation, and sums of what the rules would add to weights that stand still.

use super::clock::Clock;
use super::node::{Node, Site};
use super::quadrature::{Basis, NODES, Row, decaying, plain};
use crate::circuit::{Kind, Tensors};
use crate::kernels::{Mat, Product, Real, par};

/// Weights that are moved at a time, with all that moves them.
const PIECE: usize = 1024;

/// What a step does to weights and Delta.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Motion {
    /// Nothing.
    Still,
    /// Delta integrates, weights stand still.
    DeltaOnly,
    /// Both change.
    Both,
}

/// What the old Delta and the rules' brackets at the nodes contribute over a stretch of a step.
#[derive(Clone, Copy, Debug)]
pub struct Gains {
    /// Of Delta to dW / eta (ms).
    pub delta: f64,
    /// Of each power of time in the rule to dW / eta (ms).
    pub weights: Row,
    /// Of Delta to Delta.
    pub keep: f64,
    /// Of each power of time in the rule to Delta.
    pub low_pass: Row,
}

impl Gains {
    /// From a step's beginning to `b` (1: its end) of its length `h` (ms).
    pub fn new(tau_w: Option<f64>, h: f64, b: f64) -> Self {
        let mut all = plain(0.0, b);
        all.iter_mut().for_each(|m| *m *= h);
        let Some(tau) = tau_w else {
            return Gains { delta: 0.0, weights: all, keep: 1.0, low_pass: [0.0; NODES] };
        };
        // tau_w dDelta/dt = -Delta + rule / eta, dW/dt = eta Delta, with the rule a polynomial.
        let z = h / tau;
        let (mut weights, mut low_pass) = (all, decaying(z, b));
        for (weight, m) in weights.iter_mut().zip(&mut low_pass) {
            *m *= z;
            *weight -= tau * *m;
        }
        // The moment of x^0 is (1 - e^(-z b)) / z.
        let lost = low_pass[0];
        Gains { delta: tau * lost, weights, keep: 1.0 - lost, low_pass }
    }
}

/// A stretch of time: its nodes, and what they and Delta contribute.
#[derive(Clone, Copy, Debug)]
pub struct Stretch {
    /// What Delta contributes, and the powers of time.
    pub gains: Gains,
    /// Nodes in use.
    pub count: usize,
    /// Where their values lie.
    pub slots: [usize; NODES],
    /// Weights of the rule there in dW / eta (ms), and in Delta.
    pub of_weights: Row,
    pub of_delta: Row,
}

impl Stretch {
    /// The step that a clock has laid out, by the nodes behind it.
    pub fn ahead(clock: &Clock, tau_w: Option<f64>) -> Self {
        let past: Row = std::array::from_fn(|j| if j < clock.order { clock.node(j) } else { 0.0 });
        Self::new(Gains::new(tau_w, clock.h, 1.0), &Basis::new(&past[..clock.order]), clock, clock.order)
    }

    /// The part up to `b` (1: the end) of the step that a clock has just taken.
    pub fn along(clock: &Clock, tau_w: Option<f64>, b: f64) -> Self {
        Self::new(Gains::new(tau_w, clock.h, b), &clock.basis, clock, clock.order + 1)
    }

    fn new(gains: Gains, basis: &Basis, clock: &Clock, count: usize) -> Self {
        let (of_weights, of_delta) = (basis.weights(&gains.weights), basis.weights(&gains.low_pass));
        Stretch { gains, count, slots: clock.slots, of_weights, of_delta }
    }
}

/// Means over the batch of error times rate at the nodes, and the weights that move by them.
pub struct Path<T> {
    plan: Product,
    /// The projections whose weights are written as they move.
    sites: Vec<Site>,
    /// For each of them and each slot.
    brackets: Vec<[Mat<T>; NODES]>,
    known: [bool; NODES],
    bias: Vec<T>,
    /// What weights and Delta have not yet been moved by.
    waiting: Option<(Stretch, Motion)>,
}

fn of<T: Real>(t: &mut Tensors<T>, site: Site) -> &mut Mat<T> {
    &mut t.kind_mut(site.kind)[site.k]
}

/// Copies weights; those into layer 1 only if `first`.
pub fn copy<T: Real>(from: &Tensors<T>, to: &mut Tensors<T>, first: bool) {
    for kind in Kind::ALL {
        let (to, from) = (to.list_mut(kind), from.kind(kind));
        to.resize_with(from.len(), Mat::default);
        for (k, (to, from)) in to.iter_mut().zip(from).enumerate() {
            if first || (kind, k) != (Kind::Wpp, 0) {
                to.clone_from(from);
            }
        }
    }
}

/// Some values of a projection.
struct Piece<'a, T> {
    site: usize,
    from: usize,
    w: &'a mut [T],
    delta: Option<&'a mut [T]>,
    used: Option<&'a mut [T]>,
}

impl<T: Real> Path<T> {
    /// Room for a batch.
    pub fn new(bias_rate: f64, samples: usize) -> Self {
        Path {
            plan: Product::best(),
            sites: Vec::new(),
            brackets: Vec::new(),
            known: [false; NODES],
            bias: vec![T::from_f64(bias_rate); samples],
            waiting: None,
        }
    }

    /// A presentation begins, in which these projections of `weights` move.
    pub fn begin(&mut self, sites: impl Iterator<Item = Site>, weights: &Tensors<T>) {
        (self.known, self.waiting) = ([false; NODES], None);
        self.sites.clear();
        self.sites.extend(sites);
        self.brackets.resize_with(self.sites.len(), Default::default);
        for (site, brackets) in self.sites.iter().zip(&mut self.brackets) {
            let w = &weights.kind(site.kind)[site.k];
            for bracket in brackets.iter_mut().filter(|b| (b.rows, b.cols) != (w.rows, w.cols)) {
                *bracket = Mat::zeros(w.rows, w.cols);
            }
        }
    }

    /// The values in a slot are new.
    pub fn forget(&mut self, slot: usize) {
        self.known[slot] = false;
    }

    /// Finds what the rules say at the nodes of a stretch.
    pub fn learn(&mut self, stretch: &Stretch, nodes: &[Node<T>]) {
        for &slot in stretch.slots.iter().take(stretch.count) {
            if self.known[slot] {
                continue;
            }
            for (&site, brackets) in self.sites.iter().zip(&mut self.brackets) {
                let (e, r) = nodes[slot].factors(site);
                let scale = T::from_f64(site.sign / self.bias.len() as f64);
                self.plan.outer(e, r.unwrap_or(&self.bias), scale, T::ZERO, &mut brackets[slot]);
            }
            self.known[slot] = true;
        }
    }

    /// Weights and Delta will move along a stretch when they are next wanted: [`Path::settle`].
    pub fn advance(&mut self, stretch: Stretch, motion: Motion) {
        debug_assert!(self.waiting.is_none(), "one stretch at a time");
        self.waiting = Some((stretch, motion));
    }

    /// Moves weights and Delta where they should be, and finds where the weights will be at the end of a stretch ahead.
    pub fn settle(
        &mut self,
        nodes: &[Node<T>],
        w: &mut Tensors<T>,
        delta: &mut Tensors<T>,
        ahead: Option<(&Stretch, &mut Tensors<T>)>,
    ) {
        let past = self.waiting.take();
        let (next, mut used) = ahead.unzip();
        past.iter().map(|(stretch, _)| stretch).chain(next).for_each(|stretch| self.learn(stretch, nodes));
        if past.is_none() && next.is_none() {
            return;
        }
        // A piece and all that moves it stay in the nearest cache while everything is done with it.
        for (n, &site) in self.sites.iter().enumerate() {
            let mut delta = delta.kind_mut(site.kind).get_mut(site.k).map(|d| d.data.chunks_mut(PIECE));
            let mut used = used.as_mut().map(|used| of(used, site).data.chunks_mut(PIECE));
            let mut pieces = Vec::new();
            for (piece, w) in of(w, site).data.chunks_mut(PIECE).enumerate() {
                let delta = delta.as_mut().and_then(Iterator::next);
                let used = used.as_mut().and_then(Iterator::next);
                pieces.push(Piece { site: n, from: piece * PIECE, w, delta, used });
            }
            par::each(&mut pieces, |piece| self.move_piece(piece, past.as_ref(), next));
        }
    }

    fn move_piece(&self, piece: &mut Piece<'_, T>, past: Option<&(Stretch, Motion)>, next: Option<&Stretch>) {
        let site = piece.site;
        let eta = self.sites[site].eta;
        if let Some((stretch, motion)) = past {
            if *motion == Motion::Both {
                let old = piece.delta.as_deref().map(|d| (T::from_f64(eta * stretch.gains.delta), d));
                self.add(site, piece.from, (T::ONE, piece.w), [old, None], (eta, &stretch.of_weights), stretch);
            }
            if let Some(delta) = &mut piece.delta {
                let keep = T::from_f64(stretch.gains.keep);
                self.add(site, piece.from, (keep, delta), [None, None], (1.0, &stretch.of_delta), stretch);
            }
        }
        if let (Some(stretch), Some(used)) = (next, &mut piece.used) {
            let old = piece.delta.as_deref().map(|d| (T::from_f64(eta * stretch.gains.delta), d));
            let from = [Some((T::ONE, &*piece.w)), old];
            self.add(site, piece.from, (T::ZERO, used), from, (eta, &stretch.of_weights), stretch);
        }
    }

    /// to = keep to + others + the brackets of a stretch.
    fn add(
        &self,
        site: usize,
        from: usize,
        (keep, to): (T, &mut [T]),
        others: [Option<(T, &[T])>; 2],
        (eta, weights): (f64, &Row),
        stretch: &Stretch,
    ) {
        let mut terms: [(T, &[T]); NODES + 2] = [(T::ZERO, &[]); NODES + 2];
        let brackets = stretch.slots.iter().zip(weights).take(stretch.count);
        let brackets = brackets
            .map(|(&slot, weight)| (T::from_f64(eta * weight), &self.brackets[site][slot].data[from..from + to.len()]));
        let mut count = 0;
        for (term, new) in terms.iter_mut().zip(others.into_iter().flatten().chain(brackets)) {
            *term = new;
            count += 1;
        }
        self.plan.combine(keep, &terms[..count], to);
    }

    /// Where weights that stand at `w` are at the end of a stretch, into `to`.
    pub fn reach(&self, stretch: &Stretch, w: &Tensors<T>, delta: &Tensors<T>, to: &mut Tensors<T>) {
        debug_assert!(self.waiting.is_none(), "the weights are where they should be");
        for (n, &site) in self.sites.iter().enumerate() {
            let gain = T::from_f64(site.eta * stretch.gains.delta);
            let old = delta.kind(site.kind).get(site.k).map(|d| (gain, &d.data[..]));
            let from = [Some((T::ONE, &w.kind(site.kind)[site.k].data[..])), old];
            let to = (T::ZERO, &mut of(to, site).data[..]);
            self.add(n, 0, to, from, (site.eta, &stretch.of_weights), stretch);
        }
    }
}

/// Gathers products of errors and rates until there are enough of them for a matrix product.
pub struct Gathered<T> {
    rows: Vec<(Vec<T>, Vec<T>)>,
    count: usize,
    most: usize,
}

impl<T: Real> Gathered<T> {
    /// Room for a batch.
    pub fn new(samples: usize) -> Self {
        Gathered { rows: Vec::new(), count: 0, most: (4 * samples).max(64) }
    }

    /// So many projections learn.
    pub fn set_sites(&mut self, sites: usize) {
        self.rows.resize(sites, (Vec::new(), Vec::new()));
    }

    /// Adds `weight` (ms) times error and rate of one sample at one node.
    pub fn push(&mut self, sites: &[Site], node: &Node<T>, sample: usize, samples: usize, weight: f64, bias: f64) {
        let weight = T::from_f64(weight);
        for (&site, (errors, rates)) in sites.iter().zip(&mut self.rows) {
            let (e, r) = node.factors(site);
            let n = e.len() / samples;
            errors.extend(e[sample * n..(sample + 1) * n].iter().map(|&e| weight * e));
            match r {
                Some(r) => {
                    let n = r.len() / samples;
                    rates.extend_from_slice(&r[sample * n..(sample + 1) * n]);
                }
                None => rates.push(T::from_f64(bias)),
            }
        }
        self.count += 1;
    }

    /// True if there are enough.
    pub fn is_full(&self) -> bool {
        self.count >= self.most
    }

    /// Adds everything to `update`, a mean over `samples`.
    pub fn fold(&mut self, sites: &[Site], samples: usize, update: &mut Tensors<T>) {
        if self.count == 0 {
            return;
        }
        for (&site, (errors, rates)) in sites.iter().zip(&mut self.rows) {
            let scale = T::from_f64(site.sign * site.eta * self.count as f64 / samples as f64);
            Product::best().add_mean_outer(errors, rates, scale, of(update, site));
            errors.clear();
            rates.clear();
        }
        self.count = 0;
    }
}
