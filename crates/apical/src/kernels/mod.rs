//! Numbers: what the equations are computed with. Knows nothing of neurons.

pub mod activation;
mod elementary;
pub mod gemm;
pub mod isa;
pub mod lanes;
pub mod mat;
pub mod matvec;
mod normal;
pub mod padded;
pub mod par;
pub mod real;
pub mod rng;
pub mod rows;

pub use activation::Activation;
pub use isa::Isa;
pub use lanes::Lanes;
pub use mat::Mat;
pub use padded::Padded;
pub use real::Real;

/// How products are computed: a plan, fixed by the config, never by a timing or the number of threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    /// Plain loops: the reference.
    Plain,
    /// Matrix products over the batch.
    Gemm,
}

impl Product {
    /// The plan for a batch of this size.
    pub fn for_batch(samples: usize) -> Self {
        if samples > 1 { Product::Gemm } else { Product::Plain }
    }

    /// The name that run.json and checkpoints carry.
    pub fn name(self) -> &'static str {
        match self {
            Product::Plain => "plain",
            Product::Gemm => "gemm",
        }
    }

    /// v = W r for each sample: `r` is samples x cols, `v` is samples x rows.
    #[inline]
    pub fn weighted_sum<T: Real>(self, w: &Mat<T>, r: &[T], v: &mut [T]) {
        match self {
            Product::Plain => matvec::weighted_sum(w, r, v),
            Product::Gemm => gemm::weighted_sum(w, r, v),
        }
    }

    /// z = W^T e for each sample: `e` is samples x rows, `z` is samples x cols.
    #[inline]
    pub fn back_sum<T: Real>(self, w: &Mat<T>, e: &[T], z: &mut [T]) {
        match self {
            Product::Plain => matvec::back_sum(w, e, z),
            Product::Gemm => gemm::back_sum(w, e, z),
        }
    }

    /// G += scale / B * sum over the samples of e r^T: `e` is samples x rows, `r` is samples x cols of G.
    pub fn add_mean_outer<T: Real>(self, e: &[T], r: &[T], scale: T, g: &mut Mat<T>) {
        match self {
            Product::Plain => {
                let mut row = vec![T::ZERO; g.cols];
                for i in 0..g.rows {
                    matvec::mean_outer_row(e, g.rows, i, r, &mut row);
                    let g = &mut g.data[i * g.cols..(i + 1) * g.cols];
                    g.iter_mut().zip(&row).for_each(|(g, &x)| *g += scale * x);
                }
            }
            Product::Gemm => gemm::add_mean_outer(e, r, scale, g),
        }
    }
}
