//! Claims of theory about the circuit and its solvers, each a test named after the claim. All in f64. How the circuit's
//! updates relate to backprop stands in `microcircuit_theory.rs` and `microcircuit_theory_euler.rs`.

use apical::circuit::noise::Source;
use apical::circuit::params::{Network, Rates, Timing};
use apical::circuit::start::draw;
use apical::circuit::{Attenuation, Potentials, State, Tensors, known};
use apical::kernels::rng::{Draws, Stream};
use apical::kernels::{Activation, Real};
use apical::learners::theory::matching_descent;
use apical::solvers::euler::Euler;
use apical::solvers::steady::Steady;
use apical::solvers::{NoFixedPoint, Nobody, Outcome, Shown, Solver, Weights};

fn uniform<T: Real>(n: usize, low: f64, high: f64, step: u64) -> Vec<T> {
    let mut draws = Draws::new(1, Stream::Probe, step);
    (0..n).map(|_| T::from_f64(draws.uniform(low, high))).collect()
}

fn rates(net: &Network, pp: f64, ip: f64, pi: f64, pb: f64) -> Rates {
    let n = net.sizes.len() - 1;
    Rates { pp: vec![pp; n], ip: vec![ip; n - 1], pi: vec![pi; n - 1], pb: vec![pb; n - 1] }
}

fn biased(sizes: &[usize]) -> Network {
    Network { bias_rate: 0.5, ..known::network(sizes) }
}

fn steady(net: &Network, samples: usize) -> Steady<f64> {
    Steady::new(net, 1e-14, 10_000, NoFixedPoint::Fail, 1e3, samples)
}

/// Settles a sample and returns state and potentials.
fn settled(net: &Network, w: &Tensors<f64>, x: &[f64], target: Option<&[f64]>) -> (State<f64>, Potentials<f64>) {
    let (mut state, mut p) = (State::rest(net, 1), Potentials::new(net, 1));
    let result = steady(net, 1).settle(w, x, target, &mut state, &mut p);
    assert!(result.converged, "{result:?}");
    (state, p)
}

#[test]
fn the_self_predicting_state_has_no_apical_potential_without_a_target() {
    for sizes in [vec![5, 4, 3], vec![6, 5, 4, 3], vec![4, 7, 6, 5, 2]] {
        let net = biased(&sizes);
        let att = Attenuation::from_conductances(&net.conductances);
        let w = draw::<f64>(&net, &att, &known::self_predicting(), 3);
        let (_, p) = settled(&net, &w, &uniform(sizes[0], 0.0, 1.0, 0), None);
        for v_a in p.apical.iter().flatten() {
            assert!(v_a.abs() < 1e-12, "{v_a:e}");
        }
    }
}

/// v_A,N-1 = lambda_N (1 - lambda_I) W^PP_{N-1,N} phi'(vhat_N) (u_trgt - vhat_N) to first order; each layer further down
/// multiplies by lambda_A (1 - lambda_I). Without the factor (1 - lambda_I) it would be wrong by 42 %.
#[test]
fn the_apical_potential_follows_the_first_order_law() {
    let mut net = known::network(&[5, 6, 4, 3]);
    let att = Attenuation::from_conductances(&net.conductances);
    let w = draw::<f64>(&net, &att, &known::self_predicting(), 5);
    let (x, target) = (uniform(5, 0.0, 1.0, 1), uniform(3, -1.0, 1.0, 2));
    let (free, _) = settled(&net, &w, &x, None);
    let mut previous = f64::INFINITY;
    for g_som in [1e-3, 1e-4, 1e-5] {
        net.conductances.g_som_output = g_som;
        let m = net.conductances.mixing();
        let (_, p) = settled(&net, &w, &x, Some(&target));
        let phi = net.activation;
        let error: Vec<f64> = free.soma[2]
            .iter()
            .zip(&target)
            .map(|(&u, t)| m.output * (1.0 - m.interneuron) * phi.slope(u) * (t - u))
            .collect();
        let v_2: Vec<f64> = (0..4).map(|i| (0..3).map(|j| w.pb[1].at(i, j) * error[j]).sum()).collect();
        let down: Vec<f64> =
            v_2.iter().zip(&free.soma[1]).map(|(v, &u)| m.hidden * (1.0 - m.interneuron) * phi.slope(u) * v).collect();
        let v_1: Vec<f64> = (0..6).map(|i| (0..4).map(|j| w.pb[0].at(i, j) * down[j]).sum()).collect();
        let off = |found: &[f64], law: &[f64]| {
            let worst = found.iter().zip(law).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            worst / law.iter().map(|x| x.abs()).fold(0.0, f64::max)
        };
        let relative = off(&p.apical[1], &v_2).max(off(&p.apical[0], &v_1));
        // What is left out is of second order: the relative error falls with the nudge.
        assert!(relative < 0.15 * previous, "{g_som}: {relative}");
        previous = relative;
    }
    assert!(previous < 1e-4, "{previous}");
}

/// The gradient that angles are taken to is itself held against finite differences of the loss
/// L = sum Phi(u_trgt) - Phi(vhat) - phi(vhat) (u_trgt - vhat), with Phi(u) = ln(1 + e^u) for the logistic.
#[test]
fn the_matching_descent_is_minus_the_finite_difference_of_the_matching_loss() {
    let net = biased(&[3, 4, 3, 2]);
    let att = Attenuation::from_conductances(&net.conductances);
    let mut w = draw::<f64>(&net, &att, &known::self_predicting(), 9);
    let samples = 2;
    let (x, target) = (uniform(3 * samples, 0.0, 1.0, 5), uniform(2 * samples, -1.0, 1.0, 6));
    let integral = |u: f64| u.exp().ln_1p();
    let loss = |w: &Tensors<f64>| {
        let mut total = 0.0;
        for b in 0..samples {
            let mut r = x[b * 3..(b + 1) * 3].to_vec();
            let mut vhat = Vec::new();
            for k in 1..=3 {
                let v = |i: usize| {
                    let sum: f64 = r.iter().enumerate().map(|(j, r)| w.pp[k - 1].at(i, j) * r).sum();
                    att.basal(k, 3) * (sum + 0.5 * w.bpp[k - 1].data[i])
                };
                vhat = (0..net.sizes[k]).map(v).collect::<Vec<f64>>();
                r = vhat.iter().map(|&v| Activation::Logistic.rate(v)).collect();
            }
            for (v, t) in vhat.iter().zip(&target[b * 2..(b + 1) * 2]) {
                total += integral(*t) - integral(*v) - Activation::Logistic.rate(*v) * (t - v);
            }
        }
        total / samples as f64
    };
    let descent = matching_descent(&net, &att, &w, &x, &target);
    let h = 1e-5;
    for k in 0..3 {
        for n in 0..w.pp[k].data.len() {
            let start = w.pp[k].data[n];
            w.pp[k].data[n] = start + h;
            let up = loss(&w);
            w.pp[k].data[n] = start - h;
            let slope = (up - loss(&w)) / (2.0 * h);
            w.pp[k].data[n] = start;
            // Central differences: h^2 and rounding / h are both about 1e-10.
            assert!((descent.pp[k].data[n] + slope).abs() < 1e-8, "{k} {n}");
        }
    }
}

#[test]
fn steady_is_where_a_long_euler_run_ends() {
    let net = biased(&[5, 6, 4, 3]);
    let att = Attenuation::from_conductances(&net.conductances);
    let w = draw::<f64>(&net, &att, &known::random(), 11);
    let (x, target) = (uniform(5, 0.0, 1.0, 7), uniform(3, -1.0, 1.0, 8));
    let (fixed, _) = settled(&net, &w, &x, Some(&target));
    // 300 ms are a hundred times the slowest time constant tau_0: exp(-100).
    let mut euler = Euler::new(&net, known::timing(300.0), None, Source::Silent, 1e3, 1);
    euler.settle(&w, &Shown { samples: 1, input: &x, target: Some(&target) }).unwrap();
    let state = euler.state_mut();
    for (a, b) in state.soma.iter().chain(&state.inter).flatten().zip(fixed.soma.iter().chain(&fixed.inter).flatten()) {
        assert!((a - b).abs() < 1e-12, "{a} {b}");
    }
}

/// A hidden cell with strong positive feedback through a steep activation has no stable fixed point to be swept to.
#[test]
fn steady_reports_a_pattern_without_fixed_point() {
    let mut net = known::network(&[1, 1, 1]);
    net.activation = Activation::Relu;
    let mut w = Tensors::<f64>::zeros(&net.sizes, false);
    w.pp[0].data[0] = 1.0;
    w.pp[1].data[0] = 3.0;
    w.pb[0].data[0] = 3.0;
    let (mut state, mut p) = (State::rest(&net, 1), Potentials::new(&net, 1));
    let solver = Steady::new(&net, 1e-12, 500, NoFixedPoint::Skip, 1e3, 1);
    let result = solver.settle(&w, &[1.0], None, &mut state, &mut p);
    assert!(!result.converged && result.residual > 1.0, "{result:?}");
    let mut solver = solver;
    let rates = rates(&net, 0.1, 0.1, 0.1, 0.0);
    let (mut outcome, before) = (Outcome::new(&net, 1), w.clone());
    let shown = Shown { samples: 1, input: &[1.0], target: None };
    solver.learn(&mut w, &shown, &rates, &mut outcome, &mut Nobody).unwrap();
    assert_eq!((outcome.unsettled, &w), (1, &before), "a pattern without fixed point teaches nothing");
    let mut answer = [0.0];
    assert_eq!(solver.answer(&w, &[1.0], 1, &mut answer).unwrap(), 1);
    assert!(answer[0].is_nan() && outcome.output[0].is_nan(), "an iterate is no answer");
}

/// Local order of the Euler method: the error at a fixed time falls in proportion to dt.
#[test]
fn euler_is_of_first_order() {
    let net = biased(&[4, 5, 3]);
    let att = Attenuation::from_conductances(&net.conductances);
    let start = draw::<f64>(&net, &att, &known::random(), 13);
    let (x, target) = (uniform(4, 0.0, 1.0, 9), uniform(3, -1.0, 1.0, 10));
    let shown = Shown { samples: 1, input: &x, target: Some(&target) };
    let rates = rates(&net, 0.05, 0.05, 0.05, 0.02);
    let end = |dt: f64| {
        let timing = Timing { dt, ..known::timing(4.0) };
        let mut w = start.clone();
        let mut euler = Euler::new(&net, timing, Some(30.0), Source::Silent, 1e3, 1);
        euler.learn(&mut w, &shown, &rates, &mut Outcome::new(&net, 1), &mut Nobody).unwrap();
        let state = euler.state_mut().clone();
        let mut values: Vec<f64> = state.soma.into_iter().chain(state.inter).flatten().collect();
        values.extend(w.named().flat_map(|(_, m)| m.data.clone()));
        values
    };
    // Richardson: differences of successive halvings fall by 2.
    let runs: Vec<Vec<f64>> = [0.02, 0.01, 0.005].iter().map(|&dt| end(dt)).collect();
    let distance = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| (x - y).powi(2)).sum::<f64>().sqrt();
    let order = (distance(&runs[0], &runs[1]) / distance(&runs[1], &runs[2])).log2();
    assert!((order - 1.0).abs() < 0.2, "{order}");
}

/// The change of V = W + eta tau_w Delta over a presentation is the time integral of the unfiltered rule; so with weights
/// held, gathering the rule gives the same with and without a low-pass.
#[test]
fn the_update_of_euler_is_the_change_of_v() {
    let net = biased(&[4, 5, 3]);
    let att = Attenuation::from_conductances(&net.conductances);
    let w = draw::<f64>(&net, &att, &known::random(), 17);
    let samples = 2;
    let (x, target) = (uniform(4 * samples, 0.0, 1.0, 11), uniform(3 * samples, -1.0, 1.0, 12));
    let shown = Shown { samples, input: &x, target: Some(&target) };
    // Rates so small that the weights do not move within rounding of the comparison.
    let eta = 1e-9;
    let small = rates(&net, eta, eta, eta, eta);
    let timing = Timing { lag: 5.0, ..known::timing(30.0) };
    let solver = |tau_w| Euler::<f64>::new(&net, timing, tau_w, Source::Silent, 1e3, samples);
    let held = solver(Some(30.0)).update(&w, &shown, &small, Weights::Held).unwrap();
    let direct = solver(None).update(&w, &shown, &small, Weights::Held).unwrap();
    assert_eq!(held, direct);
    let moving = solver(Some(30.0)).update(&w, &shown, &small, Weights::Moving).unwrap();
    for ((name, a), (_, b)) in held.named().zip(moving.named()) {
        for (a, b) in a.data.iter().zip(&b.data) {
            // V is of order 1, so its change is known to 1e-16; weights that move add eta^2.
            assert!((a - b).abs() < 1e-14, "{name}: {a:e} {b:e}");
        }
    }
}
