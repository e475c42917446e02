//! Hundreds of configs at a glance: a line for each across an axis per key, and which keys matter for what they come to. Runs
//! that differ in their seed alone count as their mean.

use super::curves::judged;
use super::overlay::{Runs, span_scale};
use super::sweep::{EARLY, alike, all_alike, ascend, short};
use super::{Drawn, Options, Refusal, importance, missing};
use crate::colour::{Colours, hex};
use crate::csv::{field, number};
use crate::figure::{Dash, Scale};
use crate::render::{Anchor, Scene, Script, Shape, Text, font};
use crate::theme::{
    self, AXIS_WIDTH, LABEL_SIZE, LINE_WIDTH, ONE_AND_A_HALF_COLUMNS, ONE_COLUMN, POINTS_PER_MM, TICK_SIZE, TWO_COLUMNS,
};
use crate::ticks::ticks;
use std::fmt::Write as _;

/// Paper left free around everything.
const MARGIN: f64 = 3.0;
/// Height of the axes, and of a line of names above them.
const HEIGHT: f64 = 120.0;
const ROW: f64 = 12.0;
/// An axis has no less room than this.
const NARROWEST: f64 = 18.0;
/// The palest line is this far from white.
const PALEST: f64 = 0.18;
/// What did not come to its end.
const PALE: &str = "#bbbbbb";
/// So many values have each its own place and name; more are an axis of numbers.
const FEW: usize = 6;
/// Of fewer configs a forest cannot be made.
const FEWEST: usize = 4;

/// A key in which configs differ, with the value of each: NaN where it has none.
pub(super) struct Column {
    pub key: String,
    pub values: Vec<f64>,
    /// Names of the values 0, 1, ... where these are no numbers.
    pub names: Vec<String>,
}

/// Configs as a table.
struct Trials {
    label: String,
    unit: &'static str,
    /// The lower a score the better.
    minimise: bool,
    columns: Vec<Column>,
    /// The mean of what its runs came to; NaN where one failed.
    scores: Vec<f64>,
    /// The epoch after which one was ended early, which is that of the score.
    early: Vec<Option<u64>>,
}

impl Trials {
    /// Scores of which the lower are the better.
    fn costs(&self) -> Vec<f64> {
        let sign = if self.minimise { 1.0 } else { -1.0 };
        self.scores.iter().map(|score| sign * score).collect()
    }
}

/// `common`: all are judged at the last epoch that all came to, since some were ended early.
fn trials(runs: &Runs, options: &Options, common: bool) -> Result<Trials, Refusal> {
    if runs.groups.differing.is_empty() {
        return Err(alike(runs));
    }
    let epoch = runs.common_epoch();
    let by = judged(runs, options)?.by(epoch.filter(|_| common || all_alike(runs)));
    let columns = runs.groups.differing.iter().enumerate().map(|(k, key)| column(key, &texts(runs, k))).collect();
    let early: Vec<Option<u64>> = (0..runs.count()).map(|group| runs.early(group).filter(|_| !common)).collect();
    let mut scores = Vec::new();
    for (group, early) in early.iter().enumerate() {
        let found = by.scores(runs, group, if common { epoch } else { *early })?;
        scores.push(found.iter().sum::<f64>() / found.len() as f64);
    }
    Ok(Trials { label: by.label, unit: by.unit, minimise: by.ranking.minimise, columns, scores, early })
}

/// What a key has in each config.
fn texts(runs: &Runs, key: usize) -> Vec<&str> {
    runs.groups.all_values.iter().map(|row| row[key].as_str()).collect()
}

fn column(key: &str, texts: &[&str]) -> Column {
    let given = || texts.iter().filter(|text| !text.is_empty());
    if given().all(|text| one_number(text).is_some()) {
        let values: Vec<f64> = texts.iter().map(|text| one_number(text).unwrap_or(f64::NAN)).collect();
        let mut distinct: Vec<f64> = values.iter().copied().filter(|v| !v.is_nan()).collect();
        distinct.sort_by(f64::total_cmp);
        distinct.dedup();
        if distinct.len() > FEW {
            return Column { key: key.to_owned(), values, names: Vec::new() };
        }
        let place = |v: f64| distinct.iter().position(|d| *d == v).map_or(f64::NAN, |i| i as f64);
        let values = values.into_iter().map(place).collect();
        return Column { key: key.to_owned(), values, names: distinct.iter().map(|v| number(*v)).collect() };
    }
    let mut names: Vec<String> = Vec::new();
    for text in given() {
        if !names.iter().any(|name| name == text) {
            names.push((*text).to_owned());
        }
    }
    ascend(&mut names);
    let place = |text: &&str| names.iter().position(|name| name == text).map_or(f64::NAN, |i| i as f64);
    Column { key: key.to_owned(), values: texts.iter().map(place).collect(), names }
}

/// A number, or an array of one number for all layers.
fn one_number(text: &str) -> Option<f64> {
    let inside = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
    let mut parts = inside.split(',').map(|part| part.trim().replace('_', "").parse::<f64>().ok());
    let first = parts.next()??;
    parts.all(|other| other == Some(first)).then_some(first).filter(|x| x.is_finite())
}

/// An axis that stands upright.
struct Upright<'a> {
    x: f64,
    top: f64,
    scale: Scale,
    range: (f64, f64),
    names: &'a [String],
}

impl<'a> Upright<'a> {
    fn new(x: f64, top: f64, values: &[f64], names: &'a [String]) -> Self {
        let scale = if names.is_empty() { span_scale(values.iter().copied()) } else { Scale::Linear };
        let found = || values.iter().copied().filter(|v| v.is_finite());
        let (low, high) = (found().fold(f64::INFINITY, f64::min), found().fold(f64::NEG_INFINITY, f64::max));
        let range = match (low < high, scale) {
            (true, Scale::Linear) => (low - 0.03 * (high - low), high + 0.03 * (high - low)),
            (true, Scale::Log) => (low / (high / low).powf(0.03), high * (high / low).powf(0.03)),
            (false, _) if low.is_finite() => (low - 0.5 * low.abs().max(1e-9), low + 0.5 * low.abs().max(1e-9)),
            (false, _) => (0.0, 1.0),
        };
        let range = if names.len() == 1 { (-0.5, 0.5) } else { range };
        Upright { x, top, scale, range, names }
    }

    /// Good runs lie close together: a logarithmic axis, where there can be one, keeps them apart.
    fn spread(&mut self, values: &[f64]) {
        let found = || values.iter().copied().filter(|v| v.is_finite());
        let (low, high) = (found().fold(f64::INFINITY, f64::min), found().fold(0.0, f64::max));
        if self.scale == Scale::Linear && low > 1e-290 && high > 3.0 * low {
            let edge = (high / low).powf(0.03);
            (self.scale, self.range) = (Scale::Log, (low / edge, high * edge));
        }
    }

    fn at(&self, value: f64) -> (f64, f64) {
        let ((low, high), value) = match self.scale {
            Scale::Linear => (self.range, value),
            Scale::Log => ((self.range.0.ln(), self.range.1.ln()), value.ln()),
        };
        (self.x, self.top + HEIGHT * (1.0 - (value - low) / (high - low)))
    }

    /// The axis with its name above, in line `row` from the axis on, and its values to the left, which take no more than `room`.
    fn draw(&self, below: &mut Vec<Shape>, above: &mut Vec<Shape>, (name, row): (&str, usize), room: f64) {
        let points = vec![(self.x, self.top), (self.x, self.top + HEIGHT)];
        below.push(Shape::Path { points, colour: theme::INK.into(), width: AXIS_WIDTH, dash: Dash::Solid });
        let most = if row > 0 { self.x - MARGIN } else { room };
        let at = (self.x, self.top - 7.0 - ROW * row as f64);
        above.push(Shape::Text(Text::new(at, TICK_SIZE, Anchor::End, font::fit(name, TICK_SIZE, most))));
        let mut labels: Vec<(f64, Text)> = Vec::new();
        let text = |v: f64, base: &str, power: &str| {
            let (x, y) = self.at(v);
            let at = (x - 4.0, y + TICK_SIZE * font::CAPITAL / 2.0);
            Text::new(at, TICK_SIZE, Anchor::End, font::fit(base, TICK_SIZE, room - 6.0)).with(Script::Super, power)
        };
        if self.names.is_empty() {
            let found = ticks(self.scale, self.range.0, self.range.1, 4);
            labels.extend(found.major.iter().map(|(v, label)| (*v, text(*v, &label.base, &label.power))));
            if let Some(by) = found.multiplier {
                let at = (self.x, self.top + HEIGHT + TICK_SIZE + 2.0);
                let by = Text::new(at, TICK_SIZE, Anchor::End, by.base).with(Script::Super, by.power);
                above.push(Shape::Text(by));
            }
        } else {
            let step = self.names.len().div_ceil(10);
            let shown = self.names.iter().enumerate().step_by(step);
            labels.extend(shown.map(|(i, name)| (i as f64, text(i as f64, name, ""))));
        }
        for (value, text) in labels {
            let (x, y) = self.at(value);
            let tick = vec![(x - theme::TICK_LENGTH, y), (x, y)];
            below.push(Shape::Path { points: tick, colour: theme::INK.into(), width: AXIS_WIDTH, dash: Dash::Solid });
            let (width, half) = (text.width(), TICK_SIZE / 2.0 + 0.5);
            let corners = vec![
                (x - 5.0 - width, y - half),
                (x - 3.0, y - half),
                (x - 3.0, y + half),
                (x - 5.0 - width, y + half),
            ];
            above.push(Shape::Area { points: corners, fill: theme::PAPER.to_owned(), opacity: 0.8 });
            above.push(Shape::Text(text));
        }
    }
}

/// Why so many axes are not drawn, and what has room.
fn crowded(keys: usize, width_mm: f64) -> Refusal {
    let most = |mm: f64| ((mm * POINTS_PER_MM - 2.0 * MARGIN) / NARROWEST) as usize - 1;
    let what = format!("{keys} keys differ, and {} have room side by side in {width_mm} mm", most(width_mm));
    let wider = [ONE_AND_A_HALF_COLUMNS, TWO_COLUMNS].into_iter().find(|mm| most(*mm) >= keys);
    let fewer = "sweep-importance tells which keys matter; of runs of a sweep only the keys count that it varies: give its folder (sweeps/NAME)";
    let remedy = wider.map_or(fewer.to_owned(), |mm| format!("--width {mm:.0} has room"));
    Refusal::Missing { what, remedy }
}

/// A line per config, from axis to axis; the better what it came to, the darker. The best stands out.
pub(super) fn parallel(runs: &Runs, options: &Options) -> Result<Drawn, Refusal> {
    let t = trials(runs, options, false)?;
    let width = options.width(ONE_COLUMN) * POINTS_PER_MM;
    let axes = t.columns.len() + 1;
    // Values stand to the left of an axis, so each has the same room.
    let room = (width - 2.0 * MARGIN) / axes as f64;
    if room < NARROWEST {
        return Err(crowded(t.columns.len(), options.width(ONE_COLUMN)));
    }
    let top = MARGIN + 7.0 + TICK_SIZE + ROW;
    let place = |i: usize| MARGIN + room * (i + 1) as f64 - 1.0;
    let mut list: Vec<(Upright<'_>, &[f64])> = Vec::new();
    for (i, column) in t.columns.iter().enumerate() {
        list.push((Upright::new(place(i), top, &column.values, &column.names), &column.values));
    }
    let mut last = Upright::new(place(axes - 1), top, &t.scores, &[]);
    last.spread(&t.scores);
    list.push((last, &t.scores));
    let mut order: Vec<usize> = (0..t.scores.len()).collect();
    // The best is drawn last, above all others; what failed first, then what was ended early.
    let costs = t.costs();
    let finished = |run: usize| !t.scores[run].is_nan() && t.early[run].is_none();
    order.sort_by(|&a, &b| costs[b].total_cmp(&costs[a]));
    order.sort_by_key(|&run| (finished(run), !t.scores[run].is_nan()));
    let good = (0..order.len()).filter(|&run| finished(run)).count();
    let ended_early = |run: usize| !t.scores[run].is_nan() && t.early[run].is_some();
    let mut lines = Vec::new();
    let thin = if order.len() > 60 { 0.5 } else { theme::DENSE_LINE_WIDTH };
    for (rank, &run) in order.iter().enumerate() {
        let failed = t.scores[run].is_nan();
        let share = (rank + good).saturating_sub(order.len()) as f64 / good.saturating_sub(1).max(1) as f64;
        let is_best = rank + 1 == order.len() && finished(run);
        let colour = match (finished(run), is_best) {
            (false, _) => PALE.to_owned(),
            (_, true) => theme::colour(1).to_owned(),
            _ => hex(Colours::Sequential(0.0, 1.0).rgb(PALEST + (1.0 - PALEST) * share)),
        };
        let points = list.iter().filter(|(_, values)| !values[run].is_nan()).map(|(axis, values)| axis.at(values[run]));
        lines.push(Shape::Path {
            points: points.collect(),
            colour,
            width: if is_best { 1.5 * LINE_WIDTH } else { thin },
            dash: match (failed, ended_early(run)) {
                (true, _) => Dash::Dotted,
                (_, true) => Dash::Dashed,
                _ => Dash::Solid,
            },
        });
    }
    let (mut below, mut above) = (Vec::new(), Vec::new());
    for (i, (axis, _)) in list.iter().enumerate() {
        let name = t.columns.get(i).map_or(t.label.as_str(), |column| short(&column.key));
        let unit = if i + 1 == axes && !t.unit.is_empty() { format!("{name} ({})", t.unit) } else { name.to_owned() };
        // What runs came to has the line above the keys to itself: its name may be long.
        axis.draw(&mut below, &mut above, (&unit, usize::from(i + 1 == axes)), room - 3.0);
    }
    below.extend(lines);
    below.extend(above);
    let mut height = top + HEIGHT + TICK_SIZE + 4.0 + MARGIN;
    if (0..t.scores.len()).any(ended_early) {
        height += ROW;
        let y = height - MARGIN - TICK_SIZE * font::CAPITAL / 2.0;
        let points = vec![(MARGIN, y), (MARGIN + 14.0, y)];
        below.push(Shape::Path { points, colour: PALE.to_owned(), width: LINE_WIDTH, dash: Dash::Dashed });
        let at = (MARGIN + 18.0, height - MARGIN);
        below.push(Shape::Text(Text::new(at, TICK_SIZE, Anchor::Start, EARLY)));
    }
    let keys: Vec<&str> = t.columns.iter().map(|column| short(&column.key)).collect();
    let title = format!("{} of {} configs over {}", t.label, t.scores.len(), keys.join(", "));
    let scene = Scene { width, height, title, shapes: below };
    Ok(Drawn { scene, csv: table(runs, &t), figure: None })
}

/// A row per config: its values, what it came to, of how many runs.
fn table(runs: &Runs, t: &Trials) -> String {
    let mut out = String::new();
    t.columns.iter().for_each(|column| out += &format!("{},", field(&column.key)));
    // Writing to a String cannot fail.
    let some_early = t.early.iter().any(Option::is_some);
    let _ = writeln!(out, "{},runs{}", field(&t.label), if some_early { ",stopped at epoch" } else { "" });
    for (group, score) in t.scores.iter().enumerate() {
        runs.groups.all_values[group].iter().for_each(|value| out += &format!("{},", field(value)));
        let _ = write!(out, "{},{}", number(*score), runs.of(group).count());
        if some_early {
            let _ = write!(out, ",{}", t.early[group].map_or(String::new(), |epoch| epoch.to_string()));
        }
        out.push('\n');
    }
    out
}

/// How much of what a forest predicts is lost when the values of a key are exchanged between runs.
pub(super) fn importances(runs: &Runs, options: &Options) -> Result<Drawn, Refusal> {
    let t = trials(runs, options, true)?;
    if t.scores.len() < FEWEST || t.scores.iter().all(|score| score.is_nan()) {
        return missing(
            format!("{} configs, of which too few ended well", t.scores.len()),
            format!("give at least {FEWEST}"),
        );
    }
    let columns: Vec<Vec<f64>> = t.columns.iter().map(|column| column.values.clone()).collect();
    let Some(found) = importance::permutation(&columns, &t.costs()) else {
        return missing("what these configs came to does not differ", "choose another metric with --metric");
    };
    let mut rows: Vec<(&str, f64)> =
        t.columns.iter().map(|column| column.key.as_str()).zip(found.loss.iter().copied()).collect();
    rows.sort_by(|a, b| b.1.total_cmp(&a.1));
    let scene = bars(&rows, &t, found.explained, options);
    Ok(Drawn { scene, csv: csv(&rows, found.explained), figure: None })
}

fn csv(rows: &[(&str, f64)], explained: f64) -> String {
    let mut out = String::from("key,importance,explained\n");
    for (key, loss) in rows {
        let _ = writeln!(out, "{},{},{}", field(key), number(*loss), number(explained));
    }
    out
}

fn bars(rows: &[(&str, f64)], t: &Trials, explained: f64, options: &Options) -> Scene {
    let width = options.width(ONE_COLUMN) * POINTS_PER_MM;
    let label = rows.iter().map(|(key, _)| font::width(short(key), TICK_SIZE)).fold(0.0, f64::max).min(0.4 * width);
    let value = font::width("\u{2212}0.000", TICK_SIZE) + 4.0;
    let (left, right) = (MARGIN + label + 5.0, width - MARGIN - value);
    let top = MARGIN + LABEL_SIZE + 8.0;
    let most = rows.iter().map(|(_, loss)| *loss).fold(0.0, f64::max).max(1e-12);
    let title = font::fit(&format!("Importance for {}", t.label), LABEL_SIZE, width - 2.0 * MARGIN);
    let mut shapes = vec![Shape::Text(Text::new((MARGIN, MARGIN + LABEL_SIZE), LABEL_SIZE, Anchor::Start, title))];
    for (i, (key, loss)) in rows.iter().enumerate() {
        let y = top + ROW * i as f64;
        let base = y + ROW / 2.0 + TICK_SIZE * font::CAPITAL / 2.0;
        let name = font::fit(short(key), TICK_SIZE, label);
        shapes.push(Shape::Text(Text::new((left - 4.0, base), TICK_SIZE, Anchor::End, name)));
        let end = left + (right - left) * (loss / most).max(0.0);
        let corners = vec![(left, y + 2.0), (end, y + 2.0), (end, y + ROW - 2.0), (left, y + ROW - 2.0)];
        let fill = theme::colour(0).to_owned();
        shapes.push(Shape::Polygon { points: corners, fill, colour: theme::INK.to_owned(), width: 0.0 });
        shapes.push(Shape::Text(Text::new((end + 3.0, base), TICK_SIZE, Anchor::Start, hundredths(*loss))));
    }
    let bottom = top + ROW * rows.len() as f64;
    let axis = vec![(left, top), (left, bottom)];
    shapes.push(Shape::Path { points: axis, colour: theme::INK.to_owned(), width: AXIS_WIDTH, dash: Dash::Solid });
    let n = t.scores.len();
    let says = if explained > 0.0 {
        format!("A forest explains {:.0} % of the ranks of {n} configs", 100.0 * explained)
    } else {
        format!("A forest predicts nothing of {n} configs: all may be chance")
    };
    let says = font::fit(&says, TICK_SIZE, width - 2.0 * MARGIN);
    shapes.push(Shape::Text(Text::new((MARGIN, bottom + ROW), TICK_SIZE, Anchor::Start, says)));
    let keys: Vec<&str> = rows.iter().map(|(key, _)| short(key)).collect();
    let title = format!("Importance of {} for {}", keys.join(", "), t.label);
    Scene { width, height: bottom + ROW + 2.0 + MARGIN, title, shapes }
}

fn hundredths(x: f64) -> String {
    format!("{x:.2}").replace('-', "\u{2212}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_are_no_numbers_have_places_and_absent_ones_none() {
        let numbers = column("a", &["1", "", "[3.0, 3.0]"]);
        assert!(numbers.values[1].is_nan());
        assert_eq!((numbers.names.join(" "), numbers.values[0], numbers.values[2]), ("1 3".into(), 0.0, 1.0));
        let many = column("d", &["7", "6", "5", "4", "3", "2", "1"]);
        assert_eq!((many.names.len(), many.values[0]), (0, 7.0), "more values than have names are numbers");
        let words = column("b", &["bp", "fa", "bp", ""]);
        assert_eq!((words.names.join(" "), words.values[..3].to_vec()), ("bp fa".into(), vec![0.0, 1.0, 0.0]));
        assert_eq!(column("c", &["[1.0, 2.0]", "3"]).names.len(), 2, "an array of different numbers is a word");
    }
}
