//! Sums over the rows of a weight matrix that stands still for some steps, and the changes that are then folded into it,
//! in one pass over memory. Twins of [`super::matvec`]: equal up to the order of the sums.
//!
//! Matrices come in tiles of [`TILE`] rows of one [`Padded`]. A tile stays in the nearest cache while it is changed and
//! read by all samples. What it won: at one sample a big net is bound by the memory it reads.

pub use super::fast::fold::fold_part;
use super::fast::{By, back, outer, sums};
use super::padded::Padded;
use super::{Isa, Lanes, Real, Rows, RowsMut};
use pulp::{Simd, WithSimd};

/// V = R W^T on the calling thread; see [`super::Product::weighted_sums`].
pub fn sum_part<T: Real>(isa: Isa, w: Rows<'_, T>, r: Rows<'_, T>, v: RowsMut<'_, T>) {
    sums::weighted_sum(By { isa, pool: false }, w, r, T::ONE, T::ZERO, v);
}

/// Z += scale E W on the calling thread; see [`super::Product::back_sums`].
pub fn add_back_part<T: Real>(isa: Isa, w: Rows<'_, T>, e: Rows<'_, T>, scale: T, z: RowsMut<'_, T>) {
    back::back_sum(By { isa, pool: false }, w, e, scale, T::ONE, z);
}

/// G += scale E^T R on the calling thread; see [`super::Product::outers`].
pub fn add_outer_part<T: Real>(isa: Isa, e: Rows<'_, T>, r: Rows<'_, T>, scale: T, g: RowsMut<'_, T>) {
    outer::outer(By { isa, pool: false }, e, r, scale, T::ONE, g);
}

/// Rows that are computed together; matrices have a multiple of it.
pub const TILE: usize = 4;

/// Samples, or entries of the history, whose rates are read together.
const GROUP: usize = 4;

/// What is folded into W and Delta before they are read: W += old * Delta + sum_s to_w_s r_s^T, then
/// Delta = keep * Delta + sum_s to_d_s r_s^T; s counts the samples of all steps in the history.
pub struct Fold<'a, T> {
    /// Presynaptic rates: a matrix (samples x cols) for each step.
    pub history: &'a [Padded<T>],
    /// Samples per step.
    pub samples: usize,
    /// Share of the old Delta that reaches W.
    pub old: T,
    /// What is left of Delta.
    pub keep: T,
    /// Factors into W: `rows` values for each entry of the history; may be fewer entries than the history has.
    pub to_w: &'a [T],
    /// Factors into Delta, alike.
    pub to_d: &'a [T],
}

/// A matrix and the order in which it is passed.
pub struct Passed<'a, T> {
    /// W.
    pub w: &'a mut Padded<T>,
    /// Delta, of the same shape; without rows if there is none.
    pub d: &'a mut Padded<T>,
    /// Last tile first: what a pass read last is still near when the next one begins.
    pub backwards: bool,
}

impl<T: Real> Passed<'_, T> {
    /// Folds, then v = (W + s Delta) r for each sample: `r` is samples x cols, `out` is samples x rows. With an empty
    /// `out` it only folds.
    pub fn pass(self, isa: Isa, fold: Option<&Fold<'_, T>>, s: T, r: &Padded<T>, out: &mut [T]) {
        debug_assert_eq!(self.w.all().len() % (TILE * self.w.stride()), 0);
        isa.run(Pass { rows: self, fold, s, r, out });
    }
}

struct Pass<'a, 'b, T> {
    rows: Passed<'a, T>,
    fold: Option<&'b Fold<'b, T>>,
    s: T,
    r: &'b Padded<T>,
    out: &'b mut [T],
}

impl<T: Real> WithSimd for Pass<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Pass { rows: Passed { w, d, backwards }, fold, s, r, out } = self;
        let (stride, width) = (w.stride(), w.width());
        let has_d = !d.is_empty();
        let rows = w.all().len() / stride;
        let tiles = rows / TILE;
        let (w, d) = (w.all_mut(), d.all_mut());
        for tile in 0..tiles {
            let tile = if backwards { tiles - 1 - tile } else { tile };
            let span = tile * TILE * stride..(tile + 1) * TILE * stride;
            let w = &mut w[span.clone()];
            let d = if has_d { &mut d[span] } else { &mut [] };
            if let Some(fold) = fold {
                fold_tile(simd, fold, (stride, width), (tile * TILE, rows), w, d);
            }
            if out.is_empty() {
                continue;
            }
            let reads_d = has_d && s != T::ZERO;
            let mut b = 0;
            while b * rows < out.len() {
                let count = (out.len() / rows - b).min(GROUP);
                let r = &r.all()[b * stride..(b + count) * stride];
                let out = &mut out[b * rows + tile * TILE..];
                match (count, reads_d) {
                    (1, false) => dots::<S, T, 1, false>(simd, (stride, width), w, d, s, r, rows, out),
                    (2, false) => dots::<S, T, 2, false>(simd, (stride, width), w, d, s, r, rows, out),
                    (3, false) => dots::<S, T, 3, false>(simd, (stride, width), w, d, s, r, rows, out),
                    (_, false) => dots::<S, T, GROUP, false>(simd, (stride, width), w, d, s, r, rows, out),
                    (1, true) => dots::<S, T, 1, true>(simd, (stride, width), w, d, s, r, rows, out),
                    (2, true) => dots::<S, T, 2, true>(simd, (stride, width), w, d, s, r, rows, out),
                    (3, true) => dots::<S, T, 3, true>(simd, (stride, width), w, d, s, r, rows, out),
                    (_, true) => dots::<S, T, GROUP, true>(simd, (stride, width), w, d, s, r, rows, out),
                }
                b += count;
            }
        }
    }
}

/// The vectors of `N` rows.
#[inline(always)]
fn vectors<S: Simd, T: Real, const N: usize>(x: &[T], stride: usize) -> [&[T::Vector<S>]; N] {
    std::array::from_fn(|i| T::split::<S>(&x[i * stride..(i + 1) * stride]).0)
}

/// The vectors of a tile's rows, to change.
#[inline(always)]
fn vectors_mut<S: Simd, T: Real>(x: &mut [T], stride: usize) -> [&mut [T::Vector<S>]; TILE] {
    let (x01, x23) = x.split_at_mut(2 * stride);
    let ((x0, x1), (x2, x3)) = (x01.split_at_mut(stride), x23.split_at_mut(stride));
    [x0, x1, x2, x3].map(|row| T::split_mut::<S>(row).0)
}

/// out_{b,i} = sum_j (w_ij + s d_ij) r_bj for the rows of a tile and `N` samples.
#[inline(always)]
fn dots<S: Simd, T: Real, const N: usize, const DELTA: bool>(
    simd: S,
    (stride, width): (usize, usize),
    w: &[T],
    d: &[T],
    s: T,
    r: &[T],
    rows: usize,
    out: &mut [T],
) {
    let n = width / T::count::<S>();
    let w = vectors::<S, T, TILE>(w, stride).map(|row| &row[..n]);
    let d = if DELTA { vectors::<S, T, TILE>(d, stride).map(|row| &row[..n]) } else { w };
    let r = vectors::<S, T, N>(r, stride).map(|row| &row[..n]);
    let s = T::splat(simd, s);
    let mut sums = [[T::splat(simd, T::ZERO); TILE]; N];
    for j in 0..n {
        let mut m = [s; TILE];
        for i in 0..TILE {
            m[i] = if DELTA { T::mul_add(simd, s, d[i][j], w[i][j]) } else { w[i][j] };
        }
        for b in 0..N {
            let x = r[b][j];
            for i in 0..TILE {
                sums[b][i] = T::mul_add(simd, m[i], x, sums[b][i]);
            }
        }
    }
    for b in 0..N {
        for i in 0..TILE {
            out[b * rows + i] = <T as Lanes>::sum(simd, sums[b][i]);
        }
    }
}

/// Folds the history into a tile, a few entries at a time.
#[inline(always)]
fn fold_tile<S: Simd, T: Real>(
    simd: S,
    fold: &Fold<'_, T>,
    (stride, width): (usize, usize),
    (first, rows): (usize, usize),
    w: &mut [T],
    d: &mut [T],
) {
    let entries = |factors: &[T]| factors.len() / rows;
    let (in_w, in_d) = (entries(fold.to_w), entries(fold.to_d));
    let (mut old, mut keep) = (fold.old, fold.keep);
    let all = in_w.max(in_d);
    let mut at = 0;
    loop {
        let count = (all - at).min(GROUP);
        let of = |factors: &[T], g: usize| -> [T; TILE] {
            let from = (at + g) * rows + first;
            std::array::from_fn(|i| factors.get(from + i).copied().unwrap_or(T::ZERO))
        };
        let rates = |g: usize| -> &[T] {
            let (step, b) = ((at + g) / fold.samples, (at + g) % fold.samples);
            &fold.history[step].all()[b * stride..(b + 1) * stride]
        };
        macro_rules! group {
            ($n:literal) => {{
                let r: [&[T]; $n] = std::array::from_fn(rates);
                let to_w: [[T; TILE]; $n] = std::array::from_fn(|g| of(fold.to_w, g));
                let to_d: [[T; TILE]; $n] = std::array::from_fn(|g| of(fold.to_d, g));
                let moves = at < in_w || old != T::ZERO;
                match (d.is_empty(), moves) {
                    (true, _) => {
                        fold_group::<S, T, $n, true, false>(simd, (stride, width), w, d, r, to_w, to_d, old, keep)
                    }
                    (_, true) => {
                        fold_group::<S, T, $n, true, true>(simd, (stride, width), w, d, r, to_w, to_d, old, keep)
                    }
                    (_, false) => {
                        fold_group::<S, T, $n, false, true>(simd, (stride, width), w, d, r, to_w, to_d, old, keep)
                    }
                }
            }};
        }
        match count {
            0 => group!(0),
            1 => group!(1),
            2 => group!(2),
            3 => group!(3),
            _ => group!(4),
        }
        at += count;
        if at >= all {
            break;
        }
        (old, keep) = (T::ZERO, T::ONE);
    }
}

/// W += old Delta + sum_g to_w_g r_g^T, Delta = keep Delta + sum_g to_d_g r_g^T for the rows of a tile.
#[inline(always)]
fn fold_group<S: Simd, T: Real, const N: usize, const W: bool, const D: bool>(
    simd: S,
    (stride, width): (usize, usize),
    w: &mut [T],
    d: &mut [T],
    r: [&[T]; N],
    to_w: [[T; TILE]; N],
    to_d: [[T; TILE]; N],
    old: T,
    keep: T,
) {
    let n = width / T::count::<S>();
    let r = r.map(|row| &T::split::<S>(row).0[..n]);
    let (old, keep) = (T::splat(simd, old), T::splat(simd, keep));
    // Loops, not `map`: a closure is compiled without the instruction set.
    let (mut in_w, mut in_d) = ([[old; TILE]; N], [[old; TILE]; N]);
    for g in 0..N {
        for i in 0..TILE {
            in_w[g][i] = T::splat(simd, to_w[g][i]);
            in_d[g][i] = T::splat(simd, to_d[g][i]);
        }
    }
    if W && D {
        let w = vectors_mut::<S, T>(w, stride).map(|row| &mut row[..n]);
        let d = vectors_mut::<S, T>(d, stride).map(|row| &mut row[..n]);
        for j in 0..n {
            // Read once: the compiler does not know that what is written below is something else.
            let mut rates = [old; N];
            for g in 0..N {
                rates[g] = r[g][j];
            }
            for i in 0..TILE {
                let delta = d[i][j];
                let mut x = T::mul_add(simd, old, delta, w[i][j]);
                let mut y = <T as Lanes>::mul(simd, keep, delta);
                for g in 0..N {
                    x = T::mul_add(simd, in_w[g][i], rates[g], x);
                    y = T::mul_add(simd, in_d[g][i], rates[g], y);
                }
                w[i][j] = x;
                d[i][j] = y;
            }
        }
    } else {
        // One of the two alone.
        let x = vectors_mut::<S, T>(if D { d } else { w }, stride).map(|row| &mut row[..n]);
        let factors = if D { in_d } else { in_w };
        for j in 0..n {
            let mut rates = [old; N];
            for g in 0..N {
                rates[g] = r[g][j];
            }
            for i in 0..TILE {
                let mut y = if D { <T as Lanes>::mul(simd, keep, x[i][j]) } else { x[i][j] };
                for g in 0..N {
                    y = T::mul_add(simd, factors[g][i], rates[g], y);
                }
                x[i][j] = y;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::matvec::dot;
    use super::*;

    fn padded<T: Real>(rows: usize, cols: usize, seed: usize) -> Padded<T> {
        let mut m = Padded::zeros(rows, cols);
        let value = |n: usize| T::from_f64(((n * 29 + seed * 31) % 23) as f64 / 23.0 - 0.5);
        m.rows_mut().flatten().enumerate().for_each(|(n, x)| *x = value(n));
        m
    }

    fn agree<T: Real>(tolerance: f64) {
        let near = |a: T, b: T| (a.to_f64() - b.to_f64()).abs() < tolerance;
        for isa in Isa::all() {
            for (rows, cols, samples, steps) in
                [(4, 1, 1, 1), (8, 17, 2, 3), (12, 33, 3, 2), (4, 16, 5, 1), (8, 500, 9, 7)]
            {
                for (with_d, entries_w, backwards) in [
                    (true, steps * samples, false),
                    (true, (steps - 1) * samples, true),
                    (false, steps * samples, true),
                ] {
                    let (mut w, mut d) = (padded::<T>(rows, cols, 1), padded::<T>(rows, cols, 2));
                    let history: Vec<_> = (0..steps).map(|s| padded::<T>(samples, cols, 3 + s)).collect();
                    let factors = padded::<T>(steps * samples, rows, 50);
                    let factors: Vec<T> = factors.rows().flatten().copied().collect();
                    let (to_w, to_d) =
                        (&factors[..entries_w * rows], &factors[..if with_d { factors.len() } else { 0 }]);
                    let (old, keep, s) = (T::from_f64(0.3), T::from_f64(0.9), T::from_f64(-0.4));
                    let old = if with_d { old } else { T::ZERO };
                    let (mut slow_w, mut slow_d) = (w.clone(), d.clone());
                    for (i, (w, d)) in slow_w.rows_mut().zip(slow_d.rows_mut()).enumerate() {
                        for j in 0..cols {
                            w[j] += old * d[j];
                            d[j] *= keep;
                            for (n, r) in history.iter().flat_map(|h| h.rows()).enumerate() {
                                w[j] += to_w.get(n * rows + i).map_or(T::ZERO, |&c| c * r[j]);
                                d[j] += to_d.get(n * rows + i).map_or(T::ZERO, |&c| c * r[j]);
                            }
                        }
                    }
                    let fold = Fold { history: &history, samples, old, keep, to_w, to_d };
                    let r = padded::<T>(samples, cols, 99);
                    let mut out = vec![T::ZERO; samples * rows];
                    if !with_d {
                        d = Padded::default();
                    }
                    Passed { w: &mut w, d: &mut d, backwards }.pass(isa, Some(&fold), s, &r, &mut out);
                    // Sums of at most 500 terms of size 1/4.
                    assert!(w.all().iter().zip(slow_w.all()).all(|(&a, &b)| near(a, b)));
                    assert!(d.all().iter().zip(slow_d.all()).all(|(&a, &b)| near(a, b)));
                    for (b, r) in r.rows().enumerate() {
                        for (i, (w, d)) in slow_w.rows().zip(slow_d.rows()).enumerate() {
                            let expected = dot(w, r) + if with_d { s * dot(d, r) } else { T::ZERO };
                            assert!(near(out[b * rows + i], expected), "{} {rows} {cols} {samples}", isa.name());
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_pass_agrees_with_plain_loops() {
        agree::<f64>(1e-12);
        agree::<f32>(1e-3);
    }
}
