//! Configs, folders and files that are not what they should be: exit code 2 or 3 with a message, never a panic.

use super::support::Place;

#[test]
fn bad_configs_and_overrides_are_refused_with_their_place() {
    let place = Place::with_experiments();
    place.write("empty.toml", "");
    place.write("bytes.toml", [0xff, 0xfe, 0x00]);
    place.write("rubbish.toml", (0..1_000_000_u32).map(|i| (i % 251) as u8).collect::<Vec<u8>>());
    place.write("key.toml", "task = \"digits\"\n[network]\nsizess = [64, 10]\n");
    place.apical(&["run", "empty.toml"]).refused(2, &["empty.toml", "the config is empty"]);
    place.apical(&["run", "bytes.toml"]).refused(2, &["bytes.toml", "UTF-8"]);
    place.apical(&["run", "rubbish.toml"]).refused(2, &["rubbish.toml"]);
    place.apical(&["run", "key.toml"]).refused(2, &["key.toml:3", "sizess", "sizes"]);
    let set = |text: &str| place.apical(&["run", "quick.toml", "--set", text]);
    set("train.epochs").refused(2, &["--set", "KEY=VALUE"]);
    set("train.epoch=3").refused(2, &["epoch", "epochs"]);
    set("train.epochs=many").refused(2, &["--set", "many"]);
    set("=3").refused(2, &["--set"]);
    set("").refused(2, &["--set"]);
    set("network.sizes.7=1").refused(2, &["--set"]);
    set("name=a/b").refused(2, &["name"]);
    set("name=\u{1b}[31m").refused(2, &["name"]);
    set("train.batch=5000").refused(2, &["quick.toml: train.batch", "1197"]);
    assert!(!place.join("runs").exists(), "a refused config made a folder");
}

#[test]
fn start_weights_that_do_not_fit_leave_no_run_folder() {
    let place = Place::with_experiments();
    let path = place.run(&["quick.toml", "--out", "first"]);
    place.write("cut.safetensors", [1, 2, 3]);
    let other = ["run", "quick.toml", "--from", &path, "--set", "network.sizes=[64, 9, 10]"];
    place.apical(&other).refused(2, &["best.safetensors", "Wpp.1", "network.sizes"]);
    place
        .apical(&["run", "quick.toml", "--set", "network.start={file='cut.safetensors'}"])
        .refused(2, &["cut.safetensors"]);
    assert!(!place.join("runs").exists(), "refused weights made a folder");
}

#[test]
fn a_path_that_is_not_utf8_is_shown_as_it_is() {
    #[cfg(target_os = "linux")]
    {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;
        let place = Place::with_experiments();
        let out = OsStr::from_bytes(b"r\xffns");
        let output = place.command(&["run", "quick.toml", "-q", "--out"]).arg(out).output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        assert!(output.stdout.starts_with(b"r\xffns/quick-"), "{:?}", output.stdout);
    }
}

#[test]
fn an_unreadable_file_is_the_machines_fault() {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let place = Place::with_experiments();
        let path = place.join("quick.toml");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o0)).unwrap();
        if std::fs::read(&path).is_ok() {
            println!("skipped: this user may read everything");
            return;
        }
        place.apical(&["run", "quick.toml"]).refused(3, &["quick.toml"]);
        std::fs::create_dir(place.join("locked")).unwrap();
        std::fs::set_permissions(place.join("locked"), std::fs::Permissions::from_mode(0o0)).unwrap();
        place.apical(&["runs", "locked"]).refused(3, &["locked"]);
        place.apical(&["run", "euler.toml", "--out", "locked"]).refused(3, &["locked"]);
    }
}

#[test]
fn damaged_run_folders_are_listed_as_such() {
    let place = Place::with_experiments();
    let run = place.run(&["quick.toml"]);
    let damage: [(&str, &[u8]); 6] = [
        ("a-text", b"not JSON"),
        ("b-array", b"[1, 2]"),
        ("c-bytes", &[0xff, 0x00]),
        ("d-empty", b""),
        ("e-types", b"{\"name\": 3}"),
        ("f-deep", b"[[[[[[[[[[[[[[[[[[[[[[[["),
    ];
    for (name, bytes) in damage {
        std::fs::create_dir(place.join("runs").join(name)).unwrap();
        place.write(&format!("runs/{name}/run.json"), bytes);
    }
    std::fs::create_dir_all(place.join("runs/g-folder/run.json")).unwrap();
    std::fs::create_dir_all(place.join("runs/h-empty")).unwrap();
    std::fs::create_dir(place.join("runs/i-escape")).unwrap();
    let info = String::from_utf8(place.bytes(&run, "run.json")).unwrap();
    place.write("runs/i-escape/run.json", info.replace("\"finished\"", "\"\\u001b[31mred\\nline\""));
    std::fs::create_dir(place.join("runs/j-metrics")).unwrap();
    place.write("runs/j-metrics/run.json", &info);
    place.write("runs/j-metrics/metrics.json", "{");
    place.write("runs/file", "");
    let done = place.apical(&["runs"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    assert_eq!(done.stdout.lines().filter(|line| line.contains("damaged")).count(), 7, "{done:?}");
    assert!(done.stdout.contains("j-metrics") && done.stdout.contains("i-escape"), "{done:?}");
    assert!(!done.stdout.contains('\x1b') && done.stdout.lines().count() == 11, "{done:?}");
    assert_eq!(place.apical(&["runs", "--json"]).json().as_array().map(Vec::len), Some(10));
    for (name, _) in damage {
        let path = format!("runs/{name}");
        place.apical(&["resume", &path]).refused(2, &[name]);
        place.apical(&["eval", &path]).refused(2, &[name]);
        place.apical(&["diff", &path, &run]).refused(2, &[name]);
    }
}

#[test]
fn a_damaged_checkpoint_is_refused() {
    let place = Place::with_experiments();
    let run = place.run(&["quick.toml"]);
    for name in ["best", "last"] {
        let path = place.join(&run).join(format!("checkpoints/{name}.safetensors"));
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    }
    place.apical(&["eval", &run]).refused(2, &["best.safetensors"]);
    place.apical(&["predict", &run, "quick.toml", "-o", "x.csv"]).refused(2, &[]);
    std::fs::remove_file(place.join(&run).join("DONE")).unwrap();
    place.apical(&["resume", &run]).refused(2, &["last.safetensors"]);
}

#[test]
fn a_lost_checkpoint_is_missed_before_anything_is_written_over() {
    for name in ["best", "last"] {
        let place = Place::with_experiments();
        let run = place.run(&["quick.toml"]);
        let metrics = place.bytes(&run, "metrics.jsonl");
        let file = format!("checkpoints/{name}.safetensors");
        std::fs::remove_file(place.join(&run).join(&file)).unwrap();
        if name == "best" {
            place.apical(&["eval", &run]).refused(2, &[&file]);
        }
        std::fs::remove_file(place.join(&run).join("DONE")).unwrap();
        place.apical(&["resume", &run]).refused(2, &[&file]);
        assert_eq!(metrics, place.bytes(&run, "metrics.jsonl"));
    }
    let place = Place::with_experiments();
    let run = place.run(&["quick.toml"]);
    place.write(&format!("{run}/DONE"), "");
    place.apical(&["resume", &run]).refused(2, &["DONE", "empty"]);
    #[cfg(unix)]
    place.apical(&["run", "/dev/zero", "--dry-run"]).refused(2, &["/dev/zero", "regular file"]);
}
