//! A sweep on a SLURM of its own (`scripts/slurm-one-node.sh`): tasks that are told of their time limit, a node that dies
//! under its tasks, and one of these that lives on beside its successor. No run is made twice, none is lost.

mod cluster;

use cluster::{Cluster, Held, Place, await_that, log_lines};

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
    let first = sweep.hold(2, &[]);
    let status = place.json(&["sweep", "status", "rates.toml"]);
    assert_eq!((status["running"].as_array().map(Vec::len), status["queued"].as_u64()), (Some(2), Some(RUNS - 2)));

    // The node's daemon dies under them, and then what looks after one of the tasks, whose process lives on. That one must not be
    // held at the moment: of a group of processes that loses its parent while one is stopped, the kernel hangs up on all.
    cluster.kill_node();
    first[0].go_on();
    first[0].kill_keeper();
    let orphans = sweep.hold(1, &first[1..]);
    let (orphan, doomed) = (&orphans[0], &first[1]);
    // Meanwhile, undisturbed.
    place.json(&["sweep", "run", "rates.toml", "--out", "calm"]);
    await_that("the node to be given up", || cluster.node().starts_with("down"));
    cluster.start_again();
    await_that("the end of the task that is queued again", || !doomed.lives());

    // Both run anew. The scheduler looks at time limits every 30 seconds: each is told, saves, and is queued again.
    let second = sweep.hold(2, &first);
    assert!(orphan.lives(), "there is a process that SLURM knows nothing of");
    await_that("SIGUSR1 ahead of the time limit", || second.iter().all(Held::is_told));
    second.iter().for_each(Held::go_on);
    await_that("the end of tasks that were told", || !second.iter().any(Held::lives));
    orphan.go_on();
    await_that("the end of the array", || cluster.jobs().is_empty() && !orphan.lives());

    let status = place.json(&["sweep", "status", "rates.toml"]);
    assert_eq!(
        (status["done"].as_u64(), status["running"].as_array().map(Vec::len)),
        (Some(RUNS), Some(0)),
        "{status}"
    );
    assert_eq!(place.table("sweeps", "rates"), place.table("calm", "rates"));
    // In the log of a run stands when it was begun and gone on with. One was left half made by the task that was killed, and
    // one by each that was told; the orphan's has no other line than when the orphan held it.
    let logs: String = (0..2).map(|task| sweep.log(&job, task)).collect();
    let told = logs.matches("stopped by SIGUSR1").count();
    assert!(told >= 2, "the log goes on where it was: {logs}");
    let begun: usize = sweep.runs().iter().map(|run| log_lines(&run.join("log.txt"))).sum();
    assert!(begun as u64 >= RUNS && begun <= RUNS as usize + 1 + told, "{begun} beginnings: {logs}");
    assert_eq!(log_lines(&sweep.run(&orphan.run).join("log.txt")), orphan.lines);
    // Who finds at the end of a run that it is another's says so.
    assert!(!logs.contains("took it over") && !logs.contains("CRASHED"), "{logs}");
    for folder in ["claims", "work", "workers"] {
        assert_eq!(std::fs::read_dir(sweep.join(folder)).unwrap().count(), 0, "{folder} is empty");
    }

    // The last task of an array bears the number of the array; what it asks for must not befall the others.
    place.write("long.toml", SWEEP.replace("[vary]", "[set]\ntrain.epochs = 1000000\n[vary]"));
    let (job, sweep) = (cluster.submit(&place, "long.toml"), place.sweep("long"));
    let held = sweep.hold(2, &[]);
    held.iter().for_each(Held::go_on);
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
