//! Start weights: bounds, independence, definitions.

mod common;

use apical::circuit::params::Network;
use apical::circuit::start::{Start, Starts, draw};
use apical::circuit::{Attenuation, Kind, Tensors, known};
use common::flat;

fn network() -> Network {
    Network { bias_rate: 0.5, ..known::network(&[30, 25, 20, 10]) }
}

fn start<T: apical::kernels::Real>(starts: &Starts, seed: u64) -> Tensors<T> {
    let net = network();
    draw(&net, &Attenuation::from_conductances(&net.conductances), starts, seed)
}

fn extent(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |a, b| a.max(b.abs()))
}

#[test]
fn uniform_weights_fill_their_bounds_and_no_more() {
    let bounds = |scale: f64| Start::Uniform(vec![scale, 2.0 * scale, 3.0 * scale]);
    let starts = Starts {
        pp: bounds(0.1),
        bpp: bounds(0.2),
        pb: bounds(0.3),
        ip: bounds(0.4),
        bip: bounds(0.5),
        pi: bounds(0.6),
    };
    let w = start::<f64>(&starts, 1);
    for (kind, scale) in Kind::ALL.into_iter().zip([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]) {
        for (k, m) in w.kind(kind).iter().enumerate() {
            let (bound, n) = (scale * (k + 1) as f64, m.data.len() as f64);
            let (widest, mean) = (extent(&m.data), m.data.iter().sum::<f64>() / n);
            // The largest of n >= 10 is below 1 - q of the bound with probability (1 - q)^n; q = 12/n gives e^-12.
            assert!(widest < bound && widest > bound * (1.0 - 12.0 / n), "{kind:?} {k}: {widest} {bound}");
            // Five standard errors of the mean of U(-a, a).
            assert!(mean.abs() < 5.0 * bound / (3.0 * n).sqrt(), "{kind:?} {k}: {mean}");
        }
    }
}

#[test]
fn fan_in_bounds_are_those_of_the_presynaptic_cells() {
    let fan_in = || Start::FanIn;
    let starts = Starts { pp: fan_in(), bpp: fan_in(), pb: fan_in(), ip: fan_in(), bip: fan_in(), pi: fan_in() };
    let w = start::<f64>(&starts, 1);
    for (kind, fan_in) in [
        (Kind::Wpp, &[30.0, 25.0, 20.0_f64][..]),
        (Kind::Bpp, &[30.0, 25.0, 20.0]),
        (Kind::Wpb, &[20.0, 10.0]),
        (Kind::Wip, &[25.0, 20.0]),
        (Kind::Bip, &[25.0, 20.0]),
        (Kind::Wpi, &[20.0, 10.0]),
    ] {
        assert_eq!(w.kind(kind).len(), fan_in.len(), "{kind:?}");
        for (m, n) in w.kind(kind).iter().zip(fan_in) {
            let (bound, widest) = (1.0 / n.sqrt(), extent(&m.data));
            let least = bound * (1.0 - 12.0 / m.data.len() as f64);
            assert!(widest < bound && widest > least, "{kind:?}: {widest} {bound}");
        }
    }
}

#[test]
fn each_tensor_has_random_numbers_of_its_own() {
    let (all, other_seed) = (start::<f64>(&known::random(), 1), start::<f64>(&known::random(), 2));
    let lists: Vec<Vec<f64>> = all.named().chain(other_seed.named()).map(|(_, m)| m.data.clone()).collect();
    for (n, a) in lists.iter().enumerate() {
        for b in &lists[..n] {
            // Common numbers would stand at the same places from the first one on.
            assert!(a.iter().zip(b).all(|(a, b)| a != b), "two tensors share their numbers");
        }
    }
    // What is drawn for one kind depends neither on how the others start nor on layers elsewhere.
    let starts = Starts { pp: Start::Uniform(vec![0.5; 3]), ..known::self_predicting() };
    let changed = start::<f64>(&Starts { pi: Start::Uniform(vec![1.0; 3]), ..starts }, 1);
    assert_eq!(changed.pi, all.pi);
    let halves: Vec<f64> = flat(&all).iter().map(|w| w / 2.0).collect();
    // U(-1/2, 1/2) from the same numbers; halving is exact but for the offset's rounding.
    common::assert_close(&flat(&changed)[..750], &halves[..750], 1e-16, "Wpp.1");
    let net = Network { sizes: vec![30, 25, 7], ..network() };
    let smaller: Tensors<f64> = draw(&net, &Attenuation::from_conductances(&net.conductances), &known::random(), 1);
    assert_eq!(smaller.pp[0], all.pp[0]);
}

#[test]
fn derived_weights_follow_their_definitions() {
    let starts = Starts { pb: Start::Transpose(2.5), ..known::self_predicting() };
    let w = start::<f64>(&starts, 3);
    for k in 0..2 {
        // g_B / (g_lk + g_B + g_A) of the layer above, or without g_A, times (g_lk + g_D) / g_D.
        let f = 1.1 * if k == 0 { 1.0 / 1.9 } else { 1.0 / 1.1 };
        for i in 0..w.pb[k].rows {
            for j in 0..w.pb[k].cols {
                let forward = w.pp[k + 1].at(j, i);
                assert_eq!(w.pb[k].at(i, j), 2.5 * forward);
                assert_eq!(w.pi[k].at(i, j), -2.5 * forward);
                // f is two divisions and a product.
                assert!((w.ip[k].at(j, i) - f * forward).abs() < 1e-15);
            }
        }
        for j in 0..w.bip[k].rows {
            assert!((w.bip[k].at(j, 0) - f * w.bpp[k + 1].at(j, 0)).abs() < 1e-15);
        }
    }
}

#[test]
fn f32_weights_are_the_f64_weights_rounded() {
    let (wide, narrow) = (start::<f64>(&known::random(), 7), start::<f32>(&known::random(), 7));
    let rounded: Vec<f32> = flat(&wide).iter().map(|&w| w as f32).collect();
    assert_eq!(flat(&narrow), rounded);
    // Derived weights are computed in f32: three roundings of 6e-8.
    let (wide, narrow) = (start::<f64>(&known::self_predicting(), 7), start::<f32>(&known::self_predicting(), 7));
    for (a, b) in flat(&wide).iter().zip(flat(&narrow)) {
        assert!((a - f64::from(b)).abs() <= 2e-7 * a.abs(), "{a} {b}");
    }
}

#[test]
fn without_biases_there_are_no_bias_tensors() {
    let net = Network { bias_rate: 0.0, ..network() };
    let att = Attenuation::from_conductances(&net.conductances);
    let w: Tensors<f64> = draw(&net, &att, &known::self_predicting(), 1);
    assert!(w.bpp.is_empty() && w.bip.is_empty());
    let with = start::<f64>(&known::self_predicting(), 1);
    assert_eq!((w.pp, w.ip), (with.pp, with.ip));
}
