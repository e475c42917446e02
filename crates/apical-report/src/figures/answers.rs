//! What a run answered at its end: classes taken for classes, and the plane divided into classes.

use super::{Drawn, Options, Refusal, Runs, drawn, missing};
use crate::colour::Colours;
use crate::csv::{field, number};
use crate::figure::{Axis, Dash, Figure, Image, Key, Line, Panel};
use crate::theme::ONE_COLUMN;
use apical_lab::record::{CONFUSION, DECISION_MAP, Error, Run};
use serde_json::{Map, Value};

/// Most cells of a picture.
const MOST: usize = 4_000_000;
/// Height of square axes over the figure's width where labels leave as much, and most height, mm.
const SQUARE: f64 = 0.82;
const HIGHEST_MM: f64 = 120.0;

/// A file that a run writes at its end.
pub(super) fn observation(run: &Run, file: &str, remedy: &str) -> Result<Map<String, Value>, Refusal> {
    match run.observation(file)? {
        Some(found) => Ok(found),
        None => missing(format!("there is no {file}"), format!("{remedy}; it is written when a run ends")),
    }
}

/// The file is not what a run writes.
pub(super) fn damaged<T>(run: &Run, file: &str, what: &str) -> Result<T, Refusal> {
    let place = run.path.join(file).display().to_string();
    Err(Refusal::Failed(Error::input(place, format!("no sound {what:?}"), "the file as the run wrote it")))
}

/// An array of numbers; null is NaN.
pub(super) fn numbers(value: Option<&Value>) -> Option<Vec<f64>> {
    let number = |v: &Value| if v.is_null() { Some(f64::NAN) } else { v.as_f64() };
    value?.as_array()?.iter().map(number).collect()
}

fn names(value: Option<&Value>) -> Option<Vec<String>> {
    value?.as_array()?.iter().map(|v| v.as_str().map(String::from)).collect()
}

pub(super) fn confusion(runs: &Runs, options: &Options) -> Result<Drawn, Refusal> {
    let run = runs.first()?;
    let remedy = "record.confusion = true keeps it, for a task with classes and a test set";
    let found = observation(run, CONFUSION, remedy)?;
    let Some(classes) = names(found.get("classes")).filter(|list| !list.is_empty()) else {
        return damaged(run, CONFUSION, "classes");
    };
    let n = classes.len();
    let rows: Option<Vec<Vec<f64>>> = found
        .get("counts")
        .and_then(Value::as_array)
        .and_then(|rows| rows.iter().map(|row| numbers(Some(row))).collect());
    let Some(rows) = rows.filter(|rows| rows.len() == n && rows.iter().all(|row| row.len() == n)) else {
        return damaged(run, CONFUSION, "counts");
    };
    let share = |row: &Vec<f64>, count: f64| {
        if row.iter().sum::<f64>() > 0.0 { 100.0 * count / row.iter().sum::<f64>() } else { f64::NAN }
    };
    let mut csv = String::from("true_class,answered_class,samples,share_percent\n");
    for (class, row) in classes.iter().zip(&rows) {
        for (answer, &count) in classes.iter().zip(row) {
            let numbers = [number(count), number(share(row, count))].join(",");
            csv.push_str(&format!("{},{},{numbers}\n", field(class), field(answer)));
        }
    }
    // The first class stands at the top, as matrices are written.
    let values = rows.iter().rev().flat_map(|row| row.iter().map(|&c| share(row, c))).collect();
    let texts = rows.iter().rev().flatten().map(|c| if *c == 0.0 { String::new() } else { format!("{c}") }).collect();
    let ends = (-0.5, n as f64 - 0.5);
    let axis = |label: &str, list: Vec<String>| {
        let names = list.into_iter().enumerate().map(|(i, name)| (i as f64, name)).collect();
        Axis { names, ..Axis::new(label, "") }
    };
    let image = Image {
        x: ends,
        y: ends,
        columns: n,
        values,
        colours: Colours::Sequential(0.0, 100.0),
        label: "Share of the class (%)".into(),
        bar: true,
        texts,
    };
    let reversed = classes.iter().rev().cloned().collect();
    let panel = Panel {
        image: Some(image),
        square: true,
        ..Panel::new(axis("Answered class", classes), axis("True class", reversed))
    };
    let width_mm = options.width(ONE_COLUMN);
    let axes_height_mm = (SQUARE * width_mm).min(HIGHEST_MM);
    Ok(Drawn { csv, ..drawn(Figure { width_mm, axes_height_mm, ..Figure::one(panel) })? })
}

pub(super) fn decision_map(runs: &Runs, options: &Options) -> Result<Drawn, Refusal> {
    let run = runs.first()?;
    let remedy = "record.decision_map = 200 keeps it, for a task with classes of points in a plane";
    let found = observation(run, DECISION_MAP, remedy)?;
    let ends = |key: &str| numbers(found.get(key)).and_then(|v| Some((*v.first()?, *v.get(1)?))).filter(|(a, b)| a < b);
    let (Some(x), Some(y)) = (ends("x"), ends("y")) else { return damaged(run, DECISION_MAP, "x and y") };
    let side = found.get("side").and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok()).filter(|n| *n > 0);
    let Some(classes) = names(found.get("classes")) else { return damaged(run, DECISION_MAP, "classes") };
    let (Some(answers), Some(side)) = (numbers(found.get("answers")), side) else {
        return damaged(run, DECISION_MAP, "answers");
    };
    if side.checked_mul(side) != Some(answers.len()) || answers.len() > MOST {
        return damaged(run, DECISION_MAP, "answers");
    }
    let image = Image {
        x,
        y,
        columns: side,
        values: answers.iter().map(|&a| if a < 0.0 { f64::NAN } else { a }).collect(),
        colours: Colours::Classes,
        label: "answered class".into(),
        bar: false,
        texts: Vec::new(),
    };
    let (a, b) = (Axis { range: Some(x), ..Axis::new("x", "") }, Axis { range: Some(y), ..Axis::new("y", "") });
    let mut panel = Panel { image: Some(image), square: true, ..Panel::new(a, b) };
    let samples: Vec<Vec<f64>> =
        found.get("samples").and_then(Value::as_array).into_iter().flatten().filter_map(|s| numbers(Some(s))).collect();
    for (class, name) in classes.iter().enumerate() {
        let own = samples.iter().filter(|s| s.len() == 3 && s[2] == class as f64);
        let (x, y) = own.map(|s| (s[0], s[1])).unzip();
        panel.lines.push(Line { name: format!("test samples, {name}"), colour: class, dash: Dash::Points, x, y });
    }
    let key = |(i, name): (usize, &String)| Key { name: name.clone(), colour: Some(i), dash: Dash::Points };
    panel.legend = Some(classes.iter().enumerate().map(key).collect());
    let width_mm = options.width(ONE_COLUMN);
    let axes_height_mm = (SQUARE * width_mm).min(HIGHEST_MM);
    drawn(Figure { width_mm, axes_height_mm, ..Figure::one(panel) })
}
