//! The low-pass of a weight change, in one pass over W and Delta. Lanes lie along the presynaptic side.

use super::back::{load, store};
use super::{ask, counted, even};
use crate::kernels::{Isa, Real, Rows, RowsMut};
use pulp::{Simd, WithSimd};

/// Twin of [`crate::kernels::matvec::fold`], by the calling thread, for some rows of a matrix: W += c Delta with the old Delta,
/// then Delta = keep Delta + E^T R; `w` and `delta` are all rows that `e` has errors for.
pub fn fold_part<T: Real>(
    isa: Isa,
    (w, delta): (RowsMut<'_, T>, RowsMut<'_, T>),
    (c, keep): (T, T),
    e: Rows<'_, T>,
    r: Rows<'_, T>,
) {
    let (rows, cols) = (w.rows, w.cols);
    w.view().check(rows, cols);
    delta.view().check(rows, cols);
    e.check(r.rows, rows);
    r.check(e.rows, cols);
    isa.run(Fold { w, delta, c, keep, e, r });
}

struct Fold<'a, T> {
    w: RowsMut<'a, T>,
    delta: RowsMut<'a, T>,
    c: T,
    keep: T,
    e: Rows<'a, T>,
    r: Rows<'a, T>,
}

impl<T: Real> WithSimd for Fold<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        // As many sums as there are registers for, with one for each vector of rates and one for an error.
        if S::REGISTER_COUNT >= 32 { self.tiles::<S, 4>(simd) } else { self.tiles::<S, 2>(simd) }
    }
}

impl<T: Real> Fold<'_, T> {
    /// All tiles of up to six rows and `V` vectors, and what is left. The rates of a tile stay near while the rows pass.
    #[inline(always)]
    fn tiles<S: Simd, const V: usize>(&mut self, simd: S) {
        let lanes = T::count::<S>();
        let (cols, rows) = (self.w.cols, self.w.rows);
        let step = even(rows, 6);
        let mut j = 0;
        while j < cols {
            let left = cols - j;
            let whole = left >= V * lanes;
            for i in (0..rows).step_by(step) {
                let m = step.min(rows - i);
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
    fn tile<S: Simd, const V: usize, const M: usize>(&mut self, simd: S, i: usize, j: usize, lanes: usize) {
        let width = (V - 1) * T::count::<S>() + lanes;
        for m in i..i + M {
            ask(&self.w.row(m)[j..][..width]);
            ask(&self.delta.row(m)[j..][..width]);
        }
        let mut sums = [[T::splat(simd, T::ZERO); V]; M];
        for b in 0..self.r.rows {
            let r = load::<T, S, V>(simd, &self.r.data[b * self.r.stride + j..][..width], lanes);
            let errors = &self.e.data[b * self.e.stride + i..][..M];
            for m in 0..M {
                let e = T::splat(simd, errors[m]);
                for v in 0..V {
                    sums[m][v] = T::mul_add(simd, e, r[v], sums[m][v]);
                }
            }
        }
        let (c, keep) = (T::splat(simd, self.c), T::splat(simd, self.keep));
        for m in 0..M {
            let w = &mut self.w.row(i + m)[j..][..width];
            let delta = &mut self.delta.row(i + m)[j..][..width];
            let (mut new_w, mut new_d) = (load::<T, S, V>(simd, w, lanes), load::<T, S, V>(simd, delta, lanes));
            for v in 0..V {
                new_w[v] = T::mul_add(simd, c, new_d[v], new_w[v]);
                new_d[v] = T::mul_add(simd, keep, new_d[v], sums[m][v]);
            }
            store::<T, S, V>(simd, w, new_w, lanes);
            store::<T, S, V>(simd, delta, new_d, lanes);
        }
    }
}
