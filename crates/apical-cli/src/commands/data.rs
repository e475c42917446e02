//! `apical data`: brings data sets to this machine, or checks those that are here.

use crate::failure::{Failure, Outcome};
use crate::table::columns;
use crate::terminal::Terminal;
use apical_lab::data::{self, DATA_VARIABLE, MIRRORS_VARIABLE, Progress, Report, State};
use clap::Subcommand;
use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const AFTER_HELP: &str = "\
Example:
  apical data fetch";

const AFTER_FETCH: &str = "\
Example:
  apical data fetch --mirror https://example.org/mnist --dir /scratch/data";

const AFTER_CHECK: &str = "\
Example:
  apical data check";

/// Arguments of `data`.
#[derive(clap::Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Download MNIST, what is not there yet; a transfer that was cut off goes on
    #[command(after_help = AFTER_FETCH)]
    Fetch {
        /// Where to ask, instead of the public mirrors or those in $APICAL_MIRRORS; may be given several times
        #[arg(long, value_name = "URL")]
        mirror: Vec<String>,
        /// Data folder [default: $APICAL_DATA, else the user's]
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
    /// Compare the files of MNIST with their checksums
    #[command(after_help = AFTER_CHECK)]
    Check {
        /// Data folder [default: $APICAL_DATA, else the user's]
        dir: Option<PathBuf>,
    },
}

/// Runs the command.
pub fn run(args: &Args, terminal: &Terminal) -> Outcome {
    match &args.what {
        What::Fetch { mirror, dir } => fetch(mirror, &folder(dir.as_ref())?, terminal),
        What::Check { dir } => check(dir.as_ref(), terminal),
    }
}

fn folder(given: Option<&PathBuf>) -> Result<PathBuf, Failure> {
    given.cloned().or_else(|| data::data_dirs().into_iter().next()).ok_or_else(|| {
        Failure::input("data folder", "this user has no home folder", format!("name one, or set {DATA_VARIABLE}"))
    })
}

fn fetch(mirrors: &[String], dir: &Path, terminal: &Terminal) -> Outcome {
    let mirrors = data::mirrors(mirrors);
    if let Some(bad) = mirrors.iter().find(|m| !m.starts_with("https://") && !m.starts_with("http://")) {
        let allowed = format!("allowed: http:// or https:// addresses, by --mirror or {MIRRORS_VARIABLE}");
        return Err(Failure::input(bad.clone(), "this is no mirror", allowed));
    }
    let mut shown = Transfer::new(terminal);
    let result = data::fetch(dir, &mirrors, &mut |progress| shown.show(&progress));
    shown.end();
    let folder = result?;
    if terminal.json {
        terminal.print_json(&json!({"path": folder.display().to_string()}))?;
    } else {
        terminal.print_path(&folder)?;
    }
    Ok(0)
}

/// Shows transfers: a bar on a terminal, else a line per file.
struct Transfer<'a> {
    terminal: &'a Terminal,
    file: String,
    bar: Option<ProgressBar>,
}

impl<'a> Transfer<'a> {
    fn new(terminal: &'a Terminal) -> Self {
        Transfer { terminal, file: String::new(), bar: None }
    }

    fn show(&mut self, progress: &Progress<'_>) {
        match progress {
            Progress::Present { name } => {
                self.end();
                self.terminal.say(&format!("{name} is here and whole"));
            }
            Progress::Failed { name, mirror, reason } => {
                self.end();
                self.terminal.warn(&format!("{name} from {mirror}: {reason}"));
            }
            Progress::Bytes { name, mirror, done, total } => {
                if self.file != *name {
                    self.end();
                    self.file = (*name).to_owned();
                    let size = total.map_or(String::new(), |total| format!(", {}", HumanBytes(total)));
                    self.terminal.say(&format!("{name} from {mirror}{size}"));
                    if self.terminal.interactive && !self.terminal.quiet {
                        let bar = ProgressBar::with_draw_target(*total, ProgressDrawTarget::stderr());
                        let style = ProgressStyle::with_template("{wide_bar} {bytes}/{total_bytes}  {eta} left");
                        self.bar = Some(match style {
                            Ok(style) => bar.with_style(style),
                            Err(_) => bar,
                        });
                    }
                }
                if let Some(bar) = &self.bar {
                    bar.set_position(*done);
                }
            }
        }
    }

    fn end(&mut self) {
        self.file.clear();
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

fn check(dir: Option<&PathBuf>, terminal: &Terminal) -> Outcome {
    let dir = match dir {
        Some(dir) => dir.clone(),
        // Where a run would find it; if nowhere, where it would be fetched to.
        None => match data::find_mnist().as_deref().and_then(Path::parent) {
            Some(dir) => dir.to_path_buf(),
            None => folder(None)?,
        },
    };
    let reports = data::check(&dir);
    let rows = || {
        let row = |report: &Report| vec![report.path.display().to_string(), state(&report.state)];
        columns(&reports.iter().map(row).collect::<Vec<_>>())
    };
    let json = |report: &Report| {
        json!({
            "file": report.path.display().to_string(), "good": report.state == State::Good,
            "state": state(&report.state), "sha256": report.file.sha256,
        })
    };
    terminal.result(|| reports.iter().map(json).collect::<Value>(), rows)?;
    let bad: Vec<&Report> = reports.iter().filter(|report| report.state != State::Good).collect();
    if bad.is_empty() {
        return Ok(0);
    }
    let names: Vec<&str> = bad.iter().map(|report| report.file.name).collect();
    let found = format!("missing or damaged: {}", names.join(", "));
    Err(Failure::input(dir.join("mnist").display().to_string(), found, "`apical data fetch` gets them"))
}

fn state(state: &State) -> String {
    match state {
        State::Good => "good".into(),
        State::Missing => "missing".into(),
        State::Different(found) => format!("another content, SHA-256 {found}"),
        State::Unreadable(why) => format!("not readable: {why}"),
    }
}
