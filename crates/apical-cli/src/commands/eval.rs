//! `apical eval`: how good a checkpoint is on the validation or test set.

use crate::args::Threads;
use crate::failure::Outcome;
use crate::load;
use crate::table::columns;
use crate::terminal::Terminal;
use apical_lab::run::answer::{self, Which, checkpoint_file};
use apical_lab::run::significant;
use clap::ValueEnum;
use serde_json::json;
use std::path::PathBuf;
use std::str::FromStr;

const AFTER_HELP: &str = "\
Example:
  apical eval runs/digits-0123456789abcdef --checkpoint last --split validation";

/// Arguments of `eval`.
#[derive(clap::Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// The run folder
    run: PathBuf,
    #[command(flatten)]
    checkpoint: Checkpoint,
    /// Set of samples
    #[arg(long, value_enum, default_value = "test")]
    split: Split,
    #[command(flatten)]
    threads: Threads,
}

/// `--checkpoint`.
#[derive(clap::Args, Clone, Debug)]
pub struct Checkpoint {
    /// best (on validation; the last if none was), last, or the number of an epoch whose checkpoint was kept
    #[arg(long = "checkpoint", value_name = "best|last|N", default_value = "best")]
    chosen: Chosen,
}

impl Checkpoint {
    /// Which one.
    pub fn which(&self) -> Which {
        self.chosen.0
    }
}

#[derive(Clone, Copy, Debug)]
struct Chosen(Which);

impl FromStr for Chosen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "best" => Ok(Chosen(Which::Best)),
            "last" => Ok(Chosen(Which::Last)),
            number => {
                let epoch = number.parse().map_err(|_| "allowed: best, last, or the number of an epoch".to_owned());
                epoch.map(|epoch| Chosen(Which::Epoch(epoch)))
            }
        }
    }
}

/// Sets of samples.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Split {
    /// For choosing
    Validation,
    /// For reporting
    Test,
}

/// Runs the command.
pub fn run(args: &Args, terminal: &Terminal) -> Outcome {
    let (e, same) = load::of_run(&args.run)?;
    if !same {
        terminal.warn("config or data are no longer what this run began with");
    }
    let (split, name) = match args.split {
        Split::Validation => (answer::Split::Validation, "validation"),
        Split::Test => (answer::Split::Test, "test"),
    };
    let which = args.checkpoint.which();
    let file = checkpoint_file(&args.run, which)?;
    let found = answer::evaluate_run(&e, &args.run, which, split, args.threads.count())?;
    let json = || {
        json!({
            "checkpoint": file.display().to_string(), "split": name, "samples": found.samples, "loss": found.loss,
            "error": found.error, "without_answer": found.unsettled,
        })
    };
    let text = || {
        let mut rows = vec![
            ("checkpoint", file.display().to_string()),
            ("split", name.to_owned()),
            ("samples", found.samples.to_string()),
        ];
        rows.extend(found.loss.map(|loss| ("loss", significant(loss))));
        rows.extend(found.error.map(|error| ("error", format!("{} ({:.2} %)", significant(error), 100.0 * error))));
        if found.unsettled > 0 {
            rows.push(("without answer", format!("{} (no fixed point; counted as wrong)", found.unsettled)));
        }
        columns(&rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect::<Vec<_>>())
    };
    terminal.result(json, text)?;
    Ok(0)
}
