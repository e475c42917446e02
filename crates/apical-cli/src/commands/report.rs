//! `apical report`: one page that says what runs came to, as HTML or Markdown.

use super::cite;
use crate::failure::{Failure, Outcome};
use crate::load;
use crate::terminal::Terminal;
use apical_lab::Error;
use apical_lab::folder::{self, CONFIG, METRICS, runinfo, write_atomic};
use apical_report::page::{Extra, Page};
use clap::ValueEnum;
use serde_json::json;
use std::path::{Path, PathBuf};

const AFTER_HELP: &str = "\
A folder of run folders stands for all of them. The page holds all that it shows and loads nothing. A run folder that is damaged
is told of in the page; if none can be read the command fails. A page that is there already is replaced.

Examples:
  apical report runs/digits-0123456789abcdef
  apical report runs -o report.html
  apical report runs/s18-* --format md -o report.md";

/// Arguments of `report`.
#[derive(clap::Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// Run folders, folders of run folders, of a sweep, or of `apical relate`
    #[arg(required = true, value_name = "RUN|FOLDER")]
    runs: Vec<PathBuf>,
    /// File to write [default: report.html or report.md]
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// How it is written [default: what --out ends in, else html]
    #[arg(long, value_enum)]
    format: Option<Format>,
}

/// Forms of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A page for a browser
    Html,
    /// Markdown, without figures
    Md,
}

/// Runs the command.
pub fn run(args: &Args, terminal: &Terminal) -> Outcome {
    let ends_in_md = args.out.as_ref().and_then(|out| out.extension()).is_some_and(|ending| ending == "md");
    let format = args.format.unwrap_or(if ends_in_md { Format::Md } else { Format::Html });
    let name = if format == Format::Md { "report.md" } else { "report.html" };
    let out = args.out.clone().unwrap_or_else(|| name.into());
    if out.is_dir() {
        let found = "this is a folder";
        return Err(Failure::input(out.display().to_string(), found, "allowed: a file, such as report.html"));
    }
    let mut folders: Vec<PathBuf> = Vec::new();
    for named in &args.runs {
        let found = expand(named)?;
        folders.extend(found.into_iter().filter(|new| !folders.contains(new)).collect::<Vec<_>>());
    }
    let with_config: Vec<PathBuf> = folders.iter().filter(|run| run.join(CONFIG).is_file()).cloned().collect();
    let (bibtex, citing) = cite::bibliography(&with_config, terminal);
    let told = |path: &PathBuf| path.display().to_string();
    let mut argv = vec!["apical".to_owned(), "report".to_owned()];
    argv.extend(args.runs.iter().map(told));
    argv.extend(["-o".to_owned(), told(&out)]);
    let page = Page::of(&folders, &Extra { argv, bibtex, citing })?;
    let text = if format == Format::Md { page.markdown() } else { page.html() };
    write_atomic(&out, text.as_bytes(), "figure")?;
    let json = || json!({"report": told(&out), "folders": folders.len(), "bytes": text.len(), "verdict": page.lines()});
    if terminal.json {
        terminal.print_json(&json())?;
    } else {
        page.lines().iter().for_each(|line| terminal.say(line));
        terminal.print_path(&out)?;
    }
    Ok(0)
}

/// A run folder as it is, another folder as the run folders in it. What is neither is left to the report to refuse.
fn expand(named: &Path) -> Result<Vec<PathBuf>, Error> {
    let own = [runinfo::FILE, CONFIG, METRICS, "relate.csv"].iter().any(|file| named.join(file).exists());
    if own || !named.is_dir() {
        return Ok(vec![named.to_owned()]);
    }
    if let Some(runs) = load::runs_of_sweep(named)? {
        return Ok(runs);
    }
    let inside: Vec<PathBuf> = folder::list(named)?.into_iter().map(|listed| listed.path).collect();
    Ok(if inside.is_empty() { vec![named.to_owned()] } else { inside })
}
