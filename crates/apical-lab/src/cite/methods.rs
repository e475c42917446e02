//! Where each method comes from: by the key of a config and its value.

/// Where a method comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// These publications, by key.
    Papers(&'static [&'static str]),
    /// These publications say what is computed; how, is apical's own.
    Ours(&'static [&'static str]),
    /// The user knows.
    Users,
}

/// A value of a key of the config, and where it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Method {
    /// The key, as in `learner.kind`.
    pub key: &'static str,
    /// Its value, or "" for any.
    pub value: &'static str,
    /// Where it comes from.
    pub origin: Origin,
}

use Origin::{Ours, Papers, Users};

const CIRCUIT: &[&str] = &["sacramento2018", "urbanczik2014"];

/// All of them. Every learner, solver and task has a line; other choices have one where somebody published them.
pub const METHODS: &[Method] = &[
    m("learner.kind", "microcircuit", Papers(CIRCUIT)),
    m("learner.kind", "bp", Papers(&["rumelhart1986"])),
    m("learner.kind", "fa", Papers(&["lillicrap2016"])),
    m("learner.kind", "dfa", Papers(&["nokland2016"])),
    m("learner.kind", "sign-symmetric", Papers(&["liao2016"])),
    m("learner.kind", "ep", Papers(&["scellier2017"])),
    m("learner.kind", "pc", Papers(&["whittington2017"])),
    m("learner.kind", "dtp", Papers(&["lee2015"])),
    m("learner.dynamics", "primitive", Papers(&["ernoult2019"])),
    m("learner.nudging", "centred", Papers(&["laborieux2021"])),
    m("learner.schedule", "incremental", Papers(&["salvatori2024"])),
    m("learner.schedule", "zero-divergence", Papers(&["song2020"])),
    m("learner.inverse", "learned", Papers(&["meulemans2020"])),
    m("learner.inverse", "exact", Papers(&["bengio2014"])),
    m("optimiser.kind", "sgd", Papers(&["robbins1951"])),
    m("optimiser.kind", "momentum", Papers(&["polyak1964"])),
    m("optimiser.kind", "adam", Papers(&["kingma2015"])),
    m("optimiser.kind", "adamw", Papers(&["kingma2015", "loshchilov2019"])),
    m("optimiser.clip", "", Papers(&["pascanu2013"])),
    m("train.schedule", "cosine", Papers(&["loshchilov2017"])),
    m("solver.kind", "euler", Papers(CIRCUIT)),
    m("solver.kind", "adaptive", Ours(CIRCUIT)),
    m("solver.kind", "steady", Ours(CIRCUIT)),
    m("solver.kind", "two-step", Papers(&["sacramento2018"])),
    m("network.activation", "soft_relu", Papers(&["sacramento2018"])),
    m("network.activation", "softplus", Papers(&["dugas2001"])),
    m("network.activation", "relu", Papers(&["nair2010"])),
    m("network.activation", "leaky_relu", Papers(&["maas2013"])),
    m("network.activation", "gelu", Papers(&["hendrycks2016"])),
    m("task.kind", "patterns", Papers(&["sacramento2018"])),
    m("task.kind", "single", Papers(&["sacramento2018"])),
    m("task.kind", "teacher", Papers(&["sacramento2018"])),
    m("task.kind", "yin-yang", Papers(&["kriener2022"])),
    m("task.kind", "mnist", Papers(&["lecun1998"])),
    m("task.kind", "digits", Papers(&["alpaydin1998"])),
    m("task.kind", "file", Users),
];

const fn m(key: &'static str, value: &'static str, origin: Origin) -> Method {
    Method { key, value, origin }
}

impl Origin {
    /// Keys of the publications.
    pub fn papers(self) -> &'static [&'static str] {
        match self {
            Papers(list) | Ours(list) => list,
            Users => &[],
        }
    }
}
