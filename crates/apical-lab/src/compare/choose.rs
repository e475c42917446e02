//! Which learners a comparison has: what the config gives, what `[compare]` or the command line names.

use crate::config::diagnostic::{Findings, Span};
use crate::config::fields::ENTRY;
use crate::config::node::{Key, Node, Value};
use crate::config::registry::{fields_of, nearest};
use crate::config::walk::{View, walk};
use apical::learners::NAMES;

/// A learner with what the config says of it.
#[derive(Clone, Debug)]
pub(super) struct Chosen {
    /// Its name.
    pub name: String,
    /// Where it is named.
    pub at: Span,
    /// Its [learner], with a kind.
    pub table: Node,
    /// What tables and figures call it.
    pub label: String,
    /// What differs from the shared tables.
    pub set: Option<Node>,
    /// `[expect]` speaks of it.
    pub expected: bool,
}

/// The learners of a config.
pub(super) struct Given {
    list: Vec<Chosen>,
    /// Names of those that are wrong and were reported.
    wrong: Vec<String>,
    comparison: bool,
}

/// Reports what is wrong in `[compare]` itself.
pub(super) fn walk_compare(node: &Node, findings: &mut Findings) {
    if matches!(node.value, Value::Table(_)) {
        walk(node, "compare", "compare", findings);
    } else {
        let found = format!("`compare` cannot be {}", node.describe());
        findings.error(node.at, found, "allowed: a table with learners, seeds");
    }
}

/// The learners that the config gives: the tables in [learner] of a comparison, or the one of a single experiment.
pub(super) fn given(comparison: bool, learner: Option<&(Key, Node)>, findings: &mut Findings) -> Given {
    let mut given = Given { list: Vec::new(), wrong: Vec::new(), comparison };
    if !comparison {
        let (at, table) = match learner {
            Some((key, node)) => (key.at, node.clone()),
            None => (Span::FILE, kind_alone("microcircuit", Span::FILE)),
        };
        let view = View { node: Some(&table), table: "learner" };
        if let (Value::Table(_), Some(name)) = (&table.value, view.kind().map(str::to_owned)) {
            let set = None;
            given.list.push(Chosen { label: name.clone(), name, at, table, set, expected: true });
        } else if let Value::Table(_) = table.value {
            walk(&table, "learner", "learner", findings);
        } else {
            findings.error(table.at, format!("`learner` cannot be {}", table.describe()), "allowed: a table");
        }
        return given;
    }
    for (key, node) in learner.map_or(&[][..], |(_, node)| node.entries()) {
        match entry(key, node, findings) {
            Some(chosen) => given.list.push(chosen),
            None => given.wrong.push(key.name.clone()),
        }
    }
    if let Some((_, node)) = learner
        && !matches!(node.value, Value::Table(_))
    {
        findings.error(node.at, format!("`learner` cannot be {}", node.describe()), "allowed: tables [learner.NAME]");
    }
    given
}

fn entry(key: &Key, node: &Node, findings: &mut Findings) -> Option<Chosen> {
    let name = key.name.clone();
    let shown: String = name.chars().take(60).collect();
    let is_field = fields_of("learner").any(|f| f.key == name);
    if !matches!(node.value, Value::Table(_)) || (is_field && node.get("kind").is_none()) || name == "optimiser" {
        let found = format!("`learner.{shown}` is no learner of this comparison");
        let help = "in a comparison each learner has a table of its own, as in [learner.bp] or [learner.bp.optimiser]";
        findings.error(key.at, found, "allowed: a table [learner.NAME]").help = help.to_owned();
        return None;
    }
    let mut table = node.clone();
    let mut fine = true;
    let mut take = |field: &str| {
        let (_, value) = table.take(field)?;
        let field = fields_of(ENTRY).find(|f| f.key == field)?;
        if let Some(bad) = field.kind.refused(&value) {
            fine = false;
            let found = format!("`learner.{shown}.{}` cannot be {}", field.key, bad.describe());
            findings.error(bad.at, found, format!("allowed: {}", field.allowed()));
            return None;
        }
        Some(value)
    };
    let (label, set) = (take("label"), take("set"));
    if table.get("kind").is_none() {
        if !NAMES.iter().any(|(kind, _)| *kind == name) {
            let found = format!("`learner.{shown}` says no kind, and no learner is called so");
            findings.error(key.at, found, near(&name, kinds())).help = format!("kinds: {}", listed(kinds()));
            return None;
        }
        table.put("kind", key.at, Value::Text(name.clone()));
    }
    let label = label.and_then(|l| l.text().map(str::to_owned)).unwrap_or_else(|| name.clone());
    fine.then_some(Chosen { name, at: key.at, table, label, set, expected: true })
}

/// The learners that are named, in that order; `None` if none can be told.
pub(super) fn chosen(
    given: Given,
    names: Option<&[String]>,
    compare: View<'_>,
    findings: &mut Findings,
) -> Option<Vec<Chosen>> {
    let named = match names {
        Some(names) => flag(names, findings),
        None if compare.has("learners") => {
            let node = compare.given("learners")?;
            let one = std::slice::from_ref(node);
            let list = if node.text().is_some() { one } else { node.elements() };
            list.iter().filter_map(|n| n.text().map(|t| (t.to_owned(), n.at))).collect()
        }
        None if given.comparison => given.list.iter().map(|c| (c.name.clone(), c.at)).collect(),
        None => {
            let found = "no learners to compare: the config has no [compare]";
            findings.error(Span::FILE, found, "name them, as in --learners bp,fa");
            return None;
        }
    };
    if named.is_empty() {
        if given.wrong.is_empty() {
            let at = if compare.node.is_some() { compare.at("learners") } else { Span::FILE };
            findings.error(at, "no learners to compare", "allowed: at least one, as in [\"bp\", \"fa\"]");
        }
        return None;
    }
    let mut chosen: Vec<Chosen> = Vec::new();
    for (i, (name, at)) in named.iter().enumerate() {
        if named[..i].iter().any(|(other, _)| other == name) {
            findings.error(*at, format!("the learner {name:?} is named twice"), "allowed: each once");
        } else if let Some(one) = given.list.iter().find(|c| c.name == *name) {
            chosen.push(one.clone());
        } else if NAMES.iter().any(|(kind, _)| kind == name) && !given.wrong.contains(name) {
            chosen.push(Chosen {
                name: name.clone(),
                at: *at,
                table: kind_alone(name, *at),
                label: name.clone(),
                set: None,
                expected: given.comparison,
            });
        } else if !given.wrong.contains(name) {
            let known: Vec<&str> =
                given.list.iter().map(|c| c.name.as_str()).chain(NAMES.iter().map(|n| n.0)).collect();
            let shown: String = name.chars().take(60).collect();
            let found = format!("unknown learner {shown:?}");
            let hint = near(name, known.iter().copied());
            findings.error(*at, found, hint).help = format!("learners: {}", listed(known.into_iter()));
        }
    }
    // What is not asked for now is still to be right.
    for other in given.list.iter().filter(|c| !chosen.iter().any(|one| one.name == c.name)) {
        let mut own = findings.fork();
        walk(&other.table, "learner", "learner", &mut own);
        findings.absorb(own.into_list().into_iter().map(|d| super::derive::in_entry(d, &other.name)));
    }
    Some(chosen)
}

/// The names of `--learners` and where they stand in it.
fn flag(names: &[String], findings: &mut Findings) -> Vec<(String, Span)> {
    let text = findings.add_text("--learners", &names.join(","));
    let mut start = 0;
    let mut list = Vec::new();
    for name in names {
        list.push((name.clone(), Span { text, start, end: start + name.len().max(1) }));
        start += name.len() + 1;
    }
    list
}

fn kind_alone(kind: &str, at: Span) -> Node {
    let mut table = Node { at, value: Value::Table(Vec::new()) };
    table.put("kind", at, Value::Text(kind.to_owned()));
    table
}

fn kinds() -> impl Iterator<Item = &'static str> {
    NAMES.iter().map(|(name, _)| *name)
}

fn near<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    nearest(name, known).map_or("nothing has a name like it".to_owned(), |n| format!("did you mean `{n}`?"))
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut list: Vec<&str> = Vec::new();
    for name in names {
        if !list.contains(&name) {
            list.push(name);
        }
    }
    list.join(", ")
}
