//! `apical run` and `resume`: folders, results, exit codes, the same command again.

use super::support::{DIGITS, Place};

#[test]
fn a_run_leaves_its_folder_and_prints_its_path_last() {
    let place = Place::with_experiments();
    let done = place.apical(&["run", "quick.toml"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    let run = done.last_line();
    assert!(run.starts_with("runs/quick-") && run.len() == "runs/quick-".len() + 16, "{run}");
    assert!(done.stdout.contains("test.error"), "{done:?}");
    assert!(done.stderr.contains("epoch 3/3") && done.stderr.contains("finished"), "{done:?}");
    let all = ["config.resolved.toml", "run.json", "metrics.jsonl", "metrics.json", "log.txt", "DONE"];
    let drawn = ["figures/loss.svg", "figures/loss.png", "figures/loss.csv", "figures/error.svg"];
    let saved = ["checkpoints/last.safetensors", "checkpoints/best.safetensors"];
    for file in all.iter().chain(&drawn).chain(&saved) {
        assert!(place.join(&run).join(file).exists(), "no {file}");
    }
    let info: serde_json::Value = serde_json::from_slice(&place.bytes(&run, "run.json")).unwrap();
    let argv: Vec<&str> = info["argv"].as_array().unwrap().iter().filter_map(|arg| arg.as_str()).collect();
    assert_eq!(argv[1..], ["run", "quick.toml"]);
    assert_eq!((info["version"].as_str(), info["seed"].as_u64()), (Some(env!("CARGO_PKG_VERSION")), Some(0)));
    assert!(info["threads"].as_u64() >= Some(1) && info["exit"] == "finished", "{info}");
    for field in ["commit", "host", "cpu", "plan", "precision", "started", "ended", "config_sha256"] {
        assert!(info[field].as_str().is_some_and(|text| !text.is_empty()), "{field}: {info}");
    }
}

#[test]
fn the_same_command_again_shows_the_results() {
    let place = Place::with_experiments();
    let first = place.apical(&["run", "quick.toml"]);
    let before = place.results(&first.last_line());
    let again = place.apical(&["run", "quick.toml"]);
    assert_eq!((again.code, &again.stdout), (Some(0), &first.stdout));
    assert!(again.stderr.contains("has finished already"), "{again:?}");
    assert!(!again.stderr.contains("epoch"), "{again:?}");
    assert_eq!(place.results(&first.last_line()), before);
    let resumed = place.apical(&["resume", &first.last_line()]);
    assert_eq!((resumed.code, &resumed.stdout), (Some(0), &first.stdout));
}

#[test]
fn again_moves_the_older_run_aside_and_gets_the_same_bits() {
    let place = Place::with_experiments();
    let run = place.run(&["quick.toml"]);
    let before = place.results(&run);
    let again = place.apical(&["run", "quick.toml", "--again"]);
    assert_eq!((again.code, again.last_line()), (Some(0), run.clone()), "{again:?}");
    assert!(again.stderr.contains(&format!("{run}.old-1")), "{again:?}");
    assert_eq!(place.results(&run), before);
    assert_eq!(place.results(&format!("{run}.old-1")), before);
    place.run(&["quick.toml", "--again"]);
    assert!(place.join(format!("{run}.old-2")).is_dir());
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let place = Place::with_experiments();
    let run = place.run(&["quick.toml", "--threads", "1"]);
    let one = place.results(&run);
    for threads in ["2", "3", "7"] {
        assert_eq!(place.run(&["quick.toml", "--threads", threads, "--again"]), run);
        assert!(place.results(&run) == one, "{threads} threads");
    }
    for threads in ["0", "-1", "many", "100000"] {
        place.apical(&["run", "quick.toml", "--threads", threads]).refused(2, &["--threads"]);
    }
}

#[test]
fn seed_precision_and_set_make_another_run() {
    let place = Place::with_experiments();
    let plain = place.run(&["quick.toml"]);
    let sets: [&[&str]; 5] = [
        &["--seed", "1"],
        &["--precision", "f64"],
        &["--set", "train.epochs=2"],
        &["--set", "train.epochs=2", "--set", "plasticity.eta_ip=1.0"],
        &["--set", "name=other"],
    ];
    let mut folders = vec![plain];
    for set in sets {
        let run = place.run(&[&["quick.toml"], set].concat());
        assert!(!folders.contains(&run), "{set:?} gave {run} again");
        folders.push(run);
    }
    let resolved = |run: &str| String::from_utf8(place.bytes(run, "config.resolved.toml")).unwrap();
    assert!(resolved(&folders[1]).contains("seed = 1") && resolved(&folders[2]).contains("precision = \"f64\""));
    assert!(folders[5].starts_with("runs/other-"));
    assert_eq!(place.run(&["quick.toml", "--set", "seed=1"]), folders[1]);
}

#[test]
fn out_is_the_parent_of_the_run_folder() {
    let place = Place::with_experiments();
    let run = place.run(&["quick.toml", "--out", "my runs/today"]);
    assert!(run.starts_with("my runs/today/quick-") && place.join(&run).join("DONE").exists(), "{run}");
    place.write("file", "");
    place.apical(&["run", "quick.toml", "--out", "file"]).refused(3, &["file"]);
}

#[test]
fn a_dry_run_makes_nothing_and_tells_the_path() {
    let place = Place::with_experiments();
    let done = place.apical(&["run", "euler.toml", "--dry-run"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    for words in ["4-3-2", "2000", "100000", "new", "fused, ", "memory", "because"] {
        assert!(done.stdout.contains(words), "no {words:?}: {done:?}");
    }
    assert!(!place.join("runs").exists());
    let planned = place.apical(&["run", "euler.toml", "--dry-run", "--json"]);
    assert_eq!(planned.json()["steps"], 100_000);
    assert!(planned.json()["memory_bytes"]["total"].as_u64() > Some(1 << 20), "{planned:?}");
    // A small net's steps are one thread's, and `adaptive` makes none of dt.
    assert_eq!(planned.json()["threads"], 1, "{planned:?}");
    let adaptive = ["--set", "solver.kind=adaptive", "--set", "network.sigma=0.0", "--threads", "2"];
    let planned = place.apical(&[&["run", "euler.toml", "--dry-run", "--json"], &adaptive[..]].concat()).json();
    assert_eq!((&planned["steps"], &planned["threads"]), (&0.into(), &1.into()), "{planned}");
    let blocks = ["--set", "solver.plan=blocks", "--set", "solver.block=7", "--threads", "1"];
    let planned = place.apical(&[&["run", "euler.toml", "--dry-run", "--json"], &blocks[..]].concat()).json();
    assert_eq!((&planned["euler"]["way"], &planned["euler"]["block"]), (&"blocks".into(), &7.into()), "{planned}");
    assert!(planned["plan"].as_str().unwrap().starts_with("blocks of 7, "), "{planned}");
    assert_eq!(place.run(&["euler.toml"]), done.last_line());
    assert!(place.apical(&["run", "euler.toml", "--dry-run"]).stdout.contains("finished"));
}

#[test]
fn a_run_from_another_starts_with_its_weights() {
    let place = Place::with_experiments();
    let first = place.run(&["quick.toml"]);
    // Nothing is plastic: what comes out is what came in.
    let still = ["--set", "plasticity.eta_pp=0.0", "--set", "plasticity.eta_ip=0.0", "--set", "train.epochs=1"];
    let second = place.run(&[&["quick.toml", "--from", &first][..], &still].concat());
    let value = |run: &str, name: &str| {
        let metrics: serde_json::Value = serde_json::from_slice(&place.bytes(run, "metrics.json")).unwrap();
        metrics[name].clone()
    };
    assert_eq!(value(&first, "test.loss"), value(&second, "test.loss"));
    let info = String::from_utf8(place.bytes(&second, "run.json")).unwrap();
    assert!(info.contains("best.safetensors"), "{info}");
    place.apical(&["run", "quick.toml", "--from", "nowhere"]).refused(2, &["nowhere", "no such checkpoint"]);
    place.apical(&["run", "euler.toml", "--from", &first]).refused(2, &["best.safetensors", "shape"]);
}

#[test]
fn a_missed_expectation_exits_1_each_time() {
    let place = Place::new();
    place.write("bold.toml", format!("{DIGITS}\n[expect.\"test.error\"]\nmax = 0.0001\n"));
    for _ in 0..2 {
        let done = place.apical(&["run", "bold.toml"]);
        assert_eq!(done.code, Some(1), "{done:?}");
        assert!(done.stderr.contains("missed [expect] test.error"), "{done:?}");
        assert!(place.join(done.last_line()).join("DONE").exists());
    }
}

#[test]
fn divergence_exits_1_and_says_where() {
    let place = Place::with_experiments();
    let set = ["--set", "plasticity.eta_pp=1e30", "--set", "train.epochs=1"];
    let first = place.apical(&[&["run", "quick.toml"], &set[..]].concat());
    assert_eq!(first.code, Some(1), "{first:?}");
    assert!(first.stderr.contains("FAILED") && first.stderr.contains("layer"), "{first:?}");
    let run = first.last_line();
    assert!(place.join(&run).join("FAILED").exists() && !place.join(&run).join("DONE").exists());
    let again = place.apical(&[&["run", "quick.toml"], &set[..]].concat());
    assert_eq!((again.code, again.last_line()), (Some(1), run.clone()), "{again:?}");
    let json = place.apical(&["resume", &run, "--json"]);
    assert_eq!((json.code, &json.json()["state"]), (Some(1), &"failed".into()), "{json:?}");
}

#[test]
fn figures_are_drawn_again_with_the_same_bytes_or_left_out() {
    let place = Place::with_experiments();
    let run = place.run(&["quick.toml"]);
    let before = place.results(&run);
    std::fs::remove_file(place.join(&run).join("figures/loss.png")).unwrap();
    std::fs::remove_file(place.join(&run).join("figures/error.csv")).unwrap();
    place.run(&["quick.toml"]);
    assert_eq!(place.results(&run), before);
    let bare = place.run(&["quick.toml", "--set", "record.figures=false"]);
    assert!(!place.join(bare).join("figures").exists());
}

#[test]
fn figures_that_cannot_be_drawn_are_a_warning() {
    let place = Place::with_experiments();
    let run = place.run(&["quick.toml"]);
    std::fs::remove_dir_all(place.join(&run).join("figures")).unwrap();
    place.write(&format!("{run}/figures"), "in the way");
    let done = place.apical(&["run", "quick.toml"]);
    assert_eq!((done.code, done.last_line()), (Some(0), run), "{done:?}");
    assert!(done.stderr.contains("warning: the figures could not be drawn"), "{done:?}");
}

#[test]
fn presets_run_by_name_and_files_by_path() {
    let place = Place::new();
    let short = ["--set", "train.epochs=1", "--dry-run"];
    let run = |name: &str| place.apical(&[&["run", name], &short[..]].concat());
    assert!(run("digits").last_line().starts_with("runs/digits-"));
    // A file of a preset's name is a path only if it is written as one.
    place.write("digits", format!("name = \"mine\"\n{DIGITS}"));
    let preset = run("digits");
    assert!(preset.last_line().starts_with("runs/digits-") && preset.stderr.contains("./digits"), "{preset:?}");
    assert!(run("./digits").last_line().starts_with("runs/mine-"));
    place.write("plain", DIGITS);
    assert!(run("plain").last_line().starts_with("runs/plain-"));
    run("digit").refused(2, &["did you mean `digits`?"]);
    run("digits.toml").refused(2, &["there is no such file"]);
    run("none/digits").refused(2, &["there is no such file"]);
    run(".").refused(2, &["."]);
}

#[test]
fn a_resumed_run_must_be_what_it_was() {
    let place = Place::with_experiments();
    place.apical(&["resume", "nowhere"]).refused(2, &["nowhere", "no such folder"]);
    place.apical(&["resume", "."]).refused(2, &["no run.json"]);
    let run = place.run(&["quick.toml"]);
    let config = place.join(&run).join("config.resolved.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("seed = 0", "seed = 1")).unwrap();
    place.apical(&["resume", &run]).refused(2, &[&run, "no longer what the run began with"]);
}

#[test]
fn a_run_begun_with_other_kernels_goes_on_only_if_told_to() {
    let place = Place::with_experiments();
    let run = place.run(&["quick.toml"]);
    std::fs::remove_file(place.join(&run).join("DONE")).unwrap();
    let info = place.join(&run).join("run.json");
    let text = std::fs::read_to_string(&info).unwrap();
    std::fs::write(&info, text.replace("\"plan\": \"", "\"plan\": \"abacus, ")).unwrap();
    place.apical(&["resume", &run]).refused(2, &["abacus", "--allow-different-bits"]);
    place.apical(&["run", "quick.toml"]).refused(2, &["abacus"]);
    let done = place.apical(&["run", "quick.toml", "--allow-different-bits"]);
    assert_eq!((done.code, done.last_line()), (Some(0), run), "{done:?}");
}

#[test]
fn more_steps_than_can_be_counted_are_refused() {
    let place = Place::with_experiments();
    let most = "9223372036854775807";
    let (epochs, train) = (format!("train.epochs={most}"), format!("task.train={most}"));
    place.apical(&["run", "euler.toml", "--set", &epochs]).refused(2, &["train.epochs", most]);
    place.apical(&["run", "euler.toml", "--set", &train, "--dry-run"]).refused(2, &["train.epochs", most]);
    place.apical(&["run", "digits", "--set", &epochs, "--dry-run"]).refused(2, &["train.epochs", most]);
}
