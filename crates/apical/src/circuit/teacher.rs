//! Teachers: currents that pull a soma towards a target potential.

use super::params::Nudging;
use crate::kernels::Real;

/// Excitatory and inhibitory reversal potential of the conductance form.
const E_EXC: f64 = 1.0;
const E_INH: f64 = -1.0;

/// The current i_N into an output soma at potential `u` with target `u_trgt` (1/ms, potentials without unit).
///
/// Both forms are g_som (u_trgt - u). The conductance form (Sacramento et al. 2018, after Urbanczik & Senn 2014) splits
/// it into g_exc (E_exc - u) + g_inh (E_inh - u); outside of [-1, 1] one of its conductances is negative.
#[inline]
pub fn current<T: Real>(form: Nudging, g_som: T, u_trgt: T, u: T) -> T {
    match form {
        Nudging::Current => g_som * (u_trgt - u),
        Nudging::Conductance => {
            let (e_exc, e_inh) = (T::from_f64(E_EXC), T::from_f64(E_INH));
            let g_exc = g_som * (u_trgt - e_inh) / (e_exc - e_inh);
            let g_inh = -g_som * (u_trgt - e_exc) / (e_exc - e_inh);
            g_exc * (e_exc - u) + g_inh * (e_inh - u)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_the_same_current() {
        for (u_trgt, u) in [(0.3, -0.7), (1.39, 0.2), (-2.2, 1.5)] {
            let a: f64 = current(Nudging::Current, 0.8, u_trgt, u);
            let b = current(Nudging::Conductance, 0.8, u_trgt, u);
            // A handful of operations on numbers below 3.
            assert!((a - b).abs() < 1e-14, "{a} {b}");
        }
    }
}
