//! Disks that are full, places that cannot be written, runs that diverge, patterns without fixed point.

use super::support::{Done, EULER, Place};
use apical_lab::checkpoint::{Checkpoint, Tensor};
use serde_json::Value;

const LAST: &str = "checkpoints/last.safetensors";

/// Every number in the last checkpoint of a run is finite; its presentation.
fn good_checkpoint(place: &Place, run: &str) -> u64 {
    let checkpoint = Checkpoint::load(&place.join(run).join(LAST)).unwrap();
    let mut numbers = checkpoint.tensors.iter().flat_map(Tensor::to_f64);
    assert!(numbers.all(f64::is_finite));
    checkpoint.meta["presentation"].parse().unwrap()
}

/// Runs `euler.toml` with a limit on the size of a file, in units of 512 bytes.
#[cfg(unix)]
fn limited(place: &Place, blocks: u32) -> Done {
    let mut shell = std::process::Command::new("sh");
    shell.args([
        "-c",
        "ulimit -f \"$1\"; exec \"$0\" run euler.toml",
        env!("CARGO_BIN_EXE_apical"),
        &blocks.to_string(),
    ]);
    Done::from(shell.current_dir(place.path()).output().unwrap())
}

#[cfg(unix)]
#[test]
fn a_disk_that_fills_up_keeps_the_last_good_checkpoint() {
    let place = Place::new();
    // Many metric lines, no traces (their chunks are far larger): metrics.jsonl outgrows the limit after some saves.
    let text = EULER.replace("soma = { every = 5000 }", "").replace("interval = 500", "interval = 50");
    place.write("euler.toml", text);
    let whole = place.run(&["euler.toml", "--out", "whole"]);
    let size = place.bytes(&whole, "metrics.jsonl").len();
    // dash counts 512 bytes a block, bash 1024: either way less than the file and more than a checkpoint.
    let blocks = u32::try_from(size / 1024 * 2 / 3).unwrap();
    let full = limited(&place, blocks);
    full.refused(3, &["metrics.jsonl", "what was saved is kept", "apical resume"]);
    let run = whole.replace("whole", "runs");
    let saved = good_checkpoint(&place, &run);
    assert!(saved > 0 && saved < 2000, "{saved}");
    // Still full: the same again, and still nothing is lost.
    limited(&place, blocks).refused(3, &["metrics.jsonl"]);
    assert_eq!(good_checkpoint(&place, &run), saved);
    assert_eq!(place.run(&["euler.toml"]), run);
    assert!(place.results(&whole) == place.results(&run));
}

#[test]
fn a_file_where_a_folder_should_be_is_named() {
    let place = Place::with_experiments();
    place.write("taken", "");
    place.apical(&["run", "euler.toml", "--out", "taken"]).refused(3, &["taken"]);
    let whole = place.run(&["quick.toml", "--out", "whole"]);
    let run = whole.replace("whole", "runs");
    std::fs::create_dir_all(place.join(&run)).unwrap();
    place.write(&format!("{run}/figures"), "");
    std::fs::create_dir(place.join(&run).join(".lock")).unwrap();
    place.apical(&["run", "quick.toml"]).refused(3, &[".lock"]);
}

#[test]
fn a_run_that_diverges_later_keeps_the_last_good_checkpoint() {
    let place = Place::new();
    let text = EULER.replace("sigma = 0.1", "activation = \"identity\"");
    let text =
        text.replace("checkpoint_every = 500", "checkpoint_every = 1").replace("eta_pi = 0.005", "eta_pi = 30.0");
    place.write("x.toml", text.replace("soma = { every = 5000 }", ""));
    let first = place.apical(&["run", "x.toml", "--json"]);
    assert_eq!(first.code, Some(1), "{first:?}");
    let at = &first.json()["place"];
    let run = first.last_line();
    let failed = String::from_utf8(place.bytes(&run, "FAILED")).unwrap();
    let reason = failed.lines().next().unwrap();
    let layer = format!("in layer {}", at["layer"]);
    for word in ["diverged", &layer, at["cell"].as_str().unwrap(), "ms into the run"] {
        assert!(reason.contains(word) && first.stderr.contains(word), "no {word:?}: {first:?}");
    }
    assert!(at["time_ms"].as_f64().is_some_and(|time| time > 0.0), "{at}");
    let saved = good_checkpoint(&place, &run);
    assert_eq!(at["presentation"], saved + 1, "every presentation before is saved");
    let again = place.apical(&["run", "x.toml", "--json"]);
    assert_eq!((again.code, &again.json()), (Some(1), &first.json()));
    assert!(again.stderr.contains(reason), "{again:?}");
    let anew = place.apical(&["run", "x.toml", "--again", "-q"]);
    assert_eq!((anew.code, anew.last_line()), (Some(1), run.clone()), "{anew:?}");
    assert_eq!(String::from_utf8(place.bytes(&run, "FAILED")).unwrap(), failed);
    assert!(place.join(format!("{run}.old-1/FAILED")).exists());
}

/// `adaptive` has no steps that mean anything to people: it tells the presentation, and the time within it.
#[test]
fn trouble_of_adaptive_is_told_by_layer_and_time() {
    let place = Place::new();
    let text = EULER.replace("sigma = 0.1", "").replace("eta_pi = 0.005", "eta_pp = 1e8");
    place.write("x.toml", text + "[solver]\nkind = \"adaptive\"\n");
    let done = place.apical(&["run", "x.toml", "--json"]);
    assert_eq!(done.code, Some(1), "{done:?}");
    let json = done.json();
    let at = &json["place"];
    for key in ["layer", "cell", "presentation"] {
        assert!(!at[key].is_null(), "no {key}: {done:?}");
    }
    assert!(at["time_in_presentation_ms"].as_f64().is_some_and(|time| (0.0..=5.0).contains(&time)), "{done:?}");
    assert!(done.stderr.contains("after its presentation began") && !done.stderr.contains("step 0"), "{done:?}");
}

/// One hidden cell and one output that amplify each other without bound as soon as there is an input: one of 300
/// patterns has one.
fn without_fixed_point() -> Place {
    let place = Place::new();
    let weight = |name: &str, value: f32| Tensor::f32(name, &[1, 1], &[value]);
    let tensors =
        [("Wpp.1", 1.0), ("Wpp.2", 3.0), ("Wpb.1", 3.0), ("Wip.1", 0.0), ("Wpi.1", 0.0)].map(|(n, v)| weight(n, v));
    let start = Checkpoint { tensors: tensors.into(), ..Checkpoint::default() };
    start.save(&place.join("start.safetensors")).unwrap();
    let rows: String = (0..300).map(|row| format!("{},0.0\n", u8::from(row == 170))).collect();
    place.write("data.csv", format!("x,y\n{rows}"));
    place.write(
        "x.toml",
        r#"
[task]
kind = "file"
path = "data.csv"
target_columns = "y"
targets = "potentials"
split = { validation = 0.0, test = 0.0 }
[network]
sizes = [1, 1, 1]
activation = "relu"
start = { file = "start.safetensors" }
[solver]
kind = "steady"
on_no_fixed_point = "skip"
[plasticity]
eta_pp = 1e-6
[train]
epochs = 2
checkpoint_every = 1
"#,
    );
    place
}

#[test]
fn patterns_without_fixed_point_are_skipped_and_counted() {
    let place = without_fixed_point();
    let run = place.run(&["x.toml"]);
    let metrics: Value = serde_json::from_slice(&place.bytes(&run, "metrics.json")).unwrap();
    assert_eq!(metrics["solver.unsettled"], 1.0 / 300.0);
}

#[test]
fn too_many_patterns_without_fixed_point_fail_the_run() {
    let place = without_fixed_point();
    // One in 50 is more than 1 %.
    let args = ["run", "x.toml", "--set", "record.interval=50"];
    let done = place.apical(&args);
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(done.stderr.contains("2.00 % of the samples") && done.stderr.contains("did not settle"), "{done:?}");
    let saved = good_checkpoint(&place, &done.last_line());
    let again = place.apical(&args);
    assert_eq!((again.code, again.last_line()), (Some(1), done.last_line()));
    assert!(again.stderr.contains("2.00 % of the samples"), "{again:?}");
    assert_eq!(good_checkpoint(&place, &done.last_line()), saved);
}

#[test]
fn a_pattern_without_fixed_point_fails_the_run_if_it_should() {
    let place = without_fixed_point();
    let done = place.apical(&["run", "x.toml", "--set", "solver.on_no_fixed_point=fail", "--json"]);
    assert_eq!(done.code, Some(1), "{done:?}");
    let at = &done.json()["place"];
    assert!(at["residual"].is_string() && at["sweeps"].is_u64(), "{at}");
    assert_eq!(at["presentation"], good_checkpoint(&place, &done.last_line()) + 1);
}
