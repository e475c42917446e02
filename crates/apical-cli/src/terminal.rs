//! What goes where: results to stdout, everything else to stderr; how much of it, and whether in colour.

use crate::args::{Output, When};
use crate::failure::Failure;
use crate::table::clean;
use apical_lab::Error;
use apical_lab::config::{Diagnostic, report};
use serde_json::Value;
use std::io::{ErrorKind, IsTerminal, Write};
use std::path::Path;

/// The user's wishes about output.
#[derive(Clone, Copy, Debug)]
pub struct Terminal {
    /// Results as JSON.
    pub json: bool,
    /// Results, warnings and errors only.
    pub quiet: bool,
    /// Stderr is a terminal that can move its cursor.
    pub interactive: bool,
    color: bool,
}

impl Terminal {
    /// From the flags and the environment.
    pub fn new(output: &Output) -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let interactive = std::io::stderr().is_terminal() && !dumb;
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let color = colored(output.color, interactive, no_color);
        Terminal { json: output.json, quiet: output.quiet, interactive, color }
    }

    /// Writes a result to stdout. A reader that has gone away has read enough.
    pub fn print(&self, text: &str) -> Result<(), Error> {
        to_stdout(text.as_bytes())
    }

    /// Writes a result to stdout as one line of JSON.
    pub fn print_json(&self, value: &Value) -> Result<(), Error> {
        self.print(&format!("{value}\n"))
    }

    /// The result as JSON or for people, whichever the user wants.
    pub fn result(&self, json: impl FnOnce() -> Value, text: impl FnOnce() -> String) -> Result<(), Error> {
        if self.json { self.print_json(&json()) } else { self.print(&text()) }
    }

    /// Writes a path to stdout as it is, whatever its encoding.
    pub fn print_path(&self, path: &Path) -> Result<(), Error> {
        let mut line = path.as_os_str().as_encoded_bytes().to_vec();
        line.push(b'\n');
        to_stdout(&line)
    }

    /// Says something on the way, unless the user wants quiet.
    pub fn say(&self, line: &str) {
        if !self.quiet {
            to_stderr(&format!("{}\n", clean_lines(line)));
        }
    }

    /// Warns.
    pub fn warn(&self, line: &str) {
        to_stderr(&format!("{} {}\n", self.painted("warning:", "33"), clean_lines(line)));
    }

    /// Shows the warnings about a config.
    pub fn warnings(&self, list: &[Diagnostic]) {
        if !list.is_empty() {
            to_stderr(&report(list, self.color));
        }
    }

    /// Shows an error.
    pub fn error(&self, line: &str) {
        to_stderr(&format!("{} {}\n", self.painted("error:", "31"), clean_lines(line)));
    }

    /// Shows why a command failed.
    pub fn failure(&self, failure: &Failure) {
        match failure {
            Failure::Error(error) => self.error(&error.to_string()),
            Failure::Config(list) => to_stderr(&report(list, self.color)),
        }
    }

    fn painted(&self, word: &str, color: &str) -> String {
        if self.color { format!("\x1b[1;{color}m{word}\x1b[0m") } else { word.to_owned() }
    }
}

/// The flag has the last word, then NO_COLOR.
fn colored(when: When, interactive: bool, no_color: bool) -> bool {
    match when {
        When::Always => true,
        When::Never => false,
        When::Auto => interactive && !no_color,
    }
}

/// Messages have lines, and may hold names of files.
fn clean_lines(text: &str) -> String {
    text.split('\n').map(clean).collect::<Vec<_>>().join("\n")
}

fn to_stdout(bytes: &[u8]) -> Result<(), Error> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(source) if source.kind() != ErrorKind::BrokenPipe => Err(Error::machine("stdout", source)),
        _ => Ok(()),
    }
}

/// Nobody is there to hear that stderr is closed.
pub fn to_stderr(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_follows_flag_variable_and_terminal() {
        assert!(colored(When::Auto, true, false));
        assert!(!colored(When::Auto, true, true));
        assert!(!colored(When::Auto, false, false));
        assert!(colored(When::Always, false, true));
        assert!(!colored(When::Never, true, false));
    }
}
