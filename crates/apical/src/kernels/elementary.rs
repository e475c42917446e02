//! exp, ln(1 + x) and tanh by own formulas, in f32 and f64.
//!
//! Without branches, calls, tables and fused operations: a loop over cells becomes vector code of whatever instruction set
//! it is compiled for, and a number gets the same bits in every set and at every place of a slice. Errors are below 2 units
//! in the last place of the exact result (tanh: 3) over the whole range (tests); saturation and NaN are those of `std`.

/// Makes the functions of one floating-point type.
///
/// `$round` = 1.5 * 2^(digits - 1): adding it rounds to an integer and leaves that in the low bits. `$high` + `$low` = ln 2,
/// `$high` with so few digits that its product with an exponent is exact. `$least`, `$most`: beyond them e^x is 0 or
/// infinite. `$flat`: beyond it tanh is 1. `$half`: the bits of sqrt(1/2). `$whole` = 2^(digits - 1), its bits `$whole_bits`.
/// `$exp`: 1 / n!, n from 2; `$artanh`: 2 / (2 n + 1), n from 1; what is left out is below a tenth of a rounding.
macro_rules! elementary {
    ($name:ident, $t:ident, $bits:ident, digits $digits:literal, bias $bias:literal, round $round:literal, ln2 ($high:expr, $low:expr),
     range ($least:literal, $most:literal), flat $flat:literal, half $half:literal, whole ($whole:literal, $whole_bits:literal),
     exp $exp:expr, artanh $artanh:expr) => {
        pub mod $name {
            const DIGITS: u32 = $digits;
            const BIAS: $bits = $bias;
            const ROUND: $t = $round;
            const HIGH: $t = $high;
            const LOW: $t = $low;
            const MANTISSA: $bits = (1 << DIGITS) - 1;

            /// (p, n + 2 bias) with e^x = 2^n (1 + p), |p| < 0.42.
            #[inline(always)]
            fn reduce(x: $t) -> ($t, $bits) {
                let shifted = x * std::$t::consts::LOG2_E + ROUND;
                let n = shifted - ROUND;
                let r = (x - n * HIGH) - n * LOW;
                let coefficients = $exp;
                let mut q = coefficients[coefficients.len() - 1];
                for &c in coefficients.iter().rev().skip(1) {
                    q = q * r + c;
                }
                let n = shifted.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(2 * BIAS);
                (r + r * r * q, n)
            }

            /// e^x.
            #[inline(always)]
            pub fn exp(x: $t) -> $t {
                // Comparisons with NaN are false: it goes through.
                let x = if x < $least { $least } else { x };
                let x = if x > $most { $most } else { x };
                let (p, n) = reduce(x);
                // 2^n in two factors: one alone would leave the range before the result does.
                let first = n >> 1;
                let power = |n: $bits| $t::from_bits(n << DIGITS);
                (1.0 + p) * power(first) * power(n.wrapping_sub(first))
            }

            /// tanh x.
            #[inline(always)]
            pub fn tanh(x: $t) -> $t {
                // t = e^(-2 |x|) - 1 keeps the digits of a small x.
                let y = -2.0 * x.abs();
                let y = if y < $flat { $flat } else { y };
                let (p, n) = reduce(y);
                let power = $t::from_bits(n.wrapping_sub(BIAS) << DIGITS);
                let t = power * p + (power - 1.0);
                (-t / (2.0 + t)).copysign(x)
            }

            /// ln(1 + x) for x from 0 to a finite number.
            #[inline(always)]
            pub fn ln_1p_finite(x: $t) -> $t {
                let u = 1.0 + x;
                // What rounding took from 1 + x, in units of u.
                let lost = (x - (u - 1.0)) / u;
                // u = m 2^e with m in [sqrt(1/2), sqrt(2)).
                let shifted = u.to_bits().wrapping_sub($half);
                let e = $t::from_bits($whole_bits | (shifted.wrapping_add((BIAS + 1) << DIGITS) >> DIGITS));
                let e = e - ($whole + (BIAS + 1) as $t);
                let f = $t::from_bits((shifted & MANTISSA).wrapping_add($half)) - 1.0;
                // ln(1 + f) = 2 artanh s = f - f^2/2 + s (f^2/2 + z (2/3 + z (2/5 + ...))), s = f / (2 + f), z = s^2.
                let s = f / (2.0 + f);
                let z = s * s;
                let coefficients = $artanh;
                let mut series = coefficients[coefficients.len() - 1];
                for &c in coefficients.iter().rev().skip(1) {
                    series = series * z + c;
                }
                let half_square = 0.5 * f * f;
                e * HIGH - ((half_square - (s * (half_square + z * series) + (e * LOW + lost))) - f)
            }

            /// ln(1 + x).
            #[inline(always)]
            pub fn ln_1p(x: $t) -> $t {
                let y = ln_1p_finite(x);
                let y = if x == $t::INFINITY { x } else { y };
                let y = if x == -1.0 { $t::NEG_INFINITY } else { y };
                if x < -1.0 { $t::NAN } else { y }
            }
        }
    };
}

elementary!(
    single,
    f32,
    u32,
    digits 23,
    bias 127,
    round 12_582_912.0,
    ln2(0.693_359_4, -2.121_944_4e-4),
    range(-104.0, 89.0),
    flat -20.0,
    half 0x3F35_04F3,
    whole(8_388_608.0, 0x4B00_0000),
    exp [1.0 / 2.0, 1.0 / 6.0, 1.0 / 24.0, 1.0 / 120.0, 1.0 / 720.0, 1.0 / 5040.0],
    artanh [2.0 / 3.0, 2.0 / 5.0, 2.0 / 7.0, 2.0 / 9.0, 2.0 / 11.0]
);

elementary!(
    double,
    f64,
    u64,
    digits 52,
    bias 1023,
    round 6_755_399_441_055_744.0,
    ln2(f64::from_bits(0x3FE6_2E42_FEE0_0000), 1.908_214_929_270_587_7e-10),
    range(-746.0, 710.0),
    flat -40.0,
    half 0x3FE6_A09E_667F_3BCD,
    whole(4_503_599_627_370_496.0, 0x4330_0000_0000_0000),
    exp [
        1.0 / 2.0,
        1.0 / 6.0,
        1.0 / 24.0,
        1.0 / 120.0,
        1.0 / 720.0,
        1.0 / 5_040.0,
        1.0 / 40_320.0,
        1.0 / 362_880.0,
        1.0 / 3_628_800.0,
        1.0 / 39_916_800.0,
        1.0 / 479_001_600.0,
        1.0 / 6_227_020_800.0
    ],
    artanh [
        2.0 / 3.0,
        2.0 / 5.0,
        2.0 / 7.0,
        2.0 / 9.0,
        2.0 / 11.0,
        2.0 / 13.0,
        2.0 / 15.0,
        2.0 / 17.0,
        2.0 / 19.0,
        2.0 / 21.0
    ]
);

#[cfg(test)]
mod tests {
    use super::{double, single};

    /// Distance in units in the last place of `exact`, seen from f64.
    fn ulps(found: f32, exact: f64) -> f64 {
        let nearest = exact as f32;
        if nearest == found || (nearest.is_nan() && found.is_nan()) {
            return 0.0;
        }
        let ulp = f64::from(f32::from_bits(nearest.abs().to_bits() + 1)) - f64::from(nearest.abs());
        (f64::from(found) - exact).abs() / ulp
    }

    /// The same for a result that itself is only known to half a unit.
    fn ulps_64(found: f64, nearest: f64) -> f64 {
        if nearest == found || (nearest.is_nan() && found.is_nan()) {
            return 0.0;
        }
        let ulp = f64::from_bits(nearest.abs().to_bits() + 1) - nearest.abs();
        (found - nearest).abs() / ulp
    }

    #[test]
    fn single_precision_keeps_its_bound_everywhere() {
        // Every 997th of all numbers, both signs, subnormal ones, infinities and NaN among them.
        for bits in (0..=u32::MAX).step_by(997) {
            let x = f32::from_bits(bits);
            let wide = f64::from(x);
            for (name, found, exact, bound) in [
                ("exp", single::exp(x), wide.exp(), 2.0),
                ("ln_1p", single::ln_1p(x), wide.ln_1p(), 2.0),
                ("tanh", single::tanh(x), wide.tanh(), 3.0),
            ] {
                assert!(ulps(found, exact) < bound, "{name} {x:e}: {found:e} in place of {exact:e}");
            }
        }
    }

    #[test]
    fn double_precision_keeps_its_bound_everywhere() {
        let mut bits = 0u64;
        for _ in 0..2_000_000 {
            bits = bits.wrapping_add(0x9E37_79B9_7F4A_7C15);
            // All bits, and a range in which results neither vanish nor overflow.
            let near = (bits >> 12) as f64 / (1u64 << 52) as f64 * 1500.0 - 750.0;
            for x in [f64::from_bits(bits), near, near / 100.0] {
                for (name, found, nearest, bound) in [
                    ("exp", double::exp(x), x.exp(), 2.0),
                    ("ln_1p", double::ln_1p(x), x.ln_1p(), 2.0),
                    ("tanh", double::tanh(x), x.tanh(), 3.0),
                ] {
                    // What it is compared with is good to a unit itself.
                    assert!(ulps_64(found, nearest) <= bound + 1.0, "{name} {x:e}: {found:e} in place of {nearest:e}");
                }
            }
        }
    }

    #[test]
    fn extremes_are_those_of_std() {
        for x in [0.0, -0.0, 1.0, -1.0, 89.0, -104.5, 710.0, -746.0, 1e300, -1e300, f64::INFINITY, f64::NEG_INFINITY] {
            let same = |a: f64, b: f64| a == b && a.is_sign_negative() == b.is_sign_negative();
            let saturated = x == 0.0 || x.abs() > 700.0;
            if saturated {
                assert!(same(double::exp(x), x.exp()), "{x}");
                assert!(same(double::tanh(x), x.tanh()), "{x}");
                assert!(same(single::exp(x as f32).into(), (x as f32).exp().into()), "{x}");
                assert!(same(single::tanh(x as f32).into(), (x as f32).tanh().into()), "{x}");
            }
        }
        assert_eq!((double::ln_1p(-1.0), single::ln_1p(-1.0)), (f64::NEG_INFINITY, f32::NEG_INFINITY));
        assert_eq!((double::ln_1p(f64::INFINITY), single::ln_1p(f32::INFINITY)), (f64::INFINITY, f32::INFINITY));
        for f in [double::exp, double::ln_1p, double::tanh] {
            assert!(f(f64::NAN).is_nan());
        }
        for f in [single::exp, single::ln_1p, single::tanh] {
            assert!(f(f32::NAN).is_nan());
        }
        assert!(double::ln_1p(-1.5).is_nan() && single::ln_1p(-1.5).is_nan());
    }
}
