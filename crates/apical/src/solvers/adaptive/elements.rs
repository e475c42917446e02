//! What happens to each cell of a population, in vector code. Populations are cut into pieces of whole samples, which
//! threads share; where they are cut depends on sizes only, and a sample's sums on its own values only.

use super::quadrature::NODES;
use crate::kernels::{Activation, Isa, Product, Real, par};
use pulp::{Simd, WithSimd};
use std::mem::take;

/// Values of a piece, about.
const PIECE: usize = 4096;
/// Partial sums of a sum over cells: as many as the widest register has lanes of f32.
const LANES: usize = 16;

/// Samples of a piece.
fn of_piece(cells: usize) -> usize {
    (PIECE / cells).max(1)
}

/// Values that are worth a second thread.
const SHARED: usize = 4 * PIECE;

/// Does all pieces, which have so many values together.
fn each<P: Send>(pieces: &mut [P], values: usize, work: impl Fn(&mut P) + Sync + Send) {
    if values < SHARED { pieces.iter_mut().for_each(work) } else { par::each(pieces, work) }
}

/// The first `n` values, which are taken away.
fn cut<'a, T>(values: &mut &'a [T], n: usize) -> &'a [T] {
    let (first, rest) = values.split_at(n.min(values.len()));
    *values = rest;
    first
}

fn cut_mut<'a, T>(values: &mut &'a mut [T], n: usize) -> &'a mut [T] {
    let length = n.min(values.len());
    let (first, rest) = take(values).split_at_mut(length);
    *values = rest;
    first
}

/// Linear extrapolation of a population to the end of a step.
pub struct Ahead<'a, T> {
    pub cells: usize,
    /// Somas at the newest node, and e^(-g h).
    pub soma: &'a [T],
    pub keep: T,
    /// Currents at the nodes behind, with their weights in the step and in their extrapolation.
    pub past: &'a [(&'a [T], T, T)],
    /// The weight of the current at the new node.
    pub weight: T,
    /// The part of the soma that does not depend on the new node.
    pub base: &'a mut [T],
    /// The current extrapolated, and the soma that follows from it, twice.
    pub ahead: &'a mut [T],
    pub new: &'a mut [T],
    pub last: &'a mut [T],
}

impl<'a, T: Real> Ahead<'a, T> {
    /// All pieces of several populations.
    pub fn all(plan: Product, lists: impl Iterator<Item = Ahead<'a, T>>) {
        let (mut pieces, mut values) = (Vec::new(), 0);
        for mut list in lists {
            values += list.soma.len();
            let length = of_piece(list.cells) * list.cells;
            let mut from = 0;
            while !list.soma.is_empty() {
                let piece = Ahead {
                    cells: list.cells,
                    soma: cut(&mut list.soma, length),
                    keep: list.keep,
                    past: list.past,
                    weight: list.weight,
                    base: cut_mut(&mut list.base, length),
                    ahead: cut_mut(&mut list.ahead, length),
                    new: cut_mut(&mut list.new, length),
                    last: cut_mut(&mut list.last, length),
                };
                pieces.push((from, piece));
                from += length;
            }
        }
        each(&mut pieces, values, |(from, piece)| piece.look(plan, *from));
    }

    fn look(&mut self, plan: Product, from: usize) {
        let at = from..from + self.soma.len();
        let mut terms: [(T, &[T]); NODES] = [(T::ZERO, &[]); NODES];
        let count = self.past.len();
        for (term, &(s, _, ahead)) in terms.iter_mut().zip(self.past) {
            *term = (ahead, &s[at.clone()]);
        }
        plan.combine(T::ZERO, &terms[..count], self.ahead);
        terms[0] = (self.keep, self.soma);
        for (term, &(s, weight, _)) in terms[1..].iter_mut().zip(self.past) {
            *term = (weight, &s[at.clone()]);
        }
        plan.combine(T::ZERO, &terms[..=count], self.base);
        plan.combine(T::ZERO, &[(T::ONE, self.base), (self.weight, self.ahead)], self.new);
        self.last.copy_from_slice(self.new);
    }
}

/// From dendritic potentials to currents, somas and rates at the ends of steps.
pub struct Flow<'a, T> {
    pub cells: usize,
    /// Conductances and potentials of the dendrite and of what else drives the soma; the latter may be empty.
    pub dendrite: (T, &'a [T]),
    pub other: (T, &'a [T]),
    /// As in [`Ahead`]; the weight for each sample.
    pub base: &'a [T],
    pub weight: &'a [T],
    pub current: &'a mut [T],
    pub soma: &'a mut [T],
    pub rate: &'a mut [T],
    /// What a sweep compares when it is done with a population.
    pub end: Option<End<'a, T>>,
}

/// The end of a population's sweep.
pub struct End<'a, T> {
    /// Somas of the sweep before, which become those of this one.
    pub last: &'a mut [T],
    /// Currents as extrapolated.
    pub ahead: &'a [T],
    /// Per sample the sums over the cells of: what the sweep changed, squared; what was not extrapolated, squared; the
    /// somas squared.
    pub sums: &'a mut [[T; 3]],
}

impl<'a, T: Real> Flow<'a, T> {
    /// All pieces of the population.
    pub fn all(mut self, isa: Isa, phi: Activation) {
        let samples = of_piece(self.cells);
        let length = samples * self.cells;
        let values = self.soma.len();
        let mut pieces = Vec::with_capacity(values.div_ceil(length));
        while !self.soma.is_empty() {
            pieces.push(Flow {
                cells: self.cells,
                dendrite: (self.dendrite.0, cut(&mut self.dendrite.1, length)),
                other: (self.other.0, cut(&mut self.other.1, length)),
                base: cut(&mut self.base, length),
                weight: cut(&mut self.weight, samples),
                current: cut_mut(&mut self.current, length),
                soma: cut_mut(&mut self.soma, length),
                rate: cut_mut(&mut self.rate, length),
                end: self.end.as_mut().map(|end| End {
                    last: cut_mut(&mut end.last, length),
                    ahead: cut(&mut end.ahead, length),
                    sums: cut_mut(&mut end.sums, samples),
                }),
            });
        }
        each(&mut pieces, values, |piece| isa.run(Run { piece, phi }));
    }
}

/// [`Flow`] for one instruction set.
struct Run<'a, 'b, T> {
    piece: &'a mut Flow<'b, T>,
    phi: Activation,
}

impl<T: Real> WithSimd for Run<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Flow { cells, dendrite: (g, v), other: (g_other, other), base, weight, current, soma, rate, end } =
            self.piece;
        let (g, g_other) = (*g, *g_other);
        if other.is_empty() {
            current.iter_mut().zip(*v).for_each(|(s, &v)| *s = g * v);
        } else {
            current.iter_mut().zip(*v).zip(*other).for_each(|((s, &v), &other)| *s = g * v + g_other * other);
        }
        let rows = soma.chunks_exact_mut(*cells).zip(base.chunks_exact(*cells)).zip(current.chunks_exact(*cells));
        for (((soma, base), current), &weight) in rows.zip(*weight) {
            soma.iter_mut().zip(base).zip(current).for_each(|((u, &base), &s)| *u = base + weight * s);
        }
        self.phi.rates(soma, rate);
        if let Some(End { last, ahead, sums }) = end {
            let rows = soma.chunks_exact(*cells).zip(last.chunks_exact(*cells));
            let currents = current.chunks_exact(*cells).zip(ahead.chunks_exact(*cells));
            for (((u, last), (s, ahead)), sums) in rows.zip(currents).zip(sums.iter_mut()) {
                *sums = [squares(u, last), squares(s, ahead), squares(u, &[])];
            }
            last.copy_from_slice(soma);
        }
    }
}

/// The sum of (a - b)^2; b is 0 if it is empty.
#[inline(always)]
fn squares<T: Real>(a: &[T], b: &[T]) -> T {
    let mut sums = [T::ZERO; LANES];
    let mut rest = T::ZERO;
    let (a_groups, a_rest) = a.as_chunks::<LANES>();
    if b.is_empty() {
        for a in a_groups {
            for l in 0..LANES {
                sums[l] += a[l] * a[l];
            }
        }
        a_rest.iter().for_each(|&a| rest += a * a);
    } else {
        let (b_groups, b_rest) = b.as_chunks::<LANES>();
        for (a, b) in a_groups.iter().zip(b_groups) {
            for l in 0..LANES {
                let d = a[l] - b[l];
                sums[l] += d * d;
            }
        }
        a_rest.iter().zip(b_rest).for_each(|(&a, &b)| rest += (a - b) * (a - b));
    }
    for sum in sums {
        rest += sum;
    }
    rest
}

/// The error of a rule, and how it compares with its extrapolation.
pub struct Rule<'a, T> {
    pub cells: usize,
    /// Potential and attenuation of the dendrite that predicts, and the rate that it should predict. Empty if the error is
    /// known.
    pub dendrite: (T, &'a [T]),
    pub rate: &'a [T],
    pub error: &'a mut [T],
    /// Errors at the nodes behind with their weights in the extrapolation.
    pub past: &'a [(&'a [T], T)],
    /// Per sample the sums over the cells of: the distance from the extrapolation, squared; the error squared.
    pub sums: &'a mut [[T; 2]],
}

impl<'a, T: Real> Rule<'a, T> {
    /// All pieces of several rules.
    pub fn all(isa: Isa, phi: Activation, lists: impl Iterator<Item = Rule<'a, T>>) {
        let (mut pieces, mut values) = (Vec::new(), 0);
        for mut list in lists {
            values += list.error.len();
            let samples = of_piece(list.cells);
            let length = samples * list.cells;
            let mut from = 0;
            while !list.error.is_empty() {
                let piece = Rule {
                    cells: list.cells,
                    dendrite: (list.dendrite.0, cut(&mut list.dendrite.1, length)),
                    rate: cut(&mut list.rate, length),
                    error: cut_mut(&mut list.error, length),
                    past: list.past,
                    sums: cut_mut(&mut list.sums, samples),
                };
                pieces.push((from, piece));
                from += length;
            }
        }
        each(&mut pieces, values, |(from, piece)| isa.run(Err { piece, phi, from: *from }));
    }
}

/// [`Rule`] for one instruction set.
struct Err<'a, 'b, T> {
    piece: &'a mut Rule<'b, T>,
    phi: Activation,
    from: usize,
}

impl<T: Real> WithSimd for Err<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Rule { cells, dendrite: (factor, v), rate, error, past, sums } = self.piece;
        let (cells, factor) = (*cells, *factor);
        if !v.is_empty() {
            error.iter_mut().zip(*v).for_each(|(e, &v)| *e = factor * v);
            self.phi.rates_in_place(error);
            error.iter_mut().zip(*rate).for_each(|(e, &r)| *e = r - *e);
        }
        for (n, (e, sums)) in error.chunks_exact(cells).zip(sums.iter_mut()).enumerate() {
            let at = self.from + n * cells;
            let mut known: [(&[T], T); NODES] = [(&[], T::ZERO); NODES];
            for (known, &(e, weight)) in known.iter_mut().zip(*past) {
                *known = (&e[at..at + cells], weight);
            }
            *sums = surprise(e, &known[..past.len()]);
        }
    }
}

/// The sums of (e - what was extrapolated)^2 and of e^2.
#[inline(always)]
fn surprise<T: Real>(e: &[T], past: &[(&[T], T)]) -> [T; 2] {
    let (mut off, mut size) = ([T::ZERO; LANES], [T::ZERO; LANES]);
    let (groups, rest) = e.as_chunks::<LANES>();
    for (n, e) in groups.iter().enumerate() {
        let mut d = *e;
        for (past, weight) in past {
            let past = &past[n * LANES..][..LANES];
            for l in 0..LANES {
                d[l] += -*weight * past[l];
            }
        }
        for l in 0..LANES {
            off[l] += d[l] * d[l];
            size[l] += e[l] * e[l];
        }
    }
    let mut sums = [T::ZERO; 2];
    for (n, &e) in rest.iter().enumerate() {
        let d = past.iter().fold(e, |d, (past, weight)| d - *weight * past[groups.len() * LANES + n]);
        sums = [sums[0] + d * d, sums[1] + e * e];
    }
    for (&off, &size) in off.iter().zip(&size) {
        sums = [sums[0] + off, sums[1] + size];
    }
    sums
}
