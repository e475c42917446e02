//! Times of our own circuits, with a plan and threads of one's choice.

use crate::{Case, Spread, Work, peer};
use apical::solvers::euler::Plan;
use rayon::ThreadPool;
use std::error::Error;
use std::time::Instant;

/// How long to measure.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Rounds that count.
    pub rounds: usize,
    /// Seconds of a round, about.
    pub seconds: f64,
}

/// A pool of so many threads.
///
/// # Errors
/// The system gives no threads.
pub fn pool(threads: usize) -> Result<ThreadPool, Box<dyn Error>> {
    Ok(rayon::ThreadPoolBuilder::new().num_threads(threads).build()?)
}

/// Steps of the first look, and the fewest that are measured.
const FEWEST: usize = 8;

/// Microseconds per step and pattern (of passes: per pattern). A round shows as many presentations as fit it; where one alone
/// takes longer it is shown for a shorter time, which changes nothing of its steps.
///
/// # Errors
/// Potentials that diverge.
pub fn microseconds(case: &Case, plan: Plan, pool: &ThreadPool, effort: Effort) -> Result<Spread, Box<dyn Error>> {
    let made = case.make::<f32>();
    let run = |case: &Case, presentations: usize| -> Result<f64, String> {
        let mut solver = case.solver(plan);
        let mut weights = made.weights.clone();
        let learn = |weights: &mut _, solver: &mut dyn apical::solvers::Solver<f32>, range| {
            peer::present(case, &made, weights, solver, range).map_err(|e| e.to_string())
        };
        pool.install(|| {
            // The first presentation meets cold memory.
            learn(&mut weights, solver.as_mut(), 0..1)?;
            let began = Instant::now();
            learn(&mut weights, solver.as_mut(), 1..presentations + 1)?;
            Ok(began.elapsed().as_secs_f64())
        })
    };
    let shortened = |steps: usize| {
        let mut short = case.clone();
        // A lag is a part of each presentation: its share must stay what it is.
        if case.work == Work::Euler && case.timing.lag == 0.0 && steps < case.steps() {
            short.timing.presentation = steps as f64 * case.timing.dt;
        }
        short
    };
    let first = shortened(FEWEST);
    let step = run(&first, 1)? / first.steps() as f64;
    let measured = shortened(((effort.seconds / step) as usize).max(FEWEST));
    let presentations = ((effort.seconds / (step * measured.steps() as f64)) as usize).clamp(1, 10_000);
    let work = (presentations * measured.steps() * case.batch) as f64;
    let mut rounds = Vec::new();
    for _ in 0..effort.rounds {
        rounds.push(run(&measured, presentations)? * 1e6 / work);
    }
    Ok(Spread::of(&rounds))
}
