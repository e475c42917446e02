//! Published numbers that runs are held against, and whether it is the same net and the same protocol.

use apical_lab::record::Run;

/// A published number.
struct Published {
    /// Where it was published.
    source: &'static str,
    /// What was measured.
    what: &'static str,
    task: &'static str,
    learner: &'static str,
    metric: &'static str,
    value: f64,
    /// Its standard deviation, where one is stated.
    deviation: Option<f64>,
    /// Keys of the config and their values.
    net: &'static [Setting],
    /// The same, in parts that several share.
    protocol: [&'static [Setting]; 2],
    /// What of the protocol was not published, or is not ours.
    unknown: &'static str,
}

/// A key of the config, and its value as the config writes it.
type Setting = (&'static str, &'static str);

const MNIST: [Setting; 2] = [("task.train", "55000"), ("train.batch", "10")];
const S18_FIXED: [Setting; 6] = [
    ("solver.kind", "\"two-step\""),
    ("network.bias_rate", "1.0"),
    ("network.start.ip", "\"self-predicting\""),
    ("network.start.pi", "\"self-predicting\""),
    ("phase.0.eta_pb", "[0.0,0.0]"),
    ("phase.0.eta_pi", "[0.0,0.0]"),
];
const S18_PLASTIC: [Setting; 1] = [("solver.kind", "\"two-step\"")];
const S18_UNKNOWN: &str = "length of training, learning rates, mixing factors";
const H20_NET: [Setting; 5] = [
    ("network.sizes", "[4,120,3]"),
    ("network.activation", "\"logistic\""),
    ("conductances.g_A", "0.28"),
    ("conductances.g_som_output", "0.34"),
    ("conductances.g_som_interneuron", "0.34"),
];
const H20_UNKNOWN: &str = "the samples themselves";
const H20: [Setting; 12] = [
    ("network.bias_rate", "0.5"),
    ("task.train", "6000"),
    ("task.target.low", "0.1"),
    ("task.target.high", "1.0"),
    ("time.presentation", "100.0"),
    ("time.lag", "20.0"),
    ("time.tau_0", "3.0"),
    ("time.tau_target", "3.0"),
    ("time.window", "20.0"),
    ("plasticity.tau_w", "30.0"),
    ("phase.0.epochs", "45"),
    ("phase.0.eta_pp", "[6.1,0.00073]"),
];
const H20_PREDICTING: [Setting; 4] = [
    ("network.start.ip", "\"self-predicting\""),
    ("network.start.pi", "\"self-predicting\""),
    ("phase.0.eta_ip", "[0.00146]"),
    ("phase.0.eta_pi", "[0.0]"),
];
const H20_RANDOM: [Setting; 3] =
    [("network.start.ip", "[0.1]"), ("network.start.pi", "[1.0]"), ("phase.0.eta_pi", "[0.00042]")];

/// The microcircuit of Sacramento et al. 2018 on MNIST.
const fn s18(
    what: &'static str,
    learner: &'static str,
    value: f64,
    net: &'static [Setting],
    protocol: &'static [Setting],
) -> Published {
    let protocol: [&'static [Setting]; 2] = [&MNIST, protocol];
    let (source, task, metric) = ("Sacramento et al. 2018", "mnist", "test.error");
    Published { source, what, task, learner, metric, value, deviation: None, net, protocol, unknown: S18_UNKNOWN }
}

/// All of them. Only what the publication itself states has a line.
const PUBLISHED: [Published; 5] = [
    s18(
        "MNIST, microcircuit, feedback fixed",
        "microcircuit",
        0.0196,
        &[("network.sizes", "[784,500,500,10]"), ("network.activation", "\"logistic\"")],
        &S18_FIXED,
    ),
    s18("MNIST, backpropagation", "bp", 0.0153, &[("network.sizes", "[784,500,500,10]")], &[]),
    s18(
        "MNIST, microcircuit, everything plastic",
        "microcircuit",
        0.0248,
        &[("network.sizes", "[784,1000,10]")],
        &S18_PLASTIC,
    ),
    Published {
        source: "Hill 2020, Neuro-Backprop",
        what: "Yin-Yang, microcircuit, self-predicting start",
        task: "yin-yang",
        learner: "microcircuit",
        metric: "test.error",
        value: 0.033,
        deviation: Some(0.008),
        net: &H20_NET,
        protocol: [&H20, &H20_PREDICTING],
        unknown: H20_UNKNOWN,
    },
    Published {
        source: "Hill 2020, Neuro-Backprop",
        what: "Yin-Yang, microcircuit, random start, lateral weights plastic",
        task: "yin-yang",
        learner: "microcircuit",
        metric: "test.error",
        value: 0.028,
        deviation: Some(0.011),
        net: &H20_NET,
        protocol: [&H20, &H20_RANDOM],
        unknown: H20_UNKNOWN,
    },
];

/// A run held against a published number.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// Where it was published.
    pub source: &'static str,
    /// What was measured.
    pub what: &'static str,
    /// Its metric here.
    pub metric: &'static str,
    /// The published value.
    pub value: f64,
    /// Its standard deviation, where one is stated.
    pub deviation: Option<f64>,
    /// `yes`, or which keys differ.
    pub net: String,
    /// `yes`, or which keys differ, and what is not known.
    pub protocol: String,
}

/// The numbers that a run can be held against.
pub fn held(run: &Run) -> Vec<Held> {
    let fits =
        |p: &&Published| run.settings.text("task.kind") == p.task && run.settings.text("learner.kind") == p.learner;
    let differ = |keys: &[Setting]| -> Vec<String> {
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
        deviation: p.deviation,
        net: answer(differ(p.net)),
        protocol: format!("{} (not published: {})", answer(differ(&p.protocol.concat())), p.unknown),
    };
    PUBLISHED.iter().filter(fits).map(of).collect()
}
