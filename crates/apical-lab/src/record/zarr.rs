//! Traces: one Zarr v3 group, uncompressed, that xarray opens with no option.
//!
//! Per recorded variable an array with dims `(time, [sample,] cell)` in chunks of about 1 MiB along time. Rows are
//! appended; at the first checkpoint after it was begun a chunk is written padded with NaN, at later ones its new rows are
//! written in their place, which no reader looks at before the shape says so. A resumed run reads the open chunk back and
//! writes it anew, so that the bytes at the end do not depend on where a run was cut. Memory holds one open chunk per
//! variable.
//!
//! Names of dims: variables that share stride and window share `time`; if there are several such bases, each is called
//! `time_VARIABLE` after its first variable. Cells likewise: `pyramidal_1`, or `pyramidal_1_VARIABLE` where variables of
//! one layer chose different cells. The group repeats the arrays' metadata ("consolidated"), without which xarray warns.

use super::zarr_array::{Array, coordinate, meta_json};
use crate::error::Error;
use crate::failpoint::hit;
use crate::folder::atomic::{sync_folder, write_all_atomic};
use serde_json::{Map, Value, json};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The number type of recorded values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dtype {
    /// Single precision.
    F32,
    /// Double precision.
    F64,
}

/// When values of a variable are taken; variables of equal base share their time coordinate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimeBase {
    /// Time between two values in ms.
    pub every_ms: f64,
    /// From and to, in ms of the run.
    pub window: (f64, f64),
}

/// What lies along a variable's last dim.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// `pyramidal_1`, `interneuron_1`, `input`, `synapse_Wpp.1`.
    pub name: String,
    /// For people.
    pub long_name: String,
    /// Number of each cell within its layer; its length is the length of the dim.
    pub labels: Vec<u64>,
    /// Further numbers along the dim, each with a name (`post` and `pre` of a synapse).
    pub auxiliary: Vec<(String, Vec<u64>)>,
}

/// A recorded quantity.
#[derive(Clone, Debug, PartialEq)]
pub struct Variable {
    /// `soma_1`, `Wpp.1`.
    pub name: String,
    /// For people.
    pub long_name: String,
    /// Unit, `1` if there is none.
    pub units: String,
    /// The equation that it is of; empty if there is none.
    pub equation: String,
    /// The cells; `None`: one value.
    pub axis: Option<Axis>,
    /// Samples side by side; 1: there is no such dim.
    pub samples: usize,
    /// When values are taken.
    pub base: TimeBase,
}

impl Variable {
    fn cells(&self) -> usize {
        self.axis.as_ref().map_or(1, |axis| axis.labels.len())
    }
}

/// Writes the group.
#[derive(Debug)]
pub struct TraceWriter {
    dir: PathBuf,
    /// The variables in the order given, then one time coordinate per base.
    arrays: Vec<Array>,
    /// Per variable: its time coordinate, if it is the first of its base and so writes it.
    times: Vec<Option<usize>>,
    /// Metadata of the coordinates of cells, which do not grow.
    fixed: Map<String, Value>,
    variables: usize,
}

impl TraceWriter {
    /// Begins a group at `dir`; what was there is removed.
    ///
    /// # Errors
    /// `Input`: names or sizes that cannot be; `Machine`: disk.
    pub fn create(dir: &Path, variables: &[Variable], dtype: Dtype) -> Result<Self, Error> {
        let machine = |source: io::Error| Error::machine(dir.display().to_string(), source);
        match fs::remove_dir_all(dir) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => return Err(machine(source)),
            _ => {}
        }
        let mut writer = Self::plan(dir, variables, dtype)?;
        for array in &writer.arrays {
            fs::create_dir_all(&array.dir).map_err(machine)?;
        }
        writer.write_fixed(variables)?;
        writer.flush()?;
        sync_folder(dir.parent().unwrap_or(Path::new(""))).map_err(machine)?;
        Ok(writer)
    }

    /// Takes a group up at the rows that a checkpoint stores (`position`), and cuts off what came later.
    ///
    /// # Errors
    /// `Input`: a group that has other variables, or fewer rows than it should; `Machine`: disk.
    pub fn resume(dir: &Path, variables: &[Variable], dtype: Dtype, position: &[u64]) -> Result<Self, Error> {
        let mut writer = Self::plan(dir, variables, dtype)?;
        if position.len() != variables.len() {
            let (found, allowed) = (format!("{} positions", position.len()), format!("{} variables", variables.len()));
            return Err(Error::input(dir.display().to_string(), found, allowed));
        }
        hit("traces.cut.before");
        for (variable, &rows) in position.iter().enumerate() {
            writer.arrays[variable].cut(rows)?;
            if let Some(time) = writer.times[variable] {
                writer.arrays[time].cut(rows)?;
            }
        }
        writer.write_fixed(variables)?;
        writer.flush()?;
        hit("traces.cut.after");
        Ok(writer)
    }

    /// Appends a row of a variable at a time: samples x cells values, the cells of a sample side by side. Variables of
    /// one base must be appended at the same times.
    ///
    /// # Errors
    /// The machine's.
    ///
    /// # Panics
    /// If the row has another length than the variable, or there is no such variable.
    pub fn append(&mut self, variable: usize, time_ms: f64, row: &[f64]) -> Result<(), Error> {
        assert!(variable < self.variables, "variable {variable} of {}", self.variables);
        self.arrays[variable].append(row)?;
        match self.times[variable] {
            Some(time) => self.arrays[time].append(&[time_ms]),
            None => Ok(()),
        }
    }

    /// Makes all rows durable and returns the number of rows of each variable, for a checkpoint.
    ///
    /// # Errors
    /// The machine's.
    pub fn position(&mut self) -> Result<Vec<u64>, Error> {
        self.flush()?;
        Ok(self.arrays[..self.variables].iter().map(|array| array.rows).collect())
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.flush_rows()?;
        let mut metadata = Map::new();
        for array in &self.arrays {
            metadata.insert(array.name.clone(), array.meta());
        }
        metadata.extend(self.fixed.clone());
        let group = json!({
            "zarr_format": 3,
            "node_type": "group",
            "attributes": { "title": "traces of an apical run" },
            "consolidated_metadata": { "kind": "inline", "must_understand": false, "metadata": metadata },
        });
        let dirty = self.arrays.iter().filter(|array| array.dirty);
        let mut shapes: Vec<_> = dirty.map(|array| (array.dir.join("zarr.json"), meta_json(&array.meta()))).collect();
        shapes.push((self.dir.join("zarr.json"), meta_json(&group)));
        let shapes: Vec<_> = shapes.iter().map(|(path, text)| (path.as_path(), text.as_bytes())).collect();
        write_all_atomic(&shapes, "trace-shape")?;
        self.arrays.iter_mut().for_each(|array| array.dirty = false);
        Ok(())
    }

    /// Makes the rows of the open chunks durable: of chunks that have files, then as files of the others.
    fn flush_rows(&mut self) -> Result<(), Error> {
        hit("traces.rows.before");
        let grown = self.arrays.iter().map(Array::grow).collect::<Result<Vec<_>, _>>()?;
        hit("traces.rows.middle");
        for (array, file) in self.arrays.iter_mut().zip(grown).filter_map(|(array, file)| Some((array, file?))) {
            array.grown(&file)?;
        }
        hit("traces.rows.after");
        let mut new: Vec<_> = self.arrays.iter_mut().filter(|array| array.begins()).collect();
        let paths: Vec<_> = new.iter_mut().map(|array| array.pad()).collect();
        let files: Vec<_> = paths.iter().zip(&new).map(|(path, array)| (path.as_path(), array.padded())).collect();
        let written = write_all_atomic(&files, "trace-chunk");
        new.into_iter().for_each(|array| array.unpad(written.is_ok()));
        written
    }

    /// All arrays with no rows; nothing is written.
    fn plan(dir: &Path, variables: &[Variable], dtype: Dtype) -> Result<Self, Error> {
        check(variables)?;
        let times = Names::of(variables.iter().map(|variable| (variable, "time", variable.base)));
        let mut arrays = Vec::new();
        for (variable, time) in variables.iter().zip(&times.0) {
            let mut dims = vec![time.clone()];
            let mut shape = Vec::new();
            if variable.samples > 1 {
                dims.push("sample".into());
                shape.push(variable.samples);
            }
            let mut attributes = json!({ "units": variable.units, "long_name": variable.long_name });
            if !variable.equation.is_empty() {
                attributes["equation"] = json!(variable.equation);
            }
            if let (Some(axis), Some(name)) = (&variable.axis, axis_name(variables, variable)) {
                let further: Vec<String> = axis.auxiliary.iter().map(|(a, _)| format!("{name}_{a}")).collect();
                if !further.is_empty() {
                    attributes["coordinates"] = json!(further.join(" "));
                }
                dims.push(name);
                shape.push(axis.labels.len());
            }
            arrays.push(Array::new(dir, &variable.name, dims, shape, dtype, attributes));
        }
        let mut own_times = vec![None; variables.len()];
        for (variable, name) in times.firsts() {
            if variables.iter().any(|other| other.name == name) {
                return Err(Error::input(
                    dir.display().to_string(),
                    format!("a variable called {name:?}"),
                    "another name",
                ));
            }
            own_times[variable] = Some(arrays.len());
            let attributes = json!({ "units": "ms", "long_name": "simulated time" });
            arrays.push(Array::new(dir, name, vec![name.to_string()], vec![], Dtype::F64, attributes));
        }
        let fixed = Map::new();
        Ok(TraceWriter { dir: dir.into(), arrays, times: own_times, fixed, variables: variables.len() })
    }

    /// Writes the coordinates of cells.
    fn write_fixed(&mut self, variables: &[Variable]) -> Result<(), Error> {
        for variable in variables {
            let (Some(axis), Some(dim)) = (&variable.axis, axis_name(variables, variable)) else { continue };
            if self.fixed.contains_key(&dim) {
                continue;
            }
            let further = axis.auxiliary.iter().map(|(name, numbers)| (format!("{dim}_{name}"), numbers, name));
            for (name, numbers, long_name) in
                std::iter::once((dim.clone(), &axis.labels, &axis.long_name)).chain(further)
            {
                if self.fixed.contains_key(&name) || self.arrays.iter().any(|array| array.name == name) {
                    let found = format!("two arrays called {name:?}");
                    return Err(Error::input(self.dir.display().to_string(), found, "names that differ"));
                }
                let meta = coordinate(&self.dir, &name, &dim, numbers, long_name)?;
                self.fixed.insert(name, meta);
            }
        }
        Ok(())
    }
}

/// Name of a dim per user of it: the plain name if all agree on what lies along it, else with the first user's name.
struct Names(Vec<String>);

impl Names {
    fn of<'a, K: PartialEq>(users: impl Iterator<Item = (&'a Variable, &'a str, K)>) -> Names {
        let users: Vec<_> = users.collect();
        let name = |(_, plain, key): &(&Variable, &str, K)| {
            let same_name = || users.iter().filter(|(_, other, _)| other == plain);
            let first = same_name().find(|(_, _, other)| other == key);
            match first {
                Some((first, _, _)) if same_name().any(|(_, _, other)| other != key) => {
                    format!("{plain}_{}", first.name)
                }
                _ => plain.to_string(),
            }
        };
        Names(users.iter().map(name).collect())
    }

    /// The first user of each name.
    fn firsts(&self) -> impl Iterator<Item = (usize, &str)> {
        let names = self.0.iter().enumerate();
        names.filter(|(user, name)| !self.0[..*user].contains(name)).map(|(user, name)| (user, name.as_str()))
    }
}

/// What the dims of each variable are called in the group: that of time, and that of its cells.
pub fn dim_names(variables: &[Variable]) -> Vec<(String, Option<String>)> {
    let times = Names::of(variables.iter().map(|variable| (variable, "time", variable.base)));
    variables.iter().zip(times.0).map(|(variable, time)| (time, axis_name(variables, variable))).collect()
}

/// Name of the dim of a variable's cells.
fn axis_name(variables: &[Variable], variable: &Variable) -> Option<String> {
    let with_axis = || variables.iter().filter_map(|v| v.axis.as_ref().map(|axis| (v, axis)));
    let names = Names::of(with_axis().map(|(v, axis)| (v, axis.name.as_str(), axis)));
    let (_, name) = with_axis().zip(names.0).find(|((v, _), _)| v.name == variable.name)?;
    // A variable of two dims that is called like one of them would hide the coordinate.
    if variables.iter().any(|v| v.name == name) { Some(format!("{name}_cell")) } else { Some(name) }
}

fn check(variables: &[Variable]) -> Result<(), Error> {
    let plain = |name: &str| {
        let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        !name.is_empty() && !name.starts_with('.') && name.chars().all(good)
    };
    for (index, variable) in variables.iter().enumerate() {
        let place = format!("traces, variable {:?}", variable.name);
        let axis_good = variable.axis.as_ref().is_none_or(|axis| {
            let equal = |(name, numbers): &(String, Vec<u64>)| plain(name) && numbers.len() == axis.labels.len();
            plain(&axis.name) && axis.name != "sample" && axis.auxiliary.iter().all(equal)
        });
        if !plain(&variable.name) || !axis_good {
            let rule = "names of letters, digits, '.', '_' and '-', and as many further numbers as cells";
            return Err(Error::input(place, "a name or an axis that cannot be", rule));
        }
        if variable.cells() == 0 || variable.samples == 0 {
            return Err(Error::input(place, "no cells or no samples", "at least one of each"));
        }
        if variables[..index].iter().any(|other| other.name == variable.name) {
            return Err(Error::input(place, "recorded twice", "each name once"));
        }
        if variables.iter().any(|other| other.samples > 1 && variable.samples > 1 && other.samples != variable.samples)
        {
            return Err(Error::input(place, "another number of samples than other variables", "one number for all"));
        }
    }
    Ok(())
}
