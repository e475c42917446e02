//! Reports of run folders, also of folders that are damaged or mean harm: what stands in them, what does not, and how large they are.

use apical_report::page::{Extra, Page};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Writes a run folder as a run of `learner` leaves it; its error falls with the epochs to a value that the seed decides.
fn run(parent: &Path, name: &str, learner: &str, seed: u64, epochs: usize) -> PathBuf {
    let folder = parent.join(name);
    fs::create_dir_all(&folder).unwrap();
    let write = |file: &str, text: String| fs::write(folder.join(file), text).unwrap();
    let config = format!(
        "name = \"toy\"\nseed = {seed}\n[network]\nsizes = [784, 500, 500, 10]\nactivation = \"logistic\"\n[learner]\n\
        kind = \"{learner}\"\n[solver]\nkind = \"two-step\"\n[task]\nkind = \"mnist\"\ntrain = 55000\n[train]\nbatch = 10\n"
    );
    write("config.resolved.toml", config);
    let info = format!(
        r#"{{"name":"toy","seed":{seed},"argv":["/x/apical","run","a b.toml"],"version":"0.1.0","seconds":12.5,"threads":2,"presentations":4000,"epochs":40,
        "cost":{{"training_seconds":10.0,"presentations":4000,"steps":0,"peak_memory_bytes":52000000}}}}"#
    );
    write("run.json", info);
    let mut lines = String::new();
    for epoch in 0..epochs {
        for (i, metric) in
            ["train.loss", "validation.error", "weight_norm.Wpp.1", "apical_squared.1"].iter().enumerate()
        {
            let value = (0.02 + seed as f64 * 0.001) * (1.0 + (-(epoch as f64)).exp()) * (1.0 + i as f64 / 3.0);
            lines += &format!(
                "{{\"presentation\":{0},\"epoch\":{epoch},\"time_ms\":{0}.0,\"name\":\"{metric}\",\"value\":{value}}}\n",
                epoch * 100
            );
        }
    }
    write("metrics.jsonl", lines);
    write(
        "metrics.json",
        format!("{{\"epochs\":{epochs},\"test.error\":{0},\"validation.error\":{0}}}", 0.02 + seed as f64 * 0.001),
    );
    write("DONE", "came to its end\n{\"exit_code\":0}\n".into());
    folder
}

fn page(folders: &[PathBuf]) -> Page {
    Page::of(folders, &Extra::default()).unwrap()
}

#[test]
fn a_report_says_what_was_learned_and_how_sure_that_is() {
    let place = TempDir::new().unwrap();
    let folders: Vec<PathBuf> =
        (0..3).map(|seed| run(place.path(), &format!("toy-{seed}"), "microcircuit", seed, 40)).collect();
    let page = page(&folders);
    for said in ["Test error", "2.10 \u{b1} 0.10 %", "of 3 runs", "12.5 s a run", "3 of 3 converged"] {
        assert!(page.headline.contains(said), "{said} in {}", page.headline);
    }
    let (html, markdown) = (page.html(), page.markdown());
    for text in [&html, &markdown] {
        for said in ["apical run ", "1.96 %", "two-step", "Norms of weights", "52 MB", "same protocol?"] {
            assert!(text.contains(said), "{said}");
        }
    }
    assert!(html.contains(r#""name":"validation""#) && html.contains("<svg"));
    assert_eq!(html, self::page(&folders).html());
    assert_eq!(html.matches("@font-face").count(), 1);
}

#[test]
fn nothing_of_a_folder_becomes_markup_or_an_address() {
    let place = TempDir::new().unwrap();
    let hostile = "</script><script>alert(1)</script>|<img src=x onerror=alert(2)>".replace('/', "\u{2215}");
    let folder = run(place.path(), &hostile, "microcircuit", 1, 12);
    let info = r#"{"name":"<b onload=x>'\"&","argv":["apical","</pre><script>"],"cpu":"</script><i>","seconds":1}"#;
    fs::write(folder.join("run.json"), info).unwrap();
    let line = r#"{"presentation":0,"epoch":0,"time_ms":0,"name":"weight_norm.</script><script>boo","value":1}"#;
    fs::write(folder.join("metrics.jsonl"), format!("{line}\n")).unwrap();
    fs::write(folder.join("DONE"), "<script>done</script> https://example.org\n").unwrap();
    let page = page(&[folder]);
    let html = page.html();
    assert_eq!(html.matches("<script").count(), 2, "the data and the script of the page");
    assert_eq!(html.matches("</script").count(), 2);
    for tag in ["<img", "<b ", "<i>", "<link", "src=\"http", "href=\"http"] {
        assert!(!html.contains(tag), "{tag}");
    }
    assert!(html.contains("&lt;script&gt;done&lt;"));
    let markdown = page.markdown();
    let outside: Vec<&str> = markdown.split("```").step_by(2).collect();
    assert!(outside.iter().all(|part| !part.contains("<script") && !part.contains("<img")));
}

#[test]
fn a_damaged_folder_is_told_of_and_the_others_stay() {
    let place = TempDir::new().unwrap();
    let good = run(place.path(), "good", "bp", 0, 12);
    let half = run(place.path(), "half", "bp", 1, 12);
    let mut text = fs::read_to_string(half.join("metrics.jsonl")).unwrap();
    text += "{\"presentation\":12";
    fs::write(half.join("metrics.jsonl"), text).unwrap();
    let bad = run(place.path(), "bad", "bp", 2, 12);
    fs::write(bad.join("metrics.jsonl"), "no json\n").unwrap();
    let bare = run(place.path(), "bare", "bp", 3, 12);
    fs::remove_file(bare.join("config.resolved.toml")).unwrap();
    let failed = run(place.path(), "failed", "bp", 4, 12);
    fs::remove_file(failed.join("DONE")).unwrap();
    let place_of = r#"{"exit_code":1,"place":{"layer":2,"cell":"P","step":1234,"time_ms":123.4,"value":"inf"}}"#;
    fs::write(failed.join("FAILED"), format!("diverged in layer 2\n{place_of}\n")).unwrap();
    let cut = run(place.path(), "cut", "bp", 5, 12);
    fs::create_dir(cut.join("traces")).unwrap();
    fs::write(cut.join("traces/zarr.json"), "{\"consoli").unwrap();
    let page = page(&[good, half, bad.clone(), bare.clone(), failed, cut]);
    let markdown = page.markdown();
    for said in [
        "metrics.jsonl:49: half a line",
        "metrics.jsonl:1",
        "config.resolved.toml",
        "diverged in layer 2",
        "Where runs failed",
        "1234",
        "traces/zarr.json",
    ] {
        assert!(markdown.contains(&said.replace('_', "\\_")), "{said}: {markdown}");
    }
    assert!(page.headline.contains("2 of 6 folders cannot be read"), "{}", page.headline);
    assert!(page.headline.contains("1 run failed"), "{}", page.headline);
    let error = Page::of(&[bad, bare], &Extra::default()).unwrap_err();
    assert!(error.place.contains("metrics.jsonl:1"), "{error}");
}

#[test]
fn a_config_with_a_seed_counts_once() {
    let place = TempDir::new().unwrap();
    let first = run(place.path(), "first", "bp", 0, 12);
    let copy = run(place.path(), "copy", "bp", 0, 12);
    let other = run(place.path(), "other", "bp", 1, 12);
    let page = page(&[first, copy.clone(), other.clone()]);
    assert!(
        page.headline.contains("of 2 runs") && page.headline.contains("1 folder has the config"),
        "{}",
        page.headline
    );
    assert!(page.markdown().contains("the same config and seed as first"));
    // A run that records more is no copy: its figures may be wanted. Its score is still that of its seed.
    let config = fs::read_to_string(copy.join("config.resolved.toml")).unwrap();
    fs::write(copy.join("config.resolved.toml"), config + "[record]\nangles = 50\n").unwrap();
    let more = Page::of(&[place.path().join("first"), copy, other], &Extra::default()).unwrap();
    assert!(more.headline.contains("of 2 runs") && !more.headline.contains("folder has"), "{}", more.headline);
}

#[test]
fn what_a_failed_run_came_to_is_no_score() {
    let place = TempDir::new().unwrap();
    let folder = run(place.path(), "failed", "bp", 0, 40);
    fs::remove_file(folder.join("DONE")).unwrap();
    fs::write(folder.join("FAILED"), "by hand\n").unwrap();
    let headline = page(&[folder]).headline;
    assert_eq!(headline, "No final score; last validation error 2.67 %; 1 run failed; 12.5 s.");
}

#[test]
fn final_metrics_that_are_none_are_told_of() {
    let place = TempDir::new().unwrap();
    let folder = run(place.path(), "odd", "bp", 0, 40);
    let with = |text: &str| {
        fs::write(folder.join("metrics.json"), text).unwrap();
        page(std::slice::from_ref(&folder))
    };
    for text in
        ["{", r#"{"test.error":"0.1","validation.error":0.0267}"#, r#"{"test.error":1e308,"validation.error":0.0267}"#]
    {
        let page = with(text);
        assert!(page.headline.starts_with("Validation error 2.67 %"), "{text}: {}", page.headline);
        assert_eq!(page.sections[0].id, "problems", "{text}");
    }
    let sound = with(r#"{"test.error":null,"validation.error":0.0267}"#);
    assert_ne!(sound.sections[0].id, "problems");
}

#[test]
fn configs_of_different_tasks_have_no_best() {
    let place = TempDir::new().unwrap();
    let first = run(place.path(), "first", "bp", 0, 12);
    let other = run(place.path(), "other", "bp", 1, 12);
    let config = fs::read_to_string(other.join("config.resolved.toml")).unwrap();
    fs::write(other.join("config.resolved.toml"), config.replace("mnist", "single")).unwrap();
    fs::write(other.join("metrics.json"), r#"{"test.loss":0.25}"#).unwrap();
    let page = page(&[first, other]);
    let markdown = page.markdown();
    assert!(!markdown.contains("the best first") && markdown.matches("| test loss |").count() == 2, "{markdown}");
}

#[test]
fn a_hundred_runs_stay_below_five_megabytes() {
    let place = TempDir::new().unwrap();
    let folders: Vec<PathBuf> = (0..100)
        .map(|i| {
            let folder = run(place.path(), &format!("run-{i}"), "microcircuit", i, 600);
            let text = fs::read_to_string(folder.join("config.resolved.toml")).unwrap();
            // Each a config of its own, so that nothing is averaged.
            fs::write(folder.join("config.resolved.toml"), format!("{text}decay = 0.{i:03}1\n")).unwrap();
            folder
        })
        .collect();
    let page = page(&folders);
    assert!(page.headline.starts_with("Best of 100 configs on validation is "), "{}", page.headline);
    assert!(page.headline.contains(": test error "), "{}", page.headline);
    let bytes = page.html().len();
    assert!(bytes < 5_000_000, "{bytes} bytes");
}
