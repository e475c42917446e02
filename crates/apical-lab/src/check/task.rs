//! The task, and whether the net fits it.

use super::{Check, files};
use crate::config::diagnostic::Span;
use crate::config::walk::View;
use apical::kernels::Activation;
use apical::tasks::{Coding, FileTargets, Scaling, Sizes, SplitSpec, TaskSpec};

/// MNIST's training set without the 5000 validation images.
const MNIST_TRAIN: usize = 55_000;

impl Check<'_> {
    pub(super) fn task(&mut self, activation: Option<Activation>, sizes: Option<&[usize]>) -> Option<TaskSpec> {
        let view = self.section("task");
        if !self.root.has("task") || (view.node.is_some() && !view.has("kind")) {
            let at = if self.root.has("task") { view.at("kind") } else { Span::FILE };
            self.findings.error(at, "`task.kind` is missing", "say what is learned, as in [task] kind = \"digits\"");
            return None;
        }
        let kind = view.kind()?;
        match kind {
            "yin-yang" => self.fits(view, sizes, 4, 3, kind),
            "mnist" => self.fits(view, sizes, 784, 10, kind),
            "digits" => self.fits(view, sizes, 64, 10, kind),
            _ => {}
        }
        match kind {
            "patterns" => {
                let (low, high) = self.bounds(view, "low", "high")?;
                Some(TaskSpec::Patterns { low, high, sizes: self.sets(view)? })
            }
            "single" => {
                let input = self.bounds(view, "low", "high");
                let (target_low, target_high) = self.bounds(view, "target_low", "target_high")?;
                let (low, high) = input?;
                Some(TaskSpec::Single {
                    low,
                    high,
                    target_low,
                    target_high,
                    presentations: view.count("presentations")?,
                })
            }
            "teacher" => self.teacher(view, sizes),
            "yin-yang" => Some(TaskSpec::YinYang { coding: self.coding(view, activation)?, sizes: self.sets(view)? }),
            "digits" => Some(TaskSpec::Digits { coding: self.coding(view, activation)? }),
            "mnist" => {
                let train = view.count("train");
                if train.is_some_and(|n| n > MNIST_TRAIN) {
                    let found = format!("`task.train` is {}", train.unwrap_or_default());
                    self.findings.error(
                        view.at("train"),
                        found,
                        format!("allowed: up to {MNIST_TRAIN} (5000 more validate)"),
                    );
                }
                let coding = self.coding(view, activation);
                let range = view.number("low").zip(view.number("high"));
                if range.is_some_and(|(low, high)| low >= high) {
                    self.findings.error(view.at("low"), "`task.low` is not below `task.high`", "allowed: low < high");
                }
                Some(TaskSpec::Mnist { dir: self.mnist_dir(view)?, coding: coding?, range: range?, train: train? })
            }
            _ => self.file(view, activation, sizes),
        }
    }

    fn fits(&mut self, view: View<'_>, sizes: Option<&[usize]>, inputs: usize, outputs: usize, task: &str) {
        let Some(sizes) = sizes else { return };
        let network = self.section("network");
        let (first, last) = (sizes[0], sizes[sizes.len() - 1]);
        for (cells, what, wanted) in [(first, "input", inputs), (last, "output", outputs)] {
            if cells != wanted {
                let at = if network.has("sizes") { network.at("sizes") } else { view.at("kind") };
                let found = format!("`network.sizes` has {cells} {what} cells, but the task \"{task}\" has {wanted}");
                self.findings.error(at, found, format!("allowed: {inputs} at the start and {outputs} at the end"));
            }
        }
    }

    fn bounds(&mut self, view: View<'_>, low: &str, high: &str) -> Option<(f64, f64)> {
        let (a, b) = (view.number(low)?, view.number(high)?);
        if a > b {
            let at = if view.has(low) { view.at(low) } else { view.at(high) };
            self.findings.error(
                at,
                format!("`task.{low}` = {a} lies above `task.{high}` = {b}"),
                "allowed: the lower bound first",
            );
        }
        Some((a, b))
    }

    fn sets(&mut self, view: View<'_>) -> Option<Sizes> {
        Some(Sizes { train: view.count("train")?, validation: view.count("validation")?, test: view.count("test")? })
    }

    fn required(&mut self, view: View<'_>, key: &str, example: &str) -> bool {
        if !view.has(key) {
            self.findings.error(view.at(key), format!("`task.{key}` is missing"), format!("as in {key} = {example}"));
        }
        view.has(key)
    }

    fn teacher(&mut self, view: View<'_>, sizes: Option<&[usize]>) -> Option<TaskSpec> {
        let has_layers = self.required(view, "layers", "[30, 20, 10]");
        let has_gains = self.required(view, "gains", "[2.0, 10.0]");
        if !has_layers || !has_gains {
            return None;
        }
        let (layers, gains) = (view.counts("layers")?, view.numbers("gains")?);
        if layers.len() < 2 {
            let found = format!("`task.layers` has {} of at least 2 layers", layers.len());
            self.findings.error(view.at("layers"), found, "allowed: input and output at least, as in [30, 20, 10]");
            return None;
        }
        self.fits(view, sizes, layers[0], layers[layers.len() - 1], "teacher");
        if gains.len() != layers.len() - 1 {
            let found = format!("`task.gains` has {} entries", gains.len());
            self.findings.error(
                view.at("gains"),
                found,
                format!("allowed: {}, one per weight matrix of the teacher", layers.len() - 1),
            );
        }
        Some(TaskSpec::Teacher {
            layers,
            activation: Activation::from_name(&view.text("activation")?)?,
            gains,
            input: view.number("input")?,
            weight: view.number("weight")?,
            rates_as_target: self.section("departures").flag("rates_as_target")?,
            sizes: self.sets(view)?,
        })
    }

    /// Target potentials of the two kinds of output cells; rates go through the inverse of phi.
    fn coding(&mut self, view: View<'_>, activation: Option<Activation>) -> Option<Coding> {
        let target = view.sub("target", "task.target");
        let (low, high) = (target.number("low")?, target.number("high")?);
        if low >= high {
            let found = format!("the target's low = {low} is not below its high = {high}");
            self.findings.error(view.at("target"), found, "allowed: low below high");
        }
        if target.text("as")? == "potentials" {
            return Some(Coding { low, high });
        }
        let activation = activation?;
        let mut potential = |key: &str, rate: f64| {
            let u = activation.inverse(rate);
            if u.is_none() {
                let at = if target.has(key) { target.at(key) } else { view.at("target") };
                let found =
                    format!("no potential has the rate {rate}: {} is r = {}", activation.name(), activation.formula());
                self.findings.error(
                    at,
                    found,
                    "allowed: rates that phi takes at exactly one potential, or as = \"potentials\"",
                );
            }
            u
        };
        let (low, high) = (potential("low", low), potential("high", high));
        Some(Coding { low: low?, high: high? })
    }

    fn mnist_dir(&mut self, view: View<'_>) -> Option<std::path::PathBuf> {
        if view.has("dir") {
            let dir = files::resolve(&self.source.dir, &view.text("dir")?);
            if !dir.is_dir() {
                let found = format!("there is no folder {}", dir.display());
                self.findings.error(
                    view.at("dir"),
                    found,
                    "allowed: the folder with MNIST's four files, relative to the config",
                );
                return None;
            }
            return Some(dir);
        }
        if self.context.mnist_dir.is_none() {
            let looked = self.context.looked_in.join(", ");
            let looked = if looked.is_empty() { String::new() } else { format!(" (looked in {looked})") };
            self.findings.error(
                view.at("kind"),
                format!("MNIST is not on this machine{looked}"),
                "run `apical data fetch`, or say where it is with task.dir",
            );
        }
        self.context.mnist_dir.clone()
    }

    fn file(&mut self, view: View<'_>, activation: Option<Activation>, sizes: Option<&[usize]>) -> Option<TaskSpec> {
        if !self.required(view, "path", "\"iris.csv\"") {
            return None;
        }
        let path = self.existing_file(view, "path");
        let mut other = |key: &str| if view.has(key) { self.existing_file(view, key).map(Some) } else { Some(None) };
        let (labels, test_path, test_labels) = (other("labels"), other("test_path"), other("test_labels"));
        if view.has("test_labels") && !view.has("test_path") {
            self.findings.error(
                view.at("test_labels"),
                "`task.test_labels` without `task.test_path`",
                "give both or neither",
            );
        }
        let classes = view.texts("classes")?;
        let targets = match view.text("targets")?.as_str() {
            "classes" => FileTargets::Classes(self.coding(view, activation)?),
            other => {
                for key in ["target", "classes"].into_iter().filter(|key| view.has(key)) {
                    let found = format!("`task.{key}` belongs to targets = \"classes\", not \"{other}\"");
                    self.findings.error(view.at(key), found, "leave it out, or take targets = \"classes\"");
                }
                if other == "none" { FileTargets::None } else { FileTargets::Potentials }
            }
        };
        if let Some(&outputs) = sizes.and_then(<[usize]>::last)
            && !classes.is_empty()
            && classes.len() != outputs
        {
            let found = format!(
                "`task.classes` names {} classes, but `network.sizes` has {outputs} output cells",
                classes.len()
            );
            self.findings.error(view.at("classes"), found, "allowed: one class per output cell");
        }
        let sequence = view.flag("sequence")?;
        let split = self.split(view)?;
        if sequence && matches!(split, SplitSpec::Shares { .. }) {
            let at = if view.has("split") { view.at("split") } else { view.at("sequence") };
            self.findings.error(at, "a sequence cannot be split by chance", "take split = { by = \"tail\" }");
        }
        Some(TaskSpec::File {
            path: path?,
            labels: labels?,
            test_path: test_path?,
            test_labels: test_labels?,
            target_columns: view.texts("target_columns")?,
            targets,
            classes,
            split,
            scaling: match view.text("scaling")?.as_str() {
                "unit-interval" => Scaling::UnitInterval,
                "standard" => Scaling::Standard,
                _ => Scaling::None,
            },
            sequence,
        })
    }

    fn split(&mut self, task: View<'_>) -> Option<SplitSpec> {
        let view = task.sub("split", "task.split");
        let validation = view.number("validation")?;
        let test = match view.has("test") {
            true => view.number("test")?,
            false if task.has("test_path") => 0.0,
            false => 0.1,
        };
        if validation + test >= 1.0 {
            let found = format!("`task.split` leaves nothing to train on: {validation} + {test}");
            self.findings.error(task.at("split"), found, "allowed: shares that sum to less than 1");
        }
        if task.has("test_path") && test > 0.0 {
            let found = "`task.split.test` beside `task.test_path`, which is all of the test set";
            self.findings.error(view.at("test"), found, "leave it out");
        }
        if view.text("by")? == "tail" {
            if view.has("seed") {
                self.findings.error(
                    view.at("seed"),
                    "`task.split.seed` draws nothing with by = \"tail\"",
                    "leave it out",
                );
            }
            return Some(SplitSpec::Tail { validation, test });
        }
        Some(SplitSpec::Shares { validation, test, seed: view.count("seed")? as u64 })
    }
}
