//! The way of the weights through a presentation, and sums of what the rules would add to weights that stand still.

use super::clock::Clock;
use super::node::{Node, Site};
use super::quadrature::{Basis, NODES, Row, decaying, plain};
use crate::circuit::Tensors;
use crate::kernels::{Mat, Product, Real, par};

/// Weights that are moved at a time, all terms one after another: they stay in the nearest cache.
const PIECE: usize = 4096;

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

/// Means over the batch of error times rate at the nodes, and what they and Delta contribute over a stretch of time.
pub struct Path<T> {
    plan: Product,
    brackets: Vec<Tensors<T>>,
    known: [bool; NODES],
    bias: Vec<T>,
    gains: Gains,
    used: usize,
    slots: [usize; NODES],
    of_weights: Row,
    of_delta: Row,
}

fn of<T: Real>(t: &mut Tensors<T>, site: Site) -> &mut Mat<T> {
    &mut t.kind_mut(site.kind)[site.k]
}

impl<T: Real> Path<T> {
    /// Room for tensors like these.
    pub fn new(like: &Tensors<T>, bias_rate: f64, samples: usize) -> Self {
        Path {
            plan: Product::best(),
            brackets: vec![like.clone(); NODES],
            known: [false; NODES],
            bias: vec![T::from_f64(bias_rate); samples],
            gains: Gains::new(None, 0.0, 0.0),
            used: 0,
            slots: [0; NODES],
            of_weights: [0.0; NODES],
            of_delta: [0.0; NODES],
        }
    }

    /// The values in a slot are new.
    pub fn forget(&mut self, slot: usize) {
        self.known[slot] = false;
    }

    /// Looks ahead over the step that a clock has laid out, from the nodes behind it.
    pub fn ahead(&mut self, sites: &[Site], nodes: &[Node<T>], clock: &Clock, tau_w: Option<f64>) {
        self.gains = Gains::new(tau_w, clock.h, 1.0);
        let past: Row = std::array::from_fn(|j| if j < clock.order { clock.node(j) } else { 0.0 });
        self.lay_out(sites, nodes, &Basis::new(&past[..clock.order]), &clock.slots[..clock.order]);
    }

    /// Looks back over the part up to `b` (1: the end) of the step that a clock has just taken.
    pub fn along(&mut self, sites: &[Site], nodes: &[Node<T>], clock: &Clock, tau_w: Option<f64>, b: f64) {
        self.gains = Gains::new(tau_w, clock.h, b);
        self.lay_out(sites, nodes, &clock.basis, &clock.slots[..=clock.order]);
    }

    fn lay_out(&mut self, sites: &[Site], nodes: &[Node<T>], basis: &Basis, slots: &[usize]) {
        self.used = slots.len();
        self.slots[..slots.len()].copy_from_slice(slots);
        self.of_weights = basis.weights(&self.gains.weights);
        self.of_delta = basis.weights(&self.gains.low_pass);
        for &slot in slots.iter().filter(|slot| !self.known[**slot]) {
            for &site in sites {
                let (e, r) = nodes[slot].factors(site);
                let bracket = of(&mut self.brackets[slot], site);
                let scale = T::from_f64(site.sign / self.bias.len() as f64);
                self.plan.outer(e, r.unwrap_or(&self.bias), scale, T::ZERO, bracket);
            }
        }
        slots.iter().for_each(|&slot| self.known[slot] = true);
    }

    /// to = from + eta (gain Delta + the brackets).
    pub fn reach(&self, sites: &[Site], to: &mut Tensors<T>, from: &Tensors<T>, delta: &Tensors<T>) {
        for &site in sites {
            let from = &from.kind(site.kind)[site.k].data;
            self.combine(site, &mut of(to, site).data, Some(from), delta);
        }
    }

    /// The same in place.
    pub fn move_on(&self, sites: &[Site], w: &mut Tensors<T>, delta: &Tensors<T>) {
        for &site in sites {
            self.combine(site, &mut of(w, site).data, None, delta);
        }
    }

    fn combine(&self, site: Site, w: &mut [T], from: Option<&[T]>, delta: &Tensors<T>) {
        let delta = delta.kind(site.kind).get(site.k).map(|m| (T::from_f64(site.eta * self.gains.delta), &m.data[..]));
        let brackets = self.terms(site, &self.of_weights, site.eta);
        par::pieces(w, PIECE, |n, w| {
            let at = n * PIECE..n * PIECE + w.len();
            if let Some(from) = from {
                w.copy_from_slice(&from[at.clone()]);
            }
            for (c, values) in delta.into_iter().chain(brackets.iter().copied().take(self.used)) {
                self.plan.axpy(c, &values[at.clone()], w);
            }
        });
    }

    /// Delta = keep Delta + the brackets; nothing without low-pass.
    pub fn filter(&self, sites: &[Site], delta: &mut Tensors<T>) {
        let keep = T::from_f64(self.gains.keep);
        for &site in sites {
            let Some(delta) = delta.kind_mut(site.kind).get_mut(site.k) else { continue };
            let brackets = self.terms(site, &self.of_delta, 1.0);
            par::pieces(&mut delta.data, PIECE, |n, delta| {
                let at = n * PIECE..n * PIECE + delta.len();
                delta.iter_mut().for_each(|d| *d *= keep);
                for &(c, values) in &brackets[..self.used] {
                    self.plan.axpy(c, &values[at.clone()], delta);
                }
            });
        }
    }

    /// The brackets in use with their weights.
    fn terms(&self, site: Site, weights: &Row, eta: f64) -> [(T, &[T]); NODES] {
        std::array::from_fn(|j| {
            let bracket = &self.brackets[self.slots[j]].kind(site.kind)[site.k].data;
            (T::from_f64(eta * weights[j]), &bracket[..])
        })
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
