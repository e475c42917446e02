//! The circuit of Sacramento, Costa, Bengio & Senn (NeurIPS 2018): cells, compartments, synapses, dynamics and
//! plasticity. Knows no solver, no task and no file.

pub mod attenuation;
pub mod delays;
pub mod departures;
pub mod dynamics;
pub mod imperfect;
pub mod known;
pub mod noise;
pub mod params;
pub mod plasticity;
pub mod potentials;
pub mod self_prediction;
pub mod start;
pub mod state;
pub mod step;
pub mod teacher;
pub mod tensors;
pub mod transient;

pub use attenuation::Attenuation;
pub use state::{Potentials, State};
pub use tensors::{Kind, Tensors};
