//! `Scene`: shapes and texts at their places on paper, in points from the upper left corner.

use super::{font, pdf, png, svg};
use crate::{Dash, Error, theme};

/// Which end of a text stands at its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// The text begins there.
    Start,
    /// The text is centred there.
    Middle,
    /// The text ends there.
    End,
}

/// Where a run of characters stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Script {
    /// On the line.
    Base,
    /// Raised and small.
    Super,
    /// Lowered and small.
    Sub,
}

/// Characters of one script.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// The characters.
    pub text: String,
    /// Where they stand.
    pub script: Script,
}

/// A text of one line.
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    /// Position of the anchor on the base line.
    pub at: (f64, f64),
    /// Size of the letters.
    pub size: f64,
    /// Which end stands at the position.
    pub anchor: Anchor,
    /// Turned by a quarter to the left, as beside a vertical axis.
    pub upright: bool,
    /// Colour as `#rrggbb`.
    pub colour: &'static str,
    /// Its runs.
    pub runs: Vec<Run>,
}

impl Text {
    /// A horizontal text of one run.
    pub fn new(at: (f64, f64), size: f64, anchor: Anchor, text: impl Into<String>) -> Self {
        let runs = vec![Run { text: text.into(), script: Script::Base }];
        Text { at, size, anchor, upright: false, colour: theme::INK, runs }
    }

    /// The same with one more run behind.
    pub fn with(mut self, script: Script, text: impl Into<String>) -> Self {
        self.runs.push(Run { text: text.into(), script });
        self.runs.retain(|run| !run.text.is_empty());
        self
    }

    /// Length from the first to the last letter.
    pub fn width(&self) -> f64 {
        let size = |script| if script == Script::Base { self.size } else { self.size * theme::SCRIPT_SCALE };
        self.runs.iter().map(|run| font::width(&run.text, size(run.script))).sum()
    }
}

/// Anything drawn.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// A line through points.
    Path {
        /// The points; fewer than two draw nothing.
        points: Vec<(f64, f64)>,
        /// Colour as `#rrggbb`.
        colour: String,
        /// Width.
        width: f64,
        /// Dashes.
        dash: Dash,
    },
    /// A closed polygon: filled, with an outline if its width is positive.
    Polygon {
        /// Corners.
        points: Vec<(f64, f64)>,
        /// Colour of the area.
        fill: String,
        /// Colour of the outline.
        colour: String,
        /// Width of the outline.
        width: f64,
    },
    /// A closed polygon without outline that lets through what lies below.
    Area {
        /// Corners.
        points: Vec<(f64, f64)>,
        /// Colour.
        fill: String,
        /// How much of what lies below is covered, 0 to 1.
        opacity: f64,
    },
    /// A disc, as [`Shape::Polygon`].
    Disc {
        /// Centre.
        at: (f64, f64),
        /// Radius.
        radius: f64,
        /// Colour of the area.
        fill: String,
        /// Colour of the outline.
        colour: String,
        /// Width of the outline.
        width: f64,
    },
    /// Cells of colour, each as large as any other.
    Image {
        /// Upper left corner.
        at: (f64, f64),
        /// Width and height.
        size: (f64, f64),
        /// Cells side by side.
        columns: usize,
        /// Red, green, blue of each cell, row by row from the top.
        cells: Vec<[u8; 3]>,
    },
    /// A text.
    Text(Text),
    /// Shapes of which only the part within a rectangle (left, top, right, bottom) is seen.
    Clipped((f64, f64, f64, f64), Vec<Shape>),
}

impl Shape {
    /// Moves the shape to the right and down.
    pub(crate) fn shift(&mut self, by: (f64, f64)) {
        let moved = |at: &mut (f64, f64)| *at = (at.0 + by.0, at.1 + by.1);
        match self {
            Shape::Path { points, .. } | Shape::Polygon { points, .. } | Shape::Area { points, .. } => {
                points.iter_mut().for_each(moved);
            }
            Shape::Disc { at, .. } | Shape::Image { at, .. } | Shape::Text(Text { at, .. }) => moved(at),
            Shape::Clipped((left, top, right, bottom), inner) => {
                *left += by.0;
                *right += by.0;
                *top += by.1;
                *bottom += by.1;
                inner.iter_mut().for_each(|shape| shape.shift(by));
            }
        }
    }
}

/// A sheet of paper with shapes, later ones on top.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    /// Width, points.
    pub width: f64,
    /// Height, points.
    pub height: f64,
    /// What it shows, for those who cannot see it.
    pub title: String,
    /// The shapes.
    pub shapes: Vec<Shape>,
}

impl Scene {
    /// An SVG document; its font is inside, its texts stay texts.
    pub fn svg(&self) -> String {
        svg::write(self)
    }

    /// An SVG element for a page that holds the font itself. Its ids begin with `id`, which is to be a name of its own in the page.
    pub fn svg_element(&self, id: &str) -> String {
        svg::write_element(self, id)
    }

    /// A PNG.
    ///
    /// # Errors
    /// A resolution that is no number, below 10 dpi, or too large for the bound on pixels.
    pub fn png(&self, dpi: f64) -> Result<Vec<u8>, Error> {
        png::write(self, dpi)
    }

    /// A PDF page; its font is inside, its texts stay texts.
    ///
    /// # Errors
    /// The writer's.
    pub fn pdf(&self) -> Result<Vec<u8>, Error> {
        pdf::write(self)
    }

    /// All texts, also those within other shapes.
    pub fn texts(&self) -> Vec<&Text> {
        fn collect<'a>(shapes: &'a [Shape], into: &mut Vec<&'a Text>) {
            for shape in shapes {
                match shape {
                    Shape::Text(text) => into.push(text),
                    Shape::Clipped(_, inner) => collect(inner, into),
                    _ => {}
                }
            }
        }
        let mut texts = Vec::new();
        collect(&self.shapes, &mut texts);
        texts
    }
}
