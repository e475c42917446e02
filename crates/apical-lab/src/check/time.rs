//! Times and what the Euler method can bear.

use super::Check;
use crate::experiment::SolverSpec;
use apical::circuit::params::{LagKind, Network, Timing};

impl Check<'_> {
    pub(super) fn timing(&mut self, solver: Option<SolverSpec>) -> Option<Timing> {
        let view = self.section("time");
        let tau_target = view.number_or_none("tau_target");
        let lag = view.number("lag");
        let window = view.number("window");
        let reset = view.texts("reset");
        self.euler_only(view, "tau_target", tau_target == Some(None), solver);
        self.euler_only(view, "lag", lag == Some(0.0), solver);
        self.euler_only(view, "window", window == Some(0.0), solver);
        let no_reset = reset.as_ref().is_some_and(|r| r.iter().all(|w| w == "none"));
        self.euler_only(view, "reset", no_reset, solver);
        let (dt, presentation) = (view.number("dt")?, view.number("presentation")?);
        let tau_0 = view.number("tau_0");
        for (key, tau) in [("tau_0", tau_0), ("tau_target", tau_target.flatten())] {
            if tau.is_some_and(|tau| dt > tau) {
                self.dt_too_large(dt, &format!("time.{key}"), tau.unwrap_or_default());
            }
        }
        for (key, ms) in [("presentation", Some(presentation)), ("lag", lag), ("window", window)] {
            let steps = ms.unwrap_or_default() / dt;
            if (steps - steps.round()).abs() > 1e-6 * steps.max(1.0) || steps > 1e12 {
                let found = format!("`time.{key}` is {} ms, {steps:.6} steps of {dt} ms", ms.unwrap_or_default());
                self.findings.error(view.at(key), found, format!("allowed: a multiple of time.dt = {dt} ms"));
            }
        }
        if presentation / dt < 0.5 {
            let found = format!("`time.presentation` is {presentation} ms, shorter than one step");
            self.findings.error(view.at("presentation"), found, format!("allowed: from time.dt = {dt} ms on"));
        }
        if lag.is_some_and(|lag| lag >= presentation) {
            let found = format!("`time.lag` is {} ms: nothing would ever be learned", lag.unwrap_or_default());
            self.findings.error(view.at("lag"), found, format!("allowed: below time.presentation = {presentation} ms"));
        }
        if window.is_some_and(|window| window > presentation) {
            let found = format!("`time.window` is {} ms", window.unwrap_or_default());
            self.findings.error(
                view.at("window"),
                found,
                format!("allowed: up to time.presentation = {presentation} ms"),
            );
        }
        let reset = reset?;
        if reset.len() > 1 && reset.iter().any(|w| w == "none") {
            self.findings.error(view.at("reset"), "`time.reset` holds \"none\" and more", "allowed: \"none\" alone");
        }
        Some(Timing {
            dt,
            tau_0: tau_0?,
            tau_target: tau_target?,
            presentation,
            lag: lag?,
            lag_kind: if view.text("lag_kind")? == "filter" { LagKind::Filter } else { LagKind::Freeze },
            window: window?,
            reset_delta: reset.iter().any(|w| w == "delta"),
            reset_state: reset.iter().any(|w| w == "state"),
        })
    }

    fn dt_too_large(&mut self, dt: f64, key: &str, tau: f64) {
        let found = format!("`time.dt` = {dt} ms is larger than `{key}` = {tau} ms");
        let at = self.section("time").at("dt");
        self.findings.error(at, found, "allowed: a step no larger than any time constant");
    }

    /// The low-pass of the weight change; its default depends on the solver. The inner `None` is "none".
    pub(super) fn tau_w(&mut self, solver: Option<SolverSpec>, timing: Option<&Timing>) -> Option<Option<f64>> {
        let view = self.section("plasticity");
        if !view.has("tau_w") {
            return Some(solver?.has_dynamics().then_some(30.0));
        }
        let tau_w = view.number_or_none("tau_w")?;
        self.euler_only(view, "tau_w", tau_w.is_none(), solver);
        if let (Some(tau), Some(timing)) = (tau_w, timing)
            && timing.dt > tau
        {
            self.dt_too_large(timing.dt, "plasticity.tau_w", tau);
        }
        Some(tau_w)
    }

    /// u += dt du contracts by |1 - dt g| per step, g the total conductance of a soma: above dt g = 2 it explodes.
    pub(super) fn stability(&mut self, network: &Network, timing: &Timing, solver: Option<SolverSpec>) {
        if !matches!(solver, Some(SolverSpec::Euler(_))) {
            return;
        }
        let g = &network.conductances;
        let output = ("the output", g.g_lk + g.g_b + g.g_som_output);
        let hidden = ("a hidden cell", g.g_lk + g.g_b + g.g_a);
        let inter = ("an interneuron", g.g_lk + g.g_d + g.g_som_interneuron);
        let cells: &[_] = if network.sizes.len() > 2 { &[output, hidden, inter] } else { &[output] };
        let Some(&(cell, total)) = cells.iter().max_by(|a, b| a.1.total_cmp(&b.1)) else { return };
        let product = timing.dt * total;
        let at = self.section("time").at("dt");
        let largest = 1.0 / total;
        if product >= 2.0 {
            let found = format!(
                "`time.dt` = {} ms makes the Euler method unstable: dt times the conductance of {cell}, {total:.3}/ms, is {product:.3}",
                timing.dt
            );
            self.findings.error(
                at,
                found,
                format!("allowed: below 2; below 1 (dt < {largest:.3} ms) it does not oscillate either"),
            );
        } else if product >= 1.0 {
            let found = format!(
                "`time.dt` = {} ms makes potentials oscillate: dt times the conductance of {cell}, {total:.3}/ms, is {product:.3}",
                timing.dt
            );
            self.findings.warn(at, found, format!("better: below 1, dt < {largest:.3} ms"));
        }
    }
}
