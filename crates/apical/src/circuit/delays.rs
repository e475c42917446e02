//! Delays between layers: what reaches a cell from another layer is as old as the way is long.
//!
//! Rates from below and above (basal and feedback synapses, their plasticity included) and the somas that nudge interneurons are
//! those of some steps ago; what happens within a layer is at once. The input is not delayed: that would only shift time.

use super::params::Rates;
use super::plasticity::{self, Sink};
use super::potentials;
use super::state::{Potentials, State};
use super::step::Constants;
use super::tensors::Tensors;
use crate::kernels::Real;

/// Rates and somas of all layers.
#[derive(Clone, Debug, Default)]
struct Cells<T> {
    rate: Vec<Vec<T>>,
    soma: Vec<Vec<T>>,
}

/// What the cells did some steps ago. Made once; a step only overwrites it.
#[derive(Clone, Debug)]
pub struct Delays<T> {
    /// A place for each step of the delay.
    ring: Vec<Cells<T>>,
    at: usize,
    past: Cells<T>,
    fresh: bool,
    /// Rates of the synapses within a layer, the first ones included, and of those between layers.
    own: Rates,
    between: Rates,
}

impl<T: Real> Delays<T> {
    /// For a delay of so many steps, at least one.
    pub fn new(steps: usize) -> Self {
        Delays {
            ring: vec![Cells::default(); steps],
            at: 0,
            past: Cells::default(),
            fresh: true,
            own: Rates::default(),
            between: Rates::default(),
        }
    }

    /// To be called at the beginning of a presentation: what was before counts as standing still.
    pub fn begin(&mut self) {
        self.fresh = true;
    }

    /// Takes in what the cells do, with their rates in `p`, and puts into `p` what reaches them from other layers.
    pub fn pass(&mut self, c: &Constants<T>, weights: &Tensors<T>, state: &State<T>, p: &mut Potentials<T>) {
        let take = |cells: &mut Cells<T>| {
            cells.rate.clone_from(&p.rate);
            cells.soma.clone_from(&state.soma);
        };
        if self.fresh {
            self.ring.iter_mut().for_each(take);
            self.fresh = false;
        }
        std::mem::swap(&mut self.past, &mut self.ring[self.at]);
        take(&mut self.ring[self.at]);
        self.at = (self.at + 1) % self.ring.len();
        let rate = &self.past.rate;
        for k in 1..p.basal.len() {
            potentials::basal(c.plan, &weights.pp[k], weights.bpp.get(k), c.beta_b, &rate[k - 1], &mut p.basal[k]);
        }
        for k in 0..p.apical.len() {
            c.plan.weighted_sum(&weights.pb[k], &rate[k + 1], &mut p.apical_feedback[k]);
            let parts = p.apical_feedback[k].iter().zip(&p.apical_lateral[k]);
            p.apical[k].iter_mut().zip(parts).for_each(|(v, (&f, &l))| *v = f + l);
        }
    }

    /// Interneurons are nudged by what the cells above were; to be called after the derivatives are in `p`.
    pub fn nudge(&self, c: &Constants<T>, state: &State<T>, p: &mut Potentials<T>) {
        for (k, du) in p.d_inter.iter_mut().enumerate() {
            let (was, is) = (&self.past.soma[k + 1], &state.soma[k + 1]);
            du.iter_mut().zip(was.iter().zip(is)).for_each(|(du, (&was, &is))| *du += c.g.som_i * (was - is));
        }
    }

    /// [`plasticity::apply`], the presynaptic rates from other layers being old.
    pub fn apply(
        &mut self,
        c: &Constants<T>,
        rates: &Rates,
        dt: f64,
        r_in: &[T],
        p: &mut Potentials<T>,
        sink: &mut Sink<T>,
    ) {
        self.own.clone_from(rates);
        self.between.clone_from(rates);
        self.own.pp[1..].fill(0.0);
        self.own.pb.fill(0.0);
        self.between.pp[0] = 0.0;
        self.between.ip.fill(0.0);
        self.between.pi.fill(0.0);
        plasticity::apply(c.plan, &self.own, dt, r_in, p, sink);
        std::mem::swap(&mut p.rate, &mut self.past.rate);
        plasticity::apply(c.plan, &self.between, dt, r_in, p, sink);
        std::mem::swap(&mut p.rate, &mut self.past.rate);
    }
}
