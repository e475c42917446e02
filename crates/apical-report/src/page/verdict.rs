//! What was learned: a sentence over all runs, and a verdict for each config.

use super::converged::{self, Course};
use super::model::{Tone, Verdict};
use super::opened::{Opened, State, Told};
use super::words;

/// What the lower it is the better; the first that any run has is the score of all.
const SCORES: [&str; 5] = ["test.error", "validation.error", "test.loss", "validation.loss", "train.loss"];
/// By what configs are ranked: the test set chooses nothing where there is another.
const RANKS: [&str; 5] = ["validation.error", "validation.loss", "test.error", "test.loss", "train.loss"];
/// The score over time.
const COURSES: [&str; 4] = ["validation.error", "validation.loss", "train.error", "train.loss"];
/// Configs with a verdict of their own.
const MOST: usize = 12;

/// A metric in words, its unit, and the factor to it: errors are shown in percent.
pub fn measure(metric: &str) -> (String, &'static str, f64) {
    let words = metric.replace('.', " ");
    if metric.ends_with(".error") { (words, "%", 100.0) } else { (words, "", 1.0) }
}

/// Values of a metric in its unit, with mean and deviation of several.
pub fn shown(metric: &str, values: &[f64]) -> String {
    let (_, unit, factor) = measure(metric);
    let values: Vec<f64> = values.iter().map(|v| v * factor).collect();
    if unit.is_empty() { words::spread(&values) } else { words::percent(&values) }
}

/// The same for the head of a column.
pub fn column(metric: &str) -> (String, f64) {
    let (words, unit, factor) = measure(metric);
    (if unit.is_empty() { words } else { format!("{words} ({unit})") }, factor)
}

/// The course of a run's score; `None` if it has none.
pub fn course(opened: &Opened, told: &Told) -> Option<Course> {
    let metrics = opened.run(told)?.metrics().ok()?;
    COURSES.iter().find_map(|name| metrics.get(name)).map(converged::course)
}

/// Configs in the order of their rank, those without a value last; in the order given where tasks differ.
pub fn ranked(opened: &Opened) -> Vec<usize> {
    let mut order: Vec<usize> = (0..opened.runs.count()).collect();
    if !same_task(opened) {
        return order;
    }
    let by = |metric: &&&str| order.iter().any(|&group| !opened.finals(group, metric).is_empty());
    if let Some(metric) = RANKS.iter().find(by) {
        let mean = |group: usize| words::mean_sd(&opened.finals(group, metric)).map_or(f64::INFINITY, |(mean, _)| mean);
        order.sort_by(|&a, &b| mean(a).total_cmp(&mean(b)));
    }
    order
}

/// Scores of different tasks are not held against each other.
fn same_task(opened: &Opened) -> bool {
    let task = |run: &apical_lab::record::Run| {
        let own = |(key, _): &&(String, String)| key.starts_with("task.") || key == "train.loss";
        run.settings.entries().iter().filter(own).cloned().collect::<Vec<_>>()
    };
    opened.runs.runs.windows(2).all(|pair| task(&pair[0]) == task(&pair[1]))
}

/// The score that a group is judged by.
fn score(opened: &Opened, group: usize) -> Option<(&'static str, Vec<f64>)> {
    SCORES.into_iter().map(|metric| (metric, opened.finals(group, metric))).find(|(_, values)| !values.is_empty())
}

/// A verdict for each of the first configs, the best first.
pub fn verdicts(opened: &Opened) -> Vec<Verdict> {
    ranked(opened).into_iter().take(MOST).map(|group| verdict(opened, group)).collect()
}

fn verdict(opened: &Opened, group: usize) -> Verdict {
    let all: Vec<&Told> = opened.group(group).collect();
    let label = opened.runs.groups.labels[group].clone();
    let mut verdict = Verdict { label, measure: "no error and no loss recorded".into(), ..Verdict::default() };
    if let Some((metric, values)) = score(opened, group) {
        let (words, unit, _) = measure(metric);
        verdict.score = words::with_unit(&shown(metric, &values), unit);
        verdict.measure = words;
        if values.len() > 1 {
            verdict.over = format!("mean \u{b1} standard deviation of {} runs", values.len());
        }
    }
    verdict.facts = facts(opened, &all);
    verdict
}

/// Time, convergence and failures of some runs.
fn facts(opened: &Opened, all: &[&Told]) -> Vec<(Tone, String)> {
    let mut facts = Vec::new();
    let seconds: Vec<f64> = all.iter().map(|t| t.info.seconds).filter(|s| *s > 0.0).collect();
    if let Some((mean, _)) = words::mean_sd(&seconds) {
        let a_run = if all.len() > 1 { " a run" } else { "" };
        facts.push((Tone::Plain, format!("{}{a_run}", words::seconds(mean))));
    }
    let courses: Vec<Course> = all.iter().filter_map(|t| course(opened, t)).collect();
    for kind in [Course::Converged, Course::Falling, Course::Worse, Course::Short] {
        let tone = match kind {
            Course::Converged => Tone::Good,
            Course::Falling | Course::Short => Tone::Open,
            Course::Worse => Tone::Bad,
        };
        match courses.iter().filter(|c| **c == kind).count() {
            0 => {}
            _ if all.len() == 1 => facts.push((tone, kind.words().into())),
            n => facts.push((tone, format!("{n} of {} {}", all.len(), kind.words()))),
        }
    }
    for state in [State::Failed, State::Unfinished] {
        let n = all.iter().filter(|t| t.state == state).count();
        if n > 0 {
            facts.push((state.tone(), format!("{} {}", words::count(n, "run"), state.word())));
        }
    }
    facts
}

/// What all runs came to.
pub fn headline(opened: &Opened) -> String {
    let labels = &opened.runs.groups.labels;
    let damaged = opened.told.iter().filter(|t| t.state == State::Damaged).count();
    let mut sentences = Vec::new();
    match labels.len() {
        0 => {}
        1 => sentences.push(capital(&verdict(opened, 0).line())),
        n => {
            let order = ranked(opened);
            let best = verdict(opened, order[0]);
            if same_task(opened) && !best.score.is_empty() {
                let validated = RANKS[..2].iter().any(|metric| !opened.finals(order[0], metric).is_empty());
                let by = if validated { " on validation" } else { "" };
                sentences.push(format!("Best of {n} configs{by} is {}: {}", labels[order[0]], best.scored()));
            } else {
                sentences.push(format!("{n} configs, of different tasks or without scores, so none is the best"));
            }
            let all: Vec<&Told> = opened.told.iter().filter(|t| t.place.is_some()).collect();
            let facts: Vec<String> = facts(opened, &all).into_iter().map(|(_, fact)| fact).collect();
            sentences.push(capital(&format!("all together: {}", facts.join("; "))));
        }
    }
    if damaged > 0 {
        sentences.push(format!("{damaged} of {} folders cannot be read; see below", opened.told.len()));
    }
    sentences.iter().filter(|s| !s.is_empty()).map(|s| format!("{s}.")).collect::<Vec<_>>().join(" ")
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}
