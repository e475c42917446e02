//! Sweeps: one experiment over many values and seeds, each combination an ordinary run. Any number of processes on any
//! number of machines that share the sweep's folder make the runs that are missing, and may die at any moment.
//!
//! A run is made in a folder of its worker's own, `work/ID.G`, and moved to `runs/` when it has ended: what lies in
//! `runs/` is whole. Who makes a run is settled by a [`claim`]; nobody compares clocks.

mod attempt;
pub mod best;
pub mod claim;
mod draw;
mod halving;
pub mod kept;
pub mod layout;
mod median;
pub mod members;
mod next;
mod parquet;
pub mod plan;
pub mod ranking;
mod search;
mod space;
pub mod spec;
pub mod status;
mod suggest;
pub mod table;
mod tidy;
pub mod work;

pub use draw::Point;
pub use layout::Layout;
pub use members::{Members, Varied};
pub use plan::{Change, Plan, Planned};
pub use spec::{Halving, Median, Method, Ranking, Slurm, Spec, Stopping};

use crate::Error;
use crate::config::Diagnostic;

/// Why a sweep cannot be planned or made.
#[derive(Debug)]
pub enum Trouble {
    /// Something is wrong in the sweep file or the experiment.
    Config(Vec<Diagnostic>),
    /// Anything else.
    Error(Error),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Trouble::Error(error)
    }
}

impl From<Vec<Diagnostic>> for Trouble {
    fn from(list: Vec<Diagnostic>) -> Self {
        Trouble::Config(list)
    }
}
