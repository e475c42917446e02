//! Angles between learners, from the folder of `apical relate`.

use super::{Drawn, Options, Refusal, Runs, missing};
use crate::heat_map::{HeatMap, Matrix};
use crate::theme::TWO_COLUMNS;

pub(super) fn relate(runs: &Runs, options: &Options) -> Result<Drawn, Refusal> {
    let run = runs.first()?;
    let angles = run.relation()?;
    if angles.is_empty() {
        return missing("no angles between learners", "give the folder of `apical relate`");
    }
    let mut names: Vec<String> = Vec::new();
    for name in angles.iter().flat_map(|m| m.entries.iter().flat_map(|(a, b, _)| [a, b])) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    let several = angles.iter().any(|m| m.when != angles[0].when);
    let panels: Vec<Matrix> = angles
        .iter()
        .map(|m| {
            let n = names.len();
            let mut degrees = vec![f64::NAN; n * n];
            let place = |name: &String| names.iter().position(|known| known == name);
            for (a, b, angle) in &m.entries {
                if let (Some(a), Some(b)) = (place(a), place(b)) {
                    degrees[a * n + b] = *angle;
                }
            }
            let layer = if m.layer == "all" { "All layers".to_owned() } else { format!("Layer {}", m.layer) };
            let when = match m.when.as_str() {
                "start" => ", at the start".to_owned(),
                "trained" => ", after training".to_owned(),
                other => format!(", {other}"),
            };
            Matrix { title: if several { layer + &when } else { layer }, degrees }
        })
        .collect();
    let width_mm = options.width(TWO_COLUMNS);
    // A row for each time, if its squares then have the 5 mm that numbers need beside 40 mm of labels.
    let layers = angles.iter().filter(|m| m.when == angles[0].when).count();
    let columns = match width_mm {
        w if several && w >= 40.0 + 5.0 * (layers * names.len()) as f64 => layers,
        // More than two below each other would fit on no page.
        w if w > 120.0 || panels.len() > 2 => 2,
        _ => 1,
    };
    // Of two moments each has a column.
    let panels: Vec<Matrix> = if several && columns == 2 && panels.len() == 2 * layers {
        (0..panels.len()).map(|i| panels[i / 2 + i % 2 * layers].clone()).collect()
    } else {
        panels
    };
    Ok(HeatMap { width_mm, columns, names, panels }.into())
}
