//! A Python with the packages that read what runs write, for the tests that hold our files against them.

use crate::{root, succeeds};
use std::path::PathBuf;
use std::process::Command;

const PYTHON: &str = if cfg!(windows) { "python" } else { "python3" };
/// The list of packages.
const LIST: &str = "crates/apical-lab/tests/requirements.txt";

/// The Python that `APICAL_PYTHON` names, or one of our own in `target`, made if it is not there and `make` is set.
/// Without it the tests skip what they need it for, and say so.
pub fn with_readers(make: bool) -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("APICAL_PYTHON") {
        return Some(named.into());
    }
    let environment = root().join("target/readers");
    let python = environment.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    // What the list said when the environment was made: written last, so its being there means a whole one.
    let made = environment.join("made");
    let list = std::fs::read(root().join(LIST)).ok()?;
    if std::fs::read(&made).is_ok_and(|of| of == list) {
        return Some(python);
    }
    if !make {
        return None;
    }
    let installed = succeeds(Command::new(PYTHON).args(["-m", "venv", "--clear"]).arg(&environment))
        && succeeds(Command::new(&python).args(["-m", "pip", "install", "--quiet", "-r"]).arg(root().join(LIST)));
    if !installed || std::fs::write(&made, list).is_err() {
        println!("no Python with the packages of {LIST}: tests that need it are skipped");
        return None;
    }
    Some(python)
}
