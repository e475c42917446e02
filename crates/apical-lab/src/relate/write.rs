//! The folder of a relation: `relate.csv`, `limits.csv`, `relate.md`. Figures are drawn by those who draw.

use super::{Matrix, Moment, Plan, Relation};
use crate::Error;
use crate::check::canonical;
use crate::folder::{folder_name, sha256_hex, write_atomic};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Where a relation's files belong: `NAME-relate-ID16`, decided by all experiments, the options and the weights.
///
/// # Errors
/// A name that no folder can have.
pub fn folder(parent: &Path, plan: &Plan, moments: &[Moment]) -> Result<PathBuf, Error> {
    let mut text = String::new();
    for entry in &plan.entries {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "[{}]\n{}", entry.label, canonical(&entry.experiment)?);
    }
    let _ = writeln!(text, "trained = {}\n{:?}", plan.trained, plan.options);
    for moment in moments {
        let _ = writeln!(text, "{}", moment.name);
        for (name, m) in moment.weights.named() {
            let bytes: Vec<u8> = m.data.iter().flat_map(|x| x.to_le_bytes()).collect();
            let _ = writeln!(text, "{name} {}", sha256_hex(&bytes));
        }
    }
    Ok(parent.join(folder_name(&format!("{}-relate", plan.name), &text)?))
}

/// Writes the tables and the page. `commands` are the command lines that made it, for the page.
///
/// # Errors
/// The machine's.
pub fn write(
    folder: &Path,
    plan: &Plan,
    moments: &[Moment],
    relation: &Relation,
    commands: &[String],
) -> Result<(), Error> {
    let csv = |name: &str, table: Result<Vec<u8>, csv::Error>| {
        let path = folder.join(name);
        let bytes = table.map_err(|source| Error::machine(path.display().to_string(), source))?;
        write_atomic(&path, &bytes, "comparison")
    };
    csv("relate.csv", angles(&relation.matrices))?;
    if !relation.limits.is_empty() {
        csv("limits.csv", limits(relation))?;
    }
    write_atomic(&folder.join("relate.md"), page(plan, moments, relation, commands).as_bytes(), "comparison")
}

fn number(x: f64) -> String {
    if x.is_finite() { x.to_string() } else { String::new() }
}

fn angles(matrices: &[Matrix]) -> Result<Vec<u8>, csv::Error> {
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record(["when", "layer", "learner_a", "learner_b", "degrees"])?;
    for matrix in matrices {
        for (l, layer) in matrix.layers.iter().enumerate() {
            for (a, name_a) in matrix.names.iter().enumerate() {
                for (b, name_b) in matrix.names.iter().enumerate() {
                    let degrees = number(matrix.at(l, a, b));
                    table.write_record([&matrix.when, layer, name_a, name_b, &degrees])?;
                }
            }
        }
    }
    table.into_inner().map_err(|e| e.into_error().into())
}

fn limits(relation: &Relation) -> Result<Vec<u8>, csv::Error> {
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record(["method", "parameter", "value", "layer", "degrees", "norm_ratio"])?;
    for p in &relation.limits {
        let (value, degrees, ratio) = (number(p.value), number(p.degrees), number(p.norm_ratio));
        table.write_record([&p.method, p.parameter, &value, &p.layer, &degrees, &ratio])?;
    }
    table.into_inner().map_err(|e| e.into_error().into())
}

/// Degrees for tables; what is below 1e-6 is rounding.
pub fn degrees(x: f64) -> String {
    match x {
        x if !x.is_finite() => "-".into(),
        x if x < 1e-6 => "0".into(),
        x if x < 0.1 => format!("{x:.0e}"),
        x => format!("{x:.1}"),
    }
}

fn page(plan: &Plan, moments: &[Moment], relation: &Relation, commands: &[String]) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    macro_rules! put { ($($arg:tt)*) => { let _ = writeln!(out, $($arg)*); }; }
    put!("# How the learners of {} relate\n", plan.name);
    put!(
        "Angles in degrees between what the learners would do to the forward weights at the same weights, summed over the same \
         {} training samples (batches of {}), in f64. Nobody learns meanwhile; the circuit's interneurons are in the \
         self-predicting state of the weights given.\n",
        plan.samples(),
        plan.base().train.batch
    );
    put!("```text");
    for command in commands {
        put!("{command}");
    }
    put!("```\n");
    for (matrix, moment) in relation.matrices.iter().zip(moments) {
        put!("## At {}\n\nWeights: {}.\n", heading(&matrix.when), moment.from);
        put!("![angles](figures/angles-{}.svg)\n", matrix.when);
        for (l, layer) in matrix.layers.iter().enumerate().rev() {
            match layer.as_str() {
                "all" => {
                    put!("All layers as one vector, each layer times its learning rate:\n");
                }
                k => {
                    put!("Layer {k}:\n");
                }
            }
            put!("| | {} |", matrix.names.join(" | "));
            put!("|---{}|", "|---:".repeat(matrix.names.len()));
            for (a, name) in matrix.names.iter().enumerate() {
                let cells: Vec<String> = (0..matrix.names.len()).map(|b| degrees(matrix.at(l, a, b))).collect();
                put!("| {name} | {} |", cells.join(" | "));
            }
            put!("");
        }
    }
    put!("## Which function each update belongs to\n");
    for p in &plan.participants {
        put!("- **{}**: {}.", p.name, p.says);
    }
    let remarks: Vec<&String> = plan.left_out.iter().chain(&relation.notes).collect();
    if !remarks.is_empty() {
        put!("\n## Remarks\n");
        for remark in remarks {
            put!("- {remark}.");
        }
    }
    if !relation.limits.is_empty() {
        put!("\n## Limits\n");
        put!(
            "Angle to its own limit (first and last value of the parameter), at the start weights, {} samples; the curves are in \
             limits.csv and figures/limit-*.svg.\n",
            plan.options.limit_samples
        );
        put!("| method | parameter | from | to | layer | degrees at first | at last | norm / limit's at last |");
        put!("|---|---|---:|---:|---|---:|---:|---:|");
        for (first, last) in ends(relation) {
            let row = [
                first.method.clone(),
                first.parameter.to_owned(),
                format!("{}", short(first.value)),
                format!("{}", short(last.value)),
                first.layer.clone(),
                degrees(first.degrees),
                degrees(last.degrees),
                format!("{:.4}", last.norm_ratio),
            ];
            put!("| {} |", row.join(" | "));
        }
    }
    out
}

/// A value without the digits that powers of ten leave behind.
fn short(x: f64) -> f64 {
    format!("{x:.3e}").parse().unwrap_or(x)
}

/// First and last point of each curve.
fn ends(relation: &Relation) -> Vec<(&super::Point, &super::Point)> {
    let mut list: Vec<(&super::Point, &super::Point)> = Vec::new();
    for p in &relation.limits {
        let same = |q: &super::Point| (&q.method, q.parameter, &q.layer) == (&p.method, p.parameter, &p.layer);
        match list.iter_mut().find(|(first, _)| same(first)) {
            Some((_, last)) => *last = p,
            None => list.push((p, p)),
        }
    }
    list
}

fn heading(when: &str) -> &str {
    match when {
        "start" => "the start",
        "trained" => "the end of training",
        _ => "the weights given",
    }
}
