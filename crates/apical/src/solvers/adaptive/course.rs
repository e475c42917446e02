//! A presentation: rounds of sweeps, in which samples go on at their own pace, or all together while they move the
//! weights.

use super::cells::{Cells, Entry};
use super::clock::{Clock, Status, Sweep};
use super::dense::{Asked, Seen, Top, average, somas};
use super::node::{Node, Site, sites};
use super::pace::{Aim, Pace, Setting, named};
use super::path::{self, Gathered, Motion, Path, Stretch};
use super::quadrature::NODES;
use super::span::Span;
use crate::circuit::params::LagKind;
use crate::circuit::{State, Tensors};
use crate::kernels::{Product, Real};
use crate::solvers::euler::engine::{Answer, Teaching};
use crate::solvers::{Moment, Observer, Outcome, Shown, Trouble, may_go_on, watch};

/// Nodes behind the end of the lag that samples get in common when they begin to move the weights together.
const COMMON: usize = 3;

/// What a presentation cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Right-hand sides: evaluations of all potentials, for all samples at once.
    pub right_hand_sides: usize,
    /// Steps taken, of all samples that step together.
    pub steps: usize,
    /// Steps that were tried and were too long.
    pub rejected: usize,
}

/// Room for presentations.
pub struct Room<T> {
    cells: Cells<T>,
    nodes: Vec<Node<T>>,
    paces: Vec<Pace>,
    sites: Vec<Site>,
    /// The rate of the weights into layer 1, if they move in [`Span`].
    spanned: Option<f64>,
    path: Option<Path<T>>,
    gathered: Option<Gathered<T>>,
    seen: Option<Seen<T>>,
    /// The weights that steps under way see at their ends.
    used: Tensors<T>,
    /// What the last presentation cost.
    pub cost: Cost,
}

impl<T: Real> Room<T> {
    /// Room for a net and a batch.
    pub fn new(setting: &Setting, samples: usize) -> Self {
        let net = &setting.net;
        Room {
            cells: Cells::new(net, &setting.timing, Product::best(), samples),
            nodes: vec![Node::new(net, samples); NODES],
            paces: Vec::new(),
            sites: Vec::new(),
            spanned: None,
            path: None,
            gathered: None,
            seen: None,
            used: Tensors::default(),
            cost: Cost::default(),
        }
    }

    /// One pace for all samples, or one for each.
    fn set_paces(&mut self, together: bool) {
        let samples = self.cells.samples;
        let count = if together { 1 } else { samples };
        if self.paces.len() != count {
            let populations = self.cells.soma.len();
            self.paces = (0..count).map(|b| Pace::new(b, samples / count, populations)).collect();
        }
        self.paces.iter_mut().for_each(Pace::restart);
    }

    /// One presentation; `output` (samples x n_N) becomes the average over the window.
    ///
    /// # Errors
    /// [`Trouble::Diverged`], [`Trouble::StepTooSmall`].
    pub fn present(
        &mut self,
        setting: &Setting,
        weights: &mut Tensors<T>,
        state: &mut State<T>,
        shown: &Shown<'_, T>,
        mut teaching: Teaching<'_, T>,
        answer: Answer,
        output: &mut [T],
        observer: &mut dyn Observer<T>,
    ) -> Result<(), Trouble> {
        let rates = teaching.rates();
        let aim = setting.aim::<T>(rates);
        let moves = aim.learns && matches!(teaching, Teaching::Own { .. });
        self.sites.clear();
        if let (Some(rates), true) = (rates, aim.learns) {
            sites(&setting.net, rates, &mut self.sites);
        }
        // Samples whose weights stand still until the lag is over go there at their own pace.
        let apart = !moves || (aim.lag > 0.0 && setting.timing.lag_kind == LagKind::Freeze);
        self.set_paces(!apart);
        self.cells.begin(state, shown, weights, &self.sites, moves);
        self.begin_weights(setting, moves, weights, &teaching, shown.samples);
        self.cost = Cost::default();
        output.fill(T::ZERO);
        let steps = setting.steps();
        let mut asked = Asked::new(state.step, steps, setting.timing.dt, observer);
        let first = if moves && apart { aim.lag } else { aim.end };
        self.go(setting, &aim, first, weights, shown, &mut teaching, answer, output, &mut asked, observer)?;
        if first < aim.end {
            self.join(&aim, shown);
            self.go(setting, &aim, aim.end, weights, shown, &mut teaching, answer, output, &mut asked, observer)?;
        }
        if let (Teaching::Gather { update, .. }, Some(gathered)) = (&mut teaching, &mut self.gathered) {
            gathered.fold(&self.sites, shown.samples, update);
        }
        if let (Teaching::Own { delta, .. }, true) = (teaching, moves) {
            if let Some(path) = &mut self.path {
                path.settle(&self.nodes, weights, delta, None);
            }
            if let Some(eta) = self.spanned {
                self.cells.span.settle(&self.nodes);
                self.cells.span.end(eta, &mut weights.pp[0], delta.pp.get_mut(0));
            }
        }
        self.cells.end(shown, aim.end, state);
        state.step += steps as u64;
        Ok(())
    }

    /// Lays out how the weights will move, if they do.
    fn begin_weights(
        &mut self,
        setting: &Setting,
        moves: bool,
        weights: &Tensors<T>,
        teaching: &Teaching<'_, T>,
        samples: usize,
    ) {
        let first = self.sites.iter().find(|site| site.enters()).map(|site| site.eta);
        self.spanned = first.filter(|_| moves && Span::<T>::pays(samples, setting.net.sizes[0]));
        // Rules at held weights and products with the traced input need it.
        self.cells.traces_input = first.is_some() && self.spanned.is_none();
        let direct = moves && first.is_some() && self.spanned.is_none();
        path::copy(weights, &mut self.used, direct);
        if !moves {
            return;
        }
        let delta = match teaching {
            Teaching::Own { delta, .. } => delta.pp.first(),
            _ => None,
        };
        if self.spanned.is_some() {
            self.cells.span.prepare(delta);
        }
        let spanned = self.spanned.is_some();
        let path = self.path.get_or_insert_with(|| Path::new(setting.net.bias_rate, samples));
        let written = self.sites.iter().copied().filter(|site| !spanned || !site.enters());
        path.begin(written, weights);
    }

    /// Goes on until every pace has come to `end` (ms).
    fn go(
        &mut self,
        setting: &Setting,
        aim: &Aim,
        end: f64,
        weights: &mut Tensors<T>,
        shown: &Shown<'_, T>,
        teaching: &mut Teaching<'_, T>,
        answer: Answer,
        output: &mut [T],
        asked: &mut Asked,
        observer: &mut dyn Observer<T>,
    ) -> Result<(), Trouble> {
        let target = shown.target.is_some();
        let totals = self.cells.totals(target);
        let moves = aim.learns && matches!(teaching, Teaching::Own { .. });
        let still = !moves || (aim.learning >= end && aim.lag >= end);
        let first = self.sites.iter().any(Site::enters);
        self.cells.entry = match self.spanned {
            _ if still || !first => Entry::Still,
            Some(eta) => Entry::Spanned(eta),
            None => Entry::Direct,
        };
        for pace in &mut self.paces {
            if pace.clock.status == Status::Start {
                self.cells.look(shown, &pace.clock);
                self.cells.enter(&pace.clock, pace.clock.t, &self.used);
            }
        }
        while self.paces.iter().any(|pace| pace.clock.t < end) {
            may_go_on(observer)?;
            let mut busy = false;
            for n in 0..self.paces.len() {
                let clock = &mut self.paces[n].clock;
                // Who has passed a time that is looked at waits until all have.
                let waits = asked.due().is_some_and(|due| due <= clock.t) && clock.t > 0.0;
                if clock.status == Status::Ready && clock.t < end && !waits {
                    clock.lay_out(event(aim, clock.t), totals);
                    self.paces[n].scale(aim);
                    self.cells.predict(shown, &self.paces[n].clock, &self.nodes);
                    if let (Teaching::Own { delta, .. }, true) = (&mut *teaching, aim.learns) {
                        self.lay_out_weights(setting, aim, weights, delta);
                    }
                    let clock = &self.paces[n].clock;
                    self.cells.enter(clock, clock.t + clock.h, &self.used);
                }
                busy |= matches!(self.paces[n].clock.status, Status::Start | Status::Sweeping);
            }
            debug_assert!(busy, "somebody goes on");
            self.cells.sweep(&self.used, target);
            self.cost.right_hand_sides += 1;
            for n in 0..self.paces.len() {
                match self.paces[n].clock.status {
                    Status::Start => self.take_first(n),
                    Status::Sweeping => {
                        let Some(error) = self.judge(aim, n) else { continue };
                        if error > 1.0 {
                            self.cost.rejected += 1;
                            if self.paces[n].clock.reject(error) {
                                continue;
                            }
                            return Err(self.paces[n].give_up(aim, &self.cells, &self.sites, error));
                        }
                        self.accept(aim, n, error);
                        let clock = &self.paces[n].clock;
                        self.check(clock, setting.bound)?;
                        let (top, at) = Top::of(&self.cells, &self.nodes, clock);
                        average(setting, aim, &top, clock, totals[2], answer, &mut output[at]);
                        match teaching {
                            Teaching::Own { delta, .. } if aim.learns => {
                                self.show_before(setting, aim, weights, delta, shown, asked, observer);
                                self.move_weights(setting, aim, weights, delta);
                            }
                            Teaching::Gather { update, .. } if aim.learns => self.gather(setting, aim, n, update),
                            _ => {}
                        }
                    }
                    Status::Ready => {}
                }
            }
            let delta = match teaching {
                Teaching::Own { delta, .. } if moves => Some(&mut **delta),
                _ => None,
            };
            self.show(setting, weights, delta, shown, asked, observer);
        }
        Ok(())
    }

    fn take_first(&mut self, n: usize) {
        let pace = &mut self.paces[n];
        self.cells.errors(&pace.clock, &self.nodes, &self.sites);
        self.cells.keep(&pace.clock, pace.clock.slots[0], &mut self.nodes);
        pace.measure(&self.cells, &self.sites);
        pace.clock.start();
    }

    /// The error of a step in units of what is allowed; nothing, if another sweep is needed.
    fn judge(&mut self, aim: &Aim, n: usize) -> Option<f64> {
        let change = self.paces[n].change(&self.cells);
        match self.paces[n].clock.sweep(change) {
            Sweep::Again => return None,
            Sweep::Failed => return Some(f64::INFINITY),
            Sweep::Settled => {}
        }
        let pace = &self.paces[n];
        self.cells.errors(&pace.clock, &self.nodes, &self.sites);
        let error = pace.error(aim, &self.cells, &self.sites);
        Some(if error.is_nan() { f64::INFINITY } else { error })
    }

    fn accept(&mut self, aim: &Aim, n: usize, error: f64) {
        let pace = &mut self.paces[n];
        pace.clock.accept(error, event(aim, pace.clock.t));
        let slot = pace.clock.slots[0];
        self.cells.accept(&pace.clock);
        self.cells.keep(&pace.clock, slot, &mut self.nodes);
        if let Some(path) = &mut self.path {
            path.forget(slot);
        }
        pace.measure(&self.cells, &self.sites);
        self.cost.steps += 1;
    }

    fn check(&self, clock: &Clock, bound: f64) -> Result<(), Trouble> {
        if self.cells.within(clock, bound) {
            return Ok(());
        }
        let depth = self.cells.p.rate.len();
        for (population, values) in self.cells.soma.iter().enumerate() {
            let cells = values.len() / self.cells.samples;
            let values = &values[clock.first * cells..(clock.first + clock.count) * cells];
            watch::check_layer(values, clock.count, named(population, depth), Moment::Time(clock.t), bound)?;
        }
        Ok(())
    }

    /// The weights that the step under way sees at its end.
    fn lay_out_weights(&mut self, setting: &Setting, aim: &Aim, weights: &mut Tensors<T>, delta: &mut Tensors<T>) {
        let clock = &self.paces[0].clock;
        let together = self.paces.len() == 1;
        if let (Some(path), true, Motion::Both) = (&mut self.path, together, motion(setting, aim, clock.t)) {
            let stretch = Stretch::ahead(clock, setting.tau_w);
            path.settle(&self.nodes, weights, delta, Some((&stretch, &mut self.used)));
            if self.spanned.is_some() {
                self.cells.span.look(&stretch, &self.nodes);
            }
        }
    }

    /// Moves weights and Delta over the step just taken, in matrices when they are next wanted.
    fn move_weights(&mut self, setting: &Setting, aim: &Aim, weights: &mut Tensors<T>, delta: &mut Tensors<T>) {
        let clock = &self.paces[0].clock;
        let motion = motion(setting, aim, clock.from);
        if let (Some(path), Motion::Both | Motion::DeltaOnly) = (&mut self.path, motion) {
            path.settle(&self.nodes, weights, delta, None);
            let stretch = Stretch::along(clock, setting.tau_w, 1.0);
            path.advance(stretch, motion);
            if self.spanned.is_some() {
                self.cells.span.advance(stretch, motion, &self.nodes);
            }
        }
    }

    /// Adds the last step's share of the rules' integrals.
    fn gather(&mut self, setting: &Setting, aim: &Aim, n: usize, update: &mut Tensors<T>) {
        let samples = self.cells.samples;
        let sites = &self.sites;
        let gathered = self.gathered.get_or_insert_with(|| Gathered::new(samples));
        gathered.set_sites(sites.len());
        let Pace { clock, totals, .. } = &mut self.paces[n];
        // The nodes have moved one place back, and the place of the oldest is free.
        totals.rotate_right(1);
        totals[0] = 0.0;
        if clock.from >= aim.learning {
            totals.iter_mut().zip(&clock.integral).take(clock.order + 1).for_each(|(total, w)| *total += w);
        }
        let last = clock.t >= aim.end;
        for j in 0..NODES {
            // The next node overwrites the last place.
            if (last || j == NODES - 1) && totals[j] != 0.0 {
                let node = &self.nodes[clock.slots[j]];
                gathered.push(sites, node, clock.first, samples, totals[j], setting.net.bias_rate);
                totals[j] = 0.0;
            }
        }
        if gathered.is_full() {
            gathered.fold(sites, samples, update);
        }
    }

    /// At the lag's end: one pace for all, with nodes behind it in common.
    fn join(&mut self, aim: &Aim, shown: &Shown<'_, T>) {
        if self.paces.len() == 1 {
            return;
        }
        let totals = self.cells.totals(shown.target.is_some());
        let spacing = self.paces.iter().map(|pace| pace.clock.h).fold(f64::INFINITY, f64::min) / COMMON as f64;
        let wanted = self.paces.iter().map(|pace| pace.clock.wanted()).fold(f64::INFINITY, f64::min);
        let samples = self.cells.samples;
        let mut all = Pace::new(0, samples, self.cells.soma.len());
        all.clock.resume(aim.lag, wanted);
        // Somas of all times first: a look writes over the nodes that they are found from.
        let times: [f64; COMMON] = std::array::from_fn(|n| aim.lag - (COMMON - 1 - n) as f64 * spacing);
        let mut found: Vec<Vec<Vec<T>>> = times.iter().map(|_| self.cells.soma.clone()).collect();
        for (&time, found) in times.iter().zip(&mut found) {
            for (k, to) in found.iter_mut().enumerate() {
                self.paces.iter().for_each(|pace| somas(&self.cells, &self.nodes, &pace.clock, totals, time, k, to));
            }
        }
        for (&time, found) in times.iter().zip(&found) {
            self.cells.look_at(shown, &all.clock, time, found);
            self.cells.enter(&all.clock, time, &self.used);
            self.cells.sweep(&self.used, shown.target.is_some());
            self.cost.right_hand_sides += 1;
            self.cells.errors(&all.clock, &self.nodes, &self.sites);
            all.clock.pass(time);
            self.cells.keep(&all.clock, all.clock.slots[0], &mut self.nodes);
        }
        all.measure(&self.cells, &self.sites);
        if let Some(path) = &mut self.path {
            (0..NODES).for_each(|slot| path.forget(slot));
        }
        self.paces.clear();
        self.paces.push(all);
    }

    /// Shows what is due before the weights move.
    fn show_before(
        &mut self,
        setting: &Setting,
        aim: &Aim,
        weights: &mut Tensors<T>,
        delta: &mut Tensors<T>,
        shown: &Shown<'_, T>,
        asked: &mut Asked,
        observer: &mut dyn Observer<T>,
    ) {
        let clock = &self.paces[0].clock;
        if self.paces.len() > 1 || motion(setting, aim, clock.from) != Motion::Both {
            return;
        }
        while let Some(due) = asked.due().filter(|&due| due < clock.t) {
            let seen = self.seen.get_or_insert_with(|| Seen::new(&setting.net, shown.samples));
            if let Some(path) = &mut self.path {
                path.settle(&self.nodes, weights, delta, None);
                self.cells.span.settle(&self.nodes);
            }
            seen.weights.clone_from(weights);
            if let Some(path) = &mut self.path {
                let stretch = Stretch::along(clock, setting.tau_w, (due - clock.from) / clock.h);
                path.learn(&stretch, &self.nodes);
                path.reach(&stretch, weights, delta, &mut seen.weights);
                if let Some(eta) = self.spanned {
                    self.cells.span.look(&stretch, &self.nodes);
                    self.cells.span.show(eta, &mut seen.weights.pp[0], delta.pp.first());
                }
            }
            seen.show(setting, &self.cells, &self.nodes, &self.paces, shown, asked, observer);
            asked.next(observer);
        }
    }

    /// Shows what is due, at weights that stand still or have come to the time due.
    fn show(
        &mut self,
        setting: &Setting,
        weights: &mut Tensors<T>,
        mut delta: Option<&mut Tensors<T>>,
        shown: &Shown<'_, T>,
        asked: &mut Asked,
        observer: &mut dyn Observer<T>,
    ) {
        let reached = self.paces.iter().map(|pace| pace.clock.t).fold(f64::INFINITY, f64::min);
        while asked.due().is_some_and(|due| due <= reached) {
            let seen = self.seen.get_or_insert_with(|| Seen::new(&setting.net, shown.samples));
            if let (Some(path), Some(delta)) = (&mut self.path, &mut delta) {
                path.settle(&self.nodes, weights, delta, None);
            }
            seen.weights.clone_from(weights);
            if let (Some(eta), Some(delta)) = (self.spanned, &delta) {
                self.cells.span.settle(&self.nodes);
                self.cells.span.show_here(eta, &mut seen.weights.pp[0], delta.pp.first());
            }
            seen.show(setting, &self.cells, &self.nodes, &self.paces, shown, asked, observer);
            asked.next(observer);
        }
    }

    /// The output's and the error measures of the end.
    pub fn measure(&mut self, state: &State<T>, outcome: &mut Outcome<T>) {
        let p = &mut self.cells.p;
        for pace in &self.paces {
            let (first, count) = (pace.clock.first, pace.clock.count);
            let node = &self.nodes[pace.clock.slots[0]];
            for (to, from) in p.apical.iter_mut().zip(&node.apical) {
                let n = from.len() / self.cells.samples;
                to[first * n..(first + count) * n].copy_from_slice(&from[first * n..(first + count) * n]);
            }
        }
        outcome.measure(state, p);
    }
}

/// The next time that no step may cross.
pub fn event(aim: &Aim, t: f64) -> f64 {
    if aim.learns && t < aim.lag { aim.lag } else { aim.end }
}

/// What a step that begins at `t` does to weights and Delta.
pub fn motion(setting: &Setting, aim: &Aim, t: f64) -> Motion {
    match setting.timing.lag_kind {
        _ if t >= aim.lag => Motion::Both,
        LagKind::Freeze => Motion::Still,
        LagKind::Filter => Motion::DeltaOnly,
    }
}
