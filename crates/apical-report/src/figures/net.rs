//! The circuit drawn from its config, and the weights of its first layer as images.

use super::{Drawn, Options, Refusal, Runs, drawn, missing};
use crate::colour::Colours;
use crate::csv::number;
use crate::figure::{Axis, Figure, Image, Panel};
use crate::schematic::{Plastic, Schematic};
use crate::theme::{ONE_AND_A_HALF_COLUMNS, ONE_COLUMN};

/// Cells whose weights are shown if none are chosen.
const TILES: usize = 64;
/// Width of a tile, mm, where there is room.
const TILE_MM: f64 = 11.5;
/// Most pixels of a tile's side.
const LARGEST: usize = 256;

pub(super) fn circuit(runs: &Runs, options: &Options) -> Result<Drawn, Refusal> {
    let run = runs.first()?;
    let s = &run.settings;
    let sizes: Vec<usize> = s.numbers("network.sizes").into_iter().map(|n| n as usize).collect();
    let kind = s.text("learner.kind");
    if kind != "microcircuit" || sizes.is_empty() {
        return missing(format!("the learner is {kind:?}"), "the circuit is that of learner.kind = \"microcircuit\"");
    }
    // A rule learns if it does so in some phase.
    let learns = |rule: &str| {
        let end = format!(".eta_{rule}");
        let rates = s.entries().iter().filter(|(key, _)| key.ends_with(&end)).map(|(key, _)| key);
        let of_phases: Vec<&String> = rates.clone().filter(|key| key.starts_with("phase.")).collect();
        let told: Vec<&String> = if of_phases.is_empty() { rates.collect() } else { of_phases };
        told.into_iter().any(|key| s.numbers(key).into_iter().chain(s.number(key)).any(|eta| eta != 0.0))
    };
    let plastic =
        Plastic { forward: learns("pp"), interneuron: learns("ip"), apical: learns("pi"), feedback: learns("pb") };
    let mut csv = String::from("layer,pyramidal_cells,interneurons\n");
    for (k, n) in sizes.iter().enumerate() {
        let inter = if k == 0 { 0 } else { sizes.get(k + 1).copied().unwrap_or(0) };
        csv.push_str(&format!("{k},{n},{inter}\n"));
    }
    let scene = Schematic { sizes, plastic }.scene_of_width(options.width(ONE_AND_A_HALF_COLUMNS));
    Ok(Drawn { scene, csv, figure: None })
}

pub(super) fn tiles(runs: &Runs, options: &Options) -> Result<Drawn, Refusal> {
    let run = runs.first()?;
    let task = run.settings.text("task.kind").to_owned();
    let inputs = run.settings.numbers("network.sizes").first().map_or(0, |n| *n as usize);
    let side = (inputs as f64).sqrt().round() as usize;
    let is_image =
        matches!(task.as_str(), "mnist" | "digits" | "file") && side >= 5 && side * side == inputs && side <= LARGEST;
    if !is_image {
        let what = format!("the task {task:?} with {inputs} inputs shows no images");
        return missing(
            what,
            "tasks of square images are mnist, digits, and files with as many columns as such an image has pixels",
        );
    }
    let Some(weights) = run.weights("Wpp.1")? else {
        return missing("no checkpoint with weights", "a run writes one when it begins");
    };
    let cells = weights.shape[0];
    let chosen = options.cells.clone().unwrap_or_else(|| (0..cells.min(TILES)).collect());
    if let Some(wrong) = chosen.iter().find(|c| **c >= cells) {
        return missing(format!("layer 1 has no cell {wrong}"), format!("--cells takes 0 to {}", cells - 1));
    }
    let all = weights.to_f64();
    let values = all.get(..cells * inputs).filter(|_| weights.shape[1] == inputs);
    let Some(values) = values else {
        return missing("weights of another shape than the config says", "the checkpoint that the run wrote");
    };
    let of = |cell: usize| &values[cell * inputs..(cell + 1) * inputs];
    let most = chosen.iter().flat_map(|&c| of(c)).filter(|v| v.is_finite()).fold(0.0f64, |m, v| m.max(v.abs()));
    let width_mm = options.width(ONE_COLUMN);
    // A square of tiles, unless the paper has room for more side by side.
    let square = (chosen.len() as f64).sqrt().ceil() as usize;
    let columns = square.max(((width_mm - 16.0) / TILE_MM) as usize).clamp(1, chosen.len().clamp(1, 24));
    let rows = chosen.len().div_ceil(columns);
    // A line of paper between two tiles.
    let (across, down) = (columns * (side + 1) - 1, rows * (side + 1) - 1);
    let mut picture = vec![f64::NAN; across * down];
    let mut csv = String::from("cell,row,column,weight\n");
    for (i, &cell) in chosen.iter().enumerate() {
        for (p, &w) in of(cell).iter().enumerate() {
            let (x, y) = ((i % columns) * (side + 1) + p % side, (i / columns) * (side + 1) + p / side);
            // The first row of an image is its upper one; pictures begin below.
            picture[(down - 1 - y) * across + x] = w;
            csv.push_str(&format!("{cell},{},{},{}\n", p / side, p % side, number(w)));
        }
    }
    let image = Image {
        x: (0.0, across as f64),
        y: (0.0, down as f64),
        columns: across,
        values: picture,
        colours: Colours::Diverging(if most > 0.0 { most } else { 1.0 }),
        label: "Weight".into(),
        bar: true,
        texts: Vec::new(),
    };
    let title = if chosen.len() == cells {
        format!("Layer 1, all {cells} cells")
    } else {
        format!("Layer 1, {} of {cells} cells", chosen.len())
    };
    let room = width_mm - 16.0;
    let panel = Panel {
        title,
        image: Some(image),
        bare: true,
        square: rows == columns,
        ..Panel::new(Axis::new("", ""), Axis::new("", ""))
    };
    let axes_height_mm = (room * down as f64 / across as f64).max(10.0);
    Ok(Drawn { csv, ..drawn(Figure { width_mm, axes_height_mm, ..Figure::one(panel) })? })
}
