//! `cargo xtask package`: each published crate is packed and built from its package, and the command is installed and
//! asked for its version.
//!
//! Everything runs offline (what is needed has been fetched for the tests) and in the workspace's dev profile, so that
//! compiled dependencies are shared with the tests.

use crate::{cargo, root, succeeds};
use std::process::Command;

/// True if packages build and the installed command starts.
pub fn run() -> bool {
    let mut pack = cargo(&["package", "--workspace", "--exclude", "xtask", "--allow-dirty", "--offline"]);
    succeeds(pack.envs(dev_profile())) && install()
}

/// The workspace's dev profile as variables: a packed crate has left the workspace and would be built with another one.
fn dev_profile() -> Vec<(String, String)> {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap_or_default();
    let table: toml::Table = manifest.parse().unwrap_or_default();
    let profile = table.get("profile").and_then(|p| p.get("dev")).and_then(|d| d.as_table());
    let settings = profile.into_iter().flatten().filter_map(|(key, value)| {
        let value = match value {
            toml::Value::String(text) => text.clone(),
            toml::Value::Integer(number) => number.to_string(),
            toml::Value::Boolean(on) => on.to_string(),
            _ => return None,
        };
        Some((format!("CARGO_PROFILE_DEV_{}", key.to_uppercase().replace('-', "_")), value))
    });
    settings.collect()
}

fn install() -> bool {
    let place = root().join("target/install");
    let installed = succeeds(
        cargo(&["install", "--path", "crates/apical-cli", "--debug", "--offline", "--locked", "--force", "--root"])
            .arg(&place),
    );
    if !installed {
        return false;
    }
    let binary = place.join("bin").join(format!("apical{}", std::env::consts::EXE_SUFFIX));
    match Command::new(&binary).arg("--version").status() {
        Ok(status) => status.success(),
        Err(error) => {
            eprintln!("{}: {error}", binary.display());
            false
        }
    }
}
