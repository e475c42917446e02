//! Start weights: drawn per kind of synapse, or set to their self-predicting values.

use super::attenuation::Attenuation;
use super::params::Network;
use super::self_prediction;
use super::tensors::{Kind, Tensors};
use crate::kernels::rng::{Draws, Stream};
use crate::kernels::{Mat, Real};

/// Start weights of one kind of synapse.
#[derive(Clone, Debug, PartialEq)]
pub enum Start {
    /// U(-a, a), one a per matrix (index 0 is layer 1).
    Uniform(Vec<f64>),
    /// U(-1/sqrt(n), 1/sqrt(n)), n the number of presynaptic cells (for a bias: of the layer below).
    FanIn,
    /// Interneuron synapses only: the self-predicting values, from the forward and feedback weights.
    SelfPredicting,
    /// Feedback only: s times the transposed forward weights of the layer above.
    Transpose(f64),
}

/// Start weights of all kinds.
#[derive(Clone, Debug, PartialEq)]
pub struct Starts {
    /// Forward weights.
    pub pp: Start,
    /// Forward bias weights.
    pub bpp: Start,
    /// Feedback weights.
    pub pb: Start,
    /// Pyramidal to interneuron.
    pub ip: Start,
    /// Interneuron bias weights.
    pub bip: Start,
    /// Interneuron to pyramidal.
    pub pi: Start,
}

impl Starts {
    fn of(&self, kind: Kind) -> &Start {
        match kind {
            Kind::Wpp => &self.pp,
            Kind::Bpp => &self.bpp,
            Kind::Wpb => &self.pb,
            Kind::Wip => &self.ip,
            Kind::Bip => &self.bip,
            Kind::Wpi => &self.pi,
        }
    }
}

/// Start weights of a net. Each tensor has its own random numbers, drawn in f64, so that its values depend neither on the
/// other tensors nor on the precision (but for rounding).
///
/// A kind for which a start makes no sense (a transposed forward matrix as interneuron weights) is drawn nowhere: the
/// checks of configs exclude it, and it stays 0.
pub fn draw<T: Real>(net: &Network, att: &Attenuation, starts: &Starts, seed: u64) -> Tensors<T> {
    let mut w = Tensors::<T>::zeros(&net.sizes, net.bias_rate != 0.0);
    let depth = net.sizes.len() - 1;
    for (index, kind) in Kind::ALL.into_iter().enumerate() {
        for k in 1..=w.kind(kind).len() {
            let m = &w.kind(kind)[k - 1];
            let below = if kind == Kind::Bpp { net.sizes[k - 1] } else { net.sizes[k] };
            let fan_in = if m.cols == 1 && matches!(kind, Kind::Bpp | Kind::Bip) { below } else { m.cols };
            let bound = match starts.of(kind) {
                Start::Uniform(a) => a[k - 1],
                Start::FanIn => 1.0 / (fan_in as f64).sqrt(),
                Start::SelfPredicting | Start::Transpose(_) => continue,
            };
            let mut draws = Draws::new(seed, Stream::Weights, ((index as u64) << 32) + k as u64);
            let (rows, cols) = (m.rows, m.cols);
            w.kind_mut(kind)[k - 1] = Mat::from_fn(rows, cols, |_, _| T::from_f64(draws.uniform(-bound, bound)));
        }
    }
    if let Start::Transpose(s) = starts.pb {
        for k in 1..depth {
            w.pb[k - 1] = w.pp[k].transposed();
            w.pb[k - 1].data.iter_mut().for_each(|x| *x *= T::from_f64(s));
        }
    }
    for k in 1..depth {
        if starts.pi == Start::SelfPredicting {
            w.pi[k - 1] = self_prediction::from_inter(&w.pb[k - 1]);
        }
        if starts.ip == Start::SelfPredicting {
            w.ip[k - 1] = self_prediction::to_inter(att, k, depth, &w.pp[k]);
        }
        if starts.bip == Start::SelfPredicting && !w.bip.is_empty() {
            w.bip[k - 1] = self_prediction::to_inter(att, k, depth, &w.bpp[k]);
        }
    }
    w
}
