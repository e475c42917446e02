//! Statistics of the somatic noise, in circuits without synapses, where somas are autoregressive processes.

mod common;

use apical::circuit::noise::{Population, Source};
use apical::circuit::params::{Network, Noise, NoiseScaling};
use apical::circuit::step::{Constants, Learning, step};
use apical::circuit::{Potentials, State, Tensors, known};
use apical::kernels::{Product, Real};

const DT: f64 = 0.1;
/// Cells of a population, and steps that are looked at.
const CELLS: usize = 50;
const STEPS: usize = 4000;

/// Mean squares of hidden, output and interneuron somas.
fn variances<T: Real>(noise: Noise, target: bool, seed: u64) -> [f64; 3] {
    let net = known::network(&[1, CELLS, CELLS]);
    let c = Constants::<T>::new(&net, &known::timing(1.0), None, Product::Plain);
    let (mut w, mut state, mut p) = (Tensors::zeros(&net.sizes, false), State::rest(&net, 1), Potentials::new(&net, 1));
    let (source, zeros) = (Source::new(noise, DT, seed), vec![T::ZERO; CELLS]);
    let mut sums = [0.0; 3];
    for n in 0..STEPS + 300 {
        let target = target.then_some(&zeros[..]);
        step(&c, &mut w, &mut state, &mut p, &[T::ZERO], target, Learning::None, &source);
        // 300 steps are 33 time constants of the slowest soma.
        if n >= 300 {
            for (sum, u) in sums.iter_mut().zip([&state.soma[0], &state.soma[1], &state.inter[0]]) {
                *sum += u.iter().map(|u| u.to_f64() * u.to_f64()).sum::<f64>();
            }
        }
    }
    sums.map(|sum| sum / (CELLS * STEPS) as f64)
}

/// Five standard errors of a mean square of an autoregressive process with factor a: its squares are correlated over
/// (1 + a^2) / (1 - a^2) steps, and a square of a normal has a relative variance of 2.
fn five_errors(a: f64) -> f64 {
    let independent = (CELLS * STEPS) as f64 * (1.0 - a * a) / (1.0 + a * a);
    5.0 * (2.0 / independent).sqrt()
}

#[test]
fn somas_have_the_stationary_variance_of_their_total_conductance() {
    let sigma = 0.3;
    for (scaling, jump) in [(NoiseScaling::Step, DT * sigma), (NoiseScaling::EulerMaruyama, DT.sqrt() * sigma)] {
        for target in [false, true] {
            let g_output = if target { 1.9 } else { 1.1 };
            let (a_hidden, a_output, a_inter) = (1.0 - 1.9 * DT, 1.0 - g_output * DT, 1.0 - 1.9 * DT);
            let hidden = jump * jump / (1.0 - a_hidden * a_hidden);
            let output = jump * jump / (1.0 - a_output * a_output);
            // The cell above nudges the interneuron with c = g_som dt, so that its noise comes in too:
            // C = E[u u^I] = a c V / (1 - a b) and V^I = (jump^2 + c^2 V + 2 b c C) / (1 - b^2).
            let nudge = 0.8 * DT;
            let together = a_output * nudge * output / (1.0 - a_output * a_inter);
            let inter =
                (jump * jump + nudge * nudge * output + 2.0 * a_inter * nudge * together) / (1.0 - a_inter * a_inter);
            let noise = Noise { sigma, scaling };
            for found in [variances::<f64>(noise, target, 5), variances::<f32>(noise, target, 6)] {
                let slowest = a_output.max(a_inter);
                for ((found, expected), a) in
                    found.into_iter().zip([hidden, output, inter]).zip([a_hidden, a_output, slowest])
                {
                    // An interneuron's squares are correlated for at most twice as long as those of its two parts.
                    let bound = five_errors(a) * if a == a_hidden { 1.0 } else { 2f64.sqrt() };
                    assert!((found / expected - 1.0).abs() < bound, "{scaling:?} {target}: {found} {expected}");
                }
            }
        }
    }
}

#[test]
fn no_sigma_is_silence() {
    for scaling in [NoiseScaling::Step, NoiseScaling::EulerMaruyama] {
        assert_eq!(Source::new(Noise { sigma: 0.0, scaling }, DT, 1), Source::Silent);
    }
}

fn jumps(population: Population, layer: usize, step: u64, cells: usize) -> Vec<f64> {
    let mut u = vec![0.0; cells];
    Source::Gaussian { seed: 9, jump: 1.0 }.add(population, layer, step, 0, &mut u);
    u
}

#[test]
fn a_cell_gets_its_jump_whatever_is_asked_for_beside_it() {
    let whole = jumps(Population::Pyramidal, 2, 7, 1000);
    for (first, length) in [(0, 1), (4, 996), (256, 257), (508, 3), (996, 4)] {
        let mut u = vec![0.0; length];
        Source::Gaussian { seed: 9, jump: 1.0 }.add(Population::Pyramidal, 2, 7, first, &mut u);
        assert_eq!(u, whole[first..first + length]);
    }
}

#[test]
fn jumps_of_cells_steps_layers_and_populations_are_independent() {
    let n = 20_000;
    let cells = 6;
    let course =
        |population, layer| -> Vec<Vec<f64>> { (0..n).map(|step| jumps(population, layer, step, cells)).collect() };
    let (p_1, p_2) = (course(Population::Pyramidal, 1), course(Population::Pyramidal, 2));
    let i_1 = course(Population::Interneuron, 1);
    // A correlation of independent numbers has the standard error 1 / sqrt(n).
    let bound = 5.0 / (n as f64).sqrt();
    let check = |what: &str, pairs: &mut dyn Iterator<Item = (f64, f64)>| {
        let (mut sum, mut count) = (0.0, 0.0);
        for (a, b) in pairs {
            sum += a * b;
            count += 1.0;
        }
        assert!((sum / count).abs() < bound, "{what}: {}", sum / count);
    };
    for i in 0..cells {
        for j in 0..cells {
            if i != j {
                check("cells", &mut p_1.iter().map(|u| (u[i], u[j])));
            }
            check("layers", &mut p_1.iter().zip(&p_2).map(|(u, v)| (u[i], v[j])));
            check("populations", &mut p_1.iter().zip(&i_1).map(|(u, v)| (u[i], v[j])));
            for lag in [1, 2, 10] {
                check("steps", &mut p_1.iter().zip(&p_1[lag..]).map(|(u, v)| (u[i], v[j])));
            }
        }
    }
}

/// Noise is addressed by step, layer and unit: a batch begins with the noise of the sample shown alone.
#[test]
fn the_first_sample_has_the_same_noise_in_every_batch() {
    for cells in [1, 3, 4, 7] {
        let alone = jumps(Population::Interneuron, 2, 77, cells);
        for samples in [2, 5] {
            assert_eq!(jumps(Population::Interneuron, 2, 77, cells * samples)[..cells], alone);
        }
    }
    // The circuit takes the address from its own step count, wherever that was set.
    let net = Network { ..known::network(&[1, 3, 2]) };
    let c = Constants::<f64>::new(&net, &known::timing(1.0), None, Product::Plain);
    let (mut w, mut state, mut p) = (Tensors::zeros(&net.sizes, false), State::rest(&net, 1), Potentials::new(&net, 1));
    state.step = (1 << 40) + 3;
    let source = Source::Gaussian { seed: 9, jump: 1.0 };
    step(&c, &mut w, &mut state, &mut p, &[0.0], None, Learning::None, &source);
    assert_eq!(state.soma[0], jumps(Population::Pyramidal, 1, (1 << 40) + 3, 3));
    assert_eq!(state.soma[1], jumps(Population::Pyramidal, 2, (1 << 40) + 3, 2));
    assert_eq!(state.inter[0], jumps(Population::Interneuron, 1, (1 << 40) + 3, 2));
}
