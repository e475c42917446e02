//! Who learns and how: solver, course of training, phases and rates, and whether the interneurons can follow.

use super::Check;
use crate::config::diagnostic::Span;
use crate::config::walk::View;
use crate::experiment::{
    Attenuation, Choice, LearnerSpec, Loss, NoFixedPoint, Phase, Precision, SolverSpec, TrainSpec, Way,
};
use crate::plan;
use apical::circuit::params::{Network, Rates};
use apical::tasks::{FileTargets, TaskSpec};

/// eta_ip may differ from what keeps the self-prediction by this factor before it is warned of.
const FOLLOWS_WITHIN: f64 = 1.5;

/// Tolerance of the adaptive solver: several times less than the error of euler at dt = 0.1.
const ADAPTIVE_TOLERANCE: f64 = 1e-5;

/// The least relative error of what a presentation teaches that f32 and f64 resolve: about twice their unit of rounding, and
/// more for f64, whose sums are longer than a step.
const RESOLVED: [f64; 2] = [1e-7, 1e-14];

impl<'a> Check<'a> {
    pub(super) fn solver(&mut self, precision: Option<Precision>) -> Option<SolverSpec> {
        let view = self.section("solver");
        match view.kind()? {
            "steady" => {
                let default = if precision? == Precision::F64 { 1e-10 } else { 1e-5 };
                let tolerance = if view.has("tolerance") { view.number("tolerance")? } else { default };
                let on_no_fixed_point =
                    if view.text("on_no_fixed_point")? == "fail" { NoFixedPoint::Fail } else { NoFixedPoint::Skip };
                Some(SolverSpec::Steady { tolerance, max_sweeps: view.count("max_sweeps")?, on_no_fixed_point })
            }
            "two-step" => {
                let attenuation = view.text("attenuation")?;
                let mixing = view.sub("mixing", "mixing");
                match (attenuation.as_str(), view.has("mixing")) {
                    ("none", true) => Some(SolverSpec::TwoStep(Attenuation::None(self.mixing(mixing)?))),
                    ("none", false) => {
                        self.findings.error(
                            view.at("attenuation"),
                            "`solver.attenuation` = \"none\" needs `solver.mixing`",
                            "give mixing = { output = 0.1, interneuron = 0.1, hidden = 0.3 }, say",
                        );
                        None
                    }
                    (_, true) => {
                        self.findings.error(
                            view.at("mixing"),
                            "`solver.mixing` is refused with attenuation = \"conductances\", where they are the only truth",
                            "take attenuation = \"none\", or [conductances] from_mixing",
                        );
                        None
                    }
                    (_, false) => Some(SolverSpec::TwoStep(Attenuation::Conductances)),
                }
            }
            "adaptive" => {
                let tolerance = if view.has("tolerance") { view.number("tolerance")? } else { ADAPTIVE_TOLERANCE };
                let [single, double] = RESOLVED;
                let (least, name) = if precision? == Precision::F64 { (double, "f64") } else { (single, "f32") };
                if tolerance < least {
                    self.findings.error(
                        view.at("tolerance"),
                        format!(
                            "`solver.tolerance` = {tolerance:e} is less than the rounding of {name} lets adaptive reach"
                        ),
                        format!("at least {single:e} at precision = \"f32\", {double:e} at \"f64\""),
                    );
                    return None;
                }
                Some(SolverSpec::Adaptive { tolerance })
            }
            _ => Some(SolverSpec::Euler(self.plan(view)?)),
        }
    }

    /// In which way euler's steps are computed.
    fn plan(&mut self, view: View<'a>) -> Option<Choice> {
        let (name, block) = (view.text("plan")?, view.count("block")?);
        if view.has("block") && name != "blocks" {
            let found = format!("`solver.block` is given with plan = \"{name}\", which has no blocks");
            self.findings.error(view.at("block"), found, "leave it out, or take plan = \"blocks\"");
        }
        let choice = plan::choice(&name, block)?;
        let batch = self.section("train").count("batch").unwrap_or(1);
        if choice == Choice::Given(Way::Fused) && batch > 1 {
            let found =
                format!("`solver.plan` = \"fused\" computes one pattern at a time, but `train.batch` is {batch}");
            self.findings.error(view.at("plan"), found, "allowed: auto, reference, blocks, batch; or train.batch = 1");
        }
        Some(choice)
    }

    pub(super) fn train(&mut self) -> Option<TrainSpec> {
        let view = self.section("train");
        if self.root.has("phase") && view.has("epochs") {
            let last = self.root.given("phase").map_or(0, |p| p.elements().len().saturating_sub(1));
            let range =
                if last == 0 { "phase.0.epochs".to_owned() } else { format!("phase.0.epochs to phase.{last}.epochs") };
            self.findings.error(
                view.at("epochs"),
                "`train.epochs` and [[phase]] both say how long to train",
                format!("with phases, set {range}"),
            );
        }
        Some(TrainSpec {
            batch: view.count("batch")?,
            decay: view.number("decay")?,
            schedule: self.schedule(view)?,
            warmup: view.count("warmup")?,
            validate_every: view.count("validate_every")?,
            checkpoint_every: view.count("checkpoint_every")? as u64,
            keep_every: view.count("keep_every")?,
            loss: Loss::from_name(&view.text("loss")?)?,
            divergence_bound: view.number("divergence_bound")?,
        })
    }

    pub(super) fn phases(
        &mut self,
        sizes: Option<&[usize]>,
        task: Option<&TaskSpec>,
        learner: Option<&LearnerSpec>,
    ) -> Option<Vec<Phase>> {
        let layers = sizes?.len() - 1;
        let common = self.section("plasticity");
        let base = self.rates(common, "plasticity", layers);
        let phases = match self.root.given("phase").filter(|_| self.root.node("phase").is_some()) {
            None if self.root.has("phase") => return None,
            None => {
                let target = has_target(task?);
                let epochs = self.section("train").count("epochs")?;
                vec![Phase { name: "train".to_owned(), epochs, target, shuffled: false, rates: settle(base?, layers) }]
            }
            Some(list) if list.elements().is_empty() => {
                self.findings.error(
                    self.root.at("phase"),
                    "`phase` is empty",
                    "allowed: at least one [[phase]], or none at all",
                );
                return None;
            }
            Some(list) => {
                let mut phases = Vec::new();
                for (i, node) in list.elements().iter().enumerate() {
                    phases.push(self.phase(View { node: Some(node), table: "phase" }, i, layers, base.as_ref(), task));
                }
                phases.into_iter().collect::<Option<Vec<_>>>()?
            }
        };
        let still = |r: &Rates| [&r.pp, &r.ip, &r.pi, &r.pb].iter().all(|e| e.iter().all(|&x| x == 0.0));
        if learner == Some(&LearnerSpec::Microcircuit) && phases.iter().all(|p| still(&p.rates)) {
            let at = if self.root.has("plasticity") { self.root.at("plasticity") } else { Span::FILE };
            self.findings.warn(at, "no rule is plastic: nothing will be learned", "set plasticity.eta_pp and so on");
        }
        Some(phases)
    }

    fn phase(
        &mut self,
        view: View<'a>,
        index: usize,
        layers: usize,
        base: Option<&[Option<Vec<f64>>; 4]>,
        task: Option<&TaskSpec>,
    ) -> Option<Phase> {
        let own = self.rates(view, &format!("phase.{index}"), layers);
        let plastic = if view.has("plastic") { Some(view.texts("plastic")?) } else { None };
        let mut rates = own?;
        for (r, rule) in RULES.into_iter().enumerate() {
            let on = plastic.as_ref().is_none_or(|p| p.iter().any(|w| w == rule));
            let key = format!("eta_{rule}");
            if !on && view.has(&key) {
                let found = format!("`phase.{index}.{key}` is given, but `plastic` leaves the rule out");
                self.findings.error(view.at(&key), found, "add it to `plastic`, or leave the rate out");
            }
            if rates[r].is_none() {
                rates[r] = base?[r].clone().filter(|_| on);
            }
        }
        let possible = has_target(task?);
        let target = if view.has("target") { view.flag("target")? } else { possible };
        if target && !possible {
            let found = format!("`phase.{index}.target` is true, but the task has no target");
            self.findings.error(view.at("target"), found, "allowed: false, or another task");
        }
        let shuffled = view.flag("shuffled")?;
        if shuffled && !(target && has_set(task?)) {
            let found = format!("`phase.{index}.shuffled` is true, but there are no targets of a set to shuffle");
            self.findings.error(
                view.at("shuffled"),
                found,
                "allowed: false, or a task with a training set and a target",
            );
        }
        let name = if view.has("name") { view.text("name")? } else { format!("phase {index}") };
        Some(Phase { name, epochs: view.count("epochs")?, target, shuffled, rates: settle(rates, layers) })
    }

    /// The rates that a table gives, one per layer, in the order of `RULES`; `None` inside where it says nothing.
    fn rates(&mut self, view: View<'_>, path: &str, layers: usize) -> Option<[Option<Vec<f64>>; 4]> {
        let mut rates = [None, None, None, None];
        let mut fine = true;
        for (r, rule) in RULES.into_iter().enumerate() {
            let key = format!("eta_{rule}");
            let wanted = if rule == "pp" { layers } else { layers - 1 };
            if !view.has(&key) {
                continue;
            }
            let Some(node) = view.node(&key) else {
                fine = false;
                continue;
            };
            let at = view.at(&key);
            let path = format!("{path}.{key}");
            match node.number() {
                Some(x) if wanted == 0 && x != 0.0 => {
                    let found = format!("`{path}` has no synapses: a net of two layers has no hidden layer");
                    self.findings.error(at, found, "leave it out, or add a layer to `network.sizes`");
                    fine = false;
                }
                Some(x) => rates[r] = Some(vec![x; wanted]),
                None => {
                    let list = view.numbers(&key)?;
                    fine &= self.one_each(&list, wanted, at, &path, "rate");
                    rates[r] = Some(list);
                }
            }
        }
        fine.then_some(rates)
    }

    /// Warns where W^IP cannot follow f W^PP of the layer above: to first order that takes eta_ip lambda_I = f eta_pp.
    pub(super) fn self_prediction(&mut self, network: &Network, phases: &[Phase], solver: SolverSpec) {
        let g = &network.conductances;
        let hidden = network.sizes.len() - 2;
        for (i, phase) in phases.iter().enumerate() {
            let mut wrong = Vec::new();
            for k in 0..hidden {
                let (lambda, f) = match solver {
                    SolverSpec::TwoStep(Attenuation::None(m)) => (m.interneuron, 1.0),
                    _ => {
                        let g_a = if k + 1 < hidden { g.g_a } else { 0.0 };
                        (g.mixing().interneuron, (g.g_lk + g.g_d) / g.g_d * g.g_b / (g.g_lk + g.g_b + g_a))
                    }
                };
                let (eta_ip, above) = (phase.rates.ip[k], phase.rates.pp[k + 1]);
                if above <= 0.0 || !phase.target {
                    continue;
                }
                if lambda == 0.0 {
                    wrong.push(format!("layer {}: unreachable, since interneurons are not nudged", k + 1));
                    continue;
                }
                let needed = f * above / lambda;
                if eta_ip > needed * FOLLOWS_WITHIN || eta_ip * FOLLOWS_WITHIN < needed {
                    wrong.push(format!("layer {}: {eta_ip:?} where {:?} is needed", k + 1, four_digits(needed)));
                }
            }
            if !wrong.is_empty() {
                let own = self.root.given("phase").and_then(|p| p.elements().get(i));
                let own = View { node: own, table: "phase" };
                let common = self.section("plasticity");
                let at = match () {
                    _ if own.has("eta_ip") => own.at("eta_ip"),
                    _ if common.has("eta_ip") => common.at("eta_ip"),
                    _ if own.has("eta_pp") => own.at("eta_pp"),
                    _ => common.at("eta_pp"),
                };
                let found = format!(
                    "`eta_ip` cannot keep the self-predicting state in phase \"{}\": {}",
                    phase.name,
                    wrong.join("; ")
                );
                self.findings.warn(at, found, "better: eta_ip lambda_I = f eta_pp of the layer above").help =
                    "interneurons that lag behind the cells above them leave an apical error that is none".to_owned();
            }
        }
    }
}

const RULES: [&str; 4] = ["pp", "ip", "pi", "pb"];

fn four_digits(x: f64) -> f64 {
    format!("{x:.3e}").parse().unwrap_or(x)
}

/// Rates with 0 where nothing was said.
fn settle(rates: [Option<Vec<f64>>; 4], layers: usize) -> Rates {
    let [pp, ip, pi, pb] = rates;
    let or_off = |r: Option<Vec<f64>>, n| r.unwrap_or_else(|| vec![0.0; n]);
    Rates { pp: or_off(pp, layers), ip: or_off(ip, layers - 1), pi: or_off(pi, layers - 1), pb: or_off(pb, layers - 1) }
}

fn has_target(task: &TaskSpec) -> bool {
    !matches!(task, TaskSpec::Patterns { .. } | TaskSpec::File { targets: FileTargets::None, .. })
}

/// Training samples that come again, as a set: others are made as they are needed.
fn has_set(task: &TaskSpec) -> bool {
    !matches!(task, TaskSpec::Patterns { .. } | TaskSpec::Single { .. } | TaskSpec::Teacher { .. })
}
