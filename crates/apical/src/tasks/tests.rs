//! Tests of the tasks: what they show, and what they say about damaged files.

mod files;
mod generated;
mod hostile;

use super::*;
use std::fs;
use std::path::{Path, PathBuf};

const CODING: Coding = Coding { low: 0.1, high: 0.9 };
const SIZES: Sizes = Sizes { train: 30, validation: 7, test: 5 };

/// Writes a file into a folder and says where it is.
fn write(dir: &Path, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = dir.join(name);
    fs::write(&path, content).expect("the temporary folder is writable");
    path
}

/// A file task with nothing special about it.
fn file_spec(path: &Path) -> TaskSpec {
    TaskSpec::File {
        path: path.into(),
        labels: None,
        test_path: None,
        test_labels: None,
        target_columns: Vec::new(),
        targets: FileTargets::Classes(CODING),
        classes: Vec::new(),
        split: SplitSpec::Shares { validation: 0.25, test: 0.25, seed: 1 },
        scaling: Scaling::None,
        sequence: false,
    }
}

/// An idx file of unsigned bytes.
fn idx_bytes(dims: &[u32], data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, dims.len() as u8];
    bytes.extend(dims.iter().flat_map(|d| d.to_be_bytes()));
    bytes.extend_from_slice(data);
    bytes
}

/// gzip of some bytes.
fn gzipped(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory takes all bytes")
}

/// Raw deflate of some bytes.
fn deflated(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory takes all bytes")
}

/// The npy bytes of an array.
fn npy(descr: &str, fortran: bool, shape: &str, data: &[u8]) -> Vec<u8> {
    let order = if fortran { "True" } else { "False" };
    let header = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend_from_slice(header.as_bytes());
    bytes.extend_from_slice(data);
    bytes
}

/// A zip archive, written by hand so that the test needs no other crate than the reader; stored like `numpy.savez`.
fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    zip_with(0, entries)
}

/// The same with method 0 (stored) or 8 (deflated, like `numpy.savez_compressed`).
fn zip_with(method: u8, entries: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut body, mut directory) = (Vec::new(), Vec::new());
    for (name, data) in entries {
        let mut crc = flate2::Crc::new();
        crc.update(data);
        let packed = if method == 0 { data.to_vec() } else { deflated(data) };
        let mut common = vec![20, 0, 0, 0, method, 0, 0, 0, 33, 0];
        common.extend(crc.sum().to_le_bytes());
        common.extend((packed.len() as u32).to_le_bytes());
        common.extend((data.len() as u32).to_le_bytes());
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend((body.len() as u32).to_le_bytes());
        directory.extend(name.as_bytes());
        body.extend(b"PK\x03\x04");
        body.extend(&common);
        body.extend(name.as_bytes());
        body.extend_from_slice(&packed);
    }
    let (start, size, count) = (body.len() as u32, directory.len() as u32, (entries.len() as u16).to_le_bytes());
    body.extend(directory);
    body.extend(b"PK\x05\x06\0\0\0\0");
    body.extend(count);
    body.extend(count);
    body.extend(size.to_le_bytes());
    body.extend(start.to_le_bytes());
    body.extend([0, 0]);
    body
}

/// Little-endian bytes of numbers.
macro_rules! le {
    ($t:ty: $($v:expr),*) => { [$(<$t>::to_le_bytes($v)),*].concat() };
}
use le;

/// The error of a spec that cannot be built, as users read it.
fn error_of(spec: &TaskSpec) -> String {
    match build(spec, 4, 3, 0) {
        Ok(_) => panic!("built: {spec:?}"),
        Err(e) => e.to_string(),
    }
}

/// The training set of a task that has one.
fn train_set(task: &Task) -> &Samples {
    match &task.train {
        Train::Set(set) => set,
        Train::Stream { .. } => panic!("a stream"),
    }
}

/// All inputs of a set.
fn inputs(set: &Samples) -> Vec<Vec<f64>> {
    (0..set.len())
        .map(|row| {
            let mut x = vec![0.0; set.inputs];
            set.input(row, &mut x);
            x
        })
        .collect()
}

/// All classes of a set.
fn classes(set: &Samples) -> Vec<u32> {
    (0..set.len()).map(|row| set.class(row).expect("there are classes")).collect()
}
