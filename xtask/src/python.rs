//! A Python with the packages that read what runs write, for the tests that hold our files against them, and with those by
//! which the Python package is built and tested.

use crate::{root, succeeds};
use std::path::PathBuf;
use std::process::Command;

const PYTHON: &str = if cfg!(windows) { "python" } else { "python3" };
/// The lists of packages.
const LISTS: [&str; 2] = ["crates/apical-lab/tests/requirements.txt", "crates/apical-py/tests/requirements.txt"];

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
    let list = LISTS.iter().map(|list| std::fs::read(root().join(list))).collect::<Result<Vec<_>, _>>().ok()?.concat();
    if std::fs::read(&made).is_ok_and(|of| of == list) {
        return Some(python);
    }
    if !make {
        return None;
    }
    let installed = succeeds(Command::new(PYTHON).args(["-m", "venv", "--clear"]).arg(&environment))
        && succeeds(
            Command::new(&python)
                .args(["-m", "pip", "install", "--quiet"])
                .args(LISTS.iter().flat_map(|list| ["-r".into(), root().join(list).into_os_string()])),
        );
    if !installed || std::fs::write(&made, list).is_err() {
        println!("no Python with the packages of {}: tests that need it are skipped", LISTS.join(" and "));
        return None;
    }
    Some(python)
}
