//! `apical relate`: a folder with tables, a page and figures; the same bytes again; what is refused before it begins.

use super::support::{DIGITS, Place};

const QUICK: [&str; 6] = ["--samples", "20", "--limit-samples", "4", "--inverse-steps", "20"];

fn comparison(place: &Place) {
    let text = DIGITS.replace("task = \"digits\"", "task = \"digits\"\nname = \"some\"");
    let text = text.replace("epochs = 3", "epochs = 1");
    place.write("some.toml", format!("{text}\n[compare]\n[learner.microcircuit]\n[learner.bp]\n[learner.ep]\n"));
}

/// The rows of a CSV file without its head, as fields.
fn rows(place: &Place, folder: &str, file: &str) -> Vec<Vec<String>> {
    let text = String::from_utf8(place.bytes(folder, file)).unwrap();
    text.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

#[test]
fn a_relation_leaves_tables_a_page_and_figures_and_repeats_to_the_byte() {
    let place = Place::new();
    comparison(&place);
    let done = place.apical(&[&["relate", "some.toml"][..], &QUICK].concat());
    assert_eq!(done.code, Some(0), "{done:?}");
    let folder = done.last_line();
    assert!(folder.starts_with("runs/some-relate-"), "{folder}");
    let stems = ["angles-start", "angles-trained", "limit-two-step", "limit-circuit", "limit-ep"];
    for stem in stems {
        for end in ["svg", "png", "csv"] {
            assert!(!place.bytes(&folder, &format!("figures/{stem}.{end}")).is_empty());
        }
    }
    let angles = rows(&place, &folder, "relate.csv");
    // Two moments, two layers and all of them, four participants with the reference.
    assert_eq!(angles.len(), 2 * 3 * 4 * 4);
    for row in &angles {
        let mirror = angles.iter().find(|r| (&r[0], &r[1], &r[2], &r[3]) == (&row[0], &row[1], &row[3], &row[2]));
        assert_eq!(mirror.map(|r| &r[4]), Some(&row[4]), "{row:?}");
        assert!(row[2] != row[3] || row[4] == "0", "{row:?}");
    }
    let page = String::from_utf8(place.bytes(&folder, "relate.md")).unwrap();
    for words in ["apical relate some.toml", "At the start", "At the end of training", "ep's own", "bp of matching"] {
        assert!(page.contains(words), "no {words:?} in the page");
    }
    assert!(done.stdout.contains("microcircuit two-step") && done.stdout.contains("ep's own"), "{done:?}");
    let before = place.results(&folder);
    let again = place.apical(&[&["relate", "some.toml"][..], &QUICK].concat());
    assert_eq!((again.code, &again.stdout), (Some(0), &done.stdout), "{again:?}");
    assert!(!again.stderr.contains("training"), "{again:?}");
    assert!(place.results(&folder) == before, "other bytes the second time");
}

#[test]
fn weights_of_a_file_stand_for_training() {
    let place = Place::new();
    comparison(&place);
    place.write("quick.toml", DIGITS);
    let file = format!("{}/checkpoints/best.safetensors", place.run(&["quick.toml"]));
    let none = ["--limit-samples", "0", "--samples", "10"];
    let done = place.apical(&[&["relate", "some.toml", "--weights", &file][..], &none].concat());
    assert_eq!(done.code, Some(0), "{done:?}");
    let folder = done.last_line();
    assert!(place.join(&folder).join("figures/angles-given.png").exists());
    assert!(!place.join(&folder).join("limits.csv").exists());
    assert!(!done.stderr.contains("training"), "{done:?}");
}

#[test]
fn bad_input_is_refused_before_anything_is_written() {
    let place = Place::new();
    comparison(&place);
    let relate = |args: &[&str]| place.apical(&[&["relate", "some.toml"], args].concat());
    relate(&["--learners", "bp,backprop"]).refused(2, &["backprop"]);
    relate(&["--trained-by", "fa"]).refused(2, &["--trained-by", "microcircuit, bp, ep"]);
    relate(&["--samples", "0"]).refused(2, &["--samples"]);
    relate(&["--samples", "-1"]).refused(2, &["--samples"]);
    relate(&["--samples", "1000000"]).refused(2, &["--samples", "allowed: 1 to"]);
    relate(&["--limit-samples", "1000000"]).refused(2, &["--limit-samples"]);
    relate(&["--weights", "none.safetensors"]).refused(2, &["none.safetensors", "no such file"]);
    relate(&["--weights", "some.toml"]).refused(2, &["some.toml"]);
    relate(&["--set", "network.sizes=[63, 5, 10]"]).refused(2, &["network.sizes"]);
    place.apical(&["relate", "nothing.toml"]).refused(2, &["nothing.toml"]);
    assert!(!place.join("runs").exists());
}
