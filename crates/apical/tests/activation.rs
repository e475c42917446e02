//! Each activation against its formula and its derivative.

mod common;

use apical::kernels::{Activation, Real};
use common::normal;

/// The formulas of the model, and where they have kinks.
fn formula(activation: Activation) -> (fn(f64) -> f64, &'static [f64]) {
    match activation {
        Activation::Logistic => (|u| 1.0 / (1.0 + (-u).exp()), &[]),
        Activation::SoftRelu => (|u| 0.1 * (1.0 + (u - 3.0).exp()).ln(), &[]),
        Activation::Softplus => (|u| (1.0 + u.exp()).ln(), &[]),
        Activation::Tanh => (|u| (u.exp() - (-u).exp()) / (u.exp() + (-u).exp()), &[]),
        Activation::HardSigmoid => (|u| u.clamp(0.0, 1.0), &[0.0, 1.0]),
        Activation::HardTanh => (|u| u.clamp(-1.0, 1.0), &[-1.0, 1.0]),
        Activation::Relu => (|u| if u > 0.0 { u } else { 0.0 }, &[0.0]),
        Activation::LeakyRelu => (|u| if u > 0.0 { u } else { 0.01 * u }, &[0.0]),
        Activation::Gelu => (|u| u * normal(u), &[]),
        Activation::Identity => (|u| u, &[]),
    }
}

fn potentials() -> impl Iterator<Item = f64> {
    (-800..=800).map(|n| f64::from(n) / 100.0 + 0.003)
}

#[test]
fn rates_follow_their_formulas() {
    for activation in Activation::ALL {
        let (phi, _) = formula(activation);
        for u in potentials() {
            // The formulas lose a few units in the last place of numbers up to 8.
            assert!((activation.rate(u) - phi(u)).abs() < 1e-14, "{activation:?} {u}");
            // f32: u itself is rounded to 5e-7 where |u| is 8, and no slope exceeds 1.
            let single = activation.rate(u as f32);
            assert!((f64::from(single) - phi(u)).abs() < 2e-6, "{activation:?} {u}");
        }
    }
}

#[test]
fn slopes_are_the_derivatives() {
    let h = 1e-5;
    for activation in Activation::ALL {
        let (phi, kinks) = formula(activation);
        for u in potentials().filter(|u| kinks.iter().all(|kink| (u - kink).abs() > 10.0 * h)) {
            let difference = (phi(u + h) - phi(u - h)) / (2.0 * h);
            // Central differences: h^2 / 6 = 2e-11 times a third derivative below 2, and rounding 1e-15 / h.
            assert!((activation.slope(u) - difference).abs() < 1e-9, "{activation:?} {u}");
            let single = activation.slope(u as f32);
            assert!((f64::from(single) - difference).abs() < 2e-6, "{activation:?} {u}");
        }
        for &kink in kinks {
            let flatter = activation.slope(kink - 1e-9).min(activation.slope(kink + 1e-9));
            assert_eq!(activation.slope(kink), flatter, "{activation:?}: the flatter side counts at a kink");
        }
    }
}

/// The integral of phi from 0 to u: Gauss's rule of five points on panels of 0.1, between which all kinks lie.
fn quadrature(phi: fn(f64) -> f64, u: f64) -> f64 {
    let (near, far) =
        ((5.0 - 2.0 * (10.0f64 / 7.0).sqrt()).sqrt() / 3.0, (5.0 + 2.0 * (10.0f64 / 7.0).sqrt()).sqrt() / 3.0);
    let (heavy, light) = ((322.0 + 13.0 * 70f64.sqrt()) / 900.0, (322.0 - 13.0 * 70f64.sqrt()) / 900.0);
    let mut sum = 0.0;
    for n in 0..(u.abs() * 10.0).ceil() as i32 {
        let (from, to) = (f64::from(n) / 10.0, u.abs().min(f64::from(n + 1) / 10.0));
        let (middle, half) = ((from + to) / 2.0 * u.signum(), (to - from) / 2.0 * u.signum());
        for (x, weight) in [(0.0, 128.0 / 225.0), (near, heavy), (-near, heavy), (far, light), (-far, light)] {
            sum += half * weight * phi(middle + half * x);
        }
    }
    sum
}

#[test]
fn the_integral_is_the_area_under_the_rate() {
    for activation in Activation::ALL {
        let (phi, _) = formula(activation);
        let from = activation.integral(0.0);
        for u in potentials().step_by(7) {
            // The rule is exact to degree 9: what is left is rounding of sums up to 32.
            let (found, expected) = (activation.integral(u) - from, quadrature(phi, u));
            assert!(
                (found - expected).abs() < 1e-13 * (1.0 + u * u),
                "{activation:?} {u}: {found} in place of {expected}"
            );
        }
    }
}

#[test]
fn the_rate_is_the_derivative_of_the_integral() {
    let h = 1e-4;
    for activation in Activation::ALL {
        for u in potentials().chain([-1e3, -50.0, 50.0, 1e3]) {
            let difference = (activation.integral(u + h) - activation.integral(u - h)) / (2.0 * h);
            // h^2 / 6 times a second derivative below 1, but h / 4 where a kink lies within h; rounding u^2 1e-16 / h.
            let kink = formula(activation).1.iter().any(|k| (u - k).abs() < h);
            let tolerance = if kink { h } else { 1e-8 + u * u * 1e-12 };
            assert!((activation.rate(u) - difference).abs() < tolerance, "{activation:?} {u}: {difference}");
        }
    }
}

#[test]
fn the_inverse_undoes_the_rate() {
    for activation in Activation::ALL.into_iter().filter(|a| *a != Activation::Gelu) {
        for u in potentials() {
            let slope = activation.slope(u);
            if slope == 0.0 {
                continue;
            }
            let back = activation.inverse(activation.rate(u)).expect("where phi rises there is one potential");
            // A rate is known to an ulp of its size (at most 8), and the inverse multiplies that by 1 / slope.
            let tolerance = 1e-14 * (1.0 + u.abs()) / slope.min(1.0);
            assert!((back - u).abs() < tolerance, "{activation:?} {u}: {back}");
        }
    }
}

#[test]
fn rates_out_of_reach_have_no_inverse() {
    for (activation, rates) in [
        (Activation::Logistic, &[-0.1, 0.0, 1.0, 1.1][..]),
        (Activation::SoftRelu, &[-1.0, 0.0]),
        (Activation::Softplus, &[-1.0, 0.0]),
        (Activation::Tanh, &[-1.0, 1.0, 1.5]),
        (Activation::HardSigmoid, &[-0.1, 0.0, 1.0, 1.1]),
        (Activation::HardTanh, &[-1.0, 1.0, 2.0]),
        (Activation::Relu, &[-1.0, 0.0]),
        (Activation::LeakyRelu, &[f64::INFINITY, f64::NEG_INFINITY]),
        // It falls before it rises: most rates below 0 have two potentials, and none is singled out.
        (Activation::Gelu, &[-1.0, -0.1, 0.0, 1.0]),
        (Activation::Identity, &[f64::INFINITY]),
    ] {
        for &rate in rates.iter().chain(&[f64::NAN]) {
            assert_eq!(activation.inverse(rate), None, "{activation:?} {rate}");
        }
    }
}

/// Softplus and its kin come as near to 0 as e^u: tiny rates have a potential, and it is exact.
#[test]
fn tiny_rates_have_an_inverse() {
    for rate in [1e-3, 1e-10, 1e-20, 1e-300_f64] {
        let u = Activation::Softplus.inverse(rate).expect("softplus reaches every rate above 0");
        // ln(e^r - 1) = ln r + r/2 + r^2/24 + ...
        assert!((u - rate.ln() - rate / 2.0).abs() < rate * rate / 12.0 + 1e-12, "{rate}: {u}");
        let u = Activation::SoftRelu.inverse(rate).expect("soft_relu reaches every rate above 0");
        assert!((u - 3.0 - (10.0 * rate).ln() - 5.0 * rate).abs() < 5.0 * rate * rate + 1e-12, "{rate}: {u}");
    }
}

fn extremes<T: Real>() {
    for activation in Activation::ALL {
        for u in [-1e3, -100.0, -1.0, -0.0, 0.0, 1.0, 100.0, 1e3] {
            let (rate, slope) = (activation.rate(T::from_f64(u)), activation.slope(T::from_f64(u)));
            assert!(rate.is_finite() && slope.is_finite(), "{activation:?} {u}: {rate} {slope}");
            // Gelu overshoots: its slope runs from -0.13 to 1.13.
            let beyond = if activation == Activation::Gelu { 0.13 } else { 0.0 };
            assert!(slope.to_f64() >= -beyond && slope.to_f64() <= 1.0 + beyond, "{activation:?} {u}: {slope}");
        }
        let (low, high) = (activation.rate(T::from_f64(-1e3)), activation.rate(T::from_f64(1e3)));
        let expected = match activation {
            Activation::Logistic | Activation::HardSigmoid => (0.0, 1.0),
            Activation::Tanh | Activation::HardTanh => (-1.0, 1.0),
            Activation::SoftRelu => (0.0, 99.7),
            Activation::Softplus | Activation::Relu | Activation::Gelu => (0.0, 1e3),
            Activation::LeakyRelu => (-10.0, 1e3),
            Activation::Identity => (-1e3, 1e3),
        };
        // Rounding to T of 0.01 * 1e3 and of 99.7.
        assert!((low.to_f64() - expected.0).abs() < 1e-6, "{activation:?} {low}");
        assert!((high.to_f64() - expected.1).abs() < 1e-5, "{activation:?} {high}");
    }
}

#[test]
fn extreme_potentials_give_finite_rates_and_slopes() {
    extremes::<f32>();
    extremes::<f64>();
}

fn slices<T: Real>() {
    let u: Vec<T> = potentials().map(T::from_f64).collect();
    for activation in Activation::ALL {
        let one_by_one: Vec<T> = u.iter().map(|&u| activation.rate(u)).collect();
        let mut rates = vec![T::ZERO; u.len()];
        activation.rates(&u, &mut rates);
        assert_eq!(rates, one_by_one, "{activation:?}");
        let mut in_place = u.clone();
        activation.rates_in_place(&mut in_place);
        assert_eq!(in_place, one_by_one, "{activation:?}");
    }
}

#[test]
fn slices_give_the_bits_of_single_values() {
    slices::<f32>();
    slices::<f64>();
}

#[test]
fn names_come_back() {
    for activation in Activation::ALL {
        assert_eq!(Activation::from_name(activation.name()), Some(activation));
    }
    assert_eq!(Activation::from_name("Logistic"), None);
}
