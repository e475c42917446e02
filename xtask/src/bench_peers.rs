//! `cargo xtask bench-peers`: our time per sample beside the peers', who are installed into a virtual environment that
//! goes away afterwards. What is measured, and how, stands in `benches/peers`.

use crate::{cargo, root, succeeds};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

const PYTHON: &str = if cfg!(windows) { "python" } else { "python3" };

/// Makes or takes the environment, builds our side, and lets the script compare. Fails with 2 if something to compare with
/// is missing, with 1 if the two sides do not agree.
pub fn run(args: &[String]) -> ExitCode {
    let kept = match args {
        [] => None,
        [option, path] if option == "--keep-env" => Some(PathBuf::from(path)),
        _ => {
            eprintln!("{}", crate::USAGE);
            return ExitCode::from(2);
        }
    };
    let environment = kept.clone().unwrap_or_else(|| root().join("target/peers"));
    let compared = install(&environment).map(|python| compare(&python));
    if kept.is_none() {
        // It may not have come into being.
        let _ = std::fs::remove_dir_all(&environment);
    }
    match compared {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(what) => {
            eprintln!("bench-peers: {what}");
            ExitCode::from(2)
        }
    }
}

/// The Python of the environment, which has PyTorch then. Pip takes what its own settings say.
fn install(environment: &Path) -> Result<PathBuf, String> {
    let python = environment.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    if !python.exists() && !succeeds(Command::new(PYTHON).args(["-m", "venv"]).arg(environment)) {
        return Err(format!("{PYTHON} with its modules venv and ensurepip is needed to make an environment"));
    }
    if !succeeds(Command::new(&python).args(["-m", "pip", "install", "--quiet", "torch", "numpy"])) {
        return Err(format!("pip could not install torch and numpy into {}", environment.display()));
    }
    Ok(python)
}

fn compare(python: &Path) -> bool {
    let ours = root().join("target/release").join(format!("bench-bp{}", std::env::consts::EXE_SUFFIX));
    let script = root().join("benches/peers/bp_torch.py");
    succeeds(cargo(&["build", "--release", "--package", "apical-benches", "--target-dir"]).arg(root().join("target")))
        && succeeds(Command::new(python).arg(script).arg(ours))
}
