//! Plasticity: every rule is a post-synaptic prediction error times a pre-synaptic rate, local to its synapse. One file a
//! rule for the errors; what is common, the product with the rates and the low-pass, stands here and in [`lowpass`].

pub mod apical;
pub mod feedback;
pub mod forward;
pub mod interneuron;
pub mod lowpass;

use super::attenuation::Attenuation;
use super::params::Rates;
use super::state::Potentials;
use super::tensors::Tensors;
use crate::kernels::{Activation, Product, Real};
use lowpass::Synapse;

/// Where weight changes go.
pub enum Sink<'a, T> {
    /// dW/dt = rule: added to these tensors, which are the weights or an Update that is being gathered.
    Direct(&'a mut Tensors<T>),
    /// tau_w dDelta/dt = -Delta + rule/eta, dW/dt = eta Delta.
    LowPass {
        /// The weights; `None` while they stand still and Delta integrates (the lag's variant "filter").
        weights: Option<&'a mut Tensors<T>>,
        /// Delta.
        delta: &'a mut Tensors<T>,
        /// dt / tau_w.
        a: T,
    },
}

/// phi(factor * v): the rate that a dendrite at potential `v` predicts for its soma.
#[inline]
pub fn predicted_rate<T: Real>(phi: Activation, factor: f64, v: &[T], r_hat: &mut [T]) {
    let factor = T::from_f64(factor);
    for (r_hat, &v) in r_hat.iter_mut().zip(v) {
        *r_hat = factor * v;
    }
    phi.rates_in_place(r_hat);
}

/// The errors of all rules that are on, from the rates and potentials of one step.
pub fn errors<T: Real>(phi: Activation, att: &Attenuation, rates: &Rates, p: &mut Potentials<T>) {
    let depth = rates.pp.len();
    for k in 0..depth {
        if rates.pp[k] != 0.0 {
            let r_hat = &mut p.predicted[..p.basal[k].len()];
            predicted_rate(phi, att.basal(k + 1, depth), &p.basal[k], r_hat);
            forward::error(&p.rate[k], r_hat, &mut p.error_forward[k]);
        }
    }
    for k in 0..depth - 1 {
        if rates.ip[k] != 0.0 {
            let r_hat = &mut p.predicted[..p.inter_dendrite[k].len()];
            predicted_rate(phi, att.interneuron, &p.inter_dendrite[k], r_hat);
            interneuron::error(&p.rate_inter[k], r_hat, &mut p.error_inter[k]);
        }
        if rates.pi[k] != 0.0 {
            apical::error(&p.apical[k], &mut p.error_apical[k]);
        }
        if rates.pb[k] != 0.0 {
            let r_hat = &mut p.predicted[..p.apical_feedback[k].len()];
            predicted_rate(phi, 1.0, &p.apical_feedback[k], r_hat);
            feedback::error(&p.rate[k], r_hat, &mut p.error_feedback[k]);
        }
    }
}

/// Applies the rules that are on for a time `dt` (ms; 1 where a rule acts once per presentation).
///
/// `p` holds the errors and the presynaptic rates, `r_in` the traced input.
pub fn apply<T: Real>(plan: Product, rates: &Rates, dt: f64, r_in: &[T], p: &mut Potentials<T>, sink: &mut Sink<T>) {
    let depth = rates.pp.len();
    let eta = |rate: f64| T::from_f64(dt * rate);
    let Potentials { rate, rate_inter, error_forward, error_inter, error_apical, error_feedback, row, bias, .. } = p;
    for k in 0..depth {
        if rates.pp[k] != 0.0 {
            let r_below = if k == 0 { r_in } else { &rate[k - 1][..] };
            let e = &error_forward[k];
            Synapse::of(sink, |t| &mut t.pp[k]).change(plan, eta(rates.pp[k]), e, r_below, row);
            if let Some(synapse) = Synapse::maybe(sink, |t| t.bpp.get_mut(k)) {
                synapse.change(plan, eta(rates.pp[k]), e, bias, row);
            }
        }
    }
    for k in 0..depth - 1 {
        if rates.ip[k] != 0.0 {
            Synapse::of(sink, |t| &mut t.ip[k]).change(plan, eta(rates.ip[k]), &error_inter[k], &rate[k], row);
            if let Some(synapse) = Synapse::maybe(sink, |t| t.bip.get_mut(k)) {
                synapse.change(plan, eta(rates.ip[k]), &error_inter[k], bias, row);
            }
        }
        if rates.pi[k] != 0.0 {
            let e = &error_apical[k];
            Synapse::of(sink, |t| &mut t.pi[k]).change(plan, eta(rates.pi[k]), e, &rate_inter[k], row);
        }
        if rates.pb[k] != 0.0 {
            let e = &error_feedback[k];
            Synapse::of(sink, |t| &mut t.pb[k]).change(plan, eta(rates.pb[k]), e, &rate[k + 1], row);
        }
    }
}
