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
        v if v < 120.0 => format!("{} s", number(v)),
        v if v < 7200.0 => format!("{:.1} min", v / 60.0),
        v => format!("{:.1} h", v / 3600.0),
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
        assert_eq!(seconds(90.0), "90 s");
        assert_eq!(seconds(5400.0), "90.0 min");
    }

    #[test]
    fn a_shell_takes_the_command_as_it_was() {
        let argv = ["x/apical", "run", "a b.toml", "--set", "record.apical={every=10}", "it's"].map(String::from);
        assert_eq!(command(&argv), r"apical run 'a b.toml' --set 'record.apical={every=10}' 'it'\''s'");
    }
}
