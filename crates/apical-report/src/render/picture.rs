//! An image of values within its axes, and the bar that says what its colours mean.

use super::layout::{Frame, GAP, place, tick_text};
use super::{Anchor, Shape, Text, font};
use crate::figure::{Image, Panel, Scale};
use crate::theme::{self, AXIS_WIDTH, LABEL_SIZE, TICK_LENGTH, TICK_SIZE};
use crate::ticks::{Ticks, ticks};

/// Width of the bar, and its distance from the axes.
const BAR: (f64, f64) = (5.0, 6.0);
/// Steps of colour in the bar.
const STEPS: usize = 64;
/// Numbers in cells are no smaller.
const SMALLEST_TEXT: f64 = 4.5;

/// Room that the bar needs to the right of the axes, with its labels.
pub fn bar_width(image: &Image, height: f64) -> f64 {
    let Some(marks) = marks(image, height) else { return 0.0 };
    let widest = marks.major.iter().map(|(_, l)| tick_text(l, (0.0, 0.0), Anchor::Start).width()).fold(0.0, f64::max);
    BAR.1 + BAR.0 + TICK_LENGTH + GAP + widest + if image.label.is_empty() { 0.0 } else { GAP + LABEL_SIZE }
}

/// Room that the bar needs above the axes, for a power of ten.
pub fn bar_top(image: &Image, height: f64) -> f64 {
    if marks(image, height).is_some_and(|m| m.multiplier.is_some()) { TICK_SIZE + GAP } else { 0.0 }
}

fn marks(image: &Image, height: f64) -> Option<Ticks> {
    let (low, high) = image.colours.range().filter(|_| image.bar)?;
    (low < high).then(|| ticks(Scale::Linear, low, high, (height / 18.0) as usize))
}

/// The cells.
pub fn draw(
    shapes: &mut Vec<Shape>,
    panel: &Panel,
    image: &Image,
    x_at: &dyn Fn(f64) -> f64,
    y_at: &dyn Fn(f64) -> f64,
) {
    let (columns, rows) = (image.columns.max(1), image.rows());
    let (left, right, top, bottom) = (x_at(image.x.0), x_at(image.x.1), y_at(image.y.1), y_at(image.y.0));
    let inside = [left, right, top, bottom].iter().all(|v| v.abs() < 1e5);
    if rows == 0 || !inside || right <= left || bottom <= top {
        return;
    }
    let colour = |v: f64| if panel.bare && v.is_nan() { [255; 3] } else { image.colours.rgb(v) };
    let cells = (0..rows).rev().flat_map(|row| &image.values[row * columns..(row + 1) * columns]);
    let cells = cells.map(|&v| colour(v)).collect();
    shapes.push(Shape::Image { at: (left, top), size: (right - left, bottom - top), columns, cells });
    let (width, height) = ((right - left) / columns as f64, (bottom - top) / rows as f64);
    for ((text, &value), (x, y, _)) in image.texts.iter().zip(&image.values).zip(image.cells()) {
        let size = (0.5 * height).min(0.88 * width / font::width(text, 1.0).max(0.1)).min(TICK_SIZE);
        if size >= SMALLEST_TEXT && !text.is_empty() {
            let at = (x_at(x), y_at(y) + size * font::CAPITAL / 2.0);
            let text = Text::new(at, size, Anchor::Middle, text.clone());
            shapes.push(Shape::Text(Text { colour: image.colours.ink(value), ..text }));
        }
    }
}

/// The bar to the right of the axes.
pub fn draw_bar(shapes: &mut Vec<Shape>, image: &Image, frame: Frame) {
    let height = frame.bottom - frame.top;
    let (Some(marks), Some((low, high))) = (marks(image, height), image.colours.range()) else { return };
    let (left, right) = (frame.right + BAR.1, frame.right + BAR.1 + BAR.0);
    let value = |i: usize| high + (low - high) * (i as f64 + 0.5) / STEPS as f64;
    let cells = (0..STEPS).map(|i| image.colours.rgb(value(i))).collect();
    shapes.push(Shape::Image { at: (left, frame.top), size: (BAR.0, height), columns: 1, cells });
    let corners =
        vec![(left, frame.top), (right, frame.top), (right, frame.bottom), (left, frame.bottom), (left, frame.top)];
    shapes.push(line(corners));
    let mut widest = 0.0f64;
    for (v, label) in &marks.major {
        let y = frame.bottom - place(Scale::Linear, (low, high), *v) * height;
        shapes.push(line(vec![(right, y), (right + TICK_LENGTH, y)]));
        let at = (right + TICK_LENGTH + GAP, y + TICK_SIZE * font::CAPITAL / 2.0);
        let text = tick_text(label, at, Anchor::Start);
        widest = widest.max(text.width());
        shapes.push(Shape::Text(text));
    }
    if let Some(multiplier) = &marks.multiplier {
        shapes.push(Shape::Text(tick_text(multiplier, (left, frame.top - GAP), Anchor::Start)));
    }
    let label = font::fit(&image.label, LABEL_SIZE, height + TICK_SIZE);
    let at = (right + TICK_LENGTH + 2.0 * GAP + widest + LABEL_SIZE * font::CAPITAL, (frame.top + frame.bottom) / 2.0);
    shapes.push(Shape::Text(Text { upright: true, ..Text::new(at, LABEL_SIZE, Anchor::Middle, label) }));
}

fn line(points: Vec<(f64, f64)>) -> Shape {
    Shape::Path { points, colour: theme::INK.to_owned(), width: AXIS_WIDTH, dash: crate::Dash::Solid }
}
