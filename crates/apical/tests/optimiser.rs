//! Each optimiser against its textbook, weight by weight, and what surrounds the rules: decay, clipping, frozen layers,
//! fixed synapses, resuming.

mod common;

use apical::circuit::params::Network;
use apical::circuit::{Attenuation, Kind, Tensors, known};
use apical::kernels::{Activation, Real};
use apical::learners::feed_forward::Function;
use apical::learners::loss::Loss;
use apical::learners::optimiser::{Optimiser, Rule, Spec};
use apical::learners::{self, AlgorithmSpec, Learner};
use apical::solvers::{Nobody, Outcome, Shown};
use common::{assert_close, flat, rates, uniform, weights};

const ADAM: Rule = Rule::Adam { beta1: 0.9, beta2: 0.99, epsilon: 1e-6, decoupled: false };
const ADAMW: Rule = Rule::Adam { beta1: 0.9, beta2: 0.99, epsilon: 1e-6, decoupled: true };
const RULES: [Rule; 4] = [Rule::Sgd, Rule::Momentum { momentum: 0.9 }, ADAM, ADAMW];

fn network() -> Network {
    Network { bias_rate: 0.5, activation: Activation::Tanh, ..known::network(&[3, 5, 4, 2]) }
}

fn spec(rule: Rule) -> Spec {
    Spec { rule, rate: vec![0.1, 0.03, 0.02], weight_decay: 0.0, clip: None, frozen: Vec::new() }
}

/// Directions of step n.
fn direction<T: Real>(net: &Network, n: u64) -> Tensors<T> {
    weights::<T>(net, 1.0, 500 + n).only(&[Kind::Wpp, Kind::Bpp, Kind::Wpb])
}

fn start<T: Real>(net: &Network) -> Tensors<T> {
    weights::<T>(net, 1.0, 400).only(&[Kind::Wpp, Kind::Bpp, Kind::Wpb])
}

fn run<T: Real>(net: &Network, spec: &Spec, steps: u64, factor: impl Fn(u64) -> f64) -> Tensors<T> {
    let mut w = start::<T>(net);
    let mut optimiser = Optimiser::new(spec, &w);
    for n in 1..=steps {
        optimiser.apply(&mut w, &mut direction(net, n), factor(n), |_| 1.0, n);
    }
    w
}

/// One weight through the textbook, with the gradient g = -direction: returns it after the last step.
fn textbook(rule: Rule, mut w: f64, directions: &[f64], rates: &[f64], decay: f64) -> f64 {
    let (mut m, mut v) = (0.0, 0.0);
    for (t, (direction, rate)) in directions.iter().zip(rates).enumerate() {
        let g = -direction;
        match rule {
            Rule::Sgd => w -= rate * (g + decay * w),
            Rule::Momentum { momentum } => {
                m = momentum * m + (g + decay * w);
                w -= rate * m;
            }
            Rule::Adam { beta1, beta2, epsilon, decoupled } => {
                let g = if decoupled { g } else { g + decay * w };
                if decoupled {
                    w -= rate * decay * w;
                }
                m = beta1 * m + (1.0 - beta1) * g;
                v = beta2 * v + (1.0 - beta2) * g * g;
                let m_hat = m / (1.0 - beta1.powi(t as i32 + 1));
                let v_hat = v / (1.0 - beta2.powi(t as i32 + 1));
                w -= rate * m_hat / (v_hat.sqrt() + epsilon);
            }
        }
    }
    w
}

#[test]
fn every_rule_follows_its_textbook() {
    let net = network();
    let steps = 7;
    for rule in RULES {
        for weight_decay in [0.0, 0.3] {
            let spec = Spec { weight_decay, ..spec(rule) };
            let factor = |n: u64| 1.0 / n as f64;
            let found = run::<f64>(&net, &spec, steps, factor);
            let before = start::<f64>(&net);
            let directions: Vec<Tensors<f64>> = (1..=steps).map(|n| direction(&net, n)).collect();
            for kind in [Kind::Wpp, Kind::Bpp, Kind::Wpb] {
                for k in 0..found.kind(kind).len() {
                    let rates: Vec<f64> = (1..=steps).map(|n| spec.rate[k] * factor(n)).collect();
                    let decay = if kind == Kind::Bpp { 0.0 } else { weight_decay };
                    let expected: Vec<f64> = (0..found.kind(kind)[k].data.len())
                        .map(|n| {
                            let list: Vec<f64> = directions.iter().map(|d| d.kind(kind)[k].data[n]).collect();
                            textbook(rule, before.kind(kind)[k].data[n], &list, &rates, decay)
                        })
                        .collect();
                    // Rounding of a few dozen operations on numbers of size 1.
                    assert_close(&found.kind(kind)[k].data, &expected, 1e-14, &format!("{rule:?} {kind:?} {k}"));
                }
            }
        }
    }
}

#[test]
fn an_update_longer_than_the_clip_keeps_its_direction_and_gets_that_length() {
    let net = network();
    let whole = direction::<f64>(&net, 1);
    let norm = flat(&whole).iter().map(|x| x * x).sum::<f64>().sqrt();
    for (clip, scale) in [(norm / 4.0, 0.25), (norm * 1.01, 1.0)] {
        let spec = Spec { clip: Some(clip), rate: vec![1.0; 3], ..spec(Rule::Sgd) };
        let moved: Vec<f64> = flat(&run::<f64>(&net, &spec, 1, |_| 1.0))
            .iter()
            .zip(flat(&start::<f64>(&net)))
            .map(|(a, b)| a - b)
            .collect();
        let expected: Vec<f64> = flat(&whole).iter().map(|x| x * scale).collect();
        assert_close(&moved, &expected, 1e-15, "clip");
    }
}

#[test]
fn frozen_layers_stand_still_and_do_not_count_for_the_clip() {
    let net = network();
    for rule in RULES {
        let spec = Spec { weight_decay: 0.1, clip: Some(1.0), frozen: vec![1, 3], ..spec(rule) };
        let (found, before) = (run::<f64>(&net, &spec, 3, |_| 1.0), start::<f64>(&net));
        for k in [0, 2] {
            assert_eq!((&found.pp[k], &found.bpp[k]), (&before.pp[k], &before.bpp[k]), "{rule:?}");
        }
        assert_ne!(found.pp[1], before.pp[1], "{rule:?}");
    }
    // With all forward layers but one frozen and no feedback, the clip is the length of that layer's change alone.
    let forward = |w: Tensors<f64>| w.only(&[Kind::Wpp]);
    let (mut w, mut update) = (forward(start(&net)), forward(direction(&net, 1)));
    let before = w.pp[1].clone();
    let spec = Spec { clip: Some(0.5), frozen: vec![1, 3], rate: vec![1.0; 3], ..spec(Rule::Sgd) };
    Optimiser::new(&spec, &w).apply(&mut w, &mut update, 1.0, |_| 1.0, 1);
    let length = w.pp[1].data.iter().zip(&before.data).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt();
    assert!((length - 0.5).abs() < 1e-14, "{length}");
}

fn function() -> Function {
    let net = network();
    let attenuation = Attenuation::from_conductances(&net.conductances);
    Function { net, attenuation, loss: Loss::CrossEntropy }
}

fn learner<T: Real>(algorithm: &AlgorithmSpec, optimiser: &Spec) -> Box<dyn Learner<T>> {
    let f = function();
    let w = weights::<T>(&f.net, 1.0, 400).only(algorithm.kinds());
    let spec = learners::Spec::Trained { algorithm: algorithm.clone(), optimiser: optimiser.clone(), bound: 1e3 };
    learners::build(&spec, &f, w, 4, 1)
}

fn present<T: Real>(learner: &mut dyn Learner<T>, batches: std::ops::Range<u64>) {
    for n in batches {
        let (x, t) = (uniform(4 * 3, 0.0, 1.0, 600 + n), uniform(4 * 2, -1.0, 1.0, 700 + n));
        let shown = Shown { samples: 4, input: &x, target: Some(&t) };
        learner.learn(&shown, &mut Outcome::for_output(4, 2), &mut Nobody).expect("nothing diverges");
    }
}

#[test]
fn weight_decay_leaves_fixed_feedback_alone() {
    for rule in RULES {
        let optimiser = Spec { weight_decay: 0.1, ..spec(rule) };
        let mut fa = learner::<f64>(&AlgorithmSpec::Fa, &optimiser);
        let before = fa.weights().clone();
        present(&mut *fa, 0..3);
        assert_eq!(fa.weights().pb, before.pb, "{rule:?}");
        assert!(fa.weights().pp.iter().zip(&before.pp).all(|(a, b)| a != b), "{rule:?}");
    }
}

fn resume<T: Real>() {
    for rule in RULES {
        for algorithm in [AlgorithmSpec::Bp, AlgorithmSpec::Fa] {
            let optimiser = Spec { weight_decay: 0.01, clip: Some(1.0), ..spec(rule) };
            let mut whole = learner::<T>(&algorithm, &optimiser);
            whole.set_rates(&rates(&network(), 0.0, 0.0, 0.0, 0.0), 0.5);
            present(&mut *whole, 0..6);

            let mut first = learner::<T>(&algorithm, &optimiser);
            first.set_rates(&rates(&network(), 0.0, 0.0, 0.0, 0.0), 0.5);
            present(&mut *first, 0..3);
            let saved = first.save();
            let mut second = learner::<T>(&algorithm, &optimiser);
            second.set_rates(&rates(&network(), 0.0, 0.0, 0.0, 0.0), 0.5);
            *second.weights_mut() = first.weights().clone();
            second.set_clock(first.clock());
            let mut find = |name: &str, n: usize| {
                saved.iter().find(|a| a.name == name && a.data.len() == n).map(|a| a.data.clone())
            };
            second.restore(&mut find).expect("everything was saved");
            present(&mut *second, 3..6);
            assert_eq!(second.weights(), whole.weights(), "{} {rule:?}", algorithm.name());
            assert_eq!((second.save(), second.clock()), (whole.save(), whole.clock()));

            let missing = learner::<T>(&algorithm, &optimiser).restore(&mut |_, _| None);
            assert_eq!(missing.is_err(), rule != Rule::Sgd, "{missing:?}");
        }
    }
}

#[test]
fn a_resumed_run_ends_with_the_bits_of_one_that_was_not_interrupted() {
    resume::<f32>();
    resume::<f64>();
}

#[test]
fn single_precision_follows_double() {
    for rule in RULES {
        let optimiser = Spec { weight_decay: 0.01, ..spec(rule) };
        let (mut single, mut double) =
            (learner::<f32>(&AlgorithmSpec::Bp, &optimiser), learner::<f64>(&AlgorithmSpec::Bp, &optimiser));
        present(&mut *single, 0..5);
        present(&mut *double, 0..5);
        let single: Vec<f64> = flat(single.weights()).iter().map(|w| f64::from(*w)).collect();
        // Five steps on weights of size 1, each rounded to 6e-8; Adam divides by small second moments.
        assert_close(&single, &flat(double.weights()), 2e-5, &format!("{rule:?}"));
    }
}
