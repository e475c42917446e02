//! The first layer's weights while one pattern is shown. The traced input is x + q y, q = e^(-t / tau_0), y = r_in(0) - x: in
//! the span of two vectors, and all that is learned in a presentation lies there too,
//!
//! W = W_0 + eta (s_w Delta_0 + w_x x^T + w_y y^T), Delta = s_d Delta_0 + d_x x^T + d_y y^T,
//!
//! changes that wait apart. A bias is one more input that is always there.

use super::synapses::Moved;
use crate::circuit::Tensors;
use crate::kernels::fused::{add, sum};
use crate::kernels::ranked::{Changes, RANK, add_errors};
use crate::kernels::{Aligned, Product, Real, Rows, RowsMut};
use pulp::Simd;

/// What a presentation holds of the first layer.
#[derive(Clone)]
pub struct Input<T: Real> {
    eta: f64,
    beta: f64,
    /// Pattern x, then y.
    patterns: Vec<T>,
    /// W_0 x and W_0 y, Delta_0 x and Delta_0 y, with biases: four rows.
    base: Aligned<T>,
    /// w_x, w_y, d_x, d_y.
    grown: [Aligned<T>; 4],
    /// x.x, x.y, y.y, the bias counted in.
    gram: [f64; 3],
    s_w: f64,
    s_d: f64,
}

impl<T: Real> Input<T> {
    /// Room for `inputs` rates and a first layer of `padded` places. `beta`: rate of the bias, 0 without.
    pub fn new(inputs: usize, padded: usize, beta: f64) -> Self {
        let rows = || std::array::from_fn(|_| Aligned::zeros(padded));
        let (patterns, base) = (vec![T::ZERO; 2 * inputs], Aligned::zeros(4 * padded));
        Input { eta: 0.0, beta, patterns, base, grown: rows(), gram: [0.0; 3], s_w: 0.0, s_d: 1.0 }
    }

    /// Takes pattern, trace and weights at the start of a presentation; `eta`: 0 if the rule is off.
    pub fn begin(&mut self, eta: f64, x: &[T], trace: &[T], w: &Tensors<T>, delta: Option<&Tensors<T>>) {
        self.eta = eta;
        let inputs = x.len();
        self.patterns[..inputs].copy_from_slice(x);
        for ((y, &trace), &x) in self.patterns[inputs..].iter_mut().zip(trace).zip(x) {
            *y = trace - x;
        }
        let (beta, padded) = (T::from_f64(self.beta), self.grown[0].len());
        for (tensors, base) in [Some(w), delta].into_iter().zip(self.base.chunks_exact_mut(2 * padded)) {
            let Some(tensors) = tensors.filter(|t| !t.pp.is_empty()) else {
                base.fill(T::ZERO);
                continue;
            };
            let m = &tensors.pp[0];
            let to = RowsMut { data: base, rows: 2, cols: m.rows, stride: padded };
            Product::best().weighted_sums(m.into(), Rows::packed(&self.patterns, 2, inputs), T::ONE, T::ZERO, to);
            if let Some(b) = tensors.bpp.first() {
                base.iter_mut().zip(&b.data).for_each(|(v, &b)| *v += beta * b);
            }
        }
        self.grown.iter_mut().for_each(|row| row.fill(T::ZERO));
        let product = |a: &[T], b: &[T]| a.iter().zip(b).map(|(&a, &b)| a * b).sum::<T>().to_f64();
        let (x, y) = self.patterns.split_at(inputs);
        self.gram = [product(x, x) + self.beta * self.beta, product(x, y), product(y, y)];
        (self.s_w, self.s_d) = (0.0, 1.0);
    }

    /// True if the rule is on.
    pub fn learns(&self) -> bool {
        self.eta != 0.0
    }

    /// The traced input where e^(-t / tau_0) is `q`.
    pub fn trace(&self, q: f64, trace: &mut [T]) {
        let (q, (x, y)) = (T::from_f64(q), self.patterns.split_at(trace.len()));
        for ((trace, &x), &y) in trace.iter_mut().zip(x).zip(y) {
            *trace = x + q * y;
        }
    }

    /// Basal potentials of layer 1 at weights that have moved; `q_n` of the changes that wait, whose errors begin at `e`.
    #[inline(always)]
    pub fn potential<S: Simd>(
        &self,
        simd: S,
        q: f64,
        moved: Option<&Moved>,
        (changes, q_n, e): (Changes<'_, T>, &[f64], usize),
        v: &mut [T],
    ) {
        let moved = moved.filter(|_| self.eta != 0.0);
        let (w, d) = self.base.split_at(2 * v.len());
        let ((w_x, w_y), (d_x, d_y)) = (w.split_at(v.len()), d.split_at(v.len()));
        sum(simd, [T::ONE, T::from_f64(q)], [w_x, w_y], v);
        let Some(moved) = moved else { return };
        let [xx, xy, yy] = self.gram;
        let (of_x, of_y, s) = (self.eta * (xx + q * xy), self.eta * (xy + q * yy), self.eta * moved.alpha);
        let s_w = self.eta * (self.s_w + moved.alpha * self.s_d);
        let (s_x, s_y) = (moved.alpha * of_x, moved.alpha * of_y);
        add(simd, T::from_f64(of_x), &self.grown[0], v);
        add(simd, T::from_f64(of_y), &self.grown[1], v);
        if s_w != 0.0 || s != 0.0 {
            add(simd, T::from_f64(s_x), &self.grown[2], v);
            add(simd, T::from_f64(s_y), &self.grown[3], v);
            add(simd, T::from_f64(s_w), d_x, v);
            add(simd, T::from_f64(s_w * q), d_y, v);
        }
        let mut f = [T::ZERO; RANK];
        for n in 0..changes.count {
            f[n] = T::from_f64(moved.to_w[n] * (of_x + q_n[n] * of_y));
        }
        add_errors(simd, changes, e, &f, v);
    }

    /// Folds the changes that wait into what has grown.
    #[inline(always)]
    pub fn fold<S: Simd>(&mut self, simd: S, moved: &Moved, (changes, q_n, e): (Changes<'_, T>, &[f64], usize)) {
        let [w_x, w_y, d_x, d_y] = &mut self.grown;
        let mut f = [[T::ZERO; RANK]; 4];
        for n in 0..changes.count {
            f[0][n] = T::from_f64(moved.to_w[n]);
            f[1][n] = T::from_f64(moved.to_w[n] * q_n[n]);
            f[2][n] = T::from_f64(moved.to_d[n]);
            f[3][n] = T::from_f64(moved.to_d[n] * q_n[n]);
        }
        for (w, d, f_w, f_d) in [(w_x, d_x, &f[0], &f[2]), (w_y, d_y, &f[1], &f[3])] {
            add(simd, T::from_f64(moved.alpha), d, w);
            add_errors(simd, changes, e, f_w, w);
            let kappa = T::from_f64(moved.kappa);
            d.iter_mut().for_each(|d| *d *= kappa);
            add_errors(simd, changes, e, f_d, d);
        }
        self.s_w += moved.alpha * self.s_d;
        self.s_d *= moved.kappa;
    }

    /// W += what it has gained since the beginning, where nothing waits; `delta`: that of the beginning.
    #[inline(always)]
    pub fn give_weights(&self, delta: Option<&Tensors<T>>, w: &mut Tensors<T>) {
        let eta = T::from_f64(self.eta);
        if let Some(delta) = delta.filter(|d| !d.pp.is_empty()) {
            let s = T::from_f64(self.eta * self.s_w);
            w.pp[0].data.iter_mut().zip(&delta.pp[0].data).for_each(|(w, &d)| *w += s * d);
            if let (Some(b), Some(d)) = (w.bpp.first_mut(), delta.bpp.first()) {
                b.data.iter_mut().zip(&d.data).for_each(|(b, &d)| *b += s * d);
            }
        }
        self.grow(eta, &self.grown[0], &self.grown[1], w);
    }

    /// Delta, from that of the beginning.
    #[inline(always)]
    pub fn give_delta(&self, delta: &mut Tensors<T>) {
        let s = T::from_f64(self.s_d);
        delta.pp[0].data.iter_mut().for_each(|d| *d *= s);
        if let Some(d) = delta.bpp.first_mut() {
            d.data.iter_mut().for_each(|d| *d *= s);
        }
        self.grow(T::ONE, &self.grown[2], &self.grown[3], delta);
    }

    /// Update += eta times what has been gathered.
    #[inline(always)]
    pub fn add_gathered(&self, update: &mut Tensors<T>) {
        self.grow(T::from_f64(self.eta), &self.grown[2], &self.grown[3], update);
    }

    /// M += c (a x^T + b y^T), and the bias.
    #[inline(always)]
    fn grow(&self, c: T, a: &[T], b: &[T], to: &mut Tensors<T>) {
        let cols = to.pp[0].cols;
        let (x, y) = self.patterns.split_at(cols);
        for (row, (&a, &b)) in to.pp[0].data.chunks_exact_mut(cols).zip(a.iter().zip(b)) {
            let (a, b) = (c * a, c * b);
            for ((m, &x), &y) in row.iter_mut().zip(x).zip(y) {
                *m += a * x + b * y;
            }
        }
        let beta = c * T::from_f64(self.beta);
        if let Some(bias) = to.bpp.first_mut() {
            bias.data.iter_mut().zip(a).for_each(|(m, &a)| *m += beta * a);
        }
    }
}
