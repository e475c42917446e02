//! Errors as Python has them: by whose fault they are, with the text that the command prints.

use apical::solvers::Trouble;
use apical_lab::config::{Diagnostic, report};
use apical_lab::error::{Error, Kind};
use apical_lab::sweep;
use apical_report::figures::Refusal;
use pyo3::PyErr;
use pyo3::create_exception;
use pyo3::exceptions::{PyRuntimeError, PyValueError};

create_exception!(apical, InputError, PyValueError, "Bad input: where, what was found and what is allowed.");
create_exception!(apical, ScienceError, PyRuntimeError, "The science failed: potentials diverged, no fixed point.");
create_exception!(apical, MachineError, PyRuntimeError, "The machine failed: disk, permission, network.");

/// An error of the lab.
pub fn error(e: &Error) -> PyErr {
    let text = e.to_string();
    match e.kind {
        Kind::Science => ScienceError::new_err(text),
        Kind::Input => InputError::new_err(text),
        Kind::Machine => MachineError::new_err(text),
    }
}

/// Bad input at a place.
pub fn input(place: &str, found: impl Into<String>, allowed: impl Into<String>) -> PyErr {
    error(&Error::input(place, found, allowed))
}

/// A config that is wrong, with all that is wrong.
pub fn config(list: &[Diagnostic]) -> PyErr {
    InputError::new_err(report(list, false))
}

/// Trouble of a solver or learner.
pub fn trouble(t: &Trouble) -> PyErr {
    ScienceError::new_err(t.to_string())
}

/// Trouble of a sweep.
pub fn sweep(t: &sweep::Trouble) -> PyErr {
    match t {
        sweep::Trouble::Config(list) => config(list),
        sweep::Trouble::Error(e) => error(e),
    }
}

/// A figure that cannot be drawn.
pub fn refusal(figure: &str, refusal: &Refusal) -> PyErr {
    match refusal {
        Refusal::Missing { what, remedy } => input(&format!("figure {figure}"), what, remedy),
        Refusal::Failed(e) => error(e),
    }
}

/// A panic of a thread: a bug of ours, told as one.
pub fn panic(what: &(dyn std::any::Any + Send)) -> PyErr {
    let text = what.downcast_ref::<String>().cloned();
    let text = text.or_else(|| what.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    PyRuntimeError::new_err(format!("a bug of apical: {}", text.unwrap_or_default()))
}
