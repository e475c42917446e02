//! Comparisons: one config, several learners, several seeds. Each learner and seed is an ordinary experiment with an
//! ordinary run folder; which experiment that is, is decided here and nowhere else.

mod choose;
mod derive;
pub mod results;

pub(crate) use derive::suit;

use crate::check::{self, Context};
use crate::config::diagnostic::{Findings, Span};
use crate::config::node::{Key, Node};
use crate::config::walk::{View, walk};
use crate::config::{Diagnostic, Override, Source};
use crate::folder::{NAME_RULE, is_name, sha256_hex};
use crate::{Error, Experiment};

/// More runs of one learner than anybody waits for.
const MOST_SEEDS: u64 = 10_000;

/// Learners to compare, ready to be run.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Its name.
    pub name: String,
    /// The learners, at least one, in the order in which they are told.
    pub entries: Vec<Entry>,
    /// Seeds of each learner's runs, at least one.
    pub seeds: Vec<u64>,
    /// What will probably not go as hoped.
    pub warnings: Vec<Diagnostic>,
}

/// One of the learners.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its name in the config, unique.
    pub name: String,
    /// What tables and figures call it, unique.
    pub label: String,
    /// Its experiment, with the first seed.
    pub experiment: Experiment,
}

impl Entry {
    /// Its experiment with this seed.
    pub fn seeded(&self, seed: u64) -> Experiment {
        Experiment { seed, ..self.experiment.clone() }
    }

    /// The canonical configs of its runs, one per seed; data files are read once.
    ///
    /// # Errors
    /// A named data file cannot be read.
    pub fn canonicals(&self, seeds: &[u64]) -> Result<Vec<String>, Error> {
        let first = check::canonical(&self.experiment)?;
        // The only line of a canonical config that begins so.
        let own = format!("seed = {}\n", self.experiment.seed);
        Ok(seeds.iter().map(|seed| first.replacen(&own, &format!("seed = {seed}\n"), 1)).collect())
    }
}

/// `NAME-compare-ID16`: the folder of the results, named by the names of the learners and the configs of all runs.
pub fn folder_name(name: &str, runs: &[(&str, &str)]) -> String {
    let all: String = runs.iter().map(|(learner, canonical)| format!("{learner}\n{canonical}\n")).collect();
    format!("{name}-compare-{}", &sha256_hex(all.as_bytes())[..16])
}

/// True if the config is TOML with a `[compare]`.
pub fn is_comparison(source: &Source) -> bool {
    check::read(source, &[]).is_ok_and(|(root, _)| root.get("compare").is_some())
}

/// A config in its parts, with what is wrong with each by itself.
struct Parts {
    /// What all learners share.
    base: Node,
    /// `[compare]`.
    compare: Option<Node>,
    /// `[learner]`.
    learner: Option<(Key, Node)>,
    findings: Findings,
}

fn parts(source: &Source, overrides: &[Override]) -> Result<Parts, Vec<Diagnostic>> {
    let (mut base, mut findings) = check::read(source, overrides)?;
    let compare = base.take("compare").map(|(_, node)| node);
    let learner = base.take("learner");
    if let Some(node) = &compare {
        choose::walk_compare(node, &mut findings);
    }
    // Tables that are nothing to the learners chosen are still to be right.
    walk(&base, "", "", &mut findings);
    Ok(Parts { base, compare, learner, findings })
}

/// Reads, grafts the overrides, chooses the learners and decides everything of each. `names` and `seeds` stand for what
/// `[compare]` says; a config without `[compare]` is compared as well, its own learner with others at their defaults.
///
/// # Errors
/// All that is wrong with all learners, each thing once, with warnings after the errors.
pub fn check(
    source: &Source,
    overrides: &[Override],
    names: Option<&[String]>,
    seeds: Option<u64>,
    context: &Context,
) -> Result<Comparison, Vec<Diagnostic>> {
    let Parts { base, compare, learner, mut findings } = parts(source, overrides)?;
    let view = View { node: compare.as_ref(), table: "compare" };
    let name = name(&base, source, &mut findings);
    let given = choose::given(compare.is_some(), learner.as_ref(), &mut findings);
    let chosen = choose::chosen(given, names, view, &mut findings);
    let first = base.get("seed").map_or(Some(0), Node::count);
    let seeds = count(seeds, view, &mut findings);
    let seeds = first.zip(seeds).and_then(|(first, n)| {
        let last = first.checked_add(n - 1);
        if last.is_none() {
            let at = base.get("seed").map_or(Span::FILE, |node| node.at);
            findings.error(at, format!("{n} seeds from {first} on"), "allowed: up to 18446744073709551615");
        }
        Some((first..=last?).collect::<Vec<u64>>())
    });
    let mut entries: Vec<Entry> = Vec::new();
    for one in chosen.iter().flatten() {
        let mut own = findings.fork();
        let tree = derive::tree(&base, one, &name, &mut own);
        let experiment = check::decide(&tree, source, context, &mut own);
        findings.absorb(own.into_list().into_iter().map(|d| derive::in_entry(d, &one.name)));
        if !is_name(&format!("{name}-{}", one.name)) {
            let found = format!("a run cannot be called \"{name}-{}\"", one.name);
            findings.error(one.at, found, format!("allowed: {NAME_RULE}"));
        }
        if entries.iter().any(|e| e.label == one.label) {
            findings.error(one.at, format!("another learner has the label {:?} too", one.label), "each its own");
        }
        if let Some(experiment) = experiment {
            entries.push(Entry { name: one.name.clone(), label: one.label.clone(), experiment });
        }
    }
    match (seeds, chosen) {
        (Some(seeds), Some(_)) if findings.is_ok() => {
            Ok(Comparison { name, entries, seeds, warnings: findings.into_list() })
        }
        _ => Err(findings.into_list()),
    }
}

/// The raw configs of a comparison's learners, for who wants to know what they name and not whether they can run.
///
/// # Errors
/// What is no comparison.
pub(crate) fn trees(source: &Source) -> Result<Vec<Node>, Vec<Diagnostic>> {
    let Parts { base, compare, learner, mut findings } = parts(source, &[])?;
    let view = View { node: compare.as_ref(), table: "compare" };
    let given = choose::given(compare.is_some(), learner.as_ref(), &mut findings);
    let chosen = choose::chosen(given, None, view, &mut findings).unwrap_or_default();
    let trees = chosen.iter().map(|one| derive::tree(&base, one, &source.name, &mut findings)).collect();
    if findings.is_ok() { Ok(trees) } else { Err(findings.into_list()) }
}

/// The comparison's name. One that is wrong is reported, and the file's stands for it.
fn name(base: &Node, source: &Source, findings: &mut Findings) -> String {
    let Some((text, at)) = base.get("name").and_then(|n| n.text().map(|t| (t, n.at))) else {
        return source.name.clone();
    };
    if !is_name(text) {
        let found = format!("`name` cannot be {:?}", text.chars().take(40).collect::<String>());
        findings.error(at, found, format!("allowed: {NAME_RULE}"));
        return source.name.clone();
    }
    text.to_owned()
}

/// How many seeds: what the flag says, or else the config.
fn count(flag: Option<u64>, view: View<'_>, findings: &mut Findings) -> Option<u64> {
    let (n, at) = match flag {
        Some(n) => {
            let text = n.to_string();
            let at = Span { text: findings.add_text("--seeds", &text), start: 0, end: text.len() };
            (n, at)
        }
        // What is no integer from 1 on was reported with its table.
        None => (view.count("seeds")? as u64, view.at("seeds")),
    };
    if !(1..=MOST_SEEDS).contains(&n) {
        findings.error(at, format!("{n} seeds"), format!("allowed: 1 to {MOST_SEEDS}"));
        return None;
    }
    Some(n)
}
