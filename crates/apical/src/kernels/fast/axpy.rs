//! y += c x over whole matrices.

use crate::kernels::{Isa, Real, par};
use pulp::{Simd, WithSimd};

/// Values that one thread takes at once.
const BLOCK: usize = 1 << 16;

/// Twin of [`crate::kernels::matvec::axpy`]: y += c x.
pub fn axpy<T: Real>(isa: Isa, c: T, x: &[T], y: &mut [T]) {
    assert_eq!(x.len(), y.len(), "shapes do not fit");
    par::pieces(y, BLOCK, |n, y| isa.run(Axpy { c, x: &x[n * BLOCK..n * BLOCK + y.len()], y }));
}

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
