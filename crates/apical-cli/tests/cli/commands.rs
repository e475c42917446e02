//! The other commands: eval, predict, runs, diff, list, show, explain, schema, verify, completions.

use super::support::{DIGITS, Place};
use std::path::{Path, PathBuf};

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../apical-lab/tests/golden").canonicalize().unwrap()
}

#[test]
fn eval_agrees_with_what_the_run_found() {
    let place = Place::with_experiments();
    let run = place.run(&["quick.toml", "--set", "train.keep_every=1"]);
    let metrics: serde_json::Value = serde_json::from_slice(&place.bytes(&run, "metrics.json")).unwrap();
    let test = place.apical(&["eval", &run, "--json"]).json();
    assert_eq!((&test["loss"], &test["error"]), (&metrics["test.loss"], &metrics["test.error"]));
    assert_eq!((&test["split"], &test["samples"]), (&"test".into(), &300.into()));
    let last = place.apical(&["eval", &run, "--json", "--split", "validation", "--checkpoint", "last"]).json();
    assert_eq!(last["loss"], metrics["validation.loss"]);
    let third = place.apical(&["eval", &run, "--json", "--split", "validation", "--checkpoint", "3"]).json();
    assert_eq!(third["loss"], last["loss"]);
    let text = place.apical(&["eval", &run]);
    assert!(text.stdout.contains("samples     300\n") && text.stdout.contains("error"), "{text:?}");
    place.apical(&["eval", &run, "--checkpoint", "9"]).refused(2, &["epoch-0009", "best.safetensors"]);
    place.apical(&["eval", &run, "--checkpoint", "first"]).refused(2, &["best, last"]);
    place.apical(&["eval", "nowhere"]).refused(2, &["nowhere"]);
    let euler = place.run(&["euler.toml"]);
    place.apical(&["eval", &euler, "--split", "validation"]).refused(2, &["--split"]);
}

/// Two classes that a line parts.
fn own_data(place: &Place) {
    let mut csv = String::from("a,b,kind\n");
    let mut inputs = String::from("a,b\n");
    for i in 0..100 {
        let (a, b) = (f64::from(i % 10) / 10.0, f64::from(i / 10) / 10.0);
        csv.push_str(&format!("{a},{b},{}\n", if a > b { "right" } else { "left" }));
        inputs.push_str(&format!("{a},{b}\n"));
    }
    place.write("points.csv", csv);
    place.write("new.csv", inputs);
    let task = "task = { kind = \"file\", path = \"points.csv\", target_columns = \"kind\", targets = \"classes\" }";
    let text = DIGITS.replace("task = \"digits\"", task).replace("[64, 12, 10]", "[2, 8, 2]");
    place.write("own.toml", text.replace("epochs = 3", "epochs = 20"));
}

#[test]
fn own_data_are_trained_and_predicted() {
    let place = Place::new();
    own_data(&place);
    let run = place.run(&["own.toml"]);
    let info = String::from_utf8(place.bytes(&run, "run.json")).unwrap();
    assert!(info.contains("points.csv"), "{info}");
    let done = place.apical(&["predict", &run, "new.csv", "-o", "answers.csv"]);
    assert_eq!((done.code, done.stdout.as_str()), (Some(0), "100 answers in answers.csv\n"), "{done:?}");
    let answers = std::fs::read_to_string(place.join("answers.csv")).unwrap();
    assert_eq!(answers.lines().count(), 101);
    assert_eq!(answers.lines().next(), Some("row,class,u_left,u_right"));
    assert!(answers.lines().skip(1).all(|line| ["left", "right"].contains(&line.split(',').nth(1).unwrap())));
    place.apical(&["predict", &run, "none.csv", "-o", "x.csv"]).refused(2, &["none.csv"]);
    place.apical(&["predict", &run, "new.csv", "-o", "./new.csv"]).refused(2, &["new.csv", "replace the inputs"]);
    place.apical(&["predict", &run, "new.csv", "-o", "."]).refused(2, &["folder"]);
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::fs::FileTypeExt;
        place.apical(&["predict", &run, "new.csv", "-o", "/dev/full"]).refused(3, &["/dev/full"]);
        let device = std::fs::metadata("/dev/full").unwrap();
        assert!(device.file_type().is_char_device(), "a device was replaced by a file");
        std::os::unix::fs::symlink("answers.csv", place.join("link.csv")).unwrap();
        std::fs::remove_file(place.join("answers.csv")).unwrap();
        place.write("answers.csv", "");
        assert_eq!(place.apical(&["predict", &run, "new.csv", "-o", "link.csv"]).code, Some(0));
        assert!(place.join("link.csv").is_symlink());
        assert_eq!(std::fs::read_to_string(place.join("answers.csv")).unwrap(), answers);
    }
    place.apical(&["predict", &run, "new.csv"]).refused(2, &["--out"]);
    place.apical(&["predict", &run, "new.csv", "-o", "no/such/folder.csv"]).refused(3, &["no/such"]);
    // Other data under the old name: the run cannot go on with them, and an evaluation says so.
    place.write("points.csv", std::fs::read_to_string(place.join("points.csv")).unwrap().replace("0.1", "0.15"));
    place.apical(&["resume", &run]).refused(2, &["no longer what the run began with"]);
    let eval = place.apical(&["eval", &run]);
    assert!(eval.code == Some(0) && eval.stderr.contains("warning: config or data"), "{eval:?}");
}

#[test]
fn runs_are_listed() {
    let place = Place::with_experiments();
    let empty = place.apical(&["runs"]);
    assert_eq!((empty.code, empty.stdout.as_str(), empty.stderr.as_str()), (Some(0), "", "no runs in runs\n"));
    assert_eq!(place.apical(&["runs", "--json"]).stdout, "[]\n");
    let (digits, euler) = (place.run(&["quick.toml"]), place.run(&["euler.toml"]));
    let table = place.apical(&["runs"]);
    assert_eq!(table.stdout.lines().count(), 3, "{table:?}");
    let line = |run: &str| table.stdout.lines().find(|l| l.starts_with(run.trim_start_matches("runs/"))).unwrap();
    assert!(line(&digits).contains("finished") && line(&digits).contains("error 0."), "{table:?}");
    assert!(line(&euler).contains(" 2000 ") && !line(&euler).contains("error"), "{table:?}");
    let json = place.apical(&["runs", "runs", "--json"]).json();
    assert_eq!(json.as_array().map(Vec::len), Some(2));
    assert!(json[1]["metrics"]["test.error"].is_number() && json[1]["exit_code"] == 0, "{json}");
    place.apical(&["runs", "nowhere"]).refused(2, &["nowhere"]);
    place.apical(&["runs", "quick.toml"]).refused(2, &["no folder"]);
}

#[test]
fn runs_differ_in_what_was_changed() {
    let place = Place::with_experiments();
    let (first, second) = (place.run(&["quick.toml"]), place.run(&["quick.toml", "--set", "plasticity.eta_ip=1.0"]));
    let json = place.apical(&["diff", &first, &second, "--json"]).json();
    let config: Vec<&String> = json["config"].as_object().unwrap().keys().collect();
    assert!(!config.is_empty() && config.iter().all(|key| key.ends_with("eta_ip")), "{json}");
    assert!(json["results"]["test.loss"].is_array() && json["origin"] == serde_json::json!({}), "{json}");
    let table = place.apical(&["diff", &first, &second]);
    assert!(table.stdout.contains("eta_ip") && table.stdout.contains("origin: the same"), "{table:?}");
    let same = place.apical(&["diff", &first, &first]);
    assert!(same.stdout.contains("config: the same\nresults: the same\n"), "{same:?}");
    place.apical(&["diff", &first, "nowhere"]).refused(2, &["nowhere"]);
}

#[test]
fn everything_there_is_can_be_listed() {
    let place = Place::new();
    let all = place.apical(&["list"]).stdout;
    let names = [
        ("experiments", "s18-mnist-published"),
        ("solvers", "two-step"),
        ("plans", "blocks"),
        ("learners", "microcircuit"),
        ("tasks", "yin-yang"),
        ("activations", "soft_relu"),
    ];
    for (kind, name) in names {
        assert!(all.contains(kind) && all.contains(name), "{all}");
        let one = place.apical(&["list", kind]).stdout;
        assert!(one.contains(name) && !one.contains(kind), "{one}");
        let json = place.apical(&["list", kind, "--json"]).json();
        assert!(json[kind].as_array().unwrap().iter().any(|entry| entry["name"] == name), "{json}");
    }
    place.apical(&["list", "everything"]).refused(2, &["experiments", "activations"]);
}

#[test]
fn presets_are_shown_to_be_edited_and_resolved() {
    let place = Place::new();
    let shown = place.apical(&["show", "digits"]).stdout;
    assert!(shown.contains("# S18") && shown.contains("[network]"), "{shown}");
    place.write("mine.toml", &shown);
    let path = |done: super::support::Done| done.last_line().rsplit_once('-').unwrap().1.to_owned();
    let mine = path(place.apical(&["run", "mine.toml", "--dry-run"]));
    assert_eq!(mine, path(place.apical(&["run", "digits", "--dry-run"])));
    let presets = place.apical(&["list", "experiments", "--json"]).json();
    for preset in presets["experiments"].as_array().unwrap() {
        let name = preset["name"].as_str().unwrap();
        let resolved = place.apical(&["show", name, "--resolved"]);
        if name.starts_with("compare-") {
            resolved.refused(2, &["apical compare"]);
            continue;
        }
        assert_eq!(resolved.code, Some(0), "{resolved:?}");
        assert!(resolved.stdout.contains("interneuron"), "{name}: the mixing factors are missing: {resolved:?}");
    }
    place.apical(&["show", "digitz"]).refused(2, &["did you mean `digits`?"]);
    place.write("bytes.toml", [0xff, 0xfe]);
    place.apical(&["show", "bytes.toml"]).refused(2, &["not UTF-8"]);
}

#[test]
fn keys_are_explained() {
    let place = Place::new();
    let dt = place.apical(&["explain", "time.dt"]).stdout;
    assert!(dt.contains("ms") && dt.contains("default: 0.1"), "{dt}");
    assert!(place.apical(&["explain", "plasticity"]).stdout.contains("eta_ip"));
    assert!(place.apical(&["explain"]).stdout.contains("[plasticity]"));
    assert_eq!(place.apical(&["explain", "time.dt", "--json"]).json()[0]["key"], "time.dt");
    place.apical(&["explain", "time.dtt"]).refused(2, &["did you mean `time.dt`?"]);
}

#[test]
fn the_schema_is_a_schema() {
    let place = Place::new();
    let schema: serde_json::Value = serde_json::from_str(&place.apical(&["schema"]).stdout).unwrap();
    assert!(schema["properties"]["network"].is_object());
    assert_eq!(place.apical(&["schema", "--json"]).json(), schema);
    let sweep: serde_json::Value = serde_json::from_str(&place.apical(&["schema", "--sweep"]).stdout).unwrap();
    assert!(sweep["properties"]["vary"].is_object() && sweep["properties"]["network"].is_null());
}

#[test]
fn the_engine_is_verified() {
    let place = Place::new();
    let golden = golden();
    let case = golden.join("tanh_4_6_3_notarget.json");
    let done = place.apical(&["verify", case.to_str().unwrap()]);
    assert_eq!(done.code, Some(0), "{done:?}");
    for plan in ["reference, ", "fused, ", "blocks of 32, ", "batch, "] {
        let row = format!("PASS  tanh_4_6_3_notarget  {plan}");
        assert!(done.stdout.lines().any(|line| line.starts_with(&row)), "no {plan}: {done:?}");
    }
    assert!(done.stderr.contains("4 of 4 replays"), "{done:?}");
    let json = place.apical(&["verify", "--json", case.to_str().unwrap()]).json();
    assert!(json[0]["passed"] == true && json[0]["arrays"][0]["f64"].is_number(), "{json}");
}

#[test]
fn verify_replays_by_the_plan_that_is_asked_for() {
    let place = Place::new();
    let golden = golden();
    let case = |name: &str| golden.join(name).to_str().unwrap().to_owned();
    let (one, three) = (case("tanh_4_6_3_notarget.json"), case("hardtanh_6_5_4_3_batch3_lag.json"));
    let plans = |args: &[&str]| -> Vec<String> {
        let json = place.apical(&[&["verify", "--json"], args].concat()).json();
        json.as_array().unwrap().iter().map(|report| report["plan"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(plans(&[&one, "--plan", "blocks", "--block", "7", "--isa", "plain"]), ["blocks of 7, plain"]);
    let all = plans(&[&one, "--plan", "batch", "--isa", "all"]);
    assert!(all[0] == "batch, plain" && all.iter().all(|plan| plan.starts_with("batch, ")), "{all:?}");
    // Three patterns side by side: nothing fused.
    assert_eq!(plans(&[&three, "--isa", "plain"]).len(), 3);
    let left = place.apical(&["verify", &one, &three, "--plan", "fused"]);
    assert!(left.code == Some(0) && left.stderr.contains("batch3") && left.stderr.contains("1 of 1"), "{left:?}");
    place.apical(&["verify", &three, "--plan", "fused"]).refused(2, &["--plan"]);
    place
        .apical(&["verify", &one, "--plan", "fusd"])
        .refused(2, &["--plan", "fusd", "reference, fused, blocks, batch"]);
    place.apical(&["verify", &one, "--isa", "sse9"]).refused(2, &["--isa", "sse9", "all, plain"]);
    place.apical(&["verify", &one, "--block", "0"]).refused(2, &["--block"]);
}

#[test]
fn verify_checks_the_others_when_one_is_off_or_unreadable() {
    let place = Place::new();
    let golden = golden();
    std::fs::create_dir(place.join("cases")).unwrap();
    for (from, to) in [("tanh_4_6_3_notarget", "good"), ("tanh_4_6_3_notarget", "off")] {
        for end in ["json", "npz"] {
            std::fs::copy(golden.join(format!("{from}.{end}")), place.join(format!("cases/{to}.{end}"))).unwrap();
        }
    }
    let off = std::fs::read_to_string(place.join("cases/off.json")).unwrap();
    assert!(off.contains("\"g_lk\": 0.1"), "{off}");
    place.write("cases/off.json", off.replace("\"g_lk\": 0.1", "\"g_lk\": 0.11"));
    let done = place.apical(&["verify", "cases"]);
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(done.stdout.contains("PASS  good") && done.stdout.contains("FAIL  off"), "{done:?}");
    assert!(done.stderr.contains("4 of 8 replays"), "{done:?}");
    place.write("cases/off.json", "{");
    let done = place.apical(&["verify", "nowhere", "cases"]);
    assert_eq!(done.code, Some(2), "{done:?}");
    assert!(done.stdout.contains("PASS  good") && done.stderr.contains("off.json"), "{done:?}");
    assert!(done.stderr.contains("nowhere"), "{done:?}");
    place.apical(&["verify"]).refused(2, &["PATH"]);
}

#[test]
fn completions_are_scripts_of_their_shells() {
    let place = Place::new();
    for (shell, sign) in [("bash", "complete -F"), ("zsh", "#compdef apical"), ("fish", "complete -c apical")] {
        let done = place.apical(&["completions", shell]);
        assert!(done.code == Some(0) && done.stdout.contains(sign) && done.stdout.contains("resume"), "{shell}");
    }
    place.apical(&["completions", "dos"]).refused(2, &["bash"]);
}
