//! `Figure`: what is drawn, in the words of the data. It knows neither pixels nor fonts.

use crate::{Colours, Error, Scene, csv, render, theme};

/// How an axis maps values to lengths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// In proportion.
    Linear,
    /// In proportion to the logarithm; values that are not positive are gaps.
    Log,
}

/// One axis of a panel.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// What is measured.
    pub label: String,
    /// Its unit; empty if there is none.
    pub unit: String,
    /// Linear or logarithmic.
    pub scale: Scale,
    /// First and last value shown; `None`: what the data need.
    pub range: Option<(f64, f64)>,
    /// Values with names that stand in place of ticks; none: numbers do.
    pub names: Vec<(f64, String)>,
}

impl Axis {
    /// A linear axis over the range of the data.
    pub fn new(label: impl Into<String>, unit: impl Into<String>) -> Self {
        Axis { label: label.into(), unit: unit.into(), scale: Scale::Linear, range: None, names: Vec::new() }
    }

    /// Label with the unit in parentheses.
    pub fn text(&self) -> String {
        if self.unit.is_empty() { self.label.clone() } else { format!("{} ({})", self.label, self.unit) }
    }

    /// Whether the axis can show a value. Beyond 1e290 (and on a log axis below 1e-290) axis arithmetic would overflow.
    pub fn shows(&self, value: f64) -> bool {
        value.abs() < 1e290 && (self.scale == Scale::Linear || value > 1e-290)
    }
}

/// The dashes of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dash {
    /// Unbroken.
    #[default]
    Solid,
    /// Long dashes.
    Dashed,
    /// Dots.
    Dotted,
    /// Dash and dot in turn.
    DashDot,
    /// No line: a dot at each point.
    Points,
    /// No line: a ring at each point.
    Rings,
}

impl Dash {
    /// Those of lines, in the order in which they are used.
    pub const ALL: [Dash; 4] = [Dash::Solid, Dash::Dashed, Dash::Dotted, Dash::DashDot];

    /// Lengths of dashes and gaps in turn, in widths of the line; none for an unbroken line.
    pub fn lengths(self) -> &'static [f64] {
        match self {
            Dash::Solid | Dash::Points | Dash::Rings => &[],
            Dash::Dashed => &[4.0, 2.0],
            Dash::Dotted => &[1.0, 1.5],
            Dash::DashDot => &[5.0, 1.5, 1.0, 1.5],
        }
    }
}

/// A line: points joined in their order, broken where a value is not finite. A point without neighbours is a dot.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Name in the CSV, and in the legend unless the panel has its own.
    pub name: String,
    /// Index into the palette.
    pub colour: usize,
    /// Dashes.
    pub dash: Dash,
    /// Positions; if `x` and `y` differ in length, the surplus is not drawn.
    pub x: Vec<f64>,
    /// Values.
    pub y: Vec<f64>,
}

impl Line {
    /// The points, as many as both coordinates have.
    pub fn points(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        self.x.iter().copied().zip(self.y.iter().copied())
    }
}

/// The area between two curves over the same positions, as of a mean's spread; broken where a value is not finite.
#[derive(Clone, Debug, PartialEq)]
pub struct Band {
    /// Name in the CSV.
    pub name: String,
    /// Index into the palette.
    pub colour: usize,
    /// Positions; if the three differ in length, the surplus is not drawn.
    pub x: Vec<f64>,
    /// Values of the lower edge.
    pub low: Vec<f64>,
    /// Values of the upper edge.
    pub high: Vec<f64>,
}

impl Band {
    /// Positions and both edges, as many as all three have.
    pub fn points(&self) -> impl Iterator<Item = (f64, f64, f64)> + '_ {
        self.x.iter().zip(&self.low).zip(&self.high).map(|((&x, &low), &high)| (x, low, high))
    }
}

/// Values on a grid, as coloured cells below the lines.
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    /// Left and right edge.
    pub x: (f64, f64),
    /// Lower and upper edge.
    pub y: (f64, f64),
    /// Cells side by side; at least 1.
    pub columns: usize,
    /// Row by row, the lowest first; a last row that is not whole is not drawn. NaN: there is no value.
    pub values: Vec<f64>,
    /// How they become colours.
    pub colours: Colours,
    /// What the values are: the label of the bar beside the axes, and their name in the CSV.
    pub label: String,
    /// Draws the bar.
    pub bar: bool,
    /// Written into the cells, in the order of the values, where there is room; may be empty.
    pub texts: Vec<String>,
}

impl Image {
    /// Rows that are whole.
    pub fn rows(&self) -> usize {
        self.values.len() / self.columns.max(1)
    }

    /// The middle of each cell and its value.
    pub fn cells(&self) -> impl Iterator<Item = (f64, f64, f64)> + '_ {
        let (columns, rows) = (self.columns.max(1), self.rows());
        let at = |(from, to): (f64, f64), i: usize, n: usize| from + (to - from) * (i as f64 + 0.5) / n as f64;
        let cells = self.values.iter().take(columns * rows).enumerate();
        cells.map(move |(i, &v)| (at(self.x, i % columns, columns), at(self.y, i / columns, rows), v))
    }
}

/// A line of the legend.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// What the sample stands for.
    pub name: String,
    /// Index into the palette; `None`: ink, where only the dashes mean something.
    pub colour: Option<usize>,
    /// Dashes.
    pub dash: Dash,
}

/// A pair of axes with lines and bands.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    /// Title above the panel; empty if there is none.
    pub title: String,
    /// Horizontal axis.
    pub x: Axis,
    /// Vertical axis.
    pub y: Axis,
    /// Cells of colour, below all else.
    pub image: Option<Image>,
    /// Bands, below all lines.
    pub bands: Vec<Band>,
    /// Values marked by a thin dashed line from side to side, if they are in view.
    pub levels: Vec<f64>,
    /// Lines, the first lowest.
    pub lines: Vec<Line>,
    /// The legend, above the axes so that it covers nothing; `None`: each line's name, if there are several lines.
    pub legend: Option<Vec<Key>>,
    /// Equally long axes, as far as there is room.
    pub square: bool,
    /// No axes, no ticks: the picture alone.
    pub bare: bool,
}

impl Panel {
    /// An empty panel.
    pub fn new(x: Axis, y: Axis) -> Self {
        Panel {
            title: String::new(),
            x,
            y,
            image: None,
            bands: Vec::new(),
            levels: Vec::new(),
            lines: Vec::new(),
            legend: None,
            square: false,
            bare: false,
        }
    }

    /// What the legend holds.
    pub fn keys(&self) -> Vec<Key> {
        match &self.legend {
            Some(keys) => keys.clone(),
            None if self.lines.len() < 2 => Vec::new(),
            None => (self.lines.iter())
                .map(|line| Key { name: line.name.clone(), colour: Some(line.colour), dash: line.dash })
                .collect(),
        }
    }
}

/// A figure: panels in a grid, filled row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// Width of the whole figure, mm: 85, 114 or 174 in most journals. Kept between 40 and 1000.
    pub width_mm: f64,
    /// Height of the axes of each panel, mm; labels and legends come on top of it. Kept between 10 and 1000.
    pub axes_height_mm: f64,
    /// Panels side by side; at least 1.
    pub columns: usize,
    /// The panels.
    pub panels: Vec<Panel>,
}

impl Figure {
    /// One panel, one column of a journal wide.
    pub fn one(panel: Panel) -> Self {
        Figure { width_mm: theme::ONE_COLUMN, axes_height_mm: 42.0, columns: 1, panels: vec![panel] }
    }

    /// The figure as shapes and texts on paper.
    pub fn scene(&self) -> Scene {
        render::layout::scene(self)
    }

    /// The figure as SVG with its font inside.
    pub fn svg(&self) -> String {
        self.scene().svg()
    }

    /// The figure as PNG.
    ///
    /// # Errors
    /// A resolution that is no number, below 10 dpi, or too large for the bound on pixels.
    pub fn png(&self, dpi: f64) -> Result<Vec<u8>, Error> {
        self.scene().png(dpi)
    }

    /// The data of the figure, each point once, not decimated: see [`csv`].
    pub fn csv(&self) -> String {
        csv::write(self)
    }
}
