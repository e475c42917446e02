//! Products of a weight matrix with the rates of a batch, in plain loops: the reference that every faster kernel is held
//! against. Batches are sample after sample: value i of sample b stands at `b * n + i`.

use super::{Mat, Real, Rows, RowsMut};

/// Number of partial sums in a dot product. Fixed, so that the order of the sum is the same on every machine.
const LANES: usize = 8;

/// sum_j a_j b_j with eight interleaved partial sums, added in order.
#[inline]
pub fn dot<T: Real>(a: &[T], b: &[T]) -> T {
    let mut lanes = [T::ZERO; LANES];
    let (a_head, a_tail) = a.as_chunks::<LANES>();
    let (b_head, b_tail) = b.as_chunks::<LANES>();
    for (x, y) in a_head.iter().zip(b_head) {
        for l in 0..LANES {
            lanes[l] += x[l] * y[l];
        }
    }
    let mut sum = T::ZERO;
    for lane in lanes {
        sum += lane;
    }
    for (&x, &y) in a_tail.iter().zip(b_tail) {
        sum += x * y;
    }
    sum
}

/// V (samples x rows) = keep V + scale R (samples x cols) W^T: W r for each sample. With `keep` = 0 it does not matter what V
/// was.
pub fn weighted_sum<T: Real>(w: Rows<'_, T>, r: Rows<'_, T>, scale: T, keep: T, mut v: RowsMut<'_, T>) {
    w.check(v.cols, r.cols);
    r.check(v.rows, r.cols);
    for b in 0..v.rows {
        let r = r.row(b);
        for (i, v) in v.row(b).iter_mut().enumerate() {
            let sum = scale * dot(w.row(i), r);
            *v = if keep == T::ZERO { sum } else { keep * *v + sum };
        }
    }
}

/// Z (samples x cols) = keep Z + scale E (samples x rows) W: W^T e for each sample. With `keep` = 0 it does not matter what
/// Z was.
pub fn back_sum<T: Real>(w: Rows<'_, T>, e: Rows<'_, T>, scale: T, keep: T, mut z: RowsMut<'_, T>) {
    w.check(e.cols, z.cols);
    e.check(z.rows, e.cols);
    for b in 0..z.rows {
        let z = z.row(b);
        if keep == T::ZERO {
            z.fill(T::ZERO);
        } else if keep != T::ONE {
            z.iter_mut().for_each(|z| *z *= keep);
        }
        for (i, &e) in e.row(b).iter().enumerate() {
            axpy(scale * e, w.row(i), z);
        }
    }
}

/// G = keep G + scale sum_b e_b r_b^T: `e` is samples x rows, `r` is samples x cols of G. With `keep` = 0 it does not matter
/// what G was.
pub fn outer<T: Real>(e: Rows<'_, T>, r: Rows<'_, T>, scale: T, keep: T, mut g: RowsMut<'_, T>) {
    e.check(e.rows, g.rows);
    r.check(e.rows, g.cols);
    for i in 0..g.rows {
        for (j, g) in g.row(i).iter_mut().enumerate() {
            let sum = (0..e.rows).fold(T::ZERO, |sum, b| sum + e.row(b)[i] * r.row(b)[j]);
            *g = if keep == T::ZERO { scale * sum } else { keep * *g + scale * sum };
        }
    }
}

/// W += c Delta with the old Delta, then Delta = keep Delta + E^T R: `e` is samples x rows, `r` is samples x cols.
pub fn fold<T: Real>(w: &mut Mat<T>, delta: &mut Mat<T>, c: T, keep: T, e: &[T], r: &[T]) {
    axpy(c, &delta.data, &mut w.data);
    let samples = r.len() / w.cols;
    outer(Rows::packed(e, samples, w.rows), Rows::packed(r, samples, w.cols), T::ONE, keep, delta.into());
}

/// y += c x.
pub fn axpy<T: Real>(c: T, x: &[T], y: &mut [T]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y += c * x;
    }
}

/// y = keep y + the sum of c x over the terms, in their order. With `keep` = 0 it does not matter what y was.
pub fn combine<T: Real>(keep: T, terms: &[(T, &[T])], y: &mut [T]) {
    if keep == T::ZERO {
        y.fill(T::ZERO);
    } else {
        y.iter_mut().for_each(|y| *y *= keep);
    }
    for &(c, x) in terms {
        axpy(c, x, y);
    }
}

/// g_j = (1 / B) sum_b e_{b,i} r_{b,j}: row i of the batch mean of the outer product of `e` (samples x rows) and `r`
/// (samples x cols = the length of `g`).
#[inline]
pub fn mean_outer_row<T: Real>(e: &[T], rows: usize, i: usize, r: &[T], g: &mut [T]) {
    let cols = g.len();
    let samples = e.len() / rows;
    let e_0 = e[i];
    for (g, &r) in g.iter_mut().zip(r) {
        *g = e_0 * r;
    }
    for b in 1..samples {
        let e_b = e[b * rows + i];
        for (g, &r) in g.iter_mut().zip(&r[b * cols..]) {
            *g += e_b * r;
        }
    }
    if samples > 1 {
        let share = T::ONE / T::from_f64(samples as f64);
        g.iter_mut().for_each(|g| *g *= share);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_follow_their_definition_for_odd_shapes() {
        for (rows, cols, samples) in [(1, 1, 1), (3, 7, 1), (5, 8, 2), (4, 17, 3), (2, 33, 11)] {
            let w = Mat::from_fn(rows, cols, |i, j| ((i * 31 + j * 17) % 13) as f64 - 6.0);
            let r: Vec<f64> = (0..samples * cols).map(|n| ((n * 7) % 11) as f64 - 5.0).collect();
            let mut v = vec![0.0; samples * rows];
            let packed = Rows::packed(&r, samples, cols);
            weighted_sum((&w).into(), packed, 1.0, 0.0, RowsMut::packed(&mut v, samples, rows));
            for b in 0..samples {
                for i in 0..rows {
                    // Small integers: exact in f64 whatever the order.
                    let expected: f64 = (0..cols).map(|j| w.at(i, j) * r[b * cols + j]).sum();
                    assert_eq!(v[b * rows + i], expected);
                }
            }
            let mut z = vec![0.0; samples * cols];
            let packed = Rows::packed(&v, samples, rows);
            back_sum((&w).into(), packed, 1.0, 0.0, RowsMut::packed(&mut z, samples, cols));
            for b in 0..samples {
                for j in 0..cols {
                    let expected: f64 = (0..rows).map(|i| w.at(i, j) * v[b * rows + i]).sum();
                    assert_eq!(z[b * cols + j], expected);
                }
            }
            let mut g = vec![0.0; cols];
            mean_outer_row(&v, rows, rows - 1, &r, &mut g);
            for j in 0..cols {
                let sum: f64 = (0..samples).map(|b| v[b * rows + rows - 1] * r[b * cols + j]).sum();
                assert!((g[j] - sum / samples as f64).abs() <= 1e-12 * (1.0 + sum.abs()));
            }
        }
    }
}
