//! npz archives: numpy's npy arrays in a zip file, stored or deflated. The one place that opens them.
//!
//! The crates rawzip, flate2 and npyz read them; what they would take on trust (lengths, shapes, what a packed array
//! unfolds to) is checked here before.

use super::error::{DataError, Place};
use super::source::unpacked_limit;
use flate2::read::DeflateDecoder;
use npyz::{DType, Deserialize, NpyHeader, Order};
use rawzip::{CompressionMethod, ErrorKind, FileReader, RECOMMENDED_BUFFER_SIZE, ZipArchive, ZipArchiveEntryWayfinder};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// numpy pads its headers to less than 128 bytes for plain arrays.
const HEADER_MAX: usize = 4096;
/// `{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }` has one pair of parentheses.
const BRACKETS_MAX: usize = 8;

/// An open npz file.
pub struct NpzFile {
    path: PathBuf,
    archive: ZipArchive<FileReader>,
    entries: Vec<(String, CompressionMethod, ZipArchiveEntryWayfinder)>,
    limit: u64,
}

/// One array: its header and its raw bytes, whose lengths agree; it has at least one value.
pub struct NpyArray {
    path: PathBuf,
    name: String,
    header: NpyHeader,
    bytes: Vec<u8>,
    start: usize,
}

impl NpzFile {
    /// Opens a file and reads its list of arrays.
    ///
    /// # Errors
    /// Not there, not readable, or not a whole zip archive.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        let of_machine = |e| DataError::io(path, &e);
        let file = File::open(path).map_err(of_machine)?;
        let meta = file.metadata().map_err(of_machine)?;
        if meta.is_dir() {
            return Err(DataError::input(path, Place::File, "this is a folder", "a file"));
        }
        let broken = |e: rawzip::Error| damaged_zip(path, Place::File, &e);
        let mut buffer = vec![0; RECOMMENDED_BUFFER_SIZE];
        let archive = ZipArchive::from_file(file, &mut buffer).map_err(broken)?;
        let mut found: Vec<(String, CompressionMethod, ZipArchiveEntryWayfinder)> = Vec::new();
        let mut listed = 0;
        let mut entries = archive.entries(&mut buffer);
        while let Some(entry) = entries.next_entry().map_err(broken)? {
            listed += 1;
            let file_name = String::from_utf8_lossy(entry.file_path().as_bytes());
            let Some(name) = file_name.strip_suffix(".npy") else { continue };
            if found.iter().any(|(other, ..)| other == name) {
                return Err(DataError::input(
                    path,
                    Place::File,
                    format!("two arrays named `{name}`"),
                    "one of each name",
                ));
            }
            found.push((name.to_owned(), entry.compression_method(), entry.wayfinder()));
        }
        if listed != archive.entries_hint() {
            let announced = format!("{} as its end announces", archive.entries_hint());
            return Err(DataError::input(path, Place::File, format!("{listed} entries in the zip file"), announced));
        }
        Ok(NpzFile { path: path.into(), archive, entries: found, limit: unpacked_limit(meta.len()) })
    }

    /// Names of the arrays, in the order of the file.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|(name, ..)| &name[..])
    }

    /// Reads one array of plain values.
    ///
    /// # Errors
    /// Not there, damaged, larger than what a file may unfold to, or of pickled objects or records.
    pub fn array(&self, name: &str) -> Result<NpyArray, DataError> {
        let error = |found: String, allowed: &str| DataError::input(&self.path, place(name), found, allowed);
        let Some((_, method, wayfinder)) = self.entries.iter().find(|(n, ..)| n == name) else {
            let names: Vec<String> = self.names().take(8).map(|n| format!("`{n}`")).collect();
            let found = if names.is_empty() { "no array".into() } else { format!("only {}", names.join(", ")) };
            return Err(error(found, &format!("an array named `{name}`")));
        };
        let entry = self.archive.get_entry(*wayfinder).map_err(|e| damaged_zip(&self.path, place(name), &e))?;
        let mut bytes = Vec::new();
        let read = match *method {
            CompressionMethod::STORE => {
                entry.verifying_reader(entry.reader()).take(self.limit + 1).read_to_end(&mut bytes)
            }
            CompressionMethod::DEFLATE => {
                entry.verifying_reader(DeflateDecoder::new(entry.reader())).take(self.limit + 1).read_to_end(&mut bytes)
            }
            other => return Err(error(format!("packed by the zip method {other:?}"), "stored or deflated")),
        };
        read.map_err(|e| damaged(&self.path, place(name), &e))?;
        if bytes.len() as u64 > self.limit {
            return Err(error("too large an array".into(), &format!("at most {} bytes", self.limit)));
        }
        let start = header_end(&bytes).map_err(|(found, allowed)| error(found, allowed))?;
        let header = NpyHeader::from_reader(&bytes[..start]).map_err(|e| damaged(&self.path, place(name), &e))?;
        if !matches!(header.dtype(), DType::Plain(_)) || header.uses_pickled_array() {
            let found = format!("values of type {}", header.dtype().descr());
            return Err(error(found, "numbers or text (no pickled objects, no records)"));
        }
        if header.shape().contains(&0) {
            return Err(error(format!("shape {:?}", header.shape()), "at least one value"));
        }
        // header_end has checked that the number of values fits.
        let size = header.dtype().num_bytes().and_then(|n| n.checked_mul(header.len() as usize));
        if size != Some(bytes.len() - start) || size == Some(0) {
            let found = format!("{} bytes of values", bytes.len() - start);
            return Err(error(found, &format!("shape {:?} of {}", header.shape(), header.dtype().descr())));
        }
        Ok(NpyArray { path: self.path.clone(), name: name.into(), header, bytes, start })
    }
}

impl NpyArray {
    /// Sizes of the dimensions, slowest first; none is 0.
    pub fn shape(&self) -> &[u64] {
        self.header.shape()
    }

    /// The type of the values as numpy writes it, e.g. `'<f8'`.
    pub fn type_name(&self) -> String {
        self.header.dtype().descr()
    }

    /// True where the first dimension is the fastest.
    pub fn is_fortran(&self) -> bool {
        self.header.order() == Order::Fortran
    }

    /// Something wrong with this array, or with one of its rows, counted from 1.
    pub fn error(&self, row: Option<usize>, found: impl Into<String>, allowed: impl Into<String>) -> DataError {
        DataError::input(&self.path, Place::Array { name: self.name.clone(), row }, found, allowed)
    }

    /// Values of a Rust type that fits the array's, in the order in which they are stored; `None` if it does not fit.
    pub fn values<T: Deserialize>(&self) -> Option<Result<Vec<T>, DataError>> {
        let npy = npyz::NpyFile::with_header(self.header.clone(), &self.bytes[self.start..]);
        let reader = npy.try_data::<T>().ok()?;
        Some(reader.collect::<io::Result<Vec<T>>>().map_err(|e| self.error(None, e.to_string(), "readable values")))
    }
}

fn place(name: &str) -> Place {
    Place::Array { name: name.into(), row: None }
}

fn damaged_zip(path: &Path, place: Place, e: &rawzip::Error) -> DataError {
    match e.kind() {
        ErrorKind::IO(e) => damaged(path, place, e),
        _ => unreadable(path, place, e),
    }
}

fn damaged(path: &Path, place: Place, e: &io::Error) -> DataError {
    use io::ErrorKind::{InvalidData, InvalidInput, Other, UnexpectedEof};
    match e.kind() {
        InvalidData | InvalidInput | UnexpectedEof | Other => unreadable(path, place, e),
        _ => DataError::io(path, e),
    }
}

fn unreadable(path: &Path, place: Place, e: &dyn std::fmt::Display) -> DataError {
    DataError::input(path, place, format!("not readable ({e})"), "a whole npz file as numpy.savez writes it")
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
