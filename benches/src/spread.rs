//! `Spread`: several measurements of one thing.

use std::fmt;

/// Median, smallest and largest of several measurements.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The middle one; of an even number the mean of the middle two.
    pub median: f64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
}

impl Spread {
    /// Of at least one measurement; NaN of none.
    pub fn of(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (Some(&min), Some(&max)) = (sorted.first(), sorted.last()) else {
            return Spread { median: f64::NAN, min: f64::NAN, max: f64::NAN };
        };
        let half = sorted.len() / 2;
        let median = if sorted.len() % 2 == 1 { sorted[half] } else { 0.5 * (sorted[half - 1] + sorted[half]) };
        Spread { median, min, max }
    }

    /// Of what `measure` gives in `rounds` calls, after one that does not count.
    pub fn measured(rounds: usize, mut measure: impl FnMut() -> f64) -> Self {
        measure();
        let values: Vec<f64> = (0..rounds).map(|_| measure()).collect();
        Spread::of(&values)
    }
}

impl fmt::Display for Spread {
    /// `median (min to max)`, three digits each.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} to {})", digits(self.median), digits(self.min), digits(self.max))
    }
}

/// Three significant digits without an exponent.
pub fn digits(x: f64) -> String {
    let decimals = if x.abs() >= 100.0 { 0 } else { 2 - (x.abs().max(1e-3).log10().floor() as i32).max(-3) };
    format!("{x:.0$}", decimals.max(0) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_odd_and_even_numbers() {
        assert_eq!(Spread::of(&[3.0, 1.0, 2.0]), Spread { median: 2.0, min: 1.0, max: 3.0 });
        assert_eq!(Spread::of(&[4.0, 1.0, 2.0, 3.0]).median, 2.5);
        assert!(Spread::of(&[]).median.is_nan());
    }

    #[test]
    fn three_digits() {
        let shown: Vec<String> = [1234.4, 56.78, 9.876, 0.4567, 0.0123].into_iter().map(digits).collect();
        assert_eq!(shown, ["1234", "56.8", "9.88", "0.457", "0.0123"]);
    }
}
