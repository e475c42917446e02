//! `bench-bp`: how long the learner `bp` takes for a sample, on the calling thread, in f32.
//!
//! The start weights (W_1, b_1, W_2, ..), then the inputs, then the target potentials of all samples stand in one file
//! of little-endian f32, which any other program can read and learn from alike: `benches/peers/bp_torch.py` does.

use apical::circuit::params::{Conductances, Network, Nudging};
use apical::circuit::{Attenuation, Kind, Tensors};
use apical::kernels::Activation;
use apical::learners::feed_forward::Function;
use apical::learners::loss::Loss;
use apical::learners::optimiser::{self, Rule};
use apical::learners::{self, AlgorithmSpec, Learner, Spec};
use apical::solvers::{Nobody, Outcome, Shown};
use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

const USAGE: &str = "\
bench-bp SIZES ACTIVATION sgd|adamw RATE BATCH STEPS START [END]
    e.g. 784-500-500-10 logistic sgd 0.1 10 500 start.f32
prints the microseconds per sample of STEPS steps from the weights and samples in START; END receives the weights";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args) {
        Ok(microseconds) => {
            println!("{microseconds}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("bench-bp: {error}\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// Microseconds per sample.
fn run(args: &[String]) -> Result<f64, Box<dyn Error>> {
    let ([sizes, activation, rule, rate, batch, steps, start], end) =
        args.split_first_chunk().ok_or("too few words")?;
    let (batch, steps): (usize, usize) = (batch.parse()?, steps.parse()?);
    let f = function(sizes, activation)?;
    let spec = Spec::Trained {
        algorithm: AlgorithmSpec::Bp,
        optimiser: follow(rule, rate.parse()?, f.depth())?,
        bound: f64::from(f32::MAX),
    };
    let (weights, samples) = read(Path::new(start), &f)?;
    let (n_in, n_out) = (f.net.sizes[0], f.net.sizes[f.depth()]);
    let (input, target) = samples.split_at(samples.len() / (n_in + n_out) * n_in);
    let batches: Vec<Shown<'_, f32>> = input
        .chunks_exact(batch * n_in)
        .zip(target.chunks_exact(batch * n_out))
        .map(|(input, target)| Shown { samples: batch, input, target: Some(target) })
        .collect();
    if batches.is_empty() {
        return Err(format!("{start} holds less than a batch of {batch}").into());
    }
    let mut learner = learners::build(&spec, &f, weights, batch, 0);
    let mut outcome = Outcome::for_output(batch, n_out);
    let began = Instant::now();
    for shown in batches.iter().cycle().take(steps) {
        learner.learn(shown, &mut outcome, &mut Nobody).map_err(|trouble| format!("{trouble:?}"))?;
    }
    let microseconds = began.elapsed().as_secs_f64() * 1e6 / (steps * batch) as f64;
    if let Some(end) = end.first() {
        write(Path::new(end), learner.as_ref())?;
    }
    Ok(microseconds)
}

/// A conventional network with biases that descends half the squared error of its output potentials.
fn function(sizes: &str, activation: &str) -> Result<Function, Box<dyn Error>> {
    let conductances = Conductances::default();
    let net = Network {
        sizes: sizes.split('-').map(str::parse).collect::<Result<_, _>>()?,
        activation: Activation::from_name(activation).ok_or_else(|| format!("no activation {activation}"))?,
        bias_rate: 1.0,
        conductances,
        nudging: Nudging::Current,
    };
    if net.sizes.len() < 2 || net.sizes.contains(&0) {
        return Err(format!("{sizes} is not a net").into());
    }
    Ok(Function { net, attenuation: Attenuation::none(conductances.mixing()), loss: Loss::Potentials })
}

fn follow(rule: &str, rate: f64, depth: usize) -> Result<optimiser::Spec, Box<dyn Error>> {
    let (rule, weight_decay) = match rule {
        "sgd" => (Rule::Sgd, 0.0),
        "adamw" => (Rule::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decoupled: true }, 0.01),
        other => return Err(format!("no optimiser {other}").into()),
    };
    Ok(optimiser::Spec { rule, rate: vec![rate; depth], weight_decay, clip: None, frozen: Vec::new() })
}

/// The order of the weights in files.
fn order(depth: usize) -> impl Iterator<Item = (Kind, usize)> {
    (0..depth).flat_map(|k| [(Kind::Wpp, k), (Kind::Bpp, k)])
}

/// The start weights, and all that follows them.
fn read(path: &Path, f: &Function) -> Result<(Tensors<f32>, Vec<f32>), Box<dyn Error>> {
    let bytes = std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let (words, _) = bytes.as_chunks::<4>();
    let mut values = words.iter().copied().map(f32::from_le_bytes);
    let mut weights = Tensors::zeros(&f.net.sizes, true).only(AlgorithmSpec::Bp.kinds());
    for (kind, k) in order(f.depth()) {
        for w in &mut weights.kind_mut(kind)[k].data {
            *w = values.next().ok_or_else(|| format!("{} ends within the weights", path.display()))?;
        }
    }
    Ok((weights, values.collect()))
}

fn write(path: &Path, learner: &dyn Learner<f32>) -> Result<(), Box<dyn Error>> {
    let weights = learner.weights();
    let values = order(weights.pp.len()).flat_map(|(kind, k)| &weights.kind(kind)[k].data);
    let bytes: Vec<u8> = values.flat_map(|w| w.to_le_bytes()).collect();
    Ok(std::fs::write(path, bytes).map_err(|e| format!("{}: {e}", path.display()))?)
}
