//! `apical compare` by the real binary: results, again, stopped and gone on, bad input.

use super::support::{DIGITS, Done, Place};
use std::path::{Path, PathBuf};

fn comparison() -> String {
    format!("{DIGITS}[compare]\nseeds = 2\n[learner.microcircuit]\n[learner.bp.optimiser]\nrate = 0.3\n")
}

/// The folder named by the last line of stdout.
fn folder(place: &Place, stdout: &str) -> PathBuf {
    place.path().join(stdout.lines().last().unwrap())
}

/// Rows of a compare.csv without what the clock says.
fn timeless(folder: &Path) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(folder.join("compare.csv")).unwrap();
    let rows: Vec<Vec<String>> = text.lines().map(|l| l.split(',').map(str::to_owned).collect()).collect();
    let times: Vec<usize> = (0..rows[0].len()).filter(|&i| rows[0][i].starts_with("seconds")).collect();
    assert_eq!(times.len(), 2);
    rows.into_iter()
        .map(|row| row.into_iter().enumerate().filter(|(i, _)| !times.contains(i)).map(|(_, cell)| cell).collect())
        .collect()
}

#[test]
fn learners_are_run_once_ranked_and_told() {
    let place = Place::new();
    place.write("mine.toml", comparison());
    let done = place.apical(&["compare", "mine.toml", "--jobs", "2"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(done.stderr.contains("4/4 runs"), "{}", done.stderr);
    let results = folder(&place, &done.stdout);
    for file in [
        "compare.csv",
        "summary.csv",
        "curves.csv",
        "compare.md",
        "figures/validation-error.svg",
        "figures/validation-error.png",
    ] {
        assert!(results.join(file).is_file(), "{file}");
    }
    assert_eq!(timeless(&results).len(), 1 + 4);
    let before = std::fs::read(results.join("compare.csv")).unwrap();
    let page = std::fs::read(results.join("compare.md")).unwrap();
    let again = place.apical(&["compare", "mine.toml", "--jobs", "1"]);
    assert_eq!((again.code, &again.stdout), (Some(0), &done.stdout));
    // The times would differ had anything been run again.
    assert!(before == std::fs::read(results.join("compare.csv")).unwrap());
    assert!(page == std::fs::read(results.join("compare.md")).unwrap());
    let one = place.apical(&["compare", "mine.toml", "--jobs", "1", "--out", "other"]);
    assert_eq!(timeless(&folder(&place, &one.stdout)), timeless(&results), "the number of jobs changes nothing");
}

#[test]
fn what_is_missed_or_fails_is_said_and_exits_with_1() {
    let place = Place::new();
    let wild = "[learner.wild]\nkind = \"bp\"\n[learner.wild.optimiser]\nrate = 1e9\n";
    let text = format!("{}{wild}[expect.\"test.error\"]\nmax = 0.0\n", comparison());
    let text = text.replace("[train]\n", "[train]\ndivergence_bound = 50.0\n");
    place.write("mine.toml", &text);
    let done = place.apical(&["compare", "mine.toml", "--learners", "bp,wild", "--seeds", "1"]);
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    assert!(done.stderr.contains("bp, seed 0: finished; missed [expect] test.error"), "{}", done.stderr);
    assert!(done.stderr.contains("wild, seed 0: FAILED"), "{}", done.stderr);
    assert!(done.stdout.contains("wild (1 failed)"), "{}", done.stdout);
}

#[test]
fn bad_input_is_told_with_exit_code_2_and_nothing_is_written() {
    let place = Place::new();
    place.write("mine.toml", comparison());
    place.write(
        "option.toml",
        comparison().replace("[learner.bp.optimiser]", "[learner.bp]\nbeta = 1\n[learner.bp.optimiser]"),
    );
    place.write(
        "set.toml",
        comparison().replace("[learner.microcircuit]", "[learner.microcircuit]\nset = { \"train.epoch\" = 1 }"),
    );
    place.write("empty.toml", comparison().replace("seeds = 2", "learners = []"));
    place.write("plain.toml", DIGITS);
    for (args, part) in [
        (&["compare", "mine.toml", "--learners", "bp,micorcircuit"][..], "did you mean `microcircuit`?"),
        (&["compare", "option.toml"], "`learner.bp.beta` does not go with"),
        (&["compare", "set.toml"], "did you mean `epochs`?"),
        (&["compare", "mine.toml", "--seeds", "0"], "0 seeds"),
        (&["compare", "empty.toml"], "no learners to compare"),
        (&["compare", "mine.toml", "--learners", "bp,bp"], "named twice"),
        (&["compare", "plain.toml"], "--learners"),
        (&["run", "mine.toml"], "apical compare"),
    ] {
        let done = place.apical(args);
        assert_eq!(done.code, Some(2), "{args:?}: {}", done.stderr);
        assert!(done.stderr.contains(part), "{args:?}: {}", done.stderr);
    }
    assert!(!place.path().join("runs").exists());
}

/// Stops the command once it has saved something, by this signal; gives its exit code.
#[cfg(unix)]
fn cut_short(place: &Place, signal: &str) -> Option<i32> {
    use std::time::{Duration, Instant};
    let saved = || {
        let runs = std::fs::read_dir(place.join("runs")).into_iter().flatten().flatten();
        runs.filter_map(|run| std::fs::read(run.path().join("checkpoints/last.safetensors")).ok()).collect::<Vec<_>>()
    };
    let before = saved();
    let mut command = place.command(&["compare", "long.toml", "--jobs", "2"]);
    let child = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let begun = Instant::now();
    while saved() == before {
        assert!(begun.elapsed() < Duration::from_secs(120), "no checkpoint in two minutes");
        std::thread::sleep(Duration::from_millis(1));
    }
    let sent = std::process::Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status();
    assert!(sent.unwrap().success());
    let done = Done::from(child.wait_with_output().unwrap());
    assert_eq!(done.stdout, "", "{done:?}");
    done.code
}

#[cfg(unix)]
#[test]
fn a_comparison_that_was_stopped_or_killed_goes_on_to_the_same_results() {
    let place = Place::new();
    place.write("long.toml", comparison().replace("epochs = 3", "epochs = 400"));
    let whole = place.apical(&["compare", "long.toml", "--jobs", "2", "--out", "whole"]);
    assert_eq!(whole.code, Some(0), "{}", whole.stderr);
    assert_eq!(cut_short(&place, "INT"), Some(130));
    assert_eq!(cut_short(&place, "KILL"), None);
    assert_eq!(cut_short(&place, "TERM"), Some(143));
    let done = place.apical(&["compare", "long.toml"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert_eq!(timeless(&folder(&place, &done.stdout)), timeless(&folder(&place, &whole.stdout)));
}
