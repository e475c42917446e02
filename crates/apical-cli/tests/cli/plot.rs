//! `apical plot` as users call it: what it writes, what it says is missing, and what damaged folders come to.

use super::support::Place;

const EULER: &str = r#"
task = { kind = "patterns", train = 20 }
[network]
sizes = [4, 3, 2]
[time]
presentation = 5.0
[plasticity]
eta_ip = 0.001
eta_pi = 0.005
[record]
interval = 5
soma = { every = 2 }
"#;

fn euler() -> (Place, String) {
    let place = Place::new();
    place.write("traced.toml", EULER);
    let run = place.run(&["traced.toml"]);
    (place, run)
}

#[test]
fn all_figures_with_data_are_drawn_and_the_others_say_what_they_lack() {
    let (place, run) = euler();
    let done = place.apical(&["plot", &run]);
    assert_eq!(done.code, Some(0), "{done:?}");
    for name in ["interneuron-distance", "synapse-distance", "apical-distance", "neuron-traces", "raster", "circuit"] {
        assert!(done.stdout.contains(name), "{name}: {done:?}");
        for ending in ["svg", "png", "csv"] {
            assert!(place.join(&run).join(format!("figures/{name}.{ending}")).is_file(), "{name}.{ending}");
        }
    }
    for lacking in ["record.angles", "[record.weights.\"Wpp.1\"]", "record.inference", "apical_feedback"] {
        assert!(done.stderr.contains(lacking), "{lacking}: {done:?}");
    }
    let json =
        place.apical(&["plot", &run, "--json", "--figure", "raster,circuit", "--format", "pdf", "--out", "p"]).json();
    assert_eq!(json["figures"].as_array().map(Vec::len), Some(2), "{json}");
    let files: Vec<_> = std::fs::read_dir(place.join("p")).unwrap().map(|f| f.unwrap().file_name()).collect();
    assert_eq!(files.len(), 4, "{files:?}");
    assert!(place.bytes("p", "raster.pdf").starts_with(b"%PDF"));
}

#[test]
fn wishes_that_cannot_be_met_are_refused_and_nothing_is_written() {
    let (place, run) = euler();
    let plot = |args: &[&str]| place.apical(&[&["plot", &run, "--out", "new"], args].concat());
    plot(&["--figure", "angle"]).refused(2, &["--figure", "angle", "angles", "raster"]);
    plot(&["--figure", "raster,angles"]).refused(2, &["figure angles", "record.angles"]);
    plot(&["--figure", "synapse-traces"]).refused(2, &["[record.weights.\"Wpp.1\"]"]);
    plot(&["--figure", "neuron-traces", "--cells", "0,7"]).refused(2, &["a cell 7", "--cells takes 0 to 2"]);
    plot(&["--figure", "raster", "--cells", "999"]).refused(2, &["a cell 999", "--cells takes 0 to 2"]);
    plot(&["--figure", "learning-curves", "--metric", "nosuch"]).refused(2, &["nosuch", "apical_squared.1"]);
    plot(&["--figure", "neuron-traces", "--window", "5000:6000"]).refused(2, &["no rows", "--window"]);
    plot(&["--figure", "sweep-lines"]).refused(2, &["a single run", "several configs"]);
    plot(&["--figure", "relate"]).refused(2, &["apical relate"]);
    assert_eq!(plot(&["--window", "3:1"]).code, Some(2));
    assert_eq!(plot(&["--width", "100"]).code, Some(2));
    place.apical(&["plot", "nowhere", "--out", "new"]).refused(2, &["nowhere", "no such folder"]);
    place.apical(&["plot", ".", "--out", "new"]).refused(2, &["run.json"]);
    assert!(!place.join("new").exists());
}

#[test]
fn the_same_bytes_twice_whatever_the_order_of_figures() {
    let (place, run) = euler();
    let formats = ["--format", "svg,png,pdf"];
    place.apical(&[&["plot", &run, "--out", "a"], &formats[..]].concat());
    place.apical(&[&["plot", &run, "--out", "b"], &formats[..]].concat());
    let (a, b) = (place.results("a"), place.results("b"));
    assert!(a.len() >= 24 && a == b, "{} files", a.len());
}

#[test]
fn damaged_folders_give_a_clear_error_and_nothing_half_written() {
    let (place, run) = euler();
    let metrics = place.bytes(&run, "metrics.jsonl");
    let chunk = "traces/soma_1/c.0.0";
    let whole = place.bytes(&run, chunk);
    let (cut, rubbish) = (&whole[..whole.len() / 2], b"\xff\x00{".to_vec());
    // File, what it is replaced by (or removed), words of the error.
    type Damage<'a> = (&'a str, Option<&'a [u8]>, &'a [&'a str]);
    let damage: [Damage; 8] = [
        ("metrics.jsonl", None, &["metrics.jsonl", "no such file"]),
        ("metrics.jsonl", Some(b"{\"presentation\":1}\n"), &["metrics.jsonl:1"]),
        (chunk, None, &["c.0.0"]),
        (chunk, Some(cut), &["c.0.0", "bytes"]),
        ("traces/soma_1/zarr.json", Some(b"{"), &["soma_1/zarr.json"]),
        ("traces/zarr.json", Some(&rubbish), &["traces/zarr.json"]),
        ("config.resolved.toml", Some(b"a = ["), &["config.resolved.toml:1"]),
        ("run.json", Some(b"[]"), &["run.json"]),
    ];
    for (file, bytes, words) in damage {
        let path = place.join(&run).join(file);
        let before = std::fs::read(&path).unwrap();
        match bytes {
            Some(bytes) => std::fs::write(&path, bytes).unwrap(),
            None => std::fs::remove_file(&path).unwrap(),
        }
        place.apical(&["plot", &run, "--out", "new"]).refused(2, words);
        assert!(!place.join("new").exists(), "{file}: something was written");
        std::fs::write(&path, before).unwrap();
    }
    // A run that goes on, or was killed, leaves half a line: the rest is drawn, with a warning.
    place.write(&format!("{run}/metrics.jsonl"), &metrics[..metrics.len() - 5]);
    let done = place.apical(&["plot", &run, "--figure", "apical-distance", "--out", "new"]);
    assert!(done.code == Some(0) && done.stderr.contains("half a line"), "{done:?}");
}

#[test]
fn damaged_observations_are_named() {
    let place = Place::with_experiments();
    let run = place.run(&["quick.toml"]);
    for text in ["{", "[]", "{}", "{\"classes\":[\"a\"],\"counts\":[[1,2]]}", "{\"classes\":[1],\"counts\":7}"] {
        place.write(&format!("{run}/confusion.json"), text);
        place.apical(&["plot", &run, "--figure", "confusion", "--out", "new"]).refused(2, &["confusion.json"]);
    }
    place.write(&format!("{run}/checkpoints/best.safetensors"), [1, 2, 3]);
    place.apical(&["plot", &run, "--out", "new"]).refused(2, &["confusion.json"]);
    std::fs::remove_file(place.join(&run).join("confusion.json")).unwrap();
    place.apical(&["plot", &run, "--out", "new"]).refused(2, &["best.safetensors"]);
    assert!(!place.join("new").exists());
}

#[test]
fn a_name_with_markup_stays_a_name() {
    let (place, run) = euler();
    let hostile = "runs/<b>&\"x";
    std::fs::rename(place.join(&run), place.join(hostile)).unwrap();
    place.write("other.toml", EULER.replace("0.005", "0.05"));
    let other = place.run(&["other.toml"]);
    let config = String::from_utf8(place.bytes(hostile, "config.resolved.toml")).unwrap();
    // Told apart by the name alone, which the label then is.
    let named = config.replace("name = \"traced\"", "name = \"<script>&\"");
    assert_ne!(named, config);
    place.write(&format!("{hostile}/config.resolved.toml"), named);
    place.write(&format!("{other}/config.resolved.toml"), config);
    let done = place.apical(&["plot", hostile, &other, "--figure", "apical-distance,circuit", "--out", "new"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    let svg = String::from_utf8(place.bytes("new", "apical-distance.svg")).unwrap();
    assert!(svg.contains("&lt;script&gt;&amp;") && !svg.contains("<script"), "the label is no text");
    assert!(place.join("new/circuit-_b___x.svg").is_file(), "{done:?}");
}

#[test]
fn several_runs_go_beside_the_first() {
    let (place, run) = euler();
    let second = place.run(&["traced.toml", "--set", "seed=2"]);
    let done = place.apical(&["plot", &run, &second, "--figure", "interneuron-distance"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    let csv = String::from_utf8(place.bytes("runs/figures", "interneuron-distance.csv")).unwrap();
    assert!(csv.contains("low") && csv.contains("high"), "seeds make no band: {csv}");
}

#[test]
fn places_that_cannot_take_all_files_are_refused_before_any_is_written() {
    let (place, run) = euler();
    place.write("file", "mine");
    let plot = |out: &str| place.apical(&["plot", &run, "--figure", "raster,circuit,circuit", "--out", out]);
    plot("file").refused(2, &["file", "no folder"]);
    plot("file/inside").refused(2, &["file", "no folder"]);
    std::fs::create_dir_all(place.join("taken/circuit.csv")).unwrap();
    plot("taken").refused(2, &["circuit.csv", "no ordinary file", "--out"]);
    assert_eq!(std::fs::read_dir(place.join("taken")).unwrap().count(), 1, "something was written");
    assert_eq!(plot("new").stdout.matches("circuit").count(), 2, "a figure asked for twice, and its file");
    place.apical(&["plot", "runs"]).refused(2, &["runs/*"]);
}

#[test]
fn what_only_some_runs_lack_is_told_of_them() {
    let place = Place::with_experiments();
    let whole = place.run(&["quick.toml"]);
    let without = place.run(&["quick.toml", "--set", "record.confusion=false", "--seed", "7"]);
    let done = place.apical(&["plot", &whole, &without, "--out", "new"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    let name = without.rsplit('/').next().unwrap();
    assert!(done.stderr.contains(&format!("{name}: there is no confusion.json")), "{done:?}");
    let lacking = done.stderr.lines().find(|line| line.contains("decision-map")).unwrap();
    assert!(!lacking.contains(name), "all lack it: {lacking}");
}
