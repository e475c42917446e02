//! The twins against their references, on shapes that fit no tile, with all instruction sets that the CPU has.

use super::fold::fold_part;
use crate::kernels::rng::{Draws, Stream};
use crate::kernels::{Isa, Mat, Product, Real, Rows, RowsMut, matvec};

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
    let z = uniform::<T>(draws, samples * cols);
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

    let (mut new_w, mut new_d) = (w.clone(), delta.clone());
    match plan {
        Product::Plain => matvec::fold(&mut new_w, &mut new_d, x(0.25), x(0.75), &e, &r),
        Product::Fast(isa) => {
            let (e, r) = (Rows::packed(&e, samples, rows), Rows::packed(&r, samples, cols));
            fold_part(isa, ((&mut new_w).into(), (&mut new_d).into()), (x(0.25), x(0.75)), e, r);
        }
    }
    out.push(("fold, W", samples, new_w.data));
    out.push(("fold, Delta", samples, new_d.data));
    for keep in [0.0, 0.75] {
        let mut y = if keep == 0.0 { vec![x(f64::NAN); w.data.len()] } else { w.data.clone() };
        plan.combine(x(keep), &[(x(0.25), &delta.data), (x(-0.5), &w.data)], &mut y);
        out.push(("combine", 2, y));
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

/// The bits of everything that a product gives.
fn bits<T: Real>(values: &[T]) -> Vec<u64> {
    values.iter().map(|x| x.to_f64().to_bits()).collect()
}

fn sums_and_back<T: Real>(plan: Product, w: &Mat<T>, r: &[T], e: &[T]) -> (Vec<T>, Vec<T>) {
    let samples = r.len() / w.cols;
    let (mut v, mut z) = (vec![T::ZERO; samples * w.rows], vec![T::ZERO; samples * w.cols]);
    plan.weighted_sum(w, r, &mut v);
    plan.back_sum(w, e, &mut z);
    (v, z)
}

#[test]
fn a_sample_gives_the_same_bits_in_any_batch() {
    fn check<T: Real>() {
        let (rows, cols) = (37, 131);
        let draws = &mut Draws::new(8, Stream::Probe, 0);
        let w = matrix::<T>(draws, rows, cols);
        let (r, e) = (uniform::<T>(draws, 100 * cols), uniform::<T>(draws, 100 * rows));
        for isa in Isa::all() {
            let plan = Product::Fast(isa);
            let (v, z) = sums_and_back(plan, &w, &r, &e);
            for samples in [1, 2, 9, 10, 11] {
                let (v_few, z_few) = sums_and_back(plan, &w, &r[..samples * cols], &e[..samples * rows]);
                assert_eq!(bits(&v_few), bits(&v[..samples * rows]), "{samples} {}", isa.name());
                assert_eq!(bits(&z_few), bits(&z[..samples * cols]), "{samples} {}", isa.name());
            }
        }
    }
    check::<f32>();
    check::<f64>();
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    fn check<T: Real>() {
        // Large enough to be cut into jobs even at one sample.
        let (rows, cols) = (403, 389);
        for isa in Isa::all() {
            // The largest batch adds no other path; the plain set takes long for it.
            for samples in [1, 2, 9, 10, 11, 100].into_iter().filter(|&n| n < 100 || isa != Isa::PLAIN) {
                let everything = || all_products::<T>(Product::Fast(isa), (rows, cols, samples));
                let alone = everything();
                for threads in [1, 2, 3, 7] {
                    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
                    for ((name, _, a), (_, _, b)) in alone.iter().zip(pool.install(everything)) {
                        assert!(bits(a) == bits(&b), "{name}, {samples} samples, {threads} threads, {}", isa.name());
                    }
                }
            }
        }
    }
    check::<f32>();
    check::<f64>();
}

#[test]
fn what_is_not_finite_goes_where_the_reference_sends_it() {
    fn check<T: Real>() {
        let (rows, cols, samples) = (9, 35, 5);
        let draws = &mut Draws::new(9, Stream::Probe, 0);
        for strange in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            for at in [0, 3, 34] {
                let mut w = matrix::<T>(draws, rows, cols);
                let (r, mut e) = (uniform::<T>(draws, samples * cols), uniform::<T>(draws, samples * rows));
                w.data[2 * cols + at] = T::from_f64(strange);
                e[rows + 4] = T::from_f64(strange);
                let of = |plan: Product| {
                    let (v, z) = sums_and_back(plan, &w, &r, &e);
                    let mut g = w.clone();
                    plan.add_mean_outer(&e, &r, T::ONE, &mut g);
                    [v, z, g.data].concat()
                };
                // Not the value, which depends on the order, but its kind.
                let kind = |x: &T| (x.is_finite(), x.to_f64().is_nan(), !x.is_finite() && *x > T::ZERO);
                let plain: Vec<_> = of(Product::Plain).iter().map(kind).collect();
                for isa in Isa::all() {
                    assert_eq!(of(Product::Fast(isa)).iter().map(kind).collect::<Vec<_>>(), plain, "{}", isa.name());
                }
            }
        }
    }
    check::<f32>();
    check::<f64>();
}

#[test]
fn empty_matrices_are_refused() {
    let refuses = |work: fn(Product)| {
        for plan in [Product::Plain, Product::best()] {
            assert!(std::panic::catch_unwind(|| work(plan)).is_err());
        }
    };
    refuses(|plan| plan.weighted_sum(&Mat::<f32>::zeros(3, 0), &[], &mut [0.0; 3]));
    refuses(|plan| plan.weighted_sum(&Mat::<f32>::zeros(0, 3), &[0.0; 3], &mut []));
    refuses(|plan| plan.back_sum(&Mat::<f64>::zeros(0, 3), &[], &mut [0.0; 3]));
    refuses(|plan| plan.outer(&[], &[0.0], 1.0, 1.0, &mut Mat::<f64>::zeros(0, 1)));
}
