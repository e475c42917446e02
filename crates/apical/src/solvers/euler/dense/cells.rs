//! What a step does to cells: rates before the potentials are known; derivatives, errors and somas after, bias weights. Twin of
//! [`step`](crate::circuit::step::step) without its products.
//!
//! Populations are cut into pieces of whole samples. All that happens to a piece happens while it is near, and threads
//! share the pieces; where they are cut depends on sizes only.

use super::change::Change;
use super::layout::{self, Projection};
use super::part::PRODUCTS_FROM;
use super::{Job, Parts};
use crate::circuit::dynamics::{self, G};
use crate::circuit::noise::{Population, Source};
use crate::circuit::params::Rates;
use crate::circuit::step::{Constants, advance};
use crate::circuit::{Kind, Potentials, State, Tensors};
use crate::kernels::{Activation, Isa, Mat, Real, par};
use crate::solvers::watch::{self, Cell, Moment, Trouble};
use pulp::{Simd, WithSimd};
use std::slice::ChunksMut;

/// Values of a piece, about.
const PIECE: usize = 4096;

/// Values of a piece of a population of `cells`: whole samples, four or a multiple, since noise is drawn for four units at once.
fn piece(cells: usize) -> usize {
    (PIECE / cells).max(1).next_multiple_of(4) * cells
}

/// Room for pieces, kept from step to step: a step allocates nothing.
#[derive(Default)]
pub struct Room<T: 'static> {
    firing: Vec<Firing<'static, T>>,
    dendrites: Vec<Dendrites<'static, T>>,
    pieces: Vec<Piece<'static, T>>,
    somas: Vec<Somas<'static, T>>,
}

/// An empty list in the memory of another, of which only the lifetime differs: `collect` takes over what it comes from.
fn emptied<A, B>(room: &mut Vec<A>) -> Vec<B> {
    let mut list = std::mem::take(room);
    list.clear();
    list.into_iter().filter_map(|_| None).collect()
}

/// Does every piece; few samples are not worth a second thread.
fn every<P: Send>(samples: usize, pieces: &mut [P], work: impl Fn(&mut P) + Sync + Send) {
    if samples < PRODUCTS_FROM { pieces.iter_mut().for_each(work) } else { par::each(pieces, work) }
}

/// The rates of a piece.
struct Firing<'a, T> {
    u: &'a [T],
    r: &'a mut [T],
    /// The same in padded rows, for products.
    padded: &'a mut [T],
    stride: usize,
    cells: usize,
}

/// All rates, also where projections read them.
pub fn before<T: Real>(
    phi: Activation,
    room: &mut Room<T>,
    state: &State<T>,
    p: &mut Potentials<T>,
    cells: &mut [layout::Population<T>],
) {
    debug_assert_eq!(cells.len(), state.soma.len() + state.inter.len());
    let somas = state.soma.iter().chain(&state.inter);
    let rates = p.rate.iter_mut().chain(&mut p.rate_inter);
    let mut pieces = emptied(&mut room.firing);
    for ((u, r), population) in somas.zip(rates).zip(cells) {
        let (cells, stride) = (population.now.cols(), population.now.stride());
        let length = piece(cells);
        let padded = population.now.all_mut().chunks_mut(length / cells * stride);
        for ((u, r), padded) in u.chunks(length).zip(r.chunks_mut(length)).zip(padded) {
            pieces.push(Firing { u, r, padded, stride, cells });
        }
    }
    every(state.samples, &mut pieces, |piece| {
        phi.rates(piece.u, piece.r);
        let rows = piece.padded.chunks_exact_mut(piece.stride).zip(piece.r.chunks_exact(piece.cells));
        rows.for_each(|(to, from)| to[..from.len()].copy_from_slice(from));
    });
    room.firing = emptied(&mut pieces);
}

/// A dendrite of a piece: the potential that a projection brings about, and what the projection's rule learns from it.
struct Dendrite<'a, T> {
    v: &'a mut [T],
    bias: Option<&'a Mat<T>>,
    parts: &'a [Job<T>],
    /// Where the error goes if the rule is on, and where it is kept for the block.
    error: Option<&'a mut [T]>,
    kept: Option<&'a mut [T]>,
}

/// The dendrites of a projection, piece by piece.
struct Dendrites<'a, T> {
    v: ChunksMut<'a, T>,
    bias: Option<&'a Mat<T>>,
    parts: &'a [Job<T>],
    error: Option<ChunksMut<'a, T>>,
    kept: Option<ChunksMut<'a, T>>,
}

impl<'a, T> Dendrites<'a, T> {
    fn next(&mut self) -> Option<Dendrite<'a, T>> {
        let (error, kept) = (self.error.as_mut().and_then(Iterator::next), self.kept.as_mut().and_then(Iterator::next));
        Some(Dendrite { v: self.v.next()?, bias: self.bias, parts: self.parts, error, kept })
    }
}

impl<T: Real> Dendrite<'_, T> {
    /// Takes what the parts found, and what the bias adds.
    #[inline(always)]
    fn receive(&mut self, cells: usize, first: usize, beta_b: T) {
        self.parts.iter().for_each(|job| job.deliver(cells, first, self.v));
        if let Some(b) = self.bias {
            for v in self.v.chunks_exact_mut(cells) {
                v.iter_mut().zip(&b.data).for_each(|(v, &b)| *v += beta_b * b);
            }
        }
    }

    /// Finds the error r - phi(factor v) if the rule is on.
    #[inline(always)]
    fn predict(&mut self, phi: Activation, factor: f64, r: &[T]) {
        let Some(e) = &mut self.error else { return };
        let factor = T::from_f64(factor);
        e.iter_mut().zip(&*self.v).for_each(|(e, &v)| *e = factor * v);
        phi.rates_in_place(e);
        e.iter_mut().zip(r).for_each(|(e, &r)| *e = r - *e);
        self.keep();
    }

    #[inline(always)]
    fn keep(&mut self) {
        if let (Some(kept), Some(e)) = (&mut self.kept, &self.error) {
            kept.copy_from_slice(e);
        }
    }
}

/// What a piece has beside its basal or interneuron dendrite.
enum Rest<'a, T> {
    /// Apical: feedback, lateral, and their sum.
    Hidden { feedback: Dendrite<'a, T>, lateral: Dendrite<'a, T>, apical: &'a mut [T] },
    /// The teacher's potentials, if there is one.
    Output(Option<&'a [T]>),
    /// The somas above, which teach.
    Interneurons(&'a [T]),
}

/// Potentials, derivatives and errors of a piece.
struct Piece<'a, T> {
    cells: usize,
    /// Its first sample.
    first: usize,
    u: &'a [T],
    du: &'a mut [T],
    r: &'a [T],
    dendrite: Dendrite<'a, T>,
    factor: f64,
    rest: Rest<'a, T>,
}

/// [`Piece`] for one instruction set.
struct Run<'a, 'b, T> {
    piece: &'a mut Piece<'b, T>,
    g: &'a G<T>,
    phi: Activation,
    beta_b: T,
}

impl<T: Real> WithSimd for Run<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Run { piece: Piece { cells, first, u, du, r, dendrite, factor, rest }, g, phi, beta_b } = self;
        dendrite.receive(*cells, *first, beta_b);
        dendrite.predict(phi, *factor, r);
        match rest {
            Rest::Hidden { feedback, lateral, apical } => {
                feedback.receive(*cells, *first, beta_b);
                feedback.predict(phi, 1.0, r);
                lateral.receive(*cells, *first, beta_b);
                for ((v, &f), &l) in apical.iter_mut().zip(&*feedback.v).zip(&*lateral.v) {
                    *v = f + l;
                }
                if let Some(e) = &mut lateral.error {
                    e.iter_mut().zip(&**apical).for_each(|(e, &v)| *e = -v);
                    lateral.keep();
                }
                dynamics::pyramidal(g, u, dendrite.v, apical, du);
            }
            Rest::Output(target) => dynamics::output(g, u, dendrite.v, *target, du),
            Rest::Interneurons(above) => dynamics::interneuron(g, u, dendrite.v, above, du),
        }
    }
}

/// What a step knows when its products are done.
pub struct Found<'a, T> {
    /// The parts of all projections.
    pub jobs: &'a [Job<T>],
    /// Whose they are.
    pub parts: &'a Parts,
    /// The projections.
    pub projections: &'a mut [Projection<T>],
    /// The traced target, if there is a target.
    pub target: Option<&'a [T]>,
    /// The bias weights.
    pub weights: &'a Tensors<T>,
    /// Rates, and the slot of the block where errors are kept, if something learns.
    pub learning: Option<(&'a Rates, usize)>,
}

/// Potentials, derivatives and, where something learns, errors.
pub fn after<T: Real>(
    c: &Constants<T>,
    isa: Isa,
    room: &mut Room<T>,
    state: &State<T>,
    p: &mut Potentials<T>,
    found: Found<'_, T>,
) {
    let Found { jobs, parts, projections, target, weights, learning } = found;
    let depth = state.soma.len();
    let lists = [
        (&mut p.basal, &mut p.error_forward),
        (&mut p.apical_feedback, &mut p.error_feedback),
        (&mut p.inter_dendrite, &mut p.error_inter),
        (&mut p.apical_lateral, &mut p.error_apical),
    ];
    let values = lists.into_iter().flat_map(|(v, e)| v.iter_mut().zip(e));
    let mut dendrites = emptied(&mut room.dendrites);
    for (n, (projection, (v, e))) in projections.iter_mut().zip(values).enumerate() {
        let length = piece(projection.rows);
        let slot = learning.filter(|(rates, _)| projection.eta(rates) != 0.0).map(|(_, slot)| slot);
        let kept = slot.and_then(|slot| projection.errors.get_mut(slot));
        dendrites.push(Dendrites {
            v: v.chunks_mut(length),
            bias: match projection.kind {
                Kind::Wpp => weights.bpp.get(projection.k),
                Kind::Wip => weights.bip.get(projection.k),
                _ => None,
            },
            parts: &jobs[parts.of(n)],
            error: slot.map(|_| e.chunks_mut(length)),
            kept: kept.map(|kept| kept.chunks_mut(length)),
        });
    }
    let [basal, feedback, inter, lateral] = layout::by_kind(depth);

    let mut pieces = emptied(&mut room.pieces);
    let mut apical = p.apical.iter_mut();
    for (k, ((u, r), du)) in state.soma.iter().zip(&p.rate).zip(&mut p.d_soma).enumerate() {
        let cells = u.len() / state.samples;
        let length = piece(cells);
        let mut apical = apical.next().map(|v| v.chunks_mut(length));
        for (n, ((u, r), du)) in u.chunks(length).zip(r.chunks(length)).zip(du.chunks_mut(length)).enumerate() {
            let Some(dendrite) = dendrites[basal.start + k].next() else { break };
            let rest = match apical.as_mut().and_then(Iterator::next) {
                Some(apical) => {
                    let feedback = dendrites[feedback.start + k].next();
                    let lateral = dendrites[lateral.start + k].next();
                    let (Some(feedback), Some(lateral)) = (feedback, lateral) else { break };
                    Rest::Hidden { feedback, lateral, apical }
                }
                None => Rest::Output(target.map(|target| &target[n * length..n * length + u.len()])),
            };
            let first = n * (length / cells);
            pieces.push(Piece { cells, first, u, du, r, dendrite, factor: c.attenuation.basal(k + 1, depth), rest });
        }
    }
    for (k, ((u, r), du)) in state.inter.iter().zip(&p.rate_inter).zip(&mut p.d_inter).enumerate() {
        let cells = u.len() / state.samples;
        let length = piece(cells);
        let values = u.chunks(length).zip(r.chunks(length)).zip(du.chunks_mut(length));
        for (n, (((u, r), du), above)) in values.zip(state.soma[k + 1].chunks(length)).enumerate() {
            let Some(dendrite) = dendrites[inter.start + k].next() else { break };
            let (first, rest) = (n * (length / cells), Rest::Interneurons(above));
            pieces.push(Piece { cells, first, u, du, r, dendrite, factor: c.attenuation.interneuron, rest });
        }
    }
    let (g, phi, beta_b) = (&c.g, c.net().activation, c.beta_b);
    every(state.samples, &mut pieces, |piece| isa.run(Run { piece, g, phi, beta_b }));
    room.pieces = emptied(&mut pieces);
    room.dendrites = emptied(&mut dendrites);
}

/// The somas of a piece.
struct Somas<'a, T> {
    population: (Population, Cell),
    layer: usize,
    /// Its first unit.
    first: usize,
    samples: usize,
    u: &'a mut [T],
    du: &'a [T],
    trouble: Result<(), Trouble>,
}

/// All somas at once, and the step count.
///
/// # Errors
/// [`Trouble::Diverged`] naming the first soma beyond `bound`.
pub fn advance_all<T: Real>(
    c: &Constants<T>,
    room: &mut Room<T>,
    state: &mut State<T>,
    p: &Potentials<T>,
    noise: &Source,
    bound: f64,
) -> Result<(), Trouble> {
    let (samples, step) = (state.samples, state.step);
    let mut pieces = emptied(&mut room.somas);
    let lists = [
        ((Population::Pyramidal, Cell::Pyramidal), &mut state.soma, &p.d_soma),
        ((Population::Interneuron, Cell::Interneuron), &mut state.inter, &p.d_inter),
    ];
    for (population, somas, derivatives) in lists {
        for (k, (u, du)) in somas.iter_mut().zip(derivatives).enumerate() {
            let cells = u.len() / samples;
            let length = piece(cells);
            for (n, (u, du)) in u.chunks_mut(length).zip(du.chunks(length)).enumerate() {
                let (first, samples) = (n * length, u.len() / cells);
                pieces.push(Somas { population, layer: k + 1, first, samples, u, du, trouble: Ok(()) });
            }
        }
    }
    every(samples, &mut pieces, |piece| {
        let Somas { population: (population, cell), layer, first, samples, u, du, trouble } = piece;
        advance(u, du, c.dt_t);
        noise.add(*population, *layer, step, *first, u);
        *trouble = watch::check_layer(u, *samples, (*cell, *layer), Moment::Step(step + 1), bound);
    });
    let trouble = pieces.iter().find_map(|piece| piece.trouble.clone().err());
    room.somas = emptied(&mut pieces);
    state.step += 1;
    trouble.map_or(Ok(()), Err)
}

/// Where the changes of bias weights go.
pub enum Biases<'a, T> {
    /// The weights and their Delta (empty lists without low-pass).
    Own(&'a mut Tensors<T>, &'a mut Tensors<T>),
    /// An update.
    Gather(&'a mut Tensors<T>),
}

/// The bias weights learn in every step: they are few.
pub fn learn_biases<T: Real>(
    c: &Constants<T>,
    rates: &Rates,
    p: &mut Potentials<T>,
    change: Change,
    biases: &mut Biases<'_, T>,
) {
    if c.beta_b == T::ZERO {
        return;
    }
    let Potentials { error_forward, error_inter, row, bias, .. } = p;
    let share = c.beta_b / T::from_f64(bias.len() as f64);
    let forward =
        error_forward.iter().zip(&rates.pp).enumerate().map(|(k, (e, &eta))| (forward_biases as Pick<T>, k, e, eta));
    let inter =
        error_inter.iter().zip(&rates.ip).enumerate().map(|(k, (e, &eta))| (inter_biases as Pick<T>, k, e, eta));
    for (pick, k, e, eta) in forward.chain(inter).filter(|&(_, _, _, eta)| eta != 0.0) {
        let g = &mut row[..e.len() / bias.len()];
        g.fill(T::ZERO);
        for e in e.chunks_exact(g.len()) {
            g.iter_mut().zip(e).for_each(|(g, &e)| *g += e);
        }
        g.iter_mut().for_each(|g| *g *= share);
        let rate = T::from_f64(c.dt * eta);
        match biases {
            Biases::Own(weights, delta) => {
                let w = &mut pick(weights)[k].data;
                if let Some(d) = pick(delta).get_mut(k) {
                    if change.moves {
                        w.iter_mut().zip(&d.data).for_each(|(w, &d)| *w += rate * d);
                    }
                    let (keep, to_delta) = (T::from_f64(change.keep), T::from_f64(change.to_delta));
                    d.data.iter_mut().zip(&*g).for_each(|(d, &g)| *d = keep * *d + to_delta * g);
                }
                let to_weights = rate * T::from_f64(change.to_weights);
                w.iter_mut().zip(&*g).for_each(|(w, &g)| *w += to_weights * g);
            }
            Biases::Gather(update) => {
                pick(update)[k].data.iter_mut().zip(&*g).for_each(|(w, &g)| *w += rate * g);
            }
        }
    }
}

/// One of the two lists of bias weights.
type Pick<T> = fn(&mut Tensors<T>) -> &mut Vec<Mat<T>>;

fn forward_biases<T>(t: &mut Tensors<T>) -> &mut Vec<Mat<T>> {
    &mut t.bpp
}

fn inter_biases<T>(t: &mut Tensors<T>) -> &mut Vec<Mat<T>> {
    &mut t.bip
}
