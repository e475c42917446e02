//! What a page of the book asks its reader to do: fenced blocks, and the commands in them and in the text.

/// A fenced block.
#[derive(Debug, PartialEq, Eq)]
pub struct Block {
    /// Line of the opening fence, from 1.
    pub line: usize,
    /// What stands behind the fence: a language and words of ours.
    pub info: String,
    pub text: String,
}

impl Block {
    pub fn language(&self) -> &str {
        self.info.split_whitespace().next().unwrap_or_default()
    }

    /// The value of `key=value` or `key="two words"` behind the language.
    pub fn attribute(&self, key: &str) -> Option<&str> {
        let (_, rest) = self.info.split_once(&format!(" {key}="))?;
        match rest.strip_prefix('"') {
            Some(quoted) => quoted.split('"').next(),
            None => rest.split_whitespace().next(),
        }
    }

    /// The commands of a block of shell, each with its line on the page; a `\` at a line's end joins it to the next.
    pub fn commands(&self) -> Vec<(usize, String)> {
        let mut list: Vec<(usize, String)> = Vec::new();
        let mut open = false;
        for (i, line) in self.text.lines().enumerate() {
            let (line, goes_on) = line.strip_suffix('\\').map_or((line, false), |line| (line, true));
            match list.last_mut() {
                Some((_, command)) if open => command.push_str(&format!(" {}", line.trim())),
                _ => list.push((self.line + 1 + i, line.trim().to_owned())),
            }
            open = goes_on;
        }
        list.retain(|(_, command)| !command.is_empty() && !command.starts_with('#'));
        list
    }
}

/// The fenced blocks of a page, and its text without them.
pub fn read(page: &str) -> (Vec<Block>, String) {
    let (mut blocks, mut text, mut open) = (Vec::<Block>::new(), String::new(), false);
    for (i, line) in page.lines().enumerate() {
        match (line.strip_prefix("```"), open) {
            (Some(info), false) => {
                blocks.push(Block { line: i + 1, info: info.to_owned(), text: String::new() });
                open = true;
            }
            (Some(_), true) => open = false,
            (None, true) => blocks.last_mut().unwrap().text.push_str(&format!("{line}\n")),
            (None, false) => text.push_str(&format!("{line}\n")),
        }
    }
    (blocks, text)
}

/// True for a line that begins with one of our commands.
pub fn is_ours(line: &str) -> bool {
    ["apical ", "cargo "].iter().any(|name| line.trim_start().starts_with(name))
}

/// Commands of `apical` that the text names in backticks, but for grammars and assignments to the key of that name.
pub fn inline_commands(text: &str) -> Vec<String> {
    let paragraphs = text.split("\n\n").map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" "));
    paragraphs
        .flat_map(|p| p.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>())
        .filter(|code| code.starts_with("apical ") || code.starts_with("cargo run --release -- "))
        .filter(|code| !code.contains(['[', '|']) && !code.contains(" = "))
        .map(|code| code.trim_end_matches("...").to_owned())
        .collect()
}

#[test]
fn a_page_is_taken_apart() {
    let page = "Say `apical list\nsolvers` or `apical plot RUN...`, `apical x [--y]`, `[x]`.\n\n```sh exit=2\n# first\napical run \\\n    b\n\nls\n```\n\
                ```sh not-run=\"takes an hour\"\napical run\n```\n";
    let (blocks, text) = read(page);
    assert_eq!(inline_commands(&text), ["apical list solvers", "apical plot RUN"]);
    assert_eq!(blocks[0].commands(), [(6, "apical run b".to_owned()), (9, "ls".to_owned())]);
    assert_eq!((blocks[0].language(), blocks[0].attribute("exit"), blocks[0].line), ("sh", Some("2"), 4));
    assert_eq!((blocks[1].attribute("not-run"), blocks[1].attribute("exit")), (Some("takes an hour"), None));
    assert!(is_ours("    apical run") && !is_ours("apical_squared is"));
}
