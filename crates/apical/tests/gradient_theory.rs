//! Backpropagation and its kin against theory: what is the gradient is held to finite differences, what is not to the claims
//! about how far it is off.

mod common;

use apical::circuit::params::{Conductances, Mixing, Network};
use apical::circuit::{Attenuation, Kind, Tensors, known};
use apical::kernels::rng::{Stream, fill_normals};
use apical::kernels::{Activation, Mat, Product};
use apical::learners::feed_forward::{Function, Pass};
use apical::learners::loss::Loss;
use apical::learners::metrics::angle;
use apical::learners::theory::matching_descent;
use apical::learners::trained::Teach;
use apical::learners::{AlgorithmSpec, Update, dfa};
use apical::solvers::Outcome;
use common::{assert_close, flat, uniform, weights};

const DFA: AlgorithmSpec = AlgorithmSpec::Dfa(dfa::Options { feedback: 0.5 });

fn plain() -> Attenuation {
    Attenuation::none(Mixing { output: 0.1, interneuron: 0.1, hidden: 0.1 })
}

fn attenuated() -> Attenuation {
    Attenuation::from_conductances(&Conductances::default())
}

fn function(sizes: &[usize], activation: Activation, attenuation: Attenuation, loss: Loss) -> Function {
    let net = Network { activation, bias_rate: 0.5, ..known::network(sizes) };
    Function { net, attenuation, loss }
}

/// What an algorithm would teach from a batch.
fn update(spec: &AlgorithmSpec, f: &Function, w: &Tensors<f64>, x: &[f64], target: &[f64]) -> Update<f64> {
    update_of(spec, f, w, x, target, 1)
}

fn update_of(
    spec: &AlgorithmSpec,
    f: &Function,
    w: &Tensors<f64>,
    x: &[f64],
    target: &[f64],
    seed: u64,
) -> Update<f64> {
    let samples = x.len() / f.net.sizes[0];
    let mut update = w.clone();
    update.clear();
    let mut outcome = Outcome::for_output(samples, f.net.sizes[f.depth()]);
    let shown = Teach { samples, input: x, target: Some(target), step: 0, round: 0 };
    let mut algorithm = spec.build(f, samples, seed);
    algorithm.teach(w, &shown, &mut update, &mut outcome).expect("nothing can diverge");
    update
}

/// What is descended: the mean loss of a batch, half of it where it is a squared error.
fn objective(f: &Function, w: &Tensors<f64>, x: &[f64], target: &[f64]) -> f64 {
    let samples = x.len() / f.net.sizes[0];
    let outputs = f.net.sizes[f.depth()];
    let mut pass = Pass::new(f, samples);
    pass.run(Product::Plain, f, w, x);
    let pairs = pass.output().chunks(outputs).zip(target.chunks(outputs));
    let sum: f64 = pairs.map(|(u, t)| f.loss.value(f.net.activation, u, t)).sum();
    let share = if matches!(f.loss, Loss::Potentials | Loss::Rates) { 0.5 } else { 1.0 };
    share * sum / samples as f64
}

fn kinks(activation: Activation) -> &'static [f64] {
    match activation {
        Activation::HardSigmoid => &[0.0, 1.0],
        Activation::HardTanh => &[-1.0, 1.0],
        Activation::Relu | Activation::LeakyRelu => &[0.0],
        _ => &[],
    }
}

/// Weights at which every potential of the batch is at least `distance` away from every kink; `soft_relu` is lifted to where
/// it rises, or nothing would come back through several layers of it.
fn start(f: &Function, x: &[f64], distance: f64) -> Tensors<f64> {
    let clear = |w: &Tensors<f64>| {
        let mut pass = Pass::new(f, x.len() / f.net.sizes[0]);
        pass.run(Product::Plain, f, w, x);
        let kinks = kinks(f.net.activation);
        pass.potential.iter().flatten().all(|u| kinks.iter().all(|kink| (u - kink).abs() > distance))
    };
    let drawn = (1..100).map(|address| {
        let mut w = weights(&f.net, 1.5, address);
        if f.net.activation == Activation::SoftRelu {
            w.bpp.iter_mut().flat_map(|b| &mut b.data).for_each(|b| *b += 12.0);
        }
        w
    });
    drawn.into_iter().find(clear).expect("one of a hundred starts is clear of kinks")
}

#[test]
fn bp_is_the_finite_difference_gradient_of_every_loss_through_every_activation() {
    for sizes in [&[4, 5, 3][..], &[3, 4, 5, 3], &[2, 4, 3, 5, 3]] {
        let samples = 3;
        let x = uniform(samples * sizes[0], 0.0, 1.0, 900);
        let target = uniform(samples * 3, -1.0, 1.0, 901);
        for activation in Activation::ALL {
            // Fourth order, so that h may be large enough for the rounding, except close to kinks.
            let h = if kinks(activation).is_empty() { 3e-4 } else { 1e-5 };
            for (loss, attenuation) in Loss::ALL.into_iter().flat_map(|l| [(l, plain()), (l, attenuated())]) {
                let f = function(sizes, activation, attenuation, loss);
                // Ten times further from a kink than a weight that moves by 2 h pushes a potential, times rates up to 5.
                let w = start(&f, &x, 100.0 * h);
                let found = update(&AlgorithmSpec::Bp, &f, &w, &x, &target);
                // What a difference of two rounded losses can resolve.
                let floor = 8.0 * f64::EPSILON * objective(&f, &w, &x, &target).max(1.0) / h;
                for kind in [Kind::Wpp, Kind::Bpp] {
                    for k in 0..w.kind(kind).len() {
                        let bp = &found.kind(kind)[k];
                        let mut difference = bp.clone();
                        for (n, d) in difference.data.iter_mut().enumerate() {
                            let at = |shift: f64| {
                                let mut w = w.clone();
                                w.kind_mut(kind)[k].data[n] += shift;
                                objective(&f, &w, &x, &target)
                            };
                            let (near, far) = (at(h) - at(-h), at(2.0 * h) - at(-2.0 * h));
                            *d += (8.0 * near - far) / (12.0 * h);
                        }
                        // The floor hides nothing: gradients are 0 (dead rectifiers) or far above it.
                        assert!(bp.norm() == 0.0 || floor < 1e-5 * bp.norm(), "{activation:?} {loss:?} {kind:?} {k}");
                        let tolerance = 1e-6 * bp.norm() + floor * (bp.data.len() as f64).sqrt();
                        let error = difference.norm();
                        assert!(
                            error < tolerance,
                            "{activation:?} {loss:?} {sizes:?} {kind:?} {k}: {error} of {}",
                            bp.norm()
                        );
                    }
                }
            }
        }
    }
}

/// Most activations, at several depths, with and without attenuation; two of the four losses are enough for what only passes
/// errors on.
fn each_function(mut check: impl FnMut(&Function, &Tensors<f64>, &[f64], &[f64])) {
    for sizes in [&[4, 6, 3][..], &[4, 6, 5, 3], &[4, 6, 5, 7, 3]] {
        for activation in Activation::ALL {
            for (loss, attenuation) in [(Loss::Potentials, plain()), (Loss::CrossEntropy, attenuated())] {
                for samples in [1, 4] {
                    let f = function(sizes, activation, attenuation, loss);
                    let (x, target) = (uniform(samples * 4, 0.0, 1.0, 910), uniform(samples * 3, -1.0, 1.0, 911));
                    check(&f, &weights(&f.net, 1.0, 30), &x, &target);
                }
            }
        }
    }
}

#[test]
fn fa_with_transposed_forward_weights_is_bp() {
    each_function(|f, w, x, target| {
        let mut w = w.clone();
        let random = update(&AlgorithmSpec::Fa, f, &w, x, target);
        for k in 1..f.depth() {
            w.pb[k - 1] = w.pp[k].transposed();
        }
        let (fa, bp) = (update(&AlgorithmSpec::Fa, f, &w, x, target), update(&AlgorithmSpec::Bp, f, &w, x, target));
        assert_close(&flat(&fa), &flat(&bp), 1e-12, "fa");
        assert_eq!(random.pp[f.depth() - 1], bp.pp[f.depth() - 1], "the output layer has the true gradient anyway");
        let dead = bp.pp[0].norm() == 0.0;
        assert!(dead || random.pp[0] != bp.pp[0], "random feedback teaches the layers below something else");
        assert!(fa.pb.iter().flat_map(|m| &m.data).all(|x| *x == 0.0), "feedback is fixed");
    });
}

#[test]
fn dfa_with_one_hidden_layer_is_fa() {
    each_function(|f, w, x, target| {
        let (fa, dfa) = (update(&AlgorithmSpec::Fa, f, w, x, target), update(&DFA, f, w, x, target));
        let depth = f.depth();
        if depth == 2 {
            assert_eq!(fa, dfa);
        } else {
            // The last hidden layer gets the same from both.
            assert_eq!(fa.pp[depth - 2..], dfa.pp[depth - 2..]);
        }
    });
}

/// Linear cells and an error in one output cell only: the change of layer k is then a column of its direct feedback.
#[test]
fn dfa_reaches_lower_layers_by_bounded_matrices_of_their_own() {
    let f = function(&[1, 300, 300, 4, 2], Activation::Identity, plain(), Loss::Potentials);
    let w = weights(&f.net, 0.01, 40);
    let mut pass = Pass::new(&f, 1);
    pass.run(Product::Plain, &f, &w, &[1.0]);
    let target = [pass.output()[0] + 1.0, pass.output()[1]];
    let found = update_of(&DFA, &f, &w, &[1.0], &target, 7);
    let column = &found.pp[0].data;
    assert!(column.iter().all(|b| b.abs() <= 0.5 + 1e-9), "U(-a, a)");
    // Mean |b| of U(-1/2, 1/2) is 1/4, standard error 0.144 / sqrt(300) = 0.008; five of them.
    let mean = column.iter().map(|b| b.abs()).sum::<f64>() / 300.0;
    assert!((mean - 0.25).abs() < 0.042, "{mean}");
    let second = &found.bpp[1].data;
    assert!(column.iter().zip(second).any(|(a, b)| (a - b / 0.5).abs() > 0.1), "each layer has its own");
    let mut other = w.clone();
    other.pb[0].data.fill(9.0);
    other.pb[1].data.fill(9.0);
    assert_eq!(update_of(&DFA, &f, &other, &[1.0], &target, 7), found, "feedback from hidden layers is not used");
    assert_eq!(update_of(&DFA, &f, &w, &[1.0], &target, 7), found);
    assert_ne!(update_of(&DFA, &f, &w, &[1.0], &target, 8).pp[0], found.pp[0], "the seed decides");
}

#[test]
fn sign_symmetric_can_point_the_opposite_way() {
    let f = Function {
        net: Network { activation: Activation::Identity, ..known::network(&[1, 2, 2]) },
        attenuation: plain(),
        loss: Loss::Potentials,
    };
    let mut w = Tensors::zeros(&f.net.sizes, false);
    w.pp[1] = Mat { rows: 2, cols: 2, data: vec![10.0, 10.0, -1.0, -1.0] };
    // The answer is 0, so that the target is the error e.
    let e = [1.0, 5.0];
    let bp = update(&AlgorithmSpec::Bp, &f, &w, &[1.0], &e);
    let sign = update(&AlgorithmSpec::SignSymmetric, &f, &w, &[1.0], &e);
    assert_eq!(bp.pp[0].data, [5.0, 5.0]);
    // sign(W)^T e = (-4, -4) times the mean |W| = 5.5.
    assert_eq!(sign.pp[0].data, [-22.0, -22.0]);
    assert!((angle(&bp.pp[0], &sign.pp[0]).expect("neither is 0") - 180.0).abs() < 1e-9);
}

#[test]
fn sign_symmetric_is_37_degrees_off_for_gaussian_weights_and_30_for_uniform_ones() {
    for sizes in [&[8, 256, 256][..], &[8, 256, 300, 256]] {
        for activation in [Activation::Identity, Activation::Tanh, Activation::Gelu] {
            let f = function(sizes, activation, plain(), Loss::Potentials);
            let last = f.depth() - 2;
            let (x, target) = (uniform(8, 0.0, 1.0, 920), uniform(256, -1.0, 1.0, 921));
            let uniformly = weights(&f.net, 0.1, 50);
            let mut normally = uniformly.clone();
            for (step, m) in normally.pp.iter_mut().enumerate() {
                let mut z = vec![0.0; m.data.len()];
                fill_normals(3, Stream::Probe, 1000 + step as u64, &mut z);
                m.data.iter_mut().zip(&z).for_each(|(w, z)| *w = 0.05 * f64::from(*z));
            }
            let expected = [(normally, (2.0 / std::f64::consts::PI).sqrt()), (uniformly, 3f64.sqrt() / 2.0)];
            for (w, cosine) in expected {
                let bp = update(&AlgorithmSpec::Bp, &f, &w, &x, &target);
                let sign = update(&AlgorithmSpec::SignSymmetric, &f, &w, &x, &target);
                let found = angle(&bp.pp[last], &sign.pp[last]).expect("neither is 0");
                let expected = cosine.acos().to_degrees();
                assert!((found - expected).abs() < 6.0, "{sizes:?} {activation:?}: {found} in place of {expected}");
            }
        }
    }
}

#[test]
fn bp_with_matching_is_the_limit_of_the_microcircuit() {
    for sizes in [&[4, 3][..], &[4, 6, 3], &[4, 6, 5, 3]] {
        for activation in Activation::ALL {
            for attenuation in [plain(), attenuated()] {
                for samples in [1, 5] {
                    let f = function(sizes, activation, attenuation, Loss::Matching);
                    let w = weights(&f.net, 1.0, 60);
                    let (x, target) = (uniform(samples * 4, 0.0, 1.0, 930), uniform(samples * 3, -1.0, 1.0, 931));
                    let expected = matching_descent(&f.net, &attenuation, &w, &x, &target);
                    let found = update(&AlgorithmSpec::Bp, &f, &w, &x, &target);
                    assert_close(&flat(&found), &flat(&expected), 1e-12, "matching");
                }
            }
        }
    }
}

/// Plain loops over one pattern and matrix products over many are the same gradient.
#[test]
fn the_update_of_a_batch_is_the_mean_of_its_patterns() {
    let specs = [AlgorithmSpec::Bp, AlgorithmSpec::Fa, DFA, AlgorithmSpec::SignSymmetric];
    each_function(|f, w, x, target| {
        let samples = x.len() / 4;
        for spec in &specs {
            let batch = update(spec, f, w, x, target);
            let mut mean = batch.clone();
            mean.clear();
            for (x, target) in x.chunks(4).zip(target.chunks(3)) {
                mean.add(&update(spec, f, w, x, target));
            }
            let mean: Vec<f64> = flat(&mean).iter().map(|g| g / samples as f64).collect();
            assert_close(&flat(&batch), &mean, 1e-13, spec.name());
        }
    });
}
