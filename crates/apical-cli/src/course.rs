//! The course of `run` and `resume` from the open run folder on: go on or tell how it ended, draw, show, exit code.

use crate::failure::Outcome;
use crate::progress::Reporter;
use crate::results::Results;
use crate::table::shell_word;
use crate::terminal::Terminal;
use crate::{figures, signals};
use apical_lab::Experiment;
use apical_lab::error::Kind;
use apical_lab::folder::{Opened, RunFolder, State};
use apical_lab::run::{Ended, Options, run};
use std::path::Path;

/// Goes on with an open run to its end, or tells how it ended.
pub fn go(terminal: &Terminal, e: &Experiment, mut opened: Opened, options: &Options) -> Outcome {
    let begun = opened.begin()?;
    let Opened { mut folder, state } = opened;
    if !begun {
        let how = if state == State::Finished { "has finished" } else { "has failed" };
        terminal.say(&format!("this run {how} already; `apical run` with --again starts it anew"));
        return show(terminal, e, &folder);
    }
    if state == State::Unfinished {
        terminal.say(&format!("going on with {}", folder.path().display()));
    }
    let mut reporter = Reporter::new(terminal);
    let ended = run(e, &mut folder, options, &mut reporter).inspect_err(|error| {
        if error.kind == Kind::Machine {
            terminal.say(&format!("what was saved is kept. {}", way_on(folder.path())));
        }
    })?;
    match ended {
        Ended::Done { .. } | Ended::Failed { .. } | Ended::Paused => show(terminal, e, &folder),
        Ended::Stopped { signal } => {
            let path = folder.path();
            let (name, made) = (signals::name(signal), reporter.done);
            let on = way_on(path);
            terminal.say(&format!("stopped by {name} after {made} presentations; a checkpoint is kept. {on}"));
            if terminal.json {
                terminal.print_json(&Results::read(path)?.json())?;
            }
            terminal.print_path(path)?;
            Ok(signals::exit_code(signal))
        }
    }
}

fn way_on(run: &Path) -> String {
    format!("To go on:\n  apical resume {}", shell_word(&run.to_string_lossy()))
}

/// Shows how a run ended, with its figures drawn; the last line of stdout is its folder.
fn show(terminal: &Terminal, e: &Experiment, folder: &RunFolder) -> Outcome {
    let path = folder.path();
    if e.record.figures
        && let Err(failure) = figures::draw_missing(path)
    {
        terminal.warn(&format!("the figures could not be drawn: {}", failure.text()));
    }
    let results = Results::read(path)?;
    let ending = results.ending.as_ref();
    if let Some(ending) = ending {
        let verdict = if ending.done { "" } else { "FAILED: " };
        let line = format!("{verdict}{}", ending.reason);
        if ending.exit_code == 0 { terminal.say(&line) } else { terminal.error(&line) }
    }
    if terminal.json {
        terminal.print_json(&results.json())?;
    } else if !terminal.quiet {
        terminal.print(&results.table())?;
    }
    terminal.print_path(path)?;
    Ok(ending.map_or(0, |ending| ending.exit_code))
}
