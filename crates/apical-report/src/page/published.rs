//! Published numbers that runs are held against, and whether it is the same net and the same protocol.

use apical_lab::record::Run;

/// A published number.
struct Published {
    /// Key of the publication.
    source: &'static str,
    /// What was measured.
    what: &'static str,
    task: &'static str,
    learner: &'static str,
    metric: &'static str,
    value: f64,
    /// Keys of the config and their values.
    net: &'static [(&'static str, &'static str)],
    protocol: &'static [(&'static str, &'static str)],
    /// What of the protocol was not published.
    unknown: &'static str,
}

/// All of them. Only what the publication itself states has a line.
const PUBLISHED: [Published; 2] = [
    Published {
        source: "sacramento2018",
        what: "MNIST, error on the test set, the microcircuit",
        task: "mnist",
        learner: "microcircuit",
        metric: "test.error",
        value: 0.0196,
        net: &[("network.sizes", "[784,500,500,10]"), ("network.activation", "\"logistic\"")],
        protocol: &[("solver.kind", "\"two-step\""), ("train.batch", "10"), ("task.train", "55000")],
        unknown: "length of training and learning rates",
    },
    Published {
        source: "sacramento2018",
        what: "MNIST, error on the test set, backpropagation",
        task: "mnist",
        learner: "bp",
        metric: "test.error",
        value: 0.0153,
        net: &[("network.sizes", "[784,500,500,10]")],
        protocol: &[("train.batch", "10"), ("task.train", "55000")],
        unknown: "length of training and learning rates",
    },
];

/// A run held against a published number.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// Key of the publication.
    pub source: &'static str,
    /// What was measured.
    pub what: &'static str,
    /// Its metric here.
    pub metric: &'static str,
    /// The published value.
    pub value: f64,
    /// `yes`, or which keys differ.
    pub net: String,
    /// `yes`, or which keys differ, and what is not known.
    pub protocol: String,
}

/// The numbers that a run can be held against.
pub fn held(run: &Run) -> Vec<Held> {
    let fits =
        |p: &&Published| run.settings.text("task.kind") == p.task && run.settings.text("learner.kind") == p.learner;
    let differ = |keys: &[(&str, &str)]| -> Vec<String> {
        let said = |key: &str| run.settings.get(key).unwrap_or("absent").replace(' ', "");
        let other = keys.iter().filter(|(key, value)| said(key) != *value);
        other.map(|(key, value)| format!("{key} = {}, there {value}", said(key))).collect()
    };
    let answer =
        |list: Vec<String>| if list.is_empty() { "yes".to_owned() } else { format!("no: {}", list.join("; ")) };
    let of = |p: &Published| Held {
        source: p.source,
        what: p.what,
        metric: p.metric,
        value: p.value,
        net: answer(differ(p.net)),
        protocol: format!("{} (not published: {})", answer(differ(p.protocol)), p.unknown),
    };
    PUBLISHED.iter().filter(fits).map(of).collect()
}
