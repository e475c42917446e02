//! The reference page of the book is what the registry of fields says.

use std::path::Path;

/// `BLESS=1` writes the page anew.
#[test]
fn the_reference_page_is_up_to_date() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/config.md");
    if !page.parent().is_some_and(Path::is_dir) {
        println!("skipped: the book is not part of this package");
        return;
    }
    let text = apical_lab::config::reference_markdown();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&page, &text).unwrap();
    }
    let found = std::fs::read_to_string(&page).unwrap_or_default();
    let differs = found.lines().zip(text.lines()).position(|(a, b)| a != b);
    assert!(
        found == text,
        "docs/config.md differs from line {}: BLESS=1 cargo test -p apical-lab --test config_reference",
        differs.map_or("the shorter's end".to_owned(), |i| (i + 1).to_string())
    );
}
