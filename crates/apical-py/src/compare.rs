//! Comparisons of learners, and how they relate: the lab's, with tables as Python takes them.

use crate::errors;
use crate::run::attended;
use apical_lab::check::{Context, resolved_toml};
use apical_lab::compare::results::Results;
use apical_lab::compare::{self, Comparison};
use apical_lab::config::{Override, Source};
use apical_lab::relate::{self, Plan};
use apical_lab::run::Stop;
use pyo3::prelude::*;
use serde_json::json;
use std::path::PathBuf;

/// A config as Python holds it: label, name, text, folder, changes.
type Raw = (String, String, String, PathBuf, Vec<String>);

fn checked(raw: Raw, learners: Option<Vec<String>>, seeds: Option<u64>) -> PyResult<Comparison> {
    let (label, name, text, folder, changes) = raw;
    let source = Source { name, ..Source::new(label, text, folder) };
    let changes: Vec<Override> = changes.into_iter().map(Override::set).collect();
    let found = compare::check(&source, &changes, learners.as_deref(), seeds, &Context::here());
    found.map_err(|list| errors::config(&list))
}

/// The runs of a comparison, learner by learner, seed by seed: learner, label, seed, resolved config.
#[pyfunction]
pub fn comparison(
    py: Python<'_>,
    raw: Raw,
    learners: Option<Vec<String>>,
    seeds: Option<u64>,
) -> PyResult<Vec<(String, String, u64, String)>> {
    py.detach(|| {
        let c = checked(raw, learners, seeds)?;
        let of = |entry: &compare::Entry, seed: u64| {
            (entry.name.clone(), entry.label.clone(), seed, resolved_toml(&entry.seeded(seed)))
        };
        Ok(c.entries.iter().flat_map(|entry| c.seeds.iter().map(|&seed| of(entry, seed))).collect())
    })
}

/// What the runs of a comparison have come to, in the order of [`comparison`]: by what they are ranked, and the CSV of runs,
/// of learners and of curves.
#[pyfunction]
pub fn results(
    py: Python<'_>,
    raw: Raw,
    learners: Option<Vec<String>>,
    seeds: Option<u64>,
    folders: Vec<PathBuf>,
) -> PyResult<(&'static str, String, String, String)> {
    py.detach(|| {
        let c = checked(raw, learners, seeds)?;
        let folders: Vec<Vec<PathBuf>> = folders.chunks(c.seeds.len()).map(<[PathBuf]>::to_vec).collect();
        let r = Results::read(&c, &folders).map_err(|e| errors::error(&e))?;
        Ok((r.measure, r.runs_csv(&c), r.summary_csv(&c), r.curves_csv(&c)))
    })
}

/// How learners relate at the start weights, and at those of a file if one is given, as JSON.
#[pyfunction(name = "relate")]
pub fn relation(
    py: Python<'_>,
    raw: Raw,
    learners: Option<Vec<String>>,
    asked_at: Option<String>,
    samples: usize,
    limit_samples: usize,
    weights: Option<PathBuf>,
    threads: usize,
) -> PyResult<String> {
    let stop = Stop::default();
    let found = attended(py, None, &stop, |teller| -> PyResult<String> {
        let c = checked(raw, learners, Some(1))?;
        let options = relate::Options { samples, limit_samples, inverse_steps: 1000, threads };
        let plan = Plan::new(&c.name, &c.entries, asked_at.as_deref(), options).map_err(|e| errors::error(&e))?;
        let mut moments = vec![plan.start()];
        if let Some(file) = weights {
            moments.push(plan.moment("given", &file, true).map_err(|e| errors::error(&e))?);
        }
        let ended = relate::relate(&plan, &moments, &stop, &mut { teller }).map_err(|e| errors::error(&e))?;
        let relate::Ended::Done(relation) = ended else { return Ok("null".to_owned()) };
        let matrices: Vec<_> = (relation.matrices.iter())
            .map(|m| json!({"when": m.when, "names": m.names, "layers": m.layers, "degrees": m.degrees}))
            .collect();
        let limits: Vec<_> = (relation.limits.iter())
            .map(|p| {
                json!({
                    "figure": p.figure, "method": p.method, "parameter": p.parameter, "value": p.value,
                    "layer": p.layer, "degrees": p.degrees, "norm_ratio": p.norm_ratio,
                })
            })
            .collect();
        let says: Vec<_> = plan.participants.iter().map(|p| (&p.name, &p.says)).collect();
        Ok(json!({
            "matrices": matrices, "limits": limits, "says": says, "left_out": plan.left_out, "notes": relation.notes,
        })
        .to_string())
    });
    found?
}
