//! The adaptive solver goes to the limit of small Euler steps on the circuits of the reference trajectories. (The files are
//! trajectories of Euler steps of 0.1 ms: another method, so their settings and patterns are used and not their ends.)

use apical::circuit::noise::Source;
use apical::circuit::params::Timing;
use apical::solvers::adaptive::Adaptive;
use apical::solvers::euler::Euler;
use apical::solvers::{Nobody, Outcome, Shown, Solver};
use apical_lab::verify::{Course, cases, course};
use std::path::PathBuf;

/// All weights after all patterns.
fn ends(c: &Course, solver: &mut dyn Solver<f64>) -> Vec<f64> {
    let (mut w, mut outcome) = (c.weights.clone(), Outcome::new(&c.network, c.batch));
    for (n, input) in c.input.iter().enumerate() {
        let shown = Shown { samples: c.batch, input, target: c.target.get(n).map(|t| &t[..]) };
        solver.learn(&mut w, &shown, &c.rates, &mut outcome, &mut Nobody).unwrap();
    }
    w.named().flat_map(|(_, m)| m.data.clone()).collect()
}

#[test]
fn the_adaptive_solver_follows_the_limit_of_the_reference_cases() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    for path in cases(&[folder]).unwrap() {
        let c = course(&path).unwrap();
        let euler = |dt: f64| {
            let timing = Timing { dt, ..c.timing };
            ends(&c, &mut Euler::new(&c.network, timing, c.tau_w, Source::Silent, 1e6, c.batch))
        };
        let (first, coarse, fine) = (euler(c.timing.dt), euler(c.timing.dt / 20.0), euler(c.timing.dt / 40.0));
        let limit: Vec<f64> = coarse.iter().zip(&fine).map(|(a, b)| 2.0 * b - a).collect();
        let off = |w: &[f64]| w.iter().zip(&limit).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        let adaptive = |tolerance| ends(&c, &mut Adaptive::new(&c.network, c.timing, c.tau_w, tolerance, 1e6, c.batch));
        let (euler, found, better) = (off(&first), off(&adaptive(1e-5)), off(&adaptive(1e-7)));
        let name = path.display();
        assert!(found <= 0.5 * euler, "{name}: {found:e} where euler has {euler:e}");
        // Activations with kinks have trajectories with kinks, where the extrapolation to dt = 0 ends.
        assert!(better <= 0.05 * euler, "{name}: {better:e} where euler has {euler:e}");
    }
}
