//! A report of run folders as one page: a [`Page`] is built from folders and written as HTML, with nothing outside the file, or as
//! Markdown. The same folders give the same bytes.

mod charts;
mod converged;
mod cost;
mod escape;
mod html;
mod markdown;
mod model;
mod opened;
mod pictures;
mod published;
mod rates;
mod sections;
mod settling;
mod verdict;
mod words;

pub use model::{Block, Cell, Chart, Page, Picture, Section, Table, Tone, Verdict};

use apical_lab::record::{Error, Members, Ranking};
use opened::Opened;
use std::path::PathBuf;

/// How a report begins to be known again as one, as HTML and as Markdown.
const MARKERS: [&str; 2] = [r#"<meta name="generator" content="apical report">"#, "<!-- apical report -->"];

/// True if a file that begins so is a report.
pub fn is_report(head: &[u8]) -> bool {
    let head = String::from_utf8_lossy(head);
    head.starts_with(MARKERS[1]) || (head.starts_with("<!doctype html>") && head.contains(MARKERS[0]))
}

/// What a report says that run folders do not tell by themselves.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Extra {
    /// The command line that makes the report again.
    pub argv: Vec<String>,
    /// BibTeX of all that the runs use; empty if it cannot be told.
    pub bibtex: String,
    /// What is to be known about the citations.
    pub citing: Vec<String>,
    /// By what the sweep whose runs these are ranks them.
    pub ranking: Option<Ranking>,
    /// What sweeps vary in their runs.
    pub members: Members,
    /// Runs in folders of sweeps that are no longer part of these.
    pub left_out: usize,
}

impl Page {
    /// The report of folders, of runs and of relations.
    ///
    /// # Errors
    /// If none of the folders can be read: what is wrong with the first. One that cannot be read among others is told of in the page.
    pub fn of(folders: &[PathBuf], extra: &Extra) -> Result<Page, Error> {
        let opened = Opened::new(folders, &extra.members)?;
        Ok(sections::page(&opened, extra))
    }

    /// What was learned, line by line.
    pub fn lines(&self) -> Vec<String> {
        let several = self.verdicts.len() > 1;
        let one = |v: &Verdict| format!("{}: {}", v.label, v.line());
        std::iter::once(self.headline.clone()).chain(self.verdicts.iter().filter(|_| several).map(one)).collect()
    }

    /// As HTML in one file.
    pub fn html(&self) -> String {
        html::write(self)
    }

    /// As Markdown; of curves it has their values at start, best and end, of figures their names.
    pub fn markdown(&self) -> String {
        markdown::write(self)
    }
}
