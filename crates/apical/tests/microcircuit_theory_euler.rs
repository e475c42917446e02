//! Claims of theory about the microcircuit in time, each a test named after the claim: what the full dynamics teach beside
//! backprop, what the low-pass integrates, and which learning rates keep the circuit self-predicting. All in f64.

mod common;

use apical::circuit::noise::Source;
use apical::circuit::params::{Network, Rates, Timing};
use apical::circuit::{Kind, Tensors, known, self_prediction};
use apical::kernels::{Activation, Mat};
use apical::solvers::euler::Euler;
use apical::solvers::steady::Steady;
use apical::solvers::two_step::TwoStep;
use apical::solvers::{NoFixedPoint, Nobody, Observer, Outcome, Shown, Solver, View, Weights};
use common::nudged::{Nudged, SIZES};
use common::{assert_close, flat, rates, uniform, weights};

const SEEDS: std::ops::Range<u64> = 0..10;

fn biased(sizes: &[usize]) -> Network {
    Network { bias_rate: 0.5, ..known::network(sizes) }
}

/// lambda_N of the output of Sacramento et al. 2018 at a g_som_output (1/ms).
fn nudge(g_som_output: f64) -> f64 {
    g_som_output / (0.1 + 1.0 + g_som_output)
}

/// Angles to backprop of what 100 ms teach with a learning lag (ms), weights held, where `before` has settled.
fn angles_after(case: &Nudged, before: &[f64], lag: f64) -> Vec<f64> {
    let timing = Timing { lag, ..known::timing(100.0) };
    let mut euler = Euler::new(&case.net, timing, Some(30.0), Source::Silent, 1e3, case.samples);
    // 100 ms are 33 times the slowest time constant, tau_0.
    euler.settle(&case.w, &Shown { samples: case.samples, input: before, target: None }).expect("it is bounded");
    let update = euler.update(&case.w, &case.shown(), &rates(&case.net, 1.0, 0.0, 0.0, 0.0), Weights::Held);
    case.angles(&update.expect("it is bounded"))
}

fn largest(angles: &[f64]) -> f64 {
    angles.iter().copied().fold(0.0, f64::max)
}

/// Measured: 0.25 at most.
#[test]
fn euler_from_the_settled_state_of_the_same_pattern_is_within_half_a_degree_of_backprop() {
    for sizes in SIZES {
        for (seed, s, samples) in SEEDS.flat_map(|seed| [(seed, 1.0, 1), (seed, 1.0, 5), (seed, 4.0, 1)]) {
            let case = Nudged::with_conductances(biased(sizes), 0.01, s, samples, seed);
            for lag in [0.0, 20.0] {
                let angles = angles_after(&case, &case.x, lag);
                assert!(largest(&angles) < 0.5, "{sizes:?}, seed {seed}, s = {s}, lag {lag}: {angles:?}");
            }
        }
    }
}

/// One pattern settled, then another one with its target. With one hidden layer for W_down = W^T and more; with two for
/// 2 W^T and more: the error in the first layer shrinks with s at each layer on its way, what is left of the switch does
/// not. Measured: 1.05 degrees at most.
#[test]
fn euler_across_a_switch_is_within_1_5_degrees_of_backprop_at_g_som_0_1_a_lag_of_20_ms_and_tau_0_of_3_ms() {
    for sizes in &SIZES[..3] {
        let scales: &[f64] = if sizes.len() == 3 { &[1.0, 2.0, 4.0] } else { &[2.0, 4.0] };
        for (seed, &s) in SEEDS.flat_map(|seed| scales.iter().map(move |s| (seed, s))) {
            let case = Nudged::with_conductances(biased(sizes), nudge(0.1), s, 1, seed);
            let angles = angles_after(&case, &case.before, 20.0);
            assert!(largest(&angles) < 1.5, "{sizes:?}, seed {seed}, s = {s}: {angles:?}");
        }
    }
}

/// What is left of the switch does not shrink with the nudge. Measured with two hidden layers: 8.4 degrees at most at 0.05,
/// 97 at 0.001.
#[test]
fn below_a_g_som_of_0_05_the_first_layer_gets_worse_across_a_switch_at_a_lag_of_20_ms() {
    for sizes in SIZES {
        for seed in SEEDS {
            let mut first = Vec::new();
            for g_som in [0.05, 0.02, 0.01, 0.005, 0.002, 0.001] {
                let case = Nudged::with_conductances(biased(sizes), nudge(g_som), 1.0, 1, seed);
                first.push(angles_after(&case, &case.before, 20.0)[0]);
            }
            assert!(first.windows(2).all(|pair| pair[1] > pair[0]), "{sizes:?}, seed {seed}: {first:?}");
        }
    }
}

/// The remedy: what is left of the switch decays with tau_0, so 20 ms more take a factor exp(20/3) = 800 from it.
#[test]
fn a_lag_of_40_ms_brings_the_first_of_three_hidden_layers_back_to_backprop() {
    let sizes = SIZES[3];
    for seed in SEEDS {
        let case = Nudged::with_conductances(biased(sizes), nudge(0.1), 1.0, 1, seed);
        let [short, long] = [20.0, 40.0].map(|lag| angles_after(&case, &case.before, lag));
        assert!(short[0] > 10.0 && largest(&long) < 1.5, "seed {seed}: {short:?}, {long:?}");
    }
}

/// Adds up dt times the unfiltered rules from what the observer sees, written out here once more.
struct Integral<'a> {
    net: &'a Network,
    rates: &'a Rates,
    dt: f64,
    v: Tensors<f64>,
}

impl Integral<'_> {
    /// m += dt eta mean(e r^T) over the samples.
    fn add(m: &mut Mat<f64>, scale: f64, samples: usize, e: &[f64], r: &[f64]) {
        for b in 0..samples {
            for i in 0..m.rows {
                for j in 0..m.cols {
                    m.data[i * m.cols + j] += scale / samples as f64 * e[b * m.rows + i] * r[b * m.cols + j];
                }
            }
        }
    }
}

impl Observer<f64> for Integral<'_> {
    fn after_step(&mut self, view: &View<'_, f64>) {
        let (p, rates, samples, depth) = (view.potentials, self.rates, view.state.samples, self.rates.pp.len());
        let error = |r: &[f64], v: &[f64], factor: f64| -> Vec<f64> {
            r.iter().zip(v).map(|(r, v)| r - 1.0 / (1.0 + (-factor * v).exp())).collect()
        };
        let beta = vec![self.net.bias_rate; samples];
        for k in 0..depth {
            // g_B / (g_lk + g_B + g_A), without g_A for the output.
            let e = error(&p.rate[k], &p.basal[k], if k == depth - 1 { 1.0 / 1.1 } else { 1.0 / 1.9 });
            let r = if k == 0 { &view.state.trace_input } else { &p.rate[k - 1] };
            Self::add(&mut self.v.pp[k], self.dt * rates.pp[k], samples, &e, r);
            Self::add(&mut self.v.bpp[k], self.dt * rates.pp[k], samples, &e, &beta);
        }
        for k in 0..depth - 1 {
            let e = error(&p.rate_inter[k], &p.inter_dendrite[k], 1.0 / 1.1);
            Self::add(&mut self.v.ip[k], self.dt * rates.ip[k], samples, &e, &p.rate[k]);
            Self::add(&mut self.v.bip[k], self.dt * rates.ip[k], samples, &e, &beta);
            let e: Vec<f64> = p.apical[k].iter().map(|v_a| -v_a).collect();
            Self::add(&mut self.v.pi[k], self.dt * rates.pi[k], samples, &e, &p.rate_inter[k]);
            let e = error(&p.rate[k], &p.apical_feedback[k], 1.0);
            Self::add(&mut self.v.pb[k], self.dt * rates.pb[k], samples, &e, &p.rate[k + 1]);
        }
    }
}

/// However the weights move meanwhile.
#[test]
fn v_integrates_the_rules_exactly_whatever_tau_w() {
    let net = biased(&[2, 3, 4, 2]);
    assert_eq!(net.activation, Activation::Logistic, "the rules above are written for it");
    let all = rates(&net, 0.05, 0.04, 0.03, 0.02);
    for tau_w in [None, Some(1.0), Some(30.0), Some(300.0)] {
        for samples in [1, 3] {
            let mut w = weights(&net, 1.0, 3);
            let start = w.clone();
            let mut integral = Integral { net: &net, rates: &all, dt: 0.1, v: w.clone() };
            let mut euler = Euler::new(&net, known::timing(50.0), tau_w, Source::Silent, 1e3, samples);
            for n in 0..6 {
                let (x, t) = (uniform(2 * samples, 0.0, 1.0, n), uniform(2 * samples, -1.0, 1.0, 100 + n));
                let shown = Shown { samples, input: &x, target: Some(&t) };
                euler.learn(&mut w, &shown, &all, &mut Outcome::new(&net, samples), &mut integral).unwrap();
            }
            let change = flat(&w).iter().zip(&flat(&start)).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(change > 0.1, "the weights must have moved: {change}");
            if let Some(tau_w) = tau_w {
                for kind in Kind::ALL {
                    let eta = match kind {
                        Kind::Wpp | Kind::Bpp => 0.05,
                        Kind::Wip | Kind::Bip => 0.04,
                        Kind::Wpi => 0.03,
                        Kind::Wpb => 0.02,
                    };
                    for (w, delta) in w.kind_mut(kind).iter_mut().zip(euler.delta().kind(kind)) {
                        w.data.iter_mut().zip(&delta.data).for_each(|(w, d)| *w += eta * tau_w * d);
                    }
                }
            }
            // 3000 steps, each with a rounding of 1e-16 or less.
            assert_close(&flat(&w), &flat(&integral.v), 1e-12, &format!("tau_w {tau_w:?}, {samples} samples"));
        }
    }
}

/// eta_IP / eta_PP from f and lambda_I.
type Ratio = fn(f64, f64) -> f64;

/// How far W^IP and its biases are behind f times the forward weights above after 250 patterns, as a share of how far
/// those moved: per hidden layer, weights then biases. `eta` is eta_PP.
fn left_behind(solver: &mut dyn Solver<f64>, case: &Nudged, eta: f64, ip: Ratio) -> Vec<f64> {
    let (net, att, depth) = (&case.net, &case.att, case.w.pp.len());
    let mut all = rates(net, eta, 0.0, 0.0, 0.0);
    for k in 1..depth {
        all.ip[k - 1] = eta * ip(att.self_predicting(k, depth), att.mixing.interneuron);
    }
    let (mut w, mut outcome) = (case.w.clone(), Outcome::new(net, 1));
    for n in 0..250 {
        let (x, t) = (uniform(net.sizes[0], 0.0, 1.0, 1000 + n), uniform(net.sizes[depth], -1.0, 1.0, 5000 + n));
        let shown = Shown { samples: 1, input: &x, target: Some(&t) };
        solver.learn(&mut w, &shown, &all, &mut outcome, &mut Nobody).expect("it settles");
    }
    let share = |k: usize, ip: &Mat<f64>, pp: &Mat<f64>, start: &Mat<f64>| {
        let minus = |a: &Mat<f64>, b: &Mat<f64>| Mat::from_fn(a.rows, a.cols, |i, j| a.at(i, j) - b.at(i, j)).norm();
        let follow = |m: &Mat<f64>| self_prediction::to_inter(att, k, depth, m);
        minus(ip, &follow(pp)) / minus(&follow(pp), &follow(start))
    };
    let shares = (1..depth).flat_map(|k| {
        let weights = share(k, &w.ip[k - 1], &w.pp[k], &case.w.pp[k]);
        [weights, share(k, &w.bip[k - 1], &w.bpp[k], &case.w.bpp[k])]
    });
    shares.collect()
}

/// A solver of a circuit, by name, with an eta_PP: `euler` learns in 80 ms of each 100.
fn solver(name: &str, case: &Nudged) -> (Box<dyn Solver<f64>>, f64) {
    match name {
        "two-step" => (Box::new(TwoStep::new(&case.net, case.att, 1e3, 1)), 0.1),
        "steady" => (Box::new(Steady::new(&case.net, 1e-12, 10_000, NoFixedPoint::Fail, 1e3, 1)), 0.1),
        _ => {
            let timing = Timing { lag: 20.0, ..known::timing(100.0) };
            (Box::new(Euler::new(&case.net, timing, Some(30.0), Source::Silent, 1e3, 1)), 0.1 / 80.0)
        }
    }
}

/// Ratio 1 is eta_IP = eta_PP. Measured: 0.05 % left behind at most, against 4.6 to 17.1 % at a ratio of 1: a
/// share that depends on the number of patterns, since interneurons that lag behind go on learning what they lack.
#[test]
fn self_prediction_is_kept_while_learning_iff_eta_ip_lambda_i_is_f_eta_pp() {
    let consistent: Ratio = |f, lambda_i| f / lambda_i;
    let others: [Ratio; 3] = [|_, _| 1.0, |f, lambda_i| 0.5 * f / lambda_i, |f, lambda_i| 2.0 * f / lambda_i];
    for sizes in [SIZES[0], SIZES[2]] {
        for (seed, lambda) in (0..5).flat_map(|seed| [(seed, 0.01), (seed, 0.1)]) {
            let case = Nudged::with_conductances(biased(sizes), lambda, 1.0, 1, seed);
            // A circuit in time takes a thousand times longer.
            for name in if seed == 0 { &["two-step", "steady", "euler"][..] } else { &["two-step", "steady"] } {
                let behind = |ip: Ratio| {
                    let (mut solver, eta) = solver(name, &case);
                    left_behind(&mut *solver, &case, eta, ip)
                };
                let at = format!("{name}, {sizes:?}, seed {seed}, lambda_N {lambda}");
                let shares = behind(consistent);
                assert!(shares.iter().all(|&x| x < 0.02), "{at}: {shares:?}");
                let [one, half, double] = others.map(behind);
                for shares in [&one, &half, &double] {
                    assert!(shares.iter().all(|&x| x > 0.02), "{at}: {shares:?}");
                }
                assert!(one.iter().all(|&x| x > 0.04), "{at}: {one:?}");
            }
        }
    }
}
