//! Products of each instruction set beside the plain reference; rates; normals.

use apical::kernels::rng::{Stream, fill_normals};
use apical::kernels::{Activation, Isa, Mat, Product};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::time::Duration;

/// Rows, columns, patterns: layers of the small nets and of the MNIST net.
const SHAPES: [(usize, usize, usize); 4] = [(20, 30, 1), (500, 784, 1), (500, 784, 10), (500, 784, 100)];

fn products(c: &mut Criterion) {
    let mut group = c.benchmark_group("products");
    for (rows, cols, samples) in SHAPES {
        let mut w = Mat::from_fn(rows, cols, |i, j| ((i * 31 + j * 17) % 13) as f32 / 13.0 - 0.5);
        let r: Vec<f32> = (0..samples * cols).map(|n| (n * 7 % 11) as f32 / 11.0).collect();
        let e: Vec<f32> = (0..samples * rows).map(|n| (n * 5 % 7) as f32 / 7.0 - 0.5).collect();
        let mut v = vec![0.0; samples * rows];
        let mut z = vec![0.0; samples * cols];
        let shape = format!("{rows}x{cols}, {samples}");
        group.throughput(Throughput::Elements((rows * cols * samples) as u64));
        let ways = Isa::all().into_iter().map(|isa| (isa.name(), Product::Fast(isa)));
        for (name, product) in [("reference", Product::Plain)].into_iter().chain(ways) {
            let id = |what: &str| BenchmarkId::new(format!("{what}/{name}"), &shape);
            group.bench_function(id("W r"), |b| b.iter(|| product.weighted_sum(&w, &r, &mut v)));
            group.bench_function(id("W^T e"), |b| b.iter(|| product.back_sum(&w, &e, &mut z)));
            group.bench_function(id("e r^T"), |b| b.iter(|| product.add_mean_outer(&e, &r, 1e-9, &mut w)));
        }
    }
    group.finish();
}

fn rates(c: &mut Criterion) {
    let mut group = c.benchmark_group("rates");
    let u: Vec<f32> = (0..1000).map(|n| (n % 37) as f32 * 0.2 - 3.6).collect();
    let mut r = vec![0.0; u.len()];
    group.throughput(Throughput::Elements(u.len() as u64));
    for phi in Activation::ALL {
        group.bench_function(phi.name(), |b| b.iter(|| phi.rates(&u, &mut r)));
    }
    group.finish();
}

fn normals(c: &mut Criterion) {
    let mut group = c.benchmark_group("normals");
    for count in [10, 1000] {
        let mut out = vec![0.0; count];
        let mut step = 0;
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(BenchmarkId::from_parameter(count), |b| {
            b.iter(|| {
                step += 1;
                fill_normals(1, Stream::Probe, step, &mut out);
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(500))
        .without_plots();
    targets = products, rates, normals
}
criterion_main!(benches);
