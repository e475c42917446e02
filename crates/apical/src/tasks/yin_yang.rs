//! The Yin-Yang data set: points inside a yin-yang symbol, whose classes no net without hidden layers separates (Kriener,
//! Goeltz & Petrovici, NICE 2022). Inputs are (x, y, 1 - x, 1 - y).
//!
//! The symbol fills the unit square's inscribed circle (radius 1/2). The circles of half its radius around (1/4, 1/2) and
//! (3/4, 1/2) are the two lobes; the small circles of radius 1/10 in their middles are the dots. Outside the dots, yin is
//! the left lobe and what of the upper half lies outside the right lobe; yang is the rest.
//!
//! The three sets do not depend on the run's seed. Sample i is of class i mod 3, so classes are balanced to within one;
//! points are drawn uniformly until one is of that class.

use super::spec::Sizes;
use super::{Coding, DataError, Entry, Samples, Storage, Targets, Task, Train, Transform, check_sizes};
use crate::kernels::rng::{Draws, Stream};

pub(super) const ENTRY: Entry = Entry {
    name: "yin-yang",
    about: "points in a yin-yang symbol, three classes, inputs (x, y, 1 - x, 1 - y)",
    reference: Some("Kriener, Goeltz & Petrovici, The Yin-Yang dataset, NICE 2022, doi:10.1145/3517343.3517380"),
};

const CLASSES: [&str; 3] = ["yin", "yang", "dot"];
const R_SMALL: f64 = 0.1;
const R_BIG: f64 = 0.5;
/// Seed of the data set itself.
const SEED: u64 = 0;

/// The class of a point; none outside the symbol.
fn class(x: f64, y: f64) -> Option<u32> {
    let distance = |center: f64| (x - center).hypot(y - R_BIG);
    if distance(R_BIG) > R_BIG {
        return None;
    }
    let (left, right) = (distance(0.5 * R_BIG), distance(1.5 * R_BIG));
    if left <= R_SMALL || right <= R_SMALL {
        Some(2)
    } else if left <= 0.5 * R_BIG || (y > R_BIG && right > 0.5 * R_BIG) {
        Some(0)
    } else {
        Some(1)
    }
}

fn set(stream: Stream, count: usize, coding: Coding) -> Samples {
    let mut values = Vec::with_capacity(4 * count);
    let mut labels = Vec::with_capacity(count);
    for index in 0..count {
        let wanted = (index % CLASSES.len()) as u32;
        let mut draws = Draws::new(SEED, stream, index as u64);
        let (x, y) = loop {
            let (x, y) = (draws.unit(), draws.unit());
            if class(x, y) == Some(wanted) {
                break (x, y);
            }
        };
        values.extend([x, y, 1.0 - x, 1.0 - y]);
        labels.push(wanted);
    }
    Samples { inputs: 4, outputs: 3, x: Storage::Floats(values), y: Targets::Classes { labels, coding } }
}

pub(super) fn build(coding: Coding, sizes: Sizes) -> Result<Task, DataError> {
    check_sizes(sizes, 7, true)?;
    Ok(Task {
        inputs: 4,
        outputs: 3,
        classes: CLASSES.map(String::from).to_vec(),
        sequence: false,
        train: Train::Set(set(Stream::TaskTrain, sizes.train, coding)),
        validation: set(Stream::TaskValidation, sizes.validation, coding),
        test: set(Stream::TaskTest, sizes.test, coding),
        transform: Transform::default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_symbol_has_its_parts_where_they_belong() {
        for (x, y, expected) in [
            (0.25, 0.5, Some(2)),
            (0.75, 0.59, Some(2)),
            (0.25, 0.35, Some(0)), // the left lobe below the middle
            (0.5, 0.9, Some(0)),   // the upper half
            (0.75, 0.65, Some(1)), // the right lobe above the middle
            (0.5, 0.1, Some(1)),   // the lower half
            (0.05, 0.05, None),
        ] {
            assert_eq!(class(x, y), expected, "({x}, {y})");
        }
    }

    #[test]
    fn yin_and_yang_have_the_same_area() {
        let mut counts = [0u32; 3];
        let mut draws = Draws::new(1, Stream::Probe, 0);
        for _ in 0..100_000 {
            if let Some(c) = class(draws.unit(), draws.unit()) {
                counts[c as usize] += 1;
            }
        }
        // Yin and yang: (pi/4 - 0.02 pi)/2 = 0.361, standard deviation 152; dots: 0.02 pi = 0.0628, 77. Five of each.
        assert!((f64::from(counts[0]) - 36_128.0).abs() < 760.0, "{counts:?}");
        assert!((f64::from(counts[1]) - 36_128.0).abs() < 760.0, "{counts:?}");
        assert!((f64::from(counts[2]) - 6283.0).abs() < 385.0, "{counts:?}");
    }
}
