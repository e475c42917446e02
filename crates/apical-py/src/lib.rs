//! The compiled part of the Python package `apical`: it converts, maps errors and releases the interpreter's lock. What is
//! computed stands in the engine and the lab; what users see, with its documentation, in `python/apical`.

mod circuit;
mod compare;
mod config;
mod drawn;
mod errors;
mod folder;
mod inner;
mod run;
mod signals;
mod sweep;

use pyo3::prelude::*;

/// Version of the package.
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Commit that it was built from.
const COMMIT: &str = env!("APICAL_COMMIT");

#[pymodule]
fn _engine(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add("__version__", VERSION)?;
    m.add("COMMIT", COMMIT)?;
    m.add("InputError", m.py().get_type::<errors::InputError>())?;
    m.add("ScienceError", m.py().get_type::<errors::ScienceError>())?;
    m.add("MachineError", m.py().get_type::<errors::MachineError>())?;
    m.add_class::<config::Config>()?;
    m.add_class::<circuit::Core>()?;
    m.add_function(wrap_pyfunction!(config::find, m)?)?;
    m.add_function(wrap_pyfunction!(config::find_sweep, m)?)?;
    m.add_function(wrap_pyfunction!(config::presets, m)?)?;
    m.add_function(wrap_pyfunction!(config::solvers, m)?)?;
    m.add_function(wrap_pyfunction!(config::learners, m)?)?;
    m.add_function(wrap_pyfunction!(circuit::angle, m)?)?;
    m.add_function(wrap_pyfunction!(circuit::direction, m)?)?;
    m.add_function(wrap_pyfunction!(run::run, m)?)?;
    m.add_function(wrap_pyfunction!(folder::state, m)?)?;
    m.add_function(wrap_pyfunction!(folder::info, m)?)?;
    m.add_function(wrap_pyfunction!(folder::weights, m)?)?;
    m.add_function(wrap_pyfunction!(folder::trace_names, m)?)?;
    m.add_function(wrap_pyfunction!(folder::trace, m)?)?;
    m.add_function(wrap_pyfunction!(drawn::list, m)?)?;
    m.add_function(wrap_pyfunction!(drawn::draw, m)?)?;
    m.add_function(wrap_pyfunction!(compare::comparison, m)?)?;
    m.add_function(wrap_pyfunction!(compare::results, m)?)?;
    m.add_function(wrap_pyfunction!(compare::relation, m)?)?;
    m.add_function(wrap_pyfunction!(sweep::plan, m)?)?;
    m.add_function(wrap_pyfunction!(sweep::make, m)?)?;
    m.add_function(wrap_pyfunction!(sweep::missing, m)?)?;
    Ok(())
}
