//! A page as Markdown.

use super::MARKERS;
use super::escape::{fenced, markdown as plain};
use super::model::{Block, Cell, Chart, Page, Table};
use std::fmt::Write;

/// The whole document.
pub fn write(page: &Page) -> String {
    let mut out = format!("{}\n\n# {}\n\n", MARKERS[1], plain(&page.title));
    [&page.about, &page.headline]
        .into_iter()
        .filter(|t| !t.is_empty())
        .for_each(|t| out.extend([&plain(t)[..], "\n\n"]));
    if page.verdicts.len() > 1 {
        list(&mut out, &page.lines()[1..]);
    }
    for section in &page.sections {
        // Writing to a String cannot fail.
        let _ = write!(out, "## {}\n\n", section.title);
        section.blocks.iter().for_each(|b| block(&mut out, b));
    }
    out.truncate(out.trim_end().len());
    out + "\n"
}

fn block(out: &mut String, block: &Block) {
    let _ = match block {
        Block::Text(text) => write!(out, "{}\n\n", plain(text)),
        Block::List(lines) => return list(out, lines),
        Block::Code { label, language, text, .. } => write!(out, "{}:\n\n{}\n", plain(label), fenced(text, language)),
        Block::Table(table) => return rows(out, table),
        Block::Chart(chart) => return rows(out, &values(chart)),
        Block::Picture(p) => {
            write!(out, "- figure `{0}`: {1}; `apical plot --figure {0}` draws it\n\n", p.name, plain(&p.about))
        }
    };
}

fn list(out: &mut String, lines: &[String]) {
    lines.iter().for_each(|line| out.extend(["- ", &plain(line), "\n"]));
    out.push('\n');
}

fn rows(out: &mut String, table: &Table) {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let _ = write!(out, "{}:\n\n", plain(&table.caption));
    out.push_str(&line(table.head.iter().map(|name| plain(name)).collect()));
    out.push_str(&line(table.head.iter().map(|_| "---".into()).collect()));
    for row in &table.rows {
        out.push_str(&line(row.iter().map(|cell| plain(&cell.text)).collect()));
    }
    out.push('\n');
}

/// What a chart comes to, for where there is no drawing.
pub(super) fn values(chart: &Chart) -> Table {
    let y = chart.panel.y.text();
    let head = ["curve".to_owned(), format!("first {y}"), "lowest".into(), "last".into()].to_vec();
    let row = |line: &crate::Line| {
        let finite = || line.y.iter().copied().filter(|v| v.is_finite());
        let lowest = finite().fold(f64::INFINITY, f64::min);
        let name = if line.name.is_empty() { &chart.title } else { &line.name };
        let number = Cell::number;
        vec![
            Cell::text(name),
            number(finite().next()),
            number(Some(lowest).filter(|v| v.is_finite())),
            number(finite().next_back()),
        ]
    };
    Table { caption: chart.title.clone(), head, rows: chart.panel.lines.iter().map(row).collect() }
}
