//! Presentations that end early. Divergence is named: cell, layer, index and step.

mod common;

use apical::circuit::noise::Source;
use apical::circuit::{Attenuation, State, Tensors, known};
use apical::kernels::Activation;
use apical::solvers::euler::{Choice, Way};
use apical::solvers::{
    Cell, Moment, NoFixedPoint, Nobody, Observer, Outcome, Shown, Spec, Trouble, View, build, watch,
};
use common::rates;

#[test]
fn the_first_soma_out_of_bounds_is_named() {
    let net = known::network(&[2, 3, 4, 2]);
    for samples in [1, 3] {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 100.5, -100.5] {
            for (cell, layer, cells) in [
                (Cell::Pyramidal, 1, 3),
                (Cell::Pyramidal, 2, 4),
                (Cell::Pyramidal, 3, 2),
                (Cell::Interneuron, 1, 4),
                (Cell::Interneuron, 2, 2),
            ] {
                let mut state = State::<f64>::rest(&net, samples);
                state.step = 17;
                let list = if cell == Cell::Pyramidal { &mut state.soma } else { &mut state.inter };
                let index = cells - 1;
                list[layer - 1][(samples - 1) * cells + index] = bad;
                let found = watch::check(&state, 100.0).expect_err("it is out of bounds");
                let Trouble::Diverged { cell: c, layer: l, index: i, moment, value, bound } = found else {
                    panic!("{found}");
                };
                assert_eq!((c, l, i, moment, bound), (cell, layer, index, Moment::Step(17), 100.0));
                assert_eq!(value.to_bits(), bad.to_bits());
            }
        }
    }
}

#[test]
fn potentials_at_the_bound_are_within_it() {
    let net = known::network(&[2, 3, 2]);
    let mut state = State::<f32>::rest(&net, 1);
    state.soma[0].fill(100.0);
    state.inter[0].fill(-100.0);
    assert_eq!(watch::check(&state, 100.0), Ok(()));
    state.inter[0][1] = f32::NAN;
    let message = watch::check(&state, 100.0).expect_err("NaN").to_string();
    assert_eq!(message, "diverged: the soma of interneuron 1 in layer 1 reached NaN at step 0 (bound 100)");
}

/// A linear circuit whose feedback loop amplifies: Euler sees it at the very step at which the bound is crossed.
#[test]
fn euler_stops_at_the_step_that_leaves_the_bound() {
    let net = apical::circuit::params::Network { activation: Activation::Identity, ..known::network(&[1, 1, 1]) };
    let mut w = Tensors::<f64>::zeros(&net.sizes, false);
    (w.pp[0].data[0], w.pp[1].data[0], w.pb[0].data[0]) = (1.0, 5.0, 5.0);
    // The same by hand.
    let (mut r, mut u_1, mut u_2, mut step) = (0.0, 0.0f64, 0.0f64, 0);
    while u_1.abs() <= 50.0 && u_2.abs() <= 50.0 {
        r += 0.1 / 3.0 * (1.0 - r);
        let d_1 = -0.1 * u_1 + (r - u_1) + 0.8 * (5.0 * u_2 - u_1);
        let d_2 = -0.1 * u_2 + (5.0 * u_1 - u_2);
        (u_1, u_2, step) = (u_1 + 0.1 * d_1, u_2 + 0.1 * d_2, step + 1);
    }
    let spec = Spec::Euler {
        timing: known::timing(100.0),
        tau_w: None,
        noise: Source::Silent,
        bound: 50.0,
        way: Choice::Auto,
    };
    let shown = Shown { samples: 1, input: &[1.0], target: None };
    let off = rates(&net, 0.0, 0.0, 0.0, 0.0);
    let result = build(&spec, &net, 1).learn(&mut w, &shown, &off, &mut Outcome::new(&net, 1), &mut Nobody);
    let Err(Trouble::Diverged { cell, layer, moment: found, .. }) = result else { panic!("{result:?}") };
    let expected = if u_1.abs() > 50.0 { 1 } else { 2 };
    assert_eq!((cell, layer, found), (Cell::Pyramidal, expected, Moment::Step(step)));
}

#[test]
fn every_solver_reports_an_input_that_is_not_finite() {
    let net = known::network(&[2, 3, 2]);
    let on_no_fixed_point = NoFixedPoint::Fail;
    for spec in [
        Spec::Euler {
            timing: known::timing(5.0),
            tau_w: Some(30.0),
            noise: Source::Silent,
            bound: 1e3,
            way: Choice::Auto,
        },
        Spec::Steady { tolerance: 1e-9, max_sweeps: 100, on_no_fixed_point, bound: 1e3 },
        Spec::TwoStep { attenuation: Attenuation::from_conductances(&net.conductances), blur: 0.0, bound: 1e3 },
    ] {
        let mut w = common::weights::<f64>(&net, 1.0, 1);
        let shown = Shown { samples: 1, input: &[0.5, f64::NAN], target: None };
        let all = rates(&net, 0.1, 0.1, 0.1, 0.1);
        let mut solver = build(&spec, &net, 1);
        let learned = solver.learn(&mut w, &shown, &all, &mut Outcome::new(&net, 1), &mut Nobody);
        assert!(learned.is_err(), "{spec:?}");
        let w = common::weights::<f64>(&net, 1.0, 1);
        let answered = solver.answer(&w, &[0.5, f64::NAN], 1, &mut [0.0; 2]);
        assert!(answered != Ok(0), "{spec:?}");
    }
}

/// Stops at the third time it is asked.
struct Impatient(usize);

impl Observer<f64> for Impatient {
    fn looks(&self) -> bool {
        false
    }

    fn after_step(&mut self, _: &View<'_, f64>) {}

    fn stops(&mut self) -> bool {
        self.0 += 1;
        self.0 == 3
    }
}

#[test]
fn an_observer_stops_a_presentation_in_the_middle() {
    let net = known::network(&[2, 3, 2]);
    let timing = known::timing(1e4);
    let euler = |way| Spec::Euler { timing, tau_w: Some(30.0), noise: Source::Silent, bound: 1e3, way };
    let adaptive = Spec::Adaptive { timing, tau_w: Some(30.0), tolerance: 1e-4, bound: 1e3 };
    let ways = [Choice::Auto, Choice::Given(Way::Reference), Choice::Given(Way::Blocks(8)), Choice::Given(Way::Batch)];
    for (spec, samples) in ways.map(euler).into_iter().chain([adaptive]).flat_map(|spec| [(spec.clone(), 1), (spec, 3)])
    {
        let mut w = common::weights::<f64>(&net, 1.0, 1);
        let (input, target) = (vec![0.5; 2 * samples], vec![0.3; 2 * samples]);
        let shown = Shown { samples, input: &input, target: Some(&target) };
        let all = rates(&net, 0.001, 0.001, 0.001, 0.0);
        let mut solver = build(&spec, &net, samples);
        let mut impatient = Impatient(0);
        let ended = solver.learn(&mut w, &shown, &all, &mut Outcome::new(&net, samples), &mut impatient);
        assert_eq!((ended, impatient.0), (Err(Trouble::Stopped), 3), "{spec:?}");
    }
}
