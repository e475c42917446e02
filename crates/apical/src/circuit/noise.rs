//! Somatic noise. It is an argument of the step: tests pass none or a constant.

use super::params::{Noise as Params, NoiseScaling};
use crate::kernels::Real;
use crate::kernels::rng::{self, Stream};

/// A population of somas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Population {
    /// Pyramidal cells of a layer.
    Pyramidal,
    /// Interneurons of a layer.
    Interneuron,
}

/// Where the noise of a step comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Source {
    /// None.
    Silent,
    /// Gaussian, addressed by (seed, population, layer, step, unit).
    Gaussian {
        /// The run's seed.
        seed: u64,
        /// Standard deviation of the jump of a potential per step.
        jump: f64,
    },
    /// The same jump for every cell at every step: for tests with a closed form.
    Constant(f64),
}

impl Source {
    /// Noise as configured: the jump is dt sigma ("step") or sqrt(dt) sigma ("euler-maruyama").
    ///
    /// A soma with total conductance g relaxes by the factor 1 - g dt a step, so its stationary standard deviation is
    /// jump / sqrt(1 - (1 - g dt)^2).
    pub fn new(noise: Params, dt: f64, seed: u64) -> Self {
        if noise.sigma == 0.0 {
            return Source::Silent;
        }
        let jump = match noise.scaling {
            NoiseScaling::Step => dt * noise.sigma,
            NoiseScaling::EulerMaruyama => dt.sqrt() * noise.sigma,
        };
        Source::Gaussian { seed, jump }
    }

    /// Adds this step's jumps to `u`: potentials of layer k from unit `first` on, a multiple of 4.
    pub fn add<T: Real>(&self, population: Population, layer: usize, step: u64, first: usize, u: &mut [T]) {
        match *self {
            Source::Silent => {}
            Source::Constant(jump) => u.iter_mut().for_each(|u| *u += T::from_f64(jump)),
            Source::Gaussian { seed, jump } => {
                debug_assert!(first.is_multiple_of(4));
                let stream = match population {
                    Population::Pyramidal => Stream::NoisePyramidal,
                    Population::Interneuron => Stream::NoiseInterneuron,
                };
                let (step, jump) = ((step << 16) + layer as u64, T::from_f64(jump));
                let mut normals = [0.0; 256];
                for (n, u) in u.chunks_mut(normals.len()).enumerate() {
                    let normals = &mut normals[..u.len()];
                    rng::fill_normals_from(seed, stream, step, first / 4 + n * 64, normals);
                    for (u, &z) in u.iter_mut().zip(normals.iter()) {
                        *u += jump * T::from_f64(f64::from(z));
                    }
                }
            }
        }
    }
}
