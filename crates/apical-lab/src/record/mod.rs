//! What a run writes down, and how it is read again: metrics, traces. Independent of what is computed.

pub mod metrics;
pub mod read;
pub mod zarr;
mod zarr_array;

pub use crate::folder::{Ending, RunInfo};
pub use metrics::{FinalMetrics, MetricsWriter, When};
pub use zarr::{TraceWriter, Variable};
