//! Each activation against its formula and its derivative.

use apical::kernels::{Activation, Real};

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
            // Central differences: h^2 / 6 = 2e-11 times a third derivative below 1, and rounding 1e-15 / h.
            assert!((activation.slope(u) - difference).abs() < 1e-9, "{activation:?} {u}");
            let single = activation.slope(u as f32);
            assert!((f64::from(single) - difference).abs() < 2e-6, "{activation:?} {u}");
        }
        for &kink in kinks {
            assert_eq!(activation.slope(kink), 0.0, "{activation:?}: the flat side counts at a kink");
        }
    }
}

#[test]
fn the_inverse_undoes_the_rate() {
    for activation in Activation::ALL {
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
            assert!(slope >= T::ZERO && slope <= T::ONE, "{activation:?} {u}: {slope}");
        }
        let (low, high) = (activation.rate(T::from_f64(-1e3)), activation.rate(T::from_f64(1e3)));
        let expected = match activation {
            Activation::Logistic | Activation::HardSigmoid => (0.0, 1.0),
            Activation::Tanh | Activation::HardTanh => (-1.0, 1.0),
            Activation::SoftRelu => (0.0, 99.7),
            Activation::Softplus | Activation::Relu => (0.0, 1e3),
            Activation::Identity => (-1e3, 1e3),
        };
        assert_eq!(low.to_f64(), expected.0, "{activation:?}");
        // Rounding to T of 99.7.
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
