//! A sweep file, read and checked: which experiment is varied, and how.

use super::draw::{self, MOST_SOBOL, MOST_SOBOL_DIMENSIONS, Point};
use super::search::MOST_TRIALS;
use super::space::{self, Space, VARIANT, gives, settings};
use crate::check::{self, Context};
use crate::compare::suit;
use crate::config::diagnostic::{Findings, Span};
use crate::config::node::{Node, Value, merge, parse};
use crate::config::walk::{View, expand_shorthands, walk};
use crate::config::{self, Diagnostic, Source};
use crate::experiment::Experiment;
use crate::folder::{NAME_RULE, is_name, sha256_hex};
use crate::run::QUANTITIES;

/// More runs than any table holds.
pub const MOST_RUNS: u64 = 10_000_000;

/// How values are combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// All with all.
    Grid,
    /// Drawn at random.
    Random,
    /// A scrambled Sobol sequence.
    Sobol,
    /// Searched: what is tried next follows from what was found.
    Bayes,
}

/// By what runs are ranked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranking {
    /// The metric.
    pub metric: String,
    /// Smaller is better.
    pub minimise: bool,
    /// The best value over training counts, else the last.
    pub best: bool,
}

/// Successive halving: runs wait for each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Halving {
    /// Epochs that every run makes.
    pub first: u64,
    /// One of how many goes on.
    pub factor: u64,
}

/// A run that is worse than the median of those that have ended is ended, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Median {
    /// Epochs that every run makes.
    pub first: u64,
    /// Epochs from one look to the next.
    pub every: u64,
    /// Runs that must have ended before one is ended early.
    pub others: u64,
}

/// When runs that fall behind are ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopping {
    /// In rungs, which all runs must have come to.
    Halving(Halving),
    /// Each by itself.
    Median(Median),
}

/// What jobs of a cluster ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Slurm {
    /// Time limit.
    pub time: Option<String>,
    /// Partition.
    pub partition: Option<String>,
    /// Account.
    pub account: Option<String>,
    /// Tasks of the array.
    pub array_size: u64,
    /// At most so many at a time.
    pub at_once: Option<u64>,
    /// Cores of a task.
    pub cpus: u64,
    /// Memory of a task.
    pub memory: Option<String>,
    /// Seconds before the time limit at which a task is told.
    pub notice: u64,
    /// More options.
    pub extra: Vec<String>,
}

/// A sweep, ready to be planned.
#[derive(Debug)]
pub struct Spec {
    /// Its name.
    pub name: String,
    /// The text of the sweep file.
    pub text: String,
    /// SHA-256 of all that decides which runs there are.
    pub sha256: String,
    /// How values are combined.
    pub method: Method,
    /// By what runs are ranked.
    pub ranking: Ranking,
    /// When runs that fall behind are ended.
    pub stopping: Option<Stopping>,
    /// How often a run is tried again after it crashed.
    pub retries: u64,
    /// What jobs ask for.
    pub slurm: Slurm,
    pub(super) samples: u64,
    pub(super) sampler_seed: u64,
    pub(super) seeds: u64,
    pub(super) space: Space,
    pub(super) base: Node,
    /// Keys and values of `[set]`, as TOML.
    pub(super) set: Vec<(String, String)>,
    source: Source,
    pub(super) findings: Findings,
    first_seed: u64,
    /// Where the metric is told, or what needs one; nothing if none is asked for.
    pub(super) ranked_at: Option<Span>,
}

impl Spec {
    /// Reads a sweep file and the experiment that it names.
    ///
    /// # Errors
    /// All that is wrong with either, the experiment's values apart: those are checked with each run.
    pub fn read(file: &Source) -> Result<Spec, Vec<Diagnostic>> {
        let mut own = text_of(file)?;
        let root = parse(&mut own, 0);
        if !own.is_ok() {
            return Err(own.into_list());
        }
        let source = match root.get("experiment").and_then(|n| n.text().map(|t| (t, n.at))) {
            Some((named, at)) => match config::find(named, &file.dir) {
                Ok(source) => Some(source),
                Err(error) => {
                    own.error(at, format!("`experiment`: {}: {}", error.place, error.found), error.allowed);
                    None
                }
            },
            None => {
                if root.get("experiment").is_none() {
                    own.error(
                        Span::FILE,
                        "the sweep names no experiment",
                        "experiment = \"digits\", say: a preset or a TOML file",
                    );
                }
                None
            }
        };
        let Some(source) = source else {
            walk(&root, "sweep", "", &mut own);
            return Err(own.into_list());
        };
        let (mut base, mut findings) = check::read(&source, &[])?;
        if let Some((key, _)) = base.entries().iter().find(|(key, _)| key.name == "compare") {
            let found = "this is a comparison of learners, no single experiment";
            findings.error(key.at, found, "vary learner.kind in a sweep, or take [compare] out");
        }
        let index = findings.add_text(&file.label, &own.text(0).text);
        let root = parse(&mut findings, index);
        walk(&root, "sweep", "", &mut findings);
        lighten(&mut base);
        if let Some(table) = root.get("set") {
            lay_over(&mut base, "set", table, &mut findings);
        }
        let space = space::read(&root, &mut findings);
        let view = View { node: Some(&root), table: "sweep" };
        let (mut spec, more) = Self::decide(file, source, base, view, space, findings.fork());
        findings.absorb(more);
        if !findings.is_ok() {
            return Err(findings.into_list());
        }
        spec.findings = findings;
        Ok(spec)
    }

    fn decide(
        file: &Source,
        source: Source,
        base: Node,
        view: View<'_>,
        space: Space,
        mut findings: Findings,
    ) -> (Spec, Vec<Diagnostic>) {
        let name = view.text("name").unwrap_or_else(|| file.name.clone());
        if !is_name(&name) {
            findings.error(view.at("name"), format!("`name` cannot be {name:?}"), format!("allowed: {NAME_RULE}"));
        }
        let method = match view.text("method").as_deref() {
            Some("random") => Method::Random,
            Some("sobol") => Method::Sobol,
            Some("bayes") => Method::Bayes,
            _ => Method::Grid,
        };
        let samples = view.count("samples").map(|n| n as u64);
        match (method, samples) {
            (Method::Grid, Some(_)) => {
                findings.error(
                    view.at("samples"),
                    "`samples` means nothing to a grid",
                    "leave it out, or take method = \"random\", \"sobol\" or \"bayes\"",
                );
            }
            (Method::Random | Method::Sobol | Method::Bayes, None) if !view.has("samples") => {
                findings.error(
                    view.at("method"),
                    "values are to be drawn, but not how many times",
                    "give samples = 50, say",
                );
            }
            (Method::Bayes, Some(n)) if n > MOST_TRIALS => {
                findings.error(view.at("samples"), format!("{n} trials"), format!("allowed: {MOST_TRIALS}"));
            }
            (Method::Sobol, Some(n)) if n > MOST_SOBOL || space.axes.len() > MOST_SOBOL_DIMENSIONS => {
                let found = format!("{n} samples in {} dimensions", space.axes.len());
                findings.error(view.at("samples"), found, format!("allowed: {MOST_SOBOL} in {MOST_SOBOL_DIMENSIONS}"));
            }
            _ => {}
        }
        if method == Method::Grid {
            for p in space.parameters.iter().filter(|p| p.domain.count().is_none()) {
                findings.error(
                    p.at,
                    format!("a grid needs the number of values of `{}`", p.key),
                    "give the range `steps = 5`, say, or draw at random",
                );
            }
        }
        let ranking = Ranking::read(view);
        if ranking.metric.starts_with("test.") || ranking.metric == "test" {
            findings.error(
                view.at("metric"),
                format!("runs would be ranked by `{}`", ranking.metric),
                "choose on validation (validation.error, validation.loss): the test set is for the end",
            );
        }
        let stopping = view.has("stop").then(|| stopping(view.sub("stop", "sweep.stop"), method, &mut findings));
        let slurm = slurm(view.sub("slurm", "sweep.slurm"));
        let seeds = view.count("seeds").unwrap_or(1) as u64;
        let varies_seed = space.parameters.iter().any(|p| p.key == "seed");
        if varies_seed && view.has("seeds") {
            findings.error(view.at("seeds"), "`seeds` is given and `seed` is varied", "allowed: one of the two");
        }
        let first_seed = base.get("seed").map_or(Some(0), Node::count).unwrap_or(0);
        if first_seed.checked_add(seeds).is_none() {
            findings.error(
                view.at("seeds"),
                format!("{seeds} seeds from {first_seed} on"),
                "allowed: up to 18446744073709551615",
            );
        }
        let needs = [("metric", true), ("stop", true), ("method", method == Method::Bayes)];
        let ranked_at = needs.into_iter().find(|(key, needs)| *needs && view.has(key)).map(|(key, _)| view.at(key));
        let text = String::from_utf8_lossy(&file.text).into_owned();
        // The version: another one may have other defaults.
        let meaning = meaning(view);
        // More trials, and other rankings, are no other search: what was tried still counts.
        let own = if method == Method::Bayes { meaning.as_bytes() } else { &file.text };
        let identity = [env!("CARGO_PKG_VERSION").as_bytes(), own, &source.text, source.name.as_bytes()];
        let sha256 = sha256_hex(
            &identity
                .iter()
                .flat_map(|part| [sha256_hex(part).into_bytes(), vec![b'\n']].concat())
                .collect::<Vec<u8>>(),
        );
        let spec = Spec {
            name,
            text,
            sha256,
            method,
            ranking,
            stopping,
            retries: view.count("retries").unwrap_or(2) as u64,
            slurm,
            samples: samples.unwrap_or(0),
            sampler_seed: view.count("sampler_seed").unwrap_or(0) as u64,
            seeds,
            space,
            base,
            set: settings(view.given("set")),
            source,
            findings: findings.fork(),
            first_seed,
            ranked_at,
        };
        if findings.is_ok() {
            let all = draw::combinations(&spec).and_then(|n| n.checked_mul(if varies_seed { 1 } else { seeds }));
            if all.is_none_or(|n| n > MOST_RUNS) {
                let found = all.map_or("more runs than can be counted".to_owned(), |n| format!("{n} runs"));
                findings.error(
                    Span { text: 1, start: 0, end: 0 },
                    format!("the sweep has {found}"),
                    format!("allowed: {MOST_RUNS}"),
                );
            }
        }
        (spec, findings.into_list())
    }

    /// The experiment, as `apical run` takes it.
    pub(super) fn experiment_named(&self) -> String {
        self.source.label.strip_prefix("preset ").unwrap_or(&self.source.label).to_owned()
    }

    /// What is varied.
    pub fn keys(&self) -> Vec<&str> {
        self.space.parameters.iter().map(|p| p.key.as_str()).collect()
    }

    /// True if a parameter is the seed itself.
    pub(super) fn varies_seed(&self) -> bool {
        self.space.parameters.iter().any(|p| p.key == "seed")
    }

    /// The seed of a point.
    pub(super) fn seed(&self, point: &Point) -> u64 {
        let varied = self.space.parameters.iter().position(|p| p.key == "seed");
        let varied = varied.and_then(|p| point.values[p].as_ref()).and_then(Node::count);
        varied.unwrap_or_else(|| self.first_seed.saturating_add(point.repeat))
    }

    /// The variant of a point: its name and what it sets.
    pub(super) fn variant(&self, point: &Point) -> Option<&(String, Node)> {
        let p = self.space.parameters.iter().position(|p| p.key == VARIANT)?;
        let name = point.values[p].as_ref()?.text()?;
        self.space.variants.iter().find(|(variant, _)| variant == name)
    }

    /// The experiment of a point.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn experiment(&self, point: &Point, context: &Context) -> Result<Experiment, Vec<Diagnostic>> {
        let mut findings = self.findings.fork();
        let mut root = self.base.clone();
        if let Some(variant) = self.variant(point) {
            lay_over(&mut root, &format!("variant.{}", variant.0), &variant.1, &mut findings);
        }
        for (p, value) in self.space.parameters.iter().zip(&point.values).filter(|(p, _)| p.key != VARIANT) {
            if let Some(value) = value {
                merge(&mut root, &mut p.path.clone(), value, &mut findings);
                expand_shorthands(&mut root);
            }
        }
        if !self.varies_seed() && self.seeds > 1 {
            root.put("seed", Span::FILE, Value::Int(i128::from(self.seed(point))));
        }
        if (self.space.parameters.iter().any(|p| p.path[0].0 == "learner")
            || self.variant(point).is_some_and(|(_, table)| gives(table, "learner")))
            && let Some(learner) = root.get("learner").cloned()
        {
            suit(&mut root, &learner);
        }
        check::decide(&root, &self.source, context, &mut findings).ok_or_else(|| {
            let with: Vec<String> =
                self.told(point).into_iter().map(|(key, value)| format!("{key} = {value}")).collect();
            let mut list = findings.into_list();
            for d in list.iter_mut().filter(|d| d.help.is_empty() && !with.is_empty()) {
                d.help = format!("in the run with {}", with.join(", "));
            }
            list
        })
    }

    /// Keys and values of a point, as TOML, the seed apart.
    pub(super) fn told(&self, point: &Point) -> Vec<(&str, String)> {
        let values = self.space.parameters.iter().zip(&point.values);
        values.filter_map(|(p, value)| Some((p.key.as_str(), toml(value.as_ref()?)))).collect()
    }
}

/// A value as TOML.
pub(super) fn toml(node: &Node) -> String {
    match &node.value {
        Value::Text(s) => serde_json::Value::from(s.as_str()).to_string(),
        Value::Int(i) => i.to_string(),
        Value::Float(x) => format!("{x:?}"),
        Value::Flag(b) => b.to_string(),
        Value::Date(d) => d.clone(),
        Value::Array(list) => format!("[{}]", list.iter().map(toml).collect::<Vec<_>>().join(", ")),
        Value::Table(list) => {
            let parts: Vec<String> =
                list.iter().map(|(key, value)| format!("{} = {}", key.name, toml(value))).collect();
            format!("{{ {} }}", parts.join(", "))
        }
    }
}

fn text_of(file: &Source) -> Result<Findings, Vec<Diagnostic>> {
    match std::str::from_utf8(&file.text) {
        Ok(text) => Ok(Findings::new(&file.label, text.to_owned())),
        Err(e) => {
            let mut findings = Findings::new(&file.label, String::new());
            findings.error(
                Span::FILE,
                format!("not UTF-8 at byte {}", e.valid_up_to()),
                "allowed: a TOML file in UTF-8",
            );
            Err(findings.into_list())
        }
    }
}

/// Takes out of a config's records what a sweep does not keep unless it is asked: traces, events, figures.
fn lighten(base: &mut Node) {
    let at = base.at;
    if base.get("record").is_none() {
        base.put("record", at, Value::Table(Vec::new()));
    }
    let Value::Table(entries) = &mut base.value else { return };
    let Some((_, record)) = entries.iter_mut().find(|(key, _)| key.name == "record") else { return };
    for key in QUANTITIES.iter().map(|q| q.0).chain(["weights", "tensorboard", "figures"]) {
        record.take(key);
    }
    record.put("figures", at, Value::Flag(false));
}

/// Puts the keys of a table of the sweep file into a config.
fn lay_over(base: &mut Node, name: &str, table: &Node, findings: &mut Findings) {
    for (key, value) in table.entries() {
        match space::parts(key) {
            Some(mut path) => merge(base, &mut path, value, findings),
            None => {
                let found = format!("`{name}` holds {:?}, which is no key", key.name);
                findings.error(key.at, found, "allowed: keys as in time.dt or \"time.dt\"");
            }
        }
        expand_shorthands(base);
    }
}

/// All of a sweep file that gives the values of a trial their meaning.
fn meaning(view: View<'_>) -> String {
    let keys = ["seeds", "sampler_seed", "set", "variant", "vary", "zip"];
    let given = keys.iter().filter_map(|key| Some(format!("{key} = {}\n", toml(view.given(key)?))));
    given.collect()
}

fn stopping(view: View<'_>, method: Method, findings: &mut Findings) -> Stopping {
    let count = |key: &str, otherwise| view.count(key).map_or(otherwise, |n| n as u64);
    let first = count("first", 1);
    let (rule, foreign) = match view.text("rule").as_deref() {
        Some("median") => {
            let median = Median { first, every: count("every", 1), others: count("others", 5) };
            (Stopping::Median(median), ["factor"].as_slice())
        }
        _ => (Stopping::Halving(Halving { first, factor: count("factor", 3) }), ["every", "others"].as_slice()),
    };
    let (own, other) = if foreign.len() == 1 { ("median", "halving") } else { ("halving", "median") };
    for key in foreign.iter().filter(|key| view.has(key)) {
        findings.error(
            view.at(key),
            format!("`stop.{key}` means nothing to rule = \"{own}\""),
            format!("leave it out, or take rule = \"{other}\""),
        );
    }
    if method == Method::Bayes && matches!(rule, Stopping::Halving(_)) {
        let found = "runs of a search cannot wait for each other, as halving has them";
        findings.error(view.at("rule"), found, "rule = \"median\"");
    }
    rule
}

fn slurm(view: View<'_>) -> Slurm {
    Slurm {
        time: view.text("time"),
        partition: view.text("partition"),
        account: view.text("account"),
        array_size: view.count("array_size").unwrap_or(10) as u64,
        at_once: view.count("at_once").map(|n| n as u64),
        cpus: view.count("cpus").unwrap_or(1) as u64,
        memory: view.text("memory"),
        notice: view.count("notice").unwrap_or(60) as u64,
        extra: view.texts("extra").unwrap_or_default(),
    }
}
