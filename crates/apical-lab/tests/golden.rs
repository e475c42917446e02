//! The engine follows the reference trajectories in both precisions, by every plan, with every instruction set that this CPU
//! has, in blocks of any length.

use apical::kernels::Isa;
use apical::solvers::euler::Way;
use apical_lab::verify::{Plans, cases, verify};
use std::path::PathBuf;

#[test]
fn the_engine_follows_the_reference_trajectories() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let cases = cases(&[folder]).unwrap();
    assert_eq!(cases.len(), 9);
    // One step, lengths that no lag or presentation is a multiple of, and more than a presentation has.
    let blocks = [1, 7, 32, 64, 100_000].map(Way::Blocks);
    let ways = [Way::Reference, Way::Fused, Way::Batch].into_iter().chain(blocks).collect();
    let plans = Plans { ways, isas: Isa::all() };
    for case in &cases {
        let reports = verify(case, &plans).unwrap();
        let fused = if reports[0].name.contains("batch") { 0 } else { Isa::all().len() };
        assert_eq!(reports.len(), 1 + fused + 6 * Isa::all().len(), "{}", reports[0].name);
        for report in reports {
            let (name, plan) = (&report.name, &report.plan);
            assert!(report.deviations.len() >= 2, "{name}: nothing compared");
            for d in &report.deviations {
                assert!(d.within_bounds(), "{name}, {plan}: {} f64 {:e}, f32 {:e}", d.array, d.f64, d.f32);
            }
        }
    }
}
