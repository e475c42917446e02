//! What the machine can do, to hold times against: bytes it reads and writes, products it makes, with one thread.

use crate::Spread;
use crate::measure::Effort;
use apical::kernels::{Isa, Lanes, Mat, Product};
use pulp::{Simd, WithSimd};
use std::hint::black_box;
use std::time::Instant;

/// f32s in 7 MB, about as many as the weights of 784-500-500-10: more than a core's own cache holds.
const VALUES: usize = 7_000_000 / 4;

struct Sum<'a>(&'a [f32]);

impl WithSimd for Sum<'_> {
    type Output = f32;
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f32 {
        let (vectors, rest) = <f32 as Lanes>::split::<S>(self.0);
        let mut sums = [<f32 as Lanes>::splat(simd, 0.0); 8];
        let (eights, left) = vectors.as_chunks::<8>();
        for eight in eights {
            for (sum, &v) in sums.iter_mut().zip(eight) {
                *sum = <f32 as Lanes>::add(simd, *sum, v);
            }
        }
        for &v in left {
            sums[0] = <f32 as Lanes>::add(simd, sums[0], v);
        }
        let total = sums.into_iter().reduce(|a, b| <f32 as Lanes>::add(simd, a, b));
        total.map_or(0.0, |v| <f32 as Lanes>::sum(simd, v)) + rest.iter().sum::<f32>()
    }
}

struct Change<'a>(&'a mut [f32], f32);

impl WithSimd for Change<'_> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let keep = <f32 as Lanes>::splat(simd, self.1);
        let (vectors, rest) = <f32 as Lanes>::split_mut::<S>(self.0);
        for v in vectors {
            *v = <f32 as Lanes>::mul(simd, *v, keep);
        }
        rest.iter_mut().for_each(|x| *x *= self.1);
    }
}

/// Prints GB/s read, GB/s read and written back, and GFlop/s of products of 100 patterns.
pub fn print(effort: Effort) {
    let isa = Isa::best();
    println!("one thread, {}; medians of {} rounds (smallest to largest)", isa.name(), effort.rounds);
    for (values, what) in [(4_000, "16 kB"), (VALUES, "7 MB")] {
        let mut data = vec![1.0f32; values];
        let bytes = 4.0 * values as f64;
        let read = rate(effort, bytes, || {
            black_box(isa.run(Sum(black_box(&data))));
        });
        let changed = rate(effort, 2.0 * bytes, || isa.run(Change(black_box(&mut data), black_box(1.0))));
        println!("{what}: {read} GB/s read; {changed} GB/s read and written back, both counted");
    }
    let (rows, cols, samples) = (500, 784, 100);
    let w = Mat::from_fn(rows, cols, |i, j| ((i * 31 + j * 17) % 13) as f32 / 13.0 - 0.5);
    let r: Vec<f32> = (0..samples * cols).map(|n| (n * 7 % 11) as f32 / 11.0).collect();
    let mut v = vec![0.0; samples * rows];
    let product = Product::best();
    let flops = 2.0 * (rows * cols * samples) as f64;
    let ours = rate(effort, flops, || product.weighted_sum(black_box(&w), black_box(&r), &mut v));
    println!("product of {rows} x {cols} with {samples} patterns, {}: {ours} GFlop/s", product.name());
}

/// 1e9 units per second, where one call does `units`.
fn rate(effort: Effort, units: f64, mut call: impl FnMut()) -> Spread {
    let mut seconds = |calls: usize| {
        let began = Instant::now();
        (0..calls).for_each(|_| call());
        began.elapsed().as_secs_f64()
    };
    // As many as fit, found from below: a first call alone may take any time.
    let mut calls = 1;
    while seconds(calls) < effort.seconds {
        calls *= 2;
    }
    Spread::measured(effort.rounds, || units * calls as f64 / seconds(calls) * 1e-9)
}
