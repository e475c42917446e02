//! Curves of metrics over presentations, one figure for each group of metrics that belong on one axis.
//!
//! `train.loss` and `validation.loss` share a figure, so do the layers of `apical_squared.K`. One run: colours are the members of the
//! group. Several runs: colours are the runs, dashes the members.

use crate::figure::{Axis, Dash, Figure, Key, Line, Panel, Scale};
use crate::theme::PALETTE;
use std::collections::BTreeSet;

/// One metric of one run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// Name of the run, for the legend.
    pub run: String,
    /// Name of the metric, as in metrics.jsonl: `train.loss`, `apical_squared.1`.
    pub metric: String,
    /// Presentations.
    pub x: Vec<f64>,
    /// Values; NaN where the run wrote null.
    pub y: Vec<f64>,
}

/// How a group of metrics is shown: its name, the axis, a factor for the values, and what its members are called.
struct Group {
    name: &'static str,
    label: &'static str,
    unit: &'static str,
    factor: f64,
    member: &'static str,
}

/// The groups that runs record (MODEL names them). All other metrics are shown under their own names.
const GROUPS: [Group; 7] = [
    Group { name: "loss", label: "Loss", unit: "", factor: 1.0, member: "" },
    Group { name: "error", label: "Classification error", unit: "%", factor: 100.0, member: "" },
    Group { name: "apical_squared", label: "Squared apical potential", unit: "", factor: 1.0, member: "layer " },
    Group {
        name: "interneuron_mismatch_squared",
        label: "Squared interneuron mismatch",
        unit: "",
        factor: 1.0,
        member: "layer ",
    },
    Group {
        name: "distance_pi",
        label: "Distance to self-prediction, I to P",
        unit: "",
        factor: 1.0,
        member: "layer ",
    },
    Group {
        name: "distance_ip",
        label: "Distance to self-prediction, P to I",
        unit: "",
        factor: 1.0,
        member: "layer ",
    },
    Group { name: "weight_norm", label: "Norm of weights", unit: "", factor: 1.0, member: "" },
];

/// Values of a group that span more than this factor are shown on a logarithmic axis, if all are positive.
const LOG_SPAN: f64 = 30.0;

/// Group and member of a metric: the part that says what is measured, and the part that says of what.
fn split(metric: &str) -> (&str, &str) {
    match metric.split_once('.') {
        Some((part @ ("train" | "validation" | "test"), what)) => (what, part),
        Some((what, member)) => (what, member),
        None => (metric, ""),
    }
}

/// Names in the order in which they first appear.
fn names<'a>(of: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut found = Vec::new();
    for name in of {
        if !found.contains(&name) {
            found.push(name);
        }
    }
    found
}

/// One figure for each group of metrics, with a stem for its files: lower-case letters, digits, `_` and `-`, no stem twice.
///
/// Runs keep their colour in all figures. Groups, runs and members stand in the order in which `series` first names them.
///
/// # Example
/// ```
/// use apical_report::{Series, metric_figures};
/// let loss = |metric: &str| Series { run: "digits".into(), metric: metric.into(), x: vec![0.0, 1000.0], y: vec![1.0, 0.2] };
/// let figures = metric_figures(&[loss("train.loss"), loss("validation.loss")]);
/// assert_eq!(figures.len(), 1);
/// assert_eq!(figures[0].0, "loss");
/// assert_eq!(figures[0].1.panels[0].lines.len(), 2);
/// ```
pub fn metric_figures(series: &[Series]) -> Vec<(String, Figure)> {
    let runs = names(series.iter().map(|s| s.run.as_str()));
    let mut stems = BTreeSet::new();
    names(series.iter().map(|s| split(&s.metric).0))
        .into_iter()
        .map(|group| {
            let of_group: Vec<&Series> = series.iter().filter(|s| split(&s.metric).0 == group).collect();
            (stem(group, &mut stems), figure(group, &of_group, &runs))
        })
        .collect()
}

/// A file name that every system takes.
fn stem(group: &str, taken: &mut BTreeSet<String>) -> String {
    let keep = |c: char| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c.to_ascii_lowercase() } else { '_' };
    let clean: String = group.chars().take(60).map(keep).collect();
    let clean = if clean.is_empty() { "metric".to_owned() } else { clean };
    let numbered = std::iter::once(clean.clone()).chain((2..).map(|n| format!("{clean}-{n}")));
    // The numbers do not end, the taken names do.
    let free = numbered.into_iter().find(|name| !taken.contains(name)).unwrap_or(clean);
    taken.insert(free.clone());
    free
}

fn figure(name: &str, series: &[&Series], runs: &[&str]) -> Figure {
    let known = GROUPS.iter().find(|g| g.name == name);
    let (label, unit) = known.map_or((name, ""), |g| (g.label, g.unit));
    let (factor, prefix) = known.map_or((1.0, ""), |g| (g.factor, g.member));
    let member_name = |member: &str| if member.is_empty() { name.to_owned() } else { format!("{prefix}{member}") };
    let members = names(series.iter().map(|s| split(&s.metric).1));
    let index = |of: &[&str], name: &str| of.iter().position(|n| *n == name).unwrap_or(0);
    let several = runs.len() > 1;
    // Where dashes have to tell runs or many members apart, each member has a panel of its own.
    let apart = several && members.len() > 1 && (runs.len() > PALETTE.len() || members.len() > Dash::ALL.len());
    let dash = |n: usize| Dash::ALL[n % Dash::ALL.len()];

    let style = |run: usize, member: usize| match (several, apart || members.len() == 1) {
        (false, _) => (member, dash(member / PALETTE.len())),
        (true, true) => (run, dash(run / PALETTE.len())),
        (true, false) => (run, dash(member)),
    };
    let line = |s: &Series| {
        let (run, member) = (index(runs, &s.run), split(&s.metric).1);
        let (colour, dash) = style(run, index(&members, member));
        let name = match (several, members.len() > 1) {
            (false, _) => member_name(member),
            (true, false) => s.run.clone(),
            (true, true) => format!("{}, {}", s.run, member_name(member)),
        };
        Line { name, colour, dash, x: s.x.clone(), y: s.y.iter().map(|y| factor * y).collect() }
    };
    let run_keys = || -> Vec<Key> {
        (runs.iter().enumerate().filter(|(_, run)| series.iter().any(|s| s.run == **run)))
            .map(|(i, run)| {
                let dash = if apart || members.len() == 1 { dash(i / PALETTE.len()) } else { Dash::Solid };
                Key { name: (*run).to_owned(), colour: Some(i), dash }
            })
            .collect()
    };
    let panel = |lines: Vec<Line>, title: String, legend: Option<Vec<Key>>| {
        let x = Axis::new("Presentations", "");
        let y = Axis { scale: scale(&lines), ..Axis::new(label, unit) };
        Panel { title, lines, legend, ..Panel::new(x, y) }
    };
    let all = |of: &dyn Fn(&Series) -> bool| series.iter().filter(|s| of(s)).map(|s| line(s)).collect::<Vec<_>>();

    if apart {
        let panels = (members.iter().enumerate())
            .map(|(i, member)| {
                let legend = if i == 0 { run_keys() } else { Vec::new() };
                panel(all(&|s| split(&s.metric).1 == *member), member_name(member), Some(legend))
            })
            .collect();
        return Figure { columns: 1, panels, ..Figure::one(Panel::new(Axis::new("", ""), Axis::new("", ""))) };
    }
    let legend = if !several && members.len() == 1 && members[0].is_empty() {
        Vec::new()
    } else if !several {
        // Said even for a single member: the axis alone does not name the layer.
        let key =
            |(i, m): (usize, &&str)| Key { name: member_name(m), colour: Some(style(0, i).0), dash: style(0, i).1 };
        members.iter().enumerate().map(key).collect()
    } else {
        let mut keys = run_keys();
        if members.len() > 1 {
            keys.extend(members.iter().enumerate().map(|(i, m)| Key {
                name: member_name(m),
                colour: None,
                dash: dash(i),
            }));
        } else if !members[0].is_empty() {
            return Figure::one(panel(all(&|_| true), member_name(members[0]), Some(keys)));
        }
        keys
    };
    Figure::one(panel(all(&|_| true), String::new(), Some(legend)))
}

/// Logarithmic if all values are positive and span a large factor.
fn scale(lines: &[Line]) -> Scale {
    let values = || lines.iter().flat_map(|l| l.y.iter().copied()).filter(|v| v.is_finite());
    let low = values().fold(f64::INFINITY, f64::min);
    let high = values().fold(0.0, f64::max);
    if low > 1e-290 && high / low > LOG_SPAN { Scale::Log } else { Scale::Linear }
}
