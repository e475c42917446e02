//! Synapses onto interneurons learn to predict the pyramidal cell above, which nudges the interneuron's soma.

use crate::kernels::Real;

/// Eq. (8): dW^IP_{k,k}/dt = eta (phi(u^I_k) - phi(vhat^I_k)) (r^P_k)^T; the bracket, from phi(u^I_k) and phi(vhat^I_k).
pub fn error<T: Real>(rate: &[T], predicted: &[T], e: &mut [T]) {
    for ((e, &r), &r_hat) in e.iter_mut().zip(rate).zip(predicted) {
        *e = r - r_hat;
    }
}
