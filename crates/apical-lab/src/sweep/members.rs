//! What the folder of a sweep tells of its runs to those who have not its sweep file: which are part of it, and what is varied
//! in each, in the words of that file.

use super::layout::{Layout, PLAN, SWEEP};
use super::search::trials_kept;
use crate::Error;
use crate::config::diagnostic::Findings;
use crate::config::node::{Node, parse};
use crate::folder::atomic::{read_large_text, read_text};
use serde::Deserialize;
use std::collections::HashMap;
use std::path::Path;

/// What is varied in a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Varied {
    /// Its place in the sweep.
    pub place: usize,
    /// Keys as the sweep file has them, and values as TOML; the seed apart.
    pub values: Vec<(String, String)>,
}

/// The runs of sweeps by their names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Members(HashMap<String, Varied>);

impl Members {
    /// The runs that are part of the sweep in a folder; `None` where that cannot be told, since nothing was planned or the plan
    /// is damaged, which is told of by the commands that need it.
    ///
    /// # Errors
    /// The machine's.
    pub fn of_folder(folder: &Path) -> Result<Option<Members>, Error> {
        #[derive(Deserialize)]
        struct Head {
            sweep: String,
        }
        #[derive(Deserialize)]
        struct Line {
            run: String,
            with: String,
        }
        let path = folder.join(PLAN);
        if !path.is_file() {
            return Ok(None);
        }
        let text = read_large_text(&path)?;
        let mut lines = text.lines();
        let Some(head) = lines.next().and_then(|line| serde_json::from_str::<Head>(line).ok()) else { return Ok(None) };
        let mut members = Members::default();
        for line in lines {
            let Ok(Line { run, with }) = serde_json::from_str(line) else { return Ok(None) };
            members.add(run, &with);
        }
        // A search goes on without planning anew.
        let (parent, name) = (folder.parent().unwrap_or(Path::new("")), folder.file_name().unwrap_or_default());
        let layout = Layout::new(parent, &name.to_string_lossy());
        for (with, runs) in trials_kept(&layout, &head.sweep, samples(folder)?) {
            runs.into_iter().for_each(|run| members.add(run, &with));
        }
        Ok(Some(members))
    }

    fn add(&mut self, run: String, with: &str) {
        let place = self.0.len();
        self.0.entry(run).or_insert_with(|| Varied { place, values: taken_apart(with) });
    }

    /// True if a run is part of the sweep.
    pub fn has(&self, run: &str) -> bool {
        self.0.contains_key(run)
    }

    /// What is varied in a run; nothing of one that is of no sweep.
    pub fn varied(&self, run: &str) -> Option<&Varied> {
        self.0.get(run)
    }

    /// Takes over the runs of another sweep, which come after these.
    pub fn join(&mut self, other: Members) {
        let first = self.0.len();
        for (run, varied) in other.0 {
            self.0.entry(run).or_insert(Varied { place: first + varied.place, ..varied });
        }
    }
}

/// How many trials a search may have; none of anything else.
fn samples(folder: &Path) -> Result<u64, Error> {
    let path = folder.join(SWEEP);
    if !path.is_file() {
        return Ok(0);
    }
    let mut findings = Findings::new(&path.display().to_string(), read_text(&path)?);
    Ok(parse(&mut findings, 0).get("samples").and_then(Node::count).unwrap_or(0))
}

/// `key=value key=value`, as plans and trials have it for people, taken apart at the blanks that are in no value.
fn taken_apart(with: &str) -> Vec<(String, String)> {
    let (mut words, mut depth, mut quoted, mut escaped) = (vec![String::new()], 0, false, false);
    for c in with.chars() {
        match c {
            '"' if !escaped => quoted = !quoted,
            '[' | '{' if !quoted => depth += 1,
            ']' | '}' if !quoted => depth -= 1,
            ' ' if !quoted && depth == 0 => {
                words.push(String::new());
                continue;
            }
            _ => {}
        }
        escaped = c == '\\' && !escaped;
        if let Some(word) = words.last_mut() {
            word.push(c);
        }
    }
    let pairs = words.iter().filter_map(|word| word.split_once('='));
    pairs.filter(|(key, _)| *key != "seed").map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_plan_are_taken_apart_whatever_stands_in_them() {
        let with = r#"variant="slow" a.b=[1.0, 2.0] task={ kind = "x y", f = ["]", "\"= "] } c=1e-5 seed=3"#;
        let pairs: Vec<String> = taken_apart(with).iter().map(|(key, value)| format!("{key}: {value}")).collect();
        let task = r#"task: { kind = "x y", f = ["]", "\"= "] }"#;
        assert_eq!(pairs, [r#"variant: "slow""#, "a.b: [1.0, 2.0]", task, "c: 1e-5"]);
        assert!(taken_apart("").is_empty());
    }
}
