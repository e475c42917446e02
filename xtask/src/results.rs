//! `cargo xtask results`: makes the runs that the tables of `docs/results/data` lack, and the pages from these tables.

use crate::{cargo, root, succeeds};
use std::process::Command;

/// For each sweep named, `docs/results/sweeps/NAME.toml`: the runs that `docs/results/data/NAME.csv` lacks, one thread each,
/// a row as each ends. Then all pages. Options after the names go to `apical sweep run`.
pub fn run(args: &[String]) -> bool {
    let first_option = args.iter().position(|arg| arg.starts_with('-')).unwrap_or(args.len());
    let (names, options) = args.split_at(first_option);
    let results = root().join("docs/results");
    for name in names {
        if !results.join(format!("sweeps/{name}.toml")).is_file() {
            eprintln!("docs/results/sweeps has no {name}.toml");
            return false;
        }
    }
    let mut build = cargo(&["build", "--release", "--package", "apical-cli", "--target-dir"]);
    if !names.is_empty() && !succeeds(build.arg(root().join("target"))) {
        return false;
    }
    let made = names.iter().all(|name| {
        let mut apical = Command::new(root().join("target/release/apical"));
        apical.args(["sweep", "run", "--threads", "1", "--out"]).arg(root().join("target/results"));
        apical.arg("--table").arg(results.join(format!("data/{name}.csv")));
        succeeds(apical.arg(results.join(format!("sweeps/{name}.toml"))).args(options))
    });
    let mut pages = cargo(&["run", "--release", "--package", "apical-results", "--"]);
    made && succeeds(pages.arg(root().join("docs")))
}
