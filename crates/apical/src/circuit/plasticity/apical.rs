//! Synapses from interneurons onto apical dendrites learn to silence them.

use crate::kernels::Real;

/// Eq. (9): dW^PI_{k,k}/dt = eta (v_rest - v_A,k) (r^I_k)^T, v_rest = 0; the bracket.
pub fn error<T: Real>(v_a: &[T], e: &mut [T]) {
    for (e, &v_a) in e.iter_mut().zip(v_a) {
        *e = -v_a;
    }
}
