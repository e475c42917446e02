//! Numbers: what the equations are computed with. Knows nothing of neurons.

pub mod activation;
pub mod gemm;
pub mod mat;
pub mod matvec;
pub mod real;
pub mod rng;

pub use activation::Activation;
pub use mat::Mat;
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
}
