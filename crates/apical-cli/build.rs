//! Tells the binary the commit that it is built from: `APICAL_COMMIT` of the environment, or what git says of this
//! checkout, or what cargo packed with the sources, or "unknown".

use std::path::Path;
use std::process::Command;

/// What decides the binary, seen from this crate. With a change in it the commit is marked as changed.
const SOURCES: [&str; 10] = [
    "../../Cargo.toml",
    "../../Cargo.lock",
    "Cargo.toml",
    "build.rs",
    "src",
    "../apical/src",
    "../apical/Cargo.toml",
    "../apical-lab/src",
    "../apical-lab/Cargo.toml",
    "../apical-report/src",
];

fn main() {
    println!("cargo::rerun-if-env-changed=APICAL_COMMIT");
    let given = std::env::var("APICAL_COMMIT").ok().filter(|commit| !commit.trim().is_empty());
    let commit = given.or_else(from_git).or_else(from_package).unwrap_or_else(|| "unknown".into());
    println!("cargo::rustc-env=APICAL_COMMIT={}", commit.trim());
    // A commit that is not watched (packed, or outside of git) changes with the build script at the latest.
    watch("build.rs");
}

fn watch(path: &str) {
    if Path::new(path).exists() {
        println!("cargo::rerun-if-changed={path}");
    }
}

/// The commit of the checkout that this file belongs to. A foreign repository around an unpacked package does not count.
fn from_git() -> Option<String> {
    // A commit, a reset or a checkout writes one of these; an edit, one of the sources.
    let branch = git(&["symbolic-ref", "-q", "HEAD"]).unwrap_or_else(|| "HEAD".into());
    for file in ["HEAD", "logs/HEAD", "packed-refs", &branch] {
        watch(&git(&["rev-parse", "--git-path", file])?);
    }
    SOURCES.into_iter().for_each(watch);
    git(&["ls-files", "--error-unmatch", "build.rs"])?;
    let commit = git(&["rev-parse", "--short=12", "HEAD"])?;
    let mut status = vec!["status", "--porcelain", "--"];
    status.extend(SOURCES);
    let changed = git(&status).is_none_or(|list| !list.is_empty());
    Some(if changed { format!("{commit} with changes") } else { commit })
}

/// The commit that `cargo package` wrote beside the sources.
fn from_package() -> Option<String> {
    let text = std::fs::read_to_string(".cargo_vcs_info.json").ok()?;
    watch(".cargo_vcs_info.json");
    let (_, rest) = text.split_once("\"sha1\"")?;
    Some(rest.split('"').nth(1)?.chars().take(12).collect())
}

fn git(args: &[&str]) -> Option<String> {
    let output = Command::new("git").args(args).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}
