//! `apical predict`: what a run has learned, asked about inputs of the user's own.

use super::eval::Checkpoint;
use crate::args::Threads;
use crate::failure::Outcome;
use crate::load;
use crate::terminal::Terminal;
use apical_lab::run::answer;
use serde_json::json;
use std::path::PathBuf;

const AFTER_HELP: &str = "\
The file has the columns of the training data, with or without the targets: CSV, npz with `x`, or idx. The answers are
CSV: the row, the class (if the task has classes), and the potential of each output cell.

Example:
  apical predict runs/mine-0123456789abcdef new.csv -o answers.csv";

/// Arguments of `predict`.
#[derive(clap::Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// The run folder
    run: PathBuf,
    /// The inputs
    file: PathBuf,
    /// Where the answers go
    #[arg(long, short, value_name = "CSV")]
    out: PathBuf,
    #[command(flatten)]
    checkpoint: Checkpoint,
    #[command(flatten)]
    threads: Threads,
}

/// Runs the command.
pub fn run(args: &Args, terminal: &Terminal) -> Outcome {
    let (e, same) = load::of_run(&args.run)?;
    if !same {
        terminal.warn("config or data are no longer what this run began with");
    }
    let which = args.checkpoint.which();
    let rows = answer::predict(&e, &args.run, which, &args.file, &args.out, args.threads.count())?;
    let out = args.out.display();
    terminal.result(|| json!({"rows": rows, "path": out.to_string()}), || format!("{rows} answers in {out}\n"))?;
    Ok(0)
}
