//! One run on a page of lines: progress, checkpoint, curves, apical errors, log.

use super::words::{bar, fit, number, pad, shorten, sparkline, time, width, wrap};
use apical_lab::observe::{Curve, Seen, State};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};

/// The curves that matter most, in this order.
const MAIN: [&str; 4] = ["validation.error", "validation.loss", "train.error", "train.loss"];
/// Quantities of each hidden layer, with what they are called.
const LAYERS: [(&str, &str); 2] = [
    ("apical_squared", "apical error v_A² by layer"),
    ("interneuron_mismatch_squared", "interneuron mismatch by layer"),
];

/// Columns below which a curve is not worth drawing.
const NARROWEST: usize = 5;

/// The style of a state's name.
pub fn style_of(state: State) -> Style {
    let color = match state {
        State::Running => Color::Green,
        State::Stalled | State::Unfinished | State::Stopped => Color::Yellow,
        State::Dead | State::Failed | State::Damaged => Color::Red,
        State::Done => Color::Cyan,
    };
    Style::new().fg(color).add_modifier(Modifier::BOLD)
}

fn plain(text: impl Into<String>) -> (String, Style) {
    (text.into(), Style::new())
}

fn head(text: impl Into<String>) -> (String, Style) {
    (text.into(), Style::new().add_modifier(Modifier::BOLD))
}

/// The share of the presentations that are made.
pub fn share(seen: &Seen) -> Option<f64> {
    seen.presentations.map(|all| seen.presentation as f64 / all as f64)
}

/// `45 %`; 100 only when nothing is left.
pub fn percent(share: f64) -> String {
    format!("{} %", (100.0 * share).floor().clamp(0.0, 100.0))
}

/// The page, in lines of at most so many columns. `place` tells which of how many runs it is.
pub fn page(seen: &Seen, place: &str, columns: usize) -> Vec<Line<'static>> {
    let mut lines = vec![title(seen, place, columns)];
    lines.push(fit(seen.words.iter().map(plain), columns));
    lines.extend(wrap(&seen.reason, columns, 3).into_iter().map(|line| Line::styled(line, style_of(seen.state))));
    lines.extend(progress(seen, columns));
    lines.push(checkpoint(seen, columns));
    lines.extend(curves(seen, columns));
    for (name, words) in LAYERS {
        lines.extend(layers(seen, name, words, columns));
    }
    for problem in &seen.problems {
        let warning = Style::new().fg(Color::Red);
        lines.extend(wrap(problem, columns, 3).into_iter().map(|line| Line::styled(line, warning)));
    }
    if !seen.log.is_empty() {
        lines.push(fit([head("log")], columns));
    }
    for told in &seen.log {
        let warns = ["warning", "error"].iter().any(|word| told.contains(word));
        let style = if warns { Style::new().fg(Color::Yellow) } else { Style::new() };
        lines.extend(wrap(told, columns, 2).into_iter().map(|line| Line::styled(line, style)));
    }
    lines.retain(|line| line.width() > 0);
    lines
}

fn title(seen: &Seen, place: &str, columns: usize) -> Line<'static> {
    let end = if place.is_empty() { String::new() } else { format!("  {place}") };
    let state = seen.state.name();
    let room = columns.saturating_sub(width(state) + 2 + width(&end));
    let name = shorten(&seen.name, room);
    let gap = columns.saturating_sub(width(&name) + width(state) + width(&end)).min(2);
    Line::from_iter([
        Span::styled(name, Style::new().add_modifier(Modifier::BOLD)),
        Span::raw(" ".repeat(gap)),
        Span::styled(state.to_owned(), style_of(seen.state)),
        Span::raw(end),
    ])
}

fn progress(seen: &Seen, columns: usize) -> Vec<Line<'static>> {
    let of = |made: u64, all: Option<u64>| all.map_or(made.to_string(), |all| format!("{made} of {all}"));
    let mut lines = Vec::new();
    if let Some(share) = share(seen) {
        let percent = percent(share);
        let room = columns.saturating_sub(width(&percent) + 2).min(60);
        lines.push(fit([(bar(share, room), Style::new().fg(Color::Green)), plain(percent)], columns));
    }
    let left = match (seen.left, seen.state) {
        (Some(left), _) => format!("{} left", time(left)),
        (None, State::Running) if seen.presentations.is_some() => "time left not yet known".into(),
        _ => String::new(),
    };
    // What matters most comes first: what does not fit is left out.
    lines.push(fit(
        [
            head(left),
            plain(format!("epoch {}", of(seen.epoch, seen.epochs))),
            plain(format!("presentation {}", of(seen.presentation, seen.presentations))),
            plain(seen.rate.map_or(String::new(), |rate| format!("{}/s", number(rate)))),
        ],
        columns,
    ));
    lines
}

fn checkpoint(seen: &Seen, columns: usize) -> Line<'static> {
    let Some(point) = seen.checkpoint else { return fit([plain("no checkpoint yet")], columns) };
    let age = point.age.map_or("before the watch began".into(), |age| format!("{} ago", time(age)));
    let parts = [
        plain(format!("checkpoint {age}")),
        plain(format!("at presentation {}", point.presentation)),
        plain(point.best.map_or(String::new(), |epoch| format!("best epoch {epoch}"))),
    ];
    fit(parts, columns)
}

/// Name, value, curve and best value of each of the main curves.
fn curves(seen: &Seen, columns: usize) -> Vec<Line<'static>> {
    let list = MAIN.iter().filter_map(|name| seen.curves.iter().find(|curve| curve.name == *name));
    let rows = list.map(|curve| {
        let best = curve.range.0;
        let remark = if best.is_finite() { format!("best {}", number(best)) } else { String::new() };
        Row { name: curve.name.clone(), value: number(curve.last.1), points: &curve.points, remark }
    });
    table(&rows.collect::<Vec<_>>(), columns)
}

/// A heading, and for each layer its value, a bar, and its curve. A bar is as long as the root of the value, so that it
/// compares potentials, against the largest that there was.
fn layers(seen: &Seen, name: &str, words: &str, columns: usize) -> Vec<Line<'static>> {
    let of = |curve: &&Curve| curve.name.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
    let list: Vec<&Curve> = seen.curves.iter().filter(of).collect();
    if list.is_empty() {
        return Vec::new();
    }
    let largest = list.iter().map(|curve| curve.range.1).fold(0.0, f64::max);
    let numbers: Vec<String> = list.iter().map(|curve| number(curve.last.1)).collect();
    let wide = numbers.iter().map(|text| width(text)).max().unwrap_or(0);
    let room = (columns / 3).clamp(6, 40);
    let mut lines = vec![fit([head(words)], columns)];
    let rows = list.iter().zip(&numbers).map(|(curve, number)| {
        let share = if largest > 0.0 { (curve.last.1 / largest).sqrt() } else { 0.0 };
        let layer = curve.name.rsplit('.').next().unwrap_or_default();
        let value = format!("{} {}", pad(number, wide), bar(share, room));
        Row { name: format!(" {layer}"), value, points: &curve.points, remark: String::new() }
    });
    lines.extend(table(&rows.collect::<Vec<_>>(), columns));
    lines
}

/// A row of a page's tables.
struct Row<'a> {
    name: String,
    value: String,
    points: &'a [(u64, f64)],
    remark: String,
}

/// Rows of a name, a value, a curve and a remark. Names and values align; the curve takes what is left of the line if that
/// is enough to see something.
fn table(rows: &[Row<'_>], columns: usize) -> Vec<Line<'static>> {
    let widest = |of: fn(&Row<'_>) -> usize| rows.iter().map(of).max().unwrap_or(0);
    let (names, values, remarks) =
        (widest(|row| width(&row.name)), widest(|row| width(&row.value)), widest(|row| width(&row.remark)));
    let left = columns.saturating_sub(names + values + 4);
    let remarks_fit = remarks > 0 && left >= remarks + 2 + NARROWEST;
    let room = (if remarks_fit { left - remarks - 2 } else { left }).min(60);
    let longest = rows.iter().map(|row| row.points.len()).max().unwrap_or(0).min(room);
    let line = |row: &Row<'_>| {
        let curve = if room >= NARROWEST { pad(&sparkline(row.points, room), longest) } else { String::new() };
        let remark = if remarks_fit { row.remark.clone() } else { String::new() };
        let curve = (curve, Style::new().fg(Color::Blue));
        fit([plain(pad(&row.name, names)), head(pad(&row.value, values)), curve, plain(remark)], columns)
    };
    rows.iter().map(line).collect()
}
