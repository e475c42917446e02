//! `Case`: a circuit with its times, rates and patterns, of which the time is measured. Other programs get the same one:
//! [`Case::json`] and [`Made::bytes`] are all they need to know.

use apical::circuit::noise::Source;
use apical::circuit::params::{Conductances, LagKind, Mixing, Network, Noise, NoiseScaling, Nudging, Rates, Timing};
use apical::circuit::start::{self, Start, Starts};
use apical::circuit::{Attenuation, Tensors};
use apical::kernels::rng::{Draws, Stream};
use apical::kernels::{Activation, Isa, Real};
use apical::solvers::adaptive::Adaptive;
use apical::solvers::euler::{Choice, Euler, Plan};
use apical::solvers::two_step::TwoStep;
use apical::solvers::{Shown, Solver};
use std::fmt::Write;

/// Patterns, or batches of them, that are shown in turn.
const PATTERNS: usize = 8;
/// Seed of weights, patterns and noise.
const SEED: u64 = 1;
/// Low-pass of the weight change (ms).
const TAU_W: f64 = 30.0;
/// No potential comes near.
const BOUND: f64 = 1e6;

/// How potentials are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Euler steps with low-passed plasticity.
    Euler,
    /// One pass up and one down.
    TwoStep,
}

/// What is computed.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// The name on the command line.
    pub name: String,
    /// Euler steps or passes.
    pub work: Work,
    /// The circuit; logistic.
    pub net: Network,
    /// Times of a presentation.
    pub timing: Timing,
    /// Learning rates.
    pub rates: Rates,
    /// Soma noise, as `dt sigma` a step.
    pub sigma: f64,
    /// Patterns side by side.
    pub batch: usize,
    /// Bound of the uniform start weights, for each kind but the feedback, which has twice as much.
    pub spread: f64,
}

/// Start weights and patterns of a case.
#[derive(Clone, Debug, PartialEq)]
pub struct Made<T> {
    /// Start weights.
    pub weights: Tensors<T>,
    /// Batches of batch x n_0 input rates, one after the other.
    pub input: Vec<T>,
    /// As many of batch x n_N target potentials.
    pub target: Vec<T>,
}

fn network(sizes: &[usize], bias_rate: f64, conductances: Conductances) -> Network {
    let (activation, nudging) = (Activation::Logistic, Nudging::Current);
    Network { sizes: sizes.to_vec(), activation, bias_rate, conductances, nudging }
}

fn timing(presentation: f64) -> Timing {
    Timing {
        dt: 0.1,
        tau_0: 3.0,
        tau_target: None,
        presentation,
        lag: 0.0,
        lag_kind: LagKind::Freeze,
        window: 0.0,
        reset_delta: false,
        reset_state: false,
    }
}

/// The names that [`Case::named`] knows.
pub const NAMES: [&str; 5] = ["30-20-10", "4-120-3", "784-500-500-10", "784-500-500-10-b100", "two-step"];

impl Case {
    /// The cases that are compared with other programs.
    ///
    /// - `30-20-10`: all rules, noise; 100 ms.
    /// - `4-120-3`: Hill 2020's settings for Yin-Yang: biases, a traced target, a lag of 20 ms of 100, rules (7) and (8).
    /// - `784-500-500-10`, `784-500-500-10-b100`: rules (7) to (9), feedback fixed; 30 ms; one pattern or 100.
    /// - `two-step`: the MNIST net of Sacramento et al. 2018, batches of 10.
    pub fn named(name: &str) -> Option<Self> {
        let hidden = |n: usize, eta: f64| vec![eta; n];
        let case = match name {
            "30-20-10" => Case {
                name: name.into(),
                work: Work::Euler,
                net: network(&[30, 20, 10], 0.0, Conductances::default()),
                timing: timing(100.0),
                rates: Rates { pp: vec![1.1875e-3, 5e-4], ip: vec![1.1875e-3], pi: vec![5e-4], pb: vec![5e-4] },
                sigma: 0.1,
                batch: 1,
                spread: 1.0,
            },
            "4-120-3" => Case {
                name: name.into(),
                work: Work::Euler,
                net: network(
                    &[4, 120, 3],
                    0.5,
                    Conductances { g_a: 0.28, g_som_output: 0.34, g_som_interneuron: 0.34, ..Conductances::default() },
                ),
                timing: Timing { tau_target: Some(3.0), lag: 20.0, window: 20.0, ..timing(100.0) },
                // Hill's rate of the first layer belongs to self-predicting weights: from random ones it would diverge.
                rates: Rates { pp: vec![0.061, 7.3e-4], ip: vec![1.46e-3], pi: vec![0.0], pb: vec![0.0] },
                sigma: 0.0,
                batch: 1,
                spread: 0.1,
            },
            "784-500-500-10" => Case::deep(&[784, 500, 500, 10], 1),
            "784-500-500-10-b100" => Case { name: name.into(), ..Case::deep(&[784, 500, 500, 10], 100) },
            "two-step" => Case {
                name: name.into(),
                work: Work::TwoStep,
                net: network(
                    &[784, 500, 500, 10],
                    1.0,
                    Conductances::default().with_mixing(Mixing { output: 0.1, interneuron: 0.1, hidden: 0.3 }),
                ),
                timing: timing(0.1),
                rates: Rates {
                    pp: vec![0.1, 0.04, 0.067],
                    ip: hidden(2, 0.03),
                    pi: hidden(2, 0.0),
                    pb: hidden(2, 0.0),
                },
                sigma: 0.0,
                batch: 10,
                spread: 0.1,
            },
            _ => return None,
        };
        Some(case)
    }

    /// A net of any sizes whose feedback is fixed, without noise and biases; presentations of 30 ms.
    pub fn deep(sizes: &[usize], batch: usize) -> Self {
        let depth = sizes.len() - 1;
        let eta = 1e-4;
        let widest = sizes.iter().copied().max().unwrap_or(1);
        Case {
            name: sizes.iter().map(ToString::to_string).collect::<Vec<_>>().join("-"),
            work: Work::Euler,
            net: network(sizes, 0.0, Conductances::default()),
            timing: timing(30.0),
            rates: Rates {
                pp: vec![eta; depth],
                ip: vec![eta; depth - 1],
                pi: vec![eta; depth - 1],
                pb: vec![0.0; depth - 1],
            },
            sigma: 0.0,
            batch,
            spread: 1.0 / (widest as f64).sqrt(),
        }
    }

    /// Euler steps of a presentation; 1 for passes.
    pub fn steps(&self) -> usize {
        match self.work {
            Work::Euler => self.timing.steps(self.timing.presentation),
            Work::TwoStep => 1,
        }
    }

    /// Start weights and patterns.
    pub fn make<T: Real>(&self) -> Made<T> {
        let uniform = |n: usize, a: f64| Start::Uniform(vec![a; n]);
        let depth = self.net.sizes.len() - 1;
        let starts = Starts {
            pp: uniform(depth, self.spread),
            bpp: uniform(depth, self.spread),
            pb: uniform(depth - 1, 2.0 * self.spread),
            ip: uniform(depth - 1, self.spread),
            bip: uniform(depth - 1, self.spread),
            pi: uniform(depth - 1, self.spread),
        };
        let weights = start::draw(&self.net, &self.attenuation(), &starts, SEED);
        let mut draws = Draws::new(SEED, Stream::Probe, 0);
        let mut random = |n: usize| (0..n).map(|_| T::from_f64(draws.uniform(0.0, 1.0))).collect::<Vec<T>>();
        let input = random(PATTERNS * self.batch * self.net.sizes[0]);
        let target = random(PATTERNS * self.batch * self.net.sizes[depth]);
        Made { weights, input, target }
    }

    fn attenuation(&self) -> Attenuation {
        match self.work {
            Work::Euler => Attenuation::from_conductances(&self.net.conductances),
            Work::TwoStep => Attenuation::none(self.net.conductances.mixing()),
        }
    }

    /// The plan that a choice comes to with these instructions.
    pub fn plan<T: Real>(&self, choice: Choice, isa: Isa) -> Plan {
        Plan::new::<T>(choice, &self.net, self.batch, isa)
    }

    /// A solver at rest. The plan counts for Euler steps alone.
    pub fn solver<T: Real>(&self, plan: Plan) -> Box<dyn Solver<T>> {
        match self.work {
            Work::Euler => {
                let noise = Noise { sigma: self.sigma, scaling: NoiseScaling::Step };
                let noise = Source::new(noise, self.timing.dt, SEED);
                let euler = Euler::new(&self.net, self.timing, Some(TAU_W), noise, BOUND, self.batch);
                Box::new(euler.with_plan(plan))
            }
            Work::TwoStep => Box::new(TwoStep::new(&self.net, self.attenuation(), BOUND, self.batch)),
        }
    }

    /// `adaptive` at rest; without the noise.
    pub fn adaptive<T: Real>(&self, tolerance: f64) -> Box<dyn Solver<T>> {
        Box::new(Adaptive::new(&self.net, self.timing, Some(TAU_W), tolerance, BOUND, self.batch))
    }

    /// Presentation `n`.
    pub fn shown<'a, T>(&self, made: &'a Made<T>, n: usize) -> Shown<'a, T> {
        let part = |values: &'a [T]| {
            let length = values.len() / PATTERNS;
            &values[n % PATTERNS * length..][..length]
        };
        Shown { samples: self.batch, input: part(&made.input), target: Some(part(&made.target)) }
    }

    /// All numbers of the case as JSON. Units as in the engine: ms, 1/ms.
    pub fn json(&self) -> String {
        let (net, c, att) = (&self.net, &self.net.conductances, self.attenuation());
        let mut out = String::from("{");
        let mut put = |name: &str, value: String| {
            let comma = if out.len() > 1 { ", " } else { "" };
            // Writing to a String cannot fail.
            let _ = write!(out, "{comma}\"{name}\": {value}");
        };
        put("name", format!("{:?}", self.name));
        put("work", format!("{:?}", if self.work == Work::Euler { "euler" } else { "two-step" }));
        put("sizes", format!("{:?}", net.sizes));
        put("batch", self.batch.to_string());
        put("patterns", PATTERNS.to_string());
        put("steps", self.steps().to_string());
        put("lag_steps", self.timing.steps(self.timing.lag).to_string());
        put("tau_target", self.timing.tau_target.map_or("null".into(), |tau| format!("{tau:?}")));
        for (name, value) in [
            ("dt", self.timing.dt),
            ("tau_0", self.timing.tau_0),
            ("tau_w", TAU_W),
            ("jump", self.timing.dt * self.sigma),
            ("bias_rate", net.bias_rate),
            ("g_lk", c.g_lk),
            ("g_b", c.g_b),
            ("g_a", c.g_a),
            ("g_d", c.g_d),
            ("g_som_output", c.g_som_output),
            ("g_som_interneuron", c.g_som_interneuron),
            ("attenuation_hidden", att.hidden),
            ("attenuation_output", att.output),
            ("attenuation_interneuron", att.interneuron),
            ("lambda_output", att.mixing.output),
            ("lambda_interneuron", att.mixing.interneuron),
            ("lambda_hidden", att.mixing.hidden),
        ] {
            put(name, format!("{value:?}"));
        }
        let Rates { pp, ip, pi, pb } = &self.rates;
        for (name, list) in [("eta_pp", pp), ("eta_ip", ip), ("eta_pi", pi), ("eta_pb", pb)] {
            put(name, format!("{list:?}"));
        }
        out + "}\n"
    }
}

impl<T: Real> Made<T> {
    /// Weights in the order of files (`Wpp.1`, `Wpp.2`, .., `bpp.1`, .., `Wpb`, `Wip`, `bip`, `Wpi`), then inputs, then
    /// targets, little-endian.
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let weights = self.weights.named().flat_map(|(_, m)| &m.data);
        weights.chain(&self.input).chain(&self.target).for_each(|x| x.push_le(&mut out));
        out
    }
}
