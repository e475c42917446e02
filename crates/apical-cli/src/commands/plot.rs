//! `apical plot`: figures of run folders, each a function of what the folders hold.

use crate::failure::{Failure, Outcome};
use crate::figures::DPI_PRINT;
use crate::load;
use crate::table::columns;
use crate::terminal::Terminal;
use apical_lab::Error;
use apical_lab::folder::{FIGURES, runinfo, write_atomic};
use apical_lab::record::Run;
use apical_report::figures::{self, Drawn, Entry, Of, Options, Refusal, Runs};
use clap::ValueEnum;
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};

const AFTER_HELP: &str = "\
Without --figure all figures are drawn for which the runs hold the data. Each comes with its data as CSV. Several runs are
laid over each other, called by what differs in their configs; runs that differ in their seed alone become a line with a
band. `apical list figures` tells what there is.

Examples:
  apical plot runs/digits-0123456789abcdef
  apical plot runs/s18-* --figure learning-curves --width 114 --format pdf
  apical plot sweeps/rates --figure sweep-parallel,sweep-importance
  apical plot RUN --figure neuron-traces --cells 0,3,7 --window 0:200";

/// Arguments of `plot`.
#[derive(clap::Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// Run folders, the folder of a sweep, or of `apical relate`
    #[arg(required = true, value_name = "RUN|SWEEP")]
    runs: Vec<PathBuf>,
    /// Draw this figure; may be given several times
    #[arg(long = "figure", value_name = "NAME", value_delimiter = ',')]
    figures: Vec<String>,
    /// File formats beside the CSV
    #[arg(long = "format", value_name = "FORMAT", value_enum, value_delimiter = ',', default_values = ["svg", "png"])]
    formats: Vec<Format>,
    /// Width in mm: one, one and a half, or two columns of a journal [default: what suits the figure]
    #[arg(long, value_enum, value_name = "MM")]
    width: Option<Width>,
    /// Cells shown, by their number within a layer [default: the first few]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    cells: Vec<usize>,
    /// Time shown of traces, ms of the run, as FROM:TO; either may be left out
    #[arg(long, value_name = "FROM:TO", value_parser = window, allow_hyphen_values = true)]
    window: Option<(f64, f64)>,
    /// Metric of sweeps and learning curves [default: by what the sweep ranks its runs; else validation.error, or validation.loss without classes]
    #[arg(long, value_name = "NAME")]
    metric: Option<String>,
    /// Folder to write to [default: RUN/figures; of several runs `figures` beside the first]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// How a figure is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Scalable, with the font inside
    Svg,
    /// 300 dots per inch
    Png,
    /// Scalable, with the font inside, for LaTeX
    Pdf,
}

impl Format {
    fn ending(self) -> &'static str {
        match self {
            Format::Svg => "svg",
            Format::Png => "png",
            Format::Pdf => "pdf",
        }
    }

    fn write(self, drawn: &Drawn) -> Result<Vec<u8>, apical_report::Error> {
        match self {
            Format::Svg => Ok(drawn.scene.svg().into_bytes()),
            Format::Png => drawn.scene.png(DPI_PRINT),
            Format::Pdf => drawn.scene.pdf(),
        }
    }
}

/// Widths of figures, mm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Width {
    /// One column
    #[value(name = "85")]
    One,
    /// One and a half columns
    #[value(name = "114")]
    OneAndAHalf,
    /// Two columns
    #[value(name = "174")]
    Two,
}

impl Width {
    fn mm(self) -> f64 {
        match self {
            Width::One => apical_report::theme::ONE_COLUMN,
            Width::OneAndAHalf => apical_report::theme::ONE_AND_A_HALF_COLUMNS,
            Width::Two => apical_report::theme::TWO_COLUMNS,
        }
    }
}

fn window(text: &str) -> Result<(f64, f64), String> {
    let wrong = || "give FROM:TO in ms, such as 0:200, 500: or :1000, FROM below TO".to_owned();
    let (from, to) = text.split_once(':').ok_or_else(wrong)?;
    let end = |text: &str, open: f64| if text.is_empty() { Ok(open) } else { text.parse::<f64>().map_err(|_| wrong()) };
    let (from, to) = (end(from, 0.0)?, end(to, f64::INFINITY)?);
    if from.is_finite() && from < to { Ok((from, to)) } else { Err(wrong()) }
}

/// A figure whose files are not yet written.
struct Ready {
    figure: &'static str,
    files: Vec<(PathBuf, Vec<u8>)>,
}

/// A figure that was not drawn: why, and of which runs; none, where it is of all.
struct LeftOut {
    figure: &'static str,
    why: String,
    runs: Vec<String>,
}

/// Names of runs told in one line.
const MOST_NAMES: usize = 3;

impl LeftOut {
    fn row(&self) -> Vec<String> {
        let (told, more) = self.runs.split_at(self.runs.len().min(MOST_NAMES));
        let whose = match (told, more) {
            ([], _) => String::new(),
            (_, []) => format!("{}: ", told.join(", ")),
            _ => format!("{} and {} more: ", told.join(", "), more.len()),
        };
        vec![format!("  {}", self.figure), whose + &self.why]
    }
}

/// Puts a refusal among those of the same reason.
fn leave_out(list: &mut Vec<LeftOut>, figure: &'static str, why: String, run: Option<String>) {
    match list.iter_mut().find(|known| known.figure == figure && known.why == why) {
        Some(known) => known.runs.extend(run),
        None => list.push(LeftOut { figure, why, runs: run.into_iter().collect() }),
    }
}

fn table(left_out: &[LeftOut]) -> String {
    let text = columns(&left_out.iter().map(LeftOut::row).collect::<Vec<_>>());
    text.trim_end().to_owned()
}

/// Runs the command: everything is drawn before anything is written.
pub fn run(args: &Args, terminal: &Terminal) -> Outcome {
    let chosen = chosen(args)?;
    let gathered = load::Gathered::of(&args.runs, |named| Ok(vec![named.to_owned()]))?;
    gathered.tell(terminal);
    // Of hundreds of runs nobody wants each figure of each.
    let chosen = if gathered.sweeps > 0 && args.figures.is_empty() {
        chosen.into_iter().filter(|entry| entry.of == Of::Several).collect()
    } else {
        chosen
    };
    let opened = gathered.folders.iter().map(|path| open(path)).collect::<Result<Vec<Run>, Failure>>()?;
    let out = match (&args.out, &args.runs[..]) {
        (Some(out), _) => out.clone(),
        (None, [run]) => run.join(FIGURES),
        (None, runs) => runs[0].parent().unwrap_or(Path::new("")).join(FIGURES),
    };
    let options = Options {
        width_mm: args.width.map(Width::mm),
        cells: Some(args.cells.clone()).filter(|cells| !cells.is_empty()),
        window: args.window,
        metric: args.metric.clone(),
        ranking: load::ranking(&args.runs)?,
    };
    for run in &opened {
        if let Some(note) = &run.metrics()?.note {
            terminal.warn(note);
        }
    }
    let (relations, ordinary): (Vec<Run>, Vec<Run>) = opened.into_iter().partition(Run::is_relation);
    let (relations, ordinary) = (Runs::new(relations), Runs::of_sweeps(ordinary, &gathered.members));
    let asked = !args.figures.is_empty();
    let (mut ready, mut left_out) = (Vec::new(), Vec::new());
    for entry in &chosen {
        // A figure is of the folders that it can be of, unless it was asked for and there are no such.
        let own = if entry.name == figures::OF_RELATIONS { &relations } else { &ordinary };
        let runs = match (own.runs.is_empty(), asked) {
            (false, _) => own,
            (true, true) if relations.runs.is_empty() => &ordinary,
            (true, true) => &relations,
            (true, false) => continue,
        };
        for (stem, part) in parts(entry, runs, asked)? {
            let drawn = (entry.draw)(part.as_ref().unwrap_or(runs), &options);
            match drawn.and_then(|drawn| files(entry, &out.join(stem), &drawn, &args.formats)) {
                Ok(files) => ready.push(files),
                Err(Refusal::Failed(error)) => return Err(error.into()),
                Err(Refusal::Missing { what, remedy }) if asked => {
                    return Err(Failure::input(format!("figure {}", entry.name), what, remedy));
                }
                Err(missing) => {
                    let run = part.and_then(|part| part.runs.first().map(|run| run.name.clone()));
                    leave_out(&mut left_out, entry.name, missing.to_string(), run);
                }
            }
        }
        // What all lack needs no names.
        for left in left_out.iter_mut().filter(|l| l.figure == entry.name && l.runs.len() == runs.runs.len()) {
            left.runs.clear();
        }
    }
    if ready.is_empty() {
        let found = format!("there is nothing to draw:\n{}", table(&left_out));
        return Err(Failure::input(args.runs[0].display().to_string(), found, ""));
    }
    must_be_free(&out, &ready)?;
    fs::create_dir_all(&out).map_err(|e| Error::machine(out.display().to_string(), e))?;
    for (path, bytes) in ready.iter().flat_map(|ready| &ready.files) {
        write_atomic(path, bytes, "figure")?;
    }
    let json = || {
        let paths = |r: &Ready| r.files.iter().map(|(path, _)| json!(path.display().to_string())).collect::<Vec<_>>();
        let drawn: Vec<_> = ready.iter().map(|r| json!({"figure": r.figure, "files": paths(r)})).collect();
        let left: Vec<_> =
            left_out.iter().map(|l| json!({"figure": l.figure, "reason": l.why, "runs": l.runs})).collect();
        json!({"figures": drawn, "left_out": left, "out": out.display().to_string()})
    };
    terminal.result(json, || columns(&ready.iter().map(row).collect::<Vec<_>>()))?;
    if !left_out.is_empty() && !terminal.json {
        terminal.say(&format!("left out:\n{}", table(&left_out)));
    }
    Ok(0)
}

/// Opens a folder; one that holds run folders is not drawn, but told how to be.
fn open(path: &Path) -> Result<Run, Failure> {
    Run::open(path).map_err(|mut error| {
        let mut inside = fs::read_dir(path).into_iter().flatten().flatten();
        if inside.any(|entry| entry.path().join(runinfo::FILE).is_file()) {
            error.allowed = format!("the run folders in it: {}", path.join("*").display());
        }
        error.into()
    })
}

/// Refuses a place where the files could not be written, or only some of them.
fn must_be_free(out: &Path, ready: &[Ready]) -> Result<(), Failure> {
    if let Some(wrong) = out.ancestors().find(|path| path.exists()).filter(|path| !path.is_dir()) {
        let allowed = "a folder for the figures; it is made if it is missing";
        return Err(Failure::input(wrong.display().to_string(), "this is no folder", allowed));
    }
    let mut paths = ready.iter().flat_map(|ready| &ready.files).map(|(path, _)| path);
    match paths.find(|path| path.exists() && !path.is_file()) {
        Some(path) => {
            let allowed = "nothing there, or a file, which is replaced; --out chooses another folder";
            Err(Failure::input(path.display().to_string(), "this is no ordinary file", allowed))
        }
        None => Ok(()),
    }
}

/// A figure's name, its first file, and the endings of the others.
fn row(ready: &Ready) -> Vec<String> {
    let ending = |path: &PathBuf| path.extension().map_or(String::new(), |e| format!(".{}", e.to_string_lossy()));
    let first = ready.files.first().map_or(String::new(), |(path, _)| path.display().to_string());
    let others: Vec<String> = ready.files.iter().skip(1).map(|(path, _)| ending(path)).collect();
    vec![ready.figure.to_owned(), format!("{first} {}", others.join(" "))]
}

/// The figures that were asked for, or all.
fn chosen(args: &Args) -> Result<Vec<&'static Entry>, Failure> {
    if args.figures.is_empty() {
        return Ok(figures::FIGURES.iter().collect());
    }
    let find = |name: &String| {
        let names: Vec<&str> = figures::FIGURES.iter().map(|entry| entry.name).collect();
        figures::find(name).ok_or_else(|| {
            Failure::input("--figure", format!("there is no figure {name:?}"), format!("allowed: {}", names.join(", ")))
        })
    };
    let mut list: Vec<&Entry> = Vec::new();
    for name in &args.figures {
        let entry = find(name)?;
        if !list.iter().any(|known| known.name == entry.name) {
            list.push(entry);
        }
    }
    Ok(list)
}

/// What one call of a figure is of, with the stem of its files: all runs together (`None`), or one after the other. What is not
/// made for these runs is passed over unless it was asked for.
fn parts(entry: &'static Entry, runs: &Runs, asked: bool) -> Result<Vec<(String, Option<Runs>)>, Failure> {
    if !asked && entry.of == Of::Several && runs.groups.labels.len() < 2 {
        return Ok(Vec::new());
    }
    if entry.of != Of::One || runs.runs.len() == 1 {
        return Ok(vec![(entry.name.to_owned(), None)]);
    }
    let mut list: Vec<(String, Option<Runs>)> = Vec::new();
    for run in &runs.runs {
        let again = Run::open(&run.path)?;
        let mut stem = format!("{}-{}", entry.name, plain(&run.name));
        while list.iter().any(|(taken, _)| *taken == stem) {
            stem.push('_');
        }
        list.push((stem, Some(Runs::new(vec![again]))));
    }
    Ok(list)
}

/// A part of a file name that every system takes.
fn plain(name: &str) -> String {
    let keep = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' };
    name.chars().take(120).map(keep).collect()
}

fn files(entry: &Entry, stem: &Path, drawn: &Drawn, formats: &[Format]) -> Result<Ready, Refusal> {
    let path = |ending: &str| PathBuf::from(format!("{}.{ending}", stem.display()));
    let mut files = Vec::new();
    for format in formats {
        let path = path(format.ending());
        let bytes = format.write(drawn).map_err(|error| match error {
            apical_report::Error::Resolution { dpi, allowed: (_, most) } => Refusal::Missing {
                what: format!("it is too large for a PNG of {dpi} dots per inch, of which there may be {most:.0}"),
                remedy: "--format svg,pdf draws it".into(),
            },
            other => Refusal::Failed(Error::machine(path.display().to_string(), other)),
        })?;
        if !files.iter().any(|(other, _)| *other == path) {
            files.push((path, bytes));
        }
    }
    files.push((path("csv"), drawn.csv.clone().into_bytes()));
    Ok(Ready { figure: entry.name, files })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_may_be_open_and_must_ascend() {
        assert_eq!(window("0:200"), Ok((0.0, 200.0)));
        assert_eq!(window("5.5:"), Ok((5.5, f64::INFINITY)));
        assert_eq!(window(":10"), Ok((0.0, 10.0)));
        for wrong in ["", "3", "a:b", "3:1", "1:1", "nan:2", "1:nan", "inf:", "1:2:3"] {
            assert!(window(wrong).is_err(), "{wrong}");
        }
    }
}
