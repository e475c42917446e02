//! Which settings learn which tasks: for each the mean over its runs beside the limit that the page states.

use crate::Error;
use crate::data::{Data, Take};
use crate::stats::Summary;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Variants and what they are called.
    rows: Vec<[String; 2]>,
    head: String,
    task: Vec<Task>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Task {
    data: String,
    #[serde(rename = "as")]
    head: String,
    of: String,
    #[serde(default)]
    take: Take,
    limit: Limit,
}

/// Below what a mean counts as learned.
#[derive(Debug, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Limit {
    /// A number.
    Fixed(f64),
    /// So many standard deviations below the mean of a control; variants with another net or target have one of their own.
    Control {
        below: String,
        sds: f64,
        #[serde(default)]
        own: BTreeMap<String, String>,
    },
}

/// The table in Markdown: `learns`, **fails**, or - where a table has no such runs.
///
/// # Errors
/// Settings that are not understood, and data that lack a column or the control.
pub fn markdown(settings: &str, read: impl Fn(&str) -> Result<Data, Error>) -> Result<String, Error> {
    let s: Settings = toml::from_str(settings).map_err(|e| e.to_string())?;
    let heads: Vec<&str> = s.task.iter().map(|task| task.head.as_str()).collect();
    let mut out = format!("| {} | {} |\n|{}\n", s.head, heads.join(" | "), " --- |".repeat(1 + heads.len()));
    let tasks = s.task.iter().map(|task| verdicts(task, &read(&task.data)?)).collect::<Result<Vec<_>, Error>>()?;
    for [variant, label] in &s.rows {
        let cells: Vec<&str> = tasks.iter().map(|task| task.get(variant).copied().unwrap_or("-")).collect();
        out += &format!("| {label} | {} |\n", cells.join(" | "));
    }
    Ok(out)
}

fn verdicts(task: &Task, data: &Data) -> Result<BTreeMap<String, &'static str>, Error> {
    let mut found: BTreeMap<String, Option<Summary>> = BTreeMap::new();
    for group in data.groups(&["variant".to_owned()], &BTreeMap::new())? {
        let mut values = Vec::new();
        for &row in &group.rows {
            // A run that failed has learned nothing.
            values.push(if data.ended(row)? { data.taken(row, &task.of, task.take)? } else { None });
        }
        let values: Option<Vec<f64>> = values.into_iter().collect();
        found.insert(group.key[0].clone(), values.and_then(|values| Summary::of(&values)));
    }
    let limit_of = |variant: &str| -> Result<f64, Error> {
        match &task.limit {
            Limit::Fixed(limit) => Ok(*limit),
            Limit::Control { below, sds, own } => {
                let name = own.get(variant).unwrap_or(below);
                let control = found.get(name).copied().flatten();
                let control = control.ok_or_else(|| format!("{}.csv has no sound runs of `{name}`", task.data))?;
                Ok(control.mean - sds * control.sd)
            }
        }
    };
    let mut verdicts = BTreeMap::new();
    for (variant, summary) in &found {
        let limit = limit_of(variant)?;
        let learns = summary.is_some_and(|s| s.mean < limit);
        verdicts.insert(variant.clone(), if learns { "learns" } else { "**fails**" });
    }
    Ok(verdicts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_is_held_against_a_number_or_a_control() {
        let text = "run,variant,seed,state,error\na,x,0,done,0.1\nb,x,1,done,0.2\nc,frozen,0,done,0.5\nd,frozen,1,done,0.7\n\
            e,y,0,done,0.35\nf,y,1,done,0.35\ng,z,0,done,0.1\nh,z,1,failed,\n";
        let settings = "head = \"setup\"\nrows = [[\"x\", \"first\"], [\"y\", \"second\"], [\"z\", \"third\"], [\"w\", \"none\"]]\n\
            [[task]]\ndata = \"d\"\nas = \"one\"\nof = \"error\"\nlimit = 0.36\n\
            [[task]]\ndata = \"d\"\nas = \"two\"\nof = \"error\"\nlimit = { below = \"frozen\", sds = 2.0 }\n\
            [[task]]\ndata = \"d\"\nas = \"three\"\nof = \"error\"\nlimit = { below = \"frozen\", sds = 0.0, own = { x = \"y\" } }\n";
        let made = markdown(settings, |name| Data::parse(name, text.as_bytes())).unwrap();
        // The control: 0.6 with a standard deviation of 0.1414, so 0.317.
        let expected = "| setup | one | two | three |\n| --- | --- | --- | --- |\n| first | learns | learns | learns |\n\
            | second | learns | **fails** | learns |\n| third | **fails** | **fails** | **fails** |\n| none | - | - | - |\n";
        assert_eq!(made, expected);
    }
}
