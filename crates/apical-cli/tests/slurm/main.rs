//! A sweep on a SLURM of its own (`scripts/slurm-one-node.sh`): tasks that are told of their time limit, a node that dies
//! under its tasks, and one of these that lives on beside its successor. No run is made twice, none is lost.
#![cfg(target_os = "linux")]

mod cluster;

use cluster::{Cluster, Place, await_that, log_lines};

/// Runs of about a second each, of which two tasks make one after the other.
const SWEEP: &str = "experiment = \"base.toml\"\nseeds = 4\n[vary]\nplasticity.eta_pi = [0.001, 0.002]\n\
    [slurm]\ntime = \"1\"\nnotice = 50\narray_size = 2\n";
const RUNS: u64 = 8;

#[test]
fn a_sweep_survives_time_limits_and_the_death_of_its_node() {
    if std::env::var_os("APICAL_SLURM").is_none() {
        println!("skipped: no SLURM here (`cargo xtask test` installs it and sets APICAL_SLURM)");
        return;
    }
    let place = Place::new();
    let cluster = Cluster::start();
    place.write("rates.toml", SWEEP);
    let sweep = place.sweep("rates");
    let job = cluster.submit(&place, "rates.toml");
    let first = sweep.hold(2);
    let status = place.json(&["sweep", "status", "rates.toml"]);
    assert_eq!((status["running"].as_array().map(Vec::len), status["queued"].as_u64()), (Some(2), Some(RUNS - 2)));
    // Meanwhile, undisturbed.
    place.json(&["sweep", "run", "rates.toml", "--out", "calm"]);

    // The scheduler looks at time limits every 30 seconds: each task is told, saves, and is queued again.
    await_that("SIGUSR1 ahead of the time limit", || first.iter().all(|worker| worker.is_told()));
    first.iter().for_each(|worker| worker.go_on());
    await_that("the end of the first tasks", || !first.iter().any(|worker| worker.lives()));
    let second = sweep.hold(2);

    // The node's daemon dies under them, and with it what looks after one of the tasks, whose process lives on.
    let (orphan, doomed) = (&second[0], &second[1]);
    orphan.kill_keeper();
    cluster.kill_node();
    await_that("the node to be given up", || cluster.node().starts_with("down"));
    cluster.start_again();
    await_that("the end of the task that is queued again", || !doomed.lives());
    assert!(orphan.lives(), "there is a process that SLURM knows nothing of");
    await_that("a task to begin anew beside it", || sweep.workers().len() >= 2);
    orphan.go_on();
    await_that("the end of the array", || cluster.jobs().is_empty() && !orphan.lives());

    let status = place.json(&["sweep", "status", "rates.toml"]);
    assert_eq!(
        (status["done"].as_u64(), status["running"].as_array().map(Vec::len)),
        (Some(RUNS), Some(0)),
        "{status}"
    );
    assert_eq!(place.table("sweeps", "rates"), place.table("calm", "rates"));
    // In the log of a run stands who began it and who went on. The first two tasks each left a run half made, and so did
    // the one that was killed; the orphan's run has no other line than when the orphan held it.
    let begun: usize = sweep.runs().iter().map(|run| log_lines(&run.join("log.txt"))).sum();
    assert_eq!(begun as u64, RUNS + 3);
    assert_eq!(log_lines(&sweep.run(&orphan.run).join("log.txt")), orphan.lines);
    // Who finds at the end of a run that it is another's says so.
    let logs: Vec<String> = (0..2).map(|task| sweep.log(&job, task)).collect();
    for log in &logs {
        assert!(!log.contains("took it over") && !log.contains("CRASHED"), "{log}");
        assert_eq!(log.matches("stopped by SIGUSR1").count(), 1, "the log goes on where it was: {log}");
    }
    for folder in ["claims", "work", "workers"] {
        assert_eq!(std::fs::read_dir(sweep.join(folder)).unwrap().count(), 0, "{folder} is empty");
    }

    // The last task of an array bears the number of the array; what it asks for must not befall the others.
    place.write("long.toml", SWEEP.replace("[vary]", "[set]\ntrain.epochs = 1000000\n[vary]"));
    let (job, sweep) = (cluster.submit(&place, "long.toml"), place.sweep("long"));
    let held = sweep.hold(2);
    held.iter().for_each(|worker| worker.go_on());
    cluster.tool("scancel", &["--batch", "--signal=USR1", &format!("{job}_1")]);
    await_that("the last task to be queued again", || cluster.restarts(&job, 1) == 1);
    assert_eq!(cluster.restarts(&job, 0), 0);
    // What is cancelled stays so.
    cluster.tool("scancel", &[&job]);
    await_that("the end of the array", || cluster.jobs().is_empty());
    assert!(sweep.log(&job, 0).contains("stopped by SIGTERM"), "{}", sweep.log(&job, 0));
    let status = place.json(&["sweep", "status", "long.toml"]);
    assert_eq!(
        (status["queued"].as_u64(), status["running"].as_array().map(Vec::len)),
        (Some(RUNS), Some(0)),
        "{status}"
    );
}
