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
    /// `rows` rows of `cols` values without gaps.
    pub fn packed(data: &'a [T], rows: usize, cols: usize) -> Self {
        Rows { data, rows, cols, stride: cols }
    }

    /// Row `i`.
    #[inline(always)]
    pub fn row(&self, i: usize) -> &'a [T] {
        &self.data[i * self.stride..i * self.stride + self.cols]
    }

    /// Panics unless this is a matrix of this shape with at least one entry, and all of it lies within the slice.
    #[inline]
    pub(super) fn check(&self, rows: usize, cols: usize) {
        assert!(rows > 0 && cols > 0, "an empty matrix");
        assert!(self.rows == rows && self.cols == cols, "shapes do not fit");
        assert!(
            self.stride >= cols && (rows - 1) * self.stride + cols <= self.data.len(),
            "rows outside of their slice"
        );
    }
}

impl<'a, T: Real> From<&'a Mat<T>> for Rows<'a, T> {
    fn from(m: &'a Mat<T>) -> Self {
        Rows::packed(&m.data, m.rows, m.cols)
    }
}

/// [`Rows`], to change; what lies in the gaps stays as it is.
#[derive(Debug)]
pub struct RowsMut<'a, T> {
    /// The values, from the first of the first row to the last of the last.
    pub data: &'a mut [T],
    /// Number of rows.
    pub rows: usize,
    /// Number of columns.
    pub cols: usize,
    /// From one row to the next; at least `cols`.
    pub stride: usize,
}

impl<'a, T: Real> RowsMut<'a, T> {
    /// `rows` rows of `cols` values without gaps.
    pub fn packed(data: &'a mut [T], rows: usize, cols: usize) -> Self {
        RowsMut { data, rows, cols, stride: cols }
    }

    /// The same, to read.
    pub fn view(&self) -> Rows<'_, T> {
        Rows { data: self.data, rows: self.rows, cols: self.cols, stride: self.stride }
    }

    /// Row `i`.
    #[inline(always)]
    pub fn row(&mut self, i: usize) -> &mut [T] {
        &mut self.data[i * self.stride..i * self.stride + self.cols]
    }
}

impl<'a, T: Real> From<&'a mut Mat<T>> for RowsMut<'a, T> {
    fn from(m: &'a mut Mat<T>) -> Self {
        RowsMut::packed(&mut m.data, m.rows, m.cols)
    }
}
