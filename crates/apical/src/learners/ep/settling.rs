//! How the states of equilibrium propagation settle, freely and nudged. All layers step at once.

use super::{Dynamics, Options};
use crate::circuit::{Tensors, potentials};
use crate::kernels::{Activation, Product, Real};
use crate::learners::feed_forward::Function;
use crate::learners::loss::Loss;

/// What settles: a function, its weights and a batch of inputs (samples x n_0).
#[derive(Clone, Copy)]
pub(super) struct Net<'a, T> {
    pub f: &'a Function,
    pub w: &'a Tensors<T>,
    pub options: &'a Options,
    pub plan: Product,
    pub input: &'a [T],
}

impl<T: Real> Net<'_, T> {
    /// u = M_k r_{k-1} + d_k.
    pub fn forward(&self, k: usize, below: &[T], u: &mut [T]) {
        let bias_rate = T::from_f64(self.f.net.bias_rate);
        potentials::basal(self.plan, &self.w.pp[k - 1], self.w.bpp.get(k - 1), bias_rate, below, u);
        let c = T::from_f64(self.f.factor(k));
        if c != T::ONE {
            u.iter_mut().for_each(|u| *u *= c);
        }
    }

    /// z += scale M_k^T e; `room` holds the product.
    fn add_backward(&self, k: usize, above: &[T], scale: f64, room: &mut [T], z: &mut [T]) {
        self.plan.back_sum(&self.w.pp[k - 1], above, room);
        let c = T::from_f64(scale * self.f.factor(k));
        z.iter_mut().zip(room).for_each(|(z, &mut b)| *z += c * b);
    }
}

/// States of the layers that settle; entry k - 1 of a list is layer k, values sample after sample.
#[derive(Debug)]
pub(super) struct Phase<T> {
    /// Potentials s_k of `energy`; empty for `primitive`, whose states are the rates.
    pub potential: Vec<Vec<T>>,
    /// r_k.
    pub rate: Vec<Vec<T>>,
}

impl<T: Real> Phase<T> {
    /// Room for a function and a batch.
    pub fn new(f: &Function, options: &Options, samples: usize) -> Self {
        let layers = settled_layers(f, options, samples);
        let potential = if options.dynamics == Dynamics::Energy { layers.clone() } else { Vec::new() };
        Phase { potential, rate: layers }
    }

    /// Rates of the highest layer that settles; the input, if none does.
    pub fn top<'a>(&'a self, input: &'a [T]) -> &'a [T] {
        self.rate.last().map_or(input, |rate| rate)
    }

    /// All states at 0.
    fn rest(&mut self, f: &Function) {
        self.potential.iter_mut().for_each(|s| s.fill(T::ZERO));
        let rate = if self.potential.is_empty() { T::ZERO } else { f.net.activation.rate(T::ZERO) };
        self.rate.iter_mut().for_each(|r| r.fill(rate));
    }
}

impl<T: Clone> Clone for Phase<T> {
    fn clone(&self) -> Self {
        Phase { potential: self.potential.clone(), rate: self.rate.clone() }
    }

    /// Keeps the room.
    fn clone_from(&mut self, other: &Self) {
        self.potential.clone_from(&other.potential);
        self.rate.clone_from(&other.rate);
    }
}

/// A value per cell of the layers that settle.
fn settled_layers<T: Real>(f: &Function, options: &Options, samples: usize) -> Vec<Vec<T>> {
    let top = if options.reads_out(f.loss) { f.depth() - 1 } else { f.depth() };
    f.net.sizes[1..=top].iter().map(|n| vec![T::ZERO; n * samples]).collect()
}

/// Room in which phases settle, and who did not.
#[derive(Clone)]
pub(super) struct Settling<T> {
    /// M_1 x + d_1: the same in all steps.
    clamped: Vec<T>,
    /// What reaches a layer; at the end of a step where its states moved: -dE/ds, or phi(dPhi/ds) - s.
    drive: Vec<Vec<T>>,
    /// What comes from the layer above.
    back: Vec<Vec<T>>,
    /// u_N, and beta = 1 of the nudge, samples x n_N.
    output: Vec<T>,
    nudge: Vec<T>,
    /// Samples that have not settled.
    unsettled: Vec<bool>,
}

impl<T: Real> Settling<T> {
    /// Room for a function and a batch.
    pub fn new(f: &Function, options: &Options, samples: usize) -> Self {
        let drive = settled_layers(f, options, samples);
        let output = vec![T::ZERO; samples * f.net.sizes[f.depth()]];
        Settling {
            clamped: vec![T::ZERO; samples * f.net.sizes[1]],
            back: drive.clone(),
            drive,
            nudge: output.clone(),
            output,
            unsettled: vec![false; samples],
        }
    }

    /// Samples that did not settle in the last free phase.
    pub fn unsettled(&self) -> usize {
        self.unsettled.iter().filter(|&&u| u).count()
    }

    /// The free phase from rest. Writes the output potentials, NaN for samples that have not settled, and returns the
    /// largest residual of the others.
    pub fn free(&mut self, net: &Net<'_, T>, phase: &mut Phase<T>, output: &mut [T]) -> f64 {
        self.begin(net, phase);
        for _ in 0..net.options.free_steps {
            self.step(net, phase, None);
        }
        match net.options.dynamics {
            Dynamics::Energy => self.output.copy_from_slice(&phase.potential[net.f.depth() - 1]),
            Dynamics::Primitive if net.options.reads_out(net.f.loss) => self.read_out(net, phase),
            // The last step has left here what its rates are phi of.
            Dynamics::Primitive => {}
        }
        output.copy_from_slice(&self.output);
        self.judge(net.options.tolerance, output)
    }

    /// All at rest, before the first step.
    pub fn begin(&mut self, net: &Net<'_, T>, phase: &mut Phase<T>) {
        net.forward(1, net.input, &mut self.clamped);
        phase.rest(net.f);
    }

    /// For each sample the largest of what the last step found: |dE/ds| or |phi(dPhi/ds) - s| before it moved.
    pub fn largest_drives(&self) -> Vec<f64> {
        let samples = self.unsettled.len();
        let of = |b: usize| {
            let rows = self.drive.iter().flat_map(|d| &d[b * d.len() / samples..(b + 1) * d.len() / samples]);
            // Once it is not finite it stays so.
            rows.fold(T::ZERO, |m: T, d| if d.abs() <= m || !m.is_finite() { m } else { d.abs() }).to_f64()
        };
        (0..samples).map(of).collect()
    }

    /// Steps under a nudge of `beta` towards the target (samples x n_N).
    pub fn nudged(&mut self, net: &Net<'_, T>, phase: &mut Phase<T>, target: &[T], beta: f64, steps: usize) {
        for _ in 0..steps {
            self.step(net, phase, Some((target, beta)));
        }
    }

    /// -dL/du_N of outputs that read out a phase.
    pub fn output_error(&mut self, net: &Net<'_, T>, phase: &Phase<T>, target: &[T]) -> &[T] {
        self.read_out(net, phase);
        net.f.descent(&self.output, target, &mut self.nudge);
        clear_rows(&self.unsettled, &mut self.nudge);
        &self.nudge
    }

    /// States of samples that have not settled become 0.
    pub fn skip_unsettled(&self, phase: &mut Phase<T>) {
        if self.unsettled.contains(&true) {
            let states = phase.potential.iter_mut().chain(&mut phase.rate);
            states.for_each(|s| clear_rows(&self.unsettled, s));
        }
    }

    fn read_out(&mut self, net: &Net<'_, T>, phase: &Phase<T>) {
        net.forward(net.f.depth(), phase.top(net.input), &mut self.output);
    }

    /// One step of all layers from the states before it.
    pub fn step(&mut self, net: &Net<'_, T>, phase: &mut Phase<T>, nudge: Option<(&[T], f64)>) {
        let top = phase.rate.len();
        for k in 1..=top {
            let (drive, back) = (&mut self.drive[k - 1], &mut self.back[k - 1]);
            if k == 1 {
                drive.copy_from_slice(&self.clamped);
            } else {
                net.forward(k, &phase.rate[k - 2], drive);
            }
            if k < top {
                net.add_backward(k + 1, &phase.rate[k], 1.0, back, drive);
            }
        }
        match net.options.dynamics {
            Dynamics::Energy => self.descend_energy(net, phase, nudge),
            Dynamics::Primitive => self.approach(net, phase, nudge),
        }
    }

    /// s += step * -dE/ds, -dE/ds_k = phi'(s_k) (M_k r_{k-1} + d_k + M_{k+1}^T r_{k+1}) - s_k; nudged: of E + beta L.
    fn descend_energy(&mut self, net: &Net<'_, T>, phase: &mut Phase<T>, nudge: Option<(&[T], f64)>) {
        let (phi, step) = (net.f.net.activation, T::from_f64(net.options.step));
        let top = phase.rate.len();
        for k in 1..=top {
            let (drive, s, r) = (&mut self.drive[k - 1], &mut phase.potential[k - 1], &mut phase.rate[k - 1]);
            drive.iter_mut().zip(s.iter()).zip(r.iter()).for_each(|((d, &s), &r)| *d = slope(phi, s, r) * *d - s);
            if let (Some((target, beta)), true) = (nudge, k == top) {
                net.f.descent(s, target, &mut self.nudge);
                let beta = T::from_f64(beta);
                drive.iter_mut().zip(&self.nudge).for_each(|(d, &e)| *d += beta * e);
            }
            s.iter_mut().zip(drive).for_each(|(s, &mut d)| *s += step * d);
            phi.rates(s, r);
        }
    }

    /// s += step * (phi(v) - s), v_k = M_k s_{k-1} + d_k + M_{k+1}^T s_{k+1}, nudged as the loss asks.
    fn approach(&mut self, net: &Net<'_, T>, phase: &mut Phase<T>, nudge: Option<(&[T], f64)>) {
        let (phi, step) = (net.f.net.activation, T::from_f64(net.options.step));
        let (top, reads_out) = (phase.rate.len(), net.options.reads_out(net.f.loss));
        if top == 0 {
            return;
        }
        if reads_out {
            if let Some((target, beta)) = nudge {
                self.read_out(net, phase);
                net.f.descent(&self.output, target, &mut self.nudge);
                let (drive, back) = (&mut self.drive[top - 1], &mut self.back[top - 1]);
                net.add_backward(top + 1, &self.nudge, beta, back, drive);
            }
        } else {
            let v = &mut self.drive[top - 1];
            self.output.copy_from_slice(v);
            if let Some((target, beta)) = nudge {
                let beta = T::from_f64(beta);
                let cells = v.iter_mut().zip(&phase.rate[top - 1]).zip(target);
                match net.f.loss {
                    Loss::Matching => cells.for_each(|((v, _), &t)| *v = (*v + beta * t) / (T::ONE + beta)),
                    _ => cells.for_each(|((v, &s), &t)| *v += beta * (phi.rate(t) - s)),
                }
            }
        }
        for (drive, s) in self.drive.iter_mut().zip(&mut phase.rate) {
            phi.rates_in_place(drive);
            for (d, s) in drive.iter_mut().zip(s) {
                *d -= *s;
                *s += step * *d;
            }
        }
    }

    /// Finds the samples that have not settled from what the last step left; their output becomes NaN. Returns the
    /// largest residual of the others.
    fn judge(&mut self, tolerance: Option<f64>, output: &mut [T]) -> f64 {
        let samples = self.unsettled.len();
        let cells = output.len() / samples;
        let mut largest = 0.0f64;
        let residuals = self.largest_drives();
        for ((b, unsettled), residual) in self.unsettled.iter_mut().enumerate().zip(residuals) {
            *unsettled = tolerance.is_some_and(|bound| residual.is_nan() || residual > bound);
            if *unsettled {
                output[b * cells..(b + 1) * cells].fill(T::NAN);
            } else {
                largest = largest.max(residual);
            }
        }
        largest
    }
}

/// phi'(s) where r = phi(s) is known: the same bits, without a second exponential where it can be spared.
fn slope<T: Real>(phi: Activation, s: T, r: T) -> T {
    match phi {
        Activation::Tanh => T::ONE - r * r,
        Activation::Logistic => r * (T::ONE - r),
        _ => phi.slope(s),
    }
}

/// Rows of marked samples become 0.
fn clear_rows<T: Real>(marked: &[bool], values: &mut [T]) {
    let cells = values.len() / marked.len();
    for (row, _) in values.chunks_exact_mut(cells).zip(marked).filter(|(_, marked)| **marked) {
        row.fill(T::ZERO);
    }
}
