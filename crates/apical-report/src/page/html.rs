//! A page as HTML: one file, with its style, its script, its font and its data inside. Without the script the charts are drawings
//! and the tables stay in their order; nothing is missing.

use super::MARKERS;
use super::escape::{html as escape, script};
use super::markdown::values;
use super::model::{Block, Cell, Chart, Page, Picture, Section, Table, Tone};
use crate::figure::Figure;
use crate::render::font;
use crate::theme;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::fmt::Write;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
/// The page may load nothing, from wherever.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; font-src data:; base-uri 'none'; form-action 'none'";

/// Texts up to so many letters stay in one line of a table.
const SHORT: usize = 34;

/// Writing to a String cannot fail.
macro_rules! put {
    ($out:expr, $($arg:tt)*) => { let _ = writeln!($out, $($arg)*); };
}

/// The whole document.
pub fn write(page: &Page) -> String {
    let title = escape(&page.title);
    let font = STANDARD.encode(font::BYTES);
    let mut out = String::from("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    put!(out, "{}", MARKERS[0]);
    put!(out, r#"<meta http-equiv="Content-Security-Policy" content="{POLICY}">"#);
    put!(out, r#"<meta name="viewport" content="width=device-width, initial-scale=1">"#);
    put!(out, r#"<meta name="color-scheme" content="light dark">"#);
    put!(out, "<title>{title}</title>");
    let family = font::FAMILY;
    put!(
        out,
        r#"<style>@font-face {{ font-family: {family}; src: url("data:font/ttf;base64,{font}") format("truetype"); }}"#
    );
    put!(out, "{STYLE}</style>\n</head>\n<body>");
    put!(out, r##"<a class="skip" href="#main">Skip to the verdict</a>"##);
    put!(out, r#"<header><div><h1>{title}</h1><p class="about">{}</p></div>"#, escape(&page.about));
    put!(out, r#"<button type="button" id="theme" hidden>Dark</button></header>"#);
    put!(out, r#"<nav aria-label="Sections">"#);
    for section in &page.sections {
        put!(out, r##"<a href="#{}">{}</a>"##, section.id, escape(section.title));
    }
    put!(out, r#"</nav><main id="main">"#);
    verdicts(&mut out, page);
    let mut charts = Vec::new();
    page.sections.iter().for_each(|s| section(&mut out, s, &mut charts));
    put!(out, "</main>");
    let data = script(&Value::Array(charts).to_string());
    put!(out, r#"<script type="application/json" id="charts">{data}</script>"#);
    put!(out, "<script>\n{SCRIPT}</script>\n</body>\n</html>");
    out
}

fn verdicts(out: &mut String, page: &Page) {
    if page.headline.is_empty() {
        return;
    }
    put!(out, r#"<section id="verdict" aria-label="Verdict"><p class="headline">{}</p>"#, escape(&page.headline));
    if page.verdicts.len() > 1 {
        put!(out, r#"<ul class="cards">"#);
        for verdict in &page.verdicts {
            put!(out, r#"<li><h3>{}</h3>"#, escape(&verdict.label));
            let measure =
                [&verdict.measure[..], &verdict.over].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>();
            put!(out, r#"<p class="score">{}</p>"#, escape(&verdict.score));
            put!(out, r#"<p class="measure">{}</p><ul class="facts">"#, escape(&measure.join(", ")));
            for (tone, fact) in &verdict.facts {
                put!(out, r#"<li{}>{}</li>"#, class(*tone), escape(fact));
            }
            put!(out, "</ul></li>");
        }
        put!(out, "</ul>");
    }
    put!(out, "</section>");
}

/// The class of a tone, as an attribute.
fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Plain => "",
        Tone::Good => r#" class="good""#,
        Tone::Bad => r#" class="bad""#,
        Tone::Open => r#" class="open""#,
    }
}

fn section(out: &mut String, section: &Section, charts: &mut Vec<Value>) {
    put!(out, r#"<section id="{0}" aria-labelledby="{0}-title">"#, section.id);
    put!(out, r#"<h2 id="{}-title">{}</h2>"#, section.id, escape(section.title));
    // Figures stand side by side where there is room.
    for part in section.blocks.chunk_by(|a, b| is_figure(a) == is_figure(b)) {
        let grid = is_figure(&part[0]);
        out.push_str(if grid { "<div class=\"grid\">\n" } else { "" });
        part.iter().for_each(|b| block(out, b, charts));
        out.push_str(if grid { "</div>\n" } else { "" });
    }
    put!(out, "</section>");
}

fn is_figure(block: &Block) -> bool {
    matches!(block, Block::Chart(_) | Block::Picture(_))
}

fn block(out: &mut String, block: &Block, charts: &mut Vec<Value>) {
    match block {
        Block::Text(text) => {
            put!(out, "<p>{}</p>", escape(text));
        }
        Block::List(lines) => list(out, lines),
        Block::Code { label, text, open, .. } => {
            let open = if *open { " open" } else { "" };
            put!(out, "<details{open}><summary>{}</summary>", escape(label));
            put!(out, r#"<pre tabindex="0"><code>{}</code></pre></details>"#, escape(text));
        }
        Block::Table(t) => table(out, t),
        Block::Chart(c) => chart(out, c, charts),
        Block::Picture(p) => picture(out, p),
    }
}

fn list(out: &mut String, lines: &[String]) {
    put!(out, "<ul>");
    for line in lines {
        put!(out, "<li>{}</li>", escape(line));
    }
    put!(out, "</ul>");
}

fn table(out: &mut String, table: &Table) {
    let caption = escape(&table.caption);
    put!(out, r#"<div class="wide" role="region" tabindex="0" aria-label="{caption}"><table class="sortable">"#);
    put!(out, "<caption>{caption}</caption>\n<thead><tr>");
    for (i, name) in table.head.iter().enumerate() {
        let is_number = table.rows.iter().any(|row| row.get(i).is_some_and(|cell| cell.number.is_some()));
        let number = if is_number { r#" class="number""# } else { "" };
        put!(out, r#"<th scope="col"{number}><button type="button">{}</button></th>"#, escape(name));
    }
    put!(out, "</tr></thead>\n<tbody>");
    for row in &table.rows {
        out.push_str("<tr>");
        for (i, cell) in row.iter().enumerate() {
            self::cell(out, cell, i == 0);
        }
        put!(out, "</tr>");
    }
    put!(out, "</tbody></table></div>");
}

fn cell(out: &mut String, cell: &Cell, is_first: bool) {
    let text = escape(&cell.text);
    let text = if cell.tone == Tone::Plain { text } else { format!("<span{}>{text}</span>", class(cell.tone)) };
    let number = match cell.number {
        Some(number) => format!(r#" class="number" data-number="{number}""#),
        None if cell.text.chars().count() <= SHORT => r#" class="short""#.to_owned(),
        None => String::new(),
    };
    let _ = match is_first {
        true => write!(out, r#"<th scope="row"{number}>{text}</th>"#),
        false => write!(out, "<td{number}>{text}</td>"),
    };
}

fn picture(out: &mut String, picture: &Picture) {
    let about = escape(&picture.about);
    put!(out, r#"<figure><div class="paper" role="img" aria-label="{about}">"#);
    put!(out, "{}</div><figcaption><b>{}</b>: {about}</figcaption></figure>", picture.svg, escape(&picture.name));
}

fn chart(out: &mut String, chart: &Chart, charts: &mut Vec<Value>) {
    let title = escape(&chart.title);
    let index = charts.len();
    charts.push(data(chart));
    let drawn = Figure { width_mm: theme::ONE_AND_A_HALF_COLUMNS, ..Figure::one(chart.panel.clone()) };
    let svg = drawn.scene().svg_element(&format!("chart{index}-"));
    let values = values(chart);
    put!(out, r#"<figure class="chart" data-chart="{index}"><figcaption>{title}</figcaption>"#);
    put!(out, r#"<div class="paper" role="img" aria-label="{}">{svg}</div>"#, escape(&alternative(&values)));
    put!(out, "<details class=\"values\"><summary>Values</summary>");
    table(out, &values);
    put!(out, "</details></figure>");
}

/// What a chart shows in words, of its first curves.
fn alternative(values: &Table) -> String {
    let curve = |row: &Vec<Cell>| {
        let [name, first, lowest, last] = std::array::from_fn(|i| row.get(i).map_or("", |cell| cell.text.as_str()));
        format!("{name}: from {first} to {last}, lowest {lowest}")
    };
    let told: Vec<String> = values.rows.iter().take(4).map(curve).collect();
    let more = if values.rows.len() > 4 { "; the others in the table below" } else { "" };
    format!("{}. {}{more}", values.caption, told.join("; "))
}

/// The curves for the script. Positions that several curves share are written once.
fn data(chart: &Chart) -> Value {
    let panel = &chart.panel;
    let mut positions: Vec<&[f64]> = Vec::new();
    let mut place = |x| {
        positions.iter().position(|known| *known == x).unwrap_or_else(|| {
            positions.push(x);
            positions.len() - 1
        })
    };
    let lines: Vec<Value> = panel
        .lines
        .iter()
        .map(|l| json!({"name": l.name, "colour": l.colour, "dash": l.dash.lengths(), "x": place(&l.x[..]), "y": numbers(&l.y)}))
        .collect();
    let bands: Vec<Value> = panel
        .bands
        .iter()
        .map(|b| json!({"name": b.name, "colour": b.colour, "x": place(&b.x[..]), "low": numbers(&b.low), "high": numbers(&b.high)}))
        .collect();
    let positions: Vec<Value> = positions.into_iter().map(numbers).collect();
    let keys: Vec<Value> = match &chart.keys {
        Some(keys) => {
            keys.iter().map(|k| json!({"name": k.name, "colour": k.colour, "dash": k.dash.lengths()})).collect()
        }
        None => lines.iter().map(|l| json!({"name": l["name"], "colour": l["colour"], "dash": l["dash"]})).collect(),
    };
    let (x, y) = (panel.x.text(), panel.y.text());
    let is_log = panel.y.scale == crate::Scale::Log;
    json!({"title": chart.title, "x": x, "y": y, "log": is_log, "range": panel.y.range, "keys": keys, "positions": positions, "lines": lines, "bands": bands})
}

/// Five digits, more are not seen; counts as they are; null where there is no number.
fn numbers(list: &[f64]) -> Value {
    let rounded = |v: f64| if v.fract() == 0.0 && v.abs() < 1e15 { json!(v as i64) } else { json!(five(v)) };
    list.iter().map(|v| rounded(*v)).collect()
}

fn five(value: f64) -> f64 {
    format!("{value:.4e}").parse().unwrap_or(f64::NAN)
}
