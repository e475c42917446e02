//! What all commands have in common: help, JSON, quiet, colour, closed pipes, version.

use super::support::{Done, Place};
use std::process::Stdio;

const COMMANDS: [&[&str]; 17] = [
    &["watch"],
    &["cite"],
    &["run"],
    &["resume"],
    &["eval"],
    &["predict"],
    &["runs"],
    &["diff"],
    &["list"],
    &["show"],
    &["explain"],
    &["schema"],
    &["verify"],
    &["data"],
    &["data", "fetch"],
    &["data", "check"],
    &["completions"],
];

#[test]
fn every_help_shows_an_example() {
    let place = Place::new();
    for command in COMMANDS {
        let done = place.apical(&[command, &["--help"]].concat());
        assert_eq!(done.code, Some(0), "{done:?}");
        let example = format!("apical {}", command.join(" "));
        let (_, after) = done.stdout.split_once("Example").unwrap_or_else(|| panic!("{command:?}: no example"));
        assert!(after.contains(&example), "{command:?}: {after}");
        for flag in ["--json", "--quiet", "--color"] {
            assert!(done.stdout.contains(flag), "{command:?} has no {flag}");
        }
    }
    let all = place.apical(&["--help"]).stdout;
    assert!(COMMANDS.iter().all(|command| all.contains(&format!("\n  {} ", command[0]))), "{all}");
}

#[test]
fn version_tells_commit_and_cpu() {
    let text = Place::new().apical(&["--version"]).stdout;
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], format!("apical {}", env!("CARGO_PKG_VERSION")));
    assert!(lines[1].starts_with("commit ") && lines[1].len() > "commit ".len(), "{text}");
    assert!(lines[2].contains(std::env::consts::ARCH), "{text}");
}

#[test]
fn a_wrong_command_line_exits_2() {
    let place = Place::new();
    place.apical(&[]).refused(2, &["Usage"]);
    place.apical(&["rnu"]).refused(2, &["run"]);
    place.apical(&["run"]).refused(2, &["PRESET|FILE"]);
    place.apical(&["run", "digits", "--sed", "1"]).refused(2, &["--seed"]);
    place.apical(&["run", "digits", "--seed", "one"]).refused(2, &["--seed"]);
    place.apical(&["run", "digits", "--precision", "f16"]).refused(2, &["f32", "f64"]);
}

#[test]
fn results_are_json_where_asked() {
    let place = Place::with_experiments();
    let run = place.apical(&["run", "quick.toml", "--json"]);
    assert_eq!(run.stdout.lines().count(), 2, "{run:?}");
    let results = run.json();
    assert!(results["metrics"]["test.error"].is_number() && results["state"] == "finished", "{results}");
    assert_eq!(results["path"], run.last_line());
    let path = run.last_line();
    let commands: [&[&str]; 8] = [
        &["eval", &path],
        &["runs"],
        &["diff", &path, &path],
        &["list"],
        &["show", "digits"],
        &["explain"],
        &["schema"],
        &["completions", "bash"],
    ];
    for command in commands {
        let done = place.apical(&[command, &["--json"]].concat());
        assert_eq!((done.code, done.stdout.lines().count()), (Some(0), 1), "{command:?}");
        done.json();
    }
}

#[test]
fn quiet_prints_the_path_alone() {
    let place = Place::with_experiments();
    for _ in 0..2 {
        let done = place.apical(&["run", "quick.toml", "--quiet"]);
        assert_eq!((done.code, done.stdout.lines().count(), done.stderr.as_str()), (Some(0), 1, ""), "{done:?}");
    }
    let dry = place.apical(&["run", "quick.toml", "--quiet", "--dry-run"]);
    assert_eq!(dry.stdout.lines().count(), 1, "{dry:?}");
}

#[test]
fn colour_is_for_terminals_unless_asked_for() {
    let place = Place::new();
    place.write("bad.toml", "task = \"digits\"\n[network]\nsizes = [64, 10]\ncolour = 3\n");
    let plain = place.apical(&["run", "bad.toml"]);
    plain.refused(2, &["colour"]);
    assert!(!plain.stderr.contains('\x1b'), "{plain:?}");
    let always = place.apical(&["run", "bad.toml", "--color", "always"]);
    assert!(always.stderr.contains('\x1b'), "{always:?}");
    let never = Done::from(place.command(&["run", "bad.toml", "--color=never"]).output().unwrap());
    assert_eq!(never.stderr, plain.stderr);
    let no_color = place.command(&["run", "bad.toml"]).env("NO_COLOR", "1").output().unwrap();
    assert_eq!(Done::from(no_color).stderr, plain.stderr);
}

#[test]
fn a_closed_pipe_is_no_error() {
    let place = Place::with_experiments();
    let commands: [&[&str]; 5] =
        [&["list"], &["schema"], &["--help"], &["completions", "zsh"], &["run", "quick.toml", "--quiet"]];
    for command in commands {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let child = place.command(command).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
        let done = Done::from(child.wait_with_output().unwrap());
        assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""), "{command:?}");
    }
    assert!(place.apical(&["runs"]).stdout.contains("finished"));
}

#[test]
fn a_full_disk_behind_stdout_exits_3() {
    let Ok(full) = std::fs::OpenOptions::new().write(true).open("/dev/full") else {
        println!("skipped: there is no /dev/full");
        return;
    };
    let output = Place::new().command(&["list"]).stdout(full).stderr(Stdio::piped()).output().unwrap();
    let done = Done::from(output);
    assert_eq!(done.code, Some(3), "{done:?}");
    assert!(done.stderr.starts_with("error: stdout"), "{done:?}");
}
