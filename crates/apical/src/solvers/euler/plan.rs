//! Plans: in which way the steps of a presentation are computed. All ways give the reference's trajectory up to rounding.
//! A plan is a function of network, batch, number type and instruction set, never of a timing or the number of threads.

use crate::circuit::params::Network;
use crate::kernels::{Isa, Real};
use std::fmt;

/// A way of computing the steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// [`crate::circuit::step`], step by step in plain loops.
    Reference,
    /// One pattern in a small net: all weights in the nearest cache, updated in the pass that reads them.
    Fused,
    /// Weights stand still for a block of this many steps; what they learned in it is added to the potentials, and folded
    /// into them at its end.
    Blocks(usize),
    /// Products and updates of the whole batch at every step.
    Batch,
}

/// Names and descriptions of the ways.
pub const WAYS: [(&str, &str); 4] = [
    ("reference", "plain loops, step by step"),
    ("fused", "one pattern, a small net in the nearest cache"),
    ("blocks", "weights written once in a block of steps"),
    ("batch", "products over the whole batch at every step"),
];

/// Which way a user asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Choice {
    /// The one that costs least.
    #[default]
    Auto,
    /// This one.
    Given(Way),
}

/// A way and the instructions it uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// How steps are computed.
    pub way: Way,
    /// With which instructions.
    pub isa: Isa,
}

impl Plan {
    /// The reference.
    pub const REFERENCE: Plan = Plan { way: Way::Reference, isa: Isa::PLAIN };

    /// The plan for a net and a batch.
    pub fn new<T: Real>(choice: Choice, net: &Network, samples: usize, isa: Isa) -> Self {
        match choice {
            Choice::Auto if samples == 1 && upper_bytes::<T>(net) <= FUSED_BYTES => Plan { way: Way::Fused, isa },
            Choice::Auto => Plan { way: large(samples), isa },
            Choice::Given(way) => Plan { way, isa },
        }
    }

    /// The same for presentations of so many steps: no block is longer.
    pub fn within(self, steps: usize) -> Self {
        match self.way {
            Way::Blocks(block) => Plan { way: Way::Blocks(block.min(steps)), ..self },
            _ => self,
        }
    }
}

/// Where the fused way stops to win: bytes of weights and Delta above the first layer, about a second cache.
const FUSED_BYTES: usize = 1 << 20;

/// The way for nets that are too large for `fused`, and for batches.
///
/// A pass over a pair of W and Delta reads two numbers and, once a block of K steps, writes two; for each of B samples it
/// takes a multiply-add for the sum and, spread over the block, two for the fold, and one more to join W and Delta in the
/// steps that do not fold. One sample is bound by memory, and K = 3 has most of what longer blocks save, while their folds no
/// longer hide behind the reads; a few samples are bound by the folds, which K = 2 leaves short; from six on tiles of a product
/// are full, a fold of one step needs one multiply-add (what it adds reaches Delta alone), and blocks save nothing.
fn large(samples: usize) -> Way {
    match samples {
        1 => Way::Blocks(3),
        2..=5 => Way::Blocks(2),
        _ => Way::Batch,
    }
}

/// Bytes of weights and Delta above the first layer.
fn upper_bytes<T>(net: &Network) -> usize {
    let pairs = net.sizes[1..].windows(2).map(|n| n[0] * n[1]);
    pairs.sum::<usize>() * 4 * 2 * size_of::<T>()
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.way {
            Way::Reference => f.write_str("reference"),
            Way::Fused => f.write_str("fused"),
            Way::Blocks(steps) => write!(f, "blocks of {steps}"),
            Way::Batch => f.write_str("batch"),
        }?;
        write!(f, ", {}", self.isa.name())
    }
}
