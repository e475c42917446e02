//! One presentation by each solver, with the plan that `apical` chooses.

use apical::circuit::params::Network;
use apical::solvers::euler::Choice;
use apical::solvers::{self, NoFixedPoint, Nobody, Outcome, Solver, Spec};
use apical_benches::Case;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::time::Duration;

const BOUND: f64 = 1e6;

fn presentations(c: &mut Criterion) {
    for (name, batches) in [("30-20-10", [1, 10]), ("784-500-500-10", [1, 10])] {
        for batch in batches {
            let Some(case) = Case::named(name).map(|case| Case { batch, ..case }) else { continue };
            let made = case.make::<f32>();
            let mut group = c.benchmark_group(format!("presentations/{name}"));
            group.throughput(Throughput::Elements(batch as u64));
            for spec in specs(&case) {
                let mut solver: Box<dyn Solver<f32>> = solvers::build(&spec, &case.net, batch);
                let (mut weights, mut n) = (made.weights.clone(), 0);
                let mut outcome = Outcome::new(&case.net, batch);
                group.bench_function(BenchmarkId::new(solver.name(), batch), |b| {
                    b.iter(|| {
                        n += 1;
                        let shown = case.shown(&made, n);
                        let learned = solver.learn(&mut weights, &shown, &case.rates, &mut outcome, &mut Nobody);
                        learned.expect("rates are small");
                    });
                });
            }
            group.finish();
        }
    }
}

/// 10 ms of dynamics, the fixed point, and the two passes.
fn specs(case: &Case) -> Vec<Spec> {
    let Network { conductances, .. } = &case.net;
    let attenuation = apical::circuit::Attenuation::from_conductances(conductances);
    let timing = apical::circuit::params::Timing { presentation: 10.0, ..case.timing };
    let noise = apical::circuit::noise::Source::Silent;
    vec![
        Spec::Euler { timing, tau_w: Some(30.0), noise, bound: BOUND, way: Choice::Auto },
        Spec::Steady { tolerance: 1e-4, max_sweeps: 200, on_no_fixed_point: NoFixedPoint::Skip, bound: BOUND },
        Spec::TwoStep { attenuation, blur: 0.0, bound: BOUND },
    ]
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .without_plots();
    targets = presentations
}
criterion_main!(benches);
