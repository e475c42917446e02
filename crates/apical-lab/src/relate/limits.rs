//! Limit curves at the start weights: how far each Update is from the one that theory says it goes to, as its own parameter
//! goes there.
//!
//! The circuit's limit as the nudge goes to 0 is feedback alignment of the `matching` loss with the circuit's own feedback
//! (backprop where that is the transposed forward weights), times lambda_N prod_{j=k}^{N-1} lambda_A (1 - lambda_I) /
//! prod_{j=k}^{N} c_j in layer k, and times the time for which the rules act. `ep` goes to the gradient of its own fixed
//! point's loss, `pc` with the output's precision to backprop and with T to what it settles to, `dtp` with the step to the
//! Update of an infinitely small one.

use super::matrix::joined;
use super::participant::{self, Ask, Halt, Participant, self_predicting, unit_rates};
use super::weights;
use super::{Plan, Relation, Watch};
use crate::experiment::AlgorithmSpec;
use apical::circuit::params::Timing;
use apical::circuit::{Attenuation, State, Tensors};
use apical::kernels::Mat;
use apical::learners::feed_forward::Function;
use apical::learners::metrics::angle;
use apical::learners::probe::direction;
use apical::learners::{dtp, ep, pc};
use apical::solvers::steady::Steady;
use apical::solvers::two_step::TwoStep;
use apical::solvers::{NoFixedPoint, Nobody, Outcome, Shown, Solver, Trouble};

/// Learning lags across a switch, ms.
const LAGS: [f64; 5] = [0.0, 5.0, 10.0, 20.0, 40.0];
/// Inference steps of pc.
const STEPS: [usize; 9] = [1, 2, 4, 8, 16, 32, 64, 128, 256];
/// Longer inference is not waited for.
const MOST_STEPS: usize = 20_000;
/// Bound on |du/dt| (1/ms) and number of sweeps: f64 can reach it, and it takes them where layers excite each other.
const FIXED_POINT: (f64, usize) = (1e-13, 5000);

/// One point of one curve.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// The figure to which its curve belongs.
    pub figure: &'static str,
    /// Whose curve.
    pub method: String,
    /// What varies.
    pub parameter: &'static str,
    /// Its value.
    pub value: f64,
    /// `1` to `N`, and `all`.
    pub layer: String,
    /// Angle to the limit; NaN if one of the two is 0.
    pub degrees: f64,
    /// Norm over that of the limit.
    pub norm_ratio: f64,
}

/// `from` times 10^(-i/2), for i below `n`.
fn falling(from: f64, n: i32) -> impl Iterator<Item = f64> {
    // Two digits, as a person would write it.
    (0..n).map(move |i| from * 10f64.powi(-i / 2) * if i % 2 == 1 { 0.32 } else { 1.0 })
}

/// What a curve is measured with.
struct Curves<'a> {
    shown: Shown<'a, f64>,
    seed: u64,
    points: Vec<Point>,
}

impl Curves<'_> {
    /// Compares an Update with its limit, layer by layer.
    fn point(
        &mut self,
        (figure, method): (&'static str, &str),
        (parameter, value): (&'static str, f64),
        update: &[Mat<f64>],
        limit: &[Mat<f64>],
    ) {
        let ones = vec![1.0; update.len()];
        let mut add = |layer: String, a: &Mat<f64>, b: &Mat<f64>| {
            self.points.push(Point {
                figure,
                method: method.to_owned(),
                parameter,
                value,
                layer,
                degrees: angle(a, b).unwrap_or(f64::NAN),
                norm_ratio: a.norm() / b.norm(),
            });
        };
        for (k, (a, b)) in update.iter().zip(limit).enumerate() {
            add((k + 1).to_string(), a, b);
        }
        add("all".into(), &joined(update, &ones), &joined(limit, &ones));
    }

    fn direction(&self, of: &AlgorithmSpec, f: &Function, w: &Tensors<f64>) -> Result<Vec<Mat<f64>>, Trouble> {
        Ok(direction(of, f, &w.clone().only(of.kinds()), &self.shown, self.seed)?.pp)
    }

    /// What the circuit goes to, before any time: layer k times its factor.
    fn circuit_limit(&self, f: &Function, w: &Tensors<f64>) -> Result<Vec<Mat<f64>>, Trouble> {
        let mut limit = self.direction(&AlgorithmSpec::Fa, f, w)?;
        let (depth, m) = (f.depth(), f.attenuation.mixing);
        for (k, layer) in limit.iter_mut().enumerate() {
            let down = (m.hidden * (1.0 - m.interneuron)).powi((depth - 1 - k) as i32);
            let up: f64 = (k + 1..=depth).map(|j| f.factor(j)).product();
            layer.data.iter_mut().for_each(|x| *x *= m.output * down / up);
        }
        Ok(limit)
    }
}

/// Passes that all curves take, about.
pub(super) fn cost(plan: &Plan) -> u64 {
    if plan.options.limit_samples == 0 {
        return 0;
    }
    let mut passes = 0;
    if let Some(index) = plan.circuit {
        let e = &plan.entries[index].experiment;
        passes += 7 * circuit_cost(e.timing.steps(e.timing.presentation));
    }
    for p in &plan.participants {
        let Ask::Algorithm(spec) = &p.ask else { continue };
        passes += match spec {
            AlgorithmSpec::Ep(_) => 3 * 8 * 4 * p.cost(),
            AlgorithmSpec::Pc(o) if o.schedule == pc::Schedule::Settled => 3 * 9 * settled_steps(o) as u64,
            _ => 0,
        };
    }
    passes * plan.options.limit_samples as u64
}

fn circuit_cost(steps: usize) -> u64 {
    12 * steps as u64 + 500
}

fn settled_steps(o: &pc::Options) -> usize {
    ((200.0 / o.rate).ceil() as usize).clamp(o.steps, MOST_STEPS.max(o.steps))
}

/// Follows everybody.
pub(super) fn limits(plan: &Plan, watch: &mut Watch<'_>, relation: &mut Relation) -> Result<(), Halt> {
    let samples = plan.options.limit_samples;
    let batch = plan.batch(samples, 0);
    let shown = Shown { samples, input: &batch.input, target: Some(&batch.target) };
    let mut curves = Curves { shown, seed: plan.base().seed, points: Vec::new() };
    let w = &plan.start;
    if let Some(index) = plan.circuit {
        let e = &plan.entries[index].experiment;
        let p = &participant::participants("microcircuit", e)[0];
        let attempt = circuit(&mut curves, p, participant::has_dynamics(e), w, watch, relation);
        noted(attempt, "microcircuit", relation)?;
    }
    for (p, owner) in plan.participants.iter().zip(&plan.owners) {
        let Ask::Algorithm(spec) = &p.ask else { continue };
        let attempt = match spec {
            AlgorithmSpec::Ep(o) => equilibrium(&mut curves, p, o, w, watch),
            AlgorithmSpec::Pc(o) if o.schedule == pc::Schedule::Settled => coding(&mut curves, p, o, w, watch),
            AlgorithmSpec::Dtp(o) => {
                let mut own = w.clone();
                let found = owner.map(|owner| {
                    let e = &plan.entries[owner].experiment;
                    weights::inverses(p, e, &plan.task, w, plan.options.inverse_steps, watch)
                });
                match found {
                    Some(Ok((inverses, _))) => {
                        own.pb = inverses;
                        target(&mut curves, p, o, &own)
                    }
                    Some(Err(halt)) => Err(halt),
                    None => Ok(()),
                }
            }
            _ => Ok(()),
        };
        noted(attempt, &p.name, relation)?;
    }
    relation.limits = curves.points;
    Ok(())
}

/// Numerical trouble ends a curve and is a note.
fn noted(attempt: Result<(), Halt>, name: &str, relation: &mut Relation) -> Result<(), Halt> {
    match attempt {
        Err(Halt::Trouble(trouble)) => {
            relation.failed = true;
            relation.notes.push(format!("limits of {name}: the curve ends early: {trouble}"));
            Ok(())
        }
        other => other,
    }
}

/// beta to 0. Phases are four times as long as in training, so that what is left is the nudge's.
fn equilibrium(
    c: &mut Curves<'_>,
    p: &Participant,
    o: &ep::Options,
    w: &Tensors<f64>,
    watch: &mut Watch<'_>,
) -> Result<(), Halt> {
    let long = ep::Options { free_steps: 4 * o.free_steps, nudged_steps: 4 * o.nudged_steps, tolerance: None, ..*o };
    let (f, work) = (&p.function, 4 * p.cost() * c.shown.samples as u64);
    watch.tick(work)?;
    let small = AlgorithmSpec::Ep(ep::Options { nudging: ep::Nudging::Centred, beta: 1e-5, ..long });
    let limit = c.direction(&small, f, w)?;
    for (nudging, name) in
        [(ep::Nudging::Positive, "positive"), (ep::Nudging::Negative, "negative"), (ep::Nudging::Centred, "centred")]
    {
        for beta in falling(0.5, 7) {
            watch.tick(work)?;
            let update = c.direction(&AlgorithmSpec::Ep(ep::Options { nudging, beta, ..long }), f, w)?;
            c.point(("ep", &format!("{} {name}", p.name)), ("beta", beta), &update, &limit);
        }
    }
    Ok(())
}

/// The output's precision to 0 with settled states, and T at the precision of the experiment.
fn coding(
    c: &mut Curves<'_>,
    p: &Participant,
    o: &pc::Options,
    w: &Tensors<f64>,
    watch: &mut Watch<'_>,
) -> Result<(), Halt> {
    let (f, settled) = (&p.function, settled_steps(o));
    let work = 3 * settled as u64 * c.shown.samples as u64;
    let limit = c.direction(&AlgorithmSpec::Bp, f, w)?;
    for output_precision in falling(1.0, 7) {
        watch.tick(work)?;
        let update = c.direction(&AlgorithmSpec::Pc(pc::Options { steps: settled, output_precision, ..*o }), f, w)?;
        c.point(("pc-precision", &p.name), ("output_precision", output_precision), &update, &limit);
    }
    watch.tick(work)?;
    let limit = c.direction(&AlgorithmSpec::Pc(pc::Options { steps: settled, ..*o }), f, w)?;
    for steps in STEPS {
        let update = c.direction(&AlgorithmSpec::Pc(pc::Options { steps, ..*o }), f, w)?;
        c.point(("pc-steps", &p.name), ("T", steps as f64), &update, &limit);
    }
    Ok(())
}

/// The step to 0, with the inverses held.
fn target(c: &mut Curves<'_>, p: &Participant, o: &dtp::Options, w: &Tensors<f64>) -> Result<(), Halt> {
    let limit = c.direction(&AlgorithmSpec::Dtp(dtp::Options { step: 1e-7, ..*o }), &p.function, w)?;
    for step in falling(1.0, 7) {
        let update = c.direction(&AlgorithmSpec::Dtp(dtp::Options { step, ..*o }), &p.function, w)?;
        c.point(("dtp", &p.name), ("target_step", step), &update, &limit);
    }
    Ok(())
}

/// The nudge to 0.
fn circuit(
    c: &mut Curves<'_>,
    p: &Participant,
    has_dynamics: bool,
    w: &Tensors<f64>,
    watch: &mut Watch<'_>,
    relation: &mut Relation,
) -> Result<(), Halt> {
    let mut f = p.function.clone();
    if !has_dynamics {
        let all = self_predicting(&f, w);
        for lambda in falling(0.32, 7) {
            f.attenuation.mixing.output = lambda;
            let limit = c.circuit_limit(&f, w)?;
            let mut two_step = TwoStep::new(&f.net, f.attenuation, p.bound, c.shown.samples);
            let (update, _) = gathered(&mut two_step, &f, &all, &c.shown)?;
            c.point(("two-step", "two-step, no attenuation"), ("lambda_N", lambda), &update, &limit);
        }
        f.net.conductances = f.net.conductances.with_mixing(p.function.attenuation.mixing);
        f.attenuation = Attenuation::from_conductances(&f.net.conductances);
        relation.notes.push(
            "limits of the microcircuit in time: without attenuation there are no dynamics; they are those of the \
             conductances that give the same mixing factors, with their own, attenuated function"
                .into(),
        );
    }
    let all = self_predicting(&f, w);
    let (samples, n_0) = (c.shown.samples, f.net.sizes[0]);
    let timing = Timing { lag: 0.0, ..p.timing };
    let work = circuit_cost(timing.steps(timing.presentation)) * samples as u64;
    // Without a target the settled state does not depend on the nudge.
    let settled = |input: &[f64]| -> Result<State<f64>, Trouble> {
        let mut euler = participant::euler(&f.net, timing, p.bound, samples);
        euler.settle(&all, &Shown { samples, input, target: None })?;
        Ok(euler.state_mut().clone())
    };
    // Before each pattern another one was shown: the next of the batch.
    let mut before = c.shown.input.to_vec();
    before.rotate_left(n_0);
    let (same, other) = (settled(c.shown.input)?, settled(&before)?);
    let mut unsettled = 0;
    for g_som_output in falling(1.0, 7) {
        watch.tick(work)?;
        let mut f = f.clone();
        f.net.conductances.g_som_output = g_som_output;
        f.attenuation = Attenuation::from_conductances(&f.net.conductances);
        let limit = c.circuit_limit(&f, w)?;
        let scaled = |time: f64| -> Vec<Mat<f64>> {
            let times = |m: &Mat<f64>| Mat { data: m.data.iter().map(|x| time * x).collect(), ..*m };
            limit.iter().map(times).collect()
        };
        let at = ("g_som_output", g_som_output);
        let (update, _) = gathered(&mut TwoStep::new(&f.net, f.attenuation, p.bound, samples), &f, &all, &c.shown)?;
        c.point(("circuit", "two-step"), at, &update, &limit);
        let (tolerance, sweeps) = FIXED_POINT;
        let mut steady = Steady::new(&f.net, tolerance, sweeps, NoFixedPoint::Skip, p.bound, samples);
        let (update, missing) = gathered(&mut steady, &f, &all, &c.shown)?;
        unsettled = unsettled.max(missing);
        c.point(("circuit", "steady"), at, &update, &limit);
        let lag = p.timing.lag;
        let update = &from_cuts(&f, timing, &same, &all, &c.shown, &[lag], p.bound)?[0];
        c.point(("circuit", "euler, settled"), at, update, &scaled(timing.presentation - lag));
        let lags: Vec<f64> = LAGS.into_iter().filter(|&lag| lag < timing.presentation).collect();
        let updates = from_cuts(&f, timing, &other, &all, &c.shown, &lags, p.bound)?;
        for (lag, update) in lags.iter().zip(&updates) {
            let name = format!("euler, switch, lag {lag} ms");
            c.point(("circuit", &name), at, update, &scaled(timing.presentation - lag));
        }
    }
    if unsettled > 0 {
        relation.notes.push(format!(
            "limits of the microcircuit: up to {unsettled} of {samples} samples have no fixed point that sweeps find, and \
             are missing in the curve \"steady\""
        ));
    }
    Ok(())
}

/// One presentation at held weights; also how many samples have no fixed point.
fn gathered(
    solver: &mut dyn Solver<f64>,
    f: &Function,
    w: &Tensors<f64>,
    shown: &Shown<'_, f64>,
) -> Result<(Vec<Mat<f64>>, usize), Trouble> {
    let mut update = Tensors::zeros(&f.net.sizes, !w.bpp.is_empty());
    let mut outcome = Outcome::new(&f.net, shown.samples);
    solver.gather(w, shown, &unit_rates(f.depth()), &mut update, &mut outcome, &mut Nobody)?;
    Ok((update.pp, outcome.unsettled))
}

/// One presentation from a state, and what its rules add up to from each of the cuts (ms, ascending) to its end: all
/// learning lags in one course.
fn from_cuts(
    f: &Function,
    timing: Timing,
    from: &State<f64>,
    w: &Tensors<f64>,
    shown: &Shown<'_, f64>,
    cuts: &[f64],
    bound: f64,
) -> Result<Vec<Vec<Mat<f64>>>, Trouble> {
    let mut state = from.clone();
    let mut parts: Vec<Vec<Mat<f64>>> = Vec::new();
    let ends = cuts.iter().copied().chain([timing.presentation]).collect::<Vec<f64>>();
    let mut begun = 0.0;
    for (index, &end) in ends.iter().enumerate() {
        if end > begun {
            let piece = Timing { presentation: end - begun, ..timing };
            let mut euler = participant::euler(&f.net, piece, bound, shown.samples);
            *euler.state_mut() = state;
            let (part, _) = gathered(&mut euler, f, w, shown)?;
            state = euler.state_mut().clone();
            if index > 0 {
                parts.push(part);
            }
            begun = end;
        }
    }
    // The last piece belongs to all cuts, the one before to all but the last.
    for i in (1..parts.len()).rev() {
        let (lower, upper) = parts.split_at_mut(i);
        for (sum, later) in lower[i - 1].iter_mut().zip(&upper[0]) {
            sum.data.iter_mut().zip(&later.data).for_each(|(a, b)| *a += b);
        }
    }
    Ok(parts)
}
