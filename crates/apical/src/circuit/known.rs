//! Circuits with known answers, shared by tests, benches and docs.

use super::params::{Conductances, LagKind, Network, Nudging, Timing};
use super::start::{Start, Starts};
use crate::kernels::Activation;

/// A logistic net with the conductances of Sacramento et al. 2018.
pub fn network(sizes: &[usize]) -> Network {
    Network {
        sizes: sizes.to_vec(),
        activation: Activation::Logistic,
        bias_rate: 0.0,
        conductances: Conductances::default(),
        nudging: Nudging::Current,
    }
}

/// Presentations of `presentation` ms with dt = 0.1 and tau_0 = 3, no lag, no reset.
pub fn timing(presentation: f64) -> Timing {
    Timing {
        dt: 0.1,
        tau_0: 3.0,
        tau_target: None,
        presentation,
        lag: 0.0,
        lag_kind: LagKind::Freeze,
        window: 0.0,
        reset_delta: false,
        reset_state: false,
    }
}

/// Forward weights U(-1, 1), feedback the transposed forward weights, interneurons self-predicting: the start from which
/// the circuit's updates approach the gradient.
pub fn self_predicting() -> Starts {
    Starts {
        pp: Start::Uniform(vec![1.0; 16]),
        bpp: Start::Uniform(vec![1.0; 16]),
        pb: Start::Transpose(1.0),
        ip: Start::SelfPredicting,
        bip: Start::SelfPredicting,
        pi: Start::SelfPredicting,
    }
}

/// Everything U(-1, 1).
pub fn random() -> Starts {
    let uniform = || Start::Uniform(vec![1.0; 16]);
    Starts { pp: uniform(), bpp: uniform(), pb: uniform(), ip: uniform(), bip: uniform(), pi: uniform() }
}
