//! From the values of a file to inputs of a task, the same for training files and for files to predict.

use super::error::{DataError, Place};
use super::source::Source;
use super::table::{Table, Values, Wanted};
use super::{Samples, Storage, Targets, csv_file, idx, npz};
use std::path::Path;

/// How values are scaled.
#[derive(Clone, Debug, PartialEq)]
pub enum Scale {
    /// scale * value + offset, all columns alike.
    Alike {
        /// Factor.
        scale: f64,
        /// Added after the factor.
        offset: f64,
    },
    /// (value - shift) / divisor, one pair (shift, divisor) per column.
    Columns(Vec<(f64, f64)>),
}

/// What is done to raw values, in the units of the training data (MNIST's are pixels from 0 to 255, those of the digits
/// counts from 0 to 16), before a circuit sees them.
#[derive(Clone, Debug, PartialEq)]
pub struct Transform {
    /// Names of the input columns in order, where training was from a CSV file; else empty.
    pub columns: Vec<String>,
    /// The scaling, fitted on the training rows.
    pub scale: Scale,
}

impl Default for Transform {
    /// Values as they are.
    fn default() -> Self {
        Transform::alike(1.0)
    }
}

impl Transform {
    /// All values times a factor.
    pub(super) fn alike(scale: f64) -> Self {
        Transform::linear(scale, 0.0)
    }

    /// All values times a factor, plus an offset.
    pub(super) fn linear(scale: f64, offset: f64) -> Self {
        Transform { columns: Vec::new(), scale: Scale::Alike { scale, offset } }
    }

    /// The rows of a table as samples without targets.
    pub(super) fn apply(&self, table: &Table, outputs: usize) -> Samples {
        let x = match (&self.scale, &table.x) {
            (Scale::Alike { scale, offset }, Values::Bytes(data)) => {
                Storage::Bytes { data: data.clone(), scale: *scale, offset: *offset }
            }
            (Scale::Alike { scale, offset }, Values::Floats(data)) => {
                Storage::Floats(data.iter().map(|v| scale * v + offset).collect())
            }
            (Scale::Columns(columns), _) => {
                let mut data = Vec::with_capacity(table.rows * table.inputs);
                for row in 0..table.rows {
                    let start = data.len();
                    table.push_row(row, &mut data);
                    for (v, (shift, divisor)) in data[start..].iter_mut().zip(columns) {
                        *v = (*v - shift) / divisor;
                    }
                }
                Storage::Floats(data)
            }
        };
        Samples { inputs: table.inputs, outputs, x, y: Targets::None }
    }
}

/// What kind of file it is, by name and, where the name says nothing, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Npz,
    Csv,
    Idx,
}

impl Format {
    /// The format of a file; `.gz` at the end does not matter.
    pub fn of(path: &Path) -> Result<Self, DataError> {
        let name = path.file_name().map(|n| n.to_string_lossy().to_lowercase()).unwrap_or_default();
        let name = name.strip_suffix(".gz").unwrap_or(&name);
        if name.ends_with(".npz") {
            return Ok(Format::Npz);
        }
        if name.ends_with(".csv") {
            return Ok(Format::Csv);
        }
        if name.contains("idx") {
            return Ok(Format::Idx);
        }
        match Source::open(path)?.exact(2, "a file")?[..] {
            [0, 0] => Ok(Format::Idx),
            _ => Err(DataError::input(
                path,
                Place::File,
                "unknown kind of file",
                "a name that ends in .npz or .csv, or an idx file",
            )),
        }
    }
}

/// The inputs in a file, for a circuit that was trained on `task`: npz (`x`; `y` is ignored), CSV (the input columns of
/// the training file by name, others ignored; all columns in order where training was not from CSV) or idx. Values are
/// in the units of the training data and scaled as those were.
///
/// # Errors
/// A file that cannot be read, and another number of inputs than the task has.
pub fn read_inputs(task: &super::Task, path: &Path) -> Result<Samples, DataError> {
    let columns = &task.transform.columns;
    let table = match Format::of(path)? {
        Format::Npz => npz::read(path, Wanted::Nothing)?,
        Format::Csv if columns.is_empty() => csv_file::read(path, &csv_file::Columns::All)?,
        Format::Csv => csv_file::read(path, &csv_file::Columns::Inputs(columns))?,
        Format::Idx => idx::read_table(path, None)?,
    };
    if table.inputs != task.inputs {
        let found = format!("{} values per row", table.inputs);
        return Err(DataError::input(path, Place::File, found, format!("{} as in training", task.inputs)));
    }
    Ok(task.transform.apply(&table, task.outputs))
}
