//! Imperfect synapses: what is asked for holds at every moment of learning, and nothing else changes.

mod common;

use apical::circuit::departures::Departures;
use apical::circuit::imperfect::{Imperfections, Signs, Synapses};
use apical::circuit::noise::Source;
use apical::circuit::params::Network;
use apical::circuit::{Attenuation, Kind, Tensors, known, start};
use apical::learners::Learner;
use apical::learners::microcircuit::Microcircuit;
use apical::solvers::euler::Euler;
use apical::solvers::two_step::TwoStep;
use apical::solvers::{Nobody, Outcome, Shown, Solver, Weights};
use common::{flat, rates, uniform};

const SIZES: [usize; 4] = [12, 30, 20, 10];
const SEED: u64 = 5;

fn network() -> Network {
    Network { bias_rate: 0.5, ..known::network(&SIZES) }
}

fn attenuation(net: &Network) -> Attenuation {
    Attenuation::from_conductances(&net.conductances)
}

fn two_step(net: &Network) -> TwoStep<f64> {
    TwoStep::new(net, attenuation(net), 1e3, 4)
}

/// Start weights with imperfections, in the self-predicting state but for these.
fn started(on: Imperfections) -> (Synapses<f64>, Tensors<f64>) {
    let net = network();
    let mut w: Tensors<f64> = start::draw(&net, &attenuation(&net), &known::self_predicting(), SEED);
    let synapses = Synapses::new(on, &w, SEED);
    synapses.start(&mut w);
    (synapses, w)
}

/// The weights at the start and after each of some presentations in which all learns.
fn learned(on: Imperfections) -> Vec<Tensors<f64>> {
    let net = network();
    let (synapses, w) = started(on);
    let mut all = vec![w.clone()];
    let mut circuit =
        Microcircuit::new(w, rates(&net, 0.3, 0.3, 0.1, 0.1), Box::new(two_step(&net))).imperfect(synapses);
    let mut outcome = Outcome::new(&net, 4);
    for n in 0..20 {
        let (x, target) = (uniform(48, -1.0, 1.0, n), uniform(40, -1.0, 1.0, 100 + n));
        let shown = Shown { samples: 4, input: &x, target: Some(&target) };
        circuit.learn(&shown, &mut outcome, &mut Nobody).unwrap();
        all.push(circuit.weights().clone());
    }
    all
}

fn none() -> Imperfections {
    Imperfections::default()
}

#[test]
fn without_any_nothing_is_touched() {
    let net = network();
    let plain: Tensors<f64> = start::draw(&net, &attenuation(&net), &known::self_predicting(), SEED);
    assert_eq!(started(none()).1, plain);
    let (mut w, mut synapses) = (plain.clone(), Synapses::new(none(), &plain, SEED));
    synapses.before(&mut w, 3);
    synapses.after(&mut w, 3);
    assert_eq!(w, plain);
}

#[test]
fn absent_synapses_stay_absent() {
    let all = learned(Imperfections { missing_synapses: 0.3, ..none() });
    for kind in [Kind::Wpp, Kind::Wpb, Kind::Wip, Kind::Wpi] {
        let zeros = |w: &Tensors<f64>| w.kind(kind).iter().flat_map(|m| &m.data).map(|w| *w == 0.0).collect::<Vec<_>>();
        let absent = zeros(&all[0]);
        let share = absent.iter().filter(|a| **a).count() as f64 / absent.len() as f64;
        // Of at least 800 synapses: four standard deviations of a share of 0.3.
        assert!((share - 0.3).abs() < 4.0 * (0.21f64 / 800.0).sqrt(), "{kind:?}: {share}");
        assert!(all.iter().all(|w| zeros(w) == absent), "{kind:?}");
    }
    assert!(all[20].bpp.iter().flat_map(|m| &m.data).all(|b| *b != 0.0), "biases stay");
    assert_ne!(flat(&all[0]), flat(&all[20]), "the others learn");
}

#[test]
fn fewer_interneurons_reach_the_apical_dendrites() {
    let all = learned(Imperfections { missing_interneurons: 0.5, ..none() });
    let silent = |w: &Tensors<f64>, k: usize| -> Vec<bool> {
        let m = &w.pi[k];
        (0..m.cols).map(|j| (0..m.rows).all(|i| m.data[i * m.cols + j] == 0.0)).collect()
    };
    let missing: Vec<bool> = (0..2).flat_map(|k| silent(&all[0], k)).collect();
    // Of 30 with a chance of a half: four standard deviations.
    let count = missing.iter().filter(|m| **m).count();
    assert!((5..=25).contains(&count), "{count}");
    assert!(all.iter().all(|w| (0..2).flat_map(|k| silent(w, k)).collect::<Vec<_>>() == missing));
    let plain = learned(none());
    assert_eq!(all[0].ip, plain[0].ip, "what comes to them stays");
    let partly = all[0].pi[0].data.iter().zip(&plain[0].pi[0].data).filter(|(a, b)| **a != 0.0 && a != b).count();
    assert_eq!(partly, 0, "the others are whole");
}

/// The sign of every column of a matrix; panics if one has both.
fn signs(rows: usize, cols: usize, data: &[f64]) -> Vec<Option<bool>> {
    (0..cols)
        .map(|j| {
            let column: Vec<f64> = (0..rows).map(|i| data[i * cols + j]).filter(|w| *w != 0.0).collect();
            assert!(column.iter().all(|w| *w > 0.0) || column.iter().all(|w| *w < 0.0), "column {j}: {column:?}");
            column.first().map(|w| *w > 0.0)
        })
        .collect()
}

#[test]
fn a_cell_has_one_sign_and_its_interneuron_the_other() {
    for all in [Signs::PerCell, Signs::Cortical].map(|signs| learned(Imperfections { signs, ..none() })) {
        for w in &all {
            for k in 0..2 {
                let of = |m: &apical::kernels::Mat<f64>| signs(m.rows, m.cols, &m.data);
                let agree = |a: &[Option<bool>], b: &[Option<bool>], same: bool| {
                    a.iter().zip(b).all(|(a, b)| a.zip(*b).is_none_or(|(a, b)| (a == b) == same))
                };
                // Cells of layer k + 1 go up and to their interneurons; those above come down, and their interneurons cancel them.
                assert!(agree(&of(&w.pp[k + 1]), &of(&w.ip[k]), true));
                assert!(agree(&of(&w.pb[k]), &of(&w.pi[k]), false));
            }
            let above = signs(w.pb[0].rows, w.pb[0].cols, &w.pb[0].data);
            let same = signs(w.pp[2].rows, w.pp[2].cols, &w.pp[2].data);
            assert!(above.iter().zip(&same).all(|(a, b)| a.zip(*b).is_none_or(|(a, b)| a == b)), "one cell, one sign");
        }
        assert_ne!(flat(&all[0]), flat(&all[20]), "within the signs they learn");
    }
    let cortical = &learned(Imperfections { signs: Signs::Cortical, ..none() })[20];
    assert!([&cortical.pp, &cortical.pb, &cortical.ip].into_iter().flatten().flat_map(|m| &m.data).all(|w| *w >= 0.0));
    assert!(cortical.pi.iter().flat_map(|m| &m.data).all(|w| *w <= 0.0));
    let mixed = &learned(Imperfections { signs: Signs::PerCell, ..none() })[0];
    let of_input = signs(mixed.pp[1].rows, mixed.pp[1].cols, &mixed.pp[1].data);
    assert!(of_input.contains(&Some(true)) && of_input.contains(&Some(false)), "both are drawn");
}

/// Signs take the self-predicting state nothing: without a target the apical potential is 0.
#[test]
fn signs_leave_self_prediction() {
    let net = network();
    let (_, w) = started(Imperfections { signs: Signs::PerCell, ..none() });
    let (mut solver, x) = (two_step(&net), uniform(48, -1.0, 1.0, 9));
    let shown = Shown { samples: 4, input: &x, target: None };
    let mut outcome = Outcome::new(&net, 4);
    let mut update = Tensors::zeros(&SIZES, true);
    solver.gather(&w, &shown, &rates(&net, 1.0, 1.0, 1.0, 0.0), &mut update, &mut outcome, &mut Nobody).unwrap();
    // Sums of some 20 products of numbers around 1.
    assert!(flat(&update).iter().all(|u| u.abs() < 1e-12), "nothing is to be learned");
}

#[test]
fn the_share_that_is_not_predicted_is_of_the_same_size() {
    let plain = started(none()).1;
    for (p, near) in [(0.5, true), (1.0, false)] {
        let w = started(Imperfections { unpredicted: p, ..none() }).1;
        assert_eq!((&w.pp, &w.pb, &w.bpp), (&plain.pp, &plain.pb, &plain.bpp));
        for (a, b) in w.ip.iter().chain(&w.pi).zip(plain.ip.iter().chain(&plain.pi)) {
            let dot: f64 = a.data.iter().zip(&b.data).map(|(a, b)| a * b).sum();
            let cosine = dot / (a.norm() * b.norm());
            // Half and half of two independent vectors of one size: 45 degrees. The standard deviation of a cosine is 1/sqrt(200).
            let expected = if near { 0.5f64.sqrt() } else { 0.0 };
            assert!((cosine - expected).abs() < 0.28, "{p}: {cosine}");
            let size = a.norm() / b.norm();
            let expected = if near { 0.5f64.sqrt() } else { 1.0 };
            assert!((size - expected).abs() < 0.25, "{p}: {size}");
        }
    }
}

#[test]
fn noise_of_weights_leaves_what_was_taught() {
    let net = network();
    let still = rates(&net, 0.0, 0.0, 0.0, 0.0);
    let (synapses, w) = started(Imperfections { weight_noise: 0.2, ..none() });
    let (x, target) = (uniform(48, -1.0, 1.0, 1), uniform(40, -1.0, 1.0, 2));
    let shown = Shown { samples: 4, input: &x, target: Some(&target) };
    let mut outcome = Outcome::new(&net, 4);
    let mut circuit = Microcircuit::new(w.clone(), still, Box::new(two_step(&net))).imperfect(synapses.clone());
    circuit.learn(&shown, &mut outcome, &mut Nobody).unwrap();
    assert_eq!(circuit.weights(), &w, "what teaches nothing changes nothing");
    let first = outcome.output.clone();
    circuit.learn(&shown, &mut outcome, &mut Nobody).unwrap();
    assert_ne!(outcome.output, first, "noise is new each time");
    // sigma of the noise, from weights of which none is near 0: relative differences.
    let (mut noisy, mut synapses) = (w.clone(), synapses);
    synapses.before(&mut noisy, 0);
    let pairs = flat(&noisy).into_iter().zip(flat(&w)).filter(|(_, w)| *w != 0.0);
    let relative: Vec<f64> = pairs.map(|(a, b)| a / b - 1.0).collect();
    let sd = (relative.iter().map(|r| r * r).sum::<f64>() / relative.len() as f64).sqrt();
    // Of some 3000: four standard deviations of a standard deviation.
    assert!((sd / 0.2 - 1.0).abs() < 4.0 / 6000f64.sqrt(), "{sd}");
}

#[test]
fn weights_are_multiples_of_the_step_and_their_mean_stays() {
    let step = 0.05;
    for w in learned(Imperfections { weight_step: step, ..none() }) {
        // A multiple divided by the step: one rounding of a number below 100.
        assert!(flat(&w).iter().all(|w| (w / step - (w / step).round()).abs() < 1e-12));
    }
    let mut w = started(none()).1;
    w.named_mut().for_each(|(_, m)| m.data.fill(0.3 * step));
    let n = flat(&w).len() as f64;
    Synapses::new(Imperfections { weight_step: step, ..none() }, &w, SEED).start(&mut w);
    let mean = flat(&w).iter().sum::<f64>() / n / step;
    // Four standard deviations of a share of 0.3.
    assert!((mean - 0.3).abs() < 4.0 * (0.21 / n).sqrt(), "{mean}");
}

#[test]
fn an_update_leaves_absent_synapses_out() {
    let net = network();
    let (synapses, w) = started(Imperfections { missing_synapses: 0.5, ..none() });
    let circuit =
        Microcircuit::new(w.clone(), rates(&net, 0.3, 0.3, 0.1, 0.1), Box::new(two_step(&net))).imperfect(synapses);
    let (x, target) = (uniform(48, -1.0, 1.0, 1), uniform(40, -1.0, 1.0, 2));
    let update = circuit.update(&Shown { samples: 4, input: &x, target: Some(&target) }, Weights::Held).unwrap();
    let pairs = update.pp.iter().zip(&w.pp).flat_map(|(u, w)| u.data.iter().zip(&w.data));
    assert!(pairs.clone().all(|(u, w)| (*u == 0.0) == (*w == 0.0)));
}

/// A blurred teacher: (1 - b) u_j + b mean(u), in the steady state of both solvers' interneurons.
#[test]
fn interneurons_are_taught_by_a_mixture() {
    let net = network();
    let (w, still) = (started(none()).1, rates(&net, 0.0, 1.0, 0.0, 0.0));
    let (x, target) = (uniform(12, -1.0, 1.0, 1), uniform(10, -1.0, 1.0, 2));
    let shown = Shown { samples: 1, input: &x, target: Some(&target) };
    let blur = 0.4;
    let lambda = net.conductances.mixing().interneuron;
    let expected = |inter: &[f64], above: &[f64]| -> Vec<f64> {
        // From the interneurons without blur, what their teachers lose and get.
        let mean = above.iter().sum::<f64>() / above.len() as f64;
        inter.iter().zip(above).map(|(u, a)| u + lambda * blur * (mean - a)).collect()
    };
    struct Seen(Vec<f64>, Vec<f64>);
    impl apical::solvers::Observer<f64> for Seen {
        fn after_step(&mut self, view: &apical::solvers::View<'_, f64>) {
            (self.0, self.1) = (view.state.inter[1].clone(), view.state.soma[2].clone());
        }
    }
    let seen = |solver: &mut dyn Solver<f64>| {
        let (mut seen, mut outcome) = (Seen(Vec::new(), Vec::new()), Outcome::new(&net, 1));
        let mut update = Tensors::zeros(&SIZES, true);
        solver.gather(&w, &shown, &still, &mut update, &mut outcome, &mut seen).unwrap();
        seen
    };
    let steps = |share| TwoStep::new(&net, attenuation(&net), 1e3, 1).blurred(share);
    let (plain, blurred) = (seen(&mut steps(0.0)), seen(&mut steps(blur)));
    common::assert_close(&blurred.0, &expected(&plain.0, &plain.1), 1e-14, "two-step");
    // The top layer's interneurons have no part in the output, so the dynamics settle at the same mixture.
    let euler = |share| {
        Euler::new(&net, known::timing(400.0), None, Source::Silent, 1e3, 1).departing(Departures {
            blurred_nudging: share,
            late_rules: false,
            ..Departures::default()
        })
    };
    let mut reference = Euler::new(&net, known::timing(400.0), None, Source::Silent, 1e3, 1);
    let blurred = seen(&mut euler(blur));
    // Without the hidden layer's part in it they would be equal to rounding: the layer below is nudged by what these say.
    let settled = seen(&mut reference);
    let shift: Vec<f64> = blurred.0.iter().zip(&settled.0).map(|(a, b)| a - b).collect();
    let mean = settled.1.iter().sum::<f64>() / settled.1.len() as f64;
    let direct: Vec<f64> = settled.1.iter().map(|a| lambda * blur * (mean - a)).collect();
    let dot: f64 = shift.iter().zip(&direct).map(|(a, b)| a * b).sum();
    let norm = |v: &[f64]| v.iter().map(|x| x * x).sum::<f64>().sqrt();
    assert!(dot / (norm(&shift) * norm(&direct)) > 0.95, "{shift:?} {direct:?}");
}
