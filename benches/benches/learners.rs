//! `learn` of every learner, one batch: on the digits' net and on the predictive-coding field's net for MNIST.

use apical::circuit::imperfect::Imperfections;
use apical::circuit::params::{Conductances, Network, Nudging, Rates};
use apical::circuit::start::{Start, Starts, draw};
use apical::circuit::{Attenuation, Tensors};
use apical::kernels::Activation;
use apical::kernels::rng::{Draws, Stream};
use apical::learners::feed_forward::Function;
use apical::learners::loss::Loss;
use apical::learners::optimiser::{self, Rule};
use apical::learners::{self, AlgorithmSpec, Spec, dfa, dtp, ep, pc};
use apical::solvers::{self, Nobody, Outcome, Shown};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::time::Duration;

const BOUND: f64 = 1e30;

fn learn(c: &mut Criterion) {
    for (sizes, batch) in [(&[64, 32, 10][..], 10), (&[784, 128, 128, 128, 10], 128)] {
        let f = function(sizes);
        let mut draws = Draws::new(1, Stream::Probe, 0);
        let mut random = |n: usize| (0..n).map(|_| draws.uniform(0.0, 1.0) as f32).collect::<Vec<f32>>();
        let (input, target) = (random(batch * sizes[0]), random(batch * sizes[f.depth()]));
        let shown = Shown { samples: batch, input: &input, target: Some(&target) };
        let names: Vec<String> = sizes.iter().map(ToString::to_string).collect();
        let mut group = c.benchmark_group(format!("learners/{}", names.join("-")));
        group.throughput(Throughput::Elements(batch as u64));
        for (name, spec) in specs(&f) {
            let weights = start(&f, &spec);
            let mut learner = learners::build(&spec, &f, weights, batch, 1);
            let mut outcome = match spec {
                Spec::Microcircuit { .. } => Outcome::new(&f.net, batch),
                Spec::Trained { .. } => Outcome::for_output(batch, sizes[f.depth()]),
            };
            group.bench_function(BenchmarkId::new(name, batch), |b| {
                b.iter(|| learner.learn(&shown, &mut outcome, &mut Nobody).expect("rates are small"));
            });
        }
        group.finish();
    }
}

fn function(sizes: &[usize]) -> Function {
    let conductances = Conductances::default();
    let net = Network {
        sizes: sizes.to_vec(),
        activation: Activation::Logistic,
        bias_rate: 1.0,
        conductances,
        nudging: Nudging::Current,
    };
    Function { net, attenuation: Attenuation::none(conductances.mixing()), loss: Loss::Potentials }
}

/// Weights of the synapses that the learner has.
fn start(f: &Function, spec: &Spec) -> Tensors<f32> {
    let [pp, bpp, pb] = [Start::FanIn, Start::FanIn, Start::FanIn];
    let inter = || Start::SelfPredicting;
    let starts = Starts { pp, bpp, pb, ip: inter(), bip: inter(), pi: inter() };
    let weights = draw(&f.net, &f.attenuation, &starts, 1);
    match spec {
        Spec::Microcircuit { .. } => weights,
        Spec::Trained { algorithm, .. } => weights.only(algorithm.kinds()),
    }
}

fn specs(f: &Function) -> Vec<(&'static str, Spec)> {
    let hidden = f.depth() - 1;
    let circuit = Spec::Microcircuit {
        solver: Box::new(solvers::Spec::TwoStep { attenuation: f.attenuation, blur: 0.0, bound: BOUND }),
        rates: Rates {
            pp: vec![1e-5; f.depth()],
            ip: vec![1e-5; hidden],
            pi: vec![0.0; hidden],
            pb: vec![0.0; hidden],
        },
        optimiser: None,
        imperfections: Imperfections::default(),
    };
    let trained = |algorithm: AlgorithmSpec| {
        let rule = Rule::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decoupled: true };
        let rate = vec![1e-6; f.depth()];
        let optimiser = optimiser::Spec { rule, rate, weight_decay: 0.0, clip: None, frozen: Vec::new() };
        (algorithm.name(), Spec::Trained { algorithm, optimiser, bound: BOUND })
    };
    let ep = ep::Options {
        dynamics: ep::Dynamics::Energy,
        nudging: ep::Nudging::Positive,
        beta: 0.5,
        free_steps: 20,
        nudged_steps: 4,
        step: 0.5,
        tolerance: None,
    };
    let pc =
        pc::Options { schedule: pc::Schedule::Settled, steps: 20, rate: 0.05, momentum: 0.0, output_precision: 1.0 };
    let dtp = dtp::Options { inverse: dtp::Inverse::Learned, step: 0.1, noise: 0.1, draws: 1, feedback_rate: 1.0 };
    vec![
        ("microcircuit", circuit),
        trained(AlgorithmSpec::Bp),
        trained(AlgorithmSpec::Fa),
        trained(AlgorithmSpec::Dfa(dfa::Options { feedback: 0.1 })),
        trained(AlgorithmSpec::SignSymmetric),
        trained(AlgorithmSpec::Ep(ep)),
        trained(AlgorithmSpec::Pc(pc)),
        trained(AlgorithmSpec::Dtp(dtp)),
    ]
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .without_plots();
    targets = learn
}
criterion_main!(benches);
