//! `apical schema`: the JSON schema of configs, for editors.

use crate::failure::Outcome;
use crate::terminal::Terminal;
use apical_lab::config;

const AFTER_HELP: &str = "\
An editor with a TOML language server completes and checks configs that begin with `#:schema apical.schema.json`.

Example:
  apical schema > apical.schema.json";

/// Arguments of `schema`.
#[derive(clap::Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct Args {}

/// Runs the command.
pub fn run(_: &Args, terminal: &Terminal) -> Outcome {
    let schema = config::schema();
    terminal.result(|| schema.clone(), || format!("{schema:#}\n"))?;
    Ok(0)
}
