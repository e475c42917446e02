//! The reference page of the book is what the registry of fields says, and so is what other pages say of learners.

use apical_lab::config::explain;
use apical_lab::config::fields::FIELDS;
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

/// Keys that pages name as `learner.KEY` exist, and where such a key begins the row of a table, the next cell is its default.
#[test]
fn what_the_book_says_of_learners_keys_is_true() {
    let book = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    if !book.is_dir() {
        println!("skipped: the book is not part of this package");
        return;
    }
    let mut named = 0;
    for file in std::fs::read_dir(&book).unwrap() {
        let page = file.unwrap().path();
        if page.extension().is_none_or(|end| end != "md") {
            continue;
        }
        for (n, line) in std::fs::read_to_string(&page).unwrap().lines().enumerate() {
            let at = format!("{}:{}", page.display(), n + 1);
            let code: Vec<&str> = line.split('`').skip(1).step_by(2).collect();
            let key =
                |code: &&str| code.split(" =").next().filter(|key| key.starts_with("learner.")).map(str::to_owned);
            for key in code.iter().filter_map(key).filter(|key| key != "learner.KEY") {
                explain(&key).unwrap_or_else(|e| panic!("{at}: {e}"));
                named += 1;
            }
            let Some(key) = line.strip_prefix("| `learner.").and_then(|_| code.first()) else { continue };
            let inner = key.strip_prefix("learner.optimiser.").map(|last| format!("optimiser.{last}"));
            let path = inner.unwrap_or_else(|| key.to_string());
            if let Some(default) = code.get(1).filter(|_| line.contains("` | `")) {
                let defaults: Vec<&str> = FIELDS.iter().filter(|f| f.path() == path).map(|f| f.default).collect();
                assert_eq!(defaults, [*default], "{at}: the default of {key}");
            }
        }
    }
    assert!(named > 20, "the pages must name keys for this to mean anything: {named}");
}
