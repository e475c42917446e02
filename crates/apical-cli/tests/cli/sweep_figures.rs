//! Figures and reports of sweeps: called as the sweep's file calls things, of what is part of it, and with runs that were ended
//! early told from those that came to their end.

use super::support::{Done, Place};

const BASE: &str = "task = { kind = \"patterns\", train = 20 }\n[network]\nsizes = [4, 3, 2]\nsigma = 0.1\n[time]\npresentation = 5.0\n\
    [plasticity]\neta_ip = 0.001\neta_pi = 0.005\n[train]\nepochs = 2\n";

fn ok(done: Done) -> Done {
    assert_eq!(done.code, Some(0), "{done:?}");
    done
}

/// A place in which a sweep has been made.
fn made(sweep: &str) -> Place {
    let place = Place::new();
    place.write("base.toml", BASE);
    again(&place, sweep);
    place
}

fn again(place: &Place, sweep: &str) {
    place.write("s.toml", format!("experiment = \"base.toml\"\nmetric = \"apical_squared.1\"\n{sweep}"));
    ok(place.apical(&["sweep", "run", "s.toml", "-q"]));
}

/// A file of a figure that is drawn.
fn drawn(place: &Place, figure: &str, ending: &str) -> String {
    let words = ["plot", "sweeps/s", "--figure", figure, "--metric", "apical_squared.1", "--out", "f", "-q"];
    ok(place.apical(&[&words[..], &["--format", "svg"]].concat()));
    String::from_utf8(place.bytes("f", &format!("{figure}.{ending}"))).unwrap()
}

fn report(place: &Place) -> String {
    ok(place.apical(&["report", "sweeps/s", "-o", "r.md"]));
    String::from_utf8(place.bytes(".", "r.md")).unwrap()
}

#[test]
fn variants_stand_in_figures_and_reports_by_their_names() {
    let place = made(
        "seeds = 2\n[variant.zero]\nplasticity.eta_ip = 0.0\n[variant.all]\ntime.dt = 0.2\nnetwork.sigma = 0.0\nplasticity.eta_ip = 0.002\n\
        time.tau_0 = 4.0\n[vary]\nplasticity.eta_pi = [0.001, 0.002]\n",
    );
    let lines = drawn(&place, "sweep-lines", "csv");
    assert!(lines.contains(",variant = zero,eta_pi,0.001,"), "names are in the legend: {lines}");
    let map = drawn(&place, "sweep-map", "csv");
    assert!(map.lines().nth(1).unwrap().contains(",variant,zero,eta_pi,0.001,"), "in the order of the file: {map}");
    let parallel = drawn(&place, "sweep-parallel", "csv");
    assert_eq!(parallel.lines().next().unwrap(), "variant,plasticity.eta_pi,Best apical_squared.1,runs");
    assert!(parallel.contains("\nzero,0.001,") && parallel.contains("\nall,0.002,"), "{parallel}");
    let importance = drawn(&place, "sweep-importance", "csv");
    let keys: Vec<&str> = importance.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
    assert!(keys.len() == 2 && keys.contains(&"variant") && keys.contains(&"plasticity.eta_pi"), "{importance}");
    let curves = drawn(&place, "learning-curves", "csv");
    assert!(curves.contains("\"variant = zero, eta_pi = 0.001\""), "{curves}");
    let page = report(&place);
    assert!(
        page.contains(r"variant = all, eta\_pi = 0.001") && page.contains(r"| variant | plasticity.eta\_pi |"),
        "{page}"
    );
    // Runs that are named by themselves are of their sweep as well.
    let runs: Vec<_> = std::fs::read_dir(place.join("sweeps/s/runs")).unwrap().map(|e| e.unwrap().path()).collect();
    let paths: Vec<&str> = runs.iter().map(|path| path.to_str().unwrap()).collect();
    let words = ["plot", "--figure", "sweep-parallel", "--metric", "apical_squared.1", "--format", "svg", "--out", "g"];
    ok(place.apical(&[&words[..], &paths].concat()));
    assert!(
        String::from_utf8(place.bytes("g", "sweep-parallel.csv")).unwrap().starts_with("variant,plasticity.eta_pi,")
    );
}

#[test]
fn a_variant_whose_runs_all_failed_is_in_the_legend() {
    let place =
        made("[variant.calm]\n[variant.wild]\nplasticity.eta_ip = 1e30\n[vary]\nplasticity.eta_pi = [0.001, 0.002]\n");
    let lines = drawn(&place, "sweep-lines", "svg");
    assert!(lines.contains("variant = wild: failed") && !lines.contains("calm: failed"), "{lines}");
}

#[test]
fn runs_that_were_ended_early_are_told_from_those_that_came_to_their_end() {
    let place = made(
        "[vary]\nplasticity.eta_pi = { log = [1e-3, 1.0], steps = 9 }\n[set]\ntrain.epochs = 9\n[stop]\nfirst = 1\nfactor = 3\n",
    );
    let lines = drawn(&place, "sweep-lines", "csv");
    let points = |early: bool| {
        let rows = lines.lines().skip(1).filter(|line| line.contains("ended early") == early);
        rows.filter(|line| !line.ends_with(',')).count()
    };
    assert_eq!((points(true), points(false)), (8, 1), "{lines}");
    let svg = drawn(&place, "sweep-lines", "svg");
    assert!(svg.contains("ended early"), "the legend says what rings are");
    let parallel = drawn(&place, "sweep-parallel", "csv");
    assert!(parallel.lines().next().unwrap().ends_with(",runs,stopped at epoch"), "{parallel}");
    let ends = |end: &str| parallel.lines().filter(|line| line.ends_with(end)).count();
    assert_eq!((ends(",1,1"), ends(",1,3"), ends(",1,")), (6, 2, 1), "{parallel}");
    // What all are held against each other by is what all have come to.
    let value = |row: &str| row.split(',').nth(1).unwrap().to_owned();
    let run = std::fs::read_dir(place.join("sweeps/s/runs"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .find(|run| !std::fs::read_to_string(run.join("DONE")).unwrap().starts_with("stopped"));
    let metrics = std::fs::read_to_string(run.unwrap().join("metrics.json")).unwrap();
    let metrics: serde_json::Value = serde_json::from_str(&metrics).unwrap();
    let finished = parallel.lines().find(|line| line.ends_with(",1,")).unwrap();
    assert!(value(finished).parse::<f64>().unwrap() <= metrics["apical_squared.1"].as_f64().unwrap());
    let importance = drawn(&place, "sweep-importance", "svg");
    assert!(importance.contains("by epoch 1"), "{importance}");

    let page = report(&place);
    assert!(page.contains("stopped at epoch") && page.contains("8 runs ended early"), "{page}");
    assert_eq!(
        page.lines().filter(|line| line.starts_with("| s-") || line.contains("| ended early |")).count(),
        8,
        "{page}"
    );
}

#[test]
fn what_is_no_longer_part_of_a_search_is_left_out_and_counted() {
    let search = "method = \"bayes\"\nsamples = 12\nat = \"last\"\n[vary]\nplasticity.eta_pi = { log = [1e-3, 1.0] }\n";
    let place = made(search);
    again(&place, &search.replace("1.0]", "0.5]"));
    let folders = || {
        let done = ok(place.apical(&["report", "sweeps/s", "-o", "r.html", "--json"]));
        assert!(done.stderr.contains("12 runs are no longer part of their sweep"), "{done:?}");
        done.json()["folders"].as_u64()
    };
    assert_eq!(folders(), Some(12));
    let plotted = ok(place.apical(&["plot", "sweeps/s", "--figure", "sweep-lines", "--format", "svg", "--out", "f"]));
    assert!(plotted.stderr.contains("12 runs are no longer part of their sweep"), "{plotted:?}");
    assert_eq!(String::from_utf8(place.bytes("f", "sweep-lines.csv")).unwrap().lines().count(), 1 + 12);
    let page = String::from_utf8(place.bytes(".", "r.html")).unwrap();
    assert!(page.contains("12 runs in the sweep") && page.contains("left out"), "the page says so too");
    // A search that was killed has trials that its plan knows nothing of.
    let plan = place.join("sweeps/s/plan.jsonl");
    let head = std::fs::read_to_string(&plan).unwrap().lines().next().unwrap().to_owned();
    std::fs::write(&plan, format!("{head}\n")).unwrap();
    assert_eq!(folders(), Some(12));
}

#[test]
fn a_figure_of_configs_says_what_it_wants_where_there_are_none() {
    let place = made("seeds = 2\n[vary]\nplasticity.eta_pi = [0.002]\n");
    let words = ["plot", "sweeps/s", "--metric", "apical_squared.1", "--figure"];
    for figure in ["sweep-parallel", "sweep-lines", "sweep-map", "sweep-importance"] {
        let refused = place.apical(&[&words[..], &[figure]].concat());
        refused.refused(2, &[figure, "these 2 runs have one config", "sweeps/NAME", "learning-curves"]);
    }
}
