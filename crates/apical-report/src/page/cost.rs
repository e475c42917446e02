//! What runs cost.

use super::model::{Block, Cell, Table};
use super::opened::{Opened, Told};
use super::words;

type Column = (&'static str, fn(&Told) -> Cell);

const COLUMNS: [Column; 11] = [
    ("time", |t| time(t.info.seconds)),
    ("training", |t| time(t.info.cost.training_seconds)),
    ("an epoch", |t| time(epoch(t))),
    ("slowest epoch", |t| time(t.info.cost.slowest_epoch_seconds)),
    ("presentations a second", |t| rate(t.info.cost.presentations, t.info.cost.training_seconds)),
    ("steps a second", |t| rate(t.info.cost.steps, t.info.cost.training_seconds)),
    ("peak memory", |t| told(t.info.cost.peak_memory_bytes as f64, words::bytes)),
    ("threads", |t| Cell::number(Some(t.info.threads as f64).filter(|n| *n > 0.0))),
    ("precision", |t| Cell::text(&t.info.precision)),
    ("plan", |t| Cell::text(&t.info.plan)),
    ("CPU", |t| Cell::text(&t.info.cpu)),
];

/// A row for each run; what no run tells has no column.
pub fn blocks(opened: &Opened) -> Vec<Block> {
    let told: Vec<&Told> = opened.told.iter().filter(|t| t.place.is_some()).collect();
    let rows: Vec<Vec<Cell>> = told.iter().map(|t| COLUMNS.iter().map(|(_, of)| of(t)).collect()).collect();
    let shown: Vec<usize> = (0..COLUMNS.len()).filter(|&i| rows.iter().any(|row| !row[i].text.is_empty())).collect();
    let mut head = vec!["run".to_owned()];
    head.extend(shown.iter().map(|&i| COLUMNS[i].0.to_owned()));
    let row = |(t, cells): (&&Told, Vec<Cell>)| {
        let mut row = vec![Cell::text(&t.name)];
        row.extend(shown.iter().map(|&i| cells[i].clone()));
        row
    };
    let rows = told.iter().zip(rows).map(row).collect();
    let table = Table { caption: "What each run cost".into(), head, rows };
    let says = "Time is of the whole run, training without evaluations and checkpoints at the ends of epochs, both over the sessions that \
        ended by themselves or were asked to stop. Steps are Euler's; peak memory is the process's.";
    vec![Block::Table(table), Block::Text(says.into())]
}

fn told(value: f64, words: fn(f64) -> String) -> Cell {
    if value > 0.0 { Cell::told(words(value), value) } else { Cell::default() }
}

fn time(seconds: f64) -> Cell {
    told(seconds, words::seconds)
}

fn rate(count: u64, seconds: f64) -> Cell {
    told(if seconds > 0.0 { count as f64 / seconds } else { 0.0 }, words::round_number)
}

/// Mean seconds of training in an epoch; 0: not told.
fn epoch(told: &Told) -> f64 {
    let (info, cost) = (&told.info, told.info.cost);
    let presentations = info.presentations as f64 / info.epochs as f64;
    if (cost.presentations as f64) < presentations {
        return 0.0;
    }
    let seconds = cost.training_seconds / cost.presentations as f64 * presentations;
    if seconds.is_finite() { seconds } else { 0.0 }
}
