//! What a run writes down, and how it is read again: metrics, traces, events. Independent of what is computed.

pub mod events;
pub mod groups;
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
pub use crate::folder::{CONFUSION, DECISION_MAP, Ending, FINAL_METRICS, INFERENCE, RATES, RunInfo, SWITCHES};
pub use crate::sweep::{Members, Ranking, Varied};
pub use events::EventWriter;
pub use groups::{Groups, groups};
pub use metrics::{FinalMetrics, MetricsWriter, When};
pub use read::{Metrics, Series, Trace};
pub use run::{AngleMatrix, Run};
pub use settings::Settings;
pub use zarr::{TraceWriter, Variable};
