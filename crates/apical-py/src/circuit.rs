//! The circuit that Python drives: arrays in and out, everything else is the engine's.

use crate::config::Config;
use crate::errors;
use crate::inner::{Halt, Inner, Number, Patterns};
use crate::signals::abandonable;
use apical::circuit::{Kind, Tensors};
use apical::kernels::Mat;
use apical::learners::metrics;
use apical::learners::probe;
use apical::solvers::{Nobody, Observer, Shown};
use apical_lab::Experiment;
use apical_lab::check::memory_limit;
use apical_lab::experiment::{LearnerSpec, Precision};
use apical_lab::record::zarr::dim_names;
use apical_lab::run::build;
use apical_lab::run::recording::{Recorded, Recording};
use numpy::{IntoPyArray, PyArray1, PyArrayMethods, PyReadonlyArrayDyn, PyUntypedArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, MutexGuard, TryLockError};

/// A circuit in either number type.
enum Any {
    F32(Inner<f32>),
    F64(Inner<f64>),
}

/// Does the same with either.
macro_rules! with {
    ($any:expr, $inner:ident => $does:expr) => {
        match $any {
            Any::F32($inner) => $does,
            Any::F64($inner) => $does,
        }
    };
}

/// A circuit: weights, potentials and a solver.
#[pyclass(frozen, module = "apical._engine")]
pub struct Core {
    any: Mutex<Any>,
    pool: Option<rayon::ThreadPool>,
}

/// An array that came in, contiguous and of the circuit's type: `apical._arrays` makes it so.
fn array<'py, T: Number>(value: &Bound<'py, PyAny>) -> PyResult<PyReadonlyArrayDyn<'py, T>> {
    value.extract::<PyReadonlyArrayDyn<'py, T>>().map_err(|_| {
        let found = value.get_type().name().map(|name| name.to_string()).unwrap_or_default();
        errors::input("array", found, "an array of the circuit's precision")
    })
}

fn slice<'a, T: Number>(array: &'a PyReadonlyArrayDyn<'_, T>) -> PyResult<&'a [T]> {
    array.as_slice().map_err(|_| errors::input("array", "it is not contiguous", "a C-contiguous array"))
}

/// Values as a new array of a shape.
fn shaped<'py, T: Number>(py: Python<'py>, values: Vec<T>, shape: &[usize]) -> PyResult<Bound<'py, PyAny>> {
    Ok(values.into_pyarray(py).reshape(shape.to_vec())?.into_any())
}

fn halted(halt: Halt) -> PyErr {
    match halt {
        Halt::Trouble(trouble) => errors::trouble(&trouble),
        Halt::Interrupted(raised) => raised,
    }
}

#[pymethods]
impl Core {
    /// At rest, with the start weights of a checked config.
    #[new]
    fn new(config: &Config, threads: usize) -> PyResult<Self> {
        let any = match config.e.precision {
            Precision::F32 => Inner::new(&config.e).map(Any::F32),
            Precision::F64 => Inner::new(&config.e).map(Any::F64),
        };
        let pool = match threads {
            0 | 1 => None,
            _ => {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
                Some(pool.map_err(|e| errors::error(&apical_lab::Error::machine("threads", e)))?)
            }
        };
        Ok(Core { any: Mutex::new(any.map_err(|e| errors::error(&e))?), pool })
    }

    /// Names and shapes of the weights.
    fn shapes(&self) -> PyResult<Vec<(String, (usize, usize))>> {
        let any = self.lock()?;
        Ok(with!(&*any, inner => inner.learner.weights().named().map(|(name, m)| (name, (m.rows, m.cols))).collect()))
    }

    /// A copy of a weight matrix, (post, pre).
    fn weight<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        fn copy<'py, T: Number>(py: Python<'py>, inner: &Inner<T>, name: &str) -> PyResult<Bound<'py, PyAny>> {
            let m = inner.learner.weights().get(name).ok_or_else(|| errors::input("weights", name, "a known name"))?;
            shaped(py, m.data.clone(), &[m.rows, m.cols])
        }
        with!(&*self.lock()?, inner => copy(py, inner, name))
    }

    /// Sets a weight matrix.
    fn set_weight(&self, name: &str, values: &Bound<'_, PyAny>) -> PyResult<()> {
        fn set<T: Number>(inner: &mut Inner<T>, name: &str, values: &Bound<'_, PyAny>) -> PyResult<()> {
            let values = array::<T>(values)?;
            let values = slice(&values)?;
            let found = inner.learner.weights_mut().named_mut().find(|(known, _)| known == name);
            match found {
                Some((_, m)) if m.data.len() == values.len() => {
                    m.data.copy_from_slice(values);
                    Ok(())
                }
                _ => Err(errors::input("weights", name, "a known name and its shape")),
            }
        }
        with!(&mut *self.lock()?, inner => set(inner, name, values))
    }

    /// All interneuron synapses at their self-predicting values.
    fn self_predicting(&self) -> PyResult<()> {
        with!(&mut *self.lock()?, inner => inner.self_predicting());
        Ok(())
    }

    /// What the circuit goes on with beside its weights, by the names of checkpoints.
    fn state<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        fn all<'py, T: Number>(py: Python<'py>, inner: &Inner<T>, to: &Bound<'py, PyDict>) -> PyResult<()> {
            for array in inner.learner.save() {
                to.set_item(array.name, shaped(py, array.data, &array.shape)?)?;
            }
            Ok(())
        }
        let to = PyDict::new(py);
        with!(&*self.lock()?, inner => all(py, inner, &to)?);
        Ok(to)
    }

    /// Sets what [`Core::state`] gave.
    fn set_state(&self, state: &Bound<'_, PyDict>) -> PyResult<()> {
        fn set<T: Number>(inner: &mut Inner<T>, state: &Bound<'_, PyDict>) -> PyResult<()> {
            let mut find = |name: &str, length: usize| {
                let values = array::<T>(&state.get_item(name).ok()??).ok()?;
                values.as_slice().ok().filter(|values| values.len() == length).map(<[T]>::to_vec)
            };
            let missing = inner.learner.restore(&mut find);
            missing.map_err(|name| errors::input("state", format!("no {name} of the right size"), "a whole state"))
        }
        with!(&mut *self.lock()?, inner => set(inner, state))
    }

    /// Steps made since the circuit began; presentations, where there are no dynamics.
    #[getter]
    fn clock(&self) -> PyResult<u64> {
        Ok(with!(&*self.lock()?, inner => inner.learner.clock()))
    }

    /// Sets the number of steps made.
    #[setter]
    fn set_clock(&self, steps: u64) -> PyResult<()> {
        with!(&mut *self.lock()?, inner => inner.learner.set_clock(steps));
        Ok(())
    }

    /// Shows patterns (presentations, samples, cells) one after the other; `config` gives the length of a presentation and,
    /// with `recorded`, what is recorded. Returns the outputs in the same shape, and what was recorded.
    #[pyo3(signature = (config, inputs, targets, plastic, recorded))]
    fn present<'py>(
        &self,
        py: Python<'py>,
        config: &Config,
        inputs: &Bound<'py, PyAny>,
        targets: Option<&Bound<'py, PyAny>>,
        plastic: bool,
        recorded: bool,
    ) -> PyResult<(Bound<'py, PyAny>, Vec<Bound<'py, PyDict>>)> {
        let recording = recorded.then(|| Recording::new(&config.e));
        let (output, recording) = with!(&mut *self.lock()?, inner => {
            shown(py, inner, &config.e, (inputs, targets), plastic, recording, self.pool.as_ref())?
        });
        let list = recording.map(Recording::into_recorded).unwrap_or_default();
        let single = config.e.precision == Precision::F32;
        let variables: Vec<_> = list.iter().map(|one| one.variable.clone()).collect();
        let named = list.into_iter().zip(dim_names(&variables));
        let list = named.map(|(one, (time, axis))| variable(py, one, (time, axis), single)).collect::<PyResult<_>>()?;
        Ok((output, list))
    }

    /// Sums at the end of the last presentation per hidden layer: v_A^2, and (u^I - u^P of the cell above)^2.
    fn measures(&self) -> PyResult<(Vec<f64>, Vec<f64>)> {
        Ok(with!(&*self.lock()?, inner => inner.measures()))
    }

    /// Output potentials of samples (samples, n_0) from rest, without target, noise and plasticity, and how many samples have no
    /// answer.
    fn answer<'py>(&self, py: Python<'py>, inputs: &Bound<'py, PyAny>) -> PyResult<(Bound<'py, PyAny>, usize)> {
        fn all<'py, T: Number>(
            py: Python<'py>,
            inner: &Inner<T>,
            inputs: &Bound<'py, PyAny>,
        ) -> PyResult<(Bound<'py, PyAny>, usize)> {
            let inputs = array::<T>(inputs)?;
            let samples = inputs.shape()[0];
            let inputs = slice(&inputs)?;
            let outputs = inner.learner.weights().pp.last().map_or(0, |m| m.rows);
            let mut output = vec![T::ZERO; samples * outputs];
            let unsettled = py.detach(|| inner.answer(inputs, &mut output)).map_err(halted)?;
            Ok((shaped(py, output, &[samples, outputs])?, unsettled))
        }
        with!(&*self.lock()?, inner => all(py, inner, inputs))
    }

    /// What a learner would do at the circuit's weights: the direction of its forward weights at a rate of 1, mean over the
    /// samples (samples, n_0) and (samples, n_N).
    fn update<'py>(
        &self,
        py: Python<'py>,
        learner: &Config,
        inputs: &Bound<'py, PyAny>,
        targets: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyDict>> {
        with!(&*self.lock()?, inner => {
            update(py, &learner.e, inner.learner.weights().clone(), inputs, targets)
        })
    }
}

impl Core {
    /// Alone with the circuit. Nobody waits: another thread may hold it for hours.
    fn lock(&self) -> PyResult<MutexGuard<'_, Any>> {
        match self.any.try_lock() {
            Ok(any) => Ok(any),
            Err(TryLockError::Poisoned(any)) => Ok(any.into_inner()),
            Err(TryLockError::WouldBlock) => {
                Err(errors::input("circuit", "another thread is using it", "a circuit of its own for each thread"))
            }
        }
    }
}

type Seen<'py> = (Bound<'py, PyAny>, Option<Recording>);

fn shown<'py, T: Number>(
    py: Python<'py>,
    inner: &mut Inner<T>,
    e: &Experiment,
    (inputs, targets): (&Bound<'py, PyAny>, Option<&Bound<'py, PyAny>>),
    plastic: bool,
    mut recording: Option<Recording>,
    pool: Option<&rayon::ThreadPool>,
) -> PyResult<Seen<'py>> {
    let inputs = array::<T>(inputs)?;
    let targets = targets.map(array::<T>).transpose()?;
    let mut shape = inputs.shape().to_vec();
    let patterns = Patterns { inputs: slice(&inputs)?, targets: targets.as_ref().map(slice).transpose()?, plastic };
    let (input, output) = inner.lengths();
    let presentations = patterns.inputs.len() / input;
    if patterns.targets.is_some_and(|targets| targets.len() != presentations * output) {
        return Err(errors::input("targets", "another number of them", "as many as there are inputs"));
    }
    inner.retime(e).map_err(|e| errors::error(&e))?;
    if let Some(recording) = &recording {
        let each = if e.has_dynamics() { e.timing.steps(e.timing.presentation) } else { 1 };
        // What is returned is a copy.
        fits(2.0 * recording.bytes(inner.learner.clock(), (each * presentations) as u64))?;
    }
    let mut outputs = Vec::with_capacity(presentations * output);
    let mut nobody = Nobody;
    let observer: &mut (dyn Observer<T> + Send) = match &mut recording {
        Some(recording) => recording,
        None => &mut nobody,
    };
    py.detach(|| inner.present(&patterns, &mut outputs, observer, pool)).map_err(halted)?;
    if let Some(last) = shape.last_mut() {
        *last = output / e.train.batch;
    }
    Ok((shaped(py, outputs, &shape)?, recording))
}

/// Refuses a recording that the machine's memory cannot hold.
fn fits(bytes: f64) -> PyResult<()> {
    let gb = 1e-9 * bytes;
    match memory_limit() {
        Some(memory) if bytes > memory as f64 => Err(errors::input(
            "record",
            format!("a recording of {gb:.0} GB"),
            format!("what fits into {:.0} GB of memory: a larger `every`, fewer layers or cells", 1e-9 * memory as f64),
        )),
        _ => Ok(()),
    }
}

/// A recorded variable as Python takes it apart.
fn variable<'py>(
    py: Python<'py>,
    one: Recorded,
    (time, dim): (String, Option<String>),
    single: bool,
) -> PyResult<Bound<'py, PyDict>> {
    let Recorded { variable, times, values } = one;
    let to = PyDict::new(py);
    let mut shape = vec![times.len()];
    if variable.samples > 1 {
        shape.push(variable.samples);
    }
    if let Some(axis) = &variable.axis {
        shape.push(axis.labels.len());
        to.set_item("axis", dim)?;
        to.set_item("axis_long_name", &axis.long_name)?;
        to.set_item("labels", PyArray1::from_slice(py, &axis.labels))?;
        let auxiliary = PyDict::new(py);
        for (name, numbers) in &axis.auxiliary {
            auxiliary.set_item(name, PyArray1::from_slice(py, numbers))?;
        }
        to.set_item("auxiliary", auxiliary)?;
    }
    to.set_item("name", &variable.name)?;
    to.set_item("long_name", &variable.long_name)?;
    to.set_item("units", &variable.units)?;
    to.set_item("equation", &variable.equation)?;
    to.set_item("samples", variable.samples)?;
    to.set_item("time_dim", time)?;
    to.set_item("time", times.into_pyarray(py))?;
    if single {
        let values: Vec<f32> = values.into_iter().map(|v| v as f32).collect();
        to.set_item("values", shaped(py, values, &shape)?)?;
    } else {
        to.set_item("values", shaped(py, values, &shape)?)?;
    }
    Ok(to)
}

fn update<'py, T: Number>(
    py: Python<'py>,
    e: &Experiment,
    w: Tensors<T>,
    inputs: &Bound<'py, PyAny>,
    targets: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyDict>> {
    let (inputs, targets) = (array::<T>(inputs)?, array::<T>(targets)?);
    let (inputs, targets) = (slice(&inputs)?.to_vec(), slice(&targets)?.to_vec());
    let e = e.clone();
    let asked = move |left: &AtomicBool| match &e.learner {
        LearnerSpec::Microcircuit => Inner::direction(&e, w, &inputs, &targets, left),
        LearnerSpec::Trained(t) => {
            let shown = Shown { samples: e.train.batch, input: &inputs, target: Some(&targets) };
            probe::direction(&t.algorithm, &build::function(&e), &w.only(e.kinds()), &shown, e.seed)
        }
    };
    let found = py.detach(|| Ok(abandonable(asked).map_err(Halt::Interrupted)??));
    let update = found.map_err(halted)?.only(&[Kind::Wpp, Kind::Bpp]);
    let to = PyDict::new(py);
    for (name, m) in update.named() {
        to.set_item(name, shaped(py, m.data.clone(), &[m.rows, m.cols])?)?;
    }
    Ok(to)
}

/// Direction of any experiment's learner at given weights; for who has no circuit. Weights by name, all of the learner's.
#[pyfunction]
pub fn direction<'py>(
    py: Python<'py>,
    learner: &Config,
    weights: &Bound<'py, PyDict>,
    inputs: &Bound<'py, PyAny>,
    targets: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyDict>> {
    fn read<T: Number>(e: &Experiment, weights: &Bound<'_, PyDict>) -> PyResult<Tensors<T>> {
        let mut w = build::no_weights::<T>(e);
        for (name, m) in w.named_mut() {
            let Some(given) = weights.get_item(&name)? else {
                return Err(errors::input("weights", format!("there is no {name}"), "all weights of the learner"));
            };
            let given = array::<T>(&given)?;
            if given.shape() != [m.rows, m.cols] {
                let allowed = format!("({}, {})", m.rows, m.cols);
                return Err(errors::input(&name, format!("shape {:?}", given.shape()), allowed));
            }
            m.data.copy_from_slice(slice(&given)?);
        }
        Ok(w)
    }
    match learner.e.precision {
        Precision::F32 => update(py, &learner.e, read::<f32>(&learner.e, weights)?, inputs, targets),
        Precision::F64 => update(py, &learner.e, read::<f64>(&learner.e, weights)?, inputs, targets),
    }
}

/// Angle between two arrays seen as vectors, in degrees; none if one of them is zero.
#[pyfunction]
pub fn angle(a: &Bound<'_, PyAny>, b: &Bound<'_, PyAny>) -> PyResult<Option<f64>> {
    let (a, b) = (array::<f64>(a)?, array::<f64>(b)?);
    let vector = |values: &[f64]| Mat { rows: 1, cols: values.len(), data: values.to_vec() };
    Ok(metrics::angle(&vector(slice(&a)?), &vector(slice(&b)?)))
}
