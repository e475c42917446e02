//! How the values of parameters are combined: all with all, at random, by a Sobol sequence, or as a search asked for them.

use super::search::STARTUP;
use super::space::{Axis, Parameter, Space, same};
use super::spec::{Method, Spec};
use crate::config::node::{Node, Value, key_path};
use crate::config::registry::fields_of;
use crate::config::walk::default_node;
use apical::kernels::rng::{Draws, Stream};

/// The most points of a Sobol sequence that the library has.
pub(super) const MOST_SOBOL: u64 = 1 << 16;
/// The most dimensions that it has.
pub(super) const MOST_SOBOL_DIMENSIONS: usize = 256;

/// One combination of values with one seed.
#[derive(Clone, Debug)]
pub struct Point {
    /// For each parameter its value; `None` where its condition does not hold.
    pub(super) values: Vec<Option<Node>>,
    /// Offset to the experiment's seed; `None` if the seed itself is varied.
    pub(super) repeat: u64,
}

/// How many combinations there are, each with all its seeds; `None` if more than can be counted. Of a search: those that it
/// draws before it knows anything.
pub(super) fn combinations(spec: &Spec) -> Option<u64> {
    match spec.method {
        Method::Grid => axes_product(&spec.space),
        Method::Random | Method::Sobol => Some(spec.samples),
        Method::Bayes => Some(spec.samples.min(STARTUP)),
    }
}

fn axes_product(space: &Space) -> Option<u64> {
    space.axes.iter().try_fold(1u64, |product, axis| product.checked_mul(count(space, axis)))
}

fn count(space: &Space, axis: &Axis) -> u64 {
    axis.parameters.first().and_then(|&p| space.parameters[p].domain.count()).unwrap_or(1)
}

/// Combination `index` with each of its seeds, or once if the seed is varied.
pub(super) fn points(spec: &Spec, index: u64) -> Vec<Point> {
    let space = &spec.space;
    let mut rest = index;
    // The first axis changes slowest, as a nest of loops in the order of the file.
    let mut choices: Vec<Choice> = Vec::new();
    for (a, axis) in space.axes.iter().enumerate().rev() {
        choices.push(match spec.method {
            Method::Grid => {
                let n = count(space, axis);
                let i = rest % n;
                rest /= n;
                Choice::Index(i)
            }
            Method::Random | Method::Bayes => Choice::Share(share(spec.sampler_seed, index, a)),
            Method::Sobol => {
                // The scrambling takes 32 bits of seed; indices and axes are in its range by the check of the file.
                let seed = (spec.sampler_seed ^ (spec.sampler_seed >> 32)) as u32;
                Choice::Share(f64::from(sobol_burley::sample(index as u32, a as u32, seed)))
            }
        });
    }
    choices.reverse();
    combined(spec, &choices)
}

/// The combination at these shares of each axis' way, with each of its seeds.
pub(super) fn points_at(spec: &Spec, shares: &[f64]) -> Vec<Point> {
    combined(spec, &shares.iter().map(|&share| Choice::Share(share)).collect::<Vec<_>>())
}

/// A choice for each axis, as values that obey the conditions.
fn combined(spec: &Spec, choices: &[Choice]) -> Vec<Point> {
    let space = &spec.space;
    let mut values: Vec<Option<Node>> = vec![None; space.parameters.len()];
    for (axis, choice) in space.axes.iter().zip(choices) {
        for &p in &axis.parameters {
            values[p] = Some(choice.of(&space.parameters[p]));
        }
    }
    for p in 0..space.parameters.len() {
        let holds = space.parameters[p].only_if.iter().all(|c| {
            let now = value_of(spec, &values, &c.key);
            now.is_some_and(|now| c.allowed.iter().any(|allowed| same(allowed, &now)))
        });
        if !holds {
            values[p] = None;
        }
    }
    let repeats = if spec.varies_seed() { 1 } else { spec.seeds };
    (0..repeats).map(|repeat| Point { values: values.clone(), repeat }).collect()
}

enum Choice {
    Index(u64),
    Share(f64),
}

impl Choice {
    fn of(&self, p: &Parameter) -> Node {
        match *self {
            Choice::Index(i) => p.domain.value(i, p.at),
            Choice::Share(share) => p.domain.drawn(share, p.at),
        }
    }
}

/// Uniform in [0, 1), addressed by sample and axis: the draws of others change none.
pub(super) fn share(seed: u64, sample: u64, axis: usize) -> f64 {
    let mut draws = Draws::new(seed, Stream::Sweep, sample);
    let mut x = 0.0;
    for _ in 0..=axis {
        x = draws.unit();
    }
    x
}

/// What a key has: the value of a parameter, or what the experiment says, or the key's default.
fn value_of(spec: &Spec, values: &[Option<Node>], key: &str) -> Option<Node> {
    if let Some(p) = spec.space.parameters.iter().position(|p| p.key == key)
        && let Some(value) = &values[p]
    {
        return Some(value.clone());
    }
    let mut node = Some(&spec.base);
    for (part, _) in key_path(key)? {
        node = node.and_then(|n| match &n.value {
            Value::Array(list) => list.get(part.parse::<usize>().ok()?),
            _ => n.get(&part),
        });
    }
    let default = || {
        let (table, last) = key.rsplit_once('.').unwrap_or(("", key));
        fields_of(table).find(|f| f.key == last && !f.default.is_empty()).and_then(default_node)
    };
    node.cloned().or_else(default)
}
