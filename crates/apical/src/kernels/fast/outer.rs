//! What errors and rates add to a matrix. Lanes lie along the presynaptic side; the sum over the samples is taken first,
//! in registers, and then meets the matrix once.

use super::back::{load, store};
use super::{By, Shared, counted, even};
use crate::kernels::{Lanes, Real, Rows, RowsMut};
use pulp::{Simd, WithSimd};

/// Twin of [`crate::kernels::matvec::outer`]: G (rows x cols) = keep G + scale E^T R; `e` is samples x rows, `r` samples x
/// cols. Where `keep` is 0, what G held does not matter.
pub fn outer<T: Real>(by: By, e: Rows<'_, T>, r: Rows<'_, T>, scale: T, keep: T, g: RowsMut<'_, T>) {
    let (samples, rows, cols) = (e.rows, g.rows, g.cols);
    g.view().check(rows, cols);
    e.check(samples, rows);
    r.check(samples, cols);
    let (out, stride) = (Shared::new(g.data), g.stride);
    by.jobs(rows, samples * cols, 6, |first, end| {
        by.isa.run(Outer { e, r, scale, keep, first, end, out: &out, stride });
    });
}

struct Outer<'a, T> {
    e: Rows<'a, T>,
    r: Rows<'a, T>,
    scale: T,
    keep: T,
    /// Rows from here to there.
    first: usize,
    end: usize,
    out: &'a Shared<T>,
    stride: usize,
}

impl<T: Real> WithSimd for Outer<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // As many sums as there are registers for, with one for each vector of rates and one for an error.
        if S::REGISTER_COUNT >= 32 { self.tiles::<S, 4>(simd) } else { self.tiles::<S, 2>(simd) }
    }
}

impl<T: Real> Outer<'_, T> {
    /// All tiles of up to six rows and `V` vectors, and what is left. The rates of a tile stay near while the rows pass.
    #[inline(always)]
    fn tiles<S: Simd, const V: usize>(&self, simd: S) {
        let lanes = T::count::<S>();
        let cols = self.r.cols;
        let step = even(self.end - self.first, 6);
        let mut j = 0;
        while j < cols {
            let left = cols - j;
            let whole = left >= V * lanes;
            for i in (self.first..self.end).step_by(step) {
                let m = step.min(self.end - i);
                if whole {
                    counted!(m, M => self.tile::<S, V, M>(simd, i, j, lanes));
                } else {
                    counted!(m, M => self.tile::<S, 1, M>(simd, i, j, lanes.min(left)));
                }
            }
            j += if whole { V * lanes } else { lanes.min(left) };
        }
    }

    /// Rows i to i + M, columns j to j + V vectors, of which the last has `lanes` columns.
    #[inline(always)]
    fn tile<S: Simd, const V: usize, const M: usize>(&self, simd: S, i: usize, j: usize, lanes: usize) {
        let width = (V - 1) * T::count::<S>() + lanes;
        let mut sums = [[T::splat(simd, T::ZERO); V]; M];
        for b in 0..self.r.rows {
            let r = load::<T, S, V>(simd, &self.r.data[b * self.r.stride + j..][..width], lanes);
            let e = &self.e.data[b * self.e.stride + i..][..M];
            for m in 0..M {
                let e = T::splat(simd, e[m]);
                for v in 0..V {
                    sums[m][v] = T::mul_add(simd, e, r[v], sums[m][v]);
                }
            }
        }
        let (scale, keep) = (T::splat(simd, self.scale), T::splat(simd, self.keep));
        for m in 0..M {
            // SAFETY: no other thread has these rows.
            #[allow(unsafe_code)]
            let g = unsafe { self.out.part((i + m) * self.stride + j, width) };
            let mut out = load::<T, S, V>(simd, g, lanes);
            for v in 0..V {
                // What was there does not matter if nothing of it is kept: not even NaN.
                let old =
                    if self.keep == T::ZERO { T::splat(simd, T::ZERO) } else { <T as Lanes>::mul(simd, keep, out[v]) };
                out[v] = T::mul_add(simd, scale, sums[m][v], old);
            }
            store::<T, S, V>(simd, g, out, lanes);
        }
    }
}
