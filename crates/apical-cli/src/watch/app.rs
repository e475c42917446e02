//! What the view shows, and what keys do to it.

use super::board::board;
use super::page::page;
use super::words::{fit, wrap};
use apical_lab::observe::Seen;
use ratatui::Frame;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Text};
use std::path::PathBuf;

/// What a key asks of the loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// To go on.
    Nothing,
    /// To end.
    Quit,
    /// To end as by a signal.
    Interrupt,
}

/// The view.
#[derive(Debug)]
pub struct App {
    /// What is watched, for an empty screen.
    root: String,
    single: bool,
    runs: Vec<Seen>,
    /// The chosen run, which stays chosen when the order changes.
    chosen: Option<PathBuf>,
    /// The chosen run has the screen.
    detail: bool,
    /// Lines that are scrolled away above.
    scroll: usize,
    /// Lines and rows that the last screen had.
    lines: usize,
    rows: usize,
    /// What went wrong in looking.
    trouble: Option<String>,
}

impl App {
    /// Nothing is seen yet.
    pub fn new(root: String, single: bool) -> Self {
        let (runs, chosen, trouble) = (Vec::new(), None, None);
        App { root, single, runs, chosen, detail: single, scroll: 0, lines: 0, rows: 0, trouble }
    }

    /// Takes what was seen, or why nothing could be.
    pub fn take(&mut self, seen: Result<Vec<Seen>, String>) {
        match seen {
            Ok(runs) => {
                self.runs = runs;
                self.trouble = None;
            }
            Err(trouble) => self.trouble = Some(trouble),
        }
        if self.chosen.is_none() || self.index().is_none() {
            self.chosen = self.runs.first().map(|seen| seen.path.clone());
            self.detail = self.single;
        }
    }

    fn index(&self) -> Option<usize> {
        self.runs.iter().position(|seen| Some(&seen.path) == self.chosen.as_ref())
    }

    /// Chooses the run so many places on.
    fn choose(&mut self, by: isize) {
        let last = self.runs.len().saturating_sub(1);
        let at = self.index().unwrap_or(0).saturating_add_signed(by).min(last);
        if self.runs.get(at).is_some_and(|seen| Some(&seen.path) != self.chosen.as_ref()) {
            self.chosen = self.runs.get(at).map(|seen| seen.path.clone());
            // A page begins at its top; a table scrolls along by itself.
            self.scroll = if self.detail { 0 } else { self.scroll };
        }
    }

    /// What a key does.
    pub fn key(&mut self, key: KeyEvent) -> Asked {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        let most = self.lines.saturating_sub(self.rows);
        let page = self.rows.saturating_sub(1).max(1);
        match key.code {
            KeyCode::Char('c') if control => return Asked::Interrupt,
            KeyCode::Char('q') => return Asked::Quit,
            KeyCode::Esc | KeyCode::Backspace if self.detail && !self.single => {
                (self.detail, self.scroll) = (false, 0);
            }
            KeyCode::Esc => return Asked::Quit,
            KeyCode::Enter if !self.detail && self.index().is_some() => (self.detail, self.scroll) = (true, 0),
            KeyCode::Left | KeyCode::Char('h') if self.detail => self.choose(-1),
            KeyCode::Right | KeyCode::Char('l') | KeyCode::Tab if self.detail => self.choose(1),
            KeyCode::Up | KeyCode::Char('k') if self.detail => self.scroll = self.scroll.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') if self.detail => self.scroll = (self.scroll + 1).min(most),
            KeyCode::PageUp if self.detail => self.scroll = self.scroll.saturating_sub(page),
            KeyCode::PageDown if self.detail => self.scroll = (self.scroll + page).min(most),
            KeyCode::Up | KeyCode::Char('k') => self.choose(-1),
            KeyCode::Down | KeyCode::Char('j') => self.choose(1),
            KeyCode::PageUp => self.choose(-page.cast_signed()),
            KeyCode::PageDown => self.choose(page.cast_signed()),
            KeyCode::Home => self.choose(isize::MIN),
            KeyCode::End => self.choose(isize::MAX),
            _ => {}
        }
        Asked::Nothing
    }

    /// Draws the view.
    pub fn draw(&mut self, frame: &mut Frame) {
        let area = frame.area();
        let (columns, rows) = (usize::from(area.width), usize::from(area.height));
        frame.render_widget(Text::from(self.screen(columns, rows)), area);
    }

    /// The lines of a screen, the last of them help.
    fn screen(&mut self, columns: usize, rows: usize) -> Vec<Line<'static>> {
        self.rows = rows.saturating_sub(1);
        let place = format!("{}/{}", self.index().map_or(0, |i| i + 1), self.runs.len());
        let place = if self.runs.len() > 1 { place } else { String::new() };
        let mut lines = match self.index().map(|i| (i, &self.runs[i])) {
            None => wrap(&format!("no runs in {} yet", self.root), columns, 3).into_iter().map(Line::from).collect(),
            Some((_, seen)) if self.detail => page(seen, &place, columns),
            Some((i, _)) => board(&self.runs, Some(i), columns),
        };
        if let Some(trouble) = &self.trouble {
            lines.splice(0..0, wrap(trouble, columns, 2).into_iter().map(Line::from));
        }
        self.lines = lines.len();
        let heading = usize::from(!self.detail);
        if let (false, Some(i)) = (self.detail, self.index()) {
            // The chosen run stays in sight below the heading.
            let room = self.rows.saturating_sub(heading).max(1);
            self.scroll = self.scroll.clamp((i + 1).saturating_sub(room), i);
        }
        self.scroll = self.scroll.min(self.lines.saturating_sub(self.rows));
        let body = lines.split_off(heading.min(lines.len()));
        lines.extend(body.into_iter().skip(self.scroll));
        lines.truncate(self.rows);
        lines.resize(self.rows, Line::default());
        lines.push(self.help(columns));
        lines
    }

    fn help(&self, columns: usize) -> Line<'static> {
        let scrolls = self.detail && self.lines > self.rows;
        let several = self.runs.len() > 1;
        let keys = [
            ("q quit", true),
            ("Esc table", self.detail && !self.single),
            ("Enter details", !self.detail && !self.runs.is_empty()),
            ("←→ other run", self.detail && several),
            ("↑↓ choose", !self.detail && several),
            ("↑↓ scroll", scrolls),
            ("PgUp PgDn page", scrolls || (!self.detail && self.lines > self.rows)),
        ];
        let dim = Style::new().add_modifier(Modifier::DIM);
        fit(keys.into_iter().filter(|(_, shown)| *shown).map(|(text, _)| (text.to_owned(), dim)), columns)
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
