//! Sums of whole matrices, each with a factor.

use super::back::{load, store};
use super::{By, Shared};
use crate::kernels::{Lanes, Real};
use pulp::{Simd, WithSimd};

/// Twin of [`crate::kernels::matvec::combine`], and of [`crate::kernels::matvec::axpy`] with one term: y = keep y + the sum of c x over the terms, in their order. Where `keep` is 0,
/// what y held does not matter.
pub fn combine<T: Real>(by: By, keep: T, terms: &[(T, &[T])], y: &mut [T]) {
    assert!(terms.iter().all(|(_, x)| x.len() == y.len()), "shapes do not fit");
    let (length, y) = (y.len(), Shared::new(y));
    by.jobs(length, terms.len() + 1, UNIT, |from, end| {
        // SAFETY: no other thread has these values.
        #[allow(unsafe_code)]
        let y = unsafe { y.part(from, end - from) };
        by.isa.run(Combine { keep, terms, from, y });
    });
}

/// Values of a job are a multiple of these: whole vectors of any instruction set.
const UNIT: usize = 64;

struct Combine<'a, T> {
    keep: T,
    terms: &'a [(T, &'a [T])],
    /// Where `y` begins in the terms.
    from: usize,
    y: &'a mut [T],
}

impl<T: Real> WithSimd for Combine<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let (lanes, length) = (T::count::<S>(), self.y.len());
        let mut at = 0;
        while at + 4 * lanes <= length {
            self.tile::<S, 4>(simd, at, lanes);
            at += 4 * lanes;
        }
        while at < length {
            self.tile::<S, 1>(simd, at, lanes.min(length - at));
            at += lanes;
        }
    }
}

impl<T: Real> Combine<'_, T> {
    /// V vectors from `at` on, of which the last has `lanes` values.
    #[inline(always)]
    fn tile<S: Simd, const V: usize>(&mut self, simd: S, at: usize, lanes: usize) {
        let width = (V - 1) * T::count::<S>() + lanes;
        let y = &mut self.y[at..at + width];
        let mut sums = [T::splat(simd, T::ZERO); V];
        if self.keep != T::ZERO {
            let (keep, old) = (T::splat(simd, self.keep), load::<T, S, V>(simd, y, lanes));
            for v in 0..V {
                sums[v] = <T as Lanes>::mul(simd, keep, old[v]);
            }
        }
        for (c, x) in self.terms {
            let c = T::splat(simd, *c);
            let x = load::<T, S, V>(simd, &x[self.from + at..][..width], lanes);
            for v in 0..V {
                sums[v] = T::mul_add(simd, c, x[v], sums[v]);
            }
        }
        store::<T, S, V>(simd, y, sums, lanes);
    }
}
