//! Metrics and traces: cut anywhere and resumed, the bytes at the end are those of an unbroken run.

use apical::kernels::rng::{Draws, Stream};
use apical_lab::error::Kind;
use apical_lab::record::read::{self, Trace};
use apical_lab::record::zarr::{Axis, Dtype, TimeBase};
use apical_lab::record::{FinalMetrics, MetricsWriter, TraceWriter, Variable, When};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut folders = vec![dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(dir).unwrap().display().to_string();
                all.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    all
}

fn write_metrics(writer: &mut MetricsWriter, steps: std::ops::Range<u64>) {
    for step in steps {
        let when = When { presentation: step, epoch: step / 4, time_ms: step as f64 * 0.1 };
        writer.append(when, "train.loss", 1.0 / (step + 1) as f64).unwrap();
        writer.append(when, "apical_squared.1", if step == 3 { f64::NAN } else { 1e-300 * step as f64 }).unwrap();
    }
}

#[test]
fn metrics_cut_anywhere_end_with_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("metrics.jsonl");
    let mut whole = MetricsWriter::resume(&path, 0).unwrap();
    write_metrics(&mut whole, 0..12);
    whole.position().unwrap();
    let expected = fs::read(&path).unwrap();
    for cut in 0..12 {
        for lost in [0, 1, 5] {
            let mut writer = MetricsWriter::resume(&path, 0).unwrap();
            write_metrics(&mut writer, 0..cut);
            let position = writer.position().unwrap();
            write_metrics(&mut writer, cut..cut + lost);
            writer.flush().unwrap();
            drop(writer);
            // A kill leaves half a line.
            fs::write(&path, [fs::read(&path).unwrap().as_slice(), b"{\"presen"].concat()).unwrap();
            assert!(read::metrics(dir.path()).unwrap().note.is_some());
            let mut writer = MetricsWriter::resume(&path, position).unwrap();
            write_metrics(&mut writer, cut..12);
            assert_eq!(writer.position().unwrap(), expected.len() as u64);
            assert_eq!(fs::read(&path).unwrap(), expected, "cut at {cut}, {lost} lost");
        }
    }
    let metrics = read::metrics(dir.path()).unwrap();
    assert!(metrics.note.is_none());
    let loss = metrics.get("train.loss").unwrap();
    assert_eq!((loss.values.len(), loss.values[2], loss.when[5].epoch), (12, 1.0 / 3.0, 1));
    assert!(metrics.get("apical_squared.1").unwrap().values[3].is_nan());

    for wrong in [expected.len() as u64 + 1, 10] {
        let error = MetricsWriter::resume(&path, wrong).unwrap_err();
        assert!(error.kind == Kind::Input && error.to_string().contains("metrics.jsonl"), "{error}");
    }
    assert_eq!(fs::read(&path).unwrap(), expected, "a refused file is left as it is");
    fs::write(&path, "{\"presentation\":0}\n").unwrap();
    assert!(read::metrics(dir.path()).unwrap_err().to_string().contains("metrics.jsonl:1"));
}

#[test]
fn metrics_are_read_to_the_last_bit() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = MetricsWriter::resume(&dir.path().join("metrics.jsonl"), 0).unwrap();
    let mut draws = Draws::new(1, Stream::Probe, 0);
    // A reader that rounds twice is off in one of some ten.
    let values: Vec<f64> = (0..1000).map(|_| draws.uniform(-1.0, 1.0) * draws.uniform(-150.0, 150.0).exp()).collect();
    for (n, value) in values.iter().enumerate() {
        let when = When { presentation: n as u64, epoch: 0, time_ms: values[n].abs() };
        writer.append(when, "x", *value).unwrap();
    }
    writer.flush().unwrap();
    let metrics = read::metrics(dir.path()).unwrap();
    let found = metrics.get("x").unwrap();
    assert_eq!(found.values, values);
    assert!(found.when.iter().zip(&values).all(|(when, value)| when.time_ms == value.abs()));
}

#[test]
fn final_metrics_keep_their_order() {
    let dir = tempfile::tempdir().unwrap();
    let mut metrics = FinalMetrics::default();
    metrics.number("test.error", 0.025);
    metrics.text("best", "epoch-0003");
    metrics.number("apical_squared.1", f64::INFINITY);
    metrics.write(&dir.path().join("metrics.json")).unwrap();
    let read = read::final_metrics(dir.path()).unwrap();
    assert_eq!(read.keys().collect::<Vec<_>>(), ["test.error", "best", "apical_squared.1"]);
    assert!(read["apical_squared.1"].is_null() && read["test.error"] == 0.025);
}

const FINE: TimeBase = TimeBase { every_ms: 1.0, window: (0.0, 1e9) };
const COARSE: TimeBase = TimeBase { every_ms: 2.0, window: (0.0, 1e9) };

fn variable(name: &str, base: TimeBase, samples: usize, axis: Option<(&str, Vec<u64>)>) -> Variable {
    let axis = axis.map(|(name, labels)| {
        let further = if name.starts_with("synapse") { vec![("post".to_string(), labels.clone())] } else { vec![] };
        Axis { name: name.into(), long_name: format!("cells of {name}"), labels, auxiliary: further }
    });
    let (long_name, equation) = (format!("potential of {name}"), "(1)".to_string());
    Variable { name: name.into(), long_name, units: "1".into(), equation, axis, samples, base }
}

/// Wide enough that the first variable has three rows in a chunk, and two variables of one layer choose other cells.
fn variables() -> Vec<Variable> {
    vec![
        variable("soma_1", FINE, 1, Some(("pyramidal_1", (0..80_000).collect()))),
        variable("apical_1", FINE, 1, Some(("pyramidal_1", vec![3, 5]))),
        variable("input", FINE, 2, Some(("input", vec![1, 2, 7]))),
        variable("Wpp.1", COARSE, 1, Some(("synapse_Wpp.1", vec![4, 9]))),
        variable("Wpp.2", COARSE, 1, None),
    ]
}

fn append(writer: &mut TraceWriter, variables: &[Variable], steps: std::ops::Range<u64>) {
    for step in steps {
        for (index, variable) in variables.iter().enumerate() {
            if variable.base == COARSE && step % 2 == 1 {
                continue;
            }
            let length = variable.samples * variable.axis.as_ref().map_or(1, |axis| axis.labels.len());
            let row: Vec<f64> = (0..length).map(|cell| step as f64 + cell as f64 / 64.0).collect();
            writer.append(index, step as f64 * 0.1, &row).unwrap();
        }
    }
}

#[test]
fn traces_cut_at_every_row_end_with_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let (whole, cut_dir) = (dir.path().join("whole/traces"), dir.path().join("cut/traces"));
    let variables = variables();
    let steps = 8;
    let mut writer = TraceWriter::create(&whole, &variables, Dtype::F32).unwrap();
    append(&mut writer, &variables, 0..steps);
    assert_eq!(writer.position().unwrap(), [8, 8, 8, 4, 4]);
    let expected = files(&whole);
    // A checkpoint after each row: rows are written into the files of their chunks.
    let often = dir.path().join("often/traces");
    let mut writer = TraceWriter::create(&often, &variables, Dtype::F32).unwrap();
    for step in 0..steps {
        append(&mut writer, &variables, step..step + 1);
        assert_eq!(writer.position().unwrap()[0], step + 1);
        let soma = Trace::open(&dir.path().join("often"), "soma_1").unwrap();
        let row = soma.read(step as usize, step as usize + 1).unwrap();
        assert_eq!(row[..2], [step as f64, step as f64 + 1.0 / 64.0]);
    }
    assert!(files(&often) == expected);
    assert!(expected.contains_key("soma_1/c.2.0") && !expected.contains_key("soma_1/c.3.0"));
    for cut in 0..=steps {
        for lost in [0, 1, 3] {
            let mut writer = TraceWriter::create(&cut_dir, &variables, Dtype::F32).unwrap();
            append(&mut writer, &variables, 0..cut);
            let position = writer.position().unwrap();
            // What comes after the checkpoint is lost: rows of other values, some of them in the files.
            append(&mut writer, &variables, 2 * cut..2 * cut + lost);
            writer.position().unwrap();
            drop(writer);
            let mut writer = TraceWriter::resume(&cut_dir, &variables, Dtype::F32, &position).unwrap();
            append(&mut writer, &variables, cut..steps);
            writer.position().unwrap();
            assert!(files(&cut_dir) == expected, "cut at {cut}, {lost} lost");
        }
    }
    let folder = dir.path().join("whole");
    let soma = Trace::open(&folder, "soma_1").unwrap();
    assert_eq!((soma.dims[1].as_str(), soma.rows()), ("pyramidal_1_soma_1", 8));
    let rows = soma.read(2, 4).unwrap();
    assert_eq!((rows.len(), rows[0], rows[80_000 + 64]), (160_000, 2.0, 4.0));
    let input = Trace::open(&folder, "input").unwrap();
    assert_eq!(input.dims, ["time_soma_1", "sample", "input_cell"]);
    let time = Trace::open(&folder, "time_Wpp.1").unwrap().read(0, 4).unwrap();
    assert_eq!(time, [0.0, 0.2, 0.4, 6.0 * 0.1]);
    assert_eq!(Trace::open(&folder, "synapse_Wpp.1_post").unwrap().read(0, 2).unwrap(), [4.0, 9.0]);

    assert!(Trace::open(&folder, "soma_2").unwrap_err().to_string().contains("soma_1"));
    assert_eq!(soma.read(0, 9).unwrap_err().kind, Kind::Input);
    fs::write(whole.join("soma_1/c.1.0"), b"short").unwrap();
    for error in [
        soma.read(0, 8).unwrap_err(),
        TraceWriter::resume(&whole, &variables, Dtype::F32, &[8, 8, 8, 4, 4]).unwrap_err(),
    ] {
        assert!(error.kind == Kind::Input && error.to_string().contains("c.1.0"), "{error}");
    }
    opens_in_xarray(&cut_dir);
}

/// Where APICAL_PYTHON names a Python that has xarray and zarr, they must open the group with no option or warning.
fn opens_in_xarray(dir: &Path) {
    let Ok(python) = std::env::var("APICAL_PYTHON") else {
        eprintln!("skipped: xarray (APICAL_PYTHON names no Python that has it)");
        return;
    };
    let script = "
import sys, warnings
warnings.simplefilter('error')
import xarray
d = xarray.open_zarr(sys.argv[1])
d.load()
assert d.soma_1.dims == ('time_soma_1', 'pyramidal_1_soma_1'), d.soma_1.dims
assert d.input.dims == ('time_soma_1', 'sample', 'input_cell') and d.input.shape == (8, 2, 3)
assert d.soma_1.attrs['units'] == '1' and d.time_soma_1.attrs['units'] == 'ms'
assert float(d.soma_1[2, 64]) == 3 and list(d['Wpp.1'].coords['synapse_Wpp.1_post'].values) == [4, 9]
assert 'input' in d.data_vars and abs(float(d.time_soma_1[7]) - 0.7) < 1e-12
";
    let done = std::process::Command::new(python).args(["-W", "ignore", "-c", script]).arg(dir).status().unwrap();
    assert!(done.success());
}

#[test]
fn traces_that_cannot_be_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let cases = [
        vec![variable("soma/1", FINE, 1, None)],
        vec![variable("soma_1", FINE, 1, Some(("pyramidal_1", vec![])))],
        vec![variable("soma_1", FINE, 1, None), variable("soma_1", FINE, 1, None)],
        vec![variable("soma_1", FINE, 2, None), variable("soma_2", FINE, 3, None)],
        vec![variable("time", FINE, 1, None)],
    ];
    for variables in cases {
        let error = TraceWriter::create(&dir.path().join("traces"), &variables, Dtype::F64).unwrap_err();
        assert_eq!(error.kind, Kind::Input, "{error}");
    }
}
