//! `cargo xtask sanitize`: the unsafe code of the kernels under two tools that see reads and writes outside of memory.
//!
//! AddressSanitizer sees all instruction sets of the CPU. Valgrind runs the plain and the AVX2 paths: it tells programs that
//! its CPU has no AVX-512, and stops at an instruction that it does not know.

use crate::{cargo, root, succeeds};
use std::path::PathBuf;
use std::process::{Command, ExitCode};

/// Tests that run the kernels.
const KERNELS: &str = "kernels::";

/// Tests that say nothing about memory which others do not, and take minutes under Valgrind.
const LONG: [&str; 3] = ["any_number_of_threads", "a_sample_gives", "normals_"];

/// Runs both; 2 if a tool is missing, 1 if one has found something.
pub fn run() -> ExitCode {
    let Some((target, runtime)) = sanitizer() else {
        eprintln!("rustc does not say what it is");
        return ExitCode::from(2);
    };
    if !runtime.exists() {
        eprintln!("this toolchain has no AddressSanitizer: {} is missing", runtime.display());
        return ExitCode::from(2);
    }
    if Command::new("valgrind").arg("--version").output().is_err() {
        eprintln!("valgrind is missing");
        return ExitCode::from(2);
    }
    let folder = root().join("target").join("sanitize");
    let mut address = cargo(&["test", "-p", "apical", "--lib", "--target", &target, "--target-dir"]);
    // The switch is one of the nightly compiler's; the variable lets any compiler take it.
    address.arg(folder).arg(KERNELS).env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", "-Zsanitizer=address");
    let clean = succeeds(&mut address);

    let Some(tests) = executable() else {
        eprintln!("the tests of the engine cannot be built");
        return ExitCode::FAILURE;
    };
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--quiet", "--error-exitcode=1"]).arg(tests).args([KERNELS, "--test-threads=1"]);
    for name in LONG {
        valgrind.args(["--skip", name]);
    }
    let clean = succeeds(&mut valgrind) && clean;
    if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The compiler's own target, and where its AddressSanitizer would lie.
fn sanitizer() -> Option<(String, PathBuf)> {
    let ask = |args: &[&str]| {
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        String::from_utf8(Command::new(rustc).args(args).output().ok()?.stdout).ok()
    };
    let version = ask(&["-vV"])?;
    let target = version.lines().find_map(|line| line.strip_prefix("host: "))?.to_owned();
    let libraries = PathBuf::from(ask(&["--print", "target-libdir"])?.trim());
    let names = std::fs::read_dir(&libraries).ok()?.flatten().map(|entry| entry.path());
    let is_runtime = |path: &PathBuf| path.to_string_lossy().contains("_rt.asan.");
    let runtime = names.into_iter().find(is_runtime).unwrap_or_else(|| libraries.join("librustc_rt.asan.a"));
    Some((target, runtime))
}

/// The engine's unit tests, built.
fn executable() -> Option<PathBuf> {
    let mut build = cargo(&["test", "-p", "apical", "--lib", "--no-run", "--message-format=json"]);
    let output = build.stderr(std::process::Stdio::inherit()).output().ok().filter(|o| o.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    let path = text.lines().filter_map(|line| line.split_once("\"executable\":\"")).next_back()?.1.split('"').next()?;
    Some(PathBuf::from(path))
}
