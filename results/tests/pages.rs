//! The pages of results agree with the data beside them.

use apical_results::page::made;
use std::fs;
use std::path::Path;

#[test]
fn tables_and_pictures_are_those_of_the_data() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let mut pages = 0;
    for entry in fs::read_dir(docs.join("results")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|end| end != "md") {
            continue;
        }
        pages += 1;
        let page = fs::read_to_string(&path).unwrap();
        let now = made(&page, &docs.join("results/data")).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        assert!(now.text == page, "{}: tables are not those of the data: cargo xtask results", path.display());
        for (name, bytes) in now.pictures {
            let there = fs::read(docs.join("images/results").join(&name)).unwrap_or_default();
            assert!(there == bytes, "{name} is not the picture of the data: cargo xtask results");
        }
    }
    assert!(pages > 0);
}
