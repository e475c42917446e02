//! Reading a reference case, with everything checked before it is replayed.

use crate::Error;
use apical::circuit::params::{Conductances, LagKind, Network, Nudging, Rates, Timing};
use apical::kernels::Activation;
use apical::tasks::npz_file::NpzFile;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::Path;

/// An array of the npz, row-major.
#[derive(Clone, Debug)]
pub struct Array {
    /// Shape, slowest dimension first.
    pub shape: Vec<usize>,
    /// Values.
    pub values: Vec<f64>,
}

/// The arrays of a case by name.
pub type Arrays = BTreeMap<String, Array>;

/// The settings of a case.
#[derive(Clone, Debug)]
pub struct Case {
    /// Cells.
    pub network: Network,
    /// Times.
    pub timing: Timing,
    /// Low-pass of the weight change (ms).
    pub tau_w: Option<f64>,
    /// Learning rates.
    pub rates: Rates,
    /// Patterns in the file.
    pub patterns: usize,
    /// Patterns shown side by side.
    pub batch: usize,
    /// A target nudges.
    pub target_present: bool,
}

const KEYS: [&str; 18] = [
    "sizes",
    "activation",
    "conductances",
    "dt_ms",
    "tau_0_ms",
    "tau_w_ms",
    "tau_target_ms",
    "bias_rate",
    "presentation_ms",
    "patterns",
    "batch",
    "lag_ms",
    "reset_delta",
    "target_present",
    "noise",
    "eta_pp",
    "eta_ip",
    "eta_pi",
];
const OPTIONAL: [&str; 1] = ["eta_pb"];
const CONDUCTANCES: [&str; 6] = ["g_lk", "g_b", "g_a", "g_d", "g_som_interneuron", "g_som_output"];

/// Most values (steps x cells x batch) that a case may have: 8 GB of traces.
const MOST_VALUES: f64 = 1e9;

/// Reads NAME.json and NAME.npz.
pub fn read(json: &Path) -> Result<(Case, Arrays), Error> {
    let place = json.display().to_string();
    let bytes = std::fs::read(json).map_err(|e| Error::machine(&place, e))?;
    let value: Value = serde_json::from_slice(&bytes)
        .map_err(|e| Error::input(&place, format!("not JSON: {e}"), "an object of settings"))?;
    let Value::Object(map) = value else {
        return Err(Error::input(&place, "not an object", "an object of settings"));
    };
    let case = Settings { place: &place, map: &map }.case()?;
    let npz = json.with_extension("npz");
    let arrays = read_npz(&npz)?;
    fits(&npz, &case, &arrays)?;
    Ok((case, arrays))
}

struct Settings<'a> {
    place: &'a str,
    map: &'a Map<String, Value>,
}

impl Settings<'_> {
    fn wrong(&self, key: &str, found: impl std::fmt::Display, allowed: &str) -> Error {
        Error::input(format!("{}: {key}", self.place), found.to_string(), allowed)
    }

    fn value(&self, key: &str) -> Result<&Value, Error> {
        self.map.get(key).ok_or_else(|| self.wrong(key, "missing", "every key of the format but eta_pb is required"))
    }

    fn number(&self, key: &str, allowed: &str, ok: impl Fn(f64) -> bool) -> Result<f64, Error> {
        let value = self.value(key)?;
        value.as_f64().filter(|&x| x.is_finite() && ok(x)).ok_or_else(|| self.wrong(key, value, allowed))
    }

    fn optional_time(&self, key: &str) -> Result<Option<f64>, Error> {
        if self.value(key)?.is_null() {
            Ok(None)
        } else {
            self.number(key, "a time above 0, or null", |x| x > 0.0).map(Some)
        }
    }

    fn count(&self, key: &str) -> Result<usize, Error> {
        let value = self.value(key)?;
        value
            .as_u64()
            .filter(|&n| n > 0)
            .map(|n| n as usize)
            .ok_or_else(|| self.wrong(key, value, "a whole number above 0"))
    }

    fn flag(&self, key: &str) -> Result<bool, Error> {
        let value = self.value(key)?;
        value.as_bool().ok_or_else(|| self.wrong(key, value, "true or false"))
    }

    fn rates(&self, key: &str, layers: usize) -> Result<Vec<f64>, Error> {
        let Some(value) = self.map.get(key) else { return Ok(vec![0.0; layers]) };
        let allowed = format!("{layers} finite rates");
        let list = value.as_array().filter(|l| l.len() == layers).ok_or_else(|| self.wrong(key, value, &allowed))?;
        let rate = |v: &Value| v.as_f64().filter(|x| x.is_finite()).ok_or_else(|| self.wrong(key, v, &allowed));
        list.iter().map(rate).collect()
    }

    fn case(&self) -> Result<Case, Error> {
        if let Some(key) = self.map.keys().find(|k| !KEYS.contains(&k.as_str()) && !OPTIONAL.contains(&k.as_str())) {
            return Err(self.wrong(
                key,
                "unknown key",
                &format!("one of {}, {}", KEYS.join(", "), OPTIONAL.join(", ")),
            ));
        }
        let sizes_value = self.value("sizes")?;
        let sizes: Option<Vec<usize>> = sizes_value
            .as_array()
            .and_then(|l| l.iter().map(|v| v.as_u64().filter(|&n| n > 0 && n < 1 << 24).map(|n| n as usize)).collect());
        let sizes = sizes
            .filter(|s| s.len() >= 2)
            .ok_or_else(|| self.wrong("sizes", sizes_value, "at least two numbers of cells above 0"))?;
        let name = self.value("activation")?;
        let activation = name.as_str().and_then(Activation::from_name).ok_or_else(|| {
            let names: Vec<_> = Activation::ALL.iter().map(|a| a.name()).collect();
            self.wrong("activation", name, &format!("one of {}", names.join(", ")))
        })?;
        let g = self.value("conductances")?;
        let Value::Object(map) = g else {
            return Err(self.wrong("conductances", g, "an object"));
        };
        let place = format!("{}: conductances", self.place);
        let g = Settings { place: &place, map };
        if let Some(key) = map.keys().find(|k| !CONDUCTANCES.contains(&k.as_str())) {
            return Err(g.wrong(key, "unknown key", &format!("one of {}", CONDUCTANCES.join(", "))));
        }
        let conductance = |key: &str| g.number(key, "a conductance of at least 0", |x| x >= 0.0);
        let conductances = Conductances {
            g_lk: conductance("g_lk")?,
            g_b: conductance("g_b")?,
            g_a: conductance("g_a")?,
            g_d: conductance("g_d")?,
            g_som_output: conductance("g_som_output")?,
            g_som_interneuron: conductance("g_som_interneuron")?,
        };
        self.number("noise", "0: trajectories are free of noise", |x| x == 0.0)?;
        let dt = self.number("dt_ms", "a time above 0", |x| x > 0.0)?;
        let presentation = self.number("presentation_ms", "a time above 0", |x| x > 0.0)?;
        let lag = self.number("lag_ms", "a time of at least 0", |x| x >= 0.0)?;
        let depth = sizes.len() - 1;
        let (patterns, batch) = (self.count("patterns")?, self.count("batch")?);
        if patterns % batch != 0 {
            return Err(self.wrong("patterns", patterns, "a multiple of batch"));
        }
        let values = patterns as f64 * (presentation / dt).round() * sizes.iter().sum::<usize>() as f64;
        if values > MOST_VALUES {
            return Err(self.wrong("patterns", format!("{values:e} values to compare"), "at most 1e9"));
        }
        Ok(Case {
            network: Network {
                activation,
                bias_rate: self.number("bias_rate", "a rate", |_| true)?,
                conductances,
                nudging: Nudging::Current,
                sizes,
            },
            timing: Timing {
                dt,
                tau_0: self.number("tau_0_ms", "a time above 0", |x| x > 0.0)?,
                tau_target: self.optional_time("tau_target_ms")?,
                presentation,
                lag,
                lag_kind: LagKind::Freeze,
                window: 0.0,
                reset_delta: self.flag("reset_delta")?,
                reset_state: false,
            },
            tau_w: self.optional_time("tau_w_ms")?,
            rates: Rates {
                pp: self.rates("eta_pp", depth)?,
                ip: self.rates("eta_ip", depth - 1)?,
                pi: self.rates("eta_pi", depth - 1)?,
                pb: self.rates("eta_pb", depth - 1)?,
            },
            patterns,
            batch,
            target_present: self.flag("target_present")?,
        })
    }
}

/// Reads all arrays of an npz as f64.
fn read_npz(path: &Path) -> Result<Arrays, Error> {
    let npz = NpzFile::open(path)?;
    let mut arrays = Arrays::new();
    for name in npz.names() {
        let array = npz.array(name)?;
        // Sizes fit usize: their product does, and none is 0.
        let shape: Vec<usize> = array.shape().iter().map(|&n| n as usize).collect();
        if array.is_fortran() && shape.len() > 1 {
            return Err(array.error(None, "Fortran order", "C order").into());
        }
        let Some(values) = array.values::<f64>() else {
            return Err(array.error(None, format!("values of type {}", array.type_name()), "float64").into());
        };
        arrays.insert(name.to_owned(), Array { shape, values: values? });
    }
    Ok(arrays)
}

/// Every array is known, has the shape that the settings ask for, and what is needed is there.
fn fits(npz: &Path, case: &Case, arrays: &Arrays) -> Result<(), Error> {
    let place = npz.display().to_string();
    let n = &case.network.sizes;
    let depth = n.len() - 1;
    let steps = case.timing.steps(case.timing.presentation) * (case.patterns / case.batch);
    let mut known: BTreeMap<String, (Vec<usize>, bool)> = BTreeMap::new();
    known.insert("input".into(), (vec![case.patterns, n[0]], true));
    known.insert("target".into(), (vec![case.patterns, n[depth]], case.target_present));
    for prefix in ["start", "end"] {
        for (name, m) in apical::circuit::Tensors::<f32>::zeros(n, case.network.bias_rate != 0.0).named() {
            let shape = if name.starts_with('b') { vec![m.rows] } else { vec![m.rows, m.cols] };
            known.insert(format!("{prefix}.{name}"), (shape, prefix == "start"));
        }
    }
    for k in 1..=depth {
        let shape = |cells: usize| if case.batch == 1 { vec![steps, cells] } else { vec![steps, cells, case.batch] };
        known.insert(format!("trace.soma.{k}"), (shape(n[k]), false));
        if k < depth {
            known.insert(format!("trace.inter.{k}"), (shape(n[k + 1]), false));
            known.insert(format!("trace.apical.{k}"), (shape(n[k]), false));
        }
    }
    for (name, (shape, required)) in &known {
        match arrays.get(name) {
            Some(array) if array.shape != *shape => {
                return Err(Error::input(
                    format!("{place}: {name}"),
                    format!("shape {:?}", array.shape),
                    format!("{shape:?} by the settings"),
                ));
            }
            None if *required => return Err(Error::input(format!("{place}: {name}"), "missing", "it is required")),
            _ => {}
        }
    }
    if let Some(name) = arrays.keys().find(|name| !known.contains_key(*name)) {
        return Err(Error::input(
            format!("{place}: {name}"),
            "unknown array",
            "see the format of reference trajectories",
        ));
    }
    if !known.iter().any(|(name, (_, required))| !required && name != "target" && arrays.contains_key(name)) {
        return Err(Error::input(place, "nothing to compare", "end weights or traces"));
    }
    Ok(())
}
