//! A part of a projection: some of its rows with all that their sums and changes need. One thread at a time works on it.

use super::change::Coefficients;
use super::layout::{Population, Projection};
use crate::circuit::Tensors;
use crate::kernels::folded::{Fold, Passed, TILE, add_back_part, add_outer_part, fold_part, sum_part};
use crate::kernels::padded::filled;
use crate::kernels::{Isa, Padded, Real, Rows, RowsMut, matvec};

/// From this many samples on, products of matrices beat passes over rows.
pub const PRODUCTS_FROM: usize = 6;

/// Some rows of a projection.
pub struct Part<T> {
    /// The projection.
    pub projection: usize,
    first: usize,
    rows: usize,
    samples: usize,
    w: Padded<T>,
    d: Padded<T>,
    /// The Delta of a projection that has none.
    none: Padded<T>,
    has_d: bool,
    to_w: Vec<T>,
    to_d: Vec<T>,
    out: Vec<T>,
}

/// What all parts do in a step.
pub struct Task<'a> {
    /// Instructions.
    pub isa: Isa,
    /// The open block.
    pub coefficients: &'a Coefficients,
    /// It is folded into the weights before they are read.
    pub folds: bool,
    /// Direction in which memory is passed.
    pub backwards: bool,
}

impl<T: Real> Part<T> {
    /// Rows `first` to `first + rows` of a projection.
    pub fn new(projection: usize, p: &Projection<T>, first: usize, rows: usize, samples: usize) -> Self {
        let room = filled(rows, TILE);
        Part {
            projection,
            first,
            rows,
            samples,
            w: Padded::zeros(room, p.cols),
            d: Padded::default(),
            none: Padded::default(),
            has_d: false,
            to_w: Vec::new(),
            to_d: Vec::new(),
            out: vec![T::ZERO; room * samples],
        }
    }

    /// Values in memory, for plans.
    fn range(&self, p: &Projection<T>) -> std::ops::Range<usize> {
        self.first * p.cols..(self.first + self.rows) * p.cols
    }

    /// Takes over the weights, and Delta if there is one; zeros stand for a Delta that is `Some(None)`.
    pub fn load(&mut self, p: &Projection<T>, weights: &Tensors<T>, delta: Option<Option<&Tensors<T>>>) {
        let range = self.range(p);
        self.w.copy_from(&p.of(weights).data[range.clone()]);
        self.has_d = delta.is_some();
        if self.has_d && self.d.is_empty() {
            self.d = Padded::zeros(filled(self.rows, TILE), p.cols);
        }
        match delta {
            Some(Some(delta)) => self.d.copy_from(&p.of(delta).data[range]),
            Some(None) => self.d.clear(),
            None => {}
        }
    }

    /// Gives the weights back.
    pub fn store_weights(&self, p: &Projection<T>, weights: &mut Tensors<T>) {
        let range = self.range(p);
        store(&self.w, &mut p.of_mut(weights).data[range], |to, from| to.copy_from_slice(from));
    }

    /// Gives Delta back.
    pub fn store_delta(&self, p: &Projection<T>, delta: &mut Tensors<T>) {
        let range = self.range(p);
        store(&self.d, &mut p.of_mut(delta).data[range], |to, from| to.copy_from_slice(from));
    }

    /// Adds dt eta times what stands in Delta's place.
    pub fn add_gathered(&self, p: &Projection<T>, update: &mut Tensors<T>) {
        let (range, c) = (self.range(p), T::from_f64(p.rate));
        store(&self.d, &mut p.of_mut(update).data[range], |to, from| {
            to.iter_mut().zip(from).for_each(|(to, &x)| *to += c * x);
        });
    }

    /// Writes the weights with the open block in them, which stays open.
    pub fn show(&self, task: &Task<'_>, p: &Projection<T>, source: &Population<T>, weights: &mut Tensors<T>) {
        self.store_weights(p, weights);
        let (k, shown) = (task.coefficients, &mut p.of_mut(weights).data[self.range(p)]);
        if self.has_d {
            let old = T::from_f64(p.rate * k.sw);
            store(&self.d, shown, |w, d| matvec::axpy(old, d, w));
        }
        for ((e, r), &alpha) in p.errors.iter().zip(&source.history).zip(&k.alpha) {
            let share = T::from_f64(p.rate * alpha / self.samples as f64);
            let r = Rows { cols: p.cols, ..r.view() };
            add_outer_part(task.isa, self.errors(p, e), r, share, RowsMut::packed(shown, self.rows, p.cols));
        }
    }

    /// The errors of this part's cells among those of a step.
    fn errors<'a>(&self, p: &Projection<T>, e: &'a [T]) -> Rows<'a, T> {
        Rows { data: &e[self.first..], rows: self.samples, cols: self.rows, stride: p.rows }
    }

    /// Folds the open block if the task says so, then finds what the presynaptic rates bring about.
    pub fn pass(&mut self, task: &Task<'_>, p: &Projection<T>, source: &Population<T>) {
        let plastic = p.rate != 0.0;
        let folds = task.folds && plastic && task.coefficients.len() > 0;
        let k = task.coefficients;
        let s = if plastic && !folds && self.has_d { T::from_f64(p.rate * k.sw) } else { T::ZERO };
        if self.samples < PRODUCTS_FROM || s != T::ZERO || folds && !self.folds_by_products(k) {
            self.sum_rows(task, p, source, folds, s);
        } else {
            if folds {
                self.fold_products(task, p, source);
            }
            self.sum_products(task, source);
        }
        if plastic && !folds && k.in_weights() > 0 {
            self.correct(task.isa, p, source);
        }
    }

    /// Folds the open block and does nothing else.
    pub fn close(&mut self, task: &Task<'_>, p: &Projection<T>, source: &Population<T>) {
        if p.rate == 0.0 || task.coefficients.len() == 0 {
            return;
        }
        if self.folds_by_products(task.coefficients) {
            return self.fold_products(task, p, source);
        }
        let mut out = std::mem::take(&mut self.out);
        self.sum_rows(task, p, source, true, T::ZERO);
        std::mem::swap(&mut self.out, &mut out);
    }

    /// Hands over what this part found for the samples from `sample` on, whose potentials are `v`.
    pub fn deliver(&self, rows: usize, sample: usize, v: &mut [T]) {
        let room = self.out.len() / self.samples;
        for (v, out) in v.chunks_exact_mut(rows).zip(self.out[sample * room..].chunks_exact(room)) {
            v[self.first..self.first + self.rows].copy_from_slice(&out[..self.rows]);
        }
    }

    /// True for the folds of many samples and one step: the only ones that `batch` has.
    fn folds_by_products(&self, k: &Coefficients) -> bool {
        self.samples >= PRODUCTS_FROM && k.len() == 1 && (k.in_weights() == 0) == self.has_d
    }

    /// The factors of the open block's errors and rates.
    fn factors(&mut self, k: &Coefficients, p: &Projection<T>) {
        let span = self.first..self.first + self.rows;
        let room = filled(self.rows, TILE);
        factors(&p.errors[..k.in_weights()], &k.alpha, p.rate, span.clone(), (p.rows, room), &mut self.to_w);
        let steps = if self.has_d { k.len() } else { 0 };
        factors(&p.errors[..steps], &k.beta, 1.0, span, (p.rows, room), &mut self.to_d);
    }

    fn sum_rows(&mut self, task: &Task<'_>, p: &Projection<T>, source: &Population<T>, folds: bool, s: T) {
        let k = task.coefficients;
        if folds {
            self.factors(k, p);
        }
        let fold = Fold {
            history: &source.history,
            samples: self.samples,
            old: if self.has_d { T::from_f64(p.rate * k.sw) } else { T::ZERO },
            keep: T::from_f64(k.sd),
            to_w: &self.to_w,
            to_d: &self.to_d,
        };
        let d = if self.has_d { &mut self.d } else { &mut self.none };
        let passed = Passed { w: &mut self.w, d, backwards: task.backwards };
        passed.pass(task.isa, folds.then_some(&fold), s, &source.now, &mut self.out);
    }

    fn fold_products(&mut self, task: &Task<'_>, p: &Projection<T>, source: &Population<T>) {
        let k = task.coefficients;
        self.factors(k, p);
        let (rows, r) = (filled(self.rows, TILE), source.history[0].view());
        if self.has_d {
            let (old, keep) = (T::from_f64(p.rate * k.sw), T::from_f64(k.sd));
            let e = Rows::packed(&self.to_d, self.samples, rows);
            fold_part(task.isa, (self.w.view_mut(), self.d.view_mut()), (old, keep), e, r);
        } else {
            let e = Rows::packed(&self.to_w, self.samples, rows);
            add_outer_part(task.isa, e, r, T::ONE, self.w.view_mut());
        }
    }

    fn sum_products(&mut self, task: &Task<'_>, source: &Population<T>) {
        let room = self.out.len() / self.samples;
        sum_part(task.isa, self.w.view(), source.now.view(), RowsMut::packed(&mut self.out, self.samples, room));
    }

    /// Adds what the weights have learned since the block began.
    fn correct(&mut self, isa: Isa, p: &Projection<T>, source: &Population<T>) {
        let (samples, room) = (self.samples, self.out.len() / self.samples);
        let stride = source.overlap.len() / samples;
        for (step, e) in p.errors[..stride / samples].iter().enumerate() {
            let overlap = Rows { data: &source.overlap[step * samples..], rows: samples, cols: samples, stride };
            let errors = self.errors(p, e);
            let out = RowsMut { data: &mut self.out, rows: samples, cols: self.rows, stride: room };
            add_back_part(isa, errors, overlap, T::from_f64(p.rate), out);
        }
    }
}

/// The factors of a fold: rate * share_s / B * e for some cells, filled up to `room`.
fn factors<T: Real>(
    errors: &[Vec<T>],
    shares: &[f64],
    rate: f64,
    cells: std::ops::Range<usize>,
    (all, room): (usize, usize),
    to: &mut Vec<T>,
) {
    to.clear();
    for (e, &share) in errors.iter().zip(shares) {
        let share = T::from_f64(rate * share / (e.len() / all) as f64);
        for e in e.chunks_exact(all) {
            to.extend(e[cells.clone()].iter().map(|&e| share * e));
            to.resize(to.len() + room - cells.len(), T::ZERO);
        }
    }
}

fn store<T: Real>(from: &Padded<T>, to: &mut [T], each: impl Fn(&mut [T], &[T])) {
    to.chunks_exact_mut(from.cols()).zip(from.rows()).for_each(|(to, from)| each(to, from));
}
