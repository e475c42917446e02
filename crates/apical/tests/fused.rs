//! The fused engine beside the reference: noise, every option, every instruction set, and what observers see.

mod common;

use apical::circuit::noise::Source;
use apical::circuit::params::{LagKind, Network, Nudging, Rates, Timing};
use apical::circuit::{Tensors, known};
use apical::kernels::{Activation, Isa, Real};
use apical::solvers::euler::{Euler, Plan, Way};
use apical::solvers::{Array, Nobody, Observer, Outcome, Shown, Solver, Trouble, View, Wants, Weights};
use common::{assert_close, flat, uniform, weights};

/// A course of presentations, with the reference's settings.
struct Setting {
    net: Network,
    timing: Timing,
    tau_w: Option<f64>,
    rates: Rates,
    noise: Source,
}

/// What is left after a course.
struct End<T> {
    weights: Tensors<T>,
    saved: Vec<Array<T>>,
    outcomes: Vec<Outcome<T>>,
}

impl Setting {
    fn euler<T: Real>(&self, plan: Plan) -> Euler<T> {
        Euler::new(&self.net, self.timing, self.tau_w, self.noise, 1e3, 1).with_plan(plan)
    }

    fn shown<T: Real>(&self, presentation: usize) -> (Vec<T>, Vec<T>) {
        let (n, address) = (&self.net.sizes, 1000 + 2 * presentation as u64);
        (uniform(n[0], 0.0, 1.0, address), uniform(n[n.len() - 1], -1.0, 1.0, address + 1))
    }

    fn course<T: Real>(&self, plan: Plan, presentations: usize, observer: &mut dyn Observer<T>) -> End<T> {
        let (mut euler, mut w) = (self.euler(plan), weights(&self.net, 0.6, 7));
        let mut outcomes = Vec::new();
        for presentation in 0..presentations {
            let (x, t) = self.shown(presentation);
            // Every third has no target.
            let shown = Shown { samples: 1, input: &x, target: (presentation % 3 != 2).then_some(&t[..]) };
            let mut outcome = Outcome::new(&self.net, 1);
            euler.learn(&mut w, &shown, &self.rates, &mut outcome, observer).expect("the circuit stays bounded");
            outcomes.push(outcome);
        }
        End { weights: w, saved: euler.save(), outcomes }
    }
}

fn everything(sizes: &[usize], activation: Activation) -> Setting {
    let net = Network { bias_rate: 0.5, activation, nudging: Nudging::Conductance, ..known::network(sizes) };
    let depth = sizes.len() - 1;
    let mut rates = common::rates(&net, 0.02, 0.03, 0.01, 0.005);
    // One rule is off in one layer.
    rates.pp[depth - 1] = if depth > 2 { 0.0 } else { 0.02 };
    Setting {
        net,
        timing: Timing { lag: 5.0, tau_target: Some(2.0), window: 3.0, ..known::timing(25.0) },
        tau_w: Some(30.0),
        rates,
        noise: Source::Gaussian { seed: 3, jump: 0.01 },
    }
}

fn plan(way: Way, isa: Isa) -> Plan {
    Plan { way, isa }
}

fn compare<T: Real>(a: &End<T>, b: &End<T>, tolerance: f64, what: &str) {
    let wide = |list: &[T]| -> Vec<f64> { list.iter().map(|x| x.to_f64()).collect() };
    assert_close(&wide(&flat(&a.weights)), &wide(&flat(&b.weights)), tolerance, &format!("{what}, weights"));
    for (a, b) in a.saved.iter().zip(&b.saved) {
        assert_eq!(a.name, b.name);
        assert_close(&wide(&a.data), &wide(&b.data), tolerance, &format!("{what}, {}", a.name));
    }
    for (a, b) in a.outcomes.iter().zip(&b.outcomes) {
        assert_close(&wide(&a.output), &wide(&b.output), tolerance, what);
        assert_close(&a.apical_squared, &b.apical_squared, tolerance, what);
        assert_close(&a.mismatch_squared, &b.mismatch_squared, tolerance, what);
    }
}

#[test]
fn five_thousand_noisy_steps_with_every_option_follow_the_reference() {
    for (sizes, activation) in [
        (&[30, 20, 10][..], Activation::Logistic),
        (&[4, 37, 3], Activation::Softplus),
        (&[7, 17, 33, 5, 16], Activation::Tanh),
        (&[6, 5], Activation::SoftRelu),
        (&[5, 1, 18, 1], Activation::Gelu),
    ] {
        for (tau_w, lag_kind) in [(Some(30.0), LagKind::Freeze), (Some(30.0), LagKind::Filter), (None, LagKind::Freeze)]
        {
            let mut setting = everything(sizes, activation);
            (setting.tau_w, setting.timing.lag_kind) = (tau_w, lag_kind);
            let expected = setting.course::<f64>(Plan::REFERENCE, 20, &mut Nobody);
            let narrow = setting.course::<f32>(Plan::REFERENCE, 2, &mut Nobody);
            for isa in Isa::all() {
                let what = format!("{sizes:?}, {}, {tau_w:?}, {lag_kind:?}", isa.name());
                let found = setting.course(plan(Way::Fused, isa), 20, &mut Nobody);
                compare(&found, &expected, 1e-10, &what);
                // Roundings of 6e-8 on potentials of about 1, in sums of up to 40 terms and over 500 steps.
                compare(&setting.course(plan(Way::Fused, isa), 2, &mut Nobody), &narrow, 2e-4, &what);
            }
        }
    }
}

#[test]
fn constant_noise_resets_and_steps_of_the_target_follow_the_reference() {
    let mut setting = everything(&[9, 20, 6], Activation::LeakyRelu);
    setting.noise = Source::Constant(0.003);
    setting.timing = Timing { reset_delta: true, reset_state: true, tau_target: None, window: 0.0, ..setting.timing };
    let expected = setting.course::<f64>(Plan::REFERENCE, 6, &mut Nobody);
    for isa in Isa::all() {
        compare(&setting.course(plan(Way::Fused, isa), 6, &mut Nobody), &expected, 1e-11, isa.name());
    }
}

/// Looks at some steps and keeps what it sees.
struct Looks<T> {
    wants: fn(u64) -> Wants,
    seen: Vec<(u64, Vec<T>)>,
}

impl<T: Real> Observer<T> for Looks<T> {
    fn wants(&self, step: u64) -> Wants {
        (self.wants)(step)
    }

    fn after_step(&mut self, view: &View<'_, T>) {
        let (s, p) = (view.state, view.potentials);
        let cells =
            [&s.soma, &s.inter, &p.rate, &p.rate_inter, &p.basal, &p.apical_feedback, &p.apical_lateral, &p.apical];
        let more = [&p.inter_dendrite, &p.error_forward, &p.error_inter, &p.error_apical, &p.error_feedback, &p.d_soma];
        let mut all: Vec<T> = cells.into_iter().chain(more).chain([&p.d_inter]).flatten().flatten().copied().collect();
        all.extend_from_slice(&s.trace_input);
        all.extend_from_slice(&s.trace_target);
        if (self.wants)(view.step) == Wants::Weights {
            all.extend(flat(view.weights));
        }
        self.seen.push((view.step, all));
    }
}

#[test]
fn observers_see_what_the_reference_shows_and_change_no_bit() {
    for tau_w in [None, Some(30.0)] {
        let setting = Setting { tau_w, ..everything(&[6, 18, 11, 4], Activation::Logistic) };
        let unseen = setting.course::<f64>(plan(Way::Fused, Isa::best()), 3, &mut Nobody);
        let looks: [fn(u64) -> Wants; 3] = [
            |_| Wants::Weights,
            |_| Wants::Cells,
            |step| [Wants::Weights, Wants::Nothing, Wants::Cells, Wants::Nothing, Wants::Nothing][step as usize % 5],
        ];
        for wants in looks {
            let (mut slow, mut fast) = (Looks { wants, seen: Vec::new() }, Looks { wants, seen: Vec::new() });
            setting.course(Plan::REFERENCE, 3, &mut slow);
            let end = setting.course(plan(Way::Fused, Isa::best()), 3, &mut fast);
            assert_eq!(slow.seen.len(), fast.seen.len());
            for ((step, a), (step_b, b)) in fast.seen.iter().zip(&slow.seen) {
                assert_eq!(step, step_b);
                assert_close(a, b, 1e-11, &format!("step {step}"));
            }
            assert_eq!(flat(&end.weights), flat(&unseen.weights));
            assert_eq!(end.saved, unseen.saved);
            assert_eq!(end.outcomes, unseen.outcomes);
        }
    }
}

#[test]
fn gathered_updates_and_answers_follow_the_reference() {
    for lag_kind in [LagKind::Freeze, LagKind::Filter] {
        let mut setting = everything(&[6, 18, 11, 4], Activation::Logistic);
        setting.timing.lag_kind = lag_kind;
        let (x, t) = setting.shown::<f64>(0);
        let shown = Shown { samples: 1, input: &x, target: Some(&t) };
        let w = weights(&setting.net, 0.6, 7);
        let results = [Plan::REFERENCE, plan(Way::Fused, Isa::best())].map(|plan| {
            let mut euler = setting.euler::<f64>(plan);
            let (mut gathered, mut outcome) = (weights(&setting.net, 0.1, 9), Outcome::new(&setting.net, 1));
            euler.gather(&w, &shown, &setting.rates, &mut gathered, &mut outcome, &mut Nobody).expect("bounded");
            let mut all = [flat(&gathered), outcome.output].concat();
            for mode in [Weights::Held, Weights::Moving] {
                all.extend(flat(&euler.update(&w, &shown, &setting.rates, mode).expect("bounded")));
            }
            euler.settle(&w, &shown).expect("bounded");
            let mut answer = vec![0.0; 4];
            euler.answer(&w, &x, 1, &mut answer).expect("bounded");
            all.extend(answer);
            all.extend(euler.save().into_iter().flat_map(|array| array.data));
            all
        });
        assert_close(&results[1], &results[0], 1e-11, "update and answer");
    }
}

#[test]
fn divergence_is_seen_at_the_same_cell_and_step() {
    let mut setting = everything(&[6, 18, 11, 4], Activation::Relu);
    setting.rates = common::rates(&setting.net, 5.0, 5.0, 5.0, 5.0);
    setting.timing.lag = 0.0;
    let (x, t) = setting.shown::<f64>(0);
    let shown = Shown { samples: 1, input: &x, target: Some(&t) };
    let troubles = [Plan::REFERENCE, plan(Way::Fused, Isa::best())].map(|plan| {
        let (mut euler, mut w) = (setting.euler::<f64>(plan), weights(&setting.net, 3.0, 7));
        let mut outcome = Outcome::new(&setting.net, 1);
        euler.learn(&mut w, &shown, &setting.rates, &mut outcome, &mut Nobody).expect_err("it must diverge")
    });
    let place = |trouble: &Trouble| match *trouble {
        Trouble::Diverged { cell, layer, index, moment, value, .. } => ((cell, layer, index, moment), value),
        _ => unreachable!("only divergence is trouble here"),
    };
    let [(at, value), (at_fused, value_fused)] = [place(&troubles[0]), place(&troubles[1])];
    assert_eq!(at, at_fused);
    // An explosion multiplies roundings.
    assert!((value_fused / value - 1.0).abs() < 1e-6, "{value} {value_fused}");
}
