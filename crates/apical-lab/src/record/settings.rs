//! The resolved config of a run as values under dotted keys.

use super::read::resolved_config;
use crate::config::diagnostic::Findings;
use crate::config::node::{Node, Value, parse};
use crate::error::Error;
use crate::folder::CONFIG;
use std::path::Path;

/// Dotted keys with their values as TOML writes them, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings(Vec<(String, String)>);

impl Settings {
    /// Those of a run folder.
    ///
    /// # Errors
    /// `Input` if `config.resolved.toml` is missing or no TOML; `Machine`.
    pub fn read(folder: &Path) -> Result<Settings, Error> {
        Settings::parse(&folder.join(CONFIG).display().to_string(), &resolved_config(folder)?)
    }

    /// Those of a text that stands at `place`.
    ///
    /// # Errors
    /// `Input`, naming the line, if it is no TOML.
    pub fn parse(place: &str, text: &str) -> Result<Settings, Error> {
        let mut findings = Findings::new(place, text.to_owned());
        let root = parse(&mut findings, 0);
        if let Some(first) = findings.into_list().first() {
            return Err(Error::input(format!("{place}:{}", first.line()), &first.title, &first.allowed));
        }
        let mut values = Vec::new();
        flatten(&root, "", text, &mut values);
        Ok(Settings(values))
    }

    /// Keys and values in their order.
    pub fn entries(&self) -> &[(String, String)] {
        &self.0
    }

    /// A value as it is written.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(k, _)| k == key).map(|(_, value)| value.as_str())
    }

    /// A value without its quotes; empty if there is none.
    pub fn text(&self, key: &str) -> &str {
        plain(self.get(key).unwrap_or_default())
    }

    /// A number.
    pub fn number(&self, key: &str) -> Option<f64> {
        number(self.get(key)?)
    }

    /// The numbers of an array; none if it is something else.
    pub fn numbers(&self, key: &str) -> Vec<f64> {
        let list = self.get(key).and_then(|text| text.strip_prefix('[')?.strip_suffix(']'));
        list.map_or(Vec::new(), |list| list.split(',').filter_map(number).collect())
    }
}

fn flatten(node: &Node, key: &str, text: &str, into: &mut Vec<(String, String)>) {
    let below = |name: &str| if key.is_empty() { name.to_owned() } else { format!("{key}.{name}") };
    match &node.value {
        Value::Table(entries) => entries.iter().for_each(|(k, v)| flatten(v, &below(&k.name), text, into)),
        Value::Array(list) if list.iter().any(|n| matches!(n.value, Value::Table(_))) => {
            list.iter().enumerate().for_each(|(i, v)| flatten(v, &below(&i.to_string()), text, into));
        }
        _ => {
            let written = text.get(node.at.start..node.at.end).unwrap_or_default();
            into.push((key.to_owned(), written.into()));
        }
    }
}

pub(super) fn number(text: &str) -> Option<f64> {
    text.trim().replace('_', "").parse().ok()
}

pub(super) fn plain(text: &str) -> &str {
    text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> Settings {
        Settings::parse("a.toml", text).unwrap()
    }

    #[test]
    fn values_are_found_under_dotted_keys() {
        let s = settings("a = 1_000\n[b]\nc = [1, 2.5]\nd = \"x\"\n[[p]]\ne = true\n");
        assert_eq!((s.number("a"), s.numbers("b.c"), s.text("b.d")), (Some(1000.0), vec![1.0, 2.5], "x"));
        assert_eq!((s.get("p.0.e"), s.get("p.1.e"), s.numbers("b.d")), (Some("true"), None, vec![]));
        let error = Settings::parse("a.toml", "a = 1\nb = [").unwrap_err();
        assert!(error.place.starts_with("a.toml:"), "{error}");
    }
}
