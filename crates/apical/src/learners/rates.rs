//! How a layer uses its activation: the rates of its cells, and the share of cells that hardly let an error pass.

use super::feed_forward::{Function, Pass};
use crate::circuit::Tensors;
use crate::kernels::{Activation, Product, Real};

/// A cell whose slope phi'(u) is below this part of the steepest is saturated (arbitrary; with `logistic`: rates below 0.013
/// and above 0.987).
pub const FLAT: f64 = 0.05;

/// What one layer does over a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// Rates, sample after sample (samples x n_k).
    pub rates: Vec<f64>,
    /// Share of cells and samples that are saturated, from 0 to 1.
    pub saturated: f64,
}

/// Layers 1 to N at these weights for inputs (samples x n_0), by the feed-forward function: what the circuit does at rest
/// without a target where it predicts itself.
pub fn layers<T: Real>(f: &Function, w: &Tensors<T>, input: &[T], samples: usize) -> Vec<Layer> {
    let mut pass = Pass::new(f, samples);
    pass.run(Product::best(), f, w, input);
    let layer = |(u, r): (&Vec<T>, &Vec<T>)| Layer {
        rates: r.iter().map(|r| r.to_f64()).collect(),
        saturated: saturated(f.net.activation, u),
    };
    pass.potential.iter().zip(&pass.rate).map(layer).collect()
}

/// Share of saturated cells among potentials `u`; one that is not finite counts as saturated.
pub fn saturated<T: Real>(phi: Activation, u: &[T]) -> f64 {
    let least = FLAT * phi.steepest();
    let passes = |u: &&T| phi.slope(**u).to_f64() >= least;
    1.0 - u.iter().filter(passes).count() as f64 / u.len().max(1) as f64
}

/// Values counted in equal bins between `low` and `high`, ends included; those outside, or not finite, are left out.
pub fn histogram(values: &[f64], low: f64, high: f64, bins: usize) -> Vec<u64> {
    let mut counts = vec![0; bins];
    for v in values.iter().filter(|v| (low..=high).contains(*v)) {
        let place = ((v - low) / (high - low) * bins as f64) as usize;
        counts[place.min(bins - 1)] += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flat_cells_are_saturated_and_steep_ones_are_not() {
        // Slopes of logistic: 0.25, 0.0177 (above 0.0125), 0.0066, and 0 at infinity.
        assert_eq!(saturated(Activation::Logistic, &[0.0, -4.0, 5.0, f64::NEG_INFINITY]), 0.5);
        assert_eq!(saturated(Activation::Relu, &[-1.0, 2.0, 3.0, 4.0]), 0.25);
        assert_eq!(saturated(Activation::Identity, &[1e9, f64::NAN]), 0.0);
        assert_eq!(saturated(Activation::Tanh, &[f64::NAN]), 1.0);
    }

    #[test]
    fn no_slope_is_steeper_than_the_steepest() {
        for phi in Activation::ALL {
            let slopes = (-4000..=4000).map(|i| phi.slope(f64::from(i) * 0.005));
            let most = slopes.fold(0.0, f64::max);
            // The steepest point of each lies in the grid's middle 0.005 or is reached to 1e-5 at its ends.
            assert!((most / phi.steepest() - 1.0).abs() < 2e-5, "{phi:?}: {most}");
        }
    }

    #[test]
    fn each_value_falls_into_its_bin() {
        assert_eq!(histogram(&[0.0, 0.49, 0.5, 1.0, 1.1, f64::NAN], 0.0, 1.0, 2), [2, 2]);
        assert_eq!(histogram(&[3.0, 3.0], 3.0, 3.0, 2), [2, 0]);
    }
}
