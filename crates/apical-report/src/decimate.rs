//! Fewer points, the same picture: a line keeps its ends, its gaps, and the extremes of each stretch.

/// Points a drawn line has at most.
pub const MOST_POINTS: usize = 1000;

/// Thins a line out while its points pass by, so that only what is kept is held.
///
/// The inner points are cut into stretches of equal count; of each stay the lowest, the highest, and the first that is a gap (not
/// finite), so that no spike and no gap is lost. All points stay if there are no more than `most`.
#[derive(Clone, Debug)]
pub struct Thinner {
    points: usize,
    stretches: usize,
    seen: usize,
    /// Stretches that have begun, and the point after the last of the present one.
    stretch: usize,
    end: usize,
    low: Option<(usize, f64)>,
    high: Option<(usize, f64)>,
    gap: Option<(usize, f64)>,
    kept: Vec<(usize, f64)>,
}

impl Thinner {
    /// For a line of `points`, of which at most `most` are to stay (at least 5 are needed to thin out at all).
    pub fn new(points: usize, most: usize) -> Self {
        let stretches = if points <= most.max(5) { 0 } else { (most.max(5) - 2) / 3 };
        let (low, high, gap) = (None, None, None);
        Thinner { points, stretches, seen: 0, stretch: 0, end: 1, low, high, gap, kept: Vec::new() }
    }

    /// The next point.
    pub fn push(&mut self, y: f64) {
        let (i, point) = (self.seen, (self.seen, y));
        self.seen += 1;
        if self.stretches == 0 || i == 0 || i + 1 >= self.points {
            self.close();
            self.kept.push(point);
            return;
        }
        if i >= self.end {
            self.close();
            self.stretch += 1;
            self.end = 1 + (self.stretch as u128 * (self.points - 2) as u128 / self.stretches as u128) as usize;
        }
        if !y.is_finite() {
            self.gap = self.gap.or(Some(point));
            return;
        }
        if self.low.is_none_or(|(_, least)| y < least) {
            self.low = Some(point);
        }
        if self.high.is_none_or(|(_, most)| y > most) {
            self.high = Some(point);
        }
    }

    /// Keeps what stands out of the stretch that has passed.
    fn close(&mut self) {
        let mut three: Vec<(usize, f64)> =
            [self.low.take(), self.high.take(), self.gap.take()].into_iter().flatten().collect();
        three.sort_unstable_by_key(|p| p.0);
        three.dedup_by_key(|p| p.0);
        self.kept.extend(three);
    }

    /// The points that stay, each with its index, ascending.
    pub fn finish(mut self) -> Vec<(usize, f64)> {
        self.close();
        self.kept
    }
}

/// Indices of the points of a line to draw, as [`Thinner`] finds them.
pub fn decimate(y: &[f64], most: usize) -> Vec<usize> {
    let mut thinner = Thinner::new(y.len(), most);
    y.iter().for_each(|&y| thinner.push(y));
    thinner.finish().into_iter().map(|(i, _)| i).collect()
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
