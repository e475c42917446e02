//! What drives hidden cells' plasticity while the circuit settles after a switch of the pattern: the error of Eq. (7) in three
//! parts, each with a cause of its own.
//!
//! ```text
//! phi(u) - phi(vhat_B)  =  phi(u) - phi(s)          soma lag:     the soma is not yet where its dendrites draw it
//!                        + phi(s') - phi(vhat_B)    apical error: interneurons do not cancel the feedback, teacher or not
//!                        + phi(s) - phi(s')         teacher:      what the target has sent down since the switch
//! s  = vhat_B + lambda_A v_A     where the soma would rest with its dendrites as they are
//! s' = vhat_B + lambda_A v_A'    v_A' is the apical potential of the same circuit, had it no target since the switch
//! ```
//!
//! Without noise the last part alone is left once the circuit has settled in the self-predicting state.

use super::noise::Source;
use super::params::Network;
use super::plasticity::predicted_rate;
use super::state::{Potentials, State};
use super::step::{Constants, derivatives, rates_and_potentials, somas};
use super::tensors::Tensors;
use crate::kernels::Real;

/// The parts of the error of one hidden layer, samples x n_k each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parts<T> {
    /// phi(u) - phi(s).
    pub soma_lag: Vec<T>,
    /// phi(s') - phi(vhat_B).
    pub apical_error: Vec<T>,
    /// phi(s) - phi(s').
    pub teacher: Vec<T>,
}

/// The same circuit without a target since the last switch: it shares weights, input and noise with the one that is taught.
#[derive(Clone, Debug)]
pub struct Untaught<T> {
    state: State<T>,
    potentials: Potentials<T>,
    parts: Parts<T>,
    /// Rates that v_A and v_A' would bring the somas to.
    drawn: [Vec<T>; 2],
}

impl<T: Real> Untaught<T> {
    /// Room for a net and a batch.
    pub fn new(net: &Network, samples: usize) -> Self {
        Untaught {
            state: State::rest(net, samples),
            potentials: Potentials::new(net, samples),
            parts: Parts::default(),
            drawn: [Vec::new(), Vec::new()],
        }
    }

    /// At a switch: from here on the two differ by the target alone.
    pub fn begin(&mut self, taught: &State<T>) {
        self.state.clone_from(taught);
    }

    /// Rates and dendritic potentials of its state; `r_in` are the presynaptic rates of the first layer.
    pub fn see(&mut self, c: &Constants<T>, weights: &Tensors<T>, r_in: &[T]) {
        rates_and_potentials(c, weights, &self.state, r_in, &mut self.potentials);
    }

    /// Its somas, from the potentials that [`Untaught::see`] found.
    pub fn advance(&mut self, c: &Constants<T>, noise: &Source) {
        let (state, p) = (&mut self.state, &mut self.potentials);
        derivatives(&c.g, state, p, None);
        somas(c, state, p, noise);
        state.step += 1;
    }

    /// The parts for hidden layer `k` + 1 of the circuit that is taught, whose potentials and rates are `p`: at the time of
    /// [`Untaught::see`].
    pub fn parts(&mut self, c: &Constants<T>, p: &Potentials<T>, k: usize) -> &Parts<T> {
        let phi = c.net.activation;
        let (basal, rate) = (&p.basal[k], &p.rate[k]);
        let hidden = T::from_f64(c.attenuation.hidden);
        let lambda = T::from_f64(c.attenuation.mixing.hidden);
        for (drawn, v_a) in self.drawn.iter_mut().zip([&p.apical[k], &self.potentials.apical[k]]) {
            drawn.clear();
            drawn.extend(basal.iter().zip(v_a).map(|(&v_b, &v_a)| hidden * v_b + lambda * v_a));
            phi.rates_in_place(drawn);
        }
        let [taught, untaught] = &self.drawn;
        let Parts { soma_lag, apical_error, teacher } = &mut self.parts;
        apical_error.resize(basal.len(), T::ZERO);
        predicted_rate(phi, c.attenuation.hidden, basal, apical_error);
        apical_error.iter_mut().zip(untaught).for_each(|(e, &s)| *e = s - *e);
        soma_lag.clear();
        soma_lag.extend(rate.iter().zip(taught).map(|(&r, &s)| r - s));
        teacher.clear();
        teacher.extend(taught.iter().zip(untaught).map(|(&a, &b)| a - b));
        &self.parts
    }
}
