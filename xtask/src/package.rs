//! `cargo xtask package`: each published crate is packed and built from its package, and the command is installed and
//! asked for its version.
//!
//! Everything runs offline (what is needed has been fetched for the tests) and in the dev profile, so that compiled
//! dependencies are shared with the tests.

use crate::{cargo, root, succeeds};
use std::process::Command;

/// True if packages build and the installed command starts.
pub fn run() -> bool {
    let packed = succeeds(&mut cargo(&["package", "--workspace", "--exclude", "xtask", "--allow-dirty", "--offline"]));
    packed && install()
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
