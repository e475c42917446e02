//! What the pages point to is there: chapters, files, headings, pictures, and tasks of this package.

use super::{Finding, Tree};
use std::collections::BTreeMap;

const SUMMARY: &str = "docs/SUMMARY.md";

/// Every page of the book is a chapter, once, and every chapter is a page.
pub fn chapters(tree: &Tree) -> Vec<Finding> {
    let Some(summary) = tree.get(SUMMARY) else { return vec![Finding::new(SUMMARY, 0, "does not exist")] };
    let mut times = BTreeMap::<String, usize>::new();
    for link in prose(summary).flat_map(|(_, line)| links(line)) {
        *times.entry(beside(SUMMARY, link)).or_default() += 1;
    }
    let pages = tree.files().map(|(path, _)| path).filter(|path| path.starts_with("docs/") && path.ends_with(".md"));
    let lacking = pages.filter(|page| *page != SUMMARY && !times.contains_key(*page));
    let mut findings: Vec<Finding> =
        lacking.map(|page| Finding::new(page, 0, format!("is not in {SUMMARY}"))).collect();
    let twice = times.iter().filter(|(_, n)| **n > 1);
    findings.extend(twice.map(|(page, _)| Finding::new(SUMMARY, 0, format!("names {page} more than once"))));
    findings
}

/// Every link of the pages, and of those at the root, leads to a file, and to a heading of it where one is named. A link
/// of the book stays inside of it: what is built from `docs` holds nothing else.
pub fn targets(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let pages = tree.files().filter(|(path, _)| path.ends_with(".md"));
    for (page, text) in pages.filter(|(path, _)| path.starts_with("docs/") || !path.contains('/')) {
        for (line, link) in prose(text).flat_map(|(n, line)| links(line).map(move |link| (n, link))) {
            if ["https://", "http://", "mailto:"].iter().any(|scheme| link.starts_with(scheme)) {
                continue;
            }
            let (file, heading) = link.split_once('#').map_or((link, None), |(file, heading)| (file, Some(heading)));
            let target = if file.is_empty() { page.to_owned() } else { beside(page, file) };
            if !tree.exists(&target) {
                findings.push(Finding::new(page, line, format!("links to {link}, which is not there")));
            } else if page.starts_with("docs/") && !target.starts_with("docs/") {
                findings.push(Finding::new(page, line, format!("links to {link}, outside of the book")));
            } else if heading
                .is_some_and(|heading| !anchors(tree.get(&target).unwrap_or_default()).iter().any(|a| a == heading))
            {
                findings.push(Finding::new(page, line, format!("links to {link}, but {target} has no such heading")));
            }
        }
    }
    findings
}

/// Every `cargo xtask TASK` that a page names is a task; every package and path given to cargo is there.
pub fn tasks(tree: &Tree) -> Vec<Finding> {
    let usage = tree.get("xtask/src/main.rs").unwrap_or_default();
    let packages: Vec<String> = tree.manifests().map(|(_, name, _)| name).collect();
    let mut findings = Vec::new();
    for (page, text) in tree.files().filter(|(path, _)| path.ends_with(".md")) {
        for (n, line) in text.lines().enumerate() {
            let after = |what: &'static str| {
                line.split(what).skip(1).filter_map(|rest| rest.split([' ', '`', ',', '.', '"']).next())
            };
            let mut say = |what: String| findings.push(Finding::new(page, n + 1, what));
            for task in after("cargo xtask ").filter(|task| !usage.contains(&format!("\ncargo xtask {task} "))) {
                say(format!("there is no cargo xtask {task}"));
            }
            if !line.contains("cargo ") {
                continue;
            }
            for package in
                after(" -p ").chain(after(" --package ")).filter(|p| !packages.iter().any(|there| there == p))
            {
                say(format!("there is no package {package}"));
            }
            for path in after(" --path ").filter(|path| !tree.exists(path)) {
                say(format!("there is no {path}"));
            }
        }
    }
    findings
}

/// Lines outside of fenced blocks, with their numbers from 1.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    text.lines().enumerate().filter_map(move |(i, line)| {
        let fence = line.starts_with("```");
        fenced ^= fence;
        (!fenced && !fence).then_some((i + 1, line))
    })
}

/// Targets of links and pictures in a line; what stands in backticks is no link.
fn links(line: &str) -> impl Iterator<Item = &str> {
    [("](", ')'), (" src=\"", '"')].into_iter().flat_map(move |(start, end)| {
        line.match_indices(start).filter_map(move |(at, _)| {
            let in_code = line[..at].matches('`').count() % 2 == 1;
            if in_code { None } else { Some(line[at + start.len()..].split_once(end)?.0) }
        })
    })
}

/// The path of what a page's relative link names.
fn beside(page: &str, link: &str) -> String {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in link.split('/') {
        match part {
            "." => {}
            ".." if parts.pop().is_some() => {}
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

/// The anchors of a page's headings, as forges and mdBook make them.
fn anchors(text: &str) -> Vec<String> {
    let mut anchors: Vec<String> = Vec::new();
    for (_, line) in prose(text).filter(|(_, line)| line.starts_with('#')) {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        let kept = title.chars().filter(|c| c.is_alphanumeric() || "-_ ".contains(*c));
        let anchor: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect();
        let same = anchors
            .iter()
            .filter(|a| {
                **a == anchor || a.strip_prefix(&format!("{anchor}-")).is_some_and(|n| n.parse::<u32>().is_ok())
            })
            .count();
        anchors.push(if same == 0 { anchor } else { format!("{anchor}-{same}") });
    }
    anchors
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(findings: Vec<Finding>) -> Vec<String> {
        findings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn pages_that_are_no_chapter_or_two_are_found() {
        let summary = "- [A](a.md)\n- [B](results/b.md)\n- [A](a.md)\n";
        let tree = Tree::of(&[(SUMMARY, summary), ("docs/a.md", ""), ("docs/results/b.md", ""), ("docs/c.md", "")]);
        assert_eq!(
            found(chapters(&tree)),
            ["docs/c.md: is not in docs/SUMMARY.md", "docs/SUMMARY.md: names docs/a.md more than once"]
        );
    }

    #[test]
    fn links_to_nothing_and_out_of_the_book_are_found() {
        let page = "[a](b.md#the-way-of-x) [b](b.md#gone) ![p](images/p.png)\n```\n[c](gone.md)\n```\n`[d](gone.md)`\n\
                    [e](gone.md) [f](../README.md) [g](https://a.org/x) [h](#here-1)\n# Here\n# Here\n";
        let tree = Tree::of(&[
            ("docs/a.md", page),
            ("docs/b.md", "## The `way` of X!\n"),
            ("README.md", "[book](docs/a.md) [no](docs/no.md) <img src=\"no.png\">"),
        ]);
        assert_eq!(
            found(targets(&tree)),
            [
                "README.md:1: links to docs/no.md, which is not there",
                "README.md:1: links to no.png, which is not there",
                "docs/a.md:1: links to b.md#gone, but docs/b.md has no such heading",
                "docs/a.md:1: links to images/p.png, which is not there",
                "docs/a.md:6: links to gone.md, which is not there",
                "docs/a.md:6: links to ../README.md, outside of the book",
            ]
        );
    }

    #[test]
    fn tasks_packages_and_paths_that_are_not_there_are_found() {
        let page = "`cargo xtask test`, `cargo xtask bake --all`\ncargo run -p apical-cli --path crates/gone\na cp -p x\ncargo test -p gone\n";
        let tree = Tree::of(&[
            ("xtask/src/main.rs", "\"\ncargo xtask test [X]   all\""),
            ("crates/apical-cli/Cargo.toml", "[package]\nname = \"apical-cli\""),
            ("a.md", page),
        ]);
        assert_eq!(
            found(tasks(&tree)),
            [
                "a.md:1: there is no cargo xtask bake",
                "a.md:2: there is no crates/gone",
                "a.md:4: there is no package gone",
            ]
        );
    }
}
