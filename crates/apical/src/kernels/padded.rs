//! `Padded`: rows that begin on cache lines and are filled up with zeros, so that kernels meet whole vectors only.

use super::{Aligned, Real, Rows, RowsMut};

/// Numbers to which the length of a row is filled up: a whole number of vectors of every instruction set.
pub const LANES: usize = 16;

/// `n` filled up to a multiple of `to`.
pub const fn filled(n: usize, to: usize) -> usize {
    n.div_ceil(to) * to
}

/// Rows of `cols` values, each `stride` apart; what lies between is 0 and stays so.
#[derive(Debug)]
pub struct Padded<T> {
    cols: usize,
    width: usize,
    stride: usize,
    data: Aligned<T>,
}

impl<T: Real> Clone for Padded<T> {
    fn clone(&self) -> Self {
        Padded { cols: self.cols, width: self.width, stride: self.stride, data: self.data.clone() }
    }
}

impl<T: Real> Default for Padded<T> {
    fn default() -> Self {
        Padded::zeros(0, 0)
    }
}

impl<T: Real> Padded<T> {
    /// Rows of zeros.
    pub fn zeros(rows: usize, cols: usize) -> Self {
        let width = filled(cols, LANES);
        // Rows whose distance is a large power of two meet in a few sets of the nearest cache and drive each other out.
        let stride = if width.is_multiple_of(8 * LANES) { width + LANES } else { width };
        Padded { cols, width, stride, data: Aligned::zeros(rows * stride) }
    }

    /// Distance between the rows.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// Values of a row with its filling: whole vectors.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The rows with their filling.
    pub fn view(&self) -> Rows<'_, T> {
        Rows { data: &self.data, rows: self.data.len() / self.stride.max(1), cols: self.width, stride: self.stride }
    }

    /// The same, to change; the filling must stay 0.
    pub fn view_mut(&mut self) -> RowsMut<'_, T> {
        let rows = self.data.len() / self.stride.max(1);
        RowsMut { data: &mut self.data, rows, cols: self.width, stride: self.stride }
    }

    /// Values of a row.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// True if there are no rows.
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// All rows with what lies between them.
    pub fn all(&self) -> &[T] {
        &self.data
    }

    /// All rows with what lies between them, to change; the filling must stay 0.
    pub fn all_mut(&mut self) -> &mut [T] {
        &mut self.data
    }

    /// The rows.
    pub fn rows(&self) -> impl Iterator<Item = &[T]> {
        let cols = self.cols;
        self.all().chunks_exact(self.stride.max(1)).map(move |row| &row[..cols])
    }

    /// The rows, to change.
    pub fn rows_mut(&mut self) -> impl Iterator<Item = &mut [T]> {
        let (cols, stride) = (self.cols, self.stride.max(1));
        self.all_mut().chunks_exact_mut(stride).map(move |row| &mut row[..cols])
    }

    /// Takes over rows that stand one behind the other; rows beyond them stay as they are.
    pub fn copy_from(&mut self, rows: &[T]) {
        let cols = self.cols;
        for (to, from) in self.rows_mut().zip(rows.chunks_exact(cols)) {
            to.copy_from_slice(from);
        }
    }

    /// All values = 0.
    pub fn clear(&mut self) {
        self.all_mut().fill(T::ZERO);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_filled_up_with_zeros() {
        for (rows, cols) in [(1, 1), (3, 16), (4, 17), (3, 128), (2, 500)] {
            let mut m = Padded::<f32>::zeros(rows, cols);
            let values: Vec<f32> = (0..rows * cols).map(|n| n as f32 + 1.0).collect();
            m.copy_from(&values);
            assert_eq!(m.rows().flatten().copied().collect::<Vec<_>>(), values);
            assert_eq!(m.all().iter().filter(|&&x| x == 0.0).count(), rows * (m.stride() - cols));
            assert_eq!(m.all().as_ptr().align_offset(64), 0);
        }
    }
}
