//! Columns of text, and text that is safe to show.

/// `text` without anything that a terminal obeys, which a hostile file or its name may hold: control characters, and marks
/// that turn the direction of writing or take no room, become `?`.
pub fn clean(text: &str) -> String {
    let unseen = |c: char| {
        matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
            || matches!(c, '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
    };
    text.chars().map(|c| if c.is_control() || unseen(c) { '?' } else { c }).collect()
}

/// Rows as aligned columns, two spaces apart, each cell clean.
pub fn columns(rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|cell| clean(cell)).collect()).collect();
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
    fn nothing_that_a_terminal_obeys_is_left() {
        let hostile = "a\u{1b}[31m\u{9b}2J\r\n\u{7}\u{202e}b\u{200d}c";
        assert_eq!(clean(hostile), "a?[31m?2J????b?c");
        assert_eq!(clean("Nøkland 語"), "Nøkland 語");
    }

    #[test]
    fn words_for_the_shell_are_quoted_where_they_must_be() {
        assert_eq!(shell_word("runs/digits-0123"), "runs/digits-0123");
        assert_eq!(shell_word("my runs/a'b"), r"'my runs/a'\''b'");
    }
}
