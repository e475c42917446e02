//! What each of the ways wins: the same circuits with every way, set of instructions and number of threads.

use crate::measure::{self, Effort};
use crate::{Case, spread};
use apical::kernels::Isa;
use apical::solvers::euler::{Choice, Way};
use std::error::Error;

/// Lengths of blocks that are tried.
const BLOCKS: [usize; 3] = [1, 8, 32];
/// A net of no more weights than this may be computed in one pass.
const SMALL: usize = 8_000;

/// Prints a Markdown table, row by row as it is measured.
///
/// # Errors
/// The system gives no threads; potentials that diverge.
pub fn print(threads: &[usize], effort: Effort) -> Result<(), Box<dyn Error>> {
    let pools = threads.iter().map(|&n| measure::pool(n)).collect::<Result<Vec<_>, _>>()?;
    println!("us per step and pattern: medians of {} rounds (smallest to largest)\n", effort.rounds);
    let columns: String = threads.iter().map(|n| format!(" threads: {n} | times the reference |")).collect();
    println!("| circuit | patterns | way | instructions |{columns}");
    println!("| --- | --- | --- | --- |{}", " --- | --- |".repeat(threads.len()));
    let circuits = ["30-20-10", "4-120-3", "784-500-500-10", "784-500-500-10-b100"];
    for case in circuits.into_iter().filter_map(Case::named) {
        let mut reference = None;
        for choice in choices(&case) {
            let sets = if choice == Choice::Given(Way::Reference) { vec![Isa::best()] } else { Isa::all() };
            for isa in sets {
                let plan = case.plan::<f32>(choice, isa);
                let mut cells = String::new();
                for pool in &pools {
                    let time = measure::microseconds(&case, plan, pool, effort)?;
                    let base = *reference.get_or_insert(time.median);
                    cells += &format!(" {time} | {} |", spread::digits(base / time.median));
                }
                let shown = plan.to_string();
                let way = shown.rsplit_once(", ").map_or(shown.as_str(), |(way, _)| way);
                let way = if choice == Choice::Auto { format!("automatic: {way}") } else { way.to_string() };
                let sizes: Vec<String> = case.net.sizes.iter().map(ToString::to_string).collect();
                println!("| {} | {} | {way} | {} |{cells}", sizes.join("-"), case.batch, isa.name());
            }
        }
    }
    Ok(())
}

/// The ways that suit a case, the reference first.
fn choices(case: &Case) -> Vec<Choice> {
    let sizes = &case.net.sizes;
    let weights: usize = sizes.windows(2).map(|n| n[0] * n[1]).sum();
    let mut ways = vec![Way::Reference];
    if case.batch == 1 && weights < SMALL {
        ways.push(Way::Fused);
    }
    ways.extend(BLOCKS.map(Way::Blocks));
    ways.push(Way::Batch);
    ways.into_iter().map(Choice::Given).chain([Choice::Auto]).collect()
}
