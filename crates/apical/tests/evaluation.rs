//! Evaluation: the same bits for any number of threads, and no trace in the learner.

mod common;

use apical::circuit::noise::Source;
use apical::circuit::params::{Network, Timing};
use apical::circuit::{Attenuation, known};
use apical::evaluate::{answers, evaluate};
use apical::kernels::Real;
use apical::learners::feed_forward::Function;
use apical::learners::loss::Loss;
use apical::learners::microcircuit::Microcircuit;
use apical::learners::optimiser::{self, Rule};
use apical::learners::{self, AlgorithmSpec, Learner, dfa};
use apical::solvers::euler::Choice;
use apical::solvers::{NoFixedPoint, Nobody, Outcome, Shown, Spec, build};
use apical::tasks::{Coding, Samples, Storage, Targets};
use common::{rates, uniform, weights};

fn network() -> Network {
    Network { bias_rate: 0.5, ..known::network(&[7, 9, 4]) }
}

fn specs(net: &Network) -> [Spec; 3] {
    let timing = Timing { window: 2.0, ..known::timing(10.0) };
    let noise = Source::Gaussian { seed: 1, jump: 0.01 };
    let on_no_fixed_point = NoFixedPoint::Fail;
    [
        Spec::Euler { timing, tau_w: Some(30.0), noise, bound: 1e3, way: Choice::Auto },
        Spec::Steady { tolerance: 1e-6, max_sweeps: 1000, on_no_fixed_point, bound: 1e3 },
        Spec::TwoStep { attenuation: Attenuation::from_conductances(&net.conductances), blur: 0.0, bound: 1e3 },
    ]
}

/// More than three chunks of a hundred, the last one not full.
fn samples() -> Samples {
    let rows = 337;
    let labels = (0..rows as u32).map(|row| row * 7 % 4).collect();
    Samples {
        inputs: 7,
        outputs: 4,
        x: Storage::Floats(uniform(rows * 7, 0.0, 1.0, 5)),
        y: Targets::Classes { labels, coding: Coding { low: -0.5, high: 0.5 } },
    }
}

fn learner<T: Real>(net: &Network, spec: &Spec) -> Microcircuit<T> {
    let mut learner = Microcircuit::new(weights(net, 1.0, 1), rates(net, 0.1, 0.1, 0.1, 0.1), build(spec, net, 1));
    present(net, &mut learner, 0);
    learner
}

fn present<T: Real>(net: &Network, learner: &mut Microcircuit<T>, n: u64) {
    let (x, t) = (uniform(7, 0.0, 1.0, 100 + n), uniform(4, -1.0, 1.0, 200 + n));
    let shown = Shown { samples: 1, input: &x, target: Some(&t) };
    learner.learn(&shown, &mut Outcome::new(net, 1), &mut Nobody).expect("it settles");
}

/// Learners that an optimiser trains, after a batch of 3.
fn trained<T: Real>(net: &Network) -> Vec<Box<dyn Learner<T>>> {
    let dfa = AlgorithmSpec::Dfa(dfa::Options { feedback: 0.5 });
    let attenuation = Attenuation::from_conductances(&net.conductances);
    let f = Function { net: net.clone(), attenuation, loss: Loss::CrossEntropy };
    let rule = Rule::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decoupled: true };
    let optimiser = optimiser::Spec { rule, rate: vec![0.1; 2], weight_decay: 0.01, clip: None, frozen: Vec::new() };
    let build = |algorithm: AlgorithmSpec| {
        let w = weights(net, 1.0, 1).only(algorithm.kinds());
        let spec = learners::Spec::Trained { algorithm, optimiser: optimiser.clone(), bound: 1e3 };
        let mut learner = learners::build(&spec, &f, w, 3, 1);
        let (x, t) = (uniform(3 * 7, 0.0, 1.0, 100), uniform(3 * 4, -1.0, 1.0, 200));
        let shown = Shown { samples: 3, input: &x, target: Some(&t) };
        learner.learn(&shown, &mut Outcome::for_output(3, 4), &mut Nobody).expect("nothing diverges");
        learner
    };
    [AlgorithmSpec::Bp, AlgorithmSpec::Fa, dfa, AlgorithmSpec::SignSymmetric].map(build).into()
}

fn threads_do_not_matter<T: Real>() {
    let (net, samples) = (network(), samples());
    let circuits = specs(&net).into_iter().map(|spec| Box::new(learner::<T>(&net, &spec)) as Box<dyn Learner<T>>);
    for learner in circuits.chain(trained(&net)) {
        for sequence in [false, true] {
            let results = [1, 2, 3, 7].map(|threads| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
                let output = answers(&*learner, &samples, sequence, &pool).expect("it settles");
                let measures = evaluate(&*learner, &samples, sequence, net.activation, Loss::Potentials, &pool);
                (output, measures.expect("it settles"))
            });
            let ((output, unsettled), measures) = &results[0];
            assert_eq!((output.len(), *unsettled), (337 * 4, 0));
            assert!(measures.loss.is_some_and(|l| l > 0.0) && measures.error.is_some_and(|e| e > 0.0 && e < 1.0));
            for other in &results[1..] {
                assert_eq!(other, &results[0], "{}, sequence {sequence}", learner.name());
            }
        }
    }
}

/// Learning itself: taught inside pools of several sizes, the weights are the same.
#[test]
fn learners_taught_in_any_pool_have_the_same_weights() {
    let net = network();
    let taught = [1, 3].map(|threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| trained::<f32>(&net).iter().map(|l| l.weights().clone()).collect::<Vec<_>>())
    });
    assert_eq!(taught[0], taught[1]);
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    threads_do_not_matter::<f32>();
    threads_do_not_matter::<f64>();
}

#[test]
fn evaluation_leaves_no_trace_in_the_learner() {
    let (net, samples) = (network(), samples());
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("threads");
    for spec in specs(&net) {
        let (mut watched, mut left) = (learner::<f64>(&net, &spec), learner::<f64>(&net, &spec));
        for n in 1..4 {
            for sequence in [false, true] {
                evaluate(&watched, &samples, sequence, net.activation, Loss::Rates, &pool).expect("it settles");
            }
            present(&net, &mut watched, n);
            present(&net, &mut left, n);
        }
        assert_eq!(watched.weights(), left.weights(), "{spec:?}");
        assert_eq!((watched.save(), watched.clock()), (left.save(), left.clock()), "{spec:?}");
    }
}

/// Loss and error of answers that are known: each sample is compared with its own target.
#[test]
fn loss_and_error_follow_their_definitions() {
    let (net, samples) = (network(), samples());
    let learner = learner::<f64>(&net, &specs(&net)[2]);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    let (output, _) = answers(&learner, &samples, false, &pool).expect("it settles");
    let (mut loss, mut wrong) = (0.0, 0.0);
    for (row, u) in output.chunks(4).enumerate() {
        let label = row * 7 % 4;
        for (i, u) in u.iter().enumerate() {
            let t = if i == label { 0.5 } else { -0.5 };
            loss += (u - t) * (u - t) / 337.0;
        }
        let larger = u.iter().filter(|&&other| other > u[label]).count();
        wrong += if larger > 0 { 1.0 / 337.0 } else { 0.0 };
    }
    let found = evaluate(&learner, &samples, false, net.activation, Loss::Potentials, &pool).expect("it settles");
    // A mean of 1348 terms of size 1.
    assert!((found.loss.expect("there are targets") - loss).abs() < 1e-12);
    assert!((found.error.expect("there are classes") - wrong).abs() < 1e-12);
}
