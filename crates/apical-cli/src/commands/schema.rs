//! `apical schema`: the JSON schemas of configs and of sweep files, for editors.

use crate::failure::Outcome;
use crate::terminal::Terminal;
use apical_lab::config;

const AFTER_HELP: &str = "\
An editor with a TOML language server completes and checks configs that begin with `#:schema apical.schema.json`, and sweep
files likewise.

Examples:
  apical schema > apical.schema.json
  apical schema --sweep > sweep.schema.json";

/// Arguments of `schema`.
#[derive(clap::Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// That of sweep files
    #[arg(long)]
    sweep: bool,
}

/// Runs the command.
pub fn run(args: &Args, terminal: &Terminal) -> Outcome {
    let schema = if args.sweep { config::sweep_schema() } else { config::schema() };
    terminal.result(|| schema.clone(), || format!("{schema:#}\n"))?;
    Ok(0)
}
