//! Experiments as data: from a TOML file to a run folder that can be stopped, resumed, evaluated and compared.

pub mod check;
pub mod config;
pub mod error;
pub mod experiment;

pub use error::Error;
pub use experiment::Experiment;
