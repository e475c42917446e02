//! The command line. Each command's arguments stand with the command; a new command is one file in `commands/` and two
//! lines here.

use crate::commands::{
    cite, compare, completions, data, diff, eval, explain, list, plot, predict, relate, report, resume, run, runs,
    schema, show, sweep, verify, watch,
};
use crate::failure::Outcome;
use crate::provenance;
use crate::terminal::Terminal;
use clap::{Args, Parser, Subcommand, ValueEnum};

const AFTER_HELP: &str = "\
Examples:
  apical run digits                      train on handwritten digits, in seconds
  apical show digits > mine.toml         a config to edit; `apical explain KEY` tells what a key means
  apical run mine.toml --set seed=3      run it, with another seed

Exit codes: 0 all went well; 1 the science failed (missed [expect], diverged, verify out of bounds); 2 bad input;
3 the machine failed (disk, network, permission); 130 stopped by Ctrl-C, 143 by SIGTERM or SIGUSR1, 129 by SIGHUP.";

/// Find out whether, when and why a cortical circuit can learn like backprop.
#[derive(Debug, Parser)]
#[command(name = "apical", version = provenance::version(), arg_required_else_help = true, after_help = AFTER_HELP)]
pub struct Cli {
    /// How results and messages look.
    #[command(flatten)]
    pub output: Output,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Flags of every command.
#[derive(Args, Debug)]
#[command(next_help_heading = "Output")]
pub struct Output {
    /// Print results as JSON, on one line
    #[arg(long, global = true)]
    pub json: bool,
    /// Print results, warnings and errors only
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Colour messages; auto: on a terminal, unless NO_COLOR is set
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: When,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// On a terminal.
    Auto,
    /// In files and pipes too.
    Always,
    /// Never.
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run an experiment: a preset, or a TOML file
    Run(run::Args),
    /// Go on with a run that was stopped
    Resume(resume::Args),
    /// Compare learners on one experiment, over several seeds
    Compare(compare::Args),
    /// Tell how learners relate: angles between their updates at the same weights, and their limits
    Relate(relate::Args),
    /// Make many runs of one experiment, over values and seeds
    Sweep(sweep::Args),
    /// Draw figures of runs
    Plot(plot::Args),
    /// Write a report of runs: one page, as HTML or Markdown
    Report(report::Args),
    /// Evaluate a checkpoint of a run
    Eval(eval::Args),
    /// Answer the inputs of a file with what a run has learned
    Predict(predict::Args),
    /// List the runs of a folder
    Runs(runs::Args),
    /// Watch runs in the terminal, by their files alone
    Watch(watch::Args),
    /// Compare the configs and results of two runs
    Diff(diff::Args),
    /// List what there is: experiments, solvers, plans, learners, tasks, activations, figures
    List(list::Args),
    /// Print a preset, to edit it
    Show(show::Args),
    /// Explain a key of the config
    Explain(explain::Args),
    /// Print the JSON schema of configs or of sweep files, for editors
    Schema(schema::Args),
    /// Hold the engine against reference trajectories
    Verify(verify::Args),
    /// Fetch or check data sets
    Data(data::Args),
    /// Print what to cite: apical, and what a run or preset goes back to
    Cite(cite::Args),
    /// Print completions for a shell
    Completions(completions::Args),
}

impl Command {
    /// Does it.
    pub fn execute(&self, terminal: &Terminal) -> Outcome {
        match self {
            Command::Run(args) => run::run(args, terminal),
            Command::Resume(args) => resume::run(args, terminal),
            Command::Compare(args) => compare::run(args, terminal),
            Command::Relate(args) => relate::run(args, terminal),
            Command::Sweep(args) => sweep::run(args, terminal),
            Command::Plot(args) => plot::run(args, terminal),
            Command::Report(args) => report::run(args, terminal),
            Command::Eval(args) => eval::run(args, terminal),
            Command::Predict(args) => predict::run(args, terminal),
            Command::Runs(args) => runs::run(args, terminal),
            Command::Watch(args) => watch::run(args, terminal),
            Command::Diff(args) => diff::run(args, terminal),
            Command::List(args) => list::run(args, terminal),
            Command::Show(args) => show::run(args, terminal),
            Command::Explain(args) => explain::run(args, terminal),
            Command::Schema(args) => schema::run(args, terminal),
            Command::Verify(args) => verify::run(args, terminal),
            Command::Data(args) => data::run(args, terminal),
            Command::Cite(args) => cite::run(args, terminal),
            Command::Completions(args) => completions::run(args, terminal),
        }
    }
}

/// `--threads` where something can use them.
#[derive(Args, Clone, Copy, Debug)]
pub struct Threads {
    /// Threads to use; the results do not depend on it [default: all cores]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
}

impl Threads {
    /// How many.
    pub fn count(self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, |n| n.get());
        self.threads.map_or_else(cores, usize::from)
    }
}
