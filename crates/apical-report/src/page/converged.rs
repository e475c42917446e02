//! Whether a curve has come to its end, by a rule that the report states.

use apical_lab::record::Series;

/// The rule, for readers.
pub const RULE: &str = "A run counts as converged if the lowest value of its score in the last fifth of its values is not more \
    than 2 % below the lowest one before, and as worse at its end if its last value is more than 1.5 times its lowest; with \
    fewer than 10 values nothing is said. An error is at chance from 98 % of what guessing among as many classes errs.";

/// Fewer values say nothing.
const FEWEST: usize = 10;
/// An improvement beyond this part is one.
const IMPROVEMENT: f64 = 0.02;
/// A last value beyond the lowest by this factor is worse.
const WORSE: f64 = 1.5;

/// What a curve tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Course {
    /// It has come to its end.
    Converged,
    /// It still falls.
    Falling,
    /// It was better before.
    Worse,
    /// Too few values.
    Short,
    /// Values enough, but too few of them are finite.
    NotFinite,
}

impl Course {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Course::Converged => "converged",
            Course::Falling => "still improving",
            Course::Worse => "worse at its end than at its best",
            Course::Short => "too short to say",
            Course::NotFinite => "not finite",
        }
    }
}

/// Judges a score that is the better the lower it is.
pub fn course(series: &Series) -> Course {
    let values: Vec<f64> = series.values.iter().copied().filter(|v| v.is_finite()).collect();
    if values.len() < FEWEST {
        return if series.values.len() < FEWEST { Course::Short } else { Course::NotFinite };
    }
    let (before, end) = values.split_at(values.len() - values.len() / 5);
    let lowest = |list: &[f64]| list.iter().copied().fold(f64::INFINITY, f64::min);
    let last = values[values.len() - 1];
    if last > WORSE * lowest(&values) && lowest(&values) > 0.0 {
        Course::Worse
    } else if lowest(end) < (1.0 - IMPROVEMENT) * lowest(before) {
        Course::Falling
    } else {
        Course::Converged
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(value: fn(f64) -> f64, n: usize) -> Course {
        course(&Series { values: (0..n).map(|i| value(i as f64)).collect(), ..Series::default() })
    }

    #[test]
    fn curves_are_judged_by_their_ends() {
        assert_eq!(of(|i| (-i).exp() + 1.0, 40), Course::Converged);
        assert_eq!(of(|i| 100.0 - i, 40), Course::Falling);
        assert_eq!(of(|i| 1.0 + (i - 10.0).powi(2), 40), Course::Worse);
        assert_eq!(of(|_| 1.0, 9), Course::Short);
        assert_eq!(of(|_| f64::NAN, 100), Course::NotFinite);
    }
}
