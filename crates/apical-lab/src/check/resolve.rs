//! An experiment as canonical TOML: for people (with paths and comments), and for its identity (with contents of files
//! in place of their paths, without name and comments).

use super::departures;
use super::files::content_hash;
use super::resolve_learner::{optimiser, trained};
use crate::Error;
use crate::experiment::*;
use crate::plan;
use apical::circuit::Kind;
use apical::circuit::params::{LagKind, Mixing, NoiseScaling, Nudging};
use apical::tasks::{Coding, FileTargets, Scaling, Sizes, SplitSpec, TaskSpec};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// The experiment as complete TOML. Loaded and checked, it gives the same experiment again.
pub fn resolved_toml(experiment: &Experiment) -> String {
    // Without hashing no file is read, so nothing can fail.
    write(experiment, false).unwrap_or_default()
}

/// All of an experiment that changes results or files: what the id of its run is made of.
///
/// # Errors
/// A named data file cannot be read.
pub fn canonical(experiment: &Experiment) -> Result<String, Error> {
    write(experiment, true)
}

pub(super) struct Writer {
    out: String,
    identity: bool,
}

impl Writer {
    pub(super) fn table(&mut self, header: &str) {
        let _ = writeln!(self.out, "\n{header}");
    }

    pub(super) fn raw(&mut self, key: &str, value: impl std::fmt::Display) {
        let _ = writeln!(self.out, "{key} = {value}");
    }

    pub(super) fn float(&mut self, key: &str, x: f64) {
        self.raw(key, float(x));
    }

    pub(super) fn text(&mut self, key: &str, s: &str) {
        self.raw(key, quote(s));
    }

    pub(super) fn floats(&mut self, key: &str, list: &[f64]) {
        self.raw(key, array(list.iter().map(|&x| float(x))));
    }

    fn comment(&mut self, text: &str) {
        if !self.identity {
            let _ = writeln!(self.out, "# {text}");
        }
    }

    /// A path, or the hash of what lies there.
    fn file(&mut self, key: &str, path: &Path) -> Result<(), Error> {
        if self.identity {
            let hash = content_hash(path)?;
            self.text(&format!("{key}_sha256"), &hash);
        } else {
            self.text(key, &path.to_string_lossy());
        }
        Ok(())
    }
}

/// The shortest text that reads back as the same number.
pub(super) fn float(x: f64) -> String {
    format!("{x:?}")
}

pub(super) fn quote(s: &str) -> String {
    toml::Value::String(s.to_owned()).to_string()
}

pub(super) fn array(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

fn mixing(m: Mixing) -> String {
    format!("{{ output = {}, interneuron = {}, hidden = {} }}", float(m.output), float(m.interneuron), float(m.hidden))
}

fn write(e: &Experiment, identity: bool) -> Result<String, Error> {
    let mut w = Writer { out: String::new(), identity };
    if !identity {
        w.text("name", &e.name);
    }
    w.raw("seed", e.seed);
    w.text("precision", e.precision.name());
    network(&mut w, e)?;
    match &e.learner {
        LearnerSpec::Microcircuit => {
            times(&mut w, e);
            solver(&mut w, e);
            w.table("[learner]");
            w.text("kind", "microcircuit");
            if let Some(o) = &e.optimiser {
                optimiser(&mut w, o);
            }
        }
        LearnerSpec::Trained(t) => trained(&mut w, t),
    }
    departures::write(&mut w, e);
    departures::write_imperfections(&mut w, e);
    task(&mut w, &e.task)?;
    training(&mut w, e);
    record(&mut w, e);
    Ok(w.out)
}

fn network(w: &mut Writer, e: &Experiment) -> Result<(), Error> {
    let n = &e.network;
    w.table("[network]");
    w.raw("sizes", array(n.sizes.iter().map(usize::to_string)));
    w.text("activation", n.activation.name());
    w.float("bias_rate", n.bias_rate);
    let circuit = e.learner == LearnerSpec::Microcircuit;
    if circuit {
        w.text("nudging", if n.nudging == Nudging::Conductance { "conductance" } else { "current" });
        w.float("sigma", e.noise.sigma);
        w.text("noise", if e.noise.scaling == NoiseScaling::EulerMaruyama { "euler-maruyama" } else { "step" });
    }
    w.table("[network.start]");
    match &e.start {
        StartWeights::File { sha256, .. } if w.identity => w.text("file_sha256", sha256),
        StartWeights::File { path, sha256 } => {
            w.text("file", &path.to_string_lossy());
            w.text("sha256", sha256);
        }
        StartWeights::Kinds(Starts { pp, bpp, pb, ip, bip, pi }) => {
            let has_hidden = n.sizes.len() > 2;
            for (key, start, exists) in [
                ("pp", pp, true),
                ("bpp", bpp, true),
                ("pb", pb, has_hidden && e.kinds().contains(&Kind::Wpb)),
                ("ip", ip, has_hidden && circuit),
                ("bip", bip, has_hidden && circuit),
                ("pi", pi, has_hidden && circuit),
            ] {
                match start {
                    _ if !exists => {}
                    Start::Uniform(a) => w.floats(key, a),
                    Start::FanIn => w.text(key, "fan-in"),
                    Start::SelfPredicting => w.text(key, "self-predicting"),
                    Start::Transpose(s) => w.raw(key, format!("{{ transpose = {} }}", float(*s))),
                }
            }
        }
    }
    let attenuated = match &e.learner {
        LearnerSpec::Microcircuit => !matches!(e.solver, SolverSpec::TwoStep(Attenuation::None(_))),
        LearnerSpec::Trained(t) => t.attenuated,
    };
    if !attenuated {
        return Ok(());
    }
    let g = &n.conductances;
    w.table("[conductances]");
    w.float("g_lk", g.g_lk);
    w.float("g_B", g.g_b);
    w.float("g_D", g.g_d);
    w.float("g_A", g.g_a);
    w.float("g_som_output", g.g_som_output);
    w.float("g_som_interneuron", g.g_som_interneuron);
    w.comment(&format!("mixing = {}", mixing(g.mixing())));
    Ok(())
}

fn times(w: &mut Writer, e: &Experiment) {
    let t = &e.timing;
    let euler = e.has_dynamics();
    w.table("[time]");
    w.float("dt", t.dt);
    w.float("tau_0", t.tau_0);
    w.float("presentation", t.presentation);
    if euler {
        w.raw("tau_target", t.tau_target.map_or(quote("none"), float));
        w.float("lag", t.lag);
        w.text("lag_kind", if t.lag_kind == LagKind::Filter { "filter" } else { "freeze" });
        w.float("window", t.window);
        let reset = [(t.reset_delta, "delta"), (t.reset_state, "state")];
        w.raw("reset", array(reset.into_iter().filter(|r| r.0).map(|r| quote(r.1))));
    }
    w.table("[plasticity]");
    w.raw("tau_w", e.tau_w.map_or(quote("none"), float));
}

fn solver(w: &mut Writer, e: &Experiment) {
    w.table("[solver]");
    match e.solver {
        SolverSpec::Euler(choice) => {
            w.text("kind", "euler");
            w.text("plan", plan::name(choice));
            if let Choice::Given(Way::Blocks(steps)) = choice {
                w.raw("block", steps);
            }
        }
        SolverSpec::Adaptive { tolerance } => {
            w.text("kind", "adaptive");
            w.float("tolerance", tolerance);
        }
        SolverSpec::Steady { tolerance, max_sweeps, on_no_fixed_point } => {
            w.text("kind", "steady");
            w.float("tolerance", tolerance);
            w.raw("max_sweeps", max_sweeps);
            w.text("on_no_fixed_point", if on_no_fixed_point == NoFixedPoint::Fail { "fail" } else { "skip" });
        }
        SolverSpec::TwoStep(attenuation) => {
            w.text("kind", "two-step");
            match attenuation {
                Attenuation::Conductances => w.text("attenuation", "conductances"),
                Attenuation::None(m) => {
                    w.text("attenuation", "none");
                    w.raw("mixing", mixing(m));
                    let g = apical::circuit::params::Conductances::default().with_mixing(m);
                    let teachers = (float(g.g_som_output), float(g.g_som_interneuron));
                    w.comment("what would mix so, beside g_lk = 0.1, g_B = g_D = 1 (not used: nothing is attenuated):");
                    w.comment(&format!(
                        "g_A = {}, g_som_output = {}, g_som_interneuron = {}",
                        float(g.g_a),
                        teachers.0,
                        teachers.1
                    ));
                }
            }
        }
    }
}

fn task(w: &mut Writer, task: &TaskSpec) -> Result<(), Error> {
    w.table("[task]");
    let coding = |w: &mut Writer, c: &Coding| {
        let (low, high) = (float(c.low), float(c.high));
        w.raw("target", format!("{{ low = {low}, high = {high}, as = \"potentials\" }}"));
    };
    let sets = |w: &mut Writer, s: &Sizes| {
        w.raw("train", s.train);
        w.raw("validation", s.validation);
        w.raw("test", s.test);
    };
    match task {
        TaskSpec::Patterns { low, high, sizes } => {
            w.text("kind", "patterns");
            w.float("low", *low);
            w.float("high", *high);
            sets(w, sizes);
        }
        TaskSpec::Single { low, high, target_low, target_high, presentations } => {
            w.text("kind", "single");
            w.float("low", *low);
            w.float("high", *high);
            w.float("target_low", *target_low);
            w.float("target_high", *target_high);
            w.raw("presentations", presentations);
        }
        // Its rates_as_target is written among the departures.
        TaskSpec::Teacher { layers, activation, gains, input, weight, rates_as_target: _, sizes } => {
            w.text("kind", "teacher");
            w.raw("layers", array(layers.iter().map(usize::to_string)));
            w.text("activation", activation.name());
            w.floats("gains", gains);
            w.float("input", *input);
            w.float("weight", *weight);
            sets(w, sizes);
        }
        TaskSpec::YinYang { coding: c, sizes } => {
            w.text("kind", "yin-yang");
            coding(w, c);
            sets(w, sizes);
        }
        TaskSpec::Mnist { dir, coding: c, range, train } => {
            w.text("kind", "mnist");
            if w.identity {
                for stem in ["train-images", "train-labels", "t10k-images", "t10k-labels"] {
                    w.file(stem, &mnist_file(dir, stem)?)?;
                }
            } else {
                w.text("dir", &dir.to_string_lossy());
            }
            coding(w, c);
            w.float("low", range.0);
            w.float("high", range.1);
            w.raw("train", train);
        }
        TaskSpec::Digits { coding: c } => {
            w.text("kind", "digits");
            coding(w, c);
        }
        TaskSpec::File {
            path,
            labels,
            test_path,
            test_labels,
            target_columns,
            targets,
            classes,
            split,
            scaling,
            sequence,
        } => {
            w.text("kind", "file");
            w.file("path", path)?;
            for (key, path) in [("labels", labels), ("test_path", test_path), ("test_labels", test_labels)] {
                if let Some(path) = path {
                    w.file(key, path)?;
                }
            }
            w.raw("target_columns", array(target_columns.iter().map(|s| quote(s))));
            match targets {
                FileTargets::Classes(c) => {
                    w.text("targets", "classes");
                    coding(w, c);
                    w.raw("classes", array(classes.iter().map(|s| quote(s))));
                }
                FileTargets::Potentials => w.text("targets", "potentials"),
                FileTargets::None => w.text("targets", "none"),
            }
            let shares = |v: f64, t: f64| {
                // With a test file the test share is not a choice.
                let test = if test_path.is_none() { format!(", test = {}", float(t)) } else { String::new() };
                format!("validation = {}{test}", float(v))
            };
            match split {
                SplitSpec::Shares { validation, test, seed } => {
                    w.raw("split", format!("{{ by = \"shares\", {}, seed = {seed} }}", shares(*validation, *test)));
                }
                SplitSpec::Tail { validation, test } => {
                    w.raw("split", format!("{{ by = \"tail\", {} }}", shares(*validation, *test)));
                }
            }
            w.text(
                "scaling",
                match scaling {
                    Scaling::None => "none",
                    Scaling::UnitInterval => "unit-interval",
                    Scaling::Standard => "standard",
                },
            );
            w.raw("sequence", sequence);
        }
    }
    Ok(())
}

/// The file of MNIST's folder whose name begins so, gzipped or not.
fn mnist_file(dir: &Path, stem: &str) -> Result<PathBuf, Error> {
    let entries = std::fs::read_dir(dir).map_err(|e| Error::machine(dir.display().to_string(), e))?;
    let files = entries.filter_map(|e| e.ok()).filter(|e| e.file_name().to_string_lossy().starts_with(stem));
    files.map(|e| e.path()).min().ok_or_else(|| {
        let found = format!("there is no file {stem}-idx*-ubyte or .gz");
        Error::input(dir.display().to_string(), found, "`apical data fetch` gets MNIST's four files")
    })
}

fn training(w: &mut Writer, e: &Experiment) {
    let t = &e.train;
    w.table("[train]");
    w.raw("batch", t.batch);
    w.float("decay", t.decay);
    w.text("schedule", t.schedule.name());
    w.raw("warmup", t.warmup);
    w.raw("validate_every", t.validate_every);
    w.raw("checkpoint_every", t.checkpoint_every);
    w.raw("keep_every", t.keep_every);
    w.text("loss", t.loss.name());
    w.float("divergence_bound", t.divergence_bound);
    if e.learner != LearnerSpec::Microcircuit {
        w.raw("epochs", e.phases[0].epochs);
        return;
    }
    for phase in &e.phases {
        w.table("[[phase]]");
        w.text("name", &phase.name);
        w.raw("epochs", phase.epochs);
        w.raw("target", phase.target);
        if phase.shuffled || !w.identity {
            w.raw("shuffled", phase.shuffled);
        }
        w.floats("eta_pp", &phase.rates.pp);
        w.floats("eta_ip", &phase.rates.ip);
        w.floats("eta_pi", &phase.rates.pi);
        w.floats("eta_pb", &phase.rates.pb);
    }
}

fn record(w: &mut Writer, e: &Experiment) {
    w.table("[record]");
    w.raw("interval", e.record.interval);
    w.raw("angles", e.record.angles);
    w.raw("figures", e.record.figures);
    // With their defaults the id is that of the versions that did not know them.
    if !e.record.confusion || !w.identity {
        w.raw("confusion", e.record.confusion);
    }
    if e.record.decision_map != 0 || !w.identity {
        w.raw("decision_map", e.record.decision_map);
    }
    if e.record.inference != 0 || !w.identity {
        w.raw("inference", e.record.inference);
    }
    if e.record.switches != 0 || !w.identity {
        w.raw("switches", e.record.switches);
    }
    if e.record.tensorboard || !w.identity {
        w.raw("tensorboard", e.record.tensorboard);
    }
    for trace in &e.record.traces {
        let is_weight = trace.quantity.contains('.');
        if is_weight {
            w.table(&format!("[record.weights.{}]", quote(&trace.quantity)));
        } else {
            w.table(&format!("[record.{}]", trace.quantity));
        }
        w.raw("every", trace.every);
        if is_weight {
            w.raw("pairs", array(trace.pairs.iter().map(|(i, j)| format!("[{i}, {j}]"))));
            if trace.mean || !w.identity {
                w.raw("mean", trace.mean);
            }
        } else {
            w.raw("layers", array(trace.layers.iter().map(usize::to_string)));
            match &trace.cells {
                Cells::All => w.text("cells", "all"),
                Cells::Chosen(cells) => w.raw("cells", array(cells.iter().map(usize::to_string))),
            }
        }
        let (from, to) = trace.window;
        w.raw("window", if to.is_finite() { format!("[{}, {}]", float(from), float(to)) } else { quote("all") });
    }
    for expectation in &e.expect {
        w.table(&format!("[expect.{}]", quote(&expectation.metric)));
        for (key, bound) in [("min", expectation.min), ("max", expectation.max)] {
            if let Some(bound) = bound {
                w.float(key, bound);
            }
        }
    }
}
