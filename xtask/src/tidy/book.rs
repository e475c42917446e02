//! What the docs name exists: paths in ARCHITECTURE.md, dependencies with their reasons, presets, functions and tests.

use super::{Finding, Tree};
use std::collections::BTreeSet;

/// Every path in backticks in ARCHITECTURE.md exists, seen from the root. A path holds a `/`, or ends like a file of
/// ours; what holds a space, an angle bracket, a star or `::` is something else, and so is `runs/`.
pub fn architecture_paths(tree: &Tree) -> Vec<Finding> {
    let page = "ARCHITECTURE.md";
    let Some(text) = tree.get(page) else { return vec![Finding::new(page, 0, "does not exist")] };
    let mut findings = Vec::new();
    for (i, line) in text.lines().enumerate() {
        for path in in_backticks(line).filter(|code| is_path(code) && !tree.exists(code)) {
            findings.push(Finding::new(page, i + 1, format!("`{path}` does not exist")));
        }
    }
    findings
}

fn is_path(code: &str) -> bool {
    let ends = [".rs", ".md", ".toml", ".cff"].iter().any(|end| code.ends_with(end));
    let other = code.contains([' ', '<', '*', '(']) || code.contains("::") || code.starts_with("runs/");
    (ends || code.contains('/')) && !other
}

/// Every outside dependency of a manifest has a row in docs/dependencies.md, and no row is left over.
pub fn dependencies(tree: &Tree) -> Vec<Finding> {
    let page = "docs/dependencies.md";
    let text = tree.get(page).unwrap_or_default();
    let rows: Vec<(usize, &str)> = text
        .lines()
        .enumerate()
        .filter(|(_, line)| line.starts_with("| `"))
        .filter_map(|(i, line)| Some((i + 1, in_backticks(line).next()?)))
        .collect();
    let mut findings = Vec::new();
    let mut used = BTreeSet::new();
    for (path, _, table) in tree.manifests() {
        for name in outside(&table) {
            if !rows.iter().any(|(_, row)| *row == name) {
                findings.push(Finding::new(path, 0, format!("{name} has no reason in {page}")));
            }
            used.insert(name);
        }
    }
    let left_over = rows.into_iter().filter(|(_, row)| !used.contains(*row));
    findings.extend(left_over.map(|(line, row)| Finding::new(page, line, format!("nothing depends on {row}"))));
    findings
}

/// Names of the dependencies of a manifest that are not our own crates.
fn outside(manifest: &toml::Table) -> Vec<String> {
    let mut names = Vec::new();
    for (key, value) in manifest {
        let Some(table) = value.as_table() else { continue };
        if ["dependencies", "dev-dependencies", "build-dependencies"].contains(&key.as_str()) {
            let ours = |name: &str| name == "apical" || name.starts_with("apical-");
            names.extend(table.keys().filter(|name| !ours(name)).cloned());
        } else if key == "workspace" {
            names.extend(outside(table));
        } else if key == "target" {
            names.extend(table.values().filter_map(|v| v.as_table()).flat_map(outside));
        }
    }
    names
}

/// Every preset that a page runs or shows is there. Presets are the TOML files of folders named `presets`; a page
/// names one as the word after `run`, `show` in a command (`apical run NAME`, `cargo run --release -- run NAME`).
pub fn presets(tree: &Tree) -> Vec<Finding> {
    let there: BTreeSet<&str> = tree
        .files()
        .filter_map(|(path, _)| {
            let (folder, file) = path.rsplit_once('/')?;
            (folder.ends_with("/presets")).then(|| file.strip_suffix(".toml")).flatten()
        })
        .collect();
    let mut findings = Vec::new();
    for (path, text) in pages(tree) {
        for (i, line) in text.lines().enumerate() {
            for command in ["apical run ", "apical show ", "-- run ", "-- show "] {
                let words = line.split(command).skip(1).filter_map(|rest| rest.split([' ', '`']).next());
                for name in words.filter(|word| is_preset_name(word) && !there.contains(word)) {
                    findings.push(Finding::new(path, i + 1, format!("there is no preset {name}")));
                }
            }
        }
    }
    findings
}

/// Not a file, an option or a placeholder (PRESET).
fn is_preset_name(word: &str) -> bool {
    word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-') && !word.starts_with('-')
}

/// Every function or test that a page names as `file::function` is in a file, or the `mod.rs` of a folder, of that name.
pub fn functions(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in pages(tree) {
        for (i, line) in text.lines().enumerate() {
            for code in in_backticks(line).filter(|code| is_function(code)) {
                let Some((module, function)) = code.rsplit_once("::") else { continue };
                let module = module.rsplit("::").next().unwrap_or(module);
                let homes = [format!("/{module}.rs"), format!("/{module}/mod.rs")];
                let heads = [format!("fn {function}("), format!("fn {function}<")];
                let there = tree.rust().any(|(file, text)| {
                    homes.iter().any(|home| file.ends_with(home)) && heads.iter().any(|head| text.contains(head))
                });
                if !there {
                    findings.push(Finding::new(path, i + 1, format!("there is no `{code}`")));
                }
            }
        }
    }
    findings
}

/// Names in lower case, joined by `::`.
fn is_function(code: &str) -> bool {
    code.contains("::") && code.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_:".contains(c))
}

/// The README and the book.
fn pages(tree: &Tree) -> impl Iterator<Item = (&str, &str)> {
    tree.files().filter(|(path, _)| *path == "README.md" || path.starts_with("docs/"))
}

/// What stands between pairs of backticks in a line.
fn in_backticks(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_does_not_exist_is_found() {
        let page = "`crates/a/src` and `a.rs`, `crates/gone`, `a::b/c`, `x -> y/z`, `runs/<name>`, `word`\n";
        let tree = Tree::of(&[("ARCHITECTURE.md", page), ("crates/a/src/lib.rs", ""), ("a.rs", "")]);
        assert_eq!(architecture_paths(&tree), [Finding::new("ARCHITECTURE.md", 1, "`crates/gone` does not exist")]);
        assert_eq!(architecture_paths(&Tree::of(&[])).len(), 1);
    }

    #[test]
    fn a_dependency_without_reason_and_a_reason_without_dependency_are_found() {
        let manifest = "[dependencies]\napical = \"1\"\ncsv = \"1\"\n[dev-dependencies]\ninsta = \"1\"\n\
                        [target.'cfg(unix)'.dependencies]\nlibc = \"1\"\n";
        let page = "| `csv` | reads |\n| `gone` | once |\n";
        let found = dependencies(&Tree::of(&[("a/Cargo.toml", manifest), ("docs/dependencies.md", page)]));
        let found: Vec<&str> = found.iter().map(|f| f.what.as_str()).collect();
        assert_eq!(
            found,
            [
                "insta has no reason in docs/dependencies.md",
                "libc has no reason in docs/dependencies.md",
                "nothing depends on gone"
            ]
        );
    }

    #[test]
    fn a_preset_that_does_not_exist_is_found() {
        let page = "`apical run digits --seed 1` or `apical run PRESET`, `apical run my.toml`\n\
                    cargo run --release -- run mnist-9\n";
        let tree = Tree::of(&[("README.md", page), ("crates/apical-lab/presets/digits.toml", "")]);
        assert_eq!(presets(&tree), [Finding::new("README.md", 2, "there is no preset mnist-9")]);
    }
    #[test]
    fn a_function_or_test_that_does_not_exist_is_found() {
        let page =
            "`theory::it_holds`, `rules::forward::error`, `rules::apply`\n`theory::gone`, `Type::method`, `a::b c`\n";
        let tree = Tree::of(&[
            ("docs/page.md", page),
            ("a/tests/theory.rs", "#[test]\nfn it_holds() {}\nfn gone_too() {}\n"),
            ("a/src/rules/forward.rs", "pub fn error<T>(x: T) {}\n"),
            ("a/src/rules/mod.rs", "pub fn apply(x: u8) {}\n"),
        ]);
        assert_eq!(functions(&tree), [Finding::new("docs/page.md", 2, "there is no `theory::gone`")]);
    }
}
