//! `apical diff`: in what the configs and results of two runs differ.

use crate::failure::{Failure, Outcome};
use crate::load;
use crate::results::{Results, text};
use crate::table::columns;
use crate::terminal::Terminal;
use apical_lab::folder::RunInfo;
use apical_lab::record::Settings;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

const AFTER_HELP: &str = "\
Example:
  apical diff runs/digits-0123456789abcdef runs/digits-fedcba9876543210";

/// Arguments of `diff`.
#[derive(clap::Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// A run folder
    first: PathBuf,
    /// Another
    second: PathBuf,
}

/// A key and its values in both runs, as JSON; null where it is absent.
type Difference = (String, Value, Value);

/// Runs the command.
pub fn run(args: &Args, terminal: &Terminal) -> Outcome {
    load::must_be_run(&args.first)?;
    load::must_be_run(&args.second)?;
    let (first, second) = (Results::read(&args.first)?, Results::read(&args.second)?);
    let config = differences(&config(&args.first)?, &config(&args.second)?);
    let results = differences(&first.metrics, &second.metrics);
    let origin = differences(&origin(&first.info), &origin(&second.info));
    let json = || {
        let object = |list: &[Difference]| -> Value {
            list.iter().map(|(key, a, b)| (key.clone(), json!([a, b]))).collect::<Map<_, _>>().into()
        };
        json!({"config": object(&config), "results": object(&results), "origin": object(&origin)})
    };
    let table = || {
        let mut rows = vec![vec![String::new(), name(&args.first), name(&args.second)]];
        for (title, list) in [("config", &config), ("results", &results), ("origin", &origin)] {
            if list.is_empty() {
                rows.push(vec![format!("{title}: the same")]);
                continue;
            }
            rows.push(vec![title.to_owned()]);
            rows.extend(list.iter().map(|(key, a, b)| vec![format!("  {key}"), cell(a), cell(b)]));
        }
        columns(&rows)
    };
    terminal.result(json, table)?;
    Ok(0)
}

fn name(run: &Path) -> String {
    run.file_name().unwrap_or(run.as_os_str()).to_string_lossy().into_owned()
}

fn cell(value: &Value) -> String {
    if value.is_null() { "-".into() } else { text(value) }
}

/// Keys with other values, in the order of the first, then those that only the second has.
fn differences(first: &Map<String, Value>, second: &Map<String, Value>) -> Vec<Difference> {
    let value = |map: &Map<String, Value>, key: &String| map.get(key).cloned().unwrap_or_default();
    let keys = first.keys().chain(second.keys().filter(|key| !first.contains_key(*key)));
    keys.map(|key| (key.clone(), value(first, key), value(second, key))).filter(|(_, a, b)| a != b).collect()
}

/// All values of a resolved config as they are written, under dotted keys.
fn config(run: &Path) -> Result<Map<String, Value>, Failure> {
    let settings = Settings::read(run)?;
    Ok(settings.entries().iter().map(|(key, value)| (key.clone(), value.clone().into())).collect())
}

/// What of `run.json` may explain different results.
fn origin(info: &RunInfo) -> Map<String, Value> {
    let mut map = Map::new();
    let fields = [
        ("version", &info.version),
        ("commit", &info.commit),
        ("host", &info.host),
        ("cpu", &info.cpu),
        ("plan", &info.plan),
    ];
    map.extend(fields.map(|(key, value)| (key.to_owned(), json!(value))));
    map.extend(info.data.iter().map(|(file, sum)| (file.clone(), json!(sum))));
    map
}
