//! The same products for minibatches, as matrix products by the `gemm` crate on the calling thread. Twins of
//! [`super::matvec`]: equal up to the order of the sums. They win from a batch of two on.

#![allow(unsafe_code)]

use super::{Mat, Real};
use gemm::{Parallelism, gemm};

/// Where a matrix lies: its values and the distances between rows and between columns.
pub(crate) struct View<'a, T> {
    /// The values.
    pub data: &'a [T],
    /// Distance between rows.
    pub row: usize,
    /// Distance between columns.
    pub col: usize,
}

/// dst (m x n, row-major) = keep * dst + scale * lhs (m x k) * rhs (k x n).
pub(crate) fn product<T: Real>(
    (m, n, k): (usize, usize, usize),
    dst: &mut [T],
    keep: T,
    lhs: View<'_, T>,
    rhs: View<'_, T>,
    scale: T,
) {
    let reach = |rows: usize, cols: usize, v: &View<'_, T>| (rows - 1) * v.row + (cols - 1) * v.col;
    assert!(m > 0 && n > 0 && k > 0, "empty product");
    assert!(dst.len() >= m * n && reach(m, k, &lhs) < lhs.data.len() && reach(k, n, &rhs) < rhs.data.len());
    // SAFETY: the assertions above keep every element that the strides reach inside its slice; `dst` is borrowed
    // mutably, so it overlaps neither `lhs` nor `rhs`; T is f32 or f64 (Real is implemented for these alone).
    unsafe {
        gemm(
            m,
            n,
            k,
            dst.as_mut_ptr(),
            1,
            n as isize,
            keep != T::ZERO,
            lhs.data.as_ptr(),
            lhs.col as isize,
            lhs.row as isize,
            rhs.data.as_ptr(),
            rhs.col as isize,
            rhs.row as isize,
            keep,
            scale,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

/// Twin of [`super::matvec::weighted_sum`]: V (B x rows) = R (B x cols) W^T.
pub fn weighted_sum<T: Real>(w: &Mat<T>, r: &[T], v: &mut [T]) {
    let samples = v.len() / w.rows;
    product(
        (samples, w.rows, w.cols),
        v,
        T::ZERO,
        View { data: r, row: w.cols, col: 1 },
        View { data: &w.data, row: 1, col: w.cols },
        T::ONE,
    );
}

/// Twin of [`super::matvec::back_sum`]: Z (B x cols) = E (B x rows) W.
pub fn back_sum<T: Real>(w: &Mat<T>, e: &[T], z: &mut [T]) {
    let samples = z.len() / w.cols;
    product(
        (samples, w.cols, w.rows),
        z,
        T::ZERO,
        View { data: e, row: w.rows, col: 1 },
        View { data: &w.data, row: w.cols, col: 1 },
        T::ONE,
    );
}

/// Twin of [`super::matvec::mean_outer_row`] over all rows, scaled and added: G += scale / B * E^T R.
pub fn add_mean_outer<T: Real>(e: &[T], r: &[T], scale: T, g: &mut Mat<T>) {
    let samples = e.len() / g.rows;
    product(
        (g.rows, g.cols, samples),
        &mut g.data,
        T::ONE,
        View { data: e, row: 1, col: g.rows },
        View { data: r, row: g.cols, col: 1 },
        scale / T::from_f64(samples as f64),
    );
}

#[cfg(test)]
mod tests {
    use super::super::{Rows, matvec};
    use super::*;

    fn agree<T: Real>(tolerance: f64) {
        for (rows, cols, samples) in [(1, 1, 2), (3, 7, 2), (5, 8, 9), (17, 33, 10), (64, 31, 11), (10, 500, 100)] {
            let w = Mat::from_fn(rows, cols, |i, j| T::from_f64(((i * 31 + j * 17) % 13) as f64 / 13.0 - 0.5));
            let r: Vec<T> = (0..samples * cols).map(|n| T::from_f64(((n * 7) % 11) as f64 / 11.0)).collect();
            let (mut plain, mut fast) = (vec![T::ZERO; samples * rows], vec![T::ZERO; samples * rows]);
            matvec::weighted_sum(Rows::from(&w), &r, &mut plain);
            weighted_sum(&w, &r, &mut fast);
            // Sums of at most 500 terms of size 1/2: rounding stays below 500 units in the last place.
            assert!(plain.iter().zip(&fast).all(|(a, b)| (a.to_f64() - b.to_f64()).abs() < tolerance));
            let (mut back, mut fast_back) = (vec![T::ZERO; samples * cols], vec![T::ZERO; samples * cols]);
            matvec::add_back_sum(Rows::from(&w), &plain, T::ZERO, &mut back);
            back_sum(&w, &plain, &mut fast_back);
            // As many terms again, of the size of the sums above.
            let largest = plain.iter().fold(1.0, |m: f64, x| m.max(x.to_f64().abs()));
            let pairs = back.iter().zip(&fast_back);
            assert!(pairs.map(|(a, b)| (a.to_f64() - b.to_f64()).abs()).all(|d| d < tolerance * largest));
            let mut g = Mat::zeros(rows, cols);
            add_mean_outer(&plain, &r, T::from_f64(2.0), &mut g);
            add_mean_outer(&plain, &r, T::from_f64(-1.0), &mut g);
            let mut row = vec![T::ZERO; cols];
            for i in 0..rows {
                matvec::mean_outer_row(&plain, rows, i, &r, &mut row);
                assert!(row.iter().zip(g.row(i)).all(|(a, b)| (a.to_f64() - b.to_f64()).abs() < tolerance));
            }
        }
    }

    #[test]
    fn twins_agree_with_the_reference() {
        agree::<f64>(1e-12);
        agree::<f32>(1e-3);
    }
}
