//! Step control: where in time a sample is, which nodes it has behind it, and how long its next step may be.

use super::quadrature::{Basis, NODES, Row, decaying, extrapolation, functional, plain, polynomial};

/// Nodes behind a step that its polynomials use at most.
pub const ORDER: usize = 4;
/// The shortest step (ms).
const SHORTEST: f64 = 1e-7;
/// The first step of a presentation (ms): the shortest time in which a soma or a trace changes much.
const FIRST: f64 = 0.1;
/// A step is at most so many times the one before.
const GROWTH: f64 = 2.0;
/// An error so many times what is allowed says that the nodes behind lie beyond a kink (the end of the lag): they are
/// forgotten.
const KINK: f64 = 5.0;
/// Sweeps that a step may take.
const SWEEPS: usize = 5;

/// What the step from t_n to t_n + h does with a soma of total conductance g: with s the sum of all currents but -g u,
/// u(t_n + h) = keep u(t_n) + sum of weights s, the new node's first.
#[derive(Clone, Copy, Debug, Default)]
pub struct Exponential {
    /// e^(-g h).
    pub keep: f64,
    /// Weights of s at the new node, then at the nodes behind, newest first (ms).
    pub weights: Row,
    /// Weight of the difference between s and its extrapolation in the estimate of the error (ms).
    pub error: f64,
}

/// What a clock waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// For the currents at its first node.
    Start,
    /// For the next step to be laid out, if there is one.
    Ready,
    /// For the sweeps of a step to settle.
    Sweeping,
}

/// What became of a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sweep {
    /// One more is needed.
    Again,
    /// Potentials have settled.
    Settled,
    /// They will not: the step is too long.
    Failed,
}

/// The time of samples that step together.
#[derive(Clone, Debug)]
pub struct Clock {
    /// First sample.
    pub first: usize,
    /// Number of samples.
    pub count: usize,
    /// The newest node (ms since the presentation began).
    pub t: f64,
    /// The step under way, or the last one (ms).
    pub h: f64,
    /// Where it began.
    pub from: f64,
    /// What comes next.
    pub status: Status,
    /// Per class of conductance.
    pub soma: [Exponential; 3],
    /// Weights of values at the nodes behind in their extrapolation to the new one.
    pub ahead: Row,
    /// Weights in the integral over the step (ms), the new node first.
    pub integral: Row,
    /// As [`Exponential::error`], for that integral.
    pub integral_error: f64,
    /// The nodes of the step under way: the new one (1), then the nodes behind, in units of the step.
    pub basis: Basis,
    /// Nodes behind that the step under way uses.
    pub order: usize,
    /// Where the values of each node lie, newest first; the last is free.
    pub slots: [usize; NODES],
    times: Row,
    behind: usize,
    wanted: f64,
    sweeps: usize,
    contraction: f64,
    change: f64,
}

impl Clock {
    /// Samples `first .. first + count` at the beginning of a presentation.
    pub fn new(first: usize, count: usize) -> Self {
        Clock {
            first,
            count,
            t: 0.0,
            h: 0.0,
            from: 0.0,
            status: Status::Start,
            soma: [Exponential::default(); 3],
            ahead: [0.0; NODES],
            integral: [0.0; NODES],
            integral_error: 0.0,
            basis: Basis::new(&[]),
            order: 0,
            slots: std::array::from_fn(|n| n),
            times: [0.0; NODES],
            behind: 0,
            wanted: FIRST,
            sweeps: 0,
            contraction: 0.5,
            change: 0.0,
        }
    }

    /// Takes the first node.
    pub fn start(&mut self) {
        (self.behind, self.times[0], self.status) = (1, 0.0, Status::Ready);
    }

    /// Lays out the next step, which ends at `event` (ms) at the latest. `totals`: g of each class (1/ms).
    pub fn lay_out(&mut self, event: f64, totals: [f64; 3]) {
        let left = event - self.t;
        // A last step of a few hundredths after a long one would be a waste.
        self.h = if left <= 1.01 * self.wanted { left } else { self.wanted.min(0.5 * left) };
        self.from = self.t;
        self.order = self.behind.min(ORDER);
        let mut x = [0.0; NODES];
        x[0] = 1.0;
        for (x, t) in x[1..].iter_mut().zip(&self.times[..self.order]) {
            *x = (t - self.t) / self.h;
        }
        self.ahead = extrapolation(&x[1..=self.order]);
        self.basis = Basis::new(&x[..=self.order]);
        // Of the lower order the new node's weight is all that is used.
        let lower = polynomial(&x[..self.order], 0);
        for (soma, g) in self.soma.iter_mut().zip(totals) {
            let moments = decaying(g * self.h, 1.0);
            let mut weights = self.basis.weights(&moments);
            weights.iter_mut().for_each(|w| *w *= self.h);
            let error = weights[0] - self.h * functional(&lower, &moments);
            // The moment of x^0 is (1 - e^(-g h)) / (g h).
            *soma = Exponential { keep: 1.0 - g * self.h * moments[0], weights, error };
        }
        let moments = plain(0.0, 1.0);
        self.integral = self.basis.weights(&moments);
        self.integral.iter_mut().for_each(|w| *w *= self.h);
        self.integral_error = self.integral[0] - self.h * functional(&lower, &moments);
        (self.status, self.sweeps, self.change) = (Status::Sweeping, 0, 0.0);
    }

    /// Judges a sweep that changed potentials by `change` (1: as much as may remain).
    pub fn sweep(&mut self, change: f64) -> Sweep {
        self.sweeps += 1;
        if !change.is_finite() {
            return Sweep::Failed;
        }
        if self.sweeps > 1 && self.change > 0.0 {
            let ratio = change / self.change;
            if ratio > 0.9 && change > 1.0 {
                return Sweep::Failed;
            }
            self.contraction = ratio.max(0.3 * self.contraction).min(1.0);
        }
        self.change = change;
        match self.contraction * change {
            left if left <= 0.3 => Sweep::Settled,
            _ if self.sweeps < SWEEPS => Sweep::Again,
            _ => Sweep::Failed,
        }
    }

    /// The step's error is so many times what is allowed (above 1), or its sweeps failed (infinite): a shorter one.
    /// False if there is none.
    pub fn reject(&mut self, error: f64) -> bool {
        let factor = if error.is_finite() { (0.8 * self.power(error)).clamp(0.1, 0.7) } else { 0.25 };
        self.wanted = self.h * factor;
        if error.is_finite() && error > KINK {
            self.behind = self.behind.min(2);
        }
        self.status = Status::Ready;
        self.wanted > SHORTEST
    }

    /// Takes the step, whose error is so many times what is allowed (at most 1).
    pub fn accept(&mut self, error: f64, event: f64) {
        let longest = self.h * (0.85 * self.power(error)).clamp(0.3, GROWTH);
        // A step cut short by an event says little about the next one.
        self.wanted =
            if self.h < 0.5 * self.wanted { self.wanted.min(longest.max(self.wanted * 0.7)) } else { longest };
        // Times of events are met exactly.
        self.pass(if self.t + 1.0000001 * self.h >= event { event } else { self.t + self.h });
    }

    /// Takes `t` as the newest node.
    pub fn pass(&mut self, t: f64) {
        self.t = t;
        self.times.rotate_right(1);
        self.times[0] = t;
        self.slots.rotate_right(1);
        self.behind = (self.behind + 1).min(NODES - 1);
        self.status = Status::Ready;
    }

    /// Goes on at `t` with steps of length `wanted`; nodes follow by [`Clock::pass`].
    pub fn resume(&mut self, t: f64, wanted: f64) {
        (self.t, self.wanted, self.contraction) = (t, wanted, 0.5);
    }

    /// How long the next step should be (ms).
    pub fn wanted(&self) -> f64 {
        self.wanted
    }

    /// Node `j` behind, in units of the step under way, whose beginning is 0.
    pub fn node(&self, j: usize) -> f64 {
        (self.times[j] - self.from) / self.h
    }

    fn power(&self, error: f64) -> f64 {
        error.max(1e-10).powf(-1.0 / (self.order as f64 + 1.0))
    }
}
