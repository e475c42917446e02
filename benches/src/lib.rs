//! How fast the engine is: the circuits that are measured, and what measures them. The programs of `src/bin` and the
//! benches of `benches` are made of this.

pub mod adaptive;
pub mod case;
pub mod machine;
pub mod measure;
pub mod peer;
pub mod savings;
pub mod scaling;
pub mod spread;

pub use case::{Case, Made, Work};
pub use spread::Spread;
