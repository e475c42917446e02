//! The feed-forward function that all learners share: u_k = c_k (W_k r_{k-1} + beta_b b_k), r_k = phi(u_k), r_0 the input
//! and u_N the answer. Without attenuation c_k = 1, a conventional network; with it, what the microcircuit computes
//! without a target.

use super::loss::Loss;
use crate::circuit::params::Network;
use crate::circuit::potentials;
use crate::circuit::{Attenuation, Tensors};
use crate::kernels::{Product, Real};

/// The function, without its weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Function {
    /// Sizes, activation, rate of the biases.
    pub net: Network,
    /// The factors c_k.
    pub attenuation: Attenuation,
    /// What is descended.
    pub loss: Loss,
}

impl Function {
    /// N, the number of layers above the input.
    pub fn depth(&self) -> usize {
        self.net.sizes.len() - 1
    }

    /// c_k of layer k (1 to N).
    pub fn factor(&self, k: usize) -> f64 {
        self.attenuation.basal(k, self.depth())
    }

    /// -dL/du_N for each sample of `top`, written to `delta` (both samples x n_N).
    pub fn descent<T: Real>(&self, top: &[T], target: &[T], delta: &mut [T]) {
        let n = self.net.sizes[self.depth()];
        for ((u, t), d) in top.chunks_exact(n).zip(target.chunks_exact(n)).zip(delta.chunks_exact_mut(n)) {
            self.loss.descent(self.net.activation, u, t, d);
        }
    }
}

/// Potentials and rates of one pass; entry k - 1 of a list is layer k, values sample after sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Pass<T> {
    /// Samples side by side.
    pub samples: usize,
    /// u_k.
    pub potential: Vec<Vec<T>>,
    /// r_k.
    pub rate: Vec<Vec<T>>,
}

impl<T: Real> Pass<T> {
    /// Room for a function and a batch.
    pub fn new(f: &Function, samples: usize) -> Self {
        let layers = || f.net.sizes[1..].iter().map(|n| vec![T::ZERO; n * samples]).collect::<Vec<_>>();
        Pass { samples, potential: layers(), rate: layers() }
    }

    /// The pass from the input (samples x n_0) to the output.
    pub fn run(&mut self, plan: Product, f: &Function, w: &Tensors<T>, input: &[T]) {
        for k in 1..=f.depth() {
            self.layer(plan, f, w, input, k);
        }
    }

    /// Layer k from the rates below it.
    pub fn layer(&mut self, plan: Product, f: &Function, w: &Tensors<T>, input: &[T], k: usize) {
        let below = if k == 1 { input } else { &self.rate[k - 2][..] };
        let u = &mut self.potential[k - 1];
        potentials::basal(plan, &w.pp[k - 1], w.bpp.get(k - 1), T::from_f64(f.net.bias_rate), below, u);
        let c = T::from_f64(f.factor(k));
        if c != T::ONE {
            u.iter_mut().for_each(|u| *u *= c);
        }
        f.net.activation.rates(u, &mut self.rate[k - 1]);
    }

    /// The rates below layer k.
    pub fn below<'a>(&'a self, input: &'a [T], k: usize) -> &'a [T] {
        if k == 1 { input } else { &self.rate[k - 2] }
    }

    /// u_N of all samples.
    pub fn output(&self) -> &[T] {
        &self.potential[self.potential.len() - 1]
    }
}

/// The function's answers (samples x n_N) to inputs (samples x n_0).
pub fn answer<T: Real>(f: &Function, w: &Tensors<T>, input: &[T], samples: usize, output: &mut [T]) {
    let mut pass = Pass::new(f, samples);
    pass.run(Product::best(), f, w, input);
    output.copy_from_slice(pass.output());
}

/// Gathers the change of layer k: mean over the samples of c_k delta_k (r_{k-1}, beta_b). `delta` is samples x n_k,
/// `below` samples x n_{k-1}.
pub fn gather<T: Real>(plan: Product, f: &Function, k: usize, delta: &[T], below: &[T], update: &mut Tensors<T>) {
    let c = T::from_f64(f.factor(k));
    plan.add_mean_outer(delta, below, c, &mut update.pp[k - 1]);
    if let Some(bias) = update.bpp.get_mut(k - 1) {
        let rates = vec![T::from_f64(f.net.bias_rate); delta.len() / bias.rows];
        plan.add_mean_outer(delta, &rates, c, bias);
    }
}

/// delta *= phi'(u), entry by entry.
pub fn times_slope<T: Real>(f: &Function, potential: &[T], delta: &mut [T]) {
    f.net.activation.times_slopes(potential, delta);
}

/// delta = scale phi'(u) back, where `delta` holds back, what comes back to layer k (samples x n_k).
pub fn receive<T: Real>(f: &Function, scale: T, potential: &[T], delta: &mut [T]) {
    if scale != T::ONE {
        delta.iter_mut().for_each(|d| *d *= scale);
    }
    times_slope(f, potential, delta);
}
