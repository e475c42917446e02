//! solvers.
