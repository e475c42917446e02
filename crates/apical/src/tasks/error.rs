//! What is wrong with data: in which file, where in it, what was found and what is allowed.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Whose fault a data error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The data or the settings are wrong.
    Input,
    /// The machine failed to read (disk, permission).
    Machine,
}

/// Where in a file something is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The file as a whole.
    File,
    /// A byte, counted from 0, after unpacking.
    Byte(u64),
    /// A line of a text file, counted from 1, and the name of the column if one cell is meant.
    Line {
        /// The line.
        line: u64,
        /// The column.
        column: Option<String>,
    },
    /// A row of samples, counted from 1.
    Row(usize),
    /// An array of an npz file and, if one is meant, its row counted from 1.
    Array {
        /// Name of the array.
        name: String,
        /// The row.
        row: Option<usize>,
    },
    /// No file: a setting of the task.
    Field(&'static str),
}

/// Data that cannot be used, or a machine that cannot read them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataError {
    /// The file; empty for [`Place::Field`].
    pub file: PathBuf,
    /// Where in it.
    pub place: Place,
    /// What was found.
    pub found: String,
    /// What is allowed; empty if there is nothing to say.
    pub allowed: String,
    /// Whose fault.
    pub fault: Fault,
}

impl DataError {
    /// Bad data at a place of a file.
    pub fn input(file: &Path, place: Place, found: impl Into<String>, allowed: impl Into<String>) -> Self {
        DataError { file: file.into(), place, found: found.into(), allowed: allowed.into(), fault: Fault::Input }
    }

    /// A setting of the task that cannot be used.
    pub fn field(name: &'static str, found: impl Into<String>, allowed: impl Into<String>) -> Self {
        Self::input(Path::new(""), Place::Field(name), found, allowed)
    }

    /// A file that cannot be opened or read: one that is not there is bad input, anything else is the machine's fault.
    pub fn io(file: &Path, source: &io::Error) -> Self {
        let missing = source.kind() == io::ErrorKind::NotFound;
        DataError {
            file: file.into(),
            place: Place::File,
            found: if missing { "there is no such file".into() } else { source.to_string() },
            allowed: String::new(),
            fault: if missing { Fault::Input } else { Fault::Machine },
        }
    }

    /// File and place in words, e.g. `digits.csv, line 3, column "label"`.
    pub fn whereabouts(&self) -> String {
        let file = self.file.display();
        match &self.place {
            Place::File => file.to_string(),
            Place::Byte(byte) => format!("{file}, byte {byte}"),
            Place::Line { line, column: None } => format!("{file}, line {line}"),
            Place::Line { line, column: Some(column) } => format!("{file}, line {line}, column \"{column}\""),
            Place::Row(row) => format!("{file}, row {row}"),
            Place::Array { name, row: None } => format!("{file}, array `{name}`"),
            Place::Array { name, row: Some(row) } => format!("{file}, array `{name}`, row {row}"),
            Place::Field(name) => (*name).to_string(),
        }
    }
}

impl fmt::Display for DataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.whereabouts(), self.found)?;
        if self.allowed.is_empty() { Ok(()) } else { write!(f, "; expected {}", self.allowed) }
    }
}

impl std::error::Error for DataError {}
