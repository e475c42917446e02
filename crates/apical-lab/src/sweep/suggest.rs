//! What a search tries next: tree-structured Parzen estimators (Bergstra et al., NIPS 2011), one for each axis. An axis is
//! seen as the share of its way, so that logarithms and whole numbers are the axis' own affair; listed values, and groups
//! that vary together, as categories.

use super::draw::share;
use super::search::{STARTUP, Trial};
use super::space::{Axis, Domain};
use super::spec::Spec;
use crate::Error;
use apical::kernels::rng::{Draws, Stream};
use rand::TryRng;
use std::convert::Infallible;
use std::fmt::Display;
use tpe::{TpeOptimizer, categorical_range, histogram_estimator, parzen_estimator, range};

/// Shares are kept with nine digits, which every JSON reader gives back as they were.
const DIGITS: f64 = 1e9;

/// Shares of each axis' way for trial `number`, from the trials with a score. `attempt` counts what was asked for in vain.
///
/// # Errors
/// None, as long as shares lie in [0, 1).
pub(super) fn suggest(spec: &Spec, trials: &[Trial], number: u64, attempt: u64) -> Result<Vec<f64>, Error> {
    let told: Vec<(&Trial, f64)> = trials.iter().filter_map(|trial| Some((trial, trial.score?))).collect();
    let random = (told.len() as u64) < STARTUP;
    let axes = spec.space.axes.iter().enumerate();
    let shares = axes.map(|(a, axis)| match random {
        // Draws of other attempts are those of trials that no search comes to.
        true => Ok(share(spec.sampler_seed, number + (attempt << 32), a)),
        false => asked(spec, axis, a, &told, (number << 20) + (attempt << 16) + a as u64),
    });
    shares.map(|share| share.map(|x| (x * DIGITS).floor() / DIGITS)).collect()
}

fn asked(spec: &Spec, axis: &Axis, a: usize, told: &[(&Trial, f64)], address: u64) -> Result<f64, Error> {
    let categories = categories(spec, axis);
    let (estimator, way) = match categories {
        Some(n) => (histogram_estimator(), categorical_range(n)),
        None => (parzen_estimator(), range(0.0, 1.0)),
    };
    let mut optimiser = TpeOptimizer::new(estimator, way.map_err(wrong)?);
    for (trial, score) in told {
        let x = match categories {
            _ if !trial.active[a] => f64::NAN,
            Some(n) => (trial.shares[a] * n as f64).floor(),
            None => trial.shares[a],
        };
        optimiser.tell(x, *score).map_err(wrong)?;
    }
    let mut numbers = Numbers(Draws::new(spec.sampler_seed, Stream::Search, address));
    let x = match optimiser.ask(&mut numbers) {
        Ok(x) => x,
        Err(never) => match never {},
    };
    Ok(categories.map_or(x, |n| (x.floor() + 0.5) / n as f64))
}

/// How many values an axis has, if they are listed.
fn categories(spec: &Spec, axis: &Axis) -> Option<usize> {
    match axis.parameters.first().map(|&p| &spec.space.parameters[p].domain) {
        Some(Domain::Values(values)) => Some(values.len()),
        // In a group even ranges are taken step by step.
        Some(Domain::Range { steps: Some(n), .. }) if axis.parameters.len() > 1 => usize::try_from(*n).ok(),
        _ => None,
    }
}

fn wrong(error: impl Display) -> Error {
    Error::input("trials", error.to_string(), "shares from 0 to below 1, as apical writes them")
}

/// Our addressed random numbers, as the crate takes them.
struct Numbers(Draws);

impl TryRng for Numbers {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.0.word())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let high = u64::from(self.0.word());
        Ok((high << 32) | u64::from(self.0.word()))
    }

    fn try_fill_bytes(&mut self, into: &mut [u8]) -> Result<(), Infallible> {
        for part in into.chunks_mut(4) {
            part.copy_from_slice(&self.0.word().to_le_bytes()[..part.len()]);
        }
        Ok(())
    }
}
