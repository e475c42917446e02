//! `apical show`: a preset or a sweep as TOML, to edit; or a preset with every default filled in.

use crate::failure::{Failure, Outcome};
use crate::load;
use crate::terminal::Terminal;
use apical_lab::check::{Checked, check, resolved_toml};
use apical_lab::config::{self, SWEEPS};
use apical_lab::data;
use serde_json::json;
use std::path::PathBuf;

const AFTER_HELP: &str = "\
Examples:
  apical show digits > mine.toml
  apical show s18-mnist --resolved
  apical show thesis-self-prediction > mine.toml";

/// Arguments of `show`.
#[derive(clap::Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// A preset (`apical list experiments`), a sweep (`apical list sweeps`) or a TOML file
    #[arg(value_name = "PRESET|FILE")]
    experiment: PathBuf,
    /// With every default filled in: conductances and the mixing factors that follow from them too
    #[arg(long)]
    resolved: bool,
}

/// Runs the command.
pub fn run(args: &Args, terminal: &Terminal) -> Outcome {
    let name = args.experiment.to_string_lossy();
    let is_sweep = SWEEPS.iter().any(|sweep| sweep.name == name);
    let source = if is_sweep { config::find_sweep(&name)? } else { load::source(&args.experiment, terminal)? };
    if is_sweep && args.resolved {
        return Err(Failure::input(source.label, "a sweep is no single experiment", "leave --resolved out"));
    }
    let text = if args.resolved {
        let mut machine = load::machine();
        // To look at a config one need not have its data.
        let place = || data::data_dirs().into_iter().next().unwrap_or_default().join("mnist");
        machine.mnist_dir = Some(machine.mnist_dir.unwrap_or_else(place));
        let Checked { experiment, warnings } = check(&source, &[], &machine).map_err(Failure::Config)?;
        terminal.warnings(&warnings);
        resolved_toml(&experiment)
    } else {
        String::from_utf8(source.text).map_err(|e| {
            let byte = e.utf8_error().valid_up_to();
            Failure::input(source.label.clone(), format!("not UTF-8 at byte {byte}"), "allowed: a TOML file in UTF-8")
        })?
    };
    terminal.result(|| json!({"name": source.name, "toml": text}), || text.clone())?;
    Ok(0)
}
