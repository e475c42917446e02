//! Losses of one sample, as functions of the output potentials, and their gradients.
//!
//! The squared errors are reported whole and descended by half, so that the descent is the plain difference u_trgt - u.

use crate::kernels::{Activation, Real};

/// What an answer is held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// (u - u_trgt)^2, summed over the output cells.
    Potentials,
    /// (phi(u) - phi(u_trgt))^2, summed over the output cells.
    Rates,
    /// -log softmax(u) of the class, which is the cell with the largest target.
    CrossEntropy,
    /// Phi(u_trgt) - Phi(u) - phi(u) (u_trgt - u) summed, with Phi' = phi: the Bregman divergence that the microcircuit
    /// descends.
    Matching,
}

impl Loss {
    /// All losses, in the order in which they are listed to users.
    pub const ALL: [Loss; 4] = [Loss::Potentials, Loss::Rates, Loss::CrossEntropy, Loss::Matching];

    /// The name in configs.
    pub fn name(self) -> &'static str {
        match self {
            Loss::Potentials => "potentials",
            Loss::Rates => "rates",
            Loss::CrossEntropy => "cross-entropy",
            Loss::Matching => "matching",
        }
    }

    /// The loss of this name, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|l| l.name() == name)
    }

    /// The loss of one sample with output potentials `u` and target potentials `target`.
    pub fn value<T: Real>(self, phi: Activation, u: &[T], target: &[T]) -> f64 {
        let pairs = u.iter().zip(target).map(|(u, t)| (u.to_f64(), t.to_f64()));
        match self {
            Loss::Potentials => pairs.map(|(u, t)| (u - t).powi(2)).sum(),
            Loss::Rates => pairs.map(|(u, t)| (phi.rate(u) - phi.rate(t)).powi(2)).sum(),
            Loss::CrossEntropy => {
                let top = u.iter().fold(f64::NEG_INFINITY, |m, u| m.max(u.to_f64()));
                let sum: f64 = u.iter().map(|u| (u.to_f64() - top).exp()).sum();
                sum.ln() + top - u[super::metrics::class(target) as usize].to_f64()
            }
            Loss::Matching => pairs.map(|(u, t)| phi.integral(t) - phi.integral(u) - phi.rate(u) * (t - u)).sum(),
        }
    }

    /// -dL/du of one sample, written to `out`; of half the squared errors.
    pub fn descent<T: Real>(self, phi: Activation, u: &[T], target: &[T], out: &mut [T]) {
        let cells = out.iter_mut().zip(u).zip(target);
        match self {
            Loss::Potentials => cells.for_each(|((d, &u), &t)| *d = t - u),
            Loss::Rates => cells.for_each(|((d, &u), &t)| *d = phi.slope(u) * (phi.rate(t) - phi.rate(u))),
            Loss::Matching => cells.for_each(|((d, &u), &t)| *d = phi.slope(u) * (t - u)),
            Loss::CrossEntropy => {
                let top = u.iter().fold(u[0], |m, &u| m.max(u));
                out.iter_mut().zip(u).for_each(|(d, &u)| *d = (u - top).exp());
                let sum: T = out.iter().copied().sum();
                out.iter_mut().for_each(|d| *d = -*d / sum);
                out[super::metrics::class(target) as usize] += T::ONE;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_compare_potentials_or_rates() {
        let (u, t) = ([0.0, 2.0], [1.0, 2.0]);
        assert_eq!(Loss::Potentials.value(Activation::Tanh, &u, &t), 1.0);
        // tanh is evaluated once on each side; rounding only.
        assert!((Loss::Rates.value(Activation::Tanh, &u, &t) - 1f64.tanh().powi(2)).abs() < 1e-15);
    }
}
