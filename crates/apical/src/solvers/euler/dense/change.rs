//! What steps do to weights and Delta, as numbers that all projections share.
//!
//! Within a block W_t = W_0 + c (sw Delta_0 + sum_s alpha_s e_s r_s^T / B) and Delta_t = sd Delta_0 + sum_s beta_s e_s r_s^T / B,
//! c = dt eta; s counts the steps of the block in which something was plastic. Each step changes the coefficients as the rule
//! changes W and Delta, so a learning lag may lie anywhere.

use super::super::engine::Teaching;
use crate::circuit::params::{LagKind, Timing};
use crate::circuit::step::Plastic;

/// What one step does: W += c Delta if the weights move, then Delta = keep Delta + to_delta g and W += c to_weights g, where g
/// is the batch mean of e r^T.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    /// The old Delta reaches the weights.
    pub moves: bool,
    /// What is left of Delta.
    pub keep: f64,
    /// Share of the rule that enters Delta.
    pub to_delta: f64,
    /// Share of the rule that enters the weights at once.
    pub to_weights: f64,
}

/// How a presentation teaches.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mode {
    /// Through Delta; a = dt / tau_w.
    LowPass(f64),
    /// At once.
    AtOnce,
    /// The weights stand still and what the rules say is summed up where Delta would stand.
    Gather,
    /// Not at all.
    Nothing,
}

impl Mode {
    /// The mode of a presentation, given a = dt / tau_w.
    pub fn of<T>(teaching: &Teaching<'_, T>, a: Option<f64>) -> Self {
        match (teaching, a) {
            (Teaching::Own { .. }, Some(a)) => Mode::LowPass(a),
            (Teaching::Own { .. }, None) => Mode::AtOnce,
            (Teaching::Gather { .. }, _) => Mode::Gather,
            (Teaching::Nothing, _) => Mode::Nothing,
        }
    }

    /// True if there is a Delta, or a sum in its place.
    pub fn has_delta(self) -> bool {
        matches!(self, Mode::LowPass(_) | Mode::Gather)
    }

    /// True if weights change within a presentation.
    pub fn moves(self) -> bool {
        matches!(self, Mode::LowPass(_) | Mode::AtOnce)
    }

    /// What step `n` does, if anything.
    pub fn change(self, timing: &Timing, n: usize) -> Option<Change> {
        let plastic = Plastic::in_presentation(timing, n);
        let on = plastic == Plastic::On;
        match self {
            Mode::LowPass(a) if plastic != Plastic::Off => {
                Some(Change { moves: on, keep: 1.0 - a, to_delta: a, to_weights: 0.0 })
            }
            Mode::AtOnce if on => Some(Change { moves: false, keep: 1.0, to_delta: 0.0, to_weights: 1.0 }),
            // In the lag's variant "filter" the rules still reach Delta, and so V.
            Mode::Gather if on || timing.lag_kind == LagKind::Filter => {
                Some(Change { moves: false, keep: 1.0, to_delta: 1.0, to_weights: 0.0 })
            }
            _ => None,
        }
    }
}

/// The coefficients of an open block.
#[derive(Clone, Debug, PartialEq)]
pub struct Coefficients {
    /// Share of the old Delta in W.
    pub sw: f64,
    /// Share of the old Delta that is left.
    pub sd: f64,
    /// Shares in W of the steps of the block.
    pub alpha: Vec<f64>,
    /// Shares in Delta.
    pub beta: Vec<f64>,
}

impl Coefficients {
    /// An empty block with room for some steps.
    pub fn new(block: usize) -> Self {
        Coefficients { sw: 0.0, sd: 1.0, alpha: Vec::with_capacity(block), beta: Vec::with_capacity(block) }
    }

    /// Steps in the block.
    pub fn len(&self) -> usize {
        self.alpha.len()
    }

    /// Steps of the block, from the first, that have reached W.
    pub fn in_weights(&self) -> usize {
        self.alpha.iter().rposition(|&alpha| alpha != 0.0).map_or(0, |s| s + 1)
    }

    /// One more step.
    pub fn push(&mut self, change: Change) {
        if change.moves {
            self.sw += self.sd;
            self.alpha.iter_mut().zip(&self.beta).for_each(|(alpha, beta)| *alpha += beta);
        }
        self.sd *= change.keep;
        self.beta.iter_mut().for_each(|beta| *beta *= change.keep);
        self.alpha.push(change.to_weights);
        self.beta.push(change.to_delta);
    }

    /// The block is folded into W and Delta.
    pub fn clear(&mut self) {
        (self.sw, self.sd) = (0.0, 1.0);
        self.alpha.clear();
        self.beta.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One weight, every order of changes: the coefficients against the rule step by step.
    #[test]
    fn coefficients_follow_the_rule() {
        let (a, c) = (0.1, 0.3);
        let on = Change { moves: true, keep: 1.0 - a, to_delta: a, to_weights: 0.0 };
        let filter = Change { moves: false, ..on };
        for pattern in 0..32 {
            let (mut w, mut delta) = (0.7, -0.4);
            let mut k = Coefficients::new(5);
            for s in 0..5 {
                let (change, g) = (if pattern >> s & 1 == 1 { on } else { filter }, s as f64 - 1.5);
                w += if change.moves { c * delta } else { 0.0 };
                delta = change.keep * delta + change.to_delta * g;
                k.push(change);
            }
            let sum = |list: &[f64]| list.iter().enumerate().map(|(s, x)| x * (s as f64 - 1.5)).sum::<f64>();
            assert!((0.7 + c * (k.sw * -0.4 + sum(&k.alpha)) - w).abs() < 1e-15);
            assert!((k.sd * -0.4 + sum(&k.beta) - delta).abs() < 1e-15);
            assert!(k.in_weights() < 5 && k.len() == 5);
        }
    }
}
