//! Delays between layers beside the formula, written out for a circuit of one cell in each place; and their limits.

mod common;

use apical::circuit::departures::Departures;
use apical::circuit::noise::Source;
use apical::circuit::params::{Network, Timing};
use apical::circuit::{Tensors, known};
use apical::solvers::euler::Euler;
use apical::solvers::{Nobody, Outcome, Shown, Solver};
use common::{assert_close, flat, rates, uniform, weights};

const DT: f64 = 0.1;
const DELAY: usize = 7;

fn phi(u: f64) -> f64 {
    1.0 / (1.0 + (-u).exp())
}

fn euler(net: &Network, timing: Timing, delay: usize, samples: usize) -> Euler<f64> {
    let on = Departures { delay, ..Departures::default() };
    Euler::new(net, timing, None, Source::Silent, 1e3, samples).departing(on)
}

#[test]
fn a_delayed_circuit_is_the_formula_with_older_rates() {
    let net = known::network(&[1, 1, 1]);
    let timing = Timing { dt: DT, ..known::timing(6.0) };
    let eta = rates(&net, 0.03, 0.05, 0.02, 0.04);
    let (x, target) = (0.7, 1.3);
    let mut w: Tensors<f64> = weights(&net, 1.5, 3);
    let (mut w1, mut w2) = (w.pp[0].data[0], w.pp[1].data[0]);
    let (mut wb, mut wi, mut wl) = (w.pb[0].data[0], w.ip[0].data[0], w.pi[0].data[0]);
    let g = &net.conductances;
    // Somas of the hidden cell, of the output, of the interneuron; the input's trace; and what was before.
    let (mut u1, mut u2, mut ui, mut r0) = (0.0, 0.0, 0.0, 0.0);
    let mut past = vec![(u1, u2); DELAY];
    for n in 0..60 {
        r0 += DT / timing.tau_0 * (x - r0);
        let (old1, old2): (f64, f64) = past[n];
        past.push((u1, u2));
        let (b1, b2) = (w1 * r0, w2 * phi(old1));
        let (up, lateral, vi) = (wb * phi(old2), wl * phi(ui), wi * phi(u1));
        let va = up + lateral;
        let d1 = -g.g_lk * u1 + g.g_b * (b1 - u1) + g.g_a * (va - u1);
        let d2 = -g.g_lk * u2 + g.g_b * (b2 - u2) + g.g_som_output * (target - u2);
        let di = -g.g_lk * ui + g.g_d * (vi - ui) + g.g_som_interneuron * (old2 - ui);
        let hidden = g.g_b / (g.g_lk + g.g_b + g.g_a);
        let (top, inter) = (g.g_b / (g.g_lk + g.g_b), g.g_d / (g.g_lk + g.g_d));
        let (e1, e2) = (phi(u1) - phi(hidden * b1), phi(u2) - phi(top * b2));
        let (ei, eb) = (phi(ui) - phi(inter * vi), phi(u1) - phi(up));
        w1 += DT * 0.03 * e1 * r0;
        w2 += DT * 0.03 * e2 * phi(old1);
        wi += DT * 0.05 * ei * phi(u1);
        wl += DT * 0.02 * -va * phi(ui);
        wb += DT * 0.04 * eb * phi(old2);
        (u1, u2, ui) = (u1 + DT * d1, u2 + DT * d2, ui + DT * di);
    }
    let shown = Shown { samples: 1, input: &[x], target: Some(&[target]) };
    let mut circuit = euler(&net, timing, DELAY, 1);
    circuit.learn(&mut w, &shown, &eta, &mut Outcome::new(&net, 1), &mut Nobody).expect("it stays bounded");
    let state = circuit.state_mut();
    // Roundings of sums in another order, over 60 steps.
    assert_close(&[state.soma[0][0], state.soma[1][0], state.inter[0][0]], &[u1, u2, ui], 1e-12, "somas");
    let found = [w.pp[0].data[0], w.pp[1].data[0], w.pb[0].data[0], w.ip[0].data[0], w.pi[0].data[0]];
    assert_close(&found, &[w1, w2, wb, wi, wl], 1e-12, "weights");
}

#[test]
fn a_delay_changes_the_way_and_not_where_it_ends() {
    let net = known::network(&[4, 5, 3]);
    let still = rates(&net, 0.0, 0.0, 0.0, 0.0);
    let (x, target) = (uniform(8, 0.0, 1.0, 1), uniform(6, -1.0, 1.0, 2));
    let shown = Shown { samples: 2, input: &x, target: Some(&target) };
    let seen = |ms: f64, delay: usize| {
        let mut circuit = euler(&net, Timing { dt: DT, ..known::timing(ms) }, delay, 2);
        let mut w = weights(&net, 1.0, 4);
        circuit.learn(&mut w, &shown, &still, &mut Outcome::new(&net, 2), &mut Nobody).expect("it stays bounded");
        circuit.state_mut().soma.concat()
    };
    // After a hundred time constants of the slowest cell.
    assert_close(&seen(400.0, 30), &seen(400.0, 0), 1e-12, "settled");
    let way = |delay| seen(5.0, delay);
    assert!(way(30).iter().zip(&way(0)).any(|(a, b)| (a - b).abs() > 1e-3));
}

#[test]
fn presentations_one_by_one_are_the_same_in_a_batch() {
    let net = known::network(&[3, 4, 2]);
    let eta = rates(&net, 0.01, 0.02, 0.01, 0.01);
    let run = |samples: usize| {
        let (mut circuit, mut w) =
            (euler(&net, Timing { dt: DT, ..known::timing(3.0) }, 5, samples), weights(&net, 1.0, 5));
        for n in 0..3 {
            let x: Vec<f64> = uniform(3, 0.0, 1.0, n).repeat(samples);
            let target: Vec<f64> = uniform(2, -1.0, 1.0, 10 + n).repeat(samples);
            let shown = Shown { samples, input: &x, target: Some(&target) };
            let mut outcome = Outcome::new(&net, samples);
            circuit.learn(&mut w, &shown, &eta, &mut outcome, &mut Nobody).expect("it stays bounded");
        }
        flat(&w)
    };
    // Means of equal samples, in other orders of sums.
    assert_close(&run(3), &run(1), 1e-13, "weights");
}
