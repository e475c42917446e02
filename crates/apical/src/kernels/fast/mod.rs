//! Products of matrices with the rates of a batch, in vector instructions; the twins of [`super::matvec`].
//!
//! Every sum is taken in one order that depends on its own length alone: neither the place of a cell or of a sample in a
//! tile nor its neighbours, nor who computes it, changes a bit. So a batch gives what its samples give one by one, and the
//! number of threads does not matter.
//!
//! - [`sums`]: W r for one sample or many, and for two matrices in one pass
//! - [`back`]: W^T e
//! - [`outer`]: what e and r add to a matrix; [`fold`]: the same through the low-pass
//! - [`combine`]: sums of matrices, each with a factor

pub mod back;
pub mod combine;
pub mod fold;
pub mod outer;
pub mod sums;
#[cfg(test)]
mod tests;

use super::Isa;
use super::par::{self, Shared};

/// Multiply-adds that are worth a job of their own.
const JOB: usize = 1 << 16;

/// Who computes a product, and with which instructions. It changes no bit who does.
#[derive(Clone, Copy, Debug)]
pub struct By {
    /// With these instructions.
    pub isa: Isa,
    /// By the threads of the pool, where the work is worth it, or by the calling thread alone.
    pub pool: bool,
}

impl By {
    /// Cuts `n` rows (or columns) of `cost` multiply-adds each into jobs of whole multiples of `unit`, and does `work` from the
    /// first to the end of each. No two jobs share a row.
    #[inline(always)]
    fn jobs(self, n: usize, cost: usize, unit: usize, work: impl Fn(usize, usize) + Sync + Send) {
        if !self.pool || n * cost < 2 * JOB {
            return work(0, n);
        }
        let size = JOB.div_ceil(cost).next_multiple_of(unit);
        par::numbered(n.div_ceil(size), |job| work(job * size, n.min((job + 1) * size)));
    }
}

/// The size of nearly equal parts of `n`: at most `most` each.
#[inline(always)]
fn even(n: usize, most: usize) -> usize {
    n.div_ceil(n.div_ceil(most))
}

/// A loop that is always unrolled, for `$n` below `$end`, at most 6. Left to itself the compiler may keep a loop over sums that
/// stand in registers; to index them it would then hold them in memory, from their first term on.
macro_rules! unrolled {
    ($n:ident < $end:expr => $body:block) => {
        unrolled!($n < $end => $body; 0 1 2 3 4 5)
    };
    ($n:ident < $end:expr => $body:block; $($i:literal)*) => {
        $({
            const $n: usize = $i;
            if $n < $end $body
        })*
    };
}
use unrolled;

/// `$call` with `$N`, which is `$n`, known to the compiler: 1 to 6, for tiles that stand in registers.
macro_rules! counted {
    ($n:expr, $N:ident => $call:expr) => {
        counted!($n, $N => $call; 6 5 4 3 2)
    };
    ($n:expr, $N:ident => $call:expr; $($count:literal)*) => {
        match $n {
            $($count => {
                const $N: usize = $count;
                $call
            })*
            _ => {
                const $N: usize = 1;
                $call
            }
        }
    };
}
use counted;

/// Asks for the numbers at `x`, which will be needed soon.
#[inline(always)]
fn ask<T>(x: &[T]) {
    #[cfg(target_arch = "x86_64")]
    for line in x.chunks(64 / size_of::<T>()) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a hint: it reads nothing that the program could see.
        #[allow(unsafe_code)]
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast());
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = x;
}
