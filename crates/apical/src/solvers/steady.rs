//! `steady`: the fixed point of the dynamics for the patterns shown, by sweeps up and down the layers until the largest
//! |du/dt| is below a tolerance; then the rules act once. Used beside the full dynamics by Hill ("Neuro-Backprop", 2020).
//!
//! A fixed point need not exist, and where there are several the sweeps from the feed-forward state find one of them. A
//! pattern that does not settle is reported and teaches nothing; it is never returned as an answer. Samples are swept one
//! by one, so that a result does not depend on what else is in the batch.

use super::{
    Course, NoFixedPoint, Nobody, Observer, Outcome, Shown, Solver, Trouble, View, Wants, Weights, may_go_on, watch,
};
use crate::circuit::dynamics::G;
use crate::circuit::params::{Network, Rates};
use crate::circuit::plasticity::{self, Sink};
use crate::circuit::step::derivatives;
use crate::circuit::{Attenuation, Potentials, State, Tensors, potentials};
use crate::kernels::{Product, Real};

/// How a sample's sweeps ended.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settled {
    /// Largest |du/dt| left (1/ms).
    pub residual: f64,
    /// Sweeps made.
    pub sweeps: usize,
    /// The residual is below the tolerance.
    pub converged: bool,
}

/// The steady-state solver.
#[derive(Clone)]
pub struct Steady<T> {
    net: Network,
    attenuation: Attenuation,
    g: G<T>,
    tolerance: f64,
    max_sweeps: usize,
    on_no_fixed_point: NoFixedPoint,
    bound: f64,
    plan: Product,
    state: State<T>,
    potentials: Potentials<T>,
}

impl<T: Real> Steady<T> {
    /// Room for a net and a batch. `tolerance` bounds |du/dt| (1/ms); `bound`: potentials beyond it count as divergence.
    pub fn new(
        net: &Network,
        tolerance: f64,
        max_sweeps: usize,
        on_no_fixed_point: NoFixedPoint,
        bound: f64,
        samples: usize,
    ) -> Self {
        Steady {
            net: net.clone(),
            attenuation: Attenuation::from_conductances(&net.conductances),
            g: G::new(&net.conductances, net.nudging),
            tolerance,
            max_sweeps,
            on_no_fixed_point,
            bound,
            plan: Product::best(),
            state: State::rest(net, samples),
            potentials: Potentials::new(net, samples),
        }
    }

    /// Sweeps one sample to its fixed point; `state` and `p` are of batch 1.
    pub fn settle(
        &self,
        w: &Tensors<T>,
        x: &[T],
        target: Option<&[T]>,
        state: &mut State<T>,
        p: &mut Potentials<T>,
    ) -> Settled {
        self.settle_watched(w, x, target, state, p, &mut |_| {})
    }

    /// The same; `seen` is told the residual after each sweep.
    fn settle_watched(
        &self,
        w: &Tensors<T>,
        x: &[T],
        target: Option<&[T]>,
        state: &mut State<T>,
        p: &mut Potentials<T>,
        seen: &mut dyn FnMut(f64),
    ) -> Settled {
        let depth = self.net.sizes.len() - 1;
        let (phi, beta_b) = (self.net.activation, T::from_f64(self.net.bias_rate));
        let att = &self.attenuation;
        let (lambda_n, lambda_i, lambda_a) =
            (T::from_f64(att.mixing.output), T::from_f64(att.mixing.interneuron), T::from_f64(att.mixing.hidden));
        state.trace_input.copy_from_slice(x);
        for v_a in &mut p.apical {
            v_a.fill(T::ZERO);
        }
        let mut settled = Settled { residual: f64::INFINITY, sweeps: 0, converged: false };
        while settled.sweeps < self.max_sweeps && !settled.converged {
            // Up: u_k = vhat_B,k + lambda_A v_A,k; the output mixes in its target.
            for k in 0..depth {
                let r_below = if k == 0 { x } else { &p.rate[k - 1][..] };
                potentials::basal(self.plan, &w.pp[k], w.bpp.get(k), beta_b, r_below, &mut p.basal[k]);
                let factor = T::from_f64(att.basal(k + 1, depth));
                for (i, (u, &v_b)) in state.soma[k].iter_mut().zip(&p.basal[k]).enumerate() {
                    *u = match target {
                        _ if k < depth - 1 => factor * v_b + lambda_a * p.apical[k][i],
                        Some(target) => (T::ONE - lambda_n) * factor * v_b + lambda_n * target[i],
                        None => factor * v_b,
                    };
                }
                phi.rates(&state.soma[k], &mut p.rate[k]);
            }
            // Down: interneurons, apical potentials, somas again.
            let factor_i = T::from_f64(att.interneuron) * (T::ONE - lambda_i);
            for k in (0..depth - 1).rev() {
                let v_i = &mut p.inter_dendrite[k];
                potentials::inter_dendrite(self.plan, &w.ip[k], w.bip.get(k), beta_b, &p.rate[k], v_i);
                let (below, above) = state.soma.split_at_mut(k + 1);
                for ((u_i, &v_i), &u) in state.inter[k].iter_mut().zip(v_i.iter()).zip(&above[0]) {
                    *u_i = factor_i * v_i + lambda_i * u;
                }
                phi.rates(&state.inter[k], &mut p.rate_inter[k]);
                let (feedback, lateral) = (&mut p.apical_feedback[k], &mut p.apical_lateral[k]);
                let (r_above, r_inter) = (&p.rate[k + 1], &p.rate_inter[k]);
                potentials::apical(
                    self.plan,
                    &w.pb[k],
                    &w.pi[k],
                    r_above,
                    r_inter,
                    feedback,
                    lateral,
                    &mut p.apical[k],
                );
                let factor = T::from_f64(att.hidden);
                for ((u, &v_b), &v_a) in below[k].iter_mut().zip(&p.basal[k]).zip(&p.apical[k]) {
                    *u = factor * v_b + lambda_a * v_a;
                }
                phi.rates(&below[k], &mut p.rate[k]);
            }
            settled.sweeps += 1;
            potentials::all(self.plan, w, beta_b, x, p);
            derivatives(&self.g, state, p, target);
            let all = p.d_soma.iter().chain(&p.d_inter).flatten();
            settled.residual = all.fold(0.0, |worst: f64, du| {
                let du = du.to_f64().abs();
                // NaN must not be lost in a maximum.
                if du.is_nan() { f64::INFINITY } else { worst.max(du) }
            });
            seen(settled.residual);
            settled.converged = settled.residual <= self.tolerance;
            if !settled.residual.is_finite() {
                break;
            }
        }
        settled
    }

    /// Settles every sample of a batch; returns which have no fixed point, with the worst of the others.
    fn present(
        &mut self,
        w: &Tensors<T>,
        shown: &Shown<'_, T>,
        observer: &mut dyn Observer<T>,
    ) -> Result<(Vec<usize>, Settled), Trouble> {
        let (n_0, n_top) = (self.net.sizes[0], self.net.sizes[self.net.sizes.len() - 1]);
        let (mut state, mut p) = (State::rest(&self.net, 1), Potentials::new(&self.net, 1));
        let mut missing = Vec::new();
        let mut worst = Settled { residual: 0.0, sweeps: 0, converged: true };
        for b in 0..shown.samples {
            may_go_on(observer)?;
            let x = &shown.input[b * n_0..(b + 1) * n_0];
            let target = shown.target.map(|t| &t[b * n_top..(b + 1) * n_top]);
            for r in p.rate.iter_mut() {
                r.fill(T::ZERO);
            }
            let settled = self.settle(w, x, target, &mut state, &mut p);
            state.step = self.state.step;
            if settled.converged {
                watch::check(&state, self.bound)?;
                worst.residual = worst.residual.max(settled.residual);
                worst.sweeps = worst.sweeps.max(settled.sweeps);
                copy_sample(&state, &p, b, &mut self.state, &mut self.potentials);
            } else if self.on_no_fixed_point == NoFixedPoint::Fail {
                return Err(Trouble::NoFixedPoint { sample: b, residual: settled.residual, sweeps: settled.sweeps });
            } else {
                missing.push(b);
                state.reset();
                p = Potentials::new(&self.net, 1);
                copy_sample(&state, &p, b, &mut self.state, &mut self.potentials);
            }
        }
        self.state.trace_input.copy_from_slice(shown.input);
        self.state.step += 1;
        Ok((missing, worst))
    }

    fn errors(&mut self, rates: &Rates, missing: &[usize]) {
        let phi = self.net.activation;
        plasticity::errors(phi, &self.attenuation, rates, &mut self.potentials);
        let samples = self.state.samples;
        let p = &mut self.potentials;
        let lists = [&mut p.error_forward, &mut p.error_inter, &mut p.error_apical, &mut p.error_feedback];
        for e in lists.into_iter().flatten() {
            let cells = e.len() / samples;
            for &b in missing {
                e[b * cells..(b + 1) * cells].fill(T::ZERO);
            }
        }
    }

    /// Tells what a presentation showed; `missing` samples have no fixed point, `worst` is of the others.
    fn report(
        &self,
        weights: &Tensors<T>,
        shown: &Shown<'_, T>,
        (missing, worst): (&[usize], Settled),
        outcome: &mut Outcome<T>,
        observer: &mut dyn Observer<T>,
    ) {
        outcome.take(self.attenuation.output, &self.state, &self.potentials);
        let outputs = outcome.output.len() / shown.samples;
        for &b in missing {
            outcome.output[b * outputs..(b + 1) * outputs].fill(T::NAN);
        }
        outcome.unsettled = missing.len();
        outcome.residual = worst.residual;
        outcome.sweeps = worst.sweeps;
        let (state, potentials) = (&self.state, &self.potentials);
        if observer.wants(state.step) != Wants::Nothing {
            observer.after_step(&View { step: state.step, state, potentials, weights, target: shown.target });
        }
    }
}

/// Copies a batch of one into column `b` of a batch.
fn copy_sample<T: Real>(state: &State<T>, p: &Potentials<T>, b: usize, to: &mut State<T>, to_p: &mut Potentials<T>) {
    let lists = [
        (&state.soma, &mut to.soma),
        (&state.inter, &mut to.inter),
        (&p.rate, &mut to_p.rate),
        (&p.rate_inter, &mut to_p.rate_inter),
        (&p.basal, &mut to_p.basal),
        (&p.apical_feedback, &mut to_p.apical_feedback),
        (&p.apical_lateral, &mut to_p.apical_lateral),
        (&p.apical, &mut to_p.apical),
        (&p.inter_dendrite, &mut to_p.inter_dendrite),
    ];
    for (from, to) in lists {
        for (from, to) in from.iter().zip(to) {
            to[b * from.len()..(b + 1) * from.len()].copy_from_slice(from);
        }
    }
}

impl<T: Real> Solver<T> for Steady<T> {
    fn name(&self) -> &'static str {
        "steady"
    }

    fn reference(&self) -> &'static str {
        "Hill, Neuro-Backprop, 2020"
    }

    fn learn(
        &mut self,
        weights: &mut Tensors<T>,
        shown: &Shown<'_, T>,
        rates: &Rates,
        outcome: &mut Outcome<T>,
        observer: &mut dyn Observer<T>,
    ) -> Result<(), Trouble> {
        let (missing, worst) = self.present(weights, shown, observer)?;
        self.errors(rates, &missing);
        plasticity::apply(self.plan, rates, 1.0, shown.input, &mut self.potentials, &mut Sink::Direct(weights));
        self.report(weights, shown, (&missing, worst), outcome, observer);
        Ok(())
    }

    fn gather(
        &mut self,
        weights: &Tensors<T>,
        shown: &Shown<'_, T>,
        rates: &Rates,
        update: &mut Tensors<T>,
        outcome: &mut Outcome<T>,
        observer: &mut dyn Observer<T>,
    ) -> Result<(), Trouble> {
        let (missing, worst) = self.present(weights, shown, observer)?;
        self.errors(rates, &missing);
        plasticity::apply(self.plan, rates, 1.0, shown.input, &mut self.potentials, &mut Sink::Direct(update));
        self.report(weights, shown, (&missing, worst), outcome, observer);
        Ok(())
    }

    fn update(
        &self,
        weights: &Tensors<T>,
        shown: &Shown<'_, T>,
        rates: &Rates,
        _: Weights,
    ) -> Result<Tensors<T>, Trouble> {
        let mut copy = self.clone();
        let (missing, _) = copy.present(weights, shown, &mut Nobody)?;
        copy.errors(rates, &missing);
        let mut update = Tensors::zeros(&self.net.sizes, self.net.bias_rate != 0.0);
        plasticity::apply(self.plan, rates, 1.0, shown.input, &mut copy.potentials, &mut Sink::Direct(&mut update));
        Ok(update)
    }

    fn answer(&self, weights: &Tensors<T>, input: &[T], samples: usize, output: &mut [T]) -> Result<usize, Trouble> {
        let top = self.net.sizes.len() - 2;
        let (mut state, mut p) = (State::rest(&self.net, 1), Potentials::new(&self.net, 1));
        let outputs = output.chunks_exact_mut(output.len() / samples);
        let mut missing = 0;
        for (x, o) in input.chunks_exact(input.len() / samples).zip(outputs) {
            let settled = self.settle(weights, x, None, &mut state, &mut p);
            if settled.converged {
                watch::check(&state, self.bound)?;
                o.copy_from_slice(&state.soma[top]);
            } else {
                missing += 1;
                o.fill(T::NAN);
            }
        }
        Ok(missing)
    }

    /// Residuals after each sweep; of a sample that has settled the last one stays.
    fn follow(&self, weights: &Tensors<T>, shown: &Shown<'_, T>) -> Option<Course> {
        let (n_0, n_top) = (self.net.sizes[0], self.net.sizes[self.net.sizes.len() - 1]);
        let mut of_samples: Vec<Vec<f64>> = Vec::new();
        for b in 0..shown.samples {
            let (mut state, mut p) = (State::rest(&self.net, 1), Potentials::new(&self.net, 1));
            let target = shown.target.map(|t| &t[b * n_top..(b + 1) * n_top]);
            let mut residuals = Vec::new();
            let input = &shown.input[b * n_0..(b + 1) * n_0];
            let _ = self.settle_watched(weights, input, target, &mut state, &mut p, &mut |r| residuals.push(r));
            of_samples.push(residuals);
        }
        let sweeps = of_samples.iter().map(Vec::len).max()?;
        let at = |list: &Vec<f64>, i: usize| list.get(i).or(list.last()).copied().unwrap_or(f64::NAN);
        let residual = (0..sweeps).map(|i| of_samples.iter().map(|list| at(list, i)).collect()).collect();
        Some(Course { first: 1, residual, energy: Vec::new() })
    }

    fn clock(&self) -> u64 {
        self.state.step
    }

    fn set_clock(&mut self, step: u64) {
        self.state.step = step;
    }
}
