//! The fields of [record], each described once, as those of the other tables are in `fields.rs`.

use super::fields::f;
use super::registry::{Field, Kind};

const ALL: &[&str] = &[];
const TRACE: Kind = Kind::Table("record.trace");

/// Its fields, and those of its tables.
#[rustfmt::skip] // a table: two lines a row say more than nine
pub const RECORD_FIELDS: &[Field] = &[
    f("record", "interval", ALL, Kind::Count(0), "presentations", "0",
      "Presentations in a metric interval; 0: those of an epoch.", "1000"),
    f("record", "angles", ALL, Kind::Count(0), "samples", "0",
      "Training samples (rounded up to batches) over which updates are compared at the end of each interval: angles to \
      backpropagation and feedback alignment, norms, how well interneurons predict. 0: none.", "100"),
    f("record", "figures", ALL, Kind::Flag, "", "true",
      "Draw a figure of each metric when the run ends.", "false"),
    f("record", "tensorboard", ALL, Kind::Flag, "", "false",
      "Write events for TensorBoard: metrics, and histograms of the weights at the start and at each checkpoint of the config.", "true"),
    f("record", "confusion", ALL, Kind::Flag, "", "true",
      "Keep which classes are taken for which in the test set (confusion.json).", "false"),
    f("record", "decision_map", ALL, Kind::Count(0), "points", "0",
      "Points on each side of a grid over the plane whose classes are answered at the end, 1000 at most \
      (decision_map.json); for yin-yang and for files of two inputs and classes. 0: none.", "200"),
    f("record", "inference", ALL, Kind::Count(0), "samples", "0",
      "Training samples, 1000 at most, whose way to a fixed point is followed step by step at the start weights and at the \
      end (inference.json): residuals with steady, ep and pc, energies with ep and pc. 0: none.", "20"),
    f("record", "switches", ALL, Kind::Count(0), "samples", "0",
      "Training samples, 1000 at most, after whose switches the errors of hidden cells are followed, in parts: the soma's lag, the \
      apical error without a target, the teacher; at the start weights and at the end (switches.json); with euler and adaptive. \
      0: none.", "20"),
    f("record", "soma", ALL, TRACE, "", "",
      "Soma potentials of pyramidal cells.", "{ every = 10 }"),
    f("record", "inter", ALL, TRACE, "", "",
      "Soma potentials of interneurons.", "{ every = 10 }"),
    f("record", "basal", ALL, TRACE, "", "",
      "Basal potentials.", "{ every = 10 }"),
    f("record", "apical", ALL, TRACE, "", "",
      "Apical potentials.", "{ every = 10 }"),
    f("record", "apical_feedback", ALL, TRACE, "", "",
      "The part of the apical potential that comes from above.", "{ every = 10 }"),
    f("record", "apical_lateral", ALL, TRACE, "", "",
      "The part of the apical potential that comes from interneurons.", "{ every = 10 }"),
    f("record", "inter_dendrite", ALL, TRACE, "", "",
      "Dendritic potentials of interneurons.", "{ every = 10 }"),
    f("record", "rate", ALL, TRACE, "", "",
      "Firing rates of pyramidal cells.", "{ every = 10 }"),
    f("record", "input", ALL, TRACE, "", "",
      "The filtered input.", "{ every = 10 }"),
    f("record", "target", ALL, TRACE, "", "",
      "The target potentials.", "{ every = 10 }"),
    f("record", "weights", ALL, Kind::Map("record.weight"), "", "",
      "Weights by the name of their tensor: Wpp.k bpp.k Wpb.k Wip.k bip.k Wpi.k.", "{ \"Wpp.1\" = { every = 1000 } }"),
    f("record.trace", "every", ALL, Kind::Count(1), "steps", "1",
      "Steps between two values (euler and adaptive: steps of dt; else presentations).", "10"),
    f("record.trace", "layers", ALL, Kind::Counts(1), "", "",
      "Layers; absent: all that have the quantity.", "[1, 2]"),
    f("record.trace", "cells", ALL, Kind::Cells, "", "\"all\"",
      "Which cells of each layer.", "[0, 1, 2]"),
    f("record.trace", "window", ALL, Kind::Window, "ms", "\"all\"",
      "From and to, in time of the run.", "[0.0, 1000.0]"),
    f("record.weight", "every", ALL, Kind::Count(1), "steps", "1",
      "Steps between two values (euler and adaptive: steps of dt; else presentations).", "1000"),
    f("record.weight", "pairs", ALL, Kind::Pairs, "", "[]",
      "Chosen synapses, [post, pre]; empty: the mean over all.", "[[0, 0], [0, 1]]"),
    f("record.weight", "mean", ALL, Kind::Flag, "", "false",
      "Beside chosen synapses the mean over all, as NAME_mean.", "true"),
    f("record.weight", "window", ALL, Kind::Window, "ms", "\"all\"",
      "From and to, in time of the run.", "[0.0, 1000.0]"),
];
