//! A table of a page: a row per group of runs that are alike but for their seeds.

use crate::Error;
use crate::data::{Data, Filter, Group, Take};
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
    #[serde(default)]
    take: Take,
    /// For [`Show::Below`].
    #[serde(default)]
    limit: f64,
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
    /// How many runs are below a limit; those that failed are not.
    Below,
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

fn cell(data: &Data, group: &Group, column: &Column) -> Result<String, Error> {
    let (mut values, mut ended) = (Vec::new(), 0);
    for &row in &group.rows {
        if data.ended(row)? {
            ended += 1;
            values.extend(data.taken(row, &column.of, column.take)?.map(|x| column.times * x));
        }
    }
    if column.show == Show::Below {
        let below = values.iter().filter(|x| **x < column.limit).count();
        return Ok(format!("{below} of {}", group.rows.len()));
    }
    let Some(s) = Summary::of(&values) else { return Ok("-".to_owned()) };
    let write = |x: f64| match x {
        _ if x != 0.0 && x.abs() < 0.5 * 10f64.powi(-(column.digits as i32)) => format!("{x:.1e}"),
        _ => format!("{x:.*}", column.digits),
    };
    let half = match column.show {
        Show::Mean | Show::Below => f64::NAN,
        Show::Spread => s.sd,
        Show::Interval => s.interval(),
    };
    // Runs that never came there are not passed over in silence.
    let of = if s.n < ended { format!("{} of {ended}: ", s.n) } else { String::new() };
    Ok(if half.is_nan() {
        format!("{of}{}", write(s.mean))
    } else {
        format!("{of}{} ± {}", write(s.mean), write(half))
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_sums_up_runs_that_ended_and_tells_those_that_did_not() {
        let text = "run,variant,seed,state,error,by_epoch.apical\n\
            a,x,0,done,0.02,1:4.0 2:1.0 3:0.03\nb,x,1,done,0.04,1:4.0 2:2.0 3:1.0\nc,y,0,done,0.05,\nd,y,1,failed,,\n";
        let settings = "data = \"d\"\nrows = [\"variant\"]\nlabels = { x = \"the first\" }\n\
            against = { row = \"y\", of = \"error\" }\n\
            columns = [{ of = \"error\", as = \"error (%)\", times = 100.0 },\n\
            { of = \"apical\", as = \"below\", take = \"below1-percent\", digits = 0 }]\n";
        let made = markdown(settings, |name| Data::parse(name, text.as_bytes())).unwrap();
        let expected = "| variant | runs | error (%) | below | p against y |\n| --- | --- | --- | --- | --- |\n\
            | the first | 2 | 3.00 ± 1.41 | 1 of 2: 3 | - |\n| y | 2, 1 failed | 5.00 | - | - |\n";
        assert_eq!(made, expected);
    }
}
