//! CSV files: a header line with the names of the columns, then a sample a line. Input columns are all that are not
//! named as targets, in the file's order. Gzipped or not; a UTF-8 byte order mark is passed over.

use super::error::{DataError, Place};
use super::source::Source;
use super::table::{Answers, Table, Values, Wanted};
use csv::{ByteRecord, ReaderBuilder, Trim};
use std::collections::BTreeSet;
use std::path::Path;

/// Which columns of a CSV file are read.
pub(super) enum Columns<'a> {
    /// All but the targets are inputs; the targets must be there.
    Training {
        /// Names of the target columns.
        targets: &'a [String],
        /// What they hold.
        wanted: Wanted,
    },
    /// These are the inputs, found by name in any order; others are passed over.
    Inputs(&'a [String]),
    /// All are inputs.
    All,
}

/// Reads a CSV file.
pub(super) fn read(path: &Path, columns: &Columns) -> Result<Table, DataError> {
    let bytes = Source::open(path)?.rest()?;
    let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).trim(Trim::All).from_reader(text);
    let mut record = ByteRecord::new();
    let mut next = |record: &mut ByteRecord| {
        reader.read_byte_record(record).map_err(|e| DataError::input(path, Place::File, e.to_string(), "a CSV file"))
    };
    if !next(&mut record)? {
        return Err(DataError::input(path, Place::File, "an empty file", "a header line and a line per sample"));
    }
    let header = read_header(path, &record)?;
    let Chosen { inputs, targets, wanted } = choose(path, &header, columns)?;

    let (mut x, mut labels, mut potentials, mut rows) = (Vec::new(), Vec::new(), Vec::new(), 0);
    while next(&mut record)? {
        let row = Row { path, header: &header, record: &record };
        if record.len() != header.len() {
            let place = row.line(None);
            let allowed = format!("{} as in the header line", header.len());
            return Err(DataError::input(path, place, format!("{} cells", record.len()), allowed));
        }
        rows += 1;
        for &column in &inputs {
            x.push(row.number(column)?);
        }
        match wanted {
            Wanted::Labels => labels.push(row.label(targets[0])?),
            Wanted::Potentials => {
                for &column in &targets {
                    potentials.push(row.number(column)?);
                }
            }
            Wanted::Nothing => {}
        }
    }
    if rows == 0 {
        return Err(DataError::input(path, Place::File, "a header line only", "a line per sample after it"));
    }
    Ok(Table {
        columns: inputs.iter().map(|&i| header[i].clone()).collect(),
        inputs: inputs.len(),
        rows,
        x: Values::Floats(x),
        y: match wanted {
            Wanted::Labels => Answers::Labels(labels),
            Wanted::Potentials => Answers::Potentials { outputs: targets.len(), values: potentials },
            Wanted::Nothing => Answers::None,
        },
    })
}

/// Names of the columns: text, none empty, none twice, not all numbers.
fn read_header(path: &Path, record: &ByteRecord) -> Result<Vec<String>, DataError> {
    let error = |found: String, allowed: &str| {
        let line = record.position().map_or(1, csv::Position::line);
        Err(DataError::input(path, Place::Line { line, column: None }, found, allowed))
    };
    let mut names = Vec::with_capacity(record.len());
    let mut seen = BTreeSet::new();
    for (i, cell) in record.iter().enumerate() {
        let Ok(name) = std::str::from_utf8(cell) else {
            return error(format!("column {} has a name that is not UTF-8", i + 1), "UTF-8 text");
        };
        if name.is_empty() {
            return error(format!("column {} has no name", i + 1), "a name for every column (an index column is none)");
        }
        names.push(name.to_string());
    }
    if names.iter().all(|name| name.parse::<f64>().is_ok()) {
        return error("numbers only".into(), "a header line with the names of the columns");
    }
    match names.iter().find(|name| !seen.insert(name.as_str())) {
        Some(name) => error(format!("two columns are named \"{name}\""), "different names"),
        None => Ok(names),
    }
}

/// Indices of the columns to read.
struct Chosen {
    inputs: Vec<usize>,
    targets: Vec<usize>,
    wanted: Wanted,
}

fn choose(path: &Path, header: &[String], columns: &Columns) -> Result<Chosen, DataError> {
    let find = |name: &String| {
        header.iter().position(|h| h == name).ok_or_else(|| {
            let found = format!("columns {}", listed(header));
            let place = Place::Line { line: 1, column: None };
            DataError::input(path, place, found, format!("a column \"{name}\" among them"))
        })
    };
    let all = || (0..header.len()).collect::<Vec<_>>();
    let chosen = match columns {
        Columns::All => Chosen { inputs: all(), targets: Vec::new(), wanted: Wanted::Nothing },
        Columns::Inputs(names) => Chosen {
            inputs: names.iter().map(find).collect::<Result<_, _>>()?,
            targets: Vec::new(),
            wanted: Wanted::Nothing,
        },
        Columns::Training { targets, wanted } => {
            let targets = targets.iter().map(find).collect::<Result<Vec<_>, _>>()?;
            if *wanted == Wanted::Labels && targets.len() != 1 {
                let found = format!("{} target columns", targets.len());
                return Err(DataError::field("task.target_columns", found, "one column, which holds the class"));
            }
            if *wanted == Wanted::Potentials && targets.is_empty() {
                return Err(DataError::field("task.target_columns", "no column", "one column per output cell"));
            }
            Chosen { inputs: all().into_iter().filter(|i| !targets.contains(i)).collect(), targets, wanted: *wanted }
        }
    };
    if chosen.inputs.is_empty() {
        let allowed = "at least one input column besides the targets";
        return Err(DataError::input(path, Place::Line { line: 1, column: None }, "no input column", allowed));
    }
    Ok(chosen)
}

/// The first names of a list, for an error.
fn listed(names: &[String]) -> String {
    let shown: Vec<String> = names.iter().take(8).map(|n| format!("\"{n}\"")).collect();
    let more = if names.len() > 8 { format!(" and {} more", names.len() - 8) } else { String::new() };
    shown.join(", ") + &more
}

/// A line with all that an error about one of its cells needs.
struct Row<'a> {
    path: &'a Path,
    header: &'a [String],
    record: &'a ByteRecord,
}

impl Row<'_> {
    fn line(&self, column: Option<usize>) -> Place {
        let line = self.record.position().map_or(0, csv::Position::line);
        Place::Line { line, column: column.map(|i| self.header[i].clone()) }
    }

    fn text(&self, column: usize) -> Result<&str, DataError> {
        std::str::from_utf8(&self.record[column]).map_err(|e| {
            let found = format!("byte {} of the cell is not UTF-8", e.valid_up_to());
            DataError::input(self.path, self.line(Some(column)), found, "UTF-8 text")
        })
    }

    fn number(&self, column: usize) -> Result<f64, DataError> {
        let text = self.text(column)?;
        match text.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(value),
            _ => {
                let found = if text.is_empty() { "an empty cell".into() } else { format!("\"{}\"", clipped(text)) };
                Err(DataError::input(self.path, self.line(Some(column)), found, "a finite number"))
            }
        }
    }

    fn label(&self, column: usize) -> Result<String, DataError> {
        let text = self.text(column)?;
        if text.is_empty() {
            return Err(DataError::input(self.path, self.line(Some(column)), "an empty cell", "the name of a class"));
        }
        Ok(text.to_string())
    }
}

/// The start of a text, for an error.
fn clipped(text: &str) -> String {
    if text.chars().count() > 40 { text.chars().take(40).chain("...".chars()).collect() } else { text.to_string() }
}
