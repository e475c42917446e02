//! `adaptive` beside `euler`: time, right-hand sides, and the error of what a presentation teaches.

use crate::measure::Effort;
use crate::{Case, Spread, spread};
use apical::circuit::Tensors;
use apical::circuit::params::Rates;
use apical::kernels::{Isa, Real};
use apical::solvers::adaptive::Adaptive;
use apical::solvers::euler::{Choice, Euler, Plan};
use apical::solvers::{Nobody, Outcome, Solver, Weights};
use std::error::Error;
use std::time::Instant;

/// Low-pass of the weight change (ms), as in [`Case`].
const TAU_W: f64 = 30.0;
const BOUND: f64 = 1e6;
/// Presentations of a round.
const PRESENTATIONS: usize = 16;
/// Step of the converged solution (ms).
const FINE: f64 = 0.001;

/// What one solver did.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Net.
    pub net: String,
    /// `None`: euler at dt = 0.1.
    pub tolerance: Option<f64>,
    /// Relative distance of the weight change from the one at dt = 0.001, in f64.
    pub error: f64,
    /// Evaluations of all potentials, per presentation.
    pub right_hand_sides: f64,
    /// Microseconds a presentation, in f32.
    pub time: Spread,
}

/// 30-20-10 and 4-120-3, one pattern, 100 ms, a lag of 20 ms, no noise: euler first, then adaptive at the tolerances.
///
/// # Errors
/// Potentials that diverge.
pub fn rows(tolerances: &[f64], effort: Effort) -> Result<Vec<Row>, Box<dyn Error>> {
    let mut rows = Vec::new();
    for name in ["30-20-10", "4-120-3"] {
        let Some(mut case) = Case::named(name) else { continue };
        (case.sigma, case.timing.lag) = (0.0, 20.0);
        let net = case.net.clone();
        let plan = case.plan::<f32>(Choice::Auto, Isa::best());
        let mut fine = case.clone();
        fine.timing.dt = FINE;
        let converged = taught(&case, &mut *fine.solver::<f64>(Plan::REFERENCE))?;
        let adaptive = |tolerance| Adaptive::<f64>::new(&net, case.timing, Some(TAU_W), tolerance, BOUND, 1);
        let error = |found: &Tensors<f64>| distance(found, &converged);
        let euler = Euler::new(&net, case.timing, Some(TAU_W), apical::circuit::noise::Source::Silent, BOUND, 1);
        let mut euler: Box<dyn Solver<f32>> = Box::new(euler.with_plan(plan));
        rows.push(Row {
            net: name.into(),
            tolerance: None,
            error: error(&taught(&case, &mut *case.solver::<f64>(Plan::REFERENCE))?),
            right_hand_sides: case.steps() as f64,
            time: time(&case, euler.as_mut(), effort, |_| ())?,
        });
        for &tolerance in tolerances {
            let mut fast = Adaptive::<f32>::new(&net, case.timing, Some(TAU_W), tolerance, BOUND, 1);
            let (mut cost, mut count) = (0, 0);
            let time = time(&case, &mut fast, effort, |solver: &Adaptive<f32>| {
                cost += solver.cost().right_hand_sides;
                count += 1;
            })?;
            let error = error(&taught(&case, &mut adaptive(tolerance))?);
            let right_hand_sides = f64::from(u32::try_from(cost).unwrap_or(u32::MAX)) / f64::from(count.max(1));
            rows.push(Row { net: name.into(), tolerance: Some(tolerance), error, right_hand_sides, time });
        }
    }
    Ok(rows)
}

/// What presentation 1 teaches a circuit that presentation 0 has left in its state, with the weights moving.
fn taught<T: Real>(case: &Case, solver: &mut dyn Solver<T>) -> Result<Tensors<T>, Box<dyn Error>> {
    let made = case.make::<T>();
    let off = case.rates.scaled(0.0);
    let mut outcome = Outcome::new(&case.net, 1);
    let mut weights = made.weights.clone();
    let shown = case.shown(&made, 0);
    solver.learn(&mut weights, &shown, &off, &mut outcome, &mut Nobody).map_err(|e| format!("{e:?}"))?;
    let update = solver.update(&made.weights, &case.shown(&made, 1), &case.rates, Weights::Moving);
    Ok(update.map_err(|e| format!("{e:?}"))?)
}

/// |a - b| / |b| over all tensors.
fn distance(a: &Tensors<f64>, b: &Tensors<f64>) -> f64 {
    let (mut difference, mut size) = (0.0, 0.0);
    for ((_, a), (_, b)) in a.named().zip(b.named()) {
        difference += a.data.iter().zip(&b.data).map(|(x, y)| (x - y).powi(2)).sum::<f64>();
        size += b.data.iter().map(|x| x * x).sum::<f64>();
    }
    (difference / size).sqrt()
}

/// Microseconds a presentation.
fn time<S: Solver<f32> + ?Sized>(
    case: &Case,
    solver: &mut S,
    effort: Effort,
    mut tell: impl FnMut(&S),
) -> Result<Spread, Box<dyn Error>> {
    let made = case.make::<f32>();
    let mut weights = made.weights.clone();
    let mut outcome = Outcome::new(&case.net, 1);
    let rates: &Rates = &case.rates;
    let mut rounds = Vec::new();
    for round in 0..effort.rounds + 1 {
        let began = Instant::now();
        for n in 0..PRESENTATIONS {
            let learned = solver.learn(&mut weights, &case.shown(&made, n), rates, &mut outcome, &mut Nobody);
            learned.map_err(|e| format!("{e:?}"))?;
            tell(solver);
        }
        // The first round meets cold memory.
        if round > 0 {
            rounds.push(began.elapsed().as_secs_f64() * 1e6 / PRESENTATIONS as f64);
        }
    }
    Ok(Spread::of(&rounds))
}

/// The rows as a Markdown table.
pub fn table(rows: &[Row]) -> String {
    let mut out = String::from(
        "| net | solver | error of the weight change | right-hand sides | us a presentation | times sooner |\n\
         | --- | --- | --- | --- | --- | --- |\n",
    );
    let mut euler = f64::NAN;
    for row in rows {
        if row.tolerance.is_none() {
            euler = row.time.median;
        }
        let solver = row.tolerance.map_or("euler, dt = 0.1".into(), |t| format!("adaptive, {t:.0e}"));
        let Row { net, error, right_hand_sides, time, .. } = row;
        let ratio = spread::digits(euler / time.median);
        out += &format!("| {net} | {solver} | {error:.1e} | {right_hand_sides:.0} | {time} | {ratio} |\n");
    }
    out
}
