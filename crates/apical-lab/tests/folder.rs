//! Run folders: found again, locked, kept whole by a full disk and by kills.

use apical_lab::error::Kind;
use apical_lab::folder::{self, Ending, RunFolder, RunInfo, State};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

fn open(parent: &Path, canonical: &str) -> Result<folder::Opened, apical_lab::Error> {
    let info = RunInfo { seed: 3, plan: "reference".into(), ..RunInfo::default() };
    RunFolder::open_or_create(parent, "demo", canonical, "seed = 3\n", info)
}

#[test]
fn a_run_is_found_again_in_each_state() {
    let dir = tempfile::tempdir().unwrap();
    let opened = open(dir.path(), "a").unwrap();
    let path = opened.folder.path().to_path_buf();
    assert_eq!(opened.state, State::New);
    // SHA-256 of "a" begins with these digits.
    assert_eq!(path.file_name().unwrap(), "demo-ca978112ca1bbdca");
    let error = open(dir.path(), "a").unwrap_err();
    assert!(error.kind == Kind::Input && error.to_string().contains("in use"), "{error}");
    assert!(folder::list(dir.path()).unwrap()[0].in_use);
    assert!(folder::move_aside(&path).is_err());
    drop(opened);

    let mut opened = open(dir.path(), "a").unwrap();
    assert_eq!((opened.state, opened.folder.info().seed), (State::Unfinished, 3));
    opened.folder.log("taken up again").unwrap();
    let place = serde_json::json!({ "layer": 1, "time_ms": 2.5 }).as_object().unwrap().clone();
    let failed = Ending { done: false, reason: "diverged".into(), exit_code: 1, place };
    opened.folder.end(&failed).unwrap();
    drop(opened);
    let opened = RunFolder::open(&path).unwrap();
    assert_eq!((opened.state, opened.folder.info().exit.as_deref()), (State::Failed, Some("diverged")));
    assert_eq!(Ending::read(&path).unwrap(), Some(failed));
    drop(opened);

    let aside = folder::move_aside(&path).unwrap();
    assert!(aside.ends_with("demo-ca978112ca1bbdca.old-1") && !path.exists());
    assert_eq!(open(dir.path(), "a").unwrap().state, State::New);
    assert!(folder::move_aside(&path).unwrap().ends_with("demo-ca978112ca1bbdca.old-2"));
}

#[test]
fn a_half_made_folder_is_made_anew_and_a_foreign_one_is_not_touched() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(folder::folder_name("demo", "a").unwrap());
    fs::create_dir(&path).unwrap();
    fs::write(path.join(".run.json.tmp"), "{\"na").unwrap();
    assert_eq!(open(dir.path(), "a").unwrap().state, State::New);
    assert!(!path.join(".run.json.tmp").exists());

    fs::remove_file(path.join("run.json")).unwrap();
    fs::create_dir(path.join("checkpoints")).unwrap();
    assert!(open(dir.path(), "a").unwrap_err().to_string().contains("checkpoints"));

    let other = RunInfo { config_sha256: "0".repeat(64), ..RunInfo::default() };
    other.write(&path).unwrap();
    assert!(open(dir.path(), "a").unwrap_err().to_string().contains("config_sha256"));
}

#[test]
fn hostile_names_and_folders() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["", ".", "..", "../x", "a/b", "a\\b", ".hidden", "-x", "a\nb", "ä", &"x".repeat(101)] {
        assert_eq!(folder::folder_name(name, "a").unwrap_err().kind, Kind::Input, "{name:?}");
    }
    for (name, text) in [("cut", b"{\"name\": \"x".as_slice()), ("bytes", b"\xff\xfe"), ("list", b"[]")] {
        fs::create_dir(dir.path().join(name)).unwrap();
        fs::write(dir.path().join(name).join("run.json"), text).unwrap();
    }
    fs::create_dir_all(dir.path().join("folder/run.json")).unwrap();
    fs::create_dir_all(dir.path().join("no-run")).unwrap();
    fs::write(dir.path().join("file"), "x").unwrap();
    let runs = folder::list(dir.path()).unwrap();
    assert_eq!(runs.len(), 4);
    assert!(runs.iter().all(|run| run.state.is_none() && run.problem.is_some()));
    assert!(folder::list(&dir.path().join("none")).unwrap().is_empty());
    assert_eq!(RunFolder::open(&dir.path().join("no-run")).unwrap_err().kind, Kind::Input);
}

/// Not a test by itself: what the processes of the tests below do.
#[test]
fn child() {
    let Ok(path) = std::env::var("APICAL_TEST_CHILD") else { return };
    let path = Path::new(&path);
    match std::env::var("APICAL_TEST_ROLE").unwrap().as_str() {
        "hold" => {
            let _opened = open(path, "a").unwrap();
            fs::write(path.join("held"), "").unwrap();
            std::thread::sleep(std::time::Duration::from_secs(600));
        }
        "write" => {
            folder::ignore_file_size_signal().unwrap();
            let error = folder::write_atomic(path, &vec![b'x'; 1 << 20], "checkpoint").unwrap_err();
            assert_eq!(error.kind, Kind::Machine);
            assert!(error.to_string().contains("kept"), "{error}");
        }
        _ => folder::write_atomic(path, b"new", "checkpoint").unwrap(),
    }
}

fn child_command(shell: &str, path: &Path, role: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", shell, "sh"]).arg(std::env::current_exe().unwrap());
    command.env("APICAL_TEST_CHILD", path).env("APICAL_TEST_ROLE", role).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

const RUN: &str = r#"exec "$1" --exact child"#;

#[cfg(unix)]
#[test]
fn nothing_but_a_file_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let join = |name: &str| dir.path().join(name);
    fs::create_dir(join("folder")).unwrap();
    fs::write(join("file"), "old").unwrap();
    for (name, to) in [("link", "file"), ("null", "/dev/null"), ("loop", "loop")] {
        std::os::unix::fs::symlink(to, join(name)).unwrap();
    }
    for name in ["folder", "null", "loop"] {
        let files: [(&Path, &[u8]); 2] = [(&join("new"), b"new"), (&join(name), b"new")];
        let error = folder::atomic::write_all_atomic(&files, "checkpoint").unwrap_err();
        assert!(error.kind == Kind::Input && error.place.ends_with(name), "{error}");
        assert!(!join("new").exists(), "half a set was written");
    }
    folder::write_atomic(&join("link"), b"new", "checkpoint").unwrap();
    assert!(join("link").is_symlink() && fs::read(join("file")).unwrap() == b"new");
}

#[cfg(unix)]
#[test]
fn death_releases_the_lock_of_another_process() {
    let dir = tempfile::tempdir().unwrap();
    let mut holder = child_command(RUN, dir.path(), "hold").spawn().unwrap();
    while !dir.path().join("held").exists() {
        assert!(holder.try_wait().unwrap().is_none(), "the holder ended early");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert!(open(dir.path(), "a").unwrap_err().to_string().contains("in use"));
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert_eq!(open(dir.path(), "a").unwrap().state, State::Unfinished);
}

#[cfg(unix)]
#[test]
fn a_full_disk_keeps_the_last_good_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("last.safetensors");
    fs::write(&path, "old").unwrap();
    let shell = format!("ulimit -f 64 && {RUN}");
    assert!(child_command(&shell, &path, "write").status().unwrap().success());
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "the temporary file is removed");
}

#[cfg(all(unix, feature = "failpoints"))]
#[test]
fn a_kill_at_any_step_leaves_the_old_file_or_the_new() {
    use std::os::unix::process::ExitStatusExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("last.safetensors");
    for (index, step) in apical_lab::failpoint::ATOMIC_STEPS.iter().enumerate() {
        fs::write(&path, "old").unwrap();
        let mut command = child_command(RUN, &path, "replace");
        let status = command.env("APICAL_KILL_AT", format!("checkpoint.{step}:1")).status().unwrap();
        assert_eq!(status.signal(), Some(9), "killed at {step}");
        let renamed = index >= 6;
        assert_eq!(fs::read(&path).unwrap(), if renamed { b"new" } else { b"old" }, "{step}");
    }
}
