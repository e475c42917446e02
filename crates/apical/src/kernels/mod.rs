//! Numbers: what the equations are computed with. Knows nothing of neurons.

pub mod activation;
pub mod aligned;
mod elementary;
mod fast;
pub mod folded;
pub mod fused;
pub mod isa;
pub mod lanes;
mod lay;
pub mod mat;
pub mod matvec;
mod normal;
pub mod padded;
pub mod par;
mod product;
pub mod ranked;
pub mod real;
pub mod rng;
mod rows;
mod team;

pub use activation::Activation;
pub use aligned::Aligned;
pub use isa::Isa;
pub use lanes::Lanes;
pub use mat::Mat;
pub use padded::Padded;
pub use product::Product;
pub use real::Real;
pub use rows::{Rows, RowsMut};
