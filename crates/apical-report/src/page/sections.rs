//! What a report says, section by section.

use super::converged;
use super::model::{Block, Cell, Chart, Page, Section, Table, Tone};
use super::opened::{Opened, State, Told};
use super::verdict::{self, column, course, measure, shown};
use super::{Extra, charts, cost, pictures, published, rates, words};
use apical_lab::record::read;

/// Configs and commands beyond this number are left to their folders.
const MOST_CONFIGS: usize = 8;
/// Commands beyond this number are folded away.
const MOST_COMMANDS: usize = 6;
/// Scores in the tables of runs and of configs, if that is enough for each to have one; the others are below their curves.
const MOST_METRICS: [usize; 2] = [3, 2];

/// The head of the column that tells when runs were ended early.
const STOPPED: &str = "stopped at epoch";

/// The page of opened folders.
pub fn page(opened: &Opened, extra: &Extra) -> Page {
    let (mut learning, mut diagnostics) = (charts::learning(opened), charts::diagnostics(opened));
    charts::thin(&mut learning.iter_mut().chain(&mut diagnostics).collect::<Vec<_>>());
    diagnostics.extend(rates::charts(opened));
    let or = |charts: Vec<Chart>, otherwise: &str| -> Vec<Block> {
        if charts.is_empty() {
            return vec![Block::Text(otherwise.into())];
        }
        charts.into_iter().map(|chart| Block::Chart(Box::new(chart))).collect()
    };
    let mut curves =
        or(learning, "Not recorded: runs have curves if the task has targets, once the first interval has ended.");
    curves.push(Block::Text(format!("{} {}", charts::shown(opened), converged::RULE)));
    let diagnostics = or(
        diagnostics,
        "Not recorded: a microcircuit with hidden layers has them, and record.angles adds angles to every learner.",
    );
    let section = |id, title, blocks| Section { id, title, blocks };
    let mut sections = vec![
        section("runs", "Runs", runs(opened, extra)),
        section("differences", "What differs", differences(opened)),
        section("curves", "Learning", curves),
        section("diagnostics", "Diagnostics", diagnostics),
        section("figures", "Figures and traces", pictures::pictures(opened, extra)),
        section("published", "Held against what is published", against(opened)),
        section("cost", "Cost", cost::blocks(opened)),
        section("reproduce", "To do it again", reproduce(opened, extra)),
        section("cite", "To cite", cite(extra)),
    ];
    let problems = problems(opened);
    if !problems.is_empty() {
        sections.insert(0, section("problems", "What is missing or damaged", vec![Block::List(problems)]));
    }
    if opened.told.is_empty() {
        sections.retain(|section| ["figures", "reproduce", "cite"].contains(&section.id));
    }
    sections.retain(|section| !section.blocks.is_empty());
    let (headline, verdicts) = (verdict::headline(opened), verdict::verdicts(opened));
    Page { title: title(opened), about: about(opened), headline, verdicts, sections }
}

fn title(opened: &Opened) -> String {
    let mut names: Vec<&str> = opened.told.iter().map(|t| t.info.name.as_str()).filter(|n| !n.is_empty()).collect();
    names.extend(opened.relations.runs.iter().map(|run| run.name.as_str()));
    names.sort_unstable();
    names.dedup();
    if names.len() > 3 { format!("{} and {} more", names[..3].join(", "), names.len() - 3) } else { names.join(", ") }
}

fn about(opened: &Opened) -> String {
    let mut parts = Vec::new();
    let count = |n: usize, of| (n > 0).then(|| words::count(n, of));
    let copies = opened.told.iter().filter(|t| t.state == State::Copy).count();
    parts.extend(count(opened.told.len() - copies, "run"));
    let relations = opened.relations.runs.len();
    parts.extend((relations > 0).then(|| format!("{} of learners", words::count(relations, "relation"))));
    parts.extend(count(opened.runs.count(), "config").filter(|_| opened.runs.count() > 1));
    let mut days: Vec<&str> = opened.told.iter().filter_map(|t| t.info.started.get(..10)).collect();
    days.sort_unstable();
    parts.extend(match (days.first(), days.last()) {
        (Some(first), Some(last)) if first == last => Some((*first).to_owned()),
        (Some(first), Some(last)) => Some(format!("{first} to {last}")),
        _ => None,
    });
    let mut versions: Vec<&str> =
        opened.told.iter().map(|t| t.info.version.as_str()).filter(|v| !v.is_empty()).collect();
    versions.sort_unstable();
    versions.dedup();
    parts.extend((!versions.is_empty()).then(|| format!("apical {}", versions.join(", "))));
    parts.join(" \u{b7} ")
}

fn problems(opened: &Opened) -> Vec<String> {
    let own = |told: &Told| {
        let damaged = (told.state == State::Damaged).then(|| told.reason.clone());
        damaged.into_iter().chain(told.problems.clone()).map(|p| format!("{}: {p}", told.name)).collect::<Vec<_>>()
    };
    opened.told.iter().flat_map(own).collect()
}

fn runs(opened: &Opened, extra: &Extra) -> Vec<Block> {
    let mut metrics = scores(opened, MOST_METRICS[0]);
    metrics.extend(["epochs"].into_iter().filter(|m| opened.told.iter().any(|t| opened.last(t, m).is_some())));
    let several = opened.runs.count() > 1;
    let has_reasons = opened.told.iter().any(|t| !reason(t).is_empty());
    // What is short and wanted most stands first, in sight on a narrow screen.
    let mut head = ["run", "state"].map(String::from).to_vec();
    head.extend(metrics.iter().map(|m| column(m).0));
    let some_early = opened.told.iter().any(|t| t.stopped_at.is_some());
    head.extend(some_early.then(|| STOPPED.to_owned()));
    head.extend(["time", "course", "seed"].map(String::from));
    head.extend(several.then(|| "config".to_owned()));
    head.extend(has_reasons.then(|| "reason".to_owned()));
    let row = |t: &Told| {
        let mut cells = vec![Cell::text(&t.name)];
        cells.push(Cell::toned(t.state.tone(), t.state.word()));
        let value = |m: &&str| opened.last(t, m).map_or(Cell::default(), |v| Cell::told(shown(m, &[v]), v));
        cells.extend(metrics.iter().map(value));
        cells.extend(some_early.then(|| Cell::number(t.stopped_at.map(|epoch| epoch as f64))));
        let seconds = t.info.seconds;
        cells.push(if seconds > 0.0 { Cell::told(words::seconds(seconds), seconds) } else { Cell::default() });
        cells.push(Cell::text(course(opened, t).map_or("", |course| course.words())));
        cells.push(Cell::number((t.state != State::Damaged).then_some(t.info.seed as f64)));
        let group = t.place.map_or("", |place| &opened.runs.groups.labels[opened.runs.groups.of[place]]);
        cells.extend(several.then(|| Cell::text(group)));
        cells.extend(has_reasons.then(|| Cell::text(reason(t))));
        cells
    };
    let rows = opened.told.iter().map(row).collect();
    let table = Table { caption: "All runs, with how they ended".into(), head, rows };
    let left_out = (extra.left_out > 0).then(|| {
        let are = if extra.left_out == 1 { "is" } else { "are" };
        let runs = words::count(extra.left_out, "run");
        Block::Text(format!("{runs} in the sweep's folder {are} no longer part of the sweep and left out."))
    });
    std::iter::once(Block::Table(table)).chain(left_out).chain(failures(opened)).collect()
}

/// The first scores that any run has, `most` of them, and those without which a run with a score would show none.
fn scores(opened: &Opened, most: usize) -> Vec<&'static str> {
    let mut shown = Vec::new();
    let mut without: Vec<&Told> = opened.told.iter().collect();
    for metric in verdict::SCORES {
        let has = |t: &Told| opened.last(t, metric).is_some();
        if without.iter().any(|t| has(t)) || (shown.len() < most && opened.told.iter().any(has)) {
            shown.push(metric);
            without.retain(|t| !has(t));
        }
    }
    shown
}

/// What the state does not say already.
fn reason(told: &Told) -> &str {
    let rest = told.reason.strip_prefix("finished").map(|rest| rest.trim_start_matches("; "));
    rest.unwrap_or(&told.reason)
}

/// Where runs failed, as far as they tell.
fn failures(opened: &Opened) -> Option<Block> {
    let failed: Vec<&Told> =
        opened.told.iter().filter(|t| t.state == State::Failed && !t.failed_at.is_empty()).collect();
    let mut keys: Vec<&str> = Vec::new();
    for (key, _) in failed.iter().flat_map(|t| &t.failed_at) {
        if !keys.contains(&key.as_str()) {
            keys.push(key);
        }
    }
    let first = ["layer", "cell", "index", "step", "time_ms", "value", "presentation"];
    keys.sort_by_key(|key| first.iter().position(|known| known == key).unwrap_or(first.len()));
    let at = |t: &Told, key: &str| t.failed_at.iter().find(|(known, _)| known == key).map(|(_, value)| value.clone());
    let row = |t: &&Told| {
        let cell = |key: &&str| at(t, key).map_or(Cell::default(), |value| Cell::written(&value));
        std::iter::once(Cell::text(&t.name)).chain(keys.iter().map(cell)).collect()
    };
    let rows: Vec<Vec<Cell>> = failed.iter().map(row).collect();
    let head =
        std::iter::once("run").chain(keys.iter().copied()).map(|key| key.replace("_ms", " (ms)").replace('_', " "));
    let caption = "Where runs failed".into();
    (!rows.is_empty()).then(|| Block::Table(Table { caption, head: head.collect(), rows }))
}

fn differences(opened: &Opened) -> Vec<Block> {
    let groups = &opened.runs.groups;
    if groups.labels.len() < 2 {
        let all = opened.runs.runs.len();
        let seeds = if all == 1 { "There is one run." } else { "The runs differ in their seeds alone, if at all." };
        return vec![Block::Text(seeds.into())];
    }
    let metrics = scores(opened, MOST_METRICS[1]);
    let states = [State::Failed, State::Missed];
    let states = states.iter().filter(|s| **s == State::Failed || opened.told.iter().any(|t| t.state == **s));
    let mut head = groups.keys.clone();
    head.extend(metrics.iter().map(|metric| column(metric).0));
    let some_early = (0..opened.runs.count()).any(|group| opened.runs.early(group).is_some());
    head.extend(some_early.then(|| STOPPED.to_owned()));
    head.push("runs".into());
    head.extend(states.clone().map(|state| state.word().to_owned()));
    let row = |group: usize| {
        let mut cells: Vec<Cell> = groups.values[group].iter().map(|v| Cell::written(v)).collect();
        for metric in &metrics {
            let values = opened.finals(group, metric);
            let cell = |(mean, _)| Cell::told(shown(metric, &values), mean);
            cells.push(words::mean_sd(&values).map_or(Cell::default(), cell));
        }
        cells.extend(some_early.then(|| Cell::number(opened.runs.early(group).map(|epoch| epoch as f64))));
        cells.push(Cell::number(Some(opened.group(group).count() as f64)));
        for state in states.clone() {
            let n = opened.group(group).filter(|t| t.state == *state).count();
            cells.push(Cell { tone: if n > 0 { Tone::Bad } else { Tone::Plain }, ..Cell::number(Some(n as f64)) });
        }
        cells
    };
    let rows = verdict::ranked(opened).into_iter().map(row).collect();
    let order = if verdict::same_task(opened) { "the best first" } else { "in the order given, since tasks differ" };
    let caption = format!("Keys of the config that tell the runs apart, and what they came to, {order}");
    vec![Block::Table(Table { caption, head, rows })]
}

fn against(opened: &Opened) -> Vec<Block> {
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    for (group, label) in opened.runs.groups.labels.iter().enumerate() {
        let Some(run) = opened.group(group).find_map(|t| opened.run(t)) else { continue };
        for held in published::held(run) {
            let (name, unit, factor) = measure(held.metric);
            let ours = opened.finals(group, held.metric);
            let ours =
                if ours.is_empty() { "none".to_owned() } else { words::with_unit(&shown(held.metric, &ours), unit) };
            let sd = held.deviation.map_or(String::new(), |sd| format!(" \u{b1} {}", words::short(sd * factor)));
            let theirs = format!("{}{sd} {unit}", words::short(held.value * factor));
            let same = |answer: &str| if answer.starts_with("yes") { Tone::Good } else { Tone::Open };
            rows.push(vec![
                Cell::text(label),
                Cell::text(format!("{} ({})", held.what, held.source)),
                Cell::text(name),
                Cell::told(theirs, held.value),
                Cell::text(ours),
                Cell::toned(same(&held.net), held.net),
                Cell::toned(same(&held.protocol), held.protocol),
            ]);
        }
    }
    if rows.is_empty() {
        return vec![Block::Text("No published number is known for this task and learner.".into())];
    }
    let head =
        ["config", "published", "metric", "there", "here", "same net?", "same protocol?"].map(String::from).to_vec();
    vec![Block::Table(Table {
        caption: "Published numbers, and whether they are of the same thing".into(),
        head,
        rows,
    })]
}

fn reproduce(opened: &Opened, extra: &Extra) -> Vec<Block> {
    let mut blocks = Vec::new();
    let with_command: Vec<&Told> = opened.told.iter().filter(|t| !t.info.argv.is_empty()).collect();
    let mut commands: Vec<String> = with_command.iter().map(|t| words::command(&t.info.argv)).collect();
    commands.sort();
    commands.dedup();
    let left = commands.len().saturating_sub(100);
    commands.truncate(100);
    if left > 0 {
        commands.push(format!("# and {left} more, in each run.json"));
    }
    let code = |label: String, language, text| Block::Code { label, language, text, open: false };
    if !commands.is_empty() {
        let (label, text, open) = ("Commands of the runs".into(), commands.join("\n"), commands.len() <= MOST_COMMANDS);
        blocks.push(Block::Code { label, language: "sh", text, open });
    }
    let mut versions: Vec<String> =
        with_command.iter().map(|t| format!("apical {}, commit {}", t.info.version, t.info.commit)).collect();
    versions.sort();
    versions.dedup();
    blocks.extend((!versions.is_empty()).then(|| Block::Text(format!("They were made by {}.", versions.join("; ")))));
    let groups = &opened.runs.groups;
    for (group, label) in groups.labels.iter().enumerate().take(MOST_CONFIGS) {
        let Some(run) = opened.group(group).find_map(|t| opened.run(t)) else { continue };
        let of = if *label == run.name { String::new() } else { format!(" ({})", run.name) };
        if let Ok(config) = read::resolved_config(&run.path) {
            blocks.push(code(format!("Config of {label}{of}, every default filled in"), "toml", config));
        }
    }
    if groups.labels.len() > MOST_CONFIGS {
        let left = groups.labels.len() - MOST_CONFIGS;
        blocks.push(Block::Text(format!("{left} more configs are in their folders, in config.resolved.toml.")));
    }
    blocks.extend(
        (!extra.argv.is_empty()).then(|| code("Command of this report".into(), "sh", words::command(&extra.argv))),
    );
    blocks
}

fn cite(extra: &Extra) -> Vec<Block> {
    let mut blocks = Vec::new();
    if !extra.bibtex.is_empty() {
        let (label, text) = ("BibTeX of apical and of all methods used".into(), extra.bibtex.clone());
        blocks.push(Block::Code { label, language: "bibtex", text, open: false });
    }
    blocks.extend((!extra.citing.is_empty()).then(|| Block::List(extra.citing.clone())));
    blocks
}
