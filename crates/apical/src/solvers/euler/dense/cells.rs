//! What a step does to cells: traces and rates before the potentials are known; derivatives, errors, bias weights and somas
//! after. Twin of [`step`](crate::circuit::step::step) without its products.

use super::change::Change;
use crate::circuit::noise::{Population, Source};
use crate::circuit::params::Rates;
use crate::circuit::step::{Constants, advance, derivatives, follow};
use crate::circuit::{Potentials, State, Tensors, plasticity, potentials};
use crate::kernels::{Mat, Real};

/// The target's trace, and all rates. The input's trace is followed elsewhere.
pub fn before<T: Real>(c: &Constants<T>, state: &mut State<T>, p: &mut Potentials<T>, target: Option<&[T]>) {
    if let (Some(target), Some(rate)) = (target, c.trace_target) {
        follow(&mut state.trace_target, target, rate);
    }
    let phi = c.net().activation;
    for (u, r) in state.soma.iter().zip(&mut p.rate).chain(state.inter.iter().zip(&mut p.rate_inter)) {
        phi.rates(u, r);
    }
}

/// What the bias weights add, apical potentials, derivatives and, where something learns, errors.
pub fn after<T: Real>(
    c: &Constants<T>,
    state: &State<T>,
    p: &mut Potentials<T>,
    target: Option<&[T]>,
    weights: &Tensors<T>,
    rates: Option<&Rates>,
) {
    for (k, v) in p.basal.iter_mut().enumerate() {
        potentials::add_bias(weights.bpp.get(k), c.beta_b, v);
    }
    for (k, v) in p.inter_dendrite.iter_mut().enumerate() {
        potentials::add_bias(weights.bip.get(k), c.beta_b, v);
    }
    for ((v, f), l) in p.apical.iter_mut().zip(&p.apical_feedback).zip(&p.apical_lateral) {
        for ((v, &f), &l) in v.iter_mut().zip(f).zip(l) {
            *v = f + l;
        }
    }
    let target = match c.trace_target {
        Some(_) => target.map(|_| &state.trace_target[..]),
        None => target,
    };
    derivatives(&c.g, state, p, target);
    if let Some(rates) = rates {
        plasticity::errors(c.net().activation, &c.attenuation, rates, p);
    }
}

/// All somas at once, and the step count.
pub fn advance_all<T: Real>(c: &Constants<T>, state: &mut State<T>, p: &mut Potentials<T>, noise: &Source) {
    for (k, (u, du)) in state.soma.iter_mut().zip(&p.d_soma).enumerate() {
        advance(u, du, c.dt_t);
        noise.add(Population::Pyramidal, k + 1, state.step, &mut p.normals, u);
    }
    for (k, (u, du)) in state.inter.iter_mut().zip(&p.d_inter).enumerate() {
        advance(u, du, c.dt_t);
        noise.add(Population::Interneuron, k + 1, state.step, &mut p.normals, u);
    }
    state.step += 1;
}

/// Where the changes of bias weights go.
pub enum Biases<'a, T> {
    /// The weights and their Delta (empty lists without low-pass).
    Own(&'a mut Tensors<T>, &'a mut Tensors<T>),
    /// An update.
    Gather(&'a mut Tensors<T>),
}

/// The bias weights learn in every step: they are few.
pub fn learn_biases<T: Real>(
    c: &Constants<T>,
    rates: &Rates,
    p: &mut Potentials<T>,
    change: Change,
    biases: &mut Biases<'_, T>,
) {
    if c.beta_b == T::ZERO {
        return;
    }
    let Potentials { error_forward, error_inter, row, bias, .. } = p;
    let share = c.beta_b / T::from_f64(bias.len() as f64);
    let forward =
        error_forward.iter().zip(&rates.pp).enumerate().map(|(k, (e, &eta))| (forward_biases as Pick<T>, k, e, eta));
    let inter =
        error_inter.iter().zip(&rates.ip).enumerate().map(|(k, (e, &eta))| (inter_biases as Pick<T>, k, e, eta));
    for (pick, k, e, eta) in forward.chain(inter).filter(|&(_, _, _, eta)| eta != 0.0) {
        let g = &mut row[..e.len() / bias.len()];
        g.fill(T::ZERO);
        for e in e.chunks_exact(g.len()) {
            g.iter_mut().zip(e).for_each(|(g, &e)| *g += e);
        }
        g.iter_mut().for_each(|g| *g *= share);
        let rate = T::from_f64(c.dt * eta);
        match biases {
            Biases::Own(weights, delta) => {
                let w = &mut pick(weights)[k].data;
                if let Some(d) = pick(delta).get_mut(k) {
                    if change.moves {
                        w.iter_mut().zip(&d.data).for_each(|(w, &d)| *w += rate * d);
                    }
                    let (keep, to_delta) = (T::from_f64(change.keep), T::from_f64(change.to_delta));
                    d.data.iter_mut().zip(&*g).for_each(|(d, &g)| *d = keep * *d + to_delta * g);
                }
                let to_weights = rate * T::from_f64(change.to_weights);
                w.iter_mut().zip(&*g).for_each(|(w, &g)| *w += to_weights * g);
            }
            Biases::Gather(update) => {
                pick(update)[k].data.iter_mut().zip(&*g).for_each(|(w, &g)| *w += rate * g);
            }
        }
    }
}

/// One of the two lists of bias weights.
type Pick<T> = fn(&mut Tensors<T>) -> &mut Vec<Mat<T>>;

fn forward_biases<T>(t: &mut Tensors<T>) -> &mut Vec<Mat<T>> {
    &mut t.bpp
}

fn inter_biases<T>(t: &mut Tensors<T>) -> &mut Vec<Mat<T>> {
    &mut t.bip
}
