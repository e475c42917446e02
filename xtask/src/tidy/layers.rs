//! Dependencies point one way: between crates, and between the modules of the engine.

use super::{Finding, Tree, is_test_file, outside_tests};

/// Which of our crates each of our crates may depend on.
const CRATES: [(&str, &[&str]); 8] = [
    ("apical", &[]),
    ("apical-lab", &["apical"]),
    ("apical-report", &["apical-lab"]),
    ("apical-cli", &["apical", "apical-lab", "apical-report"]),
    ("apical-py", &["apical", "apical-lab", "apical-report"]),
    ("apical-benches", &["apical", "apical-report"]),
    ("apical-results", &["apical-report"]),
    ("xtask", &[]),
];

/// The modules of the engine; each may use itself and those of a lower rank.
const MODULES: [(&str, u8); 6] =
    [("kernels", 0), ("circuit", 1), ("solvers", 2), ("learners", 3), ("tasks", 3), ("evaluate", 4)];

/// Crates depend on each other only as `CRATES` says.
pub fn crates(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, name, table) in tree.manifests() {
        let Some((_, allowed)) = CRATES.iter().find(|(c, _)| *c == name) else { continue };
        let Some(dependencies) = table.get("dependencies").and_then(|d| d.as_table()) else { continue };
        for ours in dependencies.keys().filter(|d| CRATES.iter().any(|(c, _)| c == d)) {
            if !allowed.contains(&ours.as_str()) {
                findings.push(Finding::new(path, 0, format!("{name} must not depend on {ours}")));
            }
        }
    }
    findings
}

/// The report uses `record` of the lab and nothing else of it: a figure is a function of run folders.
pub fn report_uses_record_only(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.rust().filter(|(path, _)| path.starts_with("crates/apical-report/src/")) {
        for (line, code) in outside_tests(text) {
            for module in first_segments(code, "apical_lab::").filter(|m| *m != "record") {
                findings.push(Finding::new(path, line, format!("the report must not use apical_lab::{module}")));
            }
        }
    }
    findings
}

/// In the engine: tasks and learners -> solvers -> circuit -> kernels.
pub fn modules(tree: &Tree) -> Vec<Finding> {
    let rank = |name: &str| MODULES.iter().find(|(m, _)| *m == name).map(|(_, rank)| *rank);
    let mut findings = Vec::new();
    for (path, text) in tree.rust().filter(|(path, _)| !is_test_file(path)) {
        let Some(inside) = path.strip_prefix("crates/apical/src/") else { continue };
        let own = inside.split(['/', '.']).next().unwrap_or_default();
        let Some(own_rank) = rank(own) else { continue };
        for (line, code) in outside_tests(text) {
            for used in first_segments(code, "crate::") {
                if used != own && rank(used).is_some_and(|r| r >= own_rank) {
                    findings.push(Finding::new(path, line, format!("{own} must not use crate::{used}")));
                }
            }
        }
    }
    findings
}

/// The names that follow `prefix` in a line of code; for `prefix{a::b, c}` those are a and c. Comments do not count.
fn first_segments<'a>(code: &'a str, prefix: &'a str) -> impl Iterator<Item = &'a str> {
    let code = code.split("//").next().unwrap_or_default();
    code.match_indices(prefix).flat_map(move |(at, _)| {
        let rest = &code[at + prefix.len()..];
        let group = rest.strip_prefix('{');
        let mut depth = 0;
        let parts = rest.trim_start_matches('{').split(move |c| {
            depth += match c {
                '{' => 1,
                '}' => -1,
                _ => 0,
            };
            depth == 0 && c == ','
        });
        parts.take(if group.is_some() { usize::MAX } else { 1 }).map(|part| {
            let name = part.trim();
            &name[..name.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(name.len())]
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_that_looks_up_is_found() {
        let lab = "[package]\nname = \"apical-lab\"\n[dependencies]\napical = \"1\"\n";
        assert_eq!(crates(&Tree::of(&[("crates/apical-lab/Cargo.toml", lab)])), []);
        let engine = "[package]\nname = \"apical\"\n[dependencies]\napical-lab = \"1\"\n";
        assert_eq!(crates(&Tree::of(&[("crates/apical/Cargo.toml", engine)])).len(), 1);
    }

    #[test]
    fn a_report_that_reaches_past_the_record_is_found() {
        let text = "use apical_lab::record::Run;\nuse apical_lab::{record, run::Start};\n";
        let found = report_uses_record_only(&Tree::of(&[("crates/apical-report/src/lib.rs", text)]));
        assert_eq!(found.iter().map(|f| f.line).collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn a_module_that_looks_up_or_sideways_is_found() {
        let tree = Tree::of(&[
            ("crates/apical/src/circuit/step.rs", "use crate::kernels::Mat;\nuse crate::solvers::Solver;\n"),
            ("crates/apical/src/learners/mod.rs", "use crate::{circuit::{State, step}, tasks};\n"),
            ("crates/apical/src/solvers/mod.rs", "// crate::tasks is not ours\n#[cfg(test)]\nuse crate::tasks;\n"),
        ]);
        let found: Vec<String> = modules(&tree).iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                "crates/apical/src/circuit/step.rs:2: circuit must not use crate::solvers",
                "crates/apical/src/learners/mod.rs:1: learners must not use crate::tasks",
            ]
        );
    }
}
