//! `apical cite`: what it prints for nothing, for presets, for runs and for what is none.

use super::support::Place;

#[test]
fn the_software_and_what_a_run_uses_are_cited() {
    let place = Place::with_experiments();
    let all = place.apical(&["cite"]);
    assert_eq!((all.code, all.stdout.matches("\n@").count()), (Some(0), 3), "{all:?}");
    assert!(all.stdout.starts_with("% the software\n@misc{apical,\n"), "{all:?}");
    let run = place.run(&["quick.toml"]);
    let cited = place.apical(&["cite", &run]);
    assert!(cited.stdout.contains("% task.kind = \"digits\"\n@misc{alpaydin1998,"), "{cited:?}");
    assert_eq!((cited.code, cited.stderr.as_str()), (Some(0), ""));
    // The config of the run and the file that it was made from cite the same, each once.
    assert_eq!(cited.stdout, place.apical(&["cite", "quick.toml", &run]).stdout);
    let text = place.apical(&["cite", "s18-mnist", "--format", "text"]);
    assert!(text.stdout.contains("LeCun, Y., Bottou, L., Bengio, Y. & Haffner, P. (1998)."), "{text:?}");
    let json = place.apical(&["cite", "digits", "--json"]).json();
    assert_eq!(json[0]["key"], "apical", "{json}");
}

#[test]
fn what_has_no_config_is_refused() {
    let place = Place::with_experiments();
    std::fs::create_dir(place.join("empty")).unwrap();
    std::fs::create_dir(place.join("wrong")).unwrap();
    place.write("wrong/config.resolved.toml", "[network]\nsizess = [1]\n");
    place.apical(&["cite", "empty"]).refused(2, &["config.resolved.toml", "a preset"]);
    place.apical(&["cite", "wrong"]).refused(2, &["config.resolved.toml:2", "sizess"]);
    place.apical(&["cite", "digit"]).refused(2, &["digits"]);
    place.apical(&["cite", "digits", "--format", "html"]).refused(2, &["bibtex"]);
}
