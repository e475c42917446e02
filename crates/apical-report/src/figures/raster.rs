//! Potentials of all cells of each layer over a presentation, as colours.

use super::overlay::FEW;
use super::traces::{SECONDS_FROM, must_be_kept, stretch};
use super::{Drawn, Options, Refusal, Runs, drawn, missing};
use crate::colour::Colours;
use crate::figure::{Axis, Image, Panel};
use crate::theme::ONE_COLUMN;
use apical_lab::record::Run;

/// Columns of time at most; more rows of a trace are averaged.
const MOST: usize = 500;
/// Cells at most.
const CELLS: usize = 2000;

/// The last whole presentation that the trace holds.
fn last_presentation(run: &Run, last: f64) -> Option<(f64, f64)> {
    let length = run.settings.number("time.presentation").filter(|p| *p > 0.0)?;
    let ended = (last / length + 1e-6).floor() * length;
    Some((ended - length, ended)).filter(|(from, _)| *from >= 0.0)
}

pub(super) fn raster(runs: &Runs, options: &Options) -> Result<Drawn, Refusal> {
    let run = runs.first()?;
    must_be_kept(runs, options, "soma")?;
    let depth = run.settings.numbers("network.sizes").len().saturating_sub(1);
    let mut panels = Vec::new();
    for layer in (1..=depth).rev() {
        let name = format!("soma_{layer}");
        let Some(trace) = run.trace(&name)? else { continue };
        let window = match (options.window, trace.span(&run.path)?) {
            (None, Some((_, last))) => last_presentation(run, last),
            (window, _) => window,
        };
        let part = stretch(run, &name, &trace, window)?;
        let labels = trace.cells(&run.path)?;
        let chosen: Vec<usize> = match &options.cells {
            None => (0..labels.len().min(CELLS)).collect(),
            Some(list) => (0..labels.len()).filter(|&i| list.contains(&labels[i])).collect(),
        };
        if chosen.is_empty() {
            continue;
        }
        let rows = part.to - part.from;
        let columns = rows.min(MOST);
        let (mut sums, mut counts) = (vec![0.0; columns * chosen.len()], vec![0.0; columns]);
        let length = trace.row_length();
        trace.each_block(part.from, part.to, &mut |first, block| {
            for (i, row) in block.chunks_exact(length).enumerate() {
                let column = (first + i - part.from) * columns / rows;
                counts[column] += 1.0;
                for (k, &cell) in chosen.iter().enumerate() {
                    sums[k * columns + column] += row[cell];
                }
            }
        })?;
        sums.chunks_exact_mut(columns).for_each(|row| row.iter_mut().zip(&counts).for_each(|(s, n)| *s /= n));
        let most = sums.iter().filter(|v| v.is_finite()).fold(0.0f64, |m, v| m.max(v.abs()));
        let (from, to) = (part.time(part.from), part.time(part.to));
        let (unit, from, to) = if to > SECONDS_FROM { ("s", 1e-3 * from, 1e-3 * to) } else { ("ms", from, to) };
        let n = chosen.len() as f64;
        let image = Image {
            x: (from, to),
            y: (-0.5, n - 0.5),
            columns,
            values: sums,
            colours: Colours::Diverging(if most > 0.0 { most } else { 1.0 }),
            label: "Potential".into(),
            bar: true,
            texts: Vec::new(),
        };
        let mut cells = Axis::new("Cell", "");
        // Of few cells there are no halves.
        if n <= FEW || chosen.len() < labels.len() || labels.iter().enumerate().any(|(i, c)| i != *c) {
            cells.names = chosen.iter().enumerate().map(|(i, c)| (i as f64, labels[*c].to_string())).collect();
        }
        let title = if layer == depth { "Output".to_owned() } else { format!("Layer {layer}") };
        panels.push(Panel { title, image: Some(image), ..Panel::new(Axis::new("Time", unit), cells) });
    }
    if panels.is_empty() {
        return missing(
            "no potentials over time",
            "record them: [record] soma = { every = 10 } (every: steps between two values)",
        );
    }
    drawn(super::distances::stacked(panels, options.width(ONE_COLUMN), 26.0))
}
