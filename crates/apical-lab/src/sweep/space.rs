//! What a sweep varies: parameters with their values or ranges, which of them vary together, under which conditions.

use super::spec::toml;
use crate::config::diagnostic::{Findings, Span};
use crate::config::node::{Key, Node, Value, key_path};
use crate::config::registry::fields_of;
use crate::config::walk::walk;
use crate::folder::{NAME_RULE, is_name};

/// The column and the condition's key of `[variant.NAME]`.
pub(super) const VARIANT: &str = "variant";

/// A key of the config that is varied.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// The key with dots, as after `--set`.
    pub key: String,
    /// Its parts and where they stand.
    pub(super) path: Vec<(String, Span)>,
    pub(super) domain: Domain,
    /// Other keys and the values that they must have; empty: always varied.
    pub(super) only_if: Vec<Condition>,
    pub(super) at: Span,
}

/// Values that a parameter can take.
#[derive(Clone, Debug)]
pub(super) enum Domain {
    /// These.
    Values(Vec<Node>),
    /// Numbers between two ends.
    Range { from: f64, to: f64, log: bool, integer: bool, steps: Option<u64> },
}

/// A condition on another key.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    pub key: String,
    pub allowed: Vec<Node>,
}

/// Parameters that vary together: one, or those of a group of `[zip]`.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    /// Indices of the parameters.
    pub parameters: Vec<usize>,
}

/// All that varies.
#[derive(Clone, Debug, Default)]
pub(super) struct Space {
    pub parameters: Vec<Parameter>,
    pub axes: Vec<Axis>,
    /// Names and what each sets; the parameter [`VARIANT`] has the names as its values.
    pub variants: Vec<(String, Node)>,
}

impl Domain {
    /// How many values there are; `None` for a range that is not cut into steps.
    pub fn count(&self) -> Option<u64> {
        match self {
            Domain::Values(values) => Some(values.len() as u64),
            Domain::Range { steps, .. } => *steps,
        }
    }

    /// Value `i` of [`Domain::count`].
    pub fn value(&self, i: u64, at: Span) -> Node {
        match self {
            Domain::Values(values) => values[usize::try_from(i).unwrap_or(usize::MAX).min(values.len() - 1)].clone(),
            Domain::Range { steps, .. } => {
                let last = steps.map_or(1, |n| n.saturating_sub(1).max(1));
                self.between(i as f64 / last as f64, at)
            }
        }
    }

    /// The value at `share`, from 0 to below 1, of the way: each listed value has an equal share.
    pub fn drawn(&self, share: f64, at: Span) -> Node {
        match self.count() {
            Some(n) => self.value(((share * n as f64) as u64).min(n - 1), at),
            None => self.between(share, at),
        }
    }

    fn between(&self, share: f64, at: Span) -> Node {
        let Domain::Range { from, to, log, integer, .. } = *self else { return self.value(0, at) };
        let x = match share {
            0.0 => from,
            1.0 => to,
            _ if log => (from.ln() + share * (to.ln() - from.ln())).exp(),
            _ => from + share * (to - from),
        };
        // Six digits: more are noise in tables and names, and differ between machines' logarithms.
        let x: f64 = format!("{x:.5e}").parse().unwrap_or(x);
        let value = if integer { Value::Int(x.round() as i128) } else { Value::Float(x) };
        Node { at, value }
    }
}

/// Reads `[variant]`, `[vary]` and `[zip]`.
pub(super) fn read(root: &Node, findings: &mut Findings) -> Space {
    let mut space = Space::default();
    space.read_variants(root, findings);
    if let Some(vary) = root.get("vary") {
        let mut list = Vec::new();
        leaves(vary, &mut Vec::new(), &mut list, findings);
        for (path, node) in list {
            if let Some(parameter) = parameter(path, node, findings) {
                space.add(vec![parameter], findings);
            }
        }
    }
    for (group, table) in root.get("zip").map_or(&[][..], Node::entries) {
        if !matches!(table.value, Value::Table(_)) {
            let found = format!("`zip.{}` is {}", group.name, table.describe());
            findings.error(table.at, found, "allowed: a table, [zip.NAME], with keys of the config");
            continue;
        }
        let mut list = Vec::new();
        leaves(table, &mut Vec::new(), &mut list, findings);
        let parameters: Vec<Parameter> =
            list.into_iter().filter_map(|(path, node)| parameter(path, node, findings)).collect();
        let counts: Vec<Option<u64>> = parameters.iter().map(|p| p.domain.count()).collect();
        if counts.windows(2).any(|pair| pair[0] != pair[1]) || counts.contains(&None) {
            let lengths: Vec<String> = parameters
                .iter()
                .map(|p| format!("{}: {}", p.key, p.domain.count().map_or("endless".to_owned(), |n| n.to_string())))
                .collect();
            let found = format!("`zip.{}` has values of different numbers: {}", group.name, lengths.join(", "));
            findings.error(group.at, found, "allowed: as many of each, since they are taken value by value");
        } else if parameters.len() == 1 || parameters.iter().any(|p| !p.only_if.is_empty()) {
            let found = format!("`zip.{}` is no group of at least two keys without conditions", group.name);
            findings.error(group.at, found, "a single key, and one with `only_if`, stands in [vary]");
        } else if !parameters.is_empty() {
            space.add(parameters, findings);
        }
    }
    for (i, p) in space.parameters.iter().enumerate() {
        for condition in &p.only_if {
            if space.parameters[i..].iter().any(|other| other.key == condition.key) {
                let found = format!("`{}` is varied only if `{}`, which stands below it", p.key, condition.key);
                findings.error(p.at, found, "allowed: conditions on keys above it, or on keys that are not varied");
            }
        }
    }
    space.check_conditions(findings);
    space
}

impl Space {
    /// A condition that never holds, and a key that a variant sets and is varied in it as well, are mistakes.
    fn check_conditions(&self, findings: &mut Findings) {
        for p in &self.parameters {
            for c in &p.only_if {
                let other = self.parameters.iter().find(|other| other.key == c.key);
                let never = match other.map(|other| &other.domain) {
                    Some(Domain::Values(values)) => !values.iter().any(|v| c.allowed.iter().any(|a| same(a, v))),
                    _ => c.key == VARIANT,
                };
                if never {
                    let found = format!("`{}` is varied only if `{}` has a value that it never has", p.key, c.key);
                    findings.error(p.at, found, format!("allowed: values that `{}` is given above", c.key));
                }
            }
            let varied_in = |name: &str| {
                let mut on_variants = p.only_if.iter().filter(|c| c.key == VARIANT);
                on_variants.all(|c| c.allowed.iter().any(|allowed| allowed.text() == Some(name)))
            };
            for (name, table) in self.variants.iter().filter(|(name, _)| varied_in(name)) {
                if let Some((key, _)) = settings(Some(table)).iter().find(|(key, _)| overlap(key, &p.key)) {
                    let found = format!("`{}` is varied, and `variant.{name}` sets `{key}`", p.key);
                    let allowed =
                        "allowed: one of the two; only_if = { variant = \"NAME\" } varies it in some variants";
                    findings.error(p.at, found, allowed);
                }
            }
        }
    }

    fn read_variants(&mut self, root: &Node, findings: &mut Findings) {
        let Some(tables) = root.get(VARIANT) else { return };
        for (key, table) in tables.entries() {
            if !matches!(table.value, Value::Table(_)) {
                let found = format!("`variant.{}` is {}", key.name, table.describe());
                findings.error(table.at, found, "allowed: a table, [variant.NAME], with keys of the config");
            } else if !is_name(&key.name) {
                findings.error(
                    key.at,
                    format!("{:?} is no name of a variant", key.name),
                    format!("allowed: {NAME_RULE}"),
                );
            } else if let Some(own) = ["name", "compare", "seed"].into_iter().find(|own| gives(table, own)) {
                let found = format!("`variant.{}` sets `{own}`", key.name);
                findings.error(table.at, found, "allowed: any other key of a config");
            }
            self.variants.push((key.name.clone(), table.clone()));
        }
        if self.variants.is_empty() {
            findings.error(tables.at, "`variant` has no variants", "allowed: at least one table [variant.NAME]");
            return;
        }
        let at = tables.at;
        let names = self.variants.iter().map(|(name, _)| Node { at, value: Value::Text(name.clone()) }).collect();
        let (path, domain) = (vec![(VARIANT.to_owned(), at)], Domain::Values(names));
        self.add(vec![Parameter { key: VARIANT.to_owned(), path, domain, only_if: Vec::new(), at }], findings);
    }

    fn add(&mut self, parameters: Vec<Parameter>, findings: &mut Findings) {
        let first = self.parameters.len();
        for p in parameters {
            if let Some(twin) = self.parameters.iter().find(|other| overlap(&other.key, &p.key)) {
                findings.error(
                    p.path.last().map_or(p.at, |(_, at)| *at),
                    format!("`{}` is varied beside `{}`", p.key, twin.key),
                    "allowed: each key once",
                );
            }
            self.parameters.push(p);
        }
        self.axes.push(Axis { parameters: (first..self.parameters.len()).collect() });
    }
}

/// True if one key is the other or lies inside it.
fn overlap(a: &str, b: &str) -> bool {
    let inside = |a: &str, b: &str| a.strip_prefix(b).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    inside(a, b) || inside(b, a)
}

/// Keys of ranges: a table with one of these is no table of the config.
fn is_range(node: &Node) -> bool {
    let keys: Vec<&str> = fields_of("sweep.range").map(|f| f.key).collect();
    node.entries().iter().any(|(key, _)| matches!(key.name.as_str(), "values" | "linear" | "log"))
        && node.entries().iter().all(|(key, _)| keys.contains(&key.name.as_str()) || !key.name.contains('.'))
}

/// Keys and values of a table of settings, each table in it that is no value taken apart.
pub(super) fn settings(table: Option<&Node>) -> Vec<(String, String)> {
    let mut list = Vec::new();
    let mut open: Vec<(String, &Node)> = table.map(|node| (String::new(), node)).into_iter().collect();
    while let Some((path, node)) = open.pop() {
        let is_table =
            matches!(node.value, Value::Table(_)) && !node.entries().is_empty() && node.get("kind").is_none();
        if !is_table {
            // An empty variant sets nothing.
            list.extend((!path.is_empty()).then(|| (path, toml(node))));
            continue;
        }
        let bare = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
        let inside = |name: &str| match (path.is_empty(), bare(name)) {
            (true, _) => name.to_owned(),
            (false, true) => format!("{path}.{name}"),
            (false, false) => format!("{path}.{name:?}"),
        };
        open.extend(node.entries().iter().rev().map(|(key, child)| (inside(&key.name), child)));
    }
    list
}

/// True if a table sets a key of the root, or something inside it.
pub(super) fn gives(table: &Node, name: &str) -> bool {
    table.entries().iter().any(|(key, _)| parts(key).is_some_and(|path| path[0].0 == name))
}

type Path = Vec<(String, Span)>;

/// The keys below a table, down to arrays and ranges.
fn leaves<'a>(table: &'a Node, path: &mut Path, into: &mut Vec<(Path, &'a Node)>, findings: &mut Findings) {
    for (key, node) in table.entries() {
        let before = path.len();
        match parts(key) {
            Some(more) => path.extend(more),
            None => {
                findings.error(
                    key.at,
                    format!("{:?} is no key", key.name),
                    "allowed: keys as in time.dt or \"time.dt\"",
                );
                continue;
            }
        }
        match &node.value {
            Value::Table(_) if !is_range(node) => leaves(node, path, into, findings),
            _ => into.push((path.clone(), node)),
        }
        path.truncate(before);
    }
}

/// The parts of a key, which may be written `"time.dt"`.
pub(super) fn parts(key: &Key) -> Option<Path> {
    // A bare key that needs quotes by itself, such as Wpp.1 of a record, is not taken apart where TOML cannot read it.
    let parts = key_path(&key.name)?;
    Some(parts.into_iter().map(|(name, _)| (name, key.at)).collect())
}

fn parameter(path: Path, node: &Node, findings: &mut Findings) -> Option<Parameter> {
    let key = path.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(".");
    if matches!(key.as_str(), "name" | "compare" | VARIANT) || key.starts_with("compare.") {
        findings.error(path[0].1, format!("`{key}` cannot be varied"), "allowed: any other key of a config");
        return None;
    }
    let (domain, only_if) = match &node.value {
        Value::Array(values) if !values.is_empty() => (Domain::Values(values.clone()), Vec::new()),
        Value::Table(_) => (range(node, &key, findings)?, conditions(node, findings)),
        _ => {
            let found = format!("`vary.{key}` cannot be {}", node.describe());
            let allowed = "an array of values, { linear = [from, to] }, { log = [from, to] } or { values = [..], only_if = { .. } }";
            findings.error(node.at, found, format!("allowed: {allowed}"));
            return None;
        }
    };
    Some(Parameter { key, path, domain, only_if, at: node.at })
}

fn range(node: &Node, key: &str, findings: &mut Findings) -> Option<Domain> {
    let before = findings.count();
    walk(node, "sweep.range", &format!("vary.{key}"), findings);
    if findings.count() > before {
        return None;
    }
    let kinds: Vec<&str> = ["values", "linear", "log"].into_iter().filter(|k| node.get(k).is_some()).collect();
    let [kind] = kinds[..] else {
        let found = format!("`vary.{key}` has {}", kinds.join(" and "));
        findings.error(node.at, found, "allowed: one of values, linear, log");
        return None;
    };
    let given = node.get(kind)?;
    if kind == "values" {
        if let Some(extra) = ["steps", "integer"].into_iter().find(|k| node.get(k).is_some()) {
            findings.error(
                node.at,
                format!("`vary.{key}` has values and `{extra}`"),
                "`steps` and `integer` go with ranges",
            );
            return None;
        }
        return Some(Domain::Values(given.elements().to_vec()));
    }
    let log = kind == "log";
    let ends: Vec<f64> = given.elements().iter().filter_map(Node::number).collect();
    let &[from, to] = &ends[..] else {
        findings.error(given.at, format!("`vary.{key}.{kind}` has {} numbers", ends.len()), "allowed: [from, to]");
        return None;
    };
    if from >= to || (log && from <= 0.0) {
        let allowed = if log { "0 < from < to" } else { "from < to" };
        findings.error(
            given.at,
            format!("`vary.{key}.{kind}` goes from {from:?} to {to:?}"),
            format!("allowed: {allowed}"),
        );
        return None;
    }
    let integer = node.get("integer").is_some_and(|n| matches!(n.value, Value::Flag(true)));
    if integer && (from.abs().max(to.abs()) > 9e15) {
        findings.error(given.at, format!("`vary.{key}.{kind}` holds integers beyond 9e15"), "allowed: smaller ones");
        return None;
    }
    Some(Domain::Range { from, to, log, integer, steps: node.get("steps").and_then(Node::count) })
}

fn conditions(node: &Node, findings: &mut Findings) -> Vec<Condition> {
    let mut list = Vec::new();
    let mut stack = vec![(String::new(), node.get("only_if"))];
    while let Some((before, table)) = stack.pop() {
        for (key, value) in table.map_or(&[][..], Node::entries) {
            let key = if before.is_empty() { key.name.clone() } else { format!("{before}.{}", key.name) };
            match &value.value {
                Value::Table(_) => stack.push((key, Some(value))),
                Value::Array(values) if values.is_empty() => {
                    findings.error(
                        value.at,
                        format!("`only_if` allows no value of `{key}`"),
                        "a value, or an array of them",
                    );
                }
                Value::Array(values) => list.push(Condition { key, allowed: values.clone() }),
                _ => list.push(Condition { key, allowed: vec![value.clone()] }),
            }
        }
    }
    list
}

/// True if two values say the same: 1 is 1.0.
pub(super) fn same(a: &Node, b: &Node) -> bool {
    match (&a.value, &b.value) {
        (Value::Text(a), Value::Text(b)) => a == b,
        (Value::Flag(a), Value::Flag(b)) => a == b,
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        _ => a.number().is_some_and(|x| b.number() == Some(x)),
    }
}
