//! The fused engine: one pattern, a small net, all weights in the nearest cache. Twin of [`super::engine::Reference`].
//!
//! A presentation runs inside one kernel. The change of weights that a step teaches waits for the pass in which the next step
//! reads them; rates of the next step and predictions of this one go through phi together; the first layer never touches its
//! matrix ([`input`]); noise is drawn for many steps at once. Nothing is allocated and nothing dispatched in a step.

mod bias;
mod cells;
mod input;

use super::engine::{Answer, Circuit, Engine, Presentation, Teaching};
use crate::circuit::noise::Source;
use crate::circuit::params::{LagKind, Network, Rates};
use crate::circuit::step::{Constants, Plastic};
use crate::circuit::{Potentials, State, Tensors};
use crate::kernels::fused::{Change, Packed, Settle};
use crate::kernels::rng::AHEAD;
use crate::kernels::{Isa, Mat, Real};
use crate::solvers::{Observer, Trouble, View, Wants, may_go_on, steps_to_stop, watch};
use bias::Bias;
use cells::{Cells, Errors};
use input::{Input, Rule};
use pulp::{Simd, WithSimd};
use std::ops::Range;

/// What a step teaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing.
    Nothing,
    /// Weights move by the old Delta, Delta follows the rule.
    LowPass,
    /// Delta follows the rule, weights stand still.
    Filter,
    /// Weights move by the rule.
    Direct,
    /// An update is gathered, weights stand still.
    Gather,
}

/// Where a projection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Site {
    /// A basal dendrite.
    Basal,
    /// The dendrite of an interneuron.
    Inter,
    /// An apical dendrite, from the interneurons.
    Lateral,
    /// An apical dendrite, from the layer above.
    Feedback,
}

/// The list of a projection among tensors.
fn list<T>(site: Site, tensors: &Tensors<T>) -> &[Mat<T>] {
    match site {
        Site::Basal => &tensors.pp,
        Site::Inter => &tensors.ip,
        Site::Lateral => &tensors.pi,
        Site::Feedback => &tensors.pb,
    }
}

/// The same, to change.
fn list_mut<T>(site: Site, tensors: &mut Tensors<T>) -> &mut [Mat<T>] {
    match site {
        Site::Basal => &mut tensors.pp,
        Site::Inter => &mut tensors.ip,
        Site::Lateral => &mut tensors.pi,
        Site::Feedback => &mut tensors.pb,
    }
}

/// A projection above the first layer.
struct Projection<T> {
    site: Site,
    /// Its index in its list.
    k: usize,
    post: Range<usize>,
    pre: Range<usize>,
    /// dt eta; 0: its rule is off.
    c: T,
    packed: Packed<T>,
    /// What an observer sees.
    copy: Packed<T>,
}

impl<T: Real> Projection<T> {
    #[inline(always)]
    fn change(&self, kind: Kind, a: T) -> Change<T> {
        let c = self.c;
        match kind {
            _ if c == T::ZERO => Change::Nothing,
            Kind::Nothing => Change::Nothing,
            Kind::LowPass => Change::LowPass { c, a },
            Kind::Filter => Change::Filter { a },
            Kind::Direct => Change::Direct { c },
            Kind::Gather => Change::Gather { c },
        }
    }
}

/// Room for the presentations of one net.
pub struct Fused<T> {
    isa: Isa,
    cells: Cells<T>,
    input: Input<T>,
    input_copy: Input<T>,
    bias: Bias<T>,
    projections: Vec<Projection<T>>,
    /// Room for one population.
    scratch: Vec<T>,
    /// Weights that an observer sees; made when one first looks.
    seen: Tensors<T>,
    output: Vec<T>,
}

impl<T: Real> Fused<T> {
    /// An engine for a net, with the instructions of `isa`.
    pub fn new(net: &Network, isa: Isa) -> Self {
        let (n, cells) = (&net.sizes, Cells::<T>::new(net));
        let (places, lanes) = (&cells.places, isa.lanes::<T>());
        let depth = places.depth();
        let mut projections = Vec::new();
        let mut add = |site, k, (post, post_cells), (pre, pre_cells)| {
            let packed = Packed::new(post_cells, pre_cells, lanes);
            projections.push(Projection { site, k, post, pre, c: T::ZERO, copy: packed.clone(), packed });
        };
        for k in 1..depth {
            let (own, inter) = ((places.pyramidal(k), n[k]), (places.inter(k), n[k + 1]));
            let above = (places.pyramidal(k + 1), n[k + 1]);
            add(Site::Basal, k, above.clone(), own.clone());
            add(Site::Inter, k - 1, inter.clone(), own.clone());
            add(Site::Lateral, k - 1, own.clone(), inter);
            add(Site::Feedback, k - 1, own, above);
        }
        let first = places.pyramidal(1).len();
        let longest = (0..n.len()).map(|k| n[k]).max().unwrap_or(0);
        Fused {
            isa,
            input: Input::new(n[0], first),
            input_copy: Input::new(n[0], first),
            bias: Bias::new(net, places),
            projections,
            scratch: vec![T::ZERO; longest + 64],
            seen: Tensors::default(),
            output: vec![T::ZERO; places.pyramidal(depth).len()],
            cells,
        }
    }

    /// Takes everything at the start of a presentation.
    fn begin(
        &mut self,
        c: &Constants<T>,
        presentation: &Presentation<'_, T>,
        (weights, state): (&Tensors<T>, &State<T>),
        (rates, delta, update): (Option<&Rates>, Option<&Tensors<T>>, Option<&Tensors<T>>),
    ) {
        let shown = presentation.shown;
        self.cells.begin(c, state, shown.target);
        for p in &mut self.projections {
            let rates = rates.map(|r| match p.site {
                Site::Basal => &r.pp,
                Site::Inter => &r.ip,
                Site::Lateral => &r.pi,
                Site::Feedback => &r.pb,
            });
            p.c = rates.map_or(T::ZERO, |rates| T::from_f64(c.dt * rates[p.k]));
            let second = delta.or(update).map(|t| &list(p.site, t)[p.k]);
            p.packed.pack(&list(p.site, weights)[p.k], second);
        }
        let rule = Rule {
            c: rates.map_or(0.0, |r| T::from_f64(c.dt * r.pp[0]).to_f64()),
            a: c.a.filter(|_| update.is_none()),
        };
        let delta_0 = delta.map(|t| &t.pp[0]);
        self.input.begin(rule, c.trace_in, shown.input, &state.trace_input, &weights.pp[0], delta_0);
        self.bias.begin(c, &self.cells.places, weights, rates, delta.or(update));
        self.output.fill(T::ZERO);
    }

    /// Makes the changes that wait, and gives everything back.
    fn end(
        &mut self,
        kind: Kind,
        c: &Constants<T>,
        weights: &mut Tensors<T>,
        delta: Option<&mut Tensors<T>>,
        update: Option<&mut Tensors<T>>,
    ) {
        let a = c.a.unwrap_or(T::ZERO);
        for p in self.projections.iter_mut().filter(|p| p.c != T::ZERO) {
            settle(
                self.isa,
                p.change(kind, a),
                &mut p.packed,
                (p.site, &p.post, &p.pre),
                &self.cells,
                &mut self.scratch,
            );
        }
        self.input.settle(kind, &self.cells.e[self.cells.places.pyramidal(1)]);
        self.bias.settle(kind, &self.cells.e);
        let input_learned = self.input.learns();
        if let Some(update) = update {
            for p in self.projections.iter().filter(|p| p.c != T::ZERO) {
                p.packed.unpack_delta(&mut list_mut(p.site, update)[p.k]);
            }
            if input_learned {
                self.input.weights(None, &mut update.pp[0]);
            }
            self.bias.give_delta(&self.cells.places, update);
            return;
        }
        for p in self.projections.iter().filter(|p| p.c != T::ZERO) {
            p.packed.unpack_weights(&mut list_mut(p.site, weights)[p.k]);
        }
        self.bias.give_weights(&self.cells.places, weights);
        match delta {
            None if input_learned => self.input.weights(None, &mut weights.pp[0]),
            None => {}
            Some(delta) => {
                for p in self.projections.iter().filter(|p| p.c != T::ZERO) {
                    p.packed.unpack_delta(&mut list_mut(p.site, delta)[p.k]);
                }
                if input_learned {
                    self.input.weights(Some(&delta.pp[0]), &mut weights.pp[0]);
                    self.input.delta(&mut delta.pp[0]);
                }
                self.bias.give_delta(&self.cells.places, delta);
            }
        }
    }

    /// Makes a copy of the weights with the changes that wait in it, for an observer.
    fn look(&mut self, kind: Kind, c: &Constants<T>, weights: &Tensors<T>, delta: Option<&Tensors<T>>) {
        if self.seen.pp.is_empty() {
            self.seen = weights.clone();
        }
        let a = c.a.unwrap_or(T::ZERO);
        for p in self.projections.iter_mut() {
            p.copy.clone_from(&p.packed);
            let change = p.change(kind, a);
            settle(self.isa, change, &mut p.copy, (p.site, &p.post, &p.pre), &self.cells, &mut self.scratch);
            p.copy.unpack_weights(&mut list_mut(p.site, &mut self.seen)[p.k]);
        }
        self.seen.pp[0].data.copy_from_slice(&weights.pp[0].data);
        if self.input.learns() && kind != Kind::Gather {
            self.input_copy.copy_from(&self.input);
            self.input_copy.settle(kind, &self.cells.e[self.cells.places.pyramidal(1)]);
            self.input_copy.weights(delta.map(|d| &d.pp[0]), &mut self.seen.pp[0]);
        }
        self.bias.look(kind, &self.cells, &mut self.seen);
    }
}

/// Makes a change outside of a step.
fn settle<T: Real>(
    isa: Isa,
    change: Change<T>,
    packed: &mut Packed<T>,
    (site, post, pre): (Site, &Range<usize>, &Range<usize>),
    cells: &Cells<T>,
    scratch: &mut [T],
) {
    let e = match site {
        Site::Basal | Site::Inter => &cells.e[post.clone()],
        Site::Lateral => &cells.e_apical[post.clone()],
        Site::Feedback => &cells.e_feedback[post.clone()],
    };
    // After a step its own rates are the former ones.
    isa.run(Settle { packed, change, e, r_was: &cells.r_was[pre.clone()], v: &mut scratch[..post.len()] });
}

/// One presentation, as a kernel.
struct Course<'a, 'b, T> {
    engine: &'a mut Fused<T>,
    c: &'a Constants<T>,
    presentation: &'a Presentation<'b, T>,
    weights: &'a Tensors<T>,
    delta: Option<&'a Tensors<T>>,
    gather: bool,
    rates: Option<&'a Rates>,
    state: &'a mut State<T>,
    potentials: &'a mut Potentials<T>,
    observer: &'a mut dyn Observer<T>,
}

impl<T: Real> Course<'_, '_, T> {
    /// What step `n` teaches.
    fn kind(&self, n: usize) -> Kind {
        let timing = self.presentation.timing;
        let plastic = Plastic::in_presentation(timing, n);
        match plastic {
            _ if self.rates.is_none() => Kind::Nothing,
            // In the lag's variant "filter" the rules still reach Delta, and so V.
            _ if self.gather && (plastic == Plastic::On || timing.lag_kind == LagKind::Filter) => Kind::Gather,
            _ if self.gather => Kind::Nothing,
            Plastic::On if self.c.a.is_some() => Kind::LowPass,
            Plastic::On => Kind::Direct,
            Plastic::DeltaOnly if self.c.a.is_some() => Kind::Filter,
            Plastic::DeltaOnly | Plastic::Off => Kind::Nothing,
        }
    }

    /// Copies somas, traces, rates, potentials and errors of the step to where others look for them.
    fn give(&mut self, errors: Option<Errors<'_>>) {
        let Fused { cells, input, .. } = &*self.engine;
        cells.give_state(self.c, self.presentation.shown.target.is_some(), self.state);
        input.trace(&mut self.state.trace_input);
        cells.give_potentials(errors, self.potentials);
    }
}

impl<T: Real> WithSimd for Course<'_, '_, T> {
    type Output = Result<Kind, Trouble>;

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) -> Result<Kind, Trouble> {
        let (c, presentation, rates) = (self.c, self.presentation, self.rates);
        let (steps, start, shown) = (presentation.steps(), presentation.window_start(), presentation.shown);
        let (a, phi, bound) = (c.a.unwrap_or(T::ZERO), c.net.activation, T::from_f64(presentation.bound));
        let stride = steps_to_stop(self.weights, 1);
        let soma = presentation.answer == Answer::Soma;
        let share = if soma { 1.0 } else { c.attenuation.output } / (steps - start) as f64;
        let share = T::from_f64(share);
        let noisy = *presentation.noise != Source::Silent;
        let with_feedback = rates.is_some_and(|r| r.pb.iter().any(|&eta| eta != 0.0));
        let mut waiting = Kind::Nothing;
        for n in 0..steps {
            if n % stride == 0 {
                may_go_on(self.observer)?;
            }
            let wants = self.observer.wants(self.state.step + 1);
            let kind = self.kind(n);
            let errors = rates.filter(|_| kind != Kind::Nothing).map(|rates| Errors { rates, feedback: with_feedback });
            let Fused { cells, input, bias, projections, output, .. } = &mut *self.engine;

            // 1. Traces.
            input.follow();
            if let (Some(target), Some(rate)) = (shown.target, c.trace_target) {
                cells.follow_target(target, rate);
            }

            // 2. Dendritic potentials, in the passes that make the changes of the step before; derivatives.
            let first = cells.places.pyramidal(1);
            input.step(simd, waiting, self.gather, &cells.e[first.clone()], &mut cells.v[first]);
            for p in projections.iter_mut() {
                let change = p.change(waiting, a);
                let (r_was, r) = (&cells.r_was[p.pre.clone()], &cells.r[p.pre.clone()]);
                let (e, v) = match p.site {
                    Site::Basal | Site::Inter => (&cells.e, &mut cells.v),
                    Site::Lateral => (&cells.e_apical, &mut cells.lateral),
                    Site::Feedback => (&cells.e_feedback, &mut cells.feedback),
                };
                p.packed.pass(simd, change, &e[p.post.clone()], r_was, r, &mut v[p.post.clone()]);
            }
            bias.step(simd, waiting, &cells.e, &mut cells.v);

            // 4. All somas at once; then the errors of this step and the rates of the next.
            if noisy && n % AHEAD == 0 {
                cells.draw(presentation.noise, self.state.step);
            }
            cells.advance(simd, c, shown.target.is_some(), noisy.then_some(n % AHEAD));
            cells.finish(simd, phi, errors);
            waiting = kind;
            self.state.step += 1;

            if !cells.bounded(simd, bound) {
                self.give(errors);
                watch::check(self.state, presentation.bound)?;
                continue;
            }
            if n >= start {
                output.iter_mut().zip(cells.output(soma)).for_each(|(o, &v)| *o += share * v);
            }
            if wants != Wants::Nothing || n + 1 == steps {
                self.give(errors);
            }
            if wants == Wants::Weights {
                self.engine.look(kind, c, self.weights, self.delta);
            }
            if wants != Wants::Nothing {
                let weights = if wants == Wants::Weights { &self.engine.seen } else { self.weights };
                let (step, state, potentials, target) =
                    (self.state.step, &*self.state, &*self.potentials, shown.target);
                self.observer.after_step(&View { step, state, potentials, weights, target });
            }
        }
        Ok(waiting)
    }
}

impl<T: Real> Engine<T> for Fused<T> {
    fn present(
        &mut self,
        constants: &Constants<T>,
        presentation: &Presentation<'_, T>,
        circuit: Circuit<'_, T>,
        teaching: Teaching<'_, T>,
        output: &mut [T],
        observer: &mut dyn Observer<T>,
    ) -> Result<(), Trouble> {
        let Circuit { weights, state, potentials } = circuit;
        let (rates, delta, update) = match teaching {
            Teaching::Own { rates, delta } => (Some(rates), constants.a.is_some().then_some(delta), None),
            Teaching::Gather { rates, update } => (Some(rates), None, Some(update)),
            Teaching::Nothing => (None, None, None),
        };
        self.begin(constants, presentation, (weights, state), (rates, delta.as_deref(), update.as_deref()));
        let isa = self.isa;
        let course = Course {
            engine: self,
            c: constants,
            presentation,
            weights,
            delta: delta.as_deref(),
            gather: update.is_some(),
            rates,
            state,
            potentials,
            observer,
        };
        let waiting = isa.run(course)?;
        self.end(waiting, constants, weights, delta, update);
        output.copy_from_slice(&self.output[..output.len()]);
        Ok(())
    }
}
