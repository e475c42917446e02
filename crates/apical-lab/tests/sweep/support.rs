//! What tests of sweeps share: a folder with an experiment, and a worker that tells what it made.

#![allow(dead_code)] // each test file uses a part

use apical_lab::check::Context;
use apical_lab::config::{Source, report};
use apical_lab::folder::RunInfo;
use apical_lab::plan;
use apical_lab::run::{Options, Progress, Quiet, Stop};
use apical_lab::sweep::table::{Cell, Table, collect};
pub use apical_lab::sweep::work::Manner;
use apical_lab::sweep::work::{self, work};
use apical_lab::sweep::{Layout, Plan, Spec};
use apical_lab::{Error, Experiment};
use std::sync::Mutex;
use std::time::Duration;

pub const BASE: &str = "task = { kind = \"patterns\", train = 3 }\n[network]\nsizes = [3, 2, 2]\n[time]\npresentation = 2.0\n\
    [plasticity]\neta_ip = 0.001\neta_pi = 0.002\n[train]\nepochs = 4\n[record]\nsoma = { every = 5 }\n";

/// A folder with `base.toml`, and a sweep of it.
pub struct Place {
    pub dir: tempfile::TempDir,
}

impl Place {
    pub fn new() -> Place {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("base.toml"), BASE).unwrap();
        Place { dir }
    }

    pub fn read(&self, text: &str) -> Result<Spec, String> {
        let text =
            if text.contains("experiment =") { text.to_owned() } else { format!("experiment = \"base.toml\"\n{text}") };
        let source = Source::new("mine.toml", text, self.dir.path());
        Spec::read(&source).map_err(|list| report(&list, false))
    }

    pub fn spec(&self, text: &str) -> Spec {
        self.read(text).unwrap_or_else(|message| panic!("{message}"))
    }

    pub fn path(&self, name: &str) -> String {
        self.dir.path().join(name).display().to_string()
    }

    pub fn layout(&self, name: &str) -> Layout {
        Layout::new(self.dir.path(), name)
    }
}

pub fn planned(spec: &Spec) -> Plan {
    match Plan::compute(spec, &Context::default()) {
        Ok((plan, _)) => plan,
        Err(trouble) => panic!("{trouble:?}"),
    }
}

/// Counts what it is told.
#[derive(Default)]
pub struct Counting {
    pub made: Mutex<Vec<String>>,
    pub notes: Mutex<Vec<String>>,
}

impl work::Board for Counting {
    fn progress<'a>(&'a self, _: usize, _: &'a str) -> Box<dyn Progress + 'a> {
        Box::new(Quiet)
    }

    fn ended(&self, _: usize, name: &str, how: &str) {
        if !how.is_empty() && how != "made by another worker" {
            self.made.lock().unwrap().push(name.to_owned());
        }
    }

    fn note(&self, line: &str) {
        self.notes.lock().unwrap().push(line.to_owned());
    }
}

pub fn manner(jobs: usize) -> Manner {
    let options = Options { threads: 1, stop: Stop::default(), allow_different_bits: false };
    Manner { jobs, options, stale: Duration::from_secs(60), wait: true, most: None }
}

pub fn info(e: &Experiment) -> Result<RunInfo, Error> {
    Ok(RunInfo { plan: plan::describe(e), ..RunInfo::default() })
}

pub fn make(spec: &Spec, layout: &Layout, manner: &Manner) -> Counting {
    let board = Counting::default();
    let plan = Plan::open(spec, layout, &Context::default(), true).unwrap().0;
    let done = work(spec, &plan.runs, layout, &Context::default(), manner, &info, &board);
    assert!(done.is_ok(), "{done:?}");
    board
}

pub fn table(spec: &Spec, layout: &Layout) -> Table {
    let plan = Plan::open(spec, layout, &Context::default(), true).unwrap().0;
    collect(spec, &plan, layout, false).unwrap()
}

/// A column of numbers.
pub fn numbers(table: &Table, name: &str) -> Vec<f64> {
    let number = |cell: &Cell| if let Cell::Number(x) = cell { *x } else { panic!("{name}: {cell:?}") };
    table.column(name).unwrap().iter().map(number).collect()
}
