//! `apical compare`: several learners and seeds on one experiment, ranked on validation.

use crate::comparison::{page, pictures, work};
use crate::failure::{Failure, Outcome};
use crate::table::{columns, shell_word};
use crate::terminal::Terminal;
use crate::{load, signals};
use apical_lab::Error;
use apical_lab::compare::{self, Comparison, results::Results};
use apical_lab::config::Override;
use apical_lab::folder::{FIGURES, write_atomic};
use apical_lab::run::Options;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Dots per inch of the PNG files.
const DPI: f64 = 200.0;

const AFTER_HELP: &str = "\
Every learner and seed is an ordinary run in --out. The same command again makes what is missing, goes on with what was
stopped, and shows the results; the last line of stdout is the folder that holds them (compare.md, CSV files, figures).

Examples:
  apical compare digits --learners microcircuit,bp,fa --seeds 3
  apical compare mine.toml                    a file with a [compare]; see `apical explain compare`
  apical compare mine.toml --set learner.bp.optimiser.rate=0.3";

/// Arguments of `compare`.
#[derive(clap::Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// A preset (`apical list experiments`) or a TOML file, with or without a [compare]
    #[arg(value_name = "PRESET|FILE")]
    experiment: PathBuf,
    /// Which learners, in this order: names of the file's [learner.NAME], or kinds [default: those of [compare]]
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    learners: Option<Vec<String>>,
    /// Runs of each learner [default: that of [compare], or 5]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    seeds: Option<u64>,
    /// Change a key of the config, as in train.epochs=5 or learner.bp.optimiser.rate=0.1; may be given several times
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// First of the seeds
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    seed: Option<u64>,
    /// Folder in which all folders are made
    #[arg(long, value_name = "DIR", default_value = "runs")]
    out: PathBuf,
    /// Runs side by side; cores that are left over are shared out among them; the results do not depend on it [default: all
    /// cores]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    /// Start all runs anew; older ones are moved aside
    #[arg(long)]
    again: bool,
    /// Go on even if this machine computes other bits than the one that began
    #[arg(long)]
    allow_different_bits: bool,
}

/// Runs the command.
pub fn run(args: &Args, terminal: &Terminal) -> Outcome {
    // Before anything that takes time, so that a signal finds its handler.
    let stop = signals::stop()?;
    let source = load::source(&args.experiment, terminal)?;
    let mut overrides: Vec<Override> = args.seed.iter().map(|seed| Override::seed(seed.to_string())).collect();
    overrides.extend(args.set.iter().map(Override::set));
    let c = compare::check(&source, &overrides, args.learners.as_deref(), args.seeds, &load::machine());
    let c = c.map_err(Failure::Config)?;
    terminal.warnings(&c.warnings);
    let cores = std::thread::available_parallelism().map_or(1, |n| n.get());
    let wanted = args.jobs.map_or(cores, usize::from);
    let side = wanted.min(c.entries.len() * c.seeds.len()).max(1);
    // With fewer runs than cores each gets several.
    let threads = (cores / side).max(1);
    let jobs = work::jobs(&c, &args.out, args.again, threads)?;
    let names = c.entries.iter().flat_map(|e| c.seeds.iter().map(|_| e.name.as_str()));
    let runs: Vec<(&str, &str)> = names.zip(jobs.iter().map(|job| job.canonical.as_str())).collect();
    let folder = args.out.join(compare::folder_name(&c.name, &runs));
    let options = Options { threads, stop, allow_different_bits: args.allow_different_bits };
    if let Some(signal) = work::make(&jobs, &args.out, args.again, side, &options, terminal)? {
        let name = signals::name(signal);
        terminal.say(&format!("stopped by {name}; checkpoints are kept. To go on:\n  {}", command(args)));
        return Ok(signals::exit_code(signal));
    }
    let folders: Vec<Vec<PathBuf>> =
        jobs.chunks(c.seeds.len()).map(|runs| runs.iter().map(|job| job.path.clone()).collect()).collect();
    let results = Results::read(&c, &folders)?;
    write(&c, &results, &folder, &command(args))?;
    let mut code = 0;
    for (job, run) in jobs.iter().zip(&results.runs) {
        let Some(ending) = run.ending.as_ref().filter(|ending| ending.exit_code != 0) else { continue };
        let verdict = if ending.done { "" } else { "FAILED: " };
        terminal.error(&format!("{}: {verdict}{} ({})", job.name, ending.reason, job.path.display()));
        code = code.max(ending.exit_code);
    }
    if terminal.json {
        terminal.print_json(&as_json(&c, &results, &folder))?;
    } else if !terminal.quiet {
        terminal.print(&columns(&page::table(&c, &results)))?;
    }
    terminal.print_path(&folder)?;
    Ok(code)
}

/// The results as files.
fn write(c: &Comparison, results: &Results, folder: &Path, command: &str) -> Result<(), Failure> {
    let figures = folder.join(FIGURES);
    std::fs::create_dir_all(&figures).map_err(|e| Error::machine(figures.display().to_string(), e))?;
    let mut captions = Vec::new();
    let pictures = pictures::all(c, results);
    for picture in &pictures {
        let path = |end: &str| figures.join(format!("{}.{end}", picture.stem));
        let png = picture.figure.png(DPI).map_err(|e| Error::machine(path("png").display().to_string(), e))?;
        write_atomic(&path("png"), &png, "figure")?;
        write_atomic(&path("svg"), picture.figure.svg().as_bytes(), "figure")?;
        captions.push((picture.stem, picture.caption.clone()));
    }
    let named: Vec<(String, String)> =
        captions.iter().map(|(stem, text)| (format!("{stem}.svg"), text.clone())).collect();
    let named: Vec<(&str, String)> = named.iter().map(|(file, text)| (file.as_str(), text.clone())).collect();
    for (name, text) in [
        ("compare.csv", results.runs_csv(c)),
        ("summary.csv", results.summary_csv(c)),
        ("curves.csv", results.curves_csv(c)),
        ("compare.md", page::markdown(c, results, command, &named)),
    ] {
        write_atomic(&folder.join(name), text.as_bytes(), "comparison")?;
    }
    Ok(())
}

/// The command that makes the same results.
fn command(args: &Args) -> String {
    let mut words = vec!["apical".to_owned(), "compare".to_owned(), shell_word(&args.experiment.to_string_lossy())];
    let mut flag = |name: &str, value: &str| words.extend([name.to_owned(), shell_word(value)]);
    if let Some(learners) = &args.learners {
        flag("--learners", &learners.join(","));
    }
    if let Some(seeds) = args.seeds {
        flag("--seeds", &seeds.to_string());
    }
    if let Some(seed) = args.seed {
        flag("--seed", &seed.to_string());
    }
    for set in &args.set {
        flag("--set", set);
    }
    if args.out != Path::new("runs") {
        flag("--out", &args.out.to_string_lossy());
    }
    words.join(" ")
}

fn as_json(c: &Comparison, r: &Results, folder: &Path) -> Value {
    let mean = |m: Option<apical_lab::compare::results::Mean>| m.map(|m| json!({"mean": m.mean, "sd": m.sd}));
    let rows = r.rows.iter().map(|row| {
        let angles: serde_json::Map<String, Value> =
            row.angles.iter().map(|(name, m)| (name.clone(), json!(mean(*m)))).collect();
        json!({
            "learner": c.entries[row.entry].name, "finished": row.runs.0, "failed": row.runs.1,
            "best_validation": mean(row.best), "test": mean(row.test), "last_epochs": mean(row.last),
            "seconds": mean(row.seconds), "seconds_per_epoch": mean(row.per_epoch), "angles": angles,
        })
    });
    json!({
        "name": c.name, "measure": r.measure, "seeds": c.seeds, "learners": rows.collect::<Vec<_>>(),
        "path": folder.display().to_string(),
    })
}
