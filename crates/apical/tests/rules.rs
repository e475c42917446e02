//! Each rule of plasticity alone, in a tiny circuit, against its closed form written out here.

mod common;

use apical::circuit::noise::Source;
use apical::circuit::params::{LagKind, Network, Rates, Timing};
use apical::circuit::step::{Constants, Learning, Plastic, step};
use apical::circuit::{Kind, Potentials, State, Tensors, known};
use apical::kernels::{Mat, Product};
use apical::solvers::euler::Euler;
use apical::solvers::{Nobody, Outcome, Shown, Solver};
use common::{assert_close, flat, rates, uniform, weights};

const TAU_W: f64 = 30.0;

fn network() -> Network {
    Network { bias_rate: 0.5, ..known::network(&[2, 3, 2]) }
}

fn phi(u: f64) -> f64 {
    1.0 / (1.0 + (-u).exp())
}

/// A circuit in the middle of something: somas and traces are not at rest.
struct Scene {
    net: Network,
    samples: usize,
    w: Tensors<f64>,
    state: State<f64>,
    x: Vec<f64>,
}

impl Scene {
    fn new(samples: usize) -> Self {
        let net = network();
        let mut state = State::rest(&net, samples);
        for (n, (_, values)) in state.named_mut().into_iter().enumerate() {
            values.copy_from_slice(&uniform(values.len(), -1.0, 1.0, 50 + n as u64));
        }
        Scene { w: weights(&net, 1.0, 3), x: uniform(2 * samples, 0.0, 1.0, 70), net, samples, state }
    }

    /// Weights and Delta after one step, and after a second one from the same somas.
    fn steps(
        &self,
        rates: &Rates,
        tau_w: Option<f64>,
        plastic: Plastic,
        plan: Product,
    ) -> [(Tensors<f64>, Tensors<f64>); 2] {
        let (mut w, mut delta) = (self.w.clone(), Tensors::zeros(&self.net.sizes, true));
        let c = Constants::new(&self.net, &known::timing(1.0), tau_w, plan);
        [(); 2].map(|()| {
            let (mut state, mut p) = (self.state.clone(), Potentials::new(&self.net, self.samples));
            let learning = Learning::Own { rates, plastic, delta: &mut delta };
            step(&c, &mut w, &mut state, &mut p, &self.x, None, learning, &Source::Silent);
            (w.clone(), delta.clone())
        })
    }

    /// r_in after the trace has moved: dt / tau_0 = 1/30.
    fn r_in(&self, b: usize, j: usize) -> f64 {
        let r = self.state.trace_input[b * 2 + j];
        r + (self.x[b * 2 + j] - r) * 0.1 / 3.0
    }

    /// u^P_1, u^P_2, u^I_1.
    fn u(&self, layer: usize, b: usize, i: usize) -> f64 {
        let soma = &self.state.soma[layer - 1];
        soma[b * soma.len() / self.samples + i]
    }

    fn u_i(&self, b: usize, i: usize) -> f64 {
        self.state.inter[0][b * 2 + i]
    }

    /// The rule divided by eta of a tensor: error times presynaptic rate, meaned over the batch.
    fn rule(&self, kind: Kind, layer: usize) -> Mat<f64> {
        let w = &self.w;
        let c = 1.0 / 1.1; // g_B / (g_lk + g_B), and g_D / (g_lk + g_D)
        let forward = |b: usize, i: usize| {
            if layer == 1 {
                let v = (0..2).map(|j| w.pp[0].at(i, j) * self.r_in(b, j)).sum::<f64>() + 0.5 * w.bpp[0].at(i, 0);
                phi(self.u(1, b, i)) - phi(v / 1.9)
            } else {
                let v = (0..3).map(|j| w.pp[1].at(i, j) * phi(self.u(1, b, j))).sum::<f64>() + 0.5 * w.bpp[1].at(i, 0);
                phi(self.u(2, b, i)) - phi(c * v)
            }
        };
        let inter = |b: usize, i: usize| {
            let v = (0..3).map(|j| w.ip[0].at(i, j) * phi(self.u(1, b, j))).sum::<f64>() + 0.5 * w.bip[0].at(i, 0);
            phi(self.u_i(b, i)) - phi(c * v)
        };
        let top_down = |b: usize, i: usize| (0..2).map(|j| w.pb[0].at(i, j) * phi(self.u(2, b, j))).sum::<f64>();
        let lateral = |b: usize, i: usize| (0..2).map(|j| w.pi[0].at(i, j) * phi(self.u_i(b, j))).sum::<f64>();
        let shape = &w.kind(kind)[layer - 1];
        Mat::from_fn(shape.rows, shape.cols, |i, j| {
            let term = |b: usize| match kind {
                Kind::Wpp if layer == 1 => forward(b, i) * self.r_in(b, j),
                Kind::Wpp => forward(b, i) * phi(self.u(1, b, j)),
                Kind::Bpp => forward(b, i) * 0.5,
                Kind::Wip => inter(b, i) * phi(self.u(1, b, j)),
                Kind::Bip => inter(b, i) * 0.5,
                Kind::Wpi => -(top_down(b, i) + lateral(b, i)) * phi(self.u_i(b, j)),
                Kind::Wpb => (phi(self.u(1, b, i)) - phi(top_down(b, i))) * phi(self.u(2, b, j)),
            };
            (0..self.samples).map(term).sum::<f64>() / self.samples as f64
        })
    }
}

/// Rates that switch one rule on, its rate, and the tensors that it changes.
type Alone = (Rates, f64, Vec<(Kind, usize)>);

fn alone() -> Vec<Alone> {
    let net = network();
    let off = || rates(&net, 0.0, 0.0, 0.0, 0.0);
    let layer = |k: usize, eta: f64| Rates { pp: if k == 1 { vec![eta, 0.0] } else { vec![0.0, eta] }, ..off() };
    vec![
        (layer(1, 0.3), 0.3, vec![(Kind::Wpp, 1), (Kind::Bpp, 1)]),
        (layer(2, 0.2), 0.2, vec![(Kind::Wpp, 2), (Kind::Bpp, 2)]),
        (rates(&net, 0.0, 0.7, 0.0, 0.0), 0.7, vec![(Kind::Wip, 1), (Kind::Bip, 1)]),
        (rates(&net, 0.0, 0.0, 0.4, 0.0), 0.4, vec![(Kind::Wpi, 1)]),
        (rates(&net, 0.0, 0.0, 0.0, 0.6), 0.6, vec![(Kind::Wpb, 1)]),
    ]
}

fn each_tensor(mut check: impl FnMut(Kind, usize)) {
    for kind in Kind::ALL {
        let layers = Tensors::<f64>::zeros(&network().sizes, true).kind(kind).len();
        (1..=layers).for_each(|layer| check(kind, layer));
    }
}

#[test]
fn without_low_pass_a_rule_changes_its_own_weights_by_dt_times_the_rule() {
    for samples in [1, 3] {
        for plan in [Product::Plain, Product::best()] {
            let scene = Scene::new(samples);
            for (rates, eta, own) in alone() {
                let [(w, delta), _] = scene.steps(&rates, None, Plastic::On, plan);
                each_tensor(|kind, layer| {
                    let (before, after) = (&scene.w.kind(kind)[layer - 1], &w.kind(kind)[layer - 1]);
                    if own.contains(&(kind, layer)) {
                        let rule = scene.rule(kind, layer);
                        let expected: Vec<f64> =
                            before.data.iter().zip(&rule.data).map(|(w, r)| w + 0.1 * eta * r).collect();
                        // A few sums of at most three terms below 1.
                        assert_close(&after.data, &expected, 1e-15, &format!("{kind:?} {layer}, {samples} samples"));
                        assert_ne!(after, before, "{kind:?} {layer} must move");
                    } else {
                        assert_eq!(after, before, "{kind:?} {layer} is switched off");
                    }
                });
                assert_eq!(delta, Tensors::zeros(&network().sizes, true), "there is no Delta without low-pass");
            }
        }
    }
}

#[test]
fn with_low_pass_delta_leads_and_the_weights_follow_a_step_later() {
    for samples in [1, 3] {
        for plan in [Product::Plain, Product::best()] {
            let scene = Scene::new(samples);
            for (rates, eta, own) in alone() {
                let [(w_1, delta_1), (w_2, delta_2)] = scene.steps(&rates, Some(TAU_W), Plastic::On, plan);
                assert_eq!(w_1, scene.w, "the old Delta was 0");
                each_tensor(|kind, layer| {
                    let pick = |t: &Tensors<f64>| t.kind(kind)[layer - 1].data.clone();
                    let at = format!("{kind:?} {layer}, {samples} samples");
                    if own.contains(&(kind, layer)) {
                        let a = 0.1 / TAU_W;
                        let rule = scene.rule(kind, layer).data;
                        let first: Vec<f64> = rule.iter().map(|r| a * r).collect();
                        assert_close(&pick(&delta_1), &first, 1e-16, &at);
                        let moved = pick(&scene.w).into_iter().zip(&first).map(|(w, d)| w + 0.1 * eta * d);
                        assert_close(&pick(&w_2), &moved.collect::<Vec<_>>(), 1e-15, &at);
                        // The second step has the same errors: in it the weights are still those of the first.
                        let second: Vec<f64> = rule.iter().zip(&first).map(|(r, d)| d + a * (r - d)).collect();
                        assert_close(&pick(&delta_2), &second, 1e-16, &at);
                    } else {
                        assert_eq!(pick(&w_2), pick(&scene.w), "{at} is switched off");
                        assert!(pick(&delta_2).iter().all(|&d| d == 0.0), "{at} is switched off");
                    }
                });
            }
        }
    }
}

/// A rule that is switched off after it was on keeps its Delta: it neither decays nor reaches the weights.
#[test]
fn a_rate_of_0_leaves_delta_and_weights_as_they_are() {
    let net = network();
    let (mut w, start) = (weights::<f64>(&net, 1.0, 3), weights(&net, 1.0, 3));
    let (x, mut outcome) = (uniform(2, 0.0, 1.0, 1), Outcome::new(&net, 1));
    let shown = Shown { samples: 1, input: &x, target: None };
    let mut euler = Euler::new(&net, known::timing(2.0), Some(TAU_W), Source::Silent, 1e3, 1);
    euler.learn(&mut w, &shown, &rates(&net, 0.1, 0.1, 0.1, 0.1), &mut outcome, &mut Nobody).unwrap();
    assert!(flat(&w) != flat(&start) && flat(euler.delta()).iter().any(|&d| d != 0.0));
    let (held, delta) = (w.clone(), euler.delta().clone());
    euler.learn(&mut w, &shown, &rates(&net, 0.0, 0.0, 0.0, 0.0), &mut outcome, &mut Nobody).unwrap();
    assert_eq!((w, euler.delta()), (held, &delta));
}

#[test]
fn plastic_off_and_delta_only_hold_what_they_say() {
    let scene = Scene::new(3);
    let all = rates(&scene.net, 0.3, 0.3, 0.3, 0.3);
    let none = Tensors::zeros(&scene.net.sizes, true);
    let [_, (w, delta)] = scene.steps(&all, Some(TAU_W), Plastic::Off, Product::Plain);
    assert_eq!((&w, &delta), (&scene.w, &none));
    let [(w_1, delta_1), (w_2, delta_2)] = scene.steps(&all, Some(TAU_W), Plastic::DeltaOnly, Product::Plain);
    assert_eq!((&w_1, &w_2), (&scene.w, &scene.w));
    let [(_, on), _] = scene.steps(&all, Some(TAU_W), Plastic::On, Product::Plain);
    assert_eq!(delta_1, on, "Delta integrates as if the weights moved");
    assert_ne!(delta_1, delta_2);
    // Without a Delta there is nothing to integrate.
    let [_, (w, _)] = scene.steps(&all, None, Plastic::DeltaOnly, Product::Plain);
    assert_eq!(w, scene.w);
}

#[test]
fn the_lag_holds_the_first_steps_of_each_presentation() {
    for (kind, held) in [(LagKind::Freeze, Plastic::Off), (LagKind::Filter, Plastic::DeltaOnly)] {
        let timing = Timing { lag: 2.0, lag_kind: kind, ..known::timing(10.0) };
        for n in 0..100 {
            let expected = if n < 20 { held } else { Plastic::On };
            assert_eq!(Plastic::in_presentation(&timing, n), expected, "{kind:?} {n}");
        }
    }
    // A lag as long as the presentation, in the solver.
    let net = network();
    let (x, all) = (uniform::<f64>(2, 0.0, 1.0, 1), rates(&net, 0.1, 0.1, 0.1, 0.1));
    for (lag_kind, moves) in [(LagKind::Freeze, false), (LagKind::Filter, true)] {
        let timing = Timing { lag: 5.0, lag_kind, ..known::timing(5.0) };
        let mut euler = Euler::new(&net, timing, Some(TAU_W), Source::Silent, 1e3, 1);
        let (mut w, start) = (weights(&net, 1.0, 3), weights(&net, 1.0, 3));
        let shown = Shown { samples: 1, input: &x, target: None };
        for _ in 0..2 {
            euler.learn(&mut w, &shown, &all, &mut Outcome::new(&net, 1), &mut Nobody).unwrap();
        }
        assert_eq!(w, start, "{lag_kind:?}");
        assert_eq!(flat(euler.delta()).iter().all(|&d| d != 0.0), moves, "{lag_kind:?}");
    }
}

/// With the reset a presentation goes like one of a circuit with the same somas and traces whose Delta is 0.
#[test]
fn the_reset_clears_delta_and_nothing_else() {
    let net = network();
    let all = rates(&net, 0.1, 0.1, 0.1, 0.1);
    let (x, y) = (uniform(2, 0.0, 1.0, 1), uniform(2, 0.0, 1.0, 2));
    let show = |euler: &mut Euler<f64>, w: &mut Tensors<f64>, input: &[f64]| {
        let shown = Shown { samples: 1, input, target: None };
        euler.learn(w, &shown, &all, &mut Outcome::new(&net, 1), &mut Nobody).unwrap();
    };
    let new = |reset_delta| {
        let timing = Timing { reset_delta, ..known::timing(5.0) };
        Euler::new(&net, timing, Some(TAU_W), Source::Silent, 1e3, 1)
    };
    let (mut resetting, mut w) = (new(true), weights(&net, 1.0, 3));
    show(&mut resetting, &mut w, &x);
    let (mut fresh, mut w_fresh) = (new(false), w.clone());
    *fresh.state_mut() = resetting.state_mut().clone();
    let (mut going_on, mut w_on) = (new(false), weights(&net, 1.0, 3));
    show(&mut going_on, &mut w_on, &x);
    assert_eq!(w, w_on, "at the first presentation there is nothing to reset");
    for (euler, w) in [(&mut resetting, &mut w), (&mut fresh, &mut w_fresh), (&mut going_on, &mut w_on)] {
        show(euler, w, &y);
    }
    assert_eq!((&w, resetting.delta()), (&w_fresh, fresh.delta()));
    assert_ne!(w, w_on);
}
