//! The fields of a sweep file, each described once, as those of a config are in `fields.rs`.

use super::fields::{f, t};
use super::registry::{Field, Kind, Table};

const ALL: &[&str] = &[];

/// All tables in the order of the reference page.
#[rustfmt::skip] // a table: two lines a row say more than nine
pub const SWEEP_TABLES: &[Table] = &[
    t("sweep", "(root of a sweep file)", "Which experiment is varied, and how values are drawn."),
    t("sweep.range", "[vary] KEY = { .. }",
      "Values of a key that are not simply listed: a range, or values under a condition. Numbers of a range are rounded to \
      six significant digits."),
    t("sweep.stop", "[stop]", "Runs that fall behind are ended before their last epoch."),
    t("sweep.slurm", "[slurm]", "What `apical sweep submit --slurm` asks the cluster for; flags have the last word."),
];

/// All fields.
#[rustfmt::skip] // a table: two lines a row say more than nine
pub const SWEEP_FIELDS: &[Field] = &[
    f("sweep", "name", ALL, Kind::Text, "", "",
      "Name of the sweep and of its folder. Without it: the name of the file.", "\"lag\""),
    f("sweep", "experiment", ALL, Kind::Text, "", "",
      "Required. A preset, or a TOML file by its path from the sweep file's folder. Its traces, events and figures are left \
      out unless [set] or [vary] ask for them.", "\"digits\""),
    f("sweep", "method", ALL, Kind::Choice(&["grid", "random", "sobol", "bayes"]), "", "\"grid\"",
      "How values are combined: all with all; drawn at random; a scrambled Sobol sequence, which fills the space evenly; or \
      searched, what is tried next following from what was found.",
      "\"sobol\""),
    f("sweep", "samples", ALL, Kind::Count(1), "", "",
      "How many combinations are drawn, or tried by a search; grid: absent.", "50"),
    f("sweep", "sampler_seed", ALL, Kind::Count(0), "", "0",
      "Seed of the draws; grid: without effect.", "1"),
    f("sweep", "seeds", ALL, Kind::Count(1), "", "1",
      "Runs of each combination, with seeds from the experiment's on. For a list of seeds of your own vary `seed`.", "5"),
    f("sweep", "metric", ALL, Kind::Text, "", "\"validation.error\"",
      "The metric by which runs are ranked; never one of test.", "\"validation.loss\""),
    f("sweep", "goal", ALL, Kind::Choice(&["minimise", "maximise"]), "", "\"minimise\"",
      "What is better.", "\"maximise\""),
    f("sweep", "at", ALL, Kind::Choice(&["best", "last"]), "", "\"best\"",
      "Which value of a run counts: the best over training, or the last.", "\"last\""),
    f("sweep", "retries", ALL, Kind::Count(0), "", "2",
      "How often a run is tried again after it crashed. One that diverged is a result.", "5"),
    f("sweep", "set", ALL, Kind::Changes, "", "",
      "Keys of the config that are the same in all runs.", "{ train.epochs = 3 }"),
    f("sweep", "variant", ALL, Kind::Changes, "", "",
      "Settings with names of their own: each table [variant.NAME] is laid over the experiment, all with all of [vary].",
      "{ slow = { train.epochs = 9 }, lagless = { time.lag = 0.0 } }"),
    f("sweep", "vary", ALL, Kind::Changes, "", "",
      "Keys of the config, each with an array of values or a table.", "{ plasticity.eta_ip = [0.001, 0.002] }"),
    f("sweep", "zip", ALL, Kind::Changes, "", "",
      "Groups of keys that vary together: arrays of one length, taken value by value.",
      "{ rates = { plasticity.eta_ip = [0.001, 0.002], plasticity.eta_pi = [0.002, 0.004] } }"),
    f("sweep", "stop", ALL, Kind::Table("sweep.stop"), "", "",
      "When to end runs early; absent: never.", "{ first = 3 }"),
    f("sweep", "slurm", ALL, Kind::Table("sweep.slurm"), "", "",
      "Requests of jobs; absent: the cluster's defaults.", "{ time = \"04:00:00\" }"),
    f("sweep.range", "values", ALL, Kind::Values, "", "",
      "The values, an array; this form is for those under a condition.", "[0.1, 0.2]"),
    f("sweep.range", "linear", ALL, Kind::Numbers, "", "",
      "From and to, evenly spaced or drawn.", "[0.0, 30.0]"),
    f("sweep.range", "log", ALL, Kind::Numbers, "", "",
      "From and to, both above 0, evenly spaced or drawn in the logarithm.", "[1e-4, 1e-2]"),
    f("sweep.range", "steps", ALL, Kind::Count(1), "", "",
      "How many values the range is cut into, both ends among them; grid: required.", "7"),
    f("sweep.range", "integer", ALL, Kind::Flag, "", "false",
      "Round to integers.", "true"),
    f("sweep.range", "only_if", ALL, Kind::Changes, "", "",
      "Vary the key only where other keys have these values; elsewhere it stays as the experiment has it.",
      "{ \"learner.kind\" = \"microcircuit\" }"),
    f("sweep.stop", "rule", ALL, Kind::Choice(&["halving", "median"]), "", "\"halving\"",
      "halving: at `first`, `first` * `factor`, ... epochs only the best 1/`factor` of the runs that came so far go on. \
      median: a run that is worse at an epoch than the median of what the others, which have ended, had there is ended.",
      "\"median\""),
    f("sweep.stop", "first", ALL, Kind::Count(1), "epochs", "1",
      "Epochs that every run makes.", "3"),
    f("sweep.stop", "factor", ALL, Kind::Count(2), "", "3",
      "halving: one of how many goes on.", "4"),
    f("sweep.stop", "every", ALL, Kind::Count(1), "epochs", "1",
      "median: epochs from one look to the next.", "5"),
    f("sweep.stop", "others", ALL, Kind::Count(1), "runs", "5",
      "median: how many others must have come to the epoch before a run is ended.", "10"),
    f("sweep.slurm", "time", ALL, Kind::Text, "", "",
      "Time limit of a task, as sbatch takes it.", "\"04:00:00\""),
    f("sweep.slurm", "partition", ALL, Kind::Text, "", "",
      "Partition.", "\"short\""),
    f("sweep.slurm", "account", ALL, Kind::Text, "", "",
      "Account.", "\"neuro\""),
    f("sweep.slurm", "array_size", ALL, Kind::Count(1), "tasks", "10",
      "Tasks of the array; each makes runs until none is left.", "100"),
    f("sweep.slurm", "at_once", ALL, Kind::Count(1), "tasks", "",
      "At most so many tasks at a time; absent: all.", "20"),
    f("sweep.slurm", "cpus", ALL, Kind::Count(1), "cores", "1",
      "Cores of a task.", "4"),
    f("sweep.slurm", "memory", ALL, Kind::Text, "", "",
      "Memory of a task, as sbatch takes it.", "\"2G\""),
    f("sweep.slurm", "notice", ALL, Kind::Count(1), "s", "60",
      "How long before the time limit a task is told to save and to be queued again.", "120"),
    f("sweep.slurm", "extra", ALL, Kind::Texts, "", "[]",
      "More options of sbatch, as they are.", "[\"--qos=low\"]"),
];
