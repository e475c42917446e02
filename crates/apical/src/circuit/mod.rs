//! The circuit: cells, compartments, synapses, dynamics and plasticity. Knows no solver, no task and no file.

pub mod params;
