//! The content of a user's file before split, classes and scaling: rows of inputs with labels or potentials.

use std::ops::Range;

/// Input values as the file has them.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Values {
    /// Unsigned bytes (idx).
    Bytes(Vec<u8>),
    /// Anything else.
    Floats(Vec<f64>),
}

/// Targets as the file has them.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Answers {
    /// None were asked for.
    None,
    /// The name of a class per row.
    Labels(Vec<String>),
    /// `outputs` potentials per row.
    Potentials { outputs: usize, values: Vec<f64> },
}

/// Which targets to look for in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Labels.
    Labels,
    /// Potentials.
    Potentials,
    /// Inputs only.
    Nothing,
}

/// Rows of a file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Table {
    /// Names of the input columns; empty where the format has none.
    pub columns: Vec<String>,
    /// Values per row, at least 1.
    pub inputs: usize,
    /// Rows, at least 1.
    pub rows: usize,
    /// `rows * inputs` values, row after row.
    pub x: Values,
    /// Targets.
    pub y: Answers,
}

impl Table {
    /// The inputs of a row as f64, appended.
    pub fn push_row(&self, row: usize, out: &mut Vec<f64>) {
        let range: Range<usize> = row * self.inputs..(row + 1) * self.inputs;
        match &self.x {
            Values::Bytes(data) => out.extend(data[range].iter().map(|&b| f64::from(b))),
            Values::Floats(data) => out.extend_from_slice(&data[range]),
        }
    }
}

/// Row (from 0) of the first value that is not finite.
pub(super) fn first_not_finite(values: &[f64], width: usize) -> Option<usize> {
    values.iter().position(|v| !v.is_finite()).map(|i| i / width)
}
