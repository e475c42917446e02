//! The learner's part of a resolved config.

use super::resolve::{Writer, array, float, quote};
use crate::experiment::{AlgorithmSpec, TrainedSpec, optimiser};
use apical::learners::{dtp, ep, pc};

/// [learner] and [learner.optimiser].
pub(super) fn trained(w: &mut Writer, t: &TrainedSpec) {
    w.table("[learner]");
    w.text("kind", t.algorithm.name());
    w.text("attenuation", if t.attenuated { "conductances" } else { "none" });
    w.raw("frozen", array(t.optimiser.frozen.iter().map(usize::to_string)));
    match &t.algorithm {
        AlgorithmSpec::Bp | AlgorithmSpec::Fa | AlgorithmSpec::SignSymmetric => {}
        AlgorithmSpec::Dfa(o) => w.float("feedback", o.feedback),
        AlgorithmSpec::Ep(o) => {
            w.text("dynamics", if o.dynamics == ep::Dynamics::Energy { "energy" } else { "primitive" });
            let nudging = match o.nudging {
                ep::Nudging::Positive => "positive",
                ep::Nudging::Negative => "negative",
                ep::Nudging::Centred => "centred",
            };
            w.text("nudging", nudging);
            w.float("beta", o.beta);
            w.raw("free_steps", o.free_steps);
            w.raw("nudged_steps", o.nudged_steps);
            w.float("step", o.step);
            w.raw("tolerance", o.tolerance.map_or(quote("none"), float));
        }
        AlgorithmSpec::Pc(o) if o.schedule == pc::Schedule::ZeroDivergence => w.text("schedule", "zero-divergence"),
        AlgorithmSpec::Pc(o) => {
            w.text("schedule", if o.schedule == pc::Schedule::Incremental { "incremental" } else { "settled" });
            w.raw("inference_steps", o.steps);
            w.float("state_rate", o.rate);
            w.float("state_momentum", o.momentum);
            w.float("output_precision", o.output_precision);
        }
        AlgorithmSpec::Dtp(o) => {
            w.text("inverse", if o.inverse == dtp::Inverse::Exact { "exact" } else { "learned" });
            w.float("target_step", o.step);
            if o.inverse == dtp::Inverse::Learned {
                w.float("noise", o.noise);
                w.raw("draws", o.draws);
                w.float("feedback_rate", o.feedback_rate);
            }
        }
    }
    if t.algorithm.is_iterative() {
        w.float("unsettled_allowed", t.unsettled_allowed);
    }
    optimiser(w, &t.optimiser);
}

/// [learner.optimiser].
pub(super) fn optimiser(w: &mut Writer, o: &optimiser::Spec) {
    w.table("[learner.optimiser]");
    match o.rule {
        optimiser::Rule::Sgd => w.text("kind", "sgd"),
        optimiser::Rule::Momentum { momentum } => {
            w.text("kind", "momentum");
            w.float("momentum", momentum);
        }
        optimiser::Rule::Adam { beta1, beta2, epsilon, decoupled } => {
            w.text("kind", if decoupled { "adamw" } else { "adam" });
            w.float("beta1", beta1);
            w.float("beta2", beta2);
            w.float("epsilon", epsilon);
        }
    }
    w.floats("rate", &o.rate);
    w.float("weight_decay", o.weight_decay);
    w.raw("clip", o.clip.map_or(quote("none"), float));
}
