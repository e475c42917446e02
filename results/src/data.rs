//! A table of runs, as `apical sweep run --table` keeps it.

use crate::Error;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Rows that are shown: column and the values that it may have.
pub type Filter = BTreeMap<String, OneOrMore>;

/// A value or an array of them; numbers as the table has them, `0.1`.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum OneOrMore {
    /// Any of these.
    More(Vec<toml::Value>),
    /// This one.
    One(toml::Value),
}

/// A table of runs.
#[derive(Debug)]
pub struct Data {
    name: String,
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// Runs that are alike but for their seeds, by their numbers in the table.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Values of the columns that they were grouped by.
    pub key: Vec<String>,
    /// Rows.
    pub rows: Vec<usize>,
}

/// What of a run is taken.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum Take {
    /// The value of the column.
    #[default]
    Value,
    /// Of the metric's course: the last value over the first.
    LastOverFirst,
    /// Of the metric's course: the last value over the highest.
    LastOverHighest,
    /// Of the metric's course: where it is first below 1 % of its first value; nothing if it never is.
    Below1Percent,
}

/// A course of a metric: what its points are counted in, and the points.
pub type Course = (&'static str, Vec<(f64, f64)>);

impl Data {
    /// Reads `NAME.csv` in a folder.
    ///
    /// # Errors
    /// There is no such file, or it is no table.
    pub fn read(folder: &Path, name: &str) -> Result<Data, Error> {
        let path = folder.join(format!("{name}.csv"));
        Self::parse(name, File::open(&path).map_err(|e| format!("{}: {e}", path.display()))?)
    }

    /// Reads a table.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(name: &str, csv: impl Read) -> Result<Data, Error> {
        let told = |e: csv::Error| format!("{name}.csv: {e}");
        let mut reader = csv::Reader::from_reader(csv);
        let columns = reader.headers().map_err(told)?.iter().map(str::to_owned).collect();
        let rows = reader.records().map(|r| Ok(r.map_err(told)?.iter().map(str::to_owned).collect()));
        Ok(Data { name: name.to_owned(), columns, rows: rows.collect::<Result<_, Error>>()? })
    }

    /// True if there is a column.
    pub fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|c| c == column)
    }

    /// A value; empty if the row has none.
    ///
    /// # Errors
    /// There is no such column.
    pub fn text(&self, row: usize, column: &str) -> Result<&str, Error> {
        let c = self.columns.iter().position(|c| c == column);
        let c = c.ok_or_else(|| format!("{}.csv has no column `{column}`", self.name))?;
        Ok(self.rows[row].get(c).map_or("", String::as_str))
    }

    /// A number; `None` if the row has none.
    ///
    /// # Errors
    /// There is no such column.
    pub fn number(&self, row: usize, column: &str) -> Result<Option<f64>, Error> {
        Ok(self.text(row, column)?.parse().ok())
    }

    /// True if a run came to its end.
    ///
    /// # Errors
    /// There is no column `state`.
    pub fn ended(&self, row: usize) -> Result<bool, Error> {
        Ok(self.text(row, "state")? == "done")
    }

    /// The course of a metric; `None` if the row has none.
    ///
    /// # Errors
    /// No row has one, or it cannot be read.
    pub fn course(&self, row: usize, metric: &str) -> Result<Option<Course>, Error> {
        let by = ["epoch", "presentation"].into_iter().find(|by| self.has(&format!("by_{by}.{metric}")));
        let by = by.ok_or_else(|| format!("{}.csv has no course of `{metric}`", self.name))?;
        let text = self.text(row, &format!("by_{by}.{metric}"))?;
        let point = |word: &str| -> Option<(f64, f64)> {
            let (at, value) = word.split_once(':')?;
            Some((at.parse().ok()?, value.parse().ok()?))
        };
        let points: Option<Vec<_>> = text.split_whitespace().map(point).collect();
        let points = points.ok_or_else(|| format!("{}.csv: {text:?} is no course", self.name))?;
        Ok((!points.is_empty()).then_some((by, points)))
    }

    /// What is taken of a run; nothing if it has none.
    ///
    /// # Errors
    /// There is no such column.
    pub fn taken(&self, row: usize, of: &str, take: Take) -> Result<Option<f64>, Error> {
        if take == Take::Value {
            return self.number(row, of);
        }
        let Some((_, course)) = self.course(row, of)? else { return Ok(None) };
        let (first, last) = (course[0].1, course[course.len() - 1].1);
        let highest = course.iter().map(|p| p.1).fold(f64::NEG_INFINITY, f64::max);
        Ok(match take {
            Take::LastOverHighest => Some(last / highest),
            Take::Below1Percent => course.iter().find(|p| p.1 < 0.01 * first).map(|p| p.0),
            _ => Some(last / first),
        })
    }

    /// Groups of the rows that pass, by the values of columns, in the order of the table.
    ///
    /// # Errors
    /// There is no such column.
    pub fn groups(&self, by: &[String], filter: &Filter) -> Result<Vec<Group>, Error> {
        let mut groups: Vec<Group> = Vec::new();
        'rows: for row in 0..self.rows.len() {
            for (column, allowed) in filter {
                if !allowed.has(self.text(row, column)?) {
                    continue 'rows;
                }
            }
            let key = by.iter().map(|c| self.text(row, c).map(str::to_owned)).collect::<Result<Vec<_>, _>>()?;
            match groups.iter_mut().find(|g| g.key == key) {
                Some(group) => group.rows.push(row),
                None => groups.push(Group { key, rows: vec![row] }),
            }
        }
        if groups.is_empty() {
            return Err(format!("{}.csv has no row that passes {filter:?}", self.name));
        }
        Ok(groups)
    }
}

impl OneOrMore {
    fn has(&self, text: &str) -> bool {
        let same = |value: &toml::Value| match value {
            toml::Value::String(s) => s == text,
            other => other.to_string() == text,
        };
        match self {
            OneOrMore::One(value) => same(value),
            OneOrMore::More(list) => list.iter().any(same),
        }
    }
}
