//! Text from run folders on its way into a page: nothing that a folder holds is markup.

/// Text as HTML content or the value of a quoted attribute. Control characters, and those that turn the direction of writing
/// around, become the replacement character; tabs and ends of lines stay.
pub fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(safe(c)),
        }
    }
    out
}

/// Text within a line of Markdown or a cell of its tables.
pub fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' | '\n' | '\r' => out.push(' '),
            '<' => out.push_str("&lt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '|' | '`' | '*' | '_' | '[' | ']' | '#' | '~' | '!' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(safe(c)),
        }
    }
    out
}

/// A block of code in Markdown, within a fence that the text cannot close.
pub fn fenced(text: &str, language: &str) -> String {
    let mut longest = 0;
    let mut row = 0;
    for c in text.chars() {
        row = if c == '`' { row + 1 } else { 0 };
        longest = longest.max(row);
    }
    let fence = "`".repeat((longest + 1).max(3));
    let text: String = text.chars().map(safe).collect();
    format!("{fence}{language}\n{}\n{fence}\n", text.trim_end())
}

/// JSON for a script element: without `<` nothing in it can end the element.
pub fn script(json: &str) -> String {
    json.replace('<', "\\u003c")
}

fn safe(c: char) -> char {
    match c {
        '\t' | '\n' => c,
        '\r' => ' ',
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
        c if c.is_control() => '\u{fffd}',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_gets_out_of_its_place() {
        assert_eq!(html("<b a='1' c=\"2\">&"), "&lt;b a=&#39;1&#39; c=&quot;2&quot;&gt;&amp;");
        assert_eq!(html("a\u{1b}[31m\u{202e}b\n"), "a\u{fffd}[31m\u{fffd}b\n");
        assert_eq!(markdown("a|b\n<c> [d](e) `f`"), "a\\|b &lt;c> \\[d\\](e) \\`f\\`");
        assert_eq!(fenced("x ```` y", "toml"), "`````toml\nx ```` y\n`````\n");
        assert_eq!(script(r#"{"n":"</script>"}"#), r#"{"n":"\u003c/script>"}"#);
    }
}
