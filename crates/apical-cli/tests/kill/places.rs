//! Each named place: killed there at the first, a middle and the last pass.

use super::support::{EULER, Place};
use apical_lab::failpoint::{ATOMIC_FILES, ATOMIC_STEPS, GROWING_FILES, GROWING_STEPS, PLACES, names};

/// Places that the unbroken run does not pass, with the test that kills there.
fn elsewhere(name: &str) -> Option<&'static str> {
    match name {
        "traces.cut.before" | "traces.cut.after" => Some("only a resumed run cuts traces: `a_resume_...`"),
        "folder.moved-aside" => Some("only --again moves a run: `again_...`"),
        _ if name.starts_with("figure.") => Some("this experiment draws none: `figures_...`"),
        _ if name.starts_with("predictions.") => Some("`apical predict` writes them: `predictions_...`"),
        _ if name.starts_with("comparison.") => Some("`apical compare` writes them: `comparisons_...`"),
        _ => None,
    }
}

#[test]
fn every_place_is_killed_at_somewhere() {
    let passed = Place::new(EULER).passed;
    for name in names() {
        let here = passed.contains(&name);
        assert_eq!(here, elsewhere(&name).is_none(), "{name}: passed by the run: {here}");
    }
    let files = ATOMIC_FILES.len() * ATOMIC_STEPS.len() + GROWING_FILES.len() * GROWING_STEPS.len();
    assert_eq!(PLACES.len() + files, names().len());
}

/// Kills once at each place, at the pass that `choose` takes of as many as there are.
fn kill_at_each_place(choose: impl Fn(usize) -> usize) {
    let place = Place::new(EULER);
    let mut places = 0;
    for name in names() {
        let passes = place.passed.iter().filter(|passed| **passed == name).count();
        if passes > 0 {
            let at = format!("{name}:{}", choose(passes));
            place.kill("killed", &at);
            place.ends_the_same("killed", &at);
            places += 1;
        }
    }
    assert!(places > 60);
}

#[test]
fn killed_at_the_first_pass_of_each_place() {
    kill_at_each_place(|_| 1);
}

#[test]
fn killed_at_a_middle_pass_of_each_place() {
    kill_at_each_place(|passes| passes.div_ceil(2));
}

#[test]
fn killed_at_the_last_pass_of_each_place() {
    kill_at_each_place(|passes| passes);
}
