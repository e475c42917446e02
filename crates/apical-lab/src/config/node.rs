//! TOML as an owned tree in which every key and value knows where it stands; overrides are grafted into it.

use super::diagnostic::{Findings, Span};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A value and where it stands.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where it stands.
    pub at: Span,
    /// What it is.
    pub value: Value,
}

/// A TOML value.
#[derive(Clone, Debug)]
pub enum Value {
    /// A string.
    Text(String),
    /// An integer.
    Int(i128),
    /// A number with a point or exponent.
    Float(f64),
    /// true or false.
    Flag(bool),
    /// A date or time: nowhere allowed.
    Date(String),
    /// An array, or an array of tables.
    Array(Vec<Node>),
    /// A table, in the order of the text.
    Table(Vec<(Key, Node)>),
}

/// A key and where it stands.
#[derive(Clone, Debug)]
pub struct Key {
    /// Where it stands.
    pub at: Span,
    /// The key.
    pub name: String,
}

impl Node {
    /// A value that stands in no text of the user, such as a default.
    pub fn from_toml(value: DeValue<'_>) -> Node {
        convert(Spanned::new(0..0, value), 0, 0)
    }

    /// Entry `key` of a table.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|(k, _)| k.name == key).map(|(_, v)| v)
    }

    /// Takes entry `key` out of a table.
    pub fn take(&mut self, key: &str) -> Option<(Key, Node)> {
        let Value::Table(entries) = &mut self.value else { return None };
        let i = entries.iter().position(|(k, _)| k.name == key)?;
        Some(entries.remove(i))
    }

    /// Puts an entry into a table, at its end or in place of the one of this name.
    pub fn put(&mut self, key: &str, at: Span, value: Value) {
        self.take(key);
        if let Value::Table(entries) = &mut self.value {
            entries.push((Key { at, name: key.to_owned() }, Node { at, value }));
        }
    }

    /// The entries of a table; none of anything else.
    pub fn entries(&self) -> &[(Key, Node)] {
        match &self.value {
            Value::Table(entries) => entries,
            _ => &[],
        }
    }

    /// The elements of an array; none of anything else.
    pub fn elements(&self) -> &[Node] {
        match &self.value {
            Value::Array(elements) => elements,
            _ => &[],
        }
    }

    /// A string.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(s) => Some(s),
            _ => None,
        }
    }

    /// An integer or float as f64.
    pub fn number(&self) -> Option<f64> {
        match self.value {
            Value::Int(i) => Some(i as f64),
            Value::Float(x) => Some(x),
            _ => None,
        }
    }

    /// An integer from 0 on.
    pub fn count(&self) -> Option<u64> {
        match self.value {
            Value::Int(i) => u64::try_from(i).ok(),
            _ => None,
        }
    }

    /// The value for people, short.
    pub fn describe(&self) -> String {
        match &self.value {
            Value::Text(s) if s.chars().count() > 40 => format!("{:?}", s.chars().take(40).collect::<String>() + "..."),
            Value::Text(s) => format!("{s:?}"),
            Value::Int(i) => i.to_string(),
            Value::Float(x) => format!("{x:?}"),
            Value::Flag(b) => b.to_string(),
            Value::Date(d) => format!("the date {d}"),
            Value::Array(a) if a.is_empty() => "an empty array".to_owned(),
            Value::Array(_) => "an array".to_owned(),
            Value::Table(_) => "a table".to_owned(),
        }
    }
}

/// Parses text `index` of the findings; syntax errors (one per line) become findings.
pub fn parse(findings: &mut Findings, index: usize) -> Node {
    let text = findings.text(index);
    let (table, errors) = DeTable::parse_recoverable(&text.text);
    let mut last_line = usize::MAX;
    for e in &errors {
        let range = e.span().unwrap_or(0..0);
        let line = text.text[..text.text.floor_char_boundary(range.start)].rfind('\n').map_or(0, |i| i + 1);
        if line != last_line {
            // An empty range at 0 stands for the whole file, so the first byte is marked instead.
            let end = if range.end == 0 { 1 } else { range.end };
            let mut message: String = e.message().chars().take(160).collect();
            if message.is_empty() {
                message = "not TOML".to_owned();
            }
            findings.error(Span { text: index, start: range.start, end }, format!("not valid TOML: {message}"), "");
        }
        last_line = line;
    }
    let span = table.span();
    convert_table(table.into_inner(), Span { text: index, start: span.start, end: span.end }, index, 0)
}

fn convert(value: Spanned<DeValue<'_>>, text: usize, offset: usize) -> Node {
    let range = value.span();
    let at = Span { text, start: range.start + offset, end: range.end + offset };
    let value = match value.into_inner() {
        DeValue::String(s) => Value::Text(s.into_owned()),
        DeValue::Integer(i) => match i128::from_str_radix(i.as_str(), i.radix()) {
            Ok(i) => Value::Int(i),
            Err(_) => Value::Text(i.to_string()),
        },
        DeValue::Float(x) => Value::Float(x.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(b) => Value::Flag(b),
        DeValue::Datetime(d) => Value::Date(d.to_string()),
        DeValue::Array(a) => Value::Array(a.into_iter().map(|v| convert(v, text, offset)).collect()),
        DeValue::Table(t) => return convert_table(t, at, text, offset),
    };
    Node { at, value }
}

fn convert_table(table: DeTable<'_>, at: Span, text: usize, offset: usize) -> Node {
    let mut entries: Vec<(Key, Node)> = table
        .into_iter()
        .map(|(k, v)| {
            let range = k.span();
            let at = Span { text, start: range.start + offset, end: range.end + offset };
            (Key { at, name: k.into_inner().into_owned() }, convert(v, text, offset))
        })
        .collect();
    entries.sort_by_key(|(k, _)| k.at.start);
    Node { at, value: Value::Table(entries) }
}

/// A change of the config from the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// The flag, for messages.
    pub label: String,
    /// `KEY=VALUE` for `--set`; the value alone for the others.
    pub text: String,
    /// The key when the text is the value alone.
    key: Option<&'static str>,
}

impl Override {
    /// `--set KEY=VALUE`; the value is TOML or else a bare string. `phase.0.epochs=3` reaches into arrays of tables.
    pub fn set(text: impl Into<String>) -> Self {
        Override { label: "--set".to_owned(), text: text.into(), key: None }
    }

    /// `--seed N`.
    pub fn seed(value: impl Into<String>) -> Self {
        Override { label: "--seed".to_owned(), text: value.into(), key: Some("seed") }
    }

    /// `--precision f32|f64`.
    pub fn precision(value: impl Into<String>) -> Self {
        Override { label: "--precision".to_owned(), text: value.into(), key: Some("precision") }
    }

    /// Grafts the change into the tree; a bad one becomes a finding.
    pub fn apply(&self, root: &mut Node, findings: &mut Findings) {
        let index = findings.add_text(&self.label, &self.text);
        let span = |start, end| Span { text: index, start, end };
        let all = span(0, self.text.len().max(1));
        let (path, value_start) = match self.key {
            Some(key) => (vec![(key.to_owned(), all)], 0),
            None => {
                let Some(equals) = self.text.find('=') else {
                    findings.error(
                        all,
                        format!("`{}` sets nothing", self.text),
                        "allowed: KEY=VALUE, as in time.dt=0.05",
                    );
                    return;
                };
                let Some(path) = key_path(&self.text[..equals]) else {
                    findings.error(span(0, equals.max(1)), "this is no key", "allowed: KEY=VALUE, as in time.dt=0.05");
                    return;
                };
                (path.into_iter().map(|(k, r)| (k, span(r.start, r.end))).collect(), equals + 1)
            }
        };
        let raw = &self.text[value_start..];
        let trimmed = raw.trim();
        let start = value_start + (raw.len() - raw.trim_start().len());
        let node = match DeValue::parse(trimmed) {
            Ok(value) => convert(value, index, start),
            Err(_) => Node { at: span(start, start + trimmed.len()), value: Value::Text(trimmed.to_owned()) },
        };
        graft(root, &path, node, findings);
    }
}

/// The parts of a dotted key and where they stand in it.
pub(crate) fn key_path(text: &str) -> Option<Vec<(String, std::ops::Range<usize>)>> {
    let line = format!("{text}=0");
    let mut value = DeValue::Table(DeTable::parse(&line).ok()?.into_inner());
    let mut path = Vec::new();
    while let DeValue::Table(table) = value {
        let (k, v) = table.into_iter().next()?;
        path.push((k.get_ref().clone().into_owned(), k.span()));
        value = v.into_inner();
    }
    Some(path)
}

/// Puts a value where `path` leads; tables on the way are made, elements of arrays must be there.
pub(crate) fn graft(node: &mut Node, path: &[(String, Span)], new: Node, findings: &mut Findings) {
    let Some(((name, at), rest)) = path.split_first() else {
        *node = new;
        return;
    };
    match &mut node.value {
        Value::Table(entries) => {
            if let Some((key, child)) = entries.iter_mut().find(|(k, _)| k.name == *name) {
                key.at = *at;
                return graft(child, rest, new, findings);
            }
            let mut child = Node { at: *at, value: Value::Table(Vec::new()) };
            graft(&mut child, rest, new, findings);
            entries.push((Key { at: *at, name: name.clone() }, child));
        }
        Value::Array(elements) => {
            let n = elements.len();
            match name.parse::<usize>().ok().and_then(|i| elements.get_mut(i)) {
                Some(child) => graft(child, rest, new, findings),
                None => {
                    let allowed =
                        if n == 1 { "allowed: 0".to_owned() } else { format!("allowed: 0 to {}", n.max(1) - 1) };
                    findings.error(*at, format!("`{name}` is no element of an array of {n}"), allowed);
                }
            }
        }
        _ => {
            findings.error(*at, format!("`{name}` lies inside {}, which is no table", node.describe()), "");
        }
    }
}

/// A table changes the keys that it names; anything else, and a table with a kind, takes the place of what was there.
pub(crate) fn merge(root: &mut Node, path: &mut Vec<(String, Span)>, node: &Node, findings: &mut Findings) {
    if node.entries().is_empty() || node.get("kind").is_some() {
        return graft(root, path, node.clone(), findings);
    }
    for (key, child) in node.entries() {
        path.push((key.name.clone(), key.at));
        merge(root, path, child, findings);
        path.pop();
    }
}
