//! Many runs as a table: a line each.

use super::page::{percent, share, style_of};
use super::words::{number, pad, shorten, sparkline, time, width};
use apical_lab::observe::Seen;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};

/// Columns of a curve.
const CURVE: usize = 20;
/// Names are not shortened below this for the sake of other columns.
const NAME: usize = 14;

type Cell = (String, Style);
/// A heading, and what a run has below it.
type Column = (&'static str, fn(&Seen) -> Cell);

/// The columns after the name. The first matter most; what does not fit is left out.
const COLUMNS: [Column; 6] = [
    ("state", |seen| (seen.state.name().to_owned(), style_of(seen.state))),
    ("done", |seen| plain(share(seen).map(percent))),
    ("left", |seen| plain(seen.left.map(time))),
    ("score", |seen| plain(score(seen).map(|(name, curve)| format!("{name} {}", number(curve.last.1))))),
    ("epoch", |seen| plain(Some(seen.epochs.map_or(seen.epoch.to_string(), |all| format!("{}/{all}", seen.epoch))))),
    ("curve", |seen| {
        let curve = score(seen).map(|(_, curve)| sparkline(&curve.points, CURVE));
        (curve.unwrap_or_default(), Style::new().fg(Color::Blue))
    }),
];

fn plain(text: Option<String>) -> Cell {
    (text.unwrap_or_default(), Style::new())
}

/// The error on validation, or what there is in its place.
fn score(seen: &Seen) -> Option<(&'static str, &apical_lab::observe::Curve)> {
    let names = [
        ("validation.error", "error"),
        ("validation.loss", "loss"),
        ("train.error", "train error"),
        ("train.loss", "train loss"),
        ("apical_squared.1", "apical"),
    ];
    names.into_iter().find_map(|(name, short)| Some((short, seen.curves.iter().find(|curve| curve.name == name)?)))
}

/// A heading and a line for each run, in at most so many columns; the chosen one is marked.
pub fn board(runs: &[Seen], chosen: Option<usize>, columns: usize) -> Vec<Line<'static>> {
    let rows: Vec<Vec<Cell>> = runs.iter().map(|seen| COLUMNS.map(|(_, cell)| cell(seen)).to_vec()).collect();
    let longest = runs.iter().map(|seen| width(&seen.name)).max().unwrap_or(0).max(3);
    let mark = if chosen.is_some() { 2 } else { 0 };
    let (mut used, mut shown) = (mark + longest.min(NAME), Vec::new());
    for (i, (heading, _)) in COLUMNS.iter().enumerate() {
        let widest = rows.iter().map(|row| width(&row[i].0)).max().unwrap_or(0);
        let wide = widest.max(width(heading));
        if widest > 0 {
            if used + 2 + wide > columns {
                break;
            }
            used += 2 + wide;
            shown.push((i, wide));
        }
    }
    let name = longest.min(columns.saturating_sub(used - longest.min(NAME)));
    let line = |mark: &str, name_text: String, cells: &dyn Fn(usize) -> Cell, style: Style| {
        let mut line = Line::from(vec![Span::raw(mark.to_owned()), Span::raw(pad(&name_text, name))]);
        for &(i, wide) in &shown {
            let (text, style) = cells(i);
            line.push_span("  ");
            line.push_span(Span::styled(pad(&text, wide), style));
        }
        line.style(style)
    };
    let marks = |this: bool| {
        if chosen.is_none() {
            ""
        } else if this {
            "> "
        } else {
            "  "
        }
    };
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let mut lines = vec![line(marks(false), shorten("run", name), &|i| (COLUMNS[i].0.to_owned(), bold), bold)];
    for (r, seen) in runs.iter().enumerate() {
        let this = chosen == Some(r);
        let style = if this { Style::new().add_modifier(Modifier::REVERSED) } else { Style::new() };
        lines.push(line(marks(this), shorten(&seen.name, name), &|i| rows[r][i].clone(), style));
    }
    lines
}
