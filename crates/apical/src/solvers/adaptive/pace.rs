//! How large an error may be: the samples that step together, with the scales against which their errors are held.

use super::cells::Cells;
use super::clock::Clock;
use super::node::Site;
use super::quadrature::{NODES, Row};
use crate::circuit::Kind;
use crate::circuit::params::{LagKind, Network, Rates, Timing};
use crate::kernels::Real;
use crate::solvers::{Cell, Trouble};

/// Before anything is learned or answered an error is forgotten at this rate (1/ms): half of what the slowest soma
/// forgets in the circuits of the literature.
const FORGETTING: f64 = 0.5;
/// Errors of potentials stay below this even where all of them will be forgotten.
const MOST: f64 = 3e-3;
/// Rules' errors (differences of rates) smaller than this are not resolved to the tolerance.
const SMALLEST: f64 = 1e-3;
/// What a potential's error is held against before the rules' errors are known: their usual size under a nudge.
const USUAL: f64 = 0.03;
/// The error of one step may be so many tolerances: it is an estimate for the lower order, and steps' errors partly cancel.
/// With 10 the error of what a presentation teaches stays below the tolerance on the circuits of the tests.
const STEP: f64 = 10.0;

/// What does not change from one presentation to the next.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The net.
    pub net: Network,
    /// Times.
    pub timing: Timing,
    /// Low-pass of the weight change (ms).
    pub tau_w: Option<f64>,
    /// Relative error of what a presentation teaches.
    pub tolerance: f64,
    /// Potentials beyond it count as divergence.
    pub bound: f64,
    /// vhat_B,N / v_B,N.
    pub output: f64,
}

/// What errors are counted for, and when (ms).
#[derive(Clone, Copy, Debug)]
pub struct Aim {
    /// Something is learned.
    pub learns: bool,
    /// Weights move from here on.
    pub lag: f64,
    /// The rules are integrated from here on.
    pub learning: f64,
    /// Errors count in full from here on.
    pub goal: f64,
    /// The average over the output begins here.
    pub window: f64,
    /// The presentation ends here.
    pub end: f64,
    tolerance: f64,
    rounding: f64,
}

impl Setting {
    /// Steps of dt in a presentation.
    pub fn steps(&self) -> usize {
        self.timing.steps(self.timing.presentation)
    }

    /// The aim of a presentation; `rates` if something is learned.
    pub fn aim<T: Real>(&self, rates: Option<&Rates>) -> Aim {
        let timing = &self.timing;
        let ms = |ms: f64| timing.steps(ms) as f64 * timing.dt;
        let end = ms(timing.presentation);
        let lag = ms(timing.lag).min(end);
        let window = end - ms(timing.window).min(end);
        let all =
            |rates: &Rates| rates.pp.iter().chain(&rates.ip).chain(&rates.pi).chain(&rates.pb).any(|&eta| eta != 0.0);
        let learns = rates.is_some_and(all);
        let learning = if timing.lag_kind == LagKind::Filter { 0.0 } else { lag };
        // Half the unit in the last place of a potential of order 1, four times.
        let rounding = if T::NAME == "f32" { 2.4e-7 } else { 4.4e-16 };
        Aim {
            learns,
            lag,
            learning,
            goal: if learns { learning } else { window },
            window,
            end,
            tolerance: self.tolerance,
            rounding,
        }
    }
}

/// NaN must not be lost in a maximum.
#[inline(always)]
pub fn larger(worst: f64, x: f64) -> f64 {
    if x.is_nan() { f64::INFINITY } else { worst.max(x) }
}

/// The population whose measure is largest, the first of several.
pub fn largest(measures: impl Iterator<Item = (usize, f64)>) -> usize {
    let mut worst = (0, f64::NEG_INFINITY);
    for (population, x) in measures {
        let x = larger(0.0, x);
        if x > worst.1 {
            worst = (population, x);
        }
    }
    worst.0
}

/// What populations are called.
pub fn named(population: usize, depth: usize) -> (Cell, usize) {
    match population.checked_sub(depth) {
        None => (Cell::Pyramidal, population + 1),
        Some(k) => (Cell::Interneuron, k + 1),
    }
}

/// Samples that step together.
#[derive(Clone, Debug)]
pub struct Pace {
    /// Their time.
    pub clock: Clock,
    /// Weights that the nodes have got in the sums gathered (ms), as [`Clock::slots`].
    pub totals: Row,
    /// Root mean square of the rules' errors per population, as last seen; NaN where nothing learns.
    sizes: Vec<f64>,
    /// The error of a potential that counts as 1, per population, in the step under way.
    scales: Vec<f64>,
}

impl Pace {
    /// `count` samples from `first` on, at the beginning of a presentation.
    pub fn new(first: usize, count: usize, populations: usize) -> Self {
        Pace {
            clock: Clock::new(first, count),
            totals: [0.0; NODES],
            sizes: vec![f64::NAN; populations],
            scales: vec![0.0; populations],
        }
    }

    /// Back to the beginning.
    pub fn restart(&mut self) {
        self.clock = Clock::new(self.clock.first, self.clock.count);
        self.totals = [0.0; NODES];
    }

    /// Finds the scales for the step that has been laid out.
    pub fn scale(&mut self, aim: &Aim) {
        let t = self.clock.t + self.clock.h;
        let share = STEP * aim.tolerance;
        if aim.learns && t > aim.goal {
            let smallest = self.sizes.iter().copied().fold(f64::INFINITY, f64::min);
            let other = if smallest.is_finite() { smallest } else { USUAL };
            for (scale, &size) in self.scales.iter_mut().zip(&self.sizes) {
                *scale = share * if size.is_nan() { other } else { size }.max(SMALLEST) + aim.rounding;
            }
        } else {
            let size = if aim.learns { USUAL } else { 1.0 };
            let scale = share * size * (FORGETTING * (aim.goal - t).max(0.0)).exp();
            self.scales.fill(scale.min(MOST.max(share)) + aim.rounding);
        }
    }

    /// How much the last sweep changed.
    pub fn change<T: Real>(&self, cells: &Cells<T>) -> f64 {
        self.changes(cells).fold(0.0, |worst, (_, change)| larger(worst, change))
    }

    fn changes<T: Real>(&self, cells: &Cells<T>) -> impl Iterator<Item = (usize, f64)> {
        let scales = self.scales.iter().enumerate();
        scales.map(|(population, &scale)| (population, cells.change(population, &self.clock, scale)))
    }

    /// The error of the step.
    pub fn error<T: Real>(&self, aim: &Aim, cells: &Cells<T>, sites: &[Site]) -> f64 {
        self.errors(aim, cells, sites).fold(0.0, |worst, (_, error)| larger(worst, error))
    }

    /// Errors by population: of the somas, and of what is learned there.
    fn errors<T: Real>(&self, aim: &Aim, cells: &Cells<T>, sites: &[Site]) -> impl Iterator<Item = (usize, f64)> {
        let scales = self.scales.iter().enumerate();
        let somas = scales.map(|(population, &scale)| (population, cells.error(population, &self.clock, scale)));
        let learns = aim.learns && self.clock.t + self.clock.h > aim.learning;
        let ruled =
            sites.iter().enumerate().filter(move |(_, site)| learns && !matches!(site.kind, Kind::Bpp | Kind::Bip));
        somas.chain(ruled.map(|(n, &site)| {
            let (off, size, count) = cells.rule(n, site, &self.clock);
            (cells.population(site), self.rule(aim, off, size, count))
        }))
    }

    /// Why no step is short enough, after one with this error was refused. It is infinite if sweeps did not settle.
    pub fn give_up<T: Real>(&self, aim: &Aim, cells: &Cells<T>, sites: &[Site], error: f64) -> Trouble {
        let settled = error.is_finite();
        let worst = if settled { largest(self.errors(aim, cells, sites)) } else { largest(self.changes(cells)) };
        self.refused(worst, cells.p.rate.len())
    }

    /// No step is short enough for a population.
    pub fn refused(&self, population: usize, depth: usize) -> Trouble {
        let (cell, layer) = named(population, depth);
        Trouble::StepTooSmall { cell, layer, sample: self.clock.first, time: self.clock.t }
    }

    /// Remembers how large the rules' errors are.
    pub fn measure<T: Real>(&mut self, cells: &Cells<T>, sites: &[Site]) {
        self.sizes.fill(f64::NAN);
        for (n, &site) in sites.iter().enumerate() {
            let population = match site.kind {
                Kind::Wpp | Kind::Wip => cells.population(site),
                Kind::Bpp | Kind::Bip | Kind::Wpi | Kind::Wpb => continue,
            };
            let (_, squares, count) = cells.rule(n, site, &self.clock);
            self.sizes[population] = (squares / count as f64).sqrt();
        }
    }

    /// The error of a rule's integral over the step: `off` and `size` are sums over `n` values, of the squares of what was not
    /// extrapolated and of all.
    pub fn rule(&self, aim: &Aim, off: f64, size: f64, n: usize) -> f64 {
        let (clock, n) = (&self.clock, n as f64);
        // A fifth of what all steps together may add up to.
        let all = 0.2 * (aim.end - aim.learning);
        let scale = STEP * aim.tolerance * all * (size / n).sqrt().max(SMALLEST) + aim.rounding * clock.h;
        clock.integral_error.abs() * (off / n).sqrt() / scale
    }

    /// Remembers how large the rules' errors are, of the populations that tell: sums of squares over so many cells.
    pub fn sizes(&mut self, sums: impl Iterator<Item = (usize, usize, f64)>) {
        self.sizes.fill(f64::NAN);
        for (population, cells, squares) in sums {
            self.sizes[population] = (squares / cells as f64).sqrt();
        }
    }

    /// 1 / (cells scale^2) of each population.
    pub fn inverse(&self, cells: impl Fn(usize) -> usize, to: &mut [f64]) {
        for (k, (to, scale)) in to.iter_mut().zip(&self.scales).enumerate() {
            *to = 1.0 / (cells(k) as f64 * scale * scale);
        }
    }
}
