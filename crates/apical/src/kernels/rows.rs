//! `Rows`: a view of a matrix whose rows lie one after the other, with or without a gap.

use super::{Mat, Real};

/// A matrix that belongs to somebody else: entry (i, j) at `i * stride + j`.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a, T> {
    /// The values, from the first of the first row to the last of the last.
    pub data: &'a [T],
    /// Number of rows.
    pub rows: usize,
    /// Number of columns.
    pub cols: usize,
    /// From one row to the next; at least `cols`.
    pub stride: usize,
}

impl<'a, T: Real> Rows<'a, T> {
    /// `data` as rows of `cols` values without gaps, as many as it holds.
    pub fn packed(data: &'a [T], cols: usize) -> Self {
        let rows = data.len() / cols;
        Rows { data: &data[..rows * cols], rows, cols, stride: cols }
    }

    /// Row `i`.
    #[inline(always)]
    pub fn row(&self, i: usize) -> &'a [T] {
        &self.data[i * self.stride..i * self.stride + self.cols]
    }

    /// Panics unless there is at least one entry and all lie within the slice: a kernel may rely on it.
    #[inline]
    pub(super) fn check(&self) {
        assert!(self.rows > 0 && self.cols > 0, "an empty matrix");
        assert!(
            self.stride >= self.cols && (self.rows - 1) * self.stride + self.cols <= self.data.len(),
            "rows outside"
        );
    }
}

impl<'a, T: Real> From<&'a Mat<T>> for Rows<'a, T> {
    fn from(m: &'a Mat<T>) -> Self {
        Rows { data: &m.data, rows: m.rows, cols: m.cols, stride: m.cols }
    }
}
