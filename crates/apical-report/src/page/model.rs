//! A report as a document: sections of texts, tables, charts and pictures. It knows neither HTML nor Markdown.

use crate::figure::{Key, Panel};

/// The whole report.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// Its title.
    pub title: String,
    /// How many runs there are, of what, by which program.
    pub about: String,
    /// What was learned, in a sentence or two.
    pub headline: String,
    /// The same of single groups of runs, the best first; not of more than a page has room for.
    pub verdicts: Vec<Verdict>,
    /// The rest, in order.
    pub sections: Vec<Section>,
}

/// What the runs of one config came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    /// What tells the config from the others.
    pub label: String,
    /// Its score with unit, mean and deviation; empty without one.
    pub score: String,
    /// What the score is.
    pub measure: String,
    /// Over what it was taken; empty for a single run.
    pub over: String,
    /// What else there is to say, each good, bad or neither.
    pub facts: Vec<(Tone, String)>,
}

impl Verdict {
    /// In one line.
    pub fn line(&self) -> String {
        let facts: Vec<&str> = self.facts.iter().map(|(_, fact)| fact.as_str()).collect();
        std::iter::once(self.scored().as_str()).chain(facts).collect::<Vec<_>>().join("; ")
    }

    /// The score with what it is.
    pub fn scored(&self) -> String {
        let over = if self.over.is_empty() { String::new() } else { format!("({})", self.over) };
        let parts = [&self.measure, &self.score, &over];
        parts.into_iter().filter(|part| !part.is_empty()).map(String::as_str).collect::<Vec<_>>().join(" ")
    }
}

/// How something is to be taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// As it is.
    #[default]
    Plain,
    /// As it should be.
    Good,
    /// Something is wrong.
    Bad,
    /// Not yet settled.
    Open,
}

/// A part of a report under a heading.
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    /// Letters that links lead to.
    pub id: &'static str,
    /// The heading.
    pub title: &'static str,
    /// What stands below it.
    pub blocks: Vec<Block>,
}

/// What a section is made of.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    /// A paragraph.
    Text(String),
    /// Lines that belong together.
    List(Vec<String>),
    /// Text to copy, folded away under its label where there is room for folds.
    Code {
        /// What it is.
        label: String,
        /// `toml`, `sh` or `bibtex`.
        language: &'static str,
        /// The text.
        text: String,
        /// Not folded away.
        open: bool,
    },
    /// Rows and columns.
    Table(Table),
    /// Curves to look at closely.
    Chart(Box<Chart>),
    /// A figure of the registry.
    Picture(Picture),
}

/// Rows and columns. A reader may sort the rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// What it shows.
    pub caption: String,
    /// Names of the columns.
    pub head: Vec<String>,
    /// Rows of as many cells.
    pub rows: Vec<Vec<Cell>>,
}

/// A cell of a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cell {
    /// As it is shown.
    pub text: String,
    /// By what it is sorted; `None`: by its text.
    pub number: Option<f64>,
    /// How it is to be taken.
    pub tone: Tone,
}

impl Cell {
    /// A text.
    pub fn text(text: impl Into<String>) -> Cell {
        Cell { text: text.into(), ..Cell::default() }
    }

    /// A number; nothing where there is none.
    pub fn number(value: Option<f64>) -> Cell {
        value.map_or(Cell::default(), |v| Cell { text: super::words::number(v), number: Some(v), ..Cell::default() })
    }

    /// A number as it was written, sorted by its value.
    pub fn written(text: &str) -> Cell {
        Cell { text: text.to_owned(), number: text.parse().ok(), ..Cell::default() }
    }

    /// A number in words of its own.
    pub fn told(text: String, number: f64) -> Cell {
        Cell { text, number: Some(number), ..Cell::default() }
    }

    /// A text that is good or bad.
    pub fn toned(tone: Tone, text: impl Into<String>) -> Cell {
        Cell { text: text.into(), tone, ..Cell::default() }
    }
}

/// Curves.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    /// What they show.
    pub title: String,
    /// The curves, few enough points for a page. Its legend is for paper, where a large one would leave no room.
    pub panel: Panel,
    /// The legend on a screen; `None`: the names of the lines.
    pub keys: Option<Vec<Key>>,
}

/// A figure of the registry.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// Its name.
    pub name: String,
    /// What it shows, for those who cannot see it too.
    pub about: String,
    /// The figure as SVG without font, to stand inside a page.
    pub svg: String,
}
