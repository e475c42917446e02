//! Texts that fit: whole words and numbers or nothing.

use apical_lab::run::significant;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use std::time::Duration;

/// Columns of a text.
pub fn width(text: &str) -> usize {
    Span::raw(text).width()
}

/// `text` with spaces up to so many columns.
pub fn pad(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

/// As many parts as fit whole, from the first on, two spaces apart.
pub fn fit(parts: impl IntoIterator<Item = (String, Style)>, columns: usize) -> Line<'static> {
    let mut line = Line::default();
    let mut used = 0;
    for (text, style) in parts.into_iter().filter(|(text, _)| !text.is_empty()) {
        let gap = if used == 0 { 0 } else { 2 };
        let wide = width(&text);
        if used + gap + wide > columns {
            break;
        }
        if gap > 0 {
            line.push_span("  ");
        }
        line.push_span(Span::styled(text, style));
        used += gap + wide;
    }
    line
}

/// A name in at most so many columns, its middle left out.
pub fn shorten(name: &str, columns: usize) -> String {
    if width(name) <= columns {
        return name.to_owned();
    }
    let tail = columns / 4;
    let end: Vec<char> = name.chars().rev().collect();
    let take = |chars: &mut dyn Iterator<Item = char>, room: usize| -> String {
        let mut used = 0;
        let fits = |c: &char| {
            used += width(c.encode_utf8(&mut [0; 4]));
            used <= room
        };
        chars.take_while(fits).collect()
    };
    let end: String = take(&mut end.into_iter(), tail).chars().rev().collect();
    let start = take(&mut name.chars(), columns.saturating_sub(tail + 1));
    format!("{start}…{end}")
}

/// Text in lines of whole words, at most `most` of them; a word longer than a line is shortened.
pub fn wrap(text: &str, columns: usize, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let word = shorten(word, columns);
        match lines.last_mut() {
            Some(line) if width(line) + 1 + width(&word) <= columns => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            while width(last) + 2 > columns {
                match last.rfind(' ') {
                    Some(at) => last.truncate(at),
                    None => break,
                }
            }
            last.push_str(if width(last) + 2 > columns { "" } else { " …" });
        }
    }
    lines
}

/// A time in its two largest units.
pub fn time(time: Duration) -> String {
    let s = time.as_secs();
    match s {
        0..60 => format!("{s} s"),
        60..3600 => format!("{} min {} s", s / 60, s % 60),
        3600..86_400 => format!("{} h {} min", s / 3600, s % 3600 / 60),
        _ => format!("{} d {} h", s / 86_400, s % 86_400 / 3600),
    }
}

/// A value in four digits.
pub fn number(x: f64) -> String {
    if x.is_nan() { "not finite".to_owned() } else { significant(x) }
}

/// Values as a row of bars, at most `columns` of them: means of what falls into each, from the smallest to the largest.
/// What is not finite is a gap. Positive values that span more than a decade are drawn by their logarithms.
pub fn sparkline(points: &[(u64, f64)], columns: usize) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let columns = columns.min(points.len());
    let part = |i: usize| &points[i * points.len() / columns..(i + 1) * points.len() / columns];
    let mean = |part: &[(u64, f64)]| {
        let finite: Vec<f64> = part.iter().map(|point| point.1).filter(|x| x.is_finite()).collect();
        (!finite.is_empty()).then(|| finite.iter().map(|x| x / finite.len() as f64).sum::<f64>())
    };
    let mut means: Vec<Option<f64>> = (0..columns).map(|i| mean(part(i))).collect();
    let range = |means: &[Option<f64>]| {
        let finite = || means.iter().flatten().copied();
        (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max))
    };
    let (low, high) = range(&means);
    if low > 0.0 && high / low > 10.0 {
        means.iter_mut().flatten().for_each(|mean| *mean = mean.ln());
    }
    let (low, high) = range(&means);
    let bar = |mean: &Option<f64>| match mean {
        None => ' ',
        // Halves, since the difference of the largest numbers is infinite.
        Some(x) if high > low => BARS[((x / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0) * 7.0).round() as usize],
        Some(_) => BARS[0],
    };
    means.iter().map(bar).collect()
}

/// A bar of `columns` of which a share is filled, in eighths.
pub fn bar(share: f64, columns: usize) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (share.clamp(0.0, 1.0) * columns as f64 * 8.0).round() as usize;
    let text = "█".repeat(eighths / 8) + EIGHTHS[eighths % 8];
    let rest = columns - width(&text).min(columns);
    text + &"░".repeat(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_shortened_between_words_and_numbers() {
        let plain = |text: &str| (text.to_owned(), Style::new());
        let line = fit([plain("epoch 12"), plain(""), plain("345 of 678"), plain("9 s")], 20);
        assert_eq!(line.to_string(), "epoch 12  345 of 678");
        assert_eq!(fit([plain("epoch 12"), plain("345 of 678")], 19).to_string(), "epoch 12");
        assert_eq!(wrap("one two three", 7, 9), ["one two", "three"]);
        assert_eq!(wrap("one two three four", 9, 1), ["one two …"]);
        assert_eq!(wrap("", 9, 1), Vec::<String>::new());
        assert_eq!(shorten("s18-mnist-0123456789abcdef", 14), "s18-mnist-…def");
        assert_eq!(shorten("語語語語語語", 6), "語語…");
        assert!(wrap("0123456789abcdef", 8, 2).iter().all(|line| width(line) <= 8));
    }

    #[test]
    fn sparklines_rise_and_fall_with_their_values() {
        let points = |values: &[f64]| -> Vec<(u64, f64)> { values.iter().map(|&x| (0, x)).collect() };
        assert_eq!(sparkline(&points(&[0.0, 1.0, 2.0, 7.0]), 9), "▁▂▃█");
        assert_eq!(sparkline(&points(&[0.0, 2.0, 4.0, 4.0]), 2), "▁█");
        assert_eq!(sparkline(&points(&[3.0, f64::NAN, 3.0]), 9), "▁ ▁");
        assert_eq!(sparkline(&points(&[f64::MAX, -f64::MAX]), 9), "█▁");
        assert_eq!(sparkline(&[], 9), "");
        assert_eq!(sparkline(&points(&[1e4, 1e2, 1.0]), 9), "█▅▁", "two decades each");
    }

    #[test]
    fn bars_have_their_width() {
        assert_eq!((bar(0.5, 4), bar(0.0, 2), bar(1.0, 2)), ("██░░".into(), "░░".into(), "██".into()));
        assert_eq!(bar(0.3, 4), "█▎░░");
        assert!((0..=100).all(|i| width(&bar(f64::from(i) / 100.0, 7)) == 7));
        assert_eq!(width(&bar(f64::NAN, 7)), 7);
    }

    #[test]
    fn times_have_two_units() {
        let told = [0, 59, 61, 3599, 3600, 90_000].map(|s| time(Duration::from_secs(s)));
        assert_eq!(told, ["0 s", "59 s", "1 min 1 s", "59 min 59 s", "1 h 0 min", "1 d 1 h"]);
    }
}
