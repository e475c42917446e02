//! The engine of apical: dendritic cortical microcircuits (Sacramento, Costa, Bengio & Senn, NeurIPS 2018), their
//! dynamics, their local plasticity, the solvers that find their potentials and the tasks they learn.
//!
//! The engine knows no clock, no terminal and no file but data sets. Inside it dependencies point one way:
//! evaluation -> tasks and learners -> solvers -> circuit -> kernels.

pub mod circuit;
pub mod evaluate;
pub mod kernels;
pub mod learners;
pub mod solvers;
pub mod tasks;
