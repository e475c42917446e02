//! Where the values of one sample lie: one record, all populations of a kind of value side by side, filled up with zeros.

use crate::circuit::params::Network;
use crate::kernels::activation::GROUP;
use std::ops::Range;

/// Places in a record. Populations: pyramidal layers 1 to N, then the interneurons of layers 1 to N - 1.
#[derive(Clone, Debug)]
pub struct Layout {
    /// Cells of each population, and its places.
    pub populations: Vec<(usize, Range<usize>)>,
    /// Number of layers N.
    pub depth: usize,
    /// Places of all cells, and of the hidden pyramidal ones, which come first.
    pub all: usize,
    pub hidden: usize,
    /// Places of the output.
    pub top: Range<usize>,
    /// Where currents begin; somas begin at 0. From here to `v` a node is kept.
    pub s: usize,
    /// Rates.
    pub r: usize,
    /// Errors of the forward rule and of the interneurons'.
    pub e: usize,
    /// Apical potentials, hidden.
    pub apical: usize,
    /// Errors of the feedback rule, hidden.
    pub e_feedback: usize,
    /// Basal potentials and those of the interneurons' dendrites.
    pub v: usize,
    /// The two parts of the apical potentials, hidden.
    pub feedback: usize,
    pub lateral: usize,
    /// Target potentials, output.
    pub target: usize,
    /// Somas at the newest node.
    pub soma: usize,
    /// What of the new somas does not depend on their currents.
    pub base: usize,
    /// Extrapolated currents.
    pub ahead: usize,
    /// Somas one sweep earlier.
    pub last: usize,
    /// Length of a record.
    pub size: usize,
}

impl Layout {
    pub fn new(net: &Network) -> Self {
        let (n, depth) = (&net.sizes, net.sizes.len() - 1);
        let mut at = 0;
        let mut place = |cells: usize| {
            let start = at;
            at += cells.next_multiple_of(GROUP);
            start..at
        };
        let populations: Vec<_> = n[1..].iter().chain(&n[2..]).map(|&cells| (cells, place(cells))).collect();
        let (all, top) = (populations[2 * depth - 2].1.end, populations[depth - 1].1.clone());
        let (hidden, output) = (top.start, top.len());
        let mut next = all;
        let mut section = |length: usize| {
            next += length;
            next - length
        };
        let (s, r, e) = (section(all), section(all), section(all));
        let (apical, e_feedback, v) = (section(hidden), section(hidden), section(all));
        let (feedback, lateral, target) = (section(hidden), section(hidden), section(output));
        let (soma, base, ahead, last) = (section(all), section(all), section(all), section(all));
        let size = section(0);
        #[rustfmt::skip]
        let layout = Layout {
            populations, depth, all, hidden, top, s, r, e, apical, e_feedback, v, feedback, lateral, target, soma, base,
            ahead, last, size,
        };
        layout
    }

    /// Places of pyramidal layer `k` (from 0).
    #[inline(always)]
    pub fn pyramidal(&self, k: usize) -> Range<usize> {
        self.populations[k].1.clone()
    }

    /// Places of the interneurons of hidden layer `k` (from 0).
    #[inline(always)]
    pub fn inter(&self, k: usize) -> Range<usize> {
        self.populations[self.depth + k].1.clone()
    }

    /// Length of what is kept of a node.
    pub fn kept(&self) -> usize {
        self.v - self.s
    }

    /// Places of the three classes of conductance: hidden, interneurons, output.
    #[inline(always)]
    pub fn classes(&self) -> [Range<usize>; 3] {
        [0..self.hidden, self.top.end..self.all, self.top.clone()]
    }
}
