//! What a run writes down, and how it is read again: metrics, traces, events. Independent of what is computed.

pub mod events;
mod growing;
pub mod metrics;
pub mod read;
pub mod zarr;
mod zarr_array;

pub use crate::folder::{Ending, RunInfo};
pub use events::EventWriter;
pub use metrics::{FinalMetrics, MetricsWriter, When};
pub use zarr::{TraceWriter, Variable};
