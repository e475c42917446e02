//! The gallery: a page on every figure, whose commands make its pictures. `BLESS=1` puts what they made into the book.

use super::place::Place;
use super::{follow, page, root};
use std::collections::BTreeSet;
use std::path::Path;

/// The page, whose commands write to `gallery` what it shows from `images/gallery`.
pub const PAGE: &str = "docs/gallery.md";
const PICTURES: &str = "docs/images/gallery";
/// All pictures together; a clone of the repository carries every version of them.
const BYTES: u64 = 1_600_000;

#[test]
fn the_gallery_shows_every_figure_and_its_commands_make_them() {
    let Some(root) = root() else { return };
    let text = std::fs::read_to_string(root.join(PAGE)).unwrap();
    let mut place = Place::new();
    let mut failures = Vec::new();
    follow(&mut place, PAGE, &text, &mut failures);
    assert!(failures.is_empty(), "{}", failures.join("\n"));

    let made = pictures(&place.here().join("gallery"));
    if std::env::var_os("BLESS").is_some() {
        let _ = std::fs::remove_dir_all(root.join(PICTURES));
        std::fs::create_dir_all(root.join(PICTURES)).unwrap();
        for name in &made {
            std::fs::copy(place.here().join("gallery").join(name), root.join(PICTURES).join(name)).unwrap();
        }
    }
    let (_, prose) = page::read(&text);
    let after =
        |start: &str| prose.match_indices(start).map(|(at, _)| &prose[at + start.len()..]).collect::<Vec<&str>>();
    let shown: BTreeSet<String> =
        after("](images/gallery/").iter().filter_map(|rest| Some(rest.split_once(')')?.0.to_owned())).collect();
    assert_eq!(shown, made, "shown by the page; made by its commands");
    assert_eq!(shown, pictures(&root.join(PICTURES)), "shown by the page; in {PICTURES}");

    let headings: BTreeSet<String> =
        after("\n### ").iter().filter_map(|rest| Some(rest.lines().next()?.to_owned())).collect();
    let listed = place.sh("apical list figures --json");
    let json: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
    let figures: BTreeSet<String> =
        json["figures"].as_array().unwrap().iter().map(|f| f["name"].as_str().unwrap().to_owned()).collect();
    assert_eq!(headings, figures, "sections of the page; `apical list figures`");

    let bytes: u64 = made.iter().map(|name| root.join(PICTURES).join(name).metadata().unwrap().len()).sum();
    assert!(bytes < BYTES, "the pictures take {bytes} bytes");
}

/// The pictures in a folder.
fn pictures(folder: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|e| e.file_name().into_string().unwrap()).filter(|name| name.ends_with(".png")).collect()
}
