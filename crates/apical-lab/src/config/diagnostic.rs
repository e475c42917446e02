//! Diagnostics: what is wrong in a config, where, what is allowed. Rendered with the line at fault, with or without colour.

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet, renderer::DecorStyle};
use std::fmt::Write as _;
use std::ops::Range;
use std::sync::Arc;

/// At most so many diagnostics are printed.
const SHOWN: usize = 20;
/// Longer lines are cut around the span.
const LINE: usize = 200;

/// A piece of text that diagnostics point into.
#[derive(Debug, PartialEq, Eq)]
pub struct Text {
    /// File name, "preset NAME" or the flag.
    pub label: String,
    /// Its content.
    pub text: String,
}

/// Bytes `start..end` of one of the texts of a config: 0 is the file, each override has its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Index of the text.
    pub text: usize,
    /// First byte.
    pub start: usize,
    /// Byte after the last.
    pub end: usize,
}

impl Span {
    /// The file as a whole.
    pub const FILE: Span = Span { text: 0, start: 0, end: 0 };
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Nothing can be run.
    Error,
    /// It runs, but probably not to the user's joy.
    Warning,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What was found.
    pub title: String,
    /// What is allowed there.
    pub allowed: String,
    /// What else helps; may be empty.
    pub help: String,
    /// The text that is pointed into.
    pub text: Arc<Text>,
    /// Bytes of it; an empty range at 0 means the file as a whole.
    pub range: Range<usize>,
}

impl Diagnostic {
    /// Number of the line at fault, from 1.
    pub fn line(&self) -> usize {
        1 + self.text.text.as_bytes()[..self.range.start.min(self.text.text.len())]
            .iter()
            .filter(|&&b| b == b'\n')
            .count()
    }

    /// The diagnostic with its line of the file; `color` adds terminal colours.
    pub fn render(&self, color: bool) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let (line, range) = self.excerpt();
        let title = Group::with_title(level.primary_title(self.title.as_str()));
        let mut group = if self.range.is_empty() && self.range.start == 0 {
            title.element(Origin::path(self.text.label.as_str()))
        } else {
            let annotation = AnnotationKind::Primary.span(range);
            let annotation = if self.allowed.is_empty() { annotation } else { annotation.label(self.allowed.as_str()) };
            title.element(
                Snippet::source(line).line_start(self.line()).path(self.text.label.as_str()).annotation(annotation),
            )
        };
        if self.range.is_empty() && self.range.start == 0 && !self.allowed.is_empty() {
            group = group.element(Level::NOTE.message(self.allowed.as_str()));
        }
        if !self.help.is_empty() {
            group = group.element(Level::HELP.message(self.help.as_str()));
        }
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        renderer.decor_style(DecorStyle::Ascii).term_width(LINE).render(&[group])
    }

    /// The line at fault, cut to `LINE` bytes around the span, and the span in it.
    fn excerpt(&self) -> (String, Range<usize>) {
        let text = &self.text.text;
        let start = floor(text, self.range.start.min(text.len()));
        let end = floor(text, self.range.end.min(text.len())).max(start);
        let from = text[..start].rfind('\n').map_or(0, |i| i + 1).max(floor(text, start.saturating_sub(LINE / 2)));
        let to = text[start..].find('\n').map_or(text.len(), |i| start + i).min(floor(text, start + LINE / 2));
        let clean = |s: &str| -> String {
            s.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect()
        };
        let before = clean(&text[from..start]);
        let marked = clean(&text[start..end.min(to).max(start)]);
        let after = clean(&text[end.min(to).max(start)..to.max(start)]);
        let range = before.len()..before.len() + marked.len();
        (before + &marked + &after, range)
    }
}

/// The nearest character boundary at or below `i`.
fn floor(text: &str, i: usize) -> usize {
    text.floor_char_boundary(i)
}

/// All diagnostics as one text with a closing count; the first 20 in full.
pub fn report(diagnostics: &[Diagnostic], color: bool) -> String {
    let mut out = String::new();
    for d in diagnostics.iter().take(SHOWN) {
        out.push_str(&d.render(color));
        out.push_str("\n\n");
    }
    if diagnostics.len() > SHOWN {
        let _ = writeln!(out, "... and {} more", diagnostics.len() - SHOWN);
    }
    let count = |s| diagnostics.iter().filter(|d| d.severity == s).count();
    let mut parts = Vec::new();
    for (n, word) in [(count(Severity::Error), "error"), (count(Severity::Warning), "warning")] {
        if n > 0 {
            parts.push(format!("{n} {word}{}", if n == 1 { "" } else { "s" }));
        }
    }
    out.push_str(&parts.join(", "));
    out.push('\n');
    out
}

/// Collects findings while a config is read and checked.
#[derive(Debug)]
pub struct Findings {
    texts: Vec<Arc<Text>>,
    list: Vec<Diagnostic>,
}

impl Findings {
    /// None yet, about this file.
    pub fn new(label: &str, text: String) -> Self {
        Findings { texts: vec![Arc::new(Text { label: label.to_owned(), text })], list: Vec::new() }
    }

    /// Adds a text that spans can point into; gives its index.
    pub fn add_text(&mut self, label: &str, text: &str) -> usize {
        self.texts.push(Arc::new(Text { label: label.to_owned(), text: text.to_owned() }));
        self.texts.len() - 1
    }

    /// None yet, about the same texts.
    pub fn fork(&self) -> Findings {
        Findings { texts: self.texts.clone(), list: Vec::new() }
    }

    /// Takes over findings, each once however often it was made.
    pub fn absorb(&mut self, list: impl IntoIterator<Item = Diagnostic>) {
        for d in list {
            if !self.list.contains(&d) {
                self.list.push(d);
            }
        }
    }

    /// The content of text `index`.
    pub fn text(&self, index: usize) -> Arc<Text> {
        self.texts[index].clone()
    }

    /// An error: what was found, what is allowed.
    pub fn error(&mut self, at: Span, found: impl Into<String>, allowed: impl Into<String>) -> &mut Diagnostic {
        self.push(Severity::Error, at, found.into(), allowed.into())
    }

    /// A warning: what was found, what would be better.
    pub fn warn(&mut self, at: Span, found: impl Into<String>, better: impl Into<String>) -> &mut Diagnostic {
        self.push(Severity::Warning, at, found.into(), better.into())
    }

    fn push(&mut self, severity: Severity, at: Span, title: String, allowed: String) -> &mut Diagnostic {
        let text = self.texts[at.text].clone();
        self.list.push(Diagnostic { severity, title, allowed, help: String::new(), text, range: at.start..at.end });
        let last = self.list.len() - 1;
        &mut self.list[last]
    }

    /// How many findings there are.
    pub fn count(&self) -> usize {
        self.list.len()
    }

    /// True if nothing forbids to run.
    pub fn is_ok(&self) -> bool {
        self.list.iter().all(|d| d.severity == Severity::Warning)
    }

    /// All findings: errors first, each kind in the order of the text.
    pub fn into_list(mut self) -> Vec<Diagnostic> {
        self.list.sort_by_key(|d| (d.severity == Severity::Warning, d.text.label.starts_with("--"), d.range.start));
        self.list
    }
}
