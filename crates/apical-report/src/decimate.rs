//! Fewer points, the same picture: a line keeps its ends, its gaps, and the extremes of each stretch.

/// Points a drawn line has at most.
pub const MOST_POINTS: usize = 1000;

/// Indices of the points to draw, ascending, at most `most` of them (at least 5 are needed to thin out at all).
///
/// The inner points are cut into stretches of equal count; of each stay the lowest, the highest, and the first that is a gap (not
/// finite), so that no spike and no gap is lost. All points stay if there are no more than `most`.
pub fn decimate(y: &[f64], most: usize) -> Vec<usize> {
    let n = y.len();
    if n <= most.max(5) {
        return (0..n).collect();
    }
    let stretches = (most.max(5) - 2) / 3;
    let inner = n - 2;
    let mut kept = vec![0];
    for s in 0..stretches {
        let (from, to) = (1 + s * inner / stretches, 1 + (s + 1) * inner / stretches);
        let (mut low, mut high, mut gap) = (None::<usize>, None::<usize>, None);
        for i in from..to {
            if !y[i].is_finite() {
                gap = gap.or(Some(i));
                continue;
            }
            low = if low.is_none_or(|j| y[i] < y[j]) { Some(i) } else { low };
            high = if high.is_none_or(|j| y[i] > y[j]) { Some(i) } else { high };
        }
        let mut three: Vec<usize> = [low, high, gap].into_iter().flatten().collect();
        three.sort_unstable();
        three.dedup();
        kept.extend(three);
    }
    kept.push(n - 1);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extremes_ends_and_gaps_stay_and_the_bound_holds() {
        for n in [1001, 1003, 4999, 100_000] {
            let mut y: Vec<f64> = (0..n).map(|i| (i as f64 * 0.37).sin()).collect();
            y[n / 3] = 50.0;
            y[n / 2] = -50.0;
            y[n / 5] = f64::NAN;
            let kept = decimate(&y, MOST_POINTS);
            assert!(kept.len() <= MOST_POINTS && kept.len() > MOST_POINTS / 2, "{} of {n}", kept.len());
            assert!(kept.windows(2).all(|w| w[0] < w[1]));
            for i in [0, n - 1, n / 3, n / 2, n / 5] {
                assert!(kept.contains(&i), "point {i} of {n}");
            }
        }
    }

    #[test]
    fn short_lines_are_left_alone() {
        assert_eq!(decimate(&[], 1000), Vec::<usize>::new());
        assert_eq!(decimate(&[f64::NAN], 1000), [0]);
        assert_eq!(decimate(&vec![0.0; 1000], 1000).len(), 1000);
    }
}
