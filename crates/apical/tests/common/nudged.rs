//! Circuits in the self-predicting state with feedback s W^T, with patterns and targets to nudge them: where updates are
//! compared with backprop.

use super::uniform;
use apical::circuit::params::{Mixing, Network};
use apical::circuit::start::{Start, Starts, draw};
use apical::circuit::{Attenuation, Tensors, known};
use apical::learners::metrics::angle;
use apical::learners::theory::matching_descent;
use apical::solvers::Shown;

/// One, two and three hidden layers.
pub const SIZES: [&[usize]; 4] = [&[6, 5, 3], &[4, 120, 3], &[8, 7, 6, 4], &[7, 8, 6, 5, 3]];

/// A circuit, its weights, and what it is shown.
pub struct Nudged {
    pub net: Network,
    pub att: Attenuation,
    pub w: Tensors<f64>,
    pub samples: usize,
    /// Patterns shown before, where a switch matters.
    pub before: Vec<f64>,
    pub x: Vec<f64>,
    pub target: Vec<f64>,
}

impl Nudged {
    /// Forward weights U(-1/sqrt(n), 1/sqrt(n)), so that output potentials are of order 1 at any width: the angle left by a
    /// weak nudge grows with lambda_N |u_trgt - vhat_N|. Inputs U(0, 1), target potentials U(-1, 1).
    pub fn new(net: Network, att: Attenuation, s: f64, samples: usize, seed: u64) -> Self {
        let starts =
            Starts { pp: Start::FanIn, bpp: Start::FanIn, pb: Start::Transpose(s), ..known::self_predicting() };
        let (n_in, n_out) = (net.sizes[0], net.sizes[net.sizes.len() - 1]);
        Nudged {
            w: draw(&net, &att, &starts, seed),
            before: uniform(samples * n_in, 0.0, 1.0, 3 * seed),
            x: uniform(samples * n_in, 0.0, 1.0, 3 * seed + 1),
            target: uniform(samples * n_out, -1.0, 1.0, 3 * seed + 2),
            net,
            att,
            samples,
        }
    }

    /// With the conductances of Sacramento et al. 2018 but for lambda_N.
    pub fn with_conductances(mut net: Network, lambda: f64, s: f64, samples: usize, seed: u64) -> Self {
        net.conductances = net.conductances.with_mixing(Mixing { output: lambda, ..net.conductances.mixing() });
        let att = Attenuation::from_conductances(&net.conductances);
        Nudged::new(net, att, s, samples, seed)
    }

    /// Without attenuation, lambda_I = 0.1 and lambda_A = 0.3 as on MNIST: for `two-step` only.
    pub fn without_attenuation(net: Network, lambda: f64, s: f64, samples: usize, seed: u64) -> Self {
        let att = Attenuation::none(Mixing { output: lambda, interneuron: 0.1, hidden: 0.3 });
        Nudged::new(net, att, s, samples, seed)
    }

    /// The patterns with their targets.
    pub fn shown(&self) -> Shown<'_, f64> {
        Shown { samples: self.samples, input: &self.x, target: Some(&self.target) }
    }

    /// The gradient of `matching`, downhill.
    pub fn descent(&self) -> Tensors<f64> {
        matching_descent(&self.net, &self.att, &self.w, &self.x, &self.target)
    }

    /// Angles to backprop in degrees: forward weights of layers 1 to N, then their biases if there are any.
    pub fn angles(&self, update: &Tensors<f64>) -> Vec<f64> {
        let descent = self.descent();
        let pairs = update.pp.iter().zip(&descent.pp).chain(update.bpp.iter().zip(&descent.bpp));
        pairs.map(|(a, b)| angle(a, b).expect("updates are not zero")).collect()
    }
}
