//! Run folders as Python reads them: the lab's readers, with arrays for lists.

use crate::errors;
use apical_lab::checkpoint::{TensorType, read_weights};
use apical_lab::folder::{self, RunInfo, State};
use apical_lab::record::read::{Trace, trace_names as names};
use numpy::{IntoPyArray, PyArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::path::PathBuf;

/// "unfinished", "finished" or "failed".
#[pyfunction]
pub fn state(run: PathBuf) -> PyResult<&'static str> {
    Ok(match folder::state(&run).map_err(|e| errors::error(&e))? {
        State::New | State::Unfinished => "unfinished",
        State::Finished => "finished",
        State::Failed => "failed",
    })
}

/// What `run.json` says, as JSON; refuses what is no run folder.
#[pyfunction]
pub fn info(run: PathBuf) -> PyResult<String> {
    let info = RunInfo::read(&run).map_err(|e| errors::error(&e))?;
    serde_json::to_string(&info).map_err(|e| errors::error(&apical_lab::Error::machine("run.json", e)))
}

/// The tensors of a safetensors file.
#[pyfunction]
pub fn weights<'py>(py: Python<'py>, file: PathBuf) -> PyResult<Bound<'py, PyDict>> {
    let tensors = py.detach(|| read_weights(&file)).map_err(|e| errors::error(&e))?;
    let to = PyDict::new(py);
    for tensor in tensors {
        let shape = tensor.shape.clone();
        let values = match tensor.dtype {
            TensorType::F32 => {
                let values: Vec<f32> = tensor.to_f64().into_iter().map(|v| v as f32).collect();
                values.into_pyarray(py).reshape(shape)?.into_any()
            }
            _ => tensor.to_f64().into_pyarray(py).reshape(shape)?.into_any(),
        };
        to.set_item(tensor.name, values)?;
    }
    Ok(to)
}

/// Names of the arrays of a run's traces, coordinates among them.
#[pyfunction]
pub fn trace_names(run: PathBuf) -> PyResult<Vec<String>> {
    names(&run).map_err(|e| errors::error(&e))
}

/// Dims, attributes (as JSON) and values of an array of a run's traces.
#[pyfunction]
pub fn trace<'py>(py: Python<'py>, run: PathBuf, name: &str) -> PyResult<(Vec<String>, String, Bound<'py, PyAny>)> {
    let trace = Trace::open(&run, name).map_err(|e| errors::error(&e))?;
    let values = py.detach(|| trace.read(0, trace.rows())).map_err(|e| errors::error(&e))?;
    let attributes = serde_json::Value::Object(trace.attributes.clone()).to_string();
    Ok((trace.dims.clone(), attributes, values.into_pyarray(py).reshape(trace.shape.clone())?.into_any()))
}
