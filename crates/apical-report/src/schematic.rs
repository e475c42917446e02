//! The circuit drawn from its sizes: one pyramidal cell and one interneuron stand for all of a layer.

use crate::render::{Anchor, Scene, Shape, Text, font};
use crate::theme::{self, INK, LABEL_SIZE, LINE_WIDTH, TICK_SIZE};
use crate::{Dash, figure};

/// Which kinds of synapses learn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plastic {
    /// From the layer below onto basal dendrites.
    pub forward: bool,
    /// From pyramidal cells onto interneurons of their layer.
    pub interneuron: bool,
    /// From interneurons onto apical dendrites of their layer.
    pub apical: bool,
    /// From the layer above onto apical dendrites.
    pub feedback: bool,
}

/// A picture of a circuit.
#[derive(Clone, Debug, PartialEq)]
pub struct Schematic {
    /// Cells of the input and of each layer.
    pub sizes: Vec<usize>,
    /// Which synapses learn: these are drawn as unbroken lines.
    pub plastic: Plastic,
}

/// Distance between two layers, and from the paper's edge to the first and last.
const LAYER: f64 = 78.0;
const EDGE: f64 = 20.0;
/// Columns of the pyramidal cells, the interneurons and the legend.
const PYRAMIDAL: f64 = 118.0;
const INTERNEURON: f64 = 196.0;
const LEGEND: f64 = 226.0;
/// Room that the legend needs, and the height of its rows.
const LEGEND_WIDTH: f64 = 94.0;
const ROW: f64 = 11.0;
/// From the soma down to the basal and up to the apical compartment.
const BASAL: f64 = 17.0;
const APICAL: f64 = 28.0;
/// Areas of cells.
const CELL: &str = "#d9d9d9";

impl Schematic {
    /// The picture, 114 mm wide.
    pub fn scene(&self) -> Scene {
        self.scene_of_width(theme::ONE_AND_A_HALF_COLUMNS)
    }

    /// The picture in another width, mm; where there is no room beside the circuit its legend stands below.
    pub fn scene_of_width(&self, width_mm: f64) -> Scene {
        let layers = self.sizes.len().saturating_sub(1);
        let width = if width_mm.is_nan() { 75.0 } else { width_mm.clamp(75.0, 1000.0) } * theme::POINTS_PER_MM;
        let circuit = (2.0 * EDGE + layers as f64 * LAYER).max(2.0 * EDGE + LAYER);
        let beside = width >= LEGEND + LEGEND_WIDTH;
        let mut shapes = Vec::new();
        let soma = |k: usize| circuit - EDGE - k as f64 * LAYER;
        for (k, size) in self.sizes.iter().enumerate() {
            let name = match k {
                0 => "Input".to_owned(),
                k if k == layers => "Output".to_owned(),
                k => format!("Layer {k}"),
            };
            let cells = if k == 0 { format!("{size} rates") } else { format!("{size} cells") };
            let y = soma(k);
            shapes.push(Shape::Text(Text::new((3.0, y), LABEL_SIZE, Anchor::Start, name)));
            shapes.push(Shape::Text(Text::new((3.0, y + LABEL_SIZE * 1.2), TICK_SIZE, Anchor::Start, cells)));
            if k == 0 {
                shapes.extend([-9.0, 0.0, 9.0].map(|x| disc((PYRAMIDAL + x, y), 3.0)));
            } else {
                pyramidal(&mut shapes, y, k < layers);
            }
            if k > 0 && k < layers {
                shapes.push(disc((INTERNEURON, y), 6.0));
                let name = format!("{} interneurons", self.sizes[k + 1]);
                shapes.push(Shape::Text(Text::new((INTERNEURON, y + 15.0), TICK_SIZE, Anchor::Middle, name)));
            }
        }
        for k in 1..=layers {
            self.synapses(&mut shapes, k, layers, &soma);
        }
        let mut height = circuit;
        if layers > 0 {
            self.compartments(&mut shapes, layers, &soma);
            let rows = self.legend(layers);
            let (columns, left, top) = if beside {
                (1, LEGEND, soma(0) - ROW * (rows.len() as f64 - 1.0))
            } else {
                height += ROW * rows.len().div_ceil(2) as f64 + 4.0;
                (2, 3.0, circuit + 4.0)
            };
            for (i, row) in rows.iter().enumerate() {
                let x = left + (i % columns) as f64 * width / 2.0;
                key(&mut shapes, (x, top + ROW * (i / columns) as f64), row);
            }
        }
        // Room that is left is left on both sides.
        let spare = ((width - LEGEND - LEGEND_WIDTH) / 2.0).max(0.0);
        shapes.iter_mut().for_each(|shape| shape.shift((spare, 0.0)));
        Scene { width, height, title: format!("Circuit with layers of {:?} cells", self.sizes), shapes }
    }

    /// All synapses onto the cells of layer `k`.
    fn synapses(&self, shapes: &mut Vec<Shape>, k: usize, layers: usize, soma: &dyn Fn(usize) -> f64) {
        let (below, y) = (soma(k - 1), soma(k));
        let (left, right) = (PYRAMIDAL - 18.0, PYRAMIDAL + 26.0);
        let basal = y + BASAL;
        let start = if k == 1 { PYRAMIDAL - 12.0 } else { PYRAMIDAL - 5.0 };
        let forward = vec![(start, below), (left, below), (left, basal), (PYRAMIDAL - 4.0, basal)];
        synapse(shapes, forward, 0, self.plastic.forward);
        if k == layers {
            // The target reaches the soma of the output from outside.
            let target = vec![(PYRAMIDAL + 4.0, y - 3.0), (INTERNEURON - 14.0, y - 3.0)];
            shapes.push(Shape::Path { points: target, colour: INK.to_owned(), width: LINE_WIDTH, dash: Dash::Dotted });
            let at = (INTERNEURON - 11.0, y - 3.0 + TICK_SIZE * font::CAPITAL / 2.0);
            shapes.push(Shape::Text(Text::new(at, TICK_SIZE, Anchor::Start, "target")));
            return;
        }
        let above = soma(k + 1);
        let tuft = y - APICAL;
        let nudge = tuft - 14.0;
        let side = INTERNEURON + 13.0;
        let points = vec![(INTERNEURON + 6.0, y), (side, y), (side, nudge), (right, nudge)];
        shapes.push(Shape::Path { points, colour: INK.to_owned(), width: LINE_WIDTH, dash: Dash::Dotted });
        synapse(shapes, vec![(PYRAMIDAL + 5.0, y - 2.0), (INTERNEURON - 9.0, y - 2.0)], 2, self.plastic.interneuron);
        // Ends on the branch of the tuft, as the feedback does: at 3/14 and 11/14 of its height.
        let lateral = vec![(INTERNEURON, y - 6.0), (INTERNEURON, tuft + 4.0), (PYRAMIDAL + 2.4, tuft + 4.0)];
        synapse(shapes, lateral, 3, self.plastic.apical);
        let feedback = vec![
            (PYRAMIDAL + 6.0, above + 2.0),
            (right, above + 2.0),
            (right, tuft - 4.0),
            (PYRAMIDAL + 6.8, tuft - 4.0),
        ];
        synapse(shapes, feedback, 1, self.plastic.feedback);
    }

    fn legend(&self, layers: usize) -> Vec<figure::Key> {
        let Plastic { forward, interneuron, apical, feedback } = self.plastic;
        let mut rows = vec![("forward", Some(0), forward)];
        if layers > 1 {
            let hidden = [
                ("feedback", Some(1), feedback),
                ("to interneuron", Some(2), interneuron),
                ("from interneuron", Some(3), apical),
            ];
            rows.extend(hidden);
        }
        let kind = |(name, colour, plastic): (&str, Option<usize>, bool)| {
            let name = if plastic { name.to_owned() } else { format!("{name} (fixed)") };
            figure::Key { name, colour, dash: if plastic { Dash::Solid } else { Dash::Dashed } }
        };
        let nudging = figure::Key { name: "nudging".to_owned(), colour: None, dash: Dash::Dotted };
        rows.into_iter().map(kind).chain([nudging]).collect()
    }

    /// Compartments are named once, in the first layer.
    fn compartments(&self, shapes: &mut Vec<Shape>, layers: usize, soma: &dyn Fn(usize) -> f64) {
        let name = |y: f64, text: &str| Text::new((PYRAMIDAL - 22.0, y), TICK_SIZE, Anchor::End, text);
        shapes.push(Shape::Text(name(soma(1) + BASAL + 2.5, "basal")));
        shapes.push(Shape::Text(name(soma(1) + 2.5, "soma")));
        if layers > 1 {
            shapes.push(Shape::Text(name(soma(1) - APICAL + 2.5, "apical")));
        }
    }
}

fn disc(at: (f64, f64), radius: f64) -> Shape {
    Shape::Disc { at, radius, fill: CELL.to_owned(), colour: INK.to_owned(), width: theme::AXIS_WIDTH }
}

/// Dendrites and soma; the output has no apical compartment.
fn pyramidal(shapes: &mut Vec<Shape>, y: f64, apical: bool) {
    let x = PYRAMIDAL;
    let mut dendrite = |points: Vec<(f64, f64)>| {
        shapes.push(Shape::Path { points, colour: INK.to_owned(), width: 1.6, dash: Dash::Solid });
    };
    dendrite(vec![(x, y), (x, y + BASAL - 5.0)]);
    dendrite(vec![(x - 7.0, y + BASAL + 3.0), (x, y + BASAL - 5.0), (x + 7.0, y + BASAL + 3.0)]);
    if apical {
        dendrite(vec![(x, y), (x, y - APICAL + 7.0)]);
        dendrite(vec![(x - 8.0, y - APICAL - 7.0), (x, y - APICAL + 7.0), (x + 8.0, y - APICAL - 7.0)]);
    }
    let points = vec![(x, y - 8.0), (x + 8.0, y + 6.0), (x - 8.0, y + 6.0)];
    shapes.push(Shape::Polygon { points, fill: CELL.to_owned(), colour: INK.to_owned(), width: theme::AXIS_WIDTH });
}

/// An axon with its synapse at the end.
fn synapse(shapes: &mut Vec<Shape>, points: Vec<(f64, f64)>, colour: usize, plastic: bool) {
    let colour = theme::colour(colour).to_owned();
    let end = points.last().copied();
    let dash = if plastic { Dash::Solid } else { Dash::Dashed };
    shapes.push(Shape::Path { points, colour: colour.clone(), width: LINE_WIDTH, dash });
    shapes.extend(end.map(|at| Shape::Disc { at, radius: 2.2, fill: colour, colour: INK.to_owned(), width: 0.0 }));
}

fn key(shapes: &mut Vec<Shape>, (x, y): (f64, f64), key: &figure::Key) {
    let colour = key.colour.map_or(INK, theme::colour).to_owned();
    let points = vec![(x, y), (x + 16.0, y)];
    shapes.push(Shape::Path { points, colour, width: LINE_WIDTH, dash: key.dash });
    let at = (x + 20.0, y + TICK_SIZE * font::CAPITAL / 2.0);
    shapes.push(Shape::Text(Text::new(at, TICK_SIZE, Anchor::Start, key.name.clone())));
}
