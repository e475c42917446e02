//! Somatic dynamics (Sacramento et al. 2018, eqs. 1 and 2), without noise.

use super::params::{Conductances, Nudging};
use super::teacher;
use crate::kernels::Real;

/// Conductances in the number type of a run (1/ms).
#[derive(Clone, Copy, Debug)]
pub struct G<T> {
    pub(crate) lk: T,
    pub(crate) b: T,
    pub(crate) a: T,
    pub(crate) d: T,
    pub(crate) som_n: T,
    pub(crate) som_i: T,
    pub(crate) nudging: Nudging,
}

impl<T: Real> G<T> {
    /// Rounds the conductances.
    pub fn new(c: &Conductances, nudging: Nudging) -> Self {
        G {
            lk: T::from_f64(c.g_lk),
            b: T::from_f64(c.g_b),
            a: T::from_f64(c.g_a),
            d: T::from_f64(c.g_d),
            som_n: T::from_f64(c.g_som_output),
            som_i: T::from_f64(c.g_som_interneuron),
            nudging,
        }
    }
}

/// Eq. (1): du^P_k/dt = -g_lk u + g_B (v_B - u) + g_A (v_A - u), hidden layers.
#[inline(always)]
pub fn pyramidal<T: Real>(g: &G<T>, u: &[T], v_b: &[T], v_a: &[T], du: &mut [T]) {
    for (((du, &u), &v_b), &v_a) in du.iter_mut().zip(u).zip(v_b).zip(v_a) {
        *du = -g.lk * u + g.b * (v_b - u) + g.a * (v_a - u);
    }
}

/// The output's form of the pyramidal dynamics: no apical dendrite, a teaching current where there is a target.
#[inline(always)]
pub fn output<T: Real>(g: &G<T>, u: &[T], v_b: &[T], u_trgt: Option<&[T]>, du: &mut [T]) {
    for ((du, &u), &v_b) in du.iter_mut().zip(u).zip(v_b) {
        *du = -g.lk * u + g.b * (v_b - u);
    }
    if let Some(u_trgt) = u_trgt {
        for ((du, &u), &u_trgt) in du.iter_mut().zip(u).zip(u_trgt) {
            *du += teacher::current(g.nudging, g.som_n, u_trgt, u);
        }
    }
}

/// Eq. (2): du^I_k/dt = -g_lk u + g_D (v^I - u) + g_som^I (u^P_{k+1} - u).
#[inline(always)]
pub fn interneuron<T: Real>(g: &G<T>, u: &[T], v_i: &[T], u_above: &[T], du: &mut [T]) {
    for (((du, &u), &v_i), &u_above) in du.iter_mut().zip(u).zip(v_i).zip(u_above) {
        *du = -g.lk * u + g.d * (v_i - u) + g.som_i * (u_above - u);
    }
}
