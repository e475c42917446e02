//! The same config gives the same bytes in weights, metrics and traces, whatever the number of threads, how often one
//! saves or looks, and wherever the run is stopped and taken up again.

use apical_lab::check::{Context, canonical, check, resolved_toml};
use apical_lab::checkpoint::{Checkpoint, Tensor};
use apical_lab::config::{Override, Source, report};
use apical_lab::folder::{RunFolder, RunInfo};
use apical_lab::plan;
use apical_lab::run::{Ended, Options, Progress, Stop, run};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::Ordering;

/// Everything on: noise, low-pass, lag inside a presentation, biases, target trace, plastic feedback, two samples side by
/// side, an interval that does not divide an epoch, traces with a stride that does not divide a presentation.
const EULER: &str = r#"
name = "everything"
seed = 5
[network]
sizes = [6, 5, 4, 3]
bias_rate = 0.5
sigma = 0.2
[network.start]
bpp = 0.3
bip = 0.3
[time]
presentation = 3.0
lag = 1.1
tau_target = 3.0
window = 0.5
reset = ["delta"]
[plasticity]
tau_w = 30.0
eta_pp = 0.01
eta_ip = 0.02
eta_pi = 0.01
eta_pb = 0.005
[task]
kind = "teacher"
layers = [6, 4, 3]
activation = "logistic"
gains = [1.0, 1.0]
input = 1.0
weight = 1.0
train = 22
validation = 7
test = 5
[train]
batch = 2
decay = 0.9
[[phase]]
name = "first"
epochs = 2
target = false
plastic = ["ip", "pi"]
[[phase]]
name = "second"
epochs = 2
[record]
interval = 4
[record.soma]
every = 7
[record.apical]
every = 4
cells = [0, 2]
window = [10.0, 80.0]
[record.weights]
"Wpp.1" = { every = 11, pairs = [[0, 1], [2, 3]] }
"Wpi.1" = { every = 5 }
"#;

const TWO_STEP: &str = r#"
name = "digits"
seed = 3
[network]
sizes = [64, 12, 10]
bias_rate = 1.0
[network.start]
pp = "fan-in"
pb = 1.0
ip = "self-predicting"
pi = "self-predicting"
[solver]
kind = "two-step"
attenuation = "none"
mixing = { output = 0.1, interneuron = 0.1, hidden = 0.3 }
[plasticity]
eta_pp = [3.0, 0.3]
eta_ip = 3.0
[task]
kind = "digits"
[train]
epochs = 2
batch = 100
[record]
interval = 3
[record.apical]
every = 2
cells = [1]
"#;

/// For learners whose updates an optimiser follows.
const TRAINED: &str = r#"
name = "trained"
seed = 3
[network]
sizes = [64, 12, 9, 10]
bias_rate = 1.0
[network.start]
pp = "fan-in"
[task]
kind = "digits"
[train]
epochs = 2
batch = 100
schedule = "cosine"
warmup = 1
[record]
interval = 3
angles = 150
[record.weights]
"Wpp.1" = { every = 2 }
"#;

/// Every learner, and every optimiser with one of them.
const LEARNERS: [&str; 13] = [
    "learner={kind='bp',optimiser={kind='sgd',rate=[0.1,0.2,0.3]}}",
    "learner={kind='bp',optimiser={kind='momentum',weight_decay=0.01,clip=0.5}}",
    "learner={kind='bp',optimiser={kind='adam'},frozen=[1]}",
    "learner={kind='fa',optimiser={kind='adamw',weight_decay=0.1}}",
    "learner={kind='dfa'}",
    "learner={kind='sign-symmetric'}",
    "learner={kind='ep',unsettled_allowed=0.99,optimiser={kind='momentum'}}",
    "learner={kind='ep',dynamics='energy',step=0.3,nudging='positive',tolerance='none'}",
    "learner={kind='pc',optimiser={kind='adam'}}",
    "learner={kind='pc',schedule='incremental',optimiser={kind='adam'}}",
    "learner={kind='pc',schedule='zero-divergence'}",
    "learner={kind='dtp',optimiser={kind='adam'}}",
    "learner={kind='dtp',inverse='exact',attenuation='conductances'}",
];

/// Stops the run after some presentations.
struct StopAt {
    stop: Stop,
    at: u64,
}

impl Progress for StopAt {
    fn begin(&mut self, _: u64, done: u64) {
        self.advance(done);
    }
    fn advance(&mut self, done: u64) {
        if done >= self.at {
            self.stop.0.store(2, Ordering::Relaxed);
        }
    }
    fn note(&mut self, _: &str) {}
    fn end(&mut self) {}
}

/// All files of a run that must be the same bytes, by path.
fn results(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fn walk(dir: &Path, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if entry.path().is_dir() {
                walk(&entry.path(), &format!("{name}/"), files);
            } else {
                files.insert(name, std::fs::read(entry.path()).unwrap());
            }
        }
    }
    let mut files = BTreeMap::new();
    walk(folder, "", &mut files);
    files.retain(|name, _| ["metrics", "traces", "checkpoints"].iter().any(|kept| name.starts_with(kept)));
    files
}

/// A folder in memory where there is one: thousands of syncs to a disk would be what this test measures.
fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

/// Runs to the end, stopping after each of the given presentations; returns the results.
fn outcome(toml: &str, sets: &[&str], threads: usize, stops: &[u64]) -> BTreeMap<String, Vec<u8>> {
    let source = Source::new("test.toml", toml, ".");
    let sets: Vec<Override> = sets.iter().map(|s| Override::set(*s)).collect();
    let checked = check(&source, &sets, &Context::default()).unwrap_or_else(|d| panic!("{}", report(&d, false)));
    let e = checked.experiment;
    let parent = folder();
    let mut path = None;
    for at in stops.iter().copied().chain([u64::MAX]) {
        let info = RunInfo { plan: plan::describe(&e), ..RunInfo::default() };
        let (text, hashed) = (resolved_toml(&e), canonical(&e).unwrap());
        let mut opened = RunFolder::open_or_create(parent.path(), &e.name, &hashed, &text, info).unwrap();
        let stop = Stop::default();
        let options = Options { threads, stop: stop.clone(), allow_different_bits: false };
        let ended = run(&e, &mut opened.folder, &options, &mut StopAt { stop, at }).unwrap();
        match ended {
            Ended::Stopped { signal } => assert_eq!((signal, at == u64::MAX), (2, false)),
            Ended::Done { .. } => assert!(at == u64::MAX, "not stopped after {at}"),
            other => panic!("{other:?}"),
        }
        path = Some(opened.folder.path().to_path_buf());
    }
    results(&path.unwrap())
}

/// Without the files that differ because more or fewer were asked for.
fn same(a: &BTreeMap<String, Vec<u8>>, b: &BTreeMap<String, Vec<u8>>, what: &str) {
    assert_eq!(a.keys().collect::<Vec<_>>(), b.keys().collect::<Vec<_>>(), "{what}");
    for (name, bytes) in a {
        assert!(bytes == &b[name], "{what}: {name} differs");
    }
}

#[test]
fn euler_with_everything_on_is_the_same_wherever_it_is_stopped() {
    for sets in [&["precision=f32"][..], &["precision=f64"]] {
        let unbroken = outcome(EULER, sets, 1, &[]);
        assert!(unbroken.keys().any(|name| name.starts_with("traces/soma_1")));
        same(&unbroken, &outcome(EULER, sets, 1, &[]), "twice");
        for at in (1..43).step_by(3) {
            same(&unbroken, &outcome(EULER, sets, 1, &[at]), &format!("stopped after {at}"));
        }
        let places: Vec<u64> = (1..42).step_by(2).collect();
        same(&unbroken, &outcome(EULER, sets, 1, &places), "stopped at 20 places");
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    for toml in [EULER, TWO_STEP] {
        let one = outcome(toml, &[], 1, &[]);
        for threads in [2, 3, 7] {
            same(&one, &outcome(toml, &[], threads, &[]), &format!("{threads} threads"));
        }
    }
}

/// Every plan, with settings of [`EULER`] that it allows: blocks that divide neither a presentation (30 steps) nor its lag
/// (11), and fused steps, one pattern at a time.
const PLANS: [&[&str]; 7] = [
    &["solver.plan=reference"],
    &["solver.plan=blocks", "solver.block=1"],
    &["solver.plan=blocks", "solver.block=7"],
    &["solver.plan=blocks", "solver.block=64"],
    &["solver.plan=batch"],
    &["solver.plan=reference", "train.batch=1"],
    &["solver.plan=fused", "train.batch=1"],
];

/// The same run by a plan must have the same bits with any number of threads and wherever it is stopped, and its weights must
/// not depend on what is saved, validated or recorded.
#[test]
fn every_plan_has_its_own_bits_whoever_works_and_looks() {
    for plan in PLANS {
        for precision in ["precision=f32", "precision=f64"] {
            let with = |sets: &[&'static str]| [plan, &[precision], sets].concat();
            let unbroken = outcome(EULER, &with(&[]), 1, &[]);
            for (threads, stops) in [(2, &[3, 30][..]), (3, &[]), (7, &[17])] {
                let again = outcome(EULER, &with(&[]), threads, stops);
                same(&unbroken, &again, &format!("{plan:?}, {precision}, {threads} threads, stopped at {stops:?}"));
            }
            if precision == "precision=f64" {
                continue;
            }
            let plain = last_tensors(&unbroken);
            for sets in [
                &["train.checkpoint_every=3", "train.keep_every=1", "train.validate_every=3"][..],
                &["record.interval=1", "record.soma.every=1", "record.weights={'Wpp.2'={every=1}}"],
                &["record.soma.every=13", "record.apical.every=1000000", "record.weights={'Wpb.1'={every=17}}"],
            ] {
                assert!(plain == last_tensors(&outcome(EULER, &with(sets), 2, &[])), "{plan:?}, {precision}, {sets:?}");
            }
        }
    }
}

/// Metrics of a run, by name: all values in their order.
fn metrics(files: &BTreeMap<String, Vec<u8>>) -> BTreeMap<String, Vec<f64>> {
    let mut series: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for line in String::from_utf8_lossy(&files["metrics.jsonl"]).lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        series.entry(line["name"].as_str().unwrap().to_owned()).or_default().push(line["value"].as_f64().unwrap());
    }
    series
}

/// Plans are ways to the same trajectory: 1302 steps with everything on part by rounding only.
#[test]
fn all_plans_tell_the_same_story() {
    for (precision, bound) in [("precision=f32", 1e-3), ("precision=f64", 1e-9)] {
        for batch in ["train.batch=1", "train.batch=2"] {
            let run = |plan: &[&'static str]| metrics(&outcome(EULER, &[plan, &[precision, batch]].concat(), 2, &[]));
            let expected = run(&["solver.plan=reference"]);
            assert!(expected.len() > 15 && expected["train.loss"].len() > 5);
            let fits = |plan: &&&[&str]| batch == "train.batch=1" || plan[0] != "solver.plan=fused";
            for plan in PLANS.iter().filter(fits).skip(1) {
                let plan = &plan[..plan.len() - usize::from(plan[plan.len() - 1] == "train.batch=1")];
                let found = run(plan);
                assert_eq!(expected.keys().collect::<Vec<_>>(), found.keys().collect::<Vec<_>>());
                for (name, values) in &expected {
                    // Relative to the largest value of the metric: errors that vanish are differences of large numbers.
                    let scale = values.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
                    let off = values.iter().zip(&found[name]).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                    assert!(
                        off <= bound * scale,
                        "{plan:?}, {precision}, {batch}, {name}: off by {off:e} of {scale:e}"
                    );
                }
            }
        }
    }
}

#[test]
fn two_step_is_the_same_wherever_it_is_stopped() {
    let unbroken = outcome(TWO_STEP, &[], 2, &[]);
    same(&unbroken, &outcome(TWO_STEP, &[], 2, &[1, 2, 5, 9, 11, 12, 15, 19]), "stopped at eight places");
}

#[test]
fn imperfect_synapses_are_the_same_wherever_it_is_stopped() {
    let all =
        ["imperfections={unpredicted=0.2,missing_synapses=0.1,signs='per-cell',weight_noise=0.1,weight_step=0.001}"];
    for toml in [TWO_STEP, EULER] {
        let unbroken = outcome(toml, &all, 1, &[]);
        same(&unbroken, &outcome(toml, &all, 2, &[1, 2, 7, 12, 13]), "stopped at five places");
        assert!(final_weights(&unbroken) != final_weights(&outcome(toml, &[], 1, &[])), "imperfections do something");
    }
}

#[test]
fn every_learner_is_the_same_wherever_it_is_stopped_and_with_any_number_of_threads() {
    for learner in LEARNERS {
        let unbroken = outcome(TRAINED, &[learner], 1, &[]);
        same(&unbroken, &outcome(TRAINED, &[learner], 3, &[1, 2, 5, 9, 11, 12, 15]), learner);
        let blind = outcome(TRAINED, &[learner, "record.angles=0"], 2, &[]);
        assert!(final_weights(&unbroken) == final_weights(&blind), "{learner}: looking at angles changed weights");
    }
}

#[test]
fn an_optimiser_that_follows_the_circuit_goes_on_where_it_stopped() {
    let two_step = ["learner={optimiser={kind='adam',rate=0.01}}", "record.angles=100"];
    same(&outcome(TWO_STEP, &two_step, 1, &[]), &outcome(TWO_STEP, &two_step, 1, &[1, 7, 12, 13]), "two-step");
    let euler = ["learner={optimiser={kind='momentum',rate=0.1}}"];
    same(&outcome(EULER, &euler, 1, &[]), &outcome(EULER, &euler, 1, &[3, 17, 30]), "euler");
    // Plain descent at rate 1 is what the rules do alone.
    let alone = outcome(TWO_STEP, &["precision=f64"], 1, &[]);
    let followed = outcome(TWO_STEP, &["precision=f64", "learner={optimiser={rate=1.0}}"], 1, &[]);
    for ((name, a), (_, b)) in final_weights(&alone).iter().zip(&final_weights(&followed)) {
        // The update is summed apart and then added: rounding only.
        assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-9 * (1.0 + a.abs())), "{name}");
    }
}

/// The tensors of the last checkpoint; without the state of the recording itself, which may differ.
fn last_tensors(files: &BTreeMap<String, Vec<u8>>) -> Vec<Tensor> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("last.safetensors");
    std::fs::write(&path, &files["checkpoints/last.safetensors"]).unwrap();
    let mut tensors = Checkpoint::load(&path).unwrap().tensors;
    tensors.retain(|t| !["interval", "position.traces", "best.score"].contains(&t.name.as_str()));
    tensors
}

/// The tensors of the last checkpoint that are weights.
fn final_weights(files: &BTreeMap<String, Vec<u8>>) -> BTreeMap<String, Vec<f64>> {
    let weights = last_tensors(files).into_iter().filter(|t| {
        t.name.starts_with('W') || t.name.starts_with('b') && t.name.contains(".") && !t.name.starts_with("best")
    });
    weights.map(|t| (t.name.clone(), t.to_f64())).collect()
}

/// Configs that differ only in what is kept: the weights at the end must not.
#[test]
fn looking_and_saving_change_no_bit() {
    let weights = |sets: &[&str]| last_tensors(&outcome(EULER, sets, 1, &[]));
    let plain = weights(&[]);
    assert!(plain.len() > 20);
    for sets in [
        &["train.checkpoint_every=1"][..],
        &["train.checkpoint_every=3", "train.keep_every=1"],
        &["train.validate_every=2"],
        &["record.interval=1"],
        &["record.soma.every=1"],
        &["record.apical.every=1000000"],
    ] {
        assert_eq!(plain, weights(sets), "{sets:?}");
    }
}
