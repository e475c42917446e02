//! Activation functions phi: from soma potential to firing rate, with their derivatives.
//!
//! MODEL: r = phi(u). `soft_relu` is the rectifier of Sacramento et al. 2018 (Fig. 2), gamma log(1 + exp(beta (u - theta)))
//! with gamma = 0.1, beta = 1, theta = 3.

use super::{Isa, Real};
use pulp::{Simd, WithSimd};

/// A firing-rate function phi.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// 1 / (1 + e^-u).
    Logistic,
    /// 0.1 ln(1 + e^(u - 3)).
    SoftRelu,
    /// ln(1 + e^u).
    Softplus,
    /// tanh u.
    Tanh,
    /// clamp(u, 0, 1).
    HardSigmoid,
    /// clamp(u, -1, 1).
    HardTanh,
    /// max(u, 0).
    Relu,
    /// u above 0, u / 100 below.
    LeakyRelu,
    /// u P(z < u), z a standard normal (Hendrycks & Gimpel 2016).
    Gelu,
    /// u.
    Identity,
}

const SOFT_GAMMA: f64 = 0.1;
const SOFT_BETA: f64 = 1.0;
const SOFT_THETA: f64 = 3.0;
const LEAK: f64 = 0.01;

/// ln(1 + e^x) without overflow.
#[inline(always)]
fn softplus<T: Real>(x: T) -> T {
    x.max(T::ZERO) + (-x.abs()).exp().ln_1p()
}

#[inline(always)]
fn logistic<T: Real>(x: T) -> T {
    T::ONE / (T::ONE + (-x).exp())
}

/// An integral of softplus, -Li_2(-e^x), to an ulp of its size.
fn softplus_integral(x: f64) -> f64 {
    if x > 0.0 {
        // Inversion of the dilogarithm.
        return 0.5 * x * x + std::f64::consts::PI.powi(2) / 6.0 - softplus_integral(-x);
    }
    // Debye's series in l = softplus(x) <= ln 2: l + l^2 / 4 + sum B_2n l^(2n + 1) / (2n + 1)!; the next term is below 1e-16.
    let l = x.exp().ln_1p();
    let series = [
        1.0 / 36.0,
        -1.0 / 3600.0,
        1.0 / 211_680.0,
        -1.0 / 10_886_400.0,
        1.0 / 526_901_760.0,
        -691.0 / 2730.0 / 6_227_020_800.0,
        7.0 / 6.0 / 1_307_674_368_000.0,
    ];
    l + l * l * (0.25 + l * series.iter().rev().fold(0.0, |sum, b| sum * l * l + b))
}

/// A loop of its own for each activation: with the choice inside, none becomes vector code.
macro_rules! each {
    ($chosen:expr, $phi:ident => $loop:expr) => {
        each!($chosen, $phi => $loop; Logistic SoftRelu Softplus Tanh HardSigmoid HardTanh Relu LeakyRelu Gelu Identity)
    };
    ($chosen:expr, $phi:ident => $loop:expr; $($name:ident)*) => {
        match $chosen {
            $(Activation::$name => {
                let $phi = Activation::$name;
                $loop
            })*
        }
    };
}

impl Activation {
    /// All activations, in the order in which they are listed to users.
    pub const ALL: [Activation; 10] = [
        Activation::Logistic,
        Activation::SoftRelu,
        Activation::Softplus,
        Activation::Tanh,
        Activation::HardSigmoid,
        Activation::HardTanh,
        Activation::Relu,
        Activation::LeakyRelu,
        Activation::Gelu,
        Activation::Identity,
    ];

    /// The name used in configs and reference files.
    pub fn name(self) -> &'static str {
        match self {
            Activation::Logistic => "logistic",
            Activation::SoftRelu => "soft_relu",
            Activation::Softplus => "softplus",
            Activation::Tanh => "tanh",
            Activation::HardSigmoid => "hard_sigmoid",
            Activation::HardTanh => "hard_tanh",
            Activation::Relu => "relu",
            Activation::LeakyRelu => "leaky_relu",
            Activation::Gelu => "gelu",
            Activation::Identity => "identity",
        }
    }

    /// The formula, for people.
    pub fn formula(self) -> &'static str {
        match self {
            Activation::Logistic => "1 / (1 + exp(-u))",
            Activation::SoftRelu => "0.1 log(1 + exp(u - 3))",
            Activation::Softplus => "log(1 + exp(u))",
            Activation::Tanh => "tanh(u)",
            Activation::HardSigmoid => "clamp(u, 0, 1)",
            Activation::HardTanh => "clamp(u, -1, 1)",
            Activation::Relu => "max(u, 0)",
            Activation::LeakyRelu => "max(u, 0.01 u)",
            Activation::Gelu => "u (1 + erf(u / sqrt(2))) / 2",
            Activation::Identity => "u",
        }
    }

    /// The activation of this name, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|a| a.name() == name)
    }

    /// phi(u).
    // always: left to itself the compiler calls it for each cell, and no loop over cells becomes vector code.
    #[inline(always)]
    pub fn rate<T: Real>(self, u: T) -> T {
        match self {
            Activation::Logistic => logistic(u),
            Activation::SoftRelu => {
                T::from_f64(SOFT_GAMMA) * softplus(T::from_f64(SOFT_BETA) * (u - T::from_f64(SOFT_THETA)))
            }
            Activation::Softplus => softplus(u),
            Activation::Tanh => u.tanh(),
            Activation::HardSigmoid => u.max(T::ZERO).min(T::ONE),
            Activation::HardTanh => u.max(-T::ONE).min(T::ONE),
            Activation::Relu => u.max(T::ZERO),
            Activation::LeakyRelu => u.max(T::from_f64(LEAK) * u),
            Activation::Gelu => u * u.normal(),
            Activation::Identity => u,
        }
    }

    /// phi'(u); at a kink the derivative of the flatter side.
    #[inline(always)]
    pub fn slope<T: Real>(self, u: T) -> T {
        match self {
            Activation::Logistic => {
                let r = logistic(u);
                r * (T::ONE - r)
            }
            Activation::SoftRelu => {
                T::from_f64(SOFT_GAMMA * SOFT_BETA) * logistic(T::from_f64(SOFT_BETA) * (u - T::from_f64(SOFT_THETA)))
            }
            Activation::Softplus => logistic(u),
            Activation::Tanh => {
                let r = u.tanh();
                T::ONE - r * r
            }
            Activation::HardSigmoid if u > T::ZERO && u < T::ONE => T::ONE,
            Activation::HardTanh if u > -T::ONE && u < T::ONE => T::ONE,
            Activation::Relu | Activation::LeakyRelu if u > T::ZERO => T::ONE,
            Activation::LeakyRelu => T::from_f64(LEAK),
            Activation::Gelu => u.normal() + u * u.density(),
            Activation::HardSigmoid | Activation::HardTanh | Activation::Relu => T::ZERO,
            Activation::Identity => T::ONE,
        }
    }

    /// The largest phi'(u); softplus-like ones come near to it for large u.
    pub fn steepest(self) -> f64 {
        match self {
            Activation::Logistic => 0.25,
            Activation::SoftRelu => SOFT_GAMMA * SOFT_BETA,
            // At u = sqrt 2, where phi'' = (2 - u^2) p(u) vanishes.
            Activation::Gelu => 1.128_904_145_167_297,
            _ => 1.0,
        }
    }

    /// The potential at which phi takes the value `rate`, where there is exactly one. None for `gelu`, which falls before it
    /// rises.
    pub fn inverse(self, rate: f64) -> Option<f64> {
        // ln(e^x - 1): the first form keeps the digits of a small x, the second does not overflow for a large one.
        let ln_expm1 = |x: f64| if x < 1.0 { x.exp_m1().ln() } else { x + (-(-x).exp()).ln_1p() };
        let u = match self {
            Activation::Logistic => (rate / (1.0 - rate)).ln(),
            Activation::SoftRelu if rate > 0.0 => SOFT_THETA + ln_expm1(rate / SOFT_GAMMA) / SOFT_BETA,
            Activation::Softplus if rate > 0.0 => ln_expm1(rate),
            Activation::Tanh => rate.atanh(),
            Activation::HardSigmoid if rate > 0.0 && rate < 1.0 => rate,
            Activation::HardTanh if rate > -1.0 && rate < 1.0 => rate,
            Activation::Relu if rate > 0.0 => rate,
            Activation::LeakyRelu => rate.min(rate / LEAK),
            Activation::Identity => rate,
            _ => return None,
        };
        u.is_finite().then_some(u)
    }

    /// Phi(u) with Phi' = phi: to 1e-15 of its size, or of 1 where that is larger.
    pub fn integral(self, u: f64) -> f64 {
        let half_square = 0.5 * u * u;
        match self {
            Activation::Logistic => softplus(u),
            Activation::SoftRelu => SOFT_GAMMA / SOFT_BETA * softplus_integral(SOFT_BETA * (u - SOFT_THETA)),
            Activation::Softplus => softplus_integral(u),
            // ln cosh u without overflow.
            Activation::Tanh => u.abs() + (-2.0 * u.abs()).exp().ln_1p() - std::f64::consts::LN_2,
            Activation::HardSigmoid if u > 1.0 => u - 0.5,
            Activation::HardTanh if u.abs() > 1.0 => u.abs() - 0.5,
            Activation::HardSigmoid | Activation::Relu if u < 0.0 => 0.0,
            Activation::LeakyRelu if u < 0.0 => LEAK * half_square,
            Activation::Gelu => half_square * u.normal() + 0.5 * (u * u.density() - u.normal()),
            Activation::HardSigmoid
            | Activation::HardTanh
            | Activation::Relu
            | Activation::LeakyRelu
            | Activation::Identity => half_square,
        }
    }

    /// r = phi(u) for a slice.
    pub fn rates<T: Real>(self, u: &[T], r: &mut [T]) {
        r.copy_from_slice(u);
        self.rates_in_place(r);
    }

    /// u becomes phi(u).
    pub fn rates_in_place<T: Real>(self, u: &mut [T]) {
        Isa::best().run(InPlace { phi: self, u });
    }

    /// d becomes d phi'(u), entry by entry.
    pub fn times_slopes<T: Real>(self, u: &[T], d: &mut [T]) {
        Isa::best().run(TimesSlopes { phi: self, u, d });
    }
}

/// Values that go through a formula together: as many as the widest register has lanes of f32.
pub const GROUP: usize = 16;

/// u becomes phi(u) for whole groups, as vector code of the set that the caller is compiled for.
#[inline(always)]
pub fn rates_of_groups<T: Real>(phi: Activation, u: &mut [[T; GROUP]]) {
    each!(phi, phi => {
        for group in u {
            for u in group {
                *u = phi.rate(*u);
            }
        }
    });
}

/// [`Activation::rates_in_place`] for one instruction set. What is left of a slice is done as a whole group, by the same
/// formula: where a value stands changes none of its bits.
struct InPlace<'a, T> {
    phi: Activation,
    u: &'a mut [T],
}

impl<T: Real> WithSimd for InPlace<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let (groups, rest) = self.u.as_chunks_mut::<GROUP>();
        let mut last = [[T::ZERO; GROUP]];
        last[0][..rest.len()].copy_from_slice(rest);
        rates_of_groups(self.phi, groups);
        if !rest.is_empty() {
            rates_of_groups(self.phi, &mut last);
            rest.copy_from_slice(&last[0][..rest.len()]);
        }
    }
}

/// [`Activation::times_slopes`] for one instruction set.
struct TimesSlopes<'a, T> {
    phi: Activation,
    u: &'a [T],
    d: &'a mut [T],
}

impl<T: Real> WithSimd for TimesSlopes<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let (u, u_rest) = self.u.as_chunks::<GROUP>();
        let (d, d_rest) = self.d.as_chunks_mut::<GROUP>();
        each!(self.phi, phi => {
            for (d, u) in d.iter_mut().zip(u) {
                for l in 0..GROUP {
                    d[l] *= phi.slope(u[l]);
                }
            }
            for (d, &u) in d_rest.iter_mut().zip(u_rest) {
                *d *= phi.slope(u);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_set<T: Real>() {
        for phi in Activation::ALL {
            for n in [1, 3, 15, 16, 17, 50] {
                let u: Vec<T> = (0..n).map(|i| T::from_f64(f64::from(i) * 0.37 - 7.0)).collect();
                let rates: Vec<T> = u.iter().map(|&u| phi.rate(u)).collect();
                let slopes: Vec<T> = u.iter().map(|&u| u * phi.slope(u)).collect();
                for isa in Isa::all() {
                    let (mut r, mut d) = (u.clone(), u.clone());
                    isa.run(InPlace { phi, u: &mut r });
                    isa.run(TimesSlopes { phi, u: &u, d: &mut d });
                    assert_eq!((r, d), (rates.clone(), slopes.clone()), "{phi:?} {n} {}", isa.name());
                }
            }
        }
    }

    #[test]
    fn every_set_and_place_gives_the_same_bits() {
        every_set::<f32>();
        every_set::<f64>();
    }
}
