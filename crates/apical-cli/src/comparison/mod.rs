//! A comparison from its config to its results: the runs side by side, and what is told of them.

pub mod page;
pub mod pictures;
pub mod work;
