//! One array of the traces: rows along time, in chunk files `c.INDEX.0`, and its `zarr.json`.

use super::zarr::Dtype;
use crate::error::Error;
use crate::folder::atomic::write_atomic;
use serde_json::{Value, json};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Bytes of a chunk, about: a row is never divided.
const CHUNK: usize = 1 << 20;

/// An array that grows along time.
#[derive(Debug)]
pub(super) struct Array {
    pub name: String,
    pub dir: PathBuf,
    pub rows: u64,
    /// Lengths of the dims after time.
    shape: Vec<usize>,
    dims: Vec<String>,
    dtype: Dtype,
    attributes: Value,
    chunk_rows: usize,
    /// Bytes of the rows of the open chunk.
    open: Vec<u8>,
    /// How many of them its file has; 0: it has none.
    stored: usize,
    /// There are rows, or a shape, that the files do not show yet.
    pub dirty: bool,
}

impl Array {
    pub fn new(
        parent: &Path,
        name: &str,
        dims: Vec<String>,
        shape: Vec<usize>,
        dtype: Dtype,
        attributes: Value,
    ) -> Self {
        let row_bytes = shape.iter().product::<usize>() * dtype.bytes();
        let chunk_rows = (CHUNK / row_bytes).max(1);
        let (name, dir) = (name.to_string(), parent.join(name));
        let (open, stored) = (Vec::new(), 0);
        Array { name, dir, rows: 0, shape, dims, dtype, attributes, chunk_rows, open, stored, dirty: true }
    }

    fn row_bytes(&self) -> usize {
        self.shape.iter().product::<usize>() * self.dtype.bytes()
    }

    fn chunk_bytes(&self) -> usize {
        self.row_bytes() * self.chunk_rows
    }

    fn chunk_path(&self, chunk: u64) -> PathBuf {
        self.dir.join(format!("c.{chunk}{}", ".0".repeat(self.shape.len())))
    }

    /// The chunk that the next row belongs to.
    fn chunk(&self) -> u64 {
        self.rows / self.chunk_rows as u64
    }

    pub fn append(&mut self, row: &[f64]) -> Result<(), Error> {
        assert_eq!(row.len(), self.shape.iter().product::<usize>(), "values in a row of trace {}", self.name);
        for &value in row {
            self.dtype.push(&mut self.open, value);
        }
        let path = self.chunk_path(self.chunk());
        self.rows += 1;
        self.dirty = true;
        if self.open.len() == self.chunk_bytes() {
            write_atomic(&path, &self.open, "trace-chunk")?;
            self.open.clear();
            self.stored = 0;
        }
        Ok(())
    }

    /// Writes the rows that the open chunk's file lacks, and returns the file for [`Array::grown`]. Nothing, if it lacks none
    /// or there is no file.
    ///
    /// # Errors
    /// The machine's.
    pub fn grow(&self) -> Result<Option<File>, Error> {
        if self.stored == 0 || self.stored == self.open.len() {
            return Ok(None);
        }
        let path = self.chunk_path(self.chunk());
        let write = || {
            let mut file = OpenOptions::new().write(true).open(&path)?;
            file.seek(SeekFrom::Start(self.stored as u64))?;
            file.write_all(&self.open[self.stored..])?;
            Ok(file)
        };
        write().map(Some).map_err(|source: io::Error| Error::machine(path.display().to_string(), source))
    }

    /// Makes durable what [`Array::grow`] wrote.
    ///
    /// # Errors
    /// The machine's.
    pub fn grown(&mut self, file: &File) -> Result<(), Error> {
        file.sync_data().map_err(|source| Error::machine(self.dir.display().to_string(), source))?;
        self.stored = self.open.len();
        Ok(())
    }

    /// True if the open chunk has rows and no file.
    pub fn begins(&self) -> bool {
        self.stored == 0 && !self.open.is_empty()
    }

    /// Fills the open chunk up with NaN, until [`Array::unpad`]; returns the path of its file.
    pub fn pad(&mut self) -> PathBuf {
        self.stored = self.open.len();
        while self.open.len() < self.chunk_bytes() {
            self.dtype.push(&mut self.open, f64::NAN);
        }
        self.chunk_path(self.chunk())
    }

    /// The bytes of the chunk that has been padded.
    pub fn padded(&self) -> &[u8] {
        &self.open
    }

    /// Leaves the rows of the open chunk, which its file has if it was written.
    pub fn unpad(&mut self, written: bool) {
        self.open.truncate(self.stored);
        if !written {
            self.stored = 0;
        }
    }

    /// Goes back to the first `rows` rows: reads the open chunk, removes the chunks after it.
    pub fn cut(&mut self, rows: u64) -> Result<(), Error> {
        self.rows = rows;
        (self.stored, self.dirty) = (0, true);
        let open_rows = (rows % self.chunk_rows as u64) as usize;
        let chunks = self.chunk() + u64::from(open_rows > 0);
        for chunk in 0..chunks {
            let path = self.chunk_path(chunk);
            let bytes = fs::metadata(&path).map(|meta| meta.len());
            if bytes.as_ref().ok() != Some(&(self.chunk_bytes() as u64)) {
                let found = bytes.map_or_else(|source| source.to_string(), |bytes| format!("{bytes} bytes"));
                let allowed = format!("{} bytes, for {rows} rows at the checkpoint", self.chunk_bytes());
                return Err(Error::input(path.display().to_string(), found, allowed));
            }
        }
        let machine = |path: &Path, source: io::Error| Error::machine(path.display().to_string(), source);
        if open_rows > 0 {
            let path = self.chunk_path(self.chunk());
            self.open = fs::read(&path).map_err(|source| machine(&path, source))?;
            self.open.truncate(open_rows * self.row_bytes());
        }
        for entry in fs::read_dir(&self.dir).map_err(|source| machine(&self.dir, source))? {
            let path = entry.map_err(|source| machine(&self.dir, source))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let number = name.strip_prefix("c.").and_then(|rest| rest.split('.').next()?.parse::<u64>().ok());
            if number.is_some_and(|number| number >= chunks) || name.ends_with(".tmp") {
                fs::remove_file(&path).map_err(|source| machine(&path, source))?;
            }
        }
        Ok(())
    }

    /// What `zarr.json` says of it.
    pub fn meta(&self) -> Value {
        let tail = self.shape.iter().map(|&length| length as u64);
        let shape: Vec<u64> = std::iter::once(self.rows).chain(tail.clone()).collect();
        let chunk: Vec<u64> = std::iter::once(self.chunk_rows as u64).chain(tail).collect();
        meta(self.dtype.name(), json!("NaN"), &shape, &chunk, &self.dims, self.attributes.clone())
    }
}

impl Dtype {
    fn bytes(self) -> usize {
        match self {
            Dtype::F32 => 4,
            Dtype::F64 => 8,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Dtype::F32 => "float32",
            Dtype::F64 => "float64",
        }
    }

    fn push(self, bytes: &mut Vec<u8>, value: f64) {
        match self {
            Dtype::F32 => bytes.extend_from_slice(&(value as f32).to_le_bytes()),
            Dtype::F64 => bytes.extend_from_slice(&value.to_le_bytes()),
        }
    }
}

/// Writes a coordinate of whole numbers that does not grow, and returns its metadata.
pub(super) fn coordinate(
    parent: &Path,
    name: &str,
    dim: &str,
    numbers: &[u64],
    long_name: &str,
) -> Result<Value, Error> {
    let dir = parent.join(name);
    fs::create_dir_all(&dir).map_err(|source| Error::machine(dir.display().to_string(), source))?;
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| (*number as i64).to_le_bytes()).collect();
    write_atomic(&dir.join("c.0"), &bytes, "trace-chunk")?;
    let length = [numbers.len() as u64];
    let meta = meta("int64", json!(0), &length, &length, &[dim.into()], json!({ "long_name": long_name }));
    write_atomic(&dir.join("zarr.json"), meta_json(&meta).as_bytes(), "trace-shape")?;
    Ok(meta)
}

fn meta(dtype: &str, fill: Value, shape: &[u64], chunk: &[u64], dims: &[String], attributes: Value) -> Value {
    json!({
        "zarr_format": 3,
        "node_type": "array",
        "shape": shape,
        "data_type": dtype,
        "chunk_grid": { "name": "regular", "configuration": { "chunk_shape": chunk } },
        "chunk_key_encoding": { "name": "default", "configuration": { "separator": "." } },
        "fill_value": fill,
        "codecs": [{ "name": "bytes", "configuration": { "endian": "little" } }],
        "attributes": attributes,
        "dimension_names": dims,
    })
}

/// Metadata as text.
pub(super) fn meta_json(meta: &Value) -> String {
    format!("{meta:#}\n")
}
