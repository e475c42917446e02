//! The data of a figure as CSV, one row a point: `panel,line,x_axis,x,y_axis,y`; where there are images of values, with a
//! column `value` that is empty for lines.
//!
//! Numbers are the shortest decimals that read back as the same f64; a value that is not finite is an empty field.

use crate::Figure;
use std::fmt::Write;

/// All points of all lines and of both edges of all bands, lines first, each kind in the order in which it is drawn.
pub fn write(figure: &Figure) -> String {
    let has_image = figure.panels.iter().any(|panel| panel.image.is_some());
    let end = if has_image { "," } else { "" };
    let mut out = format!("panel,line,x_axis,x,y_axis,y{}\n", if has_image { ",value" } else { "" });
    for (index, panel) in figure.panels.iter().enumerate() {
        let name = if panel.title.is_empty() { (index + 1).to_string() } else { panel.title.clone() };
        let (x_axis, y_axis) = (field(&panel.x.text()), field(&panel.y.text()));
        let mut curve = |of: &str, points: &mut dyn Iterator<Item = (f64, f64)>| {
            let head = format!("{},{}", field(&name), field(of));
            for (x, y) in points {
                let (x, y) = (number(x), number(y));
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
                let (x, y, value) = (number(x), number(y), number(value));
                let _ = writeln!(out, "{head},{x_axis},{x},{y_axis},{y},{value}");
            }
        }
    }
    out
}

pub(crate) fn number(value: f64) -> String {
    match value {
        v if !v.is_finite() => String::new(),
        v if v != 0.0 && (v.abs() < 1e-5 || v.abs() >= 1e16) => format!("{v:e}"),
        v => v.to_string(),
    }
}

/// Quoted where RFC 4180 asks for it.
pub(crate) fn field(text: &str) -> String {
    if text.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_back_and_names_are_quoted() {
        for v in [0.1, 1.0 / 3.0, 1e-300, 5e-324, f64::MAX, -2.5e7, 0.0] {
            assert_eq!(number(v).parse(), Ok(v));
        }
        assert_eq!(number(f64::NAN), "");
        assert_eq!(field("a \"b\", c"), "\"a \"\"b\"\", c\"");
        assert_eq!(field("plain"), "plain");
    }
}
