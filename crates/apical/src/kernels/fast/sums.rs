//! Weighted sums: v = W r. Lanes lie along the presynaptic side; a tile holds one vector of partial sums for each of its
//! cells and samples.

use super::{SHARED, Shared, even};
use crate::kernels::{Isa, Lanes, Real, Rows, par};
use pulp::{Simd, WithSimd};

/// Rows that one thread takes at once.
const BLOCK: usize = 32;

/// Twin of [`crate::kernels::matvec::weighted_sum`]: V (samples x rows) = R (samples x cols) W^T.
pub fn weighted_sum<T: Real>(isa: Isa, w: Rows<'_, T>, r: &[T], v: &mut [T]) {
    w.check();
    let samples = v.len() / w.rows;
    assert!(samples > 0 && v.len() == samples * w.rows && r.len() == samples * w.cols, "shapes do not fit");
    let out = Shared::new(v);
    let work = |block: &mut usize| isa.run(Sums { w, r, samples, first: *block, rows: BLOCK, out: &out });
    blocks(w.rows, samples * w.rows * w.cols, work);
}

/// Runs `work` for the first row of each block of rows; no two blocks share a row.
fn blocks(rows: usize, cost: usize, work: impl Fn(&mut usize) + Sync + Send) {
    if cost >= SHARED && par::is_shared() {
        let mut firsts: Vec<usize> = (0..rows).step_by(BLOCK).collect();
        par::each(&mut firsts, work);
    } else {
        (0..rows).step_by(BLOCK).for_each(|mut first| work(&mut first));
    }
}

struct Sums<'a, T> {
    w: Rows<'a, T>,
    r: &'a [T],
    samples: usize,
    first: usize,
    rows: usize,
    out: &'a Shared<T>,
}

impl<T: Real> WithSimd for Sums<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let end = (self.first + self.rows).min(self.w.rows);
        // As many sums as there are registers for, with one for each row's and each sample's vector.
        let most = if S::REGISTER_COUNT >= 32 { 6 } else { 2 };
        let step = even(self.samples, most);
        let mut b = 0;
        while b < self.samples {
            let n = step.min(self.samples - b);
            let mut i = self.first;
            while i < end {
                let m = if end - i >= 4 { 4 } else { 1 };
                match (m, n) {
                    (4, 6) => self.tile::<S, 4, 6>(simd, i, b),
                    (4, 5) => self.tile::<S, 4, 5>(simd, i, b),
                    (4, 4) => self.tile::<S, 4, 4>(simd, i, b),
                    (4, 3) => self.tile::<S, 4, 3>(simd, i, b),
                    (4, 2) => self.tile::<S, 4, 2>(simd, i, b),
                    (4, _) => self.tile::<S, 4, 1>(simd, i, b),
                    (_, 6) => self.tile::<S, 1, 6>(simd, i, b),
                    (_, 5) => self.tile::<S, 1, 5>(simd, i, b),
                    (_, 4) => self.tile::<S, 1, 4>(simd, i, b),
                    (_, 3) => self.tile::<S, 1, 3>(simd, i, b),
                    (_, 2) => self.tile::<S, 1, 2>(simd, i, b),
                    (_, _) => self.tile::<S, 1, 1>(simd, i, b),
                }
                i += m;
            }
            b += n;
        }
    }
}

impl<T: Real> Sums<'_, T> {
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

/// Two of [`weighted_sum`] for one sample in one pass: v = W r, d = Delta r.
pub fn dual_sum<T: Real>(
    isa: Isa,
    w: &crate::kernels::Mat<T>,
    delta: &crate::kernels::Mat<T>,
    r: &[T],
    v: &mut [T],
    d: &mut [T],
    backwards: bool,
) {
    let (w, delta) = (Rows::from(w), Rows::from(delta));
    w.check();
    delta.check();
    assert!(w.rows == delta.rows && w.cols == delta.cols && r.len() == w.cols, "shapes do not fit");
    assert!(v.len() == w.rows && d.len() == w.rows, "shapes do not fit");
    let (v, d) = (Shared::new(v), Shared::new(d));
    let last = w.rows.div_ceil(BLOCK) - 1;
    let work = |block: &mut usize| {
        let first = if backwards { last * BLOCK - *block } else { *block };
        for (w, out) in [(w, &v), (delta, &d)] {
            isa.run(Sums { w, r, samples: 1, first, rows: BLOCK, out });
        }
    };
    blocks(w.rows, 2 * w.rows * w.cols, work);
}
