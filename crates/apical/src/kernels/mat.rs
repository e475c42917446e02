//! `Mat`: a dense row-major matrix. Synaptic matrices are (post, pre).

use super::Real;

/// A dense matrix, row after row. `rows` is the post-synaptic side, `cols` the pre-synaptic one.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Mat<T> {
    /// Number of rows (post-synaptic cells).
    pub rows: usize,
    /// Number of columns (pre-synaptic cells).
    pub cols: usize,
    /// `rows * cols` entries; entry (i, j) at `i * cols + j`.
    pub data: Vec<T>,
}

impl<T: Real> Mat<T> {
    /// A matrix of zeros.
    pub fn zeros(rows: usize, cols: usize) -> Self {
        Mat { rows, cols, data: vec![T::ZERO; rows * cols] }
    }

    /// A matrix whose entry (i, j) is `f(i, j)`, filled row after row.
    pub fn from_fn(rows: usize, cols: usize, mut f: impl FnMut(usize, usize) -> T) -> Self {
        let mut data = Vec::with_capacity(rows * cols);
        for i in 0..rows {
            for j in 0..cols {
                data.push(f(i, j));
            }
        }
        Mat { rows, cols, data }
    }

    /// Row `i`.
    pub fn row(&self, i: usize) -> &[T] {
        &self.data[i * self.cols..(i + 1) * self.cols]
    }

    /// Entry (i, j).
    pub fn at(&self, i: usize, j: usize) -> T {
        self.data[i * self.cols + j]
    }

    /// The transposed matrix.
    pub fn transposed(&self) -> Self {
        Mat::from_fn(self.cols, self.rows, |i, j| self.at(j, i))
    }

    /// Frobenius norm, summed in f64.
    pub fn norm(&self) -> f64 {
        self.data.iter().map(|x| x.to_f64() * x.to_f64()).sum::<f64>().sqrt()
    }
}
