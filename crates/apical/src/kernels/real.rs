//! `Real`: the two floating-point types in which a circuit can be computed.

use super::lanes::Lanes;
use super::{elementary, normal};
use std::any::{Any, TypeId};
use std::fmt::{Debug, Display};
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

mod sealed {
    /// No other type is a [`super::Real`].
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// A floating-point number: `f32` or `f64`, and nothing else.
pub trait Real:
    sealed::Sealed
    + Copy
    + Send
    + Sync
    + 'static
    + PartialOrd
    + Default
    + Debug
    + Display
    + Sum
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + DivAssign
    + Lanes
{
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// Not a number.
    const NAN: Self;
    /// The name users write: `"f32"` or `"f64"`.
    const NAME: &'static str;
    /// Rounds to this type.
    fn from_f64(x: f64) -> Self;
    /// Widens without loss.
    fn to_f64(self) -> f64;
    /// e^x.
    fn exp(self) -> Self;
    /// ln(1 + x), exact near 0.
    fn ln_1p(self) -> Self;
    /// tanh x.
    fn tanh(self) -> Self;
    /// P(z < x), z a standard normal.
    fn normal(self) -> Self;
    /// The density of a standard normal.
    fn density(self) -> Self;
    /// The square root.
    fn sqrt(self) -> Self;
    /// |x|.
    fn abs(self) -> Self;
    /// The larger of two numbers.
    fn max(self, other: Self) -> Self;
    /// The smaller of two numbers.
    fn min(self, other: Self) -> Self;
    /// Neither NaN nor infinite.
    fn is_finite(self) -> bool;
    /// The bits as little-endian bytes, appended.
    fn push_le(self, out: &mut Vec<u8>);
    /// From little-endian bytes of exactly the size of the type.
    fn from_le(bytes: &[u8]) -> Self;
}

/// The same value, if `A` and `B` are the same type.
///
/// With it a generic function hands over to one for `f32` and one for `f64`, which are compiled once, with the engine, and not
/// again in every crate that calls the generic one.
pub(crate) fn same<A: 'static, B: 'static>(a: A) -> Result<B, A> {
    let mut a = Some(a);
    let b = (&mut a as &mut dyn Any).downcast_mut::<Option<B>>().and_then(Option::take);
    match (a, b) {
        (_, Some(b)) => Ok(b),
        (Some(a), None) => Err(a),
        (None, None) => unreachable!("a value is taken only where the types are the same"),
    }
}

/// A value of the type that `T` decides, from the two functions that make it for `f32` and for `f64`.
pub(crate) fn either<T: Real, B: 'static, S: 'static, D: 'static>(
    single: impl FnOnce() -> S,
    double: impl FnOnce() -> D,
) -> B {
    let made = if TypeId::of::<T>() == TypeId::of::<f32>() { same(single()).ok() } else { same(double()).ok() };
    made.unwrap_or_else(|| unreachable!("Real is f32 or f64"))
}

macro_rules! real {
    ($t:ident, $name:literal, $elementary:ident, $normal:path, $density:path) => {
        impl Real for $t {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const NAN: Self = $t::NAN;
            const NAME: &'static str = $name;
            #[inline(always)]
            fn from_f64(x: f64) -> Self {
                x as $t
            }
            #[inline(always)]
            fn to_f64(self) -> f64 {
                self as f64
            }
            #[inline(always)]
            fn exp(self) -> Self {
                elementary::$elementary::exp(self)
            }
            #[inline(always)]
            fn ln_1p(self) -> Self {
                elementary::$elementary::ln_1p(self)
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                <$t>::sqrt(self)
            }
            #[inline(always)]
            fn tanh(self) -> Self {
                elementary::$elementary::tanh(self)
            }
            #[inline(always)]
            fn normal(self) -> Self {
                $normal(self)
            }
            #[inline(always)]
            fn density(self) -> Self {
                $density(self)
            }
            #[inline(always)]
            fn abs(self) -> Self {
                $t::abs(self)
            }
            #[inline(always)]
            fn max(self, other: Self) -> Self {
                $t::max(self, other)
            }
            #[inline(always)]
            fn min(self, other: Self) -> Self {
                $t::min(self, other)
            }
            #[inline(always)]
            fn is_finite(self) -> bool {
                $t::is_finite(self)
            }
            fn push_le(self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }
            fn from_le(bytes: &[u8]) -> Self {
                let mut raw = [0; size_of::<$t>()];
                raw.copy_from_slice(bytes);
                $t::from_le_bytes(raw)
            }
        }
    };
}

real!(f32, "f32", single, normal::below_f32, normal::density_f32);
real!(f64, "f64", double, normal::below, normal::density);
