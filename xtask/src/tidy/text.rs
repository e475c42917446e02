//! What every file keeps to: a module doc, a length that can be read, no path of somebody's machine.

use super::{Finding, Tree, is_test_file, outside_tests};

/// Lines that a file may have, tests apart.
const LONGEST: usize = 500;

/// Every Rust file starts with a module doc.
pub fn module_docs(tree: &Tree) -> Vec<Finding> {
    let lacking = tree.rust().filter(|(_, text)| !text.starts_with("//!"));
    lacking.map(|(path, _)| Finding::new(path, 1, "starts without a module doc (//!)")).collect()
}

/// No Rust file is longer than 500 lines; test files, and what follows `#[cfg(test)]`, do not count.
pub fn short_files(tree: &Tree) -> Vec<Finding> {
    let files = tree.rust().filter(|(path, _)| !is_test_file(path));
    let long = files.map(|(path, text)| (path, outside_tests(text).count())).filter(|(_, lines)| *lines > LONGEST);
    long.map(|(path, lines)| Finding::new(path, 0, format!("{lines} lines, {LONGEST} are allowed"))).collect()
}

/// No text names a folder of the machine on which it was written, and Cargo.lock no registry but the public one.
pub fn no_machine_paths(tree: &Tree) -> Vec<Finding> {
    // In two parts, so that this file does not find itself.
    let homes = [["/ho", "me/"], ["/ro", "ot/"], ["/Us", "ers/"], ["/wo", "rk/"], ["/tm", "p/"]].map(|p| p.concat());
    let mut findings = Vec::new();
    for (path, text) in tree.files() {
        for (i, line) in text.lines().enumerate() {
            if let Some(home) = homes.iter().find(|home| names_path(line, home)) {
                findings.push(Finding::new(path, i + 1, format!("names a path of one machine ({home}..)")));
            }
            let registry = line.strip_prefix("source = \"registry+").filter(|_| path.ends_with("Cargo.lock"));
            if registry.is_some_and(|r| r != "https://github.com/rust-lang/crates.io-index\"") {
                findings.push(Finding::new(path, i + 1, "comes from a registry that is not the public one"));
            }
        }
    }
    findings
}

/// True if the folder stands in the line as the start of a path, not inside a longer one or a URL.
fn names_path(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || "_.-/}".contains(c))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_module_doc_is_found() {
        let tree = Tree::of(&[("a.rs", "//! Doc.\n"), ("b.rs", "// no doc\n"), ("c.md", "text")]);
        assert_eq!(module_docs(&tree), [Finding::new("b.rs", 1, "starts without a module doc (//!)")]);
    }

    #[test]
    fn a_long_file_is_found_but_tests_do_not_count() {
        let code = |n: usize| "x\n".repeat(n);
        let tested = code(500) + "#[cfg(test)]\n" + &code(300);
        let (at_bound, long) = (code(500), code(501));
        let tree = Tree::of(&[("a.rs", &at_bound), ("b.rs", &long), ("c.rs", &tested), ("d/tests/e.rs", &long)]);
        assert_eq!(short_files(&tree), [Finding::new("b.rs", 0, "501 lines, 500 are allowed")]);
    }

    #[test]
    fn a_path_of_one_machine_is_found() {
        let at_home = ["see /ho", "me/me/data"].concat();
        let elsewhere = ["https://a.org/ho", "me/ and $DIR/wo", "rk/ and a/tm", "p/b"].concat();
        let tree = Tree::of(&[("a.md", &at_home), ("b.md", &elsewhere)]);
        assert_eq!(no_machine_paths(&tree).iter().map(|f| f.path.as_str()).collect::<Vec<_>>(), ["a.md"]);
        let lock = "source = \"registry+https://mirror.example/index\"\n";
        assert_eq!(no_machine_paths(&Tree::of(&[("Cargo.lock", lock)])).len(), 1);
    }
}
