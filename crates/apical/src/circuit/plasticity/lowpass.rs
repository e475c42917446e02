//! From an error and a rate to a weight change, at once or through the low-pass of Urbanczik & Senn 2014.

use super::{Sink, Tensors};
use crate::kernels::{Mat, Product, Real, matvec};

/// One projection's share of a [`Sink`].
pub enum Synapse<'a, T> {
    /// The rule is added at once.
    Direct(&'a mut Mat<T>),
    /// Through Delta.
    LowPass(Option<&'a mut Mat<T>>, &'a mut Mat<T>, T),
}

impl<'a, T: Real> Synapse<'a, T> {
    /// The projection that `pick` chooses.
    pub fn of(sink: &'a mut Sink<T>, pick: impl Fn(&mut Tensors<T>) -> &mut Mat<T>) -> Self {
        match sink {
            Sink::Direct(t) => Synapse::Direct(pick(t)),
            Sink::LowPass { weights, delta, a } => Synapse::LowPass(weights.as_deref_mut().map(&pick), pick(delta), *a),
        }
    }

    /// The same, if the circuit has it.
    pub fn maybe(sink: &'a mut Sink<T>, pick: impl Fn(&mut Tensors<T>) -> Option<&mut Mat<T>>) -> Option<Self> {
        match sink {
            Sink::Direct(t) => pick(t).map(Synapse::Direct),
            Sink::LowPass { weights, delta, a } => {
                let weights = weights.as_deref_mut().and_then(&pick);
                pick(delta).map(|delta| Synapse::LowPass(weights, delta, *a))
            }
        }
    }

    /// W += eta_dt Delta with the old Delta, then Delta += a (mean e r^T - Delta); without low-pass
    /// W += eta_dt mean e r^T. `e` is samples x post, `r` is samples x pre, `row` is room for one row.
    pub fn change(self, plan: Product, eta_dt: T, e: &[T], r: &[T], row: &mut [T]) {
        match (self, plan) {
            (Synapse::Direct(w), Product::Fast(_)) => plan.add_mean_outer(e, r, eta_dt, w),
            (Synapse::Direct(w), Product::Plain) => {
                let (rows, cols) = (w.rows, w.cols);
                let g = &mut row[..cols];
                for (i, w) in w.data.chunks_exact_mut(cols).enumerate() {
                    matvec::mean_outer_row(e, rows, i, r, g);
                    for (w, &g) in w.iter_mut().zip(g.iter()) {
                        *w += eta_dt * g;
                    }
                }
            }
            (Synapse::LowPass(w, d, a), plan) => {
                if let Some(w) = w {
                    plan.axpy(eta_dt, &d.data, &mut w.data);
                }
                if let Product::Fast(_) = plan {
                    let samples = e.len() / d.rows;
                    return plan.outer(e, r, a / T::from_f64(samples as f64), T::ONE - a, d);
                }
                let (rows, cols) = (d.rows, d.cols);
                let g = &mut row[..cols];
                for (i, d) in d.data.chunks_exact_mut(cols).enumerate() {
                    matvec::mean_outer_row(e, rows, i, r, g);
                    for (d, &g) in d.iter_mut().zip(g.iter()) {
                        *d += a * (g - *d);
                    }
                }
            }
        }
    }
}
