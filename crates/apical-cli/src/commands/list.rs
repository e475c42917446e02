//! `apical list`: what there is, from the registries that configs are read with.

use crate::failure::Outcome;
use crate::table::columns;
use crate::terminal::Terminal;
use apical::kernels::Activation;
use apical::solvers::euler::plan::WAYS;
use apical::tasks::TASKS;
use apical::{learners, solvers};
use apical_lab::config::{PRESETS, SWEEPS};
use apical_report::figures::FIGURES;
use clap::ValueEnum;
use serde_json::{Map, Value, json};

const AFTER_HELP: &str = "\
Examples:
  apical list
  apical list experiments";

/// Arguments of `list`.
#[derive(clap::Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// What to list; without it: everything
    #[arg(value_enum)]
    what: Option<What>,
}

/// Kinds of things.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    /// Presets, for `apical run`
    Experiments,
    /// Sweeps, for `apical sweep`
    Sweeps,
    /// How potentials are found: solver.kind
    Solvers,
    /// In which way the steps of euler are computed: solver.plan
    Plans,
    /// Who assigns credit: learner.kind
    Learners,
    /// What is learned: task.kind
    Tasks,
    /// From potential to rate: network.activation
    Activations,
    /// Figures of runs, for `apical plot`
    Figures,
}

impl What {
    const ALL: [What; 8] = [
        What::Experiments,
        What::Sweeps,
        What::Solvers,
        What::Plans,
        What::Learners,
        What::Tasks,
        What::Activations,
        What::Figures,
    ];

    fn title(self) -> &'static str {
        match self {
            What::Experiments => "experiments",
            What::Sweeps => "sweeps",
            What::Solvers => "solvers",
            What::Plans => "plans",
            What::Learners => "learners",
            What::Tasks => "tasks",
            What::Activations => "activations",
            What::Figures => "figures",
        }
    }

    /// Names and descriptions.
    fn entries(self) -> Vec<(&'static str, &'static str)> {
        match self {
            What::Experiments => PRESETS.iter().map(|preset| (preset.name, preset.about)).collect(),
            What::Sweeps => SWEEPS.iter().map(|sweep| (sweep.name, sweep.about)).collect(),
            What::Solvers => solvers::NAMES.to_vec(),
            What::Plans => WAYS.to_vec(),
            What::Learners => learners::NAMES.to_vec(),
            What::Tasks => TASKS.iter().map(|task| (task.name, task.about)).collect(),
            What::Activations => Activation::ALL.iter().map(|phi| (phi.name(), phi.formula())).collect(),
            What::Figures => FIGURES.iter().map(|figure| (figure.name, figure.about)).collect(),
        }
    }
}

/// Runs the command.
pub fn run(args: &Args, terminal: &Terminal) -> Outcome {
    let chosen: Vec<What> = What::ALL.into_iter().filter(|what| args.what.is_none_or(|one| one == *what)).collect();
    let json = || {
        let list = |what: &What| {
            let entries = what.entries().into_iter().map(|(name, about)| json!({"name": name, "about": about}));
            (what.title().to_owned(), entries.collect::<Value>())
        };
        Value::Object(chosen.iter().map(list).collect::<Map<_, _>>())
    };
    let text = || {
        let several = chosen.len() > 1;
        let indent = if several { "  " } else { "" };
        let width = chosen.iter().flat_map(|what| what.entries()).map(|(name, _)| name.len()).max().unwrap_or(0);
        let block = |what: &What| {
            let row = |(name, about): (&str, &str)| vec![format!("{indent}{name:<width$}"), about.to_owned()];
            let rows: Vec<Vec<String>> = what.entries().into_iter().map(row).collect();
            let title = if several { format!("{}\n", what.title()) } else { String::new() };
            title + &columns(&rows)
        };
        chosen.iter().map(block).collect::<Vec<_>>().join("\n")
    };
    terminal.result(json, text)?;
    Ok(0)
}
