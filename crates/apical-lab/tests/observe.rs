//! Runs seen from outside: in which state they are, by the observer's clock, and how long they will be.

use apical_lab::checkpoint::Checkpoint;
use apical_lab::folder::RunInfo;
use apical_lab::folder::lock::Lock;
use apical_lab::folder::runinfo::host_name;
use apical_lab::observe::{Run, State};
use std::path::Path;
use std::time::{Duration, Instant};

/// A run folder with two epochs, begun on a machine.
fn run_on(dir: &Path, host: &str) -> Run {
    let info = RunInfo { host: host.into(), ..RunInfo::default() };
    info.write(dir).unwrap();
    std::fs::write(dir.join("config.resolved.toml"), "[train]\nepochs = 2\n").unwrap();
    Run::new(dir.to_path_buf())
}

fn state(run: &Run, now: Instant) -> State {
    run.seen(now).state
}

#[test]
fn a_run_of_another_machine_is_judged_by_its_files() {
    let dir = tempfile::tempdir().unwrap();
    let mut run = run_on(dir.path(), "another-machine");
    let begun = Instant::now();
    let at = |seconds: u64| begun + Duration::from_secs(seconds);
    run.look(at(0));
    assert_eq!(state(&run, at(0)), State::Unfinished);
    std::fs::write(dir.path().join("log.txt"), "started\n").unwrap();
    run.look(at(1));
    assert_eq!(state(&run, at(1)), State::Running);
    assert_eq!(state(&run, at(100)), State::Running);
    run.look(at(130));
    assert_eq!(state(&run, at(130)), State::Stalled);
    // A run whose files change rarely may be quiet for longer.
    std::fs::write(dir.path().join("log.txt"), "started\nmore\n").unwrap();
    run.look(at(301));
    assert_eq!(state(&run, at(301 + 1000)), State::Running);
    assert_eq!(state(&run, at(301 + 1300)), State::Stalled);
}

#[test]
fn a_run_of_this_machine_is_dead_without_a_process() {
    let dir = tempfile::tempdir().unwrap();
    let mut run = run_on(dir.path(), &host_name());
    let begun = Instant::now();
    let at = |seconds: u64| begun + Duration::from_secs(seconds);
    run.look(at(0));
    assert_eq!(state(&run, at(0)), State::Dead);
    let lock = Lock::take(dir.path()).unwrap();
    std::fs::write(dir.path().join("log.txt"), "resumed\n").unwrap();
    run.look(at(3));
    assert_eq!(state(&run, at(3)), State::Running);
    run.look(at(10));
    assert_eq!(state(&run, at(10)), State::Running);
    assert_eq!(state(&run, at(200)), State::Stalled, "the process hangs");
    drop(lock);
    run.look(at(201));
    assert_eq!(state(&run, at(201)), State::Dead);
    let info = RunInfo { ended: Some("now".into()), exit: Some("stopped by signal 15".into()), ..RunInfo::default() };
    info.write(dir.path()).unwrap();
    run.look(at(202));
    assert_eq!((state(&run, at(202)), run.seen(at(202)).reason.as_str()), (State::Stopped, "stopped by signal 15"));
    std::fs::write(dir.path().join("FAILED"), "diverged\n{}\n").unwrap();
    run.look(at(203));
    assert_eq!((state(&run, at(203)), run.seen(at(203)).reason.as_str()), (State::Failed, "diverged"));
}

#[test]
fn an_ended_run_without_its_files_is_no_sound_one() {
    let dir = tempfile::tempdir().unwrap();
    let mut run = run_on(dir.path(), "another-machine");
    std::fs::write(dir.path().join("DONE"), "finished\n{}\n").unwrap();
    let now = Instant::now();
    run.look(now);
    assert_eq!(state(&run, now), State::Done);
    assert_eq!(run.seen(now).problems, ["metrics.jsonl: there is no such file"]);
    std::fs::write(dir.path().join("run.json"), "{").unwrap();
    let mut run = Run::new(dir.path().to_path_buf());
    run.look(now);
    assert_eq!(state(&run, now), State::Damaged);
}

/// Runs of versions before `run.json` said it: the first epoch tells how long the others are.
#[test]
fn how_long_a_run_is_follows_from_its_checkpoint_where_it_does_not_say() {
    let dir = tempfile::tempdir().unwrap();
    let mut run = run_on(dir.path(), "another-machine");
    std::fs::create_dir(dir.path().join("checkpoints")).unwrap();
    let save = |presentation: u64, epoch: u64, in_epoch: u64| {
        let pairs = [("presentation", presentation), ("epoch", epoch), ("in_epoch", in_epoch), ("best.epoch", epoch)];
        let meta = pairs.map(|(key, value)| (key.to_owned(), value.to_string())).into();
        let tensors = Vec::new();
        Checkpoint { tensors, meta }.save(&dir.path().join("checkpoints/last.safetensors")).unwrap();
    };
    let now = Instant::now();
    save(70, 0, 70);
    run.look(now);
    let seen = run.seen(now);
    assert_eq!((seen.presentation, seen.presentations, seen.epochs), (70, None, Some(2)));
    save(130, 1, 30);
    run.look(now);
    let seen = run.seen(now);
    assert_eq!((seen.presentation, seen.presentations, seen.epoch), (130, Some(200), 1));
    assert_eq!(seen.checkpoint.and_then(|point| point.best), Some(1));
}
