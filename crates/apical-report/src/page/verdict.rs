//! What was learned: a sentence over all runs, and a verdict for each config.

use super::converged::{self, Course};
use super::model::{Tone, Verdict};
use super::opened::{Opened, State, Told};
use super::{settling, words};

/// What the lower it is the better; the first that any run has is the score of all.
pub const SCORES: [&str; 5] = ["test.error", "validation.error", "test.loss", "validation.loss", "train.loss"];
/// By what configs are ranked: the test set chooses nothing where there is another.
const RANKS: [&str; 5] = ["validation.error", "validation.loss", "test.error", "test.loss", "train.loss"];
/// The score over time.
const COURSES: [&str; 4] = ["validation.error", "validation.loss", "train.error", "train.loss"];
/// Configs with a verdict of their own.
const MOST: usize = 12;
/// From this part of the error of guessing on an error is one of guessing.
const AT_CHANCE: f64 = 0.98;

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

/// The course of a run's score, without one of its own predictions; `None` if it has neither, or failed.
pub fn course(opened: &Opened, told: &Told) -> Option<Course> {
    let came_to_its_end = !matches!(told.state, State::Failed | State::Early);
    let metrics = opened.run(told).filter(|_| came_to_its_end)?.metrics().ok()?;
    let score = COURSES.iter().find_map(|name| metrics.get(name)).cloned();
    score.or_else(|| settling::error(metrics)).as_ref().map(converged::course)
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
pub fn same_task(opened: &Opened) -> bool {
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
    let mut verdict = Verdict { label, ..Verdict::default() };
    if let Some((metric, values)) = score(opened, group) {
        let (words, unit, _) = measure(metric);
        verdict.score = words::with_unit(&shown(metric, &values), unit);
        verdict.measure = words;
        if values.len() > 1 {
            verdict.over = format!("mean \u{b1} standard deviation of {} runs", values.len());
        }
        verdict.facts.extend(chance(opened, group).map(|words| (Tone::Bad, words)));
    } else {
        unscored(opened, group, &mut verdict);
    }
    verdict.facts.extend(facts(opened, &all));
    if verdict.facts.iter().any(|(tone, _)| *tone == Tone::Bad) {
        // Nothing is good about a curve at rest where nothing was learned.
        verdict.facts.iter_mut().filter(|(tone, _)| *tone == Tone::Good).for_each(|(tone, _)| *tone = Tone::Plain);
    }
    verdict
}

/// A group without a final score: what else it came to.
fn unscored(opened: &Opened, group: usize, verdict: &mut Verdict) {
    let mut settling = settling::settling(opened, group).into_iter();
    let series = |told: &Told| {
        let metrics = opened.run(told)?.metrics().ok()?;
        COURSES
            .iter()
            .find_map(|name| Some((*name, metrics.get(name)?.values.iter().rfind(|v| v.is_finite())?)))
            .map(|(name, value)| (name, *value))
    };
    if let Some((metric, value)) = opened.group(group).find_map(series) {
        let (words, unit, _) = measure(metric);
        verdict.measure = "no final score".into();
        let value = words::with_unit(&shown(metric, &[value]), unit);
        if opened.group(group).count() == 1 {
            verdict.facts.push((Tone::Plain, format!("last {words} {value}")));
        }
    } else if let Some(first) = settling.next() {
        (verdict.measure, verdict.score) = (first.measure.into(), first.course);
        if first.runs > 1 {
            verdict.over = format!("means of {} runs", first.runs);
        }
        verdict.facts.extend(settling.map(|other| (Tone::Plain, format!("{} {}", other.measure, other.course))));
    } else {
        verdict.measure = "no error and no loss recorded".into();
    }
}

/// What guessing comes to, if the error of a group is no better.
fn chance(opened: &Opened, group: usize) -> Option<String> {
    let (metric, values) = score(opened, group)?;
    let classes = *opened.group(group).find_map(|t| opened.run(t))?.settings.numbers("network.sizes").last()?;
    let (mean, _) = words::mean_sd(&values)?;
    let guessing = 1.0 - 1.0 / classes;
    let says = || format!("at chance: guessing among {classes} classes errs in {:.0} %", 100.0 * guessing);
    (metric.ends_with(".error") && classes >= 2.0 && mean >= AT_CHANCE * guessing).then(says)
}

/// Expectations, failures, time and convergence of some runs.
fn facts(opened: &Opened, all: &[&Told]) -> Vec<(Tone, String)> {
    let mut facts = Vec::new();
    if let [one] = all {
        facts.extend(one.missed().map(|words| (Tone::Bad, words.to_owned())));
    }
    for state in [State::Missed, State::Failed, State::Early, State::Unfinished] {
        let n = all.iter().filter(|t| t.state == state).count();
        if n > 0 && !(all.len() == 1 && state == State::Missed) {
            facts.push((state.tone(), format!("{} {}", words::count(n, "run"), state.word())));
        }
    }
    let seconds: Vec<f64> = all.iter().map(|t| t.info.seconds).filter(|s| *s > 0.0).collect();
    if let Some((mean, _)) = words::mean_sd(&seconds) {
        let a_run = if all.len() > 1 { " a run" } else { "" };
        facts.push((Tone::Plain, format!("{}{a_run}", words::seconds(mean))));
    }
    let courses: Vec<Course> = all.iter().filter_map(|t| course(opened, t)).collect();
    for kind in [Course::Converged, Course::Falling, Course::Worse, Course::Short, Course::NotFinite] {
        let tone = match kind {
            Course::Converged => Tone::Good,
            Course::Falling | Course::Short => Tone::Open,
            Course::Worse | Course::NotFinite => Tone::Bad,
        };
        match courses.iter().filter(|c| **c == kind).count() {
            0 => {}
            _ if all.len() == 1 => facts.push((tone, kind.words().into())),
            n => facts.push((tone, format!("{n} of {} {}", all.len(), kind.words()))),
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
            if same_task(opened) && score(opened, order[0]).is_some() {
                let validated = RANKS[..2].iter().any(|metric| !opened.finals(order[0], metric).is_empty());
                let by = if validated { " on validation" } else { "" };
                let chance = chance(opened, order[0]).map_or(String::new(), |words| format!("; {words}"));
                sentences.push(format!("Best of {n} configs{by} is {}: {}{chance}", labels[order[0]], best.scored()));
            } else {
                sentences.push(format!("{n} configs, of different tasks or without scores, so none is the best"));
            }
            let all: Vec<&Told> = opened.told.iter().filter(|t| t.place.is_some()).collect();
            let facts: Vec<String> = facts(opened, &all).into_iter().map(|(_, fact)| fact).collect();
            sentences.push(capital(&format!("all together: {}", facts.join("; "))));
        }
    }
    let copies = opened.told.iter().filter(|t| t.state == State::Copy).count();
    if copies > 0 {
        let (folders, are) = (words::count(copies, "folder"), if copies == 1 { "has" } else { "have" });
        sentences.push(format!("{folders} {are} the config and seed of another and {are} not been counted again"));
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
