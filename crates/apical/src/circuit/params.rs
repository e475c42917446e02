//! Parameters of a circuit: conductances, times, plasticity, noise. Plain numbers with units; nothing optional is left
//! open. Symbols as in Sacramento et al. 2018.

use crate::kernels::Activation;

/// Conductances in 1/ms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conductances {
    /// g_lk: leak of every soma.
    pub g_lk: f64,
    /// g_B: basal dendrite to soma.
    pub g_b: f64,
    /// g_A: apical dendrite to soma, hidden layers.
    pub g_a: f64,
    /// g_D: interneuron dendrite to soma.
    pub g_d: f64,
    /// g_som of the output: how strongly a target nudges it.
    pub g_som_output: f64,
    /// g_som of the interneurons: how strongly the cell above nudges them.
    pub g_som_interneuron: f64,
}

/// Mixing factors lambda (1): the share of a soma's steady potential that its teacher or apical dendrite decides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mixing {
    /// lambda_N = g_som_output / (g_lk + g_B + g_som_output).
    pub output: f64,
    /// lambda_I = g_som_interneuron / (g_lk + g_D + g_som_interneuron).
    pub interneuron: f64,
    /// lambda_A = g_A / (g_lk + g_B + g_A).
    pub hidden: f64,
}

impl Default for Conductances {
    /// The values of Sacramento et al. 2018.
    fn default() -> Self {
        Conductances { g_lk: 0.1, g_b: 1.0, g_a: 0.8, g_d: 1.0, g_som_output: 0.8, g_som_interneuron: 0.8 }
    }
}

impl Conductances {
    /// The mixing factors that these conductances give.
    pub fn mixing(&self) -> Mixing {
        Mixing {
            output: self.g_som_output / (self.g_lk + self.g_b + self.g_som_output),
            interneuron: self.g_som_interneuron / (self.g_lk + self.g_d + self.g_som_interneuron),
            hidden: self.g_a / (self.g_lk + self.g_b + self.g_a),
        }
    }

    /// The same leak, basal and dendritic conductances with g_A and both g_som set so that `mixing()` is `m`.
    /// Each lambda must lie in [0, 1).
    pub fn with_mixing(&self, m: Mixing) -> Self {
        Conductances {
            g_a: m.hidden * (self.g_lk + self.g_b) / (1.0 - m.hidden),
            g_som_output: m.output * (self.g_lk + self.g_b) / (1.0 - m.output),
            g_som_interneuron: m.interneuron * (self.g_lk + self.g_d) / (1.0 - m.interneuron),
            ..*self
        }
    }
}

/// How a target reaches the output soma. Both are the same current; they differ in rounding and in what is warned of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nudging {
    /// i = g_som (u_trgt - u).
    Current,
    /// i = g_exc (E_exc - u) + g_inh (E_inh - u), E_exc = 1, E_inh = -1.
    Conductance,
}

/// What sigma means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoiseScaling {
    /// dt * sigma * N(0, 1) per step: most published code.
    Step,
    /// sqrt(dt) * sigma * N(0, 1) per step: Euler-Maruyama.
    EulerMaruyama,
}

/// Noise on every soma (pyramidal cells and interneurons).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Noise {
    /// Amplitude; 0 switches noise off.
    pub sigma: f64,
    /// What `sigma` means.
    pub scaling: NoiseScaling,
}

/// What the learning lag holds still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LagKind {
    /// Neither W nor Delta changes.
    Freeze,
    /// Delta integrates while W stands still.
    Filter,
}

/// The course of a presentation. Times in ms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timing {
    /// Euler step.
    pub dt: f64,
    /// Low-pass of the input.
    pub tau_0: f64,
    /// Low-pass of the target; `None`: the target is a step.
    pub tau_target: Option<f64>,
    /// How long one pattern is shown.
    pub presentation: f64,
    /// Learning lag: no change of weights in the first `lag` ms.
    pub lag: f64,
    /// What the lag holds still.
    pub lag_kind: LagKind,
    /// The output is averaged over the last `window` ms of a presentation (0: its last step).
    pub window: f64,
    /// Delta = 0 at each pattern switch.
    pub reset_delta: bool,
    /// Somas and traces = 0 at each pattern switch.
    pub reset_state: bool,
}

impl Timing {
    /// Number of Euler steps in `ms`.
    pub fn steps(&self, ms: f64) -> usize {
        (ms / self.dt).round() as usize
    }
}

/// Learning rates per layer; a rate of 0 switches the rule off for that layer. Index 0 is layer 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rates {
    /// Forward weights, rule (7): N entries.
    pub pp: Vec<f64>,
    /// Pyramidal to interneuron, rule (8): N - 1 entries.
    pub ip: Vec<f64>,
    /// Interneuron to pyramidal, rule (9): N - 1 entries.
    pub pi: Vec<f64>,
    /// Feedback, rule (10): N - 1 entries.
    pub pb: Vec<f64>,
}

impl Rates {
    /// All rates times a factor.
    pub fn scaled(&self, factor: f64) -> Self {
        let scale = |list: &[f64]| list.iter().map(|eta| eta * factor).collect();
        Rates { pp: scale(&self.pp), ip: scale(&self.ip), pi: scale(&self.pi), pb: scale(&self.pb) }
    }
}

/// The cells of a circuit.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// Cells per layer, input first: n_0, n_1 .. n_N; at least two entries, none 0.
    pub sizes: Vec<usize>,
    /// phi of every cell.
    pub activation: Activation,
    /// beta_b: presynaptic rate of the bias weights; 0: no biases.
    pub bias_rate: f64,
    /// Conductances.
    pub conductances: Conductances,
    /// How a target reaches the output.
    pub nudging: Nudging,
}
