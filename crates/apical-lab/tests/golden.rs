//! The engine follows the reference trajectories in both precisions, with every plan for products.

use apical::kernels::Product;
use apical_lab::verify::{cases, verify_with};
use std::path::PathBuf;

#[test]
fn the_engine_follows_the_reference_trajectories() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let cases = cases(&[folder]).unwrap();
    assert_eq!(cases.len(), 9);
    for case in &cases {
        for plan in [Product::Plain, Product::best()] {
            let report = verify_with(case, plan).unwrap();
            assert!(report.deviations.len() >= 2, "{}: nothing compared", report.name);
            for d in &report.deviations {
                assert!(d.within_bounds(), "{} {plan:?} {}: f64 {:e}, f32 {:e}", report.name, d.array, d.f64, d.f32);
            }
        }
    }
}
