//! `Product`: the one door to products of matrices with the rates of a batch.

use super::fast::{self, By};
use super::{Isa, Mat, Real, Rows, RowsMut, matvec};

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
        let samples = v.len() / w.rows;
        let (r, v) = (Rows::packed(r, samples, w.cols), RowsMut::packed(v, samples, w.rows));
        self.weighted_sums(w.into(), r, T::ONE, T::ZERO, v);
    }

    /// V = keep V + scale R W^T: W r for each row of R, in any memory. With `keep` = 0 it does not matter what V was.
    #[inline]
    pub fn weighted_sums<T: Real>(self, w: Rows<'_, T>, r: Rows<'_, T>, scale: T, keep: T, v: RowsMut<'_, T>) {
        match self {
            Product::Plain => matvec::weighted_sum(w, r, scale, keep, v),
            Product::Fast(isa) => fast::sums::weighted_sum(By { isa, pool: true }, w, r, scale, keep, v),
        }
    }

    /// z = W^T e for each sample: `e` is samples x rows, `z` is samples x cols.
    #[inline]
    pub fn back_sum<T: Real>(self, w: &Mat<T>, e: &[T], z: &mut [T]) {
        let samples = z.len() / w.cols;
        let (e, z) = (Rows::packed(e, samples, w.rows), RowsMut::packed(z, samples, w.cols));
        self.back_sums(w.into(), e, T::ONE, T::ZERO, z);
    }

    /// Z = keep Z + scale E W: W^T e for each row of E, in any memory. With `keep` = 0 it does not matter what Z was.
    #[inline]
    pub fn back_sums<T: Real>(self, w: Rows<'_, T>, e: Rows<'_, T>, scale: T, keep: T, z: RowsMut<'_, T>) {
        match self {
            Product::Plain => matvec::back_sum(w, e, scale, keep, z),
            Product::Fast(isa) => fast::back::back_sum(By { isa, pool: true }, w, e, scale, keep, z),
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
        let samples = e.len() / g.rows;
        let (e, r) = (Rows::packed(e, samples, g.rows), Rows::packed(r, samples, g.cols));
        self.outers(e, r, scale, keep, g.into());
    }

    /// G = keep G + scale E^T R, in any memory. With `keep` = 0 it does not matter what G was.
    #[inline]
    pub fn outers<T: Real>(self, e: Rows<'_, T>, r: Rows<'_, T>, scale: T, keep: T, g: RowsMut<'_, T>) {
        match self {
            Product::Plain => matvec::outer(e, r, scale, keep, g),
            Product::Fast(isa) => fast::outer::outer(By { isa, pool: true }, e, r, scale, keep, g),
        }
    }

    /// y += c x.
    #[inline]
    pub fn axpy<T: Real>(self, c: T, x: &[T], y: &mut [T]) {
        match self {
            Product::Plain => matvec::axpy(c, x, y),
            Product::Fast(isa) => fast::combine::combine(By { isa, pool: true }, T::ONE, &[(c, x)], y),
        }
    }

    /// y = keep y + the sum of c x over the terms. With `keep` = 0 it does not matter what y was.
    #[inline]
    pub fn combine<T: Real>(self, keep: T, terms: &[(T, &[T])], y: &mut [T]) {
        match self {
            Product::Plain => matvec::combine(keep, terms, y),
            Product::Fast(isa) => fast::combine::combine(By { isa, pool: true }, keep, terms, y),
        }
    }
}
