//! The twins against their references, on shapes that fit no tile, with all instruction sets that the CPU has.

use crate::kernels::rng::{Draws, Stream};
use crate::kernels::{Isa, Mat, Product, Real, Rows, RowsMut};

/// (rows, cols, samples): one cell, one column, one sample, odd sizes, around every tile's edge, and larger than any tile.
const SHAPES: [(usize, usize, usize); 15] = [
    (1, 1, 1),
    (1, 5, 1),
    (7, 1, 1),
    (5, 1, 3),
    (1, 17, 2),
    (3, 7, 2),
    (4, 16, 6),
    (5, 8, 9),
    (8, 64, 10),
    (17, 33, 10),
    (9, 67, 11),
    (64, 31, 13),
    (33, 130, 7),
    (10, 500, 100),
    (131, 257, 5),
];

fn uniform<T: Real>(draws: &mut Draws, n: usize) -> Vec<T> {
    (0..n).map(|_| T::from_f64(draws.uniform(-1.0, 1.0))).collect()
}

fn matrix<T: Real>(draws: &mut Draws, rows: usize, cols: usize) -> Mat<T> {
    Mat { rows, cols, data: uniform(draws, rows * cols) }
}

/// Two sums of at most `terms` products of numbers below 1, in different orders, differ by at most that many roundings of
/// partial sums below `terms`; in practice by their square root.
fn close<T: Real>(a: &[T], b: &[T], terms: usize, what: &str) {
    let epsilon = if T::NAME == "f32" { f64::from(f32::EPSILON) } else { f64::EPSILON };
    let tolerance = 2.0 * epsilon * (terms + 4) as f64 * ((terms + 4) as f64).sqrt();
    assert_eq!(a.len(), b.len());
    for (n, (a, b)) in a.iter().zip(b).enumerate() {
        let difference = (a.to_f64() - b.to_f64()).abs();
        assert!(difference <= tolerance, "{what}, value {n}: {a} {b}");
    }
}

/// Everything that a product can give, for one shape.
fn all_products<T: Real>(
    plan: Product,
    (rows, cols, samples): (usize, usize, usize),
) -> Vec<(&'static str, usize, Vec<T>)> {
    let draws = &mut Draws::new(7, Stream::Probe, (rows * 1_000_000 + cols * 1000 + samples) as u64);
    let (w, delta) = (matrix::<T>(draws, rows, cols), matrix::<T>(draws, rows, cols));
    let (r, e) = (uniform::<T>(draws, samples * cols), uniform::<T>(draws, samples * rows));
    let (z, e_w) = (uniform::<T>(draws, samples * cols), uniform::<T>(draws, samples * rows));
    let x = T::from_f64;
    let mut out = Vec::new();

    let mut v = vec![x(f64::NAN); samples * rows];
    plan.weighted_sum(&w, &r, &mut v);
    out.push(("weighted_sum", cols, v.clone()));
    if rows > 1 {
        // Every second row.
        let half = Rows { data: &w.data, rows: rows.div_ceil(2), cols, stride: 2 * cols };
        let place = RowsMut { data: &mut v, rows: samples, cols: half.rows, stride: rows };
        plan.weighted_sums(half, Rows::packed(&r, samples, cols), x(0.5), x(-1.0), place);
        out.push(("weighted_sums over rows with gaps", cols, v.to_vec()));
    }
    for backwards in [false, true] {
        let (mut v, mut d) = (vec![x(f64::NAN); rows], vec![x(f64::NAN); rows]);
        plan.dual_sum(&w, &delta, &r[..cols], &mut v, &mut d, backwards);
        out.push(("dual_sum, W", cols, v));
        out.push(("dual_sum, Delta", cols, d));
    }
    let mut back = vec![x(f64::NAN); samples * cols];
    plan.back_sum(&w, &e, &mut back);
    out.push(("back_sum", rows, back));
    let mut back = z.clone();
    let place = RowsMut::packed(&mut back, samples, cols);
    plan.back_sums(Rows::from(&w), Rows::packed(&e, samples, rows), x(-0.75), x(0.5), place);
    out.push(("back_sums", rows, back));

    for keep in [0.0, 0.75, 1.0] {
        let mut g = if keep == 0.0 { Mat::from_fn(rows, cols, |_, _| x(f64::NAN)) } else { w.clone() };
        plan.outer(&e, &r, x(0.5), x(keep), &mut g);
        out.push(("outer", samples, g.data));
    }
    let mut g = w.clone();
    plan.add_mean_outer(&e, &r, x(-2.0), &mut g);
    out.push(("add_mean_outer", samples, g.data));

    for e_w in [None, Some(&e_w[..])] {
        let (mut w, mut delta) = (w.clone(), delta.clone());
        plan.fold(&mut w, &mut delta, x(0.25), e_w, x(0.75), &e, &r);
        out.push(("fold, W", samples, w.data));
        out.push(("fold, Delta", samples, delta.data));
    }
    let mut y = w.data;
    plan.axpy(x(0.25), &delta.data, &mut y);
    out.push(("axpy", 1, y));
    out
}

fn agree<T: Real>() {
    for shape in SHAPES {
        let plain = all_products::<T>(Product::Plain, shape);
        for isa in Isa::all() {
            for ((name, terms, plain), (_, _, fast)) in plain.iter().zip(all_products::<T>(Product::Fast(isa), shape)) {
                close(plain, &fast, *terms, &format!("{name} {shape:?} {} {}", T::NAME, isa.name()));
            }
        }
    }
}

#[test]
fn all_instruction_sets_agree_with_the_reference() {
    agree::<f32>();
    agree::<f64>();
}
