//! What several test files draw and compare with.
#![allow(dead_code)] // each test file is a crate of its own and uses a part

pub mod nudged;

use apical::circuit::Tensors;
use apical::circuit::params::{Network, Rates};
use apical::kernels::Real;
use apical::kernels::rng::{Draws, Stream};

/// `n` uniform values; each `address` has its own.
pub fn uniform<T: Real>(n: usize, low: f64, high: f64, address: u64) -> Vec<T> {
    let mut draws = Draws::new(1, Stream::Probe, address);
    (0..n).map(|_| T::from_f64(draws.uniform(low, high))).collect()
}

/// The same rates in every layer.
pub fn rates(net: &Network, pp: f64, ip: f64, pi: f64, pb: f64) -> Rates {
    let n = net.sizes.len() - 1;
    Rates { pp: vec![pp; n], ip: vec![ip; n - 1], pi: vec![pi; n - 1], pb: vec![pb; n - 1] }
}

/// Weights U(-a, a), every tensor with its own numbers.
pub fn weights<T: Real>(net: &Network, a: f64, address: u64) -> Tensors<T> {
    let mut w = Tensors::zeros(&net.sizes, net.bias_rate != 0.0);
    for (n, (_, m)) in w.named_mut().enumerate() {
        m.data = uniform(m.data.len(), -a, a, (address << 8) + n as u64);
    }
    w
}

/// All values of all tensors, one after another.
pub fn flat<T: Real>(w: &Tensors<T>) -> Vec<T> {
    w.named().flat_map(|(_, m)| m.data.iter().copied()).collect()
}

/// Panics where a pair differs by more than `tolerance`, relative to the larger of 1 and its size.
pub fn assert_close(found: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (n, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!((a - b).abs() <= tolerance * b.abs().max(1.0), "{what}, value {n}: {a} in place of {b}");
    }
}

/// P(z < u), z a standard normal: 1/2 + density * (u + u^3/3 + u^5/15 + ...), terms of one sign, for |u| below 10.
pub fn normal(u: f64) -> f64 {
    let (mut term, mut sum) = (u, 0.0);
    for n in 1..200 {
        sum += term;
        term *= u * u / f64::from(2 * n + 1);
    }
    0.5 + (-0.5 * u * u).exp() / std::f64::consts::TAU.sqrt() * sum
}
