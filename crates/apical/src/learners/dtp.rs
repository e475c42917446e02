//! `dtp`: difference target propagation (Lee, Zhang, Fischer & Bengio, ECML 2015), and by the name of its inverse plain
//! target propagation (Bengio 2014; Le Cun 1986).
//!
//! The output's target lies `step` along -dL/du_N from its potentials; hidden layers have target rates. With s the rates
//! of a hidden layer and the potentials of the output, and s* the target of the layer above,
//!   learned:  r*_k = r_k + g_k(s*_{k+1}) - g_k(s_{k+1}),  g_k(s) = phi(Q_k s),  Q_k the feedback weights `Wpb.k`
//!   exact:    r*_k = r_k + W_{k+1}^+ (u*_{k+1} - u_{k+1}) / c_{k+1},  u* = phi^-1(r*)
//! The second is the plain inverse where W is square, and else the pre-image nearest to the present rates: the plain
//! pseudo-inverse would pull rates to those of least norm even without an error.
//!
//! Forward weights descend 1/2 |r*_k - r_k|^2 (for the output 1/2 |u*_N - u_N|^2) by one gradient step with the target
//! held, divided by `step`, so that it stays finite as `step` goes to 0; the output's is then the gradient itself.
//! Q_k descends 1/2 |g_k(s_{k+1}(r_k + e)) - g_k(s_{k+1}) - e|^2 / noise^2, e normal noise of each r_k: the difference
//! form of the paper's reconstruction loss (Meulemans et al., NeurIPS 2020), since differences are all that targets use.
//! Its minimum for linear layers is the pseudo-inverse, whatever the rates; the paper's own would depend on them.

mod exact;

use super::Update;
use super::feed_forward::{Function, Pass, gather, times_slope};
use super::trained::{Algorithm, Teach};
use crate::circuit::{Kind, Tensors};
use crate::kernels::rng::{Stream, fill_normals};
use crate::kernels::{Activation, Product, Real};
use crate::solvers::{Outcome, Trouble};

/// Options.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// How targets come back.
    pub inverse: Inverse,
    /// u*_N = u_N - step dL/du_N: how far the output's target is along the descent of its loss; above 0.
    pub step: f64,
    /// Standard deviation of the noise on the rates with which inverses are learned; above 0.
    pub noise: f64,
    /// Draws of the noise per batch, over which the inverses' direction is a mean; at least 1.
    pub draws: usize,
    /// Learning rate of the inverses relative to the forward weights'.
    pub feedback_rate: f64,
}

/// How targets come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inverse {
    /// Learned inverses, with the difference correction.
    Learned,
    /// Exact inverses of weights and activation, without correction: plain target propagation.
    Exact,
}

impl Options {
    /// Why these inverses cannot exist for an activation.
    pub fn refuses(&self, phi: Activation) -> Option<&'static str> {
        match (self.inverse, phi) {
            (Inverse::Exact, Activation::HardSigmoid | Activation::HardTanh | Activation::Relu | Activation::Gelu) => {
                Some(
                    "it is flat or turns somewhere, so several potentials have the same rate and exact inverses do not exist",
                )
            }
            _ => None,
        }
    }

    /// The function that an Update descends, in a sentence.
    pub fn objective(&self) -> &'static str {
        match self.inverse {
            Inverse::Exact => {
                "no function of all weights: each layer descends its distance to a target, and as the step goes to 0 \
                 the targets become those of Gauss-Newton without damping (exactly so for invertible layers, batch 1)"
            }
            Inverse::Learned => {
                "no function of all weights: each layer descends its distance to a target, and as the step goes to 0 \
                 the targets become Gauss-Newton's as far as the learned inverses are inverses; the noise damps them"
            }
        }
    }
}

/// Where targets lie.
#[derive(Clone, Debug, PartialEq)]
pub struct Targets<T> {
    /// Entry k - 1: r*_k - r_k of hidden layer k, at the end u*_N - u_N (samples x n_k).
    pub shift: Vec<Vec<T>>,
    /// Exact inverses: target rates beyond what phi reaches, drawn back into its range.
    pub clipped: usize,
}

/// Difference target propagation.
#[derive(Clone)]
pub struct Dtp<T> {
    f: Function,
    options: Options,
    seed: u64,
    plan: Product,
    pass: Pass<T>,
    shift: Vec<Vec<T>>,
    /// a = Q_k s_{k+1} of the hidden layers, and phi(a) = g_k(s_{k+1}).
    image: Pass<T>,
    reconstruction: Vec<f64>,
    /// Room for any layer.
    normals: Vec<f32>,
    room: [Vec<T>; 4],
}

impl<T: Real> Dtp<T> {
    /// Room for a function and a batch. `seed` is the noise's.
    pub fn new(f: &Function, options: &Options, samples: usize, seed: u64) -> Self {
        let pass = Pass::new(f, samples);
        let widest = f.net.sizes[1..].iter().max().map_or(0, |n| n * samples);
        Dtp {
            f: f.clone(),
            options: *options,
            seed,
            plan: Product::best(),
            shift: pass.rate.clone(),
            image: pass.clone(),
            pass,
            reconstruction: vec![0.0; f.depth() - 1],
            normals: vec![0.0; widest],
            room: std::array::from_fn(|_| vec![T::ZERO; widest]),
        }
    }

    /// The targets of a batch (as many samples as there is room for) at these weights.
    ///
    /// # Errors
    /// [`Trouble::NoInverse`] for exact inverses.
    pub fn targets(&self, w: &Tensors<T>, input: &[T], target: &[T]) -> Result<Targets<T>, Trouble> {
        let mut copy = self.clone();
        copy.pass.run(self.plan, &self.f, w, input);
        let clipped = copy.propagate(w, target)?;
        Ok(Targets { shift: copy.shift, clipped })
    }

    /// How well the inverses did on the last batch that was taught: per hidden layer, the mean of
    /// |g(s(r + e)) - g(s) - e|^2 over that of |e|^2; 1 without an inverse, 0 with a perfect one.
    pub fn reconstruction(&self) -> &[f64] {
        &self.reconstruction
    }

    /// Targets from the output down, after a pass; returns how many had to be clipped.
    fn propagate(&mut self, w: &Tensors<T>, target: &[T]) -> Result<usize, Trouble> {
        let (depth, phi) = (self.f.depth(), self.f.net.activation);
        let step = T::from_f64(self.options.step);
        self.f.descent(self.pass.output(), target, &mut self.shift[depth - 1]);
        self.shift[depth - 1].iter_mut().for_each(|d| *d *= step);
        let mut clipped = 0;
        for k in (1..depth).rev() {
            let (lower, upper) = self.shift.split_at_mut(k);
            let (shift, above) = (&mut lower[k - 1], &upper[0]);
            match self.options.inverse {
                Inverse::Learned => {
                    let (a, g) = (&mut self.image.potential[k - 1], &mut self.image.rate[k - 1]);
                    self.plan.weighted_sum(&w.pb[k - 1], signal(&self.pass, k + 1), a);
                    phi.rates(a, g);
                    self.plan.weighted_sum(&w.pb[k - 1], above, shift);
                    difference(phi, a, g, shift);
                }
                Inverse::Exact => {
                    let change = &mut self.room[0][..above.len()];
                    change.copy_from_slice(above);
                    if k + 1 < depth {
                        clipped += exact::potentials(phi, &self.pass.potential[k], change);
                    }
                    let inverse = exact::weights(&w.pp[k], k + 1)?;
                    self.plan.weighted_sum(&inverse, change, shift);
                    let c = T::from_f64(self.f.factor(k + 1));
                    shift.iter_mut().for_each(|d| *d /= c);
                }
            }
        }
        Ok(clipped)
    }

    /// The direction of Q_k, added to `update`, after [`Dtp::propagate`].
    fn teach_inverse(&mut self, w: &Tensors<T>, k: usize, step: u64, update: &mut Update<T>) {
        let (depth, phi) = (self.f.depth(), self.f.net.activation);
        let (n, above) = (self.pass.rate[k - 1].len(), self.pass.rate[k].len());
        let Options { noise, draws, .. } = self.options;
        let share = T::from_f64(1.0 / (noise * noise * draws as f64));
        let [e, change, back, still] = &mut self.room;
        let (e, change, back, still) = (&mut e[..n], &mut change[..above], &mut back[..n], &mut still[..n]);
        let (a, g) = (&self.image.potential[k - 1], &self.image.rate[k - 1]);
        let (mut left, mut all) = (0.0, 0.0);
        for draw in 0..draws {
            let normals = &mut self.normals[..n];
            fill_normals(self.seed, Stream::Learner, (step << 16) + (draw * depth + k) as u64, normals);
            e.iter_mut().zip(normals.iter()).for_each(|(e, &z)| *e = T::from_f64(noise * f64::from(z)));
            // change = s(r_k + e) - s(r_k), and back = g of the one minus g of the other.
            self.plan.weighted_sum(&w.pp[k], e, change);
            let c = T::from_f64(self.f.factor(k + 1));
            change.iter_mut().for_each(|d| *d *= c);
            if k + 1 < depth {
                difference(phi, &self.pass.potential[k], &self.pass.rate[k], change);
            }
            self.plan.weighted_sum(&w.pb[k - 1], change, back);
            for i in 0..n {
                let moved = a[i] + back[i];
                let error = e[i] - (phi.rate(moved) - g[i]);
                left += (error * error).to_f64();
                all += (e[i] * e[i]).to_f64();
                back[i] = error * phi.slope(moved);
                still[i] = back[i] - error * phi.slope(a[i]);
            }
            self.plan.add_mean_outer(back, change, share, &mut update.pb[k - 1]);
            self.plan.add_mean_outer(still, signal(&self.pass, k + 1), share, &mut update.pb[k - 1]);
        }
        self.reconstruction[k - 1] = left / all;
    }
}

/// What the inverse of a layer is given: rates, at the output potentials.
fn signal<T>(pass: &Pass<T>, k: usize) -> &[T] {
    if k < pass.rate.len() { &pass.rate[k - 1] } else { &pass.potential[k - 1] }
}

/// d becomes phi(u + d) - r, where r = phi(u), entry by entry.
fn difference<T: Real>(phi: Activation, u: &[T], r: &[T], d: &mut [T]) {
    d.iter_mut().zip(u).for_each(|(d, &u)| *d += u);
    phi.rates_in_place(d);
    d.iter_mut().zip(r).for_each(|(d, &r)| *d -= r);
}

impl<T: Real> Algorithm<T> for Dtp<T> {
    fn name(&self) -> &'static str {
        "dtp"
    }

    fn reference(&self) -> &'static str {
        match self.options.inverse {
            Inverse::Learned => "Lee, Zhang, Fischer & Bengio, ECML PKDD 2015",
            Inverse::Exact => "Bengio, arXiv:1407.7906, 2014",
        }
    }

    fn teach(
        &mut self,
        w: &Tensors<T>,
        shown: &Teach<'_, T>,
        update: &mut Update<T>,
        outcome: &mut Outcome<T>,
    ) -> Result<(), Trouble> {
        self.pass.run(self.plan, &self.f, w, shown.input);
        outcome.output.copy_from_slice(self.pass.output());
        let Some(target) = shown.target else { return Ok(()) };
        self.propagate(w, target)?;
        let (depth, scale) = (self.f.depth(), T::from_f64(1.0 / self.options.step));
        for k in 1..=depth {
            let below = if k == 1 { shown.input } else { &self.pass.rate[k - 2][..] };
            let delta = &mut self.shift[k - 1];
            delta.iter_mut().for_each(|d| *d *= scale);
            if k < depth {
                times_slope(&self.f, &self.pass.potential[k - 1], delta);
            }
            gather(self.plan, &self.f, k, delta, below, update);
        }
        if self.options.inverse == Inverse::Learned {
            for k in 1..depth {
                self.teach_inverse(w, k, shown.step, update);
            }
        }
        Ok(())
    }

    fn answer(&self, w: &Tensors<T>, input: &[T], samples: usize, output: &mut [T]) -> Result<usize, Trouble> {
        let mut pass = Pass::new(&self.f, samples);
        pass.run(Product::best(), &self.f, w, input);
        output.copy_from_slice(pass.output());
        Ok(0)
    }

    fn copy(&self) -> Box<dyn Algorithm<T>> {
        Box::new(self.clone())
    }

    fn relative_rate(&self, kind: Kind) -> f64 {
        match kind {
            Kind::Wpb if self.options.inverse == Inverse::Learned => self.options.feedback_rate,
            Kind::Wpb => 0.0,
            _ => 1.0,
        }
    }
}
