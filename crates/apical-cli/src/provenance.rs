//! Who ran what, where: the version of the program and the head of a run's `run.json`.

use apical_lab::Error;
use apical_lab::check::content_hash;
use apical_lab::experiment::{Experiment, StartWeights};
use apical_lab::folder::RunInfo;
use apical_lab::folder::runinfo::{cpu_model, host_name};
use apical_lab::plan;
use apical_lab::run::{self, build};
use std::collections::BTreeMap;
use std::path::Path;
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
    Ok(RunInfo {
        name: e.name.clone(),
        seed: e.seed,
        version: VERSION.into(),
        commit: COMMIT.into(),
        argv: std::env::args_os().map(|arg| arg.to_string_lossy().into_owned()).collect(),
        host: host_name(),
        cpu: cpu_model(),
        cpu_features: build::cpu_features().into_iter().map(String::from).collect(),
        threads,
        precision: e.precision.name().into(),
        plan: plan::describe(e),
        data: data(e)?,
        ..RunInfo::default()
    })
}

/// SHA-256 of each data file, unpacked.
fn data(e: &Experiment) -> Result<BTreeMap<String, String>, Error> {
    let name = |path: &Path| path.display().to_string();
    let mut sums = BTreeMap::new();
    for file in run::files(&e.task) {
        sums.insert(name(&file), content_hash(&file)?);
    }
    if let StartWeights::File { path, sha256 } = &e.start {
        sums.insert(name(path), sha256.clone());
    }
    Ok(sums)
}
