//! Forward synapses learn what the soma knows better than the basal dendrite.

use crate::kernels::Real;

/// Eq. (7): dW^PP_{k,k-1}/dt = eta (phi(u^P_k) - phi(vhat_B,k)) (r^P_{k-1})^T; the bracket, from phi(u^P_k) and phi(vhat_B,k).
pub fn error<T: Real>(rate: &[T], predicted: &[T], e: &mut [T]) {
    for ((e, &r), &r_hat) in e.iter_mut().zip(rate).zip(predicted) {
        *e = r - r_hat;
    }
}
