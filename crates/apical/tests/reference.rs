//! The engine beside a second implementation of the model: nested vectors and plain formulas, written from the equations
//! and sharing only the settings' types with the engine. Random circuits, every option, each step compared.

mod common;

use apical::circuit::Tensors;
use apical::circuit::noise::Source;
use apical::circuit::params::{Conductances, LagKind, Network, Nudging, Rates, Timing};
use apical::kernels::rng::{Draws, Stream};
use apical::kernels::{Activation, Isa, Mat};
use apical::solvers::euler::{Euler, Plan, Way};
use apical::solvers::{Observer, Outcome, Shown, Solver, View};
use common::{assert_close, normal};

type Matrix = Vec<Vec<f64>>;

fn phi(activation: Activation, u: f64) -> f64 {
    match activation {
        Activation::Logistic => 1.0 / (1.0 + (-u).exp()),
        Activation::SoftRelu => 0.1 * (1.0 + (u - 3.0).exp()).ln(),
        Activation::Softplus => (1.0 + u.exp()).ln(),
        Activation::Tanh => u.tanh(),
        Activation::HardSigmoid => u.clamp(0.0, 1.0),
        Activation::HardTanh => u.clamp(-1.0, 1.0),
        Activation::Relu => u.max(0.0),
        Activation::LeakyRelu => u.max(0.01 * u),
        Activation::Gelu => u * normal(u),
        Activation::Identity => u,
    }
}

fn times(w: &Matrix, r: &[f64]) -> Vec<f64> {
    w.iter().map(|row| row.iter().zip(r).map(|(w, r)| w * r).sum()).collect()
}

/// One kind of synapse: weights and Delta by layer.
struct Projection {
    w: Vec<Matrix>,
    delta: Vec<Matrix>,
}

impl Projection {
    fn from(list: &[Mat<f64>]) -> Self {
        let w: Vec<Matrix> = list.iter().map(|m| (0..m.rows).map(|i| m.row(i).to_vec()).collect()).collect();
        let delta = w.iter().map(|m| m.iter().map(|row| vec![0.0; row.len()]).collect()).collect();
        Projection { w, delta }
    }
}

/// The circuit, sample by sample: `soma[k][b][i]` is cell i of layer k + 1 in sample b.
struct Slow {
    net: Network,
    timing: Timing,
    tau_w: Option<f64>,
    rates: Rates,
    pp: Projection,
    bpp: Projection,
    pb: Projection,
    ip: Projection,
    bip: Projection,
    pi: Projection,
    soma: Vec<Matrix>,
    inter: Vec<Matrix>,
    r_in: Matrix,
    target_trace: Matrix,
}

impl Slow {
    fn reset_state(&mut self) {
        let lists = self.soma.iter_mut().chain(&mut self.inter).chain([&mut self.r_in, &mut self.target_trace]);
        lists.flatten().flatten().for_each(|u| *u = 0.0);
    }

    fn reset_delta(&mut self) {
        for p in [&mut self.pp, &mut self.bpp, &mut self.pb, &mut self.ip, &mut self.bip, &mut self.pi] {
            p.delta.iter_mut().flatten().flatten().for_each(|d| *d = 0.0);
        }
    }

    /// Step `n` of a presentation; returns v_A of all hidden layers.
    fn step(&mut self, x: &Matrix, target: Option<&Matrix>, n: usize) -> Vec<Matrix> {
        let Conductances { g_lk, g_b, g_a, g_d, g_som_output, g_som_interneuron } = self.net.conductances;
        let (dt, act, beta) = (self.timing.dt, self.net.activation, self.net.bias_rate);
        let depth = self.soma.len();
        let samples = x.len();
        for b in 0..samples {
            for j in 0..x[b].len() {
                self.r_in[b][j] += dt / self.timing.tau_0 * (x[b][j] - self.r_in[b][j]);
            }
            if let (Some(target), Some(tau)) = (target, self.timing.tau_target) {
                for i in 0..target[b].len() {
                    self.target_trace[b][i] += dt / tau * (target[b][i] - self.target_trace[b][i]);
                }
            }
        }

        let rates_of = |u: &Matrix| -> Matrix { u.iter().map(|u| u.iter().map(|&u| phi(act, u)).collect()).collect() };
        let r: Vec<Matrix> = self.soma.iter().map(rates_of).collect();
        let r_i: Vec<Matrix> = self.inter.iter().map(rates_of).collect();
        let with_bias = |mut v: Vec<f64>, bias: Option<&Matrix>| {
            if let Some(bias) = bias {
                v.iter_mut().zip(bias).for_each(|(v, b)| *v += beta * b[0]);
            }
            v
        };
        let below = |k: usize, b: usize| if k == 0 { &self.r_in[b] } else { &r[k - 1][b] };
        let v_b: Vec<Matrix> = (0..depth)
            .map(|k| (0..samples).map(|b| with_bias(times(&self.pp.w[k], below(k, b)), self.bpp.w.get(k))).collect())
            .collect();
        let feedback: Vec<Matrix> =
            (0..depth - 1).map(|k| (0..samples).map(|b| times(&self.pb.w[k], &r[k + 1][b])).collect()).collect();
        let v_a: Vec<Matrix> = (0..depth - 1)
            .map(|k| {
                let lateral = |b: usize| times(&self.pi.w[k], &r_i[k][b]);
                (0..samples).map(|b| feedback[k][b].iter().zip(lateral(b)).map(|(f, l)| f + l).collect()).collect()
            })
            .collect();
        let v_i: Vec<Matrix> = (0..depth - 1)
            .map(|k| (0..samples).map(|b| with_bias(times(&self.ip.w[k], &r[k][b]), self.bip.w.get(k))).collect())
            .collect();

        let mut du = self.soma.clone();
        let mut du_i = self.inter.clone();
        for k in 0..depth {
            for b in 0..samples {
                for i in 0..du[k][b].len() {
                    let u = self.soma[k][b][i];
                    du[k][b][i] = -g_lk * u + g_b * (v_b[k][b][i] - u);
                    if k < depth - 1 {
                        du[k][b][i] += g_a * (v_a[k][b][i] - u);
                    } else if let Some(target) = target {
                        let t = if self.timing.tau_target.is_some() { self.target_trace[b][i] } else { target[b][i] };
                        // Reversal potentials 1 and -1: g_exc = g (t + 1) / 2 and g_inh = -g (t - 1) / 2.
                        du[k][b][i] += match self.net.nudging {
                            Nudging::Current => g_som_output * (t - u),
                            Nudging::Conductance => {
                                g_som_output / 2.0 * ((t + 1.0) * (1.0 - u) - (t - 1.0) * (-1.0 - u))
                            }
                        };
                    }
                }
            }
        }
        for k in 0..depth - 1 {
            for b in 0..samples {
                for i in 0..du_i[k][b].len() {
                    let (u, above) = (self.inter[k][b][i], self.soma[k + 1][b][i]);
                    du_i[k][b][i] = -g_lk * u + g_d * (v_i[k][b][i] - u) + g_som_interneuron * (above - u);
                }
            }
        }

        let lagging = n < (self.timing.lag / dt).round() as usize;
        let frozen = lagging && (self.timing.lag_kind == LagKind::Freeze || self.tau_w.is_none());
        if !frozen {
            let tau_w = self.tau_w;
            let change = |p: &mut Projection, k: usize, eta: f64, e: &Matrix, pre: &Matrix| {
                if eta == 0.0 || p.w.is_empty() {
                    return;
                }
                for i in 0..p.w[k].len() {
                    for j in 0..p.w[k][i].len() {
                        let rule = (0..samples).map(|b| e[b][i] * pre[b][j]).sum::<f64>() / samples as f64;
                        match tau_w {
                            None => p.w[k][i][j] += dt * eta * rule,
                            Some(tau) => {
                                if !lagging {
                                    p.w[k][i][j] += dt * eta * p.delta[k][i][j];
                                }
                                p.delta[k][i][j] += dt / tau * (rule - p.delta[k][i][j]);
                            }
                        }
                    }
                }
            };
            let errors = |u: &Matrix, v: &Matrix, factor: f64| -> Matrix {
                let pairs = |(u, v): (&Vec<f64>, &Vec<f64>)| {
                    u.iter().zip(v).map(|(&u, &v)| phi(act, u) - phi(act, factor * v)).collect()
                };
                u.iter().zip(v).map(pairs).collect()
            };
            let bias_rate: Matrix = vec![vec![beta]; samples];
            for k in 0..depth {
                let factor = if k < depth - 1 { g_b / (g_lk + g_b + g_a) } else { g_b / (g_lk + g_b) };
                let e = errors(&self.soma[k], &v_b[k], factor);
                let pre = if k == 0 { &self.r_in } else { &r[k - 1] };
                change(&mut self.pp, k, self.rates.pp[k], &e, pre);
                change(&mut self.bpp, k, self.rates.pp[k], &e, &bias_rate);
            }
            for k in 0..depth - 1 {
                let e = errors(&self.inter[k], &v_i[k], g_d / (g_lk + g_d));
                change(&mut self.ip, k, self.rates.ip[k], &e, &r[k]);
                change(&mut self.bip, k, self.rates.ip[k], &e, &bias_rate);
                let e: Matrix = v_a[k].iter().map(|v| v.iter().map(|v| 0.0 - v).collect()).collect();
                change(&mut self.pi, k, self.rates.pi[k], &e, &r_i[k]);
                change(&mut self.pb, k, self.rates.pb[k], &errors(&self.soma[k], &feedback[k], 1.0), &r[k + 1]);
            }
        }

        let advance = |u: &mut Vec<Matrix>, du: &Vec<Matrix>| {
            let all = u.iter_mut().flatten().flatten().zip(du.iter().flatten().flatten());
            all.for_each(|(u, du)| *u += dt * du);
        };
        advance(&mut self.soma, &du);
        advance(&mut self.inter, &du_i);
        v_a
    }
}

fn joined(list: &[Matrix]) -> Vec<f64> {
    list.iter().flatten().flatten().copied().collect()
}

/// Keeps soma, inter and apical of every step.
#[derive(Default)]
struct Recorder(Vec<[Vec<f64>; 3]>);

impl Observer<f64> for Recorder {
    fn after_step(&mut self, view: &View<'_, f64>) {
        let join = |list: &[Vec<f64>]| list.concat();
        self.0.push([join(&view.state.soma), join(&view.state.inter), join(&view.potentials.apical)]);
    }
}

/// A circuit and a course of presentations drawn from a seed.
struct Setting {
    net: Network,
    timing: Timing,
    tau_w: Option<f64>,
    rates: Rates,
    samples: usize,
    way: Way,
    weights: Tensors<f64>,
}

fn setting(seed: u64) -> Setting {
    let mut d = Draws::new(seed, Stream::Probe, 0);
    let depth = 1 + d.below(5) as usize;
    let sizes: Vec<usize> = (0..=depth).map(|_| 1 + d.below(9) as usize).collect();
    let samples = 1 + d.below(4) as usize;
    let mut coin = |share: f64| d.unit() < share;
    let (biases, low_pass, trace, resets, state_resets) = (coin(0.5), coin(0.7), coin(0.4), coin(0.4), coin(0.2));
    let (filter, conductance_form) = (coin(0.5), coin(0.5));
    let ways = [Way::Fused, Way::Blocks(1), Way::Blocks(7), Way::Blocks(64), Way::Batch, Way::Reference];
    // The fused way takes one pattern at a time.
    let way = ways[usize::from(samples > 1) + seed as usize % (ways.len() - usize::from(samples > 1))];
    let mut g = || d.uniform(0.05, 1.5);
    let conductances =
        Conductances { g_lk: g(), g_b: g(), g_a: g(), g_d: g(), g_som_output: g(), g_som_interneuron: g() };
    let dt = d.uniform(0.02, 0.2);
    let steps = 10 + d.below(20);
    let lag = d.below(steps) as f64 * dt * f64::from(d.below(2));
    let net = Network {
        sizes,
        activation: Activation::ALL[seed as usize % Activation::ALL.len()],
        bias_rate: if biases { d.uniform(0.2, 1.0) } else { 0.0 },
        conductances,
        nudging: if conductance_form { Nudging::Conductance } else { Nudging::Current },
    };
    let timing = Timing {
        dt,
        tau_0: d.uniform(0.5, 4.0),
        tau_target: trace.then(|| d.uniform(0.5, 4.0)),
        presentation: f64::from(steps) * dt,
        lag,
        lag_kind: if filter { LagKind::Filter } else { LagKind::Freeze },
        window: 0.0,
        reset_delta: resets,
        reset_state: state_resets,
    };
    // A quarter of the rules is off, layer by layer.
    let mut list =
        |n: usize| -> Vec<f64> { (0..n).map(|_| if d.unit() < 0.25 { 0.0 } else { d.uniform(0.001, 0.2) }).collect() };
    let rates = Rates { pp: list(depth), ip: list(depth - 1), pi: list(depth - 1), pb: list(depth - 1) };
    let weights = common::weights(&net, 0.8, seed);
    Setting { tau_w: low_pass.then(|| d.uniform(1.0, 40.0)), way, net, timing, rates, samples, weights }
}

fn rows(values: &[f64], samples: usize) -> Matrix {
    values.chunks(values.len() / samples).map(<[f64]>::to_vec).collect()
}

#[test]
fn the_engine_steps_like_the_plain_formulas() {
    let (mut with_lag, mut filtering) = (0, 0);
    for seed in 0..48 {
        let Setting { net, timing, tau_w, rates, samples, way, weights } = setting(seed);
        let sets = Isa::all();
        let plan = Plan { way, isa: sets[seed as usize / 6 % sets.len()] };
        let (n_0, depth) = (net.sizes[0], net.sizes.len() - 1);
        with_lag += usize::from(timing.lag > 0.0);
        filtering += usize::from(timing.lag > 0.0 && timing.lag_kind == LagKind::Filter && tau_w.is_some());
        let zeros = |cells: usize| vec![vec![0.0; cells]; samples];
        let mut slow = Slow {
            pp: Projection::from(&weights.pp),
            bpp: Projection::from(&weights.bpp),
            pb: Projection::from(&weights.pb),
            ip: Projection::from(&weights.ip),
            bip: Projection::from(&weights.bip),
            pi: Projection::from(&weights.pi),
            soma: (1..=depth).map(|k| zeros(net.sizes[k])).collect(),
            inter: (1..depth).map(|k| zeros(net.sizes[k + 1])).collect(),
            r_in: zeros(n_0),
            target_trace: zeros(net.sizes[depth]),
            net: net.clone(),
            timing,
            tau_w,
            rates: rates.clone(),
        };
        let mut w = weights;
        let mut euler = Euler::new(&net, timing, tau_w, Source::Silent, 1e6, samples).with_plan(plan);
        let mut outcome = Outcome::new(&net, samples);
        for presentation in 0..3 {
            let address = seed * 100 + presentation * 2;
            let x = common::uniform(samples * n_0, -1.0, 1.0, address);
            let t = common::uniform(samples * net.sizes[depth], -1.5, 1.5, address + 1);
            // The second presentation has no target.
            let target = (presentation != 1).then_some(&t[..]);
            let shown = Shown { samples, input: &x, target };
            let mut recorder = Recorder::default();
            euler.learn(&mut w, &shown, &rates, &mut outcome, &mut recorder).expect("the circuit stays bounded");

            if timing.reset_delta {
                slow.reset_delta();
            }
            if timing.reset_state {
                slow.reset_state();
            }
            let (x, t) = (rows(&x, samples), target.map(|t| rows(t, samples)));
            for (n, [soma, inter, apical]) in recorder.0.iter().enumerate() {
                let v_a = slow.step(&x, t.as_ref(), n);
                let at = format!("circuit {seed}, {plan}, presentation {presentation}, step {n}");
                // Sums of at most ten terms, a hundred contracting steps: a few hundred roundings of 1e-16.
                assert_close(soma, &joined(&slow.soma), 1e-12, &at);
                assert_close(inter, &joined(&slow.inter), 1e-12, &at);
                assert_close(apical, &joined(&v_a), 1e-12, &at);
            }
            let pairs = [
                (&w.pp, &slow.pp),
                (&w.bpp, &slow.bpp),
                (&w.pb, &slow.pb),
                (&w.ip, &slow.ip),
                (&w.bip, &slow.bip),
                (&w.pi, &slow.pi),
            ];
            for (fast, slow) in pairs {
                let fast: Vec<f64> = fast.iter().flat_map(|m| m.data.clone()).collect();
                assert_close(&fast, &joined(&slow.w), 1e-12, &format!("weights of circuit {seed}"));
            }
            if tau_w.is_some() {
                let slow = [&slow.pp, &slow.bpp, &slow.pb, &slow.ip, &slow.bip, &slow.pi];
                let slow: Vec<f64> = slow.iter().flat_map(|p| joined(&p.delta)).collect();
                assert_close(&common::flat(euler.delta()), &slow, 1e-12, &format!("Delta of circuit {seed}"));
            }
        }
    }
    assert!(with_lag > 5 && filtering > 2, "the settings must meet the lag: {with_lag} {filtering}");
}
