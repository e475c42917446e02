//! Numbers: what the equations are computed with. Knows nothing of neurons.

pub mod activation;
pub mod mat;
pub mod real;
pub mod rng;

pub use activation::Activation;
pub use mat::Mat;
pub use real::Real;
