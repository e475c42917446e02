//! The matrix of angles between what all would do at one moment's weights.

use super::participant::{self, Direction, Halt, Participant};
use super::{Moment, Plan, Relation, Watch, weights};
use crate::experiment::{AlgorithmSpec, Experiment};
use crate::run::order::Batch;
use apical::kernels::Mat;
use apical::learners::metrics::angle;

/// Angles between every two participants.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    /// The moment.
    pub when: String,
    /// Rows and columns.
    pub names: Vec<String>,
    /// `1` to `N`, and `all`: all layers as one vector, each layer times its learning rate.
    pub layers: Vec<String>,
    /// For each of `layers` degrees, row by row; NaN where one of the two does nothing.
    pub degrees: Vec<Vec<f64>>,
}

impl Matrix {
    /// The angle between two participants in a layer.
    pub fn at(&self, layer: usize, a: usize, b: usize) -> f64 {
        self.degrees[layer][a * self.names.len() + b]
    }
}

/// Backprop of the loss that the circuit descends, on the circuit's own function.
pub(super) fn reference(e: &Experiment) -> Participant {
    let mut of = participant::participants("", e).swap_remove(0);
    of.name = "bp of matching".into();
    of.ask = participant::Ask::Algorithm(AlgorithmSpec::Bp);
    of.says = participant::says(&of.ask, &of.function);
    of.rates = vec![1.0; of.rates.len()];
    of
}

/// Asks everybody.
pub(super) fn matrix(
    plan: &Plan,
    moment: &Moment,
    batches: &[Batch<f64>],
    watch: &mut Watch<'_>,
    relation: &mut Relation,
) -> Result<Matrix, Halt> {
    let mut found: Vec<Option<Direction>> = Vec::new();
    for (p, owner) in plan.participants.iter().zip(&plan.owners) {
        let mut w = p.weights(&moment.weights);
        if let Some(owner) = owner.filter(|_| p.learns_inverses()) {
            let (e, steps) = (&plan.entries[owner].experiment, plan.options.inverse_steps);
            match weights::inverses(p, e, &plan.task, &moment.weights, steps, watch) {
                Ok((inverses, left)) => {
                    w.pb = inverses;
                    let sizes = &p.function.net.sizes;
                    let least = |k: usize| (1.0 - sizes[k + 2] as f64 / sizes[k + 1] as f64).max(0.0);
                    let left: Vec<String> =
                        left.iter().enumerate().map(|(k, x)| format!("{x:.2} (at least {:.2})", least(k))).collect();
                    relation.notes.push(format!(
                        "{} at {}: inverses learned on {steps} batches with the forward weights held, by its own rule and \
                         Adam; of a small change of rates they fail to bring back, per hidden layer, a share of {}",
                        p.name,
                        moment.name,
                        left.join(", ")
                    ));
                }
                Err(halt) => {
                    noted(halt, p, moment, relation)?;
                    found.push(None);
                    continue;
                }
            }
        }
        match p.direction(&w, batches, watch) {
            Ok(direction) => {
                if direction.unsettled > 0 {
                    relation.notes.push(format!(
                        "{} at {}: {} of {} samples did not settle and taught nothing",
                        p.name,
                        moment.name,
                        direction.unsettled,
                        plan.samples()
                    ));
                }
                if direction.layers.iter().all(|layer| layer.norm() == 0.0) {
                    relation.failed = true;
                    let why = "its update is 0: nothing settled, or none of its rules is on";
                    relation.notes.push(format!("{} at {} has no direction: {why}", p.name, moment.name));
                }
                found.push(Some(direction));
            }
            Err(halt) => {
                noted(halt, p, moment, relation)?;
                found.push(None);
            }
        }
    }
    let depth = plan.start.pp.len();
    let mut layers: Vec<String> = (1..=depth).map(|k| k.to_string()).collect();
    let mut degrees: Vec<Vec<f64>> = Vec::new();
    for k in 0..depth {
        let of = |d: &Direction| d.layers[k].clone();
        degrees.push(angles(found.iter().map(|d| d.as_ref().map(of)).collect()));
    }
    layers.push("all".into());
    let whole = found.iter().zip(&plan.participants).map(|(d, p)| d.as_ref().map(|d| joined(&d.layers, &p.rates)));
    degrees.push(angles(whole.collect()));
    let names = plan.participants.iter().map(|p| p.name.clone()).collect();
    Ok(Matrix { when: moment.name.clone(), names, layers, degrees })
}

/// Numerical trouble is a note; anything else ends it all.
fn noted(halt: Halt, p: &Participant, moment: &Moment, relation: &mut Relation) -> Result<(), Halt> {
    let Halt::Trouble(trouble) = halt else { return Err(halt) };
    relation.failed = true;
    relation.notes.push(format!("{} at {} has no direction: {trouble}", p.name, moment.name));
    Ok(())
}

/// All layers as one row, each times its factor.
pub(super) fn joined(layers: &[Mat<f64>], factors: &[f64]) -> Mat<f64> {
    let data: Vec<f64> =
        layers.iter().zip(factors).flat_map(|(m, factor)| m.data.iter().map(move |x| factor * x)).collect();
    Mat { rows: 1, cols: data.len(), data }
}

/// Angles between every two, each computed once.
fn angles(of: Vec<Option<Mat<f64>>>) -> Vec<f64> {
    let n = of.len();
    let mut degrees = vec![f64::NAN; n * n];
    for (i, a) in of.iter().enumerate() {
        for (j, b) in of.iter().enumerate().skip(i) {
            let Some((a, b)) = a.as_ref().zip(b.as_ref()) else { continue };
            let found = angle(a, b).unwrap_or(f64::NAN);
            degrees[i * n + j] = found;
            degrees[j * n + i] = found;
        }
    }
    degrees
}
