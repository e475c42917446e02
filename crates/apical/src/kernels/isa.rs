//! Instruction sets: which one a kernel is compiled for is chosen at run time, from what the CPU has.
//!
//! A kernel is written once, generic over [`pulp::Simd`]; [`Isa::run`] compiles it for each set and calls the one chosen.
//! Bits may differ between sets (fused multiply-adds, widths of sums), so a run's plan names its own.

use super::Lanes;
use pulp::{Simd, WithSimd};
use std::marker::PhantomData;
use std::sync::OnceLock;

/// A set of vector instructions that this CPU has.
#[derive(Clone, Copy, Debug)]
pub struct Isa(Token);

/// Proof that the CPU has a set: pulp gives these out only after it has asked the CPU.
#[derive(Clone, Copy, Debug)]
enum Token {
    Plain,
    #[cfg(target_arch = "x86_64")]
    Avx2(pulp::x86::V3),
    #[cfg(target_arch = "x86_64")]
    Avx512(pulp::x86::V4),
    #[cfg(target_arch = "aarch64")]
    Neon(pulp::aarch64::Neon),
}

impl Isa {
    /// No more than every CPU of the architecture has: always there.
    pub const PLAIN: Isa = Isa(Token::Plain);

    /// All sets that this CPU has, the plain one first and the best one last.
    pub fn all() -> Vec<Isa> {
        let mut list = Vec::new();
        Isa::each(|isa| list.push(isa));
        list
    }

    fn each(mut found: impl FnMut(Isa)) {
        found(Isa::PLAIN);
        #[cfg(target_arch = "x86_64")]
        {
            pulp::x86::V3::try_new().map(|token| Isa(Token::Avx2(token))).into_iter().for_each(&mut found);
            pulp::x86::V4::try_new().map(|token| Isa(Token::Avx512(token))).into_iter().for_each(&mut found);
        }
        #[cfg(target_arch = "aarch64")]
        pulp::aarch64::Neon::try_new().map(|token| Isa(Token::Neon(token))).into_iter().for_each(&mut found);
    }

    /// The best set of this CPU. Allocates nothing: a step may ask.
    pub fn best() -> Isa {
        static BEST: OnceLock<Isa> = OnceLock::new();
        *BEST.get_or_init(|| {
            let mut best = Isa::PLAIN;
            Isa::each(|isa| best = isa);
            best
        })
    }

    /// The set of this name, if the CPU has it.
    pub fn from_name(name: &str) -> Option<Isa> {
        Isa::all().into_iter().find(|isa| isa.name() == name)
    }

    /// `plain`, `avx2`, `avx512` or `neon`.
    pub fn name(self) -> &'static str {
        match self.0 {
            Token::Plain => "plain",
            #[cfg(target_arch = "x86_64")]
            Token::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Token::Avx512(_) => "avx512",
            #[cfg(target_arch = "aarch64")]
            Token::Neon(_) => "neon",
        }
    }

    /// Numbers in a vector of this set.
    pub fn lanes<T: Lanes>(self) -> usize {
        struct Count<T>(PhantomData<T>);
        impl<T: Lanes> WithSimd for Count<T> {
            type Output = usize;
            #[inline(always)]
            fn with_simd<S: Simd>(self, _: S) -> usize {
                T::count::<S>()
            }
        }
        self.run(Count(PhantomData::<T>))
    }

    /// Runs a kernel with this set.
    #[inline]
    pub fn run<Op: WithSimd>(self, op: Op) -> Op::Output {
        match self.0 {
            Token::Plain => pulp::Scalar256b.vectorize(op),
            #[cfg(target_arch = "x86_64")]
            Token::Avx2(token) => Simd::vectorize(token, op),
            #[cfg(target_arch = "x86_64")]
            Token::Avx512(token) => Simd::vectorize(token, op),
            #[cfg(target_arch = "aarch64")]
            Token::Neon(token) => Simd::vectorize(token, op),
        }
    }
}

impl PartialEq for Isa {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Isa {}
