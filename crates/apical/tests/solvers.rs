//! What every solver promises: it goes on where it stopped, and a batch teaches the mean of its samples.

mod common;

use apical::circuit::noise::Source;
use apical::circuit::params::{Network, Timing};
use apical::circuit::{Attenuation, Tensors, known};
use apical::kernels::Real;
use apical::solvers::euler::{Choice, Euler};
use apical::solvers::{Array, NAMES, NoFixedPoint, Nobody, Outcome, Shown, Solver, Spec, Weights, build};
use common::{assert_close, flat, rates, uniform, weights};

const NOISE: Source = Source::Gaussian { seed: 1, jump: 0.01 };

fn network() -> Network {
    Network { bias_rate: 0.5, ..known::network(&[4, 6, 5, 3]) }
}

/// Every solver in the registry.
fn specs(net: &Network, noise: Source) -> Vec<Spec> {
    let timing = Timing { lag: 1.0, tau_target: Some(2.0), window: 3.0, ..known::timing(6.0) };
    let on_no_fixed_point = NoFixedPoint::Fail;
    let specs = vec![
        Spec::Euler { timing, tau_w: Some(30.0), noise, bound: 1e3, way: Choice::Auto },
        Spec::Euler { timing, tau_w: None, noise, bound: 1e3, way: Choice::Auto },
        Spec::Adaptive { timing, tau_w: Some(30.0), tolerance: 1e-5, bound: 1e3 },
        Spec::Adaptive { timing, tau_w: None, tolerance: 1e-5, bound: 1e3 },
        Spec::Steady { tolerance: 1e-6, max_sweeps: 1000, on_no_fixed_point, bound: 1e3 },
        Spec::TwoStep { attenuation: Attenuation::from_conductances(&net.conductances), blur: 0.0, bound: 1e3 },
    ];
    let names: Vec<&str> = specs.iter().map(|s| build::<f64>(s, net, 1).name()).collect();
    for (name, _) in NAMES {
        assert!(names.contains(&name), "{name} is not tested");
    }
    specs
}

fn show<T: Real>(solver: &mut dyn Solver<T>, w: &mut Tensors<T>, net: &Network, samples: usize, n: u64) -> Outcome<T> {
    let (x, t) = (uniform(4 * samples, 0.0, 1.0, n), uniform(3 * samples, -1.0, 1.0, 1000 + n));
    let shown = Shown { samples, input: &x, target: Some(&t) };
    let mut outcome = Outcome::new(net, samples);
    solver.learn(w, &shown, &rates(net, 0.1, 0.1, 0.1, 0.1), &mut outcome, &mut Nobody).expect("it settles");
    outcome
}

#[test]
fn one_long_presentation_is_two_short_ones() {
    let net = network();
    for samples in [1, 3] {
        let new = |ms| Euler::<f64>::new(&net, known::timing(ms), Some(30.0), NOISE, 1e3, samples);
        let (mut once, mut twice) = (new(10.0), new(5.0));
        let (mut w_once, mut w_twice) = (weights(&net, 1.0, 1), weights(&net, 1.0, 1));
        show(&mut once, &mut w_once, &net, samples, 0);
        show(&mut twice, &mut w_twice, &net, samples, 0);
        assert_ne!(once.state_mut().clone(), twice.state_mut().clone());
        show(&mut twice, &mut w_twice, &net, samples, 0);
        assert_eq!(w_once, w_twice);
        assert_eq!(once.state_mut().clone(), twice.state_mut().clone());
        assert_eq!(once.delta(), twice.delta());
    }
}

fn goes_on<T: Real>() {
    let net = network();
    for spec in specs(&net, NOISE) {
        for samples in [1, 3] {
            let mut solver = build::<T>(&spec, &net, samples);
            let mut w = weights(&net, 1.0, 1);
            for n in 0..3 {
                show(&mut *solver, &mut w, &net, samples, n);
            }
            let (arrays, clock, mut w_restored) = (solver.save(), solver.clock(), w.clone());
            for Array { name, shape, data } in &arrays {
                assert_eq!(shape.iter().product::<usize>(), data.len(), "{name}");
            }
            let mut restored = build::<T>(&spec, &net, samples);
            let mut find = |name: &str, length: usize| {
                arrays.iter().find(|a| a.name == name && a.data.len() == length).map(|a| a.data.clone())
            };
            restored.restore(&mut find).expect("every array is there");
            restored.set_clock(clock);
            assert_eq!(restored.save(), arrays);
            for n in 3..6 {
                let went_on = show(&mut *solver, &mut w, &net, samples, n);
                let resumed = show(&mut *restored, &mut w_restored, &net, samples, n);
                assert_eq!(went_on, resumed, "{spec:?}");
            }
            assert_eq!((w, solver.save(), solver.clock()), (w_restored, restored.save(), restored.clock()), "{spec:?}");
        }
    }
}

#[test]
fn a_restored_solver_goes_on_bit_for_bit() {
    goes_on::<f32>();
    goes_on::<f64>();
}

#[test]
fn a_missing_array_is_named() {
    let net = network();
    let spec = &specs(&net, NOISE)[0];
    let arrays = build::<f64>(spec, &net, 1).save();
    for missing in ["soma.2", "inter.1", "trace.input", "trace.target", "delta.Wpp.3", "delta.bip.2"] {
        let mut find =
            |name: &str, _: usize| arrays.iter().find(|a| a.name == name && name != missing).map(|a| a.data.clone());
        assert_eq!(build::<f64>(spec, &net, 1).restore(&mut find), Err(missing.to_string()));
    }
}

/// Asking for an update or an answer changes nothing: what is learned next has the same bits.
#[test]
fn updates_and_answers_leave_no_trace() {
    let net = network();
    for spec in specs(&net, NOISE) {
        let (mut asked, mut left) = (build::<f64>(&spec, &net, 1), build::<f64>(&spec, &net, 1));
        let (mut w_asked, mut w_left) = (weights(&net, 1.0, 1), weights(&net, 1.0, 1));
        let (x, t) = (uniform(4, 0.0, 1.0, 70), uniform(3, -1.0, 1.0, 71));
        for n in 0..3 {
            show(&mut *asked, &mut w_asked, &net, 1, n);
            show(&mut *left, &mut w_left, &net, 1, n);
            let shown = Shown { samples: 1, input: &x, target: Some(&t) };
            for mode in [Weights::Held, Weights::Moving] {
                asked.update(&w_asked, &shown, &rates(&net, 0.1, 0.1, 0.1, 0.1), mode).expect("it settles");
            }
            asked.answer(&w_asked, &x, 1, &mut [0.0; 3]).expect("it settles");
            asked.answer_sequence(&w_asked, &x, 1, &mut [0.0; 3]).expect("it settles");
        }
        assert_eq!((w_asked, asked.save(), asked.clock()), (w_left, left.save(), left.clock()), "{spec:?}");
    }
}

/// With the weights held, from the same state.
#[test]
fn a_batch_teaches_the_mean_of_its_samples() {
    let net = network();
    let samples = 5;
    let w = weights::<f64>(&net, 1.0, 1);
    let (x, t) = (uniform(4 * samples, 0.0, 1.0, 80), uniform(3 * samples, -1.0, 1.0, 81));
    let all = rates(&net, 0.1, 0.2, 0.3, 0.4);
    for spec in specs(&net, Source::Silent) {
        let shown = Shown { samples, input: &x, target: Some(&t) };
        let batch = build::<f64>(&spec, &net, samples).update(&w, &shown, &all, Weights::Held).expect("it settles");
        let mut mean = vec![0.0; flat(&batch).len()];
        for b in 0..samples {
            let (x, t) = (&x[b * 4..(b + 1) * 4], &t[b * 3..(b + 1) * 3]);
            let shown = Shown { samples: 1, input: x, target: Some(t) };
            let single = build::<f64>(&spec, &net, 1).update(&w, &shown, &all, Weights::Held).expect("it settles");
            mean.iter_mut().zip(flat(&single)).for_each(|(m, s)| *m += s / samples as f64);
        }
        assert!(mean.iter().all(|&m| m != 0.0));
        // At most 60 steps, each a sum of a few terms of size 1 or less.
        assert_close(&flat(&batch), &mean, 1e-13, &format!("{spec:?}"));
    }
}

/// What a solver would add to the weights is what it adds, where the weights cannot move meanwhile.
#[test]
fn learning_applies_the_update() {
    let net = network();
    let samples = 2;
    let (x, t) = (uniform(4 * samples, 0.0, 1.0, 80), uniform(3 * samples, -1.0, 1.0, 81));
    let (shown, all) = (Shown { samples, input: &x, target: Some(&t) }, rates(&net, 0.1, 0.2, 0.3, 0.4));
    for spec in specs(&net, Source::Silent) {
        if matches!(spec, Spec::Euler { tau_w: Some(_), .. } | Spec::Adaptive { tau_w: Some(_), .. }) {
            continue; // a part of what it taught is still in Delta
        }
        let (mut w, mut solver) = (weights::<f64>(&net, 1.0, 1), build::<f64>(&spec, &net, samples));
        let mut expected = w.clone();
        expected.add(&solver.update(&w, &shown, &all, Weights::Moving).expect("it settles"));
        solver.learn(&mut w, &shown, &all, &mut Outcome::new(&net, samples), &mut Nobody).expect("it settles");
        // Differences of weights of about 1 are known to 1e-16.
        assert_close(&flat(&w), &flat(&expected), 1e-15, &format!("{spec:?}"));
    }
}
