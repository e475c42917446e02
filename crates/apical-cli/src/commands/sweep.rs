//! `apical sweep`: one experiment over many values and seeds.

use crate::board::Board;
use crate::failure::{Failure, Outcome};
use crate::sweep_board::{self, Keeping, Shown};
use crate::table::{columns, shell_word};
use crate::terminal::Terminal;
use crate::{load, provenance, signals, slurm, sweep_told};
use apical_lab::check::Context;
use apical_lab::config;
use apical_lab::folder::write_atomic;
use apical_lab::run::Options;
use apical_lab::sweep::best::best;
use apical_lab::sweep::kept::Kept;
use apical_lab::sweep::layout::TABLE;
use apical_lab::sweep::status::{crashes, status};
use apical_lab::sweep::table::{Cell, collect};
use apical_lab::sweep::work::{self, Manner, work};
use apical_lab::sweep::{Change, Layout, Method, Plan, Planned, Spec, Stopping, claim};
use clap::Subcommand;
use serde_json::json;
use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Runs of a change that are told of by name.
const TOLD: usize = 10;

const AFTER_HELP: &str = "\
A sweep file names an experiment and what varies:
  experiment = \"digits\"
  seeds = 3
  [vary]
  plasticity.eta_ip = { log = [1e-4, 1e-2], steps = 5 }

`run` makes the runs that are missing. It may be started any number of times, on any number of machines that share the
folder, and be killed at any moment. `apical explain sweep` tells all keys.

Examples:
  apical sweep plan rates.toml
  apical sweep run rates.toml --jobs 8
  apical sweep status rates.toml
  apical sweep collect rates.toml";

/// Arguments of `sweep`.
#[derive(clap::Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Check all runs and tell what there is to make; makes none
    Plan(LookArgs),
    /// Make the runs that are missing
    Run(RunArgs),
    /// Tell how far the sweep has come
    Status(LookArgs),
    /// Write one table of all results, as CSV and Parquet
    Collect(CollectArgs),
    /// Hand the sweep to a cluster's scheduler
    Submit(SubmitArgs),
}

/// Which sweep.
#[derive(clap::Args, Debug)]
struct Which {
    /// A sweep file, or one of `apical list sweeps`
    #[arg(value_name = "SWEEP")]
    file: PathBuf,
    /// Folder in which the sweep's folder lies
    #[arg(long, value_name = "DIR", default_value = "sweeps")]
    out: PathBuf,
}

#[derive(clap::Args, Debug)]
struct LookArgs {
    #[command(flatten)]
    which: Which,
    /// The table of `apical sweep run --table`: runs that stand in it are done
    #[arg(long, value_name = "FILE.csv")]
    table: Option<PathBuf>,
}

#[derive(clap::Args, Debug)]
struct RunArgs {
    #[command(flatten)]
    which: Which,
    /// Runs side by side [default: cores / threads]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    /// Threads of each run; the results do not depend on it [default: cores / jobs, or 1]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Seconds after which a worker on another machine counts as dead when its counter stands still
    #[arg(long, value_name = "S", default_value_t = 60, allow_negative_numbers = true, value_parser = clap::value_parser!(u64).range(claim::SHORTEST_STALE..=86_400))]
    stale: u64,
    /// Leave off when all that is missing is in the hands of workers that are seen to live, instead of waiting for its end
    #[arg(long)]
    no_wait: bool,
    /// Leave off after so many runs
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u64).range(1..))]
    most: Option<u64>,
    /// Try again what crashed too often
    #[arg(long)]
    retry_crashed: bool,
    /// A table kept outside the sweep's folder: runs that stand in it are not made again, each that ends is added with its
    /// commit, machine, seconds and curves
    #[arg(long, value_name = "FILE.csv")]
    table: Option<PathBuf>,
}

#[derive(clap::Args, Debug)]
struct CollectArgs {
    #[command(flatten)]
    which: Which,
    /// Add what differs from one making to the next: seconds and machine of each run
    #[arg(long)]
    costs: bool,
}

#[derive(clap::Args, Debug)]
struct SubmitArgs {
    #[command(flatten)]
    which: Which,
    /// To SLURM, as an array of jobs; the only one there is
    #[arg(long, required = true)]
    slurm: bool,
    /// Tasks of the array; each makes runs until none is left [default: [slurm] array_size, or 10]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u64).range(1..))]
    array_size: Option<u64>,
    /// At most so many tasks at a time [default: all]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u64).range(1..))]
    at_once: Option<u64>,
    /// Time limit of a task, as sbatch takes it
    #[arg(long, value_name = "TIME")]
    time: Option<String>,
    /// Partition
    #[arg(long, value_name = "NAME")]
    partition: Option<String>,
    /// Account
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// Cores of a task
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u64).range(1..))]
    cpus: Option<u64>,
    /// Memory of a task, as sbatch takes it
    #[arg(long, value_name = "SIZE")]
    memory: Option<String>,
    /// Threads of each run
    #[arg(long, value_name = "N", default_value_t = 1, allow_negative_numbers = true, value_parser = clap::value_parser!(u64).range(1..=1024))]
    threads: u64,
    /// A table kept outside the sweep's folder, which all tasks add to: see `apical sweep run --help`
    #[arg(long, value_name = "FILE.csv")]
    table: Option<PathBuf>,
    /// Print the script, and submit nothing
    #[arg(long)]
    dry_run: bool,
}

/// Runs the command.
pub fn run(args: &Args, terminal: &Terminal) -> Outcome {
    match &args.what {
        What::Plan(args) => plan(args, terminal),
        What::Run(args) => make(args, terminal),
        What::Status(args) => show_status(args, terminal),
        What::Collect(args) => write_table(args, terminal),
        What::Submit(args) => submit(args, terminal),
    }
}

/// A sweep as a command finds it.
struct Opened {
    spec: Spec,
    layout: Layout,
    plan: Plan,
    change: Change,
    context: Context,
}

fn open(which: &Which, keep: bool, terminal: &Terminal) -> Result<Opened, Failure> {
    // A path that is not UTF-8 is no sweep of ours.
    let source = match which.file.to_str() {
        Some(named) => config::find_sweep(named)?,
        None => config::load_file(&which.file)?,
    };
    let spec = Spec::read(&source).map_err(Failure::Config)?;
    let (layout, context) = (Layout::new(&which.out, &spec.name), load::machine());
    let (plan, change) = Plan::open(&spec, &layout, &context, keep)?;
    tell_change(&change, terminal);
    Ok(Opened { spec, layout, plan, change, context })
}

fn tell_change(change: &Change, terminal: &Terminal) {
    if !change.from_before || (change.added.is_empty() && change.orphaned.is_empty()) {
        return;
    }
    let (added, orphaned) = (change.added.len(), change.orphaned.len());
    terminal.say(&format!(
        "the sweep has changed: {added} runs more, {orphaned} no longer part of it (they are kept, and left out of tables)"
    ));
    for (sign, list) in [("+", &change.added), ("-", &change.orphaned)] {
        for run in list.iter().take(TOLD) {
            terminal.say(&format!("  {sign} {run}"));
        }
        if list.len() > TOLD {
            terminal.say(&format!("  {sign} ... {} more", list.len() - TOLD));
        }
    }
}

fn plan(args: &LookArgs, terminal: &Terminal) -> Outcome {
    let o = open(&args.which, true, terminal)?;
    let there = work::ended(&o.layout)?;
    let table = look(args.table.as_deref(), &o, terminal)?;
    let stands = |p: &Planned| table.as_ref().is_some_and(|table| table.has(&p.run));
    let missing = o.plan.runs.iter().filter(|p| !there.contains(&p.run) && !stands(p)).count();
    let (runs, path) = (o.plan.runs.len(), o.layout.path());
    if terminal.json {
        terminal.print_json(&json!({
            "name": o.spec.name, "runs": runs, "missing": missing, "twins": o.plan.twins, "keys": o.spec.keys(),
            "added": o.change.added.len(), "orphaned": o.change.orphaned.len(), "path": path.display().to_string(),
            "trials": o.plan.search.map(|(trials, _)| trials), "may_come": o.plan.search.map(|(_, runs)| runs),
        }))?;
    } else if !terminal.quiet {
        let mut rows = vec![
            vec!["runs".to_owned(), runs.to_string()],
            vec!["missing".to_owned(), missing.to_string()],
            vec!["varied".to_owned(), o.spec.keys().join(", ")],
        ];
        if let Some((trials, may_come)) = o.plan.search {
            rows.push(vec!["trials".to_owned(), format!("{trials} so far; {may_come} runs may come")]);
        }
        if o.plan.twins > 0 {
            rows.push(vec![
                "twins".to_owned(),
                format!("{} combinations give a run that another gives too", o.plan.twins),
            ]);
        }
        terminal.print(&columns(&rows))?;
    }
    terminal.print_path(path)?;
    Ok(0)
}

/// The table as it is, with what it is to the sweep.
fn look<'a>(path: Option<&Path>, o: &'a Opened, terminal: &Terminal) -> Result<Option<Kept<'a>>, Failure> {
    let Some(path) = path else { return Ok(None) };
    let table = Kept::look(path, &o.spec, &o.plan, &o.layout)?;
    sweep_board::told_of_table(&table, path, &o.plan, terminal);
    Ok(Some(table))
}

/// Flags without which a sweep would not go on where it stopped.
fn again(args: &RunArgs) -> String {
    let out = Some(&args.which.out).filter(|out| **out != Path::new("sweeps"));
    let flags = [("out", out), ("table", args.table.as_ref())].into_iter();
    flags.filter_map(|(name, path)| Some(format!(" --{name} {}", shell_word(&path?.to_string_lossy())))).collect()
}

fn make(args: &RunArgs, terminal: &Terminal) -> Outcome {
    // Before anything that takes time, so that a signal finds its handler.
    let stop = signals::stop()?;
    let o = open(&args.which, true, terminal)?;
    if args.retry_crashed {
        for crash in crashes(&o.layout)? {
            let path = o.layout.crashed().join(format!("{}.json", crash.run));
            std::fs::remove_file(&path).map_err(|e| apical_lab::Error::machine(path.display().to_string(), e))?;
        }
    }
    let cores = std::thread::available_parallelism().map_or(1, |n| n.get());
    let (jobs, threads) = match (args.jobs.map(usize::from), args.threads.map(usize::from)) {
        (Some(jobs), Some(threads)) => (jobs, threads),
        (Some(jobs), None) => (jobs, (cores / jobs).max(1)),
        (None, threads) => ((cores / threads.unwrap_or(1)).max(1), threads.unwrap_or(1)),
    };
    let manner = Manner {
        jobs,
        options: Options { threads, stop, allow_different_bits: false },
        stale: Duration::from_secs(args.stale),
        wait: !args.no_wait,
        most: args.most,
    };
    let kept = args.table.as_deref().map(|path| Kept::open(path, &o.spec, &o.plan, &o.layout)).transpose()?;
    let missing: Cow<'_, [Planned]> = match &kept {
        None => Cow::Borrowed(&o.plan.runs),
        Some(kept) => o.plan.runs.iter().filter(|p| !kept.has(&p.run)).cloned().collect(),
    };
    if let Some((kept, path)) = kept.as_ref().zip(args.table.as_ref()) {
        sweep_board::told_of_table(kept, path, &o.plan, terminal);
    }
    let kept = kept.map(|table| Keeping::new(&o.layout, &missing, table));
    let most = o.plan.most() - (o.plan.runs.len() - missing.len());
    let board = Shown { board: Board::new(terminal, most), kept };
    let info = |e: &apical_lab::Experiment| provenance::run_info(e, threads);
    let done = work(&o.spec, &missing, &o.layout, &o.context, &manner, &info, &board);
    board.board.close();
    let done = done?;
    let table = board.kept.map(Keeping::end).transpose()?;
    let path = o.layout.path();
    if let Some(signal) = done.signal {
        terminal.say(&format!(
            "stopped by {}; {} runs made, checkpoints are kept. To go on:\n  apical sweep run {}{}",
            signals::name(signal),
            done.made,
            shell_word(&args.which.file.to_string_lossy()),
            again(args),
        ));
        terminal.print_path(path)?;
        return Ok(signals::exit_code(signal));
    }
    if args.no_wait && done.left > 0 && !terminal.json {
        // A thousand workers that leave while others go on need not each look at all runs.
        terminal.say(&format!("runs made: {}; left to other workers: {}", done.made, done.left));
        terminal.print_path(path)?;
        return Ok(i32::from(!crashes(&o.layout)?.is_empty()));
    }
    // A search has more runs than when it was opened.
    let grown = match o.plan.search {
        Some(_) => Some(Plan::open(&o.spec, &o.layout, &o.context, true)?.0),
        None => None,
    };
    let plan = grown.as_ref().unwrap_or(&o.plan);
    let status = status(plan, &o.layout, table.as_ref())?;
    sweep_told::status(&o.spec, plan, &o.layout, &status, Some(done.made), terminal)?;
    if done.left > 0 {
        let told = match status.running.iter().all(|run| run.dead) {
            true => "their folders are gone, or who made them died: the same command makes them anew",
            false => "others make them, or they wait for these",
        };
        terminal.say(&format!("runs left: {}; {told}", done.left));
    }
    Ok(i32::from(!status.crashed.is_empty()))
}

fn show_status(args: &LookArgs, terminal: &Terminal) -> Outcome {
    let o = open(&args.which, false, terminal)?;
    let table = look(args.table.as_deref(), &o, terminal)?;
    let status = status(&o.plan, &o.layout, table.as_ref())?;
    sweep_told::status(&o.spec, &o.plan, &o.layout, &status, None, terminal)?;
    Ok(0)
}

fn write_table(args: &CollectArgs, terminal: &Terminal) -> Outcome {
    let o = open(&args.which, false, terminal)?;
    let table = collect(&o.spec, &o.plan, &o.layout, args.costs)?;
    if table.rows() == 0 {
        let place = o.layout.path().display().to_string();
        return Err(Failure::input(place, "no run of the sweep has ended yet", "apical sweep run makes them"));
    }
    let path = |end: &str| o.layout.join(format!("{TABLE}.{end}"));
    write_atomic(&path("csv"), &table.csv()?, "comparison")?;
    write_atomic(&path("parquet"), &table.parquet()?, "comparison")?;
    sweep_told::damaged(&table, &o.layout, terminal);
    let missing = o.plan.runs.len() - table.rows();
    if missing > 0 {
        terminal.warn(&format!("{missing} of {} runs are not in the table: they have not ended", o.plan.runs.len()));
    }
    let ranking = &o.spec.ranking;
    let column = format!("{}.{}", ranking.metric, if ranking.best { "best" } else { "last" });
    let is_empty = |column: &[Cell]| column.iter().all(|cell| *cell == Cell::Empty);
    let has_done = |column: &[Cell]| column.contains(&Cell::Text("done".into()));
    if table.column("state").is_some_and(has_done) && table.column(&column).is_some_and(is_empty) {
        let metric = &ranking.metric;
        terminal.warn(&format!(
            "no run has {metric}, by which the sweep would rank them: `metric` of the sweep file names another"
        ));
    }
    if !terminal.json && !terminal.quiet {
        let rows = best(&o.spec, &o.plan, &o.layout).map(|best| sweep_told::best(&o.spec, &best)).unwrap_or_default();
        terminal.print(&columns(&rows))?;
    }
    terminal.print_path(&path("csv"))?;
    terminal.print_path(&path("parquet"))?;
    Ok(0)
}

/// A path as it is from any folder.
fn whole(path: &Path) -> Result<PathBuf, apical_lab::Error> {
    std::path::absolute(path).map_err(|source| apical_lab::Error::machine(path.display().to_string(), source))
}

fn submit(args: &SubmitArgs, terminal: &Terminal) -> Outcome {
    let o = open(&args.which, !args.dry_run, terminal)?;
    let mut asks = o.spec.slurm.clone();
    let text = |given: &Option<String>, own: Option<String>| given.clone().or(own);
    let table = args.table.as_deref().map(whole).transpose()?;
    let kept = match table.as_deref() {
        Some(path) if args.dry_run => Some(Kept::look(path, &o.spec, &o.plan, &o.layout)?),
        // What no task could write is told here, not in their logs.
        Some(path) => Some(Kept::open(path, &o.spec, &o.plan, &o.layout)?),
        None => None,
    };
    if let Some((kept, path)) = kept.as_ref().zip(table.as_deref()) {
        sweep_board::told_of_table(kept, path, &o.plan, terminal);
    }
    let in_table = kept.map_or(0, |kept| o.plan.runs.iter().filter(|p| kept.has(&p.run)).count());
    asks.array_size = args.array_size.unwrap_or(asks.array_size).min((o.plan.most() - in_table).max(1) as u64);
    asks.at_once = args.at_once.or(asks.at_once);
    asks.cpus = args.cpus.unwrap_or(asks.cpus);
    asks.time = text(&args.time, asks.time);
    asks.partition = text(&args.partition, asks.partition);
    asks.account = text(&args.account, asks.account);
    asks.memory = text(&args.memory, asks.memory);
    slurm::must_be_lines(&asks)?;
    let (file, out) = (whole(&args.which.file)?, whole(&args.which.out)?);
    let program = std::env::current_exe().map_err(|source| apical_lab::Error::machine("this program", source))?;
    let (folder, data) = (whole(o.layout.path())?.join("slurm"), std::env::var("APICAL_DATA").ok());
    // A backslash in the name of a log tells SLURM to put no numbers into it.
    if folder.to_string_lossy().contains(['\n', '\r', '\\']) {
        let found = "a path with a line break or a backslash";
        return Err(Failure::input(folder.display().to_string(), found, "rename the folder: sbatch cannot read it"));
    }
    let task = slurm::Task {
        name: &o.spec.name,
        program: &program,
        file: &file,
        out: &out,
        logs: &folder,
        table: table.as_deref(),
        threads: args.threads,
        together: matches!(o.spec.stopping, Some(Stopping::Halving(_))) || o.spec.method == Method::Bayes,
        data: data.as_deref(),
    };
    let script = slurm::script(&asks, &task);
    if args.dry_run {
        terminal.print(&script)?;
        return Ok(0);
    }
    std::fs::create_dir_all(&folder).map_err(|e| apical_lab::Error::machine(folder.display().to_string(), e))?;
    let path = folder.join("submit.sh");
    write_atomic(&path, script.as_bytes(), "comparison")?;
    let job = slurm::submit(&path)?;
    terminal.say(&format!("submitted {} tasks as job {job}; their logs go to {}", asks.array_size, folder.display()));
    terminal.result(
        || json!({"job": job, "tasks": asks.array_size, "script": path.display().to_string()}),
        || format!("{job}\n"),
    )?;
    Ok(0)
}
