//! The idx format of MNIST: two zero bytes, a type, the number of dimensions, the dimensions and the values, all
//! big-endian. Gzipped or not.

use super::error::DataError;
use super::source::Source;
use super::table::{Answers, Table, Values, first_not_finite};
use std::path::Path;

/// The most dimensions a file may have; the format allows 255, data sets use up to 4.
const DIMENSIONS_MAX: usize = 8;

/// An idx file in memory.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Idx {
    /// Sizes of the dimensions, the first counts samples; no dimension is 0.
    pub dims: Vec<usize>,
    /// Values in order.
    pub values: Values,
    /// Byte at which the values start.
    pub start: u64,
}

/// Reads a whole idx file; the file must hold exactly the values that its header announces.
pub(super) fn read(path: &Path) -> Result<Idx, DataError> {
    let mut source = Source::open(path)?;
    let magic = source.exact(4, "the idx magic number")?;
    if magic[..2] != [0, 0] {
        let found = format!("{:02x} {:02x}", magic[0], magic[1]);
        return Err(source.error(0, found, "00 00, with which every idx file starts"));
    }
    let width = match magic[2] {
        0x08 | 0x09 => 1,
        0x0B => 2,
        0x0C | 0x0D => 4,
        0x0E => 8,
        other => {
            let allowed = "an idx type: 08 (u8), 09 (i8), 0b (i16), 0c (i32), 0d (f32) or 0e (f64)";
            return Err(source.error(2, format!("type {other:02x}"), allowed));
        }
    };
    let count = usize::from(magic[3]);
    if count == 0 || count > DIMENSIONS_MAX {
        return Err(source.error(3, format!("{count} dimensions"), format!("1 to {DIMENSIONS_MAX}")));
    }
    let header = source.exact(4 * count as u64, "the sizes of the dimensions")?;
    let dims: Vec<u32> = header.chunks_exact(4).map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]])).collect();
    if let Some(zero) = dims.iter().position(|&d| d == 0) {
        return Err(source.error(4 + 4 * zero as u64, "a dimension of size 0", "at least 1"));
    }
    let bytes = dims.iter().try_fold(width, |product: u64, &d| product.checked_mul(u64::from(d)));
    let Some(bytes) = bytes else {
        return Err(source.error(4, format!("dimensions {dims:?}"), "values that fit the memory"));
    };
    let start = 4 + 4 * count as u64;
    let raw = source.exact(bytes, &format!("values of dimensions {dims:?}"))?;
    source.end()?;
    let values = decode(magic[2], raw);
    if let Values::Floats(floats) = &values
        && let Some(i) = first_not_finite(floats, 1)
    {
        return Err(source.error(start + width * i as u64, format!("{}", floats[i]), "a finite number"));
    }
    // u32 fits usize on every machine with at least 32 bits.
    Ok(Idx { dims: dims.into_iter().map(|d| d as usize).collect(), values, start })
}

/// Values of a type that [`read`] has let through.
fn decode(kind: u8, raw: Vec<u8>) -> Values {
    fn floats<const N: usize>(raw: &[u8], value: impl Fn([u8; N]) -> f64) -> Values {
        let (chunks, _) = raw.as_chunks::<N>();
        Values::Floats(chunks.iter().map(|&c| value(c)).collect())
    }
    match kind {
        0x09 => floats::<1>(&raw, |b| f64::from(i8::from_be_bytes(b))),
        0x0B => floats::<2>(&raw, |b| f64::from(i16::from_be_bytes(b))),
        0x0C => floats::<4>(&raw, |b| f64::from(i32::from_be_bytes(b))),
        0x0D => floats::<4>(&raw, |b| f64::from(f32::from_be_bytes(b))),
        0x0E => floats::<8>(&raw, f64::from_be_bytes),
        _ => Values::Bytes(raw),
    }
}

/// Images and, if there is a file of them, labels: one row per image, its pixels row after row.
pub(super) fn read_table(images: &Path, labels: Option<&Path>) -> Result<Table, DataError> {
    let Idx { dims, values, .. } = read(images)?;
    let rows = dims[0];
    let inputs = dims[1..].iter().product();
    let y = match labels {
        None => Answers::None,
        Some(path) => Answers::Labels(read_labels(path, rows, images)?),
    };
    Ok(Table { columns: Vec::new(), inputs, rows, x: values, y })
}

fn read_labels(path: &Path, rows: usize, images: &Path) -> Result<Vec<String>, DataError> {
    let Idx { dims, values, .. } = read(path)?;
    if dims != [rows] {
        let allowed = format!("one label for each of the {rows} images in {}", images.display());
        return Err(DataError::input(path, super::Place::Byte(4), format!("dimensions {dims:?}"), allowed));
    }
    Ok(match values {
        Values::Bytes(labels) => labels.iter().map(u8::to_string).collect(),
        Values::Floats(labels) => labels.iter().map(f64::to_string).collect(),
    })
}
