//! Imperfect synapses: what biology does not grant a circuit, to see how much of it learning stands.
//!
//! All of it but the blurred nudging acts on weights between presentations, so it is the same for every solver. Each is off by
//! default; with none of them no weight is touched.

use super::tensors::{Kind, Tensors};
use crate::kernels::rng::{Draws, Stream, normal_pair};
use crate::kernels::{Mat, Real};

/// Which imperfections there are. The default is none.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Imperfections {
    /// Share of the start weights from and to interneurons that is random: W <- (1 - p) W + p W', W' drawn uniformly with the
    /// root mean square of W. 0 to 1.
    pub unpredicted: f64,
    /// Share of synapses that are absent for good, each drawn by itself. 0 to 1.
    pub missing_synapses: f64,
    /// Share of interneurons that reach no apical dendrite, each drawn by itself: there are fewer than cells above. 0 to 1.
    pub missing_interneurons: f64,
    /// Which sign the synapses of a cell have.
    pub signs: Signs,
    /// Each presentation is made with weights W (1 + sigma xi), xi standard normal and new each time; what it teaches is added to W.
    pub weight_noise: f64,
    /// Share of its teacher that an interneuron has from the mean over all cells above, in place of the one that it predicts: of the
    /// solvers, not of the synapses. 0 to 1.
    pub blurred_nudging: f64,
    /// How late (ms) what reaches a cell from another layer is: of the solvers, not of the synapses.
    pub delay: f64,
    /// Weights are multiples of this step, to which they are rounded after each presentation, up or down by chance so that
    /// their mean stays. 0: any.
    pub weight_step: f64,
}

/// Signs of synapses (Dale's law). Bias weights have any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Signs {
    /// Any.
    #[default]
    Free,
    /// Those of a pyramidal cell all have one sign, drawn for it; those of an interneuron the other one than the cell above
    /// that it predicts has, so that it can cancel its feedback.
    PerCell,
    /// Those of pyramidal cells excite, those of interneurons inhibit.
    Cortical,
}

impl Signs {
    /// Names in configs.
    pub const NAMES: [(Signs, &'static str); 3] =
        [(Signs::Free, "free"), (Signs::PerCell, "per-cell"), (Signs::Cortical, "cortical")];

    /// The name.
    pub fn name(self) -> &'static str {
        Self::NAMES.into_iter().find(|n| n.0 == self).map_or("free", |n| n.1)
    }
}

impl Imperfections {
    /// True if there are any.
    pub fn any(&self) -> bool {
        *self != Imperfections::default()
    }

    /// True if there are any of synapses.
    pub fn of_synapses(&self) -> bool {
        Imperfections { blurred_nudging: 0.0, delay: 0.0, ..*self }.any()
    }
}

/// Where random numbers of a tensor stand: what they are for, kind and layer.
fn address(purpose: u64, kind: Kind, layer: usize) -> u64 {
    let index = Kind::ALL.into_iter().position(|k| k == kind).unwrap_or(0) as u64;
    (purpose << 56) + (index << 48) + ((layer as u64) << 32)
}

const MISSING: u64 = 0;
const SIGN: u64 = 1;
const RANDOM: u64 = 2;
const ROUNDING: u64 = 3;
const NOISE: u64 = 4;

/// The synapses of a circuit with imperfections.
#[derive(Clone, Debug)]
pub struct Synapses<T> {
    on: Imperfections,
    seed: u64,
    /// What a weight may be: kept at 0, of one sign, or any; as the weights.
    bounds: Tensors<T>,
    /// The weights themselves while a presentation is made with noisy ones, and the noisy ones.
    kept: Option<(Tensors<T>, Tensors<T>)>,
}

/// Values of `bounds`.
const ABSENT: f64 = 0.0;
const EXCITES: f64 = 1.0;
const INHIBITS: f64 = -1.0;
const ANY: f64 = 2.0;

impl<T: Real> Synapses<T> {
    /// For weights of this shape; which synapses are absent and who has which sign hangs on the seed alone.
    pub fn new(on: Imperfections, shape: &Tensors<T>, seed: u64) -> Self {
        let mut bounds = shape.clone();
        // The cell that synapse (., j) comes from: its layer, counted from the input.
        let sign = |layer: usize, j: usize| match on.signs {
            Signs::Free => ANY,
            Signs::Cortical => EXCITES,
            Signs::PerCell => {
                let mut draws = Draws::new(seed, Stream::Imperfection, address(SIGN, Kind::Wpp, layer) + j as u64);
                if draws.uniform(0.0, 1.0) < 0.5 { EXCITES } else { INHIBITS }
            }
        };
        let lone = |k: usize, j: usize| {
            let mut draws = Draws::new(seed, Stream::Imperfection, address(MISSING, Kind::Bip, k) + j as u64);
            draws.uniform(0.0, 1.0) < on.missing_interneurons
        };
        for kind in Kind::ALL {
            for (k, m) in bounds.kind_mut(kind).iter_mut().enumerate() {
                let mut draws = Draws::new(seed, Stream::Imperfection, address(MISSING, kind, k + 1));
                let cols = m.cols;
                for (i, bound) in m.data.iter_mut().enumerate() {
                    let j = i % cols;
                    let is_bias = matches!(kind, Kind::Bpp | Kind::Bip);
                    let absent = !is_bias && draws.uniform(0.0, 1.0) < on.missing_synapses;
                    let value = match kind {
                        _ if absent => ABSENT,
                        Kind::Bpp | Kind::Bip => ANY,
                        Kind::Wpp => sign(k, j),
                        Kind::Wip => sign(k + 1, j),
                        Kind::Wpb => sign(k + 2, j),
                        Kind::Wpi if lone(k + 1, j) => ABSENT,
                        Kind::Wpi if on.signs == Signs::Free => ANY,
                        Kind::Wpi => -sign(k + 2, j),
                    };
                    *bound = T::from_f64(value);
                }
            }
        }
        Synapses { on, seed, bounds, kept: None }
    }

    /// Start weights become what they can be: those of interneurons partly random, all of the right sign, absent, rounded.
    pub fn start(&self, weights: &mut Tensors<T>) {
        let p = self.on.unpredicted;
        for kind in [Kind::Wip, Kind::Bip, Kind::Wpi].into_iter().filter(|_| p > 0.0) {
            for (k, m) in weights.kind_mut(kind).iter_mut().enumerate() {
                let mut draws = Draws::new(self.seed, Stream::Imperfection, address(RANDOM, kind, k + 1));
                // U(-a, a) has the root mean square a / sqrt 3.
                let a = 3f64.sqrt() * m.norm() / (m.data.len() as f64).sqrt();
                m.data.iter_mut().for_each(|w| *w = T::from_f64((1.0 - p) * w.to_f64() + p * draws.uniform(-a, a)));
            }
        }
        // Signs that start weights lack are given to them: their sizes are the drawn ones.
        self.each(weights, |bound, w| match bound {
            EXCITES => w.abs(),
            INHIBITS => -w.abs(),
            ABSENT => T::ZERO,
            _ => w,
        });
        self.round(weights, 0);
    }

    /// Before presentation `n`: weights become noisy.
    pub fn before(&mut self, weights: &mut Tensors<T>, n: u64) {
        if self.on.weight_noise == 0.0 {
            return;
        }
        let (kept, noisy) = self.kept.get_or_insert_with(|| (weights.clone(), weights.clone()));
        kept.clone_from(weights);
        for kind in Kind::ALL {
            for (k, m) in weights.kind_mut(kind).iter_mut().enumerate() {
                let mut draws = Draws::new(self.seed, Stream::Imperfection, address(NOISE, kind, k + 1) ^ n);
                for w in &mut m.data {
                    let [xi, _] = normal_pair(draws.word(), draws.word());
                    *w *= T::from_f64(1.0 + self.on.weight_noise * f64::from(xi));
                }
            }
        }
        noisy.clone_from(weights);
    }

    /// After presentation `n`: noise goes, what was taught stays; then signs, absence and steps are kept to.
    pub fn after(&mut self, weights: &mut Tensors<T>, n: u64) {
        if let Some((kept, noisy)) = self.kept.as_ref().filter(|_| self.on.weight_noise != 0.0) {
            for kind in Kind::ALL {
                let was = kept.kind(kind).iter().zip(noisy.kind(kind));
                for (w, (kept, noisy)) in weights.kind_mut(kind).iter_mut().zip(was) {
                    for ((w, &kept), &noisy) in w.data.iter_mut().zip(&kept.data).zip(&noisy.data) {
                        *w = kept + (*w - noisy);
                    }
                }
            }
        }
        self.keep_to(weights);
        self.round(weights, n + 1);
    }

    /// Weights of the wrong sign, and those of absent synapses, become 0.
    fn keep_to(&self, weights: &mut Tensors<T>) {
        self.each(weights, |bound, w| match bound {
            EXCITES => w.max(T::ZERO),
            INHIBITS => -((-w).max(T::ZERO)),
            ABSENT => T::ZERO,
            _ => w,
        });
    }

    /// What an update would do to absent synapses is taken out of it.
    pub fn mask(&self, update: &mut Tensors<T>) {
        self.each(update, |bound, u| if bound == ABSENT { T::ZERO } else { u });
    }

    fn each(&self, tensors: &mut Tensors<T>, value: impl Fn(f64, T) -> T) {
        for kind in Kind::ALL {
            for (m, bounds) in tensors.kind_mut(kind).iter_mut().zip(self.bounds.kind(kind)) {
                m.data.iter_mut().zip(&bounds.data).for_each(|(w, bound)| *w = value(bound.to_f64(), *w));
            }
        }
    }

    /// To multiples of the step; `n` counts how often.
    fn round(&self, weights: &mut Tensors<T>, n: u64) {
        let step = self.on.weight_step;
        if step == 0.0 {
            return;
        }
        for kind in Kind::ALL {
            for (k, m) in weights.kind_mut(kind).iter_mut().enumerate() {
                let mut draws = Draws::new(self.seed, Stream::Imperfection, address(ROUNDING, kind, k + 1) ^ n);
                rounded(m, step, &mut draws);
            }
        }
    }
}

fn rounded<T: Real>(m: &mut Mat<T>, step: f64, draws: &mut Draws) {
    for w in &mut m.data {
        let steps = w.to_f64() / step;
        // A multiple stays one, whatever is drawn: in f32 it need not be one to the last bit.
        let nearest = steps.round();
        let up = steps.floor() + f64::from(u8::from(draws.uniform(0.0, 1.0) < steps - steps.floor()));
        let whole = if (steps - nearest).abs() < 1e-4 { nearest } else { up };
        *w = T::from_f64(whole * step);
    }
}
