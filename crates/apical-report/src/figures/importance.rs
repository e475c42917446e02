//! Permutation importance (Breiman, Machine Learning 45, 2001) with a random forest: a tree judges the runs that it has not
//! seen, once as they are and once with the values of one key taken from other runs; what is lost is that key's importance.
//!
//! The forest learns ranks, not values: so neither the scale of a metric nor a few runs far off decide, and runs that
//! failed are simply the worst. Nothing is drawn by chance: which run gets whose value is fixed.

use smartcore::ensemble::random_forest_regressor::{RandomForestRegressor, RandomForestRegressorParameters};
use smartcore::linalg::basic::matrix::DenseMatrix;

/// Trees of the forest.
const TREES: usize = 200;
/// A leaf holds at least so many runs.
const LEAF: usize = 2;
/// How many others' values each run is given.
const EXCHANGES: usize = 20;
/// Spreads the order of runs, which in a grid is regular: the multiplier of Knuth's multiplicative hash.
const SPREAD: u32 = 2_654_435_761;

/// What was found.
pub(super) struct Importance {
    /// For each column the share of the variance of ranks that is lost without it.
    pub loss: Vec<f64>,
    /// The share of the variance of ranks that the forest explains, at runs that a tree has not seen; may be below 0.
    pub explained: f64,
}

/// Importance of columns for scores, NaN being the worst score, and in a column no value; `None` where all scores are equal.
pub(super) fn permutation(columns: &[Vec<f64>], scores: &[f64]) -> Option<Importance> {
    let y = ranks(scores);
    let n = y.len();
    let mean = y.iter().sum::<f64>() / n as f64;
    let variance = y.iter().map(|rank| (rank - mean).powi(2)).sum::<f64>() / n as f64;
    if variance <= 0.0 {
        return None;
    }
    let columns: Vec<Vec<f64>> = columns.iter().map(|column| without_gaps(column)).collect();
    let parameters = RandomForestRegressorParameters::default()
        .with_n_trees(TREES)
        .with_min_samples_leaf(LEAF)
        .with_m(columns.len())
        .with_keep_samples(true);
    let forest = RandomForestRegressor::fit(&matrix(&columns)?, &y, parameters).ok()?;
    let error = |columns: &[Vec<f64>]| -> Option<f64> {
        let told: Vec<f64> = forest.predict_oob(&matrix(columns)?).ok()?;
        // A run that every tree has seen has no judge.
        let judged = told.iter().zip(&y).filter(|(told, _)| told.is_finite());
        let (sum, count) = judged.fold((0.0, 0), |(sum, count), (told, y)| (sum + (told - y).powi(2), count + 1));
        (count > 0).then(|| sum / f64::from(count) / variance)
    };
    let own = error(&columns)?;
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by_key(|&i| (i as u32).wrapping_mul(SPREAD));
    let mut loss = Vec::new();
    for k in 0..columns.len() {
        let mut sum = 0.0;
        let turns = EXCHANGES.min(n - 1);
        for turn in 1..=turns {
            let by = (turn * n / (turns + 1)).max(1);
            let mut exchanged = columns.clone();
            for (place, &run) in order.iter().enumerate() {
                exchanged[k][run] = columns[k][order[(place + by) % n]];
            }
            sum += error(&exchanged)? - own;
        }
        loss.push(sum / turns as f64);
    }
    Some(Importance { loss, explained: 1.0 - own })
}

/// Ranks from 0; equals share their mean.
fn ranks(scores: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    let key = |i: usize| if scores[i].is_nan() { f64::INFINITY } else { scores[i] };
    order.sort_by(|&a, &b| key(a).total_cmp(&key(b)));
    let mut ranks = vec![0.0; scores.len()];
    let mut first = 0;
    for group in order.chunk_by(|&a, &b| key(a) == key(b)) {
        let mean = first as f64 + (group.len() - 1) as f64 / 2.0;
        group.iter().for_each(|&i| ranks[i] = mean);
        first += group.len();
    }
    ranks
}

/// A column in which no value is one below all others.
fn without_gaps(column: &[f64]) -> Vec<f64> {
    let (low, high) = column.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), &v| (l.min(v), h.max(v)));
    let none = if low <= high { low - (high - low).max(1.0) } else { 0.0 };
    column.iter().map(|&v| if v.is_nan() { none } else { v }).collect()
}

/// Rows are runs.
fn matrix(columns: &[Vec<f64>]) -> Option<DenseMatrix<f64>> {
    let n = columns.first()?.len();
    let rows: Vec<Vec<f64>> = (0..n).map(|i| columns.iter().map(|column| column[i]).collect()).collect();
    DenseMatrix::from_2d_vec(&rows).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 216 runs on a grid, as a sweep has them: the first key decides, the second helps, the third means nothing.
    #[test]
    fn keys_that_decide_are_told_from_keys_that_mean_nothing() {
        let at = |i: usize| [(i / 36) as f64, (i / 6 % 6) as f64, (i % 6) as f64];
        let columns: Vec<Vec<f64>> = (0..3).map(|k| (0..216).map(|i| at(i)[k]).collect()).collect();
        let mut scores: Vec<f64> = (0..216).map(|i| (10.0 * at(i)[0] + 3.0 * at(i)[1]).exp()).collect();
        let found = permutation(&columns, &scores).unwrap();
        assert!(found.explained > 0.9, "{}", found.explained);
        assert!(found.loss[0] > 3.0 * found.loss[1] && found.loss[1] > 0.05, "{:?}", found.loss);
        assert!(found.loss[2].abs() < 0.02, "{:?}", found.loss);
        // Runs that failed are the worst, whatever the numbers of the others.
        scores.iter_mut().enumerate().filter(|(i, _)| at(*i)[2] == 5.0).for_each(|(_, score)| *score = f64::NAN);
        assert!(permutation(&columns, &scores).unwrap().loss[2] > 0.2);
        assert!(permutation(&columns, &[1.0; 216]).is_none());
    }

    #[test]
    fn equals_share_a_rank_and_what_failed_is_last() {
        assert_eq!(ranks(&[2.0, f64::NAN, 1.0, 2.0]), [1.5, 3.0, 0.0, 1.5]);
        assert_eq!(without_gaps(&[1.0, f64::NAN, 4.0]), [1.0, -2.0, 4.0]);
    }
}
