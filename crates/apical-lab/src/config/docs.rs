//! What people and editors read about configs, made from the registry: `explain`, the JSON schema, the reference page.

use super::departure_fields::DEPARTURE_TABLES;
use super::fields::{ENTRY, TABLES};
use super::node::{Node, Value};
use super::registry::{Field, Kind, Range, fields, fields_of, nearest, table, tables};
use super::walk::default_node;
use crate::Error;
use serde_json::{Value as Json, json};
use std::fmt::Write as _;

/// What a key (`time.dt`, or `dt` alone) or a table (`time`) means, allows and defaults to.
pub fn explain(key: &str) -> Result<String, Error> {
    let key = key.trim_matches(['[', ']']);
    let inner = inside(key);
    let key = inner.as_deref().unwrap_or(key);
    let found: Vec<&Field> = fields().filter(|f| f.path() == key).collect();
    let found = if found.is_empty() { fields().filter(|f| f.key == key).collect() } else { found };
    let mut out = String::new();
    if let Some(t) = table(key).filter(|_| !key.is_empty()) {
        let _ = writeln!(out, "{}\n  {}\n", t.header, t.doc);
        for f in fields_of(t.name) {
            let kinds = if f.only.is_empty() { String::new() } else { format!(" [{}]", f.only.join(", ")) };
            let _ = writeln!(out, "  {:<18} {}{kinds}", f.key, f.doc);
        }
        out.push('\n');
    }
    if found.is_empty() && out.is_empty() {
        let paths: Vec<String> = fields().map(Field::path).collect();
        let known = paths.iter().map(String::as_str).chain(fields().map(|f| f.key));
        let near = nearest(key, known).map_or(String::new(), |n| format!("did you mean `{n}`? "));
        return Err(Error::input(key, "there is no such key", format!("{near}`apical explain` lists all tables")));
    }
    for f in found {
        let _ = writeln!(out, "{}", f.path());
        let _ = writeln!(out, "  {}", f.doc);
        let _ = writeln!(out, "  allowed: {}", f.allowed());
        if !f.only.is_empty() {
            let _ = writeln!(out, "  goes with {}.kind = {}", f.table, f.only.join(", "));
        }
        if !f.default.is_empty() {
            let _ = writeln!(out, "  default: {}", f.default);
        }
        let _ = writeln!(out, "  example: {} = {}\n", f.key, f.example);
    }
    Ok(out)
}

/// `record.trace.every` for `record.soma.every`: where a key's table is described under another name.
fn inside(key: &str) -> Option<String> {
    let (outer, last) = key.rsplit_once('.')?;
    let field = fields().find(|f| f.path() == outer)?;
    match field.kind {
        Kind::Table(table) => Some(format!("{table}.{last}")),
        _ => None,
    }
}

/// The JSON schema of a config, for editors.
pub fn schema() -> Json {
    let mut definitions = serde_json::Map::new();
    for t in TABLES.iter().chain(DEPARTURE_TABLES).filter(|t| !t.name.is_empty()) {
        definitions.insert(t.name.to_owned(), table_schema(t.name));
    }
    // An entry of a comparison is a [learner] with more keys.
    let learner = definitions.get("learner").and_then(|t| t["properties"].as_object()).cloned();
    if let Some(entry) = definitions.get_mut(ENTRY).and_then(|t| t["properties"].as_object_mut()) {
        entry.extend(learner.into_iter().flatten());
    }
    let mut root = table_schema("");
    root["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    root["title"] = json!("apical experiment");
    root["$defs"] = Json::Object(definitions);
    root
}

pub(super) fn table_schema(name: &str) -> Json {
    let mut properties = serde_json::Map::new();
    let mut required = Vec::new();
    for f in fields_of(name) {
        // A key with several meanings takes the widest: they differ in default and doc only.
        properties.entry(f.key).or_insert_with(|| field_schema(f));
        if f.doc.starts_with("Required.") && f.only.is_empty() {
            required.push(f.key);
        }
    }
    let doc = table(name).map_or("", |t| t.doc);
    json!({"type": "object", "description": doc, "properties": properties, "required": required, "additionalProperties": false})
}

pub(super) fn field_schema(f: &Field) -> Json {
    let mut schema = kind_schema(f.kind);
    let unit = if f.unit.is_empty() { String::new() } else { format!(" [{}]", f.unit) };
    schema["description"] = json!(format!("{}{unit}", f.doc));
    if let Some(default) = default_node(f).filter(|_| !f.default.is_empty()) {
        schema["default"] = plain(&default);
    }
    let shorthand = matches!(f.key, "task" | "solver" | "learner") && f.table.is_empty();
    if shorthand {
        let kind = fields_of(f.key).find(|k| k.key == "kind").map_or(Vec::new(), |k| k.kind.choices());
        let mut any = vec![schema, json!({"enum": kind})];
        if f.key == "learner" {
            any.push(kind_schema(Kind::Map(ENTRY)));
        }
        schema = json!({"description": f.doc, "anyOf": any});
    }
    schema
}

pub(super) fn kind_schema(kind: Kind) -> Json {
    let number = |range| match range {
        Range::Any => json!({"type": "number"}),
        Range::Positive => json!({"type": "number", "exclusiveMinimum": 0}),
        Range::NonNegative => json!({"type": "number", "minimum": 0}),
        Range::BelowOne => json!({"type": "number", "minimum": 0, "exclusiveMaximum": 1}),
        Range::Share => json!({"type": "number", "minimum": 0, "maximum": 1}),
    };
    let numbers = |range| json!({"type": "array", "items": number(range)});
    let count = |min: u64| json!({"type": "integer", "minimum": min});
    let reference = |name: &str| json!({"$ref": format!("#/$defs/{name}")});
    let words = || json!({"enum": kind.choices()});
    match kind {
        Kind::Text => json!({"type": "string"}),
        Kind::Flag => json!({"type": "boolean"}),
        Kind::Count(min) => count(min),
        Kind::Number(range) => number(range),
        Kind::Choice(_) | Kind::Activation => words(),
        Kind::NumberOr(range, _) => json!({"anyOf": [number(range), words()]}),
        Kind::PerLayer => json!({"anyOf": [number(Range::NonNegative), numbers(Range::NonNegative)]}),
        Kind::Start(w) => {
            let mut any = vec![number(Range::NonNegative), numbers(Range::NonNegative), words()];
            if w.contains(&"transpose") {
                any.push(reference("network.start.pb"));
            }
            json!({"anyOf": any})
        }
        Kind::Counts(min) => json!({"type": "array", "items": count(min)}),
        Kind::Numbers => numbers(Range::Any),
        Kind::Texts => json!({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
        Kind::Words(_) => json!({"anyOf": [words(), {"type": "array", "items": words()}]}),
        Kind::Cells => json!({"anyOf": [words(), {"type": "array", "items": count(0)}]}),
        Kind::Window => {
            json!({"anyOf": [words(), {"type": "array", "items": number(Range::NonNegative), "minItems": 2, "maxItems": 2}]})
        }
        Kind::Pairs => {
            json!({"type": "array", "items": {"type": "array", "items": count(0), "minItems": 2, "maxItems": 2}})
        }
        Kind::Table(name) => json!({"allOf": [reference(name)]}),
        Kind::Tables(name) => json!({"type": "array", "items": reference(name)}),
        Kind::Map(name) => json!({"type": "object", "additionalProperties": reference(name)}),
        Kind::Changes => json!({"type": "object"}),
        Kind::Values => json!({"type": "array", "minItems": 1}),
    }
}

fn plain(node: &Node) -> Json {
    match &node.value {
        Value::Text(s) | Value::Date(s) => json!(s),
        Value::Int(i) => json!(*i as i64),
        Value::Float(x) => json!(x),
        Value::Flag(b) => json!(b),
        Value::Array(a) => Json::Array(a.iter().map(plain).collect()),
        Value::Table(t) => Json::Object(t.iter().map(|(k, v)| (k.name.clone(), plain(v))).collect()),
    }
}

/// The reference page of the book.
pub fn reference_markdown() -> String {
    let mut out =
        String::from("# The config\n\nMade from the registry of fields; `apical explain KEY` says the same.\n");
    let cell = |s: &str| s.replace('|', "\\|");
    for t in tables() {
        let _ = writeln!(
            out,
            "\n## {}\n\n{}\n\n| key | allowed | default | what |\n| --- | --- | --- | --- |",
            cell(t.header),
            t.doc
        );
        for f in fields_of(t.name) {
            let default = if f.default.is_empty() { String::new() } else { format!("`{}`", f.default) };
            let only = if f.only.is_empty() { String::new() } else { format!(" (with {})", f.only.join(", ")) };
            let _ = writeln!(
                out,
                "| `{}`{only} | {} | {default} | {} Example: `{} = {}` |",
                f.key,
                cell(&f.allowed()),
                cell(f.doc),
                f.key,
                f.example
            );
        }
    }
    out
}
