//! `cargo xtask test`: everything that must hold, with one closing line `N passed, N failed, N skipped`.
//!
//! Cheap steps come first; a step that fails does not stop the others. Each step other than the tests counts as one.

use crate::{cargo, chromium, package, python, python_package, root, slurm, succeeds, tidy};
use std::io::{BufRead, BufReader, Write};
use std::ops::{Add, AddAssign};
use std::path::Path;
use std::process::Stdio;

/// How many checks passed, failed and were skipped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub passed: usize,
    pub failed: usize,
    pub skipped: usize,
}

impl Tally {
    /// One step, passed or failed.
    pub fn of(passed: bool) -> Tally {
        Tally { passed: usize::from(passed), failed: usize::from(!passed), skipped: 0 }
    }
}

impl Add for Tally {
    type Output = Tally;

    fn add(mut self, other: Self) -> Tally {
        self += other;
        self
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// Runs the steps; true if none failed.
pub fn run(args: &[String]) -> bool {
    let slow = args.iter().any(|a| a == "--slow");
    let filters: Vec<&str> = args.iter().map(String::as_str).filter(|a| *a != "--slow").collect();
    let mut tally = Tally::default();
    if filters.is_empty() {
        tally += with_tool("fmt", &["fmt", "--all", "--check"]);
        tally += Tally::of(tidy::run());
    }
    let python = python::with_readers(filters.is_empty());
    tally += tests(slow, &filters, python.as_deref());
    // pytest keeps one core busy for minutes: clippy has the others meanwhile.
    tally += std::thread::scope(|scope| {
        let package = scope.spawn(|| match &python {
            Some(python) => python_package::run(python, slow, &filters),
            None => {
                println!("skipped: there is no Python for the Python package");
                Tally { skipped: 1, ..Tally::default() }
            }
        });
        let lints = match filters.is_empty() {
            true => with_tool("clippy", &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]),
            false => Tally::default(),
        };
        lints + package.join().unwrap_or(Tally::of(false))
    });
    if filters.is_empty() {
        tally += Tally::of(package::run(slow));
    }
    println!("{} passed, {} failed, {} skipped", tally.passed, tally.failed, tally.skipped);
    tally.failed == 0
}

/// A step that needs a part of the toolchain which a minimal one lacks.
fn with_tool(tool: &str, args: &[&str]) -> Tally {
    let there = cargo(&[tool, "--version"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if there.is_ok_and(|status| status.success()) {
        Tally::of(succeeds(&mut cargo(args)))
    } else {
        println!("skipped: this toolchain has no cargo {tool}");
        Tally { skipped: 1, ..Tally::default() }
    }
}

/// Unit, integration and doc tests of all crates.
fn tests(slow: bool, filters: &[&str], python: Option<&Path>) -> Tally {
    let mut command = cargo(&["test", "--workspace", "--no-fail-fast"]);
    let features = fail_points();
    if !features.is_empty() {
        command.arg("--features").arg(features.join(","));
    }
    command.args(["--", "--show-output"]).args(filters);
    if slow {
        command.arg("--include-ignored");
    }
    if let Some(python) = python {
        command.env("APICAL_PYTHON", python);
    }
    if let Some(browser) = chromium::browser(filters.is_empty()) {
        command.env("APICAL_CHROMIUM", browser);
    }
    if slurm::is_there(filters.is_empty()) {
        command.env("APICAL_SLURM", "1");
    }
    println!("--- cargo test --workspace");
    let mut child = match command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn() {
        Ok(child) => child,
        Err(error) => {
            eprintln!("cannot run cargo: {error}");
            return Tally::of(false);
        }
    };
    let mut reader = Reader::default();
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line);
            if reader.read(&line) {
                // A reader that went away must not end the tests.
                let _ = writeln!(std::io::stdout(), "{line}");
            }
        }
    }
    let ended_well = child.wait().is_ok_and(|status| status.success());
    if !ended_well && reader.tally.failed == 0 {
        // Not compiled, or a test process died before its result line.
        reader.tally += Tally::of(false);
    }
    reader.tally
}

/// The features that compile named stopping points in, for the tests that kill the program there.
fn fail_points() -> Vec<String> {
    ["apical-lab", "apical-cli"]
        .into_iter()
        .filter(|name| {
            let manifest = std::fs::read_to_string(root().join("crates").join(name).join("Cargo.toml"));
            let table = manifest.ok().and_then(|text| text.parse::<toml::Table>().ok());
            table.is_some_and(|t| t.get("features").is_some_and(|f| f.get("failpoints").is_some()))
        })
        .map(|name| format!("{name}/failpoints"))
        .collect()
}

/// Reads the output of `cargo test -- --show-output`, line by line.
///
/// What passing tests print is left out, but for lines that start with `skipped:`: a test that cannot run here says so
/// with one, and counts as skipped.
#[derive(Default)]
struct Reader {
    tally: Tally,
    skipped_here: usize,
    in_successes: bool,
}

impl Reader {
    /// Takes a line in; true if it is worth showing.
    fn read(&mut self, line: &str) -> bool {
        if let Some(result) = line.strip_prefix("test result: ") {
            let mut counted = counts(result);
            counted.passed -= self.skipped_here.min(counted.passed);
            counted.skipped += self.skipped_here;
            self.tally += counted;
            self.skipped_here = 0;
            self.in_successes = false;
            return true;
        }
        match line {
            "successes:" => self.in_successes = true,
            "failures:" => self.in_successes = false,
            _ => {}
        }
        if self.in_successes {
            let skipped = line.starts_with("skipped:");
            self.skipped_here += usize::from(skipped);
            return skipped;
        }
        true
    }
}

/// The counts of `ok. 3 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.01s`.
fn counts(result: &str) -> Tally {
    let count = |what: &str| {
        let part = result.split([';', '.']).map(str::trim).find_map(|part| part.strip_suffix(what));
        part.and_then(|number| number.trim().parse().ok()).unwrap_or(0)
    };
    Tally { passed: count("passed"), failed: count("failed"), skipped: count("ignored") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_lines_are_summed_and_skipped_tests_counted() {
        let output = "
running 3 tests
test a ... ok

successes:

---- a stdout ----
a long story
skipped: MNIST is not here


successes:
    a

failures:
---- b stdout ----
skipped: what a failing test prints is not counted

test result: FAILED. 2 passed; 1 failed; 4 ignored; 0 measured; 5 filtered out; finished in 0.01s

   Doc-tests apical
test result: ok. 7 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.50s";
        let mut reader = Reader::default();
        let shown: Vec<&str> = output.lines().filter(|line| reader.read(line)).collect();
        assert_eq!(reader.tally, Tally { passed: 8, failed: 1, skipped: 5 });
        assert!(shown.contains(&"skipped: MNIST is not here"));
        assert!(shown.contains(&"---- b stdout ----"));
        assert!(!shown.contains(&"a long story"));
    }
}
