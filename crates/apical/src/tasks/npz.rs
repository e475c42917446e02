//! Samples in npz files: `x` with the inputs (rows, inputs) and `y` with classes (integers or text, one per row) or target
//! potentials (rows, outputs).

use super::error::DataError;
use super::npz_file::{NpyArray, NpzFile};
use super::table::{Answers, Table, Values, Wanted, first_not_finite};
use std::path::Path;

/// Reads `x` and, if targets are wanted, `y`.
pub(super) fn read(path: &Path, wanted: Wanted) -> Result<Table, DataError> {
    let npz = NpzFile::open(path)?;
    let x = npz.array("x")?;
    let (rows, inputs) = two_dimensional(&x, "(rows, inputs)")?;
    let values = floats(&x, inputs)?;
    let y = match wanted {
        Wanted::Nothing => Answers::None,
        Wanted::Labels => Answers::Labels(labels(&npz.array("y")?, rows)?),
        Wanted::Potentials => {
            let y = npz.array("y")?;
            // One output cell may be a plain column.
            let outputs = if y.shape().len() == 1 { 1 } else { two_dimensional(&y, "(rows, outputs)")?.1 };
            check_rows(&y, rows)?;
            Answers::Potentials { outputs, values: floats(&y, outputs)? }
        }
    };
    Ok(Table { columns: Vec::new(), inputs, rows, x: Values::Floats(values), y })
}

fn two_dimensional(array: &NpyArray, meaning: &str) -> Result<(usize, usize), DataError> {
    match array.shape() {
        // The product fits usize (the reader has checked it), so each factor does.
        [rows, columns] => Ok((*rows as usize, *columns as usize)),
        shape => Err(array.error(None, format!("shape {shape:?}"), format!("two dimensions {meaning}"))),
    }
}

fn check_rows(array: &NpyArray, rows: usize) -> Result<(), DataError> {
    let found = array.shape().first().copied().unwrap_or(0);
    if found == rows as u64 {
        return Ok(());
    }
    Err(array.error(None, format!("{found} rows"), format!("{rows} as in `x`")))
}

/// Finite numbers, row after row.
fn floats(array: &NpyArray, columns: usize) -> Result<Vec<f64>, DataError> {
    macro_rules! first_that_fits {
        ($($t:ty),*) => {
            $(if let Some(values) = array.values::<$t>() { values?.into_iter().map(|v| v as f64).collect() } else)* {
                let found = format!("values of type {}", array.type_name());
                return Err(array.error(None, found, "integers or float32 or float64"));
            }
        };
    }
    let stored: Vec<f64> = first_that_fits!(f64, f32, u8, i8, u16, i16, u32, i32, u64, i64);
    let rows = stored.len() / columns;
    let values = if array.is_fortran() {
        (0..rows).flat_map(|r| (0..columns).map(move |c| c * rows + r)).map(|i| stored[i]).collect()
    } else {
        stored
    };
    match first_not_finite(&values, columns) {
        Some(row) => Err(array.error(Some(row + 1), "NaN or an infinite value", "finite numbers")),
        None => Ok(values),
    }
}

/// One class per row.
fn labels(array: &NpyArray, rows: usize) -> Result<Vec<String>, DataError> {
    let shape = array.shape();
    let found = || format!("shape {shape:?} of {}", array.type_name());
    let allowed = "one dimension of integers or text: a class per row";
    if shape.len() != 1 {
        return Err(array.error(None, found(), allowed));
    }
    check_rows(array, rows)?;
    macro_rules! first_that_fits {
        ($($t:ty),*) => {
            $(if let Some(values) = array.values::<$t>() { values?.iter().map(|v| v.to_string()).collect() } else)* {
                return Err(array.error(None, found(), allowed));
            }
        };
    }
    Ok(first_that_fits!(i64, i32, i16, i8, u64, u32, u16, u8, String))
}
