//! Angles between every two of several directions, as coloured squares with their numbers: one matrix per panel, all panels
//! on the fixed scale from 0 to 90 degrees.
//!
//! Dark means the same direction, pale means unrelated: lightness alone carries the scale, so that it survives any colour
//! vision and a grey print. Angles beyond 90 degrees, which point away from each other, have a colour of their own and a
//! marked corner.

use crate::colour::{Colours, hex};
use crate::csv::{field, number};
use crate::render::{Anchor, Shape, Text, font};
use crate::theme::{self, LABEL_SIZE, TICK_SIZE};
use crate::{Error, Scene};
use std::fmt::Write;

/// Paper left free around everything.
const MARGIN: f64 = 3.0;
/// Between panels.
const GUTTER: f64 = 10.0;
/// Between a label and its squares.
const GAP: f64 = 3.0;
/// Height of a title's line.
const ROW: f64 = 11.0;
/// No square is larger.
const LARGEST_CELL: f64 = 24.0;
/// No label is longer.
const LONGEST_LABEL: f64 = 110.0;
/// Width and height of the colour bar.
const BAR: (f64, f64) = (90.0, 7.0);

/// Angles of one panel.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    /// Title above it.
    pub title: String,
    /// Degrees, row by row; as many rows and columns as there are names. NaN: there is no angle.
    pub degrees: Vec<f64>,
}

/// Matrices of angles that share their rows and columns.
#[derive(Clone, Debug, PartialEq)]
pub struct HeatMap {
    /// Width of the whole figure, mm. Kept between 40 and 1000.
    pub width_mm: f64,
    /// Panels side by side; at least 1.
    pub columns: usize,
    /// What rows and columns are.
    pub names: Vec<String>,
    /// The panels.
    pub panels: Vec<Matrix>,
}

impl HeatMap {
    /// The figure as shapes and texts on paper.
    pub fn scene(&self) -> Scene {
        let width = if self.width_mm.is_nan() { 40.0 } else { self.width_mm.clamp(40.0, 1000.0) };
        let width = width * theme::POINTS_PER_MM;
        let columns = self.columns.clamp(1, self.panels.len().clamp(1, 8));
        let names: Vec<String> = self.names.iter().map(|n| font::fit(n, TICK_SIZE, LONGEST_LABEL)).collect();
        let label = names.iter().map(|n| font::width(n, TICK_SIZE)).fold(0.0, f64::max) + GAP;
        let n = self.names.len().max(1);
        let room = (width - 2.0 * MARGIN - label - GUTTER * (columns - 1) as f64) / columns as f64;
        let cell = (room / n as f64).clamp(1.0, LARGEST_CELL);
        let side = cell * n as f64;
        let rows = self.panels.len().div_ceil(columns);
        let mut shapes = Vec::new();
        for (i, panel) in self.panels.iter().enumerate() {
            let left = MARGIN + label + (i % columns) as f64 * (side + GUTTER);
            let top = MARGIN + ROW + (i / columns) as f64 * (side + ROW + GUTTER);
            let title = font::fit(&panel.title, LABEL_SIZE, side);
            shapes.push(Shape::Text(Text::new((left, top - GAP), LABEL_SIZE, Anchor::Start, title)));
            self.squares(&mut shapes, panel, (left, top), cell);
            for (k, name) in names.iter().enumerate() {
                let middle = (k as f64 + 0.5) * cell + TICK_SIZE * font::CAPITAL / 2.0;
                if i % columns == 0 {
                    let at = (left - GAP, top + middle);
                    shapes.push(Shape::Text(Text::new(at, TICK_SIZE, Anchor::End, name.clone())));
                }
                // The last panel of each column names the columns; below it there is nothing else.
                if i + columns >= self.panels.len() {
                    let at = (left + middle, top + side + GAP);
                    let text = Text::new(at, TICK_SIZE, Anchor::End, name.clone());
                    shapes.push(Shape::Text(Text { upright: true, ..text }));
                }
            }
        }
        let bar = MARGIN + rows as f64 * (side + ROW) + rows.saturating_sub(1) as f64 * GUTTER + label + GUTTER;
        let bottom = self.key(&mut shapes, (MARGIN, bar), width - MARGIN);
        let title = format!("Angles between {}", self.names.join(", "));
        Scene { width, height: bottom + MARGIN, title, shapes }
    }

    /// The figure as SVG with its font inside.
    pub fn svg(&self) -> String {
        self.scene().svg()
    }

    /// The figure as PNG.
    ///
    /// # Errors
    /// As [`Scene::png`].
    pub fn png(&self, dpi: f64) -> Result<Vec<u8>, Error> {
        self.scene().png(dpi)
    }

    /// The angles, one a row: `panel,row,column,degrees`. Where there is none the field is empty.
    pub fn csv(&self) -> String {
        let mut out = String::from("panel,row,column,degrees\n");
        for panel in &self.panels {
            for (at, degrees) in panel.degrees.iter().enumerate() {
                let name = |k: usize| self.names.get(k).map_or(String::new(), |name| field(name));
                let (row, column) = (name(at / self.names.len().max(1)), name(at % self.names.len().max(1)));
                // Writing to a String cannot fail.
                let _ = writeln!(out, "{},{row},{column},{}", field(&panel.title), number(*degrees));
            }
        }
        out
    }

    fn squares(&self, shapes: &mut Vec<Shape>, panel: &Matrix, (left, top): (f64, f64), cell: f64) {
        let n = self.names.len();
        for (at, &degrees) in panel.degrees.iter().take(n * n).enumerate() {
            let (x, y) = (left + (at % n) as f64 * cell, top + (at / n) as f64 * cell);
            square(shapes, (x, y), (cell, cell), degrees);
            let size = (0.42 * cell).min(TICK_SIZE);
            if size >= 2.5 {
                let base = y + cell / 2.0 + size * font::CAPITAL / 2.0;
                let number = Text::new((x + cell / 2.0, base), size, Anchor::Middle, text(degrees));
                shapes.push(Shape::Text(Text { colour: ink(degrees), ..number }));
            }
        }
    }

    /// The colour bar, and what the marks mean, in rows that end before `right`; returns where the last row ends below.
    fn key(&self, shapes: &mut Vec<Shape>, (left, mut top): (f64, f64), right: f64) -> f64 {
        let base = top + BAR.1 / 2.0 + TICK_SIZE * font::CAPITAL / 2.0;
        let label = Text::new((left, base), LABEL_SIZE, Anchor::Start, "Angle (\u{b0})");
        let start = left + label.width() + 2.0 * GAP;
        shapes.push(Shape::Text(label));
        let steps = 90;
        for i in 0..steps {
            let (from, width) = (BAR.0 * i as f64 / steps as f64, BAR.0 / steps as f64);
            // Each reaches under the next, so that no paper shines through between them.
            let width = if i + 1 < steps { 2.0 * width } else { width };
            let fill = colour((i as f64 + 0.5) / steps as f64);
            shapes.push(filled(rectangle((start + from, top), (width, BAR.1)), fill));
        }
        for degrees in [0.0, 30.0, 60.0, 90.0] {
            let at = (start + BAR.0 * degrees / 90.0, top + BAR.1 + GAP + TICK_SIZE * font::CAPITAL);
            shapes.push(Shape::Text(Text::new(at, TICK_SIZE, Anchor::Middle, format!("{degrees}"))));
        }
        let mut end = start + BAR.0 + 2.0 * GUTTER;
        let all = || self.panels.iter().flat_map(|p| &p.degrees);
        let marks = [
            (all().any(|d| *d > 90.0), 120.0, "beyond 90: away from each other"),
            (all().any(|d| d.is_nan()), f64::NAN, "no angle"),
        ];
        let mut bottom = top + BAR.1 + GAP + TICK_SIZE;
        for (_, degrees, meaning) in marks.into_iter().filter(|mark| mark.0) {
            let length = 1.6 * BAR.1 + GAP + font::width(meaning, TICK_SIZE);
            if end + length > right && end > left {
                (end, top) = (left, bottom + GAP);
                bottom = top + BAR.1 + GAP;
            }
            square(shapes, (end, top), (1.6 * BAR.1, BAR.1), degrees);
            let base = top + BAR.1 / 2.0 + TICK_SIZE * font::CAPITAL / 2.0;
            let meaning = Text::new((end + 1.6 * BAR.1 + GAP, base), TICK_SIZE, Anchor::Start, meaning);
            end += length + GUTTER;
            shapes.push(Shape::Text(meaning));
        }
        bottom
    }
}

/// Lightness from dark to nearly paper; `share` from 0 to 1.
fn colour(share: f64) -> String {
    hex(Colours::Sequential(0.0, 1.0).rgb(1.0 - share))
}

/// Beyond 90 degrees, and the mark in its corner; where there is no angle.
const BEYOND: (&str, &str) = ("#fbd9bd", "#d55e00");
const NONE: &str = "#dddddd";

fn ink(degrees: f64) -> &'static str {
    if degrees < 50.0 { theme::PAPER } else { theme::INK }
}

/// Tenths where they matter.
fn text(degrees: f64) -> String {
    match degrees {
        d if d.is_nan() => "\u{2013}".to_owned(),
        d if d < 0.05 => "0".to_owned(),
        d if d < 9.95 => format!("{d:.1}"),
        d => format!("{d:.0}"),
    }
}

fn square(shapes: &mut Vec<Shape>, at: (f64, f64), size: (f64, f64), degrees: f64) {
    let fill = match degrees {
        d if d.is_nan() => NONE.to_owned(),
        d if d > 90.0 => BEYOND.0.to_owned(),
        d => colour(d / 90.0),
    };
    let outline = Shape::Polygon { points: rectangle(at, size), fill, colour: theme::PAPER.to_owned(), width: 0.5 };
    shapes.push(outline);
    if degrees > 90.0 {
        let (right, leg) = (at.0 + size.0 - 0.5, 0.3 * size.0.min(size.1));
        let corner = vec![(right - leg, at.1 + 0.5), (right, at.1 + 0.5), (right, at.1 + 0.5 + leg)];
        shapes.push(filled(corner, BEYOND.1.to_owned()));
    }
}

fn rectangle((x, y): (f64, f64), (w, h): (f64, f64)) -> Vec<(f64, f64)> {
    vec![(x, y), (x + w, y), (x + w, y + h), (x, y + h)]
}

fn filled(points: Vec<(f64, f64)>, fill: String) -> Shape {
    Shape::Polygon { points, fill, colour: theme::INK.to_owned(), width: 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_grows_lighter_all_the_way() {
        let light = |share: f64| -> u32 {
            let colour = colour(share);
            let part = |at: usize| u32::from_str_radix(&colour[at..at + 2], 16).unwrap();
            2126 * part(1) + 7152 * part(3) + 722 * part(5)
        };
        assert!((0..90).all(|d| light(f64::from(d) / 90.0) < light(f64::from(d + 1) / 90.0)));
    }

    #[test]
    fn numbers_say_what_can_be_told() {
        assert_eq!([0.0, 0.02, 0.26, 9.96, 89.6, 127.2, f64::NAN].map(text), ["0", "0", "0.3", "10", "90", "127", "–"]);
    }
}
