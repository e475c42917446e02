//! What a run writes down, and how it is read again: metrics, traces, events. Independent of what is computed.

pub mod events;
mod growing;
pub mod metrics;
pub mod read;
pub mod run;
pub mod settings;
pub mod zarr;
mod zarr_array;

pub use crate::checkpoint::Tensor;
pub use crate::error::{Error, Kind};
pub use crate::folder::runinfo::Cost;
pub use crate::folder::{CONFUSION, DECISION_MAP, Ending, FINAL_METRICS, INFERENCE, RATES, RunInfo};
pub use crate::sweep::Ranking;
pub use events::EventWriter;
pub use metrics::{FinalMetrics, MetricsWriter, When};
pub use read::{Metrics, Series, Trace};
pub use run::{AngleMatrix, Run};
pub use settings::{Groups, Settings, groups};
pub use zarr::{TraceWriter, Variable};
