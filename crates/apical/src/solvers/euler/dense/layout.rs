//! Populations whose rates are presynaptic, and the projections between populations, each in one list.

use crate::circuit::params::{Network, Rates};
use crate::circuit::{Kind, Tensors};
use crate::kernels::folded::sum_part;
use crate::kernels::{Isa, Mat, Padded, Real, RowsMut};

use super::change::Coefficients;

/// Cells that projections start from. All of these share one history of their rates.
pub struct Population<T> {
    /// Rates of this step: samples x cells.
    pub now: Padded<T>,
    /// Rates of the steps of the open block, alike; empty where no weights onto them learn.
    pub history: Vec<Padded<T>>,
    /// What the rates of this step and those of the block have in common: alpha_s / B r_t . r_s, samples x (step, sample).
    pub overlap: Vec<T>,
}

impl<T: Real> Population<T> {
    fn new(cells: usize, samples: usize) -> Self {
        Population { now: Padded::zeros(samples, cells), history: Vec::new(), overlap: Vec::new() }
    }

    /// Finds the overlap with the steps of the block that have reached the weights.
    pub fn compare(&mut self, isa: Isa, coefficients: &Coefficients, samples: usize) {
        let steps = coefficients.in_weights();
        let stride = steps * samples;
        self.overlap.resize(samples * stride, T::ZERO);
        for (step, then) in self.history[..steps].iter().enumerate() {
            let data = &mut self.overlap[step * samples..];
            sum_part(isa, then.view(), self.now.view(), RowsMut { data, rows: samples, cols: samples, stride });
        }
        for overlaps in self.overlap.chunks_exact_mut(stride) {
            for (overlaps, &alpha) in overlaps.chunks_exact_mut(samples).zip(&coefficients.alpha) {
                let share = T::from_f64(alpha / samples as f64);
                overlaps.iter_mut().for_each(|overlap| *overlap *= share);
            }
        }
    }

    /// This step joins the block.
    pub fn append(&mut self, step: usize) {
        if let Some(slot) = self.history.get_mut(step) {
            std::mem::swap(slot, &mut self.now);
        }
    }
}

/// All populations, in the order that [`source`] counts: the input, layers 1 to N, interneurons of layers 1 to N - 1.
pub fn populations<T: Real>(net: &Network, samples: usize) -> Vec<Population<T>> {
    let n = &net.sizes;
    n.iter().chain(&n[2..]).map(|&cells| Population::new(cells, samples)).collect()
}

/// The population from which projection `k` (from 0) of a kind starts, in a net of depth N.
fn source(kind: Kind, k: usize, depth: usize) -> usize {
    match kind {
        Kind::Wpp => k,
        Kind::Wip => k + 1,
        Kind::Wpb => k + 2,
        _ => depth + 1 + k,
    }
}

/// One weight matrix.
pub struct Projection<T> {
    /// Its kind.
    pub kind: Kind,
    /// Its place in the kind's list.
    pub k: usize,
    /// Postsynaptic cells.
    pub rows: usize,
    /// Presynaptic cells.
    pub cols: usize,
    /// The presynaptic population.
    pub source: usize,
    /// dt eta; 0: its rule is off.
    pub rate: f64,
    /// Errors of the steps of the open block, samples x rows each; empty where the weights never learned.
    pub errors: Vec<Vec<T>>,
}

/// All projections of a net.
pub fn projections<T: Real>(net: &Network) -> Vec<Projection<T>> {
    let depth = net.sizes.len() - 1;
    let shapes = Tensors::<T>::zeros(&net.sizes, false);
    let mut list = Vec::new();
    for kind in [Kind::Wpp, Kind::Wpb, Kind::Wip, Kind::Wpi] {
        for (k, m) in shapes.kind(kind).iter().enumerate() {
            let source = source(kind, k, depth);
            list.push(Projection { kind, k, rows: m.rows, cols: m.cols, source, rate: 0.0, errors: Vec::new() });
        }
    }
    list
}

/// Where the projections of each kind stand in the list: basal, feedback, onto interneurons, lateral.
pub fn by_kind(depth: usize) -> [std::ops::Range<usize>; 4] {
    let hidden = depth - 1;
    [0..depth, depth..depth + hidden, depth + hidden..depth + 2 * hidden, depth + 2 * hidden..depth + 3 * hidden]
}

impl<T: Real> Projection<T> {
    /// Its learning rate (0: off).
    pub fn eta(&self, rates: &Rates) -> f64 {
        match self.kind {
            Kind::Wpp | Kind::Bpp => rates.pp[self.k],
            Kind::Wpb => rates.pb[self.k],
            Kind::Wip | Kind::Bip => rates.ip[self.k],
            Kind::Wpi => rates.pi[self.k],
        }
    }

    /// Its matrix in a set of tensors.
    pub fn of<'a>(&self, tensors: &'a Tensors<T>) -> &'a Mat<T> {
        &tensors.kind(self.kind)[self.k]
    }

    /// The same, to change.
    pub fn of_mut<'a>(&self, tensors: &'a mut Tensors<T>) -> &'a mut Mat<T> {
        &mut tensors.kind_mut(self.kind)[self.k]
    }
}
