//! Who assigns credit: the algorithm, its options and its optimiser; and what of the circuit means nothing without it.

use super::Check;
use crate::config::walk::View;
use crate::experiment::{AlgorithmSpec, LearnerSpec, Loss, Precision, Schedule, TrainedSpec, optimiser};
use apical::circuit::Kind;
use apical::circuit::params::Network;
use apical::learners::{dfa, dtp, ep, pc};
use apical::tasks::{FileTargets, TaskSpec};

/// What only the microcircuit honours: tables, and keys of tables that others share.
pub const CIRCUIT_ONLY: [(&str, &str); 20] = [
    ("", "solver"),
    ("", "plasticity"),
    ("", "time"),
    ("", "phase"),
    ("", "imperfections"),
    ("network", "nudging"),
    ("network", "sigma"),
    ("network", "noise"),
    ("network.start", "ip"),
    ("network.start", "bip"),
    ("network.start", "pi"),
    ("departures", "rate_over_tau_w"),
    ("departures", "weight_decay"),
    ("departures", "activation_on_input"),
    ("departures", "late_rules"),
    ("departures", "divided_output_prediction"),
    ("departures", "summed_updates"),
    ("departures", "without_soma_lag"),
    ("departures", "without_apical_error"),
    ("departures", "without_teacher"),
];

/// Steps and draws for a batch, at most: a batch is never interrupted.
const MOST_STEPS: usize = 100_000;

impl<'a> Check<'a> {
    /// The learner; `layers` is N.
    pub(super) fn learner(&mut self, precision: Option<Precision>, layers: Option<usize>) -> Option<LearnerSpec> {
        let view = self.section("learner");
        let kind = view.kind()?;
        if kind == "microcircuit" {
            return Some(LearnerSpec::Microcircuit);
        }
        let attenuated = view.text("attenuation")? == "conductances";
        let algorithm = match kind {
            "bp" => Some(AlgorithmSpec::Bp),
            "fa" => Some(AlgorithmSpec::Fa),
            "dfa" => Some(AlgorithmSpec::Dfa(dfa::Options { feedback: view.number("feedback")? })),
            "sign-symmetric" => Some(AlgorithmSpec::SignSymmetric),
            "ep" => self.ep(view),
            "pc" => self.pc(view, layers?),
            _ => self.dtp(view),
        };
        self.circuit_only(kind, algorithm.as_ref(), attenuated);
        let optimiser = self.optimiser(view, layers?);
        let unsettled_allowed = view.number("unsettled_allowed").unwrap_or(0.0);
        self.representable(view, precision);
        if let Some(o) = &optimiser
            && (o.rate.iter().all(|&rate| rate == 0.0) || o.frozen.len() == layers?)
        {
            let better = "give a rate above 0, and leave a layer unfrozen";
            self.findings.warn(view.at("kind"), "no layer learns: nothing will be learned", better);
        }
        Some(LearnerSpec::Trained(TrainedSpec {
            algorithm: algorithm?,
            attenuated,
            optimiser: optimiser?,
            unsettled_allowed,
        }))
    }

    /// Reports numbers that single precision would round to 0 or to infinity, and counts that no run would live to see.
    fn representable(&mut self, view: View<'a>, precision: Option<Precision>) {
        let optimiser = view.sub("optimiser", "optimiser");
        let learner_keys =
            ["beta", "step", "tolerance", "state_rate", "output_precision", "target_step", "noise", "feedback"];
        let keys = learner_keys.map(|key| (view, "learner", key));
        let others = ["epsilon", "clip"].map(|key| (optimiser, "learner.optimiser", key));
        for (view, path, key) in keys.into_iter().chain(others) {
            let Some(x) = view.given(key).and_then(|n| n.number()).filter(|&x| x > 0.0) else { continue };
            let rounded = x as f32;
            if precision == Some(Precision::F32) && (rounded == 0.0 || rounded.is_infinite()) {
                let found = format!("`{path}.{key}` = {x:e} does not exist in single precision");
                self.findings.error(view.at(key), found, "allowed: 1e-45 to 3e38, or precision = \"f64\"");
            }
        }
        for key in ["free_steps", "nudged_steps", "inference_steps", "draws"] {
            if view.count(key).is_some_and(|n| n > MOST_STEPS) {
                let found = format!("`learner.{key}` is more than {MOST_STEPS}");
                self.findings.error(view.at(key), found, format!("allowed: up to {MOST_STEPS}"));
            }
        }
    }

    fn ep(&mut self, view: View<'a>) -> Option<AlgorithmSpec> {
        let step = view.number("step")?;
        let beta = view.number("beta")?;
        if beta >= 1.0 && view.text("nudging")? != "positive" {
            let found = format!(
                "`learner.beta` is {beta:?}: a nudge of -1 or below pushes the output away from any fixed point"
            );
            self.findings.error(view.at("beta"), found, "allowed: above 0, below 1 (any with nudging = \"positive\")");
        }
        if step > 1.0 {
            let found = format!("`learner.step` is {step}");
            self.findings.error(view.at("step"), found, "allowed: above 0, up to 1");
        }
        Some(AlgorithmSpec::Ep(ep::Options {
            dynamics: match view.text("dynamics")?.as_str() {
                "energy" => ep::Dynamics::Energy,
                _ => ep::Dynamics::Primitive,
            },
            nudging: match view.text("nudging")?.as_str() {
                "positive" => ep::Nudging::Positive,
                "negative" => ep::Nudging::Negative,
                _ => ep::Nudging::Centred,
            },
            beta,
            free_steps: view.count("free_steps")?,
            nudged_steps: view.count("nudged_steps")?,
            step,
            tolerance: view.number_or_none("tolerance")?,
        }))
    }

    fn pc(&mut self, view: View<'a>, layers: usize) -> Option<AlgorithmSpec> {
        let schedule = match view.text("schedule")?.as_str() {
            "incremental" => pc::Schedule::Incremental,
            "zero-divergence" => pc::Schedule::ZeroDivergence,
            _ => pc::Schedule::Settled,
        };
        let fixed = schedule == pc::Schedule::ZeroDivergence;
        for key in ["inference_steps", "state_rate", "state_momentum", "output_precision"] {
            if fixed && view.has(key) {
                let found = format!("`learner.{key}` is given, but the schedule \"zero-divergence\" fixes it");
                self.findings.error(view.at(key), found, "leave it out, or take another schedule");
            }
        }
        let free = pc::Options {
            schedule,
            steps: view.count("inference_steps")?,
            rate: view.number("state_rate")?,
            momentum: view.number("state_momentum")?,
            output_precision: view.number("output_precision")?,
        };
        let exact = pc::Options { steps: (layers - 1).max(1), rate: 1.0, momentum: 0.0, output_precision: 1.0, ..free };
        Some(AlgorithmSpec::Pc(if fixed { exact } else { free }))
    }

    fn dtp(&mut self, view: View<'a>) -> Option<AlgorithmSpec> {
        let inverse = if view.text("inverse")? == "exact" { dtp::Inverse::Exact } else { dtp::Inverse::Learned };
        for key in ["noise", "draws", "feedback_rate"] {
            if inverse == dtp::Inverse::Exact && view.has(key) {
                let found = format!("`learner.{key}` is given, but exact inverses are not learned");
                self.findings.error(view.at(key), found, "leave it out, or take inverse = \"learned\"");
            }
        }
        Some(AlgorithmSpec::Dtp(dtp::Options {
            inverse,
            step: view.number("target_step")?,
            noise: view.number("noise")?,
            draws: view.count("draws")?,
            feedback_rate: view.number("feedback_rate")?,
        }))
    }

    /// What follows the microcircuit's rules, if the config says so; the inner `None`: their own rates.
    pub(super) fn circuit_optimiser(&mut self, layers: Option<usize>) -> Option<Option<optimiser::Spec>> {
        let view = self.section("learner");
        if view.kind()? != "microcircuit" || !view.has("optimiser") {
            return Some(None);
        }
        self.optimiser(view, layers?).map(Some)
    }

    fn optimiser(&mut self, learner: View<'a>, layers: usize) -> Option<optimiser::Spec> {
        let frozen = learner.counts("frozen").unwrap_or_default();
        let twice = frozen.iter().enumerate().any(|(i, k)| frozen[..i].contains(k));
        if twice || frozen.iter().any(|&k| k > layers) {
            let found = "`learner.frozen` names a layer twice, or one that is not there";
            self.findings.error(learner.at("frozen"), found, format!("allowed: layers 1 to {layers}, each once"));
        }
        let view = learner.sub("optimiser", "optimiser");
        let kind = view.kind()?;
        let rule = match kind {
            "momentum" => optimiser::Rule::Momentum { momentum: view.number("momentum")? },
            "adam" | "adamw" => optimiser::Rule::Adam {
                beta1: view.number("beta1")?,
                beta2: view.number("beta2")?,
                epsilon: view.number("epsilon")?,
                decoupled: kind == "adamw",
            },
            _ => optimiser::Rule::Sgd,
        };
        let default = if matches!(rule, optimiser::Rule::Adam { .. }) { 0.001 } else { 0.1 };
        let rate = if !view.has("rate") {
            vec![default; layers]
        } else {
            match view.node("rate")?.number() {
                Some(rate) => vec![rate; layers],
                None => {
                    let list = view.numbers("rate")?;
                    let at = view.at("rate");
                    self.one_each(&list, layers, at, "learner.optimiser.rate", "rate").then_some(list)?
                }
            }
        };
        let (weight_decay, clip) = (view.number("weight_decay")?, view.number_or_none("clip")?);
        Some(optimiser::Spec { rule, rate, weight_decay, clip, frozen })
    }

    /// Reports what is given for a circuit that is not there.
    fn circuit_only(&mut self, kind: &str, algorithm: Option<&AlgorithmSpec>, attenuated: bool) {
        let network = self.section("network");
        let start = network.sub("start", "network.start");
        let departures = self.section("departures");
        let mut keys: Vec<(View<'a>, &str, &str)> = CIRCUIT_ONLY
            .iter()
            .map(|&(table, key)| match table {
                "" => (self.root, table, key),
                "network" => (network, table, key),
                "departures" => (departures, table, key),
                _ => (start, table, key),
            })
            .collect();
        if !attenuated {
            keys.push((self.root, "", "conductances"));
        }
        if algorithm.is_some_and(|a| !a.kinds().contains(&Kind::Wpb)) {
            keys.push((start, "network.start", "pb"));
        }
        for (view, table, key) in keys {
            if view.has(key) {
                let path = if table.is_empty() { format!("[{key}]") } else { format!("`{table}.{key}`") };
                let found = format!("{path} means nothing to the learner \"{kind}\"");
                let others = if key == "pb" {
                    "fa, dfa, dtp or the microcircuit have feedback weights"
                } else {
                    "or take learner.kind = \"microcircuit\""
                };
                self.findings.error(view.at(key), found, format!("leave it out; {others}"));
            }
        }
    }

    /// What an algorithm cannot do with this network, this loss or this task.
    pub(super) fn possible(&mut self, learner: &LearnerSpec, network: &Network, loss: Loss, task: &TaskSpec) {
        let classes = !matches!(
            task,
            TaskSpec::Patterns { .. }
                | TaskSpec::Single { .. }
                | TaskSpec::Teacher { .. }
                | TaskSpec::File { targets: FileTargets::Potentials | FileTargets::None, .. }
        );
        if loss == Loss::CrossEntropy && !classes {
            let found = "`train.loss` is \"cross-entropy\", but this task has no classes";
            let allowed = "allowed: \"potentials\", \"rates\" or \"matching\"";
            self.findings.error(self.section("train").at("loss"), found, allowed);
        }
        let LearnerSpec::Trained(t) = learner else { return };
        let refused = match &t.algorithm {
            // Its beta has been reported.
            AlgorithmSpec::Ep(o) if o.beta >= 1.0 && o.nudging != ep::Nudging::Positive => None,
            AlgorithmSpec::Ep(o) => o.refuses(network.activation).map(str::to_owned),
            AlgorithmSpec::Pc(o) => o.refuses(),
            AlgorithmSpec::Dtp(o) => o.refuses(network.activation).map(str::to_owned),
            _ => None,
        };
        if let Some(reason) = refused {
            let view = self.section("learner");
            let (name, phi) = (t.algorithm.name(), network.activation.name());
            let found = format!(
                "the learner \"{name}\" cannot work here (activation \"{phi}\", loss \"{}\"): {reason}",
                loss.name()
            );
            let key = if matches!(t.algorithm, AlgorithmSpec::Dtp(_)) { "inverse" } else { "kind" };
            self.findings.error(view.at(key), found, "another network.activation, train.loss or learner");
        }
        if matches!(task, TaskSpec::Patterns { .. } | TaskSpec::File { targets: FileTargets::None, .. }) {
            let found =
                format!("the learner \"{}\" has nothing to learn from: this task has no targets", t.algorithm.name());
            self.findings.error(
                self.section("task").at("kind"),
                found,
                "allowed: a task with targets, or the microcircuit",
            );
        }
    }

    pub(super) fn schedule(&self, view: View<'_>) -> Option<Schedule> {
        Some(match view.text("schedule")?.as_str() {
            "linear" => Schedule::Linear,
            "cosine" => Schedule::Cosine,
            _ => Schedule::Constant,
        })
    }
}
