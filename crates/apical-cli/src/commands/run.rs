//! `apical run`: an experiment from its config to its figures.

use crate::args::Threads;
use crate::failure::{Failure, Outcome};
use crate::table::columns;
use crate::terminal::Terminal;
use crate::{course, load, provenance, signals};
use apical_lab::check::{canonical, resolved_toml};
use apical_lab::config::Override;
use apical_lab::experiment::Way;
use apical_lab::folder::{self, RunFolder, RunInfo, State, runinfo};
use apical_lab::plan::{human_bytes, way_name};
use apical_lab::run::answer::{Which, checkpoint_file};
use apical_lab::run::check_files;
use apical_lab::run::{Options, dry};
use apical_lab::{Error, Experiment};
use clap::ValueEnum;
use serde_json::json;
use std::path::{Path, PathBuf};

const AFTER_HELP: &str = "\
The last line of stdout is the path of the run folder, also with --quiet (then it is the only line) and with --json
(then the line before it is the results). The same command again goes on where the run was stopped, or shows the
results of a run that has ended.

Examples:
  apical run digits
  apical run mine.toml --set plasticity.eta_ip=0.001 --set train.epochs=5 --seed 3
  apical run mine.toml --from runs/digits-0123456789abcdef
  apical run s18-mnist --dry-run";

/// Arguments of `run`.
#[derive(clap::Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// A preset (`apical list experiments`) or a TOML file
    #[arg(value_name = "PRESET|FILE")]
    experiment: PathBuf,
    /// Change a key of the config, as in plasticity.eta_ip=0.001; may be given several times
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Seed of everything random
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    seed: Option<u64>,
    /// Folder in which the run folder is made
    #[arg(long, value_name = "DIR", default_value = "runs")]
    out: PathBuf,
    #[command(flatten)]
    threads: Threads,
    /// Number type
    #[arg(long, value_enum)]
    precision: Option<Precision>,
    /// Start with the weights of this run: its best checkpoint, or its last if none was best
    #[arg(long, value_name = "RUN")]
    from: Option<PathBuf>,
    /// Start anew; an older run of the same config is moved aside
    #[arg(long)]
    again: bool,
    /// Check and plan, time a few presentations, and make nothing
    #[arg(long)]
    dry_run: bool,
    /// Go on even if this machine computes other bits than the one that began
    #[arg(long)]
    allow_different_bits: bool,
}

/// Number types.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Precision {
    F32,
    F64,
}

/// Runs the command.
pub fn run(args: &Args, terminal: &Terminal) -> Outcome {
    // Before anything that takes time, so that a signal finds its handler.
    let stop = signals::stop()?;
    let source = load::source(&args.experiment, terminal)?;
    let e = load::experiment(&source, &overrides(args)?, terminal)?;
    let canonical = canonical(&e)?;
    let path = args.out.join(folder::folder_name(&e.name, &canonical)?);
    if args.dry_run {
        return plan(&e, &path, args, terminal);
    }
    let is_run = path.join(runinfo::FILE).exists();
    if args.again || !is_run {
        check_files(&e).map_err(|error| in_config(&source.label, error))?;
    }
    if args.again && is_run {
        let aside = folder::move_aside(&path)?;
        terminal.say(&format!("the older run is now {}", aside.display()));
    }
    let threads = args.threads.count();
    // A run that exists keeps what its run.json says.
    let info = if is_run && !args.again { RunInfo::default() } else { provenance::run_info(&e, threads)? };
    let opened = RunFolder::open_or_create(&args.out, &e.name, &canonical, &resolved_toml(&e), info)?;
    course::go(terminal, &e, opened, &Options { threads, stop, allow_different_bits: args.allow_different_bits })
}

/// An error that names a key of the config names its file too.
fn in_config(label: &str, error: Error) -> Error {
    let tables = ["network.", "phase.", "task.", "train."];
    let is_key = tables.iter().any(|table| error.place.starts_with(table));
    if is_key { Error { place: format!("{label}: {}", error.place), ..error } } else { error }
}

/// The flags that change the config, in the order of their force: `--set` has the last word.
fn overrides(args: &Args) -> Result<Vec<Override>, Failure> {
    let mut list = Vec::new();
    if let Some(run) = &args.from {
        let file = std::path::absolute(checkpoint_file(run, Which::Best)?);
        let file = file.map_err(|e| Error::machine(run.display().to_string(), e))?;
        let Some(text) = file.to_str() else {
            return Err(Failure::input(run.display().to_string(), "a path that is not UTF-8", "rename the folder"));
        };
        // JSON's strings are TOML's too.
        list.push(Override::set(format!("network.start={{ file = {} }}", json!(text))));
    }
    list.extend(args.seed.map(|seed| Override::seed(seed.to_string())));
    list.extend(args.precision.map(|precision| {
        Override::precision(match precision {
            Precision::F32 => "f32",
            Precision::F64 => "f64",
        })
    }));
    list.extend(args.set.iter().map(Override::set));
    Ok(list)
}

/// What the run would be.
fn plan(e: &Experiment, path: &Path, args: &Args, terminal: &Terminal) -> Outcome {
    let threads = args.threads.count();
    let plan = dry::plan(e, threads)?;
    for warning in &plan.warnings {
        terminal.warn(warning);
    }
    let state = if !path.join(runinfo::FILE).exists() {
        "new"
    } else if args.again {
        "new: an older one would be moved aside"
    } else {
        match folder::state(path)? {
            State::New | State::Unfinished => "unfinished: it would go on",
            State::Finished => "finished: its results would be shown",
            State::Failed => "failed: its reason would be shown",
        }
    };
    let sizes = &e.network.sizes;
    let stability: Vec<String> = plan.stability.iter().map(|number| format!("{number:.3}")).collect();
    if terminal.json {
        let euler = plan.euler.map(|plan| {
            let block = if let Way::Blocks(steps) = plan.way { Some(steps) } else { None };
            json!({"way": way_name(plan.way), "block": block, "instructions": plan.isa.name()})
        });
        let m = plan.memory;
        let memory = json!({
            "total": m.total, "weights": m.weights, "state": m.state, "plan": m.plan, "data": m.data,
            "evaluation": m.evaluation, "checkpoint": m.checkpoint, "recording": m.recording,
        });
        terminal.print_json(&json!({
            "name": e.name, "state": state, "sizes": sizes, "plan": plan.plan, "why": plan.why, "euler": euler,
            "presentations": plan.presentations, "steps": plan.steps, "weight_bytes": plan.weight_bytes,
            "memory_bytes": memory, "seconds": plan.seconds, "threads": plan.threads,
            "stability": plan.stability, "warnings": plan.warnings, "path": path.display().to_string(),
        }))?;
    } else if !terminal.quiet {
        let sizes: Vec<String> = sizes.iter().map(usize::to_string).collect();
        let mut rows = vec![
            ("run", state.to_owned()),
            ("network", sizes.join("-")),
            ("plan", plan.plan),
            ("because", plan.why),
            ("presentations", plan.presentations.to_string()),
        ];
        if plan.steps > 0 {
            rows.push(("steps", plan.steps.to_string()));
        }
        rows.push(("weights", human_bytes(plan.weight_bytes)));
        rows.push(("memory", format!("about {}", human_bytes(plan.memory.total))));
        let seconds = std::time::Duration::try_from_secs_f64(plan.seconds).unwrap_or(std::time::Duration::MAX);
        let hands = if plan.threads == 1 { "1 thread".to_owned() } else { format!("up to {} threads", plan.threads) };
        rows.push(("training takes", format!("about {:#}, {hands}", indicatif::HumanDuration(seconds))));
        if !stability.is_empty() {
            rows.push(("stability", format!("{} (per layer, must stay below 2)", stability.join(", "))));
        }
        let rows: Vec<Vec<String>> = rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect();
        terminal.print(&columns(&rows))?;
    }
    terminal.print_path(path)?;
    Ok(0)
}
