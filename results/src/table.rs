//! A table of a page: a row per group of runs that are alike but for their seeds.

use crate::Error;
use crate::data::{Data, Filter, Group};
use crate::stats::{Summary, paired};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};

/// Settings of a table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    data: String,
    /// Columns by whose values runs are grouped; their names as they stand above the table.
    rows: Vec<String>,
    #[serde(default)]
    heads: Vec<String>,
    #[serde(default, rename = "where")]
    filter: Filter,
    /// What to write for a value of the first of `rows`.
    #[serde(default)]
    labels: BTreeMap<String, String>,
    columns: Vec<Column>,
    /// The group with which the others are compared, seed by seed.
    #[serde(default)]
    against: Option<Against>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Column {
    of: String,
    #[serde(rename = "as")]
    head: String,
    #[serde(default = "one")]
    times: f64,
    /// Digits after the point.
    #[serde(default = "two")]
    digits: usize,
    #[serde(default)]
    show: Show,
}

/// What of the runs of a group is written.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Show {
    /// Mean and standard deviation.
    #[default]
    Spread,
    /// Mean and 95 % confidence interval.
    Interval,
    /// The mean.
    Mean,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Against {
    row: String,
    of: String,
}

fn one() -> f64 {
    1.0
}

fn two() -> usize {
    2
}

/// The table in Markdown. `read` finds data by name.
///
/// # Errors
/// Settings that are not understood, and data that lack a column.
pub fn markdown(settings: &str, read: impl Fn(&str) -> Result<Data, Error>) -> Result<String, Error> {
    let s: Settings = toml::from_str(settings).map_err(|e| e.to_string())?;
    let data = read(&s.data)?;
    let groups = data.groups(&s.rows, &s.filter)?;
    let heads = s.rows.iter().enumerate().map(|(i, row)| s.heads.get(i).unwrap_or(row).clone());
    let mut head: Vec<String> = heads.chain(["runs".to_owned()]).collect();
    head.extend(s.columns.iter().map(|c| c.head.clone()));
    let other = match &s.against {
        Some(against) => {
            let other = groups.iter().find(|g| g.key[0] == against.row);
            head.push(format!("p against {}", s.labels.get(&against.row).unwrap_or(&against.row)));
            Some((against, other.ok_or_else(|| format!("no row is `{}`", against.row))?))
        }
        None => None,
    };
    let mut out = format!("| {} |\n|{}\n", head.join(" | "), " --- |".repeat(head.len()));
    for group in &groups {
        let mut cells = group.key.clone();
        if let Some(label) = s.labels.get(&cells[0]) {
            cells[0].clone_from(label);
        }
        cells.push(count(&data, group)?);
        for column in &s.columns {
            cells.push(cell(&data, group, column)?);
        }
        if let Some((against, other)) = other {
            cells.push(if group == other { "-".to_owned() } else { test(&data, group, other, &against.of)? });
        }
        out += &format!("| {} |\n", cells.join(" | "));
    }
    Ok(out)
}

fn count(data: &Data, group: &Group) -> Result<String, Error> {
    let mut failed = 0;
    for &row in &group.rows {
        failed += usize::from(!data.ended(row)?);
    }
    let n = group.rows.len();
    Ok(if failed == 0 { n.to_string() } else { format!("{n}, {failed} failed") })
}

/// Values of the runs that came to their end.
fn values(data: &Data, group: &Group, column: &str) -> Result<Vec<f64>, Error> {
    let mut list = Vec::new();
    for &row in &group.rows {
        if data.ended(row)? {
            list.extend(data.number(row, column)?);
        }
    }
    Ok(list)
}

fn cell(data: &Data, group: &Group, column: &Column) -> Result<String, Error> {
    let values: Vec<f64> = values(data, group, &column.of)?.into_iter().map(|x| column.times * x).collect();
    let Some(s) = Summary::of(&values) else { return Ok("-".to_owned()) };
    let write = |x: f64| match x {
        _ if x != 0.0 && x.abs() < 0.5 * 10f64.powi(-(column.digits as i32)) => format!("{x:.1e}"),
        _ => format!("{x:.*}", column.digits),
    };
    let half = match column.show {
        Show::Mean => f64::NAN,
        Show::Spread => s.sd,
        Show::Interval => s.interval(),
    };
    Ok(if half.is_nan() { write(s.mean) } else { format!("{} ± {}", write(s.mean), write(half)) })
}

fn test(data: &Data, group: &Group, other: &Group, column: &str) -> Result<String, Error> {
    let by_seed = |group: &Group| -> Result<HashMap<String, f64>, Error> {
        let mut map = HashMap::new();
        for &row in &group.rows {
            if let (true, Some(x)) = (data.ended(row)?, data.number(row, column)?) {
                map.insert(data.text(row, "seed")?.to_owned(), x);
            }
        }
        Ok(map)
    };
    let (own, others) = (by_seed(group)?, by_seed(other)?);
    let mut pairs: Vec<(&String, f64, f64)> =
        own.iter().filter_map(|(seed, &a)| Some((seed, a, *others.get(seed)?))).collect();
    pairs.sort_by(|a, b| a.0.cmp(b.0));
    let (a, b): (Vec<f64>, Vec<f64>) = pairs.iter().map(|&(_, a, b)| (a, b)).unzip();
    Ok(paired(&a, &b).map_or("-".to_owned(), |p| if p < 0.001 { "< 0.001".to_owned() } else { format!("{p:.3}") }))
}
