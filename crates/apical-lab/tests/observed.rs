//! What a run keeps at its end: it agrees with the metrics, and keeping it changes nothing else.

use apical_lab::check::{Context, canonical, check, resolved_toml};
use apical_lab::config::{Override, Source, report};
use apical_lab::folder::{RunFolder, RunInfo};
use apical_lab::plan;
use apical_lab::run::{Options, Quiet, Stop, run};
use serde_json::Value;
use std::path::{Path, PathBuf};

const YIN_YANG: &str = r#"
name = "yin-yang"
task = { kind = "yin-yang", train = 60, validation = 30, test = 30 }
[network]
sizes = [4, 8, 3]
[train]
epochs = 2
batch = 10
"#;

/// The circuit settles; another learner has no solver.
const STEADY: [&str; 2] = ["solver.kind=steady", "plasticity.eta_pp=0.1"];

fn checked(changes: &[&str]) -> Result<apical_lab::Experiment, String> {
    let changes: Vec<Override> = changes.iter().map(|c| Override::set(*c)).collect();
    let source = Source::new("test.toml", YIN_YANG, Path::new("."));
    check(&source, &changes, &Context::default()).map(|c| c.experiment).map_err(|list| report(&list, false))
}

fn finished(parent: &Path, changes: &[&str]) -> PathBuf {
    let e = checked(changes).unwrap();
    let info = RunInfo { name: e.name.clone(), seed: e.seed, plan: plan::describe(&e), ..RunInfo::default() };
    let mut opened =
        RunFolder::open_or_create(parent, &e.name, &canonical(&e).unwrap(), &resolved_toml(&e), info).unwrap();
    assert!(opened.begin().unwrap());
    let options = Options { threads: 2, stop: Stop::default(), allow_different_bits: false };
    run(&e, &mut opened.folder, &options, &mut Quiet).unwrap();
    opened.folder.path().to_owned()
}

fn json(run: &Path, file: &str) -> Value {
    serde_json::from_slice(&std::fs::read(run.join(file)).unwrap()).unwrap()
}

#[test]
fn confusion_counts_the_test_set_and_its_errors() {
    let place = tempfile::tempdir().unwrap();
    let run = finished(place.path(), &STEADY);
    let found = json(&run, "confusion.json");
    let counts: Vec<Vec<u64>> = serde_json::from_value(found["counts"].clone()).unwrap();
    assert_eq!(found["classes"], serde_json::json!(["yin", "yang", "dot"]));
    assert!(counts.iter().all(|row| row.iter().sum::<u64>() == 10), "{counts:?}");
    let wrong: u64 =
        (0..3).flat_map(|i| (0..3).map(move |j| (i, j))).filter(|(i, j)| i != j).map(|(i, j)| counts[i][j]).sum();
    assert_eq!(json(&run, "metrics.json")["test.error"], serde_json::json!(wrong as f64 / 30.0));
}

#[test]
fn keeping_more_changes_nothing_of_the_run() {
    let place = tempfile::tempdir().unwrap();
    let plain = finished(place.path(), &[&STEADY[..], &["record.confusion=false"]].concat());
    let more = finished(place.path(), &[&STEADY[..], &["record.decision_map=7", "record.inference=20"]].concat());
    for file in ["metrics.jsonl", "metrics.json"] {
        assert_eq!(std::fs::read(plain.join(file)).unwrap(), std::fs::read(more.join(file)).unwrap(), "{file}");
    }
    assert!(!plain.join("confusion.json").exists());
    let map = json(&more, "decision_map.json");
    assert_eq!(map["answers"].as_array().map(Vec::len), Some(49));
    assert!(map["answers"].as_array().unwrap().iter().all(|a| a.as_i64().is_some_and(|a| (0..3).contains(&a))));
    let inference = json(&more, "inference.json");
    for course in inference["courses"].as_array().unwrap() {
        let high: Vec<f64> = serde_json::from_value(course["residual"]["high"].clone()).unwrap();
        // The default tolerance of steady at f32, in 1/ms.
        assert!(high.len() > 1 && high[0] > *high.last().unwrap() && *high.last().unwrap() <= 1e-5, "{high:?}");
        assert!(course["energy"].is_null());
    }
}

#[test]
fn what_drives_plasticity_after_a_switch_is_kept_for_all_hidden_layers() {
    let place = tempfile::tempdir().unwrap();
    let moving = ["plasticity.eta_pp=0.1", "network.sizes=[4,8,5,3]", "time.presentation=30.0", "time.tau_target=3.0"];
    let plain = finished(place.path(), &moving);
    let more = finished(place.path(), &[&moving[..], &["record.switches=7"]].concat());
    for file in ["metrics.jsonl", "metrics.json"] {
        assert_eq!(std::fs::read(plain.join(file)).unwrap(), std::fs::read(more.join(file)).unwrap(), "{file}");
    }
    assert!(!plain.join("switches.json").exists());
    let found = json(&more, "switches.json");
    let ms: Vec<f64> = serde_json::from_value(found["ms"].clone()).unwrap();
    assert_eq!((ms[0], ms.len()), (0.0, 300));
    let courses = found["courses"].as_array().unwrap();
    let of = |c: &Value| (c["when"].as_str().unwrap().to_owned(), c["layer"].as_u64().unwrap());
    let at = |when: &str, layer| (when.to_owned(), layer);
    assert_eq!(
        courses.iter().map(of).collect::<Vec<_>>(),
        [at("start", 1), at("start", 2), at("end", 1), at("end", 2)]
    );
    for course in courses {
        for part in ["soma_lag", "apical_error", "teacher"] {
            let values: Vec<f64> = serde_json::from_value(course[part].clone()).unwrap();
            assert!(values.len() == ms.len() && values.iter().all(|v| v.is_finite()), "{part}: {values:?}");
            assert!(values.iter().any(|v| *v > 0.0), "{part} of {:?}", of(course));
        }
    }
    let refused = checked(&[&STEADY[..], &["record.switches=7"]].concat()).unwrap_err();
    assert!(refused.contains("`record.switches`: nothing settles over time"), "{refused}");
}

#[test]
fn an_energy_is_followed_step_by_step() {
    let place = tempfile::tempdir().unwrap();
    let learner = |text: &str| format!("learner={{{text}, optimiser={{kind='adam', rate=0.01}}}}");
    let pc = learner("kind='pc', inference_steps=12, state_rate=0.1");
    let ep = learner("kind='ep', dynamics='energy', step=0.2, tolerance='none', free_steps=40");
    for (change, steps) in [(pc, 13), (ep, 40)] {
        let run = finished(place.path(), &[&change, "record.inference=10"]);
        let course = json(&run, "inference.json")["courses"][1].clone();
        let median: Vec<f64> = serde_json::from_value(course["energy"]["median"].clone()).unwrap();
        assert_eq!(median.len(), steps, "{change}");
        assert!(median.windows(2).all(|w| w[1] <= w[0] + 1e-6), "the energy rises: {median:?}");
    }
}

#[test]
fn what_there_is_not_cannot_be_kept() {
    let refused = |change: &str| checked(&[change]).unwrap_err();
    assert!(refused("record.decision_map=2000").contains("0 to 1000"));
    assert!(checked(&["record.inference=10", "solver.kind=euler"]).unwrap_err().contains("steady"));
    let digits = ["task={kind='digits'}", "network.sizes=[64, 8, 10]", "record.decision_map=10"];
    assert!(checked(&digits).unwrap_err().contains("plane"));
}
