//! What a report says, section by section.

use super::converged::{self, Course};
use super::model::{Block, Cell, Page, Section, Table};
use super::opened::{Opened, State, Told};
use super::{Extra, charts, pictures, published, words};
use apical_lab::record::read;

/// Configs and commands beyond this number are left to their folders.
const MOST_CONFIGS: usize = 8;
/// What the lower it is the better; the first that the runs of a group have is their score.
const SCORES: [&str; 5] = ["test.error", "validation.error", "test.loss", "validation.loss", "train.loss"];
/// The same over time.
const COURSES: [&str; 4] = ["validation.error", "validation.loss", "train.error", "train.loss"];

/// The page of opened folders.
pub fn page(opened: &Opened, extra: &Extra) -> Page {
    let (mut learning, mut diagnostics) = (charts::learning(opened), charts::diagnostics(opened));
    charts::thin(&mut learning.iter_mut().chain(&mut diagnostics).collect::<Vec<_>>());
    let or = |blocks: Vec<Block>, otherwise: &str| {
        if blocks.is_empty() { vec![Block::Text(otherwise.into())] } else { blocks }
    };
    let mut curves: Vec<Block> = learning.into_iter().map(|chart| Block::Chart(Box::new(chart))).collect();
    curves = or(curves, "Not recorded: runs have curves if the task has targets, once the first interval has ended.");
    curves.push(Block::Text(converged::RULE.into()));
    let no_diagnostics =
        "Not recorded: a microcircuit with hidden layers has them, and record.angles adds angles to every learner.";
    let diagnostics = or(diagnostics.into_iter().map(|chart| Block::Chart(Box::new(chart))).collect(), no_diagnostics);
    let section = |id, title, blocks| Section { id, title, blocks };
    let mut sections = vec![
        section("runs", "Runs", vec![Block::Table(runs(opened))]),
        section("differences", "What differs", differences(opened)),
        section("curves", "Curves", curves),
        section("diagnostics", "Diagnostics", diagnostics),
        section("figures", "Figures and traces", pictures::pictures(opened)),
        section("published", "Held against what is published", against(opened)),
        section("cost", "Cost", cost(opened)),
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
    Page { title: title(opened), verdict: verdict(opened), sections }
}

fn title(opened: &Opened) -> String {
    let mut names: Vec<&str> = opened.told.iter().map(|t| t.info.name.as_str()).filter(|n| !n.is_empty()).collect();
    names.extend(opened.relations.runs.iter().map(|run| run.name.as_str()));
    names.sort_unstable();
    names.dedup();
    let all = opened.told.len() + opened.relations.runs.len();
    let named = if names.len() > 3 {
        format!("{} and {} more", names[..3].join(", "), names.len() - 3)
    } else {
        names.join(", ")
    };
    format!("{named}: {all} {}", if all == 1 { "run" } else { "runs" })
}

/// Error in percent, with its words.
fn told(metric: &str) -> (String, f64) {
    let words = metric.replace('.', " ");
    if metric.ends_with(".error") { (format!("{words} (%)"), 100.0) } else { (words, 1.0) }
}

fn verdict(opened: &Opened) -> Vec<String> {
    let line = |(group, label): (usize, &String)| {
        let all: Vec<&Told> = opened.group(group).collect();
        let count = |state| all.iter().filter(|t| t.state == state).count();
        let of = |n: usize| format!("{n} {}", if n == 1 { "run" } else { "runs" });
        let mut parts = Vec::new();
        let score = SCORES.iter().map(|m| (m, opened.finals(group, m))).find(|(_, values)| !values.is_empty());
        match score {
            Some((metric, values)) => {
                let (name, factor) = told(metric);
                let values: Vec<f64> = values.into_iter().map(|v| v * factor).collect();
                let over = if values.len() > 1 {
                    format!(" (mean and standard deviation over {} runs)", values.len())
                } else {
                    String::new()
                };
                parts.push(format!("{name} {}{over}", words::spread(&values)));
            }
            None => parts.push("no error and no loss recorded".into()),
        }
        let seconds: Vec<f64> = all.iter().map(|t| t.info.seconds).filter(|s| *s > 0.0).collect();
        if let Some((mean, _)) = words::mean_sd(&seconds) {
            parts.push(format!("{} a run", words::seconds(mean)));
        }
        let courses: Vec<Course> = all.iter().filter_map(|t| course(opened, t)).collect();
        for kind in [Course::Converged, Course::Falling, Course::Worse, Course::Short] {
            match courses.iter().filter(|c| **c == kind).count() {
                0 => {}
                _ if all.len() == 1 => parts.push(kind.words().into()),
                n => parts.push(format!("{} {n} of {}", kind.words(), all.len())),
            }
        }
        for state in [State::Failed, State::Unfinished] {
            if count(state) > 0 {
                parts.push(format!("{} {}", of(count(state)), state.word()));
            }
        }
        format!("{label}: {}.", parts.join("; "))
    };
    let mut lines: Vec<String> = opened.runs.groups.labels.iter().enumerate().map(line).collect();
    let damaged = opened.told.iter().filter(|t| t.state == State::Damaged).count();
    if damaged > 0 {
        lines.push(format!("{damaged} of {} folders cannot be read; see below.", opened.told.len()));
    }
    lines
}

fn course(opened: &Opened, told: &Told) -> Option<Course> {
    let metrics = opened.run(told)?.metrics().ok()?;
    COURSES.iter().find_map(|name| metrics.get(name)).map(converged::course)
}

fn problems(opened: &Opened) -> Vec<String> {
    let own = |told: &Told| {
        let damaged = (told.state == State::Damaged).then(|| told.reason.clone());
        damaged.into_iter().chain(told.problems.clone()).map(|p| format!("{}: {p}", told.name)).collect::<Vec<_>>()
    };
    opened.told.iter().flat_map(own).collect()
}

fn runs(opened: &Opened) -> Table {
    let metrics = ["test.error", "validation.error", "test.loss", "validation.loss", "train.loss", "epochs"];
    let shown: Vec<&str> =
        metrics.into_iter().filter(|m| opened.told.iter().any(|t| opened.last(t, m).is_some())).collect();
    let several = opened.runs.groups.labels.len() > 1;
    let mut head = vec!["run".to_owned()];
    head.extend(several.then(|| "config".to_owned()));
    head.extend(["seed".to_owned(), "state".to_owned()]);
    head.extend(shown.iter().map(|m| told(m).0));
    head.extend(["time (s)", "course", "reason"].map(String::from));
    let row = |t: &Told| {
        let mut cells = vec![Cell::text(&t.name)];
        let group = t.place.map_or("", |place| &opened.runs.groups.labels[opened.runs.groups.of[place]]);
        cells.extend(several.then(|| Cell::text(group)));
        cells.push(Cell::number(t.place.map(|_| t.info.seed as f64)));
        cells.push(Cell::text(t.state.word()));
        cells.extend(shown.iter().map(|m| Cell::number(opened.last(t, m).map(|v| v * told(m).1))));
        cells.push(Cell::number(Some(t.info.seconds).filter(|s| *s > 0.0)));
        cells.push(Cell::text(course(opened, t).map_or("", Course::words)));
        cells.push(Cell::text(&t.reason));
        cells
    };
    Table { caption: "All runs, with how they ended".into(), head, rows: opened.told.iter().map(row).collect() }
}

fn differences(opened: &Opened) -> Vec<Block> {
    let groups = &opened.runs.groups;
    if groups.labels.len() < 2 {
        let all = opened.runs.runs.len();
        let seeds = if all == 1 { "There is one run." } else { "The runs differ in their seeds alone, if at all." };
        return vec![Block::Text(seeds.into())];
    }
    let mut head = groups.keys.clone();
    head.push("runs".into());
    let row = |(group, values): (usize, &Vec<String>)| {
        let cell = |v: &String| Cell { text: v.clone(), number: v.parse().ok() };
        let mut cells: Vec<Cell> = values.iter().map(cell).collect();
        cells.push(Cell::number(Some(opened.group(group).count() as f64)));
        cells
    };
    let rows = groups.values.iter().enumerate().map(row).collect();
    vec![Block::Table(Table { caption: "Keys of the config that tell the runs apart".into(), head, rows })]
}

fn against(opened: &Opened) -> Vec<Block> {
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    for (group, label) in opened.runs.groups.labels.iter().enumerate() {
        let Some(run) = opened.group(group).find_map(|t| opened.run(t)) else { continue };
        for held in published::held(run) {
            let (name, factor) = told(held.metric);
            let ours: Vec<f64> = opened.finals(group, held.metric).iter().map(|v| v * factor).collect();
            let ours = if ours.is_empty() { "none".to_owned() } else { words::spread(&ours) };
            rows.push(vec![
                Cell::text(label),
                Cell::text(format!("{} ({})", held.what, held.source)),
                Cell::text(name),
                Cell::number(Some(held.value * factor)),
                Cell::text(ours),
                Cell::text(held.net),
                Cell::text(held.protocol),
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

fn cost(opened: &Opened) -> Vec<Block> {
    let head = ["run", "time (s)", "presentations a second", "threads", "precision", "plan", "CPU"].map(String::from);
    let row = |t: &Told| {
        let seconds = Some(t.info.seconds).filter(|s| *s > 0.0);
        let made = opened.run(t).and_then(|run| {
            let last = |s: &read::Series| s.when.last().map(|w| w.presentation);
            run.metrics().ok()?.series.iter().filter_map(last).max()
        });
        let pace = made.zip(seconds).map(|(made, seconds)| made as f64 / seconds);
        vec![
            Cell::text(&t.name),
            Cell::number(seconds),
            Cell::number(pace),
            Cell::number(Some(t.info.threads as f64).filter(|n| *n > 0.0)),
            Cell::text(&t.info.precision),
            Cell::text(&t.info.plan),
            Cell::text(&t.info.cpu),
        ]
    };
    let rows = opened.told.iter().filter(|t| t.place.is_some()).map(row).collect();
    let table = Table { caption: "What the runs cost, evaluations included".into(), head: head.to_vec(), rows };
    vec![Block::Table(table), Block::Text("Peak memory and circuit steps a second: not recorded by runs.".into())]
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
    let code = |label: String, language, text| Block::Code { label, language, text };
    if !commands.is_empty() {
        blocks.push(code("Commands of the runs".into(), "sh", commands.join("\n")));
    }
    let mut versions: Vec<String> =
        with_command.iter().map(|t| format!("apical {}, commit {}", t.info.version, t.info.commit)).collect();
    versions.sort();
    versions.dedup();
    blocks.extend((!versions.is_empty()).then_some(Block::List(versions)));
    let groups = &opened.runs.groups;
    for (group, label) in groups.labels.iter().enumerate().take(MOST_CONFIGS) {
        let Some(run) = opened.group(group).find_map(|t| opened.run(t)) else { continue };
        if let Ok(config) = read::resolved_config(&run.path) {
            blocks.push(code(format!("Config of {label}, every default filled in ({})", run.name), "toml", config));
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
        blocks.push(Block::Code { label, language: "bibtex", text });
    }
    blocks.extend((!extra.citing.is_empty()).then(|| Block::List(extra.citing.clone())));
    blocks
}
