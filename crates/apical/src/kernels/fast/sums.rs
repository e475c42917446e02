//! Weighted sums: v = W r. Lanes lie along the presynaptic side; a tile holds one vector of partial sums for each of its
//! cells and samples.

use super::{Shared, even, job};
use crate::kernels::{Isa, Lanes, Real, Rows, par};
use pulp::{Simd, WithSimd};

/// Rows that stay in the cache while the samples pass.
const BLOCK: usize = 32;

/// Twin of [`crate::kernels::matvec::weighted_sum`]: V (samples x rows) = R (samples x cols) W^T.
pub fn weighted_sum<T: Real>(isa: Isa, w: Rows<'_, T>, r: &[T], v: &mut [T]) {
    w.check();
    let samples = v.len() / w.rows;
    assert!(samples > 0 && v.len() == samples * w.rows && r.len() == samples * w.cols, "shapes do not fit");
    let out = Shared::new(v);
    let size = job(w.rows, samples * w.cols, BLOCK);
    par::numbered(w.rows.div_ceil(size), |n| {
        let (first, end) = (n * size, w.rows.min((n + 1) * size));
        isa.run(Sums { w, r, samples, first, end, out: &out });
    });
}

/// Two of [`weighted_sum`] for one sample in one pass: v = W r, d = Delta r.
pub fn dual_sum<T: Real>(
    isa: Isa,
    w: Rows<'_, T>,
    delta: Rows<'_, T>,
    r: &[T],
    v: &mut [T],
    d: &mut [T],
    backwards: bool,
) {
    w.check();
    delta.check();
    let rows = w.rows;
    assert!(rows == delta.rows && w.cols == delta.cols && r.len() == w.cols, "shapes do not fit");
    assert!(v.len() == rows && d.len() == rows, "shapes do not fit");
    let (v, d) = (Shared::new(v), Shared::new(d));
    let size = job(rows, 2 * w.cols, BLOCK);
    par::numbered(rows.div_ceil(size), |n| {
        let (begin, end) = (n * size, rows.min((n + 1) * size));
        let blocks = (end - begin).div_ceil(BLOCK);
        for m in 0..blocks {
            let first = begin + BLOCK * if backwards { blocks - 1 - m } else { m };
            let end = end.min(first + BLOCK);
            isa.run(Sums { w, r, samples: 1, first, end, out: &v });
            isa.run(Sums { w: delta, r, samples: 1, first, end, out: &d });
        }
    });
}

struct Sums<'a, T> {
    w: Rows<'a, T>,
    r: &'a [T],
    samples: usize,
    /// Rows from here to there.
    first: usize,
    end: usize,
    out: &'a Shared<T>,
}

impl<T: Real> WithSimd for Sums<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // As many sums as there are registers for, with one for each row's and each sample's vector.
        let step = even(self.samples, if S::REGISTER_COUNT >= 32 { 6 } else { 2 });
        for first in (self.first..self.end).step_by(BLOCK) {
            let end = self.end.min(first + BLOCK);
            for b in (0..self.samples).step_by(step) {
                match step.min(self.samples - b) {
                    6 => self.rows::<S, 6>(simd, first, end, b),
                    5 => self.rows::<S, 5>(simd, first, end, b),
                    4 => self.rows::<S, 4>(simd, first, end, b),
                    3 => self.rows::<S, 3>(simd, first, end, b),
                    2 => self.rows::<S, 2>(simd, first, end, b),
                    _ => self.rows::<S, 1>(simd, first, end, b),
                }
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
            let (vectors, rest) = T::split::<S>(&self.r[(b + n) * cols..(b + n + 1) * cols]);
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
        for n in 0..N {
            // SAFETY: no other thread has these rows.
            #[allow(unsafe_code)]
            let v = unsafe { self.out.part((b + n) * self.w.rows + i, M) };
            for m in 0..M {
                v[m] = <T as Lanes>::sum(simd, sums[m][n]);
            }
        }
    }
}
