//! `apical verify`: holds the engine against trajectories that another program computed.

use crate::failure::{Failure, Outcome};
use crate::table::columns;
use crate::terminal::Terminal;
use apical_lab::Error;
use apical_lab::verify::{BOUND_F32, BOUND_F64, Report, cases, verify};
use serde_json::{Value, json};
use std::path::PathBuf;

const AFTER_HELP: &str = "\
A case is NAME.json (settings) with NAME.npz (inputs, weights, trajectories) beside it. Exit code 1 if an array is off
by more than 1e-9 in f64 or 1e-4 in f32, 2 if a case cannot be read.

Example:
  apical verify reference/ extra/logistic_30_20_10.json";

/// Arguments of `verify`.
#[derive(clap::Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// Cases (NAME.json), or folders of them
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
}

/// Runs the command. What cannot be read does not keep the other cases from being checked.
pub fn run(args: &Args, terminal: &Terminal) -> Outcome {
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
            match verify(&case) {
                Err(error) => wrong(error),
                Ok(report) => {
                    if !terminal.json {
                        terminal.print(&text(&report, terminal.quiet))?;
                    }
                    reports.push(report);
                }
            }
        }
    }
    let failed = reports.iter().filter(|report| !within_bounds(report)).count();
    if terminal.json {
        terminal.print_json(&reports.iter().map(json).collect())?;
    } else {
        let (all, bad) = (reports.len(), unreadable.len());
        let rest = if bad > 0 { format!(", {bad} could not be read") } else { String::new() };
        terminal
            .say(&format!("{} of {all} cases within {BOUND_F64:e} (f64) and {BOUND_F32:e} (f32){rest}", all - failed));
    }
    Ok(if failed > 0 { 1 } else { unreadable.into_iter().max().unwrap_or(0) })
}

fn within_bounds(report: &Report) -> bool {
    report.deviations.iter().all(|deviation| deviation.within_bounds())
}

fn verdict(passed: bool) -> &'static str {
    if passed { "PASS" } else { "FAIL" }
}

fn text(report: &Report, quiet: bool) -> String {
    let mut text = format!("{}  {}\n", verdict(within_bounds(report)), report.name);
    if !quiet {
        let mut rows = vec![["      array", "f64", "f32", ""].map(String::from).to_vec()];
        rows.extend(report.deviations.iter().map(|d| {
            let mark = if d.within_bounds() { "" } else { "out of bounds" };
            vec![format!("      {}", d.array), format!("{:.1e}", d.f64), format!("{:.1e}", d.f32), mark.into()]
        }));
        text.push_str(&columns(&rows));
    }
    text
}

fn json(report: &Report) -> Value {
    let arrays = report.deviations.iter().map(|d| {
        // JSON has no infinity: a deviation that is not finite is null.
        json!({"array": d.array, "f64": d.f64, "f32": d.f32, "within_bounds": d.within_bounds()})
    });
    json!({"name": report.name, "passed": within_bounds(report), "arrays": arrays.collect::<Value>()})
}
