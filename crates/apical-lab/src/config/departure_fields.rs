//! The fields of [departures], each described once, as those of the other tables are in `fields.rs`.

use super::fields::{f, t};
use super::registry::{Field, Kind, Table};

const ALL: &[&str] = &[];

/// Its table, and no other.
#[rustfmt::skip] // a table: two lines a row say more than nine
pub const DEPARTURE_TABLES: &[Table] = &[
    t("departures", "[departures]",
      "Where the steps of euler depart from Sacramento et al. 2018: what the code of a thesis that did not reproduce the paper \
      does, and the program that it grew from, each to be switched on alone; and what takes one part of hidden cells' errors away, \
      to see what the learning lag is for. All off: the circuit of the paper. They are computed in plain loops."),
];

/// Its fields, and the key of the table.
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
];
