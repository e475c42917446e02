//! The low-pass of a weight change, in one pass over W and Delta. Lanes lie along the presynaptic side.

use super::back::{load, store};
use super::{SHARED, Shared, even};
use crate::kernels::{Isa, Lanes, Mat, Real, par};
use pulp::{Simd, WithSimd};

/// Rows that one thread takes at once.
const BLOCK: usize = 24;

/// Twin of [`crate::kernels::matvec::fold`]: W += c Delta + E_w^T R with the old Delta, then Delta = keep Delta + E_d^T R.
pub fn fold<T: Real>(
    isa: Isa,
    w: &mut Mat<T>,
    delta: &mut Mat<T>,
    c: T,
    e_w: Option<&[T]>,
    keep: T,
    e_d: &[T],
    r: &[T],
) {
    let (rows, cols) = (w.rows, w.cols);
    assert!(rows > 0 && cols > 0 && w.data.len() == rows * cols && delta.data.len() == rows * cols, "an empty matrix");
    let samples = e_d.len() / rows;
    assert!(samples > 0 && e_d.len() == samples * rows && r.len() == samples * cols, "shapes do not fit");
    assert!(e_w.is_none_or(|e_w| e_w.len() == e_d.len()), "shapes do not fit");
    let deltas = Shared::new(&mut delta.data);
    let work = |n: usize, w: &mut [T]| {
        // SAFETY: row i of Delta belongs to whoever has row i of W.
        #[allow(unsafe_code)]
        let delta = unsafe { deltas.part(n * BLOCK * cols, w.len()) };
        isa.run(Fold { w, delta, c, e_w, keep, e_d, r, rows, cols, samples, first: n * BLOCK });
    };
    if samples * rows * cols >= SHARED {
        par::pieces(&mut w.data, BLOCK * cols, work);
    } else {
        w.data.chunks_mut(BLOCK * cols).enumerate().for_each(|(n, w)| work(n, w));
    }
}

struct Fold<'a, T> {
    w: &'a mut [T],
    delta: &'a mut [T],
    c: T,
    e_w: Option<&'a [T]>,
    keep: T,
    e_d: &'a [T],
    r: &'a [T],
    /// Rows of the whole matrices, of which those from `first` on are here.
    rows: usize,
    cols: usize,
    samples: usize,
    first: usize,
}

impl<T: Real> WithSimd for Fold<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let lanes = T::count::<S>();
        let (cols, rows) = (self.cols, self.w.len() / self.cols);
        let most = if S::REGISTER_COUNT >= 32 { 3 } else { 1 };
        let step = even(rows, most);
        let mut i = 0;
        while i < rows {
            let m = step.min(rows - i);
            let mut j = 0;
            while j < cols {
                let left = cols - j;
                if left >= 4 * lanes {
                    match m {
                        3 => self.tile::<S, 4, 3>(simd, i, j, lanes),
                        2 => self.tile::<S, 4, 2>(simd, i, j, lanes),
                        _ => self.tile::<S, 4, 1>(simd, i, j, lanes),
                    }
                    j += 4 * lanes;
                } else {
                    let lanes = lanes.min(left);
                    match m {
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
}

impl<T: Real> Fold<'_, T> {
    /// Rows i to i + M, columns j to j + V vectors, of which the last has `lanes` columns.
    #[inline(always)]
    fn tile<S: Simd, const V: usize, const M: usize>(&mut self, simd: S, i: usize, j: usize, lanes: usize) {
        let cols = self.cols;
        let width = (V - 1) * T::count::<S>() + lanes;
        let zero = T::splat(simd, T::ZERO);
        let (mut sums_w, mut sums_d) = ([[zero; V]; M], [[zero; V]; M]);
        for b in 0..self.samples {
            let r = load::<T, S, V>(simd, &self.r[b * cols + j..][..width], lanes);
            let from = b * self.rows + self.first + i;
            let e_d = &self.e_d[from..][..M];
            for m in 0..M {
                let e = T::splat(simd, e_d[m]);
                for v in 0..V {
                    sums_d[m][v] = T::mul_add(simd, e, r[v], sums_d[m][v]);
                }
            }
            if let Some(e_w) = self.e_w {
                let e_w = &e_w[from..][..M];
                for m in 0..M {
                    let e = T::splat(simd, e_w[m]);
                    for v in 0..V {
                        sums_w[m][v] = T::mul_add(simd, e, r[v], sums_w[m][v]);
                    }
                }
            }
        }
        let (c, keep) = (T::splat(simd, self.c), T::splat(simd, self.keep));
        for m in 0..M {
            let here = (i + m) * cols + j;
            let (w, delta) = (&mut self.w[here..][..width], &mut self.delta[here..][..width]);
            let (mut new_w, mut new_d) = (load::<T, S, V>(simd, w, lanes), load::<T, S, V>(simd, delta, lanes));
            for v in 0..V {
                new_w[v] = <T as Lanes>::add(simd, T::mul_add(simd, c, new_d[v], new_w[v]), sums_w[m][v]);
                new_d[v] = T::mul_add(simd, keep, new_d[v], sums_d[m][v]);
            }
            store::<T, S, V>(simd, w, new_w, lanes);
            store::<T, S, V>(simd, delta, new_d, lanes);
        }
    }
}
