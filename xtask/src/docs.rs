//! `cargo xtask docs`: makes the generated pages and pictures anew, and the book of all pages.

use crate::{cargo, root, succeeds};
use std::process::Command;

/// What makes the book: package, exact version, further arguments of `cargo install`. The second is a preprocessor of the
/// first, and was built against that version of it.
const TOOLS: [(&str, &str, &[&str]); 2] =
    [("mdbook", "0.5.3", &["--no-default-features", "--features", "search"]), ("mdbook-katex", "0.10.0", &[])];

/// Runs the steps; true if all went well.
pub fn run() -> bool {
    let generate = |package: &str, test: &str, filter: &str| {
        succeeds(cargo(&["test", "--quiet", "--package", package, "--test", test, filter]).env("BLESS", "1"))
    };
    generate("apical-lab", "config_reference", "reference_page")
        && generate("apical-cli", "book", "gallery")
        && TOOLS.iter().all(install)
        && build()
}

/// Installs a tool into `target/tools`, unless it is there in this version.
fn install((name, version, extra): &(&str, &str, &[&str])) -> bool {
    let tools = root().join("target/tools");
    let there = Command::new(tools.join("bin").join(name)).arg("--version").output();
    if there.is_ok_and(|done| String::from_utf8_lossy(&done.stdout).trim_end().ends_with(version)) {
        return true;
    }
    let version = format!("={version}");
    let mut command = cargo(&["install", name, "--version", &version, "--locked", "--root"]);
    command.arg(&tools).arg("--target-dir").arg(tools.join("build")).args(*extra);
    succeeds(&mut command)
}

/// Makes `target/book`.
fn build() -> bool {
    let bin = root().join("target/tools/bin");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths([bin.clone()].into_iter().chain(std::env::split_paths(&path)));
    let Ok(path) = path else {
        eprintln!("docs: {} cannot stand in PATH", bin.display());
        return false;
    };
    let built = succeeds(Command::new(bin.join("mdbook")).arg("build").current_dir(root()).env("PATH", path));
    if built {
        println!("{}", root().join("target/book/index.html").display());
    }
    built
}
