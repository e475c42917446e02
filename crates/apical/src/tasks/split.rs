//! Which rows train, which validate and which test.

use crate::kernels::rng::{Draws, Stream};
use std::collections::BTreeMap;

/// Rows of the three sets, each in ascending order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Split {
    /// Rows for training.
    pub train: Vec<usize>,
    /// Rows for choosing.
    pub validation: Vec<usize>,
    /// Rows for reporting.
    pub test: Vec<usize>,
}

/// How many of `rows` a share is.
pub(super) fn count(rows: usize, share: f64) -> usize {
    (share * rows as f64).round() as usize
}

/// Draws exact numbers of rows for validation and test, stratified by class; `class_of` has a class per row (the same
/// one for all where there are none).
///
/// Each class is shuffled by (seed, `TaskFixed`, its index in sorted order); then the rows of all classes are lined up
/// by their relative rank in their class. Any stretch of that line holds each class in its share to within one row:
/// the first stretch tests, the next validates, the rest trains.
pub(super) fn stratified(class_of: &[u32], validation: usize, test: usize, seed: u64) -> Split {
    let mut classes: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (row, &class) in class_of.iter().enumerate() {
        classes.entry(class).or_default().push(row);
    }
    let mut line: Vec<(f64, usize)> = Vec::with_capacity(class_of.len());
    for (index, rows) in classes.values_mut().enumerate() {
        Draws::new(seed, Stream::TaskFixed, index as u64).shuffle(rows);
        let size = rows.len() as f64;
        line.extend(rows.iter().enumerate().map(|(rank, &row)| ((rank as f64 + 0.5) / size, row)));
    }
    // Stable, so that equal ranks keep the order of the classes.
    line.sort_by(|a, b| a.0.total_cmp(&b.0));
    let sorted = |range: &[(f64, usize)]| {
        let mut rows: Vec<usize> = range.iter().map(|&(_, row)| row).collect();
        rows.sort_unstable();
        rows
    };
    let (first, rest) = line.split_at(test.min(line.len()));
    let (second, rest) = rest.split_at(validation.min(rest.len()));
    Split { train: sorted(rest), validation: sorted(second), test: sorted(first) }
}

/// The first rows train, the next validate, the last test.
pub(super) fn tail(rows: usize, validation: usize, test: usize) -> Split {
    let trained = rows.saturating_sub(validation + test);
    let validated = rows.saturating_sub(test);
    Split {
        train: (0..trained).collect(),
        validation: (trained..validated).collect(),
        test: (validated..rows).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_exact_disjoint_and_stratified() {
        let class_of: Vec<u32> = (0..1000).map(|i| if i % 10 == 0 { 7 } else { i % 2 }).collect();
        let split = stratified(&class_of, 101, 203, 4);
        assert_eq!((split.train.len(), split.validation.len(), split.test.len()), (696, 101, 203));
        let mut all: Vec<usize> = [&split.train[..], &split.validation, &split.test].concat();
        all.sort_unstable();
        assert_eq!(all, (0..1000).collect::<Vec<_>>());
        for (set, expected) in [(&split.validation, 10.1), (&split.test, 20.3)] {
            let sevens = set.iter().filter(|&&r| class_of[r] == 7).count();
            assert!((sevens as f64 - expected).abs() <= 1.0, "{sevens}");
        }
        assert_ne!(split, stratified(&class_of, 101, 203, 5));
    }

    #[test]
    fn a_tail_keeps_the_order() {
        let split = tail(10, 2, 3);
        assert_eq!((split.train, split.validation, split.test), ((0..5).collect(), vec![5, 6], vec![7, 8, 9]));
    }
}
