//! Blocks of steps and batches beside the reference over thousands of steps with every option on; threads, observers and
//! checkpoints change no bit.

mod common;

use apical::circuit::Tensors;
use apical::circuit::noise::Source;
use apical::circuit::params::{LagKind, Network, Nudging, Rates, Timing};
use apical::kernels::{Activation, Isa, Real};
use apical::solvers::euler::{Euler, Plan, Way};
use apical::solvers::{Nobody, Observer, Outcome, Shown, Solver, View, Wants};
use common::{assert_close, flat, uniform, weights};
use std::cell::Cell;

const WAYS: [Way; 4] = [Way::Blocks(1), Way::Blocks(7), Way::Blocks(64), Way::Batch];

fn plan(way: Way) -> Plan {
    Plan { way, isa: Isa::best() }
}

/// A circuit with everything on; `option` chooses among what excludes each other.
struct Setting {
    net: Network,
    timing: Timing,
    tau_w: Option<f64>,
    rates: Rates,
    noise: Source,
    samples: usize,
}

impl Setting {
    fn new(sizes: &[usize], samples: usize, option: usize) -> Self {
        let n = sizes.len() - 1;
        let net = Network {
            activation: Activation::Logistic,
            bias_rate: 0.5,
            nudging: if option.is_multiple_of(2) { Nudging::Current } else { Nudging::Conductance },
            ..apical::circuit::known::network(sizes)
        };
        let timing = Timing {
            dt: 0.1,
            tau_0: 3.0,
            tau_target: (!option.is_multiple_of(3)).then_some(2.0),
            presentation: 10.0,
            // Ends inside of a block of 7 and of 64.
            lag: 2.3,
            lag_kind: if option % 4 < 2 { LagKind::Filter } else { LagKind::Freeze },
            window: 2.0,
            reset_delta: option % 5 == 1,
            reset_state: option % 5 == 2,
        };
        let rates = Rates { pp: vec![0.02; n], ip: vec![0.03; n - 1], pi: vec![0.01; n - 1], pb: vec![0.01; n - 1] };
        let noise = Source::Gaussian { seed: 3, jump: 0.02 };
        Setting { net, timing, tau_w: (option % 7 != 6).then_some(30.0), rates, noise, samples }
    }

    fn euler<T: Real>(&self, plan: Plan) -> Euler<T> {
        Euler::new(&self.net, self.timing, self.tau_w, self.noise, 1e6, self.samples).with_plan(plan)
    }

    fn start<T: Real>(&self) -> Tensors<T> {
        weights(&self.net, 0.5, 4)
    }

    /// Presentation `n`; the target is missing in every fourth.
    fn learn<T: Real>(
        &self,
        euler: &mut Euler<T>,
        w: &mut Tensors<T>,
        n: u64,
        observer: &mut dyn Observer<T>,
    ) -> Vec<T> {
        let sizes = &self.net.sizes;
        let x = uniform(sizes[0] * self.samples, 0.0, 1.0, 2 * n);
        let t = uniform(sizes[sizes.len() - 1] * self.samples, -1.0, 1.0, 2 * n + 1);
        let shown = Shown { samples: self.samples, input: &x, target: (n % 4 != 3).then_some(&t[..]) };
        let mut outcome = Outcome::new(&self.net, self.samples);
        euler.learn(w, &shown, &self.rates, &mut outcome, observer).expect("the circuit stays bounded");
        outcome.output
    }
}

/// Everything that a run carries on, as bits.
fn bits<T: Real>(euler: &Euler<T>, w: &Tensors<T>) -> Vec<u8> {
    let mut out = Vec::new();
    let saved = euler.save();
    saved.iter().flat_map(|array| &array.data).chain(&flat(w)).for_each(|x| x.push_le(&mut out));
    out
}

/// Keeps what it sees every `stride` steps.
struct Recorder<T> {
    stride: u64,
    wants: Wants,
    seen: Vec<Vec<T>>,
    asked: Cell<u64>,
}

impl<T: Real> Recorder<T> {
    fn new(stride: u64, wants: Wants) -> Self {
        Recorder { stride, wants, seen: Vec::new(), asked: Cell::new(0) }
    }
}

impl<T: Real> Observer<T> for Recorder<T> {
    fn wants(&self, step: u64) -> Wants {
        self.asked.set(self.asked.get() + 1);
        if step.is_multiple_of(self.stride) { self.wants } else { Wants::Nothing }
    }

    fn after_step(&mut self, view: &View<'_, T>) {
        assert!(view.step.is_multiple_of(self.stride));
        let p = view.potentials;
        let mut seen: Vec<T> = view.state.named().iter().flat_map(|(_, values)| values.to_vec()).collect();
        for list in [&p.basal, &p.apical, &p.inter_dendrite, &p.rate, &p.rate_inter] {
            seen.extend(list.iter().flatten());
        }
        if self.wants == Wants::Weights {
            seen.extend(flat(view.weights));
        }
        self.seen.push(seen);
    }
}

fn wide<T: Real>(values: &[T]) -> Vec<f64> {
    values.iter().map(|x| x.to_f64()).collect()
}

#[test]
fn five_thousand_steps_follow_the_reference() {
    // With 9 inputs the second and third take the input layer step by step, the others in the span of the patterns.
    for (option, (sizes, samples)) in [
        (&[9, 7, 5, 3][..], 1),
        (&[9, 7, 5, 3], 3),
        (&[9, 6, 4], 8),
        (&[40, 7, 5, 3], 9),
        (&[70, 6, 5, 4, 3], 2),
        (&[30, 8, 3], 1),
        (&[9, 5, 2], 7),
    ]
    .into_iter()
    .enumerate()
    {
        let setting = Setting::new(sizes, samples, option);
        let (mut reference, mut expected) = (setting.euler::<f64>(Plan::REFERENCE), setting.start::<f64>());
        let mut others: Vec<_> =
            WAYS.iter().map(|&way| (way, setting.euler::<f64>(plan(way)), setting.start::<f64>())).collect();
        for n in 0..50 {
            let mut slow = Recorder::new(13, Wants::Weights);
            let output = setting.learn(&mut reference, &mut expected, n, &mut slow);
            for (way, euler, w) in &mut others {
                let at = format!("{way:?}, option {option}, presentation {n}");
                let mut fast = Recorder::new(13, Wants::Weights);
                // Roundings of 1e-16 over 5000 steps of a circuit that forgets within a hundred.
                assert_close(&setting.learn(euler, w, n, &mut fast), &output, 1e-10, &at);
                assert_eq!(fast.seen.len(), slow.seen.len());
                for (fast, slow) in fast.seen.iter().zip(&slow.seen) {
                    assert_close(fast, slow, 1e-10, &at);
                }
                assert_close(&flat(w), &flat(&expected), 1e-10, &at);
                assert_close(&flat(euler.delta()), &flat(reference.delta()), 1e-10, &at);
                assert_eq!(euler.clock(), reference.clock());
            }
        }
        assert_eq!(reference.clock(), 5000);
        // A reference that learned nothing would prove nothing.
        let (start, end) = (flat(&setting.start::<f64>()), flat(&expected));
        assert!(start.iter().zip(&end).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max) > 0.1);
    }
}

#[test]
fn single_precision_follows_double() {
    let setting = Setting { noise: Source::Silent, ..Setting::new(&[40, 33, 18, 5], 9, 0) };
    let (mut reference, mut expected) = (setting.euler::<f64>(Plan::REFERENCE), setting.start::<f64>());
    let mut others: Vec<_> =
        WAYS.iter().map(|&way| (setting.euler::<f32>(plan(way)), setting.start::<f32>())).collect();
    for n in 0..5 {
        let output = setting.learn(&mut reference, &mut expected, n, &mut Nobody);
        for (euler, w) in &mut others {
            // Sums of 40 terms in f32.
            assert_close(&wide(&setting.learn(euler, w, n, &mut Nobody)), &output, 1e-4, "output");
            assert_close(&wide(&flat(w)), &flat(&expected), 1e-4, "weights");
        }
    }
}

/// With held weights the rules are gathered; with none, nothing changes.
#[test]
fn gathered_updates_and_answers_follow_the_reference() {
    for (option, samples) in [(0, 1), (2, 3), (6, 9)] {
        let setting = Setting::new(&[9, 7, 5, 3], samples, option);
        let sizes = &setting.net.sizes;
        let (x, t) = (uniform(sizes[0] * samples, 0.0, 1.0, 1), uniform(3 * samples, -1.0, 1.0, 2));
        let shown = Shown { samples, input: &x, target: Some(&t) };
        let run = |plan: Plan| {
            let (mut euler, mut w) = (setting.euler::<f64>(plan), setting.start::<f64>());
            setting.learn(&mut euler, &mut w, 5, &mut Nobody);
            let (before, mut outcome) = (w.clone(), Outcome::new(&setting.net, samples));
            let moving = euler.update(&w, &shown, &setting.rates, apical::solvers::Weights::Moving);
            let held = euler.update(&w, &shown, &setting.rates, apical::solvers::Weights::Held);
            let mut gathered = Tensors::zeros(sizes, true);
            euler.gather(&w, &shown, &setting.rates, &mut gathered, &mut outcome, &mut Nobody).expect("bounded");
            let mut answer = vec![0.0; 3 * samples];
            euler.answer(&w, &x, samples, &mut answer).expect("bounded");
            assert_eq!(before, w);
            let [moving, held] = [moving, held].map(|u| flat(&u.expect("bounded")));
            [moving, held, flat(&gathered), outcome.output, answer].concat()
        };
        let expected = run(Plan::REFERENCE);
        for way in WAYS {
            assert_close(&run(plan(way)), &expected, 1e-12, &format!("{way:?}, {samples}"));
        }
    }
}

/// All that a run of three presentations leaves, computed by so many threads.
fn run_with<T: Real>(setting: &Setting, way: Way, threads: usize) -> Vec<u8> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
    pool.install(|| {
        let (mut euler, mut w) = (setting.euler::<T>(plan(way)), setting.start::<T>());
        for n in 0..3 {
            setting.learn(&mut euler, &mut w, n, &mut Nobody);
        }
        bits(&euler, &w)
    })
}

#[test]
fn bits_do_not_depend_on_the_number_of_threads() {
    for samples in [1, 2, 9, 10, 11, 100] {
        let mut setting = Setting::new(&[400, 150, 70, 10], samples, 1);
        setting.timing.presentation = 1.0;
        setting.timing.lag = 0.2;
        setting.timing.window = 0.0;
        for way in [Way::Blocks(3), Way::Batch] {
            let alone = run_with::<f32>(&setting, way, 1);
            for threads in [2, 3, 7] {
                assert!(
                    alone == run_with::<f32>(&setting, way, threads),
                    "{way:?}, {samples} samples, {threads} threads"
                );
            }
        }
    }
}

#[test]
fn looking_and_saving_change_no_bit() {
    for (samples, option) in [(1, 0), (1, 2), (3, 1), (9, 6)] {
        let setting = Setting::new(&[20, 9, 6, 3], samples, option);
        for way in WAYS {
            let (mut euler, mut w) = (setting.euler::<f32>(plan(way)), setting.start::<f32>());
            let mut course: Vec<Vec<u8>> = Vec::new();
            for n in 0..4 {
                setting.learn(&mut euler, &mut w, n, &mut Nobody);
                course.push(bits(&euler, &w));
            }
            for (stride, wants) in [(1, Wants::Weights), (5, Wants::Weights), (3, Wants::Cells), (64, Wants::Weights)] {
                let (mut euler, mut w) = (setting.euler::<f32>(plan(way)), setting.start::<f32>());
                for n in 0..4 {
                    let mut recorder = Recorder::new(stride, wants);
                    setting.learn(&mut euler, &mut w, n, &mut recorder);
                    assert_eq!((recorder.asked.get(), recorder.seen.is_empty()), (100, false));
                    assert!(bits(&euler, &w) == course[n as usize], "{way:?}, every {stride} steps");
                }
            }
            // Another circuit goes on from a checkpoint after each presentation.
            let (mut euler, mut w) = (setting.euler::<f32>(plan(way)), setting.start::<f32>());
            for n in 0..4 {
                let mut next = setting.euler::<f32>(plan(way));
                let saved = euler.save();
                next.restore(&mut |name, _| saved.iter().find(|a| a.name == name).map(|a| a.data.clone()))
                    .expect("all there");
                next.set_clock(euler.clock());
                euler = next;
                w = w.clone();
                setting.learn(&mut euler, &mut w, n, &mut Nobody);
                assert!(bits(&euler, &w) == course[n as usize], "{way:?}, checkpoint {n}");
            }
        }
    }
}
