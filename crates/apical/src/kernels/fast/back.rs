//! Sums the other way: z = W^T e. Lanes lie along the presynaptic side.

use super::{By, Shared, counted, even};
use crate::kernels::{Lanes, Real, Rows, RowsMut};
use pulp::{Simd, WithSimd};

/// Columns of a job are a multiple of these: whole tiles of any instruction set.
const UNIT: usize = 64;

/// Twin of [`crate::kernels::matvec::back_sum`]: Z (samples x cols) = keep Z + scale E (samples x rows) W. Where `keep` is
/// 0, what Z held does not matter.
pub fn back_sum<T: Real>(by: By, w: Rows<'_, T>, e: Rows<'_, T>, scale: T, keep: T, z: RowsMut<'_, T>) {
    let (samples, rows, cols) = (z.rows, e.cols, z.cols);
    z.view().check(samples, cols);
    w.check(rows, cols);
    e.check(samples, rows);
    let (out, out_stride) = (Shared::new(z.data), z.stride);
    by.jobs(cols, samples * rows, UNIT, |first, end| {
        by.isa.run(Back { w, e, scale, keep, first, end, out: &out, out_stride });
    });
}

struct Back<'a, T> {
    w: Rows<'a, T>,
    e: Rows<'a, T>,
    scale: T,
    keep: T,
    /// Columns from here to there.
    first: usize,
    end: usize,
    out: &'a Shared<T>,
    out_stride: usize,
}

impl<T: Real> WithSimd for Back<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // As many sums as there are registers for, with one for each vector of W and one for an error.
        if S::REGISTER_COUNT >= 32 { self.tiles::<S, 4>(simd) } else { self.tiles::<S, 2>(simd) }
    }
}

impl<T: Real> Back<'_, T> {
    /// All tiles of `V` vectors and up to six samples, and what is left.
    #[inline(always)]
    fn tiles<S: Simd, const V: usize>(&self, simd: S) {
        let step = even(self.e.rows, 6);
        let lanes = T::count::<S>();
        let mut j = self.first;
        while j < self.end {
            let (width, left) = (V * lanes, self.end - j);
            let mut b = 0;
            while b < self.e.rows {
                let n = step.min(self.e.rows - b);
                if left >= width {
                    counted!(n, N => self.tile::<S, V, N>(simd, j, b, lanes));
                } else {
                    let lanes = lanes.min(left);
                    counted!(n, N => self.tile::<S, 1, N>(simd, j, b, lanes));
                }
                b += n;
            }
            j += if left >= width { width } else { lanes.min(left) };
        }
    }

    /// Columns j to j + V vectors of samples b to b + N; `lanes` of the last vector count.
    #[inline(always)]
    fn tile<S: Simd, const V: usize, const N: usize>(&self, simd: S, j: usize, b: usize, lanes: usize) {
        let (rows, full) = (self.w.rows, T::count::<S>());
        let width = (V - 1) * full + lanes;
        let mut e = [&[] as &[T]; N];
        for n in 0..N {
            e[n] = &self.e.row(b + n)[..rows];
        }
        let mut sums = [[T::splat(simd, T::ZERO); N]; V];
        for i in 0..rows {
            let w = load::<T, S, V>(simd, &self.w.data[i * self.w.stride + j..][..width], lanes);
            for n in 0..N {
                let e = T::splat(simd, e[n][i]);
                for v in 0..V {
                    sums[v][n] = T::mul_add(simd, w[v], e, sums[v][n]);
                }
            }
        }
        for n in 0..N {
            // SAFETY: no other thread has these columns.
            #[allow(unsafe_code)]
            let z = unsafe { self.out.part((b + n) * self.out_stride + j, width) };
            let scale = T::splat(simd, self.scale);
            let mut sum = [scale; V];
            for v in 0..V {
                sum[v] = <T as Lanes>::mul(simd, scale, sums[v][n]);
            }
            if self.keep != T::ZERO {
                let old = load::<T, S, V>(simd, z, lanes);
                let keep = T::splat(simd, self.keep);
                for v in 0..V {
                    sum[v] = T::mul_add(simd, keep, old[v], sum[v]);
                }
            }
            store::<T, S, V>(simd, z, sum, lanes);
        }
    }
}

/// V vectors of a slice whose last has `lanes` values.
#[inline(always)]
pub(super) fn load<T: Real, S: Simd, const V: usize>(simd: S, x: &[T], lanes: usize) -> [T::Vector<S>; V] {
    let full = T::count::<S>();
    let mut out = [T::splat(simd, T::ZERO); V];
    if lanes == full {
        let (whole, _) = T::split::<S>(x);
        out.copy_from_slice(&whole[..V]);
    } else {
        for v in 0..V {
            out[v] = T::load_part(simd, &x[v * full..]);
        }
    }
    out
}

/// The inverse of [`load`].
#[inline(always)]
pub(super) fn store<T: Real, S: Simd, const V: usize>(simd: S, x: &mut [T], values: [T::Vector<S>; V], lanes: usize) {
    let full = T::count::<S>();
    if lanes == full {
        let (whole, _) = T::split_mut::<S>(x);
        whole[..V].copy_from_slice(&values);
    } else {
        for v in 0..V {
            T::store_part(simd, &mut x[v * full..], values[v]);
        }
    }
}
