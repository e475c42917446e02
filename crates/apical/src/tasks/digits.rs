//! The UCI digits, which ship inside the library (Alpaydin & Kaynak 1998, CC BY 4.0; see data/README.md): 1797 images of
//! 8 x 8 counts from 0 to 16. Inputs are counts / 16.
//!
//! 1197 train, 300 validate, 300 test, whatever the run's seed: the images are sorted by digit, each digit's in the order
//! of the file, and of every six the first tests, the second validates and the rest train. So every set holds each digit
//! in its share to within one image, and images of all writers, and anyone can make the same split in three lines.

use super::error::{DataError, Place};
use super::source::Source;
use super::{Coding, Entry, Samples, Storage, Targets, Task, Train, Transform};
use std::path::Path;

pub(super) const ENTRY: Entry = Entry {
    name: "digits",
    about: "the UCI handwritten digits, 8 x 8, inside the library; 1197/300/300",
    reference: Some(
        "Alpaydin & Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, 1998, \
         doi:10.24432/C50P49, CC BY 4.0",
    ),
};

static PACKED: &[u8] = include_bytes!("../../data/digits.csv.gz");
/// What the file is called in errors.
const NAME: &str = "digits.csv.gz in the library";
const PIXELS: usize = 64;
/// One image of so many tests, and one validates.
const FOLD: usize = 6;

/// Counts and digits of the embedded file; lines are 64 counts and the digit.
fn read() -> Result<(Vec<u8>, Vec<u32>), DataError> {
    let path = Path::new(NAME);
    let text = Source::from_bytes(path, PACKED)?.rest()?;
    let (mut counts, mut labels) = (Vec::new(), Vec::new());
    for (i, line) in String::from_utf8_lossy(&text).lines().enumerate() {
        let cells: Option<Vec<u8>> = line.split(',').map(|cell| cell.parse().ok()).collect();
        match cells.as_deref().and_then(|cells| cells.split_last()) {
            Some((&digit, pixels)) if digit < 10 && pixels.len() == PIXELS => {
                counts.extend_from_slice(pixels);
                labels.push(u32::from(digit));
            }
            _ => {
                let place = Place::Line { line: i as u64 + 1, column: None };
                return Err(DataError::input(path, place, "a damaged line", "64 counts and a digit"));
            }
        }
    }
    Ok((counts, labels))
}

pub(super) fn build(coding: Coding) -> Result<Task, DataError> {
    let (data, labels) = read()?;
    let mut line: Vec<usize> = (0..labels.len()).collect();
    line.sort_by_key(|&row| labels[row]);
    let pick = |wanted: fn(usize) -> bool| -> Vec<usize> {
        line.iter().enumerate().filter(|(i, _)| wanted(i % FOLD)).map(|(_, &row)| row).collect()
    };
    let (test, validation, train) = (pick(|i| i == 0), pick(|i| i == 1), pick(|i| i > 1));
    let all = Samples {
        inputs: PIXELS,
        outputs: 10,
        x: Storage::Bytes { data, scale: 1.0 / 16.0, offset: 0.0 },
        y: Targets::Classes { labels, coding },
    };
    Ok(Task {
        inputs: PIXELS,
        outputs: 10,
        classes: (0..10).map(|digit: u8| digit.to_string()).collect(),
        sequence: false,
        train: Train::Set(all.select(&train)),
        validation: all.select(&validation),
        test: all.select(&test),
        transform: Transform::alike(1.0 / 16.0),
    })
}
