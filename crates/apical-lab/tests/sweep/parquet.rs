//! The table of a sweep as Parquet, read by another program.

use super::support::{Place, make, manner};
use apical_lab::check::Context;
use apical_lab::sweep::Plan;
use apical_lab::sweep::table::collect;

/// Holds the Parquet file against the CSV beside it: columns in their order, types, nulls, and all values to the last bit.
const SCRIPT: &str = "
import csv, math, sys
import pyarrow as pa, pyarrow.parquet as pq
table = pq.read_table(sys.argv[1])
with open(sys.argv[2], newline='') as f:
    head, *rows = csv.reader(f)
assert table.column_names == head and table.num_rows == len(rows), (table.column_names, head)
types = {field.name: str(field.type) for field in table.schema}
for pair in sys.argv[3:]:
    name, kind = pair.split(':')
    assert types[name] == kind, (name, types[name])
nulls = 0
for place, name in enumerate(head):
    for row, value in zip(rows, table[name].to_pylist()):
        text = row[place]
        if value is None:
            nulls += 1
            assert text == '', (name, text)
        elif isinstance(value, bool):
            assert text == str(value).lower(), (name, text, value)
        elif isinstance(value, float):
            assert float(text) == value or (math.isnan(value) and text == 'nan'), (name, text, value)
        else:
            assert text == str(value), (name, text, value)
assert nulls > 0
";

/// A column of each type.
const TYPES: [&str; 7] = [
    "run:string",
    "seed:int64",
    "train.batch:int64",
    "plasticity.eta_pi:double",
    "state:string",
    "record.confusion:bool",
    "apical_squared.1:double",
];

/// Where APICAL_PYTHON names a Python that has pyarrow, it must find in the Parquet file what the CSV says.
#[test]
fn pyarrow_reads_the_table() {
    let Ok(python) = std::env::var("APICAL_PYTHON") else {
        eprintln!("skipped: pyarrow (APICAL_PYTHON names no Python that has it)");
        return;
    };
    let place = Place::new();
    // A run that diverges has no metrics, and a condition leaves values out: nulls in columns of numbers.
    let spec = place.spec(
        "seeds = 2\n[vary]\nrecord.confusion = [true, false]\ntrain.batch = [1, 3]\nplasticity.eta_pi = [0.001, 1e30]\n\
         network.bias_rate = { values = [0.0, 0.1], only_if = { plasticity.eta_pi = 0.001 } }\n",
    );
    let layout = place.layout("s");
    make(&spec, &layout, &manner(2));
    let plan = Plan::open(&spec, &layout, &Context::default(), true).unwrap().0;
    let table = collect(&spec, &plan, &layout, false).unwrap();
    let write = |name: &str, bytes: Vec<u8>| {
        let path = layout.join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let (parquet, csv) = (write("t.parquet", table.parquet().unwrap()), write("t.csv", table.csv().unwrap()));
    let mut command = std::process::Command::new(python);
    command.args(["-c", SCRIPT]).args([parquet, csv]).args(TYPES);
    assert!(command.status().unwrap().success());
}
