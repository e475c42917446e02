//! The engine of nets and batches that do not fit the nearest cache: `blocks` and `batch`.
//!
//! Weights are cut into parts that own their rows for the length of a presentation, padded and aligned; a step is one round
//! over all parts, spread over threads, and then what happens to cells. What is learned lies in a history of errors and rates
//! for a block of steps ([`change`]) and is folded into the weights in the pass that next reads them: memory is written once
//! a block. With many samples a block is one step and sums and folds are products of matrices. The input layer lies in the
//! [`span`] of the patterns where that is less work.
//!
//! Blocks end every so many plastic steps of a presentation and at its end, whoever looks and however many threads there are.

mod cells;
mod change;
mod layout;
mod part;
mod span;

use super::engine::{Answer, Circuit, Engine, Presentation, Teaching};
use crate::circuit::params::{Network, Rates};
use crate::circuit::step::{Constants, follow};
use crate::circuit::{Kind, State, Tensors};
use crate::kernels::{Isa, Real, par};
use crate::solvers::{Observer, Trouble, View, Wants, may_go_on, steps_to_stop};
use cells::Biases;
use change::{Coefficients, Mode};
use layout::{Population, Projection};
use part::{Part, Task};
use span::{Span, SpanPart};

/// Rows of a part, at most: with its rates and Delta it stays in the nearer caches from its fold to its sums.
const ROWS: usize = 64;

/// Cuts rows into parts: (first, rows) of each.
fn cut(rows: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..rows.div_ceil(ROWS)).map(move |n| (n * ROWS, ROWS.min(rows - n * ROWS)))
}

/// What one thread at a time works on.
enum Job<T> {
    Rows(Part<T>),
    Span(SpanPart<T>),
}

impl<T: Real> Job<T> {
    /// Hands over what it found for the samples from `sample` on, whose potentials are `v`, `rows` a sample.
    fn deliver(&self, rows: usize, sample: usize, v: &mut [T]) {
        match self {
            Job::Rows(part) => part.deliver(rows, sample, v),
            Job::Span(part) => part.deliver(rows, sample, v),
        }
    }
}

/// Where the jobs of each projection stand in the list: first those of the span, then all parts in the order of projections.
struct Parts {
    span: usize,
    ends: Vec<usize>,
    /// The span's jobs are those of the first projection.
    spans: bool,
}

impl Parts {
    /// The jobs that find the potentials of projection `n`.
    fn of(&self, n: usize) -> std::ops::Range<usize> {
        match n {
            0 if self.spans => 0..self.span,
            0 => self.span..self.ends[0],
            _ => self.ends[n - 1]..self.ends[n],
        }
    }
}

/// The engine; between presentations it holds nothing but room.
pub struct Dense<T: 'static> {
    isa: Isa,
    block: usize,
    samples: usize,
    populations: Vec<Population<T>>,
    projections: Vec<Projection<T>>,
    jobs: Vec<Job<T>>,
    parts: Parts,
    span: Span<T>,
    room: cells::Room<T>,
    open: Coefficients,
    /// What observers see of the weights, made when one first looks.
    seen: Option<Tensors<T>>,
    none: Tensors<T>,
}

/// What holds for a presentation.
#[derive(Clone, Copy)]
struct Course {
    mode: Mode,
    /// The input layer is computed in the span of the patterns.
    spans: bool,
}

impl<T: Real> Dense<T> {
    /// Room for a net and a batch; weights are folded every `block` plastic steps.
    pub fn new(net: &Network, samples: usize, block: usize, isa: Isa) -> Self {
        let projections: Vec<Projection<T>> = layout::projections(net);
        let span_parts = cut(net.sizes[1]).map(|(first, rows)| Job::Span(SpanPart::new(first, rows, samples)));
        let mut jobs: Vec<Job<T>> = span_parts.collect();
        let mut parts = Parts { span: jobs.len(), ends: Vec::new(), spans: false };
        for (n, p) in projections.iter().enumerate() {
            jobs.extend(cut(p.rows).map(|(first, rows)| Job::Rows(Part::new(n, p, first, rows, samples))));
            parts.ends.push(jobs.len());
        }
        Dense {
            isa,
            block: block.max(1),
            samples,
            jobs,
            parts,
            populations: layout::populations(net, samples),
            projections,
            span: Span::new(samples, net.sizes[0], isa),
            room: cells::Room::default(),
            open: Coefficients::new(block.max(1)),
            seen: None,
            none: Tensors::default(),
        }
    }

    /// Takes over the circuit for a presentation.
    fn begin(
        &mut self,
        constants: &Constants<T>,
        course: Course,
        input: &[T],
        (weights, delta, rates): (&Tensors<T>, &Tensors<T>, Option<&Rates>),
        trace: &[T],
    ) {
        let Course { mode, spans } = course;
        self.open.clear();
        self.parts.spans = spans;
        for p in &mut self.projections {
            p.rate = rates.map_or(0.0, |rates| constants.dt * p.eta(rates));
            let source = &mut self.populations[p.source];
            if p.rate != 0.0 {
                p.errors.resize_with(self.block, || vec![T::ZERO; self.samples * p.rows]);
                if !(spans && p.source == 0) && source.history.is_empty() {
                    source.history.resize_with(self.block, || source.now.clone());
                    source.overlap.reserve(self.samples * self.samples * self.block);
                }
            }
        }
        let learns = self.projections[0].rate != 0.0;
        if spans {
            let q = 1.0 - constants.shares.0;
            self.span.begin(input, trace, q, learns && mode.moves());
        }
        let (projections, span) = (&self.projections, &self.span);
        par::each(&mut self.jobs, |job| match job {
            Job::Span(part) if spans => {
                let p = &projections[0];
                let delta = (learns && matches!(mode, Mode::LowPass(_))).then(|| p.of(delta));
                part.begin(span, p.of(weights), delta);
            }
            Job::Rows(part) if !(spans && part.projection == 0) => {
                let p = &projections[part.projection];
                let delta = match mode {
                    Mode::LowPass(_) if p.rate != 0.0 => Some(Some(delta)),
                    Mode::Gather if p.rate != 0.0 => Some(None),
                    _ => None,
                };
                part.load(p, weights, delta);
            }
            _ => {}
        });
    }

    /// What all projections bring about, and the fold of a full block. The rates of the cells are there.
    fn sums(&mut self, course: Course, state: &State<T>) {
        let Course { mode, spans } = course;
        if !spans {
            self.populations[0].now.copy_from(&state.trace_input);
        }
        let folds = self.open.len() == self.block;
        if !folds && self.open.in_weights() > 0 {
            for population in self.populations.iter_mut().filter(|p| !p.history.is_empty()) {
                population.compare(self.isa, &self.open, self.samples);
            }
        }
        let task = Task { isa: self.isa, coefficients: &self.open, folds, backwards: state.step % 2 == 1 };
        let (projections, populations, span) = (&self.projections, &self.populations, &self.span);
        par::each_from(&mut self.jobs, task.backwards, |job| match job {
            Job::Span(part) if spans => {
                let p = &projections[0];
                part.take(span, p);
                part.sum(span, p.rate, p.rate != 0.0 && mode.moves());
            }
            Job::Rows(part) if !(spans && part.projection == 0) => {
                let p = &projections[part.projection];
                part.pass(&task, p, &populations[p.source]);
            }
            _ => {}
        });
        self.span.taken();
        if folds {
            self.open.clear();
        }
    }

    /// The step, whose errors are kept, joins the open block.
    fn append(&mut self, course: Course, change: change::Change) {
        let step = self.open.len();
        for population in &mut self.populations {
            population.append(step);
        }
        self.open.push(change);
        if course.spans && self.projections[0].rate != 0.0 {
            self.span.push(change, step);
        }
    }

    /// Closes the open block and gives the circuit back.
    fn end(&mut self, course: Course, weights: &mut Tensors<T>, delta: Option<&mut Tensors<T>>) {
        let Course { mode, spans } = course;
        if mode == Mode::Nothing {
            return;
        }
        let task = Task { isa: self.isa, coefficients: &self.open, folds: true, backwards: false };
        let (projections, populations, span) = (&self.projections, &self.populations, &self.span);
        par::each(&mut self.jobs, |job| match job {
            Job::Span(part) if spans && projections[0].rate != 0.0 => part.take(span, &projections[0]),
            Job::Rows(part) if !(spans && part.projection == 0) => {
                let p = &projections[part.projection];
                part.close(&task, p, &populations[p.source]);
            }
            _ => {}
        });
        self.span.taken();
        let mut delta = delta;
        for job in &self.jobs {
            match job {
                Job::Span(part) if spans && projections[0].rate != 0.0 => {
                    let p = &projections[0];
                    match (mode, delta.as_deref_mut()) {
                        (Mode::Gather, Some(update)) => part.add_gathered(&self.span, p, update),
                        (_, delta) => part.close(&self.span, p, weights, delta),
                    }
                }
                Job::Rows(part) if !(spans && part.projection == 0) => {
                    let p = &projections[part.projection];
                    if p.rate == 0.0 {
                        continue;
                    }
                    match (mode, delta.as_deref_mut()) {
                        (Mode::Gather, Some(update)) => part.add_gathered(p, update),
                        (_, delta) => {
                            part.store_weights(p, weights);
                            if let Some(delta) = delta {
                                part.store_delta(p, delta);
                            }
                        }
                    }
                }
                _ => {}
            }
        }
        self.open.clear();
    }

    /// A copy of the weights as they are now.
    fn look(&mut self, course: Course, weights: &Tensors<T>, delta: Option<&Tensors<T>>) {
        let seen = self.seen.get_or_insert_with(|| weights.clone());
        for kind in Kind::ALL {
            for (seen, w) in seen.kind_mut(kind).iter_mut().zip(weights.kind(kind)) {
                seen.data.copy_from_slice(&w.data);
            }
        }
        if !course.mode.moves() {
            return;
        }
        let task = Task { isa: self.isa, coefficients: &self.open, folds: false, backwards: false };
        for job in &self.jobs {
            match job {
                Job::Span(part) if course.spans && self.projections[0].rate != 0.0 => {
                    part.show(&self.span, &self.projections[0], delta, seen);
                }
                Job::Rows(part) if !(course.spans && part.projection == 0) => {
                    let p = &self.projections[part.projection];
                    if p.rate != 0.0 {
                        part.show(&task, p, &self.populations[p.source], seen);
                    }
                }
                _ => {}
            }
        }
    }
}

impl<T: Real> Engine<T> for Dense<T> {
    fn present(
        &mut self,
        constants: &Constants<T>,
        presentation: &Presentation<'_, T>,
        circuit: Circuit<'_, T>,
        teaching: Teaching<'_, T>,
        output: &mut [T],
        observer: &mut dyn Observer<T>,
    ) -> Result<(), Trouble> {
        let Circuit { weights, state, potentials: p } = circuit;
        let (shown, steps, start) = (presentation.shown, presentation.steps(), presentation.window_start());
        let top = state.soma.len() - 1;
        let factor = match presentation.answer {
            Answer::Prediction => constants.attenuation.output,
            Answer::Soma => 1.0,
        };
        let share = T::from_f64(factor / (steps - start) as f64);
        output.fill(T::ZERO);

        let mode = Mode::of(&teaching, constants.shares.1);
        let mut nowhere = std::mem::take(&mut self.none);
        let (rates, sink) = match teaching {
            Teaching::Own { rates, delta } => (Some(rates), delta),
            Teaching::Gather { rates, update } => (Some(rates), update),
            Teaching::Nothing => (None, &mut nowhere),
        };
        // The products with 2B vectors at every step against those with n_0 columns, and their updates: half of it each.
        let moves = mode.moves() && rates.is_some_and(|rates| rates.pp[0] != 0.0);
        let stride = steps_to_stop(weights, self.samples);
        let course = Course { mode, spans: !moves || 4 * self.samples <= constants.net().sizes[0] };
        let input = shown.input;
        self.begin(constants, course, input, (weights, sink, rates), &state.trace_input);

        let mut result = Ok(());
        for n in 0..steps {
            if n % stride == 0 {
                result = may_go_on(observer);
                if result.is_err() {
                    break;
                }
            }
            let wants = observer.wants(state.step + 1);
            if course.spans {
                let rate = self.projections[0].rate;
                self.span.advance(moves.then_some(rate));
            } else {
                follow(&mut state.trace_input, input, constants.trace_in);
            }
            if let (Some(target), Some(rate)) = (shown.target, constants.trace_target) {
                follow(&mut state.trace_target, target, rate);
            }
            cells::before(constants.net().activation, &mut self.room, state, p, &mut self.populations[1..]);
            self.sums(course, state);
            let change = mode.change(presentation.timing, n);
            let found = cells::Found {
                jobs: &self.jobs,
                parts: &self.parts,
                projections: &mut self.projections,
                target: match constants.trace_target {
                    Some(_) => shown.target.map(|_| &state.trace_target[..]),
                    None => shown.target,
                },
                weights,
                learning: rates.filter(|_| change.is_some()).map(|rates| (rates, self.open.len())),
            };
            cells::after(constants, self.isa, &mut self.room, state, p, found);
            if let (Some(change), Some(rates)) = (change, rates) {
                let mut biases = match mode {
                    Mode::Gather => Biases::Gather(sink),
                    _ => Biases::Own(weights, sink),
                };
                cells::learn_biases(constants, rates, p, change, &mut biases);
                self.append(course, change);
            }
            result = cells::advance_all(constants, &mut self.room, state, p, presentation.noise, presentation.bound);
            if result.is_err() {
                break;
            }
            if n >= start {
                let potential = match presentation.answer {
                    Answer::Prediction => &p.basal[top],
                    Answer::Soma => &state.soma[top],
                };
                output.iter_mut().zip(potential).for_each(|(o, &v)| *o += share * v);
            }
            if wants != Wants::Nothing {
                if course.spans {
                    self.span.trace(&mut state.trace_input);
                }
                let mut weights = &*weights;
                if wants == Wants::Weights {
                    self.look(course, weights, matches!(mode, Mode::LowPass(_)).then_some(&*sink));
                    weights = self.seen.as_ref().unwrap_or(weights);
                }
                observer.after_step(&View { step: state.step, state, potentials: p, weights, target: shown.target });
            }
        }
        if course.spans {
            self.span.trace(&mut state.trace_input);
        }
        self.end(course, weights, mode.has_delta().then_some(sink));
        self.none = nowhere;
        result
    }
}
