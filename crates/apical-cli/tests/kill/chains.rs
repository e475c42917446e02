//! Killed at steps drawn at random, several times in a row, and while a run is taken up, moved aside, drawn or asked.

use super::support::{DIGITS, EULER, Place, Random, STEPS};
use apical_lab::checkpoint::Checkpoint;
use apical_lab::failpoint::ATOMIC_STEPS;
use std::process::Command;

#[test]
fn killed_at_20_steps_drawn_from_a_seed() {
    let place = Place::new(EULER);
    assert_eq!(place.passed.iter().filter(|name| *name == "presentation.middle").count() as u64, STEPS);
    let mut random = Random(1);
    for _ in 0..20 {
        let at = format!("presentation.middle:{}", random.one_to(STEPS));
        place.kill("killed", &at);
        place.ends_the_same("killed", &at);
    }
}

#[test]
fn killed_five_times_in_a_row() {
    let place = Place::new(EULER);
    let mut random = Random(2);
    for _ in 0..8 {
        // Never so late that a later run of the five ends before it is killed.
        let chain: Vec<String> =
            (0..5).map(|_| format!("presentation.middle:{}", random.one_to(STEPS / 5 - 1))).collect();
        chain.iter().for_each(|at| place.kill("killed", at));
        place.ends_the_same("killed", &chain.join(", "));
    }
}

/// Each pass of each place between the start of a resumed run and its first step; there again when it is resumed once
/// more.
#[test]
fn a_resume_killed_before_its_first_step_and_the_next_one_too() {
    let place = Place::new(EULER);
    let begun = "presentation.middle:1100";
    place.kill("begun", begun);
    place.copy("begun", "whole");
    place.ends_the_same("whole", begun);
    let resumed = place.trail();
    let before_first_step: Vec<&String> = resumed.iter().take_while(|name| *name != "presentation.middle").collect();
    for needed in ["metrics.cut.before", "traces.cut.before", "traces.cut.after", "run-info.rename.after"] {
        assert!(before_first_step.iter().any(|name| *name == needed), "{needed} is not passed");
    }
    for (i, name) in before_first_step.iter().enumerate() {
        let pass = before_first_step[..=i].iter().filter(|earlier| *earlier == name).count();
        let at = format!("{name}:{pass}");
        place.copy("begun", "killed");
        place.kill("killed", &at);
        place.kill("killed", &at);
        place.ends_the_same("killed", &format!("{begun}, {at}, {at}"));
    }
}

#[test]
fn two_step_killed_at_a_few_places() {
    let place = Place::new(DIGITS);
    for at in [
        "presentation.middle:1",
        "presentation.middle:173",
        "presentation.middle:357",
        "evaluation.middle:2",
        "evaluation.middle:4",
        "metrics.flush.after:3",
        "checkpoint.write.middle:4",
        "checkpoint.rename.before:5",
        "checkpoint.rename.after:6",
        "final-metrics.rename.after:1",
        "observation.write.middle:1",
        "observation.rename.after:1",
    ] {
        place.kill("killed", at);
        place.ends_the_same("killed", at);
    }
}

/// Killed, then taken up on a disk on which no further checkpoint has room.
#[test]
fn a_checkpoint_that_finds_no_room_leaves_the_last_good_one() {
    // Checkpoints of more than 8 KiB, metrics of far less.
    let text = DIGITS.replace("[64, 12, 10]", "[64, 40, 10]").replace("interval = 70", "interval = 1000");
    let place = Place::new(&text);
    place.kill("killed", "presentation.middle:230");
    let run = std::fs::read_dir(place.join("killed")).unwrap().next().unwrap().unwrap().path();
    let last = run.join("checkpoints/last.safetensors");
    let good = std::fs::read(&last).unwrap();
    // 4 or 8 KiB, as the shell counts.
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -f 8; exec \"$0\" run x.toml --out killed", env!("CARGO_BIN_EXE_apical")]);
    let output = shell.current_dir(place.join(".")).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{told}");
    for words in [".safetensors: not written", "the last good one is kept", "apical resume"] {
        assert!(told.contains(words), "no {words:?}: {told}");
    }
    assert!(std::fs::read(&last).unwrap() == good);
    Checkpoint::load(&last).unwrap();
    place.ends_the_same("killed", "a full disk");
}

/// `--again` killed between moving the older run aside and making the new one: both end as they should.
#[test]
fn again_killed_after_the_older_run_was_moved() {
    let place = Place::new(EULER);
    let run = place.finish("again");
    place.kill_command(&["run", "-q", "x.toml", "--out", "again", "--again"], "folder.moved-aside:1");
    assert!(!run.exists());
    let aside = run.with_file_name(format!("{}.old-1", run.file_name().unwrap().to_str().unwrap()));
    assert!(aside.join("DONE").exists());
    place.ends_the_same("again", "folder.moved-aside");
}

#[test]
fn figures_killed_while_they_are_drawn() {
    let place = Place::new(&DIGITS.replace("figures = false", "figures = true"));
    let passes = place.passed.iter().filter(|name| *name == "figure.write.before").count();
    assert!(passes > 10, "{passes} figures");
    for step in ATOMIC_STEPS {
        let at = format!("figure.{step}:{}", passes / 2);
        place.kill("killed", &at);
        place.ends_the_same("killed", &at);
    }
}

#[test]
fn predictions_killed_while_they_are_written() {
    let place = Place::new(DIGITS);
    let run = place.finish("run");
    let header: Vec<String> = (0..64).map(|i| format!("x{i}")).collect();
    let row = vec!["0.5"; 64];
    std::fs::write(place.join("in.csv"), format!("{}\n{}\n", header.join(","), row.join(","))).unwrap();
    let args = ["predict", run.to_str().unwrap(), "in.csv", "-o", "out.csv"];
    place.output(&args);
    let answer = std::fs::read(place.join("out.csv")).unwrap();
    for step in ATOMIC_STEPS {
        std::fs::write(place.join("out.csv"), "old").unwrap();
        place.kill_command(&args, &format!("predictions.{step}:1"));
        let found = std::fs::read(place.join("out.csv")).unwrap();
        let renamed = ["rename.after", "folder-sync.after"].contains(&step);
        assert!(found == if renamed { &answer[..] } else { b"old" }, "{step}");
        place.output(&args);
        assert!(std::fs::read(place.join("out.csv")).unwrap() == answer, "{step}");
    }
}

#[test]
fn comparisons_killed_while_their_results_are_written() {
    let place = Place::new(DIGITS);
    let args = ["compare", "x.toml", "--learners", "bp", "--seeds", "2", "--out", "compared"];
    let output = place.output(&args);
    let told = String::from_utf8(output.stdout).unwrap();
    let results = place.join(told.lines().last().unwrap());
    let kept = ["compare.csv", "summary.csv", "curves.csv", "compare.md"];
    let read = || kept.map(|name| std::fs::read(results.join(name)).unwrap());
    let whole = read();
    for step in ATOMIC_STEPS {
        place.kill_command(&args, &format!("comparison.{step}:2"));
        // A file is the old one or the new one, and both say the same: no run was made again.
        assert!(read() == whole, "{step}");
        place.output(&args);
        assert!(read() == whole, "{step}");
    }
}
