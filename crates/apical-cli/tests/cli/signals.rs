//! Runs that are stopped by signals or killed, and runs that are in use.

use super::support::{Done, EULER, Place};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Long enough not to end while a test looks at it.
fn long_experiment() -> Place {
    let place = Place::new();
    let text = EULER.replace("epochs = 2", "epochs = 60").replace("checkpoint_every = 500", "checkpoint_every = 2500");
    place.write("long.toml", text);
    place
}

fn spawn(place: &Place, args: &[&str]) -> Child {
    place.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits until something is so; the limit is only there for a program that hangs.
fn wait_until(what: &str, mut so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < Duration::from_secs(120), "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Waits until a run has written a checkpoint other than the one of before.
fn wait_for_checkpoint(place: &Place, before: Option<&Vec<u8>>) {
    wait_until("a checkpoint", || last_checkpoint(place).is_some_and(|now| Some(&now) != before));
}

fn last_checkpoint(place: &Place) -> Option<Vec<u8>> {
    let runs = std::fs::read_dir(place.join("runs")).ok()?;
    let run = runs.filter_map(Result::ok).map(|entry| entry.path()).next()?;
    std::fs::read(run.join("checkpoints/last.safetensors")).ok()
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

fn ended(child: Child) -> Done {
    Done::from(child.wait_with_output().unwrap())
}

/// Signals and exit codes. A process whose starter has SIGHUP ignored, as under `nohup`, leaves it so.
fn signals() -> Vec<(&'static str, i32)> {
    let mut list = vec![("INT", 130), ("TERM", 143), ("USR1", 143)];
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    list.extend(ignored.filter(|mask| mask & 1 == 0).map(|_| ("HUP", 129)));
    list
}

#[test]
#[cfg(target_os = "linux")]
fn a_run_outlives_its_terminal_where_it_is_told_to() {
    let place = long_experiment();
    let mut nohup = Command::new("nohup");
    nohup.arg(env!("CARGO_BIN_EXE_apical")).args(["run", "long.toml"]).current_dir(place.path());
    let child = nohup.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for_checkpoint(&place, None);
    signal(&child, "HUP");
    wait_for_checkpoint(&place, last_checkpoint(&place).as_ref());
    signal(&child, "TERM");
    let done = ended(child);
    assert_eq!(done.code, Some(143), "{done:?}");
    assert!(done.stderr.contains("stopped by SIGTERM"), "{done:?}");
}

#[test]
fn a_run_stopped_by_each_signal_and_resumed_ends_with_the_same_bits() {
    let place = long_experiment();
    let whole = place.run(&["long.toml", "--out", "whole"]);
    let mut before = None;
    for (i, (name, code)) in signals().into_iter().enumerate() {
        let run = place.join("runs").read_dir().ok().and_then(|mut list| list.next()).map(|e| e.unwrap().path());
        let run = run.map(|path| path.strip_prefix(place.path()).unwrap().display().to_string());
        // The same command and `resume` are two ways to go on.
        let args = if i == 1 { vec!["resume", run.as_deref().unwrap()] } else { vec!["run", "long.toml"] };
        let child = spawn(&place, &args);
        wait_for_checkpoint(&place, before.as_ref());
        signal(&child, name);
        let done = ended(child);
        assert_eq!(done.code, Some(code), "{done:?}");
        assert!(done.stderr.contains(&format!("stopped by SIG{name}")), "{done:?}");
        assert!(done.stderr.contains(&format!("apical resume {}", done.last_line())), "{done:?}");
        assert!(i == 0 || done.stderr.contains("going on with"), "{done:?}");
        before = last_checkpoint(&place);
    }
    let done = place.apical(&["run", "long.toml"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(place.results(&whole) == place.results(&done.last_line()));
    let info: serde_json::Value = serde_json::from_slice(&place.bytes(&done.last_line(), "run.json")).unwrap();
    assert_eq!(info["resumed"].as_array().map(Vec::len), Some(signals().len()));
}

#[test]
fn a_killed_run_goes_on_and_one_in_use_is_left_alone() {
    let place = long_experiment();
    let whole = place.run(&["long.toml", "--out", "whole"]);
    let mut child = spawn(&place, &["run", "long.toml"]);
    wait_for_checkpoint(&place, None);
    let run = whole.replace("whole", "runs");
    place.apical(&["run", "long.toml"]).refused(2, &[&run, "in use"]);
    place.apical(&["run", "long.toml", "--again"]).refused(2, &[&run, "in use"]);
    place.apical(&["resume", &run]).refused(2, &[&run, "in use"]);
    let table = place.apical(&["runs"]);
    assert!(table.stdout.contains("running"), "{table:?}");
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(place.apical(&["runs"]).stdout.contains("stopped"));
    let done = place.apical(&["resume", &run]);
    assert_eq!((done.code, done.last_line()), (Some(0), run.clone()), "{done:?}");
    assert!(place.results(&whole) == place.results(&run));
}

#[test]
#[cfg(target_os = "linux")]
fn a_second_interrupt_ends_at_once() {
    let place = Place::new();
    // One presentation of 2e9 steps: the first request is not answered while we wait.
    place.write("slow.toml", EULER.replace("presentation = 5.0", "presentation = 2e8"));
    let child = spawn(&place, &["run", "slow.toml"]);
    let status = |field: &str| -> u64 {
        let text = std::fs::read_to_string(Path::new("/proc").join(child.id().to_string()).join("status")).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(field)).unwrap();
        u64::from_str_radix(line.trim(), 16).unwrap()
    };
    let interrupt = 1 << (2 - 1);
    // All handlers are there when the last, that of SIGUSR1, is.
    wait_until("the handlers", || status("SigCgt:") & (1 << (10 - 1)) != 0);
    signal(&child, "INT");
    wait_until("the first interrupt to arrive", || (status("ShdPnd:") | status("SigPnd:")) & interrupt == 0);
    signal(&child, "INT");
    let done = ended(child);
    assert_eq!(done.code, Some(130), "{done:?}");
    assert!(!done.stderr.contains("checkpoint"), "{done:?}");
}

#[test]
fn a_full_disk_exits_3_and_the_run_goes_on_when_there_is_room() {
    let place = Place::with_experiments();
    let whole = place.run(&["quick.toml", "--out", "whole"]);
    // 4 KiB a file: enough for run.json, too little for a checkpoint.
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -f 8; exec \"$0\" run quick.toml", env!("CARGO_BIN_EXE_apical")]);
    let done = Done::from(limited.current_dir(place.path()).output().unwrap());
    done.refused(3, &["last.safetensors", "apical resume"]);
    let run = whole.replace("whole", "runs");
    assert_eq!(place.run(&["quick.toml"]), run);
    assert!(place.results(&whole) == place.results(&run));
}
