//! `apical resume`: goes on with a run from its last checkpoint.

use crate::args::Threads;
use crate::failure::{Failure, Outcome};
use crate::terminal::Terminal;
use crate::{course, load, signals};
use apical_lab::folder::RunFolder;
use apical_lab::run::Options;
use std::path::PathBuf;

const AFTER_HELP: &str = "\
A run that was stopped and resumed ends with the same bits as one that was not. The last line of stdout is the path of
the run folder.

Example:
  apical resume runs/digits-0123456789abcdef";

/// Arguments of `resume`.
#[derive(clap::Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// The run folder
    run: PathBuf,
    #[command(flatten)]
    threads: Threads,
    /// Go on even if this machine computes other bits than the one that began
    #[arg(long)]
    allow_different_bits: bool,
}

/// Runs the command.
pub fn run(args: &Args, terminal: &Terminal) -> Outcome {
    let stop = signals::stop()?;
    let (e, same) = load::of_run(&args.run)?;
    if !same {
        return Err(Failure::input(
            args.run.display().to_string(),
            "its config, or a data file that it names, is no longer what the run began with (or another version of \
             apical began it)",
            "allowed: the same config and data; `apical run` starts a run with the new ones",
        ));
    }
    let threads = args.threads.count();
    let options = Options { threads, stop, allow_different_bits: args.allow_different_bits };
    course::go(terminal, &e, RunFolder::open(&args.run)?, &options)
}
