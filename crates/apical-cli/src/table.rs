//! Columns of text.

/// Rows as aligned columns, two spaces apart. Control characters, which a hostile file name may hold, become `?`.
pub fn columns(rows: &[Vec<String>]) -> String {
    let clean = |cell: &String| -> String { cell.chars().map(|c| if c.is_control() { '?' } else { c }).collect() };
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(clean).collect()).collect();
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |i: usize| rows.iter().filter_map(|row| row.get(i)).map(|cell| cell.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..count).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        let line: Vec<String> = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}")).collect();
        text.push_str(line.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// A word that a POSIX shell takes as it is.
pub fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,:=@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_clean() {
        let rows = [vec!["a".into(), "1".into()], vec!["long\u{1b}[31m".into(), "2".into()], vec!["b".into()]];
        assert_eq!(columns(&rows), "a          1\nlong?[31m  2\nb\n");
    }

    #[test]
    fn words_for_the_shell_are_quoted_where_they_must_be() {
        assert_eq!(shell_word("runs/digits-0123"), "runs/digits-0123");
        assert_eq!(shell_word("my runs/a'b"), r"'my runs/a'\''b'");
    }
}
