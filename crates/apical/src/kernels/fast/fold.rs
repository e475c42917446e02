//! The low-pass of a weight change, in one pass over W and Delta. Lanes lie along the presynaptic side.

use super::back::{load, store};
use super::{By, Shared, even};
use crate::kernels::{Isa, Lanes, Mat, Real};
use pulp::{Simd, WithSimd};

/// Twin of [`crate::kernels::matvec::fold`]: W += c Delta + E_w^T R with the old Delta, then Delta = keep Delta + E_d^T R.
pub fn fold<T: Real>(by: By, w: &mut Mat<T>, delta: &mut Mat<T>, c: T, e_w: Option<&[T]>, keep: T, e_d: &[T], r: &[T]) {
    let (rows, cols, samples) = (w.rows, w.cols, r.len() / w.cols);
    assert!(rows > 0 && cols > 0 && samples > 0, "an empty matrix");
    assert!(w.data.len() == rows * cols && delta.data.len() == rows * cols, "shapes do not fit");
    assert!(e_d.len() == samples * rows && r.len() == samples * cols, "shapes do not fit");
    assert!(e_w.is_none_or(|e_w| e_w.len() == e_d.len()), "shapes do not fit");
    let (w, delta) = (Shared::new(&mut w.data), Shared::new(&mut delta.data));
    by.jobs(rows, samples * cols, 6, |first, end| {
        let (from, length) = (first * cols, (end - first) * cols);
        // SAFETY: no other thread has these rows.
        #[allow(unsafe_code)]
        let (w, delta) = unsafe { (w.part(from, length), delta.part(from, length)) };
        by.isa.run(Fold { w, delta, c, e_w, keep, e_d, r, rows, cols, samples, first });
    });
}

/// The same with errors for Delta alone, for some rows of a matrix, by one thread: `w` and `delta` are all rows that `e_d`
/// has errors for.
pub fn fold_part<T: Real>(isa: Isa, w: &mut [T], delta: &mut [T], c: T, keep: T, e_d: &[T], r: &[T], samples: usize) {
    assert!(samples > 0 && !e_d.is_empty() && !r.is_empty(), "an empty matrix");
    let (rows, cols) = (e_d.len() / samples, r.len() / samples);
    assert!(e_d.len() == samples * rows && r.len() == samples * cols, "shapes do not fit");
    assert!(w.len() == rows * cols && delta.len() == rows * cols, "shapes do not fit");
    isa.run(Fold { w, delta, c, e_w: None, keep, e_d, r, rows, cols, samples, first: 0 });
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
        // As many sums as there are registers for, with one for each vector of rates and one for an error.
        match (S::REGISTER_COUNT >= 32, self.e_w) {
            (true, Some(e_w)) => self.tiles::<S, 4, 3, true>(simd, e_w),
            (true, None) => self.tiles::<S, 4, 6, false>(simd, &[]),
            (false, Some(e_w)) => self.tiles::<S, 2, 3, true>(simd, e_w),
            (false, None) => self.tiles::<S, 2, 6, false>(simd, &[]),
        }
    }
}

impl<T: Real> Fold<'_, T> {
    /// All tiles of up to `MOST` rows and `V` vectors, and what is left; `BOTH`: with errors for W.
    #[inline(always)]
    fn tiles<S: Simd, const V: usize, const MOST: usize, const BOTH: bool>(&mut self, simd: S, e_w: &[T]) {
        let lanes = T::count::<S>();
        let (cols, rows) = (self.cols, self.w.len() / self.cols);
        let step = even(rows, MOST);
        let mut i = 0;
        while i < rows {
            let m = step.min(rows - i);
            let mut j = 0;
            while j < cols {
                let left = cols - j;
                if left >= V * lanes {
                    self.rows::<S, V, BOTH>(simd, e_w, i, m, j, lanes);
                    j += V * lanes;
                } else {
                    let lanes = lanes.min(left);
                    self.rows::<S, 1, BOTH>(simd, e_w, i, m, j, lanes);
                    j += lanes;
                }
            }
            i += m;
        }
    }

    /// The tile of `m` rows.
    #[inline(always)]
    fn rows<S: Simd, const V: usize, const BOTH: bool>(
        &mut self,
        simd: S,
        e_w: &[T],
        i: usize,
        m: usize,
        j: usize,
        lanes: usize,
    ) {
        match m {
            // With two kinds of errors there is no room for more than three rows.
            6 if !BOTH => self.tile::<S, V, 6, BOTH>(simd, e_w, i, j, lanes),
            5 if !BOTH => self.tile::<S, V, 5, BOTH>(simd, e_w, i, j, lanes),
            4 if !BOTH => self.tile::<S, V, 4, BOTH>(simd, e_w, i, j, lanes),
            3 => self.tile::<S, V, 3, BOTH>(simd, e_w, i, j, lanes),
            2 => self.tile::<S, V, 2, BOTH>(simd, e_w, i, j, lanes),
            _ => self.tile::<S, V, 1, BOTH>(simd, e_w, i, j, lanes),
        }
    }

    /// Rows i to i + M, columns j to j + V vectors, of which the last has `lanes` columns.
    #[inline(always)]
    fn tile<S: Simd, const V: usize, const M: usize, const BOTH: bool>(
        &mut self,
        simd: S,
        e_w: &[T],
        i: usize,
        j: usize,
        lanes: usize,
    ) {
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
            if BOTH {
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
                new_w[v] = T::mul_add(simd, c, new_d[v], new_w[v]);
                if BOTH {
                    new_w[v] = <T as Lanes>::add(simd, new_w[v], sums_w[m][v]);
                }
                new_d[v] = T::mul_add(simd, keep, new_d[v], sums_d[m][v]);
            }
            store::<T, S, V>(simd, w, new_w, lanes);
            store::<T, S, V>(simd, delta, new_d, lanes);
        }
    }
}
