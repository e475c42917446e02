//! Tasks: what a circuit is shown and what it should answer. Knows no circuit and no learner.
//!
//! A [`Task`] has training samples (a fixed set or an endless stream), a validation set and a test set. Inputs are
//! rates in the units of layer 0; targets are soma potentials of the output.
//!
//! A new task is a file here, a variant of [`TaskSpec`] and a line in [`TASKS`] and [`build`].

mod csv_file;
mod digits;
pub mod error;
mod file;
mod idx;
pub mod mnist;
mod npz;
pub mod npz_file;
mod patterns;
pub mod samples;
mod single;
mod source;
pub mod spec;
mod split;
mod table;
mod teacher;
pub mod transform;
mod yin_yang;

pub use error::{DataError, Fault, Place};
pub use samples::{Coding, Samples, Storage, Stream, Targets, Task, Train};
pub use spec::{FileTargets, Scaling, Sizes, SplitSpec, TaskSpec};
pub use transform::{Transform, read_inputs};

/// A task in the list for users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name used in configs.
    pub name: &'static str,
    /// One line on what it is.
    pub about: &'static str,
    /// Where it was published, and the licence of data that ship with the library.
    pub reference: Option<&'static str>,
}

/// All tasks, in the order in which they are listed to users.
pub const TASKS: [Entry; 7] =
    [patterns::ENTRY, single::ENTRY, teacher::ENTRY, yin_yang::ENTRY, mnist::ENTRY, digits::ENTRY, file::ENTRY];

impl TaskSpec {
    /// The task's line in [`TASKS`].
    pub fn entry(&self) -> &'static Entry {
        match self {
            TaskSpec::Patterns { .. } => &patterns::ENTRY,
            TaskSpec::Single { .. } => &single::ENTRY,
            TaskSpec::Teacher { .. } => &teacher::ENTRY,
            TaskSpec::YinYang { .. } => &yin_yang::ENTRY,
            TaskSpec::Mnist { .. } => &mnist::ENTRY,
            TaskSpec::Digits { .. } => &digits::ENTRY,
            TaskSpec::File { .. } => &file::ENTRY,
        }
    }
}

/// Builds a task.
///
/// `inputs` and `outputs` are the cells of the circuit's first and last layer. Tasks that fit any circuit take them
/// (patterns, single; a file without targets takes `outputs`); the others have sizes of their own, to which the caller
/// compares [`Task::inputs`] and [`Task::outputs`]. `seed` is the run's; data sets do not depend on it.
///
/// # Errors
/// Settings out of range, and data that are missing, damaged or do not fit the settings.
pub fn build(spec: &TaskSpec, inputs: usize, outputs: usize, seed: u64) -> Result<Task, DataError> {
    if inputs == 0 || outputs == 0 {
        return Err(DataError::field("network.sizes", format!("{inputs} inputs, {outputs} outputs"), "at least 1"));
    }
    match spec {
        TaskSpec::Patterns { low, high, sizes } => patterns::build(*low, *high, *sizes, (inputs, outputs), seed),
        TaskSpec::Single { low, high, target_low, target_high, presentations } => {
            single::build((*low, *high), (*target_low, *target_high), *presentations, (inputs, outputs), seed)
        }
        TaskSpec::Teacher { layers, activation, gains, input, weight, rates_as_target, sizes } => {
            teacher::build(layers, *activation, gains, *input, *weight, *rates_as_target, *sizes, seed)
        }
        TaskSpec::YinYang { coding, sizes } => yin_yang::build(*coding, *sizes),
        TaskSpec::Mnist { dir, coding, range, train } => mnist::build(dir, *coding, *range, *train),
        TaskSpec::Digits { coding } => digits::build(*coding),
        TaskSpec::File {
            path,
            labels,
            test_path,
            test_labels,
            target_columns,
            targets,
            classes,
            split,
            scaling,
            sequence,
        } => {
            let spec = file::FileSpec {
                path,
                labels: labels.as_deref(),
                test_path: test_path.as_deref(),
                test_labels: test_labels.as_deref(),
                target_columns,
                targets,
                classes,
                split,
                scaling: *scaling,
                sequence: *sequence,
            };
            file::build(&spec, outputs)
        }
    }
}

/// The most values that a task makes for one set: 2 GiB of f64.
const VALUES_MAX: usize = 1 << 28;

/// Sizes of sets that a task makes itself: at least one training sample, and sets kept in memory that fit it.
fn check_sizes(sizes: Sizes, width: usize, train_in_memory: bool) -> Result<(), DataError> {
    if sizes.train == 0 {
        return Err(DataError::field("task.train", "0", "at least 1"));
    }
    let train = if train_in_memory { sizes.train } else { 0 };
    for (name, count) in [("task.train", train), ("task.validation", sizes.validation), ("task.test", sizes.test)] {
        if count.checked_mul(width).is_none_or(|values| values > VALUES_MAX) {
            return Err(DataError::field(name, count.to_string(), format!("at most {}", VALUES_MAX / width)));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
