//! One sample of a small net: the course of [`super::course`] with everything in one record of vectors, in few kernels. Twin of
//! [`super::course::Room`].
//!
//! What it wins: a right-hand side of a few hundred cells takes less time than the calls, copies and passes over weights
//! that would be made for it. So populations lie side by side ([`layout`]), a sweep is one kernel ([`core`]), and weights
//! do not move in memory with every step: what a node teaches is of rank one and waits ([`synapses`]), for the first layer
//! to the end of the presentation ([`input`]).

mod core;
mod input;
mod layout;
mod synapses;

use self::core::{Core, Ruled, Work};
use super::clock::{Status, Sweep};
use super::course::{Cost, event, motion};
use super::dense::{Asked, Seen, Top, average};
use super::node::{Site, sites};
use super::pace::{Aim, Pace, Setting, largest, named};
use super::path::{Gains, Motion};
use super::quadrature::{Basis, NODES, Row, decaying};
use crate::circuit::params::Rates;
use crate::circuit::{Kind, Potentials, State, Tensors};
use crate::kernels::ranked::RANK;
use crate::kernels::{Isa, Product, Real};
use crate::solvers::euler::engine::{Answer, Teaching};
use crate::solvers::{Moment, Observer, Outcome, Shown, Trouble, may_go_on, watch};
use synapses::Moved;

/// Weights above the first layer that stay in the nearer caches, twice.
pub const MOST: usize = 1 << 15;

/// Room for presentations of one sample.
pub struct Single<T: Real> {
    core: Core<T>,
    pace: Pace,
    sites: Vec<Site>,
    /// Number of the change that a node in a slot has become, and e^(-t / tau_0) there.
    entries: [Option<usize>; NODES],
    q: [f64; NODES],
    /// How far the weights have moved.
    moved: Moved,
    seen: Option<Seen<T>>,
    potentials: Potentials<T>,
    /// What the last presentation cost.
    pub cost: Cost,
}

impl<T: Real> Single<T> {
    /// Room for a net.
    pub fn new(setting: &Setting) -> Self {
        let core = Core::new(&setting.net, Isa::best());
        Single {
            pace: Pace::new(0, 1, core.layout.populations.len()),
            core,
            sites: Vec::new(),
            entries: [None; NODES],
            q: [1.0; NODES],
            moved: Moved::NOT,
            seen: None,
            potentials: Potentials::new(&setting.net, 1),
            cost: Cost::default(),
        }
    }

    /// As [`super::course::Room::present`].
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
        let delta = match &teaching {
            Teaching::Own { delta, .. } if aim.learns && setting.tau_w.is_some() => Some(&**delta),
            _ => None,
        };
        self.begin(setting, rates.filter(|_| aim.learns), weights, delta, state, shown);
        output.fill(T::ZERO);
        let steps = setting.steps();
        let mut asked = Asked::new(state.step, steps, setting.timing.dt, observer);
        let course = Course { setting, aim, shown, target_0: &state.trace_target };
        course.go(self, weights, &teaching, answer, output, &mut asked, observer)?;
        if aim.learns {
            self.settle();
            match &mut teaching {
                Teaching::Own { delta, .. } => self.core.synapses.give(weights, delta),
                Teaching::Gather { update, .. } => self.core.synapses.add_gathered(update),
                Teaching::Nothing => {}
            }
        }
        self.end(setting, &aim, shown, state);
        state.step += steps as u64;
        Ok(())
    }

    /// Takes everything at the start of a presentation.
    fn begin(
        &mut self,
        setting: &Setting,
        rates: Option<&Rates>,
        weights: &Tensors<T>,
        delta: Option<&Tensors<T>>,
        state: &State<T>,
        shown: &Shown<'_, T>,
    ) {
        self.pace.restart();
        self.sites.clear();
        self.core.rules.clear();
        if let Some(rates) = rates {
            sites(&setting.net, rates, &mut self.sites);
        }
        let at = &self.core.layout;
        self.core.with_feedback = false;
        for site in self.sites.iter().filter(|site| !matches!(site.kind, Kind::Bpp | Kind::Bip)) {
            let (section, population, tells) = match site.kind {
                Kind::Wip | Kind::Bip => (at.e, at.depth + site.k, true),
                Kind::Wpi => (at.apical, site.k, false),
                Kind::Wpb => (at.e_feedback, site.k, false),
                Kind::Wpp | Kind::Bpp => (at.e, site.k, true),
            };
            self.core.with_feedback |= site.kind == Kind::Wpb;
            let (cells, places) = at.populations[population].clone();
            let places = section + places.start..section + places.end;
            self.core.rules.push((Ruled { places, cells, population, tells }, [0.0; 2]));
        }
        (self.entries, self.moved, self.cost) = ([None; NODES], Moved::NOT, Cost::default());
        self.core.synapses.begin(rates, shown.input, &state.trace_input, weights, delta);
        let soma = at.soma;
        for ((_, places), values) in at.populations.iter().zip(state.soma.iter().chain(&state.inter)) {
            self.core.record[soma + places.start..][..values.len()].copy_from_slice(values);
        }
    }

    /// Gives somas and traces to a state.
    fn end(&self, setting: &Setting, aim: &Aim, shown: &Shown<'_, T>, state: &mut State<T>) {
        let at = &self.core.layout;
        for ((_, places), to) in at.populations.iter().zip(state.soma.iter_mut().chain(&mut state.inter)) {
            let n = to.len();
            to.copy_from_slice(&self.core.record[at.soma + places.start..][..n]);
        }
        self.core.synapses.input.trace((-aim.end / setting.timing.tau_0).exp(), &mut state.trace_input);
        if let (Some(target), Some(tau)) = (shown.target, setting.timing.tau_target) {
            follow(&mut state.trace_target, target, aim.end, tau);
        }
    }

    /// Folds the changes that wait.
    fn settle(&mut self) {
        let moved = std::mem::replace(&mut self.moved, Moved::NOT);
        self.core.run(Work::Fold { moved: &moved });
        self.entries = [None; NODES];
    }

    /// Makes changes of the `count` newest nodes, as far as they are none yet; returns their numbers.
    fn enter(&mut self, count: usize) -> [usize; NODES] {
        let slots = self.pace.clock.slots;
        let missing = slots[..count].iter().filter(|&&slot| self.entries[slot].is_none()).count();
        if self.core.synapses.count + missing > RANK {
            self.settle();
        }
        let mut numbers = [0; NODES];
        for (number, &slot) in numbers.iter_mut().zip(&slots[..count]) {
            let at = &self.core.layout;
            let kept = &self.core.nodes[slot][at.r - at.s..];
            let q = self.q[slot];
            *number = *self.entries[slot].get_or_insert_with(|| self.core.synapses.push(kept, q));
        }
        numbers
    }

    /// The error measures of the end.
    pub fn measure(&mut self, state: &State<T>, outcome: &mut Outcome<T>) {
        let at = &self.core.layout;
        let node = &self.core.nodes[self.pace.clock.slots[0]];
        for (k, to) in self.potentials.apical.iter_mut().enumerate() {
            let n = to.len();
            to.copy_from_slice(&node[at.apical - at.s + at.pyramidal(k).start..][..n]);
        }
        outcome.measure(state, &self.potentials);
    }

    /// Somas `time` ms after the presentation began, which lies in the last step.
    fn somas(&self, g: [f64; 3], time: f64, state: &mut State<T>) {
        let (at, clock) = (&self.core.layout, &self.pace.clock);
        for (k, to) in state.soma.iter_mut().chain(&mut state.inter).enumerate() {
            let start = at.populations[k].1.start;
            if time >= clock.t {
                let n = to.len();
                to.copy_from_slice(&self.core.record[at.soma + start..][..n]);
                continue;
            }
            let b = (time - clock.from) / clock.h;
            let g_h = g[super::cells::class(k, at.depth)] * clock.h;
            let weights = clock.basis.weights(&decaying(g_h, b));
            let keep = T::from_f64((-g_h * b).exp());
            to.iter_mut().zip(&self.core.before[start..]).for_each(|(u, &before)| *u = keep * before);
            for (weight, &slot) in weights.iter().zip(&clock.slots).take(clock.order + 1) {
                let w = T::from_f64(weight * clock.h);
                to.iter_mut().zip(&self.core.nodes[slot][start..]).for_each(|(u, &s)| *u += w * s);
            }
        }
    }
}

/// The trace of a target, `t` ms on.
fn follow<T: Real>(trace: &mut [T], target: &[T], t: f64, tau: f64) {
    let left = T::from_f64((-t / tau).exp());
    trace.iter_mut().zip(target).for_each(|(trace, &goal)| *trace = goal + left * (*trace - goal));
}

/// What does not change within a presentation.
struct Course<'a, T> {
    setting: &'a Setting,
    aim: Aim,
    shown: &'a Shown<'a, T>,
    target_0: &'a [T],
}

impl<T: Real> Course<'_, T> {
    /// Traces at time `t`; returns that of the input.
    fn traces(&self, core: &mut Core<T>, t: f64) -> f64 {
        if let Some(target) = self.shown.target {
            let to = &mut core.record[core.layout.target..][..target.len()];
            match self.setting.timing.tau_target {
                Some(tau) => {
                    to.copy_from_slice(self.target_0);
                    follow(to, target, t, tau);
                }
                None => to.copy_from_slice(target),
            }
        }
        (-t / self.setting.timing.tau_0).exp()
    }

    fn go(
        &self,
        single: &mut Single<T>,
        weights: &Tensors<T>,
        teaching: &Teaching<'_, T>,
        answer: Answer,
        output: &mut [T],
        asked: &mut Asked,
        observer: &mut dyn Observer<T>,
    ) -> Result<(), Trouble> {
        let Course { setting, aim, .. } = self;
        let target = self.shown.target.is_some();
        let totals = super::cells::totals(&setting.net.conductances, target);
        let own = match teaching {
            Teaching::Own { delta, .. } if aim.learns => Some(&**delta),
            _ => None,
        };
        let gathers = aim.learns && matches!(teaching, Teaching::Gather { .. });
        self.look(single, target);
        while single.pace.clock.t < aim.end {
            may_go_on(observer)?;
            let clock = &mut single.pace.clock;
            clock.lay_out(event(aim, clock.t), totals);
            single.pace.scale(aim);
            single.pace.inverse(|k| single.core.layout.populations[k].0, &mut single.core.inverse);
            let moved = self.ahead(single, own.is_some());
            let error = self.step(single, moved.as_ref(), target);
            if error > 1.0 {
                single.cost.rejected += 1;
                if single.pace.clock.reject(error) {
                    continue;
                }
                return Err(self.give_up(single, error));
            }
            self.accept(single, error)?;
            let clock = &single.pace.clock;
            let at = &single.core.layout;
            let top = Top {
                soma: &single.core.record[at.soma..][at.top.clone()],
                before: &single.core.before[at.top.clone()],
                v_b: clock.slots.map(|slot| &single.core.tops[slot][..]),
                current: clock.slots.map(|slot| &single.core.nodes[slot][at.top.clone()]),
            };
            average(setting, aim, &top, clock, totals[2], answer, output);
            if let Some(delta) = own {
                self.move_weights(single, weights, delta, asked, observer);
            }
            if gathers && single.pace.clock.from >= aim.learning {
                let (used, integral) = (single.pace.clock.order + 1, single.pace.clock.integral);
                let entries = single.enter(used);
                single.moved.filter(1.0, &entries[..used], &integral);
            }
            let reached = single.pace.clock.t;
            while asked.due().is_some_and(|due| due <= reached) {
                self.show(single, weights, own, single.moved, asked, observer);
            }
        }
        Ok(())
    }

    /// The first node.
    fn look(&self, single: &mut Single<T>, target: bool) {
        let Single { core, pace, sites, q, .. } = single;
        let at = &core.layout;
        let (all, soma, base) = (at.all, at.soma, at.base);
        core.record.copy_within(soma..soma + all, base);
        core.record.copy_within(soma..soma + all, 0);
        self.traces(core, 0.0);
        core.run(Work::Hold { q: 1.0, moved: None });
        core.run(Work::Sweep { weights: [0.0; 3], moved: None, target });
        core.run(Work::Judge { clock: &pace.clock });
        let slot = pace.clock.slots[0];
        core.keep(slot);
        q[slot] = 1.0;
        pace.sizes(core.sizes());
        pace.clock.start();
        single.cost.right_hand_sides += 1;
        debug_assert!(sites.is_empty() == core.rules.is_empty() && pace.clock.status == Status::Ready);
    }

    /// How far the weights will have moved at the end of the step laid out.
    fn ahead(&self, single: &mut Single<T>, moves: bool) -> Option<Moved> {
        let Setting { tau_w, .. } = *self.setting;
        if !moves || motion(self.setting, &self.aim, single.pace.clock.t) != Motion::Both {
            return None;
        }
        let order = single.pace.clock.order;
        let entries = single.enter(order);
        let clock = &single.pace.clock;
        let past: Row = std::array::from_fn(|j| if j < order { clock.node(j) } else { 0.0 });
        let gains = Gains::new(tau_w, clock.h, 1.0);
        let mut moved = single.moved;
        moved.follow(&gains, &entries[..order], &Basis::new(&past[..order]).weights(&gains.weights));
        Some(moved)
    }

    /// Sweeps to the end of the step laid out; its error in units of what is allowed.
    fn step(&self, single: &mut Single<T>, moved: Option<&Moved>, target: bool) -> f64 {
        let Single { core, pace, cost, .. } = single;
        let clock = &mut pace.clock;
        let end = clock.t + clock.h;
        let q = self.traces(core, end);
        core.run(Work::Predict { clock, q, moved });
        let weights = clock.soma.map(|step| step.weights[0]);
        loop {
            let change = core.run(Work::Sweep { weights, moved, target });
            cost.right_hand_sides += 1;
            match clock.sweep(change) {
                Sweep::Again => {}
                Sweep::Failed => return f64::INFINITY,
                Sweep::Settled => break,
            }
        }
        let mut error = core.run(Work::Judge { clock });
        if self.aim.learns && end > self.aim.learning {
            for (ruled, [size, off]) in &core.rules {
                let rule = pace.rule(&self.aim, *off, *size, ruled.cells);
                error = if rule.is_nan() { f64::INFINITY } else { error.max(rule) };
            }
        }
        if error.is_nan() { f64::INFINITY } else { error }
    }

    /// As [`Pace::give_up`].
    fn give_up(&self, single: &Single<T>, error: f64) -> Trouble {
        let Single { core, pace, .. } = single;
        let somas = core.misses(&pace.clock, error.is_finite()).enumerate();
        let learns = error.is_finite() && self.aim.learns && pace.clock.t + pace.clock.h > self.aim.learning;
        let rules = core.rules.iter().filter(|_| learns);
        let rules =
            rules.map(|(ruled, [size, off])| (ruled.population, pace.rule(&self.aim, *off, *size, ruled.cells)));
        pace.refused(largest(somas.chain(rules)), core.layout.depth)
    }

    fn accept(&self, single: &mut Single<T>, error: f64) -> Result<(), Trouble> {
        let Single { core, pace, entries, q, cost, .. } = single;
        pace.clock.accept(error, event(&self.aim, pace.clock.t));
        let slot = pace.clock.slots[0];
        core.accept();
        core.keep(slot);
        q[slot] = (-pace.clock.t / self.setting.timing.tau_0).exp();
        entries[slot] = None;
        pace.sizes(core.sizes());
        cost.steps += 1;
        let at = &core.layout;
        for (k, (cells, places)) in at.populations.iter().enumerate() {
            let values = &core.record[at.soma + places.start..][..*cells];
            watch::check_layer(values, 1, named(k, at.depth), Moment::Time(pace.clock.t), self.setting.bound)?;
        }
        Ok(())
    }

    /// Moves weights and Delta over the step just taken; what is due within it is shown before.
    fn move_weights(
        &self,
        single: &mut Single<T>,
        weights: &Tensors<T>,
        delta: &Tensors<T>,
        asked: &mut Asked,
        observer: &mut dyn Observer<T>,
    ) {
        let clock = &single.pace.clock;
        let (used, h, basis, from, t) = (clock.order + 1, clock.h, clock.basis, clock.from, clock.t);
        let motion = motion(self.setting, &self.aim, from);
        if motion == Motion::Still {
            return;
        }
        let entries = single.enter(used);
        let tau_w = self.setting.tau_w;
        let follow = |moved: &mut Moved, gains: &Gains| {
            moved.follow(gains, &entries[..used], &basis.weights(&gains.weights));
        };
        while let Some(due) = asked.due().filter(|&due| due < t && motion == Motion::Both) {
            let mut moved = single.moved;
            follow(&mut moved, &Gains::new(tau_w, h, (due - from) / h));
            self.show(single, weights, Some(delta), moved, asked, observer);
        }
        let gains = Gains::new(tau_w, h, 1.0);
        if motion == Motion::Both {
            follow(&mut single.moved, &gains);
        }
        if tau_w.is_some() {
            single.moved.filter(gains.keep, &entries[..used], &basis.weights(&gains.low_pass));
        }
    }

    /// Shows what is due, at weights that have moved so far; `own`: Delta of the beginning, where they move.
    fn show(
        &self,
        single: &mut Single<T>,
        weights: &Tensors<T>,
        own: Option<&Tensors<T>>,
        moved: Moved,
        asked: &mut Asked,
        observer: &mut dyn Observer<T>,
    ) {
        let Some(due) = asked.due() else { return };
        let mut seen = single.seen.take().unwrap_or_else(|| Seen::new(&self.setting.net, 1));
        seen.weights.clone_from(weights);
        if let Some(delta) = own {
            let unchanged = single.core.synapses.clone();
            single.core.run(Work::Fold { moved: &moved });
            single.core.synapses.give(&mut seen.weights, &mut delta.clone());
            single.core.synapses = unchanged;
        }
        let timing = &self.setting.timing;
        let totals = super::cells::totals(&self.setting.net.conductances, self.shown.target.is_some());
        single.somas(totals, due, &mut seen.state);
        single.core.synapses.input.trace((-due / timing.tau_0).exp(), &mut seen.state.trace_input);
        if let (Some(target), Some(tau)) = (self.shown.target, timing.tau_target) {
            seen.state.trace_target.copy_from_slice(self.target_0);
            follow(&mut seen.state.trace_target, target, due, tau);
        }
        seen.tell(self.setting, Product::best(), self.shown, asked, observer);
        asked.next(observer);
        single.seen = Some(seen);
    }
}
