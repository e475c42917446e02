//! A publication as BibTeX, or as a line of text.

use super::{Reference, Venue};
use std::fmt::Write;

/// As BibTeX, in ASCII: what is beyond it is written in LaTeX's way, which every version reads.
pub fn bibtex(r: &Reference) -> String {
    let (entry, mut fields) = match r.venue {
        Venue::Journal(journal, volume, number) => {
            ("article", vec![("journal", journal), ("volume", volume), ("number", number)])
        }
        Venue::Conference(booktitle, volume) => ("inproceedings", vec![("booktitle", booktitle), ("volume", volume)]),
        Venue::Dataset(keeper) => ("misc", vec![("howpublished", keeper)]),
        Venue::Preprint => ("misc", Vec::new()),
        Venue::Software(..) => ("misc", Vec::new()),
    };
    let year = if r.year == 0 { String::new() } else { r.year.to_string() };
    let pages = r.pages.replace('-', "--");
    let note = if let Venue::Software(version, _) = r.venue { format!("Version {version}") } else { String::new() };
    let url = if let Venue::Software(_, url) = r.venue { url } else { "" };
    let preprint = if r.arxiv.is_empty() { "" } else { "arXiv" };
    let title = format!("{{{}}}", r.title);
    let authors: Vec<String> = r.authors.iter().map(bibtex_name).collect();
    let authors = authors.join(" and ");
    let mut all = vec![("author", authors.as_str()), ("title", title.as_str())];
    all.append(&mut fields);
    all.extend([("pages", pages.as_str()), ("year", year.as_str()), ("note", note.as_str())]);
    let verbatim = [("doi", r.doi), ("eprint", r.arxiv), ("archiveprefix", preprint), ("url", url)];
    let mut out = format!("@{entry}{{{},\n", r.key);
    // Into a text nothing fails to be written.
    for (name, value) in all.into_iter().filter(|(_, value)| !value.is_empty()) {
        let _ = writeln!(out, "  {name} = {{{}}},", latex(value));
    }
    for (name, value) in verbatim.into_iter().filter(|(_, value)| !value.is_empty()) {
        let _ = writeln!(out, "  {name} = {{{value}}},");
    }
    out + "}\n"
}

fn bibtex_name((given, family): &(&str, &str)) -> String {
    match (given.is_empty(), family.contains(' ')) {
        // Braces keep what is one name in one piece.
        (true, _) => format!("{{{family}}}"),
        (false, true) => format!("{{{family}}}, {given}"),
        (false, false) => format!("{family}, {given}"),
    }
}

/// Letters beyond ASCII, and those that mean something to LaTeX, in LaTeX's way.
fn latex(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            'ã' => out.push_str("{\\~a}"),
            'ç' => out.push_str("{\\c c}"),
            'é' => out.push_str("{\\'e}"),
            'ø' => out.push_str("{\\o}"),
            'ö' => out.push_str("{\\\"o}"),
            '&' | '%' | '_' | '#' => out.extend(['\\', c]),
            _ => out.push(c),
        }
    }
    out
}

/// As a line of text.
pub fn text(r: &Reference) -> String {
    let initials = |given: &str| -> String {
        let mut out = String::new();
        for name in given.split(' ').filter(|name| !name.is_empty()) {
            let parts: Vec<String> =
                name.split('-').filter_map(|p| p.chars().next()).map(|c| format!("{c}.")).collect();
            out = out + " " + &parts.join("-");
        }
        out
    };
    let name = |(given, family): &(&str, &str)| {
        if given.is_empty() { (*family).to_owned() } else { format!("{family},{}", initials(given)) }
    };
    let names: Vec<String> = r.authors.iter().map(name).collect();
    let authors = match names.as_slice() {
        [rest @ .., last] if !rest.is_empty() => format!("{} & {last}", rest.join(", ")),
        list => list.join(", "),
    };
    let mut out = if r.year == 0 { format!("{authors}. ") } else { format!("{authors} ({}). ", r.year) };
    out.push_str(r.title);
    out.push_str(if r.title.ends_with('?') { " " } else { ". " });
    let volume = |volume: &str, number: &str| match (volume, number) {
        ("", _) => String::new(),
        (volume, "") => format!(" {volume}"),
        (volume, number) => format!(" {volume}({number})"),
    };
    out += &match r.venue {
        Venue::Journal(journal, v, number) => format!("{journal}{}", volume(v, number)),
        Venue::Conference(booktitle, v) => format!("{booktitle}{}", volume(v, "")),
        Venue::Dataset(keeper) => keeper.to_owned(),
        Venue::Preprint => "Preprint".to_owned(),
        Venue::Software(version, url) => format!("Version {version}. {url}"),
    };
    if !r.pages.is_empty() {
        out = out + ", " + r.pages;
    }
    for (what, id) in [("doi", r.doi), ("arXiv", r.arxiv)] {
        if !id.is_empty() {
            out = format!("{out}. {what}:{id}");
        }
    }
    out
}
