//! Numbers and times in words.

/// Four significant digits; counts with all their digits.
pub fn number(value: f64) -> String {
    if !value.is_finite() {
        return "not finite".into();
    }
    if value.fract() == 0.0 && value.abs() < 1e15 {
        return format!("{value:.0}");
    }
    let exponent = value.abs().log10().floor();
    if !(-5.0..6.0).contains(&exponent) {
        return format!("{value:.3e}");
    }
    let digits = (3.0 - exponent).max(0.0) as usize;
    format!("{value:.digits$}")
}

/// Without zeros at the end that say nothing.
pub fn short(value: f64) -> String {
    let text = number(value);
    if text.contains('.') && !text.contains('e') {
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    text
}

/// `mean +- deviation`, the mean with as many digits as the deviation makes sense of; the mean alone of one value.
pub fn spread(values: &[f64]) -> String {
    let Some((mean, sd)) = mean_sd(values) else { return String::new() };
    match sd {
        Some(sd) if sd > 0.0 && sd.is_finite() => {
            let digits = (1.0 - sd.log10().floor()).clamp(0.0, 6.0) as usize;
            format!("{mean:.digits$} \u{b1} {sd:.digits$}")
        }
        Some(_) => format!("{} \u{b1} 0", number(mean)),
        None => number(mean),
    }
}

/// Percentages with two decimals, and the deviation of several.
pub fn percent(values: &[f64]) -> String {
    match mean_sd(values) {
        None => String::new(),
        Some((mean, None)) => format!("{mean:.2}"),
        Some((mean, Some(sd))) => format!("{mean:.2} \u{b1} {sd:.2}"),
    }
}

/// Mean and, of two and more values, standard deviation (n - 1); none of no values.
pub fn mean_sd(values: &[f64]) -> Option<(f64, Option<f64>)> {
    let n = values.len() as f64;
    if values.is_empty() {
        return None;
    }
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    Some((mean, (values.len() > 1).then(|| (squares / (n - 1.0)).sqrt())))
}

/// A time in the unit that suits it.
pub fn seconds(value: f64) -> String {
    match value {
        v if v < 0.001 => "below 1 ms".into(),
        v if v < 0.01 => format!("{:.1} ms", 1000.0 * v),
        v if v < 1.0 => format!("{:.0} ms", 1000.0 * v),
        v if v < 120.0 => format!("{v:.1} s"),
        v if v < 7200.0 => format!("{:.1} min", v / 60.0),
        v => format!("{:.1} h", v / 3600.0),
    }
}

/// A number of things.
pub fn count(n: usize, of: &str) -> String {
    format!("{n} {of}{}", if n == 1 { "" } else { "s" })
}

/// A value with its unit, if both are there.
pub fn with_unit(value: &str, unit: &str) -> String {
    if unit.is_empty() { value.to_owned() } else { format!("{value} {unit}") }
}

/// Three significant digits, thousands apart.
pub fn round_number(value: f64) -> String {
    if value < 1000.0 || !value.is_finite() {
        return number((value * 10.0).round() / 10.0);
    }
    let step = 10f64.powf(value.log10().floor() - 2.0);
    let whole = format!("{:.0}", (value / step).round() * step);
    let groups: Vec<&str> = whole.as_bytes().rchunks(3).rev().filter_map(|g| std::str::from_utf8(g).ok()).collect();
    groups.join("\u{202f}")
}

/// An amount of memory.
pub fn bytes(value: f64) -> String {
    match value {
        v if v < 1e9 => format!("{:.0} MB", v / 1e6),
        v => format!("{:.1} GB", v / 1e9),
    }
}

/// A command line that a shell takes as it stands.
pub fn command(argv: &[String]) -> String {
    let plain = |a: &str| !a.is_empty() && a.chars().all(|c| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c));
    let quoted = |a: &String| if plain(a) { a.clone() } else { format!("'{}'", a.replace('\'', "'\\''")) };
    std::iter::once("apical".to_owned()).chain(argv.iter().skip(1).map(quoted)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_digits_that_mean_something() {
        let cases = [(0.0, "0"), (55000.0, "55000"), (1.23456, "1.235"), (123.456, "123.5"), (1.5e-7, "1.500e-7")];
        for (value, text) in cases {
            assert_eq!(number(value), text);
        }
        assert_eq!(number(f64::NAN), "not finite");
        assert_eq!(spread(&[1.0, 2.0, 3.0]), "2.0 \u{b1} 1.0");
        assert_eq!((spread(&[0.5]), spread(&[])), ("0.5000".into(), String::new()));
        assert_eq!((seconds(90.0), seconds(0.25)), ("90.0 s".into(), "250 ms".into()));
        assert_eq!(
            (round_number(1_234_567.0), round_number(12.34)),
            ("1\u{202f}230\u{202f}000".into(), "12.30".into())
        );
        assert_eq!((bytes(5.2e7), bytes(2.55e9)), ("52 MB".into(), "2.5 GB".into()));
        assert_eq!(seconds(5400.0), "90.0 min");
    }

    #[test]
    fn a_shell_takes_the_command_as_it_was() {
        let argv = ["x/apical", "run", "a b.toml", "--set", "record.apical={every=10}", "it's"].map(String::from);
        assert_eq!(command(&argv), r"apical run 'a b.toml' --set 'record.apical={every=10}' 'it'\''s'");
    }
}
