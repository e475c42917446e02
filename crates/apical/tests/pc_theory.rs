//! Claims of theory about predictive coding, each a test named after the claim. In f64 unless the name says otherwise.

mod common;

use allocation_counter::measure;
use apical::circuit::params::{Mixing, Network};
use apical::circuit::{Attenuation, Kind, Tensors, known};
use apical::kernels::rng::{Draws, Stream};
use apical::kernels::{Activation, Mat, Product, Real};
use apical::learners::bp::Bp;
use apical::learners::feed_forward::Function;
use apical::learners::loss::Loss;
use apical::learners::metrics::{angle, class};
use apical::learners::optimiser::{self, Rule};
use apical::learners::pc::{Options, Pc, Schedule};
use apical::learners::trained::{Algorithm, Teach, Trained};
use apical::learners::{Learner, Update};
use apical::solvers::{Moment, Nobody, Outcome, Shown, Trouble};
use apical::tasks::{self, Coding, TaskSpec, Train};
use common::{assert_close, flat, uniform, weights};

const MIXING: Mixing = Mixing { output: 1.0, interneuron: 1.0, hidden: 1.0 };

/// A function with biases and attenuation.
fn function(sizes: &[usize], activation: Activation, loss: Loss) -> Function {
    let net = Network { activation, bias_rate: 0.5, ..known::network(sizes) };
    Function { net, attenuation: Attenuation { hidden: 0.9, output: 0.8, ..Attenuation::none(MIXING) }, loss }
}

fn forward<T: Real>(f: &Function, a: f64) -> Tensors<T> {
    weights(&f.net, a, 7).only(&[Kind::Wpp, Kind::Bpp])
}

fn options(steps: usize, rate: f64) -> Options {
    Options { schedule: Schedule::Settled, steps, rate, momentum: 0.0, output_precision: 1.0 }
}

/// Runs one round and returns what it teaches.
fn round<T: Real>(
    algorithm: &mut dyn Algorithm<T>,
    w: &Tensors<T>,
    input: &[T],
    target: &[T],
    round: usize,
) -> (Update<T>, Outcome<T>) {
    let samples = input.len() / w.pp[0].cols;
    let mut update = w.clone();
    update.clear();
    let mut outcome = Outcome::for_output(samples, target.len() / samples);
    let teach = Teach { samples, input, target: Some(target), step: 0, round };
    algorithm.teach(w, &teach, &mut update, &mut outcome).expect("the pass is finite");
    (update, outcome)
}

fn pc<T: Real>(f: &Function, o: Options, w: &Tensors<T>, input: &[T], target: &[T]) -> (Update<T>, Outcome<T>) {
    round(&mut Pc::new(f, &o, input.len() / f.net.sizes[0]), w, input, target, 0)
}

fn bp<T: Real>(f: &Function, w: &Tensors<T>, input: &[T], target: &[T]) -> Update<T> {
    round(&mut Bp::new(f, input.len() / f.net.sizes[0]), w, input, target, 0).0
}

fn norm(values: impl IntoIterator<Item = f64>) -> f64 {
    values.into_iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// |a - b| / |b| over all tensors.
fn distance(a: &Update<f64>, b: &Update<f64>) -> f64 {
    let (a, b) = (flat(a), flat(b));
    norm(a.iter().zip(&b).map(|(a, b)| a - b)) / norm(b)
}

fn total_angle(a: &Update<f64>, b: &Update<f64>) -> f64 {
    let row = |w| {
        let data = flat(w);
        Mat { rows: 1, cols: data.len(), data }
    };
    angle(&row(a), &row(b)).expect("neither is zero")
}

/// The loss is the squared error of potentials, the activation the identity, the batch one sample. The equilibrium is read
/// from what it teaches the output's biases, c_N beta_b eps_N / pi. All eigenvalues of S are 1 or more, so that
/// |eps_N - S^-1 e| <= |S eps_N - e|.
#[test]
fn at_the_linear_equilibrium_the_output_error_is_the_inverse_of_s_times_the_feed_forward_error() {
    for sizes in [vec![5, 6, 4, 3], vec![4, 3, 5, 2, 6]] {
        let f = function(&sizes, Activation::Identity, Loss::Potentials);
        let (w, depth) = (forward::<f64>(&f, 1.0), f.depth());
        let (x, t) = (uniform(sizes[0], -1.0, 1.0, 1), uniform(sizes[depth], -1.0, 1.0, 2));
        for precision in [1.0, 0.3] {
            let o = Options { output_precision: precision, momentum: 0.5, ..options(5000, 0.05) };
            let (update, outcome) = pc(&f, o, &w, &x, &t);
            assert_eq!(outcome.unsettled, 0);
            let unit = f.factor(depth) * f.net.bias_rate;
            let eps: Vec<f64> = update.bpp[depth - 1].data.iter().map(|d| d / unit).collect();
            let e: Vec<f64> = t.iter().zip(&outcome.output).map(|(t, u)| t - u).collect();
            // S eps = eps + pi sum_l W_{N:l} W_{N:l}^T eps, one layer after another.
            let mut found = eps.clone();
            for l in 1..depth {
                let mut v = eps.clone();
                for k in (l + 1..=depth).rev() {
                    let mut below = vec![0.0; sizes[k - 1]];
                    Product::Plain.back_sum(&w.pp[k - 1], &v, &mut below);
                    v = below.iter().map(|z| f.factor(k) * z).collect();
                }
                for k in l + 1..=depth {
                    let mut above = vec![0.0; sizes[k]];
                    Product::Plain.weighted_sum(&w.pp[k - 1], &v, &mut above);
                    v = above.iter().map(|u| f.factor(k) * u).collect();
                }
                found.iter_mut().zip(v).for_each(|(s, v)| *s += precision * v);
            }
            assert_close(&found, &e, 1e-10, "S eps_N");
        }
    }
}

#[test]
fn the_settled_update_goes_to_backpropagations_as_the_output_precision_goes_to_zero() {
    for loss in Loss::ALL {
        let f = function(&[6, 5, 4, 3], Activation::Logistic, loss);
        let w = forward::<f64>(&f, 2.0);
        let (x, t) = (uniform(12, 0.0, 1.0, 1), uniform(6, -1.0, 1.0, 2));
        let exact = bp(&f, &w, &x, &t);
        let distances = [1e-1, 1e-2, 1e-3].map(|precision| {
            let o = Options { output_precision: precision, ..options(2000, 0.2) };
            let (update, outcome) = pc(&f, o, &w, &x, &t);
            assert_eq!(outcome.unsettled, 0);
            assert!(outcome.residual < 1e-13, "{} has not settled: {:e}", loss.name(), outcome.residual);
            distance(&update, &exact)
        });
        for pair in distances[1..].windows(2) {
            let slope = (pair[0] / pair[1]).log10();
            assert!((slope - 1.0).abs() < 0.1, "{}: {distances:?}", loss.name());
        }
    }
}

/// With one output eps_N has no direction to lose; with several S turns it, however small the error is.
#[test]
fn at_unit_precision_the_update_does_not_go_to_backpropagations_as_the_error_shrinks() {
    let angles = |outputs: usize| {
        let f = function(&[6, 5, 4, outputs], Activation::Tanh, Loss::Potentials);
        let w = forward::<f64>(&f, 1.0);
        let x = uniform(6, -1.0, 1.0, 1);
        let mut output = vec![0.0; outputs];
        Bp::new(&f, 1).answer(&w, &x, 1, &mut output).expect("the pass is finite");
        let direction: Vec<f64> = uniform(outputs, -1.0, 1.0, 2);
        [1e-1, 1e-2, 1e-3].map(|size| {
            let t: Vec<f64> = output.iter().zip(&direction).map(|(u, d)| u + size * d).collect();
            let (update, outcome) = pc(&f, options(2000, 0.2), &w, &x, &t);
            assert!(outcome.residual < 1e-13, "{:e}", outcome.residual);
            total_angle(&update, &bp(&f, &w, &x, &t))
        })
    };
    let (one, several) = (angles(1), angles(3));
    // The angle that is left belongs to the weights: it changes with the error by the error's order alone.
    assert!(several[2] > 5.0 && (several[2] / several[1] - 1.0).abs() < 0.01, "{several:?}");
    let slope = (one[1] / one[2]).log10();
    assert!((slope - 1.0).abs() < 0.1, "{one:?}");
}

#[test]
fn the_zero_divergence_schedule_is_backpropagation() {
    for sizes in [vec![4, 3], vec![5, 6, 3], vec![6, 5, 4, 3], vec![4, 7, 6, 5, 2]] {
        for (activation, loss) in Loss::ALL.map(|l| (Activation::Logistic, l)).into_iter().chain([
            (Activation::Tanh, Loss::Potentials),
            (Activation::Relu, Loss::CrossEntropy),
            (Activation::Identity, Loss::Potentials),
        ]) {
            for precision in [1.0, 0.4] {
                let f = function(&sizes, activation, loss);
                let w = forward::<f64>(&f, 1.0);
                let (x, t) = (uniform(3 * sizes[0], -1.0, 1.0, 1), uniform(3 * sizes[f.depth()], -1.0, 1.0, 2));
                // Neither steps nor rate nor momentum are its own to choose.
                let o = Options { output_precision: precision, momentum: 0.5, ..options(100, 0.1) };
                let o = Options { schedule: Schedule::ZeroDivergence, ..o };
                let (update, outcome) = pc(&f, o, &w, &x, &t);
                assert_eq!((outcome.unsettled, outcome.sweeps), (0, f.depth() - 1));
                let what = format!("{sizes:?} {} {}", activation.name(), loss.name());
                assert_close(&flat(&update), &flat(&bp(&f, &w, &x, &t)), 1e-12, &what);
            }
        }
    }
}

/// After one step the error has reached the last hidden layer, times the rate, and no layer below.
#[test]
fn one_step_from_the_feed_forward_states_teaches_the_rate_times_backpropagation_to_the_last_hidden_layer() {
    let f = function(&[6, 5, 4, 3], Activation::Tanh, Loss::Potentials);
    let w = forward::<f64>(&f, 1.0);
    let (x, t) = (uniform(12, -1.0, 1.0, 1), uniform(6, -1.0, 1.0, 2));
    let exact = bp(&f, &w, &x, &t);
    let o = Options { schedule: Schedule::Incremental, ..options(1, 0.3) };
    let (update, _) = pc(&f, o, &w, &x, &t);
    assert_eq!(norm(update.pp[0].data.iter().copied()), 0.0);
    let expected: Vec<f64> = exact.pp[1].data.iter().map(|d| 0.3 * d).collect();
    assert_close(&update.pp[1].data, &expected, 1e-14, "Wpp.2");
    // The output's error has shrunk, since the last hidden layer has moved.
    assert!(update.bpp[2].norm() < exact.bpp[2].norm());
}

#[test]
fn at_held_weights_round_t_of_the_incremental_schedule_teaches_what_t_steps_of_the_settled_one_do() {
    let f = function(&[6, 5, 4, 3], Activation::Tanh, Loss::CrossEntropy);
    let w = forward::<f64>(&f, 1.0);
    let (x, t) = (uniform(12, -1.0, 1.0, 1), uniform(6, -1.0, 1.0, 2));
    let o = Options { momentum: 0.6, output_precision: 0.7, ..options(5, 0.1) };
    let mut incremental = Pc::new(&f, &Options { schedule: Schedule::Incremental, ..o }, 2);
    assert_eq!(incremental.rounds(), 5);
    for n in 0..5 {
        let (update, _) = round(&mut incremental, &w, &x, &t, n);
        let (settled, _) = pc(&f, Options { steps: n + 1, ..o }, &w, &x, &t);
        // The same sums in the same order.
        assert_eq!(flat(&update), flat(&settled), "round {n}");
    }
}

#[test]
fn samples_of_a_batch_do_not_know_of_each_other() {
    let f = function(&[6, 5, 4, 3], Activation::Tanh, Loss::Potentials);
    let w = forward::<f64>(&f, 1.0);
    let (x, t) = (uniform(18, -1.0, 1.0, 1), uniform(9, -1.0, 1.0, 2));
    let o = Options { momentum: 0.5, ..options(20, 0.1) };
    let (together, outcome) = pc(&f, o, &w, &x, &t);
    let mut mean = w.clone();
    mean.clear();
    for b in 0..3 {
        let (x, t) = (&x[6 * b..6 * b + 6], &t[3 * b..3 * b + 3]);
        let (mut alone, single) = pc(&f, o, &w, x, t);
        alone.named_mut().for_each(|(_, m)| m.data.iter_mut().for_each(|d| *d /= 3.0));
        mean.add(&alone);
        assert_close(&single.output, &outcome.output[3 * b..3 * b + 3], 1e-13, "output");
    }
    assert_close(&flat(&together), &flat(&mean), 1e-13, "update");
}

#[test]
fn f32_follows_f64() {
    fn updates<T: Real>(schedule: Schedule) -> Vec<f64> {
        let f = function(&[20, 30, 20, 10], Activation::Tanh, Loss::CrossEntropy);
        let mut w = weights::<T>(&f.net, 0.3, 7).only(&[Kind::Wpp, Kind::Bpp]);
        let (x, t) = (uniform(160, -1.0, 1.0, 1), uniform(80, -1.0, 1.0, 2));
        let o = Options { schedule, momentum: 0.5, ..options(8, 0.1) };
        let mut pc = Pc::new(&f, &o, 8);
        let mut values = Vec::new();
        for n in 0..pc.rounds() {
            let (update, outcome) = round(&mut pc, &w, &x, &t, n);
            assert_eq!(outcome.unsettled, 0);
            values.extend(flat(&update).into_iter().map(Real::to_f64));
            w.add(&update);
        }
        values
    }
    for schedule in [Schedule::Settled, Schedule::Incremental, Schedule::ZeroDivergence] {
        // Values of at most 1, some hundreds of roundings of 6e-8.
        assert_close(&updates::<f32>(schedule), &updates::<f64>(schedule), 3e-5, &format!("{schedule:?}"));
    }
}

/// Saturated cells feel nothing of the output and stay; the others are thrown to and fro by a rate that is too large.
#[test]
fn a_sample_that_does_not_settle_is_counted_and_teaches_nothing() {
    let f = function(&[4, 5, 3], Activation::Tanh, Loss::Potentials);
    let w = forward::<f64>(&f, 2.0);
    let calm: Vec<f64> = uniform(4, 200.0, 400.0, 1);
    let wild: Vec<f64> = uniform(4, -0.05, 0.05, 2);
    let t: Vec<f64> = uniform(3, -1.0, 1.0, 3);
    let o = options(9, 1.2);
    let (alone, outcome) = pc(&f, o, &w, &calm, &t);
    assert_eq!(outcome.unsettled, 0);
    let both = ([calm, wild].concat(), [t.clone(), t].concat());
    for schedule in [Schedule::Settled, Schedule::Incremental] {
        let mut pc = Pc::new(&f, &Options { schedule, ..o }, 2);
        let last = pc.rounds() - 1;
        let (update, outcome) = (0..=last).map(|n| round(&mut pc, &w, &both.0, &both.1, n)).last().expect("a round");
        assert_eq!(outcome.unsettled, 1, "{schedule:?}");
        // The mean over two samples, of which one is silent; two ways to compute a product.
        let half: Vec<f64> = flat(&alone).iter().map(|d| d / 2.0).collect();
        assert_close(&flat(&update), &half, 1e-13, "update");
    }
}

#[test]
fn states_that_are_lost_leave_update_and_output_finite() {
    let f = function(&[4, 5, 6, 3], Activation::Relu, Loss::Potentials);
    let w = forward::<f64>(&f, 2.0);
    let (x, t) = (uniform(8, 0.0, 1.0, 1), uniform(6, -1.0, 1.0, 2));
    let (update, outcome) = pc(&f, options(3000, 10.0), &w, &x, &t);
    assert_eq!(outcome.unsettled, 2);
    assert_eq!(norm(flat(&update)), 0.0);
    let mut answer = vec![0.0; 6];
    Bp::new(&f, 2).answer(&w, &x, 2, &mut answer).expect("the pass is finite");
    assert_eq!(outcome.output, answer);
}

#[test]
fn an_infinite_feed_forward_answer_is_divergence() {
    let f = function(&[4, 5, 3], Activation::Relu, Loss::Potentials);
    let w = weights::<f32>(&f.net, 1e30, 7).only(&[Kind::Wpp, Kind::Bpp]);
    let (x, t) = (uniform(8, 0.0, 1.0, 1), uniform(6, -1.0, 1.0, 2));
    let mut outcome = Outcome::for_output(2, 3);
    let teach = Teach { samples: 2, input: &x, target: Some(&t), step: 5, round: 0 };
    let result = Pc::new(&f, &options(8, 0.1), 2).teach(&w, &teach, &mut w.clone(), &mut outcome);
    assert!(matches!(result, Err(Trouble::Diverged { layer: 2, moment: Moment::Step(5), .. })), "{result:?}");
}

#[test]
fn inference_lowers_the_energy_from_the_loss_on() {
    for loss in Loss::ALL {
        let f = function(&[6, 5, 4, 3], Activation::Logistic, loss);
        let w = forward::<f64>(&f, 1.0);
        let (x, t) = (uniform(12, 0.0, 1.0, 1), uniform(6, -1.0, 1.0, 2));
        let o = Options { output_precision: 2.0, ..options(30, 0.1) };
        let pc = Pc::new(&f, &o, 2);
        let energies = pc.energies(&w, &x, &t);
        assert_eq!(energies.len(), 31);
        assert!(energies.windows(2).all(|pair| pair[1] < pair[0]), "{}: {energies:?}", loss.name());
        let mut output = vec![0.0; 6];
        pc.answer(&w, &x, 2, &mut output).expect("the pass is finite");
        let pairs = output.chunks_exact(3).zip(t.chunks_exact(3));
        let half = if matches!(loss, Loss::Potentials | Loss::Rates) { 0.5 } else { 1.0 };
        let start: f64 = pairs.map(|(u, t)| half * loss.value(f.net.activation, u, t)).sum();
        // Two samples, precision 2; sums of six terms.
        assert!((energies[0] - start).abs() < 1e-14, "{}", loss.name());
    }
}

#[test]
fn the_first_move_is_down_the_gradient_of_the_energy() {
    let f = function(&[6, 5, 4, 3], Activation::Tanh, Loss::Potentials);
    let w = forward::<f64>(&f, 1.0);
    let (x, t) = (uniform(6, -1.0, 1.0, 1), uniform(3, -1.0, 1.0, 2));
    // F(rate) - F(0) = -rate |dF/dx|^2 to first order, and at the start dF/dx is -delta_{N-1}, which backpropagation
    // teaches the biases of layer N - 1, times c beta_b.
    let delta = bp(&f, &w, &x, &t).bpp[1].norm() / (f.factor(2) * f.net.bias_rate);
    let slope = |rate: f64| {
        let energies = Pc::new(&f, &options(1, rate), 1).energies(&w, &x, &t);
        (energies[0] - energies[1]) / rate
    };
    // Halving the rate halves what is of second order.
    let extrapolated = 2.0 * slope(1e-4) - slope(2e-4);
    assert!((extrapolated / delta.powi(2) - 1.0).abs() < 1e-6, "{extrapolated} {}", delta.powi(2));
}

/// With one sample, for which products are plain loops.
#[test]
fn a_step_of_inference_allocates_nothing() {
    let f = function(&[6, 5, 4, 3], Activation::Tanh, Loss::Potentials);
    let w = forward::<f64>(&f, 1.0);
    let (x, t) = (uniform(6, -1.0, 1.0, 1), uniform(3, -1.0, 1.0, 2));
    let count = |steps: usize| {
        let mut pc = Pc::new(&f, &options(steps, 0.1), 1);
        measure(|| drop(round(&mut pc, &w, &x, &t, 0))).count_total
    };
    assert_eq!(count(2), count(20));
}

#[test]
fn options_that_cannot_teach_are_refused() {
    let good = options(8, 0.1);
    assert_eq!(good.refuses(), None);
    for bad in [
        Options { steps: 0, ..good },
        Options { rate: 0.0, ..good },
        Options { rate: f64::NAN, ..good },
        Options { momentum: 1.0, ..good },
        Options { momentum: -0.1, ..good },
        Options { output_precision: 0.0, ..good },
        Options { output_precision: f64::INFINITY, ..good },
    ] {
        assert!(bad.refuses().is_some(), "{bad:?}");
    }
    let own = Options { schedule: Schedule::ZeroDivergence, steps: 0, rate: 0.0, momentum: 2.0, ..good };
    assert_eq!(own.refuses(), None);
}

#[test]
fn digits_are_learned() {
    let spec = TaskSpec::Digits { coding: Coding { low: 0.0, high: 1.0 } };
    let task = tasks::build(&spec, 64, 10, 1).expect("the digits ship with the library");
    let Train::Set(train) = &task.train else { panic!("the digits are a set") };
    let net = Network { activation: Activation::Tanh, bias_rate: 1.0, ..known::network(&[64, 32, 32, 10]) };
    let f = Function { net, attenuation: Attenuation::none(MIXING), loss: Loss::Potentials };
    let adam = Rule::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decoupled: true };
    let optimiser = optimiser::Spec { rule: adam, rate: vec![1e-3; 3], weight_decay: 0.0, clip: None, frozen: vec![] };
    for schedule in [Schedule::Settled, Schedule::Incremental, Schedule::ZeroDivergence] {
        let o = Options { schedule, ..options(8, 0.1) };
        let start = weights::<f32>(&f.net, 0.18, 3).only(&[Kind::Wpp, Kind::Bpp]);
        let mut learner = Trained::new(Box::new(Pc::new(&f, &o, 21)), &optimiser, &f, start, 21, 1e3);
        let mut outcome = Outcome::for_output(21, 10);
        let (mut x, mut t) = (vec![0.0; 21 * 64], vec![0.0; 21 * 10]);
        let mut order: Vec<usize> = (0..train.len()).collect();
        for epoch in 0..30 {
            Draws::new(1, Stream::Probe, epoch).shuffle(&mut order);
            for rows in order.chunks_exact(21) {
                for (b, &row) in rows.iter().enumerate() {
                    train.input(row, &mut x[64 * b..64 * b + 64]);
                    train.target(row, &mut t[10 * b..10 * b + 10]);
                }
                let shown = Shown { samples: 21, input: &x, target: Some(&t) };
                learner.learn(&shown, &mut outcome, &mut Nobody).expect("learning is stable");
                assert_eq!(outcome.unsettled, 0, "{schedule:?}");
            }
        }
        let n = task.validation.len();
        let (mut x, mut output) = (vec![0.0; 64 * n], vec![0.0; 10 * n]);
        (0..n).for_each(|row| task.validation.input(row, &mut x[64 * row..64 * row + 64]));
        assert_eq!(learner.answer(&x, n, &mut output).expect("answers are bounded"), 0);
        let wrong = (0..n).filter(|&b| Some(class(&output[10 * b..10 * b + 10])) != task.validation.class(b)).count();
        // A single layer errs in about 6 %.
        assert!(wrong * 100 < 5 * n, "{schedule:?}: {wrong} of {n}");
    }
}
