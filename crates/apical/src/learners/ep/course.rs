//! The free phase followed step by step: the residual that judges it, and the energy whose fixed points it seeks.
//!
//! For `energy` that is E of the module above. The steps of `primitive` are fixed where
//! E = sum_k G(s_k) - Phi is stationary, G an integral of phi's inverse; it is known here for the activations that have a
//! simple one, and a step of 1 need not descend it.

use super::Dynamics;
use super::settling::{Net, Phase, Settling};
use crate::kernels::{Activation, Real};
use crate::solvers::Course;

/// Residual and energy of every state before a step, from rest.
pub(super) fn free<T: Real>(net: &Net<'_, T>, samples: usize) -> Course {
    let mut settling = Settling::new(net.f, net.options, samples);
    let mut phase = Phase::new(net.f, net.options, samples);
    let mut course = Course::default();
    settling.begin(net, &mut phase);
    for _ in 0..net.options.free_steps {
        course.energy.extend(energies(net, &phase, samples));
        settling.step(net, &mut phase, None);
        course.residual.push(settling.largest_drives());
    }
    course
}

/// The energy of each sample.
fn energies<T: Real>(net: &Net<'_, T>, phase: &Phase<T>, samples: usize) -> Option<Vec<f64>> {
    let phi = net.f.net.activation;
    let mut energy = vec![0.0; samples];
    let is_energy = net.options.dynamics == Dynamics::Energy;
    for k in 1..=phase.rate.len() {
        let rate = &phase.rate[k - 1];
        let below = if k == 1 { net.input } else { &phase.rate[k - 2][..] };
        let mut drive = rate.clone();
        net.forward(k, below, &mut drive);
        let states = if is_energy { &phase.potential[k - 1] } else { rate };
        let cells = rate.len() / samples;
        for (b, energy) in energy.iter_mut().enumerate() {
            for i in b * cells..(b + 1) * cells {
                let (s, r, u) = (states[i].to_f64(), rate[i].to_f64(), drive[i].to_f64());
                *energy += if is_energy { 0.5 * s * s } else { inverse_integral(phi, s)? } - r * u;
            }
        }
    }
    Some(energy)
}

/// An integral of phi's inverse at a rate, 0 at the rate of rest or nearest to it; `None` where it is not simple.
fn inverse_integral(phi: Activation, r: f64) -> Option<f64> {
    let entropy = |x: f64| if x > 0.0 { x * x.ln() } else { 0.0 };
    match phi {
        Activation::Logistic => Some(entropy(r) + entropy(1.0 - r)),
        Activation::Tanh => Some(0.5 * (entropy(1.0 + r) + entropy(1.0 - r))),
        Activation::HardSigmoid | Activation::HardTanh | Activation::Relu | Activation::Identity => Some(0.5 * r * r),
        Activation::SoftRelu | Activation::Softplus | Activation::LeakyRelu | Activation::Gelu => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slopes_of_the_integral_are_the_inverse() {
        for phi in [Activation::Logistic, Activation::Tanh, Activation::HardSigmoid, Activation::Identity] {
            for u in [0.1, 0.4, 0.9] {
                let (r, h) = (phi.rate(u), 1e-5);
                let slope = |h: f64| Some((inverse_integral(phi, r + h)? - inverse_integral(phi, r - h)?) / (2.0 * h));
                // The error of a central difference is of order h^2 times the third derivative, here below 100.
                assert!((slope(h).unwrap() - u).abs() < 1e-7, "{phi:?} at {u}: {:?}", slope(h));
            }
        }
    }
}
