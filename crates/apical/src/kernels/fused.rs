//! Weights packed for the smallest nets: the change that a step taught is made in the pass in which the next step reads the
//! weights, so that each is loaded and stored once a step. Twins of [`super::matvec::weighted_sum`] and of the plain changes
//! of weights.

use super::aligned::Aligned;
use super::lay::Lay;
use super::{Lanes, Mat, Real};
use pulp::{Simd, WithSimd};

/// A change of weights that waits for the next pass. `e` is the error, `r` the rate of the step that taught it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change<T> {
    /// None.
    Nothing,
    /// W += c D, then D += a (e r - D), as (1 - a) D + a e r.
    LowPass {
        /// dt eta.
        c: T,
        /// dt / tau_w.
        a: T,
    },
    /// D += a (e r - D); W stands still.
    Filter {
        /// dt / tau_w.
        a: T,
    },
    /// W += c e r.
    Direct {
        /// dt eta.
        c: T,
    },
    /// D += c e r, D being an update that somebody else follows.
    Gather {
        /// dt eta.
        c: T,
    },
}

/// Weights W and D (Delta, or a gathered update) of one projection, in vectors.
#[derive(Debug)]
pub struct Packed<T> {
    lay: Lay,
    w: Aligned<T>,
    d: Aligned<T>,
}

// By hand: `clone_from` must not allocate.
impl<T: Real> Clone for Packed<T> {
    fn clone(&self) -> Self {
        Packed { w: self.w.clone(), d: self.d.clone(), lay: self.lay }
    }

    fn clone_from(&mut self, source: &Self) {
        self.w.clone_from(&source.w);
        self.d.clone_from(&source.d);
        self.lay = source.lay;
    }
}

impl<T: Real> Packed<T> {
    /// Room for a projection onto `post` from `pre` cells in vectors of `lanes`, lying so that fewest vectors are needed.
    pub fn new(post: usize, pre: usize, lanes: usize) -> Self {
        let lay = Lay::new(post, pre, lanes);
        Packed { lay, w: Aligned::zeros(lay.size()), d: Aligned::zeros(lay.size()) }
    }

    /// Takes weights, and D where there is one.
    pub fn pack(&mut self, w: &Mat<T>, d: Option<&Mat<T>>) {
        self.lay.pack(w, &mut self.w);
        match d {
            Some(d) => self.lay.pack(d, &mut self.d),
            None => self.d.fill(T::ZERO),
        }
    }

    /// Gives back W.
    pub fn unpack_weights(&self, w: &mut Mat<T>) {
        self.lay.unpack(&self.w, |at, x| w.data[at] = x);
    }

    /// Gives back D.
    pub fn unpack_delta(&self, d: &mut Mat<T>) {
        self.lay.unpack(&self.d, |at, x| d.data[at] = x);
    }

    /// Makes the change that `e` and the rates `r_was` taught, then v = W r. All slices are padded to whole vectors; padded
    /// lanes of `e`, `r_was` and `r` are 0, and so W, D and `v` stay 0 there.
    #[inline(always)]
    pub fn pass<S: Simd>(&mut self, simd: S, change: Change<T>, e: &[T], r_was: &[T], r: &[T], v: &mut [T]) {
        let (zero, one) = (T::ZERO, T::ONE);
        match change {
            Change::Nothing => self.read(simd, r, v),
            Change::LowPass { c, a } => self.change::<S, LOW_PASS>(simd, (c, one - a, a), (e, r_was), r, v),
            Change::Filter { a } => self.change::<S, FILTER>(simd, (zero, one - a, a), (e, r_was), r, v),
            Change::Direct { c } => self.change::<S, DIRECT>(simd, (zero, zero, c), (e, r_was), r, v),
            Change::Gather { c } => self.change::<S, GATHER>(simd, (zero, zero, c), (e, r_was), r, v),
        }
    }
}

// Without `Real`, whose operators have the names of those of `Lanes`.
impl<T: Lanes + Default> Packed<T> {
    /// v = W r.
    #[inline(always)]
    fn read<S: Simd>(&self, simd: S, r: &[T], v: &mut [T]) {
        let (w, _) = T::split::<S>(&self.w);
        let zero = T::splat(simd, T::default());
        if self.lay.along_post {
            let (v, _) = T::split_mut::<S>(v);
            let r = &r[..self.lay.pre];
            for (v, w) in v.iter_mut().zip(w.chunks_exact(self.lay.pre)) {
                // Four sums, so that one multiplication need not wait for the last.
                let mut sums = [zero; 4];
                let ((fours, rest), (r_fours, r_rest)) = (w.as_chunks::<4>(), r.as_chunks::<4>());
                for (w, r) in fours.iter().zip(r_fours) {
                    for n in 0..4 {
                        sums[n] = T::mul_add(simd, w[n], T::splat(simd, r[n]), sums[n]);
                    }
                }
                for (&w, &r) in rest.iter().zip(r_rest) {
                    sums[0] = T::mul_add(simd, w, T::splat(simd, r), sums[0]);
                }
                *v = T::add(simd, T::add(simd, sums[0], sums[1]), T::add(simd, sums[2], sums[3]));
            }
        } else {
            let (r, _) = T::split::<S>(r);
            let r = &r[..self.lay.pre.div_ceil(self.lay.lanes)];
            for (v, w) in v.iter_mut().zip(w.chunks_exact(r.len())) {
                let mut sum = zero;
                for (&w, &r) in w.iter().zip(r) {
                    sum = T::mul_add(simd, w, r, sum);
                }
                *v = T::sum(simd, sum);
            }
        }
    }

    #[inline(always)]
    fn change<S: Simd, const KIND: u8>(
        &mut self,
        simd: S,
        (c, keep, scale): (T, T, T),
        (e, r_was): (&[T], &[T]),
        r: &[T],
        v: &mut [T],
    ) {
        let (c, keep, scale) = (T::splat(simd, c), T::splat(simd, keep), T::splat(simd, scale));
        let (w, _) = T::split_mut::<S>(&mut self.w);
        let (d, _) = T::split_mut::<S>(&mut self.d);
        let zero = T::splat(simd, T::default());
        if self.lay.along_post {
            let (v, _) = T::split_mut::<S>(v);
            let (e, _) = T::split::<S>(e);
            let (r_was, r) = (&r_was[..self.lay.pre], &r[..self.lay.pre]);
            let columns = w.chunks_exact_mut(self.lay.pre).zip(d.chunks_exact_mut(self.lay.pre));
            for ((v, &e), (w, d)) in v.iter_mut().zip(e).zip(columns) {
                let e = T::mul(simd, scale, e);
                let mut sum = zero;
                for (((w, d), &r_was), &r) in w.iter_mut().zip(d).zip(r_was).zip(r) {
                    change::<T, S, KIND>(simd, (c, keep), w, d, e, T::splat(simd, r_was));
                    sum = T::mul_add(simd, *w, T::splat(simd, r), sum);
                }
                *v = sum;
            }
        } else {
            let (r_was, _) = T::split::<S>(r_was);
            let (r, _) = T::split::<S>(r);
            let per_row = self.lay.pre.div_ceil(self.lay.lanes);
            let (r_was, r) = (&r_was[..per_row], &r[..per_row]);
            let rows = w.chunks_exact_mut(per_row).zip(d.chunks_exact_mut(per_row));
            for ((v, &e), (w, d)) in v.iter_mut().zip(e).zip(rows) {
                let e = T::splat(simd, e);
                let e = T::mul(simd, scale, e);
                let mut sum = zero;
                for (((w, d), &r_was), &r) in w.iter_mut().zip(d).zip(r_was).zip(r) {
                    change::<T, S, KIND>(simd, (c, keep), w, d, e, r_was);
                    sum = T::mul_add(simd, *w, r, sum);
                }
                *v = T::sum(simd, sum);
            }
        }
    }
}

const LOW_PASS: u8 = 0;
const FILTER: u8 = 1;
const DIRECT: u8 = 2;
const GATHER: u8 = 3;

/// The change of one vector of weights. `e` comes with dt / tau_w in it, or with dt eta where there is no low-pass.
#[inline(always)]
fn change<T: Lanes, S: Simd, const KIND: u8>(
    simd: S,
    (c, keep): (T::Vector<S>, T::Vector<S>),
    w: &mut T::Vector<S>,
    d: &mut T::Vector<S>,
    e: T::Vector<S>,
    r: T::Vector<S>,
) {
    match KIND {
        DIRECT => *w = T::mul_add(simd, e, r, *w),
        GATHER => *d = T::mul_add(simd, e, r, *d),
        _ => {
            if KIND == LOW_PASS {
                *w = T::mul_add(simd, c, *d, *w);
            }
            *d = T::mul_add(simd, e, r, T::mul(simd, keep, *d));
        }
    }
}

/// [`Packed::pass`] outside of a step: the change alone.
pub struct Settle<'a, T> {
    /// The weights.
    pub packed: &'a mut Packed<T>,
    /// What waits.
    pub change: Change<T>,
    /// Errors of the step that taught it.
    pub e: &'a [T],
    /// Its presynaptic rates.
    pub r_was: &'a [T],
    /// Room for the potentials of the postsynaptic cells.
    pub v: &'a mut [T],
}

impl<T: Real> WithSimd for Settle<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        self.packed.pass(simd, self.change, self.e, self.r_was, self.r_was, self.v);
    }
}

/// v += c e.
#[inline(always)]
pub fn add<T: Lanes, S: Simd>(simd: S, c: T, e: &[T], v: &mut [T]) {
    let c = T::splat(simd, c);
    let (e, v) = (T::split::<S>(e).0, T::split_mut::<S>(v).0);
    for (v, &e) in v.iter_mut().zip(e) {
        *v = T::mul_add(simd, c, e, *v);
    }
}

/// v = a x + b y.
#[inline(always)]
pub fn sum<T: Lanes, S: Simd>(simd: S, [a, b]: [T; 2], [x, y]: [&[T]; 2], v: &mut [T]) {
    let (a, b) = (T::splat(simd, a), T::splat(simd, b));
    let (x, y, v) = (T::split::<S>(x).0, T::split::<S>(y).0, T::split_mut::<S>(v).0);
    for ((v, &x), &y) in v.iter_mut().zip(x).zip(y) {
        *v = T::mul_add(simd, a, x, T::mul(simd, b, y));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::Isa;

    struct Pass<'a> {
        packed: &'a mut Packed<f64>,
        change: Change<f64>,
        e: &'a [f64],
        r_was: &'a [f64],
        r: &'a [f64],
        v: &'a mut [f64],
    }

    impl WithSimd for Pass<'_> {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            self.packed.pass(simd, self.change, self.e, self.r_was, self.r, self.v);
        }
    }

    fn row(cells: usize, seed: f64) -> Vec<f64> {
        (0..cells.next_multiple_of(16)).map(|i| if i < cells { (seed + i as f64).sin() } else { 0.0 }).collect()
    }

    #[test]
    fn a_pass_is_the_change_and_then_the_product() {
        let changes = [
            Change::Nothing,
            Change::LowPass { c: 0.3, a: 0.1 },
            Change::Filter { a: 0.1 },
            Change::Direct { c: 0.3 },
            Change::Gather { c: 0.3 },
        ];
        for isa in Isa::all() {
            for (post, pre) in [(1, 1), (1, 40), (40, 1), (10, 20), (3, 120), (120, 3), (7, 5), (17, 33), (16, 16)] {
                let mut w = Mat::from_fn(post, pre, |i, j| ((i * 7 + j * 3) as f64).sin());
                let mut d = Mat::from_fn(post, pre, |i, j| ((i * 5 + j * 11) as f64).cos());
                let (e, r_was, r) = (row(post, 0.1), row(pre, 0.2), row(pre, 0.3));
                let mut packed = Packed::new(post, pre, isa.lanes::<f64>());
                packed.pack(&w, Some(&d));
                for change in changes {
                    let mut v = row(post, 9.0);
                    isa.run(Pass { packed: &mut packed, change, e: &e, r_was: &r_was, r: &r, v: &mut v });
                    for i in 0..post {
                        let mut sum = 0.0;
                        for j in 0..pre {
                            let (w, d) = (&mut w.data[i * pre + j], &mut d.data[i * pre + j]);
                            let rule = e[i] * r_was[j];
                            match change {
                                Change::Nothing => {}
                                Change::LowPass { c, a } => {
                                    *w += c * *d;
                                    *d += a * (rule - *d);
                                }
                                Change::Filter { a } => *d += a * (rule - *d),
                                Change::Direct { c } => *w += c * rule,
                                Change::Gather { c } => *d += c * rule,
                            }
                            sum += *w * r[j];
                        }
                        // Sums of up to 120 terms of about 1.
                        assert!((v[i] - sum).abs() < 1e-13, "{} {post}x{pre} {change:?}", isa.name());
                    }
                }
                let (mut w_out, mut d_out) = (w.clone(), d.clone());
                packed.unpack_weights(&mut w_out);
                packed.unpack_delta(&mut d_out);
                let pairs = w.data.iter().zip(&w_out.data).chain(d.data.iter().zip(&d_out.data));
                assert!(pairs.into_iter().all(|(a, b)| (a - b).abs() < 1e-14), "{} {post}x{pre}", isa.name());
            }
        }
    }
}
