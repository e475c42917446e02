//! Tells the module the commit that it is built from: `APICAL_COMMIT` of the environment, or what git says, or "unknown".

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-env-changed=APICAL_COMMIT");
    println!("cargo::rerun-if-changed=src");
    let given = std::env::var("APICAL_COMMIT").ok().filter(|commit| !commit.trim().is_empty());
    let commit = given.or_else(from_git).unwrap_or_else(|| "unknown".into());
    println!("cargo::rustc-env=APICAL_COMMIT={}", commit.trim());
    if cfg!(target_os = "macos") {
        println!("cargo::rustc-cdylib-link-arg=-undefined");
        println!("cargo::rustc-cdylib-link-arg=dynamic_lookup");
    }
}

/// The commit of the checkout that this file belongs to; one around an unpacked package does not count.
fn from_git() -> Option<String> {
    git(&["ls-files", "--error-unmatch", "build.rs"])?;
    let commit = git(&["rev-parse", "--short=12", "HEAD"])?;
    for file in ["HEAD", "logs/HEAD"] {
        println!("cargo::rerun-if-changed={}", git(&["rev-parse", "--git-path", file])?);
    }
    let changed = git(&["status", "--porcelain", "--", "src", "../apical/src", "../apical-lab/src"])?;
    Some(if changed.is_empty() { commit } else { format!("{commit} with changes") })
}

fn git(args: &[&str]) -> Option<String> {
    let output = Command::new("git").args(args).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}
