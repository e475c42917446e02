//! Tasks: what a circuit is shown and what it should answer. Knows no circuit and no learner.
//!
//! A [`Task`] has training samples (a fixed set or an endless stream), a validation set and a test set. Inputs are
//! rates in the units of layer 0; targets are soma potentials of the output.

pub mod samples;
pub mod spec;

pub use samples::{Coding, Samples, Storage, Stream, Targets, Task, Train};
pub use spec::{FileTargets, Scaling, Sizes, SplitSpec, TaskSpec};
