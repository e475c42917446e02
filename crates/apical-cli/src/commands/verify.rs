//! `apical verify`: holds the engine against trajectories that another program computed.

use crate::failure::{Failure, Outcome};
use crate::table::columns;
use crate::terminal::Terminal;
use apical::kernels::Isa;
use apical::solvers::euler::Way;
use apical_lab::Error;
use apical_lab::plan::{isas, ways};
use apical_lab::verify::{BOUND_F32, BOUND_F64, Deviation, Plans, Report, cases, verify};
use serde_json::{Value, json};
use std::path::PathBuf;

const AFTER_HELP: &str = "\
A case is NAME.json (settings) with NAME.npz (inputs, weights, trajectories) beside it. Each is replayed by every plan
that is asked for (`fused` computes one pattern at a time, and is left out where several are shown side by side); a line
tells the largest deviation of all arrays. Exit code 1 if one is off by more than 1e-9 in f64 or 1e-4 in f32, 2 if a case
cannot be read.

Examples:
  apical verify reference/ extra/logistic_30_20_10.json
  apical verify reference/ --plan blocks --block 7 --isa all";

/// Steps in a block where nobody says.
const BLOCK: u32 = 32;

/// Arguments of `verify`.
#[derive(clap::Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// Cases (NAME.json), or folders of them
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// In which way the steps are computed: a plan of `apical list plans`, or all
    #[arg(long, value_name = "WAY|all", default_value = "all")]
    plan: String,
    /// Steps in a block, for the plan blocks [default: 32]
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..))]
    block: Option<u32>,
    /// Instructions: plain, avx2, avx512, neon, or all that this CPU has [default: the best that it has]
    #[arg(long, value_name = "NAME|all")]
    isa: Option<String>,
}

/// Runs the command. What cannot be read does not keep the other cases from being checked.
pub fn run(args: &Args, terminal: &Terminal) -> Outcome {
    let isas = args.isa.as_ref().map_or_else(|| Ok(vec![Isa::best()]), |name| isas("--isa", name))?;
    let ways = ways("--plan", &args.plan, args.block.unwrap_or(BLOCK) as usize)?;
    if args.block.is_some() && !ways.iter().any(|way| matches!(way, Way::Blocks(_))) {
        let found = format!("it is given with --plan {}, which has no blocks", args.plan);
        return Err(Error::input("--block", found, "leave it out, or take --plan blocks").into());
    }
    let plans = Plans { ways, isas };
    let mut unreadable = Vec::new();
    let mut reports = Vec::new();
    let mut wrong = |error: Error| {
        let code = error.exit_code();
        terminal.failure(&Failure::from(error));
        unreadable.push(code);
    };
    for path in &args.paths {
        let found = cases(std::slice::from_ref(path)).unwrap_or_else(|error| {
            wrong(error);
            Vec::new()
        });
        for case in found {
            match verify(&case, &plans) {
                Err(error) => wrong(error),
                Ok(list) if list.is_empty() => {
                    let found = "its patterns are shown side by side, and no plan that is asked for does that";
                    terminal.warn(&format!("{}: {found}", case.display()));
                }
                Ok(list) => reports.extend(list),
            }
        }
    }
    if reports.is_empty() && unreadable.is_empty() {
        return Err(Failure::input(
            "--plan",
            "no case could be replayed by it",
            "allowed: a plan that a case allows, or all",
        ));
    }
    let failed = reports.iter().filter(|report| !report.within_bounds()).count();
    if terminal.json {
        terminal.print_json(&reports.iter().map(json).collect())?;
    } else {
        terminal.print(&columns(&table(&reports)))?;
        let (all, bad) = (reports.len(), unreadable.len());
        let rest = if bad > 0 { format!(", {bad} could not be read") } else { String::new() };
        let replays = format!("{} of {all} replays", all - failed);
        terminal.say(&format!("{replays} within {BOUND_F64:e} (f64) and {BOUND_F32:e} (f32){rest}"));
    }
    Ok(if failed > 0 { 1 } else { unreadable.into_iter().max().unwrap_or(0) })
}

fn verdict(passed: bool) -> &'static str {
    if passed { "PASS" } else { "FAIL" }
}

/// The array that is furthest beyond its bounds, or comes nearest to them.
fn worst(report: &Report) -> Option<&Deviation> {
    let share = |d: &Deviation| (d.f64 / BOUND_F64).max(d.f32 / BOUND_F32);
    report.deviations.iter().max_by(|a, b| share(a).total_cmp(&share(b)))
}

/// A line for each case and plan.
fn table(reports: &[Report]) -> Vec<Vec<String>> {
    let header = ["", "case", "plan", "f64", "f32", "worst array"].map(String::from).to_vec();
    let row = |report: &Report| {
        let largest = |of: fn(&Deviation) -> f64| report.deviations.iter().map(of).fold(0.0, f64::max);
        let (double, single) = (largest(|d| d.f64), largest(|d| d.f32));
        let array = worst(report).map_or(String::new(), |d| d.array.clone());
        let verdict = verdict(report.within_bounds()).to_owned();
        vec![verdict, report.name.clone(), report.plan.clone(), format!("{double:.1e}"), format!("{single:.1e}"), array]
    };
    std::iter::once(header).filter(|_| !reports.is_empty()).chain(reports.iter().map(row)).collect()
}

fn json(report: &Report) -> Value {
    let arrays = report.deviations.iter().map(|d| {
        // JSON has no infinity: a deviation that is not finite is null.
        json!({"array": d.array, "f64": d.f64, "f32": d.f32, "within_bounds": d.within_bounds()})
    });
    json!({
        "name": report.name, "plan": report.plan, "passed": report.within_bounds(),
        "arrays": arrays.collect::<Value>(),
    })
}
