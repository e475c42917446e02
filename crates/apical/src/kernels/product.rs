//! `Product`: the one door to products of matrices with the rates of a batch.

use super::{Isa, Mat, Real, Rows, fast, matvec};

/// How products are computed: a plan, fixed by the config and the CPU, never by a timing or the number of threads.
///
/// Batches are sample after sample: value i of sample b stands at `b * n + i`. Matrices are (post, pre) and may not be empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    /// Plain loops: the reference, [`matvec`].
    Plain,
    /// The kernels of [`fast`], with these instructions. What a sample gives does not depend on the batch it is in.
    Fast(Isa),
}

impl Product {
    /// The fastest on this CPU.
    pub fn best() -> Self {
        Product::Fast(Isa::best())
    }

    /// The name that run.json and checkpoints carry: `reference`, or the instruction set.
    pub fn name(self) -> &'static str {
        match self {
            Product::Plain => "reference",
            Product::Fast(isa) => isa.name(),
        }
    }

    /// v = W r for each sample: `r` is samples x cols, `v` is samples x rows.
    #[inline]
    pub fn weighted_sum<T: Real>(self, w: &Mat<T>, r: &[T], v: &mut [T]) {
        self.sums(w.into(), r, v);
    }

    /// v = W r for each sample, for any rows.
    #[inline]
    pub fn sums<T: Real>(self, w: Rows<'_, T>, r: &[T], v: &mut [T]) {
        match self {
            Product::Plain => matvec::weighted_sum(w, r, v),
            Product::Fast(isa) => fast::sums::weighted_sum(isa, w, r, v),
        }
    }

    /// v = W r and d = Delta r for one sample, in one pass over both matrices. `backwards`: from the last row to the first,
    /// which finds in the cache what a pass forwards has left there. The order changes no bit.
    #[inline]
    pub fn dual_sum<T: Real>(self, w: &Mat<T>, delta: &Mat<T>, r: &[T], v: &mut [T], d: &mut [T], backwards: bool) {
        match self {
            Product::Plain => {
                matvec::weighted_sum(w.into(), r, v);
                matvec::weighted_sum(delta.into(), r, d);
            }
            Product::Fast(isa) => fast::sums::dual_sum(isa, w.into(), delta.into(), r, v, d, backwards),
        }
    }

    /// z = W^T e for each sample: `e` is samples x rows, `z` is samples x cols.
    #[inline]
    pub fn back_sum<T: Real>(self, w: &Mat<T>, e: &[T], z: &mut [T]) {
        self.add_back_sum(w.into(), e, T::ZERO, z);
    }

    /// z = keep z + W^T e for each sample, for any rows. With `keep` = 0 it does not matter what z was.
    #[inline]
    pub fn add_back_sum<T: Real>(self, w: Rows<'_, T>, e: &[T], keep: T, z: &mut [T]) {
        match self {
            Product::Plain => matvec::add_back_sum(w, e, keep, z),
            Product::Fast(isa) => fast::back::add_back_sum(isa, w, e, keep, z),
        }
    }

    /// G += scale / B * sum over the samples of e r^T: `e` is samples x rows, `r` is samples x cols of G.
    pub fn add_mean_outer<T: Real>(self, e: &[T], r: &[T], scale: T, g: &mut Mat<T>) {
        let samples = e.len() / g.rows;
        self.outer(e, r, scale / T::from_f64(samples as f64), T::ONE, g);
    }

    /// G = keep G + scale * sum over the samples of e r^T. With `keep` = 0 it does not matter what G was.
    #[inline]
    pub fn outer<T: Real>(self, e: &[T], r: &[T], scale: T, keep: T, g: &mut Mat<T>) {
        match self {
            Product::Plain => matvec::outer(e, r, scale, keep, g),
            Product::Fast(isa) => fast::outer::outer(isa, e, r, scale, keep, g),
        }
    }

    /// W += c Delta + E_w^T R with the old Delta, then Delta = keep Delta + E_d^T R, in one pass over both matrices: `e_w` and
    /// `e_d` are samples x rows, `r` is samples x cols. Without `e_w` W takes c Delta alone.
    #[inline]
    pub fn fold<T: Real>(
        self,
        w: &mut Mat<T>,
        delta: &mut Mat<T>,
        c: T,
        e_w: Option<&[T]>,
        keep: T,
        e_d: &[T],
        r: &[T],
    ) {
        match self {
            Product::Plain => matvec::fold(w, delta, c, e_w, keep, e_d, r),
            Product::Fast(isa) => fast::fold::fold(isa, w, delta, c, e_w, keep, e_d, r),
        }
    }

    /// y += c x.
    #[inline]
    pub fn axpy<T: Real>(self, c: T, x: &[T], y: &mut [T]) {
        match self {
            Product::Plain => matvec::axpy(c, x, y),
            Product::Fast(isa) => fast::axpy::axpy(isa, c, x, y),
        }
    }
}
