//! The first layer's weights while one pattern is shown. The traced input after n steps is x + q^n y, q = 1 - dt / tau_0,
//! y = r_in(0) - x: in the span of two vectors, and all that is learned in a presentation lies there too,
//!
//! W = W_0 + dt eta s_w Delta_0 + w_x x^T + w_y y^T, Delta = s_d Delta_0 + d_x x^T + d_y y^T.
//!
//! So a step costs four vectors as long as layer 1, whatever the size of the input.

use super::Kind;
use crate::kernels::fused::{add, sum};
use crate::kernels::{Aligned, Lanes, Mat, Product, Real};
use pulp::Simd;

/// The plasticity of the first layer in a presentation.
#[derive(Clone, Copy)]
pub struct Rule<T> {
    /// dt eta; 0: the rule is off.
    pub c: f64,
    /// dt / tau_w, if there is a low-pass.
    pub a: Option<T>,
}

/// What a presentation holds of the first layer.
pub struct Input<T> {
    rule: Rule<T>,
    /// Pattern x and y.
    x: Vec<T>,
    y: Vec<T>,
    /// W_0 x and W_0 y, Delta_0 x and Delta_0 y.
    base: [Aligned<T>; 4],
    /// w_x, w_y, d_x, d_y.
    grown: [Aligned<T>; 4],
    /// x.x, x.y, y.y.
    gram: [f64; 3],
    /// q, q^n of this step and of the one before.
    q: f64,
    now: f64,
    was: f64,
    s_w: f64,
    s_d: f64,
}

impl<T: Real> Input<T> {
    /// Room for `inputs` rates and a first layer of `padded` places.
    pub fn new(inputs: usize, padded: usize) -> Self {
        let rows = || std::array::from_fn(|_| Aligned::zeros(padded));
        Input {
            rule: Rule { c: 0.0, a: None },
            x: vec![T::ZERO; inputs],
            y: vec![T::ZERO; inputs],
            base: rows(),
            grown: rows(),
            gram: [0.0; 3],
            q: 1.0,
            now: 1.0,
            was: 1.0,
            s_w: 0.0,
            s_d: 1.0,
        }
    }

    /// Takes pattern, trace and weights at the start of a presentation. `rate` is dt / tau_0.
    pub fn begin(&mut self, rule: Rule<T>, rate: T, x: &[T], trace: &[T], w: &Mat<T>, delta: Option<&Mat<T>>) {
        self.rule = rule;
        self.x.copy_from_slice(x);
        for ((y, &trace), &x) in self.y.iter_mut().zip(trace).zip(x) {
            *y = trace - x;
        }
        for (n, (matrix, pattern)) in
            [(Some(w), &self.x), (Some(w), &self.y), (delta, &self.x), (delta, &self.y)].into_iter().enumerate()
        {
            match matrix {
                Some(matrix) => Product::Plain.weighted_sum(matrix, pattern, &mut self.base[n][..matrix.rows]),
                None => self.base[n].fill(T::ZERO),
            }
        }
        self.grown.iter_mut().for_each(|row| row.fill(T::ZERO));
        let product = |a: &[T], b: &[T]| a.iter().zip(b).map(|(a, b)| a.to_f64() * b.to_f64()).sum();
        self.gram = [product(&self.x, &self.x), product(&self.x, &self.y), product(&self.y, &self.y)];
        (self.q, self.now, self.was) = (1.0 - rate.to_f64(), 1.0, 1.0);
        (self.s_w, self.s_d) = (0.0, 1.0);
    }

    /// True if the rule is on.
    pub fn learns(&self) -> bool {
        self.rule.c != 0.0
    }

    /// Takes the values of another, without allocating.
    pub fn copy_from(&mut self, other: &Self) {
        self.x.copy_from_slice(&other.x);
        self.y.copy_from_slice(&other.y);
        for (mine, theirs) in self.grown.iter_mut().zip(&other.grown) {
            mine.clone_from(theirs);
        }
        (self.rule, self.gram, self.q, self.now, self.was) = (other.rule, other.gram, other.q, other.now, other.was);
        (self.s_w, self.s_d) = (other.s_w, other.s_d);
    }

    /// The trace goes one step on.
    #[inline(always)]
    pub fn follow(&mut self) {
        self.was = self.now;
        self.now *= self.q;
    }

    /// The traced input after the last step.
    pub fn trace(&self, trace: &mut [T]) {
        let q = T::from_f64(self.now);
        for ((trace, &x), &y) in trace.iter_mut().zip(&self.x).zip(&self.y) {
            *trace = x + q * y;
        }
    }

    /// Makes the change that `e` taught at a trace of x + q^n y, `q_n` = q^n.
    #[inline(always)]
    fn change<S: Simd>(&mut self, simd: S, kind: Kind, q_n: f64, e: &[T]) {
        let Rule { c, a } = self.rule;
        if c == 0.0 {
            return;
        }
        let [w_x, w_y, d_x, d_y] = &mut self.grown;
        let q_n = T::from_f64(q_n);
        match (kind, a) {
            (Kind::Nothing, _) => {}
            (Kind::Direct | Kind::Gather, _) | (_, None) => {
                let c = T::from_f64(c);
                add(simd, c, e, w_x);
                add(simd, c * q_n, e, w_y);
            }
            (Kind::LowPass | Kind::Filter, Some(a)) => {
                let moving = kind == Kind::LowPass;
                let c = if moving { T::from_f64(c) } else { T::ZERO };
                filter(simd, (c, T::ONE - a, a), e, w_x, d_x);
                filter(simd, (c, T::ONE - a, a * q_n), e, w_y, d_y);
                if moving {
                    self.s_w += self.s_d;
                }
                self.s_d *= 1.0 - a.to_f64();
            }
        }
    }

    /// The change that waits, before this step's trace; for the copy that an observer sees, and at the end.
    pub fn settle(&mut self, kind: Kind, e: &[T]) {
        self.change(pulp::Scalar256b, kind, self.now, e);
    }

    /// Makes the change that the step before taught, then v = W r_in.
    #[inline(always)]
    pub fn step<S: Simd>(&mut self, simd: S, kind: Kind, held: bool, e: &[T], v: &mut [T]) {
        self.change(simd, kind, self.was, e);
        let (q, [xx, xy, yy]) = (self.now, self.gram);
        let factors = [1.0, q].map(T::from_f64);
        sum(simd, factors, [&self.base[0], &self.base[1]], v);
        if held || self.rule.c == 0.0 {
            return;
        }
        let factors = [xx + q * xy, xy + q * yy].map(T::from_f64);
        add(simd, factors[0], &self.grown[0], v);
        add(simd, factors[1], &self.grown[1], v);
        if self.rule.a.is_some() {
            let s = self.rule.c * self.s_w;
            add(simd, T::from_f64(s), &self.base[2], v);
            add(simd, T::from_f64(s * q), &self.base[3], v);
        }
    }

    /// W (or, with `Kind::Gather`, an update that is added to) from what has grown; `w` and `delta` are those of the start.
    pub fn weights(&self, delta: Option<&Mat<T>>, w: &mut Mat<T>) {
        let s = T::from_f64(self.rule.c * self.s_w);
        let cols = w.cols;
        for (i, row) in w.data.chunks_exact_mut(cols).enumerate() {
            let (w_x, w_y) = (self.grown[0][i], self.grown[1][i]);
            if let Some(delta) = delta {
                row.iter_mut().zip(delta.row(i)).for_each(|(w, &d)| *w += s * d);
            }
            for ((w, &x), &y) in row.iter_mut().zip(&self.x).zip(&self.y) {
                *w += w_x * x + w_y * y;
            }
        }
    }

    /// Delta, from that of the start.
    pub fn delta(&self, delta: &mut Mat<T>) {
        let s = T::from_f64(self.s_d);
        let cols = delta.cols;
        for (i, row) in delta.data.chunks_exact_mut(cols).enumerate() {
            let (d_x, d_y) = (self.grown[2][i], self.grown[3][i]);
            for ((d, &x), &y) in row.iter_mut().zip(&self.x).zip(&self.y) {
                *d = s * *d + (d_x * x + d_y * y);
            }
        }
    }
}

/// w += c d, then d = keep d + a e.
#[inline(always)]
fn filter<T: Lanes, S: Simd>(simd: S, (c, keep, a): (T, T, T), e: &[T], w: &mut [T], d: &mut [T]) {
    let (c, keep, a) = (T::splat(simd, c), T::splat(simd, keep), T::splat(simd, a));
    let (e, w, d) = (T::split::<S>(e).0, T::split_mut::<S>(w).0, T::split_mut::<S>(d).0);
    for ((w, d), &e) in w.iter_mut().zip(d).zip(e) {
        *w = T::mul_add(simd, c, *d, *w);
        *d = T::mul_add(simd, a, e, T::mul(simd, keep, *d));
    }
}
