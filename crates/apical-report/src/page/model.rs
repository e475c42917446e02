//! A report as a document: sections of texts, tables, charts and pictures. It knows neither HTML nor Markdown.

use crate::figure::Panel;

/// The whole report.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// Its title.
    pub title: String,
    /// What was learned: a line for each group of runs.
    pub verdict: Vec<String>,
    /// The rest, in order.
    pub sections: Vec<Section>,
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
}

impl Cell {
    /// A text.
    pub fn text(text: impl Into<String>) -> Cell {
        Cell { text: text.into(), number: None }
    }

    /// A number; nothing where there is none.
    pub fn number(value: Option<f64>) -> Cell {
        value.map_or(Cell::default(), |v| Cell { text: super::words::number(v), number: Some(v) })
    }
}

/// Curves.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    /// What they show.
    pub title: String,
    /// The curves, few enough points for a page.
    pub panel: Panel,
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
