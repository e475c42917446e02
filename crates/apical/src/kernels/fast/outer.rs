//! What errors and rates add to a matrix. Lanes lie along the presynaptic side; the sum over the samples is taken first,
//! in registers, and then meets the matrix once.

use super::back::{load, store};
use super::{even, job};
use crate::kernels::{Isa, Lanes, Mat, Real, par};
use pulp::{Simd, WithSimd};

/// Twin of [`crate::kernels::matvec::outer`]: G = keep G + scale E^T R; `e` is samples x rows, `r` samples x cols.
pub fn outer<T: Real>(isa: Isa, e: &[T], r: &[T], scale: T, keep: T, g: &mut Mat<T>) {
    let (rows, cols) = (g.rows, g.cols);
    assert!(rows > 0 && cols > 0 && g.data.len() == rows * cols, "an empty matrix");
    let samples = e.len() / rows;
    assert!(samples > 0 && e.len() == samples * rows && r.len() == samples * cols, "shapes do not fit");
    let size = job(rows, samples * cols, 6);
    par::pieces(&mut g.data, size * cols, |n, g| {
        isa.run(Outer { e, r, scale, keep, rows, cols, samples, first: n * size, g });
    });
}

/// The same for some rows of a matrix, by one thread: `g` is `e`'s cells `first`, `first + 1` ... of `rows`.
pub fn outer_part<T: Real>(isa: Isa, e: &[T], r: &[T], (rows, first): (usize, usize), keep: T, scale: T, g: &mut [T]) {
    assert!(rows > 0 && !g.is_empty() && !e.is_empty(), "an empty matrix");
    let samples = e.len() / rows;
    let cols = r.len() / samples;
    assert!(
        e.len() == samples * rows && r.len() == samples * cols && g.len().is_multiple_of(cols),
        "shapes do not fit"
    );
    assert!(first + g.len() / cols <= rows, "rows outside");
    isa.run(Outer { e, r, scale, keep, rows, cols, samples, first, g });
}

struct Outer<'a, T> {
    e: &'a [T],
    r: &'a [T],
    scale: T,
    keep: T,
    /// Rows of the whole matrix, of which `g` has those from `first` on.
    rows: usize,
    cols: usize,
    samples: usize,
    first: usize,
    g: &'a mut [T],
}

impl<T: Real> WithSimd for Outer<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        // As many sums as there are registers for, with one for each vector of rates and one for an error.
        if S::REGISTER_COUNT >= 32 { self.tiles::<S, 4>(simd) } else { self.tiles::<S, 2>(simd) }
    }
}

impl<T: Real> Outer<'_, T> {
    /// All tiles of up to six rows and `V` vectors, and what is left.
    #[inline(always)]
    fn tiles<S: Simd, const V: usize>(&mut self, simd: S) {
        let lanes = T::count::<S>();
        let (width, cols, rows) = (V * lanes, self.cols, self.g.len() / self.cols);
        let step = even(rows, 6);
        let mut i = 0;
        while i < rows {
            let m = step.min(rows - i);
            let mut j = 0;
            while j < cols {
                let left = cols - j;
                if left >= width {
                    match m {
                        6 => self.tile::<S, V, 6>(simd, i, j, lanes),
                        5 => self.tile::<S, V, 5>(simd, i, j, lanes),
                        4 => self.tile::<S, V, 4>(simd, i, j, lanes),
                        3 => self.tile::<S, V, 3>(simd, i, j, lanes),
                        2 => self.tile::<S, V, 2>(simd, i, j, lanes),
                        _ => self.tile::<S, V, 1>(simd, i, j, lanes),
                    }
                    j += width;
                } else {
                    let lanes = lanes.min(left);
                    match m {
                        6 => self.tile::<S, 1, 6>(simd, i, j, lanes),
                        5 => self.tile::<S, 1, 5>(simd, i, j, lanes),
                        4 => self.tile::<S, 1, 4>(simd, i, j, lanes),
                        3 => self.tile::<S, 1, 3>(simd, i, j, lanes),
                        2 => self.tile::<S, 1, 2>(simd, i, j, lanes),
                        _ => self.tile::<S, 1, 1>(simd, i, j, lanes),
                    }
                    j += lanes;
                }
            }
            i += m;
        }
    }

    /// Rows i to i + M, columns j to j + V vectors, of which the last has `lanes` columns.
    #[inline(always)]
    fn tile<S: Simd, const V: usize, const M: usize>(&mut self, simd: S, i: usize, j: usize, lanes: usize) {
        let cols = self.cols;
        let width = (V - 1) * T::count::<S>() + lanes;
        let mut sums = [[T::splat(simd, T::ZERO); V]; M];
        for b in 0..self.samples {
            let r = load::<T, S, V>(simd, &self.r[b * cols + j..][..width], lanes);
            let e = &self.e[b * self.rows + self.first + i..][..M];
            for m in 0..M {
                let e = T::splat(simd, e[m]);
                for v in 0..V {
                    sums[m][v] = T::mul_add(simd, e, r[v], sums[m][v]);
                }
            }
        }
        let (scale, keep) = (T::splat(simd, self.scale), T::splat(simd, self.keep));
        for m in 0..M {
            let g = &mut self.g[(i + m) * cols + j..][..width];
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
