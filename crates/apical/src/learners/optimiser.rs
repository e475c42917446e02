//! Optimisers: how an Update becomes a change of the weights. The same for every learner that hands one out.

use crate::circuit::{Kind, Tensors};
use crate::kernels::{Mat, Real};
use crate::solvers::Array;

/// The rule of an optimiser.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// W += rate * update.
    Sgd,
    /// Heavy ball: m = momentum m + update, W += rate * m.
    Momentum {
        /// Share of m that is kept.
        momentum: f64,
    },
    /// Adam (Kingma & Ba, ICLR 2015), or AdamW (Loshchilov & Hutter, ICLR 2019) if the decay is decoupled.
    Adam {
        /// Decay of the first moment.
        beta1: f64,
        /// Decay of the second moment.
        beta2: f64,
        /// Added to the root of the second moment.
        epsilon: f64,
        /// Weight decay acts on the weights (AdamW), not on the update.
        decoupled: bool,
    },
}

/// Which optimiser, with everything it needs.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// The rule.
    pub rule: Rule,
    /// Learning rate of each layer 1 to N; feedback onto layer k and the interneurons of layer k take entry k - 1.
    pub rate: Vec<f64>,
    /// Weight decay: the update loses decay * W; biases and fixed synapses do not decay. If it is decoupled W itself loses
    /// rate * decay * W: with the learning rate in it, as libraries have it, not as a share of its own, as in the paper.
    pub weight_decay: f64,
    /// Largest norm of a whole Update; longer ones are scaled down to it.
    pub clip: Option<f64>,
    /// Layers (from 1) whose forward weights and biases stand still.
    pub frozen: Vec<usize>,
}

/// An optimiser with its memory.
#[derive(Clone)]
pub struct Optimiser<T> {
    spec: Spec,
    /// First and second moments; empty where the rule has none.
    first: Tensors<T>,
    second: Tensors<T>,
}

impl<T: Real> Optimiser<T> {
    /// For weights of this shape.
    pub fn new(spec: &Spec, shape: &Tensors<T>) -> Self {
        let zeros = || {
            let mut zeros = shape.clone();
            zeros.clear();
            zeros
        };
        let (first, second) = match spec.rule {
            Rule::Sgd => (Tensors::default(), Tensors::default()),
            Rule::Momentum { .. } => (zeros(), Tensors::default()),
            Rule::Adam { .. } => (zeros(), zeros()),
        };
        Optimiser { spec: spec.clone(), first, second }
    }

    /// Applies an Update. `factor` multiplies all rates (schedules), `relative` those of a kind; `step` counts updates
    /// from 1, this one included. The update is scaled down in place if it is clipped.
    pub fn apply(
        &mut self,
        weights: &mut Tensors<T>,
        update: &mut Tensors<T>,
        factor: f64,
        relative: impl Fn(Kind) -> f64,
        step: u64,
    ) {
        for &k in &self.spec.frozen {
            for kind in [Kind::Wpp, Kind::Bpp] {
                if let Some(m) = update.kind_mut(kind).get_mut(k - 1) {
                    m.data.fill(T::ZERO);
                }
            }
        }
        self.clip(update);
        for kind in Kind::ALL {
            // What an algorithm keeps fixed does not decay either.
            if relative(kind) == 0.0 {
                continue;
            }
            let forward = matches!(kind, Kind::Wpp | Kind::Bpp);
            let bias = matches!(kind, Kind::Bpp | Kind::Bip);
            for k in 0..weights.kind(kind).len() {
                if forward && self.spec.frozen.contains(&(k + 1)) {
                    continue;
                }
                let rate = self.spec.rate[k] * factor * relative(kind);
                let decay = if bias { 0.0 } else { self.spec.weight_decay };
                let m = self.first.kind_mut(kind).get_mut(k);
                let v = self.second.kind_mut(kind).get_mut(k);
                let (w, g) = (&mut weights.kind_mut(kind)[k], &update.kind(kind)[k]);
                change(self.spec.rule, rate, decay, step, w, g, m, v);
            }
        }
    }

    fn clip(&self, update: &mut Tensors<T>) {
        let Some(largest) = self.spec.clip else { return };
        let norm = Kind::ALL.iter().flat_map(|&kind| update.kind(kind)).map(|m| m.norm().powi(2)).sum::<f64>().sqrt();
        if norm > largest {
            let scale = T::from_f64(largest / norm);
            for kind in Kind::ALL {
                update.kind_mut(kind).iter_mut().for_each(|m| m.data.iter_mut().for_each(|x| *x *= scale));
            }
        }
    }

    /// The moments, for checkpoints.
    pub fn save(&self) -> Vec<Array<T>> {
        let mut list = Vec::new();
        for (stem, moments) in [("first", &self.first), ("second", &self.second)] {
            list.extend(moments.named().map(|(name, m)| Array {
                name: format!("optimiser.{stem}.{name}"),
                shape: vec![m.rows, m.cols],
                data: m.data.clone(),
            }));
        }
        list
    }

    /// Takes back what [`Optimiser::save`] gave.
    ///
    /// # Errors
    /// The name of the first array that is missing.
    pub fn restore(&mut self, find: &mut dyn FnMut(&str, usize) -> Option<Vec<T>>) -> Result<(), String> {
        for (stem, moments) in [("first", &mut self.first), ("second", &mut self.second)] {
            for (name, m) in moments.named_mut() {
                let name = format!("optimiser.{stem}.{name}");
                m.data = find(&name, m.data.len()).ok_or(name)?;
            }
        }
        Ok(())
    }
}

/// One tensor: `g` is the direction to go.
fn change<T: Real>(
    rule: Rule,
    rate: f64,
    decay: f64,
    step: u64,
    w: &mut Mat<T>,
    g: &Mat<T>,
    first: Option<&mut Mat<T>>,
    second: Option<&mut Mat<T>>,
) {
    let (rate_t, decay_t) = (T::from_f64(rate), T::from_f64(decay));
    match (rule, first, second) {
        (Rule::Momentum { momentum }, Some(m), _) => {
            let momentum = T::from_f64(momentum);
            for ((w, &g), m) in w.data.iter_mut().zip(&g.data).zip(&mut m.data) {
                *m = momentum * *m + (g - decay_t * *w);
                *w += rate_t * *m;
            }
        }
        (Rule::Adam { beta1, beta2, epsilon, decoupled }, Some(m), Some(v)) => {
            let power = |beta: f64| 1.0 - beta.powf(step as f64);
            // rate * (m / c1) / (sqrt(v / c2) + epsilon), the two corrections folded into rate and epsilon.
            let root = power(beta2).sqrt();
            let rate_t = T::from_f64(rate * root / power(beta1));
            let epsilon = T::from_f64(epsilon * root);
            let (shrink, inner) =
                if decoupled { (T::from_f64(1.0 - rate * decay), T::ZERO) } else { (T::ONE, decay_t) };
            let (beta1, beta2) = (T::from_f64(beta1), T::from_f64(beta2));
            let (rest1, rest2) = (T::ONE - beta1, T::ONE - beta2);
            for (((w, &g), m), v) in w.data.iter_mut().zip(&g.data).zip(&mut m.data).zip(&mut v.data) {
                let g = g - inner * *w;
                *m = beta1 * *m + rest1 * g;
                *v = beta2 * *v + rest2 * g * g;
                *w = shrink * *w + rate_t * *m / (v.sqrt() + epsilon);
            }
        }
        // Plain descent; a rule with moments always has them (see `Optimiser::new`).
        _ => {
            for (w, &g) in w.data.iter_mut().zip(&g.data) {
                *w += rate_t * (g - decay_t * *w);
            }
        }
    }
}
