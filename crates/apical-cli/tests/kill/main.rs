//! Runs that are killed at named places, by the real binary: taken up again, they end with the same bytes.
//!
//! Only a build with the feature `failpoints` has such places (`apical_lab::failpoint`); `cargo xtask test` makes one.

#[cfg(all(unix, feature = "failpoints"))]
mod chains;
#[cfg(all(unix, feature = "failpoints"))]
mod places;
#[cfg(all(unix, feature = "failpoints"))]
mod support;

#[cfg(not(all(unix, feature = "failpoints")))]
#[test]
#[ignore = "the kill tests need Unix and --features failpoints, as `cargo xtask test` gives"]
fn kills_are_survived() {
    println!("skipped: the kill tests need Unix and --features failpoints");
}
