//! Potentials and weights over time. Traces are read chunk by chunk and thinned out as they pass by: of the longest only a
//! thousand points a line are ever held.

use super::distances::{stacked, tell_once};
use super::overlay::Runs;
use super::{Drawn, Options, Refusal, drawn, missing};
use crate::decimate::{MOST_POINTS, Thinner};
use crate::figure::{Axis, Figure, Key, Line, Panel};
use crate::theme::{ONE_COLUMN, TWO_COLUMNS};
use apical_lab::record::{Run, Trace};

/// Cells shown if none are chosen.
const CELLS: usize = 3;
/// Spans beyond this are shown in seconds, ms.
pub(super) const SECONDS_FROM: f64 = 10_000.0;

/// Rows of a trace within a window, and when they are.
pub(super) struct Stretch {
    pub from: usize,
    pub to: usize,
    first: f64,
    step: f64,
}

impl Stretch {
    /// Time of a row, ms.
    pub fn time(&self, row: usize) -> f64 {
        self.first + row as f64 * self.step
    }
}

/// The rows of a trace within a window.
pub(super) fn stretch(run: &Run, name: &str, trace: &Trace, window: Option<(f64, f64)>) -> Result<Stretch, Refusal> {
    let Some((first, last)) = trace.span(&run.path)? else {
        return missing(
            format!("the trace {name} has no rows yet"),
            "its window lies ahead, or the run has just begun",
        );
    };
    let step = if trace.rows() > 1 { (last - first) / (trace.rows() - 1) as f64 } else { 1.0 };
    let (from, to) = window.unwrap_or((first, last));
    // A row belongs to the window if it lies in it, up to rounding.
    let from = ((from - first) / step - 1e-6).ceil().clamp(0.0, trace.rows() as f64) as usize;
    let to = (((to - first) / step + 1e-6).floor() + 1.0).clamp(0.0, trace.rows() as f64) as usize;
    if from >= to {
        let what = format!("the trace {name} has no rows in this window");
        return missing(what, format!("it holds {first} to {last} ms: choose within it with --window"));
    }
    Ok(Stretch { from, to, first, step })
}

/// A drawn line's points: times (ms) and values.
pub(super) type Points = (Vec<f64>, Vec<f64>);

/// Columns of a trace, each thinned out.
fn columns(
    run: &Run,
    name: &str,
    trace: &Trace,
    window: Option<(f64, f64)>,
    wanted: &[usize],
) -> Result<Vec<Points>, Refusal> {
    let part = stretch(run, name, trace, window)?;
    let length = trace.row_length();
    let mut thin: Vec<Thinner> = wanted.iter().map(|_| Thinner::new(part.to - part.from, MOST_POINTS)).collect();
    trace.each_block(part.from, part.to, &mut |_, rows| {
        for row in rows.chunks_exact(length) {
            wanted.iter().zip(&mut thin).for_each(|(&column, thin)| thin.push(row[column]));
        }
    })?;
    let points = |thin: Thinner| thin.finish().into_iter().map(|(i, y)| (part.time(part.from + i), y)).unzip();
    Ok(thin.into_iter().map(points).collect())
}

/// Cells of a trace by their numbers within the layer: those asked for, or the first few. Of several samples the first.
fn cells(run: &Run, trace: &Trace, options: &Options, most: usize) -> Result<Vec<(usize, usize)>, Refusal> {
    let recorded = trace.cells(&run.path)?;
    let Some(chosen) = &options.cells else {
        return Ok(recorded.into_iter().enumerate().take(most).collect());
    };
    let column = |cell: &usize| Some((recorded.iter().position(|c| c == cell)?, *cell));
    Ok(chosen.iter().filter_map(column).collect())
}

/// Refuses chosen cells that no layer of a quantity has, or that none has kept.
pub(super) fn must_be_kept(runs: &Runs, options: &Options, quantity: &str) -> Result<(), Refusal> {
    let (mut kept, mut largest) = (Vec::new(), 0.0f64);
    for layer in layers_of(runs, quantity)? {
        for run in &runs.runs {
            if let Some(trace) = run.trace(&format!("{quantity}_{layer}"))? {
                kept.extend(trace.cells(&run.path)?);
                largest = run.settings.numbers("network.sizes").get(layer).copied().unwrap_or(0.0).max(largest);
            }
        }
    }
    match options.cells.iter().flatten().find(|cell| !kept.contains(cell)) {
        Some(&cell) if !kept.is_empty() && cell as f64 >= largest => missing(
            format!("no layer of {quantity} has a cell {cell}"),
            format!("--cells takes 0 to {}", largest - 1.0),
        ),
        Some(cell) if !kept.is_empty() => missing(
            format!("cell {cell} is in no trace of {quantity}"),
            format!("[record.{quantity}] cells would have kept it"),
        ),
        _ => Ok(()),
    }
}

/// A panel of lines over time, whose unit follows from how long it is.
struct Timed {
    panel: Panel,
    members: Vec<String>,
}

impl Timed {
    fn new(title: impl Into<String>, label: &str) -> Self {
        let panel = Panel { title: title.into(), ..Panel::new(Axis::new("Time", "ms"), Axis::new(label, "")) };
        Timed { panel, members: Vec::new() }
    }

    fn add(&mut self, runs: &Runs, group: usize, member: &str, (x, y): Points) {
        let index = self.members.iter().position(|m| m == member).unwrap_or_else(|| {
            self.members.push(member.to_owned());
            self.members.len() - 1
        });
        let (colour, dash) = runs.style(group, index);
        let name =
            if runs.count() > 1 { format!("{}, {member}", runs.groups.labels[group]) } else { member.to_owned() };
        self.panel.lines.push(Line { name, colour, dash, x, y });
    }

    fn finish(mut self, runs: &Runs) -> Panel {
        let only = runs.only(&self.members);
        if !only.is_empty() {
            self.panel.title = format!("{}, {}", self.panel.title, only.to_lowercase());
        }
        self.panel.legend = Some(runs.keys(&self.members, &self.panel.lines));
        in_seconds(self.panel)
    }
}

/// Seconds where milliseconds would be long numbers.
fn in_seconds(mut panel: Panel) -> Panel {
    let last = panel.lines.iter().flat_map(|l| &l.x).copied().fold(0.0, f64::max);
    if last > SECONDS_FROM {
        panel.x.unit = "s".into();
        panel.lines.iter_mut().flat_map(|l| &mut l.x).for_each(|t| *t *= 1e-3);
    }
    panel
}

/// Names of traces of a quantity with their layers, over all runs, by layer.
fn layers_of(runs: &Runs, quantity: &str) -> Result<Vec<usize>, Refusal> {
    let mut found = Vec::new();
    for run in &runs.runs {
        for name in apical_lab::record::read::trace_names(&run.path)? {
            let layer = name.strip_prefix(quantity).and_then(|rest| rest.strip_prefix('_')?.parse().ok());
            found.extend(layer.filter(|layer: &usize| *layer > 0));
        }
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// Chosen cells of a trace of all runs that have it, in one panel.
fn cells_panel(
    runs: &Runs,
    options: &Options,
    name: &str,
    title: String,
    label: &str,
) -> Result<Option<Panel>, Refusal> {
    let mut timed = Timed::new(title, label);
    for (run, &group) in runs.runs.iter().zip(&runs.groups.of) {
        let Some(trace) = run.trace(name)? else { continue };
        let most = if runs.count() > 1 { 1 } else { CELLS };
        let chosen = cells(run, &trace, options, most)?;
        let wanted: Vec<usize> = chosen.iter().map(|c| c.0).collect();
        let found = columns(run, name, &trace, options.window, &wanted)?;
        for ((_, cell), points) in chosen.iter().zip(found) {
            timed.add(runs, group, &format!("cell {cell}"), points);
        }
    }
    Ok((!timed.members.is_empty()).then(|| timed.finish(runs)))
}

pub(super) fn neuron(runs: &Runs, options: &Options) -> Result<Drawn, Refusal> {
    must_be_kept(runs, options, "soma")?;
    let mut panels = Vec::new();
    let depth = runs.first()?.settings.numbers("network.sizes").len().saturating_sub(1);
    for layer in layers_of(runs, "soma")?.into_iter().rev() {
        let title = if layer == depth { "Output".to_owned() } else { format!("Layer {layer}") };
        panels.extend(cells_panel(runs, options, &format!("soma_{layer}"), title, "Potential")?);
    }
    // Inputs have cells of their own: those that are chosen may not be among them.
    let own = Options { cells: None, ..options.clone() };
    let input = |options: &Options| cells_panel(runs, options, "input", "Input".into(), "Rate");
    panels.extend(input(options)?.map_or_else(|| input(&own), |panel| Ok(Some(panel)))?);
    if panels.is_empty() {
        return missing(
            "no potentials over time",
            "record them: [record] soma = { every = 10 }, input = { every = 10 } (every: steps between two values)",
        );
    }
    drawn(stacked(panels, options.width(ONE_COLUMN), 20.0))
}

/// The three parts of an apical potential: trace, name in the legend.
const PARTS: [(&str, &str); 3] =
    [("apical_feedback", "top-down feedback"), ("apical_lateral", "lateral cancellation"), ("apical", "their sum")];

pub(super) fn apical(runs: &Runs, options: &Options) -> Result<Drawn, Refusal> {
    let run = runs.first()?;
    let mut lacking = Vec::new();
    for (quantity, says) in PARTS {
        if layers_of(runs, quantity)?.is_empty() {
            lacking.push((quantity, says));
        }
        must_be_kept(runs, options, quantity)?;
    }
    if !lacking.is_empty() {
        let what: Vec<String> = lacking.iter().map(|(quantity, says)| format!("{quantity} ({says})")).collect();
        let remedy: Vec<String> =
            lacking.iter().map(|(quantity, _)| format!("{quantity} = {{ every = 10 }}")).collect();
        let remedy = format!("record what is lacking: [record] {}", remedy.join(", "));
        return missing(format!("no trace of {}", what.join(", ")), remedy);
    }
    let layers = layers_of(runs, "apical")?;
    // With more layers fewer cells of each, so that the figure stays on a page.
    let most = (4 / layers.len().max(1)).clamp(1, CELLS);
    let mut parts = Vec::new();
    for layer in &layers {
        for (quantity, _) in PARTS {
            let name = format!("{quantity}_{layer}");
            let Some(trace) = run.trace(&name)? else { continue };
            let chosen = cells(run, &trace, options, most)?;
            let wanted: Vec<usize> = chosen.iter().map(|c| c.0).collect();
            let found = columns(run, &name, &trace, options.window, &wanted)?;
            parts.extend(chosen.into_iter().zip(found).map(|((_, cell), points)| (*layer, cell, quantity, points)));
        }
    }
    let mut panels = Vec::new();
    panels.extend(output_with_target(run, runs, options)?);
    for layer in layers.into_iter().rev() {
        let mut of_layer: Vec<usize> = parts.iter().filter(|p| p.0 == layer).map(|p| p.1).collect();
        of_layer.sort_unstable();
        of_layer.dedup();
        for cell in of_layer {
            let mut timed = Timed::new(format!("Layer {layer}, cell {cell}"), "Apical potential");
            for (quantity, says) in PARTS {
                let own = parts.iter().find(|p| (p.0, p.1, p.2) == (layer, cell, quantity));
                if let Some((.., points)) = own {
                    timed.add(runs, 0, says, points.clone());
                }
            }
            panels.push(timed.finish(runs));
        }
    }
    let own = Options { cells: None, ..options.clone() };
    panels.extend(cells_panel(runs, &own, "input", "Input".into(), "Rate")?);
    drawn(stacked(panels, options.width(ONE_COLUMN), 20.0))
}

/// Output cells with their targets, in the same colour and dashed.
fn output_with_target(run: &Run, runs: &Runs, options: &Options) -> Result<Option<Panel>, Refusal> {
    let depth = run.settings.numbers("network.sizes").len().saturating_sub(1);
    let (name, own) = (format!("soma_{depth}"), Options { cells: None, ..options.clone() });
    let Some(mut panel) = cells_panel(runs, &own, &name, "Output".into(), "Potential")? else {
        return Ok(None);
    };
    let (Some(trace), Some(output)) = (run.trace("target")?, run.trace(&name)?) else { return Ok(Some(panel)) };
    let shown = cells(run, &output, &own, CELLS)?;
    let there = trace.cells(&run.path)?;
    let mut keys = panel.keys();
    for (colour, (_, cell)) in shown.iter().enumerate() {
        let Some(column) = there.iter().position(|c| c == cell) else { continue };
        let (mut x, y) = columns(run, "target", &trace, options.window, &[column])?.swap_remove(0);
        if panel.x.unit == "s" {
            x.iter_mut().for_each(|t| *t *= 1e-3);
        }
        panel.lines.push(Line { name: format!("target of cell {cell}"), colour, dash: crate::Dash::Dotted, x, y });
    }
    keys.push(Key { name: "target".into(), colour: None, dash: crate::Dash::Dotted });
    panel.legend = Some(keys);
    Ok(Some(panel))
}

/// The four kinds of synapses.
const KINDS: [(&str, &str); 4] = [("Wpp", "Forward"), ("Wip", "P to I"), ("Wpi", "I to P"), ("Wpb", "Feedback")];

pub(super) fn synapse(runs: &Runs, options: &Options) -> Result<Drawn, Refusal> {
    let mut panels = Vec::new();
    let depth = runs.runs.iter().map(|run| run.settings.numbers("network.sizes").len()).max().unwrap_or(0);
    for layer in 1..depth {
        for (kind, says) in KINDS {
            let (name, mut timed) = (format!("{kind}.{layer}"), Timed::new(format!("{says}, layer {layer}"), "Weight"));
            for (run, &group) in runs.runs.iter().zip(&runs.groups.of) {
                // The mean has a trace of its own where synapses were chosen.
                for name in [format!("{name}_mean"), name.clone()] {
                    let Some(trace) = run.trace(&name)? else { continue };
                    let wanted: Vec<usize> = (0..trace.row_length().min(8)).collect();
                    let names = synapses(run, &trace)?;
                    let found = columns(run, &name, &trace, options.window, &wanted)?;
                    for (i, points) in found.into_iter().enumerate() {
                        timed.add(runs, group, names.get(i).map_or("mean", String::as_str), points);
                    }
                }
            }
            if !timed.members.is_empty() {
                panels.push(timed.finish(runs));
            }
        }
    }
    if panels.is_empty() {
        return missing(
            "no weights over time",
            "record them: [record.weights.\"Wpp.1\"] every = 1000, pairs = [[0, 0], [0, 1]], mean = true, and so on for Wip.k, \
             Wpi.k, Wpb.k",
        );
    }
    let width_mm = options.width(if panels.len() > 2 { TWO_COLUMNS } else { ONE_COLUMN });
    if width_mm <= ONE_COLUMN {
        return drawn(stacked(panels, width_mm, 24.0));
    }
    tell_once(&mut panels);
    drawn(Figure { width_mm, axes_height_mm: 24.0, columns: 2, panels })
}

/// Names of chosen synapses; none for a mean.
fn synapses(run: &Run, trace: &Trace) -> Result<Vec<String>, Refusal> {
    let Some(dim) = trace.dims.get(1) else { return Ok(Vec::new()) };
    let ends = |which: &str| -> Result<Vec<f64>, Refusal> {
        let Some(labels) = run.trace(&format!("{dim}_{which}"))? else { return Ok(Vec::new()) };
        Ok(labels.read(0, labels.rows())?)
    };
    let (post, pre) = (ends("post")?, ends("pre")?);
    Ok(post.iter().zip(&pre).map(|(i, j)| format!("{j} to {i}")).collect())
}
