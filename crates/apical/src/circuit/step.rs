//! One Euler step of the whole circuit, in plain loops: the reference that every faster way is held against.
//!
//! The order is part of the model: (1) traces, (2) rates, dendritic potentials and derivatives from the state at time t,
//! (3) weights, from the potentials of (2), with the old Delta, (4) somas. Nothing is allocated.

use super::attenuation::Attenuation;
use super::dynamics::{self, G};
use super::noise::{Population, Source};
use super::params::{LagKind, Network, Rates, Timing};
use super::plasticity::{self, Sink};
use super::potentials;
use super::state::{Potentials, State};
use super::tensors::Tensors;
use crate::kernels::{Product, Real};

/// What a step does to weights and Delta.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plastic {
    /// Nothing.
    Off,
    /// Both change.
    On,
    /// Delta integrates, weights stand still.
    DeltaOnly,
}

impl Plastic {
    /// What step `n` of a presentation does, given the learning lag.
    pub fn in_presentation(timing: &Timing, n: usize) -> Self {
        match timing.lag_kind {
            _ if n >= timing.steps(timing.lag) => Plastic::On,
            LagKind::Freeze => Plastic::Off,
            LagKind::Filter => Plastic::DeltaOnly,
        }
    }
}

/// Constants of the step in the number type of a run.
#[derive(Clone, Debug)]
pub struct Constants<T> {
    /// How products are computed.
    pub plan: Product,
    /// Attenuation and mixing factors.
    pub attenuation: Attenuation,
    pub(crate) net: Network,
    pub(crate) dt: f64,
    pub(crate) dt_t: T,
    pub(crate) trace_in: T,
    /// dt / tau_0 and dt / tau_w, not rounded.
    pub(crate) shares: (f64, Option<f64>),
    pub(crate) trace_target: Option<T>,
    pub(crate) a: Option<T>,
    pub(crate) g: G<T>,
    pub(crate) beta_b: T,
}

impl<T: Real> Constants<T> {
    /// From a network, its times and the low-pass tau_w (ms; `None`: no low-pass).
    pub fn new(net: &Network, timing: &Timing, tau_w: Option<f64>, plan: Product) -> Self {
        Constants {
            plan,
            attenuation: Attenuation::from_conductances(&net.conductances),
            net: net.clone(),
            dt: timing.dt,
            dt_t: T::from_f64(timing.dt),
            trace_in: T::from_f64(timing.dt / timing.tau_0),
            shares: (timing.dt / timing.tau_0, tau_w.map(|tau| timing.dt / tau)),
            trace_target: timing.tau_target.map(|tau| T::from_f64(timing.dt / tau)),
            a: tau_w.map(|tau| T::from_f64(timing.dt / tau)),
            g: G::new(&net.conductances, net.nudging),
            beta_b: T::from_f64(net.bias_rate),
        }
    }

    /// The network.
    pub fn net(&self) -> &Network {
        &self.net
    }

    /// True if weight changes are low-passed.
    pub fn low_pass(&self) -> bool {
        self.a.is_some()
    }
}

/// What is plastic in a step, and where the changes go.
pub enum Learning<'a, T> {
    /// The circuit's own weights, through Delta if there is a low-pass.
    Own {
        /// Rates; 0 switches a rule off.
        rates: &'a Rates,
        /// What changes.
        plastic: Plastic,
        /// Delta (unused without low-pass).
        delta: &'a mut Tensors<T>,
    },
    /// Weights held; what the rules would add to V = W + eta tau_w Delta is gathered here.
    Gather {
        /// Rates.
        rates: &'a Rates,
        /// Where changes of V are added.
        update: &'a mut Tensors<T>,
    },
    /// Nothing.
    None,
}

/// One step: `x` is the pattern shown (samples x n_0), `u_trgt` the target potentials (samples x n_N) if there is a target.
/// Afterwards `state` is the state at t + dt and `p` holds the potentials, rates and errors of the step.
pub fn step<T: Real>(
    c: &Constants<T>,
    weights: &mut Tensors<T>,
    state: &mut State<T>,
    p: &mut Potentials<T>,
    x: &[T],
    u_trgt: Option<&[T]>,
    learning: Learning<'_, T>,
    noise: &Source,
) {
    let phi = c.net.activation;

    // 1. Traces. The rules use the trace, not the pattern.
    follow(&mut state.trace_input, x, c.trace_in);
    if let (Some(u_trgt), Some(rate)) = (u_trgt, c.trace_target) {
        follow(&mut state.trace_target, u_trgt, rate);
    }
    let u_trgt = match c.trace_target {
        Some(_) => u_trgt.map(|_| &state.trace_target[..]),
        None => u_trgt,
    };

    // 2. Rates, dendritic potentials, derivatives, all from the state at time t.
    rates_and_potentials(c, weights, state, &state.trace_input, p);
    derivatives(&c.g, state, p, u_trgt);

    // 3. Weights, from the potentials of 2.
    match learning {
        Learning::Own { rates, plastic: plastic @ (Plastic::On | Plastic::DeltaOnly), delta } => {
            let still = plastic == Plastic::DeltaOnly;
            let sink = match c.a {
                Some(a) => Some(Sink::LowPass { weights: (!still).then_some(weights), delta, a }),
                None => (!still).then_some(Sink::Direct(weights)),
            };
            if let Some(mut sink) = sink {
                plasticity::errors(phi, &c.attenuation, rates, p);
                plasticity::apply(c.plan, rates, c.dt, &state.trace_input, p, &mut sink);
            }
        }
        Learning::Gather { rates, update } => {
            plasticity::errors(phi, &c.attenuation, rates, p);
            plasticity::apply(c.plan, rates, c.dt, &state.trace_input, p, &mut Sink::Direct(update));
        }
        Learning::Own { plastic: Plastic::Off, .. } | Learning::None => {}
    }

    // 4. All somas at once.
    somas(c, state, p, noise);
    state.step += 1;
}

/// All rates and dendritic potentials of the somas in `state`; `r_in` are the presynaptic rates of the first layer.
pub(crate) fn rates_and_potentials<T: Real>(
    c: &Constants<T>,
    weights: &Tensors<T>,
    state: &State<T>,
    r_in: &[T],
    p: &mut Potentials<T>,
) {
    for (u, r) in state.soma.iter().zip(&mut p.rate).chain(state.inter.iter().zip(&mut p.rate_inter)) {
        c.net.activation.rates(u, r);
    }
    potentials::all(c.plan, weights, c.beta_b, r_in, p);
}

/// All somas at once, by the derivatives in `p`.
pub(crate) fn somas<T: Real>(c: &Constants<T>, state: &mut State<T>, p: &Potentials<T>, noise: &Source) {
    for (k, (u, du)) in state.soma.iter_mut().zip(&p.d_soma).enumerate() {
        advance(u, du, c.dt_t);
        noise.add(Population::Pyramidal, k + 1, state.step, 0, u);
    }
    for (k, (u, du)) in state.inter.iter_mut().zip(&p.d_inter).enumerate() {
        advance(u, du, c.dt_t);
        noise.add(Population::Interneuron, k + 1, state.step, 0, u);
    }
}

/// du/dt of every soma into `p`, from the somas in `state` and the dendritic potentials in `p`.
pub fn derivatives<T: Real>(g: &G<T>, state: &State<T>, p: &mut Potentials<T>, u_trgt: Option<&[T]>) {
    let top = state.soma.len() - 1;
    for k in 0..top {
        dynamics::pyramidal(g, &state.soma[k], &p.basal[k], &p.apical[k], &mut p.d_soma[k]);
        dynamics::interneuron(g, &state.inter[k], &p.inter_dendrite[k], &state.soma[k + 1], &mut p.d_inter[k]);
    }
    dynamics::output(g, &state.soma[top], &p.basal[top], u_trgt, &mut p.d_soma[top]);
}

/// trace += rate (x - trace).
#[inline(always)]
pub(crate) fn follow<T: Real>(trace: &mut [T], x: &[T], rate: T) {
    for (r, &x) in trace.iter_mut().zip(x) {
        *r += rate * (x - *r);
    }
}

/// u += dt du.
#[inline(always)]
pub(crate) fn advance<T: Real>(u: &mut [T], du: &[T], dt: T) {
    for (u, &du) in u.iter_mut().zip(du) {
        *u += dt * du;
    }
}
