//! Measures of answers and updates.

use crate::kernels::{Mat, Real};

/// True if an output is one: a sample without a fixed point has NaN in its place.
pub fn is_answer<T: Real>(output: &[T]) -> bool {
    output.iter().all(|u| u.is_finite())
}

/// The class of an output: its largest cell, the first one of several.
pub fn class<T: Real>(output: &[T]) -> u32 {
    let mut best = 0;
    for (i, u) in output.iter().enumerate() {
        if *u > output[best] {
            best = i;
        }
    }
    best as u32
}

/// Angle between two matrices seen as vectors, in degrees; `None` if one of them is zero.
pub fn angle<T: Real>(a: &Mat<T>, b: &Mat<T>) -> Option<f64> {
    let (mut aa, mut bb, mut ab) = (0.0, 0.0, 0.0);
    for (x, y) in a.data.iter().zip(&b.data) {
        let (x, y) = (x.to_f64(), y.to_f64());
        aa += x * x;
        bb += y * y;
        ab += x * y;
    }
    // acos loses half of the digits near 0 and 180 degrees; 2 atan2 of the difference and sum of unit vectors does not.
    let (norm_a, norm_b) = (aa.sqrt(), bb.sqrt());
    if norm_a == 0.0 || norm_b == 0.0 || !(ab.is_finite()) {
        return None;
    }
    let (mut minus, mut plus) = (0.0, 0.0);
    for (x, y) in a.data.iter().zip(&b.data) {
        let (x, y) = (x.to_f64() / norm_a, y.to_f64() / norm_b);
        minus += (x - y) * (x - y);
        plus += (x + y) * (x + y);
    }
    Some(2.0 * minus.sqrt().atan2(plus.sqrt()).to_degrees())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn angles_of_known_vectors() {
        let v = |x: [f64; 2]| Mat { rows: 1, cols: 2, data: x.to_vec() };
        // Correct to rounding, times 180 / pi.
        assert!((angle(&v([1.0, 0.0]), &v([0.0, 3.0])).unwrap() - 90.0).abs() < 1e-12);
        assert!((angle(&v([1.0, 0.0]), &v([-2.0, 0.0])).unwrap() - 180.0).abs() < 1e-12);
        assert!((angle(&v([1.0, 0.0]), &v([1.0, 1e-9])).unwrap() - 1e-9f64.to_degrees()).abs() < 1e-20);
        assert_eq!(angle(&v([0.0, 0.0]), &v([1.0, 1.0])), None);
    }

    #[test]
    fn the_class_is_the_first_largest_cell() {
        assert_eq!(class(&[0.1, 0.7, 0.7]), 1);
        assert_eq!(class(&[f64::NAN, 0.7]), 0);
    }
}
