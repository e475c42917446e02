//! Development tasks: `cargo xtask test | python | tidy | docs | package | sanitize | bench-peers | bench-scaling | results`.

mod bench_peers;
mod chromium;
mod docs;
mod package;
mod python;
mod python_package;
mod results;
mod sanitize;
mod slurm;
mod test;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

const USAGE: &str = "\
cargo xtask test [--slow] [FILTER...]   format, tidy, all tests of all crates, clippy, packages; with a FILTER only
                                        the tests whose names contain it; --slow: ignored tests, wheel and installation too
cargo xtask python [--slow] [FILTER...] the Python package alone: its wheel, its tests and its types
cargo xtask tidy                        rules of the house that the compiler does not know
cargo xtask docs                        generated pages, the gallery's pictures, and the book in target/book; installs mdBook
                                        into target/tools if it is missing
cargo xtask package                     pack each crate and install the command, as a user would
cargo xtask sanitize                    the kernels under AddressSanitizer and Valgrind
cargo xtask bench-peers [--only NAME...] [--rounds N] [--threads 1,2] [--markdown FILE] [--keep-env DIR]
                                        times beside numba, JAX, numpy and PyTorch, which are installed into a virtual
                                        environment: DIR, or one that is removed afterwards
cargo xtask bench-scaling [--quick]     time against the size of nets, batches and threads; draws docs/images/scaling
cargo xtask results [NAME...] [OPTION...]
                                        runs of docs/results/sweeps/NAME.toml that docs/results/data/NAME.csv lacks, then
                                        tables and pictures of docs/results; OPTIONs go to `apical sweep run`";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let ok = match args.split_first() {
        Some((task, rest)) if task == "test" => test::run(rest),
        Some((task, rest)) if task == "python" => python_package::alone(rest),
        Some((task, [])) if task == "tidy" => tidy::run(),
        Some((task, [])) if task == "docs" => docs::run(),
        Some((task, [])) if task == "package" => package::run(true),
        Some((task, [])) if task == "sanitize" => return sanitize::run(),
        Some((task, rest)) if task == "bench-peers" => return bench_peers::run(rest),
        Some((task, rest)) if task == "bench-scaling" => bench_scaling(rest),
        Some((task, rest)) if task == "results" => results::run(rest),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Measures and draws; the program stands in the package `benches`.
fn bench_scaling(args: &[String]) -> bool {
    let out = root().join("docs/images");
    let mut command = cargo(&["run", "--release", "--package", "apical-benches", "--bin", "bench-scaling", "--"]);
    succeeds(command.arg(out).args(args))
}

/// The repository's root.
fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().expect("xtask lies in the root").to_path_buf()
}

/// The cargo that runs us, at the root.
fn cargo(args: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args).current_dir(root());
    command
}

/// Says what is run, runs it, and tells whether it went well.
fn succeeds(command: &mut Command) -> bool {
    let args: Vec<_> = command.get_args().map(|a| a.to_string_lossy()).collect();
    println!("--- {} {}", program(command), args.join(" "));
    match command.status() {
        Ok(status) => status.success(),
        Err(error) => {
            eprintln!("cannot run {}: {error}", program(command));
            false
        }
    }
}

/// The name of the program that a command starts.
fn program(command: &Command) -> String {
    let path = std::path::Path::new(command.get_program());
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}
