//! Between the nodes: somas at any time of the last step, for observers, and the output's average over the window.

use super::cells::{Cells, class};
use super::clock::Clock;
use super::node::Node;
use super::pace::{Aim, Pace, Setting};
use super::quadrature::{NODES, decaying, plain};
use crate::circuit::params::Network;
use crate::circuit::{Potentials, State, Tensors, potentials};
use crate::kernels::{Product, Real};
use crate::solvers::euler::engine::Answer;
use crate::solvers::{Observer, Shown, View, Wants};
use std::ops::Range;

/// Somas of population `k` at `time` (ms), which lies in the clock's last step; `to` holds all samples.
pub fn somas<T: Real>(
    cells: &Cells<T>,
    nodes: &[Node<T>],
    clock: &Clock,
    g: [f64; 3],
    time: f64,
    k: usize,
    to: &mut [T],
) {
    let n = to.len() / cells.samples;
    let at = clock.first * n..(clock.first + clock.count) * n;
    if time >= clock.t {
        to[at.clone()].copy_from_slice(&cells.soma[k][at]);
        return;
    }
    let b = (time - clock.from) / clock.h;
    let g_h = g[class(k, cells.p.rate.len())] * clock.h;
    let weights = clock.basis.weights(&decaying(g_h, b));
    let keep = T::from_f64((-g_h * b).exp());
    to[at.clone()].iter_mut().zip(&cells.before[k][at.clone()]).for_each(|(u, &before)| *u = keep * before);
    for (j, weight) in weights.iter().enumerate().take(clock.order + 1) {
        let w = T::from_f64(weight * clock.h);
        let s = &nodes[clock.slots[j]].current[k][at.clone()];
        to[at.clone()].iter_mut().zip(s).for_each(|(u, &s)| *u += w * s);
    }
}

/// The output of samples that step together.
pub struct Top<'a, T> {
    /// Somas at the newest node, and at the one before.
    pub soma: &'a [T],
    pub before: &'a [T],
    /// Basal potentials and currents at the nodes, newest first.
    pub v_b: [&'a [T]; NODES],
    pub current: [&'a [T]; NODES],
}

impl<'a, T: Real> Top<'a, T> {
    /// Of a clock's samples.
    pub fn of(cells: &'a Cells<T>, nodes: &'a [Node<T>], clock: &Clock) -> (Self, Range<usize>) {
        let k = cells.p.rate.len() - 1;
        let n = cells.soma[k].len() / cells.samples;
        let at = clock.first * n..(clock.first + clock.count) * n;
        let top = Top {
            soma: &cells.soma[k][at.clone()],
            before: &cells.before[k][at.clone()],
            v_b: clock.slots.map(|slot| &nodes[slot].top[at.clone()]),
            current: clock.slots.map(|slot| &nodes[slot].current[k][at.clone()]),
        };
        (top, at)
    }
}

/// Adds the last step's share of the average over the window to `output` (a clock's samples x n_N). `g`: the output's total
/// conductance (1/ms).
pub fn average<T: Real>(
    setting: &Setting,
    aim: &Aim,
    top: &Top<'_, T>,
    clock: &Clock,
    g: f64,
    answer: Answer,
    output: &mut [T],
) {
    let window = aim.end - aim.window;
    if window == 0.0 {
        if clock.t >= aim.end {
            match answer {
                Answer::Prediction => {
                    let factor = T::from_f64(setting.output);
                    output.iter_mut().zip(top.v_b[0]).for_each(|(o, &v)| *o = factor * v);
                }
                Answer::Soma => output.copy_from_slice(&top.soma[..output.len()]),
            }
        }
        return;
    }
    if clock.t <= aim.window {
        return;
    }
    let a = ((aim.window - clock.from) / clock.h).max(0.0);
    let whole = clock.basis.weights(&plain(a, 1.0));
    match answer {
        Answer::Prediction => {
            let share = setting.output * clock.h / window;
            for (j, weight) in whole.iter().enumerate().take(clock.order + 1) {
                let w = T::from_f64(weight * share);
                output.iter_mut().zip(top.v_b[j]).for_each(|(o, &v)| *o += w * v);
            }
        }
        Answer::Soma => {
            // u' = -g u + s, so the integral of u is (that of s, + u at its beginning, - u at its end) / g.
            let share = 1.0 / (g * window);
            let early = clock.basis.weights(&decaying(g * clock.h, a));
            let (first, last) = (T::from_f64(share * (-g * clock.h * a).exp()), T::from_f64(share));
            let ends = top.before.iter().zip(top.soma);
            output.iter_mut().zip(ends).for_each(|(o, (&u, &v))| *o += first * u - last * v);
            for j in 0..=clock.order {
                let w = T::from_f64((whole[j] + early[j]) * clock.h * share);
                output.iter_mut().zip(top.current[j]).for_each(|(o, &s)| *o += w * s);
            }
        }
    }
}

/// What is wanted of a presentation by an observer, asked step of dt after step of dt.
pub struct Asked {
    /// The step asked about last; wanted unless it is beyond the presentation.
    step: usize,
    wants: Wants,
    steps: usize,
    first: u64,
    dt: f64,
}

impl Asked {
    /// About `steps` steps of `dt` ms after step number `first` of the run.
    pub fn new<T>(first: u64, steps: usize, dt: f64, observer: &mut dyn Observer<T>) -> Self {
        let steps = if observer.looks() { steps } else { 0 };
        let mut asked = Asked { step: 0, wants: Wants::Nothing, steps, first, dt };
        asked.next(observer);
        asked
    }

    /// Goes on to the next step of which something is wanted.
    pub fn next<T>(&mut self, observer: &mut dyn Observer<T>) {
        while self.step <= self.steps {
            self.step += 1;
            if self.step <= self.steps {
                self.wants = observer.wants(self.first + self.step as u64);
                if self.wants != Wants::Nothing {
                    return;
                }
            }
        }
    }

    /// When the next look is due (ms since the presentation began), if ever.
    pub fn due(&self) -> Option<f64> {
        (self.step <= self.steps).then_some(self.step as f64 * self.dt)
    }
}

/// What observers see: copies.
pub struct Seen<T> {
    /// Somas and traces at the time seen.
    pub state: State<T>,
    potentials: Potentials<T>,
    /// Weights at the time seen.
    pub weights: Tensors<T>,
}

impl<T: Real> Seen<T> {
    /// Room for a net and a batch.
    pub fn new(net: &Network, samples: usize) -> Self {
        let weights = Tensors::default();
        Seen { state: State::rest(net, samples), potentials: Potentials::new(net, samples), weights }
    }

    /// Shows the circuit at the time that is due; [`Seen::weights`] are those of that time.
    pub fn show(
        &mut self,
        setting: &Setting,
        cells: &Cells<T>,
        nodes: &[Node<T>],
        paces: &[Pace],
        shown: &Shown<'_, T>,
        asked: &Asked,
        observer: &mut dyn Observer<T>,
    ) {
        let time = asked.step as f64 * asked.dt;
        let g = cells.totals(shown.target.is_some());
        let populations = self.state.soma.iter_mut().chain(&mut self.state.inter);
        for (k, to) in populations.enumerate() {
            paces.iter().for_each(|pace| somas(cells, nodes, &pace.clock, g, time, k, to));
        }
        cells.traces_at(shown, time, &mut self.state);
        self.tell(setting, cells.plan, shown, asked, observer);
    }

    /// Shows [`Seen::state`] and [`Seen::weights`], with the potentials that follow from them.
    pub fn tell(
        &mut self,
        setting: &Setting,
        plan: Product,
        shown: &Shown<'_, T>,
        asked: &Asked,
        observer: &mut dyn Observer<T>,
    ) {
        self.state.step = asked.first + asked.step as u64;
        let p = &mut self.potentials;
        let phi = setting.net.activation;
        self.state.soma.iter().zip(&mut p.rate).for_each(|(u, r)| phi.rates(u, r));
        self.state.inter.iter().zip(&mut p.rate_inter).for_each(|(u, r)| phi.rates(u, r));
        let beta_b = T::from_f64(setting.net.bias_rate);
        potentials::all(plan, &self.weights, beta_b, &self.state.trace_input, p);
        let (state, potentials, weights) = (&self.state, &self.potentials, &self.weights);
        observer.after_step(&View { step: state.step, state, potentials, weights, target: shown.target });
    }
}
