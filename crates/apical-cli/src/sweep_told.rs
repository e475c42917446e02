//! What `apical sweep` tells of a sweep: how far it has come, and its best combination.

use crate::failure::Failure;
use crate::table::{columns, shell_word};
use crate::terminal::Terminal;
use apical_lab::run::significant;
use apical_lab::sweep::best::{Best, best as find};
use apical_lab::sweep::status::Status;
use apical_lab::sweep::table::{Cell, Table};
use apical_lab::sweep::{Layout, Plan, Spec};
use indicatif::HumanDuration;
use serde_json::{Value, json};
use std::time::Duration;

/// Reasons and runs that are told of by name.
const TOLD: usize = 10;

/// Warns of runs whose folders are damaged: they have rows, and no values.
pub fn damaged(table: &Table, layout: &Layout, terminal: &Terminal) {
    let texts = |name: &str| table.column(name).unwrap_or_default().iter().map(Cell::text).collect::<Vec<_>>();
    let (runs, reasons) = (texts("run"), texts("reason"));
    let of =
        texts("state").iter().enumerate().filter(|(_, state)| *state == "damaged").map(|(i, _)| i).collect::<Vec<_>>();
    for &i in of.iter().take(TOLD) {
        terminal.warn(&format!("{} is damaged: {}", layout.runs().join(&runs[i]).display(), reasons[i]));
    }
    if of.len() > TOLD {
        terminal.warn(&format!("{} more are damaged: `reason` of the table tells of each", of.len() - TOLD));
    }
}

/// Tells how far a sweep has come; of a search also the best trial.
pub fn status(
    spec: &Spec,
    plan: &Plan,
    layout: &Layout,
    s: &Status,
    made: Option<u64>,
    terminal: &Terminal,
) -> Result<(), Failure> {
    let path = layout.path();
    // To find the best of many runs takes seconds: `collect` tells it of all sweeps.
    let best = plan.search.and_then(|_| find(spec, plan, layout));
    if terminal.json {
        let failed: Vec<_> = s.failed.iter().map(|(reason, runs)| json!({"reason": reason, "runs": runs})).collect();
        let running: Vec<_> = s.running.iter().map(|r| json!({"run": r.run, "host": r.host, "dead": r.dead})).collect();
        terminal.print_json(&json!({
            "name": spec.name, "runs": s.runs, "made": made, "done": s.done, "failed": s.failed(), "failures": failed,
            "crashed": s.crashed, "running": running, "queued": s.queued(), "orphans": s.orphans,
            "trials": plan.search.map(|(trials, _)| trials), "best": best.as_ref().map(to_json),
            "seconds_per_run": s.seconds, "seconds_left": s.left, "path": path.display().to_string(),
        }))?;
    } else if !terminal.quiet {
        let row = |name: &str, value: String| vec![name.to_owned(), value];
        let mut rows = vec![row("runs", s.runs.to_string()), row("done", s.done.to_string())];
        if s.failed() > 0 {
            rows.push(row("failed", s.failed().to_string()));
            rows.extend(s.failed.iter().take(TOLD).map(|(reason, n)| row("", format!("{n} x {reason}"))));
        }
        if !s.crashed.is_empty() {
            rows.push(row("crashed", s.crashed.len().to_string()));
            rows.extend(
                s.crashed
                    .iter()
                    .take(TOLD)
                    .map(|c| row("", format!("{}: {} ({} attempts)", c.run, c.reason, c.attempts))),
            );
        }
        let dead = s.running.iter().filter(|r| r.dead).count();
        let told = if dead > 0 {
            format!("{} ({dead} left by workers that died)", s.running.len())
        } else {
            s.running.len().to_string()
        };
        rows.push(row("running", told));
        rows.push(row("queued", s.queued().to_string()));
        if s.orphans > 0 {
            rows.push(row("orphans", s.orphans.to_string()));
        }
        if let Some(seconds) = s.seconds {
            rows.push(row("a run takes", format!("{seconds:.3} s")));
        }
        if let Some(left) = s.left {
            let left = Duration::try_from_secs_f64(left).unwrap_or(Duration::MAX);
            rows.push(row("time left", format!("about {:#}", HumanDuration(left))));
        }
        if let Some((trials, _)) = plan.search {
            rows.push(row("trials", trials.to_string()));
        }
        rows.extend(best.iter().flat_map(|best| self::best(spec, best)));
        terminal.print(&columns(&rows))?;
    }
    terminal.print_path(path)?;
    Ok(())
}

/// The best combination and how to make its run, as rows of a table.
pub fn best(spec: &Spec, best: &Best) -> Vec<Vec<String>> {
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    let ranking = &spec.ranking;
    let of = if best.runs.len() > 1 { format!(", mean of {} runs", best.runs.len()) } else { String::new() };
    let at = if ranking.best { "best" } else { "last" };
    vec![
        row("best", format!("{} {} ({at}{of})", ranking.metric, significant(best.score))),
        row("", best.with.clone()),
        row("to make it", command(best)),
    ]
}

fn command(best: &Best) -> String {
    let words: Vec<String> = best.arguments.iter().map(|word| shell_word(word)).collect();
    format!("apical run {}", words.join(" "))
}

fn to_json(best: &Best) -> Value {
    json!({"score": best.score, "with": best.with, "runs": best.runs, "command": command(best)})
}
