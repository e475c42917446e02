//! The circuit: cells, conductances, noise, start weights, memory.

use super::Check;
use super::files::{self, content_hash};
use crate::config::diagnostic::Span;
use crate::config::node::Value;
use crate::config::walk::View;
use crate::experiment::{Attenuation, Precision, SolverSpec, Start, StartWeights, Starts};
use apical::circuit::params::{Conductances, Mixing, Network, Noise, NoiseScaling, Nudging};
use apical::kernels::Activation;
use apical::tasks::{FileTargets, TaskSpec};

/// More layers than any cortex; the noise of a step has room for 65,536.
const MOST_LAYERS: usize = 1000;

impl Check<'_> {
    pub(super) fn sizes(&mut self) -> Option<Vec<usize>> {
        let view = self.section("network");
        if !view.has("sizes") {
            self.findings.error(
                if self.root.has("network") { view.at("sizes") } else { Span::FILE },
                "`network.sizes` is missing",
                "give the cells per layer, input first, as in sizes = [30, 20, 10]",
            );
            return None;
        }
        let sizes = view.counts("sizes")?;
        if sizes.len() > MOST_LAYERS {
            let found = format!("`network.sizes` has {} layers", sizes.len());
            self.findings.error(view.at("sizes"), found, format!("allowed: at most {MOST_LAYERS}"));
            return None;
        }
        if sizes.len() < 2 {
            let found = format!("`network.sizes` has {} of at least 2 layers", sizes.len());
            self.findings.error(view.at("sizes"), found, "allowed: input and output at least, as in [30, 10]");
            return None;
        }
        Some(sizes)
    }

    pub(super) fn network(&mut self, sizes: Option<Vec<usize>>, solver: Option<SolverSpec>) -> Option<Network> {
        let view = self.section("network");
        let conductances = self.conductances(solver);
        Some(Network {
            sizes: sizes?,
            activation: Activation::from_name(&view.text("activation")?)?,
            bias_rate: view.number("bias_rate")?,
            conductances: conductances?,
            nudging: match view.text("nudging")?.as_str() {
                "conductance" => Nudging::Conductance,
                _ => Nudging::Current,
            },
        })
    }

    fn conductances(&mut self, solver: Option<SolverSpec>) -> Option<Conductances> {
        let view = self.section("conductances");
        if let Some(SolverSpec::TwoStep(Attenuation::None(_))) = solver {
            if self.root.has("conductances") {
                self.findings.error(
                    self.root.at("conductances"),
                    "[conductances] mean nothing with solver.attenuation = \"none\"",
                    "solver.mixing says all: leave [conductances] out, or take attenuation = \"conductances\"",
                );
                return None;
            }
            return Some(Conductances::default());
        }
        let mixing = view.sub("from_mixing", "mixing");
        for key in ["g_A", "g_som_output", "g_som_interneuron"] {
            if view.has("from_mixing") && view.has(key) {
                let found = format!("`conductances.{key}` is given twice: by itself and by from_mixing");
                self.findings.error(view.at(key), found, "allowed: one of the two");
            }
        }
        let given = Conductances {
            g_lk: view.number("g_lk")?,
            g_b: view.number("g_B")?,
            g_d: view.number("g_D")?,
            g_a: view.number("g_A")?,
            g_som_output: view.number("g_som_output")?,
            g_som_interneuron: view.number("g_som_interneuron")?,
        };
        if view.has("from_mixing") { Some(given.with_mixing(self.mixing(mixing)?)) } else { Some(given) }
    }

    /// The three mixing factors, all required.
    pub(super) fn mixing(&mut self, view: View<'_>) -> Option<Mixing> {
        view.node?;
        for key in ["output", "interneuron", "hidden"] {
            if !view.has(key) {
                let found = format!("`{key}` is missing among the mixing factors");
                self.findings.error(
                    view.at(key),
                    found,
                    "allowed: { output, interneuron, hidden }, each from 0 to below 1",
                );
            }
        }
        Some(Mixing {
            output: view.number("output")?,
            interneuron: view.number("interneuron")?,
            hidden: view.number("hidden")?,
        })
    }

    pub(super) fn noise(&mut self, solver: Option<SolverSpec>) -> Option<Noise> {
        let view = self.section("network");
        let sigma = view.number("sigma")?;
        self.euler_only(view, "sigma", sigma == 0.0, solver);
        if sigma > 0.0 && matches!(solver, Some(SolverSpec::Adaptive { .. })) {
            self.findings.error(
                view.at("sigma"),
                format!("`network.sigma` is {sigma}, and the solver \"adaptive\" has no noise"),
                "allowed: 0; noise needs solver.kind = \"euler\"",
            );
        }
        let scaling = match view.text("noise")?.as_str() {
            "euler-maruyama" => NoiseScaling::EulerMaruyama,
            _ => NoiseScaling::Step,
        };
        Some(Noise { sigma, scaling })
    }

    pub(super) fn start(&mut self, sizes: Option<&[usize]>) -> Option<StartWeights> {
        let network = self.section("network");
        let view = network.sub("start", "network.start");
        if view.has("file") {
            return self.start_file(view);
        }
        if view.has("sha256") {
            self.findings.error(view.at("sha256"), "`network.start.sha256` stands without `file`", "name the file");
        }
        let hidden = sizes?.len() - 2;
        if hidden == 0 {
            for key in ["pb", "ip", "bip", "pi"].into_iter().filter(|key| view.has(key)) {
                let found = format!("`network.start.{key}` has no weights: a net of two layers has no hidden layer");
                self.findings.error(view.at(key), found, "leave it out, or add a layer to `network.sizes`");
            }
        }
        let pp = self.start_of(view, "pp", hidden + 1);
        let bpp = self.start_of(view, "bpp", hidden + 1);
        let pb = self.start_of(view, "pb", hidden);
        let ip = self.start_of(view, "ip", hidden);
        let pi = self.start_of(view, "pi", hidden);
        let bip = match &ip {
            _ if view.has("bip") => self.start_of(view, "bip", hidden),
            Some(Start::SelfPredicting) => Some(Start::SelfPredicting),
            _ => Some(Start::Uniform(vec![0.0; hidden])),
        };
        Some(StartWeights::Kinds(Starts { pp: pp?, bpp: bpp?, pb: pb?, ip: ip?, bip: bip?, pi: pi? }))
    }

    fn start_of(&mut self, view: View<'_>, key: &str, matrices: usize) -> Option<Start> {
        let node = view.node(key)?;
        if let Some(a) = node.number() {
            return Some(Start::Uniform(vec![a; matrices]));
        }
        match (&node.value, node.text()) {
            (_, Some("fan-in")) => Some(Start::FanIn),
            (_, Some("self-predicting")) => Some(Start::SelfPredicting),
            (_, Some("transpose")) => Some(Start::Transpose(1.0)),
            (Value::Table(_), _) => node.get("transpose").and_then(|s| s.number()).map(Start::Transpose),
            _ => {
                let a = view.numbers(key)?;
                let path = format!("network.start.{key}");
                self.one_each(&a, matrices, view.at(key), &path, "matrix").then_some(Start::Uniform(a))
            }
        }
    }

    /// Reports an array that has not `wanted` entries.
    pub(super) fn one_each(&mut self, a: &[f64], wanted: usize, at: Span, path: &str, each: &str) -> bool {
        if a.len() != wanted {
            let layers = match wanted {
                0 => "there is no hidden layer".to_owned(),
                1 => format!("allowed: 1 entry, for the {each} of layer 1"),
                n => format!("allowed: {n} entries, one per {each} of the layers 1 to {n}"),
            };
            self.findings.error(
                at,
                format!(
                    "`{path}` has {}",
                    if a.len() == 1 { "1 entry".to_owned() } else { format!("{} entries", a.len()) }
                ),
                layers,
            );
        }
        a.len() == wanted
    }

    /// Start weights from a file. One whose hash the config states need not be there any more: only a run that has not
    /// begun reads it.
    fn start_file(&mut self, view: View<'_>) -> Option<StartWeights> {
        let others = view.node?.entries().iter().find(|(k, _)| !["file", "sha256"].contains(&k.name.as_str()));
        if let Some((key, _)) = others {
            let found = format!("`network.start.{}` stands beside `file`, which holds all weights", key.name);
            self.findings.error(key.at, found, "allowed: `file` alone, or no file");
        }
        let stated = if view.has("sha256") { Some(view.text("sha256")?) } else { None };
        if let Some(stated) = &stated {
            let path = files::resolve(&self.source.dir, &view.text("file")?);
            if !path.exists() {
                return Some(StartWeights::File { path, sha256: stated.clone() });
            }
        }
        let path = self.existing_file(view, "file")?;
        match content_hash(&path) {
            Ok(sha256) if stated.as_ref().is_some_and(|s| *s != sha256) => {
                let found = format!("`network.start.file` has the SHA-256 {sha256}");
                self.findings.error(view.at("sha256"), found, "the file that this config was made with");
                None
            }
            Ok(sha256) => Some(StartWeights::File { path, sha256 }),
            Err(e) => {
                self.findings.error(view.at("file"), e.to_string(), "allowed: a readable safetensors file");
                None
            }
        }
    }

    /// The file named by a key, if it exists.
    pub(super) fn existing_file(&mut self, view: View<'_>, key: &str) -> Option<std::path::PathBuf> {
        let path = files::resolve(&self.source.dir, &view.text(key)?);
        if path.is_file() {
            return Some(path);
        }
        let found = format!("there is no file {}", path.display());
        self.findings.error(view.at(key), found, "paths in a config are relative to its folder");
        None
    }

    /// An estimate of the weights, the batch and the histories of blocks of `steps`, held against the machine's memory. The
    /// largest of them is what should change.
    pub(super) fn memory(
        &mut self,
        sizes: &[usize],
        batch: usize,
        steps: usize,
        precision: Precision,
        delta: bool,
        pairs: bool,
    ) {
        let product = |a: usize, b: usize| a as f64 * b as f64;
        let forward: f64 = sizes.windows(2).map(|w| product(w[0], w[1])).sum();
        let hidden: f64 = sizes[1..].windows(2).map(|w| product(w[0], w[1])).sum();
        let cells: f64 = sizes.iter().map(|&n| n as f64).sum();
        let number = if precision == Precision::F64 { 8.0 } else { 4.0 };
        let weights = (forward + 3.0 * hidden) * if delta { 2.0 } else { 1.0 } * number;
        let squares = if pairs && batch > 1 { 6.0 * product(batch, batch) } else { 0.0 };
        let states = (12.0 * cells * batch as f64 + squares) * number;
        let histories = 2.0 * steps as f64 * cells * batch as f64 * number;
        let parts = [
            (weights, "network", "sizes", "this net", "fewer cells"),
            (states, "train", "batch", "this batch", "fewer samples side by side"),
            (histories, "solver", "block", "blocks of so many steps", "shorter blocks"),
        ];
        let bytes = weights + states + histories;
        let machine = self.context.memory.or_else(files::memory_limit).unwrap_or(1 << 40) as f64;
        let largest = parts.into_iter().max_by(|a, b| a.0.total_cmp(&b.0));
        if let Some((_, table, key, what, instead)) = largest.filter(|_| bytes > machine) {
            let view = self.section(table);
            let gib = |b: f64| format!("{:.1} GiB", b / (1u64 << 30) as f64);
            let found = format!("with {what} the run needs about {} of memory", gib(bytes));
            self.findings.error(view.at(key), found, format!("this process may take {}: {instead}", gib(machine)));
        }
    }

    /// The conductance form of the nudge is no conductance for targets beyond its reversal potentials.
    pub(super) fn targets(&mut self, network: &Network, task: &TaskSpec) {
        let largest = match task {
            TaskSpec::Single { target_low, target_high, .. } => target_low.abs().max(target_high.abs()),
            TaskSpec::YinYang { coding, .. }
            | TaskSpec::Mnist { coding, .. }
            | TaskSpec::Digits { coding }
            | TaskSpec::File { targets: FileTargets::Classes(coding), .. } => coding.low.abs().max(coding.high.abs()),
            _ => 0.0,
        };
        if network.nudging == Nudging::Conductance && largest > 1.0 {
            let found = format!("a target potential of size {largest:.3} lies beyond the reversal potentials -1 and 1");
            let better = "one of the conductances becomes negative; \"current\" is the same current without that claim";
            self.findings.warn(self.section("network").at("nudging"), found, better);
        }
    }
}
