//! Feedback synapses learn to predict the rate of the cell they end on.

use crate::kernels::Real;

/// Eq. (10): dW^PP_{k,k+1}/dt = eta (phi(u^P_k) - phi(W^PP_{k,k+1} r^P_{k+1})) (r^P_{k+1})^T; the bracket, from phi(u^P_k) and
/// phi(W^PP_{k,k+1} r^P_{k+1}).
pub fn error<T: Real>(rate: &[T], predicted: &[T], e: &mut [T]) {
    for ((e, &r), &r_hat) in e.iter_mut().zip(rate).zip(predicted) {
        *e = r - r_hat;
    }
}
