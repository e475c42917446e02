//! MNIST from its four original idx files (LeCun, Bottou, Bengio & Haffner 1998), gzipped or not.
//!
//! Of the 60000 training images 5000 validate. They are drawn at random by a constant seed, since the last 5000 of the
//! file are easier than the test set. Inputs are pixels, linearly from 0..255 to a range.

use super::error::{DataError, Place};
use super::table::Values;
use super::{Coding, Entry, Samples, Storage, Targets, Task, Train, Transform, idx};
use crate::kernels::rng::{Draws, Stream};
use std::path::{Path, PathBuf};

pub(super) const ENTRY: Entry = Entry {
    name: "mnist",
    about: "handwritten digits, 28 x 28, from the original idx files; 55000/5000/10000",
    reference: Some("LeCun, Bottou, Bengio & Haffner, Proc. IEEE 86(11), 1998"),
};

/// Names of the files, without `.gz`: training images and labels, test images and labels.
pub const FILES: [&str; 4] =
    ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];

const TRAINING: usize = 60_000;
const VALIDATION: usize = 5_000;
const TEST: usize = 10_000;
/// Seed of the validation set, part of the task.
const SEED: u64 = 0;

/// Where a file of the data set lies in a folder: unpacked or, if that is not there, gzipped.
pub fn locate(dir: &Path, name: &str) -> Option<PathBuf> {
    [dir.join(name), dir.join(format!("{name}.gz"))].into_iter().find(|path| path.is_file())
}

fn bytes(dir: &Path, name: &str, dims: &[usize]) -> Result<(PathBuf, Vec<u8>), DataError> {
    let path = locate(dir, name).ok_or_else(|| {
        let allowed = "the four idx files of MNIST in this folder, gzipped or not (`apical data fetch` gets them)";
        DataError::input(&dir.join(name), Place::File, "there is no such file", allowed)
    })?;
    let file = idx::read(&path)?;
    match file.values {
        Values::Bytes(values) if file.dims == dims => Ok((path, values)),
        Values::Bytes(_) => {
            let found = format!("dimensions {:?}", file.dims);
            Err(DataError::input(&path, Place::Byte(4), found, format!("{dims:?} as in MNIST")))
        }
        Values::Floats(_) => Err(DataError::input(&path, Place::Byte(2), "another type", "type 08 (unsigned bytes)")),
    }
}

fn set(
    dir: &Path,
    (images, labels): (&str, &str),
    count: usize,
    coding: Coding,
    (low, high): (f64, f64),
) -> Result<Samples, DataError> {
    let (_, data) = bytes(dir, images, &[count, 28, 28])?;
    let (path, labels) = bytes(dir, labels, &[count])?;
    if let Some(i) = labels.iter().position(|&label| label > 9) {
        let place = Place::Byte(8 + i as u64);
        return Err(DataError::input(&path, place, format!("label {}", labels[i]), "0 to 9"));
    }
    Ok(Samples {
        inputs: 784,
        outputs: 10,
        x: Storage::Bytes { data, scale: (high - low) / 255.0, offset: low },
        y: Targets::Classes { labels: labels.into_iter().map(u32::from).collect(), coding },
    })
}

/// Rows that train, in the order of the draw, and rows that validate.
fn rows(train: usize) -> (Vec<usize>, Vec<usize>) {
    let mut order: Vec<usize> = (0..TRAINING).collect();
    Draws::new(SEED, Stream::TaskFixed, 0).shuffle(&mut order);
    (order[VALIDATION..VALIDATION + train].to_vec(), order[..VALIDATION].to_vec())
}

pub(super) fn build(dir: &Path, coding: Coding, range: (f64, f64), train: usize) -> Result<Task, DataError> {
    if train == 0 || train > TRAINING - VALIDATION {
        let allowed = format!("1 to {}", TRAINING - VALIDATION);
        return Err(DataError::field("task.train", train.to_string(), allowed));
    }
    let [train_images, train_labels, test_images, test_labels] = FILES;
    let all = set(dir, (train_images, train_labels), TRAINING, coding, range)?;
    let test = set(dir, (test_images, test_labels), TEST, coding, range)?;
    let (trained, validated) = rows(train);
    Ok(Task {
        inputs: 784,
        outputs: 10,
        classes: (0..10).map(|digit: u8| digit.to_string()).collect(),
        sequence: false,
        train: Train::Set(all.select(&trained)),
        validation: all.select(&validated),
        test,
        transform: Transform::linear((range.1 - range.0) / 255.0, range.0),
    })
}
