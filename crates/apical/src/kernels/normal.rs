//! The standard normal: its density and P(z < u), for `gelu`.
//!
//! In f64 by `libm`. In f32 by own formulas without branches, calls or tables, so that loops over cells become vector code:
//! a cell costs a fifth of what calls of `erfcf` and `expf` cost.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

/// 1 / sqrt(2 pi).
const PEAK: f64 = 0.5 * FRAC_1_SQRT_2 * FRAC_2_SQRT_PI;

/// P(z < u).
#[inline]
pub fn below(u: f64) -> f64 {
    0.5 * libm::erfc(-FRAC_1_SQRT_2 * u)
}

/// The density at u.
#[inline]
pub fn density(u: f64) -> f64 {
    PEAK * (-0.5 * u * u).exp()
}

/// Twin of [`below`] in f32, to 3e-7 of the smaller tail.
#[inline(always)]
pub fn below_f32(u: f32) -> f32 {
    // P(z < -t) = exp(-t^2 / 2) g(t), g smooth and monotonic: a polynomial in s = 1 / (1 + 0.3 t), the minimax of the relative
    // error on t < 14 (1.5e-7), beyond which f32 has no such numbers.
    let s = 1.0 / (1.0 + 0.3 * u.abs());
    let g = 0.035_674_877 * s - 0.157_203_5;
    let g = (((g * s + 0.206_354_2) * s - 0.053_684_246) * s + 0.128_561_87) * s + 0.099_913_41;
    let g = ((g * s + 0.120_753_966) * s + 0.119_629_3) * s;
    let tail = exp_minus_half_square(u) * g;
    if u < 0.0 { tail } else { 1.0 - tail }
}

/// Twin of [`density`] in f32.
#[inline(always)]
pub fn density_f32(u: f32) -> f32 {
    PEAK as f32 * exp_minus_half_square(u)
}

/// exp(-u^2 / 2) to 3e-7 of its size; below 1e-37 it is 0.
#[inline(always)]
fn exp_minus_half_square(u: f32) -> f32 {
    // u = head + rest with 12 bits in head: its square is exact, or the rounding of u^2 would be as large as the exponent.
    let head = f32::from_bits(u.to_bits() & 0xFFFF_F000);
    let (large, small) = (-0.5 * head * head, -0.5 * (u - head) * (u + head));
    let large = large.max(-86.0);
    // 2^n exp(r), |r| < 0.35 + |small|; adding 3 * 2^22 rounds to an integer and leaves it in the low bits.
    let shifted = large * std::f32::consts::LOG2_E + 12_582_912.0;
    let n = shifted - 12_582_912.0;
    let r = (large - n * 0.693_359_4) + n * 2.121_944_4e-4 + small;
    let series = 1.0 / 120.0 + r * (1.0 / 720.0 + r * (1.0 / 5040.0));
    let value = 1.0 + r * (1.0 + r * (0.5 + r * (1.0 / 6.0 + r * (1.0 / 24.0 + r * series))));
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(0x3F80_0000));
    if u.abs() > 13.0 { 0.0 } else { value * power }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_precision_follows_double() {
        for n in -25_000..=25_000 {
            let u = n as f32 * 5e-4 + 1e-5;
            let (exact, density) = (below(f64::from(u)), density(f64::from(u)));
            let (found, found_density) = (f64::from(below_f32(u)), f64::from(density_f32(u)));
            // 1.5e-7 of the polynomial, and a few roundings of 6e-8 each.
            assert!((found - exact).abs() < 6e-7 * exact, "{u}: {found} in place of {exact}");
            assert!((found_density - density).abs() < 5e-7 * density, "{u}: {found_density} in place of {density}");
        }
    }

    #[test]
    fn extremes_are_exact() {
        for u in [13.5, 1e3, 1e20, f32::MAX, f32::INFINITY] {
            assert_eq!((below_f32(u), below_f32(-u), density_f32(u)), (1.0, 0.0, 0.0), "{u}");
        }
        assert!(below_f32(f32::NAN).is_nan() && density_f32(f32::NAN).is_nan());
        // The largest error of the polynomial, times 1/2, and rounding.
        assert!((below_f32(0.0) - 0.5).abs() < 1.5e-7);
    }
}
