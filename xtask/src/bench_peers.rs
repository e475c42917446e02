//! `cargo xtask bench-peers`: our times beside the peers', who are installed into a virtual environment that goes away
//! afterwards. What is measured, and how, stands in `benches/peers`.

use crate::{cargo, root, succeeds};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

const PYTHON: &str = if cfg!(windows) { "python" } else { "python3" };
/// The row that PyTorch has a part in.
const BP: &str = "bp";

/// What the command line asks for.
#[derive(Debug, Default, PartialEq)]
struct Options {
    keep: Option<PathBuf>,
    /// Only the learner bp, beside PyTorch.
    bp: bool,
    /// Arguments of the script that compares circuits; `None`: it is not run.
    circuits: Option<Vec<String>>,
}

impl Options {
    /// `None`: the arguments are not understood.
    fn read(args: &[String]) -> Option<Self> {
        let (mut keep, mut names, mut passed) = (None, Vec::new(), Vec::new());
        let mut args = args.iter().peekable();
        while let Some(option) = args.next() {
            match option.as_str() {
                "--keep-env" => keep = Some(PathBuf::from(args.next()?)),
                "--only" => {
                    while let Some(name) = args.next_if(|word| !word.starts_with("--")) {
                        names.push(name.clone());
                    }
                    if names.is_empty() {
                        return None;
                    }
                }
                "--rounds" | "--threads" => passed.extend([option.clone(), args.next()?.clone()]),
                "--markdown" => {
                    // The script runs elsewhere.
                    let path = std::path::absolute(args.next()?).ok()?;
                    passed.extend([option.clone(), path.to_string_lossy().into_owned()]);
                }
                _ => return None,
            }
        }
        let all = names.is_empty();
        let bp = all || names.iter().any(|name| name == BP);
        names.retain(|name| name != BP);
        if !names.is_empty() {
            passed.push("--only".into());
            passed.extend(names.iter().cloned());
        }
        Some(Options { keep, bp, circuits: (all || !names.is_empty()).then_some(passed) })
    }
}

/// Makes or takes the environment, builds our side, and lets the scripts compare. Fails with 2 if something to compare with
/// is missing, with 1 if the sides do not agree.
pub fn run(args: &[String]) -> ExitCode {
    let Some(options) = Options::read(args) else {
        eprintln!("{}", crate::USAGE);
        return ExitCode::from(2);
    };
    let environment = options.keep.clone().unwrap_or_else(|| root().join("target/peers"));
    let compared = install(&environment, &options).map(|python| compare(&python, &options));
    if options.keep.is_none() {
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

/// The Python of the environment, which has the peers then. Pip takes what its own settings say.
fn install(environment: &Path, options: &Options) -> Result<PathBuf, String> {
    let python = environment.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    if !python.exists() && !succeeds(Command::new(PYTHON).args(["-m", "venv"]).arg(environment)) {
        return Err(format!("{PYTHON} with its modules venv and ensurepip is needed to make an environment"));
    }
    let lists = [(options.circuits.is_some(), "requirements.txt"), (options.bp, "requirements-bp.txt")];
    for (_, list) in lists.into_iter().filter(|(wanted, _)| *wanted) {
        let list = root().join("benches/peers").join(list);
        if !succeeds(Command::new(&python).args(["-m", "pip", "install", "--quiet", "-r"]).arg(&list)) {
            let (list, environment) = (list.display(), environment.display());
            return Err(format!("pip could not install what {list} names into {environment}"));
        }
    }
    Ok(python)
}

fn compare(python: &Path, options: &Options) -> bool {
    let program = |name: &str| root().join("target/release").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    let script = |name: &str| root().join("benches/peers").join(name);
    if !succeeds(
        cargo(&["build", "--release", "--package", "apical-benches", "--bins", "--target-dir"])
            .arg(root().join("target")),
    ) {
        return false;
    }
    let circuits = options.circuits.as_ref().is_none_or(|passed| {
        succeeds(Command::new(python).arg(script("circuit.py")).arg(program("bench-circuit")).args(passed))
    });
    let bp = !options.bp || succeeds(Command::new(python).arg(script("bp_torch.py")).arg(program("bench-bp")));
    circuits && bp
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Option<Options> {
        Options::read(&words.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn options_choose_what_is_compared() {
        let words = |list: &[&str]| Some(list.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(read(&[]), Some(Options { keep: None, bp: true, circuits: words(&[]) }));
        assert_eq!(read(&["--only", "bp"]), Some(Options { keep: None, bp: true, circuits: None }));
        let some = read(&["--only", "a", "b", "--rounds", "7", "--keep-env", "e"]);
        let passed = words(&["--rounds", "7", "--only", "a", "b"]);
        assert_eq!(some, Some(Options { keep: Some("e".into()), bp: false, circuits: passed }));
        for wrong in [&["--only"][..], &["--rounds"], &["quick"], &["--keep-env"]] {
            assert_eq!(read(wrong), None, "{wrong:?}");
        }
    }
}
