//! Each numbered equation of the model is one reference function.
//!
//! The form that is recognised: the first line of a function's doc comment holds `Eq. (3)`. Further lines may mention
//! other equations; a fast twin says "twin of NAME" and carries no number.

use super::{Finding, Tree, outside_tests};

/// The numbers of the model, those of docs/circuit.md: there is no (6).
const EQUATIONS: [usize; 9] = [1, 2, 3, 4, 5, 7, 8, 9, 10];

/// Each equation stands in exactly one function's first doc line.
pub fn numbered_once(tree: &Tree) -> Vec<Finding> {
    let mut places = EQUATIONS.map(|number| (number, Vec::new()));
    let mut findings = Vec::new();
    for (path, text) in tree.rust().filter(|(path, _)| path.starts_with("crates/apical/src/")) {
        let lines: Vec<&str> = outside_tests(text).map(|(_, line)| line.trim()).collect();
        for (i, line) in lines.iter().enumerate() {
            let starts_doc = line.starts_with("///") && (i == 0 || !lines[i - 1].starts_with("///"));
            if !starts_doc {
                continue;
            }
            for number in numbers(line) {
                match places.iter_mut().find(|(n, _)| *n == number) {
                    None => findings.push(Finding::new(path, i + 1, format!("the model has no equation ({number})"))),
                    Some(_) if !documents_function(&lines[i..]) => {
                        findings.push(Finding::new(
                            path,
                            i + 1,
                            format!("Eq. ({number}) does not document a function"),
                        ));
                    }
                    Some((_, places)) => places.push((path, i + 1)),
                }
            }
        }
    }
    for (number, places) in &places {
        match places.as_slice() {
            [] => findings.push(Finding::new("crates/apical/src", 0, format!("no function is Eq. ({number})"))),
            [_] => {}
            [(first, line), others @ ..] => {
                findings.extend(others.iter().map(|(path, at)| {
                    Finding::new(path, *at, format!("Eq. ({number}) stands at {first}:{line} already"))
                }))
            }
        }
    }
    findings
}

/// The numbers n of all `Eq. (n)` in a line.
fn numbers(line: &str) -> impl Iterator<Item = usize> {
    line.split("Eq. (").skip(1).filter_map(|rest| rest.split(')').next()?.parse().ok())
}

/// True if what follows the doc comment and attributes at the start of `lines` is a function.
fn documents_function(lines: &[&str]) -> bool {
    let item = lines.iter().find(|line| !line.starts_with("///") && !line.starts_with('#'));
    item.is_some_and(|line| line.split(['(', '<']).next().is_some_and(|head| head.split(' ').any(|word| word == "fn")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_doubled_and_misplaced_numbers_are_found() {
        let all: String = EQUATIONS
            .iter()
            .map(|n| format!("/// The law, Eq. ({n}).\n/// See Eq. (4).\n#[inline]\npub fn f{n}() {{}}\n"))
            .collect();
        assert_eq!(numbered_once(&Tree::of(&[("crates/apical/src/circuit/a.rs", &all)])), []);

        let wrong = all.replace("law, Eq. (2)", "law")
            + "/// Eq. (3) again.\nfn g() {}\n/// Eq. (6)\nfn h() {}\n/// Eq. (2)\nstruct S;\n";
        let found: Vec<String> = numbered_once(&Tree::of(&[("crates/apical/src/circuit/a.rs", &wrong)]))
            .iter()
            .map(|f| f.what.clone())
            .collect();
        assert_eq!(
            found,
            [
                "the model has no equation (6)",
                "Eq. (2) does not document a function",
                "no function is Eq. (2)",
                "Eq. (3) stands at crates/apical/src/circuit/a.rs:9 already",
            ]
        );
    }
}
