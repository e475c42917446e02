//! How time grows: with cells, batch, depth and threads, for each way and for the one that is chosen; and with the
//! tolerance of `adaptive`.

use crate::adaptive::Row;
use crate::measure::{self, Effort};
use crate::{Case, Spread};
use apical::kernels::Isa;
use apical::solvers::euler::{Choice, Way};
use apical_report::{Axis, Dash, Figure, Line, Panel, Scale, theme};
use std::error::Error;

/// A point of a study.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// `cells`, `batch`, `depth`.
    pub study: &'static str,
    /// What was asked for: a way, or `automatic`.
    pub way: String,
    /// The plan that it came to.
    pub plan: String,
    /// Threads.
    pub threads: usize,
    /// Cells a layer, patterns or hidden layers.
    pub x: f64,
    /// Microseconds per step and pattern.
    pub time: Spread,
}

/// One line: what is asked for, with how many threads, up to which x.
#[derive(Clone)]
struct Course {
    name: &'static str,
    choice: Choice,
    threads: usize,
    last: usize,
}

impl Course {
    const fn new(name: &'static str, choice: Choice, threads: usize, last: usize) -> Self {
        Course { name, choice, threads, last }
    }
}

const AUTO: &str = "automatic";
const BLOCKS: Choice = Choice::Given(Way::Blocks(32));

/// Measures everything, and tells of each point.
///
/// # Errors
/// The system gives no threads; potentials that diverge.
pub fn study(quick: bool, effort: Effort, mut tell: impl FnMut(&Point)) -> Result<Vec<Point>, Box<dyn Error>> {
    let given = Choice::Given;
    let cells = (
        "cells",
        [10, 30, 100, 300, 1000, 2000, 4000],
        [
            Course::new("reference", given(Way::Reference), 1, 1000),
            Course::new("fused", given(Way::Fused), 1, 100),
            Course::new("blocks", BLOCKS, 1, 4000),
            Course::new("batch", given(Way::Batch), 1, 2000),
            Course::new(AUTO, Choice::Auto, 1, 4000),
            Course::new(AUTO, Choice::Auto, 2, 4000),
        ]
        .to_vec(),
    );
    let batch = (
        "batch",
        [1, 3, 10, 30, 100, 300, 1000],
        [
            Course::new("reference", given(Way::Reference), 1, 30),
            Course::new("blocks", BLOCKS, 1, 30),
            Course::new("batch", given(Way::Batch), 1, 1000),
            Course::new(AUTO, Choice::Auto, 1, 1000),
            Course::new(AUTO, Choice::Auto, 2, 1000),
        ]
        .to_vec(),
    );
    let depth = (
        "depth",
        [1, 2, 3, 4, 6, 8, 10],
        [Course::new(AUTO, Choice::Auto, 1, 10), Course::new(AUTO, Choice::Auto, 2, 10)].to_vec(),
    );
    let mut points = Vec::new();
    for (study, xs, courses) in [cells, batch, depth] {
        let xs: Vec<usize> = if quick { vec![xs[0], xs[2], xs[3]] } else { xs.to_vec() };
        for x in xs {
            let case = case(study, x);
            for course in courses.iter().filter(|course| x <= course.last) {
                let plan = case.plan::<f32>(course.choice, Isa::best());
                let time = measure::microseconds(&case, plan, &measure::pool(course.threads)?, effort)?;
                let (way, threads) = (course.name.to_string(), course.threads);
                let point = Point { study, way, plan: plan.to_string(), threads, x: x as f64, time };
                tell(&point);
                points.push(point);
            }
        }
    }
    Ok(points)
}

/// - `cells`: x-x-10, one pattern.
/// - `batch`: 784-500-500-10, x patterns.
/// - `depth`: x hidden layers of 200 cells between 200 inputs and 10 outputs, one pattern.
fn case(study: &str, x: usize) -> Case {
    match study {
        "cells" => Case::deep(&[x, x, 10], 1),
        "batch" => Case::deep(&[784, 500, 500, 10], x),
        _ => Case::deep(&[vec![200; x + 1], vec![10]].concat(), 1),
    }
}

/// The points as a table.
pub fn csv(points: &[Point]) -> String {
    let mut out = String::from("study,x,way,plan,threads,us_median,us_min,us_max\n");
    for Point { study, way, plan, threads, x, time } in points {
        let Spread { median, min, max } = time;
        out += &format!("{study},{x},{way},\"{plan}\",{threads},{median:.4},{min:.4},{max:.4}\n");
    }
    out
}

/// The points as a figure: one panel a study.
pub fn figure(points: &[Point], adaptive: &[Row]) -> Figure {
    let mut panels = Vec::new();
    for (study, title, label) in [
        ("cells", "n-n-10, one pattern", "cells per layer n"),
        ("batch", "784-500-500-10", "patterns side by side"),
        ("depth", "200 cells a layer, one pattern", "hidden layers"),
    ] {
        let unit = if study == "batch" { "µs per pattern" } else { "µs" };
        let mut panel = Panel::new(log(label, ""), log("time per step", unit));
        panel.title = title.into();
        let ways = ["reference", "fused", "blocks", "batch", AUTO];
        for (colour, way) in ways.into_iter().enumerate() {
            for threads in [1, 2] {
                let of: Vec<&Point> =
                    points.iter().filter(|p| (p.study, p.way.as_str(), p.threads) == (study, way, threads)).collect();
                if of.is_empty() {
                    continue;
                }
                let name = if way == AUTO { format!("{way}, threads: {threads}") } else { way.into() };
                // What is chosen lies over the ways it is chosen from.
                let dash = if way == AUTO && threads == 1 { Dash::Dotted } else { Dash::Solid };
                let colour = if way == AUTO && threads == 1 { theme::PALETTE.len() - 1 } else { colour };
                let x = of.iter().map(|p| p.x).collect();
                panel.lines.push(Line { name, colour, dash, x, y: of.iter().map(|p| p.time.median).collect() });
            }
        }
        panels.push(panel);
    }
    panels.push(tolerances(adaptive));
    Figure { width_mm: theme::TWO_COLUMNS, axes_height_mm: 48.0, columns: 2, panels }
}

/// Time per presentation against tolerance; euler's, which has none, as a level beside it.
fn tolerances(rows: &[Row]) -> Panel {
    let mut panel = Panel::new(log("tolerance", ""), log("time per presentation", "µs"));
    panel.title = "adaptive, 100 ms".into();
    let range = rows.iter().filter_map(|row| row.tolerance);
    let range = [range.clone().fold(f64::INFINITY, f64::min), range.fold(0.0, f64::max)];
    for (colour, net) in ["30-20-10", "4-120-3"].into_iter().enumerate() {
        let of: Vec<&Row> = rows.iter().filter(|row| row.net == net).collect();
        let steps = of.iter().filter_map(|row| Some((row.tolerance?, row.time.median)));
        let (x, y) = steps.unzip();
        panel.lines.push(Line { name: net.into(), colour, dash: Dash::Solid, x, y });
        if let Some(euler) = of.iter().find(|row| row.tolerance.is_none()) {
            let (name, y) = (format!("{net}, euler"), vec![euler.time.median; 2]);
            panel.lines.push(Line { name, colour, dash: Dash::Dashed, x: range.to_vec(), y });
        }
    }
    panel
}

fn log(label: &str, unit: &str) -> Axis {
    Axis { scale: Scale::Log, ..Axis::new(label, unit) }
}
