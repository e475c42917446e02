//! What a comparison comes to, as a table for the terminal and as `compare.md`.

use apical_lab::compare::results::{LAST, Mean, Results, Row, state};
use apical_lab::compare::{Comparison, Entry};
use apical_lab::experiment::LearnerSpec;
use apical_lab::run::significant;
use std::fmt::Write as _;

/// The table, its head first; errors in percent.
pub fn table(c: &Comparison, r: &Results) -> Vec<Vec<String>> {
    let what = if r.is_error() { "error (%)" } else { "loss" };
    let seed_word = if c.seeds.len() == 1 { "1 seed".to_owned() } else { format!("{} seeds", c.seeds.len()) };
    let mut head = vec![
        String::new(),
        format!("learner ({seed_word})"),
        format!("best {}", measure(r)),
        format!("test {what}"),
        format!("last {LAST} epochs"),
        "seconds".to_owned(),
        "s/epoch".to_owned(),
    ];
    let angles = r.angles();
    head.extend(angles.iter().map(|name| format!("{name} (deg)")));
    let row = |(rank, row): (usize, &Row)| {
        let factor = if r.is_error() { 100.0 } else { 1.0 };
        let failed = if row.runs.1 > 0 { format!(" ({} failed)", row.runs.1) } else { String::new() };
        let mut cells = vec![
            format!("{}", rank + 1),
            format!("{}{failed}", c.entries[row.entry].label),
            spread(row.best, factor),
            spread(row.test, factor),
            spread(row.last, factor),
            spread(row.seconds, 1.0),
            row.per_epoch.map_or("-".to_owned(), |m| significant_3(m.mean)),
        ];
        for name in &angles {
            cells.push(spread(row.angles.iter().find(|a| a.0 == *name).and_then(|a| a.1), 1.0));
        }
        cells
    };
    std::iter::once(head).chain(r.rows.iter().enumerate().map(row)).collect()
}

/// The measure in words, with the unit.
pub fn measure(r: &Results) -> String {
    let words = r.measure.replace('.', " ");
    if r.is_error() { format!("{words} (%)") } else { words }
}

/// Mean and deviation, the mean with as many digits as the deviation makes sense of.
fn spread(m: Option<Mean>, factor: f64) -> String {
    let Some(m) = m else { return "-".to_owned() };
    let mean = m.mean * factor;
    match m.sd.map(|sd| sd * factor) {
        Some(sd) if sd > 0.0 => {
            let digits = (1 - sd.log10().floor() as i32).clamp(0, 6) as usize;
            format!("{mean:.digits$} +- {sd:.digits$}")
        }
        Some(_) => format!("{} +- 0", significant_3(mean)),
        None => significant_3(mean),
    }
}

fn significant_3(x: f64) -> String {
    if x == 0.0 || !x.is_finite() {
        return format!("{x}");
    }
    let digits = (2 - x.abs().log10().floor() as i32).clamp(0, 6) as usize;
    format!("{x:.digits$}")
}

/// `compare.md`; `command` makes the same again.
pub fn markdown(c: &Comparison, r: &Results, command: &str, pictures: &[(&str, String)]) -> String {
    let mut out = format!("# {}: learners compared\n\n", c.name);
    let rows = table(c, r);
    let line = |cells: &[String]| {
        format!("| {} |\n", cells.iter().map(|s| s.replace('|', "\\|")).collect::<Vec<_>>().join(" | "))
    };
    for (i, row) in rows.iter().enumerate() {
        out.push_str(&line(row).replace("+-", "\u{b1}"));
        if i == 0 {
            out.push_str(&line(&vec!["---".to_owned(); row.len()]));
        }
    }
    let seeds: Vec<String> = c.seeds.iter().map(u64::to_string).collect();
    let set = if r.measure.starts_with("validation") { "validation" } else { "training (there is no validation set)" };
    let _ = write!(
        out,
        "\nMean \u{b1} standard deviation over the runs that came to their end, one per seed ({}). Learners are ranked by the mean \
        of their runs' best value on {set}; one with failed runs stands behind all without. Each run was tested once, with \
        the weights that were best on validation. \"Last {LAST} epochs\" is the mean of the last {LAST} values on {set}. \
        Seconds are those of a run on one thread, beside the other runs, evaluation included. Nothing was chosen by the test \
        set.\n\n",
        seeds.join(", ")
    );
    if !r.angles().is_empty() {
        out.push_str(
            "`angle_bp.K` is the angle between layer K's update and the backprop gradient at the end of training, in degrees; \
            90 is chance.\n\n",
        );
    }
    for (file, caption) in pictures {
        let _ = write!(out, "![{caption}](figures/{file})\n\n{caption}\n\n");
    }
    out.push_str("## Settings\n\n| learner | algorithm | network | epochs | batch | rate |\n| --- | --- | --- | --- | --- | --- |\n");
    for entry in &c.entries {
        out.push_str(&line(&settings(entry)));
    }
    out.push_str("\nAll settings of a run stand in its folder's `config.resolved.toml`.\n\n## Runs\n\n");
    out.push_str("| learner | seed | run | state | best epoch | test |\n| --- | --- | --- | --- | --- | --- |\n");
    for run in &r.runs {
        let reason =
            run.ending.as_ref().filter(|e| e.exit_code != 0).map_or(String::new(), |e| format!(": {}", e.reason));
        let text = |v: Option<f64>| v.map_or("-".to_owned(), significant);
        out.push_str(&line(&[
            c.entries[run.entry].label.clone(),
            run.seed.to_string(),
            run.folder.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            format!("{}{reason}", state(run)),
            run.best.map_or("-".to_owned(), |b| format!("{:.0}", b.1)),
            text(run.test),
        ]));
    }
    let _ =
        write!(out, "\n## To repeat\n\n```\n{command}\n```\n\nA single run: `apical run RUN/config.resolved.toml`.\n");
    out
}

fn settings(entry: &Entry) -> Vec<String> {
    let e = &entry.experiment;
    let list = |rates: &[f64]| {
        let all: Vec<String> = rates.iter().map(|r| format!("{r}")).collect();
        if all.windows(2).all(|w| w[0] == w[1]) { all[0].clone() } else { all.join(", ") }
    };
    let (algorithm, rate) = match &e.learner {
        LearnerSpec::Microcircuit => {
            ("microcircuit".to_owned(), format!("eta_pp {}", list(&e.phases[e.phases.len() - 1].rates.pp)))
        }
        LearnerSpec::Trained(t) => {
            let frozen: Vec<String> = t.optimiser.frozen.iter().map(usize::to_string).collect();
            let frozen =
                if frozen.is_empty() { String::new() } else { format!(", layer {} frozen", frozen.join(", ")) };
            (format!("{}{frozen}", t.algorithm.name()), list(&t.optimiser.rate))
        }
    };
    let sizes: Vec<String> = e.network.sizes.iter().map(usize::to_string).collect();
    let epochs: usize = e.phases.iter().map(|p| p.epochs).sum();
    vec![entry.label.clone(), algorithm, sizes.join("-"), epochs.to_string(), e.train.batch.to_string(), rate]
}
