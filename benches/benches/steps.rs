//! A presentation of 10 ms, 100 steps, in every way: what `apical` has for a net is chosen among these.

use apical::kernels::Isa;
use apical::solvers::euler::{Choice, Way};
use apical_benches::{Case, peer};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::time::Duration;

fn steps(c: &mut Criterion) {
    for (name, ways) in [
        ("30-20-10", &[Way::Reference, Way::Fused, Way::Blocks(32), Way::Batch][..]),
        ("4-120-3", &[Way::Reference, Way::Fused, Way::Blocks(32), Way::Batch]),
        ("784-500-500-10", &[Way::Reference, Way::Blocks(32), Way::Batch]),
    ] {
        let Some(mut case) = Case::named(name) else { continue };
        (case.timing.presentation, case.timing.lag, case.timing.window) = (10.0, 0.0, 0.0);
        let made = case.make::<f32>();
        let mut group = c.benchmark_group(format!("steps/{name}"));
        group.throughput(Throughput::Elements(case.steps() as u64));
        for &way in ways {
            let plan = case.plan::<f32>(Choice::Given(way), Isa::best());
            let (mut solver, mut weights, mut n) = (case.solver(plan), made.weights.clone(), 0);
            group.bench_function(BenchmarkId::from_parameter(plan), |b| {
                b.iter(|| {
                    n += 1;
                    peer::present(&case, &made, &mut weights, solver.as_mut(), n..n + 1).expect("rates are small");
                });
            });
        }
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .without_plots();
    targets = steps
}
criterion_main!(benches);
