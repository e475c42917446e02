//! y += c x over whole matrices.

use super::{By, Shared};
use crate::kernels::Real;
use pulp::{Simd, WithSimd};

/// Twin of [`crate::kernels::matvec::axpy`]: y += c x.
pub fn axpy<T: Real>(by: By, c: T, x: &[T], y: &mut [T]) {
    assert_eq!(x.len(), y.len(), "shapes do not fit");
    let (length, y) = (y.len(), Shared::new(y));
    by.jobs(length, 1, UNIT, |from, end| {
        // SAFETY: no other thread has these values.
        #[allow(unsafe_code)]
        let y = unsafe { y.part(from, end - from) };
        by.isa.run(Axpy { c, x: &x[from..end], y });
    });
}

/// Values of a job are a multiple of these: whole vectors of any instruction set.
const UNIT: usize = 64;

struct Axpy<'a, T> {
    c: T,
    x: &'a [T],
    y: &'a mut [T],
}

impl<T: Real> WithSimd for Axpy<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let c = T::splat(simd, self.c);
        let ((x, x_rest), (y, y_rest)) = (T::split::<S>(self.x), T::split_mut::<S>(self.y));
        for (y, &x) in y.iter_mut().zip(x) {
            *y = T::mul_add(simd, c, x, *y);
        }
        if !y_rest.is_empty() {
            let sum = T::mul_add(simd, c, T::load_part(simd, x_rest), T::load_part(simd, y_rest));
            T::store_part(simd, y_rest, sum);
        }
    }
}
