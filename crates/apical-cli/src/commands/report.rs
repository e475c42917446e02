//! `apical report`: one page that says what runs came to, as HTML or Markdown.

use super::cite;
use crate::failure::{Failure, Outcome};
use crate::load;
use crate::terminal::Terminal;
use apical_lab::Error;
use apical_lab::folder::{self, CONFIG, METRICS, runinfo, write_out};
use apical_report::page::{Extra, Page, is_report};
use clap::ValueEnum;
use serde_json::json;
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

const AFTER_HELP: &str = "\
A folder of run folders stands for all of them. The page holds all that it shows and loads nothing. A run folder that is damaged
is told of in the page; if none can be read the command fails. A report that is there already is replaced, another file is not.

Examples:
  apical report runs/digits-0123456789abcdef
  apical report runs -o report.html
  apical report runs/s18-* --format md -o report.md";

/// Bytes of a file that tell whether it is a report.
const HEAD: u64 = 1024;

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
    let name = if args.format == Some(Format::Md) { "report.md" } else { "report.html" };
    let out = args.out.clone().unwrap_or_else(|| name.into());
    // A device or a pipe takes any format, and loses nothing.
    let is_stream = fs::metadata(&out).is_ok_and(|there| !there.is_file() && !there.is_dir());
    let format = if is_stream { args.format.unwrap_or(Format::Html) } else { may_be_written(&out, args.format)? };
    let gathered = load::Gathered::of(&args.runs, expand)?;
    gathered.tell(terminal);
    let load::Gathered { folders, members, left_out, .. } = gathered;
    let with_config: Vec<PathBuf> = folders.iter().filter(|run| run.join(CONFIG).is_file()).cloned().collect();
    let (bibtex, citing) = cite::bibliography(&with_config, terminal);
    let told = |path: &PathBuf| path.display().to_string();
    let mut argv = vec!["apical".to_owned(), "report".to_owned()];
    argv.extend(args.runs.iter().map(told));
    argv.extend(["-o".to_owned(), told(&out)]);
    let ranking = load::ranking(&args.runs)?;
    let page = Page::of(&folders, &Extra { argv, bibtex, citing, ranking, members, left_out })?;
    let text = if format == Format::Md { page.markdown() } else { page.html() };
    write_out(&out, text.as_bytes(), "figure")?;
    let json = || json!({"report": told(&out), "folders": folders.len(), "bytes": text.len(), "verdict": page.lines()});
    if terminal.json {
        terminal.print_json(&json())?;
    } else {
        page.lines().iter().for_each(|line| terminal.say(line));
        if !is_stream {
            terminal.print_path(&out)?;
        }
    }
    Ok(0)
}

/// The format of a file that may be written: nothing of a run and nothing that is no report is lost.
fn may_be_written(out: &Path, asked: Option<Format>) -> Result<Format, Failure> {
    let refused = |found: &str, allowed: &str| Err(Failure::input(out.display().to_string(), found, allowed));
    let ending = out.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    let by_name = match ending.as_deref() {
        Some("html" | "htm") => Some(Format::Html),
        Some("md" | "markdown") => Some(Format::Md),
        _ => None,
    };
    let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if out.is_dir() {
        return refused("this is a folder", "allowed: a file, such as report.html");
    }
    if ending.is_some() && by_name.is_none() {
        return refused("a report is HTML or Markdown", "allowed: a name that ends in .html, .htm, .md or .markdown");
    }
    if asked.is_some_and(|asked| by_name.is_some_and(|named| named != asked)) {
        return refused("--format asks for another format than this name", "allowed: one of them, or both alike");
    }
    if !folder.is_dir() {
        return refused("there is no such folder", "allowed: a file in a folder that is there");
    }
    let place = out.canonicalize().or_else(|_| folder.canonicalize()).unwrap_or_default();
    if let Some(run) = place.ancestors().find(|above| above.join(runinfo::FILE).is_file()) {
        let found = format!("this is in {}, the folder of a run, which holds what the run wrote", run.display());
        return refused(&found, "allowed: a file elsewhere, with --out");
    }
    let mut head = Vec::new();
    let opened = File::open(out).and_then(|file| file.take(HEAD).read_to_end(&mut head));
    let may_go = match opened {
        Ok(_) => head.is_empty() || is_report(&head),
        Err(source) => source.kind() == ErrorKind::NotFound,
    };
    if !may_go {
        return refused("there is a file that is no report", "allowed: another name, or a report to replace");
    }
    Ok(asked.or(by_name).unwrap_or(Format::Html))
}

/// A run folder as it is, another folder as the run folders in it. What is neither is left to the report to refuse.
fn expand(named: &Path) -> Result<Vec<PathBuf>, Error> {
    let own = [runinfo::FILE, CONFIG, METRICS, "relate.csv"].iter().any(|file| named.join(file).exists());
    if own || !named.is_dir() {
        return Ok(vec![named.to_owned()]);
    }
    let inside: Vec<PathBuf> = folder::list(named)?.into_iter().map(|listed| listed.path).collect();
    Ok(if inside.is_empty() { vec![named.to_owned()] } else { inside })
}
