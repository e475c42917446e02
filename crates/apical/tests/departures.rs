//! Each departure's step beside the formula of the program that it was read from, written out here for a tiny circuit: one
//! step equals it, and without the departure it is another one.

mod common;

use apical::circuit::departures::{self, Departures, Room};
use apical::circuit::noise::Source;
use apical::circuit::params::{Network, Rates, Timing};
use apical::circuit::step::{Constants, Learning, Plastic, step};
use apical::circuit::{Kind, Potentials, State, Tensors, known};
use apical::kernels::{Mat, Product};
use apical::solvers::euler::Euler;
use apical::solvers::{Nobody, Outcome, Shown, Solver, Weights};
use common::{assert_close, flat, rates, uniform, weights};

const DT: f64 = 0.1;
const TAU_W: f64 = 30.0;
const NONE: Departures = Departures {
    rate_over_tau_w: None,
    weight_decay: None,
    activation_on_input: false,
    late_rules: false,
    divided_output_prediction: false,
    summed_updates: false,
    blurred_nudging: 0.0,
    delay: 0,
    without_soma_lag: false,
    without_apical_error: false,
    without_teacher: false,
};
/// One rate per kind of synapse, so that a rate taken for another is noticed.
const ETA: [f64; 4] = [0.3, 0.7, 0.4, 0.6];
/// g_B/(g_lk + g_B + g_A); g_B/(g_lk + g_B), which is g_D/(g_lk + g_D) too.
const DIVIDED: f64 = 1.0 / 1.9;
const LEAK_ONLY: f64 = 1.0 / 1.1;

fn phi(u: f64) -> f64 {
    1.0 / (1.0 + (-u).exp())
}

fn network() -> Network {
    Network { bias_rate: 0.5, ..known::network(&[2, 3, 2]) }
}

fn all_rates() -> Rates {
    rates(&network(), ETA[0], ETA[1], ETA[2], ETA[3])
}

fn eta(kind: Kind) -> f64 {
    match kind {
        Kind::Wpp | Kind::Bpp => ETA[0],
        Kind::Wip | Kind::Bip => ETA[1],
        Kind::Wpi => ETA[2],
        Kind::Wpb => ETA[3],
    }
}

/// Somas of one sample.
#[derive(Clone, Debug)]
struct Cells {
    u1: Vec<f64>,
    u2: Vec<f64>,
    ui: Vec<f64>,
}

/// A circuit in the middle of something.
struct Scene {
    samples: usize,
    w: Tensors<f64>,
    state: State<f64>,
    x: Vec<f64>,
    target: Vec<f64>,
}

/// Weights, Delta and somas.
type Stepped = (Tensors<f64>, Tensors<f64>, State<f64>);

impl Scene {
    fn new(samples: usize) -> Self {
        let mut state = State::rest(&network(), samples);
        for (n, (_, values)) in state.named_mut().into_iter().enumerate() {
            values.copy_from_slice(&uniform(values.len(), -1.0, 1.0, 50 + n as u64));
        }
        let (x, target) = (uniform(2 * samples, -1.0, 1.0, 70), uniform(2 * samples, -1.0, 1.0, 71));
        Scene { samples, w: weights(&network(), 1.0, 3), state, x, target }
    }

    /// Weights, Delta and somas after one step at these rates.
    fn one_step(&self, on: &Departures, rates: &Rates) -> Stepped {
        let net = network();
        let tau_w = (!on.replace_low_pass()).then_some(TAU_W);
        let c = Constants::new(&net, &known::timing(1.0), tau_w, Product::Plain);
        let (mut w, mut delta) = (self.w.clone(), Tensors::zeros(&net.sizes, true));
        let (mut state, mut p) = (self.state.clone(), Potentials::new(&net, self.samples));
        let mut room = Room::new(on, &net, self.samples);
        room.begin(&state);
        let learning = Learning::Own { rates, plastic: Plastic::On, delta: &mut delta };
        let (x, target) = (&self.x, Some(&self.target[..]));
        departures::step(on, &mut room, &c, &mut w, &mut state, &mut p, x, target, learning, &Source::Silent);
        (w, delta, state)
    }

    /// One step at all rates with departures, and one as the reference makes it.
    fn with_and_without(&self, on: &Departures) -> [Stepped; 2] {
        [on, &NONE].map(|on| self.one_step(on, &all_rates()))
    }

    fn cells(state: &State<f64>, b: usize) -> Cells {
        let part = |u: &[f64], n: usize| u[b * n..(b + 1) * n].to_vec();
        Cells { u1: part(&state.soma[0], 3), u2: part(&state.soma[1], 2), ui: part(&state.inter[0], 2) }
    }

    fn pattern(&self, b: usize) -> Vec<f64> {
        self.x[2 * b..2 * b + 2].to_vec()
    }

    /// The pattern's low-pass after the step: dt / tau_0 = 1/30.
    fn traced(&self, b: usize) -> Vec<f64> {
        let old = &self.state.trace_input[2 * b..2 * b + 2];
        old.iter().zip(self.pattern(b)).map(|(r, x)| r + DT / 3.0 * (x - r)).collect()
    }

    /// The rule of a tensor, over eta: error times presynaptic rate, summed over the batch. `see` gives the somas and the
    /// presynaptic rates of the input; `output` is the factor between v_B,2 and its prediction.
    fn summed(&self, kind: Kind, layer: usize, see: impl Fn(usize) -> (Cells, Vec<f64>), output: f64) -> Vec<f64> {
        let w = &self.w;
        let dot = |m: &Mat<f64>, i: usize, r: &[f64]| (0..m.cols).map(|j| m.at(i, j) * r[j]).sum::<f64>();
        let shape = &w.kind(kind)[layer - 1];
        let mut sum = vec![0.0; shape.data.len()];
        for b in 0..self.samples {
            let (u, r0) = see(b);
            let rate = |u: &[f64]| u.iter().map(|&u| phi(u)).collect::<Vec<f64>>();
            let (r1, r2, ri) = (rate(&u.u1), rate(&u.u2), rate(&u.ui));
            for i in 0..shape.rows {
                let error = match kind {
                    Kind::Wpp | Kind::Bpp if layer == 1 => {
                        r1[i] - phi(DIVIDED * (dot(&w.pp[0], i, &r0) + 0.5 * w.bpp[0].at(i, 0)))
                    }
                    Kind::Wpp | Kind::Bpp => r2[i] - phi(output * (dot(&w.pp[1], i, &r1) + 0.5 * w.bpp[1].at(i, 0))),
                    Kind::Wip | Kind::Bip => ri[i] - phi(LEAK_ONLY * (dot(&w.ip[0], i, &r1) + 0.5 * w.bip[0].at(i, 0))),
                    Kind::Wpi => -(dot(&w.pb[0], i, &r2) + dot(&w.pi[0], i, &ri)),
                    Kind::Wpb => r1[i] - phi(dot(&w.pb[0], i, &r2)),
                };
                let before = match kind {
                    Kind::Bpp | Kind::Bip => &[0.5][..],
                    Kind::Wpp if layer == 1 => &r0,
                    Kind::Wpp | Kind::Wip => &r1,
                    Kind::Wpi => &ri,
                    Kind::Wpb => &r2,
                };
                for (j, r) in before.iter().enumerate() {
                    sum[i * shape.cols + j] += error * r;
                }
            }
        }
        sum
    }

    /// Somas of a sample after the step whose first layer sees `r0`.
    fn stepped(&self, b: usize, r0: &[f64]) -> Cells {
        let (w, u) = (&self.w, Scene::cells(&self.state, b));
        let rate = |u: &[f64]| u.iter().map(|&u| phi(u)).collect::<Vec<f64>>();
        let (r1, r2, ri) = (rate(&u.u1), rate(&u.u2), rate(&u.ui));
        let dot = |m: &Mat<f64>, i: usize, r: &[f64]| (0..m.cols).map(|j| m.at(i, j) * r[j]).sum::<f64>();
        let hidden = |i: usize| {
            let v_b = dot(&w.pp[0], i, r0) + 0.5 * w.bpp[0].at(i, 0);
            let v_a = dot(&w.pb[0], i, &r2) + dot(&w.pi[0], i, &ri);
            u.u1[i] + DT * (-0.1 * u.u1[i] + (v_b - u.u1[i]) + 0.8 * (v_a - u.u1[i]))
        };
        let output = |i: usize| {
            let v_b = dot(&w.pp[1], i, &r1) + 0.5 * w.bpp[1].at(i, 0);
            let nudge = 0.8 * (self.target[2 * b + i] - u.u2[i]);
            u.u2[i] + DT * (-0.1 * u.u2[i] + (v_b - u.u2[i]) + nudge)
        };
        let inter = |i: usize| {
            let v_i = dot(&w.ip[0], i, &r1) + 0.5 * w.bip[0].at(i, 0);
            u.ui[i] + DT * (-0.1 * u.ui[i] + (v_i - u.ui[i]) + 0.8 * (u.u2[i] - u.ui[i]))
        };
        Cells { u1: (0..3).map(hidden).collect(), u2: (0..2).map(output).collect(), ui: (0..2).map(inter).collect() }
    }

    fn assert_stepped(&self, state: &State<f64>, r0: impl Fn(usize) -> Vec<f64>) {
        for b in 0..self.samples {
            let (found, expected) = (Scene::cells(state, b), self.stepped(b, &r0(b)));
            // A few sums of at most three terms below 2.
            assert_close(&found.u1, &expected.u1, 1e-14, "hidden somas");
            assert_close(&found.u2, &expected.u2, 1e-14, "output somas");
            assert_close(&found.ui, &expected.ui, 1e-14, "interneurons");
        }
    }
}

/// Every tensor of the circuit.
fn each(mut check: impl FnMut(Kind, usize)) {
    for kind in Kind::ALL {
        (1..=Tensors::<f64>::zeros(&network().sizes, true).kind(kind).len()).for_each(|layer| check(kind, layer));
    }
}

/// Compares the change of every tensor with `expected`, and says that the reference's step has another one in `differs`.
fn assert_change(
    scene: &Scene,
    found: &Tensors<f64>,
    reference: &Tensors<f64>,
    differs: impl Fn(Kind, usize) -> bool,
    expected: impl Fn(Kind, usize) -> Vec<f64>,
) {
    each(|kind, layer| {
        let at = format!("{kind:?} {layer}, {} samples", scene.samples);
        let (found, reference) = (&found.kind(kind)[layer - 1].data, &reference.kind(kind)[layer - 1].data);
        // Sums of at most nine terms below 1.
        assert_close(found, &expected(kind, layer), 1e-15, &at);
        let apart = found.iter().zip(reference).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert_eq!(apart > 1e-6, differs(kind, layer), "{at}: {apart} from the reference");
    });
}

fn plus(start: &[f64], change: impl Iterator<Item = f64>) -> Vec<f64> {
    start.iter().zip(change).map(|(w, d)| w + d).collect()
}

/// dW = dt/tau_w eta rule, no low-pass.
#[test]
fn rate_over_tau_w_divides_the_rate_in_place_of_the_low_pass() {
    for samples in [1, 3] {
        let scene = Scene::new(samples);
        let (w, delta, state) = scene.one_step(&Departures { rate_over_tau_w: Some(TAU_W), ..NONE }, &all_rates());
        let (reference, _, _) = scene.one_step(&NONE, &all_rates());
        scene.assert_stepped(&state, |b| scene.traced(b));
        assert!(flat(&delta).iter().all(|&d| d == 0.0), "there is no Delta");
        assert_change(
            &scene,
            &w,
            &reference,
            |_, _| true,
            |kind, layer| {
                let rule = scene.summed(kind, layer, |b| (Scene::cells(&scene.state, b), scene.traced(b)), LEAK_ONLY);
                let change = rule.iter().map(|r| DT / TAU_W * eta(kind) * r / samples as f64);
                plus(&scene.w.kind(kind)[layer - 1].data, change)
            },
        );
    }
}

/// dW = dt eta rule - dt/tau_w W, where the rule is on; with both departures dW = dt/tau_w (eta rule - W).
#[test]
fn weight_decay_takes_a_share_of_the_weights_in_place_of_the_low_pass() {
    let scene = Scene::new(3);
    for (rate_over_tau_w, dt) in [(None, DT), (Some(TAU_W), DT / TAU_W)] {
        let on = Departures { rate_over_tau_w, weight_decay: Some(TAU_W), ..NONE };
        let (w, _, _) = scene.one_step(&on, &all_rates());
        let (reference, _, _) = scene.one_step(&NONE, &all_rates());
        assert_change(
            &scene,
            &w,
            &reference,
            |_, _| true,
            |kind, layer| {
                let rule = scene.summed(kind, layer, |b| (Scene::cells(&scene.state, b), scene.traced(b)), LEAK_ONLY);
                let start = &scene.w.kind(kind)[layer - 1].data;
                let change = rule.iter().zip(start).map(|(r, w)| dt * eta(kind) * r / 3.0 - DT / TAU_W * w);
                plus(start, change)
            },
        );
    }
    // Synapses whose rule is off do not decay.
    let on = Departures { weight_decay: Some(TAU_W), ..NONE };
    let (w, _, _) = scene.one_step(&on, &rates(&network(), 0.0, ETA[1], 0.0, 0.0));
    each(|kind, layer| {
        let moved = w.kind(kind)[layer - 1] != scene.w.kind(kind)[layer - 1];
        assert_eq!(moved, matches!(kind, Kind::Wip | Kind::Bip), "{kind:?} {layer}");
    });
}

/// v_B,1 = W phi(r_in), and phi(r_in) is what the first layer's rule is multiplied with.
#[test]
fn activation_on_input_passes_the_input_through_phi() {
    let scene = Scene::new(3);
    let r0 = |b: usize| scene.traced(b).into_iter().map(phi).collect::<Vec<f64>>();
    let on = Departures { activation_on_input: true, ..NONE };
    let [(_, delta, state), (_, reference, before)] = scene.with_and_without(&on);
    scene.assert_stepped(&state, r0);
    assert_ne!(state.soma[0], before.soma[0]);
    let first = |kind: Kind, layer: usize| layer == 1 && matches!(kind, Kind::Wpp | Kind::Bpp);
    assert_change(&scene, &delta, &reference, first, |kind, layer| {
        let rule = scene.summed(kind, layer, |b| (Scene::cells(&scene.state, b), r0(b)), LEAK_ONLY);
        rule.iter().map(|r| DT / TAU_W * r / 3.0).collect()
    });
}

/// The somas step as ever; then the rules see rates and potentials of the new somas, and the pattern without its low-pass.
#[test]
fn late_rules_see_the_potentials_after_the_step_and_the_unfiltered_pattern() {
    let scene = Scene::new(3);
    let on = Departures { late_rules: true, ..NONE };
    let [(w, delta, state), (_, reference, _)] = scene.with_and_without(&on);
    scene.assert_stepped(&state, |b| scene.traced(b));
    assert_eq!(w, scene.w, "the low-pass stays: the old Delta was 0");
    assert_change(
        &scene,
        &delta,
        &reference,
        |_, _| true,
        |kind, layer| {
            let see = |b: usize| (scene.stepped(b, &scene.traced(b)), scene.pattern(b));
            let rule = scene.summed(kind, layer, see, LEAK_ONLY);
            rule.iter().map(|r| DT / TAU_W * r / 3.0).collect()
        },
    );
}

#[test]
fn divided_output_prediction_attenuates_the_output_like_a_hidden_cell() {
    let scene = Scene::new(3);
    let on = Departures { divided_output_prediction: true, ..NONE };
    let [(_, delta, state), (_, reference, _)] = scene.with_and_without(&on);
    scene.assert_stepped(&state, |b| scene.traced(b));
    let output = |kind: Kind, layer: usize| layer == 2 && matches!(kind, Kind::Wpp | Kind::Bpp);
    assert_change(&scene, &delta, &reference, output, |kind, layer| {
        let rule = scene.summed(kind, layer, |b| (Scene::cells(&scene.state, b), scene.traced(b)), DIVIDED);
        rule.iter().map(|r| DT / TAU_W * r / 3.0).collect()
    });
}

#[test]
fn summed_updates_are_not_divided_by_the_batch() {
    for samples in [1, 3] {
        let scene = Scene::new(samples);
        let on = Departures { summed_updates: true, ..NONE };
        let [(_, delta, _), (_, reference, _)] = scene.with_and_without(&on);
        assert_change(
            &scene,
            &delta,
            &reference,
            |_, _| samples > 1,
            |kind, layer| {
                let rule = scene.summed(kind, layer, |b| (Scene::cells(&scene.state, b), scene.traced(b)), LEAK_ONLY);
                rule.iter().map(|r| DT / TAU_W * r).collect()
            },
        );
    }
}

/// The thesis' step as a whole: dynamics with phi on the input, then dW = dt/tau_w eta sum of late rules.
#[test]
fn together_they_are_the_thesis_step() {
    let scene = Scene::new(3);
    let on = Departures {
        rate_over_tau_w: Some(TAU_W),
        weight_decay: None,
        activation_on_input: true,
        late_rules: true,
        divided_output_prediction: true,
        summed_updates: true,
        ..NONE
    };
    let (w, _, state) = scene.one_step(&on, &all_rates());
    let (reference, _, _) = scene.one_step(&NONE, &all_rates());
    let through = |x: Vec<f64>| x.into_iter().map(phi).collect::<Vec<f64>>();
    scene.assert_stepped(&state, |b| through(scene.traced(b)));
    assert_change(
        &scene,
        &w,
        &reference,
        |_, _| true,
        |kind, layer| {
            let see = |b: usize| (scene.stepped(b, &through(scene.traced(b))), through(scene.pattern(b)));
            let change = scene.summed(kind, layer, see, DIVIDED).into_iter().map(|r| DT / TAU_W * eta(kind) * r);
            plus(&scene.w.kind(kind)[layer - 1].data, change)
        },
    );
}

/// What adds departures up starts from the reference itself: the same bits.
#[test]
fn without_departures_it_is_the_reference_step() {
    let (scene, net, all) = (Scene::new(3), network(), all_rates());
    let noise = Source::Gaussian { seed: 4, jump: 0.01 };
    let timing = Timing { tau_target: Some(2.0), ..known::timing(1.0) };
    for tau_w in [None, Some(TAU_W)] {
        let c = Constants::new(&net, &timing, tau_w, Product::Plain);
        let run = |departing: bool| {
            let (mut w, mut delta, mut state) =
                (scene.w.clone(), Tensors::zeros(&net.sizes, true), scene.state.clone());
            let (mut p, mut room) = (Potentials::new(&net, 3), Room::new(&NONE, &net, 3));
            for n in 0..9 {
                let (x, target) = (&scene.x, Some(&scene.target[..]));
                let plastic = [Plastic::Off, Plastic::DeltaOnly, Plastic::On][n / 3];
                let learning = Learning::Own { rates: &all, plastic, delta: &mut delta };
                let (w, state, p) = (&mut w, &mut state, &mut p);
                match departing {
                    true => departures::step(&NONE, &mut room, &c, w, state, p, x, target, learning, &noise),
                    false => step(&c, w, state, p, x, target, learning, &noise),
                }
            }
            (w, delta, state, p)
        };
        assert_eq!(run(true), run(false), "{tau_w:?}");
    }
}

fn each_alone() -> [Departures; 10] {
    [
        NONE,
        Departures { rate_over_tau_w: Some(TAU_W), ..NONE },
        Departures { weight_decay: Some(TAU_W), ..NONE },
        Departures { activation_on_input: true, ..NONE },
        Departures { late_rules: true, ..NONE },
        Departures { divided_output_prediction: true, ..NONE },
        Departures { summed_updates: true, ..NONE },
        Departures { without_soma_lag: true, ..NONE },
        Departures { without_apical_error: true, ..NONE },
        Departures { without_teacher: true, ..NONE },
    ]
}

/// In a presentation of one step held weights and moving ones see the same: what is gathered is what is learned.
#[test]
fn what_a_presentation_would_teach_is_what_it_teaches() {
    let (scene, net, all) = (Scene::new(3), network(), all_rates());
    let shown = Shown { samples: 3, input: &scene.x, target: Some(&scene.target) };
    for on in each_alone() {
        for tau_w in [None, Some(TAU_W)] {
            let mut euler = Euler::new(&net, known::timing(0.1), tau_w, Source::Silent, 1e3, 3).departing(on);
            *euler.state_mut() = scene.state.clone();
            let held = euler.update(&scene.w, &shown, &all, Weights::Held).unwrap();
            let moving = euler.update(&scene.w, &shown, &all, Weights::Moving).unwrap();
            // V is a sum of numbers below 1; what it gained is a difference of two.
            assert_close(&flat(&moving), &flat(&held), 1e-15, &format!("{on:?} {tau_w:?}"));
            let mut w = scene.w.clone();
            euler.learn(&mut w, &shown, &all, &mut Outcome::new(&net, 3), &mut Nobody).unwrap();
            if tau_w.is_none() || on.replace_low_pass() {
                let gained: Vec<f64> = flat(&w).iter().zip(flat(&scene.w)).map(|(a, b)| a - b).collect();
                assert_close(&gained, &flat(&held), 1e-15, &format!("{on:?} learned"));
                assert!(euler.delta().pp.iter().all(|m| m.data.iter().all(|&d| d == 0.0)));
            }
        }
    }
}

/// Answers are those of the circuit that learned: only what acts on the input changes them.
#[test]
fn answers_pass_the_input_through_phi_too() {
    let (scene, net) = (Scene::new(3), network());
    let answer = |on: Departures| {
        let euler = Euler::new(&net, known::timing(20.0), Some(TAU_W), Source::Silent, 1e3, 1).departing(on);
        let mut output = vec![0.0; 6];
        euler.answer(&scene.w, &scene.x, 3, &mut output).unwrap();
        output
    };
    for on in each_alone() {
        assert_eq!(answer(on) != answer(NONE), on.activation_on_input, "{on:?}");
    }
}
