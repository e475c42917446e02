//! Equilibrium propagation is held to its theory: the gradient of its own fixed point's loss, backprop through time, and
//! what becomes of samples that do not settle.

mod common;

use allocation_counter::measure;
use apical::circuit::params::{Mixing, Network};
use apical::circuit::start::{Start, Starts, draw};
use apical::circuit::{Attenuation, Kind, Tensors, known};
use apical::kernels::rng::{Draws, Stream};
use apical::kernels::{Activation, Real};
use apical::learners::ep::{Dynamics, Ep, Nudging, Options};
use apical::learners::feed_forward::Function;
use apical::learners::loss::Loss;
use apical::learners::optimiser::{self, Rule};
use apical::learners::trained::{Algorithm, Teach, Trained};
use apical::learners::{Learner, metrics};
use apical::solvers::{Nobody, Outcome, Shown, Trouble};
use apical::tasks::{Coding, TaskSpec, Train, build};
use common::{flat, uniform, weights};

const KINDS: [Kind; 2] = [Kind::Wpp, Kind::Bpp];

/// An attenuated net with biases: every factor c_k differs from 1 and from the next.
fn function(sizes: &[usize], activation: Activation, loss: Loss) -> Function {
    let net = Network { bias_rate: 0.5, activation, ..known::network(sizes) };
    Function { attenuation: Attenuation::from_conductances(&net.conductances), net, loss }
}

fn plain(sizes: &[usize], activation: Activation, loss: Loss) -> Function {
    let attenuation = Attenuation::none(Mixing { output: 0.1, interneuron: 0.1, hidden: 0.1 });
    Function { attenuation, ..function(sizes, activation, loss) }
}

/// 400 steps leave nothing of a contraction by 0.9 or less.
fn options(dynamics: Dynamics, nudging: Nudging, beta: f64) -> Options {
    Options { dynamics, nudging, beta, free_steps: 400, nudged_steps: 400, step: 0.5, tolerance: Some(1e-13) }
}

struct Batch<T> {
    samples: usize,
    x: Vec<T>,
    t: Vec<T>,
}

fn batch<T: Real>(f: &Function, samples: usize) -> Batch<T> {
    let (inputs, outputs) = (f.net.sizes[0], f.net.sizes[f.depth()]);
    Batch { samples, x: uniform(samples * inputs, -1.0, 1.0, 11), t: uniform(samples * outputs, -1.0, 1.0, 12) }
}

fn start<T: Real>(f: &Function, a: f64) -> Tensors<T> {
    weights(&f.net, a, 3).only(&KINDS)
}

fn try_teach<T: Real>(
    f: &Function,
    o: &Options,
    w: &Tensors<T>,
    b: &Batch<T>,
) -> Result<(Tensors<T>, Outcome<T>), Trouble> {
    let mut update = w.clone();
    update.clear();
    let mut outcome = Outcome::for_output(b.samples, f.net.sizes[f.depth()]);
    let shown = Teach { samples: b.samples, input: &b.x, target: Some(&b.t), step: 0, round: 0 };
    Ep::new(f, o, b.samples).teach(w, &shown, &mut update, &mut outcome)?;
    Ok((update, outcome))
}

fn teach<T: Real>(f: &Function, o: &Options, w: &Tensors<T>, b: &Batch<T>) -> (Tensors<T>, Outcome<T>) {
    try_teach(f, o, w, b).expect("these nets settle")
}

fn norm(values: &[f64]) -> f64 {
    values.iter().map(|x| x * x).sum::<f64>().sqrt()
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    norm(&a.iter().zip(b).map(|(a, b)| a - b).collect::<Vec<_>>())
}

/// Mean over the batch of the loss (half of the squared errors) of the free fixed point.
fn fixed_point_loss(f: &Function, o: &Options, w: &Tensors<f64>, b: &Batch<f64>) -> f64 {
    let n = f.net.sizes[f.depth()];
    let mut u = vec![0.0; b.samples * n];
    let unsettled = Ep::new(f, o, b.samples).answer(w, &b.x, b.samples, &mut u).expect("it stays bounded");
    assert_eq!(unsettled, 0);
    let share = if matches!(f.loss, Loss::Potentials | Loss::Rates) { 0.5 } else { 1.0 };
    let rows = u.chunks_exact(n).zip(b.t.chunks_exact(n));
    rows.map(|(u, t)| share * f.loss.value(f.net.activation, u, t)).sum::<f64>() / b.samples as f64
}

/// Minus the gradient by differences of fourth order: h^4 and the rounding 1e-16 / h are both near 1e-12.
fn descent_by_differences(f: &Function, o: &Options, w: &Tensors<f64>, b: &Batch<f64>) -> Vec<f64> {
    const H: f64 = 1e-3;
    let mut w = w.clone();
    let mut descent = Vec::new();
    for kind in KINDS {
        for k in 0..w.kind(kind).len() {
            for n in 0..w.kind(kind)[k].data.len() {
                let here = w.kind(kind)[k].data[n];
                let mut at = |h: f64| {
                    w.kind_mut(kind)[k].data[n] = here + h;
                    fixed_point_loss(f, o, &w, b)
                };
                let slope = (8.0 * (at(H) - at(-H)) - (at(2.0 * H) - at(-2.0 * H))) / (12.0 * H);
                w.kind_mut(kind)[k].data[n] = here;
                descent.push(-slope);
            }
        }
    }
    descent
}

/// Smooth activations, the losses that each is tried with, and all losses that a dynamics takes.
const CASES: [(Dynamics, Activation, Loss); 10] = [
    (Dynamics::Energy, Activation::Tanh, Loss::Potentials),
    (Dynamics::Energy, Activation::Softplus, Loss::CrossEntropy),
    (Dynamics::Energy, Activation::Logistic, Loss::Rates),
    (Dynamics::Energy, Activation::Logistic, Loss::Matching),
    (Dynamics::Primitive, Activation::Tanh, Loss::Rates),
    (Dynamics::Primitive, Activation::SoftRelu, Loss::Rates),
    (Dynamics::Primitive, Activation::Logistic, Loss::Matching),
    (Dynamics::Primitive, Activation::Tanh, Loss::Potentials),
    (Dynamics::Primitive, Activation::Softplus, Loss::CrossEntropy),
    (Dynamics::Primitive, Activation::Identity, Loss::Potentials),
];

#[test]
fn ep_tends_to_the_gradient_of_its_fixed_points_loss_with_order_1_one_sided_and_2_centred() {
    for (dynamics, phi, loss) in CASES {
        let f = function(&[3, 4, 4, 2], phi, loss);
        let (w, b) = (start(&f, 0.8), batch(&f, 2));
        let expected = descent_by_differences(&f, &options(dynamics, Nudging::Centred, 0.1), &w, &b);
        for (nudging, order, beta) in
            [(Nudging::Positive, 1.0, 1e-3), (Nudging::Negative, 1.0, 1e-3), (Nudging::Centred, 2.0, 1e-2)]
        {
            let error = |beta: f64| {
                let (update, outcome) = teach(&f, &options(dynamics, nudging, beta), &w, &b);
                assert!(outcome.residual < 1e-13 && outcome.unsettled == 0, "{outcome:?}");
                distance(&flat(&update), &expected) / norm(&expected)
            };
            let (small, large) = (error(beta), error(2.0 * beta));
            let slope = (large / small).log2();
            let what = format!("{dynamics:?} {phi:?} {loss:?} {nudging:?}: {small:e} {large:e} slope {slope}");
            assert!((slope - order).abs() < 0.1, "{what}");
            assert!(small < 10.0 * beta.powf(order), "{what}");
        }
    }
}

/// The net as one vector of cells with one symmetric matrix: another way to write the same dynamics.
struct Dense {
    /// Offset of each layer, and of what would follow the last.
    at: Vec<usize>,
    coupling: Vec<Vec<f64>>,
    drive: Vec<f64>,
}

impl Dense {
    fn new(f: &Function, w: &Tensors<f64>, x: &[f64]) -> Self {
        let sizes = &f.net.sizes;
        let mut at = vec![0];
        sizes[1..].iter().for_each(|n| at.push(at[at.len() - 1] + n));
        let n = at[at.len() - 1];
        let (mut coupling, mut drive) = (vec![vec![0.0; n]; n], vec![0.0; n]);
        for k in 1..sizes.len() {
            for i in 0..sizes[k] {
                drive[at[k - 1] + i] = f.factor(k) * f.net.bias_rate * w.bpp[k - 1].data[i];
                for j in 0..sizes[k - 1] {
                    let m = f.factor(k) * w.pp[k - 1].at(i, j);
                    if k == 1 {
                        drive[i] += m * x[j];
                    } else {
                        coupling[at[k - 1] + i][at[k - 2] + j] = m;
                        coupling[at[k - 2] + j][at[k - 1] + i] = m;
                    }
                }
            }
        }
        Dense { at, coupling, drive }
    }

    fn times(&self, r: &[f64]) -> Vec<f64> {
        self.coupling.iter().map(|row| row.iter().zip(r).map(|(c, r)| c * r).sum()).collect()
    }

    /// v = J r + drive.
    fn heard(&self, r: &[f64]) -> Vec<f64> {
        self.times(r).iter().zip(&self.drive).map(|(v, d)| v + d).collect()
    }
}

/// tanh u and its first two derivatives.
fn tanh(u: f64) -> (f64, f64, f64) {
    let r = u.tanh();
    (r, 1.0 - r * r, -2.0 * r * (1.0 - r * r))
}

/// Minus the gradient of the loss of state T that reaches the weights at step T - t, for t = 0 .. T - 1, with all states
/// of the trajectory at the free fixed point; one sample, phi = tanh.
fn backprop_through_time(
    f: &Function,
    o: &Options,
    w: &Tensors<f64>,
    b: &Batch<f64>,
    length: usize,
) -> Vec<Tensors<f64>> {
    let (net, eta, n) = (Dense::new(f, w, &b.x), o.step, f.net.sizes[f.depth()]);
    let energy = o.dynamics == Dynamics::Energy;
    let cells = net.drive.len();
    let mut s = vec![0.0; cells];
    for _ in 0..o.free_steps {
        let r: Vec<f64> = if energy { s.iter().map(|s| tanh(*s).0).collect() } else { s.clone() };
        let v = net.heard(&r);
        for i in 0..cells {
            let towards = if energy { tanh(s[i]).1 * v[i] } else { tanh(v[i]).0 };
            s[i] += eta * (towards - s[i]);
        }
    }
    let r: Vec<f64> = if energy { s.iter().map(|s| tanh(*s).0).collect() } else { s.clone() };
    let v = net.heard(&r);
    let mut lambda = vec![0.0; cells];
    for (i, &t) in b.t.iter().enumerate() {
        let goal = if energy { t } else { t.tanh() };
        lambda[cells - n + i] = s[cells - n + i] - goal;
    }
    let mut list = Vec::new();
    for _ in 0..length {
        let slope = |i: usize| if energy { tanh(s[i]).1 } else { tanh(v[i]).1 };
        let p: Vec<f64> = (0..cells).map(|i| eta * slope(i) * lambda[i]).collect();
        let mut descent = w.clone();
        for k in 1..=f.depth() {
            let (here, c) = (net.at[k - 1], f.factor(k));
            for i in 0..f.net.sizes[k] {
                descent.bpp[k - 1].data[i] = -c * f.net.bias_rate * p[here + i];
                for j in 0..f.net.sizes[k - 1] {
                    let uses = if k == 1 {
                        p[i] * b.x[j]
                    } else {
                        let low = net.at[k - 2] + j;
                        p[here + i] * r[low] + p[low] * r[here + i]
                    };
                    descent.pp[k - 1].data[i * f.net.sizes[k - 1] + j] = -c * uses;
                }
            }
        }
        list.push(descent);
        let back = net.times(&p);
        lambda = (0..cells)
            .map(|i| {
                let through = if energy {
                    let (_, first, second) = tanh(s[i]);
                    eta * second * v[i] * lambda[i] + first * back[i]
                } else {
                    back[i]
                };
                (1.0 - eta) * lambda[i] + through
            })
            .collect();
    }
    list
}

#[test]
fn increment_t_of_ep_is_step_t_from_the_end_of_backprop_through_time() {
    for (dynamics, loss, step) in [
        (Dynamics::Energy, Loss::Potentials, 0.5),
        (Dynamics::Primitive, Loss::Rates, 1.0),
        (Dynamics::Primitive, Loss::Rates, 0.4),
    ] {
        let f = function(&[3, 4, 4, 2], Activation::Tanh, loss);
        let (w, b) = (start(&f, 0.8), batch(&f, 1));
        let o = Options { step, ..options(dynamics, Nudging::Centred, 1e-3) };
        let mut before = vec![0.0; flat(&w).len()];
        for (t, expected) in backprop_through_time(&f, &o, &w, &b, 8).iter().enumerate() {
            let (update, _) = teach(&f, &Options { nudged_steps: t + 1, ..o }, &w, &b);
            let update = flat(&update);
            let increment: Vec<f64> = update.iter().zip(&before).map(|(now, before)| now - before).collect();
            let expected = flat(expected);
            let error = distance(&increment, &expected) / norm(&expected);
            assert!(error < 1e-4, "{dynamics:?} step {step}, increment {}: {error:e}", t + 1);
            before = update;
        }
    }
}

#[test]
fn with_one_hidden_layer_a_read_out_fixed_point_answers_as_the_feed_forward_function() {
    let f = function(&[3, 5, 2], Activation::Tanh, Loss::CrossEntropy);
    let (w, b) = (start(&f, 1.0), batch::<f64>(&f, 3));
    let o = Options { free_steps: 1, step: 1.0, ..options(Dynamics::Primitive, Nudging::Centred, 0.1) };
    let mut u = vec![0.0; 6];
    Ep::new(&f, &Options { tolerance: None, ..o }, 3).answer(&w, &b.x, 3, &mut u).expect("tanh is bounded");
    let mut pass = apical::learners::feed_forward::Pass::new(&f, 3);
    pass.run(apical::kernels::Product::best(), &f, &w, &b.x);
    common::assert_close(&u, pass.output(), 1e-14, "answer");
}

#[test]
fn samples_in_a_batch_do_not_influence_each_other() {
    for (dynamics, phi, loss) in CASES {
        let f = function(&[3, 4, 4, 2], phi, loss);
        let (w, b) = (start(&f, 0.8), batch::<f64>(&f, 3));
        let o =
            Options { free_steps: 20, nudged_steps: 5, tolerance: None, ..options(dynamics, Nudging::Centred, 0.2) };
        let (together, outcome) = teach(&f, &o, &w, &b);
        let mut mean = together.clone();
        mean.clear();
        for n in 0..3 {
            let one = Batch { samples: 1, x: b.x[n * 3..][..3].to_vec(), t: b.t[n * 2..][..2].to_vec() };
            let (alone, answer) = teach(&f, &o, &w, &one);
            mean.add(&alone);
            // Products over a batch sum in another order.
            common::assert_close(&outcome.output[n * 2..][..2], &answer.output, 1e-13, "answer");
        }
        let mean: Vec<f64> = flat(&mean).iter().map(|x| x / 3.0).collect();
        common::assert_close(&flat(&together), &mean, 1e-13, "update");
    }
}

#[test]
fn f32_follows_f64() {
    // Slopes of soft_relu are near 0.005: its rates differ in the last digits of f32 alone.
    for (dynamics, phi, loss) in CASES.into_iter().filter(|case| case.1 != Activation::SoftRelu) {
        let f = function(&[3, 4, 4, 2], phi, loss);
        for nudging in [Nudging::Positive, Nudging::Negative, Nudging::Centred] {
            let o = Options { free_steps: 30, nudged_steps: 10, tolerance: None, ..options(dynamics, nudging, 0.1) };
            let (wide, _) = teach::<f64>(&f, &o, &start(&f, 0.8), &batch(&f, 2));
            let (narrow, _) = teach::<f32>(&f, &o, &start(&f, 0.8), &batch(&f, 2));
            let (wide, narrow) = (flat(&wide), flat(&narrow).iter().map(|&x| f64::from(x)).collect::<Vec<_>>());
            // The phases' rates differ by beta times the errors, about 1e-2: rounding of 1e-7 becomes 1e-5. Ten times that.
            let error = distance(&wide, &narrow) / norm(&wide);
            assert!(error < 1e-4, "{dynamics:?} {phi:?} {loss:?} {nudging:?}: {error:e}");
        }
    }
}

#[test]
fn unsettled_samples_are_counted_teach_nothing_and_have_no_answer() {
    for (dynamics, phi, loss) in CASES {
        let f = function(&[3, 4, 4, 2], phi, loss);
        let (w, b) = (start(&f, 0.8), batch::<f64>(&f, 2));
        let o = Options { free_steps: 4, nudged_steps: 3, tolerance: None, ..options(dynamics, Nudging::Centred, 0.1) };
        let single = |n: usize| Batch { samples: 1, x: b.x[n * 3..][..3].to_vec(), t: b.t[n * 2..][..2].to_vec() };
        let residual = |n: usize| teach(&f, &o, &w, &single(n)).1.residual;
        let (first, second) = (residual(0), residual(1));
        let settles = usize::from(second < first);
        let o = Options { tolerance: Some((first * second).sqrt()), ..o };
        let (update, outcome) = teach(&f, &o, &w, &b);
        let (alone, _) = teach(&f, &o, &w, &single(settles));
        assert_eq!((outcome.unsettled, outcome.sweeps), (1, 4));
        assert!((outcome.residual - first.min(second)).abs() < 1e-13);
        let answered: Vec<bool> = outcome.output.chunks_exact(2).map(metrics::is_answer).collect();
        assert_eq!(answered, [settles == 0, settles == 1]);
        let doubled: Vec<f64> = flat(&update).iter().map(|x| 2.0 * x).collect();
        common::assert_close(&doubled, &flat(&alone), 1e-13, "update");
        let mut output = vec![0.0; 4];
        assert_eq!(Ep::new(&f, &o, 2).answer(&w, &b.x, 2, &mut output).ok(), Some(1));
    }
}

#[test]
fn states_that_grow_without_bound_are_unsettled_or_an_error_never_an_update() {
    let f = plain(&[3, 4, 4, 2], Activation::Relu, Loss::Rates);
    let (mut w, mut b) = (start::<f64>(&f, 1.0), batch::<f64>(&f, 2));
    w.pp.iter_mut().for_each(|m| m.data.iter_mut().for_each(|w| *w = 100.0));
    w.bpp.iter_mut().for_each(|m| m.data.fill(0.0));
    // One sample grows, the other rests at 0.
    b.x = vec![1.0, 1.0, 1.0, 0.0, 0.0, 0.0];
    let o = options(Dynamics::Primitive, Nudging::Positive, 0.1);
    let grown = try_teach(&f, &Options { tolerance: None, ..o }, &w, &b);
    assert!(matches!(grown, Err(Trouble::Diverged { layer: 1, index: 0, .. })), "{grown:?}");
    let o = Options { nudged_steps: 3, ..o };
    let (update, outcome) = teach(&f, &o, &w, &b);
    assert_eq!((outcome.unsettled, outcome.residual), (1, 0.0));
    assert!(flat(&update).iter().all(|x| x.is_finite()));
}

#[test]
fn a_step_allocates_nothing() {
    for (dynamics, phi, loss) in CASES {
        let f = function(&[3, 4, 4, 2], phi, loss);
        let (w, b) = (start(&f, 0.8), batch::<f32>(&f, 1));
        let mut update = w.clone();
        let mut outcome = Outcome::for_output(1, 2);
        let shown = Teach { samples: 1, input: &b.x, target: Some(&b.t), step: 0, round: 0 };
        let mut count = |steps: usize| {
            let o = Options { free_steps: steps, nudged_steps: steps, ..options(dynamics, Nudging::Centred, 0.1) };
            let mut ep = Ep::new(&f, &o, 1);
            let mut teach = || ep.teach(&w, &shown, &mut update, &mut outcome).expect("these nets settle");
            teach();
            measure(teach).count_total
        };
        // What a sample needs beside its steps does not depend on their number.
        assert_eq!(count(2), count(40), "{dynamics:?} {phi:?} {loss:?}");
    }
}

#[test]
fn what_has_no_theory_is_refused() {
    let refused = |dynamics, nudging, beta, phi| options(dynamics, nudging, beta).refuses(phi).is_some();
    assert!(refused(Dynamics::Energy, Nudging::Positive, 0.1, Activation::HardSigmoid));
    assert!(refused(Dynamics::Primitive, Nudging::Centred, 1.0, Activation::HardSigmoid));
    assert!(!refused(Dynamics::Primitive, Nudging::Positive, 1.0, Activation::HardSigmoid));
    assert!(!refused(Dynamics::Energy, Nudging::Negative, 0.9, Activation::Tanh));
}

#[test]
fn ep_learns_the_digits() {
    let coding = Coding { low: 0.0, high: 1.0 };
    let task = build(&TaskSpec::Digits { coding }, 64, 10, 1).expect("they ship with the library");
    let Train::Set(train) = &task.train else { panic!("a fixed set") };
    let f = plain(&[64, 32, 10], Activation::HardSigmoid, Loss::Rates);
    let fan_in = || Start::FanIn;
    let starts = Starts { pp: fan_in(), bpp: fan_in(), pb: fan_in(), ip: fan_in(), bip: fan_in(), pi: fan_in() };
    let w = draw::<f32>(&f.net, &f.attenuation, &starts, 1).only(&KINDS);
    let o = Options {
        dynamics: Dynamics::Primitive,
        nudging: Nudging::Centred,
        beta: 0.5,
        free_steps: 20,
        nudged_steps: 6,
        step: 1.0,
        tolerance: None,
    };
    let rule = Rule::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decoupled: false };
    let optimiser = optimiser::Spec { rule, rate: vec![3e-3; 2], weight_decay: 0.0, clip: None, frozen: Vec::new() };
    let samples = 19; // 63 of them make the set
    let mut learner = Trained::new(Box::new(Ep::new(&f, &o, samples)), &optimiser, &f, w, samples, 1e3);
    let mut order: Vec<usize> = (0..train.len()).collect();
    let (mut x, mut t) = (vec![0.0; samples * 64], vec![0.0; samples * 10]);
    let mut outcome = Outcome::for_output(samples, 10);
    for epoch in 0..20 {
        Draws::new(1, Stream::Probe, epoch).shuffle(&mut order);
        for rows in order.chunks_exact(samples) {
            for (n, &row) in rows.iter().enumerate() {
                train.input(row, &mut x[n * 64..][..64]);
                train.target(row, &mut t[n * 10..][..10]);
            }
            let shown = Shown { samples, input: &x, target: Some(&t) };
            learner.learn(&shown, &mut outcome, &mut Nobody).expect("rates are bounded");
        }
    }
    let (set, mut wrong) = (&task.validation, 0);
    for row in 0..set.len() {
        let mut u = [0.0; 10];
        set.input(row, &mut x[..64]);
        learner.answer(&x[..64], 1, &mut u).expect("rates are bounded");
        wrong += usize::from(Some(metrics::class(&u)) != set.class(row));
    }
    assert!(wrong < set.len() / 16, "{wrong} of {} wrong", set.len());
}
