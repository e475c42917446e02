//! What runs came to over the keys in which configs differ: the axes are found from the configs themselves.

use std::collections::HashSet;

use super::curves::judged;
use super::overlay::{Runs, span_scale};
use super::{Drawn, Options, Refusal, drawn, missing};
use crate::colour::Colours;
use crate::figure::{Axis, Band, Dash, Figure, Image, Key, Line, Panel, Scale};
use crate::render::font;
use crate::theme::{LABEL_SIZE, ONE_COLUMN, PALETTE, POINTS_PER_MM, TICK_SIZE};

/// The mean, lowest and highest value of a group's runs; NaN where one has failed.
struct Point {
    mean: f64,
    low: f64,
    high: f64,
    /// A run was ended early: the values are those of that epoch, which are none of the others' ends.
    early: bool,
}

/// When runs are judged, some of which were ended early.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    /// Each config when the first of its runs was ended.
    Own,
    /// All when the first of all was: only then are they judged alike.
    Common,
}

/// Groups at their places: positions of each on the axes, and what they came to.
struct Sweep {
    label: (String, &'static str),
    keys: Vec<String>,
    /// For each key its distinct values in ascending order (text where one is no number).
    values: Vec<Vec<String>>,
    /// For each group the index of its value on each axis.
    at: Vec<Vec<usize>>,
    points: Vec<Point>,
    /// The epoch by which all are judged, where that is before the end of some.
    by_epoch: Option<u64>,
}

fn sweep(runs: &Runs, options: &Options, when: When) -> Result<Sweep, Refusal> {
    let groups = &runs.groups;
    if runs.count() < 2 || groups.keys.is_empty() {
        return Err(alike(runs));
    }
    let kept = axes(&groups.values);
    let of = |row: &[String]| -> Vec<String> { kept.iter().map(|&k| row[k].clone()).collect() };
    let (keys, placed): (Vec<String>, Vec<Vec<String>>) =
        (of(&groups.keys), groups.values.iter().map(|row| of(row)).collect());
    if keys.len() > 2 {
        let what = format!("the configs of these runs differ in {} keys: {}", keys.len(), keys.join(", "));
        return missing(what, "give runs that differ in one or two; sweep-parallel shows more");
    }
    let common = runs.common_epoch();
    let by = judged(runs, options)?.by(common.filter(|_| all_alike(runs)));
    let mut values: Vec<Vec<String>> = vec![Vec::new(); keys.len()];
    for row in &placed {
        for (value, known) in row.iter().zip(&mut values) {
            if !known.contains(value) {
                known.push(value.clone());
            }
        }
    }
    values.iter_mut().for_each(|list| ascend(list));
    let place = |value: &String, known: &Vec<String>| known.iter().position(|v| v == value).unwrap_or_default();
    let at = placed.iter().map(|row| row.iter().zip(&values).map(|(v, k)| place(v, k)).collect()).collect();
    let mut points = Vec::new();
    for group in 0..runs.count() {
        let early = runs.early(group);
        let found = by.scores(runs, group, if when == When::Common { common } else { early })?;
        let fold = |start: f64, with: fn(f64, f64) -> f64| found.iter().copied().fold(start, with);
        let failed = found.is_empty() || found.iter().any(|v| v.is_nan());
        let nan = |v: f64| if failed { f64::NAN } else { v };
        points.push(Point {
            mean: nan(fold(0.0, |a, b| a + b) / found.len() as f64),
            low: nan(fold(f64::INFINITY, f64::min)),
            high: nan(fold(f64::NEG_INFINITY, f64::max)),
            early: early.is_some() && when == When::Own,
        });
    }
    let by_epoch = common.filter(|_| when == When::Common && !all_alike(runs));
    Ok(Sweep { label: (by.label, by.unit), keys, values, at, points, by_epoch })
}

/// Keys, by their place, that are axes of their own: one whose values come in pairs with those of an earlier one, each pair in
/// several groups, was varied together with it.
fn axes(rows: &[Vec<String>]) -> Vec<usize> {
    let distinct = |keys: &[usize]| -> usize {
        rows.iter().map(|row| keys.iter().map(|&k| &row[k]).collect::<Vec<_>>()).collect::<HashSet<_>>().len()
    };
    let mut kept: Vec<usize> = Vec::new();
    for key in 0..rows.first().map_or(0, Vec::len) {
        let own = distinct(&[key]);
        let goes_with = |&other: &usize| distinct(&[other]) == own && distinct(&[other, key]) == own;
        if own == rows.len() || !kept.iter().any(goes_with) {
            kept.push(key);
        }
    }
    kept
}

/// All runs were ended early after the same epoch.
pub(super) fn all_alike(runs: &Runs) -> bool {
    runs.common_epoch().is_some() && (0..runs.count()).all(|group| runs.early(group).is_none())
}

/// Why there is nothing to hold against each other, and what there could be.
pub(super) fn alike(runs: &Runs) -> Refusal {
    let what = match runs.runs.len() {
        1 => "this is a single run".to_owned(),
        n => format!("these {n} runs have one config and differ in their seeds alone"),
    };
    let remedy = "a figure of a sweep compares configs: give the folder of a sweep (sweeps/NAME), or runs of several configs; learning-curves shows these";
    Refusal::Missing { what, remedy: remedy.to_owned() }
}

impl Sweep {
    /// The same with the second key first.
    fn turned(mut self) -> Sweep {
        self.keys.reverse();
        self.values.reverse();
        self.at.iter_mut().for_each(|at| at.reverse());
        self
    }

    /// Names are better in the legend, and numbers on the axis, as long as there are lines.
    fn has_numbers_second(&self) -> bool {
        let has_numbers = |k: usize| self.values.get(k).is_some_and(|list| numbers(list).is_some());
        !has_numbers(0) && has_numbers(1) && self.points.len() >= 2 * self.values[0].len()
    }

    /// Most lines would be a single dot.
    fn has_no_lines(&self) -> bool {
        self.values.get(1).is_some_and(|rows| self.points.len() < 2 * rows.len())
    }

    fn scattered<T>(&self, of: &str) -> Result<T, Refusal> {
        let (n, x, y) = (self.points.len(), self.values[0].len(), self.values[1].len());
        let (first, second) = (short(&self.keys[0]), short(&self.keys[1]));
        let what =
            format!("{n} configs lie scattered over {x} values of {first} and {y} of {second}, which makes no {of}");
        missing(what, "sweep-parallel shows them")
    }
}

/// By number where all are numbers, or arrays of numbers; else by what comes first in them.
pub(super) fn ascend(list: &mut [String]) {
    let numbers = |text: &String| -> Option<Vec<f64>> {
        let inside = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
        inside.split(',').map(|part| part.trim().replace('_', "").parse().ok()).collect()
    };
    if list.iter().all(|v| numbers(v).is_some()) {
        list.sort_by(|a, b| {
            let (a, b) = (numbers(a).unwrap_or_default(), numbers(b).unwrap_or_default());
            let unequal = a.iter().zip(&b).map(|(a, b)| a.total_cmp(b)).find(|order| order.is_ne());
            unequal.unwrap_or(a.len().cmp(&b.len()))
        });
    }
}

/// The axis of a key: its numbers where all are numbers, else a place for each value.
fn axis(key: &str, values: &[String]) -> (Axis, Vec<f64>) {
    match numbers(values) {
        Some(list) => {
            let (low, high) = (list[0], list[list.len() - 1]);
            let scale = span_scale(list.iter().copied());
            // Some room at both ends, so that no dot lies on an axis.
            let range = match scale {
                Scale::Linear => (low - 0.06 * (high - low), high + 0.06 * (high - low)),
                Scale::Log => (low / (high / low).powf(0.06), high * (high / low).powf(0.06)),
            };
            (Axis { scale, range: Some(range), ..Axis::new(short(key), "") }, list)
        }
        None => named_axis(key, values),
    }
}

/// The values of a key as numbers, if all are.
fn numbers(values: &[String]) -> Option<Vec<f64>> {
    let numbers: Option<Vec<f64>> = values.iter().map(|v| v.replace('_', "").parse().ok()).collect();
    numbers.filter(|list| list.iter().all(|v| v.is_finite()))
}

fn named_axis(key: &str, values: &[String]) -> (Axis, Vec<f64>) {
    let places: Vec<f64> = (0..values.len()).map(|i| i as f64).collect();
    let names = places.iter().copied().zip(values.iter().map(|value| or_none(value).to_owned())).collect();
    (Axis { names, range: Some((-0.5, values.len() as f64 - 0.5)), ..Axis::new(short(key), "") }, places)
}

/// What a config is called of which a run was ended early.
pub(super) const EARLY: &str = "ended early";

/// A config without the key stands at a place of its own.
fn or_none(value: &str) -> &str {
    if value.is_empty() { "\u{2013}" } else { value }
}

pub(super) fn lines(runs: &Runs, options: &Options) -> Result<Drawn, Refusal> {
    let mut s = sweep(runs, options, When::Own)?;
    if s.has_no_lines() || s.has_numbers_second() {
        s = s.turned();
    }
    if s.has_no_lines() {
        return s.scattered("lines");
    }
    let (x, places) = axis(&s.keys[0], &s.values[0]);
    let mut panel = Panel::new(x, Axis::new(s.label.0.clone(), s.label.1));
    let rows = s.values.get(1).map_or(1, Vec::len);
    let mut rings = Vec::new();
    for row in 0..rows {
        let mut own: Vec<(usize, &Point)> =
            s.at.iter()
                .zip(&s.points)
                .filter(|(at, _)| at.get(1).is_none_or(|r| *r == row))
                .map(|(at, p)| (at[0], p))
                .collect();
        own.sort_by_key(|(at, _)| *at);
        let x: Vec<f64> = own.iter().map(|(at, _)| places[*at]).collect();
        let name = s.values.get(1).map_or(String::new(), |v| format!("{} = {}", short(&s.keys[1]), or_none(&v[row])));
        let of = |early: bool, f: fn(&Point) -> f64| -> Vec<f64> {
            own.iter().map(|(_, p)| if p.early == early { f(p) } else { f64::NAN }).collect()
        };
        let (colour, dash) = (row, Dash::ALL[row / PALETTE.len() % Dash::ALL.len()]);
        if own.iter().any(|(_, p)| p.low < p.high && !p.early) {
            panel.bands.push(Band {
                name: name.clone(),
                colour,
                x: x.clone(),
                low: of(false, |p| p.low),
                high: of(false, |p| p.high),
            });
        }
        let early = of(true, |p| p.mean);
        if early.iter().any(|v| v.is_finite()) {
            let name = if name.is_empty() { EARLY.to_owned() } else { format!("{name}, {EARLY}") };
            rings.push(Line { name, colour, dash: Dash::Rings, x: x.clone(), y: early });
        }
        panel.lines.push(Line { name, colour, dash, x, y: of(false, |p| p.mean) });
    }
    let is_seen = |line: &&Line| line.y.iter().any(|v| v.is_finite());
    // Of what failed everywhere there is nothing to draw, but that.
    let key = |row: usize| {
        let seen = panel.lines.iter().chain(&rings).filter(is_seen).any(|line| line.colour == row);
        let name = format!("{}{}", panel.lines[row].name, if seen { "" } else { ": failed" });
        Key { name, colour: Some(row), dash: panel.lines[row].dash }
    };
    let mut legend: Vec<Key> = (0..rows).filter(|_| s.keys.len() > 1).map(key).collect();
    legend.extend((!rings.is_empty()).then(|| Key { name: EARLY.to_owned(), colour: None, dash: Dash::Rings }));
    panel.legend = Some(legend);
    panel.lines.extend(rings);
    panel.y.scale = span_scale(s.points.iter().flat_map(|p| [p.low, p.high]));
    let mut figure = Figure { width_mm: options.width(ONE_COLUMN), ..Figure::one(panel) };
    let csv = figure.csv();
    // A dot at each config, since between them nothing was measured. The data have it once.
    let panel = &mut figure.panels[0];
    let lines = panel.lines.iter().filter(|line| line.dash != Dash::Rings);
    let dots = lines.map(|line| Line { dash: Dash::Points, ..line.clone() }).collect::<Vec<_>>();
    panel.lines.extend(dots);
    Ok(Drawn { csv, ..drawn(figure)? })
}

/// The last part of a key.
pub(super) fn short(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}

pub(super) fn map(runs: &Runs, options: &Options) -> Result<Drawn, Refusal> {
    let s = sweep(runs, options, When::Common)?;
    if s.keys.len() != 2 {
        let what = format!("the configs of these runs differ in {} only", s.keys.join(", "));
        return missing(what, "a heat map needs runs that differ in two keys; sweep-lines shows one");
    }
    let (columns, rows) = (s.values[0].len(), s.values[1].len());
    // As draws at random are; a grid of which half is missing is still one.
    if 2 * s.points.len() < columns * rows {
        return s.scattered("map");
    }
    let mut values = vec![f64::NAN; columns * rows];
    for (at, point) in s.at.iter().zip(&s.points) {
        values[at[1] * columns + at[0]] = point.mean;
    }
    let found = || values.iter().copied().filter(|v| v.is_finite());
    let (low, high) = (found().fold(f64::INFINITY, f64::min), found().fold(f64::NEG_INFINITY, f64::max));
    let texts = values.iter().map(|&v| if v.is_nan() { "\u{2013}".to_owned() } else { three_digits(v) }).collect();
    let (x, _) = named_axis(&s.keys[0], &s.values[0]);
    let (y, _) = named_axis(&s.keys[1], &s.values[1]);
    let unit = if s.label.1.is_empty() { String::new() } else { format!(" ({})", s.label.1) };
    let image = Image {
        x: (-0.5, columns as f64 - 0.5),
        y: (-0.5, rows as f64 - 0.5),
        columns,
        values,
        colours: if low <= high { Colours::Sequential(low, high) } else { Colours::Sequential(0.0, 1.0) },
        label: format!("{}{unit}", s.label.0),
        bar: true,
        texts,
    };
    // High enough for the bar's label, which may be longer than the bar by the size of a tick's.
    let label_mm = (font::width(&image.label, LABEL_SIZE) - TICK_SIZE) / POINTS_PER_MM + 0.1;
    let axes_height_mm = (8.0 * rows as f64).max(label_mm).clamp(24.0, 60.0);
    // The bar's label may have no room for it.
    let title = s.by_epoch.map_or(String::new(), |epoch| format!("By epoch {epoch}, before any was ended early"));
    let panel = Panel { title, image: Some(image), ..Panel::new(x, y) };
    drawn(Figure { width_mm: options.width(ONE_COLUMN), axes_height_mm, ..Figure::one(panel) })
}

/// Three significant digits.
pub(super) fn three_digits(v: f64) -> String {
    if v == 0.0 || !v.is_finite() {
        return format!("{v}");
    }
    let digits = 2 - v.abs().log10().floor() as i32;
    let text = if (-6..=6).contains(&digits) { format!("{v:.*}", digits.max(0) as usize) } else { format!("{v:.1e}") };
    text.replace('-', "\u{2212}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_vary_together_are_one_axis() {
        let of = |rows: &[[&str; 3]]| axes(&rows.iter().map(|row| row.map(String::from).to_vec()).collect::<Vec<_>>());
        let grid = [["0", "1", "x"], ["0", "2", "y"], ["5", "1", "x"], ["5", "2", "y"]];
        assert_eq!(of(&grid), [0, 1], "the third goes with the second");
        let crossed = [["0", "1", "x"], ["0", "2", "x"], ["5", "1", "y"], ["5", "2", "x"]];
        assert_eq!(of(&crossed), [0, 1, 2]);
        let drawn = [["0.1", "7", "a"], ["0.2", "3", "b"], ["0.3", "5", "c"]];
        assert_eq!(of(&drawn), [0, 1, 2], "values that never repeat say nothing about what varied together");
    }

    #[test]
    fn values_ascend_by_their_numbers() {
        let sorted = |list: &[&str]| {
            let mut list: Vec<String> = list.iter().map(|v| v.to_string()).collect();
            ascend(&mut list);
            list.join(" ")
        };
        assert_eq!(sorted(&["10", "9.5", "1_000"]), "9.5 10 1_000");
        assert_eq!(sorted(&["[5.0, 10.0]", "[5.0, 9.0]", "[1.0, 20.0]"]), "[1.0, 20.0] [5.0, 9.0] [5.0, 10.0]");
        assert_eq!(sorted(&["2", "1", "none"]), "2 1 none", "what has no numbers stays as it came");
    }
}
