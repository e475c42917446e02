//! Weights of the smallest nets with changes of low rank that wait: W + c D + sum_n a_n e_n r_n^T is read without being made,
//! and folded into W and D now and then. Where few changes wait a product of two short rows is cheaper than a pass over the
//! weights. Twins of [`super::matvec::weighted_sum`] and of sums of [`super::matvec::outer`].

use super::aligned::Aligned;
use super::lay::Lay;
use super::{Lanes, Mat, Real};
use pulp::Simd;

/// Changes that may wait.
pub const RANK: usize = 16;

/// A number for each change that waits.
pub type Waiting<T> = [T; RANK];

/// Errors and rates of the changes that wait: change n in row n, populations at fixed places, filled up with zeros.
#[derive(Clone, Copy)]
pub struct Changes<'a, T> {
    /// All rows.
    pub rows: &'a [T],
    /// From one row to the next.
    pub stride: usize,
    /// How many wait.
    pub count: usize,
}

impl<'a, T> Changes<'a, T> {
    /// The values of change `n` from place `at` on.
    #[inline(always)]
    pub fn part(&self, n: usize, at: usize, length: usize) -> &'a [T] {
        &self.rows[n * self.stride + at..][..length]
    }
}

/// What becomes of W and D: W += c D + sum_n to_w_n e_n r_n^T, D = keep D + sum_n to_d_n e_n r_n^T.
#[derive(Clone, Copy, Debug)]
pub struct Fold<T> {
    /// Share of D that reaches W.
    pub c: T,
    /// What is left of D.
    pub keep: T,
    /// Of each change to W.
    pub to_w: Waiting<T>,
    /// Of each change to D.
    pub to_d: Waiting<T>,
}

/// Weights W and D of one projection, in vectors.
#[derive(Debug)]
pub struct Ranked<T> {
    lay: Lay,
    w: Aligned<T>,
    d: Aligned<T>,
}

impl<T: Real> Clone for Ranked<T> {
    fn clone(&self) -> Self {
        Ranked { w: self.w.clone(), d: self.d.clone(), lay: self.lay }
    }
}

impl<T: Real> Ranked<T> {
    /// Room for a projection onto `post` from `pre` cells in vectors of `lanes`, lying so that fewest vectors are needed.
    pub fn new(post: usize, pre: usize, lanes: usize) -> Self {
        let lay = Lay::new(post, pre, lanes);
        Ranked { lay, w: Aligned::zeros(lay.size()), d: Aligned::zeros(lay.size()) }
    }

    /// Takes W (post x pre).
    pub fn take_weights(&mut self, w: &Mat<T>) {
        let mut to = std::mem::take(&mut self.w);
        self.lay.pack(w, &mut to);
        self.w = to;
    }

    /// Takes D (post x pre), or zeros.
    pub fn take_delta(&mut self, d: Option<&Mat<T>>) {
        let mut to = std::mem::take(&mut self.d);
        match d {
            Some(d) => self.lay.pack(d, &mut to),
            None => to.fill(T::ZERO),
        }
        self.d = to;
    }

    /// Gives back W.
    pub fn give_weights(&self, w: &mut Mat<T>) {
        self.lay.unpack(&self.w, |at, x| w.data[at] = x);
    }

    /// Gives back D.
    pub fn give_delta(&self, d: &mut Mat<T>) {
        self.lay.unpack(&self.d, |at, x| d.data[at] = x);
    }

    /// to += c D.
    pub fn add_delta(&self, c: T, to: &mut Mat<T>) {
        self.lay.unpack(&self.d, |at, x| to.data[at] += c * x);
    }
}

// Without `Real`, whose operators have the names of those of `Lanes`.
impl<T: Lanes + Default> Ranked<T> {
    /// v = (W + c D) r, or W r without `c`. All slices are padded to whole vectors with zeros.
    #[inline(always)]
    pub fn read<S: Simd>(&self, simd: S, c: Option<T>, r: &[T], v: &mut [T]) {
        match c {
            None => self.read_as::<S, false>(simd, T::default(), r, v),
            Some(c) => self.read_as::<S, true>(simd, c, r, v),
        }
    }

    #[inline(always)]
    fn read_as<S: Simd, const BOTH: bool>(&self, simd: S, c: T, r: &[T], v: &mut [T]) {
        let ((w, _), (d, _)) = (T::split::<S>(&self.w), T::split::<S>(&self.d));
        let (c, zero) = (T::splat(simd, c), T::splat(simd, T::default()));
        let both = |w, d| if BOTH { T::mul_add(simd, c, d, w) } else { w };
        if self.lay.along_post {
            let (v, _) = T::split_mut::<S>(v);
            let r = &r[..self.lay.pre];
            for (v, (w, d)) in v.iter_mut().zip(w.chunks_exact(self.lay.pre).zip(d.chunks_exact(self.lay.pre))) {
                // Four sums, so that one multiplication need not wait for the last.
                let mut sums = [zero; 4];
                let ((fours, rest), (d_fours, d_rest)) = (w.as_chunks::<4>(), d.as_chunks::<4>());
                let (r_fours, r_rest) = r.as_chunks::<4>();
                for ((w, d), r) in fours.iter().zip(d_fours).zip(r_fours) {
                    for n in 0..4 {
                        sums[n] = T::mul_add(simd, both(w[n], d[n]), T::splat(simd, r[n]), sums[n]);
                    }
                }
                for ((&w, &d), &r) in rest.iter().zip(d_rest).zip(r_rest) {
                    sums[0] = T::mul_add(simd, both(w, d), T::splat(simd, r), sums[0]);
                }
                *v = T::add(simd, T::add(simd, sums[0], sums[1]), T::add(simd, sums[2], sums[3]));
            }
        } else {
            let (r, _) = T::split::<S>(r);
            let r = &r[..self.lay.pre.div_ceil(self.lay.lanes)];
            let rows = w.chunks_exact(r.len()).zip(d.chunks_exact(r.len()));
            for (v, (w, d)) in v.iter_mut().zip(rows) {
                let mut sum = zero;
                for ((&w, &d), &r) in w.iter().zip(d).zip(r) {
                    sum = T::mul_add(simd, both(w, d), r, sum);
                }
                *v = T::sum(simd, sum);
            }
        }
    }

    /// Folds changes into W and D: their errors begin at place `e`, their rates at place `r` of each row.
    #[inline(always)]
    pub fn fold<S: Simd>(&mut self, simd: S, fold: &Fold<T>, changes: Changes<'_, T>, (e, r): (usize, usize)) {
        let lanes = T::count::<S>();
        let (post, pre) = (self.lay.post.next_multiple_of(lanes), self.lay.pre.next_multiple_of(lanes));
        let zero = T::splat(simd, T::default());
        let (c, keep) = (T::splat(simd, fold.c), T::splat(simd, fold.keep));
        let (w, _) = T::split_mut::<S>(&mut self.w);
        let (d, _) = T::split_mut::<S>(&mut self.d);
        let (mut to_w, mut to_d) = ([zero; RANK], [zero; RANK]);
        if self.lay.along_post {
            for (q, (w, d)) in w.chunks_exact_mut(self.lay.pre).zip(d.chunks_exact_mut(self.lay.pre)).enumerate() {
                for n in 0..changes.count {
                    let e = T::split::<S>(changes.part(n, e, post)).0[q];
                    to_w[n] = T::mul(simd, T::splat(simd, fold.to_w[n]), e);
                    to_d[n] = T::mul(simd, T::splat(simd, fold.to_d[n]), e);
                }
                for (p, (w, d)) in w.iter_mut().zip(d).enumerate() {
                    let (mut new_w, mut new_d) = (T::mul_add(simd, c, *d, *w), T::mul(simd, keep, *d));
                    for n in 0..changes.count {
                        let r = T::splat(simd, changes.rows[n * changes.stride + r + p]);
                        new_w = T::mul_add(simd, to_w[n], r, new_w);
                        new_d = T::mul_add(simd, to_d[n], r, new_d);
                    }
                    (*w, *d) = (new_w, new_d);
                }
            }
        } else {
            let per_row = pre / lanes;
            for (i, (w, d)) in w.chunks_exact_mut(per_row).zip(d.chunks_exact_mut(per_row)).enumerate() {
                for n in 0..changes.count {
                    let e = T::splat(simd, changes.part(n, e, post)[i]);
                    to_w[n] = T::mul(simd, T::splat(simd, fold.to_w[n]), e);
                    to_d[n] = T::mul(simd, T::splat(simd, fold.to_d[n]), e);
                }
                for (p, (w, d)) in w.iter_mut().zip(d).enumerate() {
                    let (mut new_w, mut new_d) = (T::mul_add(simd, c, *d, *w), T::mul(simd, keep, *d));
                    for n in 0..changes.count {
                        let r = T::split::<S>(changes.part(n, r, pre)).0[p];
                        new_w = T::mul_add(simd, to_w[n], r, new_w);
                        new_d = T::mul_add(simd, to_d[n], r, new_d);
                    }
                    (*w, *d) = (new_w, new_d);
                }
            }
        }
    }
}

/// r_n . r for each change that waits, whose rates begin at place `at`; `r` is padded with zeros.
#[inline(always)]
pub fn dots<T: Lanes, S: Simd>(simd: S, changes: Changes<'_, T>, at: usize, r: &[T], out: &mut Waiting<T>) {
    let whole = T::split::<S>(r).0;
    for n in 0..changes.count {
        let mut sum = T::mul(simd, whole[0], T::split::<S>(changes.part(n, at, r.len())).0[0]);
        for (&a, &b) in whole.iter().zip(T::split::<S>(changes.part(n, at, r.len())).0).skip(1) {
            sum = T::mul_add(simd, a, b, sum);
        }
        out[n] = T::sum(simd, sum);
    }
}

/// v += sum_n f_n e_n, whose errors begin at place `at`.
#[inline(always)]
pub fn add_errors<T: Lanes, S: Simd>(simd: S, changes: Changes<'_, T>, at: usize, f: &Waiting<T>, v: &mut [T]) {
    let length = v.len();
    for (q, v) in T::split_mut::<S>(v).0.iter_mut().enumerate() {
        let mut sum = *v;
        for (n, &f) in f.iter().enumerate().take(changes.count) {
            let e = T::split::<S>(changes.part(n, at, length)).0[q];
            sum = T::mul_add(simd, T::splat(simd, f), e, sum);
        }
        *v = sum;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::Isa;
    use pulp::WithSimd;

    struct Both<'a> {
        ranked: &'a mut Ranked<f64>,
        fold: &'a Fold<f64>,
        changes: Changes<'a, f64>,
        r_at: usize,
        r: &'a [f64],
        /// W r with the changes that wait, and after they have been folded.
        v: [&'a mut [f64]; 2],
    }

    impl WithSimd for Both<'_> {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            let [waiting, folded] = self.v;
            self.ranked.read(simd, Some(self.fold.c), self.r, waiting);
            let mut f = [0.0; RANK];
            dots(simd, self.changes, self.r_at, self.r, &mut f);
            f.iter_mut().zip(&self.fold.to_w).for_each(|(f, a)| *f *= a);
            add_errors(simd, self.changes, 0, &f, waiting);
            self.ranked.fold(simd, self.fold, self.changes, (0, self.r_at));
            self.ranked.read(simd, None, self.r, folded);
        }
    }

    fn row(cells: usize, seed: f64) -> Vec<f64> {
        (0..cells.next_multiple_of(16)).map(|i| if i < cells { (seed + i as f64).sin() } else { 0.0 }).collect()
    }

    #[test]
    fn changes_count_whether_they_wait_or_not() {
        for isa in Isa::all() {
            for (post, pre) in [(1, 1), (1, 40), (40, 1), (10, 20), (3, 120), (120, 3), (7, 5), (17, 33), (16, 16)] {
                for count in [0, 1, 5, RANK] {
                    let mut w = Mat::from_fn(post, pre, |i, j| ((i * 7 + j * 3) as f64).sin());
                    let mut d = Mat::from_fn(post, pre, |i, j| ((i * 5 + j * 11) as f64).cos());
                    let each = |n: usize| [row(post, 0.1 + n as f64), row(pre, 0.2 - n as f64)].concat();
                    let rows: Vec<f64> = (0..count).flat_map(each).collect();
                    let r_at = post.next_multiple_of(16);
                    let changes = Changes { rows: &rows, stride: r_at + pre.next_multiple_of(16), count };
                    let (to_w, to_d) =
                        (std::array::from_fn(|n| 0.1 * n as f64), std::array::from_fn(|n| 1.0 - n as f64));
                    let fold = Fold { c: 0.3, keep: 0.9, to_w, to_d };
                    let mut ranked = Ranked::new(post, pre, isa.lanes::<f64>());
                    ranked.take_weights(&w);
                    ranked.take_delta(Some(&d));
                    let (r, mut waiting, mut folded) = (row(pre, 0.3), row(post, 9.0), row(post, 9.0));
                    let v = [&mut waiting[..], &mut folded[..]];
                    isa.run(Both { ranked: &mut ranked, fold: &fold, changes, r_at, r: &r, v });
                    for i in 0..post {
                        let mut sum = 0.0;
                        for j in 0..pre {
                            let (w, d) = (&mut w.data[i * pre + j], &mut d.data[i * pre + j]);
                            *w += fold.c * *d;
                            *d *= fold.keep;
                            for n in 0..count {
                                let rule = changes.part(n, 0, post)[i] * changes.part(n, r_at, pre)[j];
                                *w += to_w[n] * rule;
                                *d += to_d[n] * rule;
                            }
                            sum += *w * r[j];
                        }
                        // Sums of up to 120 terms of up to 16.
                        for v in [&waiting, &folded] {
                            assert!((v[i] - sum).abs() < 1e-11, "{} {post}x{pre} {count}", isa.name());
                        }
                    }
                    let (mut w_out, mut d_out) = (Mat::zeros(post, pre), Mat::zeros(post, pre));
                    ranked.give_weights(&mut w_out);
                    ranked.give_delta(&mut d_out);
                    let pairs = w.data.iter().zip(&w_out.data).chain(d.data.iter().zip(&d_out.data));
                    assert!(pairs.into_iter().all(|(a, b)| (a - b).abs() < 1e-12), "{} {post}x{pre}", isa.name());
                }
            }
        }
    }
}
