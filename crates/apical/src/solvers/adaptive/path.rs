//! The way of the weights through a presentation, and sums of what the rules would add to weights that stand still.

use super::node::{Node, Site};
use super::quadrature::{NODES, Row, decaying, plain};
use crate::circuit::{Kind, Tensors};
use crate::kernels::{Mat, Product, Real};

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
        let all = plain(0.0, b).map(|m| m * h);
        let Some(tau) = tau_w else {
            return Gains { delta: 0.0, weights: all, keep: 1.0, low_pass: [0.0; NODES] };
        };
        // tau_w dDelta/dt = -Delta + rule / eta, dW/dt = eta Delta, with the rule a polynomial.
        let z = h / tau;
        let low_pass = decaying(z, b).map(|m| m * z);
        let late = low_pass.map(|m| m * tau);
        Gains {
            delta: -tau * (-z * b).exp_m1(),
            weights: std::array::from_fn(|m| all[m] - late[m]),
            keep: (-z * b).exp(),
            low_pass,
        }
    }
}

/// Means over the batch of error times rate at the nodes.
pub struct Path<T> {
    brackets: Vec<Tensors<T>>,
    known: [bool; NODES],
    bias: Vec<T>,
}

fn of<T: Real>(t: &mut Tensors<T>, site: Site) -> &mut Mat<T> {
    &mut t.kind_mut(site.kind)[site.k]
}

impl<T: Real> Path<T> {
    /// Room for tensors like these.
    pub fn new(like: &Tensors<T>, bias_rate: f64, samples: usize) -> Self {
        Path {
            brackets: vec![like.clone(); NODES],
            known: [false; NODES],
            bias: vec![T::from_f64(bias_rate); samples],
        }
    }

    /// The values in a slot are new.
    pub fn forget(&mut self, slot: usize) {
        self.known[slot] = false;
    }

    /// Makes the brackets of a node.
    pub fn learn(&mut self, plan: Product, sites: &[Site], slot: usize, node: &Node<T>) {
        if self.known[slot] {
            return;
        }
        for &site in sites {
            let (e, r) = node.factors(site);
            let g = of(&mut self.brackets[slot], site);
            g.data.fill(T::ZERO);
            plan.add_mean_outer(e, r.unwrap_or(&self.bias), T::ONE, g);
        }
        self.known[slot] = true;
    }

    /// to = from + eta (gain delta + sum of c brackets); without `from`, to = keep to + sum of c brackets.
    fn combine(&self, eta: Option<f64>, to: &mut [T], from: Option<&[T]>, delta: (f64, Option<&[T]>), c: &[(f64, &[T])]) {
        const PIECE: usize = 512;
        let mut sum = [T::ZERO; PIECE];
        for (n, to) in to.chunks_mut(PIECE).enumerate() {
            let at = n * PIECE..n * PIECE + to.len();
            let sum = &mut sum[..to.len()];
            match delta.1 {
                Some(delta_values) => {
                    let gain = T::from_f64(delta.0);
                    sum.iter_mut().zip(&delta_values[at.clone()]).for_each(|(s, &d)| *s = gain * d);
                }
                None => sum.fill(T::ZERO),
            }
            for &(c, bracket) in c {
                let c = T::from_f64(c);
                sum.iter_mut().zip(&bracket[at.clone()]).for_each(|(s, &g)| *s += c * g);
            }
            match (eta, from) {
                (Some(eta), Some(from)) => {
                    let eta = T::from_f64(eta);
                    to.iter_mut().zip(&from[at]).zip(sum.iter()).for_each(|((t, &w), &s)| *t = w + eta * s);
                }
                (Some(eta), None) => {
                    let eta = T::from_f64(eta);
                    to.iter_mut().zip(sum.iter()).for_each(|(t, &s)| *t += eta * s);
                }
                (None, _) => {
                    let keep = T::from_f64(delta.0);
                    to.iter_mut().zip(sum.iter()).for_each(|(t, &s)| *t = keep * *t + s);
                }
            }
        }
    }

    /// `to` = `from` moved on by Delta and the brackets, `c` for each slot in use (ms).
    pub fn reach(
        &self,
        sites: &[Site],
        to: &mut Tensors<T>,
        from: &Tensors<T>,
        delta: (f64, &Tensors<T>),
        c: &[(usize, f64)],
    ) {
        for &site in sites {
            let terms = self.terms(site, c);
            let of_delta = delta.1.kind(site.kind).get(site.k).map(|m| &m.data[..]);
            let from = &from.kind(site.kind)[site.k].data;
            // Delta carries the sign of its rule.
            let gain = if site.kind == Kind::Wpi { -delta.0 } else { delta.0 };
            self.combine(Some(site.eta), &mut of(to, site).data, Some(from), (gain, of_delta), &terms);
        }
    }

    /// The same in place.
    pub fn move_on(&self, sites: &[Site], w: &mut Tensors<T>, delta: (f64, &Tensors<T>), c: &[(usize, f64)]) {
        for &site in sites {
            let terms = self.terms(site, c);
            let of_delta = delta.1.kind(site.kind).get(site.k).map(|m| &m.data[..]);
            let gain = if site.kind == Kind::Wpi { -delta.0 } else { delta.0 };
            self.combine(Some(site.eta), &mut of(w, site).data, None, (gain, of_delta), &terms);
        }
    }

    /// Delta = keep Delta + the brackets, `c` for each slot in use.
    pub fn filter(&self, sites: &[Site], delta: &mut Tensors<T>, keep: f64, c: &[(usize, f64)]) {
        for &site in sites {
            let mut terms = self.terms(site, c);
            if site.kind == Kind::Wpi {
                terms.iter_mut().for_each(|term| term.0 = -term.0);
            }
            self.combine(None, &mut of(delta, site).data, None, (keep, None), &terms);
        }
    }

    fn terms(&self, site: Site, c: &[(usize, f64)]) -> Vec<(f64, &[T])> {
        let term = |&(slot, c): &(usize, f64)| (c, &self.brackets[slot].kind(site.kind)[site.k].data[..]);
        c.iter().map(term).collect()
    }
}

/// Gathers products of errors and rates until there are enough of them for a matrix product.
pub struct Gathered<T> {
    rows: Vec<(Vec<T>, Vec<T>)>,
    count: usize,
    most: usize,
}

impl<T: Real> Gathered<T> {
    /// Room for so many projections.
    pub fn new(sites: usize, samples: usize) -> Self {
        Gathered { rows: vec![(Vec::new(), Vec::new()); sites], count: 0, most: (4 * samples).max(64) }
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
            let scale = T::from_f64(site.eta * self.count as f64 / samples as f64);
            Product::for_batch(self.count).add_mean_outer(errors, rates, scale, of(update, site));
            errors.clear();
            rates.clear();
        }
        self.count = 0;
    }
}
