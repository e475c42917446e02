//! Experiments as data: from a TOML file to a run folder that can be stopped, resumed, evaluated and compared.

pub mod check;
pub mod checkpoint;
pub mod cite;
pub mod compare;
pub mod config;
pub mod data;
pub mod error;
pub mod experiment;
pub mod failpoint;
pub mod folder;
pub mod observe;
pub mod plan;
pub mod record;
pub mod relate;
pub mod run;
pub mod sweep;
pub mod verify;

pub use error::Error;
pub use experiment::Experiment;
