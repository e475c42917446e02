//! What a few runs say about all that could have been made.

use statrs::distribution::{ContinuousCDF, StudentsT};

/// Mean and spread of a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// How many.
    pub n: usize,
    /// Mean.
    pub mean: f64,
    /// Standard deviation of the sample, with n - 1; NaN for one.
    pub sd: f64,
}

impl Summary {
    /// Of at least one value.
    pub fn of(values: &[f64]) -> Option<Summary> {
        let n = values.len();
        if n == 0 {
            return None;
        }
        let mean = values.iter().sum::<f64>() / n as f64;
        let squares: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
        Some(Summary { n, mean, sd: (squares / (n as f64 - 1.0)).sqrt() })
    }

    /// Half the width of the 95 % confidence interval of the mean, by Student's t; NaN for one value.
    pub fn interval(&self) -> f64 {
        match StudentsT::new(0.0, 1.0, self.n as f64 - 1.0) {
            Ok(t) => t.inverse_cdf(0.975) * self.sd / (self.n as f64).sqrt(),
            Err(_) => f64::NAN,
        }
    }
}

/// Paired t-test, two-sided: the probability of a mean difference at least this large if there were none. `None` for fewer
/// than two pairs, or if all differences are the same.
pub fn paired(a: &[f64], b: &[f64]) -> Option<f64> {
    let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    let s = Summary::of(&differences)?;
    let t = s.mean / (s.sd / (s.n as f64).sqrt());
    let law = StudentsT::new(0.0, 1.0, s.n as f64 - 1.0).ok()?;
    t.is_finite().then(|| 2.0 * law.cdf(-t.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_and_paired_tests_are_those_of_a_table() {
        let s = Summary::of(&[1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
        // t(0.975; 4) = 2.776445, as printed in tables; sd = sqrt(2.5).
        assert!((s.interval() - 2.776445 * 2.5f64.sqrt() / 5f64.sqrt()).abs() < 1e-5);
        // Differences 1, 2, 3: t = 2 / (1 / sqrt 3) = 3.4641; for two degrees of freedom P = 1 - t / sqrt(2 + t^2).
        let p = paired(&[2.0, 4.0, 6.0], &[1.0, 2.0, 3.0]).unwrap();
        let t = 12f64.sqrt();
        assert!((p - (1.0 - t / (2.0 + t * t).sqrt())).abs() < 1e-9, "{p}");
        assert_eq!(paired(&[1.0], &[2.0]), None);
        assert!(Summary::of(&[1.0]).unwrap().interval().is_nan());
    }
}
