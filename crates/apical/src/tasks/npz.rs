//! numpy's npz files: `x` with the inputs (rows, inputs) and `y` with classes (integers or text, one per row) or target
//! potentials (rows, outputs).
//!
//! The npyz crate reads them; what it would take on trust (lengths, shapes) is checked here before.

use super::error::{DataError, Place};
use super::source::unpacked_limit;
use super::table::{Answers, Table, Values, Wanted, first_not_finite};
use npyz::npz::NpzArchive;
use npyz::{DType, Deserialize, NpyHeader, Order};
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

/// numpy pads its headers to less than 128 bytes for plain arrays.
const HEADER_MAX: usize = 4096;
/// `{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }` has one pair of parentheses.
const BRACKETS_MAX: usize = 8;

/// An open npz file.
struct Npz<'a> {
    path: &'a Path,
    archive: NpzArchive<BufReader<File>>,
    limit: u64,
}

/// One array: its header and its raw bytes.
struct Array<'a> {
    path: &'a Path,
    name: &'static str,
    header: NpyHeader,
    bytes: Vec<u8>,
    start: usize,
}

/// Reads `x` and, if targets are wanted, `y`.
pub(super) fn read(path: &Path, wanted: Wanted) -> Result<Table, DataError> {
    let file = File::open(path).map_err(|e| DataError::io(path, &e))?;
    let length = file.metadata().map_err(|e| DataError::io(path, &e))?.len();
    let archive = NpzArchive::new(BufReader::new(file)).map_err(|e| damaged(path, Place::File, &e))?;
    let mut npz = Npz { path, archive, limit: unpacked_limit(length) };

    let x = npz.array("x")?;
    let (rows, inputs) = x.two_dimensional("(rows, inputs)")?;
    let values = x.floats(inputs)?;
    let y = match wanted {
        Wanted::Nothing => Answers::None,
        Wanted::Labels => Answers::Labels(npz.array("y")?.labels(rows)?),
        Wanted::Potentials => {
            let y = npz.array("y")?;
            // One output cell may be a plain column.
            let outputs = if y.header.shape().len() == 1 { 1 } else { y.two_dimensional("(rows, outputs)")?.1 };
            y.check_rows(rows)?;
            Answers::Potentials { outputs, values: y.floats(outputs)? }
        }
    };
    Ok(Table { columns: Vec::new(), inputs, rows, x: Values::Floats(values), y })
}

fn damaged(path: &Path, place: Place, e: &io::Error) -> DataError {
    use io::ErrorKind::{InvalidData, InvalidInput, Other, UnexpectedEof};
    match e.kind() {
        InvalidData | InvalidInput | UnexpectedEof | Other => {
            DataError::input(path, place, format!("not readable ({e})"), "a whole npz file as numpy.savez writes it")
        }
        _ => DataError::io(path, e),
    }
}

impl<'a> Npz<'a> {
    fn array(&mut self, name: &'static str) -> Result<Array<'a>, DataError> {
        let path = self.path;
        let place = || Place::Array { name: name.into(), row: None };
        let names: Vec<String> = self.archive.array_names().take(8).map(|n| format!("`{n}`")).collect();
        if !self.archive.array_names().any(|n| n == name) {
            let found = if names.is_empty() { "no array".into() } else { format!("only {}", names.join(", ")) };
            return Err(DataError::input(path, place(), found, format!("an array named `{name}`")));
        }
        let entry = self.archive.zip_archive().by_name(&npyz::npz::file_name_from_array_name(name));
        let entry =
            entry.map_err(|e| damaged(path, place(), &io::Error::new(io::ErrorKind::InvalidData, e.to_string())))?;
        let mut bytes = Vec::new();
        entry.take(self.limit + 1).read_to_end(&mut bytes).map_err(|e| damaged(path, place(), &e))?;
        if bytes.len() as u64 > self.limit {
            return Err(DataError::input(path, place(), "too large an array", format!("at most {} bytes", self.limit)));
        }
        let start = header_end(&bytes).map_err(|(found, allowed)| DataError::input(path, place(), found, allowed))?;
        let header = NpyHeader::from_reader(&bytes[..start]).map_err(|e| damaged(path, place(), &e))?;
        if !matches!(header.dtype(), DType::Plain(_)) || header.uses_pickled_array() {
            let found = format!("values of type {}", header.dtype().descr());
            return Err(DataError::input(path, place(), found, "numbers or text (no pickled objects, no records)"));
        }
        if header.shape().contains(&0) {
            return Err(DataError::input(path, place(), format!("shape {:?}", header.shape()), "at least one value"));
        }
        // header_end has checked that the number of values fits.
        let size = header.dtype().num_bytes().and_then(|n| n.checked_mul(header.len() as usize));
        if size != Some(bytes.len() - start) || size == Some(0) {
            let found = format!("{} bytes of values", bytes.len() - start);
            let allowed = format!("shape {:?} of {}", header.shape(), header.dtype().descr());
            return Err(DataError::input(path, place(), found, allowed));
        }
        Ok(Array { path, name, header, bytes, start })
    }
}

/// Where the header of an npy array ends, if it is one that the npyz crate can be given: short, not nested deeply (its
/// parser recurses), with a shape whose product does not overflow (it multiplies unchecked).
fn header_end(bytes: &[u8]) -> Result<usize, (String, &'static str)> {
    let not_npy = || ("not a numpy array".to_string(), "an array as numpy.savez writes it");
    if bytes.len() < 12 || !bytes.starts_with(b"\x93NUMPY") {
        return Err(not_npy());
    }
    let (length, text) = match bytes[6] {
        1 => (usize::from(u16::from_le_bytes([bytes[8], bytes[9]])), 10),
        2 | 3 => (u32::from_le_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]) as usize, 12),
        other => return Err((format!("npy format version {other}"), "version 1, 2 or 3")),
    };
    if length > HEADER_MAX {
        return Err((format!("a header of {length} bytes"), "at most 4096 bytes"));
    }
    let header = bytes.get(text..text + length).and_then(|h| std::str::from_utf8(h).ok()).ok_or_else(not_npy)?;
    if header.matches(['(', '[', '{']).count() > BRACKETS_MAX {
        return Err(("a deeply nested header".into(), "an array of numbers or text"));
    }
    let mut product: u64 = 1;
    for (at, _) in header.match_indices("shape") {
        let shape = header[at..].split(')').next().unwrap_or_default();
        for number in shape.split(|c: char| !c.is_ascii_digit()).filter(|n| !n.is_empty()) {
            // A zero must not hide an overflow behind it: the crate multiplies parts of the shape too.
            let size = number.parse::<u64>().ok().map(|n| n.max(1));
            product = match size.and_then(|n| product.checked_mul(n)) {
                Some(product) if usize::try_from(product).is_ok() => product,
                _ => return Err((shape.trim().to_string(), "a shape that fits the memory")),
            };
        }
    }
    Ok(text + length)
}

impl Array<'_> {
    fn error(&self, row: Option<usize>, found: impl Into<String>, allowed: impl Into<String>) -> DataError {
        DataError::input(self.path, Place::Array { name: self.name.into(), row }, found, allowed)
    }

    fn two_dimensional(&self, meaning: &str) -> Result<(usize, usize), DataError> {
        match self.header.shape() {
            // The product fits usize (header_end), so each factor does.
            [rows, columns] => Ok((*rows as usize, *columns as usize)),
            shape => Err(self.error(None, format!("shape {shape:?}"), format!("two dimensions {meaning}"))),
        }
    }

    fn check_rows(&self, rows: usize) -> Result<(), DataError> {
        let found = self.header.shape().first().copied().unwrap_or(0);
        if found == rows as u64 {
            return Ok(());
        }
        Err(self.error(None, format!("{found} rows"), format!("{rows} as in `x`")))
    }

    /// Values of a Rust type that fits the array's, in the order in which they are stored.
    fn values<T: Deserialize>(&self) -> Option<Result<Vec<T>, DataError>> {
        let npy = npyz::NpyFile::with_header(self.header.clone(), &self.bytes[self.start..]);
        let reader = npy.try_data::<T>().ok()?;
        Some(reader.collect::<io::Result<Vec<T>>>().map_err(|e| self.error(None, e.to_string(), "readable values")))
    }

    /// Finite numbers, row after row.
    fn floats(&self, columns: usize) -> Result<Vec<f64>, DataError> {
        macro_rules! first_that_fits {
            ($($t:ty),*) => {
                $(if let Some(values) = self.values::<$t>() { values?.into_iter().map(|v| v as f64).collect() } else)* {
                    let found = format!("values of type {}", self.header.dtype().descr());
                    return Err(self.error(None, found, "integers or float32 or float64"));
                }
            };
        }
        let stored: Vec<f64> = first_that_fits!(f64, f32, u8, i8, u16, i16, u32, i32, u64, i64);
        let rows = stored.len() / columns;
        let values = match self.header.order() {
            Order::C => stored,
            Order::Fortran => {
                (0..rows).flat_map(|r| (0..columns).map(move |c| c * rows + r)).map(|i| stored[i]).collect()
            }
        };
        match first_not_finite(&values, columns) {
            Some(row) => Err(self.error(Some(row + 1), "NaN or an infinite value", "finite numbers")),
            None => Ok(values),
        }
    }

    /// One class per row.
    fn labels(&self, rows: usize) -> Result<Vec<String>, DataError> {
        let shape = self.header.shape();
        let found = || format!("shape {shape:?} of {}", self.header.dtype().descr());
        let allowed = "one dimension of integers or text: a class per row";
        if shape.len() != 1 {
            return Err(self.error(None, found(), allowed));
        }
        self.check_rows(rows)?;
        macro_rules! first_that_fits {
            ($($t:ty),*) => {
                $(if let Some(values) = self.values::<$t>() { values?.iter().map(|v| v.to_string()).collect() } else)* {
                    return Err(self.error(None, found(), allowed));
                }
            };
        }
        Ok(first_that_fits!(i64, i32, i16, i8, u64, u32, u16, u8, String))
    }
}
