//! A figure's place on paper: margins follow from the measured labels, so that none is cut and none meets another.

use super::{Anchor, Scene, Script, Shape, Text, font, picture};
use crate::decimate::{MOST_POINTS, decimate};
use crate::figure::{Axis, Band, Dash, Figure, Image, Key, Line, Panel, Scale};
use crate::theme::{self, AXIS_WIDTH, LABEL_SIZE, TICK_LENGTH, TICK_SIZE};
use crate::ticks::{Label, Ticks, ticks};

/// Paper left free around everything.
const MARGIN: f64 = 3.0;
/// Between panels.
const GUTTER: f64 = 10.0;
/// Between an axis and its tick labels, and between these and the axis label.
pub(super) const GAP: f64 = 2.5;
/// Least distance between two tick labels on the horizontal axis.
const LABEL_GAP: f64 = 7.0;
/// Length of a line's sample in the legend; between it and its name; between two entries.
const SAMPLE: (f64, f64, f64) = (14.0, 3.0, 9.0);
/// Lines of more points are drawn finer.
const DENSE: usize = 300;
/// Height of a row of the legend, and of the title.
const ROW: f64 = 9.5;

/// Room that one panel needs beside its axes.
struct Need {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    /// Height of the labels below the axis, and whether they stand upright.
    labels: (f64, bool),
    x_range: (f64, f64),
    y_range: (f64, f64),
    y_ticks: Ticks,
    legend: Vec<Vec<(f64, Key)>>,
}

/// A rectangle, the axes of a panel.
#[derive(Clone, Copy)]
pub(super) struct Frame {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

/// The figure as shapes and texts.
pub fn scene(figure: &Figure) -> Scene {
    let width = clamp(figure.width_mm, 40.0, 1000.0) * theme::POINTS_PER_MM;
    let height = clamp(figure.axes_height_mm, 10.0, 1000.0) * theme::POINTS_PER_MM;
    let columns = figure.columns.clamp(1, figure.panels.len().clamp(1, 8));
    let cell = (width - 2.0 * MARGIN - GUTTER * (columns - 1) as f64) / columns as f64;
    let mut height = height;
    let mut needs: Vec<Need> = figure.panels.iter().map(|panel| need(panel, cell, height)).collect();
    // Where a panel is to be square, none is higher than it is wide.
    let squares = figure.panels.iter().zip(&needs).filter(|(panel, _)| panel.square);
    let narrowest = squares.map(|(_, n)| cell - n.left - n.right).fold(f64::INFINITY, f64::min);
    if narrowest < height {
        height = narrowest.max(10.0);
        needs = figure.panels.iter().map(|panel| need(panel, cell, height)).collect();
    }
    // Axes of one column begin and end at the same place, axes of one row have the same height.
    let most = |of: fn(&Need) -> f64, belongs: &dyn Fn(usize) -> bool| {
        needs.iter().enumerate().filter(|(i, _)| belongs(*i)).map(|(_, n)| of(n)).fold(0.0, f64::max)
    };
    let mut shapes = Vec::new();
    let mut top = MARGIN;
    for row in 0..needs.len().div_ceil(columns) {
        let above = most(|n| n.top, &|i| i / columns == row);
        let below = most(|n| n.bottom, &|i| i / columns == row);
        for (i, need) in needs.iter().enumerate().skip(row * columns).take(columns) {
            let column = i % columns;
            let start = MARGIN + column as f64 * (cell + GUTTER);
            let mut frame = Frame {
                left: start + most(|n| n.left, &|j| j % columns == column),
                right: start + cell - most(|n| n.right, &|j| j % columns == column),
                top: top + above,
                bottom: top + above + height,
            };
            if figure.panels[i].square {
                frame.right = frame.right.min(frame.left + height);
            }
            draw(&mut shapes, &figure.panels[i], need, frame, start, top);
        }
        top += above + height + below + GUTTER;
    }
    let title: Vec<String> = figure.panels.iter().map(title).collect();
    let bottom = if needs.is_empty() { height } else { top - GUTTER + MARGIN };
    Scene { width, height: bottom, title: title.join("; "), shapes }
}

/// A panel in words.
fn title(panel: &Panel) -> String {
    let parts = match &panel.image {
        Some(image) => vec![panel.title.clone(), image.label.clone()],
        None => vec![panel.title.clone(), format!("{} over {}", panel.y.text(), panel.x.text())],
    };
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ")
}

/// Within the bounds, also where the value is no number.
fn clamp(value: f64, low: f64, high: f64) -> f64 {
    if value.is_nan() { low } else { value.clamp(low, high) }
}

fn need(panel: &Panel, cell: f64, height: f64) -> Need {
    let bands = panel.bands.iter().flat_map(|b| b.points().flat_map(|(x, low, high)| [(x, low), (x, high)]));
    let shown: Vec<(f64, f64)> = panel.lines.iter().flat_map(Line::points).chain(bands).collect();
    let edges = |of: fn(&Image) -> (f64, f64)| panel.image.iter().map(of).find(|(low, high)| low < high);
    let x_range = edges(|image| image.x)
        .filter(|_| panel.x.range.is_none())
        .unwrap_or_else(|| range(&panel.x, shown.iter().filter(|p| panel.y.shows(p.1)).map(|p| p.0), 0.0));
    let y_range = edges(|image| image.y)
        .filter(|_| panel.y.range.is_none())
        .unwrap_or_else(|| range(&panel.y, shown.iter().map(|p| p.1), 0.05));
    let y_ticks = vertical_ticks(panel, y_range, height);
    let widest = y_ticks.major.iter().map(|(_, l)| tick_text(l, (0.0, 0.0), Anchor::End).width()).fold(0.0, f64::max);
    let bar = panel
        .image
        .as_ref()
        .map_or((0.0, 0.0), |image| (picture::bar_width(image, height), picture::bar_top(image, height)));
    if panel.bare {
        let legend = flow(panel.keys(), cell);
        let rows = legend.len() + usize::from(!panel.title.is_empty());
        let (top, right) = (ROW * rows as f64 + bar.1, bar.0 + 1.0);
        return Need { left: 0.0, right, top, bottom: 1.0, labels: (0.0, false), x_range, y_range, y_ticks, legend };
    }
    let left = TICK_LENGTH + GAP + widest + if panel.y.text().is_empty() { 0.0 } else { GAP + LABEL_SIZE };
    let length = if panel.square { height.min(cell - left - bar.0) } else { cell - left - bar.0 };
    let upright = upright(panel, length);
    let x_ticks = horizontal_ticks(panel, x_range, length, upright);
    let width = |(_, l): &(f64, Label)| tick_text(l, (0.0, 0.0), Anchor::Middle).width();
    let labels = if upright { x_ticks.major.iter().map(width).fold(TICK_SIZE, f64::max) } else { TICK_SIZE };
    // The last label may reach beyond the axes by half its length.
    let right = if upright { TICK_SIZE } else { x_ticks.major.last().map_or(0.0, width) } / 2.0;
    let right = right.max(bar.0);
    let legend = flow(panel.keys(), cell);
    let has_title = !panel.title.is_empty() as usize as f64;
    let multiplier = if y_ticks.multiplier.is_some() { ROW } else { bar.1 };
    let top = ROW * (has_title + legend.len() as f64) + multiplier + TICK_SIZE / 2.0;
    let x_label = if panel.x.text().is_empty() && x_ticks.multiplier.is_none() { 0.0 } else { GAP + LABEL_SIZE };
    let bottom = TICK_LENGTH + GAP + labels + x_label + 1.0;
    Need { left, right, top, bottom, labels: (labels, upright), x_range, y_range, y_ticks, legend }
}

/// First and last value of an axis: as given, or those of the data with `pad` of their span added at both ends.
fn range(axis: &Axis, values: impl Iterator<Item = f64>, pad: f64) -> (f64, f64) {
    let ends = |(low, high): (f64, f64), v: f64| (low.min(v), high.max(v));
    let found = values.filter(|v| axis.shows(*v)).fold((f64::INFINITY, f64::NEG_INFINITY), ends);
    let given = axis.range.filter(|(low, high)| axis.shows(*low) && axis.shows(*high) && low < high);
    if let Some(given) = given {
        return given;
    }
    if axis.scale == Scale::Log {
        let (low, high) = if found.0 > found.1 { (0.1, 10.0) } else { found };
        // A log axis shows at least one decade.
        let lack = ((1.0 - (high / low).log10()) / 2.0).max(0.0);
        let pad = 10f64.powf(lack + pad * ((high / low).log10() + 2.0 * lack));
        return ((low / pad).max(1e-295), (high * pad).min(1e295));
    }
    let (low, high) = if found.0 > found.1 { (0.0, 1.0) } else { found };
    let least = (low.abs().max(high.abs()) * 1e-9).max(1e-290);
    if high - low < least {
        let half = if high == 0.0 { 0.5 } else { high.abs() * 0.1 + least };
        return (low - half, high + half);
    }
    let spare = pad * (high - low);
    // What is never negative is not shown as if it could be, and an axis that nearly reaches zero begins there.
    let below = if low >= 0.0 && low < 0.25 * (high - low) { 0.0 } else { low - spare };
    (below, high + spare)
}

/// Labels of the vertical axis, and of the horizontal one where they stand upright, are no longer than this.
const LONGEST_NAME: f64 = 60.0;

fn vertical_ticks(panel: &Panel, range: (f64, f64), height: f64) -> Ticks {
    if panel.y.names.is_empty() {
        return ticks(panel.y.scale, range.0, range.1, (height / 18.0) as usize);
    }
    let most = (height / (TICK_SIZE + 1.0)) as usize;
    named(&panel.y, range, &|name| font::fit(name, TICK_SIZE, LONGEST_NAME), most)
}

/// As many names of values in view as may stand side by side.
fn named(axis: &Axis, (low, high): (f64, f64), fit: &dyn Fn(&str) -> String, most: usize) -> Ticks {
    let shown: Vec<&(f64, String)> = axis.names.iter().filter(|(v, _)| *v >= low && *v <= high).collect();
    let every = shown.len().div_ceil(most.max(1)).max(1);
    let label = |(v, name): &(f64, String)| (*v, Label { base: fit(name), power: String::new() });
    Ticks { major: shown.into_iter().step_by(every).map(label).collect(), minor: Vec::new(), multiplier: None }
}

/// Names stand upright where side by side they would be cut or left out. Of counts some may be left out.
fn upright(panel: &Panel, length: f64) -> bool {
    let names = &panel.x.names;
    let widest = names.iter().map(|(_, name)| font::width(name, TICK_SIZE)).fold(0.0, f64::max);
    let counts = names.iter().all(|(at, name)| name.parse::<f64>() == Ok(*at));
    // The axes end where the last name, which reaches beyond them by half its length, still has room.
    !counts && widest + 2.0 > (length - widest / 2.0) / names.len() as f64
}

/// As many ticks as fit side by side.
fn horizontal_ticks(panel: &Panel, range: (f64, f64), length: f64, upright: bool) -> Ticks {
    if upright {
        let most = (length / (TICK_SIZE + 1.0)) as usize;
        return named(&panel.x, range, &|name| font::fit(name, TICK_SIZE, LONGEST_NAME), most);
    }
    if !panel.x.names.is_empty() {
        let widest = panel.x.names.iter().map(|(_, n)| font::width(n, TICK_SIZE)).fold(0.0, f64::max);
        // Names that are too long for their place are cut before every second one is left out.
        let pitch = (length / panel.x.names.len() as f64 - 2.0).max(14.0);
        let room = widest.min(pitch);
        return named(&panel.x, range, &|name| font::fit(name, TICK_SIZE, room), (length / (room + 2.0)) as usize);
    }
    let mut count = ((length / 26.0) as usize).clamp(2, 12);
    loop {
        let found = ticks(panel.x.scale, range.0, range.1, count);
        let ends: Vec<(f64, f64)> = (found.major.iter())
            .map(|(v, l)| {
                (place(panel.x.scale, range, *v) * length, tick_text(l, (0.0, 0.0), Anchor::Middle).width() / 2.0)
            })
            .collect();
        if count <= 2 || ends.windows(2).all(|w| w[0].0 + w[0].1 + LABEL_GAP <= w[1].0 - w[1].1) {
            return found;
        }
        count -= 1;
    }
}

/// Entries of a legend in rows no wider than `most`, each with its distance from the row's start.
fn flow(keys: Vec<Key>, most: f64) -> Vec<Vec<(f64, Key)>> {
    let mut rows: Vec<Vec<(f64, Key)>> = Vec::new();
    let mut end = f64::INFINITY;
    for mut key in keys {
        key.name = font::fit(&key.name, TICK_SIZE, most - SAMPLE.0 - SAMPLE.1);
        let length = SAMPLE.0 + SAMPLE.1 + font::width(&key.name, TICK_SIZE);
        if end + length > most {
            rows.push(Vec::new());
            end = 0.0;
        }
        // The line above has made the first row.
        if let Some(row) = rows.last_mut() {
            row.push((end, key));
        }
        end += length + SAMPLE.2;
    }
    rows
}

/// Where a value stands between the ends of its axis, 0 to 1 if it is within.
pub(super) fn place(scale: Scale, (low, high): (f64, f64), value: f64) -> f64 {
    match scale {
        // Halves keep the difference of huge ends finite.
        Scale::Linear => (value / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0),
        Scale::Log => (value.ln() - low.ln()) / (high.ln() - low.ln()),
    }
}

pub(super) fn tick_text(label: &Label, at: (f64, f64), anchor: Anchor) -> Text {
    Text::new(at, TICK_SIZE, anchor, label.base.clone()).with(Script::Super, label.power.clone())
}

fn stroke(points: Vec<(f64, f64)>, colour: &str, width: f64) -> Shape {
    Shape::Path { points, colour: colour.to_owned(), width, dash: Dash::Solid }
}

fn draw(shapes: &mut Vec<Shape>, panel: &Panel, need: &Need, frame: Frame, start: f64, top: f64) {
    let x_ticks = horizontal_ticks(panel, need.x_range, frame.right - frame.left, need.labels.1);
    let x_at = |v: f64| frame.left + place(panel.x.scale, need.x_range, v) * (frame.right - frame.left);
    let y_at = |v: f64| frame.bottom - place(panel.y.scale, need.y_range, v) * (frame.bottom - frame.top);

    let mut inner = Vec::new();
    if let Some(image) = &panel.image {
        picture::draw(&mut inner, panel, image, &x_at, &y_at);
        picture::draw_bar(shapes, image, frame);
    }
    for (v, _) in need.y_ticks.major.iter().filter(|_| panel.image.is_none() && !panel.bare) {
        shapes.push(stroke(vec![(frame.left, y_at(*v)), (frame.right, y_at(*v))], theme::GRID, theme::GRID_WIDTH));
    }
    for band in &panel.bands {
        draw_band(&mut inner, panel, band, &x_at, &y_at);
    }
    for &level in panel.levels.iter().filter(|&&level| panel.y.shows(level)) {
        let y = y_at(level).clamp(-1e5, 1e5);
        let (points, colour) = (vec![(frame.left, y), (frame.right, y)], theme::INK.to_owned());
        inner.push(Shape::Path { points, colour, width: AXIS_WIDTH, dash: Dash::Dashed });
    }
    for line in &panel.lines {
        draw_line(&mut inner, panel, line, &x_at, &y_at);
    }
    // Lines at the very edge keep their width, dots their roundness.
    let r = theme::DOT_RADIUS;
    shapes.push(Shape::Clipped((frame.left - r, frame.top - r, frame.right + r, frame.bottom + r), inner));

    if !panel.bare {
        draw_axes(shapes, panel, need, &x_ticks, frame, start, (&x_at, &y_at));
    }

    let mut base = top + LABEL_SIZE * font::CAPITAL;
    if !panel.title.is_empty() {
        let title = font::fit(&panel.title, LABEL_SIZE, frame.right - start);
        shapes.push(Shape::Text(Text::new((start, base), LABEL_SIZE, Anchor::Start, title)));
        base += ROW;
    }
    for row in &need.legend {
        // The row stands flush with the axes if it is short enough, else it uses the whole width of the panel.
        let length = row.last().map_or(0.0, |(x, key)| x + SAMPLE.0 + SAMPLE.1 + font::width(&key.name, TICK_SIZE));
        let begin = frame.left.min(frame.right - length).max(start);
        for (x, key) in row {
            draw_key(shapes, key, (begin + x, base));
        }
        base += ROW;
    }
}

/// Axes with ticks and labels.
fn draw_axes(
    shapes: &mut Vec<Shape>,
    panel: &Panel,
    need: &Need,
    x_ticks: &Ticks,
    frame: Frame,
    start: f64,
    (x_at, y_at): (&dyn Fn(f64) -> f64, &dyn Fn(f64) -> f64),
) {
    let corner = vec![(frame.left, frame.top), (frame.left, frame.bottom), (frame.right, frame.bottom)];
    shapes.push(stroke(corner, theme::INK, AXIS_WIDTH));
    for (v, label) in &x_ticks.major {
        let x = x_at(*v);
        shapes.push(stroke(vec![(x, frame.bottom), (x, frame.bottom + TICK_LENGTH)], theme::INK, AXIS_WIDTH));
        let top = frame.bottom + TICK_LENGTH + GAP;
        shapes.push(Shape::Text(if need.labels.1 {
            let text = tick_text(label, (x + TICK_SIZE * font::CAPITAL / 2.0, top), Anchor::End);
            Text { upright: true, ..text }
        } else {
            tick_text(label, (x, top + TICK_SIZE * font::CAPITAL), Anchor::Middle)
        }));
    }
    for v in &x_ticks.minor {
        shapes.push(stroke(
            vec![(x_at(*v), frame.bottom), (x_at(*v), frame.bottom + TICK_LENGTH / 2.0)],
            theme::INK,
            AXIS_WIDTH,
        ));
    }
    for (v, label) in &need.y_ticks.major {
        let y = y_at(*v);
        shapes.push(stroke(vec![(frame.left - TICK_LENGTH, y), (frame.left, y)], theme::INK, AXIS_WIDTH));
        let at = (frame.left - TICK_LENGTH - GAP, y + TICK_SIZE * font::CAPITAL / 2.0);
        shapes.push(Shape::Text(tick_text(label, at, Anchor::End)));
    }
    for v in &need.y_ticks.minor {
        shapes.push(stroke(
            vec![(frame.left - TICK_LENGTH / 2.0, y_at(*v)), (frame.left, y_at(*v))],
            theme::INK,
            AXIS_WIDTH,
        ));
    }
    let below = frame.bottom + TICK_LENGTH + 2.0 * GAP + need.labels.0 + LABEL_SIZE * font::CAPITAL;
    let multiplier_width =
        x_ticks.multiplier.as_ref().map_or(0.0, |m| tick_text(m, (0.0, 0.0), Anchor::End).width() + GAP);
    if let Some(m) = &x_ticks.multiplier {
        shapes.push(Shape::Text(tick_text(m, (frame.right, below), Anchor::End)));
    }
    let x_label = font::fit(&panel.x.text(), LABEL_SIZE, frame.right - frame.left - 2.0 * multiplier_width);
    shapes.push(Shape::Text(Text::new(((frame.left + frame.right) / 2.0, below), LABEL_SIZE, Anchor::Middle, x_label)));
    if let Some(m) = &need.y_ticks.multiplier {
        shapes.push(Shape::Text(tick_text(m, (frame.left, frame.top - TICK_SIZE / 2.0 - GAP), Anchor::Start)));
    }
    // A label longer than the axes may use the room above and below, on both sides alike.
    let y_label = font::fit(&panel.y.text(), LABEL_SIZE, frame.bottom - frame.top + 2.0 * TICK_SIZE);
    let at = (start + LABEL_SIZE * font::CAPITAL, (frame.top + frame.bottom) / 2.0);
    shapes.push(Shape::Text(Text { upright: true, ..Text::new(at, LABEL_SIZE, Anchor::Middle, y_label) }));
}

fn dot(at: (f64, f64), colour: &str) -> Shape {
    Shape::Disc { at, radius: theme::DOT_RADIUS, fill: colour.to_owned(), colour: colour.to_owned(), width: 0.0 }
}

fn ring(at: (f64, f64), colour: &str) -> Shape {
    let (radius, width) = (theme::DOT_RADIUS, 0.8);
    Shape::Disc { at, radius, fill: theme::PAPER.to_owned(), colour: colour.to_owned(), width }
}

fn draw_key(shapes: &mut Vec<Shape>, key: &Key, (x, base): (f64, f64)) {
    let middle = base - TICK_SIZE * font::CAPITAL / 2.0;
    let colour = key.colour.map_or(theme::INK, theme::colour).to_owned();
    let at = (x + SAMPLE.0 / 2.0, middle);
    shapes.push(match key.dash {
        Dash::Points => dot(at, &colour),
        Dash::Rings => ring(at, &colour),
        dash => {
            let points = vec![(x, middle), (x + SAMPLE.0, middle)];
            Shape::Path { points, colour, width: theme::LINE_WIDTH * 1.3, dash }
        }
    });
    let at = (x + SAMPLE.0 + SAMPLE.1, base);
    shapes.push(Shape::Text(Text::new(at, TICK_SIZE, Anchor::Start, key.name.clone())));
}

fn draw_band(
    shapes: &mut Vec<Shape>,
    panel: &Panel,
    band: &Band,
    x_at: &dyn Fn(f64) -> f64,
    y_at: &dyn Fn(f64) -> f64,
) {
    let is_shown = |&(x, low, high): &(f64, f64, f64)| panel.x.shows(x) && panel.y.shows(low) && panel.y.shows(high);
    let all: Vec<(f64, f64, f64)> = band.points().collect();
    let heights: Vec<f64> = all.iter().map(|p| if is_shown(p) { p.2 } else { f64::NAN }).collect();
    let points: Vec<(f64, f64, f64)> = decimate(&heights, MOST_POINTS).into_iter().map(|i| all[i]).collect();
    for piece in points.split(|p| !is_shown(p)).filter(|piece| piece.len() > 1) {
        let place = |x: f64, y: f64| (x_at(x).clamp(-1e5, 1e5), y_at(y).clamp(-1e5, 1e5));
        let there = piece.iter().map(|&(x, low, _)| place(x, low));
        let back = piece.iter().rev().map(|&(x, _, high)| place(x, high));
        let fill = theme::colour(band.colour).to_owned();
        shapes.push(Shape::Area { points: there.chain(back).collect(), fill, opacity: theme::BAND_OPACITY });
    }
}

fn draw_line(
    shapes: &mut Vec<Shape>,
    panel: &Panel,
    line: &Line,
    x_at: &dyn Fn(f64) -> f64,
    y_at: &dyn Fn(f64) -> f64,
) {
    let shown: Vec<(f64, f64)> = (line.points())
        .map(|(x, y)| if panel.x.shows(x) && panel.y.shows(y) { (x, y) } else { (f64::NAN, f64::NAN) })
        .collect();
    let heights: Vec<f64> = shown.iter().map(|p| p.1).collect();
    let points: Vec<(f64, f64)> = decimate(&heights, MOST_POINTS).into_iter().map(|i| shown[i]).collect();
    let colour = theme::colour(line.colour).to_owned();
    for piece in points.split(|p| p.1.is_nan()).filter(|piece| !piece.is_empty()) {
        // Points far outside a given range are held near it, so that coordinates stay within what SVG readers take.
        let places: Vec<(f64, f64)> =
            piece.iter().map(|&(x, y)| (x_at(x).clamp(-1e5, 1e5), y_at(y).clamp(-1e5, 1e5))).collect();
        if line.dash == Dash::Rings {
            shapes.extend(places.into_iter().map(|at| ring(at, &colour)));
        } else if line.dash == Dash::Points || places.len() == 1 {
            shapes.extend(places.into_iter().map(|at| dot(at, &colour)));
        } else {
            let width = if heights.len() > DENSE { theme::DENSE_LINE_WIDTH } else { theme::LINE_WIDTH };
            shapes.push(Shape::Path { points: places, colour: colour.clone(), width, dash: line.dash });
        }
    }
}
