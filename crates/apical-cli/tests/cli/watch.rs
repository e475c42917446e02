//! `apical watch --once`: runs that have ended, go on, were stopped or killed; folders that are none.

use super::support::{Done, EULER, Place};
use serde_json::Value;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Long enough not to end while a test looks at it.
fn long_experiment() -> Place {
    let place = Place::with_experiments();
    let text = EULER.replace("epochs = 2", "epochs = 60").replace("checkpoint_every = 500", "checkpoint_every = 2500");
    place.write("long.toml", text);
    place
}

fn seen(place: &Place, run: &str) -> Value {
    let done = place.apical(&["watch", run, "--json"]);
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""), "{done:?}");
    done.json()[0].clone()
}

/// Starts the long experiment, and waits until it has saved something.
fn start(place: &Place, args: &[&str]) -> Child {
    let child = place.command(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_for_progress(place);
    child
}

/// The limit is only there for a program that hangs.
fn wait_for_progress(place: &Place) {
    let begun = Instant::now();
    loop {
        let runs = place.apical(&["watch", "--json"]);
        if runs.code == Some(0) && runs.json()[0]["presentation"].as_u64() > Some(0) {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(120), "waited in vain for a run to begin: {runs:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// No line feed but the ends of lines, and nothing else that a terminal obeys.
#[track_caller]
fn is_harmless(done: &Done) {
    let control = |text: &str| text.chars().any(|c| c.is_control() && c != '\n');
    assert!(!control(&done.stdout) && !control(&done.stderr), "{done:?}");
}

#[test]
fn a_finished_run_and_a_table_of_runs_are_shown() {
    let place = Place::with_experiments();
    let run = place.run(&["quick.toml"]);
    let page = place.apical(&["watch", &run]);
    assert_eq!((page.code, page.stderr.as_str()), (Some(0), ""), "{page:?}");
    let expected = [
        "  done\n",
        "microcircuit  two-step  64-12-10  digits  f32  seed 0\n",
        "100 %\n",
        "epoch 3 of 3  presentation 357 of 357\n",
        "at presentation 357",
        "validation.error",
        "apical error v_A² by layer\n 1  ",
        "Z started\n",
    ];
    expected.iter().for_each(|words| assert!(page.stdout.contains(words), "no {words:?}: {}", page.stdout));
    place.run(&["quick.toml", "--seed", "1"]);
    let table = place.apical(&["watch", "runs", "--once"]);
    let lines: Vec<&str> = table.stdout.lines().collect();
    assert_eq!((lines.len(), lines[0].split_whitespace().collect::<Vec<_>>()[1]), (3, "state"), "{table:?}");
    assert!(lines[1..].iter().all(|line| line.contains("100 %") && line.contains("3/3")), "{table:?}");
    std::fs::create_dir(place.join("empty")).unwrap();
    let none = place.apical(&["watch", "empty"]);
    assert_eq!((none.code, none.stdout.as_str(), none.stderr.as_str()), (Some(0), "", "no runs in empty\n"));
}

#[cfg(unix)]
#[test]
fn a_run_is_followed_from_running_over_stopped_and_killed_to_done() {
    let place = long_experiment();
    let whole = place.run(&["long.toml", "--out", "whole"]);
    let run = whole.replace("whole", "runs");
    let child = start(&place, &["run", "long.toml"]);
    let live = seen(&place, &run);
    assert_eq!(
        (&live["state"], &live["presentations"], &live["epochs"]),
        (&"running".into(), &60_000.into(), &60.into())
    );
    assert!(live["presentation"].as_u64() < Some(60_000) && live["checkpoint"]["age_seconds"].is_number(), "{live}");
    let page = place.apical(&["watch", &run, "--once"]).stdout;
    assert!(page.contains(" left") && page.contains(" of 60000"), "{page}");
    let status = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(status.success() && child.wait_with_output().unwrap().status.code() == Some(143));
    let stopped = seen(&place, &run);
    assert_eq!((&stopped["state"], &stopped["reason"]), (&"stopped".into(), &"stopped by signal 15".into()));
    let mut child = start(&place, &["resume", &run]);
    // What it was stopped by stands in its folder until it has read its checkpoint.
    while seen(&place, &run)["state"] == "stopped" {}
    assert_eq!(seen(&place, &run)["state"], "running");
    child.kill().unwrap();
    child.wait().unwrap();
    let dead = seen(&place, &run);
    assert_eq!(dead["state"], "dead");
    assert!(dead["reason"].as_str().unwrap().contains("apical resume"), "{dead}");
    assert!(dead["seconds_left"].is_null() && dead["rate"].is_null(), "{dead}");
    place.run(&["long.toml"]);
    assert_eq!((&seen(&place, &run)["state"], &seen(&place, &run)["presentation"]), (&"done".into(), &60_000.into()));
    // Being watched has changed nothing.
    assert!(place.results(&whole) == place.results(&run));
}

#[test]
fn hostile_folders_are_told_and_harmless() {
    let place = Place::with_experiments();
    let run = place.run(&["euler.toml"]);
    place.apical(&["watch", "nowhere"]).refused(2, &["nowhere", "no such folder"]);
    place.apical(&["watch", "quick.toml"]).refused(2, &["quick.toml", "no folder"]);
    place.apical(&["watch", "runs", "--interval", "0"]).refused(2, &["--interval", "0.1 to 3600"]);
    is_harmless(&place.apical(&["watch", "\u{1b}[31mred"]));
    let escape = "\\u001b]0;title\\u0007<script>\\u009b2J\\n";
    let copies = |name: &str, changes: &[(&str, &[u8])]| {
        let to = place.join("hostile").join(name);
        std::fs::create_dir_all(&to).unwrap();
        let status =
            std::process::Command::new("cp").arg("-R").arg(place.join(&run).join(".")).arg(&to).status().unwrap();
        assert!(status.success());
        for (file, bytes) in changes {
            let file = to.join(file);
            let _ = std::fs::remove_file(&file);
            std::fs::write(file, bytes).unwrap();
        }
        to
    };
    let info = String::from_utf8(place.bytes(&run, "run.json")).unwrap();
    let metrics = place.bytes(&run, "metrics.jsonl");
    let half = &metrics[..metrics.len() - 10];
    type Changes<'a> = Vec<(&'a str, &'a [u8])>;
    let cases: Vec<(&str, Changes<'_>, &str)> = vec![
        ("a-half", vec![("metrics.jsonl", half)], "done"),
        ("b-bytes", vec![("metrics.jsonl", &[0xff; 1000])], "done"),
        (
            "c-odd",
            vec![("metrics.jsonl", b"{}\n[1]\nnull\n{\"presentation\":-1}\n")],
            "metrics.jsonl:1 is none that a run writes",
        ),
        ("d-info", vec![("run.json", b"[1, 2]")], "damaged"),
        ("e-config", vec![("config.resolved.toml", b"\x00\xff")], "config.resolved.toml: not UTF-8"),
        ("f-config", vec![("config.resolved.toml", b"a = \x1b[31m")], "config.resolved.toml"),
        ("g-done", vec![("DONE", b"\x1b[2J\x1b[31mred\x07\n{}\n")], "red"),
        ("h-empty", vec![("DONE", b"")], "DONE"),
        ("i-log", vec![("log.txt", b"\x1b]0;x\x07 warning: \xc2\x9b2J\xe2\x80\xae\n\xff\xfe\n")], "warning"),
        ("j-checkpoint", vec![("checkpoints/last.safetensors", &[0xff; 64])], "last.safetensors"),
        ("k-cut", vec![("checkpoints/last.safetensors", b"\x10")], "last.safetensors"),
        ("l-\u{1b}[31m<b>x</b>\u{202e}", vec![], "done"),
    ];
    for (name, changes, words) in &cases {
        let to = copies(name, changes);
        let done = place.apical(&["watch", to.to_str().unwrap()]);
        assert_eq!(done.code, Some(0), "{name}: {done:?}");
        is_harmless(&done);
        assert!(done.stdout.contains(words), "{name}: no {words:?}: {done:?}");
    }
    let to = copies("m-escapes", &[("run.json", info.replace("\"finished\"", &format!("\"{escape}\"")).as_bytes())]);
    std::fs::remove_file(to.join("DONE")).unwrap();
    is_harmless(&place.apical(&["watch", to.to_str().unwrap()]));
    // A folder where a file should be, and a pipe that nobody writes to.
    let to = copies("n-folders", &[]);
    for name in ["metrics.jsonl", "run.json", "log.txt", "config.resolved.toml"] {
        std::fs::remove_file(to.join(name)).unwrap();
        std::fs::create_dir(to.join(name)).unwrap();
    }
    #[cfg(unix)]
    {
        let to = copies("o-pipes", &[]);
        for name in
            ["metrics.jsonl", "run.json", "log.txt", "config.resolved.toml", "DONE", "checkpoints/last.safetensors"]
        {
            std::fs::remove_file(to.join(name)).unwrap();
            assert!(Command::new("mkfifo").arg(to.join(name)).status().unwrap().success());
        }
        std::os::unix::fs::symlink("p-loop", place.join("hostile/p-loop")).unwrap();
    }
    let table = place.apical(&["watch", "hostile"]);
    assert_eq!(table.code, Some(0), "{table:?}");
    is_harmless(&table);
    assert!(table.stdout.lines().count() > cases.len(), "{table:?}");
    let json = place.apical(&["watch", "hostile", "--json"]);
    assert!(json.json().as_array().unwrap().iter().all(|seen| !seen["state"].is_null()), "{json:?}");
}

/// A terminal that goes away with no signal, as when a connection breaks, takes the view with it.
#[test]
#[cfg(target_os = "linux")]
fn a_view_ends_with_its_terminal() {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use std::fs::File;
    use std::io::Read;

    let place = Place::with_experiments();
    place.run(&["quick.toml"]);
    let outside = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&outside).unwrap();
    unlockpt(&outside).unwrap();
    let size = rustix::termios::Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
    rustix::termios::tcsetwinsize(&outside, size).unwrap();
    let name = ptsname(&outside, Vec::new()).unwrap().into_string().unwrap();
    let inside = || File::options().read(true).write(true).open(&name).unwrap();
    let mut child = place.command(&["watch"]);
    let mut child = child.env("TERM", "xterm").stdin(inside()).stdout(inside()).stderr(inside()).spawn().unwrap();
    let mut outside = File::from(outside);
    let mut drawn = Vec::new();
    while !drawn.windows(4).any(|seen| seen == b"done") {
        let mut more = [0; 1024];
        let length = outside.read(&mut more).unwrap();
        drawn.extend_from_slice(&more[..length]);
    }
    drop(outside);
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if begun.elapsed() > Duration::from_secs(60) {
            child.kill().unwrap();
            panic!("the view outlives its terminal");
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    // By a hangup, or because the view could not be drawn.
    assert!([Some(3), Some(129)].contains(&status.code()), "{status}");
}
