//! Weighted sums: v = W r. Lanes lie along the presynaptic side; a tile holds one vector of partial sums for each of its
//! cells and samples.

use super::{By, Shared, counted, even, unrolled};
use crate::kernels::{Lanes, Real, Rows, RowsMut};
use pulp::{Simd, WithSimd};

/// Rows that stay in the cache while the samples pass.
const BLOCK: usize = 32;

/// Twin of [`crate::kernels::matvec::weighted_sum`]: V (samples x rows) = keep V + scale R (samples x cols) W^T. Where
/// `keep` is 0, what V held does not matter.
pub fn weighted_sum<T: Real>(by: By, w: Rows<'_, T>, r: Rows<'_, T>, scale: T, keep: T, v: RowsMut<'_, T>) {
    let (samples, rows, cols) = (v.rows, v.cols, r.cols);
    v.view().check(samples, rows);
    w.check(rows, cols);
    r.check(samples, cols);
    let (out, out_stride) = (Shared::new(v.data), v.stride);
    by.jobs(rows, samples * cols, BLOCK, |first, end| {
        by.isa.run(Sums { w, r, scale, keep, first, end, out: &out, out_stride });
    });
}

struct Sums<'a, T> {
    w: Rows<'a, T>,
    r: Rows<'a, T>,
    scale: T,
    keep: T,
    /// Rows of W from here to there.
    first: usize,
    end: usize,
    out: &'a Shared<T>,
    out_stride: usize,
}

impl<T: Real> WithSimd for Sums<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // As many sums as there are registers for, with one for each row's and each sample's vector.
        let step = even(self.r.rows, if S::REGISTER_COUNT >= 32 { 6 } else { 2 });
        for first in (self.first..self.end).step_by(BLOCK) {
            let end = self.end.min(first + BLOCK);
            for b in (0..self.r.rows).step_by(step) {
                counted!(step.min(self.r.rows - b), N => self.rows::<S, N>(simd, first, end, b));
            }
        }
    }
}

impl<T: Real> Sums<'_, T> {
    /// All cells from `first` to `end` of samples b to b + N.
    #[inline(always)]
    fn rows<S: Simd, const N: usize>(&self, simd: S, first: usize, end: usize, b: usize) {
        let fours = first + (end - first) / 4 * 4;
        for i in (first..fours).step_by(4) {
            self.tile::<S, 4, N>(simd, i, b);
        }
        for i in fours..end {
            self.tile::<S, 1, N>(simd, i, b);
        }
    }

    /// Cells i to i + M of samples b to b + N.
    #[inline(always)]
    fn tile<S: Simd, const M: usize, const N: usize>(&self, simd: S, i: usize, b: usize) {
        let cols = self.w.cols;
        let whole = cols / T::count::<S>();
        let (mut w, mut w_rest) = ([&[] as &[T::Vector<S>]; M], [&[] as &[T]; M]);
        let (mut r, mut r_rest) = ([&[] as &[T::Vector<S>]; N], [&[] as &[T]; N]);
        for m in 0..M {
            let (vectors, rest) = T::split::<S>(self.w.row(i + m));
            (w[m], w_rest[m]) = (&vectors[..whole], rest);
        }
        for n in 0..N {
            let (vectors, rest) = T::split::<S>(self.r.row(b + n));
            (r[n], r_rest[n]) = (&vectors[..whole], rest);
        }
        let mut sums = [[T::splat(simd, T::ZERO); N]; M];
        for k in 0..whole {
            for n in 0..N {
                for m in 0..M {
                    sums[m][n] = T::mul_add(simd, w[m][k], r[n][k], sums[m][n]);
                }
            }
        }
        if whole * T::count::<S>() < cols {
            for n in 0..N {
                let r = T::load_part(simd, r_rest[n]);
                for m in 0..M {
                    sums[m][n] = T::mul_add(simd, T::load_part(simd, w_rest[m]), r, sums[m][n]);
                }
            }
        }
        let mut found = [[T::ZERO; M]; N];
        unrolled!(AT_N < N => {
            unrolled!(AT_M < M => {
                found[AT_N][AT_M] = <T as Lanes>::sum(simd, sums[AT_M][AT_N]);
            });
        });
        for (n, found) in found.into_iter().enumerate() {
            // SAFETY: no other thread has these rows.
            #[allow(unsafe_code)]
            let v = unsafe { self.out.part((b + n) * self.out_stride + i, M) };
            for (v, found) in v.iter_mut().zip(found) {
                let sum = self.scale * found;
                *v = if self.keep == T::ZERO { sum } else { self.keep * *v + sum };
            }
        }
    }
}
