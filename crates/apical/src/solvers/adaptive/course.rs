//! A presentation: rounds of sweeps, in which each clock goes on at its own pace.

use super::cells::{Cells, class};
use super::clock::{Clock, Status, Sweep};
use super::node::{Node, Site, sites};
use super::path::{Gains, Gathered, Motion, Path};
use super::quadrature::{NODES, Row, decaying, plain, values};
use crate::circuit::params::{LagKind, Network, Rates, Timing};
use crate::circuit::{Kind, Potentials, State, Tensors, potentials};
use crate::kernels::{Product, Real};
use crate::solvers::euler::engine::{Answer, Teaching};
use crate::solvers::{Observer, Outcome, Shown, Trouble, View, Wants, watch};

/// While nothing is learned yet, an error made now is forgotten at this rate (1/ms) before something is: half of what the
/// slowest soma forgets.
const FORGETTING: f64 = 0.5;
/// Errors of potentials stay below this share of a unit even where all of them will be forgotten.
const MOST: f64 = 3e-3;
/// Errors of rules smaller than this are not resolved to the tolerance.
const SMALLEST: f64 = 1e-3;

/// What does not change from one presentation to the next.
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

impl Setting {
    fn end(&self) -> f64 {
        self.timing.steps(self.timing.presentation) as f64 * self.timing.dt
    }

    fn lag(&self) -> f64 {
        self.timing.steps(self.timing.lag) as f64 * self.timing.dt
    }

    fn window(&self) -> f64 {
        self.timing.steps(self.timing.window) as f64 * self.timing.dt
    }
}

/// Room for presentations.
pub struct Room<T> {
    cells: Cells<T>,
    nodes: Vec<Node<T>>,
    path: Option<Path<T>>,
    used: Tensors<T>,
    seen: Option<(State<T>, Potentials<T>, Tensors<T>)>,
    /// Sweeps of the last presentation: right-hand sides of all samples.
    pub sweeps: usize,
    /// Steps of the last presentation.
    pub steps: usize,
}

/// One presentation under way.
struct Course<'a, T> {
    setting: &'a Setting,
    shown: &'a Shown<'a, T>,
    sites: Vec<Site>,
    /// When learning begins.
    lag: f64,
    end: f64,
    /// From when on errors count in full.
    goal: f64,
    /// Sizes of the rules' errors per population, as last seen.
    sizes: Vec<f64>,
    learns: bool,
    /// Total weights of nodes in the sums gathered, per clock.
    totals: Vec<Row>,
    clocks: Vec<Clock>,
}

impl<T: Real> Room<T> {
    /// Room for a net and a batch.
    pub fn new(setting: &Setting, samples: usize) -> Self {
        let plan = Product::for_batch(samples);
        let net = &setting.net;
        Room {
            cells: Cells::new(net, &setting.timing, plan, samples),
            nodes: vec![Node::new(net, samples); NODES],
            path: None,
            used: Tensors::default(),
            seen: None,
            sweeps: 0,
            steps: 0,
        }
    }

    /// One presentation. `output` becomes the mean over the window.
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
        let samples = shown.samples;
        let rates = match &teaching {
            Teaching::Own { rates, .. } | Teaching::Gather { rates, .. } => Some(*rates),
            Teaching::Nothing => None,
        };
        let sites = rates.map_or(Vec::new(), |r: &Rates| sites(&setting.net, r));
        let moving = matches!(teaching, Teaching::Own { .. });
        let (end, lag) = (setting.end(), setting.lag());
        let window = setting.window().min(end);
        let learns = !sites.is_empty();
        let mut course = Course {
            setting,
            shown,
            lag: if learns { lag } else { 0.0 },
            end,
            goal: if learns { lag } else { end - window },
            sizes: vec![0.0; self.cells.soma.len()],
            learns,
            totals: Vec::new(),
            clocks: if moving { vec![Clock::new(0, samples)] } else { (0..samples).map(|b| Clock::new(b, 1)).collect() },
            sites,
        };
        course.totals = vec![[0.0; NODES]; course.clocks.len()];
        let mut gathered = Gathered::new(course.sites.len(), samples);
        self.used.clone_from(weights);
        if moving && self.path.is_none() {
            self.path = Some(Path::new(weights, setting.net.bias_rate, samples));
        }
        if let Some(path) = &mut self.path {
            (0..NODES).for_each(|slot| path.forget(slot));
        }
        self.cells.begin(state);
        output.fill(T::ZERO);
        (self.sweeps, self.steps) = (0, 0);
        let first_step = state.step;
        let totals = self.cells.totals(shown.target.is_some());
        for n in 0..course.clocks.len() {
            self.cells.look(shown, &course.clocks[n]);
        }
        while course.clocks.iter().any(|c| c.status != Status::Done) {
            for n in 0..course.clocks.len() {
                if course.clocks[n].status == Status::Ready {
                    let event = course.event(course.clocks[n].t);
                    let clock = &mut course.clocks[n];
                    clock.lay_out(event, totals);
                    self.cells.predict(shown, clock, &self.nodes);
                    if let Teaching::Own { delta, .. } = &teaching {
                        self.lay_out_weights(&course, weights, delta);
                    }
                }
            }
            self.cells.sweep(&self.used, shown.target.is_some());
            self.sweeps += 1;
            for n in 0..course.clocks.len() {
                match course.clocks[n].status {
                    Status::Start => {
                        self.cells.errors(&course.clocks[n], &course.sites);
                        self.keep(&mut course, n);
                        course.clocks[n].start();
                    }
                    Status::Sweeping => {
                        let Some(error) = self.judge(&mut course, n) else { continue };
                        if error > 1.0 {
                            if !course.clocks[n].reject(error) {
                                return Err(Trouble::StepTooSmall { sample: course.clocks[n].first, time: course.clocks[n].t });
                            }
                            continue;
                        }
                        self.accept(&mut course, n, error, (answer, window), output)?;
                        match &mut teaching {
                            Teaching::Own { delta, .. } => self.move_weights(&course, weights, delta),
                            Teaching::Gather { update, .. } => self.gather(&mut course, n, &mut gathered, update),
                            Teaching::Nothing => {}
                        }
                    }
                    Status::Ready | Status::Done => {}
                }
            }
        }
        let _ = (observer, first_step);
        if let Teaching::Gather { update, .. } = &mut teaching {
            gathered.fold(&course.sites, samples, update);
        }
        self.cells.end(shown, end, state);
        state.step = first_step + setting.timing.steps(setting.timing.presentation) as u64;
        Ok(())
    }

    /// Keeps what a clock's newest node has.
    fn keep(&mut self, course: &mut Course<'_, T>, n: usize) {
        let clock = &course.clocks[n];
        let slot = clock.slots[0];
        let cells = &self.cells;
        self.nodes[slot].take(&cells.p, &cells.current, &cells.input, cells.samples, clock.first, clock.count);
        course.measure(cells, n);
    }

    /// The error of a step in units of what is allowed; nothing, if another sweep is needed.
    fn judge(&mut self, course: &mut Course<'_, T>, n: usize) -> Option<f64> {
        let scales = course.scales(n);
        let change = self.cells.change(&course.clocks[n], |k| scales[k]);
        match course.clocks[n].sweep(change) {
            Sweep::Again => return None,
            Sweep::Failed => return Some(f64::INFINITY),
            Sweep::Settled => {}
        }
        let clock = &course.clocks[n];
        let mut error = self.cells.error(clock, |k| scales[k]);
        self.cells.errors(clock, &course.sites);
        if course.learns && clock.t + clock.h > course.lag {
            error = error.max(course.quadrature(&self.cells, &self.nodes, n));
        }
        Some(if error.is_nan() { f64::INFINITY } else { error })
    }

    fn accept(
        &mut self,
        course: &mut Course<'_, T>,
        n: usize,
        error: f64,
        (answer, window): (Answer, f64),
        output: &mut [T],
    ) -> Result<(), Trouble> {
        let event = course.event(course.clocks[n].t);
        course.clocks[n].accept(error, course.end, event);
        let slot = course.clocks[n].slots[0];
        self.cells.accept(&course.clocks[n], &mut self.nodes[slot]);
        if let Some(path) = &mut self.path {
            path.forget(slot);
        }
        course.measure(&self.cells, n);
        let clock = &course.clocks[n];
        self.steps += 1;
        // The part of the window in this step.
        let start = course.end - window;
        let depth = self.cells.p.rate.len();
        let outputs = output.len() / course.shown.samples;
        let at = clock.first * outputs..(clock.first + clock.count) * outputs;
        let output = &mut output[at.clone()];
        if window == 0.0 {
            if clock.status == Status::Done {
                for (o, i) in output.iter_mut().zip(at) {
                    *o = match answer {
                        Answer::Prediction => T::from_f64(course.setting.output) * self.nodes[slot].top[i],
                        Answer::Soma => self.cells.soma[depth - 1][i],
                    };
                }
            }
        } else if clock.t > start {
            let a = ((start - clock.from) / clock.h).max(0.0);
            match answer {
                Answer::Prediction => {
                    let share = course.setting.output * clock.h / window;
                    let weights = clock.basis.weights(&plain(a, 1.0));
                    for j in 0..=clock.order {
                        let w = T::from_f64(weights[j] * share);
                        let top = &self.nodes[clock.slots[j]].top[at.clone()];
                        output.iter_mut().zip(top).for_each(|(o, &v)| *o += w * v);
                    }
                }
                Answer::Soma => {
                    // u' = -g u + s: the integral of u is (integral of s + u(a) - u(b)) / g.
                    let g = self.cells.totals(course.shown.target.is_some())[2];
                    let share = 1.0 / (g * window);
                    let weights = clock.basis.weights(&plain(a, 1.0));
                    let keep = (-g * clock.h * a).exp();
                    let early = clock.basis.weights(&decaying(g * clock.h, a));
                    let (first, last) = (T::from_f64(share * keep), T::from_f64(share));
                    let before = &self.cells.before[depth - 1][at.clone()];
                    let after = &self.cells.soma[depth - 1][at.clone()];
                    for ((o, &u), &v) in output.iter_mut().zip(before).zip(after) {
                        *o += first * u - last * v;
                    }
                    for j in 0..=clock.order {
                        let w = T::from_f64((weights[j] + early[j]) * clock.h * share);
                        let s = &self.nodes[clock.slots[j]].current[depth - 1][at.clone()];
                        output.iter_mut().zip(s).for_each(|(o, &s)| *o += w * s);
                    }
                }
            }
        }
        for population in 0..self.cells.soma.len() {
            let cells = self.cells.soma[population].len() / course.shown.samples;
            let values = &self.cells.soma[population][clock.first * cells..(clock.first + clock.count) * cells];
            let cell = match population.checked_sub(depth) {
                None => (watch::Cell::Pyramidal, population + 1),
                Some(k) => (watch::Cell::Interneuron, k + 1),
            };
            watch::check_layer(values, clock.count, cell, 0, course.setting.bound)?;
        }
        Ok(())
    }

    /// The weights that the step under way sees at its end.
    fn lay_out_weights(&mut self, course: &Course<'_, T>, weights: &Tensors<T>, delta: &Tensors<T>) {
        let clock = &course.clocks[0];
        if course.motion(clock.t) != Motion::Both {
            return;
        }
        let Some(path) = &mut self.path else { return };
        let past: Vec<f64> = (0..clock.order).map(|j| clock.node(j)).collect();
        let basis = super::quadrature::Basis::new(&past);
        for j in 0..clock.order {
            path.learn(self.cells.plan, &course.sites, clock.slots[j], &self.nodes[clock.slots[j]]);
        }
        let gains = Gains::new(course.setting.tau_w, clock.h, 1.0);
        let c = basis.weights(&gains.weights);
        let c: Vec<(usize, f64)> = (0..clock.order).map(|j| (clock.slots[j], c[j])).collect();
        path.reach(&course.sites, &mut self.used, weights, (gains.delta, delta), &c);
    }

    /// Moves weights and Delta over the step just taken.
    fn move_weights(&mut self, course: &Course<'_, T>, weights: &mut Tensors<T>, delta: &mut Tensors<T>) {
        let clock = &course.clocks[0];
        let motion = course.motion(clock.from);
        let Some(path) = &mut self.path else { return };
        if motion == Motion::Still {
            return;
        }
        for j in 0..=clock.order {
            path.learn(self.cells.plan, &course.sites, clock.slots[j], &self.nodes[clock.slots[j]]);
        }
        let gains = Gains::new(course.setting.tau_w, clock.h, 1.0);
        let at = |row: Row| (0..=clock.order).map(|j| (clock.slots[j], row[j])).collect::<Vec<_>>();
        if motion == Motion::Both {
            let c = at(clock.basis.weights(&gains.weights));
            path.move_on(&course.sites, weights, (gains.delta, delta), &c);
        }
        if course.setting.tau_w.is_some() {
            path.filter(&course.sites, delta, gains.keep, &at(clock.basis.weights(&gains.low_pass)));
        }
    }

    fn gather(&mut self, course: &mut Course<'_, T>, n: usize, gathered: &mut Gathered<T>, update: &mut Tensors<T>) {
        let clock = &course.clocks[n];
        let freeze = course.setting.timing.lag_kind == LagKind::Freeze;
        let totals = &mut course.totals[n];
        let samples = course.shown.samples;
        // The node that has left the history since.
        totals.rotate_right(1);
        let bias = course.setting.net.bias_rate;
        let mut push = |slot: usize, weight: f64| {
            if weight != 0.0 {
                gathered.push(&course.sites, &self.nodes[slot], clock.first, samples, weight, bias);
            }
        };
        let _ = &mut push;
        totals[0] = 0.0;
        if !freeze || clock.from >= course.lag {
            for j in 0..=clock.order {
                totals[j] += clock.integral[j];
            }
        }
        // What the next node overwrites, or everything at the end.
        let done = clock.status == Status::Done;
        for j in 0..NODES {
            if done || j == NODES - 1 {
                push(clock.slots[j], totals[j]);
                totals[j] = 0.0;
            }
        }
        if gathered.is_full() {
            gathered.fold(&course.sites, samples, update);
        }
    }

    /// The sums of squares of v_A and of the interneurons' mismatch at the end.
    pub fn measure(&self, state: &State<T>, slots: usize, outcome: &mut Outcome<T>) {
        let _ = (state, slots, outcome);
    }
}

impl<T: Real> Course<'_, T> {
    /// The next time that no step may cross.
    fn event(&self, t: f64) -> f64 {
        if t < self.lag { self.lag } else { self.end }
    }

    fn motion(&self, t: f64) -> Motion {
        match self.setting.timing.lag_kind {
            _ if t >= self.lag => Motion::Both,
            LagKind::Freeze => Motion::Still,
            LagKind::Filter => Motion::DeltaOnly,
        }
    }

    /// Which error of a potential counts as one, per population.
    fn scales(&self, n: usize) -> Vec<f64> {
        let clock = &self.clocks[n];
        let t = clock.t + clock.h;
        let tolerance = self.setting.tolerance.max(0.0);
        let rounding = if T::NAME == "f32" { 4e-7 } else { 1e-15 };
        if self.learns && t > self.lag {
            self.sizes.iter().map(|size| tolerance * size.max(SMALLEST) + rounding).collect()
        } else {
            let base = if self.learns { 0.03 } else { 1.0 };
            let scale = (tolerance * base * (FORGETTING * (self.goal - t).max(0.0)).exp()).min(MOST.max(tolerance));
            vec![scale + rounding; self.sizes.len()]
        }
    }

    /// Remembers how large the rules' errors are.
    fn measure(&mut self, cells: &Cells<T>, n: usize) {
        let clock = &self.clocks[n];
        let depth = cells.p.rate.len();
        let mut smallest = f64::INFINITY;
        self.sizes.fill(f64::NAN);
        for site in &self.sites {
            let population = match site.kind {
                Kind::Wpp => site.k,
                Kind::Wip => depth + site.k,
                _ => continue,
            };
            let e = cells.rule(*site);
            let n = e.len() / cells.samples;
            let e = &e[clock.first * n..(clock.first + clock.count) * n];
            let size = (e.iter().map(|e| e.to_f64().powi(2)).sum::<f64>() / e.len() as f64).sqrt();
            self.sizes[population] = size;
            smallest = smallest.min(size);
        }
        let smallest = if smallest.is_finite() { smallest } else { 1.0 };
        self.sizes.iter_mut().for_each(|s| {
            if s.is_nan() {
                *s = smallest;
            }
        });
    }

    /// The estimated error of the rules' integrals over the step, in units of what is allowed.
    fn quadrature(&self, cells: &Cells<T>, nodes: &[Node<T>], n: usize) -> f64 {
        let clock = &self.clocks[n];
        let all = self.end - self.lag;
        let mut worst = 0.0f64;
        for &site in &self.sites {
            if matches!(site.kind, Kind::Bpp | Kind::Bip) {
                continue;
            }
            let e = cells.rule(site);
            let cells_n = e.len() / cells.samples;
            let at = clock.first * cells_n..(clock.first + clock.count) * cells_n;
            let (mut squares, mut size) = (0.0, 0.0);
            for i in at {
                let ahead: f64 =
                    (0..clock.order).map(|j| clock.ahead[j] * nodes[clock.slots[j]].factors(site).0[i].to_f64()).sum();
                squares += (e[i].to_f64() - ahead).powi(2);
                size += e[i].to_f64().powi(2);
            }
            let count = (cells_n * clock.count) as f64;
            let error = clock.integral_error.abs() * (squares / count).sqrt();
            let rounding = if T::NAME == "f32" { 4e-7 } else { 1e-15 };
            let scale = (size / count).sqrt().max(SMALLEST) * self.setting.tolerance * 0.2 * all + rounding * clock.h;
            worst = worst.max(error / scale);
        }
        worst
    }
}

/// Unused so far.
pub fn _dense<T: Real>(w: &Tensors<T>, p: &mut Potentials<T>, beta_b: T, r: &[T], clock: &Clock, wants: Wants) {
    let _ = (values(0.5), class(0, 1), wants, clock);
    potentials::all(Product::Plain, w, beta_b, r, p);
    let _: Option<View<'_, T>> = None;
}
