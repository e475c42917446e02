//! What is kept of a moment of time: currents, rates and errors of all samples.

use crate::circuit::params::{Network, Rates};
use crate::circuit::{Kind, Potentials};
use crate::kernels::Real;

/// Values at a node. Populations: pyramidal layers 1 to N, then the interneurons of layers 1 to N - 1.
#[derive(Clone, Debug)]
pub struct Node<T> {
    /// All currents of each population but the leak of its total conductance (1/ms).
    pub current: Vec<Vec<T>>,
    /// v_A of the hidden layers.
    pub apical: Vec<Vec<T>>,
    /// v_B of the output.
    pub top: Vec<T>,
    /// Rates of each population.
    pub rate: Vec<Vec<T>>,
    /// The traced input.
    pub input: Vec<T>,
    /// Errors of the forward rule.
    pub forward: Vec<Vec<T>>,
    /// Errors of the interneurons' rule.
    pub inter: Vec<Vec<T>>,
    /// Errors of the feedback rule.
    pub feedback: Vec<Vec<T>>,
}

/// A plastic projection.
#[derive(Clone, Copy, Debug)]
pub struct Site {
    /// Which tensor.
    pub kind: Kind,
    /// Its index.
    pub k: usize,
    /// Its rate.
    pub eta: f64,
    /// The sign of the rule's error in the one that is kept.
    pub sign: f64,
}

impl Site {
    /// True for the weights into layer 1.
    pub fn enters(&self) -> bool {
        (self.kind, self.k) == (Kind::Wpp, 0)
    }
}

/// Sizes of all populations.
pub fn populations(net: &Network) -> Vec<usize> {
    net.sizes[1..].iter().chain(&net.sizes[2..]).copied().collect()
}

impl<T: Real> Node<T> {
    /// Room for a net and a batch.
    pub fn new(net: &Network, samples: usize) -> Self {
        let n = &net.sizes;
        let depth = n.len() - 1;
        let zeros = |cells: &[usize]| cells.iter().map(|n| vec![T::ZERO; n * samples]).collect::<Vec<_>>();
        let all = populations(net);
        Node {
            current: zeros(&all),
            apical: zeros(&n[1..depth]),
            top: vec![T::ZERO; n[depth] * samples],
            rate: zeros(&all),
            input: vec![T::ZERO; n[0] * samples],
            forward: zeros(&n[1..]),
            inter: zeros(&n[2..]),
            feedback: zeros(&n[1..depth]),
        }
    }

    /// The error and the presynaptic rate of a projection, samples x cells; no rate: the bias.
    pub fn factors(&self, site: Site) -> (&[T], Option<&[T]>) {
        let (k, depth) = (site.k, self.forward.len());
        let below = |k: usize| if k == 0 { &self.input[..] } else { &self.rate[k - 1] };
        match site.kind {
            Kind::Wpp => (&self.forward[k], Some(below(k))),
            Kind::Bpp => (&self.forward[k], None),
            Kind::Wip => (&self.inter[k], Some(&self.rate[k])),
            Kind::Bip => (&self.inter[k], None),
            Kind::Wpi => (&self.apical[k], Some(&self.rate[depth + k])),
            Kind::Wpb => (&self.feedback[k], Some(&self.rate[k + 1])),
        }
    }

    /// Takes the values of `count` samples from `first` on. What is taken of all samples leaves other values behind.
    pub fn take(
        &mut self,
        p: &mut Potentials<T>,
        current: &mut [Vec<T>],
        input: &mut Vec<T>,
        samples: usize,
        first: usize,
        count: usize,
    ) {
        let take = |to: &mut Vec<T>, from: &mut Vec<T>| {
            if count == samples {
                return std::mem::swap(to, from);
            }
            let n = from.len() / samples;
            let at = first * n..(first + count) * n;
            to[at.clone()].copy_from_slice(&from[at]);
        };
        let rates = p.rate.iter_mut().chain(&mut p.rate_inter);
        let lists = self.rate.iter_mut().zip(rates).chain(self.current.iter_mut().zip(current));
        let lists = lists.chain(self.apical.iter_mut().zip(&mut p.apical));
        let lists = lists.chain(self.forward.iter_mut().zip(&mut p.error_forward));
        let lists = lists.chain(self.inter.iter_mut().zip(&mut p.error_inter));
        let lists = lists.chain(self.feedback.iter_mut().zip(&mut p.error_feedback));
        lists.for_each(|(to, from)| take(to, from));
        if let Some(top) = p.basal.last_mut() {
            take(&mut self.top, top);
        }
        if !input.is_empty() {
            take(&mut self.input, input);
        }
    }
}

/// The projections that learn, into `list`.
pub fn sites(net: &Network, rates: &Rates, list: &mut Vec<Site>) {
    let kinds = [
        (Kind::Wpp, &rates.pp),
        (Kind::Bpp, &rates.pp),
        (Kind::Wip, &rates.ip),
        (Kind::Bip, &rates.ip),
        (Kind::Wpi, &rates.pi),
        (Kind::Wpb, &rates.pb),
    ];
    for (kind, etas) in kinds {
        let there = net.bias_rate != 0.0 || !matches!(kind, Kind::Bpp | Kind::Bip);
        // The apical rule's error is -v_A, and v_A is what is kept.
        let sign = if kind == Kind::Wpi { -1.0 } else { 1.0 };
        let learn = etas.iter().enumerate().filter(|(_, eta)| there && **eta != 0.0);
        list.extend(learn.map(|(k, &eta)| Site { kind, k, eta, sign }));
    }
}
