//! Searches by the real binary: killed, gone on with, told of; the best trial made by itself; figures of a sweep's folder.

use super::support::{Done, Place};
use std::time::Duration;

const BASE: &str = "task = { kind = \"patterns\", train = 20 }\n[network]\nsizes = [4, 3, 2]\nsigma = 0.1\n[time]\npresentation = 5.0\n\
    [plasticity]\neta_ip = 0.001\neta_pi = 0.005\n[train]\nepochs = 3\n";
const SEARCH: &str = "experiment = \"base.toml\"\nmethod = \"bayes\"\nsamples = 24\nmetric = \"apical_squared.1\"\nat = \"last\"\n\
    [set]\ntrain.epochs = 2\nnetwork.activation = \"softplus\"\n[vary]\nplasticity.eta_pi = { log = [1e-3, 1.0] }\ntrain.batch = [1, 2]\n";

fn place() -> Place {
    let place = Place::new();
    place.write("base.toml", BASE);
    place.write("search.toml", SEARCH);
    place
}

fn ok(done: Done) -> Done {
    assert_eq!(done.code, Some(0), "{done:?}");
    done
}

fn table(place: &Place, out: &str) -> String {
    ok(place.apical(&["sweep", "collect", "search.toml", "-q", "--out", out]));
    std::fs::read_to_string(place.join(out).join("search/results.csv")).unwrap()
}

#[cfg(unix)]
#[test]
fn a_search_that_is_killed_again_and_again_comes_to_the_same_table() {
    let place = place();
    for i in 0..10u64 {
        let mut child = place.command(&["sweep", "run", "search.toml", "-q", "--jobs", "1"]).spawn().unwrap();
        // Not a multiple of anything: the places at which it dies differ.
        std::thread::sleep(Duration::from_millis(5 + (i * 37) % 90));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    ok(place.apical(&["sweep", "run", "search.toml", "-q", "--jobs", "1"]));
    ok(place.apical(&["sweep", "run", "search.toml", "-q", "--jobs", "1", "--out", "calm"]));
    assert_eq!(table(&place, "sweeps"), table(&place, "calm"));
}

#[test]
fn a_search_tells_what_may_come_and_its_best_trial_can_be_made_by_itself() {
    let place = place();
    let plan = ok(place.apical(&["sweep", "plan", "search.toml", "--json"])).json();
    assert_eq!(
        (plan["runs"].as_u64(), plan["trials"].as_u64(), plan["may_come"].as_u64()),
        (Some(0), Some(0), Some(24))
    );
    let made = ok(place.apical(&["sweep", "run", "search.toml", "--json"])).json();
    assert_eq!((made["trials"].as_u64(), made["queued"].as_u64()), (Some(24), Some(0)));
    let (best, score) = (&made["best"], made["best"]["score"].as_f64().unwrap());
    let command = best["command"].as_str().unwrap();
    assert!(command.starts_with("apical run ./base.toml --set train.epochs=2 --set "), "{command}");
    // The command as a shell takes it apart.
    let words: Vec<String> = command.split(' ').skip(1).map(|word| word.replace('\'', "")).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let run = ok(place.apical(&words)).last_line();
    let metrics: serde_json::Value = serde_json::from_slice(&place.bytes(&run, "metrics.json")).unwrap();
    assert_eq!(metrics["apical_squared.1"].as_f64(), Some(score));
    let told = ok(place.apical(&["sweep", "status", "search.toml"]));
    assert!(told.stdout.contains("apical_squared.1") && told.stdout.contains(command), "{told:?}");

    let figures = "sweep-parallel,sweep-importance";
    ok(place.apical(&["plot", "sweeps/search", "--metric", "apical_squared.1", "--figure", figures]));
    for name in ["sweep-parallel.svg", "sweep-importance.csv"] {
        assert!(place.join("sweeps/search/figures").join(name).is_file(), "{name}");
    }
    ok(place.apical(&["report", "sweeps/search", "-o", "search.html"]));
}

#[test]
fn sweeps_have_names_of_their_own() {
    let place = place();
    let listed = ok(place.apical(&["list", "sweeps", "--json"])).json();
    for sweep in listed["sweeps"].as_array().unwrap() {
        let name = sweep["name"].as_str().unwrap();
        assert_eq!(ok(place.apical(&["sweep", "plan", name, "--json"])).json()["name"].as_str(), Some(name));
        assert!(ok(place.apical(&["show", name])).stdout.contains("method = \"bayes\""));
    }
    let wrong = place.apical(&["sweep", "plan", "thesis-single-targt"]);
    assert!(wrong.code == Some(2) && wrong.stderr.contains("did you mean `thesis-single-target`"), "{wrong:?}");
}
