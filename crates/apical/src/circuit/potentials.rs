//! Dendritic potentials follow their synaptic input instantly (Sacramento et al. 2018, eqs. 3-5).

use super::state::Potentials;
use super::tensors::Tensors;
use crate::kernels::{Mat, Product, Real};

/// v += beta_b b for each sample.
pub(crate) fn add_bias<T: Real>(bias: Option<&Mat<T>>, beta_b: T, v: &mut [T]) {
    if let Some(b) = bias {
        for sample in v.chunks_exact_mut(b.rows) {
            for (v, &b) in sample.iter_mut().zip(&b.data) {
                *v += beta_b * b;
            }
        }
    }
}

/// Eq. (3): v_B,k = W^PP_{k,k-1} r^P_{k-1} + beta_b b_k. `r_below` is the traced input for k = 1.
pub fn basal<T: Real>(plan: Product, w: &Mat<T>, bias: Option<&Mat<T>>, beta_b: T, r_below: &[T], v_b: &mut [T]) {
    plan.weighted_sum(w, r_below, v_b);
    add_bias(bias, beta_b, v_b);
}

/// Eq. (4): v_A,k = W^PP_{k,k+1} r^P_{k+1} + W^PI_{k,k} r^I_k; the two parts are kept, they are what one looks at.
pub fn apical<T: Real>(
    plan: Product,
    w_pb: &Mat<T>,
    w_pi: &Mat<T>,
    r_above: &[T],
    r_inter: &[T],
    feedback: &mut [T],
    lateral: &mut [T],
    v_a: &mut [T],
) {
    plan.weighted_sum(w_pb, r_above, feedback);
    plan.weighted_sum(w_pi, r_inter, lateral);
    for ((v_a, &f), &l) in v_a.iter_mut().zip(feedback.iter()).zip(lateral.iter()) {
        *v_a = f + l;
    }
}

/// Eq. (5): v^I_k = W^IP_{k,k} r^P_k + beta_b b^I_k.
pub fn inter_dendrite<T: Real>(
    plan: Product,
    w: &Mat<T>,
    bias: Option<&Mat<T>>,
    beta_b: T,
    r_layer: &[T],
    v_i: &mut [T],
) {
    plan.weighted_sum(w, r_layer, v_i);
    add_bias(bias, beta_b, v_i);
}

/// All dendritic potentials from the rates in `p` and the traced input.
pub fn all<T: Real>(plan: Product, w: &Tensors<T>, beta_b: T, r_in: &[T], p: &mut Potentials<T>) {
    let depth = w.pp.len();
    for k in 0..depth {
        let r_below = if k == 0 { r_in } else { &p.rate[k - 1] };
        basal(plan, &w.pp[k], w.bpp.get(k), beta_b, r_below, &mut p.basal[k]);
    }
    for k in 0..depth - 1 {
        let (feedback, lateral) = (&mut p.apical_feedback[k], &mut p.apical_lateral[k]);
        apical(plan, &w.pb[k], &w.pi[k], &p.rate[k + 1], &p.rate_inter[k], feedback, lateral, &mut p.apical[k]);
        inter_dendrite(plan, &w.ip[k], w.bip.get(k), beta_b, &p.rate[k], &mut p.inter_dendrite[k]);
    }
}
