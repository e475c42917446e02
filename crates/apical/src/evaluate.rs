//! Evaluation: answers to a set of samples, from rest, without target, noise and plasticity.

use crate::kernels::{Activation, Real, par};
use crate::learners::Learner;
use crate::learners::loss::Loss;
use crate::learners::metrics::{class, is_answer};
use crate::solvers::Trouble;
use crate::tasks::Samples;
use rayon::prelude::*;

/// Samples that are answered side by side. A constant, so that the products, and with them the bits, do not depend on
/// the number of threads.
pub const CHUNK: usize = 100;

/// How good the answers are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evaluation {
    /// Number of samples.
    pub samples: usize,
    /// Mean loss per answered sample, where there are targets.
    pub loss: Option<f64>,
    /// Share of wrong classes, where there are classes.
    pub error: Option<f64>,
    /// Samples without an answer (no fixed point); they count as wrong.
    pub unsettled: usize,
}

/// Answers to some samples and how many have none; nothing, if it was not to go on.
type Part<T> = Option<(Vec<T>, usize)>;

/// Answers (rows x n_N) to samples `0..samples.len()` and the number without a fixed point. `pool` decides who works,
/// not what comes out.
///
/// # Errors
/// [`Trouble::Diverged`].
pub fn answers<T: Real>(
    learner: &dyn Learner<T>,
    samples: &Samples,
    sequence: bool,
    pool: &rayon::ThreadPool,
) -> Result<(Vec<T>, usize), Trouble> {
    Ok(answers_while(learner, samples, sequence, pool, &|| true)?.unwrap_or_default())
}

/// The same, asked before every [`CHUNK`] samples whether to go on; nothing, if it was not to.
///
/// # Errors
/// [`Trouble::Diverged`].
pub fn answers_while<T: Real>(
    learner: &dyn Learner<T>,
    samples: &Samples,
    sequence: bool,
    pool: &rayon::ThreadPool,
    go_on: &(dyn Fn() -> bool + Sync),
) -> Result<Part<T>, Trouble> {
    let rows = samples.len();
    let chunk = if sequence { rows.max(1) } else { CHUNK };
    let parts: Result<Vec<Part<T>>, Trouble> = pool.install(|| {
        (0..rows.div_ceil(chunk))
            .into_par_iter()
            .map(|c| {
                if !go_on() {
                    return Ok(None);
                }
                let part = c * chunk..rows.min((c + 1) * chunk);
                let mut input = vec![T::ZERO; part.len() * samples.inputs];
                for (row, x) in part.clone().zip(input.chunks_exact_mut(samples.inputs)) {
                    samples.input(row, x);
                }
                let mut output = vec![T::ZERO; part.len() * samples.outputs];
                let unsettled = if sequence {
                    learner.answer_sequence(&input, part.len(), &mut output)?
                } else {
                    par::alone(|| learner.answer(&input, part.len(), &mut output))?
                };
                Ok(Some((output, unsettled)))
            })
            .collect()
    });
    let Some(parts) = parts?.into_iter().collect::<Option<Vec<_>>>() else { return Ok(None) };
    let unsettled = parts.iter().map(|p| p.1).sum();
    Ok(Some((parts.into_iter().flat_map(|p| p.0).collect(), unsettled)))
}

/// Answers all samples and compares with their targets.
///
/// # Errors
/// [`Trouble::Diverged`].
pub fn evaluate<T: Real>(
    learner: &dyn Learner<T>,
    samples: &Samples,
    sequence: bool,
    phi: Activation,
    kind: Loss,
    pool: &rayon::ThreadPool,
) -> Result<Evaluation, Trouble> {
    let (output, unsettled) = answers(learner, samples, sequence, pool)?;
    Ok(judge(&output, unsettled, samples, phi, kind))
}

/// Compares answers (as [`answers`] gives them) with the targets of their samples.
pub fn judge<T: Real>(output: &[T], unsettled: usize, samples: &Samples, phi: Activation, kind: Loss) -> Evaluation {
    let mut target = vec![T::ZERO; samples.outputs];
    let (mut sum, mut wrong, mut has_target, mut has_class) = (0.0, 0usize, false, false);
    for (row, output) in output.chunks_exact(samples.outputs).enumerate() {
        let answered = is_answer(output);
        if samples.target(row, &mut target) {
            has_target = true;
            if answered {
                sum += kind.value(phi, output, &target);
            }
        }
        if let Some(label) = samples.class(row) {
            has_class = true;
            wrong += usize::from(!answered || class(output) != label);
        }
    }
    let rows = samples.len() as f64;
    Evaluation {
        samples: samples.len(),
        loss: has_target.then(|| sum / (rows - unsettled as f64)),
        error: has_class.then(|| wrong as f64 / rows),
        unsettled,
    }
}

/// How often each class (row) was answered with each class (column), row by row, over the samples that have an answer;
/// `None` without classes.
pub fn confusion<T: Real>(output: &[T], samples: &Samples) -> Option<Vec<u64>> {
    let n = samples.outputs;
    let mut counts = vec![0; n * n];
    for (row, output) in output.chunks_exact(n).enumerate() {
        let label = samples.class(row)?;
        if is_answer(output) {
            counts[label as usize * n + class(output) as usize] += 1;
        }
    }
    Some(counts)
}
