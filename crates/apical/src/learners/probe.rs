//! Probes: what a learner's Update is held against at the same weights, and how well interneurons predict.

use super::feed_forward::Function;
use super::trained::Teach;
use super::{AlgorithmSpec, Update};
use crate::circuit::params::Rates;
use crate::circuit::{Attenuation, Kind, Tensors};
use crate::kernels::Real;
use crate::solvers::two_step::TwoStep;
use crate::solvers::{Observer, Outcome, Shown, Solver, Trouble, View};

/// The direction of an algorithm at given weights for a batch, summed over its rounds.
///
/// # Errors
/// As [`super::trained::Algorithm::teach`].
pub fn direction<T: Real>(
    algorithm: &AlgorithmSpec,
    f: &Function,
    w: &Tensors<T>,
    shown: &Shown<'_, T>,
    seed: u64,
) -> Result<Update<T>, Trouble> {
    let mut algorithm = algorithm.build(f, shown.samples, seed);
    let mut update = w.clone().only(&[Kind::Wpp, Kind::Bpp, Kind::Wpb]);
    update.clear();
    let mut outcome = Outcome::for_output(shown.samples, f.net.sizes[f.depth()]);
    for round in 0..algorithm.rounds() {
        let teach = Teach { samples: shown.samples, input: shown.input, target: shown.target, step: 0, round };
        algorithm.teach(w, &teach, &mut update, &mut outcome)?;
    }
    Ok(update)
}

/// For each hidden layer rms(vhat^I - vhat of the cell above) / rms(u - vhat of the cell above) after one two-step pass
/// with the target: below 1 the interneurons know the cells above better than the nudge moves them. `None` where nothing is
/// nudged.
///
/// # Errors
/// [`Trouble::Diverged`].
pub fn interneuron_error<T: Real>(
    f: &Function,
    w: &Tensors<T>,
    shown: &Shown<'_, T>,
) -> Result<Vec<Option<f64>>, Trouble> {
    struct Seen {
        attenuation: Attenuation,
        errors: Vec<Option<f64>>,
    }
    impl<T: Real> Observer<T> for Seen {
        fn after_step(&mut self, view: &View<'_, T>) {
            let depth = view.state.soma.len();
            for k in 1..depth {
                let c = self.attenuation.basal(k + 1, depth);
                let (mut missed, mut nudged) = (0.0, 0.0);
                let above = view.potentials.basal[k].iter().zip(&view.state.soma[k]);
                for (v_i, (v_b, u)) in view.potentials.inter_dendrite[k - 1].iter().zip(above) {
                    let vhat = c * v_b.to_f64();
                    missed += (self.attenuation.interneuron * v_i.to_f64() - vhat).powi(2);
                    nudged += (u.to_f64() - vhat).powi(2);
                }
                self.errors.push((nudged > 0.0).then(|| (missed / nudged).sqrt()));
            }
        }
    }
    let depth = f.depth();
    let still =
        Rates { pp: vec![0.0; depth], ip: vec![0.0; depth - 1], pi: vec![0.0; depth - 1], pb: vec![0.0; depth - 1] };
    let mut seen = Seen { attenuation: f.attenuation, errors: Vec::new() };
    let mut solver = TwoStep::new(&f.net, f.attenuation, f64::INFINITY, shown.samples);
    let mut outcome = Outcome::new(&f.net, shown.samples);
    solver.learn(&mut w.clone(), shown, &still, &mut outcome, &mut seen)?;
    Ok(seen.errors)
}
