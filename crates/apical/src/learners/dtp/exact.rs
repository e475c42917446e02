//! Exact inverses for plain target propagation: of a layer's weights by their singular values, of phi by its formula.

use crate::kernels::{Activation, Mat, Real};
use crate::solvers::Trouble;
use nalgebra::DMatrix;

/// Sweeps of the singular value decomposition: far beyond what a finite matrix needs, so that none runs for ever.
const SWEEPS: usize = 100_000;

/// W^-1 of the weights into `layer`, the Moore-Penrose inverse where they are not square. Computed in f64.
///
/// # Errors
/// [`Trouble::NoInverse`] if the condition number is beyond what rounding leaves of a singular matrix, or is no number.
pub(super) fn weights<T: Real>(w: &Mat<T>, layer: usize) -> Result<Mat<T>, Trouble> {
    let none = |condition: f64| Trouble::NoInverse { layer, condition };
    let m = DMatrix::from_row_iterator(w.rows, w.cols, w.data.iter().map(|x| x.to_f64()));
    if m.iter().any(|x| !x.is_finite()) {
        return Err(none(f64::NAN));
    }
    let svd = m.try_svd(true, true, f64::EPSILON, SWEEPS).ok_or(none(f64::NAN))?;
    let (largest, smallest) = (svd.singular_values.max(), svd.singular_values.min());
    if smallest <= largest * f64::EPSILON * w.rows.max(w.cols) as f64 {
        return Err(none(largest / smallest));
    }
    let inverse = svd.pseudo_inverse(0.0).map_err(|_| none(f64::NAN))?;
    Ok(Mat::from_fn(w.cols, w.rows, |i, j| T::from_f64(inverse[(i, j)])))
}

/// Turns target rates minus rates (`shift`) into target potentials minus `potential`, and returns how many target rates
/// lay beyond what phi reaches: those go half of the way from the rate to the end of phi's range.
///
/// A bound of the range itself would ask for an infinite potential. A rate that rounding has put on it keeps its
/// potential.
pub(super) fn potentials<T: Real>(phi: Activation, potential: &[T], shift: &mut [T]) -> usize {
    let (low, high) = range(phi);
    let mut clipped = 0;
    for (&u, shift) in potential.iter().zip(shift) {
        let u = u.to_f64();
        let rate = phi.rate(u);
        let mut target = rate + shift.to_f64();
        if target <= low || target >= high {
            clipped += 1;
            target = (rate + if target <= low { low } else { high }) / 2.0;
        }
        *shift = T::from_f64(phi.inverse(target).map_or(0.0, |target| target - u));
    }
    clipped
}

/// The open interval of phi's values, for the activations that have an inverse.
fn range(phi: Activation) -> (f64, f64) {
    match phi {
        Activation::Logistic => (0.0, 1.0),
        Activation::SoftRelu | Activation::Softplus => (0.0, f64::INFINITY),
        Activation::Tanh => (-1.0, 1.0),
        _ => (f64::NEG_INFINITY, f64::INFINITY),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_without_inverse_are_trouble() {
        let singular = Mat { rows: 2, cols: 2, data: vec![1.0, 2.0, 2.0, 4.0] };
        assert!(matches!(weights(&singular, 3), Err(Trouble::NoInverse { layer: 3, .. })));
        let lost = Mat { rows: 1, cols: 1, data: vec![f32::NAN] };
        assert!(matches!(weights(&lost, 2), Err(Trouble::NoInverse { layer: 2, .. })));
    }

    #[test]
    fn a_target_beyond_the_range_goes_half_of_the_way_to_its_end() {
        let mut shift = [5.0, -5.0, 0.1];
        assert_eq!(potentials(Activation::Logistic, &[0.0, 0.0, 0.0], &mut shift), 2);
        // Rates 0.75, 0.25 and 0.6 from 0.5.
        let expected = [3f64.ln(), -(3f64.ln()), 1.5f64.ln()];
        // A logarithm and a sum: rounding only.
        assert!(shift.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-15), "{shift:?}");
    }
}
