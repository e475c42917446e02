//! Who ran what, where: the head of a run's `run.json`. The program says its own version and commit.

use super::{build, shared};
use crate::Error;
use crate::check::content_hash;
use crate::experiment::{Experiment, StartWeights};
use crate::folder::RunInfo;
use crate::folder::runinfo::{cpu_model, host_name};
use crate::plan;
use std::collections::BTreeMap;
use std::path::Path;

/// The program that makes a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Its version.
    pub version: String,
    /// The commit that it was built from.
    pub commit: String,
    /// How it was called.
    pub argv: Vec<String>,
}

/// What `run.json` of a new run says.
///
/// # Errors
/// A data file cannot be read.
pub fn run_info(e: &Experiment, threads: usize, program: Program) -> Result<RunInfo, Error> {
    Ok(RunInfo {
        name: e.name.clone(),
        seed: e.seed,
        version: program.version,
        commit: program.commit,
        argv: program.argv,
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
    for file in shared::files(&e.task) {
        sums.insert(name(&file), content_hash(&file)?);
    }
    if let StartWeights::File { path, sha256 } = &e.start {
        sums.insert(name(path), sha256.clone());
    }
    Ok(sums)
}
