//! A scene as SVG 1.1: numbers with two digits (0.01 pt is below any printer), the font inside as base64.

use super::{Anchor, Scene, Script, Shape, Text, font, png};
use crate::{Dash, theme};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt::Write;

/// The whole document.
pub fn write(scene: &Scene) -> String {
    document(scene, true, "")
}

/// The document without the font, for a renderer that has it.
pub fn write_without_font(scene: &Scene) -> String {
    document(scene, false, "")
}

/// An element of a page that has the font; its ids begin with `id`, so that several do not get in each other's way.
pub fn write_element(scene: &Scene, id: &str) -> String {
    document(scene, false, id)
}

/// A line of the document; writing to a String cannot fail.
macro_rules! put {
    ($out:expr, $($arg:tt)*) => { let _ = writeln!($out, $($arg)*); };
}

fn document(scene: &Scene, with_font: bool, id: &str) -> String {
    let mut out = String::new();
    let (w, h) = (number(scene.width), number(scene.height));
    let mm = |points: f64| number(points / theme::POINTS_PER_MM);
    put!(
        out,
        r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="{}mm" height="{}mm" viewBox="0 0 {w} {h}" font-family="{}, 'Liberation Sans', Arial, Helvetica, sans-serif" fill="{}">"#,
        mm(scene.width),
        mm(scene.height),
        font::FAMILY,
        theme::INK
    );
    put!(out, "<title>{}</title>", escape(&scene.title));
    if with_font {
        let data = STANDARD.encode(font::BYTES);
        let family = font::FAMILY;
        put!(
            out,
            r#"<style>@font-face {{ font-family: {family}; src: url("data:font/ttf;base64,{data}") format("truetype"); }}</style>"#
        );
    }
    put!(out, r#"<rect width="{w}" height="{h}" fill="{}"/>"#, theme::PAPER);
    let mut clips = Clips { id, count: 0 };
    for s in &scene.shapes {
        shape(&mut out, s, &mut clips);
    }
    out.push_str("</svg>\n");
    out
}

/// Names of clipped stretches.
struct Clips<'a> {
    id: &'a str,
    count: usize,
}

fn shape(out: &mut String, s: &Shape, clips: &mut Clips) {
    match s {
        Shape::Path { points, colour, width, dash } => {
            if points.len() < 2 {
                return;
            }
            let (points, dash) = (list(points), dashes(*dash, *width));
            put!(
                out,
                r#"<polyline points="{points}" fill="none" stroke="{}" stroke-width="{}" stroke-linejoin="round"{dash}/>"#,
                escape(colour),
                number(*width)
            );
        }
        Shape::Polygon { points, fill, colour, width } => {
            let (points, outline) = (list(points), outline(colour, *width));
            put!(out, r#"<polygon points="{points}" fill="{}"{outline}/>"#, escape(fill));
        }
        Shape::Area { points, fill, opacity } => {
            let (points, opacity) = (list(points), number(*opacity));
            put!(out, r#"<polygon points="{points}" fill="{}" fill-opacity="{opacity}"/>"#, escape(fill));
        }
        Shape::Disc { at, radius, fill, colour, width } => {
            let (x, y, r, outline) = (number(at.0), number(at.1), number(*radius), outline(colour, *width));
            put!(out, r#"<circle cx="{x}" cy="{y}" r="{r}" fill="{}"{outline}/>"#, escape(fill));
        }
        Shape::Image { at, size, columns, cells } => {
            let rows = cells.len() / (*columns).max(1);
            let (x, y, w, h) = (number(at.0), number(at.1), number(size.0), number(size.1));
            let Some(data) = png::cells(*columns, rows, cells) else { return };
            let data = STANDARD.encode(data);
            put!(
                out,
                r#"<image x="{x}" y="{y}" width="{w}" height="{h}" preserveAspectRatio="none" image-rendering="optimizeSpeed" style="image-rendering:pixelated" xlink:href="data:image/png;base64,{data}"/>"#
            );
        }
        Shape::Text(t) => text(out, t),
        Shape::Clipped((left, top, right, bottom), inner) => {
            clips.count += 1;
            let id = format!("{}clip{}", clips.id, clips.count);
            let (x, y, w, h) = (number(*left), number(*top), number(right - left), number(bottom - top));
            put!(out, r#"<clipPath id="{id}"><rect x="{x}" y="{y}" width="{w}" height="{h}"/></clipPath>"#);
            put!(out, r#"<g clip-path="url(#{id})">"#);
            for s in inner {
                shape(out, s, clips);
            }
            out.push_str("</g>\n");
        }
    }
}

fn text(out: &mut String, t: &Text) {
    let (x, y) = (number(t.at.0), number(t.at.1));
    let turn = if t.upright { format!(r#" transform="rotate(-90 {x} {y})""#) } else { String::new() };
    let anchor = match t.anchor {
        Anchor::Start => "",
        Anchor::Middle => r#" text-anchor="middle""#,
        Anchor::End => r#" text-anchor="end""#,
    };
    let fill = if t.colour == theme::INK { String::new() } else { format!(r#" fill="{}""#, escape(t.colour)) };
    let mut inner = String::new();
    // A shift holds for all that follows, so each run moves by the difference.
    let mut level = 0.0;
    for run in &t.runs {
        let (wanted, scale) = match run.script {
            Script::Base => (0.0, 1.0),
            Script::Super => (-0.36, theme::SCRIPT_SCALE),
            Script::Sub => (0.2, theme::SCRIPT_SCALE),
        };
        if wanted == level && run.script == Script::Base {
            inner.push_str(&escape(&run.text));
        } else {
            let (dy, size) = (number((wanted - level) * t.size), number(scale * t.size));
            let _ = write!(inner, r#"<tspan dy="{dy}" font-size="{size}">{}</tspan>"#, escape(&run.text));
        }
        level = wanted;
    }
    put!(out, r#"<text x="{x}" y="{y}" font-size="{}"{fill}{anchor}{turn}>{inner}</text>"#, number(t.size));
}

fn outline(colour: &str, width: f64) -> String {
    if width > 0.0 {
        format!(r#" stroke="{}" stroke-width="{}""#, escape(colour), number(width))
    } else {
        String::new()
    }
}

fn dashes(dash: Dash, width: f64) -> String {
    let pattern = dash.lengths();
    if pattern.is_empty() {
        return String::new();
    }
    let lengths: Vec<String> = pattern.iter().map(|l| number(l * width)).collect();
    format!(r#" stroke-dasharray="{}""#, lengths.join(" "))
}

fn list(points: &[(f64, f64)]) -> String {
    let pairs: Vec<String> = points.iter().map(|(x, y)| format!("{},{}", number(*x), number(*y))).collect();
    pairs.join(" ")
}

/// At most two digits, no trailing zeros, no negative zero.
fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// Text as XML content or attribute; characters that XML forbids become the replacement character.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => out.push(' '),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
