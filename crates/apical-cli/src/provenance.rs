//! Who ran what, where: the version of the program and the head of a run's `run.json`.

use apical_lab::Error;
use apical_lab::experiment::Experiment;
use apical_lab::folder::RunInfo;
use apical_lab::run::build;
use apical_lab::run::provenance::{self, Program};
use std::sync::LazyLock;

/// Version of this program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Commit that it was built from.
pub const COMMIT: &str = env!("APICAL_COMMIT");

/// What `--version` tells.
pub fn version() -> &'static str {
    static TEXT: LazyLock<String> =
        LazyLock::new(|| format!("{VERSION}\ncommit {COMMIT}\nCPU features used: {}", build::cpu_features().join(" ")));
    &TEXT
}

/// What `run.json` of a new run says.
///
/// # Errors
/// A data file cannot be read.
pub fn run_info(e: &Experiment, threads: usize) -> Result<RunInfo, Error> {
    let argv = std::env::args_os().map(|arg| arg.to_string_lossy().into_owned()).collect();
    provenance::run_info(e, threads, Program { version: VERSION.into(), commit: COMMIT.into(), argv })
}
