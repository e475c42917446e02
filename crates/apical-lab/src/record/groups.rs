//! What tells the configs of several runs apart: runs that differ in their seed alone are a group, and groups are called by the
//! keys in which they differ.

use super::settings::{Settings, number, plain};
use crate::sweep::Varied;
use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

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
    /// For each group the values of all keys in which groups differ, unquoted; empty where the key is absent.
    pub all_values: Vec<Vec<String>>,
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

/// Sorts runs into groups. `names` are what a group is called if nothing but its runs' names tells it apart. Where all runs are
/// of sweeps, and what these vary tells groups apart, keys and values are those that the sweeps' files have.
pub fn groups(all: &[&Settings], names: &[String], varied: &[Option<&Varied>]) -> Groups {
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
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut first_of: Vec<usize> = Vec::new();
    let mut of = Vec::new();
    for (i, s) in all.iter().enumerate() {
        let own: Vec<String> = candidates.iter().map(|k| alone(s.text(k)).to_owned()).collect();
        of.push(rows.iter().position(|r| *r == own).unwrap_or_else(|| {
            rows.push(own);
            first_of.push(i);
            rows.len() - 1
        }));
    }
    let mut order: Vec<usize> = (0..rows.len()).collect();
    if let Some((keys, told, place)) = told_by_sweeps(varied, &of, rows.len()) {
        (candidates, rows) = (keys, told);
        let keys = sort_keys(&rows, &place);
        order.sort_by(|&a, &b| compare(&keys[a], &keys[b]));
    } else {
        // By their values, whatever the order in which runs are named; where these are no numbers, in that order.
        order.sort_by(|&a, &b| {
            let pairs = rows[a].iter().zip(&rows[b]).map(|(a, b)| Some(leading(a)?.total_cmp(&leading(b)?)));
            pairs.flatten().find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
        });
    }
    let rank = |group: usize| order.iter().position(|&g| g == group).unwrap_or_default();
    of.iter_mut().for_each(|group| *group = rank(*group));
    let all_values: Vec<Vec<String>> = order.iter().map(|&group| rows[group].clone()).collect();
    let taken =
        if candidates.len() > MOST_KEYS { fewest(&candidates, &all_values) } else { (0..candidates.len()).collect() };
    let keys: Vec<&str> = taken.iter().map(|&k| candidates[k]).collect();
    let values: Vec<Vec<String>> =
        all_values.iter().map(|row| taken.iter().map(|&k| row[k].clone()).collect()).collect();
    let label = |(values, &group): (&Vec<String>, &usize)| {
        let parts = keys.iter().zip(values).filter(|(_, v)| !v.is_empty());
        let text: Vec<String> = parts.map(|(k, v)| worded(k, v, &keys)).collect();
        if text.is_empty() { names.get(first_of[group]).cloned().unwrap_or_default() } else { text.join(", ") }
    };
    let labels = values.iter().zip(&order).map(label).collect();
    let owned = |list: Vec<&str>| list.into_iter().map(String::from).collect();
    Groups { of, differing: owned(candidates.clone()), all_values, keys: owned(keys), values, labels }
}

/// Keys, a row of values for each group, and the place of each in its sweep.
type Told<'a> = (Vec<&'a str>, Vec<Vec<String>>, Vec<usize>);

/// What sweeps vary in each of several groups; `None` if some runs are of no sweep, or it does not tell groups apart.
fn told_by_sweeps<'a>(varied: &[Option<&'a Varied>], of: &[usize], groups: usize) -> Option<Told<'a>> {
    let varied: Vec<&Varied> = varied.iter().copied().collect::<Option<_>>()?;
    let mut in_order = varied.clone();
    in_order.sort_by_key(|varied| varied.place);
    let value = |v: &'a Varied, key: &str| v.values.iter().find(|(k, _)| k == key).map(|(_, value)| value.as_str());
    let mut keys: Vec<&str> = Vec::new();
    for (key, _) in in_order.iter().flat_map(|v| &v.values) {
        if !keys.contains(&key.as_str()) && varied.iter().any(|v| value(v, key) != value(varied[0], key)) {
            keys.push(key);
        }
    }
    let mut rows: Vec<Option<Vec<String>>> = vec![None; groups];
    let mut place = vec![usize::MAX; groups];
    for (v, &group) in varied.iter().zip(of) {
        let own: Vec<String> =
            keys.iter().map(|key| alone(plain(value(v, key).unwrap_or_default())).to_owned()).collect();
        if rows[group].as_ref().is_some_and(|known| *known != own) {
            return None;
        }
        rows[group] = Some(own);
        place[group] = place[group].min(v.place);
    }
    let rows: Vec<Vec<String>> = rows.into_iter().collect::<Option<_>>()?;
    let apart = rows.iter().collect::<HashSet<_>>().len() == groups;
    (groups > 1 && apart).then_some((keys, rows, place))
}

/// For each row what it is sorted by: numbers in a column of numbers, where nothing comes first; in others the place at which a
/// value comes first in the sweep.
fn sort_keys(rows: &[Vec<String>], place: &[usize]) -> Vec<Vec<f64>> {
    let mut keys = vec![Vec::new(); rows.len()];
    for k in 0..rows.first().map_or(0, Vec::len) {
        let has_numbers = rows.iter().all(|row| row[k].is_empty() || leading(&row[k]).is_some());
        let mut first: HashMap<&str, usize> = HashMap::new();
        for (row, &place) in rows.iter().zip(place) {
            let known = first.entry(&row[k]).or_insert(place);
            *known = place.min(*known);
        }
        for (key, row) in keys.iter_mut().zip(rows) {
            let number = leading(&row[k]).unwrap_or(f64::NEG_INFINITY);
            key.push(if has_numbers { number } else { first[row[k].as_str()] as f64 });
        }
    }
    keys
}

fn compare(a: &[f64], b: &[f64]) -> Ordering {
    a.iter().zip(b).map(|(a, b)| a.total_cmp(b)).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

/// A number, or the first of an array.
fn leading(text: &str) -> Option<f64> {
    number(text.trim_start_matches('[').split([',', ']']).next()?)
}

/// Keys, by their place, that tell all groups apart: each one that is taken tells at least one more.
fn fewest(candidates: &[&str], rows: &[Vec<String>]) -> Vec<usize> {
    let rank = |key: &str| FIRST.iter().position(|f| *f == key).unwrap_or(FIRST.len());
    let mut sorted: Vec<usize> = (0..candidates.len()).collect();
    sorted.sort_by_key(|&k| rank(candidates[k]));
    let told = |keys: &[usize]| -> usize {
        let mut seen: Vec<Vec<&str>> = rows.iter().map(|row| keys.iter().map(|&k| row[k].as_str()).collect()).collect();
        seen.sort();
        seen.dedup();
        seen.len()
    };
    let mut taken: Vec<usize> = Vec::new();
    for key in sorted {
        if told(&taken) == rows.len() {
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
        told(texts, &vec![None; texts.len()])
    }

    /// With what a sweep varies in each, `key=value` separated by commas.
    fn told(texts: &[&str], varied: &[Option<&str>]) -> Groups {
        let all: Vec<Settings> = texts.iter().map(|t| settings(t)).collect();
        let names: Vec<String> = (0..all.len()).map(|i| format!("run-{i}")).collect();
        let pair = |word: &str| word.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()));
        let of = |(place, words): (usize, &Option<&str>)| {
            words.map(|words| Varied { place, values: words.split(',').filter_map(pair).collect() })
        };
        let varied: Vec<Option<Varied>> = varied.iter().enumerate().map(of).collect();
        groups(&all.iter().collect::<Vec<_>>(), &names, &varied.iter().map(Option::as_ref).collect::<Vec<_>>())
    }

    #[test]
    fn what_a_sweep_varies_is_called_as_its_file_has_it() {
        let texts =
            ["seed = 1\na = 1\np.0.eta = 5\nq = 1", "seed = 2\na = 1\np.0.eta = 5\nq = 1", "a = 2\np.0.eta = 6\nq = 2"];
        let [one, other] = ["variant=\"slow\",p.eta=[5.0]", "variant=\"fast\",p.eta=6.0"];
        let g = told(&texts, &[Some(one), Some(one), Some(other)]);
        assert_eq!(
            (g.labels, g.of),
            (vec!["variant = slow, eta = 5.0".into(), "variant = fast, eta = 6.0".into()], vec![0, 0, 1])
        );
        assert_eq!((g.differing.join(" "), g.all_values[0].join(" ")), ("variant p.eta".into(), "slow 5.0".into()));
        // What has no numbers stands in the order of the plan, whatever that of the folders.
        let named = told(&["k = 3", "k = 1"], &[Some("variant=\"z\""), Some("variant=\"a\"")]);
        assert_eq!(named.labels, ["variant = z", "variant = a"]);
        let crossed = ["v=\"z\",n=10", "v=\"z\",n=9", "v=\"a\",n=10", "v=\"a\",n=9"].map(Some);
        let labels = told(&["k = 1", "k = 2", "k = 3", "k = 4"], &crossed).labels.join("; ");
        assert_eq!(labels, "v = z, n = 9; v = z, n = 10; v = a, n = 9; v = a, n = 10");
        // Runs of no sweep, and those that their sweeps do not tell apart, are told apart by their configs.
        assert_eq!(told(&["k = 1", "k = 2"], &[Some("variant=\"z\""), None]).keys, ["k"]);
        assert_eq!(told(&["k = 1", "k = 2"], &[Some("x=1"), Some("x=1")]).keys, ["k"]);
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
