//! What follows a switch of the pattern: the parts of hidden cells' errors ([`transient`](crate::circuit::transient)) over a
//! presentation, at weights that stand still.

use crate::circuit::noise::Source;
use crate::circuit::params::Timing;
use crate::circuit::step::{Constants, Learning, step};
use crate::circuit::transient::Untaught;
use crate::circuit::{Potentials, State, Tensors};
use crate::kernels::Real;
use crate::solvers::{Trouble, watch};

/// Times at which errors are kept, at most.
const MOST: usize = 500;

/// Root mean squares over cells and samples, in rates, at each time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Course {
    /// The soma's lag behind its dendrites.
    pub soma_lag: Vec<f64>,
    /// What apical dendrites see without a target.
    pub apical_error: Vec<f64>,
    /// What the target has sent down.
    pub teacher: Vec<f64>,
}

/// Errors after switches.
#[derive(Clone, Debug, PartialEq)]
pub struct Switches {
    /// Times since the switch, ms.
    pub ms: Vec<f64>,
    /// Hidden layers, from the first.
    pub layers: Vec<Course>,
}

/// Shows one pattern after the other, without noise and plasticity, and averages over all presentations but the first, which
/// starts from rest. Each has an input of n_0 and perhaps a target of n_N.
///
/// # Errors
/// [`Trouble::Diverged`] beyond `bound`.
pub fn follow<'a, T: Real>(
    c: &Constants<T>,
    timing: &Timing,
    weights: &Tensors<T>,
    presentations: impl Iterator<Item = (&'a [T], Option<&'a [T]>)>,
    bound: f64,
) -> Result<Switches, Trouble> {
    let net = c.net();
    let steps = timing.steps(timing.presentation);
    let every = steps.div_ceil(MOST).max(1);
    let kept = steps.div_ceil(every);
    let hidden = net.sizes.len() - 2;
    let mut sums = vec![vec![[0.0; 3]; kept]; hidden];
    let (mut weights, mut state, mut p) = (weights.clone(), State::rest(net, 1), Potentials::new(net, 1));
    let mut untaught = Untaught::new(net, 1);
    let mut counted = 0usize;
    for (index, (input, target)) in presentations.enumerate() {
        if timing.reset_state {
            state.reset();
        }
        untaught.begin(&state);
        for n in 0..steps {
            step(c, &mut weights, &mut state, &mut p, input, target, Learning::None, &Source::Silent);
            watch::check(&state, bound)?;
            untaught.see(c, &weights, &state.trace_input);
            if index > 0 && n % every == 0 {
                for (k, sums) in sums.iter_mut().enumerate() {
                    let parts = untaught.parts(c, &p, k);
                    let lists = [&parts.soma_lag, &parts.apical_error, &parts.teacher];
                    for (sum, part) in sums[n / every].iter_mut().zip(lists) {
                        *sum += part.iter().map(|e| e.to_f64() * e.to_f64()).sum::<f64>() / part.len() as f64;
                    }
                }
            }
            untaught.advance(c, &Source::Silent);
        }
        counted += usize::from(index > 0);
    }
    let course = |sums: &Vec<[f64; 3]>| {
        let [soma_lag, apical_error, teacher] =
            [0, 1, 2].map(|i| sums.iter().map(|s| (s[i] / counted.max(1) as f64).sqrt()).collect());
        Course { soma_lag, apical_error, teacher }
    };
    let ms = (0..kept).map(|i| (i * every) as f64 * timing.dt).collect();
    Ok(Switches { ms, layers: sums.iter().map(course).collect() })
}
