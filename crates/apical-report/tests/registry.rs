//! Every figure of the registry, drawn from run folders that the lab makes here: at every width it is as wide as asked, no text
//! leaves the paper or meets another, and the bytes repeat.

mod support;

use apical_lab::check::{Context, canonical, check, resolved_toml};
use apical_lab::config::{Override, Source, report};
use apical_lab::folder::{RunFolder, RunInfo};
use apical_lab::plan;
use apical_lab::record::{Ranking, Run};
use apical_lab::run::{Options as RunOptions, Quiet, Stop, run};
use apical_report::figures::{Drawn, FIGURES, Of, Options, Refusal, Runs};
use apical_report::theme::{POINTS_PER_MM, TWO_COLUMNS};
use std::path::{Path, PathBuf};
use support::check_texts;

/// Everything recorded, two hidden layers.
const CIRCUIT: &str = r#"
name = "circuit"
[network]
sizes = [6, 5, 4, 3]
sigma = 0.1
[time]
presentation = 5.0
[plasticity]
eta_pp = 0.001
eta_ip = 0.002
eta_pi = 0.005
[task]
kind = "teacher"
layers = [6, 4, 3]
activation = "logistic"
gains = [1.0, 1.0]
train = 20
validation = 5
test = 5
[train]
epochs = 3
[record]
interval = 5
angles = 4
switches = 3
soma = { every = 2 }
input = { every = 2 }
target = { every = 2 }
apical = { every = 2 }
apical_feedback = { every = 2 }
apical_lateral = { every = 2 }
[record.weights]
"Wpp.1" = { every = 5, pairs = [[0, 1], [2, 3]], mean = true }
"Wip.1" = { every = 5 }
"Wpi.1" = { every = 5, pairs = [[0, 0]] }
"Wpb.2" = { every = 5, pairs = [[0, 0]], mean = true }
"#;

const DIGITS: &str = r#"
name = "digits"
task = "digits"
[network]
sizes = [64, 6, 10]
[network.start]
pp = "fan-in"
ip = "self-predicting"
pi = "self-predicting"
[solver]
kind = "two-step"
attenuation = "none"
mixing = { output = 0.1, interneuron = 0.1, hidden = 0.3 }
[plasticity]
eta_pp = [3.0, 0.3]
eta_ip = 3.0
[train]
epochs = 2
batch = 20
"#;

const YIN_YANG: &str = r#"
name = "yin-yang"
task = { kind = "yin-yang", train = 60, validation = 30, test = 30 }
[network]
sizes = [4, 8, 3]
[train]
epochs = 2
batch = 10
[record]
decision_map = 20
inference = 10
"#;

fn make(parent: &Path, text: &str, changes: &[&str]) -> PathBuf {
    let changes: Vec<Override> = changes.iter().map(|c| Override::set(*c)).collect();
    let source = Source::new("test.toml", text, parent);
    let e = check(&source, &changes, &Context::default())
        .unwrap_or_else(|list| panic!("{}", report(&list, false)))
        .experiment;
    let (canonical, toml) = (canonical(&e).unwrap(), resolved_toml(&e));
    let info = RunInfo { name: e.name.clone(), seed: e.seed, plan: plan::describe(&e), ..RunInfo::default() };
    let mut opened = RunFolder::open_or_create(parent, &e.name, &canonical, &toml, info).unwrap();
    if !opened.begin().unwrap() {
        return opened.folder.path().to_owned();
    }
    let options = RunOptions { threads: 1, stop: Stop::default(), allow_different_bits: false };
    run(&e, &mut opened.folder, &options, &mut Quiet).unwrap();
    opened.folder.path().to_owned()
}

fn opened(paths: &[PathBuf]) -> Runs {
    Runs::new(paths.iter().map(|path| Run::open(path).unwrap()).collect())
}

/// Sets of runs that have the data of all figures between them.
fn sets(parent: &Path) -> Vec<(&'static str, Vec<PathBuf>)> {
    let digits = |changes: &[&str]| make(parent, DIGITS, changes);
    let mut sweep = Vec::new();
    for batch in ["train.batch=20", "train.batch=40"] {
        for rate in ["plasticity.eta_ip=3.0", "plasticity.eta_ip=1.0"] {
            for seed in ["seed=1", "seed=2"] {
                sweep.push(digits(&[batch, rate, seed]));
            }
        }
    }
    let steady = ["solver.kind=steady", "plasticity.eta_pp=0.1"];
    let relation = parent.join("relation");
    std::fs::create_dir(&relation).unwrap();
    let rows = "when,layer,learner_a,learner_b,degrees\nstart,1,bp,bp,0\nstart,1,bp,fa,91.5\nstart,1,fa,bp,91.5\nstart,1,fa,fa,\n";
    std::fs::write(relation.join("relate.csv"), rows).unwrap();
    vec![
        ("circuit", vec![make(parent, CIRCUIT, &[])]),
        ("circuits", vec![make(parent, CIRCUIT, &[]), make(parent, CIRCUIT, &["plasticity.eta_pi=0.1"])]),
        ("digits", vec![digits(&[])]),
        ("sweep", sweep),
        ("steady", vec![make(parent, YIN_YANG, &steady)]),
        ("pc", vec![make(parent, YIN_YANG, &["learner={kind='pc', optimiser={kind='adam', rate=0.01}}"])]),
        ("relation", vec![relation]),
    ]
}

fn draw(entry: &apical_report::figures::Entry, runs: &Runs, options: &Options) -> Option<Drawn> {
    match (entry.draw)(runs, options) {
        Ok(drawn) => Some(drawn),
        Err(Refusal::Missing { what, remedy }) => {
            assert!(!what.is_empty() && !remedy.is_empty(), "{}: a refusal without a remedy", entry.name);
            None
        }
        Err(Refusal::Failed(error)) => panic!("{}: {error}", entry.name),
    }
}

#[test]
fn every_figure_keeps_its_promises_at_every_width() {
    let place = tempfile::tempdir().unwrap();
    let mut drawn_somewhere = Vec::new();
    for (set, paths) in sets(place.path()) {
        let runs = opened(&paths);
        for entry in FIGURES.iter().filter(|e| e.of != Of::One || paths.len() == 1) {
            for width in [85.0, 114.0, TWO_COLUMNS] {
                let options = Options { width_mm: Some(width), ..Options::default() };
                let Some(drawn) = draw(entry, &runs, &options) else { continue };
                let name = format!("{}, {set}, {width} mm", entry.name);
                check_texts(&name, &drawn.scene);
                let wide = drawn.scene.width / POINTS_PER_MM;
                assert!((wide - width).abs() < 0.01, "{name}: {wide} mm");
                assert!(drawn.csv.lines().count() > 1, "{name}: no data");
                let smallest = drawn.scene.texts().iter().map(|t| t.size).fold(f64::INFINITY, f64::min);
                assert!(smallest >= 4.5, "{name}: a text of {smallest} pt");
                drawn_somewhere.push(entry.name);
            }
        }
    }
    let never: Vec<&str> = FIGURES.iter().map(|e| e.name).filter(|name| !drawn_somewhere.contains(name)).collect();
    assert!(never.is_empty(), "never drawn: {never:?}");
}

#[test]
fn every_format_has_the_same_bytes_twice() {
    let place = tempfile::tempdir().unwrap();
    for (set, paths) in sets(place.path()) {
        let (runs, again) = (opened(&paths), opened(&paths));
        for entry in FIGURES.iter().filter(|e| e.of != Of::One || paths.len() == 1) {
            let (Some(a), Some(b)) =
                (draw(entry, &runs, &Options::default()), draw(entry, &again, &Options::default()))
            else {
                continue;
            };
            let name = format!("{}, {set}", entry.name);
            assert!(a.csv == b.csv && a.scene.svg() == b.scene.svg(), "{name}: other data or SVG the second time");
            roxmltree::Document::parse(&a.scene.svg()).unwrap_or_else(|e| panic!("{name}: {e}"));
            let (pdf, png) = (a.scene.pdf().unwrap(), a.scene.png(60.0).unwrap());
            assert!(pdf == b.scene.pdf().unwrap() && png == b.scene.png(60.0).unwrap(), "{name}: other PDF or PNG");
            assert!(pdf.starts_with(b"%PDF-1.") && png.starts_with(b"\x89PNG"), "{name}");
            let holds = |what: &[u8]| pdf.windows(what.len()).any(|w| w == what);
            assert!(holds(b"Arimo") && !holds(b"CreationDate"), "{name}: no font inside, or a date");
        }
    }
}

#[test]
fn seeds_become_a_band_and_configs_are_called_by_what_differs() {
    let place = tempfile::tempdir().unwrap();
    let paths: Vec<PathBuf> =
        ["seed=1", "seed=2", "plasticity.eta_ip=1.0"].map(|c| make(place.path(), DIGITS, &[c])).to_vec();
    let runs = opened(&paths);
    let drawn = draw(find("learning-curves"), &runs, &Options::default()).unwrap();
    let texts: Vec<String> = drawn.scene.texts().iter().map(|t| t.runs[0].text.clone()).collect();
    assert!(
        texts.iter().any(|t| t.contains("eta_ip = 1")) && texts.iter().any(|t| t.contains("eta_ip = 3")),
        "{texts:?}"
    );
    let bands = drawn.csv.lines().filter(|l| l.contains("low") || l.contains("high")).count();
    // Validation and training, error and loss, two epochs, both edges: of the group with two seeds alone.
    assert_eq!(bands, 2 * 2 * 2 * 2, "{}", drawn.csv);
}

#[test]
fn long_traces_are_thinned_out_with_their_spikes() {
    use apical_lab::record::zarr::{Axis, Dtype, TimeBase};
    use apical_lab::record::{TraceWriter, Variable};
    let place = tempfile::tempdir().unwrap();
    let run = make(place.path(), CIRCUIT, &["train.epochs=1"]);
    let variable = Variable {
        name: "soma_3".into(),
        long_name: "soma potential".into(),
        units: "1".into(),
        equation: String::new(),
        axis: Some(Axis {
            name: "pyramidal_3".into(),
            long_name: "cell".into(),
            labels: vec![0],
            auxiliary: Vec::new(),
        }),
        samples: 1,
        base: TimeBase { every_ms: 0.1, window: (0.0, f64::INFINITY) },
    };
    let mut writer = TraceWriter::create(&run.join("traces"), &[variable], Dtype::F32).unwrap();
    let n = 600_000;
    for i in 0..n {
        let value = if i == 123_457 { 40.0 } else { (i as f64 * 0.01).sin() };
        writer.append(0, 0.1 * f64::from(i + 1), &[value]).unwrap();
    }
    writer.position().unwrap();
    let entry = FIGURES.iter().find(|e| e.name == "neuron-traces").unwrap();
    let drawn = draw(entry, &opened(std::slice::from_ref(&run)), &Options::default()).unwrap();
    let rows: Vec<&str> = drawn.csv.lines().skip(1).collect();
    assert!(rows.len() > 500 && rows.len() <= 1000, "{} points", rows.len());
    let spike = rows.iter().find(|row| row.ends_with(",40")).expect("the spike is drawn");
    let time: f64 = spike.split(',').nth(3).unwrap().parse().unwrap();
    assert!((time - 12.3458).abs() < 1e-6, "{spike}");
    let window = Options { window: Some((100.0, 101.0)), ..Options::default() };
    let few = draw(entry, &opened(&[run]), &window).unwrap();
    assert_eq!(few.csv.lines().count(), 1 + 11, "both ends of a window belong to it");
}

fn find(name: &str) -> &'static apical_report::figures::Entry {
    apical_report::figures::find(name).unwrap()
}

fn refused(name: &str, runs: &Runs, options: &Options) -> String {
    match (find(name).draw)(runs, options) {
        Err(Refusal::Missing { what, remedy }) => format!("{what}; {remedy}"),
        Err(Refusal::Failed(error)) => panic!("{name}: {error}"),
        Ok(_) => panic!("{name} is drawn"),
    }
}

#[test]
fn refusals_say_what_is_missing_and_what_there_is() {
    let place = tempfile::tempdir().unwrap();
    let whole = make(place.path(), CIRCUIT, &[]);
    let part = CIRCUIT.replace("apical = { every = 2 }\n", "").replace("apical_lateral = { every = 2 }\n", "");
    let part = opened(&[make(place.path(), &part, &["name=part"])]);
    let told = refused("apical-traces", &part, &Options::default());
    assert!(told.contains("apical_lateral = {") && told.contains(" apical = {"), "{told}");
    assert!(!told.contains("apical_feedback"), "it was recorded: {told}");
    let few = CIRCUIT.replace("soma = { every = 2 }", "soma = { every = 2, cells = [0, 2] }");
    let few = opened(&[make(place.path(), &few, &["name=few"])]);
    let cells = |list: &[usize]| Options { cells: Some(list.to_vec()), ..Options::default() };
    for name in ["raster", "neuron-traces"] {
        let told = refused(name, &few, &cells(&[1]));
        assert!(told.contains("[record.soma] cells would have kept it"), "{told}");
        let told = refused(name, &few, &cells(&[9]));
        assert!(told.contains("no layer of soma has a cell 9") && told.contains("0 to 4"), "{told}");
    }
    let drawn = draw(find("raster"), &few, &cells(&[2])).unwrap();
    assert!(drawn.csv.contains(",Cell,2,") && !drawn.csv.contains(",Cell,0,"), "cells by their numbers");
    let metric = |name: &str| Options { metric: Some(name.into()), ..Options::default() };
    let two = opened(&[whole, make(place.path(), CIRCUIT, &["plasticity.eta_pi=0.1"])]);
    let told = refused("sweep-lines", &two, &metric("nosuch"));
    assert!(told.contains("nosuch") && told.contains("test.loss") && told.contains("apical_squared.1"), "{told}");
    let told = refused("sweep-lines", &two, &metric("test.checkpoint"));
    assert!(told.contains("no value of Test checkpoint is a number"), "{told}");
}

#[test]
fn runs_of_other_tasks_share_an_axis_and_only_those_with_a_line_are_told() {
    let place = tempfile::tempdir().unwrap();
    let runs = opened(&[make(place.path(), CIRCUIT, &[]), make(place.path(), DIGITS, &[])]);
    let drawn = draw(find("learning-curves"), &runs, &Options::default()).unwrap();
    let axes: Vec<&str> = drawn.csv.lines().skip(1).map(|row| row.rsplit(',').nth(3).unwrap()).collect();
    assert!(axes.iter().all(|axis| *axis == "Presentations"), "{axes:?}");
    let traces = draw(find("neuron-traces"), &runs, &Options::default()).unwrap();
    let texts: Vec<String> = traces.scene.texts().iter().map(|t| t.runs[0].text.clone()).collect();
    let label = |run: usize| &runs.groups.labels[runs.groups.of[run]];
    assert!(texts.contains(label(0)) && !texts.contains(label(1)), "digits has no traces: {texts:?}");
}

#[test]
fn the_data_of_sweeps_and_confusions_have_their_values_and_names() {
    let place = tempfile::tempdir().unwrap();
    let rates = |list: &str| make(place.path(), DIGITS, &[&format!("plasticity.eta_pp={list}"), "train.epochs=1"]);
    let mut paths = vec![rates("[3.0, 0.1]"), rates("[3.0, 0.3]")];
    let one = opened(&paths[..1]);
    let sweep = draw(find("sweep-lines"), &opened(&paths), &Options::default()).unwrap();
    assert_eq!(sweep.csv.lines().count(), 1 + 2, "each point once: {}", sweep.csv);
    assert!(sweep.csv.contains("\"[3.0, 0.1]\""), "{}", sweep.csv);
    paths.push(make(place.path(), DIGITS, &["plasticity.eta_pp=[3.0, 0.1]", "train.epochs=1", "train.batch=40"]));
    let map = draw(find("sweep-map"), &opened(&paths), &Options::default()).unwrap();
    assert!(map.csv.contains("\"[3.0, 0.3]\"") && map.csv.contains(",batch,40,"), "{}", map.csv);
    let confusion = draw(find("confusion"), &one, &Options::default()).unwrap();
    let mut counts = confusion.csv.lines().skip(1).map(|row| row.split(',').nth(2).unwrap().parse::<f64>().unwrap());
    assert_eq!(confusion.csv.lines().count(), 101);
    assert!(counts.all(|count| count.fract() == 0.0), "shares, not counts: {}", confusion.csv);
}

#[test]
fn draws_at_random_make_no_map_and_no_lines_of_single_dots() {
    let place = tempfile::tempdir().unwrap();
    let run = |ip: &str, pp: &str, batch: &str| {
        let (ip, pp) = (format!("plasticity.eta_ip={ip}"), format!("plasticity.eta_pp={pp}"));
        make(place.path(), DIGITS, &[&ip, &pp, batch, "train.epochs=1"])
    };
    let scattered: Vec<PathBuf> =
        (1..=5).map(|i| run(&format!("0.{i}"), &format!("0.{}", 9 - i), "train.batch=20")).collect();
    let runs = opened(&scattered);
    for (name, word) in [("sweep-map", "no map"), ("sweep-lines", "no lines")] {
        let told = refused(name, &runs, &Options::default());
        assert!(told.contains("5 configs lie scattered over 5 values") && told.contains(word), "{told}");
        assert!(told.contains("sweep-parallel"), "{told}");
    }
    // A key of few values tells lines apart, whichever key comes first.
    let few: Vec<PathBuf> =
        (1..=6).map(|i| run(&format!("0.{i}"), "0.3", ["train.batch=20", "train.batch=40"][i % 2])).collect();
    let lines = draw(find("sweep-lines"), &opened(&few), &Options::default()).unwrap();
    assert!(lines.csv.contains("batch = 20") && !lines.csv.contains("eta_ip = 0.1"), "{}", lines.csv);
}

#[test]
fn figures_of_a_sweep_show_by_what_it_ranks() {
    let place = tempfile::tempdir().unwrap();
    let rates =
        ["0.1", "0.2", "1.0", "3.0"].map(|rate| make(place.path(), DIGITS, &[&format!("plasticity.eta_ip={rate}")]));
    let runs = opened(&rates);
    let ranking = |minimise, best| Ranking { metric: "validation.loss".into(), minimise, best };
    let by = |ranking: Ranking| Options { ranking: Some(ranking), ..Options::default() };
    let values = |ranking: Ranking| -> Vec<f64> {
        let drawn = draw(find("sweep-parallel"), &runs, &by(ranking)).unwrap();
        drawn.csv.lines().skip(1).map(|row| row.split(',').nth(1).unwrap().parse().unwrap()).collect()
    };
    let losses = |run: &Run| run.series("validation.loss").unwrap().unwrap().values.clone();
    let extreme = |start: f64, with: fn(f64, f64) -> f64| -> Vec<f64> {
        runs.runs.iter().map(|run| losses(run).into_iter().fold(start, with)).collect()
    };
    assert_eq!(values(ranking(true, true)), extreme(f64::INFINITY, f64::min));
    assert_eq!(values(ranking(false, true)), extreme(f64::NEG_INFINITY, f64::max));
    let last: Vec<f64> = runs.runs.iter().map(|run| *losses(run).last().unwrap()).collect();
    assert_eq!(values(ranking(true, false)), last);
    // Another metric than the sweep's is a final value, and a ranking by what the runs have not is none.
    let other = Options { metric: Some("train.loss".into()), ..by(ranking(true, true)) };
    assert!(draw(find("sweep-lines"), &runs, &other).unwrap().csv.contains("Training loss"));
    let absent = Ranking { metric: "nosuch".into(), minimise: true, best: true };
    assert!(draw(find("sweep-lines"), &runs, &by(absent)).unwrap().csv.contains("Validation error"));
    let best = draw(find("sweep-lines"), &runs, &by(ranking(true, true))).unwrap();
    assert!(best.csv.contains("Best validation loss"), "{}", best.csv);
}
