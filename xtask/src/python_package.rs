//! The Python package: put together from its sources and the module that the tests have built, and tested by pytest; its
//! examples are run and its types checked. With `--slow` its wheel is built as documented, installed and tested too.

use crate::test::Tally;
use crate::{cargo, python, root, succeeds};
use std::env::consts::{DLL_PREFIX, DLL_SUFFIX, EXE_SUFFIX};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where the package lies, from the root.
const PACKAGE: &str = "crates/apical-py";
/// Heavier packages.
const SLOW_LIST: &str = "crates/apical-py/tests/requirements-slow.txt";
/// What the module is called for Python.
const MODULE: &str = if cfg!(windows) { "_engine.pyd" } else { "_engine.abi3.so" };

/// All checks of the package by this Python, which has what they need. `filters` are for names of tests.
pub fn run(python: &Path, slow: bool, filters: &[&str]) -> Tally {
    let has_pytest =
        here(python).args(["-m", "pytest", "--version"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !has_pytest.is_ok_and(|status| status.success()) {
        println!("skipped: {} has no pytest to test the Python package with", python.display());
        return Tally { skipped: 1, ..Tally::default() };
    }
    if slow && !succeeds(pip(python).args(["install", "--quiet", "-r"]).arg(root().join(SLOW_LIST))) {
        println!("packages of {SLOW_LIST} are missing: tests that need them are skipped");
    }
    let place = match assembled() {
        Ok(place) => place,
        Err(error) => {
            eprintln!("the Python package cannot be put together: {error}");
            return Tally::of(false);
        }
    };
    let mut tally = pytest(python, Some(&place), filters);
    if filters.is_empty() {
        let mypy = ["-m", "mypy", "--strict", "--config-file", "pyproject.toml", "python/apical", "examples"];
        tally += Tally::of(succeeds(here(python).args(mypy)));
    }
    if filters.is_empty() && slow {
        let pyright = ["-m", "pyright", "--pythonpath"];
        let files = ["python/apical/_engine.pyi", "examples"];
        tally += Tally::of(succeeds(here(python).args(pyright).arg(python).args(files).env("PYTHONPATH", &place)));
        tally += if wheel(python) { pytest(python, None, filters) } else { Tally::of(false) };
    }
    tally
}

/// The package in a folder of its own, with the module that cargo has built for the tests.
fn assembled() -> io::Result<PathBuf> {
    let place = root().join("target/python-package");
    let to = place.join("apical");
    let _ = std::fs::remove_dir_all(&place);
    std::fs::create_dir_all(&to)?;
    for entry in std::fs::read_dir(root().join(PACKAGE).join("python/apical"))? {
        let path = entry?.path();
        let ours = path.extension().is_some_and(|end| end == "py" || end == "pyi" || end == "typed");
        if let Some(name) = path.file_name().filter(|_| ours) {
            std::fs::copy(&path, to.join(name))?;
        }
    }
    let module = root().join("target/debug/deps").join(format!("{DLL_PREFIX}_engine{DLL_SUFFIX}"));
    std::fs::copy(&module, to.join(MODULE))
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", module.display())))?;
    Ok(place)
}

/// The same without the other tests: the command, with which the package is compared, is built first.
pub fn alone(args: &[String]) -> bool {
    let slow = args.iter().any(|a| a == "--slow");
    let filters: Vec<&str> = args.iter().map(String::as_str).filter(|a| *a != "--slow").collect();
    let Some(python) = python::with_readers(true) else { return false };
    let built = succeeds(&mut cargo(&["build", "--package", "apical-cli", "--package", "apical-py"]));
    let tally = run(&python, slow, &filters);
    println!("{} passed, {} failed, {} skipped", tally.passed, tally.failed, tally.skipped);
    built && tally.failed == 0
}

/// The Python, in the package's folder.
fn here(python: &Path) -> Command {
    let mut command = Command::new(python);
    command.current_dir(root().join(PACKAGE)).stdin(Stdio::null());
    command
}

fn pip(python: &Path) -> Command {
    let mut command = here(python);
    command.args(["-m", "pip"]);
    command
}

/// Builds the wheel as the book says, and installs it without its requirements, which are there.
fn wheel(python: &Path) -> bool {
    let wheels = root().join("target/wheels");
    let _ = std::fs::remove_dir_all(&wheels);
    let build = ["-m", "maturin", "build", "--release", "--quiet", "--out"];
    if !succeeds(here(python).args(build).arg(&wheels).arg("--interpreter").arg(python)) {
        return false;
    }
    let Some(wheel) = std::fs::read_dir(&wheels).ok().and_then(|mut list| list.next()?.ok()) else {
        eprintln!("maturin has left no wheel in {}", wheels.display());
        return false;
    };
    succeeds(pip(python).args(["install", "--quiet", "--force-reinstall", "--no-deps"]).arg(wheel.path()))
}

/// Tests, and the examples of the documentation strings, of the package at a place, or of the one that is installed.
fn pytest(python: &Path, place: Option<&Path>, filters: &[&str]) -> Tally {
    let mut command = here(python);
    command.args(["-m", "pytest", "-q", "-rs", "--color=no", "-p", "no:cacheprovider", "tests"]);
    if filters.is_empty() {
        command.args(["--doctest-modules", "--doctest-ignore-import-errors", "--pyargs", "apical"]);
    } else {
        command.arg("-k").arg(filters.join(" or "));
    }
    command.env("APICAL_BIN", binary()).env("PYTHONDONTWRITEBYTECODE", "1").env("MPLBACKEND", "Agg");
    if let Some(place) = place {
        command.env("PYTHONPATH", place);
    }
    println!("--- pytest");
    let output = match command.stdout(Stdio::piped()).output() {
        Ok(output) => output,
        Err(error) => {
            eprintln!("cannot run pytest: {error}");
            return Tally::of(false);
        }
    };
    let text = String::from_utf8_lossy(&output.stdout);
    print!("{text}");
    let tally = text.lines().next_back().map(counts).unwrap_or_default();
    // 5: a filter that no test of Python fits.
    let ended_well = output.status.success() || (!filters.is_empty() && output.status.code() == Some(5));
    if ended_well || tally.failed > 0 { tally } else { tally + Tally::of(false) }
}

/// The command that the tests have built.
fn binary() -> PathBuf {
    root().join("target/debug").join(format!("apical{EXE_SUFFIX}"))
}

/// The counts of `3 failed, 70 passed, 2 skipped, 1 error in 12.34s`.
fn counts(line: &str) -> Tally {
    let count = |what: &[&str]| {
        let parts =
            line.trim_matches(['=', ' ']).split([',', '(']).map(|part| part.split(" in ").next().unwrap_or(part));
        let numbers = parts.filter_map(|part| {
            let (number, word) = part.trim().split_once(' ')?;
            what.contains(&word).then(|| number.parse::<usize>().ok())?
        });
        numbers.sum()
    };
    Tally { passed: count(&["passed"]), failed: count(&["failed", "error", "errors"]), skipped: count(&["skipped"]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_of_pytest_is_counted() {
        let line = "=== 3 failed, 70 passed, 2 skipped, 5 warnings, 1 error in 12.34s (0:00:12) ===";
        assert_eq!(counts(line), Tally { passed: 70, failed: 4, skipped: 2 });
        assert_eq!(counts("1 passed in 0.01s"), Tally { passed: 1, failed: 0, skipped: 0 });
        assert_eq!(counts("no tests ran in 0.01s"), Tally::default());
    }
}
