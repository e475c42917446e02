//! Bias weights of all populations side by side: synapses whose presynaptic rate is beta_b.

use super::Kind;
use super::cells::{Cells, Places};
use crate::circuit::Tensors;
use crate::circuit::params::{Network, Rates};
use crate::circuit::step::Constants;
use crate::kernels::fused::add;
use crate::kernels::{Aligned, Lanes, Real};
use pulp::Simd;
use std::ops::Range;

/// Bias weights b and their Delta (or gathered update) d, one place a cell.
pub struct Bias<T> {
    /// False in a net without biases: nothing is done.
    there: bool,
    beta: T,
    b: Aligned<T>,
    d: Aligned<T>,
    /// dt eta and dt / tau_w of each cell; both 0 where its rule is off.
    c: Aligned<T>,
    a: Aligned<T>,
    /// What an observer sees.
    copy: [Aligned<T>; 2],
}

impl<T: Real> Bias<T> {
    pub fn new(net: &Network, places: &Places) -> Self {
        let row = || Aligned::zeros(places.len());
        Bias {
            there: net.bias_rate != 0.0,
            beta: T::ZERO,
            b: row(),
            d: row(),
            c: row(),
            a: row(),
            copy: [row(), row()],
        }
    }

    /// Places of every population with biases.
    fn each(places: &Places) -> impl Iterator<Item = (bool, usize, Range<usize>)> {
        let depth = places.depth();
        let pyramidal = (0..depth).map(|k| (false, k, places.pyramidal(k + 1)));
        pyramidal.chain((0..depth - 1).map(|k| (true, k, places.inter(k + 1))))
    }

    /// Takes the weights at the start of a presentation; `second` is Delta or an update.
    pub fn begin(
        &mut self,
        c: &Constants<T>,
        places: &Places,
        weights: &Tensors<T>,
        rates: Option<&Rates>,
        second: Option<&Tensors<T>>,
    ) {
        if !self.there {
            return;
        }
        self.beta = c.beta_b;
        for (inter, k, range) in Self::each(places) {
            let eta = rates.map_or(0.0, |r| if inter { r.ip[k] } else { r.pp[k] });
            self.c[range.clone()].fill(T::from_f64(c.dt * eta));
            self.a[range.clone()].fill(if eta == 0.0 { T::ZERO } else { c.a.unwrap_or(T::ZERO) });
            let b = if inter { &weights.bip[k].data } else { &weights.bpp[k].data };
            self.b[range.clone()][..b.len()].copy_from_slice(b);
            if let Some(second) = second {
                let d = if inter { &second.bip[k].data } else { &second.bpp[k].data };
                self.d[range][..d.len()].copy_from_slice(d);
            }
        }
    }

    fn give(row: &[T], places: &Places, tensors: &mut Tensors<T>) {
        for (inter, k, range) in Self::each(places) {
            let list = if inter { &mut tensors.bip[k].data } else { &mut tensors.bpp[k].data };
            let n = list.len();
            list.copy_from_slice(&row[range][..n]);
        }
    }

    /// Gives back b.
    pub fn give_weights(&self, places: &Places, weights: &mut Tensors<T>) {
        if self.there {
            Self::give(&self.b, places, weights);
        }
    }

    /// Gives back d.
    pub fn give_delta(&self, places: &Places, delta: &mut Tensors<T>) {
        if self.there {
            Self::give(&self.d, places, delta);
        }
    }

    /// Makes the change that `e` taught.
    pub fn settle(&mut self, kind: Kind, e: &[T]) {
        if self.there {
            change(pulp::Scalar256b, kind, self.beta, (&self.c, &self.a), e, (&mut self.b, &mut self.d));
        }
    }

    /// A copy of b with the change that waits, for an observer.
    pub fn look(&mut self, kind: Kind, cells: &Cells<T>, seen: &mut Tensors<T>) {
        if self.there {
            let [b, d] = &mut self.copy;
            b.clone_from(&self.b);
            d.clone_from(&self.d);
            change(pulp::Scalar256b, kind, self.beta, (&self.c, &self.a), &cells.e, (b, d));
            Self::give(b, &cells.places, seen);
        }
    }

    /// Makes the change that the step before taught, then v += beta_b b.
    #[inline(always)]
    pub fn step<S: Simd>(&mut self, simd: S, kind: Kind, e: &[T], v: &mut [T]) {
        if self.there {
            change(simd, kind, self.beta, (&self.c, &self.a), e, (&mut self.b, &mut self.d));
            add(simd, self.beta, &self.b, v);
        }
    }
}

/// The change of all bias weights. Twin of the plain changes of weights.
#[inline(always)]
fn change<T: Lanes, S: Simd>(
    simd: S,
    kind: Kind,
    beta: T,
    (c, a): (&[T], &[T]),
    e: &[T],
    (b, d): (&mut [T], &mut [T]),
) {
    let beta = T::splat(simd, beta);
    let (c, a, e) = (T::split::<S>(c).0, T::split::<S>(a).0, T::split::<S>(e).0);
    let (b, d) = (T::split_mut::<S>(b).0, T::split_mut::<S>(d).0);
    for ((b, d), ((&c, &a), &e)) in b.iter_mut().zip(d).zip(c.iter().zip(a).zip(e)) {
        let rule = T::mul(simd, e, beta);
        match kind {
            Kind::Nothing => {}
            Kind::Direct => *b = T::mul_add(simd, c, rule, *b),
            Kind::Gather => *d = T::mul_add(simd, c, rule, *d),
            Kind::LowPass | Kind::Filter => {
                if kind == Kind::LowPass {
                    *b = T::mul_add(simd, c, *d, *b);
                }
                *d = T::mul_add(simd, a, T::sub(simd, rule, *d), *d);
            }
        }
    }
}
