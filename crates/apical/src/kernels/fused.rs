//! Weights packed for the smallest nets: the change that a step taught is made in the pass in which the next step reads the
//! weights, so that each is loaded and stored once a step. Twins of [`super::matvec::weighted_sum`] and of the plain changes
//! of weights.

use super::aligned::Aligned;
use super::{Lanes, Mat, Real};
use pulp::{Simd, WithSimd};

/// A change of weights that waits for the next pass. `e` is the error, `r` the rate of the step that taught it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change<T> {
    /// None.
    Nothing,
    /// W += c D, then D += a (e r - D).
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
    /// Lanes run along the postsynaptic cells (or else along the presynaptic ones).
    along_post: bool,
    post: usize,
    pre: usize,
    lanes: usize,
    w: Aligned<T>,
    d: Aligned<T>,
}

// By hand: `clone_from` must not allocate.
impl<T: Real> Clone for Packed<T> {
    fn clone(&self) -> Self {
        Packed { w: self.w.clone(), d: self.d.clone(), ..*self }
    }

    fn clone_from(&mut self, source: &Self) {
        self.w.clone_from(&source.w);
        self.d.clone_from(&source.d);
        (self.along_post, self.post, self.pre, self.lanes) = (source.along_post, source.post, source.pre, source.lanes);
    }
}

impl<T: Real> Packed<T> {
    /// Room for a projection onto `post` from `pre` cells in vectors of `lanes`, lying so that fewest vectors are needed.
    pub fn new(post: usize, pre: usize, lanes: usize) -> Self {
        let (columns, rows) = (pre * post.div_ceil(lanes), post * pre.div_ceil(lanes));
        // A row ends in a sum over the lanes, which costs about two vectors.
        let along_post = columns <= rows + 2 * post;
        let size = lanes * if along_post { columns } else { rows };
        Packed { along_post, post, pre, lanes, w: Aligned::zeros(size), d: Aligned::zeros(size) }
    }

    /// Numbers held, W and D together.
    pub fn len(&self) -> usize {
        self.w.len() + self.d.len()
    }

    fn place(&self, i: usize, j: usize) -> usize {
        if self.along_post {
            (i / self.lanes * self.pre + j) * self.lanes + i % self.lanes
        } else {
            i * self.pre.next_multiple_of(self.lanes) + j
        }
    }

    /// Takes weights, and D where there is one.
    pub fn pack(&mut self, w: &Mat<T>, d: Option<&Mat<T>>) {
        for i in 0..self.post {
            for j in 0..self.pre {
                let place = self.place(i, j);
                self.w[place] = w.at(i, j);
                self.d[place] = d.map_or(T::ZERO, |d| d.at(i, j));
            }
        }
    }

    /// Gives back W.
    pub fn unpack_weights(&self, w: &mut Mat<T>) {
        for i in 0..self.post {
            for j in 0..self.pre {
                w.data[i * self.pre + j] = self.w[self.place(i, j)];
            }
        }
    }

    /// Gives back D.
    pub fn unpack_delta(&self, d: &mut Mat<T>) {
        for i in 0..self.post {
            for j in 0..self.pre {
                d.data[i * self.pre + j] = self.d[self.place(i, j)];
            }
        }
    }

    /// Makes the change that `e` and the rates `r_was` taught, then v = W r. All slices are padded to whole vectors; padded
    /// lanes of `e`, `r_was` and `r` are 0, and so W, D and `v` stay 0 there.
    #[inline(always)]
    pub fn pass<S: Simd>(&mut self, simd: S, change: Change<T>, e: &[T], r_was: &[T], r: &[T], v: &mut [T]) {
        let (zero, one) = (T::ZERO, T::ONE);
        match change {
            Change::Nothing => self.read(simd, r, v),
            Change::LowPass { c, a } => self.change::<S, LOW_PASS>(simd, (c, a, one), (e, r_was), r, v),
            Change::Filter { a } => self.change::<S, FILTER>(simd, (zero, a, one), (e, r_was), r, v),
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
        if self.along_post {
            let (v, _) = T::split_mut::<S>(v);
            let r = &r[..self.pre];
            for (v, w) in v.iter_mut().zip(w.chunks_exact(self.pre)) {
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
            let r = &r[..self.pre.div_ceil(self.lanes)];
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
        (c, a, scale): (T, T, T),
        (e, r_was): (&[T], &[T]),
        r: &[T],
        v: &mut [T],
    ) {
        let (c, a, scale) = (T::splat(simd, c), T::splat(simd, a), T::splat(simd, scale));
        let (w, _) = T::split_mut::<S>(&mut self.w);
        let (d, _) = T::split_mut::<S>(&mut self.d);
        let zero = T::splat(simd, T::default());
        if self.along_post {
            let (v, _) = T::split_mut::<S>(v);
            let (e, _) = T::split::<S>(e);
            let (r_was, r) = (&r_was[..self.pre], &r[..self.pre]);
            let columns = w.chunks_exact_mut(self.pre).zip(d.chunks_exact_mut(self.pre));
            for ((v, &e), (w, d)) in v.iter_mut().zip(e).zip(columns) {
                let e = if KIND == DIRECT || KIND == GATHER { T::mul(simd, scale, e) } else { e };
                let mut sum = zero;
                for (((w, d), &r_was), &r) in w.iter_mut().zip(d).zip(r_was).zip(r) {
                    change::<T, S, KIND>(simd, (c, a), w, d, e, T::splat(simd, r_was));
                    sum = T::mul_add(simd, *w, T::splat(simd, r), sum);
                }
                *v = sum;
            }
        } else {
            let (r_was, _) = T::split::<S>(r_was);
            let (r, _) = T::split::<S>(r);
            let per_row = self.pre.div_ceil(self.lanes);
            let (r_was, r) = (&r_was[..per_row], &r[..per_row]);
            let rows = w.chunks_exact_mut(per_row).zip(d.chunks_exact_mut(per_row));
            for ((v, &e), (w, d)) in v.iter_mut().zip(e).zip(rows) {
                let e = T::splat(simd, e);
                let e = if KIND == DIRECT || KIND == GATHER { T::mul(simd, scale, e) } else { e };
                let mut sum = zero;
                for (((w, d), &r_was), &r) in w.iter_mut().zip(d).zip(r_was).zip(r) {
                    change::<T, S, KIND>(simd, (c, a), w, d, e, r_was);
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

/// The change of one vector of weights. `e` comes with dt eta in it where the rule acts without low-pass.
#[inline(always)]
fn change<T: Lanes, S: Simd, const KIND: u8>(
    simd: S,
    (c, a): (T::Vector<S>, T::Vector<S>),
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
            *d = T::mul_add(simd, a, T::sub(simd, T::mul(simd, e, r), *d), *d);
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
