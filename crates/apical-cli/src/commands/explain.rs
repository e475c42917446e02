//! `apical explain`: what a key of the config means, allows and defaults to.

use crate::failure::Outcome;
use crate::table::columns;
use crate::terminal::Terminal;
use apical_lab::config::explain;
use apical_lab::config::registry::{Field, fields, tables};
use serde_json::{Value, json};

const AFTER_HELP: &str = "\
Examples:
  apical explain                 all tables
  apical explain plasticity      a table
  apical explain time.dt         a key";

/// Arguments of `explain`.
#[derive(clap::Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// A key (time.dt, or dt alone) or a table (time); without it: all tables
    key: Option<String>,
}

/// Runs the command.
pub fn run(args: &Args, terminal: &Terminal) -> Outcome {
    let Some(key) = &args.key else {
        let json = || tables().map(|t| json!({"table": t.name, "header": t.header, "about": t.doc})).collect();
        let rows = || tables().map(|t| vec![t.header.to_owned(), t.doc.to_owned()]).collect::<Vec<_>>();
        terminal.result(json, || columns(&rows()))?;
        return Ok(0);
    };
    let text = explain(key)?;
    let name = key.trim_matches(['[', ']']);
    let meant = |f: &&Field| f.path() == name || f.key == name || f.table == name;
    terminal.result(|| fields().filter(meant).map(field).collect(), || text.clone())?;
    Ok(0)
}

fn field(f: &Field) -> Value {
    json!({
        "key": f.path(), "about": f.doc, "allowed": f.allowed(), "with": f.only,
        "default": Some(f.default).filter(|default| !default.is_empty()), "example": f.example,
    })
}
