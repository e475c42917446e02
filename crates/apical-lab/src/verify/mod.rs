//! `verify`: holds the engine against reference trajectories made by another program.
//!
//! A case is NAME.json (settings) with NAME.npz (inputs, targets, start and end weights, traces of every step) beside it.
//! The solver `euler` replays the case in f64 and in f32, by every plan that is asked for, and the largest deviation of each
//! array is reported.

mod case;

use crate::Error;
use apical::circuit::noise::Source;
use apical::circuit::params::{Network, Rates, Timing};
use apical::circuit::{Kind, Tensors};
use apical::kernels::{Isa, Mat, Real};
use apical::solvers::euler::{Euler, Plan, Way};
use apical::solvers::{Observer, Outcome, Shown, Solver, View, Wants};
use case::{Arrays, Case};
use std::path::{Path, PathBuf};

/// Largest deviation allowed in double precision.
pub const BOUND_F64: f64 = 1e-9;
/// Largest deviation allowed in single precision.
pub const BOUND_F32: f64 = 1e-4;

/// How far one array of a case is off.
#[derive(Clone, Debug, PartialEq)]
pub struct Deviation {
    /// Name of the array in the npz.
    pub array: String,
    /// Largest absolute deviation in double precision; NaN counts as infinite.
    pub f64: f64,
    /// Largest absolute deviation in single precision.
    pub f32: f64,
}

impl Deviation {
    /// Both are within their bounds.
    pub fn within_bounds(&self) -> bool {
        self.f64 <= BOUND_F64 && self.f32 <= BOUND_F32
    }
}

/// What came out for one case by one plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Name of the case.
    pub name: String,
    /// The plan by which it was replayed.
    pub plan: String,
    /// One entry per array that was compared.
    pub deviations: Vec<Deviation>,
}

impl Report {
    /// All arrays are within their bounds.
    pub fn within_bounds(&self) -> bool {
        self.deviations.iter().all(Deviation::within_bounds)
    }
}

/// The cases that the arguments name: files NAME.json, or folders of them, in order of their names.
///
/// # Errors
/// A path that does not exist, or a folder without a case.
pub fn cases(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() {
            let entries = std::fs::read_dir(path).map_err(|e| Error::machine(path.display().to_string(), e))?;
            let mut inside: Vec<PathBuf> = entries
                .filter_map(|entry| entry.ok().map(|e| e.path()))
                .filter(|p| p.extension().is_some_and(|e| e == "json"))
                .collect();
            if inside.is_empty() {
                return Err(Error::input(
                    path.display().to_string(),
                    "no NAME.json in this folder",
                    "name a folder of cases",
                ));
            }
            inside.sort();
            found.extend(inside);
        } else if path.is_file() {
            found.push(path.clone());
        } else {
            return Err(Error::input(
                path.display().to_string(),
                "no such file or folder",
                "name a NAME.json or a folder",
            ));
        }
    }
    Ok(found)
}

/// By which plans cases are replayed: every way with every instruction set.
#[derive(Clone, Debug, PartialEq)]
pub struct Plans {
    /// Ways.
    pub ways: Vec<Way>,
    /// Instruction sets.
    pub isas: Vec<Isa>,
}

impl Plans {
    /// All of them; the reference, which is plain code, once.
    fn list(&self) -> Vec<Plan> {
        let plans = self.ways.iter().flat_map(|&way| self.isas.iter().map(move |&isa| Plan { way, isa }));
        let mut list: Vec<Plan> = Vec::new();
        for plan in plans {
            if plan.way != Way::Reference || list.iter().all(|p| p.way != Way::Reference) {
                list.push(plan);
            }
        }
        list
    }
}

/// Replays one case by every plan that it allows, in the order of `plans`.
///
/// # Errors
/// Files that cannot be read or do not fit each other.
pub fn verify(json: &Path, plans: &Plans) -> Result<Vec<Report>, Error> {
    let (case, arrays) = case::read(json)?;
    let name = json.file_stem().map_or_else(String::new, |s| s.to_string_lossy().into_owned());
    // A fused step is one pattern's.
    let possible = |plan: &Plan| plan.way != Way::Fused || case.batch == 1;
    let report = |plan: Plan| {
        let double = replay::<f64>(&case, &arrays, plan);
        let single = replay::<f32>(&case, &arrays, plan);
        let deviations =
            double.into_iter().zip(single).map(|((array, f64), (_, f32))| Deviation { array, f64, f32 }).collect();
        Report { name: name.clone(), plan: plan.to_string(), deviations }
    };
    Ok(plans.list().into_iter().filter(possible).map(report).collect())
}

/// What a case shows to a circuit, for solvers that are not its own.
#[derive(Clone, Debug)]
pub struct Course {
    /// Cells.
    pub network: Network,
    /// Times.
    pub timing: Timing,
    /// Low-pass of the weight change (ms).
    pub tau_w: Option<f64>,
    /// Learning rates.
    pub rates: Rates,
    /// Patterns shown side by side.
    pub batch: usize,
    /// Start weights.
    pub weights: Tensors<f64>,
    /// Inputs of each presentation (batch x n_0).
    pub input: Vec<Vec<f64>>,
    /// Targets of each presentation (batch x n_N); empty without targets.
    pub target: Vec<Vec<f64>>,
}

/// Reads what a case shows.
///
/// # Errors
/// As [`verify`].
pub fn course(json: &Path) -> Result<Course, Error> {
    let (case, arrays) = case::read(json)?;
    let n = &case.network.sizes;
    let rows = |name: &str, width: usize| -> Vec<Vec<f64>> {
        arrays[name].values.chunks_exact(case.batch * width).map(<[f64]>::to_vec).collect()
    };
    Ok(Course {
        weights: weights(&case, &arrays, "start"),
        input: rows("input", n[0]),
        target: if case.target_present { rows("target", n[n.len() - 1]) } else { Vec::new() },
        network: case.network,
        timing: case.timing,
        tau_w: case.tau_w,
        rates: case.rates,
        batch: case.batch,
    })
}

/// Arrays of the file by name, as weights; every name exists and fits, `case::read` has seen to that.
fn weights<T: Real>(case: &Case, arrays: &Arrays, prefix: &str) -> Tensors<T> {
    let mut w = Tensors::zeros(&case.network.sizes, case.network.bias_rate != 0.0);
    for (name, m) in w.named_mut() {
        if let Some(array) = arrays.get(&format!("{prefix}.{name}")) {
            *m = Mat { data: array.values.iter().map(|&x| T::from_f64(x)).collect(), ..*m };
        }
    }
    w
}

/// Largest deviation so far.
fn widen(worst: &mut f64, expected: f64, found: f64) {
    let off = (expected - found).abs();
    *worst = if off.is_nan() { f64::INFINITY } else { worst.max(off) };
}

/// A recorded array that is compared step by step.
struct Trace<'a> {
    name: String,
    /// Index into the engine's lists.
    layer: usize,
    values: &'a [f64],
    worst: f64,
}

impl Trace<'_> {
    /// Compares step `t`; recordings are (cell, sample), the engine keeps (sample, cell).
    fn compare<T: Real>(&mut self, t: usize, samples: usize, found: &[T]) {
        let cells = found.len() / samples;
        for (n, x) in found.iter().enumerate() {
            let (b, i) = (n / cells, n % cells);
            widen(&mut self.worst, self.values[(t * cells + i) * samples + b], x.to_f64());
        }
    }
}

/// The recorded traces of a case, compared while a solver makes its steps.
struct Comparison<'a> {
    samples: usize,
    soma: Vec<Trace<'a>>,
    inter: Vec<Trace<'a>>,
    apical: Vec<Trace<'a>>,
}

impl<'a> Comparison<'a> {
    fn new(case: &Case, arrays: &'a Arrays) -> Self {
        let depth = case.network.sizes.len() - 1;
        let traces = |what: &str, layers: usize| -> Vec<Trace<'a>> {
            let named = (1..=layers).map(|k| (k, format!("trace.{what}.{k}")));
            let found = named.filter_map(|(k, name)| arrays.get(&name).map(|a| (k - 1, name, &a.values[..])));
            found.map(|(layer, name, values)| Trace { name, layer, values, worst: 0.0 }).collect()
        };
        Comparison {
            samples: case.batch,
            soma: traces("soma", depth),
            inter: traces("inter", depth - 1),
            apical: traces("apical", depth - 1),
        }
    }
}

impl<T: Real> Observer<T> for Comparison<'_> {
    fn wants(&self, _step: u64) -> Wants {
        Wants::Cells
    }

    fn after_step(&mut self, view: &View<'_, T>) {
        let t = view.step as usize - 1;
        let (state, p) = (view.state, view.potentials);
        for (list, found) in
            [(&mut self.soma, &state.soma), (&mut self.inter, &state.inter), (&mut self.apical, &p.apical)]
        {
            list.iter_mut().for_each(|trace| trace.compare(t, self.samples, &found[trace.layer]));
        }
    }
}

fn replay<T: Real>(case: &Case, arrays: &Arrays, plan: Plan) -> Vec<(String, f64)> {
    let (net, depth) = (&case.network, case.network.sizes.len() - 1);
    let mut w = weights::<T>(case, arrays, "start");
    let mut euler = Euler::<T>::new(net, case.timing, case.tau_w, Source::Silent, f64::MAX, case.batch).with_plan(plan);
    let rows = |name: &str, p: usize, width: usize| -> Vec<T> {
        let from = p * case.batch * width;
        arrays[name].values[from..from + case.batch * width].iter().map(|&x| T::from_f64(x)).collect()
    };
    let (mut comparison, mut outcome) = (Comparison::new(case, arrays), Outcome::new(net, case.batch));
    let mut trouble = false;
    for shown in 0..case.patterns / case.batch {
        let input = rows("input", shown, net.sizes[0]);
        let target = case.target_present.then(|| rows("target", shown, net.sizes[depth]));
        let shown = Shown { samples: case.batch, input: &input, target: target.as_deref() };
        trouble = trouble || euler.learn(&mut w, &shown, &case.rates, &mut outcome, &mut comparison).is_err();
    }
    let Comparison { soma, inter, apical, .. } = comparison;
    let recorded = soma.into_iter().chain(inter).chain(apical).map(|trace| (trace.name, trace.worst));
    let ends = Kind::ALL.into_iter().flat_map(|kind| {
        let list = w.kind(kind).iter().enumerate();
        list.map(move |(k, m)| (format!("end.{}.{}", kind.stem(), k + 1), m)).collect::<Vec<_>>()
    });
    let ends = ends.filter_map(|(name, m)| {
        let mut worst = 0.0;
        let expected = &arrays.get(&name)?.values;
        expected.iter().zip(&m.data).for_each(|(&e, x)| widen(&mut worst, e, x.to_f64()));
        Some((name, worst))
    });
    // Where potentials left every bound, nothing is as it should be.
    let whole = |worst: f64| if trouble { f64::INFINITY } else { worst };
    recorded.chain(ends.collect::<Vec<_>>()).map(|(name, worst)| (name, whole(worst))).collect()
}
