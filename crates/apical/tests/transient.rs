//! The parts of hidden cells' errors after a switch of the pattern: what each is, that nothing is left over, and that each can be
//! taken away.

mod common;

use apical::circuit::departures::Departures;
use apical::circuit::noise::Source;
use apical::circuit::params::{Network, Timing};
use apical::circuit::step::{Constants, Learning, step};
use apical::circuit::transient::{Parts, Untaught};
use apical::circuit::{Attenuation, Potentials, State, Tensors, known, start};
use apical::kernels::Product;
use apical::solvers::euler::{Euler, switch};
use apical::solvers::{Nobody, Outcome, Shown, Solver};
use common::{flat, rates, uniform, weights};

const LAMBDA_A: f64 = 0.8 / 1.9;
const DIVIDED: f64 = 1.0 / 1.9;

fn phi(u: f64) -> f64 {
    1.0 / (1.0 + (-u).exp())
}

fn network() -> Network {
    Network { bias_rate: 0.5, ..known::network(&[3, 5, 4, 2]) }
}

fn constants(net: &Network, timing: &Timing) -> Constants<f64> {
    Constants::new(net, timing, None, Product::Plain)
}

fn anywhere(net: &Network, samples: usize) -> State<f64> {
    let mut state = State::rest(net, samples);
    for (n, (_, values)) in state.named_mut().into_iter().enumerate() {
        values.copy_from_slice(&uniform(values.len(), -1.0, 1.0, 50 + n as u64));
    }
    state
}

/// All parts of all hidden layers, and the potentials they are of, at each of `steps` steps.
fn followed(noise: &Source, target: Option<&[f64]>, steps: usize) -> Vec<(Potentials<f64>, Vec<Parts<f64>>)> {
    let net = network();
    let timing = Timing { tau_target: Some(2.0), ..known::timing(10.0) };
    let (c, mut w, x) = (constants(&net, &timing), weights(&net, 1.0, 3), uniform(6, -1.0, 1.0, 70));
    let (mut state, mut p, mut untaught) = (anywhere(&net, 2), Potentials::new(&net, 2), Untaught::new(&net, 2));
    untaught.begin(&state);
    let mut all = Vec::new();
    for _ in 0..steps {
        step(&c, &mut w, &mut state, &mut p, &x, target, Learning::None, noise);
        untaught.see(&c, &w, &state.trace_input);
        all.push((p.clone(), (0..2).map(|k| untaught.parts(&c, &p, k).clone()).collect()));
        untaught.advance(&c, noise);
    }
    all
}

#[test]
fn the_parts_are_the_whole_error() {
    let target = uniform(4, -1.0, 1.0, 71);
    for (p, parts) in followed(&Source::Gaussian { seed: 4, jump: 0.01 }, Some(&target), 50) {
        for (k, parts) in parts.iter().enumerate() {
            for i in 0..p.basal[k].len() {
                let sum = parts.soma_lag[i] + parts.apical_error[i] + parts.teacher[i];
                let error = p.rate[k][i] - phi(DIVIDED * p.basal[k][i]);
                // Five roundings of numbers below 1.
                assert!((sum - error).abs() < 1e-15, "{sum} and {error}");
                let lag = p.rate[k][i] - phi(DIVIDED * p.basal[k][i] + LAMBDA_A * p.apical[k][i]);
                assert!((parts.soma_lag[i] - lag).abs() < 1e-15, "{} and {lag}", parts.soma_lag[i]);
            }
        }
    }
}

#[test]
fn without_a_target_there_is_no_teacher() {
    for (_, parts) in followed(&Source::Gaussian { seed: 4, jump: 0.01 }, None, 50) {
        assert!(parts.iter().flat_map(|p| &p.teacher).all(|&e| e == 0.0));
    }
}

#[test]
fn the_teacher_comes_down_from_the_output() {
    let target = uniform(4, -1.0, 1.0, 71);
    let all = followed(&Source::Silent, Some(&target), 4);
    let taught = |n: usize, k: usize| all[n].1[k].teacher.iter().any(|&e| e != 0.0);
    // A step for the output's soma, then at once in the apical dendrites below it, as rates are of the present; one more down.
    assert_eq!([0, 1, 2, 3].map(|n| taught(n, 1)), [false, true, true, true]);
    assert_eq!([0, 1, 2, 3].map(|n| taught(n, 0)), [false, false, true, true]);
}

/// In the self-predicting state the teacher is what is left once all has settled; right after the switch the soma's lag is more.
#[test]
fn once_settled_only_the_teacher_is_left() {
    let net = known::network(&[3, 5, 2]);
    let timing = known::timing(200.0);
    let c = constants(&net, &timing);
    let att = Attenuation::from_conductances(&net.conductances);
    let w: Tensors<f64> = start::draw(&net, &att, &known::self_predicting(), 1);
    let (patterns, targets) = (uniform(12, 0.0, 1.0, 1), uniform(8, -1.0, 1.0, 2));
    let shown = || patterns.chunks(3).zip(targets.chunks(2)).map(|(x, t)| (x, Some(t)));
    let found = switch::follow(&c, &timing, &w, shown(), 1e3).unwrap();
    let layer = &found.layers[0];
    assert_eq!(found.ms.len(), layer.teacher.len());
    let (first, last) = (2, found.ms.len() - 1);
    assert!(layer.soma_lag[first] > layer.teacher[first], "{} {}", layer.soma_lag[first], layer.teacher[first]);
    // The slowest time constant is 3 ms (the input's), and e^(-199/3) is 1e-29: rounding is what is left.
    assert!(layer.soma_lag[last] < 1e-14 && layer.apical_error[last] < 1e-14, "{layer:?}");
    assert!(layer.teacher[last] > 1e-3, "{}", layer.teacher[last]);
    // Two presentations: one counts. The first does not.
    let one = switch::follow(&c, &timing, &w, shown().take(1), 1e3).unwrap();
    assert!(one.layers[0].teacher.iter().all(|&e| e == 0.0));
}

#[test]
fn each_part_can_be_taken_away() {
    let net = network();
    let timing = Timing { lag: 0.0, ..known::timing(1.0) };
    let all = rates(&net, 0.3, 0.7, 0.4, 0.6);
    let (x, target) = (uniform::<f64>(6, -1.0, 1.0, 70), uniform::<f64>(4, -1.0, 1.0, 71));
    let shown = Shown { samples: 2, input: &x, target: Some(&target) };
    let before: Tensors<f64> = weights(&net, 1.0, 3);
    // The sum of the rules along the way, weights held: the course of the potentials is the same for all.
    let gathered = |on: Departures| {
        let mut euler = Euler::new(&net, timing, None, Source::Silent, 1e3, 2).departing(on);
        *euler.state_mut() = anywhere(&net, 2);
        let mut update = Tensors::zeros(&net.sizes, true);
        let mut outcome = Outcome::new(&net, 2);
        euler.gather(&before, &shown, &all, &mut update, &mut outcome, &mut Nobody).unwrap();
        update
    };
    let none = Departures::default();
    let whole = gathered(none);
    let less = [
        Departures { without_soma_lag: true, ..none },
        Departures { without_apical_error: true, ..none },
        Departures { without_teacher: true, ..none },
    ]
    .map(gathered);
    let nothing =
        gathered(Departures { without_soma_lag: true, without_apical_error: true, without_teacher: true, ..none });
    for k in 0..2 {
        let part = |n: usize, i: usize| whole.pp[k].data[i] - less[n].pp[k].data[i];
        for i in 0..whole.pp[k].data.len() {
            let sum = part(0, i) + part(1, i) + part(2, i);
            // Sums of some 20 terms below 1, four times.
            assert!((sum - whole.pp[k].data[i]).abs() < 1e-13, "{sum} and {}", whole.pp[k].data[i]);
            assert!(nothing.pp[k].data[i].abs() < 1e-13);
        }
        for n in 0..3 {
            assert!((0..whole.pp[k].data.len()).any(|i| part(n, i).abs() > 1e-6), "part {n} of layer {k} is something");
        }
    }
    // Neither the output nor any other synapse is touched.
    for other in less.iter().chain([&nothing]) {
        let mut same = other.clone();
        (0..2).for_each(|k| {
            same.pp[k] = whole.pp[k].clone();
            same.bpp[k] = whole.bpp[k].clone();
        });
        assert_eq!(flat(&same), flat(&whole));
    }
}
