//! Our side of a comparison, as every other program plays it: a line on stdin says what to do, a line on stdout answers.
//!
//! | line | answer |
//! | --- | --- |
//! | `check N FILE` | N presentations without noise from the start; weights, then Delta and somas, to FILE as f32: `done` |
//! | `time N` | N presentations from the start, with noise: seconds |

use crate::{Case, Made};
use apical::kernels::Isa;
use apical::solvers::euler::Choice;
use apical::solvers::{Nobody, Outcome};
use std::error::Error;
use std::io::{BufRead, Write};
use std::time::Instant;

/// Answers until stdin ends; with a tolerance by `adaptive`, which has no noise.
///
/// # Errors
/// A line that is none of the above, a file that cannot be written, potentials that diverge.
pub fn serve(case: &Case, choice: Choice, isa: Isa, tolerance: Option<f64>) -> Result<(), Box<dyn Error>> {
    let made = case.make::<f32>();
    let plan = case.plan::<f32>(choice, isa);
    let solver = |case: &Case| match tolerance {
        Some(tolerance) => case.adaptive(tolerance),
        None => case.solver(plan),
    };
    match tolerance {
        Some(tolerance) => println!("ready adaptive {tolerance:e}"),
        None => println!("ready {plan}"),
    }
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["check", n, file] => {
                let silent = Case { sigma: 0.0, ..case.clone() };
                let mut solver = solver(&silent);
                let mut weights = made.weights.clone();
                present(&silent, &made, &mut weights, solver.as_mut(), 0..n.parse()?)?;
                let mut bytes = Vec::new();
                weights.named().flat_map(|(_, m)| &m.data).for_each(|x| bytes.extend(x.to_le_bytes()));
                let saved = solver.save();
                let (delta, rest): (Vec<_>, Vec<_>) = saved.iter().partition(|a| a.name.starts_with("delta."));
                let somas = rest.iter().filter(|a| a.name.starts_with("soma.") || a.name.starts_with("inter."));
                let values = delta.iter().chain(somas).flat_map(|a| &a.data);
                values.for_each(|x| bytes.extend(x.to_le_bytes()));
                std::fs::write(file, bytes).map_err(|e| format!("{file}: {e}"))?;
                println!("done");
            }
            ["time", n] => {
                let mut solver = solver(case);
                let mut weights = made.weights.clone();
                let began = Instant::now();
                present(case, &made, &mut weights, solver.as_mut(), 0..n.parse()?)?;
                println!("{}", began.elapsed().as_secs_f64());
            }
            _ => return Err(format!("neither `check N FILE` nor `time N`: {line:?}").into()),
        }
        std::io::stdout().flush()?;
    }
    Ok(())
}

/// Shows presentations one after the other.
///
/// # Errors
/// Potentials that diverge.
pub fn present(
    case: &Case,
    made: &Made<f32>,
    weights: &mut apical::circuit::Tensors<f32>,
    solver: &mut dyn apical::solvers::Solver<f32>,
    presentations: std::ops::Range<usize>,
) -> Result<(), Box<dyn Error>> {
    let mut outcome = Outcome::new(&case.net, case.batch);
    for n in presentations {
        let shown = case.shown(made, n);
        let learned = solver.learn(weights, &shown, &case.rates, &mut outcome, &mut Nobody);
        learned.map_err(|trouble| format!("{}: {trouble:?}", case.name))?;
    }
    Ok(())
}
