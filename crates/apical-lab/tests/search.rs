//! Searches: what is tried follows from what was found, whoever asks; and the median rule.

#[path = "sweep/support.rs"]
mod support;

use apical_lab::check::Context;
use apical_lab::config::report;
use apical_lab::folder::Ending;
use apical_lab::sweep::best::best;
use apical_lab::sweep::table::Cell;
use apical_lab::sweep::{Layout, Plan, Spec, Trouble};
use support::{Place, make, manner, numbers, table};

const SEARCH: &str = "method = \"bayes\"\nmetric = \"apical_squared.1\"\nat = \"last\"\n[set]\ntrain.epochs = 2\n";
const RATES: &str = "plasticity.eta_pi = { log = [1e-5, 1.0] }\nplasticity.eta_ip = { log = [1e-5, 1.0] }\n";

fn search(place: &Place, samples: u64, more: &str) -> Spec {
    place.spec(&format!("samples = {samples}\n{SEARCH}[vary]\n{RATES}{more}"))
}

fn plan(spec: &Spec, layout: &Layout) -> Plan {
    Plan::open(spec, layout, &Context::default(), true).unwrap().0
}

/// All that was asked for, trial by trial.
fn trials(layout: &Layout) -> Vec<String> {
    let spaces: Vec<_> = std::fs::read_dir(layout.trials()).unwrap().collect();
    assert_eq!(spaces.len(), 1);
    let folder = spaces[0].as_ref().unwrap().path();
    let read = |n: usize| std::fs::read_to_string(folder.join(format!("{n}.json"))).ok();
    (0..).map_while(read).collect()
}

#[test]
fn with_one_job_a_search_is_the_same_every_time_wherever_it_was_interrupted() {
    let place = Place::new();
    let spec = search(&place, 25, "");
    let (whole, parts) = (place.layout("whole"), place.layout("parts"));
    make(&spec, &whole, &manner(1));
    for _ in 0..4 {
        make(&spec, &parts, &support::Manner { most: Some(9), ..manner(1) });
    }
    assert_eq!(trials(&whole).len(), 25);
    assert_eq!(trials(&whole), trials(&parts));
    assert_eq!(table(&spec, &whole), table(&spec, &parts));
    let other = place.spec(&format!("samples = 25\nsampler_seed = 1\n{SEARCH}[vary]\n{RATES}"));
    let third = place.layout("third");
    make(&other, &third, &manner(1));
    assert_ne!(trials(&whole), trials(&third), "another seed searches elsewhere");
}

#[test]
fn a_search_turns_to_where_runs_are_good() {
    let place = Place::new();
    let spec = search(&place, 40, "");
    let layout = place.layout("s");
    make(&spec, &layout, &manner(1));
    let scores = numbers(&table(&spec, &layout), "apical_squared.1.last");
    // Of ranks nothing depends on the scale: the first ten are drawn at random, the last ten are to be among the better half.
    let mut sorted = scores.clone();
    sorted.sort_by(f64::total_cmp);
    let better = scores[30..].iter().filter(|x| **x < sorted[20]).count();
    assert!(better >= 8, "{better} of the last ten are in the better half: {scores:?}");
    let found = best(&spec, &plan(&spec, &layout), &layout).unwrap();
    assert_eq!(found.score, sorted[0]);
    assert_eq!(found.arguments[1..3], ["--set", "train.epochs=2"]);
}

#[test]
fn workers_ask_for_each_trial_once() {
    let place = Place::new();
    let spec = search(&place, 30, "");
    let layout = place.layout("s");
    let made: usize = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4).map(|_| scope.spawn(|| make(&spec, &layout, &manner(2)))).collect();
        workers.into_iter().map(|worker| worker.join().unwrap().made.into_inner().unwrap().len()).sum()
    });
    let plan = plan(&spec, &layout);
    assert_eq!((made, plan.runs.len(), plan.search), (30, 30, Some((30, 0))));
    assert_eq!(table(&spec, &layout).rows(), 30);
}

#[test]
fn what_failed_is_the_worst_and_seeds_are_averaged() {
    let place = Place::new();
    // Rates of 1e30 leave all bounds.
    let text = format!(
        "samples = 14\nseeds = 2\n{SEARCH}[vary]\nplasticity.eta_pi = [0.01, 1e30]\ntask.low = {{ linear = [0.0, 0.5] }}\n"
    );
    let spec = place.spec(&text);
    let layout = place.layout("s");
    make(&spec, &layout, &manner(1));
    let table = table(&spec, &layout);
    let states: Vec<String> = table.column("state").unwrap().iter().map(Cell::text).collect();
    assert!(states.contains(&"failed".to_owned()) && states.contains(&"done".to_owned()), "{states:?}");
    let plan = plan(&spec, &layout);
    let found = best(&spec, &plan, &layout).unwrap();
    assert!(found.with.starts_with("plasticity.eta_pi=0.01 "), "{found:?}");
    let score = |run: &String| {
        let row = table.column("run").unwrap().iter().position(|cell| cell.text() == *run).unwrap();
        table.column("apical_squared.1.last").unwrap()[row].text().parse::<f64>().unwrap()
    };
    assert_eq!(found.runs.len(), 2);
    assert_eq!(found.score, found.runs.iter().map(score).sum::<f64>() / 2.0);
    assert_eq!(found.arguments[0], place.path("base.toml"));
}

#[test]
fn groups_and_conditions_are_searched_too_and_a_config_is_not_tried_twice_in_vain() {
    let place = Place::new();
    let spec = place.spec(&format!(
        "samples = 14\n{SEARCH}[vary]\ntrain.batch = [1, 3]\n\
        plasticity.tau_w = {{ values = [1.0, 30.0], only_if = {{ train.batch = 1 }} }}\n\
        [zip.rates]\nplasticity.eta_ip = [0.1, 0.2]\nplasticity.eta_pi = [0.3, 0.4]\n"
    ));
    let layout = place.layout("s");
    make(&spec, &layout, &manner(1));
    let plan = plan(&spec, &layout);
    // Two groups, and 1 with two low-passes or 3 without: six configs in all, the rest are twins.
    assert_eq!((plan.runs.len(), plan.twins), (6, 8));
    let words: Vec<String> = plan.runs.iter().map(|p| spec.words(p.point())).collect();
    assert!(words.iter().all(|w| w.contains("eta_ip=0.1") == w.contains("eta_pi=0.3")), "{words:?}");
    assert!(words.iter().all(|w| w.contains("batch=1") == w.contains("tau_w")), "{words:?}");
}

#[test]
fn more_trials_go_on_with_a_search_and_other_ranges_begin_anew() {
    let place = Place::new();
    let layout = place.layout("s");
    make(&search(&place, 3, ""), &layout, &manner(1));
    let more = search(&place, 5, "");
    let (before, change) = Plan::open(&more, &layout, &Context::default(), true).unwrap();
    assert_eq!((before.runs.len(), before.search), (3, Some((3, 2))));
    assert_eq!(change.orphaned.len() + change.added.len(), 0);
    assert_eq!(make(&more, &layout, &manner(1)).made.into_inner().unwrap().len(), 2);
    plan(&more, &layout);
    let other = search(&place, 5, "time.tau_0 = [1.0, 3.0]\n");
    let (after, change) = Plan::open(&other, &layout, &Context::default(), true).unwrap();
    assert_eq!((after.runs.len(), change.orphaned.len()), (0, 5));
}

#[test]
fn a_damaged_trial_is_told_of_by_its_file() {
    let place = Place::new();
    let layout = place.layout("s");
    let spec = search(&place, 3, "");
    make(&spec, &layout, &manner(1));
    let folder = std::fs::read_dir(layout.trials()).unwrap().next().unwrap().unwrap().path();
    for bad in [
        "",
        "{\"trial\":1,\"shares\":[0.5],\"from\":0,\"with\":\"\"}",
        "{\"trial\":1,\"shares\":[0.5,1.5],\"from\":0,\"with\":\"\"}",
    ] {
        std::fs::write(folder.join("1.json"), bad).unwrap();
        let Err(Trouble::Error(error)) = Plan::open(&spec, &layout, &Context::default(), true) else { panic!("{bad}") };
        assert!(error.to_string().contains("1.json") && error.exit_code() == 2, "{error}");
    }
}

#[test]
fn a_search_cannot_wait_in_rungs_and_keys_of_one_rule_mean_nothing_to_the_other() {
    let place = Place::new();
    let wrong = |text: &str| place.read(text).unwrap_err();
    let vary = "[vary]\ntrain.batch = [1, 2]\n";
    let found = wrong(&format!("method = \"bayes\"\nsamples = 5\n[stop]\nfactor = 2\n{vary}"));
    assert!(found.contains("wait for each other") && found.contains("median"), "{found}");
    let found = wrong(&format!("[stop]\nrule = \"median\"\nfactor = 2\n{vary}"));
    assert!(found.contains("`stop.factor` means nothing to rule = \"median\""), "{found}");
    let found = wrong(&format!("[stop]\nevery = 2\n{vary}"));
    assert!(found.contains("`stop.every` means nothing to rule = \"halving\""), "{found}");
    let found = wrong(&format!("method = \"bayes\"\nsamples = 10001\n{vary}"));
    assert!(found.contains("10001 trials"), "{found}");
}

#[test]
fn the_median_rule_ends_what_is_worse_than_half_and_leaves_the_others_as_they_are() {
    let place = Place::new();
    let vary = "metric = \"apical_squared.1\"\n[vary]\nplasticity.eta_pi = [0.1, 0.05, 0.02, 0.00001, 0.2]\n";
    let spec = place.spec(&format!("{vary}[stop]\nrule = \"median\"\nfirst = 2\nothers = 3\n"));
    let free = place.spec(vary);
    let (ruled, unruled) = (place.layout("ruled"), place.layout("unruled"));
    make(&spec, &ruled, &manner(1));
    make(&free, &unruled, &manner(1));
    let (ruled_table, unruled_table) = (table(&spec, &ruled), table(&free, &unruled));
    let at_end = numbers(&unruled_table, "apical_squared.1.best");
    assert!(at_end[3] > at_end[0].max(at_end[1]).max(at_end[2]), "the fourth learns least: {at_end:?}");
    // The first three have nobody to be compared with; the fourth comes when three have ended.
    assert_eq!(numbers(&ruled_table, "epochs"), [4.0, 4.0, 4.0, 2.0, 4.0]);
    let reason = |row: usize| ruled_table.column("reason").unwrap()[row].text();
    assert!(reason(3).starts_with("stopped early after epoch 2: apical_squared.1 "), "{}", reason(3));
    assert!(reason(3).contains("worse than the median of 3 others"), "{}", reason(3));
    let run = ruled_table.column("run").unwrap()[3].text();
    assert!(Ending::read(&ruled.runs().join(run)).unwrap().unwrap().done);
    for row in [0, 1, 2, 4] {
        for name in ["run", "apical_squared.1", "weight_norm.Wpi.1"] {
            assert_eq!(ruled_table.column(name).unwrap()[row], unruled_table.column(name).unwrap()[row], "{name}");
        }
    }
}

/// Patterns without targets have no validation error, which is what a sweep ranks by unless it says otherwise.
#[test]
fn what_would_rank_by_a_metric_that_runs_will_not_have_is_not_planned() {
    let place = Place::new();
    let rates = "[vary]\nplasticity.eta_pi = { log = [1e-5, 1.0], steps = 3 }\n";
    let sweeps = ["method = \"bayes\"\nsamples = 12\n", "[stop]\nfirst = 1\n", "[stop]\nrule = \"median\"\n"];
    for (i, text) in sweeps.iter().enumerate() {
        let spec = place.spec(&format!("{text}{rates}"));
        let layout = place.layout(&format!("s{i}"));
        let planned = Plan::open(&spec, &layout, &Context::default(), true);
        let Err(Trouble::Config(list)) = planned else { panic!("{text}: {planned:?}") };
        let told = report(&list, false);
        assert!(told.contains("mine.toml") && told.contains("validation.error"), "{told}");
        assert!(told.contains("apical_squared.1"), "what there will be: {told}");
        assert!(!layout.path().exists(), "nothing is made");
    }
}
