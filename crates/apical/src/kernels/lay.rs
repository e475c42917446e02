//! `Lay`: how the weights of a small projection lie in whole vectors.

use super::{Mat, Real};

/// Weights in vectors of `lanes`, which run along one of the two sides; what is left of a last vector is filled up.
#[derive(Clone, Copy, Debug)]
pub struct Lay {
    /// Lanes run along the postsynaptic cells (or else along the presynaptic ones).
    pub along_post: bool,
    /// Postsynaptic cells.
    pub post: usize,
    /// Presynaptic cells.
    pub pre: usize,
    /// Numbers in a vector.
    pub lanes: usize,
}

impl Lay {
    /// A projection onto `post` from `pre` cells, lying so that fewest vectors are needed.
    pub fn new(post: usize, pre: usize, lanes: usize) -> Self {
        let (columns, rows) = (pre * post.div_ceil(lanes), post * pre.div_ceil(lanes));
        // A row ends in a sum over the lanes, which costs about two vectors.
        Lay { along_post: columns <= rows + 2 * post, post, pre, lanes }
    }

    /// Numbers in all vectors.
    pub fn size(&self) -> usize {
        let (filled, other) = if self.along_post { (self.post, self.pre) } else { (self.pre, self.post) };
        filled.next_multiple_of(self.lanes) * other
    }

    /// Puts a matrix (post x pre) into vectors; the filling stays as it is.
    pub fn pack<T: Real>(&self, from: &Mat<T>, to: &mut [T]) {
        let (pre, lanes) = (self.pre, self.lanes);
        if self.along_post {
            for (rows, block) in from.data.chunks(lanes * pre).zip(to.chunks_exact_mut(lanes * pre)) {
                for (lane, row) in rows.chunks_exact(pre).enumerate() {
                    block[lane..].iter_mut().step_by(lanes).zip(row).for_each(|(to, &x)| *to = x);
                }
            }
        } else {
            let stride = pre.next_multiple_of(lanes);
            for (row, to) in from.data.chunks_exact(pre).zip(to.chunks_exact_mut(stride)) {
                to[..pre].copy_from_slice(row);
            }
        }
    }

    /// Calls `put` with every number and its place in the matrix.
    pub fn unpack<T: Real>(&self, from: &[T], mut put: impl FnMut(usize, T)) {
        let (pre, lanes) = (self.pre, self.lanes);
        if self.along_post {
            for (n, block) in from.chunks_exact(lanes * pre).enumerate() {
                for i in n * lanes..self.post.min((n + 1) * lanes) {
                    let row = block[i % lanes..].iter().step_by(lanes);
                    row.enumerate().for_each(|(j, &x)| put(i * pre + j, x));
                }
            }
        } else {
            for (i, row) in from.chunks_exact(pre.next_multiple_of(lanes)).enumerate() {
                row[..pre].iter().enumerate().for_each(|(j, &x)| put(i * pre + j, x));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_comes_back_as_it_was() {
        for lanes in [2, 8, 16] {
            for (post, pre) in [(1, 1), (3, 40), (40, 3), (16, 16), (17, 33)] {
                let m = Mat::from_fn(post, pre, |i, j| (i * pre + j) as f64 + 1.0);
                let lay = Lay::new(post, pre, lanes);
                let mut packed = vec![0.0; lay.size()];
                lay.pack(&m, &mut packed);
                assert_eq!(packed.iter().filter(|&&x| x != 0.0).count(), post * pre);
                let mut back = vec![0.0; post * pre];
                lay.unpack(&packed, |at, x| back[at] = x);
                assert_eq!(back, m.data);
            }
        }
    }
}
