//! Walks a raw config by the registry: unknown keys, keys of another kind, wrong types; and reads valid values from it.

use super::diagnostic::{Findings, Span};
use super::node::{Key, Node, Value};
use super::registry::{Field, Kind, config_fields, fields_of, nearest, table};
use toml::de::DeValue;

/// `task = "digits"` becomes `task = { kind = "digits" }`; likewise the other tables that have a kind.
pub fn expand_shorthands(root: &mut Node) {
    let Value::Table(entries) = &mut root.value else { return };
    for (key, node) in entries {
        if matches!(key.name.as_str(), "task" | "solver" | "learner") && node.text().is_some() {
            let at = node.at;
            let kind = std::mem::replace(&mut node.value, Value::Flag(false));
            node.value = Value::Table(vec![(Key { at, name: "kind".to_owned() }, Node { at, value: kind })]);
        }
    }
}

/// Reports every unknown key and every value of a wrong type below `node`, which is written `path` and has the fields
/// of `name`.
pub fn walk(node: &Node, name: &'static str, path: &str, findings: &mut Findings) {
    let view = View { node: Some(node), table: name };
    let kind = view.kind();
    let kind_is_known = !fields_of(name).any(|f| f.key == "kind") || kind.is_some();
    for (key, child) in node.entries() {
        let path = if path.is_empty() { key.name.clone() } else { format!("{path}.{}", quoted(&key.name)) };
        let fields: Vec<_> = fields_of(name).filter(|f| f.key == key.name).collect();
        if fields.is_empty() {
            unknown(key, &path, name, kind, findings);
            continue;
        }
        let Some(field) = fields.iter().find(|f| f.goes_with(kind)) else {
            if kind_is_known {
                let with: Vec<_> = fields.iter().flat_map(|f| f.only).map(|k| format!("\"{k}\"")).collect();
                let mine = kind.unwrap_or_default();
                let own: Vec<_> = fields_of(name).filter(|f| f.goes_with(kind)).map(|f| f.key).collect();
                findings
                    .error(
                        key.at,
                        format!("`{path}` does not go with `{name}.kind = \"{mine}\"`"),
                        format!("it goes with {}", with.join(", ")),
                    )
                    .help = format!("keys that go with \"{mine}\": {}", own.join(", "));
            }
            continue;
        };
        value(child, field, &path, findings);
    }
}

fn value(node: &Node, field: &Field, path: &str, findings: &mut Findings) {
    if let Some(bad) = field.kind.refused(node) {
        let at = if matches!(bad.value, Value::Table(_)) && bad.at.end - bad.at.start > 200 {
            Span { end: bad.at.start + 1, ..bad.at }
        } else {
            bad.at
        };
        let inside = if std::ptr::eq(bad, node) { "be" } else { "hold" };
        let near = bad.text().and_then(|t| nearest(t, field.kind.choices()));
        let help = near.map_or(String::new(), |n| format!("did you mean \"{n}\"?"));
        findings
            .error(at, format!("`{path}` cannot {inside} {}", bad.describe()), format!("allowed: {}", field.allowed()))
            .help = help;
        return;
    }
    match field.kind {
        Kind::Table(name) => walk(node, name, path, findings),
        Kind::Tables(name) => {
            for (i, child) in node.elements().iter().enumerate() {
                walk(child, name, &format!("{path}.{i}"), findings);
            }
        }
        Kind::Map(name) => {
            for (key, child) in node.entries() {
                let path = format!("{path}.{}", quoted(&key.name));
                match &child.value {
                    Value::Table(_) => walk(child, name, &path, findings),
                    _ => {
                        let keys: Vec<_> = fields_of(name).map(|f| f.key).collect();
                        let found = format!("`{path}` cannot be {}", child.describe());
                        findings.error(child.at, found, format!("allowed: a table with {}", keys.join(", ")));
                    }
                }
            }
        }
        _ => {}
    }
}

fn unknown(key: &Key, path: &str, name: &str, kind: Option<&str>, findings: &mut Findings) {
    let own: Vec<_> = fields_of(name).filter(|f| f.goes_with(kind)).map(|f| f.key).collect();
    let shown: String = path.chars().take(80).collect();
    let elsewhere = config_fields().find(|f| f.key == key.name && !f.table.starts_with("record."));
    let header = |name: &str| table(name).map_or(String::new(), |t| t.header.to_owned());
    let hint = match (nearest(&key.name, own.iter().copied()), elsewhere) {
        (_, Some(f)) if f.table.is_empty() => format!("`{}` stands at the root, above all tables", f.key),
        (_, Some(f)) => format!("`{}` belongs to {}", f.key, header(f.table)),
        (Some(near), None) => format!("did you mean `{near}`?"),
        (None, None) => "nothing here has a name like it".to_owned(),
    };
    findings.error(key.at, format!("unknown key `{shown}`"), hint).help =
        format!("keys of {}: {}", header(name), own.join(", "));
}

/// A key as it is written in a dotted path.
fn quoted(key: &str) -> String {
    let bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    let short: String = key.chars().take(60).collect();
    if bare { short } else { format!("{short:?}") }
}

/// A table of the config, perhaps absent, read with the defaults of the registry.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// The table as written.
    pub node: Option<&'a Node>,
    /// Its name in the registry.
    pub table: &'static str,
}

impl<'a> View<'a> {
    /// The table's `kind`, where it has one that is known.
    pub fn kind(&self) -> Option<&'a str> {
        let field = fields_of(self.table).find(|f| f.key == "kind")?;
        match self.node.and_then(|n| n.get("kind")) {
            Some(node) if field.kind.refused(node).is_none() => node.text(),
            Some(_) => None,
            None if field.default.is_empty() => None,
            None => Some(field.default.trim_matches('"')),
        }
    }

    /// A sub-table; absent if it is not there.
    pub fn sub(&self, key: &str, table: &'static str) -> View<'a> {
        let node = self.node.and_then(|n| n.get(key)).filter(|n| matches!(n.value, Value::Table(_)));
        View { node, table }
    }

    /// Where `key` stands, or its table, or the file.
    pub fn at(&self, key: &str) -> Span {
        match self.node {
            Some(n) => match n.entries().iter().find(|(k, _)| k.name == key) {
                Some((_, value)) => value.at,
                None if matches!(&n.value, Value::Table(e) if e.is_empty()) || n.at.end - n.at.start < 200 => n.at,
                None => n.entries().first().map_or(n.at, |(k, _)| k.at),
            },
            None => Span::FILE,
        }
    }

    /// True if the file says `key`.
    pub fn has(&self, key: &str) -> bool {
        self.given(key).is_some()
    }

    /// The value as written, whatever it is.
    pub fn given(&self, key: &str) -> Option<&'a Node> {
        self.node.and_then(|n| n.get(key))
    }

    fn field(&self, key: &str) -> Option<&'static Field> {
        let kind = self.kind();
        fields_of(self.table).find(|f| f.key == key && f.goes_with(kind))
    }

    /// Applies `read` to the value as written, or to the default; `None` if it is wrong (and reported) or has no default.
    fn read<V>(&self, key: &str, read: impl Fn(&Node) -> Option<V>) -> Option<V> {
        let field = self.field(key)?;
        match self.given(key) {
            Some(node) => field.kind.refused(node).is_none().then(|| read(node)).flatten(),
            None if field.default.is_empty() => None,
            None => read(&default_node(field)?),
        }
    }

    /// A number.
    pub fn number(&self, key: &str) -> Option<f64> {
        self.read(key, Node::number)
    }

    /// A number, or `None` for the word "none"; the outer `None` as everywhere.
    pub fn number_or_none(&self, key: &str) -> Option<Option<f64>> {
        self.read(key, |n| Some(n.number()))
    }

    /// An integer.
    pub fn count(&self, key: &str) -> Option<usize> {
        self.read(key, |n| n.count().and_then(|i| usize::try_from(i).ok()))
    }

    /// A string.
    pub fn text(&self, key: &str) -> Option<String> {
        self.read(key, |n| n.text().map(str::to_owned))
    }

    /// true or false.
    pub fn flag(&self, key: &str) -> Option<bool> {
        self.read(key, |n| match n.value {
            Value::Flag(b) => Some(b),
            _ => None,
        })
    }

    /// One string or an array of them.
    pub fn texts(&self, key: &str) -> Option<Vec<String>> {
        self.read(key, |n| {
            Some(match n.text() {
                Some(t) => vec![t.to_owned()],
                None => n.elements().iter().filter_map(|e| e.text().map(str::to_owned)).collect(),
            })
        })
    }

    /// An array of integers.
    pub fn counts(&self, key: &str) -> Option<Vec<usize>> {
        self.read(key, |n| n.elements().iter().map(|e| e.count().and_then(|i| usize::try_from(i).ok())).collect())
    }

    /// An array of numbers.
    pub fn numbers(&self, key: &str) -> Option<Vec<f64>> {
        self.read(key, |n| n.elements().iter().map(Node::number).collect())
    }

    /// The value as a tree, as written or by default, if it is valid.
    pub fn node(&self, key: &str) -> Option<Node> {
        self.read(key, |n| Some(n.clone()))
    }
}

/// The default of a field as a tree.
pub fn default_node(field: &Field) -> Option<Node> {
    let value = DeValue::parse(field.default).ok()?.into_inner();
    Some(Node::from_toml(value))
}
