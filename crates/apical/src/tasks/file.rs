//! The user's own data: npz, CSV or idx, split, scaled on the training rows, with classes or potentials as targets.

use super::error::{DataError, Place};
use super::spec::{FileTargets, Scaling, SplitSpec};
use super::table::{Answers, Table, Values, Wanted};
use super::transform::{Format, Scale, Transform};
use super::{Entry, Samples, Targets, Task, Train, csv_file, idx, npz, split};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

pub(super) const ENTRY: Entry =
    Entry { name: "file", about: "your own data: .npz (x, y), .csv with a header line, or idx", reference: None };

/// The fields of [`TaskSpec::File`](super::TaskSpec::File).
pub(super) struct FileSpec<'a> {
    pub path: &'a Path,
    pub labels: Option<&'a Path>,
    pub test_path: Option<&'a Path>,
    pub test_labels: Option<&'a Path>,
    pub target_columns: &'a [String],
    pub targets: &'a FileTargets,
    pub classes: &'a [String],
    pub split: &'a SplitSpec,
    pub scaling: Scaling,
    pub sequence: bool,
}

impl FileSpec<'_> {
    fn wanted(&self) -> Wanted {
        match self.targets {
            FileTargets::Classes(_) => Wanted::Labels,
            FileTargets::Potentials => Wanted::Potentials,
            FileTargets::None => Wanted::Nothing,
        }
    }

    fn table(&self, path: &Path, labels: Option<&Path>, labels_field: &'static str) -> Result<Table, DataError> {
        match Format::of(path)? {
            Format::Npz => npz::read(path, self.wanted()),
            Format::Csv => {
                let columns = csv_file::Columns::Training { targets: self.target_columns, wanted: self.wanted() };
                csv_file::read(path, &columns)
            }
            Format::Idx => match (self.wanted(), labels) {
                (Wanted::Nothing, _) => idx::read_table(path, None),
                (Wanted::Labels, Some(labels)) => idx::read_table(path, Some(labels)),
                (Wanted::Labels, None) => {
                    Err(DataError::field(labels_field, "nothing", "the idx file that holds the labels of the images"))
                }
                (Wanted::Potentials, _) => {
                    Err(DataError::field("task.targets", "potentials", "classes or none: idx files hold classes"))
                }
            },
        }
    }
}

/// Builds the task; `outputs` is used where the file has no targets.
pub(super) fn build(spec: &FileSpec, outputs: usize) -> Result<Task, DataError> {
    let table = spec.table(spec.path, spec.labels, "task.labels")?;
    let classes = class_names(spec, &table)?;
    let targets = targets(&table, spec, &classes, (spec.path, spec.labels))?;
    let outputs = match &table.y {
        Answers::Labels(_) => classes.len(),
        Answers::Potentials { outputs, .. } => *outputs,
        Answers::None => outputs,
    };
    let rows = split_rows(spec, &targets, table.rows)?;
    let transform = fit(&table, &rows.train, spec.scaling);
    let all = Samples { y: targets, ..transform.apply(&table, outputs) };
    let test = match spec.test_path {
        None => all.select(&rows.test),
        Some(path) => test_set(spec, path, &transform, &table, &classes, outputs)?,
    };
    Ok(Task {
        inputs: table.inputs,
        outputs,
        classes,
        sequence: spec.sequence,
        train: Train::Set(all.select(&rows.train)),
        validation: all.select(&rows.validation),
        test,
        transform,
    })
}

/// Names of the classes: those of the config, or all that the file has, numbers by value and text by its letters.
fn class_names(spec: &FileSpec, table: &Table) -> Result<Vec<String>, DataError> {
    let Answers::Labels(labels) = &table.y else { return Ok(Vec::new()) };
    if !spec.classes.is_empty() {
        let mut seen = BTreeSet::new();
        return match spec.classes.iter().find(|name| !seen.insert(name.as_str())) {
            Some(twice) => Err(DataError::field("task.classes", format!("\"{twice}\" twice"), "different names")),
            None => Ok(spec.classes.to_vec()),
        };
    }
    let mut names: Vec<String> = labels.iter().collect::<BTreeSet<_>>().into_iter().cloned().collect();
    let numbers: Option<Vec<f64>> = names.iter().map(|n| n.parse().ok().filter(|v: &f64| v.is_finite())).collect();
    if numbers.is_some() {
        // Stable, and every name is a number.
        names.sort_by(|a, b| a.parse::<f64>().unwrap_or(0.0).total_cmp(&b.parse::<f64>().unwrap_or(0.0)));
    }
    Ok(names)
}

/// Targets of a table; an unknown class is an error that names its row.
fn targets(
    table: &Table,
    spec: &FileSpec,
    classes: &[String],
    (path, labels_path): (&Path, Option<&Path>),
) -> Result<Targets, DataError> {
    match (&table.y, spec.targets) {
        (Answers::Labels(names), FileTargets::Classes(coding)) => {
            let index: BTreeMap<&str, u32> = (0..).zip(classes).map(|(i, name)| (name.as_str(), i)).collect();
            let labels = names.iter().enumerate().map(|(row, name)| {
                index.get(name.as_str()).copied().ok_or_else(|| {
                    let file = labels_path.unwrap_or(path);
                    let shown: Vec<&str> = classes.iter().take(20).map(String::as_str).collect();
                    let more = if classes.len() > 20 { ", ..." } else { "" };
                    let allowed = format!("one of the classes {}{more}", shown.join(", "));
                    DataError::input(file, Place::Row(row + 1), format!("class \"{name}\""), allowed)
                })
            });
            Ok(Targets::Classes { labels: labels.collect::<Result<_, _>>()?, coding: *coding })
        }
        (Answers::Potentials { values, .. }, _) => Ok(Targets::Potentials(values.clone())),
        _ => Ok(Targets::None),
    }
}

fn split_rows(spec: &FileSpec, targets: &Targets, rows: usize) -> Result<split::Split, DataError> {
    let (validation, test) = match *spec.split {
        SplitSpec::Shares { validation, test, .. } | SplitSpec::Tail { validation, test } => (validation, test),
    };
    // A file of its own for testing leaves nothing to cut off.
    let test = if spec.test_path.is_some() { 0.0 } else { test };
    let valid = |share: f64| (0.0..1.0).contains(&share);
    if !valid(validation) || !valid(test) || validation + test >= 1.0 {
        let found = format!("validation {validation}, test {test}");
        return Err(DataError::field("task.split", found, "shares from 0 to 1 that leave rows for training"));
    }
    let (validation, test) = (split::count(rows, validation), split::count(rows, test));
    if validation + test >= rows {
        let found = format!("{rows} rows, of which {validation} validate and {test} test");
        return Err(DataError::input(spec.path, Place::File, found, "at least one row for training"));
    }
    match *spec.split {
        SplitSpec::Tail { .. } => Ok(split::tail(rows, validation, test)),
        SplitSpec::Shares { .. } if spec.sequence && validation + test > 0 => {
            Err(DataError::field("task.split", "rows drawn at random from a sequence", "the tail of the sequence"))
        }
        SplitSpec::Shares { seed, .. } => {
            let one_class = vec![0; rows];
            let class_of = if let Targets::Classes { labels, .. } = targets { labels } else { &one_class };
            Ok(split::stratified(class_of, validation, test, seed))
        }
    }
}

/// The scaling, from the training rows. A column that is constant there becomes 0 (its divisor is 1).
fn fit(table: &Table, rows: &[usize], scaling: Scaling) -> Transform {
    let columns = table.columns.clone();
    let in_bytes = matches!(table.x, Values::Bytes(_));
    if scaling == Scaling::None {
        let scale = if in_bytes { 1.0 / 255.0 } else { 1.0 };
        return Transform { columns, ..Transform::alike(scale) };
    }
    let mut low = vec![f64::INFINITY; table.inputs];
    let mut high = vec![f64::NEG_INFINITY; table.inputs];
    let mut mean = vec![0.0; table.inputs];
    let mut squares = vec![0.0; table.inputs];
    let mut values = Vec::with_capacity(table.inputs);
    for (count, &row) in (1..).zip(rows) {
        values.clear();
        table.push_row(row, &mut values);
        for (i, &v) in values.iter().enumerate() {
            low[i] = low[i].min(v);
            high[i] = high[i].max(v);
            // Welford's update: no cancellation where the mean is large.
            let before = v - mean[i];
            mean[i] += before / f64::from(count);
            squares[i] += before * (v - mean[i]);
        }
    }
    let or_one = |divisor: f64| if divisor > 0.0 && divisor.is_finite() { divisor } else { 1.0 };
    let scale = (0..table.inputs).map(|i| match scaling {
        _ if low[i] == high[i] => (low[i], 1.0),
        Scaling::Standard => (mean[i], or_one((squares[i] / rows.len() as f64).sqrt())),
        _ => (low[i], or_one(high[i] - low[i])),
    });
    Transform { columns, scale: Scale::Columns(scale.collect()) }
}

fn test_set(
    spec: &FileSpec,
    path: &Path,
    transform: &Transform,
    training: &Table,
    classes: &[String],
    outputs: usize,
) -> Result<Samples, DataError> {
    let table = spec.table(path, spec.test_labels, "task.test_labels")?;
    let differs = |found: String, allowed: String| Err(DataError::input(path, Place::File, found, allowed));
    if table.columns != training.columns {
        return differs("other input columns".into(), format!("those of {} in the same order", spec.path.display()));
    }
    if table.inputs != training.inputs {
        let allowed = format!("{} as in {}", training.inputs, spec.path.display());
        return differs(format!("{} values per row", table.inputs), allowed);
    }
    if let Answers::Potentials { outputs: found, .. } = table.y
        && found != outputs
    {
        return differs(format!("{found} targets per row"), format!("{outputs} as in {}", spec.path.display()));
    }
    let y = targets(&table, spec, classes, (path, spec.test_labels))?;
    Ok(Samples { y, ..transform.apply(&table, outputs) })
}
