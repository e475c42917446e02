//! The data of a figure as CSV, one row a point: `panel,line,x_axis,x,y_axis,y`; where there are images of values, with a
//! column `value` that is empty for lines.
//!
//! Numbers are the shortest decimals that read back as the same f64; a value that is not finite is an empty field. A place that
//! has a name on its axis is called by it.

use crate::figure::{Axis, Figure};
use std::collections::BTreeMap;
use std::fmt::Write;

/// All points of all lines and of both edges of all bands, lines first, each kind in the order in which it is drawn.
pub fn write(figure: &Figure) -> String {
    let has_image = figure.panels.iter().any(|panel| panel.image.is_some());
    let end = if has_image { "," } else { "" };
    let mut out = format!("panel,line,x_axis,x,y_axis,y{}\n", if has_image { ",value" } else { "" });
    for (index, panel) in figure.panels.iter().enumerate() {
        let name = if panel.title.is_empty() { (index + 1).to_string() } else { panel.title.clone() };
        // Of panels above each other the last one alone may tell what their horizontal axis is.
        let below = figure.panels.iter().skip(index).step_by(figure.columns.max(1));
        let x_text = below.map(|panel| panel.x.text()).find(|text| !text.is_empty()).unwrap_or_default();
        let (x_axis, y_axis) = (field(&x_text), field(&panel.y.text()));
        let (x_names, y_names) = (Names::new(&panel.x), Names::new(&panel.y));
        let mut curve = |of: &str, points: &mut dyn Iterator<Item = (f64, f64)>| {
            let head = format!("{},{}", field(&name), field(of));
            for (x, y) in points {
                let (x, y) = (x_names.of(x), y_names.of(y));
                // Writing to a String cannot fail.
                let _ = writeln!(out, "{head},{x_axis},{x},{y_axis},{y}{end}");
            }
        };
        for line in &panel.lines {
            curve(&line.name, &mut line.points());
        }
        for band in &panel.bands {
            curve(&format!("{}, low", band.name), &mut band.points().map(|(x, low, _)| (x, low)));
            curve(&format!("{}, high", band.name), &mut band.points().map(|(x, _, high)| (x, high)));
        }
        if let Some(image) = &panel.image {
            let head = format!("{},{}", field(&name), field(&image.label));
            for (x, y, value) in image.cells() {
                let (x, y, value) = (x_names.of(x), y_names.of(y), number(value));
                let _ = writeln!(out, "{head},{x_axis},{x},{y_axis},{y},{value}");
            }
        }
    }
    out
}

/// Names of places on an axis, by the bits of these.
struct Names<'a>(BTreeMap<u64, &'a str>);

impl<'a> Names<'a> {
    fn new(axis: &'a Axis) -> Self {
        Names(axis.names.iter().map(|(at, name)| (at.to_bits(), name.as_str())).collect())
    }

    fn of(&self, value: f64) -> String {
        self.0.get(&value.to_bits()).map_or_else(|| number(value), |name| field(name))
    }
}

pub(crate) fn number(value: f64) -> String {
    match value {
        v if !v.is_finite() => String::new(),
        v if v != 0.0 && (v.abs() < 1e-5 || v.abs() >= 1e16) => format!("{v:e}"),
        v => v.to_string(),
    }
}

/// Quoted where RFC 4180 asks for it. Control characters, which a terminal would obey, become the replacement character.
pub(crate) fn field(text: &str) -> String {
    let text = text.replace(|c: char| c.is_control() && !"\n\r\t".contains(c), "\u{fffd}");
    if text.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::{Dash, Line, Panel};

    #[test]
    fn numbers_read_back_and_names_are_quoted() {
        for v in [0.1, 1.0 / 3.0, 1e-300, 5e-324, f64::MAX, -2.5e7, 0.0] {
            assert_eq!(number(v).parse(), Ok(v));
        }
        assert_eq!(number(f64::NAN), "");
        assert_eq!(field("a \"b\", c"), "\"a \"\"b\"\", c\"");
        assert_eq!(field("plain"), "plain");
        assert_eq!(field("a\u{1b}[31m\u{9b}"), "a\u{fffd}[31m\u{fffd}");
    }

    #[test]
    fn places_have_their_names_and_axes_of_stacked_panels_their_label() {
        let line = |y| Line { name: "a".into(), colour: 0, dash: Dash::Solid, x: vec![0.0, 0.5], y: vec![y; 2] };
        let mut above = Panel::new(Axis::new("", ""), Axis::new("Error", "%"));
        above.x.names = vec![(0.0, "[5.0, 0.1]".into())];
        let below = Panel { lines: vec![line(2.0)], ..Panel::new(Axis::new("Rates", ""), Axis::new("Loss", "")) };
        above.lines = vec![line(1.0)];
        let csv = write(&Figure { panels: vec![above.clone(), below], ..Figure::one(above) });
        let rows: Vec<&str> = csv.lines().skip(1).collect();
        assert_eq!(rows[0], "1,a,Rates,\"[5.0, 0.1]\",Error (%),1");
        assert_eq!(rows[1], "1,a,Rates,0.5,Error (%),1");
        assert_eq!(rows[2], "2,a,Rates,0,Loss,2");
    }
}
