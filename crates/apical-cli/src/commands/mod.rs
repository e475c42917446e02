//! One file per command: its arguments, and what it does with them.

pub mod cite;
pub mod compare;
pub mod completions;
pub mod data;
pub mod diff;
pub mod eval;
pub mod explain;
pub mod list;
pub mod plot;
pub mod predict;
pub mod relate;
pub mod report;
pub mod resume;
pub mod run;
pub mod runs;
pub mod schema;
pub mod show;
pub mod sweep;
pub mod verify;
pub mod watch;
