//! Checkpoints: everything that a run needs to go on, in one safetensors file that numpy and torch open as it is.
//!
//! Tensors have the names `Wpp.k bpp.k Wpb.k Wip.k bip.k Wpi.k delta.NAME soma.k inter.k trace.input`. The file's
//! metadata has one entry, `apical`: a JSON object with the counters, file positions and so on, and the SHA-256 of the
//! whole file with the 64 digits of the hash itself taken as `0`. So no byte can change unseen. One entry, since the
//! format keeps them in a hash map: with more, equal checkpoints would not be equal bytes.
//!
//! `last` is replaced by a rename after a sync; no older one is kept beside it, since what could damage `last` (a disk
//! that loses what it has synced) would not spare its neighbour; `best` and the numbered ones remain.

use crate::error::Error;
use crate::folder::write_atomic;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The newest: where `resume` goes on.
pub const LAST: &str = "last.safetensors";
/// The best on the validation set.
pub const BEST: &str = "best.safetensors";

/// File name of the checkpoint kept after an epoch: `epoch-0003.safetensors`.
pub fn epoch_file(epoch: u64) -> String {
    format!("epoch-{epoch:04}.safetensors")
}

/// The only entry of the file's metadata.
const ENTRY: &str = "apical";
/// What stands before the hash in the file: JSON inside a JSON string.
const BEFORE_HASH: &[u8] = br#""apical":"{\"sha256\":\""#;
const HASH_DIGITS: usize = 64;

/// The number types of tensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TensorType {
    /// Single precision.
    F32,
    /// Double precision.
    F64,
    /// Bytes.
    U8,
    /// Counters.
    U64,
}

impl TensorType {
    const ALL: [(TensorType, Dtype); 4] = [
        (TensorType::F32, Dtype::F32),
        (TensorType::F64, Dtype::F64),
        (TensorType::U8, Dtype::U8),
        (TensorType::U64, Dtype::U64),
    ];

    fn dtype(self) -> Dtype {
        Self::ALL[self as usize].1
    }

    fn of(dtype: Dtype) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == dtype).map(|(this, _)| *this)
    }
}

/// An array with a name.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Its name.
    pub name: String,
    /// The type of its numbers.
    pub dtype: TensorType,
    /// Its shape, row-major.
    pub shape: Vec<usize>,
    /// Its numbers, little-endian.
    pub data: Vec<u8>,
}

impl Tensor {
    /// A tensor of single precision.
    pub fn f32(name: impl Into<String>, shape: &[usize], values: &[f32]) -> Tensor {
        let data = little_endian(values, f32::to_le_bytes);
        Tensor { name: name.into(), dtype: TensorType::F32, shape: shape.to_vec(), data }
    }

    /// A tensor of double precision.
    pub fn f64(name: impl Into<String>, shape: &[usize], values: &[f64]) -> Tensor {
        let data = little_endian(values, f64::to_le_bytes);
        Tensor { name: name.into(), dtype: TensorType::F64, shape: shape.to_vec(), data }
    }

    /// A tensor of counters.
    pub fn u64(name: impl Into<String>, shape: &[usize], values: &[u64]) -> Tensor {
        let data = little_endian(values, u64::to_le_bytes);
        Tensor { name: name.into(), dtype: TensorType::U64, shape: shape.to_vec(), data }
    }

    /// Its numbers; exact but for counters beyond 2^53.
    pub fn to_f64(&self) -> Vec<f64> {
        match self.dtype {
            TensorType::F32 => self.numbers(|bytes| f64::from(f32::from_le_bytes(bytes))),
            TensorType::F64 => self.numbers(f64::from_le_bytes),
            TensorType::U8 => self.data.iter().map(|&byte| f64::from(byte)).collect(),
            TensorType::U64 => self.numbers(|bytes| u64::from_le_bytes(bytes) as f64),
        }
    }

    /// Its numbers if they are counters.
    pub fn to_u64(&self) -> Option<Vec<u64>> {
        (self.dtype == TensorType::U64).then(|| self.numbers(u64::from_le_bytes))
    }

    fn numbers<const N: usize, T>(&self, number: impl Fn([u8; N]) -> T) -> Vec<T> {
        self.data.as_chunks::<N>().0.iter().map(|bytes| number(*bytes)).collect()
    }
}

fn little_endian<const N: usize, T: Copy>(values: &[T], bytes: impl Fn(T) -> [u8; N]) -> Vec<u8> {
    let mut data = vec![0; values.len() * N];
    for (place, &value) in data.as_chunks_mut::<N>().0.iter_mut().zip(values) {
        *place = bytes(value);
    }
    data
}

/// All that a run needs to go on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checkpoint {
    /// Weights and state; names differ.
    pub tensors: Vec<Tensor>,
    /// Counters, file positions, plan, precision, hash of the config, version.
    pub meta: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    sha256: String,
    meta: BTreeMap<String, String>,
}

impl Checkpoint {
    /// The tensor of a name.
    pub fn tensor(&self, name: &str) -> Option<&Tensor> {
        self.tensors.iter().find(|tensor| tensor.name == name)
    }

    /// Writes the checkpoint, all of it or nothing; an older file stays until then. Equal checkpoints are equal bytes.
    ///
    /// # Errors
    /// The machine's, naming the file.
    ///
    /// # Panics
    /// If a tensor's data have another length than its shape says: a mistake of the caller.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        write_atomic(path, &self.to_bytes(), "checkpoint")
    }

    fn to_bytes(&self) -> Vec<u8> {
        let views = self.tensors.iter().map(|tensor| {
            let view = TensorView::new(tensor.dtype.dtype(), tensor.shape.clone(), &tensor.data);
            (tensor.name.as_str(), view.unwrap_or_else(|source| panic!("tensor {}: {source}", tensor.name)))
        });
        let entry = Entry { sha256: "0".repeat(HASH_DIGITS), meta: self.meta.clone() };
        let entry = serde_json::to_string(&entry).expect("maps of texts are JSON");
        let meta = HashMap::from([(ENTRY.to_string(), entry)]);
        let mut bytes = safetensors::serialize(views, Some(meta)).expect("shapes were checked just above");
        let hash = hex(&bytes);
        let start = hash_place(&bytes).expect("the entry was written just above");
        bytes[start..start + HASH_DIGITS].copy_from_slice(hash.as_bytes());
        bytes
    }

    /// Reads a checkpoint and checks that no byte has changed since it was written.
    ///
    /// # Errors
    /// `Input`, naming the file, if it is missing, cut, damaged or no checkpoint; `Machine` if it cannot be read.
    pub fn load(path: &Path) -> Result<Checkpoint, Error> {
        let bytes = read(path)?;
        let (tensors, entry) = parse(path, bytes)?;
        let entry = entry.ok_or_else(|| refused(path, "no entry \"apical\" in the metadata"))?;
        Ok(Checkpoint { tensors, meta: entry.meta })
    }
}

/// Reads a plain safetensors file of weights, made by numpy, torch or a run: tensors sorted by name.
///
/// # Errors
/// `Input`, naming the file and the tensor, if it is missing, cut, damaged, or holds other numbers than f32, f64, u8,
/// u64; a checkpoint of a run is checked as `Checkpoint::load` does. `Machine` if it cannot be read.
pub fn read_weights(path: &Path) -> Result<Vec<Tensor>, Error> {
    Ok(parse(path, read(path)?)?.0)
}

/// Larger headers belong to nets that no checkpoint of a run has.
const LARGEST_HEADER: u64 = 64 << 20;

/// Reads what a checkpoint says of itself (counters and so on) from its header alone: for who only wants to know how far a
/// run is. No hash is checked.
///
/// # Errors
/// `Input`, naming the file, if it has no such header; `Machine` if it cannot be read.
pub fn glance(path: &Path) -> Result<BTreeMap<String, String>, Error> {
    let machine = |source: std::io::Error| Error::machine(path.display().to_string(), source);
    if !path.is_file() {
        return Err(Error::input(path.display().to_string(), "there is no such file", "a checkpoint"));
    }
    let mut file = File::open(path).map_err(machine)?;
    let mut length = [0; 8];
    let mut header = Vec::new();
    let told = file.read_exact(&mut length).map(|()| u64::from_le_bytes(length)).unwrap_or(0);
    if told <= LARGEST_HEADER {
        file.take(told).read_to_end(&mut header).map_err(machine)?;
    }
    let header: serde_json::Value = serde_json::from_slice(&header).unwrap_or_default();
    let entry = header["__metadata__"][ENTRY].as_str().and_then(|entry| serde_json::from_str::<Entry>(entry).ok());
    entry.map(|entry| entry.meta).ok_or_else(|| refused(path, "no entry \"apical\" in its header"))
}

fn refused(path: &Path, found: impl Into<String>) -> Error {
    Error::input(path.display().to_string(), found, "a whole checkpoint as a run wrote it")
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    if !path.is_file() {
        return Err(Error::input(path.display().to_string(), "there is no such file", "a safetensors file"));
    }
    std::fs::read(path).map_err(|source| Error::machine(path.display().to_string(), source))
}

/// Tensors sorted by name; the entry if the file has one, checked against its hash.
fn parse(path: &Path, mut bytes: Vec<u8>) -> Result<(Vec<Tensor>, Option<Entry>), Error> {
    let hash = take_hash(&mut bytes);
    if hash.as_ref().is_some_and(|hash| hash.as_slice() != hex(&bytes).as_bytes()) {
        return Err(refused(
            path,
            format!("damaged: its {} bytes do not have the SHA-256 that it states", bytes.len()),
        ));
    }
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|source| refused(path, explain(&source, &bytes)))?;
    let file = SafeTensors::deserialize(&bytes).map_err(|source| refused(path, explain(&source, &bytes)))?;
    let entry = match header.metadata().as_ref().and_then(|meta| meta.get(ENTRY)) {
        // An entry without a hash in its place is one that something changed.
        Some(entry) if hash.is_some() => {
            Some(serde_json::from_str(entry).map_err(|source| refused(path, format!("damaged metadata: {source}")))?)
        }
        Some(_) => return Err(refused(path, "damaged: no SHA-256 at the head of the entry \"apical\"")),
        None => None,
    };
    let mut tensors = file
        .tensors()
        .into_iter()
        .map(|(name, view)| match TensorType::of(view.dtype()) {
            Some(dtype) => Ok(Tensor { name, dtype, shape: view.shape().to_vec(), data: view.data().to_vec() }),
            None => Err(Error::input(
                format!("{}, tensor {name:?}", path.display()),
                format!("numbers of type {:?}", view.dtype()),
                "F32, F64, U8 or U64",
            )),
        })
        .collect::<Result<Vec<_>, _>>()?;
    tensors.sort_by(|a, b| a.name.cmp(&b.name));
    Ok((tensors, entry))
}

fn explain(source: &safetensors::SafeTensorError, bytes: &[u8]) -> String {
    format!("no whole safetensors file ({source}), {} bytes", bytes.len())
}

/// Takes the digits of the hash out of the file's bytes and leaves zeros, as they were when the hash was taken.
fn take_hash(bytes: &mut [u8]) -> Option<Vec<u8>> {
    let start = hash_place(bytes)?;
    let digits = bytes.get_mut(start..start + HASH_DIGITS)?;
    let hash = digits.to_vec();
    digits.fill(b'0');
    Some(hash)
}

/// Where the digits begin: after the first `BEFORE_HASH` in the header.
fn hash_place(bytes: &[u8]) -> Option<usize> {
    let length = u64::from_le_bytes(*bytes.first_chunk()?);
    let end = usize::try_from(length).ok()?.checked_add(8)?.min(bytes.len());
    let header = bytes.get(8..end)?;
    let found = header.windows(BEFORE_HASH.len()).position(|window| window == BEFORE_HASH)?;
    Some(8 + found + BEFORE_HASH.len())
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
