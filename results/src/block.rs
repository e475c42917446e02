//! Blocks of a page that are made from data: between `<!-- table`, `<!-- effects`, `<!-- verdicts` or `<!-- figure`, which end the line, settings in TOML up to
//! `-->`, then what was made, up to `<!-- end -->`.

use crate::Error;

/// A block.
#[derive(Clone, Debug, PartialEq)]
pub struct Block<'a> {
    /// `table`, `effects`, `verdicts` or `figure`.
    pub kind: &'a str,
    /// Its settings.
    pub settings: &'a str,
    /// Where what was made stands, in bytes of the page.
    pub made: std::ops::Range<usize>,
}

const END: &str = "<!-- end -->";

/// The blocks of a page.
///
/// # Errors
/// One that does not end, with its line.
pub fn blocks(page: &str) -> Result<Vec<Block<'_>>, Error> {
    let mut list = Vec::new();
    let mut at = 0;
    loop {
        let next = ["table", "effects", "verdicts", "figure"].into_iter().filter_map(|kind| {
            let opening = format!("<!-- {kind}\n");
            Some((page[at..].find(&opening)? + at, kind, opening.len()))
        });
        let Some((start, kind, length)) = next.min() else { return Ok(list) };
        let line = page[..start].matches('\n').count() + 1;
        let inside = start + length;
        let close =
            page[inside..].find("-->\n").ok_or_else(|| format!("line {line}: the settings have no end, -->"))?;
        let first = inside + close + "-->\n".len();
        let end = page[first..].find(END).ok_or_else(|| format!("line {line}: the {kind} has no end, {END}"))?;
        list.push(Block { kind, settings: &page[inside..inside + close], made: first..first + end });
        at = first + end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_with_what_was_made() {
        let page =
            "# A\n<!-- table\na = 1\n-->\nold\n<!-- end -->\ntext <!-- a comment -->\n<!-- figure\n-->\n<!-- end -->\n";
        let found = blocks(page).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].kind, found[0].settings, &page[found[0].made.clone()]), ("table", "a = 1\n", "old\n"));
        assert_eq!((found[1].kind, &page[found[1].made.clone()]), ("figure", ""));
        assert_eq!(blocks("x\n<!-- table\n-->\n").unwrap_err(), "line 2: the table has no end, <!-- end -->");
    }
}
