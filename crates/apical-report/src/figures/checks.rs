//! What would mislead is not drawn: axes with nothing on them, and lines that look alike.

use super::{Drawn, Refusal, missing};
use crate::figure::{Dash, Figure, Line, Panel};
use crate::theme::PALETTE;

/// The figure on paper and as data.
///
/// # Errors
/// [`Refusal::Missing`] if nothing is to be seen in any panel, or if lines of a panel look the same.
pub(super) fn drawn(figure: Figure) -> Result<Drawn, Refusal> {
    if !figure.panels.iter().any(shows_something) {
        let mut shown: Vec<String> = Vec::new();
        for panel in &figure.panels {
            let name = panel.image.as_ref().map_or_else(|| panel.y.text(), |image| image.label.clone());
            if !shown.contains(&name) {
                shown.push(name);
            }
        }
        let what = format!("no value of {} is a number that an axis can show", shown.join(", "));
        return missing(what, "runs that failed keep none; another metric may (--metric)");
    }
    figure.panels.iter().try_for_each(told_apart)?;
    Ok(figure.into())
}

fn is_drawn(panel: &Panel, line: &Line) -> bool {
    line.points().any(|(x, y)| panel.x.shows(x) && panel.y.shows(y))
}

fn shows_something(panel: &Panel) -> bool {
    let band = panel.bands.iter().any(|b| b.points().any(|(_, low, high)| panel.y.shows(low) && panel.y.shows(high)));
    let image = panel.image.as_ref().is_some_and(|image| image.values.iter().any(|v| v.is_finite()));
    band || image || panel.lines.iter().any(|line| is_drawn(panel, line))
}

/// Lines of different names must differ in colour or dash. Dots are those of classes, or lie on a line of their own name.
fn told_apart(panel: &Panel) -> Result<(), Refusal> {
    let mut looks: Vec<(usize, Dash, &str)> = Vec::new();
    for line in
        panel.lines.iter().filter(|line| !matches!(line.dash, Dash::Points | Dash::Rings) && is_drawn(panel, line))
    {
        let (colour, dash) = (line.colour % PALETTE.len(), line.dash);
        match looks.iter().find(|look| (look.0, look.1) == (colour, dash)) {
            Some((.., name)) if *name != line.name => {
                let what = format!("too many lines for {} colours and their dashes", PALETTE.len());
                return missing(
                    format!("{what}: \"{name}\" and \"{}\" would look the same", line.name),
                    "give fewer runs; sweep-lines and sweep-map show many, and learning-curves with --metric one line of each",
                );
            }
            Some(_) => {}
            None => looks.push((colour, dash, line.name.as_str())),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::Axis;

    fn panel(lines: &[(&str, usize, f64)]) -> Panel {
        let line = |&(name, colour, y): &(&str, usize, f64)| Line {
            name: name.into(),
            colour,
            dash: Dash::Solid,
            x: vec![0.0],
            y: vec![y],
        };
        Panel { lines: lines.iter().map(line).collect(), ..Panel::new(Axis::new("x", ""), Axis::new("Loss", "")) }
    }

    #[test]
    fn lines_that_look_alike_are_refused() {
        let refused = |lines: &[(&str, usize, f64)]| drawn(Figure::one(panel(lines))).is_err();
        assert!(refused(&[("a", 0, 1.0), ("b", 7, 1.0)]));
        assert!(!refused(&[("a", 0, 1.0), ("b", 6, 1.0)]));
        assert!(!refused(&[("a", 0, 1.0), ("a", 0, 2.0)]), "seeds of one config");
        assert!(!refused(&[("a", 0, 1.0), ("b", 7, f64::NAN)]), "of which only one is seen");
    }

    #[test]
    fn empty_axes_are_refused() {
        for y in [f64::NAN, f64::INFINITY, 1e308] {
            let Err(Refusal::Missing { what, .. }) = drawn(Figure::one(panel(&[("a", 0, y)]))) else {
                panic!("{y} is drawn")
            };
            assert!(what.contains("no value of Loss"), "{what}");
        }
    }
}
