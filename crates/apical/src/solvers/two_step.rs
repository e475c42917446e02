//! `two-step`: one pass up, one pass down, in place of the dynamics (the MNIST simplification of Sacramento et al. 2018).
//!
//! Up: u_k = vhat_B,k. The output is nudged. Down, from layer N - 1: interneurons are nudged by the cell above, the
//! apical potential follows, and u_k = vhat_B,k + lambda_k v_A,k with the vhat of the way up. Then the rules act once,
//! with the presynaptic rates of the way up; an interneuron's is phi(vhat^I).
//!
//! The paper's words ("convex combination") read literally, u_k = (1 - lambda) vhat + lambda v_A, leave the updates of the
//! hidden layers almost orthogonal to the gradient; the additive form follows backprop, and it is the one here.

use super::{Observer, Outcome, Shown, Solver, Trouble, View, Wants, Weights, watch};
use crate::circuit::departures::mean;
use crate::circuit::params::{Network, Rates};
use crate::circuit::plasticity::{self, Sink};
use crate::circuit::{Attenuation, Potentials, State, Tensors, potentials};
use crate::kernels::{Product, Real};

/// The two-step solver.
#[derive(Clone)]
pub struct TwoStep<T> {
    net: Network,
    attenuation: Attenuation,
    bound: f64,
    /// Share of an interneuron's teacher that is the mean over all cells above.
    blur: f64,
    plan: Product,
    state: State<T>,
    potentials: Potentials<T>,
    /// Rates after the nudge, layers 1 to N, and of the interneurons.
    nudged: Vec<Vec<T>>,
    nudged_inter: Vec<Vec<T>>,
}

impl<T: Real> TwoStep<T> {
    /// Room for a net and a batch. `bound`: potentials beyond it count as divergence.
    pub fn new(net: &Network, attenuation: Attenuation, bound: f64, samples: usize) -> Self {
        let potentials = Potentials::new(net, samples);
        TwoStep {
            net: net.clone(),
            attenuation,
            bound,
            blur: 0.0,
            plan: Product::best(),
            state: State::rest(net, samples),
            nudged: potentials.rate.clone(),
            nudged_inter: potentials.rate_inter.clone(),
            potentials,
        }
    }

    /// The same, with blurred nudging of interneurons ([`Imperfections`](crate::circuit::imperfect::Imperfections)).
    pub fn blurred(mut self, share: f64) -> Self {
        self.blur = share;
        self
    }

    /// The way up: basal potentials and rates without any teacher. Somas become vhat.
    fn up(&mut self, w: &Tensors<T>, x: &[T]) {
        let depth = self.net.sizes.len() - 1;
        let (phi, beta_b) = (self.net.activation, T::from_f64(self.net.bias_rate));
        let p = &mut self.potentials;
        self.state.trace_input.copy_from_slice(x);
        for k in 0..depth {
            let r_below = if k == 0 { x } else { &p.rate[k - 1][..] };
            potentials::basal(self.plan, &w.pp[k], w.bpp.get(k), beta_b, r_below, &mut p.basal[k]);
            let factor = T::from_f64(self.attenuation.basal(k + 1, depth));
            for (u, &v_b) in self.state.soma[k].iter_mut().zip(&p.basal[k]) {
                *u = factor * v_b;
            }
            phi.rates(&self.state.soma[k], &mut p.rate[k]);
        }
    }

    /// The way down: nudged output, interneurons, apical potentials, somas.
    fn down(&mut self, w: &Tensors<T>, target: Option<&[T]>) {
        let depth = self.net.sizes.len() - 1;
        let (phi, beta_b) = (self.net.activation, T::from_f64(self.net.bias_rate));
        let (lambda_n, lambda_i, lambda_a) = {
            let m = self.attenuation.mixing;
            (T::from_f64(m.output), T::from_f64(m.interneuron), T::from_f64(m.hidden))
        };
        let p = &mut self.potentials;
        if let Some(target) = target {
            for (u, &u_trgt) in self.state.soma[depth - 1].iter_mut().zip(target) {
                *u = (T::ONE - lambda_n) * *u + lambda_n * u_trgt;
            }
        }
        phi.rates(&self.state.soma[depth - 1], &mut self.nudged[depth - 1]);
        for k in (0..depth - 1).rev() {
            let v_i = &mut p.inter_dendrite[k];
            potentials::inter_dendrite(self.plan, &w.ip[k], w.bip.get(k), beta_b, &p.rate[k], v_i);
            let r_inter = &mut p.rate_inter[k];
            plasticity::predicted_rate(phi, self.attenuation.interneuron, v_i, r_inter);
            let factor = T::from_f64(self.attenuation.interneuron) * (T::ONE - lambda_i);
            let (below, above) = self.state.soma.split_at_mut(k + 1);
            let u_i = &mut self.state.inter[k];
            for ((u_i, &v_i), &u_above) in u_i.iter_mut().zip(v_i.iter()).zip(&above[0]) {
                *u_i = factor * v_i + lambda_i * u_above;
            }
            if self.blur != 0.0 {
                let share = T::from_f64(self.blur) * lambda_i;
                let cells = self.net.sizes[k + 2];
                for (u_i, above) in u_i.chunks_exact_mut(cells).zip(above[0].chunks_exact(cells)) {
                    let mean = mean(above);
                    u_i.iter_mut().zip(above).for_each(|(u_i, &u)| *u_i += share * (mean - u));
                }
            }
            phi.rates(u_i, &mut self.nudged_inter[k]);
            let (feedback, lateral) = (&mut p.apical_feedback[k], &mut p.apical_lateral[k]);
            let (r_above, r_inter) = (&self.nudged[k + 1], &self.nudged_inter[k]);
            potentials::apical(self.plan, &w.pb[k], &w.pi[k], r_above, r_inter, feedback, lateral, &mut p.apical[k]);
            for (u, &v_a) in below[k].iter_mut().zip(&p.apical[k]) {
                *u += lambda_a * v_a;
            }
            phi.rates(&below[k], &mut self.nudged[k]);
        }
        self.state.step += 1;
    }

    /// The errors of the rules that are on.
    fn errors(&mut self, w: &Tensors<T>, rates: &Rates) {
        let depth = self.net.sizes.len() - 1;
        let phi = self.net.activation;
        let p = &mut self.potentials;
        for k in 0..depth {
            plasticity::forward::error(&self.nudged[k], &p.rate[k], &mut p.error_forward[k]);
        }
        for k in 0..depth - 1 {
            plasticity::interneuron::error(&self.nudged_inter[k], &p.rate_inter[k], &mut p.error_inter[k]);
            plasticity::apical::error(&p.apical[k], &mut p.error_apical[k]);
            if rates.pb[k] != 0.0 {
                let r_hat = &mut p.predicted[..p.error_feedback[k].len()];
                self.plan.weighted_sum(&w.pb[k], &p.rate[k + 1], r_hat);
                phi.rates_in_place(r_hat);
                plasticity::feedback::error(&self.nudged[k], r_hat, &mut p.error_feedback[k]);
            }
        }
    }

    fn present(&mut self, w: &Tensors<T>, shown: &Shown<'_, T>, rates: &Rates) -> Result<(), Trouble> {
        self.up(w, shown.input);
        self.down(w, shown.target);
        self.errors(w, rates);
        watch::check(&self.state, self.bound)
    }

    /// Tells what a presentation showed.
    fn report(
        &self,
        weights: &Tensors<T>,
        shown: &Shown<'_, T>,
        outcome: &mut Outcome<T>,
        observer: &mut dyn Observer<T>,
    ) {
        outcome.take(self.attenuation.output, &self.state, &self.potentials);
        let (state, potentials) = (&self.state, &self.potentials);
        if observer.wants(state.step) != Wants::Nothing {
            observer.after_step(&View { step: state.step, state, potentials, weights, target: shown.target });
        }
    }
}

impl<T: Real> Solver<T> for TwoStep<T> {
    fn name(&self) -> &'static str {
        "two-step"
    }

    fn reference(&self) -> &'static str {
        "Sacramento, Costa, Bengio & Senn, NeurIPS 2018, section 4"
    }

    fn learn(
        &mut self,
        weights: &mut Tensors<T>,
        shown: &Shown<'_, T>,
        rates: &Rates,
        outcome: &mut Outcome<T>,
        observer: &mut dyn Observer<T>,
    ) -> Result<(), Trouble> {
        self.present(weights, shown, rates)?;
        plasticity::apply(self.plan, rates, 1.0, shown.input, &mut self.potentials, &mut Sink::Direct(weights));
        self.report(weights, shown, outcome, observer);
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
        self.present(weights, shown, rates)?;
        plasticity::apply(self.plan, rates, 1.0, shown.input, &mut self.potentials, &mut Sink::Direct(update));
        self.report(weights, shown, outcome, observer);
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
        copy.present(weights, shown, rates)?;
        let mut update = Tensors::zeros(&self.net.sizes, self.net.bias_rate != 0.0);
        plasticity::apply(self.plan, rates, 1.0, shown.input, &mut copy.potentials, &mut Sink::Direct(&mut update));
        Ok(update)
    }

    fn answer(&self, weights: &Tensors<T>, input: &[T], samples: usize, output: &mut [T]) -> Result<usize, Trouble> {
        let mut fresh = TwoStep::new(&self.net, self.attenuation, self.bound, samples);
        fresh.up(weights, input);
        watch::check(&fresh.state, self.bound)?;
        output.copy_from_slice(&fresh.state.soma[self.net.sizes.len() - 2]);
        Ok(0)
    }

    fn clock(&self) -> u64 {
        self.state.step
    }

    fn set_clock(&mut self, step: u64) {
        self.state.step = step;
    }
}
