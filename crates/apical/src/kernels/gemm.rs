//! Matrix products by the strides of their factors, on the calling thread: for those who keep matrices in parts.

use super::fast::{By, back, outer, sums};
use super::{Isa, Real, Rows, RowsMut};

/// Where a matrix lies: its values and the distances between rows and between columns, one of which is 1.
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
    let by = By { isa: Isa::best(), pool: false };
    let dst = RowsMut::packed(dst, m, n);
    let of = |data, rows, cols, stride| Rows { data, rows, cols, stride };
    match (lhs.col, rhs.col) {
        (1, 1) => back::back_sum(by, of(rhs.data, k, n, rhs.row), of(lhs.data, m, k, lhs.row), scale, keep, dst),
        (1, stride) => {
            assert_eq!(rhs.row, 1, "neither rows nor columns are contiguous");
            sums::weighted_sum(by, of(rhs.data, n, k, stride), of(lhs.data, m, k, lhs.row), scale, keep, dst);
        }
        (stride, 1) => {
            assert_eq!(lhs.row, 1, "neither rows nor columns are contiguous");
            outer::outer(by, of(lhs.data, k, m, stride), of(rhs.data, k, n, rhs.row), scale, keep, dst);
        }
        _ => unreachable!("one of the factors is row-major wherever products are taken"),
    }
}
