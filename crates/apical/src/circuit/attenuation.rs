//! Attenuation: how much of a dendrite's potential reaches a soma that nothing else drives.

use super::params::{Conductances, Mixing};

/// The factors between dendritic potential v and prediction vhat, and the mixing factors of the teachers (all 1: no
/// unit).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attenuation {
    /// vhat_B,k = hidden * v_B,k: g_B / (g_lk + g_B + g_A).
    pub hidden: f64,
    /// vhat_B,N = output * v_B,N: g_B / (g_lk + g_B); the output has no apical dendrite, so g_A does not enter.
    pub output: f64,
    /// vhat^I_k = interneuron * v^I_k: g_D / (g_lk + g_D).
    pub interneuron: f64,
    /// lambda_N, lambda_I, lambda_A.
    pub mixing: Mixing,
}

impl Attenuation {
    /// What the conductances give.
    pub fn from_conductances(c: &Conductances) -> Self {
        Attenuation {
            hidden: c.g_b / (c.g_lk + c.g_b + c.g_a),
            output: c.g_b / (c.g_lk + c.g_b),
            interneuron: c.g_d / (c.g_lk + c.g_d),
            mixing: c.mixing(),
        }
    }

    /// No attenuation, vhat = v, and mixing factors as given (the MNIST net of Sacramento et al. 2018).
    pub fn none(mixing: Mixing) -> Self {
        Attenuation { hidden: 1.0, output: 1.0, interneuron: 1.0, mixing }
    }

    /// The factor of layer k (1 to N) in a net of depth N.
    pub fn basal(&self, k: usize, depth: usize) -> f64 {
        if k == depth { self.output } else { self.hidden }
    }

    /// The factor f with W^IP_k = f W^PP_{k+1,k} in the self-predicting state (k hidden).
    pub fn self_predicting(&self, k: usize, depth: usize) -> f64 {
        self.basal(k + 1, depth) / self.interneuron
    }
}
