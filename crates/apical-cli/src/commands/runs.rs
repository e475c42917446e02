//! `apical runs`: a table of the runs in a folder.

use crate::failure::{Failure, Outcome};
use crate::results::{self, text};
use crate::table::columns;
use crate::terminal::Terminal;
use apical_lab::folder::{self, Listed, State};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

const AFTER_HELP: &str = "\
Example:
  apical runs
  apical runs my-experiments --json";

/// Arguments of `runs`.
#[derive(clap::Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// The folder that holds the run folders
    #[arg(default_value = "runs")]
    dir: PathBuf,
}

/// Runs the command.
pub fn run(args: &Args, terminal: &Terminal) -> Outcome {
    let dir = &args.dir;
    // Before the first run the default folder is not there yet.
    let may_be_absent = dir == Path::new("runs") && !dir.exists();
    if !dir.is_dir() && !may_be_absent {
        let found = if dir.exists() { "this is no folder" } else { "there is no such folder" };
        return Err(Failure::input(dir.display().to_string(), found, "allowed: a folder that holds run folders"));
    }
    let runs: Vec<Row> = folder::list(dir)?.into_iter().map(Row::of).collect();
    if runs.is_empty() {
        terminal.say(&format!("no runs in {}", dir.display()));
    }
    let table = || {
        let head = ["run", "state", "epochs", "presentations", "validation", "test", "started", "reason"];
        let head = head.map(String::from).to_vec();
        let rows: Vec<Vec<String>> = std::iter::once(head).chain(runs.iter().map(Row::cells)).collect();
        if runs.is_empty() { String::new() } else { columns(&rows) }
    };
    terminal.result(|| Value::Array(runs.iter().map(Row::json).collect()), table)?;
    Ok(0)
}

/// A run in the table.
struct Row {
    listed: Listed,
    state: &'static str,
    metrics: Map<String, Value>,
    reason: String,
}

impl Row {
    /// A damaged folder is shown with what can be read of it.
    fn of(listed: Listed) -> Row {
        let state = match listed.state {
            None => "damaged",
            Some(State::Finished) => "finished",
            Some(State::Failed) => "failed",
            Some(_) if listed.in_use => "running",
            Some(_) => "stopped",
        };
        let metrics = results::metrics(&listed.path);
        let told = listed.ending.as_ref().map(|ending| ending.reason.clone());
        let told = told.or_else(|| listed.info.as_ref().filter(|_| !listed.in_use)?.exit.clone());
        let problem = listed.problem.clone().or_else(|| metrics.as_ref().err().map(ToString::to_string));
        let reason = problem.or(told).unwrap_or_default();
        Row { state, metrics: metrics.unwrap_or_default(), reason, listed }
    }

    fn name(&self) -> String {
        self.listed.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    fn started(&self) -> &str {
        self.listed.info.as_ref().map_or("", |info| &info.started)
    }

    /// The error where there are classes, else the loss.
    fn score(&self, set: &str) -> String {
        let error = self.metrics.get(&format!("{set}.error")).filter(|value| value.is_number());
        if let Some(error) = error {
            return format!("error {}", text(error));
        }
        self.metrics.get(&format!("{set}.loss")).map_or(String::new(), |loss| format!("loss {}", text(loss)))
    }

    fn cells(&self) -> Vec<String> {
        let number = |name: &str| self.metrics.get(name).map_or(String::new(), text);
        vec![
            self.name(),
            self.state.into(),
            number("epochs"),
            number("presentations"),
            self.score("validation"),
            self.score("test"),
            self.started().into(),
            self.reason.chars().take(100).collect(),
        ]
    }

    fn json(&self) -> Value {
        json!({
            "path": self.listed.path.display().to_string(),
            "state": self.state,
            "started": self.started(),
            "reason": self.reason,
            "exit_code": self.listed.ending.as_ref().map(|ending| ending.exit_code),
            "metrics": self.metrics,
        })
    }
}
