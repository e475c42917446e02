//! The input layer is almost free: within a presentation r_in after n steps is x + q^n y, q = 1 - dt / tau_0,
//! y = r_in(0) - x, for each sample. So the products with W and Delta are taken once, on x and y, and what is learned lies in
//! the span of all x and y: a few values per cell grow in each step and are applied at the presentation's end.

use super::change::Change;
use super::layout::Projection;
use crate::circuit::Tensors;
use crate::kernels::folded::{add_back_part, add_outer_part, sum_part};
use crate::kernels::{Isa, Mat, Real, Rows, RowsMut, matvec};

/// x and y of all samples, and how they lie to each other.
pub struct Span<T> {
    /// Patterns shown, samples x n_0.
    pub x: Vec<T>,
    /// How far the trace was from them at the start, alike.
    pub y: Vec<T>,
    isa: Isa,
    q: f64,
    /// q^n after n steps.
    pub power: f64,
    /// Share of the old Delta that has reached W.
    pub sw: f64,
    /// Share of the old Delta that is left.
    pub sd: f64,
    /// Entry (c, b) of the first half: x_b . x_c, of the second: y_b . x_c; samples x 2 samples.
    with_x: Vec<T>,
    /// The same with y_c.
    with_y: Vec<T>,
    /// c r_t . (x or y): how much the part of W that grew along each x and y brings about now.
    coupling: Vec<T>,
    /// The change of the last step, which the parts have not taken in, the slot of its errors, and its q^n.
    pending: Option<(Change, usize, f64)>,
}

impl<T: Real> Span<T> {
    /// Room for a batch of patterns of `cells` values.
    pub fn new(samples: usize, cells: usize, isa: Isa) -> Self {
        let (values, square) = (vec![T::ZERO; samples * cells], vec![T::ZERO; 2 * samples * samples]);
        Span {
            x: values.clone(),
            y: values,
            isa,
            q: 1.0,
            power: 1.0,
            sw: 0.0,
            sd: 1.0,
            with_x: square.clone(),
            with_y: square.clone(),
            coupling: square,
            pending: None,
        }
    }

    /// A presentation begins. The Gram matrices are made only if weights move in it.
    pub fn begin(&mut self, x: &[T], trace: &[T], q: f64, moves: bool) {
        self.x.copy_from_slice(x);
        for ((y, &r), &x) in self.y.iter_mut().zip(trace).zip(x) {
            *y = r - x;
        }
        (self.q, self.power, self.sw, self.sd, self.pending) = (q, 1.0, 0.0, 1.0, None);
        if !moves {
            return;
        }
        let samples = self.samples();
        let cells = x.len() / samples;
        for c in 0..samples {
            let at = c * cells..(c + 1) * cells;
            let (with_x, with_y) = (&mut self.with_x[2 * c * samples..], &mut self.with_y[2 * c * samples..]);
            for (n, values) in [&self.x, &self.y].into_iter().enumerate() {
                let (rows, to) = (Rows::packed(values, samples, cells), n * samples..(n + 1) * samples);
                for (r, to) in [(&self.x, &mut with_x[to.clone()]), (&self.y, &mut with_y[to])] {
                    let r = Rows::packed(&r[at.clone()], 1, cells);
                    sum_part(self.isa, rows, r, RowsMut::packed(to, 1, samples));
                }
            }
        }
    }

    fn samples(&self) -> usize {
        (self.coupling.len() / 2).isqrt()
    }

    /// One step of the trace; `rate` is dt eta if weights move.
    pub fn advance(&mut self, rate: Option<f64>) {
        self.power *= self.q;
        if let Some(rate) = rate {
            let (c, power) = (T::from_f64(rate), T::from_f64(self.power));
            for ((g, &x), &y) in self.coupling.iter_mut().zip(&self.with_x).zip(&self.with_y) {
                *g = c * (x + power * y);
            }
        }
    }

    /// The trace as it is now.
    pub fn trace(&self, r: &mut [T]) {
        let power = T::from_f64(self.power);
        for ((r, &x), &y) in r.iter_mut().zip(&self.x).zip(&self.y) {
            *r = x + power * y;
        }
    }

    /// What a step changes; its errors stand in a slot of the projection until the parts take it in.
    pub fn push(&mut self, change: Change, slot: usize) {
        if change.moves {
            self.sw += self.sd;
        }
        self.sd *= change.keep;
        self.pending = Some((change, slot, self.power));
    }

    /// All parts have taken in the last change.
    pub fn taken(&mut self) {
        self.pending = None;
    }
}

/// Some rows of the input layer's weights.
pub struct SpanPart<T> {
    first: usize,
    rows: usize,
    /// W_0 x and W_0 y, samples x rows each, one after the other.
    w: Vec<T>,
    /// Delta_0 x and Delta_0 y.
    d: Vec<T>,
    /// What W has grown along x and y: w_x and w_y, without the factor dt eta.
    grown_w: Vec<T>,
    /// What Delta has grown.
    grown_d: Vec<T>,
    out: Vec<T>,
}

impl<T: Real> SpanPart<T> {
    /// Rows `first` to `first + rows`.
    pub fn new(first: usize, rows: usize, samples: usize) -> Self {
        let pair = vec![T::ZERO; 2 * samples * rows];
        let out = vec![T::ZERO; samples * rows];
        SpanPart { first, rows, w: pair.clone(), d: pair.clone(), grown_w: pair.clone(), grown_d: pair, out }
    }

    /// The products with W and, if there is one, with Delta.
    pub fn begin(&mut self, span: &Span<T>, weights: &Mat<T>, delta: Option<&Mat<T>>) {
        let (first, rows) = (self.first, self.rows);
        let samples = self.out.len() / rows;
        let multiply = |m: &Mat<T>, to: &mut [T]| {
            let w = Rows::packed(&m.data[first * m.cols..(first + rows) * m.cols], rows, m.cols);
            for (values, to) in [&span.x, &span.y].into_iter().zip(to.chunks_exact_mut(samples * rows)) {
                let r = Rows::packed(values, samples, m.cols);
                sum_part(span.isa, w, r, RowsMut::packed(to, samples, rows));
            }
        };
        multiply(weights, &mut self.w);
        if let Some(delta) = delta {
            multiply(delta, &mut self.d);
        }
        self.grown_w.fill(T::ZERO);
        self.grown_d.fill(T::ZERO);
    }

    /// Takes in the change of the last step.
    pub fn take(&mut self, span: &Span<T>, p: &Projection<T>) {
        let Some((change, slot, power)) = span.pending else { return };
        if change.moves {
            self.grown_w.iter_mut().zip(&self.grown_d).for_each(|(w, &d)| *w += d);
        }
        let half = self.out.len();
        let (keep, share) = (T::from_f64(change.keep), 1.0 / (half / self.rows) as f64);
        for (n, along) in [1.0, power].into_iter().enumerate() {
            let to_d = T::from_f64(change.to_delta * share * along);
            let to_w = T::from_f64(change.to_weights * share * along);
            let w = self.grown_w[n * half..(n + 1) * half].chunks_exact_mut(self.rows);
            let d = self.grown_d[n * half..(n + 1) * half].chunks_exact_mut(self.rows);
            for ((w, d), e) in w.zip(d).zip(p.errors[slot].chunks_exact(p.rows)) {
                let e = &e[self.first..self.first + self.rows];
                if change.to_delta != 0.0 {
                    d.iter_mut().zip(e).for_each(|(d, &e)| *d = keep * *d + to_d * e);
                }
                if change.to_weights != 0.0 {
                    w.iter_mut().zip(e).for_each(|(w, &e)| *w += to_w * e);
                }
            }
        }
    }

    /// The potentials of this step; `moves`: the weights have changed since the presentation began.
    pub fn sum(&mut self, span: &Span<T>, rate: f64, moves: bool) {
        let half = self.out.len();
        let samples = half / self.rows;
        let power = T::from_f64(span.power);
        let (x, y) = self.w.split_at(half);
        for ((v, &x), &y) in self.out.iter_mut().zip(x).zip(y) {
            *v = x + power * y;
        }
        if !moves {
            return;
        }
        if span.sw != 0.0 {
            let (old_x, old_y) = (T::from_f64(rate * span.sw), T::from_f64(rate * span.sw * span.power));
            let (x, y) = self.d.split_at(half);
            for ((v, &x), &y) in self.out.iter_mut().zip(x).zip(y) {
                *v += old_x * x + old_y * y;
            }
        }
        if samples == 1 {
            let (along_x, along_y) = (span.coupling[0], span.coupling[1]);
            let (x, y) = self.grown_w.split_at(half);
            for ((v, &x), &y) in self.out.iter_mut().zip(x).zip(y) {
                *v += along_x * x + along_y * y;
            }
            return;
        }
        let grown = Rows::packed(&self.grown_w, 2 * samples, self.rows);
        let coupling = Rows::packed(&span.coupling, samples, 2 * samples);
        add_back_part(span.isa, grown, coupling, T::ONE, RowsMut::packed(&mut self.out, samples, self.rows));
    }

    /// Hands over the rows' potentials for the samples from `sample` on.
    pub fn deliver(&self, rows: usize, sample: usize, v: &mut [T]) {
        for (v, out) in v.chunks_exact_mut(rows).zip(self.out[sample * self.rows..].chunks_exact(self.rows)) {
            v[self.first..self.first + self.rows].copy_from_slice(out);
        }
    }

    /// Writes what has grown into these rows of W and Delta.
    pub fn close(&self, span: &Span<T>, p: &Projection<T>, weights: &mut Tensors<T>, delta: Option<&mut Tensors<T>>) {
        let range = self.first * p.cols..(self.first + self.rows) * p.cols;
        let w = &mut p.of_mut(weights).data[range.clone()];
        if let Some(delta) = delta {
            let d = &mut p.of_mut(delta).data[range];
            let (old, keep) = (T::from_f64(p.rate * span.sw), T::from_f64(span.sd));
            for (w, d) in w.iter_mut().zip(&mut *d) {
                *w += old * *d;
                *d *= keep;
            }
            self.grow(span, &self.grown_d, T::ONE, d);
        }
        self.grow(span, &self.grown_w, T::from_f64(p.rate), w);
    }

    /// Adds what was summed up in Delta's place to an update.
    pub fn add_gathered(&self, span: &Span<T>, p: &Projection<T>, update: &mut Tensors<T>) {
        let range = self.first * p.cols..(self.first + self.rows) * p.cols;
        self.grow(span, &self.grown_d, T::from_f64(p.rate), &mut p.of_mut(update).data[range]);
    }

    /// m += scale (grown_x^T X + grown_y^T Y).
    fn grow(&self, span: &Span<T>, grown: &[T], scale: T, m: &mut [T]) {
        let (samples, cols) = (self.out.len() / self.rows, m.len() / self.rows);
        for (grown, values) in grown.chunks_exact(self.out.len()).zip([&span.x, &span.y]) {
            let (e, r) = (Rows::packed(grown, samples, self.rows), Rows::packed(values, samples, cols));
            add_outer_part(span.isa, e, r, scale, RowsMut::packed(m, self.rows, cols));
        }
    }

    /// Writes these rows of the weights as they are now; the presentation goes on.
    pub fn show(&self, span: &Span<T>, p: &Projection<T>, delta: Option<&Tensors<T>>, weights: &mut Tensors<T>) {
        let half = self.out.len();
        let samples = half / self.rows;
        let range = self.first * p.cols..(self.first + self.rows) * p.cols;
        let shown = &mut p.of_mut(weights).data[range.clone()];
        if let Some(delta) = delta {
            matvec::axpy(T::from_f64(p.rate * span.sw), &p.of(delta).data[range], shown);
        }
        let mut grown = self.grown_w.clone();
        if let Some((change, slot, power)) = span.pending {
            if change.moves {
                matvec::axpy(T::ONE, &self.grown_d, &mut grown);
            }
            for (along, grown) in [1.0, power].into_iter().zip(grown.chunks_exact_mut(half)) {
                let to_w = T::from_f64(change.to_weights * along / samples as f64);
                for (grown, e) in grown.chunks_exact_mut(self.rows).zip(p.errors[slot].chunks_exact(p.rows)) {
                    matvec::axpy(to_w, &e[self.first..self.first + self.rows], grown);
                }
            }
        }
        self.grow(span, &grown, T::from_f64(p.rate), shown);
    }
}
