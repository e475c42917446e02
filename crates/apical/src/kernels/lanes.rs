//! `Lanes`: vectors of `f32` or `f64` under one name, so that a kernel is written once for both.

use pulp::{Scalar256b, Simd};
use std::any::TypeId;

/// A number of which a vector register holds several.
pub trait Lanes: Copy + Sized {
    /// A vector register of instruction set `S`.
    type Vector<S: Simd>: Copy;

    /// Numbers in a vector.
    fn count<S: Simd>() -> usize;
    /// `x` in every lane.
    fn splat<S: Simd>(simd: S, x: Self) -> Self::Vector<S>;
    /// Whole vectors, and what is left.
    fn split<S: Simd>(x: &[Self]) -> (&[Self::Vector<S>], &[Self]);
    /// Whole vectors, and what is left, to change.
    fn split_mut<S: Simd>(x: &mut [Self]) -> (&mut [Self::Vector<S>], &mut [Self]);
    /// A vector from the first numbers of a slice that may be shorter than one; 0 in the other lanes.
    fn load_part<S: Simd>(simd: S, x: &[Self]) -> Self::Vector<S>;
    /// As many lanes as the slice has, or all.
    fn store_part<S: Simd>(simd: S, x: &mut [Self], v: Self::Vector<S>);
    /// a b + c, fused where the set can.
    fn mul_add<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>, c: Self::Vector<S>) -> Self::Vector<S>;
    /// a + b.
    fn add<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// a - b.
    fn sub<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// a b.
    fn mul<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// Sum over the lanes.
    fn sum<S: Simd>(simd: S, a: Self::Vector<S>) -> Self;
}

/// True for the set without vector instructions of its own: a fused multiply-add would be a call for each lane.
#[inline(always)]
fn is_plain<S: Simd>() -> bool {
    TypeId::of::<S>() == TypeId::of::<Scalar256b>()
}

macro_rules! lanes {
    ($t:ident, $vec:ident, $count:ident, $splat:ident, $split:ident, $split_mut:ident, $load:ident, $store:ident,
     $mul_add:ident, $add:ident, $sub:ident, $mul:ident, $sum:ident) => {
        impl Lanes for $t {
            type Vector<S: Simd> = S::$vec;
            #[inline(always)]
            fn count<S: Simd>() -> usize {
                S::$count
            }
            #[inline(always)]
            fn splat<S: Simd>(simd: S, x: Self) -> S::$vec {
                simd.$splat(x)
            }
            #[inline(always)]
            fn split<S: Simd>(x: &[Self]) -> (&[S::$vec], &[Self]) {
                S::$split(x)
            }
            #[inline(always)]
            fn split_mut<S: Simd>(x: &mut [Self]) -> (&mut [S::$vec], &mut [Self]) {
                S::$split_mut(x)
            }
            #[inline(always)]
            fn load_part<S: Simd>(simd: S, x: &[Self]) -> S::$vec {
                simd.$load(x)
            }
            #[inline(always)]
            fn store_part<S: Simd>(simd: S, x: &mut [Self], v: S::$vec) {
                simd.$store(x, v)
            }
            #[inline(always)]
            fn mul_add<S: Simd>(simd: S, a: S::$vec, b: S::$vec, c: S::$vec) -> S::$vec {
                if is_plain::<S>() { simd.$add(simd.$mul(a, b), c) } else { simd.$mul_add(a, b, c) }
            }
            #[inline(always)]
            fn add<S: Simd>(simd: S, a: S::$vec, b: S::$vec) -> S::$vec {
                simd.$add(a, b)
            }
            #[inline(always)]
            fn sub<S: Simd>(simd: S, a: S::$vec, b: S::$vec) -> S::$vec {
                simd.$sub(a, b)
            }
            #[inline(always)]
            fn mul<S: Simd>(simd: S, a: S::$vec, b: S::$vec) -> S::$vec {
                simd.$mul(a, b)
            }
            #[inline(always)]
            fn sum<S: Simd>(simd: S, a: S::$vec) -> Self {
                simd.$sum(a)
            }
        }
    };
}

lanes!(
    f32,
    f32s,
    F32_LANES,
    splat_f32s,
    as_simd_f32s,
    as_mut_simd_f32s,
    partial_load_f32s,
    partial_store_f32s,
    mul_add_e_f32s,
    add_f32s,
    sub_f32s,
    mul_f32s,
    reduce_sum_f32s
);
lanes!(
    f64,
    f64s,
    F64_LANES,
    splat_f64s,
    as_simd_f64s,
    as_mut_simd_f64s,
    partial_load_f64s,
    partial_store_f64s,
    mul_add_e_f64s,
    add_f64s,
    sub_f64s,
    mul_f64s,
    reduce_sum_f64s
);
