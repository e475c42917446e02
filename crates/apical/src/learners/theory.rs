//! What theory says a learner should do: the gradient that the microcircuit approaches as its nudge goes to 0, and how
//! long its updates then are.

use super::Update;
use crate::circuit::params::Network;
use crate::circuit::{Attenuation, Tensors};
use crate::kernels::{Product, Real};

/// The direction of steepest descent of the `matching` loss of the attenuated feed-forward net u_k = vhat_B,k, mean over
/// the batch: dL/dvhat_N = -phi'(vhat_N) (u_trgt - vhat_N). Only forward weights and biases are filled.
///
/// Shapes: `x` is samples x n_0, `target` samples x n_N. Written independently of the circuit, for tests and angles.
pub fn matching_descent<T: Real>(net: &Network, att: &Attenuation, w: &Tensors<T>, x: &[T], target: &[T]) -> Update<T> {
    let depth = net.sizes.len() - 1;
    let phi = net.activation;
    let mut update = Tensors::zeros(&net.sizes, net.bias_rate != 0.0);
    let samples = x.len() / net.sizes[0];
    let share = T::from_f64(1.0 / samples as f64);
    let beta_b = T::from_f64(net.bias_rate);
    for b in 0..samples {
        let mut rates = vec![x[b * net.sizes[0]..(b + 1) * net.sizes[0]].to_vec()];
        let mut vhat: Vec<Vec<T>> = Vec::new();
        for k in 1..=depth {
            let c = T::from_f64(att.basal(k, depth));
            let mut v = vec![T::ZERO; net.sizes[k]];
            Product::Plain.weighted_sum(&w.pp[k - 1], &rates[k - 1], &mut v);
            for i in 0..net.sizes[k] {
                if let Some(bias) = w.bpp.get(k - 1) {
                    v[i] += beta_b * bias.data[i];
                }
                v[i] *= c;
            }
            rates.push(v.iter().map(|&v| phi.rate(v)).collect());
            vhat.push(v);
        }
        let u_trgt = &target[b * net.sizes[depth]..(b + 1) * net.sizes[depth]];
        let mut delta: Vec<T> = vhat[depth - 1].iter().zip(u_trgt).map(|(&v, &t)| phi.slope(v) * (t - v)).collect();
        for k in (1..=depth).rev() {
            let c = T::from_f64(att.basal(k, depth));
            Product::Plain.outer(&delta, &rates[k - 1], c * share, T::ONE, &mut update.pp[k - 1]);
            if let Some(bias) = update.bpp.get_mut(k - 1) {
                Product::Plain.outer(&delta, &[beta_b], c * share, T::ONE, bias);
            }
            if k > 1 {
                let below = &vhat[k - 2];
                let mut back = vec![T::ZERO; below.len()];
                Product::Plain.back_sum(&w.pp[k - 1], &delta, &mut back);
                delta = back.iter().zip(below).map(|(&back, &v)| phi.slope(v) * c * back).collect();
            }
        }
    }
    update
}

/// The norm law: |update_k| / |bp_k| of layer k (1 to N) for feedback W_down = s W^T, in the limit of a weak nudge, bp being
/// [`matching_descent`] and both of the same rate. Directions agree for any s > 0; this is what is left of the circuit:
///
/// lambda_N prod_{j=k}^{N-1} s lambda_A (1 - lambda_I) / prod_{j=k}^{N} c_j, c_j the attenuation of v_B,j.
///
/// For `euler` it is the ratio per ms of settled plasticity.
pub fn norm_law(att: &Attenuation, s: f64, k: usize, depth: usize) -> f64 {
    let m = att.mixing;
    let down = (s * m.hidden * (1.0 - m.interneuron)).powi((depth - k) as i32);
    m.output * down / (k..=depth).map(|j| att.basal(j, depth)).product::<f64>()
}

/// Mean over a batch of <phi'> (|r_k|^2 + beta_b^2) on the way up, for each hidden layer k: times eta_IP lambda_I it is the
/// number that must stay below 2, or the interneurons oscillate. `rate_sum` is |<r>|^2 of the mean rate, as the update is a
/// mean over patterns.
pub fn interneuron_gain<T: Real>(net: &Network, att: &Attenuation, w: &Tensors<T>, x: &[T]) -> Vec<f64> {
    let depth = net.sizes.len() - 1;
    let samples = x.len() / net.sizes[0];
    let phi = net.activation;
    let (mut r_below, mut gains) = (x.to_vec(), Vec::new());
    let mut mean_rate: Vec<f64> = Vec::new();
    for k in 1..=depth {
        let mut v = vec![T::ZERO; samples * net.sizes[k]];
        Product::Plain.weighted_sum(&w.pp[k - 1], &r_below, &mut v);
        let c = att.basal(k, depth);
        for (n, v) in v.iter_mut().enumerate() {
            let bias = w.bpp.get(k - 1).map_or(0.0, |b| net.bias_rate * b.data[n % net.sizes[k]].to_f64());
            *v = T::from_f64(c * (v.to_f64() + bias));
        }
        if k > 1 {
            let slope = v.iter().map(|&v| phi.slope(v).to_f64()).sum::<f64>() / v.len() as f64;
            let squares: f64 = mean_rate.iter().map(|r| r * r).sum();
            gains.push(slope * (squares + net.bias_rate * net.bias_rate));
        }
        r_below = v.iter().map(|&v| phi.rate(v)).collect();
        mean_rate = (0..net.sizes[k])
            .map(|i| r_below.iter().skip(i).step_by(net.sizes[k]).map(|r| r.to_f64()).sum::<f64>() / samples as f64)
            .collect();
    }
    gains
}
