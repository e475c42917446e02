//! From a raw config to an [`Experiment`]: types and keys by the registry, then every rule that concerns more than one
//! key. All errors are reported at once.

mod circuit;
mod departures;
mod files;
mod learner;
mod learning;
mod record;
mod resolve;
mod resolve_learner;
mod task;
mod time;

pub use files::{content_hash, memory_limit};
pub use learner::CIRCUIT_ONLY;
pub use record::{metrics, recorded};
pub use resolve::{canonical, resolved_toml};

use crate::config::diagnostic::{Findings, Span};
use crate::config::node::{self, Node};
use crate::config::walk::{View, expand_shorthands, walk};
use crate::config::{Diagnostic, Override, Source};
use crate::data;
use crate::experiment::{Experiment, LearnerSpec, Precision, SolverSpec};
use crate::folder::{NAME_RULE, is_name};
use apical::solvers::euler::{Choice, Way};
use std::path::PathBuf;

/// What a check needs to know of the machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// The folder that holds MNIST's files, if one was found.
    pub mnist_dir: Option<PathBuf>,
    /// Where it was looked for.
    pub looked_in: Vec<String>,
    /// Memory of the machine in bytes; `None`: asked of the system, 1 TiB if it does not say.
    pub memory: Option<u64>,
}

impl Context {
    /// This machine.
    pub fn here() -> Self {
        Context {
            mnist_dir: data::find_mnist(),
            looked_in: data::data_dirs().iter().map(|dir| dir.join("mnist").display().to_string()).collect(),
            memory: None,
        }
    }
}

/// An experiment that can be run.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    /// It.
    pub experiment: Experiment,
    /// What will probably not go as hoped.
    pub warnings: Vec<Diagnostic>,
}

/// What the parts of a check share.
struct Check<'a> {
    root: View<'a>,
    source: &'a Source,
    context: &'a Context,
    findings: &'a mut Findings,
}

/// Reads, grafts the overrides, and decides everything.
///
/// # Errors
/// All that is wrong, with warnings after the errors; see [`crate::config::report`] to print them.
pub fn check(source: &Source, overrides: &[Override], context: &Context) -> Result<Checked, Vec<Diagnostic>> {
    let (root, mut findings) = read(source, overrides)?;
    if let Some((key, _)) = root.entries().iter().find(|(key, _)| key.name == "compare") {
        let found = "this is a comparison of learners, no single experiment";
        findings.error(key.at, found, "run it with `apical compare`, or take [compare] out");
        return Err(findings.into_list());
    }
    match decide(&root, source, context, &mut findings) {
        Some(experiment) => Ok(Checked { experiment, warnings: findings.into_list() }),
        None => Err(findings.into_list()),
    }
}

/// The raw config with the overrides in it, and findings that can point into both.
///
/// # Errors
/// What is no TOML, or no override.
pub(crate) fn read(source: &Source, overrides: &[Override]) -> Result<(Node, Findings), Vec<Diagnostic>> {
    let text = match std::str::from_utf8(&source.text) {
        Ok(text) => text.to_owned(),
        Err(e) => {
            let byte = e.valid_up_to();
            let line = 1 + source.text[..byte].iter().filter(|&&b| b == b'\n').count();
            let mut findings = Findings::new(&source.label, String::new());
            let found = format!("not UTF-8: byte {byte} (line {line}) is {:#04x}", source.text[byte]);
            findings.error(Span::FILE, found, "allowed: a TOML file in UTF-8");
            return Err(findings.into_list());
        }
    };
    let empty = text.trim().is_empty();
    let mut findings = Findings::new(&source.label, text);
    if empty && overrides.is_empty() {
        findings.error(Span::FILE, "the config is empty", "it needs at least [network] sizes and a [task]");
        return Err(findings.into_list());
    }
    let mut root = node::parse(&mut findings, 0);
    if !findings.is_ok() {
        return Err(findings.into_list());
    }
    expand_shorthands(&mut root);
    for change in overrides {
        change.apply(&mut root, &mut findings);
        expand_shorthands(&mut root);
    }
    Ok((root, findings))
}

/// Checks a raw config against the registry and as a whole; the experiment exists if nothing is wrong.
pub(crate) fn decide(root: &Node, source: &Source, context: &Context, findings: &mut Findings) -> Option<Experiment> {
    walk(root, "", "", findings);
    let root = View { node: Some(root), table: "" };
    let experiment = Check { root, source, context, findings }.experiment();
    experiment.filter(|_| findings.is_ok())
}

impl<'a> Check<'a> {
    /// Every part is checked whether or not the others are right; the experiment exists if all are.
    fn experiment(&mut self) -> Option<Experiment> {
        let name = match self.root.text("name") {
            Some(name) => self.name(name),
            None if self.root.has("name") => None,
            None => Some(self.source.name.clone()),
        };
        let seed = self.root.node("seed").and_then(|n| n.count());
        let precision = self.root.text("precision").map(|p| if p == "f64" { Precision::F64 } else { Precision::F32 });
        let sizes = self.sizes();
        let learner = self.learner(precision, sizes.as_ref().map(|s| s.len() - 1));
        let optimiser = self.circuit_optimiser(sizes.as_ref().map(|s| s.len() - 1));
        let solver = self.solver(precision);
        let network = self.network(sizes.clone(), solver);
        let noise = self.noise(solver);
        let start = self.start(sizes.as_deref());
        let timing = self.timing(solver);
        let tau_w = self.tau_w(solver, timing.as_ref());
        let activation = network.as_ref().map(|n| n.activation);
        let task = self.task(activation, sizes.as_deref());
        let train = self.train();
        let departures = self.departures(solver, tau_w, learner.as_ref(), task.as_ref());
        let imperfections = self.imperfections(solver);
        let phases = self.phases(sizes.as_deref(), task.as_ref(), learner.as_ref());
        let record = self.record(sizes.as_deref(), learner.as_ref());
        if let (Some(network), Some(timing), Some(LearnerSpec::Microcircuit)) = (&network, &timing, &learner) {
            self.stability(network, timing, solver);
        }
        if let (Some(network), Some(phases), Some(solver), Some(LearnerSpec::Microcircuit)) =
            (&network, &phases, solver, &learner)
        {
            self.self_prediction(network, phases, solver);
        }
        if let (Some(network), Some(task)) = (&network, &task) {
            self.targets(network, task);
        }
        if let (Some(sizes), Some(train), Some(precision)) = (&sizes, &train, precision) {
            let block = match (solver, &timing) {
                (Some(SolverSpec::Euler(Choice::Given(Way::Blocks(block)))), Some(timing)) => {
                    block.min(timing.steps(timing.presentation))
                }
                _ => 0,
            };
            let low_pass = tau_w != Some(None) && !departures.is_some_and(|on| on.replace_low_pass());
            // Euler's products of every two patterns.
            let euler = matches!(solver, Some(SolverSpec::Euler(choice)) if choice != Choice::Given(Way::Reference));
            let pairs = euler && matches!(learner, Some(LearnerSpec::Microcircuit));
            self.memory(sizes, train.batch, block, precision, low_pass, pairs);
        }
        if let (Some(learner), Some(network), Some(train), Some(task)) = (&learner, &network, &train, &task) {
            self.possible(learner, network, train.loss, task);
        }
        let expect = self.expect(sizes.as_deref(), task.as_ref(), learner.as_ref());
        Some(Experiment {
            name: name?,
            seed: seed?,
            precision: precision?,
            network: network?,
            noise: noise?,
            start: start?,
            timing: timing?,
            tau_w: tau_w?,
            departures: departures?,
            imperfections: imperfections?,
            solver: solver?,
            optimiser: optimiser?,
            learner: learner?,
            task: task?,
            train: train?,
            phases: phases?,
            record: record?,
            expect: expect?,
        })
    }

    fn name(&mut self, name: String) -> Option<String> {
        if is_name(&name) {
            return Some(name);
        }
        let found = format!("`name` cannot be {:?}", name.chars().take(40).collect::<String>());
        self.findings.error(self.root.at("name"), found, format!("allowed: {NAME_RULE}"));
        None
    }

    fn section(&self, name: &'static str) -> View<'a> {
        self.root.sub(name, name)
    }

    /// Reports an option that only solvers in time honour, if the solver is another one.
    fn euler_only(&mut self, view: View<'a>, key: &str, off: bool, solver: Option<SolverSpec>) {
        let name = match solver {
            Some(SolverSpec::Steady { .. }) => "steady",
            Some(SolverSpec::TwoStep(_)) => "two-step",
            _ => return,
        };
        if !off && view.has(key) {
            let found = format!("`{}.{key}` means nothing to the solver \"{name}\"", view.table);
            self.findings.error(
                view.at(key),
                found,
                "it has no time course: leave the key out or switch it off, or take solver.kind = \"euler\"",
            );
        }
    }
}
