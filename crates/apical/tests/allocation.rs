//! A step allocates nothing.

mod common;

use allocation_counter::measure;
use apical::circuit::departures::Departures;
use apical::circuit::noise::Source;
use apical::circuit::params::{Network, Nudging, Timing};
use apical::circuit::step::{Constants, Learning, Plastic, step};
use apical::circuit::{Potentials, State, Tensors, known};
use apical::kernels::{Isa, Product, Real};
use apical::solvers::euler::{Euler, Plan, Way};
use apical::solvers::{Nobody, Outcome, Shown, Solver};
use common::{rates, uniform, weights};

const NOISE: Source = Source::Gaussian { seed: 1, jump: 0.01 };

fn network() -> Network {
    Network { bias_rate: 0.5, nudging: Nudging::Conductance, ..known::network(&[5, 9, 4, 3]) }
}

fn steps<T: Real>() {
    let net = network();
    let all = rates(&net, 0.1, 0.1, 0.1, 0.1);
    let timing = Timing { tau_target: Some(2.0), ..known::timing(10.0) };
    for samples in [1, 3] {
        for tau_w in [None, Some(30.0)] {
            let c = Constants::<T>::new(&net, &timing, tau_w, Product::Plain);
            let (mut w, mut delta) = (weights(&net, 1.0, 1), Tensors::zeros(&net.sizes, true));
            let (mut state, mut p) = (State::rest(&net, samples), Potentials::new(&net, samples));
            let (x, t) = (uniform(5 * samples, 0.0, 1.0, 2), uniform(3 * samples, -1.0, 1.0, 3));
            let info = measure(|| {
                for plastic in [Plastic::On, Plastic::DeltaOnly, Plastic::Off] {
                    let learning = Learning::Own { rates: &all, plastic, delta: &mut delta };
                    step(&c, &mut w, &mut state, &mut p, &x, Some(&t), learning, &NOISE);
                }
            });
            assert_eq!(info.count_total, 0, "{} {samples} {tau_w:?}", T::NAME);
        }
    }
}

#[test]
fn a_step_allocates_nothing() {
    steps::<f32>();
    steps::<f64>();
}

fn presentations<T: Real>() {
    let net = network();
    let all = rates(&net, 0.1, 0.1, 0.1, 0.1);
    for samples in [1, 3, 9] {
        for tau_w in [None, Some(30.0)] {
            let timing = Timing { lag: 1.0, reset_delta: true, reset_state: true, window: 2.0, ..known::timing(10.0) };
            let ways = [Way::Reference, Way::Fused, Way::Blocks(3), Way::Batch];
            for plan in ways.map(|way| Plan { way, isa: Isa::best() }) {
                let euler = Euler::<T>::new(&net, timing, tau_w, NOISE, 1e3, samples);
                let (mut euler, mut w) = (euler.with_plan(plan), weights(&net, 1.0, 1));
                let (x, t) = (uniform(5 * samples, 0.0, 1.0, 2), uniform(3 * samples, -1.0, 1.0, 3));
                let shown = Shown { samples, input: &x, target: Some(&t) };
                let mut outcome = Outcome::new(&net, samples);
                // Room for what a way keeps of a block is made when a rule first needs it.
                euler.learn(&mut w, &shown, &all, &mut outcome, &mut Nobody).expect("the circuit stays bounded");
                let info = measure(|| {
                    for _ in 0..3 {
                        let learned = euler.learn(&mut w, &shown, &all, &mut outcome, &mut Nobody);
                        learned.expect("the circuit stays bounded");
                    }
                });
                assert_eq!(info.count_total, 0, "{} {samples} {tau_w:?} {plan}", T::NAME);
            }
        }
    }
}

#[test]
fn a_presentation_allocates_nothing() {
    presentations::<f32>();
    presentations::<f64>();
}

#[test]
fn a_departing_presentation_allocates_nothing() {
    let net = network();
    let all = rates(&net, 0.1, 0.1, 0.1, 0.1);
    let on = Departures {
        activation_on_input: true,
        late_rules: true,
        divided_output_prediction: true,
        summed_updates: true,
        weight_decay: Some(30.0),
        ..Departures::default()
    };
    let euler = Euler::<f32>::new(&net, known::timing(10.0), Some(30.0), NOISE, 1e3, 3);
    let (mut euler, mut w) = (euler.departing(on), weights(&net, 1.0, 1));
    let (x, t) = (uniform(15, 0.0, 1.0, 2), uniform(9, -1.0, 1.0, 3));
    let shown = Shown { samples: 3, input: &x, target: Some(&t) };
    let mut outcome = Outcome::new(&net, 3);
    let info = measure(|| {
        let learned = euler.learn(&mut w, &shown, &all, &mut outcome, &mut Nobody);
        learned.expect("the circuit stays bounded");
    });
    assert_eq!(info.count_total, 0);
}

/// A test that counts must be able to count.
#[test]
fn allocations_are_counted() {
    assert_eq!(measure(|| drop(std::hint::black_box(vec![1u8; 100]))).count_total, 1);
}
