//! Reads what runs wrote: metrics, configs, traces. For figures, tables and commands; needs no lock, so that a run that
//! is going on can be looked at.

use super::metrics::When;
use crate::error::Error;
use crate::folder::atomic::{must_be_readable, read_text};
use crate::folder::{CONFIG, FINAL_METRICS, METRICS, TRACES};
use serde_json::{Map, Value};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// A metric over time, in the order written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// Name of the metric.
    pub name: String,
    /// When each value was taken.
    pub when: Vec<When>,
    /// The values; NaN where the file has null.
    pub values: Vec<f64>,
}

/// As series these bytes are a quarter as many in memory.
const LARGEST_METRICS: u64 = 4 << 30;
/// A line has a name and four numbers.
const LONGEST_LINE: u64 = 64 << 10;

/// `metrics.jsonl` as series.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metrics {
    /// In order of first appearance.
    pub series: Vec<Series>,
    /// What was left out: a last line that is half written, as a run that goes on or was killed leaves it.
    pub note: Option<String>,
}

impl Metrics {
    /// The series of a name.
    pub fn get(&self, name: &str) -> Option<&Series> {
        self.series.iter().find(|series| series.name == name)
    }

    fn push(&mut self, name: &str, when: When, value: f64) {
        let index = self.series.iter().position(|series| series.name == name).unwrap_or_else(|| {
            self.series.push(Series { name: name.into(), ..Series::default() });
            self.series.len() - 1
        });
        self.series[index].when.push(when);
        self.series[index].values.push(value);
    }
}

/// Reads `metrics.jsonl` of a run folder.
///
/// # Errors
/// `Input`, naming the line, if one that is whole is not what a run writes; if there is no such file, or it is no regular one
/// or beyond 4 GiB; `Machine`.
pub fn metrics(folder: &Path) -> Result<Metrics, Error> {
    let path = folder.join(METRICS);
    let place = |line: usize| format!("{}:{line}", path.display());
    must_be_readable(&path, LARGEST_METRICS)?;
    let mut reader = BufReader::new(open(&path)?);
    let mut metrics = Metrics::default();
    let (mut bytes, mut line) = (Vec::new(), 0);
    loop {
        bytes.clear();
        line += 1;
        let read = reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut bytes);
        let read = read.map_err(|source| Error::machine(place(line), source))?;
        if read == 0 {
            return Ok(metrics);
        }
        if bytes.last() != Some(&b'\n') && read as u64 == LONGEST_LINE {
            return Err(Error::input(place(line), "a line of more than 64 KiB", "lines that a run wrote"));
        }
        if bytes.last() != Some(&b'\n') {
            metrics.note = Some(format!("{}: half a line, left out", place(line)));
            return Ok(metrics);
        }
        let Some((name, when, value)) = parse(&bytes) else {
            let found = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]).trim_end().to_string();
            let allowed = r#"{"presentation":N,"epoch":N,"time_ms":X,"name":"...","value":X or null}"#;
            return Err(Error::input(place(line), found, allowed));
        };
        metrics.push(&name, when, value);
    }
}

/// A line of `metrics.jsonl`; `None` for what is none.
pub(crate) fn parse(line: &[u8]) -> Option<(String, When, f64)> {
    let line: Map<String, Value> = serde_json::from_slice(line).ok()?;
    let number = |value: &Value| if value.is_null() { Some(f64::NAN) } else { value.as_f64() };
    let (presentation, epoch) = (line.get("presentation")?.as_u64()?, line.get("epoch")?.as_u64()?);
    let when = When { presentation, epoch, time_ms: number(line.get("time_ms")?)? };
    Some((line.get("name")?.as_str()?.to_string(), when, number(line.get("value")?)?))
}

/// Reads `metrics.json` of a run folder, which exists when the run has ended.
///
/// # Errors
/// `Input` if it is missing or no JSON object; `Machine`.
pub fn final_metrics(folder: &Path) -> Result<Map<String, Value>, Error> {
    json_object(&folder.join(FINAL_METRICS))
}

/// The text of `config.resolved.toml` of a run folder.
///
/// # Errors
/// `Input` if it is missing or no text; `Machine`.
pub fn resolved_config(folder: &Path) -> Result<String, Error> {
    read_text(&folder.join(CONFIG))
}

/// Names of the arrays in the traces of a run folder, coordinates included; empty if it has no traces.
///
/// # Errors
/// `Input` if the group is damaged; `Machine`.
pub fn trace_names(folder: &Path) -> Result<Vec<String>, Error> {
    let path = folder.join(TRACES).join("zarr.json");
    if !path.exists() {
        return Ok(Vec::new());
    }
    let group = json_object(&path)?;
    let arrays = group.get("consolidated_metadata").and_then(|all| all["metadata"].as_object());
    let names = arrays.map(|arrays| arrays.keys().cloned().collect());
    names
        .ok_or_else(|| Error::input(path.display().to_string(), "no consolidated metadata", "a group that a run wrote"))
}

/// One array of the traces.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// Names of its dims, time first (coordinates of cells have their own dim only).
    pub dims: Vec<String>,
    /// Lengths of its dims.
    pub shape: Vec<usize>,
    /// `units`, `long_name`, `equation`, `coordinates`.
    pub attributes: Map<String, Value>,
    dir: PathBuf,
    kind: Number,
    chunk_rows: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Number {
    F32,
    F64,
    I64,
}

impl Number {
    fn bytes(self) -> usize {
        if self == Number::F32 { 4 } else { 8 }
    }

    /// Appends the numbers that `bytes` holds.
    fn values(self, bytes: &[u8], into: &mut Vec<f64>) {
        match self {
            Number::F32 => into.extend(bytes.as_chunks().0.iter().map(|b| f64::from(f32::from_le_bytes(*b)))),
            Number::F64 => into.extend(bytes.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b))),
            Number::I64 => into.extend(bytes.as_chunks().0.iter().map(|b| i64::from_le_bytes(*b) as f64)),
        }
    }
}

impl Trace {
    /// Opens an array of the traces of a run folder.
    ///
    /// # Errors
    /// `Input` if there is none of that name, or its metadata is not what a run writes; `Machine`.
    pub fn open(folder: &Path, name: &str) -> Result<Trace, Error> {
        if !trace_names(folder)?.iter().any(|known| known == name) {
            let place = folder.join(TRACES).display().to_string();
            return Err(Error::input(place, format!("no trace {name:?}"), trace_names(folder)?.join(", ")));
        }
        let dir = folder.join(TRACES).join(name);
        let path = dir.join("zarr.json");
        let trace = Self::parse(dir, &json_object(&path)?);
        let allowed = "float32, float64 or int64 in chunks along time, as a run writes it";
        trace.ok_or_else(|| Error::input(path.display().to_string(), "another kind of array", allowed))
    }

    fn parse(dir: PathBuf, meta: &Map<String, Value>) -> Option<Trace> {
        let sizes = |value: &Value| -> Option<Vec<usize>> {
            value.as_array()?.iter().map(|length| usize::try_from(length.as_u64()?).ok()).collect()
        };
        let shape = sizes(meta.get("shape")?)?;
        let chunk = sizes(&meta.get("chunk_grid")?["configuration"]["chunk_shape"])?;
        let dims: Vec<String> = meta
            .get("dimension_names")?
            .as_array()?
            .iter()
            .map(|dim| Some(dim.as_str()?.into()))
            .collect::<Option<_>>()?;
        let kind = match meta.get("data_type")?.as_str()? {
            "float32" => Number::F32,
            "float64" => Number::F64,
            "int64" => Number::I64,
            _ => return None,
        };
        let sound = !shape.is_empty() && dims.len() == shape.len() && chunk.len() == shape.len();
        if !sound || chunk[0] == 0 || chunk[1..] != shape[1..] {
            return None;
        }
        // No product of lengths overflows from here on.
        chunk.iter().try_fold(kind.bytes(), |product, &length| product.checked_mul(length))?;
        let attributes = meta.get("attributes")?.as_object()?.clone();
        Some(Trace { dims, attributes, dir, kind, chunk_rows: chunk[0], shape })
    }

    /// Number of rows: values in time.
    pub fn rows(&self) -> usize {
        self.shape[0]
    }

    /// Values in a row: samples x cells.
    pub fn row_length(&self) -> usize {
        self.shape[1..].iter().product()
    }

    /// Reads rows `from..to`, one after the other.
    ///
    /// # Errors
    /// `Input` if there are fewer rows, or a chunk file is missing or cut; `Machine`.
    pub fn read(&self, from: usize, to: usize) -> Result<Vec<f64>, Error> {
        let mut values = Vec::new();
        self.each_block(from, to, &mut |_, block| values.extend_from_slice(block))?;
        Ok(values)
    }

    /// Shows rows `from..to` chunk by chunk, each with the number of its first row: memory holds one chunk, however long the
    /// trace is.
    ///
    /// # Errors
    /// As [`Trace::read`]; what came before was shown.
    pub fn each_block(&self, from: usize, to: usize, see: &mut dyn FnMut(usize, &[f64])) -> Result<(), Error> {
        if from > to || to > self.rows() {
            let place = self.dir.display().to_string();
            return Err(Error::input(place, format!("rows {from} to {to}"), format!("rows 0 to {}", self.rows())));
        }
        let row_bytes = self.row_length() * self.kind.bytes();
        let mut values = Vec::new();
        let mut row = from;
        while row < to {
            let (chunk, first) = (row / self.chunk_rows, row % self.chunk_rows);
            let last = (first + (to - row)).min(self.chunk_rows);
            let bytes = self.chunk(chunk, row_bytes * self.chunk_rows)?;
            values.clear();
            self.kind.values(&bytes[first * row_bytes..last * row_bytes], &mut values);
            see(row, &values);
            row += last - first;
        }
        Ok(())
    }

    /// Times of the first and the last row in ms, which stand at equal distances; none without rows.
    ///
    /// # Errors
    /// As [`Trace::open`] and [`Trace::read`]; `Input` if they do not ascend.
    pub fn span(&self, folder: &Path) -> Result<Option<(f64, f64)>, Error> {
        if self.rows() == 0 {
            return Ok(None);
        }
        let times = Trace::open(folder, &self.dims[0])?;
        let place = times.dir.display().to_string();
        if times.shape != [self.rows()] {
            let found = format!("{:?} times for {} rows", times.shape, self.rows());
            return Err(Error::input(place, found, "a time for each row, as a run writes them"));
        }
        let (first, last) = (times.read(0, 1)?[0], times.read(self.rows() - 1, self.rows())?[0]);
        if first.is_finite() && last.is_finite() && (first < last || self.rows() == 1) {
            return Ok(Some((first, last)));
        }
        Err(Error::input(place, format!("times from {first} to {last}"), "times that ascend"))
    }

    /// Numbers of the cells along the last dim, as recorded; none for a trace of one value.
    ///
    /// # Errors
    /// As [`Trace::open`] and [`Trace::read`].
    pub fn cells(&self, folder: &Path) -> Result<Vec<usize>, Error> {
        match &self.dims[1..] {
            [.., last] if last != "sample" => {
                let labels = Trace::open(folder, last)?;
                Ok(labels.read(0, labels.rows())?.into_iter().map(|n| n as usize).collect())
            }
            _ => Ok(Vec::new()),
        }
    }

    fn chunk(&self, chunk: usize, expected: usize) -> Result<Vec<u8>, Error> {
        let path = self.dir.join(format!("c.{chunk}{}", ".0".repeat(self.shape.len() - 1)));
        let damaged = |found: String| {
            Error::input(path.display().to_string(), found, format!("a chunk of the traces, {expected} bytes"))
        };
        // The length is compared before anything is allocated: the metadata may lie.
        let meta = fs::metadata(&path).map_err(|source| damaged(source.to_string()))?;
        if !meta.is_file() || meta.len() != expected as u64 {
            return Err(damaged(format!("{} bytes", meta.len())));
        }
        let bytes = fs::read(&path).map_err(|source| Error::machine(path.display().to_string(), source))?;
        if bytes.len() == expected { Ok(bytes) } else { Err(damaged(format!("{} bytes", bytes.len()))) }
    }
}

fn open(path: &Path) -> Result<File, Error> {
    match File::open(path) {
        Err(source) if source.kind() == std::io::ErrorKind::NotFound => {
            Err(Error::input(path.display().to_string(), "there is no such file", "a file that a run wrote"))
        }
        file => file.map_err(|source| Error::machine(path.display().to_string(), source)),
    }
}

fn json_object(path: &Path) -> Result<Map<String, Value>, Error> {
    serde_json::from_str(&read_text(path)?).map_err(|source| {
        Error::input(path.display().to_string(), source.to_string(), "the JSON object that a run writes")
    })
}
