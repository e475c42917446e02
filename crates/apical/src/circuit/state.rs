//! The state of a circuit, and everything that follows from it within a step.

use super::params::Network;
use crate::kernels::Real;

/// What goes on from one step to the next, weights apart. Lists: entry k - 1 is layer k; values: sample after sample.
#[derive(Clone, Debug, PartialEq)]
pub struct State<T> {
    /// Samples side by side.
    pub samples: usize,
    /// Soma potentials of the pyramidal cells, layers 1 to N.
    pub soma: Vec<Vec<T>>,
    /// Soma potentials of the interneurons, layers 1 to N - 1.
    pub inter: Vec<Vec<T>>,
    /// Low-passed input r_in.
    pub trace_input: Vec<T>,
    /// Low-passed target (unused where the target is a step).
    pub trace_target: Vec<T>,
    /// Euler steps made since the run began: the address of the noise.
    pub step: u64,
}

impl<T: Real> State<T> {
    /// The state of rest: everything 0.
    pub fn rest(net: &Network, samples: usize) -> Self {
        let n = &net.sizes;
        let zeros = |cells: usize| vec![T::ZERO; cells * samples];
        State {
            samples,
            soma: (1..n.len()).map(|k| zeros(n[k])).collect(),
            inter: (2..n.len()).map(|k| zeros(n[k])).collect(),
            trace_input: zeros(n[0]),
            trace_target: zeros(n[n.len() - 1]),
            step: 0,
        }
    }

    /// Back to rest; the step count goes on.
    pub fn reset(&mut self) {
        for values in self.soma.iter_mut().chain(&mut self.inter) {
            values.fill(T::ZERO);
        }
        self.trace_input.fill(T::ZERO);
        self.trace_target.fill(T::ZERO);
    }

    /// Every array with its name in checkpoints (`soma.1`, `inter.1`, `trace.input`, `trace.target`).
    pub fn named(&self) -> Vec<(String, &[T])> {
        let mut list: Vec<(String, &[T])> = Vec::new();
        list.extend(self.soma.iter().enumerate().map(|(k, u)| (format!("soma.{}", k + 1), &u[..])));
        list.extend(self.inter.iter().enumerate().map(|(k, u)| (format!("inter.{}", k + 1), &u[..])));
        list.push(("trace.input".into(), &self.trace_input));
        list.push(("trace.target".into(), &self.trace_target));
        list
    }

    /// Every array with its name, to change.
    pub fn named_mut(&mut self) -> Vec<(String, &mut [T])> {
        let mut list: Vec<(String, &mut [T])> = Vec::new();
        list.extend(self.soma.iter_mut().enumerate().map(|(k, u)| (format!("soma.{}", k + 1), &mut u[..])));
        list.extend(self.inter.iter_mut().enumerate().map(|(k, u)| (format!("inter.{}", k + 1), &mut u[..])));
        list.push(("trace.input".into(), &mut self.trace_input));
        list.push(("trace.target".into(), &mut self.trace_target));
        list
    }
}

/// Rates, dendritic potentials, predictions and errors of one step or one settled pattern. Lists and values as in
/// [`State`]. Made once; a step only overwrites it.
#[derive(Clone, Debug, PartialEq)]
pub struct Potentials<T> {
    /// r^P_k, layers 1 to N.
    pub rate: Vec<Vec<T>>,
    /// r^I_k.
    pub rate_inter: Vec<Vec<T>>,
    /// v_B,k, layers 1 to N.
    pub basal: Vec<Vec<T>>,
    /// W^PP_{k,k+1} r^P_{k+1}: what feedback brings to the apical dendrite.
    pub apical_feedback: Vec<Vec<T>>,
    /// W^PI_{k,k} r^I_k: what the interneurons take away.
    pub apical_lateral: Vec<Vec<T>>,
    /// v_A,k, the sum of the two.
    pub apical: Vec<Vec<T>>,
    /// v^I_k.
    pub inter_dendrite: Vec<Vec<T>>,
    /// phi(u^P_k) - phi(vhat_B,k), layers 1 to N.
    pub error_forward: Vec<Vec<T>>,
    /// phi(u^I_k) - phi(vhat^I_k).
    pub error_inter: Vec<Vec<T>>,
    /// v_rest - v_A,k.
    pub error_apical: Vec<Vec<T>>,
    /// phi(u^P_k) - phi(W^PP_{k,k+1} r^P_{k+1}).
    pub error_feedback: Vec<Vec<T>>,
    /// du^P_k/dt, layers 1 to N (1/ms).
    pub d_soma: Vec<Vec<T>>,
    /// du^I_k/dt (1/ms).
    pub d_inter: Vec<Vec<T>>,
    /// Row buffer of the plasticity, as long as the longest row.
    pub row: Vec<T>,
    /// Predicted rates of one population.
    pub predicted: Vec<T>,
    /// One presynaptic rate per sample: the rate of the bias.
    pub bias: Vec<T>,
}

impl<T: Real> Potentials<T> {
    /// Room for a net and a batch.
    pub fn new(net: &Network, samples: usize) -> Self {
        let n = &net.sizes;
        let depth = n.len() - 1;
        let layers = || (1..=depth).map(|k| vec![T::ZERO; n[k] * samples]).collect::<Vec<_>>();
        let hidden = || (1..depth).map(|k| vec![T::ZERO; n[k] * samples]).collect::<Vec<_>>();
        let above = || (1..depth).map(|k| vec![T::ZERO; n[k + 1] * samples]).collect::<Vec<_>>();
        let longest = n.iter().copied().max().unwrap_or(0);
        Potentials {
            rate: layers(),
            rate_inter: above(),
            basal: layers(),
            apical_feedback: hidden(),
            apical_lateral: hidden(),
            apical: hidden(),
            inter_dendrite: above(),
            error_forward: layers(),
            error_inter: above(),
            error_apical: hidden(),
            error_feedback: hidden(),
            d_soma: layers(),
            d_inter: above(),
            row: vec![T::ZERO; longest],
            predicted: vec![T::ZERO; longest * samples],
            bias: vec![T::from_f64(net.bias_rate); samples],
        }
    }
}
