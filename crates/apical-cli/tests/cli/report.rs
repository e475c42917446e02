//! `apical report` as users call it: what it writes and where, and what damaged folders come to.

use super::support::{EULER, Place};
use std::fs;

/// Two seeds of one config.
fn two() -> (Place, [String; 2]) {
    let place = Place::with_experiments();
    let runs = ["1", "2"].map(|seed| place.run(&["quick.toml", "--seed", seed]));
    (place, runs)
}

#[test]
fn a_folder_becomes_a_page_with_all_that_it_promises() {
    let (place, [first, _]) = two();
    let done = place.apical(&["report", "runs"]);
    assert_eq!((done.code, done.last_line().as_str()), (Some(0), "report.html"), "{done:?}");
    let page = String::from_utf8(place.bytes(".", "report.html")).unwrap();
    for said in [
        "mean \u{b1} standard deviation of 2 runs",
        "too short to say",
        "All runs, with how they ended",
        "Saturated cells",
        "Rates of layer 1",
        "presentations a second",
        "apical run -q quick.toml --seed 1",
        "apical report runs -o report.html",
        "@inproceedings{sacramento2018",
        "confusion",
    ] {
        assert!(page.contains(said), "{said}");
    }
    if cfg!(target_os = "linux") {
        assert!(page.contains("peak memory"));
    }
    let again = place.apical(&["report", "runs"]);
    assert_eq!(again.code, Some(0), "{again:?}");
    assert_eq!(page.as_bytes(), place.bytes(".", "report.html"));
    let json = place.apical(&["report", &first, "-o", "one.html", "--json"]).json();
    assert_eq!((&json["report"], &json["folders"]), (&"one.html".into(), &1.into()), "{json}");
    assert_eq!(json["bytes"], place.bytes(".", "one.html").len());
    assert!(json["verdict"][0].as_str().unwrap().starts_with("Test error "), "{json}");
}

#[test]
fn markdown_has_the_same_words_without_markup() {
    let (place, _) = two();
    assert_eq!(place.apical(&["report", "runs", "-q", "-o", "r.md"]).stdout, "r.md\n");
    let by_ending = place.bytes(".", "r.md");
    place.apical(&["report", "runs", "--format", "md"]);
    let text = String::from_utf8(by_ending).unwrap();
    for said in [
        "# quick\n",
        "## Runs\n",
        "| run | state | test error (%) |",
        "```toml\nname = \"quick\"",
        "@inproceedings{",
        "Saturated cells",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
    assert!(!text.contains("<svg") && place.join("report.md").is_file());
}

#[test]
fn a_run_that_diverged_says_where() {
    let place = Place::new();
    place.write("wild.toml", EULER.replace("eta_ip = 0.001", "eta_ip = 1e6"));
    let done = place.apical(&["run", "-q", "wild.toml"]);
    assert_eq!(done.code, Some(1), "{done:?}");
    let report = place.apical(&["report", "runs", "-o", "r.md"]);
    assert!(report.code == Some(0) && report.stderr.contains("1 run failed"), "{report:?}");
    let text = String::from_utf8(place.bytes(".", "r.md")).unwrap();
    for said in
        ["Where runs failed", "| run | layer | cell | index | step | time (ms) | value | presentation |", "diverged"]
    {
        assert!(text.contains(said), "{said}: {text}");
    }
}

#[test]
fn what_cannot_be_read_is_told_of_or_refused() {
    let (place, [first, second]) = two();
    let path = place.join(&second);
    // File, its new bytes (none: it is removed), words in the page; the other run stays.
    type Damage<'a> = (&'a str, Option<&'a [u8]>, &'a str);
    let damage: [Damage; 8] = [
        ("metrics.jsonl", None, "no such file"),
        ("metrics.jsonl", Some(b"{\"presentation\":1}\n"), "metrics.jsonl:1"),
        ("metrics.jsonl", Some(b"{\"presentation\":1,"), "half a line"),
        ("metrics.json", Some(b"{"), "metrics.json"),
        ("rates.json", Some(b"[1,2"), "runs/"),
        ("config.resolved.toml", Some(b"a = ["), "config.resolved.toml:1"),
        ("run.json", Some(b"[]"), "run.json"),
        ("DONE", Some(b""), "it is empty"),
    ];
    for (file, bytes, said) in damage {
        let before = fs::read(path.join(file)).unwrap();
        match bytes {
            Some(bytes) => fs::write(path.join(file), bytes).unwrap(),
            None => fs::remove_file(path.join(file)).unwrap(),
        }
        let done = place.apical(&["report", &first, &second, "-o", "r.html"]);
        assert_eq!(done.code, Some(0), "{file}: {done:?}");
        let page = String::from_utf8(place.bytes(".", "r.html")).unwrap();
        assert!(page.contains(said) && page.contains("All runs"), "{file}: no {said:?}");
        fs::write(path.join(file), before).unwrap();
    }
    place.apical(&["report", "nowhere"]).refused(2, &["nowhere", "no such folder"]);
    fs::create_dir(place.join("empty")).unwrap();
    place.apical(&["report", "empty"]).refused(2, &["empty", "run.json"]);
    place.apical(&["report", &first, "-o", "runs"]).refused(2, &["runs", "this is a folder"]);
    assert_eq!(place.apical(&["report"]).code, Some(2));
    assert_eq!(place.apical(&["report", &first, "--format", "pdf"]).code, Some(2));
    place.apical(&["report", &first, "-o", "no/such/folder/r.html"]).refused(2, &["no/such/folder", "no such folder"]);
    assert!(!place.join("report.html").exists());
}

#[test]
fn nothing_but_a_report_is_written_over() {
    let (place, [first, _]) = two();
    let info = format!("{first}/run.json");
    let own = place.bytes(&first, "run.json");
    place.apical(&["report", &first, "-o", &info]).refused(2, &["run.json", ".html"]);
    for file in ["new.html", "figures/new.html"] {
        let inside = format!("{first}/{file}");
        place.apical(&["report", &first, "-o", &inside]).refused(2, &[&inside, "the folder of a run"]);
        assert!(!place.join(&inside).exists());
    }
    assert_eq!(own, place.bytes(&first, "run.json"));
    place.write("mine.html", "<!doctype html>\n<p>mine");
    place.apical(&["report", &first, "-o", "mine.html"]).refused(2, &["mine.html", "no report"]);
    place.apical(&["report", &first, "-o", "seeds.pdf"]).refused(2, &["seeds.pdf", ".html"]);
    place.apical(&["report", &first, "-o", "x.html", "--format", "md"]).refused(2, &["x.html", "--format"]);
    place.write("r.md", "");
    for _ in 0..2 {
        assert_eq!(place.apical(&["report", &first, "-o", "r.md"]).code, Some(0), "empty, then a report");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        let shown = place.apical(&["report", &first, "-q", "--format", "md", "-o", "/dev/stdout"]);
        assert!(shown.code == Some(0) && shown.stdout.starts_with("<!-- apical report -->"), "{shown:?}");
        assert!(shown.stdout.ends_with('\n') && !shown.stdout.contains("/dev/stdout\n/dev/stdout"));
        assert_eq!(place.apical(&["report", &first, "-o", "/dev/null"]).code, Some(0));
        assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
        fs::rename(place.join("r.md"), place.join("kept.md")).unwrap();
        std::os::unix::fs::symlink("kept.md", place.join("link.md")).unwrap();
        assert_eq!(place.apical(&["report", &first, "-o", "link.md"]).code, Some(0));
        assert!(place.join("link.md").is_symlink(), "the link was replaced, not what it leads to");
    }
}

/// None of these may be waited for, or read without end.
#[cfg(unix)]
#[test]
fn metrics_that_are_no_file_are_refused_and_block_nothing() {
    let (place, [first, second]) = two();
    let metrics = place.join(&second).join("metrics.jsonl");
    let pipe = || assert!(std::process::Command::new("mkfifo").arg(&metrics).status().unwrap().success());
    let link = |to: &str| std::os::unix::fs::symlink(to, &metrics).unwrap();
    let makes: [&dyn Fn(); 4] =
        [&pipe, &|| link("/dev/zero"), &|| link("metrics.jsonl"), &|| fs::create_dir(&metrics).unwrap()];
    for make in makes {
        fs::remove_file(&metrics).unwrap();
        make();
        place.apical(&["report", &second]).refused(2, &["metrics.jsonl"]);
        place.apical(&["plot", &second, "--out", "figures"]).refused(2, &["metrics.jsonl"]);
        let all = place.apical(&["report", "runs", "--json"]).json();
        assert!(all["verdict"][0].as_str().unwrap().contains("1 of 2 folders cannot be read"), "{all}");
    }
    assert_eq!(place.apical(&["report", &first]).code, Some(0));
}

#[test]
fn what_was_not_learned_is_said_first() {
    let place = Place::new();
    let wild = ["digits", "--set", "train.epochs=3", "--set", "plasticity={eta_pp=[20.0,20.0],eta_ip=20.0}"];
    let missed = place.apical(&[&["run", "-q"], &wild[..]].concat());
    assert_eq!(missed.code, Some(1), "{missed:?}");
    let json = place.apical(&["report", "runs", "--json"]).json();
    let verdict = json["verdict"][0].as_str().unwrap();
    assert!(
        verdict.contains("; at chance: guessing among 10 classes errs in 90 %; missed [expect] test.error"),
        "{verdict}"
    );
    let settling = Place::new();
    settling.run(&["s18-self-prediction", "--set", "train.epochs=1", "--set", "task.train=20"]);
    let json = settling.apical(&["report", "runs", "--json"]).json();
    let verdict = json["verdict"][0].as_str().unwrap();
    assert!(
        verdict.starts_with("Squared apical error ") && verdict.contains("squared interneuron mismatch "),
        "{verdict}"
    );
}

#[test]
fn relations_that_cannot_be_read_are_refused() {
    let place = Place::new();
    fs::create_dir(place.join("rel")).unwrap();
    for text in ["garbage\n", "when,layer,learner_a,learner_b,degrees\nstart,1,bp,fa,wide\n"] {
        place.write("rel/relate.csv", text);
        place.apical(&["report", "rel"]).refused(2, &["relate.csv:"]);
    }
}

#[test]
fn a_name_with_markup_stays_a_name() {
    let (place, [first, _]) = two();
    let hostile = "runs/<img src=x onerror=alert(1)>&\"'";
    fs::rename(place.join(&first), place.join(hostile)).unwrap();
    let config = String::from_utf8(place.bytes(hostile, "config.resolved.toml")).unwrap();
    place.write(
        &format!("{hostile}/config.resolved.toml"),
        config.replace("\"quick\"", "\"</script><script>alert(2)\""),
    );
    assert_eq!(place.apical(&["report", hostile]).code, Some(0));
    let page = String::from_utf8(place.bytes(".", "report.html")).unwrap();
    assert!(!page.contains("<img") && page.contains("&lt;img src=x onerror=alert(1)&gt;&amp;&quot;&#39;"));
    assert_eq!(page.matches("<script").count(), 2, "its data and its own script");
}

/// Copies of real runs, each with a config of its own: curves, figures and traces as large as runs have them.
#[test]
fn a_hundred_runs_stay_below_five_megabytes() {
    let place = Place::with_experiments();
    let traced = ["--set", "record.angles=50", "--set", "record.soma={every=1}", "--set", "train.epochs=40"];
    let digits = place.run(&[&["quick.toml"], &traced[..2]].concat());
    let euler = place.run(&[&["euler.toml"], &traced[2..]].concat());
    for (i, run) in [&digits, &euler].into_iter().cycle().take(98).enumerate() {
        let copy = format!("runs/copy-{i}");
        for (file, bytes) in place.results(run).into_iter().filter(|(file, _)| i < 4 || !file.starts_with("traces")) {
            fs::create_dir_all(place.join(&copy).join(&file).parent().unwrap()).unwrap();
            place.write(&format!("{copy}/{}", file.display()), bytes);
        }
        fs::copy(place.join(run).join("run.json"), place.join(&copy).join("run.json")).unwrap();
        let config = String::from_utf8(place.bytes(&copy, "config.resolved.toml")).unwrap();
        let own = config.replace("decay = 1.0", &format!("decay = 0.{i:03}1"));
        assert_ne!(own, config);
        place.write(&format!("{copy}/config.resolved.toml"), own);
    }
    let json = place.apical(&["report", "runs", "--json"]).json();
    assert_eq!(json["folders"], 100);
    let bytes = json["bytes"].as_u64().unwrap();
    assert!((500_000..5_000_000).contains(&bytes), "{bytes} bytes");
    assert!(json["verdict"][0].as_str().unwrap().starts_with("100 configs, of different tasks"), "{json}");
}
