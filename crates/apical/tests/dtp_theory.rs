//! What theory says of difference target propagation, each test named after the claim. All in f64 but for the one that
//! compares precisions.

mod common;

use apical::circuit::params::Network;
use apical::circuit::{Attenuation, Tensors, known};
use apical::evaluate::evaluate;
use apical::kernels::rng::{Draws, Stream, fill_normals};
use apical::kernels::{Activation, Mat, Real};
use apical::learners::bp::Bp;
use apical::learners::dtp::{Dtp, Inverse, Options};
use apical::learners::feed_forward::{Function, Pass};
use apical::learners::loss::Loss;
use apical::learners::optimiser::{self, Rule};
use apical::learners::trained::{Algorithm, Teach};
use apical::learners::{AlgorithmSpec, Learner, Spec, Update, build};
use apical::solvers::{Nobody, Outcome, Shown, Trouble, Weights};
use apical::tasks::{self, Coding, TaskSpec, Train};
use common::{assert_close, flat, uniform, weights};
use nalgebra::DMatrix;

const EXACT: Options = Options { inverse: Inverse::Exact, step: 0.1, noise: 0.1, draws: 1, feedback_rate: 1.0 };
const LEARNED: Options = Options { inverse: Inverse::Learned, ..EXACT };

/// A biased net with attenuation, so that no factor c_k is 1.
fn function(sizes: &[usize], activation: Activation, loss: Loss) -> Function {
    let net = Network { activation, bias_rate: 0.5, ..known::network(sizes) };
    let attenuation = Attenuation::from_conductances(&net.conductances);
    Function { net, attenuation, loss }
}

/// Weights near 2 I: far from singular, and strong enough that attenuation does not silence the net.
fn invertible(f: &Function, address: u64) -> Tensors<f64> {
    let mut w = weights::<f64>(&f.net, 0.4, address);
    for m in &mut w.pp {
        for i in 0..m.rows.min(m.cols) {
            m.data[i * m.cols + i] += 2.0;
        }
    }
    w
}

fn matrix(m: &Mat<f64>) -> DMatrix<f64> {
    DMatrix::from_row_slice(m.rows, m.cols, &m.data)
}

/// Gauss-Newton's targets minus rates per unit of step for one sample: the least change of r_k, hidden, after which the
/// linearised output has moved by -dL/du_N; with the condition number of the Jacobian.
fn gauss_newton(f: &Function, w: &Tensors<f64>, x: &[f64], target: &[f64]) -> Vec<(Vec<f64>, f64)> {
    let mut pass = Pass::new(f, 1);
    pass.run(apical::kernels::Product::Plain, f, w, x);
    let depth = f.depth();
    let mut descent = vec![0.0; target.len()];
    f.descent(pass.output(), target, &mut descent);
    let descent = DMatrix::from_column_slice(target.len(), 1, &descent);
    let mut list = Vec::new();
    let mut jacobian = DMatrix::identity(target.len(), target.len());
    for k in (1..depth).rev() {
        // du_{k+1}/dr_k, and for hidden k + 1 dr_{k+1}/du_{k+1} before it.
        if k + 1 < depth {
            let slope: Vec<f64> = pass.potential[k].iter().map(|&u| f.net.activation.slope(u)).collect();
            jacobian *= DMatrix::from_diagonal(&slope.into());
        }
        jacobian *= matrix(&w.pp[k]) * f.factor(k + 1);
        let values = jacobian.singular_values();
        let normal = jacobian.transpose() * &jacobian;
        let change = normal.lu().solve(&(jacobian.transpose() * &descent)).unwrap();
        // The normal equations square the condition number; one refinement by the residual takes that back.
        let rest = &descent - &jacobian * &change;
        let change = change + jacobian.clone().lu().solve(&rest).unwrap();
        list.insert(0, (change.as_slice().to_vec(), values.max() / values.min()));
    }
    list
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

fn norm(a: &[f64]) -> f64 {
    distance(a, &vec![0.0; a.len()])
}

fn teach<T: Real>(
    algorithm: &mut dyn Algorithm<T>,
    w: &Tensors<T>,
    input: &[T],
    target: &[T],
    step: u64,
) -> Result<Update<T>, Trouble> {
    let samples = input.len() / w.pp[0].cols;
    let mut update = w.clone();
    update.clear();
    let mut outcome = Outcome::for_output(samples, w.pp[w.pp.len() - 1].rows);
    let shown = Teach { samples, input, target: Some(target), step, round: 0 };
    algorithm.teach(w, &shown, &mut update, &mut outcome)?;
    Ok(update)
}

#[test]
fn the_targets_of_invertible_linear_layers_are_those_of_undamped_gauss_newton() {
    for loss in [Loss::Potentials, Loss::CrossEntropy] {
        let f = function(&[5, 5, 5, 5, 5], Activation::Identity, loss);
        let w = invertible(&f, 1);
        let (x, target) = (uniform(5, -1.0, 1.0, 2), uniform(5, -1.0, 1.0, 3));
        let found = Dtp::new(&f, &EXACT, 1, 0).targets(&w, &x, &target).unwrap();
        assert_eq!(found.clipped, 0);
        for (k, (expected, condition)) in gauss_newton(&f, &w, &x, &target).iter().enumerate() {
            let expected: Vec<f64> = expected.iter().map(|d| d * EXACT.step).collect();
            let off = distance(&found.shift[k], &expected) / norm(&expected);
            assert!(off <= 1e-12 * condition, "{loss:?}, layer {}: {off:e} at condition {condition}", k + 1);
        }
    }
}

#[test]
fn with_tanh_targets_leave_gauss_newton_in_proportion_to_the_step() {
    let f = function(&[5, 5, 5, 5], Activation::Tanh, Loss::Potentials);
    let w = invertible(&f, 4);
    let (x, target) = (uniform(5, -0.5, 0.5, 5), uniform(5, -1.0, 1.0, 6));
    let expected = gauss_newton(&f, &w, &x, &target);
    let off = |step: f64, k: usize| {
        let found = Dtp::new(&f, &Options { step, ..EXACT }, 1, 0).targets(&w, &x, &target).unwrap();
        assert_eq!(found.clipped, 0);
        let scaled: Vec<f64> = found.shift[k].iter().map(|d| d / step).collect();
        distance(&scaled, &expected[k].0)
    };
    // The last hidden layer sees the output through a linear map: no error there but rounding.
    assert!(off(1e-3, 1) < 1e-10);
    let errors = [1e-2, 1e-3, 1e-4].map(|step| off(step, 0));
    for pair in errors.windows(2) {
        let slope = (pair[0] / pair[1]).log10();
        assert!((slope - 1.0).abs() < 0.1, "slope {slope} of {errors:?}");
    }
}

#[test]
fn with_perfect_inverses_the_difference_correction_changes_nothing_in_linear_layers() {
    let f = function(&[4, 4, 4, 4], Activation::Identity, Loss::Potentials);
    let mut w = invertible(&f, 7);
    for k in 1..f.depth() {
        let inverse = (matrix(&w.pp[k]) * f.factor(k + 1)).try_inverse().unwrap();
        w.pb[k - 1] = Mat::from_fn(4, 4, |i, j| inverse[(i, j)]);
    }
    let (x, target) = (uniform(12, -1.0, 1.0, 8), uniform(12, -1.0, 1.0, 9));
    let [a, b] = [LEARNED, EXACT].map(|o| Dtp::new(&f, &o, 3, 0).targets(&w, &x, &target).unwrap());
    // Two inverses of matrices with a condition number below 10.
    assert_close(&a.shift.concat(), &b.shift.concat(), 1e-12, "shift");
}

#[test]
fn where_weights_are_not_square_the_target_is_the_nearest_pre_image() {
    let f = function(&[3, 6, 4, 2], Activation::Identity, Loss::Potentials);
    let w = weights::<f64>(&f.net, 1.0, 10);
    let (x, target) = (uniform(3, -1.0, 1.0, 11), uniform(2, -1.0, 1.0, 12));
    let found = Dtp::new(&f, &EXACT, 1, 0).targets(&w, &x, &target).unwrap().shift;
    for k in 1..f.depth() {
        let m = matrix(&w.pp[k]) * f.factor(k + 1);
        let change = DMatrix::from_column_slice(f.net.sizes[k], 1, &found[k - 1]);
        // It is a pre-image, and has no part that the layer above does not see.
        assert_close((&m * &change).as_slice(), &found[k], 1e-12, "pre-image");
        let seen = m.transpose() * (&m * m.transpose()).lu().solve(&(&m * &change)).unwrap();
        assert_close(seen.as_slice(), change.as_slice(), 1e-11, "nearest");
    }
}

#[test]
fn learned_inverses_of_linear_layers_approach_the_pseudo_inverse() {
    // Narrowing 6 to 4, then square: 4 to 4.
    let f = function(&[3, 6, 4, 4], Activation::Identity, Loss::Potentials);
    let mut w = invertible(&f, 13);
    let samples = 32;
    let (x, target) = (uniform(3 * samples, -1.0, 1.0, 14), uniform(4 * samples, -1.0, 1.0, 15));
    let mut dtp = Dtp::new(&f, &LEARNED, samples, 16);
    for step in 0..4000 {
        let update = teach(&mut dtp, &w, &x, &target, step).unwrap();
        let rate = 0.3 / (1.0 + step as f64 / 100.0);
        for (q, d) in w.pb.iter_mut().zip(&update.pb) {
            q.data.iter_mut().zip(&d.data).for_each(|(q, d)| *q += rate * d);
        }
    }
    for k in 1..f.depth() {
        let expected = (matrix(&w.pp[k]) * f.factor(k + 1)).pseudo_inverse(1e-12).unwrap();
        let off = (matrix(&w.pb[k - 1]) - &expected).norm() / expected.norm();
        // What a narrowing layer loses is noise to the inverse: 32 * 4000 draws leave about 1 / sqrt(128000) of it. The
        // square layer has no such noise.
        let tolerance = if k == 1 { 2e-2 } else { 1e-3 };
        assert!(off < tolerance, "layer {k}: {off:e}");
    }
}

#[test]
fn inverses_descend_the_difference_of_reconstructions() {
    let f = function(&[3, 5, 4, 2], Activation::Tanh, Loss::Potentials);
    let w = weights::<f64>(&f.net, 1.0, 17);
    let samples = 4;
    let options = Options { draws: 2, noise: 0.3, ..LEARNED };
    let (x, target) = (uniform(3 * samples, -1.0, 1.0, 18), uniform(2 * samples, -1.0, 1.0, 19));
    let mut dtp = Dtp::new(&f, &options, samples, 20);
    let update = teach(&mut dtp, &w, &x, &target, 5).unwrap();
    for k in 1..f.depth() {
        // Sum over draws of |z|^2, to turn the reported share into the loss 1/2 |error|^2 / noise^2, mean over samples.
        let mut z = vec![0.0f32; f.net.sizes[k] * samples];
        let mut squares = 0.0;
        for draw in 0..2 {
            fill_normals(20, Stream::Learner, (5 << 16) + draw * 3 + k as u64, &mut z);
            squares += z.iter().map(|&z| f64::from(z).powi(2)).sum::<f64>();
        }
        let mut loss = |w: &Tensors<f64>| {
            teach(&mut dtp, w, &x, &target, 5).unwrap();
            dtp.reconstruction()[k - 1] * squares / (2.0 * 2.0 * samples as f64)
        };
        let h = 1e-5;
        for at in 0..w.pb[k - 1].data.len() {
            let [up, down] = [h, -h].map(|h| {
                let mut w = w.clone();
                w.pb[k - 1].data[at] += h;
                loss(&w)
            });
            // Central differences: h^2 times a third derivative, and rounding of the loss over h.
            let (found, expected) = (update.pb[k - 1].data[at], -(up - down) / (2.0 * h));
            assert!((found - expected).abs() < 1e-8, "Wpb.{k} entry {at}: {found} in place of {expected}");
        }
    }
}

#[test]
fn the_output_layer_descends_the_loss_itself() {
    for loss in [Loss::Potentials, Loss::Rates, Loss::CrossEntropy] {
        let f = function(&[4, 6, 5, 3], Activation::Tanh, loss);
        let w = weights::<f64>(&f.net, 1.0, 21);
        let (x, target) = (uniform(8, -1.0, 1.0, 22), uniform(6, -1.0, 1.0, 23));
        let gradient = teach(&mut Bp::new(&f, 2), &w, &x, &target, 0).unwrap();
        for step in [1e-6, 0.3, 1.0] {
            let options = Options { step, ..LEARNED };
            let update = teach(&mut Dtp::new(&f, &options, 2, 0), &w, &x, &target, 0).unwrap();
            assert_close(&update.pp[2].data, &gradient.pp[2].data, 1e-14, "Wpp.3");
            assert_close(&update.bpp[2].data, &gradient.bpp[2].data, 1e-14, "bpp.3");
        }
    }
}

#[test]
fn samples_of_a_batch_do_not_influence_each_other() {
    let f = function(&[4, 5, 5, 5], Activation::Tanh, Loss::Potentials);
    let w = invertible(&f, 24);
    let (x, target) = (uniform(12, -1.0, 1.0, 25), uniform(15, -1.0, 1.0, 26));
    for options in [LEARNED, EXACT] {
        let together = Dtp::new(&f, &options, 3, 0).targets(&w, &x, &target).unwrap().shift;
        let whole = teach(&mut Dtp::new(&f, &options, 3, 0), &w, &x, &target, 0).unwrap();
        let mut sum = vec![0.0; flat(&whole).len()];
        for b in 0..3 {
            let (x, target) = (&x[b * 4..(b + 1) * 4], &target[b * 5..(b + 1) * 5]);
            let mut dtp = Dtp::new(&f, &options, 1, 0);
            for (all, alone) in together.iter().zip(dtp.targets(&w, x, target).unwrap().shift) {
                assert_close(&all[b * 5..(b + 1) * 5], &alone, 1e-12, "shift");
            }
            let mut update = teach(&mut dtp, &w, x, target, 0).unwrap();
            // Noise is addressed by the place in the batch, so inverses alone are taught something else.
            update.pb.clone_from(&whole.pb);
            sum.iter_mut().zip(flat(&update)).for_each(|(s, d)| *s += d / 3.0);
        }
        assert_close(&flat(&whole), &sum, 1e-12, "update");
    }
}

#[test]
fn the_reconstruction_error_falls_while_inverses_learn() {
    let f = function(&[6, 8, 6, 4], Activation::Tanh, Loss::Potentials);
    let mut w = weights::<f64>(&f.net, 1.0, 27);
    let (x, target) = (uniform(6 * 16, -1.0, 1.0, 28), uniform(4 * 16, -1.0, 1.0, 29));
    let mut dtp = Dtp::new(&f, &LEARNED, 16, 30);
    let mut course = Vec::new();
    for step in 0..1000 {
        let update = teach(&mut dtp, &w, &x, &target, step).unwrap();
        w.pb.iter_mut().zip(&update.pb).for_each(|(q, d)| {
            q.data.iter_mut().zip(&d.data).for_each(|(q, d)| *q += 0.1 * d);
        });
        course.push(dtp.reconstruction().to_vec());
    }
    for k in 0..2 {
        let mean = |part: &[Vec<f64>]| part.iter().map(|r| r[k]).sum::<f64>() / part.len() as f64;
        // One batch scatters by sqrt(2 / (16 * 6)) = 14 %, a mean over 20 by 3 %: half is far outside.
        let (before, after) = (course[0][k], mean(&course[980..]));
        assert!(after < 0.5 * before, "layer {}: {before} to {after}", k + 1);
    }
}

#[test]
fn single_precision_follows_double() {
    fn updates<T: Real>(options: &Options, f: &Function) -> Vec<f64> {
        let mut w = Tensors::<T>::zeros(&f.net.sizes, true);
        for ((_, m), (_, from)) in w.named_mut().zip(invertible(f, 31).named()) {
            m.data.iter_mut().zip(&from.data).for_each(|(x, &from)| *x = T::from_f64(from));
        }
        let (x, target) = (uniform::<T>(24, -1.0, 1.0, 32), uniform::<T>(24, -1.0, 1.0, 33));
        let update = teach(&mut Dtp::new(f, options, 4, 34), &w, &x, &target, 0).unwrap();
        flat(&update).iter().map(|x| x.to_f64()).collect()
    }
    let f = function(&[6, 6, 6, 6], Activation::Tanh, Loss::Potentials);
    for options in [LEARNED, EXACT] {
        let (single, double) = (updates::<f32>(&options, &f), updates::<f64>(&options, &f));
        // Differences of rates lose what noise and step (0.1) take from 6e-8, and are divided by them.
        let off = distance(&single, &double) / norm(&double);
        assert!(off < 1e-5, "{options:?}: {off:e}");
    }
}

#[test]
fn targets_beyond_the_rates_are_clipped_and_counted() {
    let f = function(&[3, 3, 3, 3], Activation::Tanh, Loss::Potentials);
    let w = invertible(&f, 35);
    let (x, target) = (uniform(3, -1.0, 1.0, 36), vec![50.0, -50.0, 50.0]);
    let found = Dtp::new(&f, &Options { step: 1.0, ..EXACT }, 1, 0).targets(&w, &x, &target).unwrap();
    assert_eq!(found.clipped, 3);
    assert!(found.shift.iter().flatten().all(|d| d.is_finite()));
}

#[test]
fn weights_without_inverse_are_trouble_of_exact_inverses_alone() {
    let f = function(&[3, 3, 3, 3], Activation::Tanh, Loss::Potentials);
    let mut w = weights::<f64>(&f.net, 1.0, 37);
    w.pp[1].data[3..6].fill(0.0);
    let (x, target) = (uniform(3, -1.0, 1.0, 38), uniform(3, -1.0, 1.0, 39));
    let found = teach(&mut Dtp::new(&f, &EXACT, 1, 0), &w, &x, &target, 0);
    assert!(matches!(found, Err(Trouble::NoInverse { layer: 2, .. })), "{found:?}");
    assert!(teach(&mut Dtp::new(&f, &LEARNED, 1, 0), &w, &x, &target, 0).is_ok());
}

#[test]
fn exact_inverses_refuse_activations_without_inverse() {
    let flat = [Activation::HardSigmoid, Activation::HardTanh, Activation::Relu, Activation::Gelu];
    for phi in Activation::ALL {
        assert_eq!(EXACT.refuses(phi).is_some(), flat.contains(&phi), "{phi:?}");
        assert_eq!(LEARNED.refuses(phi), None);
    }
}

/// A learner of the digits or of whatever has the same sizes.
fn learner(f: &Function, samples: usize, seed: u64, frozen: &[usize]) -> Box<dyn Learner<f64>> {
    let algorithm = AlgorithmSpec::Dtp(LEARNED);
    let w = apical::circuit::start::draw(&f.net, &f.attenuation, &fan_in(), seed).only(algorithm.kinds());
    let rule = Rule::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decoupled: true };
    let rate = vec![2e-3; f.depth()];
    let optimiser = optimiser::Spec { rule, rate, weight_decay: 0.0, clip: None, frozen: frozen.to_vec() };
    build(&Spec::Trained { algorithm, optimiser, bound: 1e6 }, f, w, samples, seed)
}

fn fan_in() -> apical::circuit::start::Starts {
    use apical::circuit::start::{Start, Starts};
    Starts { pp: Start::FanIn, bpp: Start::FanIn, pb: Start::FanIn, ..known::random() }
}

#[test]
fn noise_is_addressed_by_the_step() {
    let f = function(&[4, 5, 4, 3], Activation::Tanh, Loss::Potentials);
    let (x, target) = (uniform(8, -1.0, 1.0, 40), uniform(6, -1.0, 1.0, 41));
    let shown = Shown { samples: 2, input: &x, target: Some(&target) };
    let mut outcome = Outcome::for_output(2, 3);
    let mut first = learner(&f, 2, 42, &[]);
    let update = first.update(&shown, Weights::Held).unwrap();
    assert_eq!(update, first.update(&shown, Weights::Held).unwrap());
    first.set_clock(1);
    let later = first.update(&shown, Weights::Held).unwrap();
    assert_eq!(later.pp, update.pp);
    assert_ne!(later.pb, update.pb);
    first.set_clock(0);
    for _ in 0..5 {
        first.learn(&shown, &mut outcome, &mut Nobody).unwrap();
    }
    let mut second = learner(&f, 2, 42, &[]);
    second.weights_mut().clone_from(first.weights());
    let saved = first.save();
    let mut find = |name: &str, _: usize| saved.iter().find(|a| a.name == name).map(|a| a.data.clone());
    second.restore(&mut find).unwrap();
    second.set_clock(first.clock());
    for _ in 0..3 {
        first.learn(&shown, &mut outcome, &mut Nobody).unwrap();
        second.learn(&shown, &mut outcome, &mut Nobody).unwrap();
    }
    assert_eq!(first.weights(), second.weights());
}

/// Validation error on the digits after 20 epochs, with some layers left at their start weights.
fn digits_error(frozen: &[usize]) -> f64 {
    let mut f = function(&[64, 32, 32, 10], Activation::Tanh, Loss::CrossEntropy);
    f.attenuation = Attenuation::none(f.attenuation.mixing);
    let task = tasks::build(&TaskSpec::Digits { coding: Coding { low: 0.0, high: 1.0 } }, 64, 10, 0).unwrap();
    let Train::Set(train) = &task.train else { panic!("the digits are a set") };
    let batch = 20;
    let mut learner = learner(&f, batch, 1, frozen);
    let mut outcome = Outcome::for_output(batch, 10);
    let (mut x, mut target) = (vec![0.0; batch * 64], vec![0.0; batch * 10]);
    let mut order: Vec<usize> = (0..train.len()).collect();
    for epoch in 0..20 {
        Draws::new(1, Stream::Order, epoch).shuffle(&mut order);
        for rows in order.chunks_exact(batch) {
            for ((&row, x), t) in rows.iter().zip(x.chunks_exact_mut(64)).zip(target.chunks_exact_mut(10)) {
                train.input(row, x);
                train.target(row, t);
            }
            let shown = Shown { samples: batch, input: &x, target: Some(&target) };
            learner.learn(&shown, &mut outcome, &mut Nobody).unwrap();
        }
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let found = evaluate(&*learner, &task.validation, false, Activation::Tanh, f.loss, &pool).unwrap();
    found.error.unwrap()
}

#[test]
fn its_hidden_layers_learn_the_digits_and_not_the_readout_alone() {
    let (all, readout) = (digits_error(&[]), digits_error(&[1, 2]));
    assert!(all < 0.07 && all < 0.7 * readout, "{all}, and {readout} with random hidden layers");
}
