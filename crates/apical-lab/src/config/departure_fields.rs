//! The fields of [departures] and [imperfections], each described once, as those of the other tables are in `fields.rs`.

use super::fields::{f, t};
use super::registry::{Field, Kind, Range, Table};

const ALL: &[&str] = &[];
const SHARE: Kind = Kind::Number(Range::Share);

/// Their tables, and no other.
#[rustfmt::skip] // a table: two lines a row say more than nine
pub const DEPARTURE_TABLES: &[Table] = &[
    t("departures", "[departures]",
      "Where the steps of euler depart from Sacramento et al. 2018: what the code of a thesis that did not reproduce the paper \
      does, and the program that it grew from, each to be switched on alone; and what takes one part of hidden cells' errors away, \
      to see what the learning lag is for. All off: the circuit of the paper. They are computed in plain loops."),
    t("imperfections", "[imperfections]",
      "What biology does not grant the circuit, to see how much of it learning stands. All but the blurred nudging acts on weights \
      between presentations, with every solver. Which synapses and cells are concerned follows from the seed."),
];

/// Their fields, and the keys of the tables.
#[rustfmt::skip] // a table: two lines a row say more than nine
pub const DEPARTURE_FIELDS: &[Field] = &[
    f("", "departures", ALL, Kind::Table("departures"), "", "",
      "Departures from the paper's circuit; absent: none.", "{ late_rules = true }"),
    f("departures", "rate_over_tau_w", ALL, Kind::Flag, "", "false",
      "Rates are divided by tau_w in place of the low-pass: W += dt/tau_w rule. The thesis'.", "true"),
    f("departures", "weight_decay", ALL, Kind::Flag, "", "false",
      "Weights whose rule is on decay in place of the low-pass: W += dt rule - dt/tau_w W; with `rate_over_tau_w` W += dt/tau_w \
      (rule - W). The ancestor's.", "true"),
    f("departures", "activation_on_input", ALL, Kind::Flag, "", "false",
      "phi is applied to the input as to any rate. The thesis' and the ancestor's.", "true"),
    f("departures", "late_rules", ALL, Kind::Flag, "", "false",
      "The rules take rates and dendritic potentials after the step, and the pattern in place of its low-pass. The thesis' and \
      the ancestor's.", "true"),
    f("departures", "divided_output_prediction", ALL, Kind::Flag, "", "false",
      "The output's rule attenuates its basal potential as if it had an apical dendrite, by g_B / (g_lk + g_B + g_A). The \
      thesis' and the ancestor's.", "true"),
    f("departures", "rates_as_target", ALL, Kind::Flag, "", "false",
      "The teacher's rates are used as target potentials, in training and in what is measured (task teacher only, any learner; \
      for classes `task.target.as` says it). The thesis' and the ancestor's.", "true"),
    f("departures", "summed_updates", ALL, Kind::Flag, "", "false",
      "An update is the sum over the samples of a minibatch in place of their mean. The thesis'.", "true"),
    f("departures", "without_soma_lag", ALL, Kind::Flag, "", "false",
      "Hidden cells' errors lack phi(u) - phi(vhat_B + lambda_A v_A): that the soma is not yet where its dendrites draw it.", "true"),
    f("departures", "without_apical_error", ALL, Kind::Flag, "", "false",
      "Hidden cells' errors lack what their apical dendrites would see, had there been no target since the switch.", "true"),
    f("departures", "without_teacher", ALL, Kind::Flag, "", "false",
      "Hidden cells' errors lack what the target has sent down since the switch.", "true"),
    f("", "imperfections", ALL, Kind::Table("imperfections"), "", "",
      "What the circuit's synapses and interneurons lack; absent: nothing.", "{ missing_synapses = 0.1 }"),
    f("imperfections", "unpredicted", ALL, SHARE, "", "0.0",
      "Share of the start weights from and to interneurons that is random: W <- (1 - p) W + p W', W' uniform with the root mean \
      square of W. 1: nothing of the self-predicting state is left.", "0.3"),
    f("imperfections", "missing_synapses", ALL, SHARE, "", "0.0",
      "Share of synapses that are absent for good, each drawn by itself; biases stay.", "0.2"),
    f("imperfections", "missing_interneurons", ALL, SHARE, "", "0.0",
      "Share of interneurons that reach no apical dendrite: there are fewer of them than cells above.", "0.2"),
    f("imperfections", "signs", ALL, Kind::Choice(&["free", "per-cell", "cortical"]), "", "\"free\"",
      "Signs of synapses (Dale's law), biases apart: any; one sign for each pyramidal cell, drawn for it, and the other for the \
      interneuron that predicts it; pyramidal cells excite and interneurons inhibit. What would change its sign stays at 0.", "\"per-cell\""),
    f("imperfections", "weight_noise", ALL, Kind::Number(Range::NonNegative), "", "0.0",
      "sigma: each presentation is made with weights W (1 + sigma xi), xi standard normal and new each time.", "0.1"),
    f("imperfections", "weight_step", ALL, Kind::Number(Range::NonNegative), "", "0.0",
      "Weights are multiples of this step, to which they are rounded after each presentation, up or down by chance so that their \
      mean stays. 0: any.", "0.01"),
    f("imperfections", "blurred_nudging", ALL, SHARE, "", "0.0",
      "Share of an interneuron's teacher that is the mean over all cells above in place of the one that it predicts (two-step, and \
      euler in plain loops).", "0.3"),
    f("imperfections", "delay", ALL, Kind::Number(Range::NonNegative), "ms", "0.0",
      "How late rates from the layers below and above, and the somas that nudge interneurons, are; what happens within a layer is at \
      once (euler in plain loops). A presentation begins as if the circuit had stood still.", "2.0"),
];
