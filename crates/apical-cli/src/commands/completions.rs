//! `apical completions`: words that a shell offers.

use crate::args::Cli;
use crate::failure::Outcome;
use crate::terminal::Terminal;
use clap::CommandFactory;
use clap_complete::Shell;
use serde_json::json;

const AFTER_HELP: &str = "\
Examples:
  apical completions bash > ~/.local/share/bash-completion/completions/apical
  apical completions zsh > ~/.zfunc/_apical
  apical completions fish > ~/.config/fish/completions/apical.fish";

/// Arguments of `completions`.
#[derive(clap::Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Runs the command.
pub fn run(args: &Args, terminal: &Terminal) -> Outcome {
    // Into memory first: the generator does not expect that writing can fail.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "apical", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    terminal.result(|| json!({"shell": args.shell.to_string(), "script": script}), || script.clone())?;
    Ok(0)
}
