//! Where ticks stand and what they say.

use crate::Scale;

/// A tick label: text, and a power that is set as superscript (empty if there is none).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The text on the line.
    pub base: String,
    /// The superscript.
    pub power: String,
}

impl Label {
    fn plain(base: String) -> Self {
        Label { base, power: String::new() }
    }

    fn power(base: &str, exponent: i32) -> Self {
        Label { base: base.to_owned(), power: exponent.to_string().replace('-', "\u{2212}") }
    }
}

/// The ticks of an axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Ticks {
    /// Value and label of each major tick, ascending.
    pub major: Vec<(f64, Label)>,
    /// Values of minor ticks.
    pub minor: Vec<f64>,
    /// A power of ten by which all labels are to be multiplied, written once beside the axis.
    pub multiplier: Option<Label>,
}

/// Ticks of a range with `low < high`, both finite (and positive if logarithmic), about `count` of them (up to a quarter more).
pub fn ticks(scale: Scale, low: f64, high: f64, count: usize) -> Ticks {
    match scale {
        Scale::Linear => linear(low, high, count.max(2)),
        Scale::Log => log(low, high, count.max(2)),
    }
}

/// Steps of 1, 2 or 5 times a power of ten.
fn linear(low: f64, high: f64, count: usize) -> Ticks {
    let raw = (high - low) / count as f64;
    let decade = 10f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|m| m * decade).into_iter().find(|s| *s >= raw * 0.8).unwrap_or(10.0 * decade);
    // Rounding may put an end tick just outside.
    let slack = step * 1e-9;
    let first = ((low - slack) / step).ceil();
    let values: Vec<f64> = (0..=2 * count)
        .map(|i| (first + i as f64) * step)
        .take_while(|v| *v <= high + slack)
        .map(|v| if v.abs() < step * 0.5 { 0.0 } else { v })
        .collect();
    let largest = low.abs().max(high.abs());
    let (exponent, suffix) = match largest {
        v if !(1e-3..1e12).contains(&v) => (v.log10().floor() as i32, ""),
        v if v >= 1e9 => (9, "G"),
        v if v >= 1e6 => (6, "M"),
        v if v >= 1e4 => (3, "k"),
        _ => (0, ""),
    };
    let unit = 10f64.powi(exponent);
    // A step of 2 needs no digit, one of 0.05 two; more than 9 would be rounding noise.
    let digits = (-(step / unit).log10() - 1e-9).ceil().clamp(0.0, 9.0) as usize;
    let label = |v: f64| {
        let number = format!("{:.digits$}", v / unit).replace('-', "\u{2212}");
        Label::plain(if v == 0.0 { "0".to_owned() } else { format!("{number}{suffix}") })
    };
    let multiplier = (exponent != 0 && suffix.is_empty()).then(|| Label::power("\u{d7}10", exponent));
    Ticks { major: values.iter().map(|&v| (v, label(v))).collect(), minor: Vec::new(), multiplier }
}

/// Whole decades, every one or every k-th; minor ticks at 2 to 9 where there are few decades, labelled if there is only one.
fn log(low: f64, high: f64, count: usize) -> Ticks {
    let (first, last) = ((low.log10() - 1e-9).ceil() as i32, (high.log10() + 1e-9).floor() as i32);
    let every = ((last - first + 1).max(1) as usize).div_ceil(count).max(1) as i32;
    let short = first >= -3 && last <= 3;
    let label = |m: u32, e: i32| match (short, m) {
        (true, _) => Label::plain(format!("{:.*}", (-e).max(0) as usize, f64::from(m) * 10f64.powi(e))),
        (false, 1) => Label::power("10", e),
        (false, _) => Label::power(&format!("{m}\u{d7}10"), e),
    };
    let inside = |v: f64| v >= low * (1.0 - 1e-9) && v <= high * (1.0 + 1e-9);
    let mut major: Vec<(f64, Label)> =
        (first..=last).filter(|e| e.rem_euclid(every) == 0).map(|e| (10f64.powi(e), label(1, e))).collect();
    let few = last - first < 7;
    let steps = |ms: std::ops::RangeInclusive<u32>| {
        (first - 1..=last).flat_map(move |e| ms.clone().map(move |m| (m, e, f64::from(m) * 10f64.powi(e))))
    };
    let minor = if few { steps(2..=9).map(|(_, _, v)| v).filter(|v| inside(*v)).collect() } else { Vec::new() };
    if major.len() < 2 {
        major = steps(1..=9)
            .filter(|(m, _, v)| matches!(m, 1 | 2 | 5) && inside(*v))
            .map(|(m, e, v)| (v, label(m, e)))
            .collect();
    }
    Ticks { major, minor, multiplier: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(t: &Ticks) -> Vec<String> {
        t.major
            .iter()
            .map(|(_, l)| if l.power.is_empty() { l.base.clone() } else { format!("{}^{}", l.base, l.power) })
            .collect()
    }

    #[test]
    fn linear_ticks_are_round_and_readable() {
        assert_eq!(labels(&linear(0.0, 10_000.0, 5)), ["0", "2k", "4k", "6k", "8k", "10k"]);
        assert_eq!(labels(&linear(0.0, 1000.0, 4)), ["0", "200", "400", "600", "800", "1000"]);
        assert_eq!(labels(&linear(-0.1, 0.1, 4)), ["\u{2212}0.10", "\u{2212}0.05", "0", "0.05", "0.10"]);
        assert_eq!(labels(&linear(0.0, 825_000.0, 4)), ["0", "200k", "400k", "600k", "800k"]);
        assert_eq!(labels(&linear(0.0, 12e6, 4)), ["0", "5M", "10M"]);
        let small = linear(0.0, 4e-5, 4);
        assert_eq!(labels(&small), ["0", "1", "2", "3", "4"]);
        assert_eq!(small.multiplier, Some(Label::power("\u{d7}10", -5)));
    }

    #[test]
    fn log_ticks_are_decades() {
        assert_eq!(labels(&log(0.005, 200.0, 6)), ["0.01", "0.1", "1", "10", "100"]);
        assert_eq!(
            labels(&log(1e-8, 1.0, 5)),
            ["10^\u{2212}8", "10^\u{2212}6", "10^\u{2212}4", "10^\u{2212}2", "10^0"]
        );
        assert_eq!(labels(&log(0.15, 0.9, 5)), ["0.2", "0.5"]);
        assert!(log(0.1, 1.0, 5).minor.contains(&0.5));
    }

    #[test]
    fn ticks_ascend_inside_any_range() {
        for (low, high) in [(0.0, 1.0), (-1e289, 1e289), (1.0, 1.0 + 1e-9), (1e-289, 1e289), (3.0, 4.0), (1e-12, 2e-12)]
        {
            for scale in [Scale::Linear, Scale::Log] {
                if scale == Scale::Log && low <= 0.0 {
                    continue;
                }
                let t = ticks(scale, low, high, 6);
                assert!(t.major.len() <= 20, "{} ticks", t.major.len());
                assert!(t.major.windows(2).all(|w| w[0].0 < w[1].0));
                let slack = (high - low) * 1e-6;
                assert!(t.major.iter().all(|(v, _)| *v >= low - slack && *v <= high + slack));
            }
        }
    }
}
