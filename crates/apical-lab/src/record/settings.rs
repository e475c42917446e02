//! The resolved config of a run as values under dotted keys, and what tells the configs of several runs apart.

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

fn number(text: &str) -> Option<f64> {
    text.trim().replace('_', "").parse().ok()
}

fn plain(text: &str) -> &str {
    text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(text)
}

/// An array of a single value says no more than the value.
fn alone(text: &str) -> &str {
    text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).filter(|t| !t.contains([',', '['])).unwrap_or(text)
}

/// Runs that differ in their seed alone form a group.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Groups {
    /// For each run the group that it belongs to.
    pub of: Vec<usize>,
    /// All keys in which groups differ.
    pub differing: Vec<String>,
    /// The keys that tell groups apart, in the order of the first config.
    pub keys: Vec<String>,
    /// For each group the values of these keys, unquoted; empty where the key is absent.
    pub values: Vec<Vec<String>>,
    /// For each group a short text that tells it from the others.
    pub labels: Vec<String>,
}

/// With more keys than this only as many are taken as tell all groups apart.
const MOST_KEYS: usize = 3;
/// What tells most about a run, when not all can be said.
const FIRST: [&str; 4] = ["learner.kind", "solver.kind", "task.kind", "network.sizes"];
/// Keys whose values say by themselves what they are of.
const SELF_EVIDENT: [&str; 5] = ["name", "learner.kind", "solver.kind", "task.kind", "network.activation"];

/// Sorts runs into groups. `names` are what a group is called if nothing but its runs' names tells it apart.
pub fn groups(all: &[&Settings], names: &[String]) -> Groups {
    // What is kept and what is expected changes no result.
    let telling =
        |key: &str| key != "seed" && key != "name" && !key.starts_with("record.") && !key.starts_with("expect.");
    let differ = |key: &str| all.iter().any(|s| s.get(key) != all[0].get(key));
    let mut candidates: Vec<&str> = Vec::new();
    for (key, _) in all.iter().flat_map(|s| s.entries()) {
        if telling(key) && differ(key) && !candidates.contains(&key.as_str()) {
            candidates.push(key);
        }
    }
    if candidates.is_empty() && differ("name") {
        candidates.push("name");
    }
    let row =
        |s: &Settings, keys: &[&str]| -> Vec<String> { keys.iter().map(|k| alone(s.text(k)).to_owned()).collect() };
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut first_of: Vec<usize> = Vec::new();
    let mut of = Vec::new();
    for (i, s) in all.iter().enumerate() {
        let own = row(s, &candidates);
        of.push(rows.iter().position(|r| *r == own).unwrap_or_else(|| {
            rows.push(own);
            first_of.push(i);
            rows.len() - 1
        }));
    }
    // By their values, whatever the order in which runs are named; where these are no numbers, in that order.
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by(|&a, &b| {
        let pairs = rows[a].iter().zip(&rows[b]).map(|(a, b)| Some(leading(a)?.total_cmp(&leading(b)?)));
        pairs.flatten().find(|o| o.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
    });
    let rank = |group: usize| order.iter().position(|&g| g == group).unwrap_or_default();
    of.iter_mut().for_each(|group| *group = rank(*group));
    let first_of: Vec<usize> = order.iter().map(|&group| first_of[group]).collect();
    let differing = candidates.iter().map(|key| (*key).to_owned()).collect();
    let keys = if candidates.len() > MOST_KEYS { fewest(&candidates, all, &first_of) } else { candidates };
    let values: Vec<Vec<String>> = first_of.iter().map(|&i| row(all[i], &keys)).collect();
    let label = |(values, &i): (&Vec<String>, &usize)| {
        let parts = keys.iter().zip(values).filter(|(_, v)| !v.is_empty());
        let text: Vec<String> = parts.map(|(k, v)| worded(k, v, &keys)).collect();
        if text.is_empty() { names.get(i).cloned().unwrap_or_default() } else { text.join(", ") }
    };
    let labels = values.iter().zip(&first_of).map(label).collect();
    Groups { of, differing, keys: keys.into_iter().map(String::from).collect(), values, labels }
}

/// A number, or the first of an array.
fn leading(text: &str) -> Option<f64> {
    number(text.trim_start_matches('[').split([',', ']']).next()?)
}

/// Keys that tell all groups apart: each one that is taken tells at least one more.
fn fewest<'a>(candidates: &[&'a str], all: &[&Settings], first_of: &[usize]) -> Vec<&'a str> {
    let rank = |key: &str| FIRST.iter().position(|f| *f == key).unwrap_or(FIRST.len());
    let mut sorted = candidates.to_vec();
    sorted.sort_by_key(|key| rank(key));
    let mut taken: Vec<&str> = Vec::new();
    let told = |keys: &[&str]| {
        let mut rows: Vec<Vec<Option<&str>>> =
            first_of.iter().map(|&i| keys.iter().map(|k| all[i].get(k)).collect()).collect();
        rows.sort();
        rows.dedup();
        rows.len()
    };
    for key in sorted {
        if told(&taken) == first_of.len() {
            break;
        }
        let with = [&taken[..], &[key]].concat();
        if told(&with) > told(&taken) {
            taken = with;
        }
    }
    taken
}

/// `key = value` with the last part of the key, where that is enough.
fn worded(key: &str, value: &str, keys: &[&str]) -> String {
    if SELF_EVIDENT.contains(&key) {
        return value.to_owned();
    }
    let last = |k: &str| k.rsplit('.').next().unwrap_or_default().to_owned();
    let alone = keys.iter().filter(|k| last(k) == last(key)).count() == 1;
    format!("{} = {value}", if alone { last(key) } else { key.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> Settings {
        Settings::parse("a.toml", text).unwrap()
    }

    fn grouped(texts: &[&str]) -> Groups {
        let all: Vec<Settings> = texts.iter().map(|t| settings(t)).collect();
        let names: Vec<String> = (0..all.len()).map(|i| format!("run-{i}")).collect();
        groups(&all.iter().collect::<Vec<_>>(), &names)
    }

    #[test]
    fn values_are_found_under_dotted_keys() {
        let s = settings("a = 1_000\n[b]\nc = [1, 2.5]\nd = \"x\"\n[[p]]\ne = true\n");
        assert_eq!((s.number("a"), s.numbers("b.c"), s.text("b.d")), (Some(1000.0), vec![1.0, 2.5], "x"));
        assert_eq!((s.get("p.0.e"), s.get("p.1.e"), s.numbers("b.d")), (Some("true"), None, vec![]));
        let error = Settings::parse("a.toml", "a = 1\nb = [").unwrap_err();
        assert!(error.place.starts_with("a.toml:"), "{error}");
    }

    #[test]
    fn seeds_form_groups_and_labels_say_what_differs() {
        let g =
            grouped(&["seed = 1\nx.a = 1\nrecord.angles = 3", "seed = 2\nx.a = 1", "seed = 1\nx.a = 2\ny.b = \"q\""]);
        assert_eq!(g.of, [0, 0, 1]);
        assert_eq!(grouped(&["a = [20, 1]", "a = [3, 1]", "a = [20, 1]"]).of, [1, 0, 1]);
        assert_eq!(grouped(&["k = [0.5]", "k = [0.25]"]).labels, ["k = 0.25", "k = 0.5"]);
        assert_eq!(grouped(&["k = \"z\"", "k = \"a\""]).labels, ["k = z", "k = a"]);
        assert_eq!(g.labels, ["a = 1", "a = 2, b = q"]);
        assert_eq!(g.keys, ["x.a", "y.b"]);
        assert_eq!(grouped(&["seed = 1", "seed = 2"]).labels, ["run-0"]);
        assert_eq!(grouped(&["name = \"p\"", "name = \"q\""]).labels, ["p", "q"]);
    }

    #[test]
    fn of_many_keys_those_are_taken_that_tell_groups_apart() {
        let g = grouped(&[
            "a = 1\nb = 1\nc = 1\nd = 1\nlearner.kind = \"bp\"",
            "a = 2\nb = 2\nc = 2\nd = 2\nlearner.kind = \"fa\"",
            "a = 2\nb = 2\nc = 2\nd = 3\nlearner.kind = \"fa\"",
        ]);
        assert_eq!(g.labels, ["bp, d = 1", "fa, d = 2", "fa, d = 3"]);
    }
}
