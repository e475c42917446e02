//! What is kept and what must be reached.

use super::Check;
use crate::config::registry::{Kind, fields_of, nearest};
use crate::config::walk::View;
use crate::experiment::{Cells, Expectation, Experiment, LearnerSpec, RecordSpec, TraceSpec};
use apical::tasks::{FileTargets, TaskSpec};

/// Names of the weight tensors of a learner's net, `Wpp.1` and so on, with their shapes (post, pre); biases have one
/// column.
pub(super) fn tensors(sizes: &[usize], learner: &LearnerSpec) -> Vec<(String, usize, usize)> {
    let has = |name: &str| learner.kinds().iter().any(|k| name.split('.').next() == Some(k.stem()));
    let mut all = all_tensors(sizes);
    all.retain(|(name, ..)| has(name));
    all
}

fn all_tensors(sizes: &[usize]) -> Vec<(String, usize, usize)> {
    let layers = sizes.len() - 1;
    let mut all = Vec::new();
    for k in 1..=layers {
        all.push((format!("Wpp.{k}"), sizes[k], sizes[k - 1]));
        all.push((format!("bpp.{k}"), sizes[k], 1));
    }
    for k in 1..layers {
        all.push((format!("Wpb.{k}"), sizes[k], sizes[k + 1]));
        all.push((format!("Wip.{k}"), sizes[k + 1], sizes[k]));
        all.push((format!("bip.{k}"), sizes[k + 1], 1));
        all.push((format!("Wpi.{k}"), sizes[k], sizes[k + 1]));
    }
    all
}

/// Names of the metrics that a run of this net, task and learner has: what `[expect]` may ask for.
pub fn metrics(
    sizes: &[usize],
    task: &TaskSpec,
    learner: &LearnerSpec,
    angles: bool,
    euler: bool,
    iterative: bool,
) -> Vec<String> {
    let mut names = Vec::new();
    let circuit = *learner == LearnerSpec::Microcircuit;
    for k in (1..sizes.len() - 1).filter(|_| circuit) {
        for quantity in ["apical_squared", "interneuron_mismatch_squared", "distance_pi", "distance_ip"] {
            names.push(format!("{quantity}.{k}"));
        }
    }
    let depth = sizes.len() - 1;
    if angles {
        for k in 1..=depth {
            names.extend([format!("angle_bp.{k}"), format!("norm_ratio.{k}")]);
        }
        if depth > 1 && learner.kinds().contains(&apical::circuit::Kind::Wpb) {
            names.extend((1..=depth).map(|k| format!("angle_fa.{k}")));
            names.extend((1..depth).map(|k| format!("forward_feedback_angle.{k}")));
        }
        for k in (1..depth).filter(|_| circuit) {
            names.push(format!("interneuron_error.{k}"));
            if !euler {
                names.push(format!("stability.{k}"));
            }
        }
    }
    let (target, classes) = match task {
        TaskSpec::Patterns { .. } => (false, false),
        TaskSpec::Single { .. } | TaskSpec::Teacher { .. } => (true, false),
        TaskSpec::File { targets, .. } => (*targets != FileTargets::None, matches!(targets, FileTargets::Classes(_))),
        _ => (true, true),
    };
    for set in ["train", "validation", "test"] {
        if target {
            names.push(format!("{set}.loss"));
        }
        if classes {
            names.push(format!("{set}.error"));
        }
    }
    names.extend(tensors(sizes, learner).into_iter().map(|(name, ..)| format!("weight_norm.{name}")));
    if !iterative {
        return names;
    }
    let solver = ["solver.unsettled", "solver.residual", "solver.sweeps", "validation.unsettled", "test.unsettled"];
    names.extend(solver.map(String::from));
    names
}

/// Names of the metrics that a run of this experiment keeps over time: what a sweep may rank by, and those of a test set not.
pub fn recorded(e: &Experiment) -> Vec<String> {
    let sizes = &e.network.sizes;
    let mut names = metrics(sizes, &e.task, &e.learner, e.record.angles > 0, e.has_dynamics(), e.is_iterative());
    names.retain(|name| !name.starts_with("test."));
    names.extend((1..sizes.len()).map(|k| format!("saturated.{k}")));
    if let TaskSpec::Patterns { sizes, .. } | TaskSpec::Teacher { sizes, .. } | TaskSpec::YinYang { sizes, .. } =
        &e.task
        && sizes.validation == 0
    {
        names.retain(|name| !name.starts_with("validation."));
    }
    names
}

impl<'a> Check<'a> {
    pub(super) fn record(&mut self, sizes: Option<&[usize]>, learner: Option<&LearnerSpec>) -> Option<RecordSpec> {
        let view = self.section("record");
        let mut traces = Vec::new();
        let mut fine = true;
        let sizes = sizes?;
        let known = tensors(sizes, learner?);
        for (key, node) in view.node.map_or(&[][..], |n| n.entries()) {
            let Some(field) = fields_of("record").find(|f| f.key == key.name) else { continue };
            match field.kind {
                Kind::Table(_) if learner != Some(&LearnerSpec::Microcircuit) => {
                    let found = format!("`record.{}`: only the microcircuit has potentials to record", key.name);
                    self.findings.error(key.at, found, "leave it out; weights can be recorded with every learner");
                }
                Kind::Table(_) => {
                    match self.trace(View { node: Some(node), table: "record.trace" }, &key.name, sizes) {
                        Some(trace) => traces.push(trace),
                        None => fine = false,
                    }
                }
                Kind::Map(_) => {
                    for (tensor, node) in node.entries() {
                        let view = View { node: Some(node), table: "record.weight" };
                        match self.weights(view, &tensor.name, tensor.at, &known) {
                            Some(trace) => traces.push(trace),
                            None => fine = false,
                        }
                    }
                }
                _ => {}
            }
        }
        // One order whatever the order in the file: it is part of the run's identity.
        let place = |t: &TraceSpec| {
            let quantity = fields_of("record").position(|f| f.key == t.quantity);
            (quantity.unwrap_or(usize::MAX), known.iter().position(|w| w.0 == t.quantity))
        };
        traces.sort_by_cached_key(place);
        self.observations(view, sizes, learner?);
        let spec = RecordSpec {
            interval: view.count("interval")? as u64,
            angles: view.count("angles")?,
            figures: view.flag("figures")?,
            tensorboard: view.flag("tensorboard")?,
            confusion: view.flag("confusion")?,
            decision_map: view.count("decision_map")?,
            inference: view.count("inference")?,
            switches: view.count("switches")?,
            traces,
        };
        fine.then_some(spec)
    }

    /// What is kept at the end: only where there is such a thing.
    fn observations(&mut self, view: View<'a>, sizes: &[usize], learner: &LearnerSpec) {
        const MOST: usize = 1000;
        for key in ["decision_map", "inference", "switches"] {
            if let Some(n) = view.count(key).filter(|n| *n > MOST) {
                self.findings.error(view.at(key), format!("`record.{key}` is {n}"), format!("allowed: 0 to {MOST}"));
            }
        }
        let settles = match learner {
            LearnerSpec::Microcircuit => self.section("solver").kind() == Some("steady"),
            LearnerSpec::Trained(t) => t.algorithm.is_iterative(),
        };
        if view.count("inference").is_some_and(|n| n > 0) && !settles {
            let found = format!("`record.inference`: nothing settles in steps with the learner {}", learner.name());
            let allowed = "leave it out, or take the solver steady or the learner ep or pc";
            self.findings.error(view.at("inference"), found, allowed);
        }
        let moves = matches!(self.section("solver").kind(), Some("euler" | "adaptive"));
        if view.count("switches").is_some_and(|n| n > 0) {
            let at = view.at("switches");
            if *learner != LearnerSpec::Microcircuit || !moves {
                let found = "`record.switches`: nothing settles over time with this solver or learner";
                self.findings.error(at, found, "leave it out, or take the solver euler or adaptive");
            } else if sizes.len() < 3 {
                let found = "`record.switches`: a net of two layers has no hidden cells";
                self.findings.error(at, found, "leave it out, or add a layer to `network.sizes`");
            }
        }
        let task = self.section("task").kind();
        let is_plane = task == Some("yin-yang") || (task == Some("file") && sizes[0] == 2);
        if view.count("decision_map").is_some_and(|n| n > 0) && !is_plane {
            let found = "`record.decision_map`: the inputs of this task are no points in a plane";
            self.findings.error(
                view.at("decision_map"),
                found,
                "leave it out; yin-yang and files of two inputs have one",
            );
        }
    }

    fn trace(&mut self, view: View<'a>, quantity: &str, sizes: &[usize]) -> Option<TraceSpec> {
        let n = sizes.len() - 1;
        let (last, shift) = match quantity {
            "soma" | "basal" | "rate" => (n, 0),
            "inter" | "inter_dendrite" => (n - 1, 1),
            "apical" | "apical_feedback" | "apical_lateral" => (n - 1, 0),
            _ => (0, 0),
        };
        let of_layers = !matches!(quantity, "input" | "target");
        if of_layers && last == 0 {
            let found = format!("`record.{quantity}`: a net of two layers has no hidden layer");
            self.findings.error(view.at("layers"), found, "leave it out, or add a layer to `network.sizes`");
            return None;
        }
        let layers = if view.has("layers") { view.counts("layers")? } else { (1..=last).collect() };
        if let Some(wrong) = layers.iter().find(|&&k| k > last) {
            let found = format!("`record.{quantity}` has no layer {wrong}");
            let allowed = if of_layers { format!("allowed: 1 to {last}") } else { "leave `layers` out".to_owned() };
            self.findings.error(view.at("layers"), found, allowed);
            return None;
        }
        let cells = view.node("cells")?;
        let cells = if cells.text().is_some() { Cells::All } else { Cells::Chosen(view.counts("cells")?) };
        let chosen = if let Cells::Chosen(cells) = &cells { &cells[..] } else { &[] };
        for (key, list) in [("layers", &layers[..]), ("cells", chosen)] {
            let twice = list.iter().enumerate().any(|(i, x)| list[..i.min(10_000)].contains(x));
            let may_be_empty = if key == "layers" { !of_layers } else { cells == Cells::All };
            if view.has(key) && (twice || (list.is_empty() && !may_be_empty)) {
                let found = format!("`record.{quantity}.{key}` is empty or names something twice");
                self.findings.error(view.at(key), found, "allowed: at least one, each once");
            }
        }
        let smallest = match quantity {
            "input" => Some(sizes[0]),
            "target" => Some(sizes[n]),
            _ => layers.iter().map(|&k| sizes[k + shift]).min(),
        };
        if let (Cells::Chosen(chosen), Some(smallest)) = (&cells, smallest)
            && let Some(wrong) = chosen.iter().find(|&&c| c >= smallest)
        {
            let found =
                format!("`record.{quantity}.cells` holds {wrong}, but there are {smallest} cells in a layer of it");
            self.findings.error(view.at("cells"), found, format!("allowed: 0 to {}", smallest - 1));
        }
        Some(TraceSpec {
            quantity: quantity.to_owned(),
            layers,
            cells,
            pairs: Vec::new(),
            mean: false,
            every: view.count("every")? as u64,
            window: window(view)?,
        })
    }

    fn weights(
        &mut self,
        view: View<'a>,
        tensor: &str,
        at: crate::config::diagnostic::Span,
        known: &[(String, usize, usize)],
    ) -> Option<TraceSpec> {
        let Some((_, post, pre)) = known.iter().find(|(name, ..)| name == tensor) else {
            let names: Vec<&str> = known.iter().map(|(name, ..)| name.as_str()).collect();
            let near = nearest(tensor, names.iter().copied().take(500))
                .map_or(String::new(), |n| format!("did you mean \"{n}\"?"));
            let found = format!("this net has no weights {tensor:?}");
            let shown = &names[..names.len().min(12)];
            self.findings.error(at, found, near).help =
                format!("it has {}{}", shown.join(", "), if names.len() > 12 { ", ..." } else { "" });
            return None;
        };
        let pairs: Vec<(usize, usize)> = view
            .node("pairs")?
            .elements()
            .iter()
            .filter_map(|p| match p.elements() {
                [a, b] => Some((usize::try_from(a.count()?).ok()?, usize::try_from(b.count()?).ok()?)),
                _ => None,
            })
            .collect();
        if let Some((i, j)) = pairs.iter().find(|(i, j)| i >= post || j >= pre) {
            let found = format!("{tensor} has no synapse [{i}, {j}]");
            self.findings.error(view.at("pairs"), found, format!("allowed: [0, 0] to [{}, {}]", post - 1, pre - 1));
        }
        Some(TraceSpec {
            quantity: tensor.to_owned(),
            layers: Vec::new(),
            cells: Cells::All,
            pairs,
            mean: view.flag("mean")?,
            every: view.count("every")? as u64,
            window: window(view)?,
        })
    }

    pub(super) fn expect(
        &mut self,
        sizes: Option<&[usize]>,
        task: Option<&TaskSpec>,
        learner: Option<&LearnerSpec>,
    ) -> Option<Vec<Expectation>> {
        let angles = self.section("record").count("angles").is_some_and(|n| n > 0);
        let euler = matches!(self.section("solver").kind(), Some("euler" | "adaptive"));
        let iterative = match learner? {
            LearnerSpec::Microcircuit => self.section("solver").kind() == Some("steady"),
            LearnerSpec::Trained(t) => t.algorithm.is_iterative(),
        };
        let known = metrics(sizes?, task?, learner?, angles, euler, iterative);
        let mut list = Vec::new();
        for (key, node) in self.root.given("expect").map_or(&[][..], |n| n.entries()) {
            let view = View { node: Some(node), table: "expect" };
            if !known.contains(&key.name) {
                let near = nearest(&key.name, known.iter().take(500).map(String::as_str));
                let near = near.map_or(String::new(), |n| format!("did you mean \"{n}\"?"));
                let shown: String = key.name.chars().take(60).collect();
                let metrics: Vec<&str> =
                    known.iter().map(String::as_str).filter(|n| !n.starts_with("weight")).collect();
                self.findings.error(key.at, format!("this run has no metric {shown:?}"), near).help =
                    format!("it has {} and weight_norm.NAME", metrics.join(", "));
            }
            if !view.has("min") && !view.has("max") {
                self.findings.error(key.at, "this expects nothing", "give min, max or both");
            }
            let (min, max) = (view.number("min"), view.number("max"));
            if let (Some(a), Some(b)) = (min, max)
                && a > b
            {
                self.findings.error(
                    view.at("min"),
                    format!("min = {a} lies above max = {b}"),
                    "allowed: min up to max",
                );
            }
            list.push(Expectation { metric: key.name.clone(), min, max });
        }
        list.sort_by(|a, b| a.metric.cmp(&b.metric));
        Some(list)
    }
}

fn window(view: View<'_>) -> Option<(f64, f64)> {
    let node = view.node("window")?;
    match node.elements() {
        [from, to] => Some((from.number()?, to.number()?)),
        _ => Some((0.0, f64::INFINITY)),
    }
}
