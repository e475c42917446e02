//! `apical relate`: how learners relate: angles between what they would do at the same weights, and their limits.

use crate::args::Threads;
use crate::failure::{Failure, Outcome};
use crate::progress::Reporter;
use crate::table::{columns, shell_word};
use crate::terminal::Terminal;
use crate::{figures, load, provenance, signals};
use apical::learners::NAMES;
use apical_lab::check::{self, canonical, resolved_toml};
use apical_lab::compare::{self, Comparison};
use apical_lab::config::{Override, Source};
use apical_lab::folder::lock::Lock;
use apical_lab::folder::{RunFolder, RunInfo, State, folder_name, runinfo};
use apical_lab::relate::{self, Matrix, Moment, Plan, Relation};
use apical_lab::run::answer::{Which, checkpoint_file};
use apical_lab::run::{Ended, Options, Stop, check_files, run as train};
use apical_lab::{Error, Experiment};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const AFTER_HELP: &str = "\
The learners are those of a comparison (a config with [compare]); of another config its own and, unless --learners says
otherwise, all others at their defaults. All are asked at the same forward and feedback weights and with the same training
samples; none of them learns. The weights are those of the start, and those that one learner comes to in an ordinary run,
which is made if it is missing.

The last line of stdout is the path of the folder: relate.csv, limits.csv, relate.md, figures/.

Examples:
  apical relate digits
  apical relate compare-digits --learners microcircuit,bp,fa --trained-by bp
  apical relate mine.toml --weights weights.safetensors --limit-samples 0";

/// Arguments of `relate`.
#[derive(clap::Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// A preset (`apical list experiments`) or a TOML file
    #[arg(value_name = "PRESET|FILE")]
    experiment: PathBuf,
    /// Only these learners
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    learners: Option<Vec<String>>,
    /// Training samples over which updates are summed, in batches of the experiment's size
    #[arg(long, value_name = "N", default_value_t = 200, allow_negative_numbers = true)]
    samples: usize,
    /// Training samples of the limit curves; 0: no curves
    #[arg(long, value_name = "N", default_value_t = 20, allow_negative_numbers = true)]
    limit_samples: usize,
    /// Batches on which dtp learns the inverses of the weights
    #[arg(long, value_name = "N", default_value_t = 2000, allow_negative_numbers = true)]
    inverse_steps: usize,
    /// The learner that trains the weights [default: the first]
    #[arg(long, value_name = "NAME", conflicts_with_all = ["weights", "start_only"])]
    trained_by: Option<String>,
    /// Take these weights in place of trained ones
    #[arg(long, value_name = "SAFETENSORS", conflicts_with = "start_only")]
    weights: Option<PathBuf>,
    /// Ask at the start weights alone
    #[arg(long)]
    start_only: bool,
    /// Change a key of the config, as in network.sizes=[64,30,10]; may be given several times
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Seed of everything random
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    seed: Option<u64>,
    /// Folder in which the folders are made
    #[arg(long, value_name = "DIR", default_value = "runs")]
    out: PathBuf,
    #[command(flatten)]
    threads: Threads,
}

/// Runs the command.
pub fn run(args: &Args, terminal: &Terminal) -> Outcome {
    let stop = signals::stop()?;
    let source = load::source(&args.experiment, terminal)?;
    let comparison = comparison(args, &source)?;
    terminal.warnings(&comparison.warnings);
    let options = relate::Options {
        samples: args.samples,
        limit_samples: args.limit_samples,
        inverse_steps: args.inverse_steps,
        threads: args.threads.count(),
    };
    let plan = Plan::new(&comparison.name, &comparison.entries, args.trained_by.as_deref(), options)?;
    for line in &plan.left_out {
        terminal.warn(line);
    }
    let mut moments = vec![plan.start()];
    if let Some(file) = &args.weights {
        moments.push(plan.moment("given", file, true)?);
    } else if !args.start_only {
        match trained(&plan, args, &stop, terminal)? {
            Trained::At(moment) => moments.push(moment),
            Trained::Not(code) => return Ok(code),
        }
    }
    let folder = relate::folder(&args.out, &plan, &moments)?;
    let mut reporter = Reporter::of(terminal, "passes");
    let relation = match relate::relate(&plan, &moments, &stop, &mut reporter)? {
        relate::Ended::Done(relation) => relation,
        relate::Ended::Stopped(signal) => {
            let name = signals::name(signal);
            terminal.say(&format!("stopped by {name}; nothing was written. The same command begins anew"));
            return Ok(signals::exit_code(signal));
        }
    };
    std::fs::create_dir_all(&folder).map_err(|e| Error::machine(folder.display().to_string(), e))?;
    let lock = Lock::take(&folder)?;
    relate::write(&folder, &plan, &moments, &relation, &[command()])?;
    figures::draw_relation(&folder, &relation)?;
    drop(lock);
    for note in &relation.notes {
        if relation.failed { terminal.warn(note) } else { terminal.say(note) }
    }
    if terminal.json {
        terminal.print_json(&json(&plan, &relation, &folder))?;
    } else if !terminal.quiet {
        terminal.print(&text(&plan, &relation))?;
    }
    terminal.print_path(&folder)?;
    Ok(if relation.failed { 1 } else { 0 })
}

/// The learners that the config and the flags mean.
fn comparison(args: &Args, source: &Source) -> Result<Comparison, Failure> {
    let mut overrides: Vec<Override> = args.seed.map(|seed| Override::seed(seed.to_string())).into_iter().collect();
    overrides.extend(args.set.iter().map(Override::set));
    let machine = load::machine();
    let mut names = args.learners.clone();
    if names.is_none() && !compare::is_comparison(source) {
        let own = check::check(source, &overrides, &machine).map_err(Failure::Config)?.experiment;
        let own = own.learner.name();
        let others = NAMES.iter().map(|(name, _)| *name).filter(|name| *name != own);
        names = Some(std::iter::once(own).chain(others).map(String::from).collect());
    }
    compare::check(source, &overrides, names.as_deref(), Some(1), &machine).map_err(Failure::Config)
}

enum Trained {
    At(Moment),
    Not(i32),
}

/// Makes or takes up the run of the learner that trains, and takes its best weights.
fn trained(plan: &Plan, args: &Args, stop: &Stop, terminal: &Terminal) -> Result<Trained, Failure> {
    let e = plan.base();
    check_files(e)?;
    let threads = args.threads.count();
    let path = args.out.join(folder_name(&e.name, &canonical(e)?)?);
    if finished(e, &path, threads, stop, args, terminal)? {
        let file = checkpoint_file(&path, Which::Best)?;
        return Ok(Trained::At(plan.moment("trained", &file, plan.trains_feedback())?));
    }
    let Some(signal) = stop.signal() else { return Ok(Trained::Not(1)) };
    Ok(Trained::Not(signals::exit_code(signal)))
}

/// Brings a run to its end; false if it does not come there.
fn finished(
    e: &Experiment,
    path: &Path,
    threads: usize,
    stop: &Stop,
    args: &Args,
    terminal: &Terminal,
) -> Result<bool, Failure> {
    let known = path.join(runinfo::FILE).exists();
    let info = if known { RunInfo::default() } else { provenance::run_info(e, threads)? };
    let mut opened = RunFolder::open_or_create(&args.out, &e.name, &canonical(e)?, &resolved_toml(e), info)?;
    if !opened.begin()? {
        if opened.state == State::Failed {
            terminal.error(&format!("{} has failed, so there are no trained weights", path.display()));
        }
        return Ok(opened.state == State::Finished);
    }
    terminal.say(&format!("training {}", path.display()));
    let options = Options { threads, stop: stop.clone(), allow_different_bits: false };
    let mut reporter = Reporter::new(terminal);
    match train(e, &mut opened.folder, &options, &mut reporter)? {
        Ended::Done { .. } | Ended::Paused => Ok(true),
        Ended::Failed { reason } => {
            terminal.error(&format!("{}: {reason}", path.display()));
            Ok(false)
        }
        Ended::Stopped { signal } => {
            let (name, run) = (signals::name(signal), shell_word(&path.to_string_lossy()));
            terminal.say(&format!("stopped by {name}; {run} keeps a checkpoint, and the same command goes on from it"));
            Ok(false)
        }
    }
}

/// This command line, as one would type it.
fn command() -> String {
    let words = std::env::args().skip(1).map(|word| shell_word(&word));
    std::iter::once("apical".to_owned()).chain(words).collect::<Vec<_>>().join(" ")
}

fn text(plan: &Plan, relation: &Relation) -> String {
    let mut text = String::new();
    for matrix in &relation.matrices {
        text += &format!("Angles at {} (degrees; all layers as one vector)\n", matrix.when);
        text += &table(matrix, matrix.layers.len() - 1);
        text += "\n";
    }
    for p in &plan.participants {
        text += &format!("{}: {}\n", p.name, p.says);
    }
    text + "\n"
}

fn table(matrix: &Matrix, layer: usize) -> String {
    let mut rows = vec![std::iter::once(String::new()).chain(matrix.names.iter().cloned()).collect::<Vec<_>>()];
    for (a, name) in matrix.names.iter().enumerate() {
        let cells = (0..matrix.names.len()).map(|b| relate::degrees(matrix.at(layer, a, b)));
        rows.push(std::iter::once(name.clone()).chain(cells).collect());
    }
    columns(&rows)
}

fn json(plan: &Plan, relation: &Relation, folder: &Path) -> Value {
    let matrix = |m: &Matrix| {
        let layers = m.layers.iter().zip(&m.degrees).map(|(layer, list)| {
            let rows: Vec<&[f64]> = list.chunks(m.names.len().max(1)).collect();
            (layer.clone(), json!(rows))
        });
        json!({"when": m.when, "learners": m.names, "degrees": layers.collect::<serde_json::Map<_, _>>()})
    };
    let says = plan.participants.iter().map(|p| (p.name.clone(), json!(p.says))).collect::<serde_json::Map<_, _>>();
    json!({
        "name": plan.name, "samples": plan.samples(), "matrices": relation.matrices.iter().map(matrix).collect::<Value>(),
        "functions": says, "left_out": plan.left_out, "notes": relation.notes, "path": folder.display().to_string(),
    })
}
