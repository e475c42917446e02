//! What the input brings about in layer 1. Within a presentation each sample's traced input is x + q y, y = r_in(0) - x,
//! q = e^(-t / tau_0): with Z the x of all samples and then all y, everything that the weights into layer 1 do and learn
//! follows from products with Z, taken once. The weights themselves are written once, at the presentation's end.
//!
//! ```text
//! W(t) = W_0 + eta (a Delta_0 + A^T Z / B)      A: 2 B rows, sums of errors, and of errors times q
//! ```
//!
//! and Delta alike.

use super::node::Node;
use super::path::{Motion, Stretch};
use super::quadrature::{NODES, Row};
use crate::kernels::{Mat, Product, Real, Rows, RowsMut, par};

/// Errors of cells that are worked on at a time.
const PIECE: usize = 1024;

/// How far a tensor is from the weights and Delta of the beginning.
#[derive(Clone, Default)]
struct Share<T> {
    /// Of Delta_0.
    delta: f64,
    /// For each row of Z.
    rows: Vec<T>,
}

/// The weights into layer 1 as they move, by what they do.
pub struct Span<T> {
    plan: Product,
    samples: usize,
    /// Z: samples' x, then their y.
    patterns: Vec<T>,
    /// W_0 and Delta_0 on the rows of Z; the latter is empty if nothing has been taught through it.
    start: Vec<T>,
    waiting: Vec<T>,
    /// Z Z^T.
    overlap: Vec<T>,
    /// Overlaps of the traced inputs with Z.
    seen: Vec<T>,
    w: Share<T>,
    d: Share<T>,
    /// What the step under way sees at its end.
    used: Share<T>,
    /// q at the nodes, by slot.
    q: Row,
    /// What weights and Delta have not yet been moved by.
    late: Option<(Stretch, Motion)>,
}

impl<T: Real> Span<T> {
    /// Room for `cells` cells in layer 1.
    pub fn new(plan: Product, samples: usize, inputs: usize, cells: usize) -> Self {
        Span {
            plan,
            samples,
            patterns: vec![T::ZERO; 2 * samples * inputs],
            start: vec![T::ZERO; 2 * samples * cells],
            waiting: Vec::new(),
            overlap: Vec::new(),
            seen: Vec::new(),
            w: Share::default(),
            d: Share::default(),
            used: Share::default(),
            q: [1.0; NODES],
            late: None,
        }
    }

    /// True if to move the weights this way costs less than to write them.
    pub fn pays(samples: usize, inputs: usize) -> bool {
        2 * samples < inputs
    }

    /// A presentation begins: inputs and traces, samples x cells, with the weights into layer 1.
    pub fn begin(&mut self, input: &[T], trace: &[T], w: &Mat<T>) {
        let (x, y) = self.patterns.split_at_mut(input.len());
        x.copy_from_slice(input);
        self.plan.combine(T::ZERO, &[(T::ONE, trace), (-T::ONE, input)], y);
        self.plan.weighted_sum(w, &self.patterns, &mut self.start);
    }

    /// The weights will move.
    pub fn prepare(&mut self, delta: Option<&Mat<T>>) {
        let rows = 2 * self.samples;
        let cols = self.patterns.len() / rows;
        self.overlap.resize(rows * rows, T::ZERO);
        self.seen.resize(self.samples * rows, T::ZERO);
        let z = Rows::packed(&self.patterns, rows, cols);
        self.plan.weighted_sums(z, z, T::ONE, T::ZERO, RowsMut::packed(&mut self.overlap, rows, rows));
        self.late = None;
        self.waiting.clear();
        if let Some(delta) = delta {
            self.waiting.resize(self.start.len(), T::ZERO);
            self.plan.weighted_sum(delta, &self.patterns, &mut self.waiting);
        }
        for (share, of_delta) in [(&mut self.w, 0.0), (&mut self.d, 1.0), (&mut self.used, 0.0)] {
            share.delta = of_delta;
            share.rows.clear();
            share.rows.resize(self.start.len(), T::ZERO);
        }
    }

    /// A node lies in `slot`.
    pub fn mark(&mut self, slot: usize, q: f64) {
        self.q[slot] = q;
    }

    /// Weights and Delta will move along a stretch when they are next wanted; those before, now.
    pub fn advance(&mut self, stretch: Stretch, motion: Motion, nodes: &[Node<T>]) {
        self.settle(nodes);
        self.late = Some((stretch, motion));
    }

    /// Looks where the weights will be at a stretch's end.
    pub fn look(&mut self, stretch: &Stretch, nodes: &[Node<T>]) {
        self.pass(Some(stretch), nodes);
    }

    /// Moves weights and Delta where they should be.
    pub fn settle(&mut self, nodes: &[Node<T>]) {
        if self.late.is_some() {
            self.pass(None, nodes);
        }
    }

    fn pass(&mut self, next: Option<&Stretch>, nodes: &[Node<T>]) {
        let late = self.late.take();
        let past = late.as_ref().map(|(stretch, motion)| (stretch, *motion));
        let Span { plan, w, d, used, q, waiting, .. } = self;
        let low_pass = !waiting.is_empty();
        if let Some((past, motion)) = past {
            if motion == Motion::Both {
                w.delta += past.gains.delta * d.delta;
            }
            d.delta *= past.gains.keep;
        }
        if let Some(next) = next {
            used.delta = w.delta + next.gains.delta * d.delta;
        }
        // Of an error all is done while it is near: what it adds to the rows of x, and to those of y.
        let half = w.rows.len() / 2;
        let [(w_x, w_y), (d_x, d_y), (u_x, u_y)] = [w, d, used].map(|share| share.rows.split_at_mut(half));
        let x = w_x.chunks_mut(PIECE).zip(d_x.chunks_mut(PIECE)).zip(u_x.chunks_mut(PIECE));
        let y = w_y.chunks_mut(PIECE).zip(d_y.chunks_mut(PIECE)).zip(u_y.chunks_mut(PIECE));
        let mut pieces: Vec<_> = x.zip(y).enumerate().collect();
        par::each(&mut pieces, |(piece, (x, y))| {
            for (((w, d), used), of_y) in [(x, false), (y, true)] {
                let at = *piece * PIECE..*piece * PIECE + w.len();
                let term = |stretch: &Stretch, weights: &Row, j: usize| {
                    let slot = stretch.slots[j];
                    let weight = if of_y { weights[j] * q[slot] } else { weights[j] };
                    (T::from_f64(weight), &nodes[slot].forward[0][at.clone()])
                };
                if let Some((past, motion)) = past {
                    if motion == Motion::Both {
                        let mut terms: [(T, &[T]); NODES + 1] = std::array::from_fn(|j| {
                            if j == 0 {
                                (T::from_f64(past.gains.delta), &**d)
                            } else {
                                term(past, &past.of_weights, j - 1)
                            }
                        });
                        let from = usize::from(!low_pass);
                        terms[0].0 = if low_pass { terms[0].0 } else { T::ZERO };
                        plan.combine(T::ONE, &terms[from..=past.count], w);
                    }
                    if low_pass {
                        let terms: [(T, &[T]); NODES] = std::array::from_fn(|j| term(past, &past.of_delta, j));
                        plan.combine(T::from_f64(past.gains.keep), &terms[..past.count], d);
                    }
                }
                if let Some(next) = next {
                    let terms: [(T, &[T]); NODES + 2] = std::array::from_fn(|j| match j {
                        0 => (T::ONE, &**w),
                        1 => (T::from_f64(next.gains.delta), &**d),
                        j => term(next, &next.of_weights, j - 2),
                    });
                    plan.combine(T::ZERO, &terms[..next.count + 2], used);
                }
            }
        });
    }

    /// W r_in of some samples at q, at the weights of the beginning: samples x cells into `v`.
    pub fn still(&self, first: usize, q: f64, v: &mut [T]) {
        let cells = self.start.len() / (2 * self.samples);
        let (x, y) = self.start.split_at(self.start.len() / 2);
        let at = first * cells..first * cells + v.len();
        self.plan.combine(T::ZERO, &[(T::ONE, &x[at.clone()]), (T::from_f64(q), &y[at])], v);
    }

    /// W r_in of all samples at q, at the weights that the step under way sees.
    pub fn moved(&mut self, eta: f64, q: f64, v: &mut [T]) {
        self.still(0, q, v);
        let (samples, q) = (self.samples, T::from_f64(q));
        let delta = T::from_f64(eta * self.used.delta);
        if !self.waiting.is_empty() {
            let (x, y) = self.waiting.split_at(self.waiting.len() / 2);
            self.plan.combine(T::ONE, &[(delta, x), (delta * q, y)], v);
        }
        let (x, y) = self.overlap.split_at(self.overlap.len() / 2);
        self.plan.combine(T::ZERO, &[(T::ONE, x), (q, y)], &mut self.seen);
        let cells = v.len() / samples;
        let rows = Rows::packed(&self.used.rows, 2 * samples, cells);
        let seen = Rows::packed(&self.seen, samples, 2 * samples);
        let scale = T::from_f64(eta / samples as f64);
        self.plan.back_sums(rows, seen, scale, T::ONE, RowsMut::packed(v, samples, cells));
    }

    /// The weights at the end of the stretch looked at last.
    pub fn show(&self, eta: f64, w: &mut Mat<T>, delta: Option<&Mat<T>>) {
        self.write(eta, &self.used, w, delta);
    }

    /// The weights where they are.
    pub fn show_here(&self, eta: f64, w: &mut Mat<T>, delta: Option<&Mat<T>>) {
        self.write(eta, &self.w, w, delta);
    }

    /// A presentation ends: weights and Delta of its beginning become those of its end.
    pub fn end(&mut self, eta: f64, w: &mut Mat<T>, delta: Option<&mut Mat<T>>) {
        self.write(eta, &self.w, w, delta.as_deref());
        if let Some(delta) = delta {
            let (keep, scale) = (T::from_f64(self.d.delta), T::ONE / T::from_f64(self.samples as f64));
            self.plan.outer(&self.d.rows, &self.patterns, scale, keep, delta);
        }
    }

    fn write(&self, eta: f64, share: &Share<T>, w: &mut Mat<T>, delta: Option<&Mat<T>>) {
        if let Some(delta) = delta {
            self.plan.axpy(T::from_f64(eta * share.delta), &delta.data, &mut w.data);
        }
        self.plan.outer(&share.rows, &self.patterns, T::from_f64(eta / self.samples as f64), T::ONE, w);
    }
}
