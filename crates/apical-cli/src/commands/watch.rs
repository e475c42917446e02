//! `apical watch`: live runs in the terminal, or one look at them in plain text.

use crate::failure::Outcome;
use crate::signals;
use crate::terminal::Terminal;
use crate::watch::{board, page, seen, watch};
use apical_lab::observe::{Seen, State, Watch};
use serde_json::{Map, Value, json};
use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;

const AFTER_HELP: &str = "\
Only files are read, so runs of other machines can be watched over a network file system, and those that have ended too.
Keys: q quits, arrows choose, Enter shows a run, Esc goes back.

Examples:
  apical watch
  apical watch runs/digits-0123456789abcdef --once
  apical watch /shared/runs --interval 10";

/// Columns of a look that does not go to a terminal.
const COLUMNS: u16 = 100;

/// Arguments of `watch`.
#[derive(clap::Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// A run folder, or a folder that holds some
    #[arg(value_name = "RUN|FOLDER", default_value = "runs")]
    path: PathBuf,
    /// Look once and print what is seen; so too if stdout is no terminal
    #[arg(long)]
    once: bool,
    /// Seconds between two looks
    #[arg(long, value_name = "S", default_value = "1", value_parser = seconds)]
    interval: Duration,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let number = text.parse::<f64>().ok().filter(|s| (0.1..=3600.0).contains(s));
    number.map(Duration::from_secs_f64).ok_or_else(|| "allowed: 0.1 to 3600 seconds".to_owned())
}

/// Runs the command.
pub fn run(args: &Args, terminal: &Terminal) -> Outcome {
    let runs = Watch::new(&args.path)?;
    let is_terminal = std::io::stdout().is_terminal() && std::io::stdin().is_terminal() && terminal.interactive;
    if args.once || terminal.json || !is_terminal {
        return once(runs, args, terminal);
    }
    match watch(runs, &args.path.to_string_lossy(), args.interval)? {
        0 => Ok(0),
        signal => Ok(signals::exit_code(signal)),
    }
}

fn once(mut runs: Watch, args: &Args, terminal: &Terminal) -> Outcome {
    while runs.look()? {}
    let seen = seen(&runs);
    if seen.is_empty() {
        terminal.say(&format!("no runs in {}", args.path.display()));
    }
    let size = std::io::stdout().is_terminal().then(|| ratatui::crossterm::terminal::size().ok()).flatten();
    let columns = usize::from(size.map_or(COLUMNS, |(columns, _)| columns));
    let text = || {
        let lines = match &seen[..] {
            [] => Vec::new(),
            [one] if runs.is_single() => page(one, "", columns),
            several => board(several, None, columns),
        };
        lines.iter().map(|line| format!("{}\n", line.to_string().trim_end())).collect()
    };
    terminal.result(|| seen.iter().map(as_json).collect(), text)?;
    Ok(0)
}

fn as_json(seen: &Seen) -> Value {
    let finite = |x: f64| if x.is_finite() { json!(x) } else { Value::Null };
    let metrics: Map<String, Value> = seen.curves.iter().map(|c| (c.name.clone(), finite(c.last.1))).collect();
    let checkpoint = seen.checkpoint.map(|point| {
        json!({
            "presentation": point.presentation, "epoch": point.epoch, "best_epoch": point.best,
            "age_seconds": point.age.map(|age| age.as_secs_f64()),
        })
    });
    json!({
        "path": seen.path.display().to_string(), "state": seen.state.name(), "reason": seen.reason,
        "presentation": seen.presentation, "presentations": seen.presentations, "epoch": seen.epoch,
        "epochs": seen.epochs, "rate": seen.rate.filter(|_| seen.state == State::Running),
        "seconds_left": seen.left.map(|left| left.as_secs_f64()), "checkpoint": checkpoint, "metrics": metrics,
        "log": seen.log, "problems": seen.problems,
    })
}
