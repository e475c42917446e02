//! `apical cite`: what to cite for the software, and for what a run, a preset or a config uses.

use crate::failure::{Failure, Outcome};
use crate::load;
use crate::terminal::Terminal;
use apical_lab::cite::{self, MODEL, Origin, Reference, SOFTWARE, Use, bibtex, reference, text};
use apical_lab::config::Source;
use apical_lab::folder::CONFIG;
use apical_lab::record::read;
use clap::ValueEnum;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const AFTER_HELP: &str = "\
Without a run or a preset: apical and the model that it computes.

Examples:
  apical cite
  apical cite s18-mnist >> references.bib
  apical cite runs/digits-0123456789abcdef --format text";

/// Arguments of `cite`.
#[derive(clap::Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// Run folders, presets or TOML files
    #[arg(value_name = "RUN|PRESET|FILE")]
    used: Vec<PathBuf>,
    /// How to print it
    #[arg(long, value_enum, default_value = "bibtex")]
    format: Format,
}

/// Forms of a bibliography.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// BibTeX
    Bibtex,
    /// A line each
    Text,
}

/// A publication and why it is cited.
struct Cited {
    reference: &'static Reference,
    why: Vec<String>,
}

/// Runs the command.
pub fn run(args: &Args, terminal: &Terminal) -> Outcome {
    let mut uses: Vec<Use> = Vec::new();
    for named in &args.used {
        let source = source(named, terminal)?;
        for one in cite::used(&source).map_err(Failure::Config)? {
            if !uses.contains(&one) {
                uses.push(one);
            }
        }
    }
    let cited = collect(&uses, args.used.is_empty());
    remarks(&uses).iter().for_each(|line| terminal.say(line));
    terminal.result(
        || cited.iter().map(Cited::json).collect(),
        || {
            let entries: Vec<String> = cited.iter().map(|cited| cited.print(args.format)).collect();
            entries.join("\n")
        },
    )?;
    Ok(0)
}

/// BibTeX of apical and of what run folders use, and what is to be known about it. Folders without a sound config are told of.
pub fn bibliography(runs: &[PathBuf], terminal: &Terminal) -> (String, Vec<String>) {
    let (mut uses, mut notes): (Vec<Use>, Vec<String>) = (Vec::new(), Vec::new());
    for run in runs {
        match source(run, terminal).and_then(|source| cite::used(&source).map_err(Failure::Config)) {
            Ok(list) => list.into_iter().for_each(|one| {
                if !uses.contains(&one) {
                    uses.push(one);
                }
            }),
            Err(_) => notes.push(format!("{}: what its config uses cannot be told", run.display())),
        }
    }
    notes.extend(remarks(&uses));
    let entries: Vec<String> = collect(&uses, false).iter().map(|cited| cited.print(Format::Bibtex)).collect();
    (entries.join("\n"), notes)
}

/// Each publication once, with all reasons to cite it.
fn collect(uses: &[Use], with_model: bool) -> Vec<Cited> {
    let mut cited = vec![Cited { reference: &SOFTWARE, why: vec!["the software".into()] }];
    if with_model {
        let model = MODEL.iter().filter_map(|key| reference(key));
        cited.extend(model.map(|reference| Cited { reference, why: vec!["the model".into()] }));
    }
    for one in uses {
        for reference in one.origin.papers().iter().filter_map(|key| reference(key)) {
            match cited.iter_mut().find(|cited| cited.reference.key == reference.key) {
                Some(cited) => cited.why.push(one.why.clone()),
                None => cited.push(Cited { reference, why: vec![one.why.clone()] }),
            }
        }
    }
    cited
}

/// What is not to be cited by a publication alone.
fn remarks(uses: &[Use]) -> Vec<String> {
    let remark = |one: &Use| match one.origin {
        Origin::Users => Some(format!("{}: your own data; cite where they come from", one.why)),
        Origin::Ours(_) => Some(format!("{}: apical's own way to compute it; cite apical for it", one.why)),
        Origin::Papers(_) => None,
    };
    uses.iter().filter_map(remark).collect()
}

/// The config of a run folder, or what a preset or a file says.
fn source(named: &Path, terminal: &Terminal) -> Result<Source, Failure> {
    if named.is_dir() {
        if !named.join(CONFIG).is_file() {
            let found = format!("no {CONFIG} in it");
            let allowed = "allowed: the folder of a run, a preset or a TOML file; of several runs their folders, as in `apical cite runs/*`, \
                of `apical relate` what it was given";
            return Err(Failure::input(named.display().to_string(), found, allowed));
        }
        let text = read::resolved_config(named)?;
        return Ok(Source::new(named.join(CONFIG).display().to_string(), text, named));
    }
    load::source(named, terminal)
}

impl Cited {
    fn print(&self, format: Format) -> String {
        match format {
            Format::Bibtex => format!("% {}\n{}", self.why.join(", "), bibtex(self.reference)),
            Format::Text => format!("{}\n  ({})\n", text(self.reference), self.why.join(", ")),
        }
    }

    fn json(&self) -> Value {
        let r = self.reference;
        json!({"key": r.key, "why": self.why, "text": text(r), "bibtex": bibtex(r), "doi": r.doi, "arxiv": r.arxiv})
    }
}
