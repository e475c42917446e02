//! What a config says of a task, with nothing left open.

use super::Coding;
use crate::kernels::Activation;
use std::path::PathBuf;

/// Sizes of the sets that a task makes itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sizes {
    /// Training samples in an epoch.
    pub train: usize,
    /// Validation samples.
    pub validation: usize,
    /// Test samples.
    pub test: usize,
}

/// Which rows of the user's file train, validate and test.
#[derive(Clone, Debug, PartialEq)]
pub enum SplitSpec {
    /// Shares of the rows for validation and test (stratified by class where there are classes), drawn by the seed.
    Shares {
        /// Share for validation, 0 to 1.
        validation: f64,
        /// Share for test, 0 to 1.
        test: f64,
        /// Seed of the draw: part of the task, not of the run.
        seed: u64,
    },
    /// The last rows validate, then test: for sequences.
    Tail {
        /// Share for validation.
        validation: f64,
        /// Share for test.
        test: f64,
    },
}

/// How the user's inputs are scaled, from the training rows only.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scaling {
    /// As they are (idx: bytes / 255).
    None,
    /// Each column to [0, 1].
    UnitInterval,
    /// Each column to mean 0 and standard deviation 1.
    Standard,
}

/// What the target columns of the user's file are.
#[derive(Clone, Debug, PartialEq)]
pub enum FileTargets {
    /// A class per row.
    Classes(Coding),
    /// Target potentials.
    Potentials,
    /// None: inputs only.
    None,
}

/// A task of the registry.
#[derive(Clone, Debug, PartialEq)]
pub enum TaskSpec {
    /// Random patterns U(low, high) without target.
    Patterns {
        /// Lower bound.
        low: f64,
        /// Upper bound.
        high: f64,
        /// Sizes of the sets.
        sizes: Sizes,
    },
    /// One fixed pair: input U(low, high), target potentials U(target_low, target_high).
    Single {
        /// Lower bound of the input.
        low: f64,
        /// Upper bound of the input.
        high: f64,
        /// Lower bound of the target potentials.
        target_low: f64,
        /// Upper bound of the target potentials.
        target_high: f64,
        /// Presentations in an epoch.
        presentations: usize,
    },
    /// A teacher network of given sizes: u_k = gain_k W_k r_{k-1}, r = phi(u); inputs and weights uniform; the target is u_N.
    Teacher {
        /// Cells per layer of the teacher, input first.
        layers: Vec<usize>,
        /// phi of the teacher.
        activation: Activation,
        /// k_{10}, k_{21} ..: one factor per weight matrix.
        gains: Vec<f64>,
        /// Inputs are U(-input, input).
        input: f64,
        /// Weights are U(-weight, weight).
        weight: f64,
        /// A departure from the paper: the target potential is the rate phi(u_N).
        rates_as_target: bool,
        /// Sizes of the sets.
        sizes: Sizes,
    },
    /// Kriener et al. 2022: dots in a yin-yang symbol, inputs (x, y, 1 - x, 1 - y).
    YinYang {
        /// Target potentials.
        coding: Coding,
        /// Sizes of the sets.
        sizes: Sizes,
    },
    /// MNIST's original idx files, gzipped or not.
    Mnist {
        /// The folder that holds the four files.
        dir: PathBuf,
        /// Target potentials.
        coding: Coding,
        /// Inputs of black and of white pixels.
        range: (f64, f64),
        /// Training samples used (55000 at most); validation has 5000, test 10000.
        train: usize,
    },
    /// The UCI digits inside the library; 1197/300/300.
    Digits {
        /// Target potentials.
        coding: Coding,
    },
    /// The user's own data: .npz, .csv or idx.
    File {
        /// The file; for idx the images.
        path: PathBuf,
        /// idx only: the labels.
        labels: Option<PathBuf>,
        /// A file of its own for testing (same format), so that `split` only cuts off a validation set.
        test_path: Option<PathBuf>,
        /// idx only: labels of `test_path`.
        test_labels: Option<PathBuf>,
        /// CSV: the columns that hold the label or the targets. npz: ignored (`x`, `y`).
        target_columns: Vec<String>,
        /// What the targets are.
        targets: FileTargets,
        /// Names of the classes in order; empty: found in the file, sorted.
        classes: Vec<String>,
        /// Which rows train, validate and test.
        split: SplitSpec,
        /// How inputs are scaled.
        scaling: Scaling,
        /// Rows belong together in time.
        sequence: bool,
    },
}
