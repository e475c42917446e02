//! `apical sweep` by the real binary: planned, made side by side, killed, told of; and what is refused.

use super::support::{Done, Place};
use std::collections::HashMap;
use std::time::Duration;

const BASE: &str = "task = { kind = \"patterns\", train = 20 }\n[network]\nsizes = [4, 3, 2]\nsigma = 0.1\n[time]\npresentation = 5.0\n\
    [plasticity]\neta_ip = 0.001\neta_pi = 0.005\n[train]\nepochs = 3\n";

fn place(sweep: &str) -> Place {
    let place = Place::new();
    place.write("base.toml", BASE);
    place.write("rates.toml", format!("experiment = \"base.toml\"\n{sweep}"));
    place
}

fn table(place: &Place, folder: &str) -> String {
    let done = place.apical(&["sweep", "collect", "rates.toml", "-q", "--out", folder]);
    assert_eq!(done.code, Some(0), "{done:?}");
    std::fs::read_to_string(place.join(folder).join("rates/results.csv")).unwrap()
}

fn ok(done: Done) -> Done {
    assert_eq!(done.code, Some(0), "{done:?}");
    done
}

#[test]
fn a_sweep_is_planned_made_and_collected() {
    let place = place("seeds = 2\n[vary]\nplasticity.eta_pi = { log = [1e-3, 1e-1], steps = 3 }\n");
    let plan = ok(place.apical(&["sweep", "plan", "rates.toml", "--json"])).json();
    assert_eq!((plan["runs"].as_u64(), plan["missing"].as_u64()), (Some(6), Some(6)));
    assert_eq!(std::fs::read_dir(place.join("sweeps/rates/runs")).unwrap().count(), 0, "a plan makes no run");
    let made = ok(place.apical(&["sweep", "run", "rates.toml", "--json"])).json();
    assert_eq!((made["done"].as_u64(), made["made"].as_u64(), made["queued"].as_u64()), (Some(6), Some(6), Some(0)));
    let again = ok(place.apical(&["sweep", "run", "rates.toml", "--json"])).json();
    assert_eq!(again["made"].as_u64(), Some(0));
    let table = table(&place, "sweeps");
    let mut lines = table.lines();
    assert!(
        lines.next().unwrap().starts_with("run,plasticity.eta_pi,seed,state,reason,validation.error.best,"),
        "{table}"
    );
    let cells: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
    let keys: Vec<(&str, &str, &str)> = cells.iter().map(|row| (row[1], row[2], row[3])).collect();
    assert_eq!(keys[..3], [("0.001", "0", "done"), ("0.001", "1", "done"), ("0.01", "0", "done")]);
    // Each is an ordinary run, without figures and traces.
    let run = format!("sweeps/rates/runs/{}", cells[0][0]);
    assert!(!place.join(&run).join("figures").exists());
    assert_eq!(place.apical(&["diff", &run, &run]).code, Some(0));
    // One that has lost its values is told of, and has none.
    for (file, text) in [("metrics.jsonl", None), ("metrics.jsonl", Some("rubbish\n")), ("metrics.json", None)] {
        let path = place.join(&run).join(file);
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, text.unwrap_or("")).unwrap();
        let done = ok(place.apical(&["sweep", "collect", "rates.toml"]));
        assert!(done.stderr.contains(file) && done.stderr.contains("is damaged"), "{done:?}");
        let table = std::fs::read_to_string(place.join("sweeps/rates/results.csv")).unwrap();
        assert!(table.lines().nth(1).unwrap().contains(",damaged,"), "{table}");
        std::fs::write(&path, whole).unwrap();
    }
}

#[test]
fn figures_and_reports_are_of_what_is_part_of_the_sweep_and_of_its_metric() {
    let place = place("[vary]\nplasticity.eta_pi = [0.001, 0.002, 0.004]\n");
    ok(place.apical(&["sweep", "run", "rates.toml", "-q"]));
    let told = ok(place.apical(&["sweep", "collect", "rates.toml"]));
    assert!(told.stderr.contains("no run has validation.error"), "patterns have none: {told:?}");
    let less =
        "experiment = \"base.toml\"\nmetric = \"apical_squared.1\"\n[vary]\nplasticity.eta_pi = [0.001, 0.002]\n";
    place.write("rates.toml", less);
    ok(place.apical(&["sweep", "plan", "rates.toml", "-q"]));
    let report = ok(place.apical(&["report", "sweeps/rates", "-o", "r.html", "--json"])).json();
    assert_eq!(report["folders"].as_u64(), Some(2), "{report}");
    let page = String::from_utf8(place.bytes(".", "r.html")).unwrap();
    assert!(page.contains("Best apical_squared.1"), "the report shows what the sweep ranks by");
    ok(place.apical(&["plot", "sweeps/rates", "--figure", "sweep-lines", "--format", "svg", "--out", "f"]));
    let csv = String::from_utf8(place.bytes("f", "sweep-lines.csv")).unwrap();
    assert!(csv.contains("Best apical_squared.1") && csv.lines().count() == 1 + 2, "{csv}");
}

#[test]
fn processes_share_a_sweep_and_none_makes_a_run_twice() {
    let place = place(
        "seeds = 100\n[set]\ntrain.epochs = 1\n[vary]\nplasticity.eta_pi = [0.001, 0.002, 0.003, 0.004, 0.005]\n",
    );
    let children: Vec<_> = (0..8)
        .map(|_| {
            let mut command = place.command(&["sweep", "run", "rates.toml", "--json", "--jobs", "1"]);
            command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap()
        })
        .collect();
    let mut made = 0;
    for child in children {
        let done = ok(Done::from(child.wait_with_output().unwrap()));
        made += done.json()["made"].as_u64().unwrap();
    }
    assert_eq!(made, 500);
    assert_eq!(table(&place, "sweeps").lines().count(), 501);
    ok(place.apical(&["sweep", "run", "rates.toml", "-q", "--out", "alone", "--jobs", "2"]));
    assert_eq!(table(&place, "sweeps"), table(&place, "alone"));
}

/// Killed again and again, at moments that differ from one time to the next; the table shows nothing of it.
#[cfg(unix)]
#[test]
fn a_sweep_that_is_killed_again_and_again_comes_to_the_same_table() {
    let place = place("seeds = 60\n[vary]\nplasticity.eta_pi = [0.001, 0.002]\n");
    for i in 0..20u64 {
        let mut child = place.command(&["sweep", "run", "rates.toml", "-q", "--jobs", "2"]).spawn().unwrap();
        // Not a multiple of anything: the places at which it dies differ.
        std::thread::sleep(Duration::from_millis(5 + (i * 37) % 90));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    ok(place.apical(&["sweep", "run", "rates.toml", "-q"]));
    ok(place.apical(&["sweep", "run", "rates.toml", "-q", "--out", "calm"]));
    assert_eq!(table(&place, "sweeps"), table(&place, "calm"));
    for folder in ["claims", "work", "workers"] {
        let left: Vec<_> = std::fs::read_dir(place.join("sweeps/rates").join(folder)).unwrap().collect();
        assert!(left.is_empty(), "{folder}: {left:?}");
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_keeps_checkpoints_and_tells_how_to_go_on() {
    let place = place("[set]\ntrain.epochs = 100000\n[vary]\nplasticity.eta_pi = [0.001, 0.002]\n");
    let mut command = place.command(&["sweep", "run", "rates.toml"]);
    let child = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let begun = || std::fs::read_dir(place.join("sweeps/rates/work")).map_or(0, Iterator::count);
    while begun() < 2 {
        std::thread::sleep(Duration::from_millis(2));
    }
    std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let done = Done::from(child.wait_with_output().unwrap());
    assert_eq!(done.code, Some(130), "{done:?}");
    assert!(done.stderr.contains("apical sweep run rates.toml"), "{done:?}");
    let status = ok(place.apical(&["sweep", "status", "rates.toml", "--json"])).json();
    assert_eq!((status["running"].as_array().map(Vec::len), status["queued"].as_u64()), (Some(0), Some(2)));
}

#[test]
fn what_diverged_is_a_result_and_is_counted_with_its_reason() {
    let place = place("[vary]\nplasticity.eta_pi = [0.001, 1e30]\n");
    let done = ok(place.apical(&["sweep", "run", "rates.toml", "--json"]));
    assert_eq!((done.json()["done"].as_u64(), done.json()["failed"].as_u64()), (Some(1), Some(1)), "{done:?}");
    assert!(done.json()["failures"][0]["reason"].as_str().unwrap().contains("diverged"), "{done:?}");
    assert_eq!(place.apical(&["sweep", "run", "rates.toml", "--json"]).json()["made"].as_u64(), Some(0));
    let table = table(&place, "sweeps");
    assert!(table.lines().nth(2).unwrap().contains(",failed,"), "{table}");
}

#[test]
fn a_changed_sweep_says_what_it_adds_and_orphans() {
    let place = place("[vary]\nplasticity.eta_pi = [0.001, 0.002]\n");
    ok(place.apical(&["sweep", "run", "rates.toml", "-q"]));
    place.write("rates.toml", "experiment = \"base.toml\"\n[vary]\nplasticity.eta_pi = [0.002, 0.003]\n");
    let done = ok(place.apical(&["sweep", "run", "rates.toml", "--json"]));
    assert!(done.stderr.contains("1 runs more, 1 no longer"), "{done:?}");
    assert!(
        done.stderr.contains("plasticity.eta_pi=0.003") && done.stderr.contains("plasticity.eta_pi=0.001"),
        "{done:?}"
    );
    assert_eq!((done.json()["made"].as_u64(), done.json()["orphans"].as_u64()), (Some(1), Some(1)));
    assert_eq!(table(&place, "sweeps").lines().count(), 3);
}

#[test]
fn a_run_folder_that_is_deleted_on_the_way_is_made_anew() {
    let place = place("[set]\ntrain.epochs = 400\n[vary]\nplasticity.eta_pi = [0.001, 0.002]\n");
    let mut command = place.command(&["sweep", "run", "rates.toml", "--json", "--jobs", "1"]);
    let child = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let work = place.join("sweeps/rates/work");
    let first = loop {
        if let Some(Ok(entry)) = std::fs::read_dir(&work).ok().and_then(|mut entries| entries.next()) {
            break entry.path();
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    let _ = std::fs::remove_dir_all(&first);
    let done = ok(Done::from(child.wait_with_output().unwrap()));
    assert_eq!(done.json()["done"].as_u64(), Some(2), "{done:?}");
    ok(place.apical(&["sweep", "run", "rates.toml", "-q", "--out", "calm"]));
    assert_eq!(table(&place, "sweeps"), table(&place, "calm"));
}

#[cfg(unix)]
#[test]
fn a_full_disk_stops_the_work_with_a_message_and_loses_nothing() {
    let place = place("seeds = 3\nretries = 0\n[vary]\nplasticity.eta_pi = [0.001]\n");
    ok(place.apical(&["sweep", "plan", "rates.toml", "-q"]));
    // No file may grow beyond 1 KiB: a checkpoint does not fit, as on a disk that is full.
    let limited = format!("ulimit -f 1; exec {} sweep run rates.toml -q", env!("CARGO_BIN_EXE_apical"));
    let done = Done::from(
        std::process::Command::new("bash").args(["-c", &limited]).current_dir(place.path()).output().unwrap(),
    );
    done.refused(3, &["not written"]);
    let status = ok(place.apical(&["sweep", "status", "rates.toml", "--json"])).json();
    assert_eq!((status["done"].as_u64(), status["crashed"].as_array().map(Vec::len)), (Some(0), Some(0)));
    let made = ok(place.apical(&["sweep", "run", "rates.toml", "--json"])).json();
    assert_eq!(made["made"].as_u64(), Some(3));
}

#[test]
fn what_cannot_be_is_refused_and_nothing_is_written() {
    let place = place("metric = \"test.error\"\n");
    place.apical(&["sweep", "run", "rates.toml"]).refused(2, &["rates.toml", "test.error", "validation"]);
    place.apical(&["sweep", "plan", "none.toml"]).refused(2, &["none.toml", "no such file"]);
    place.write("rates.toml", "experiment = \"base.toml\"\n[vary]\ntrain.epochs = [1]\n");
    place.apical(&["sweep", "collect", "rates.toml"]).refused(2, &["no run of the sweep has ended"]);
    place.apical(&["sweep", "run", "rates.toml", "--stale", "1"]).refused(2, &["--stale"]);
    assert!(!place.join("sweeps").exists());
    // What is no folder where one is needed.
    std::fs::create_dir_all(place.join("sweeps/rates")).unwrap();
    place.write("sweeps/rates/runs", "");
    place.apical(&["sweep", "run", "rates.toml"]).refused(3, &["runs"]);
}

#[test]
fn a_metric_that_no_run_will_have_is_refused_before_any_is_made() {
    for rest in ["", "[stop]\nfirst = 1\n", "[stop]\nrule = \"median\"\n"] {
        let place = place(&format!("metric = \"apical_sqared.1\"\n[vary]\nplasticity.eta_pi = [0.001, 0.002]\n{rest}"));
        let words = ["rates.toml:2", "apical_sqared.1", "did you mean \"apical_squared.1\"?", "distance_pi.1"];
        for what in ["plan", "run"] {
            place.apical(&["sweep", what, "rates.toml"]).refused(2, &words);
        }
        assert!(!place.join("sweeps").exists());
    }
    // Without a metric of its own nothing is ranked, unless runs are ended by their rank.
    let vary = "[vary]\nplasticity.eta_pi = [0.001, 0.002]\n";
    ok(place(vary).apical(&["sweep", "plan", "rates.toml"]));
    let place = place(&format!("{vary}[stop]\nfirst = 1\n"));
    place
        .apical(&["sweep", "plan", "rates.toml"])
        .refused(2, &["rates.toml:4", "validation.error", "apical_squared.1"]);
    let search = "method = \"bayes\"\nsamples = 3\nmetric = \"train.loss\"\n[vary]\nplasticity.eta_pi = { log = [0.001, 0.01] }\n";
    place.write("rates.toml", format!("experiment = \"base.toml\"\n{search}"));
    place.apical(&["sweep", "run", "rates.toml"]).refused(2, &["rates.toml:4", "train.loss"]);
}

#[test]
fn an_option_of_slurm_cannot_become_a_line_of_the_script() {
    let slurm = "[vary]\nseed = [1, 2]\n[slurm]\npartition = \"a\\ntouch X\"\n";
    let submit = ["sweep", "submit", "rates.toml", "--slurm", "--dry-run"];
    place(slurm).apical(&submit).refused(2, &["slurm.partition", "one line"]);
    let place = place("[vary]\nseed = [1, 2]\n");
    place.apical(&[&submit[..], &["--time", ""]].concat()).refused(2, &["slurm.time", "one line"]);
}

#[test]
fn the_script_for_slurm_says_what_was_asked() {
    let place = place(
        "[vary]\nseed = [1, 2, 3, 4]\n[slurm]\ntime = \"01:00:00\"\ncpus = 2\nnotice = 90\nextra = [\"--qos=low\"]\n",
    );
    let done = ok(place.apical(&[
        "sweep",
        "submit",
        "rates.toml",
        "--slurm",
        "--dry-run",
        "--array-size",
        "3",
        "--partition",
        "short",
    ]));
    let options: HashMap<&str, &str> = done
        .stdout
        .lines()
        .filter_map(|line| line.strip_prefix("#SBATCH --"))
        .map(|option| option.split_once('=').unwrap_or((option, "")))
        .collect();
    let expected = [
        ("array", "0-2"),
        ("time", "01:00:00"),
        ("partition", "short"),
        ("cpus-per-task", "2"),
        ("signal", "B:USR1@90"),
        ("requeue", ""),
        ("open-mode", "append"),
        ("qos", "low"),
        ("job-name", "rates"),
    ];
    expected.into_iter().for_each(|(name, value)| assert_eq!(options.get(name), Some(&value), "{name}"));
    assert!(done.stdout.contains("--jobs 2 --threads 1 --no-wait"), "{}", done.stdout);
    assert!(!place.join("sweeps").exists(), "a dry run writes nothing");
    let checked = std::process::Command::new("bash").args(["-n", "-c", &done.stdout]).status();
    assert!(checked.is_ok_and(|status| status.success()), "{}", done.stdout);
    // Without a scheduler the script is kept and named.
    let mut none = place.command(&["sweep", "submit", "rates.toml", "--slurm"]);
    let none = Done::from(none.env("PATH", place.path()).output().unwrap());
    none.refused(2, &["sbatch", "submit.sh"]);
    place.apical(&["sweep", "submit", "rates.toml"]).refused(2, &["--slurm"]);
}
