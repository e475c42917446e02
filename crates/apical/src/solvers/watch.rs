//! Watching for trouble: potentials that leave every bound, patterns without a fixed point.

use crate::circuit::State;
use crate::kernels::Real;
use std::fmt;

/// A kind of cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Pyramidal cell.
    Pyramidal,
    /// Interneuron.
    Interneuron,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Cell::Pyramidal => "pyramidal cell",
            Cell::Interneuron => "interneuron",
        })
    }
}

/// When something was seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Moment {
    /// After so many steps (Euler) or presentations (solvers without time) since the beginning.
    Step(u64),
    /// So long (ms) after the presentation began.
    Time(f64),
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Moment::Step(step) => write!(f, "at step {step}"),
            Moment::Time(ms) => write!(f, "{ms:.4} ms after its presentation began"),
        }
    }
}

/// Why a solver had to give up.
#[derive(Clone, Debug, PartialEq)]
pub enum Trouble {
    /// A soma is NaN, infinite or beyond the bound.
    Diverged {
        /// Kind of cell.
        cell: Cell,
        /// Its layer, from 1.
        layer: usize,
        /// Its index in the layer.
        index: usize,
        /// When it was seen.
        moment: Moment,
        /// Its potential.
        value: f64,
        /// The bound.
        bound: f64,
    },
    /// The sweeps did not settle.
    NoFixedPoint {
        /// The sample in its batch.
        sample: usize,
        /// Largest |du/dt| that was left (1/ms).
        residual: f64,
        /// Sweeps made.
        sweeps: usize,
    },
    /// Weights that a learner must invert have no inverse.
    NoInverse {
        /// The layer above them, from 1.
        layer: usize,
        /// Their largest over their smallest singular value; NaN if the weights are not finite.
        condition: f64,
    },
    /// No step is short enough for the error that is allowed.
    StepTooSmall {
        /// Kind of the cells whose error was largest, or that changed most where sweeps did not settle.
        cell: Cell,
        /// Their layer, from 1.
        layer: usize,
        /// The sample in its batch (the first of those that step together).
        sample: usize,
        /// Time since the presentation began (ms).
        time: f64,
    },
    /// Who observes asked for it.
    Stopped,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Diverged { cell, layer, index, moment, value, bound } => write!(
                f,
                "diverged: the soma of {cell} {index} in layer {layer} reached {value} {moment} (bound {bound})"
            ),
            Trouble::NoFixedPoint { sample, residual, sweeps } => {
                write!(
                    f,
                    "no fixed point: sample {sample} left a residual of {residual:e} per ms after {sweeps} sweeps"
                )
            }
            Trouble::NoInverse { layer, condition } => {
                write!(f, "no inverse: the weights into layer {layer} have condition number {condition:e}")
            }
            Trouble::StepTooSmall { cell, layer, sample, time } => write!(
                f,
                "no step is short enough: the {cell}s of layer {layer} change too fast in sample {sample}, {}",
                Moment::Time(*time)
            ),
            Trouble::Stopped => f.write_str("stopped in the middle of a presentation"),
        }
    }
}

impl std::error::Error for Trouble {}

/// Looks for a soma that is not within `bound`.
///
/// # Errors
/// [`Trouble::Diverged`] naming the first such cell.
pub fn check<T: Real>(state: &State<T>, bound: f64) -> Result<(), Trouble> {
    let populations = [(Cell::Pyramidal, &state.soma), (Cell::Interneuron, &state.inter)];
    for (cell, layers) in populations {
        for (k, values) in layers.iter().enumerate() {
            check_layer(values, state.samples, (cell, k + 1), Moment::Step(state.step), bound)?;
        }
    }
    Ok(())
}

/// Looks for a potential of one layer that is not within `bound`; `values` is samples x cells.
///
/// # Errors
/// [`Trouble::Diverged`] naming the first such cell.
pub fn check_layer<T: Real>(
    values: &[T],
    samples: usize,
    (cell, layer): (Cell, usize),
    moment: Moment,
    bound: f64,
) -> Result<(), Trouble> {
    let limit = T::from_f64(bound);
    // NaN fails every comparison, so it counts as outside.
    if values.iter().all(|u| u.abs() <= limit) {
        return Ok(());
    }
    let at = values.iter().position(|u| !matches!(u.abs().partial_cmp(&limit), Some(o) if o.is_le())).unwrap_or(0);
    let (index, value) = (at % (values.len() / samples), values[at].to_f64());
    Err(Trouble::Diverged { cell, layer, index, moment, value, bound })
}
