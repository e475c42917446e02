//! `ep`: equilibrium propagation (Scellier & Bengio, Frontiers in Computational Neuroscience 2017).
//!
//! The net of the feed-forward function becomes a recurrent one: layer k hears the layer below through M_k = c_k W_k, the
//! layer above through the transposed M_{k+1}, and its bias d_k = c_k beta_b b_k. The input is clamped, r_0 = x. States
//! settle freely, then again while the output is nudged by beta times the descent of the loss; what the two fixed points
//! differ by is, as beta goes to 0, minus the gradient of the loss of the free one. A factor c_k attenuates a connection
//! in both directions: it is one number of a symmetric coupling. Two dynamics, by name:
//!
//! `energy` (Scellier & Bengio 2017) moves potentials s, r = phi(s), against the gradient of
//! E = 1/2 |s|^2 - sum_k r_k . (M_k r_{k-1} + d_k). The loss is that of the output potentials s_N, any of them. At a kink
//! of phi, E has no gradient and states stick there: smooth phi only.
//!
//! `primitive` (Ernoult et al., NeurIPS 2019; Laborieux et al., Frontiers in Neuroscience 2021) moves rates
//! s towards phi(dPhi/ds), Phi = sum_k s_k . (M_k s_{k-1} + d_k). Any phi; with `hard_sigmoid` its fixed points are those
//! of Scellier & Bengio's experiments, whose potentials are clipped to [0, 1]. Of the losses, `rates` and `matching` nudge
//! the output inside phi: v + beta (phi(u_trgt) - s) for the one, (v + beta u_trgt) / (1 + beta) for the other. The other
//! two compare potentials that a rate need not determine; for them the output cells only read out the layer below, as in
//! Laborieux et al. for the cross-entropy: they send nothing back but the nudge, and their own weights take the
//! gradient as it is.

mod course;
mod settling;

use super::Update;
use super::feed_forward::{Function, gather};
use super::loss::Loss;
use super::trained::{Algorithm, Teach};
use crate::circuit::Tensors;
use crate::kernels::{Activation, Product, Real};
use crate::solvers::watch::{Moment, check_layer};
use crate::solvers::{Cell, Course, Outcome, Shown, Trouble};
use settling::{Net, Phase, Settling};

/// Options.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// The dynamics that settle.
    pub dynamics: Dynamics,
    /// How the nudged phases are combined.
    pub nudging: Nudging,
    /// Strength beta of the nudge, positive; below 1 where one phase is nudged by -beta.
    pub beta: f64,
    /// Steps of the free phase, from rest; at least 1.
    pub free_steps: usize,
    /// Steps of each nudged phase, from the free state; at least 1.
    pub nudged_steps: usize,
    /// Size of a step, above 0 and at most 1: s moves by this share of -dE/ds (or of the way to phi(dPhi/ds)).
    pub step: f64,
    /// Bound on the residual |dE/ds| (or |phi(dPhi/ds) - s|) of every cell in the last free step. A sample above it has
    /// not settled: it teaches nothing, has no answer and is counted; `None`: nothing is counted.
    pub tolerance: Option<f64>,
}

/// Which dynamics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dynamics {
    /// Gradient descent on Hopfield's energy in the potentials (Scellier & Bengio 2017).
    Energy,
    /// s <- phi(dPhi/ds): the discrete dynamics of a primitive function (Ernoult et al. 2019).
    Primitive,
}

/// Which nudges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nudging {
    /// +beta against the free phase: error of order beta.
    Positive,
    /// The free phase against -beta: error of order beta.
    Negative,
    /// +beta against -beta (Laborieux et al. 2021): error of order beta^2.
    Centred,
}

impl Options {
    /// Why these options cannot serve a net with this activation, if they cannot. Every loss is served.
    pub fn refuses(&self, phi: Activation) -> Option<&'static str> {
        let kinked = matches!(phi, Activation::HardSigmoid | Activation::HardTanh | Activation::Relu);
        if self.dynamics == Dynamics::Energy && kinked {
            return Some("the energy has no gradient at the activation's kinks, and states stick to them");
        }
        if self.nudging != Nudging::Positive && self.beta >= 1.0 {
            return Some("a nudge of -1 or below pushes the output away from any fixed point");
        }
        None
    }

    /// Which function the updates descend as beta goes to 0.
    pub fn objective(&self, loss: Loss) -> &'static str {
        if self.reads_out(loss) {
            "the loss of outputs that read out ep's own free fixed point, in which all hidden layers but the last hear \
             the layer above; with one hidden layer that is the feed-forward function"
        } else {
            "the loss of ep's own free fixed point, in which each layer also hears the layer above through the transposed \
             weights; not that of the feed-forward function"
        }
    }

    /// True if the output cells take no part in the settling.
    fn reads_out(&self, loss: Loss) -> bool {
        self.dynamics == Dynamics::Primitive && matches!(loss, Loss::Potentials | Loss::CrossEntropy)
    }
}

/// Equilibrium propagation.
#[derive(Clone)]
pub struct Ep<T> {
    f: Function,
    options: Options,
    plan: Product,
    settling: Settling<T>,
    plus: Phase<T>,
    minus: Phase<T>,
}

impl<T: Real> Ep<T> {
    /// Room for a function and a batch.
    pub fn new(f: &Function, options: &Options, samples: usize) -> Self {
        let phase = Phase::new(f, options, samples);
        Ep {
            f: f.clone(),
            options: *options,
            plan: Product::best(),
            settling: Settling::new(f, options, samples),
            plus: phase.clone(),
            minus: phase,
        }
    }

    /// Adds (1 / distance) (dPhi/dW at plus - dPhi/dW at minus), mean over the batch, as
    /// e_k rbar_{k-1}^T + rbar_k e_{k-1}^T with e the scaled difference and rbar the mean of the two phases' rates: the same
    /// number as the difference of two products, without its loss of digits; and the clamped input has e_0 = 0.
    fn contrast(&mut self, distance: f64, input: &[T], update: &mut Update<T>) {
        let (scale, half) = (T::from_f64(1.0 / distance), T::from_f64(0.5));
        for (plus, minus) in self.plus.rate.iter_mut().zip(&mut self.minus.rate) {
            for (p, m) in plus.iter_mut().zip(minus) {
                (*p, *m) = (scale * (*p - *m), half * (*p + *m));
            }
        }
        let (error, mean) = (&self.plus.rate, &self.minus.rate);
        for k in 1..=error.len() {
            let below = if k == 1 { input } else { &mean[k - 2][..] };
            gather(self.plan, &self.f, k, &error[k - 1], below, update);
            if k > 1 {
                let c = T::from_f64(self.f.factor(k));
                self.plan.add_mean_outer(&mean[k - 1], &error[k - 2], c, &mut update.pp[k - 1]);
            }
        }
    }
}

impl<T: Real> Algorithm<T> for Ep<T> {
    fn name(&self) -> &'static str {
        "ep"
    }

    fn reference(&self) -> &'static str {
        "Scellier & Bengio, Frontiers in Computational Neuroscience 11, 2017"
    }

    fn teach(
        &mut self,
        w: &Tensors<T>,
        shown: &Teach<'_, T>,
        update: &mut Update<T>,
        outcome: &mut Outcome<T>,
    ) -> Result<(), Trouble> {
        let Options { nudging, beta, nudged_steps, .. } = self.options;
        let net = Net { f: &self.f, w, options: &self.options, plan: self.plan, input: shown.input };
        outcome.residual = self.settling.free(&net, &mut self.plus, &mut outcome.output);
        outcome.unsettled = self.settling.unsettled();
        outcome.sweeps = self.options.free_steps;
        let Some(target) = shown.target else { return Ok(()) };
        self.settling.skip_unsettled(&mut self.plus);
        if self.options.reads_out(self.f.loss) {
            let delta = self.settling.output_error(&net, &self.plus, target);
            gather(self.plan, &self.f, self.f.depth(), delta, self.plus.top(shown.input), update);
        }
        self.minus.clone_from(&self.plus);
        if nudging != Nudging::Negative {
            self.settling.nudged(&net, &mut self.plus, target, beta, nudged_steps);
        }
        if nudging != Nudging::Positive {
            self.settling.nudged(&net, &mut self.minus, target, -beta, nudged_steps);
        }
        for phase in [&mut self.plus, &mut self.minus] {
            self.settling.skip_unsettled(phase);
            for (k, rate) in phase.rate.iter().enumerate() {
                check_layer(
                    rate,
                    shown.samples,
                    (Cell::Pyramidal, k + 1),
                    Moment::Step(shown.step),
                    f64::from(f32::MAX),
                )?;
            }
        }
        self.contrast(if nudging == Nudging::Centred { 2.0 * beta } else { beta }, shown.input, update);
        Ok(())
    }

    fn answer(&self, w: &Tensors<T>, input: &[T], samples: usize, output: &mut [T]) -> Result<usize, Trouble> {
        let net = Net { f: &self.f, w, options: &self.options, plan: Product::best(), input };
        let mut settling = Settling::new(&self.f, &self.options, samples);
        settling.free(&net, &mut Phase::new(&self.f, &self.options, samples), output);
        Ok(settling.unsettled())
    }

    fn follow(&self, w: &Tensors<T>, shown: &Shown<'_, T>) -> Option<Course> {
        let net = Net { f: &self.f, w, options: &self.options, plan: Product::best(), input: shown.input };
        Some(course::free(&net, shown.samples))
    }

    fn copy(&self) -> Box<dyn Algorithm<T>> {
        Box::new(self.clone())
    }
}
