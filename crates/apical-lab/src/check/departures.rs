//! Departures and imperfections: what they need of the rest of a config, and how they are written.

use super::Check;
use super::resolve::Writer;
use crate::experiment::{Choice, Experiment, LearnerSpec, SolverSpec, Way};
use apical::circuit::departures::Departures;
use apical::circuit::imperfect::{Imperfections, Signs};
use apical::tasks::TaskSpec;

/// Flags of [departures] that change the circuit's step. `rates_as_target` is the task's.
const OF_THE_STEP: [&str; 9] = [
    "rate_over_tau_w",
    "weight_decay",
    "activation_on_input",
    "late_rules",
    "divided_output_prediction",
    "summed_updates",
    TAKEN_AWAY[0],
    TAKEN_AWAY[1],
    TAKEN_AWAY[2],
];

/// Of them, those that take a part of hidden cells' errors away.
const TAKEN_AWAY: [&str; 3] = ["without_soma_lag", "without_apical_error", "without_teacher"];

impl Check<'_> {
    /// The departures of the circuit's step; with another learner none, which has been checked there.
    pub(super) fn departures(
        &mut self,
        solver: Option<SolverSpec>,
        tau_w: Option<Option<f64>>,
        learner: Option<&LearnerSpec>,
        task: Option<&TaskSpec>,
    ) -> Option<Departures> {
        let view = self.section("departures");
        if view.flag("rates_as_target")? && !matches!(task, None | Some(TaskSpec::Teacher { .. })) {
            let found = "`departures.rates_as_target` is true, but the task has no teacher network";
            let allowed = "allowed: task.kind = \"teacher\"; for classes take task.target.as = \"potentials\"";
            self.findings.error(view.at("rates_as_target"), found, allowed);
        }
        if learner? != &LearnerSpec::Microcircuit {
            return Some(Departures::default());
        }
        let [rate, decay, input, late, output, sum, lag, apical, teacher] = OF_THE_STEP.map(|key| view.flag(key));
        let (rate, decay) = (rate?, decay?);
        let tau_w = tau_w?;
        for key in ["rate_over_tau_w", "weight_decay"] {
            if view.flag(key)? && tau_w.is_none() && solver?.has_dynamics() {
                let found = format!("`departures.{key}` has nothing to divide by: `plasticity.tau_w` is \"none\"");
                self.findings.error(view.at(key), found, "give plasticity.tau_w in ms");
            }
        }
        if sum? && self.section("train").count("batch") == Some(1) {
            let found = "`departures.summed_updates` is true, but `train.batch` is 1: sum and mean are the same";
            self.findings.error(view.at("summed_updates"), found, "allowed: with train.batch from 2 on");
        }
        if late? && let Some(key) = TAKEN_AWAY.into_iter().find(|key| view.flag(key) == Some(true)) {
            let found = format!("`departures.{key}` and `departures.late_rules` are both true");
            self.findings.error(
                view.at(key),
                found,
                "allowed: one of them; parts are told apart at the time of the step",
            );
        }
        let on = Departures {
            rate_over_tau_w: tau_w.filter(|_| rate),
            weight_decay: tau_w.filter(|_| decay),
            activation_on_input: input?,
            late_rules: late?,
            divided_output_prediction: output?,
            summed_updates: sum?,
            blurred_nudging: 0.0,
            delay: 0,
            without_soma_lag: lag?,
            without_apical_error: apical?,
            without_teacher: teacher?,
        };
        let first = OF_THE_STEP.into_iter().find(|key| view.flag(key) == Some(true));
        if let Some(first) = first {
            self.steps_of_their_own(first, solver?);
        }
        Some(on)
    }

    /// What synapses and interneurons lack.
    pub(super) fn imperfections(&mut self, solver: Option<SolverSpec>) -> Option<Imperfections> {
        let view = self.section("imperfections");
        let blurred_nudging = view.number("blurred_nudging")?;
        if blurred_nudging > 0.0 {
            match solver? {
                SolverSpec::TwoStep(_) | SolverSpec::Euler(Choice::Auto | Choice::Given(Way::Reference)) => {}
                _ => {
                    let found = "`imperfections.blurred_nudging` has no part in this solver or plan";
                    let allowed =
                        "allowed: with solver.kind = \"two-step\", or \"euler\" and its plan auto or reference";
                    self.findings.error(view.at("blurred_nudging"), found, allowed);
                }
            }
        }
        let delay = self.delay(solver);
        let signs = view.text("signs")?;
        Some(Imperfections {
            unpredicted: view.number("unpredicted")?,
            missing_synapses: view.number("missing_synapses")?,
            missing_interneurons: view.number("missing_interneurons")?,
            signs: Signs::NAMES.into_iter().find(|n| n.1 == signs)?.0,
            weight_noise: view.number("weight_noise")?,
            weight_step: view.number("weight_step")?,
            blurred_nudging,
            delay: delay?,
        })
    }

    /// How late other layers are, ms.
    fn delay(&mut self, solver: Option<SolverSpec>) -> Option<f64> {
        let view = self.section("imperfections");
        let delay = view.number("delay")?;
        if delay == 0.0 {
            return Some(0.0);
        }
        let at = view.at("delay");
        if !matches!(solver?, SolverSpec::Euler(Choice::Auto | Choice::Given(Way::Reference))) {
            let found = "`imperfections.delay` has no part in this solver or plan";
            self.findings.error(at, found, "allowed: with solver.kind = \"euler\" and its plan auto or reference");
        }
        let departures = self.section("departures");
        let apart = ["late_rules"].into_iter().chain(TAKEN_AWAY);
        if let Some(key) = apart.into_iter().find(|key| departures.flag(key) == Some(true)) {
            let found = format!("`departures.{key}` is on, and `imperfections.delay` is not 0");
            self.findings.error(departures.at(key), found, "allowed: one of them");
        }
        let dt = self.section("time").number("dt")?;
        let steps = delay / dt;
        // Rates of 2^16 steps are kept at most.
        if (steps - steps.round()).abs() > 1e-6 * steps || !(1.0..=65_536.0).contains(&steps.round()) {
            let found = format!("`imperfections.delay` = {delay} ms is {steps} steps of dt");
            self.findings.error(at, found, "allowed: a multiple of time.dt, at most 2^16 of them");
        }
        Some(delay)
    }

    /// Reports solvers and plans that compute other steps.
    fn steps_of_their_own(&mut self, departure: &str, solver: SolverSpec) {
        let view = self.section("solver");
        match solver {
            SolverSpec::Euler(Choice::Auto | Choice::Given(Way::Reference)) => {}
            SolverSpec::Euler(Choice::Given(way)) => {
                let found = format!(
                    "`solver.plan` = \"{}\" computes the circuit's steps, and `departures.{departure}` is on",
                    crate::plan::way_name(way)
                );
                self.findings.error(view.at("plan"), found, "allowed: auto, reference; departures are plain loops");
            }
            _ => {
                let found = format!("`departures.{departure}` is on, and the solver makes no Euler steps");
                let at = self.section("departures").at(departure);
                self.findings.error(at, found, "allowed: with solver.kind = \"euler\"");
            }
        }
    }
}

/// Writes those that are on; without any there is no table, so that ids are those of the versions that did not know it.
pub(super) fn write(w: &mut Writer, e: &Experiment) {
    let on = &e.departures;
    let rates_as_target = matches!(e.task, TaskSpec::Teacher { rates_as_target: true, .. });
    if !on.any() && !rates_as_target {
        return;
    }
    w.table("[departures]");
    let flags = [
        on.rate_over_tau_w.is_some(),
        on.weight_decay.is_some(),
        on.activation_on_input,
        on.late_rules,
        on.divided_output_prediction,
        on.summed_updates,
        on.without_soma_lag,
        on.without_apical_error,
        on.without_teacher,
    ];
    let flags = OF_THE_STEP.into_iter().zip(flags).chain([("rates_as_target", rates_as_target)]);
    flags.filter(|flag| flag.1).for_each(|(key, _)| w.raw(key, true));
}

/// Writes those that there are; without any there is no table, so that ids are those of the versions that did not know it.
pub(super) fn write_imperfections(w: &mut Writer, e: &Experiment) {
    let on = &e.imperfections;
    if !on.any() {
        return;
    }
    w.table("[imperfections]");
    let shares = [
        ("unpredicted", on.unpredicted),
        ("missing_synapses", on.missing_synapses),
        ("missing_interneurons", on.missing_interneurons),
        ("weight_noise", on.weight_noise),
        ("weight_step", on.weight_step),
        ("blurred_nudging", on.blurred_nudging),
        ("delay", on.delay),
    ];
    shares.into_iter().filter(|share| share.1 != 0.0).for_each(|(key, share)| w.float(key, share));
    if on.signs != Signs::Free {
        w.text("signs", on.signs.name());
    }
}
