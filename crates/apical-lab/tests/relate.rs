//! What learners would do at the same weights: angles that theory knows, who is left out, what is refused.

use apical_lab::check::Context;
use apical_lab::compare::{Comparison, check};
use apical_lab::config::{Source, report};
use apical_lab::relate::{Ended, Matrix, Options, Plan, Point, Relation, relate};
use apical_lab::run::{Quiet, Stop};

const SHARED: &str = "name = \"small\"\nprecision = \"f64\"\n[network]\nsizes = [64, 9, 8, 10]\n[network.start]\n\
    pp = \"fan-in\"\npb = \"transpose\"\nip = \"self-predicting\"\npi = \"self-predicting\"\n\
    [task]\nkind = \"digits\"\n[train]\nbatch = 5\nepochs = 1\n[plasticity]\neta_pp = 0.1\neta_ip = 0.1\n";
/// The weakest nudge of theory's claim: lambda_N = 0.01 / 1.11.
const WEAK: &str = "[solver]\nkind = \"steady\"\n[conductances]\ng_som_output = 0.01\n";

fn comparison(text: &str) -> Comparison {
    let source = Source::new("small.toml", text, ".");
    check(&source, &[], None, None, &Context::default()).unwrap_or_else(|d| panic!("{}", report(&d, false)))
}

fn options() -> Options {
    Options { samples: 20, limit_samples: 0, inverse_steps: 10, threads: 2 }
}

fn plan(text: &str, options: Options) -> Plan {
    let c = comparison(text);
    Plan::new(&c.name, &c.entries, None, options).unwrap_or_else(|e| panic!("{e}"))
}

fn at_start(plan: &Plan) -> Relation {
    match relate(plan, &[plan.start()], &Stop::default(), &mut Quiet) {
        Ok(Ended::Done(relation)) => relation,
        other => panic!("{other:?}"),
    }
}

fn between(m: &Matrix, layer: usize, a: &str, b: &str) -> f64 {
    let index = |name: &str| m.names.iter().position(|n| n == name).unwrap_or_else(|| panic!("{name}: {:?}", m.names));
    m.at(layer, index(a), index(b))
}

#[test]
fn feedback_alignment_through_the_transposed_weights_is_backprop() {
    let relation = at_start(&plan(&format!("{SHARED}[compare]\n[learner.bp]\n[learner.fa]\n"), options()));
    let m = &relation.matrices[0];
    assert_eq!((m.layers.len(), relation.failed), (4, false));
    for layer in 0..4 {
        // Two codes, the same products in another order.
        assert!(between(m, layer, "bp", "fa") < 1e-10, "{layer}");
        assert_eq!(between(m, layer, "fa", "bp"), between(m, layer, "bp", "fa"));
        assert_eq!(between(m, layer, "fa", "fa"), 0.0);
    }
}

#[test]
fn a_weakly_nudged_circuit_is_backprop_of_the_matching_loss_with_every_solver() {
    let relation = at_start(&plan(&format!("{SHARED}{WEAK}[compare]\n[learner.microcircuit]\n"), options()));
    let m = &relation.matrices[0];
    assert_eq!(m.names, ["microcircuit two-step", "microcircuit steady", "microcircuit settled", "bp of matching"]);
    for layer in 0..4 {
        for name in &m.names[..3] {
            // Theory's bound at lambda_N = 0.01; all layers as one vector adds what the mixing factors do to their sizes.
            let found = between(m, layer, name, "bp of matching");
            assert!(layer == 3 || found < 0.5, "{name}, layer {layer}: {found}");
        }
    }
}

#[test]
fn every_curve_comes_to_its_limit() {
    let text = format!("{SHARED}{WEAK}[compare]\n[learner.microcircuit]\n[learner.ep]\n[learner.pc]\n[learner.dtp]\n");
    let relation = at_start(&plan(&text, Options { limit_samples: 4, ..options() }));
    assert!(!relation.failed, "{:?}", relation.notes);
    let mut curves = 0;
    for layer in ["1", "2", "3", "all"] {
        let own: Vec<&Point> = relation.limits.iter().filter(|p| p.layer == layer).collect();
        let mut methods: Vec<(&str, &str)> = own.iter().map(|p| (p.method.as_str(), p.parameter)).collect();
        methods.sort_unstable();
        methods.dedup();
        for (method, parameter) in methods.into_iter().filter(|(m, _)| !m.contains("switch")) {
            let points: Vec<&&Point> =
                own.iter().filter(|p| (p.method.as_str(), p.parameter) == (method, parameter)).collect();
            // After one step of inference no error has reached the first of three layers: there is no angle.
            let points: Vec<&&Point> = points.into_iter().filter(|p| p.degrees.is_finite()).collect();
            let (first, last) = (points[0], points[points.len() - 1]);
            // Three decades, of first order at least: a thousandth, within a factor 30; what is exact is rounding.
            let what = format!("{method}, {parameter}, layer {layer}: {first:?} {last:?}");
            assert!(last.degrees < 0.03 * first.degrees + 1e-6, "{what}");
            assert!((last.norm_ratio - 1.0).abs() < 0.02, "{what}");
            curves += 1;
        }
    }
    // two-step, steady, settled; three nudgings; precision and T; the target's step.
    assert_eq!(curves, 4 * 9);
}

#[test]
fn without_attenuation_the_circuit_has_one_row() {
    let solver = "[solver]\nkind = \"two-step\"\nattenuation = \"none\"\n\
        mixing = { output = 0.01, interneuron = 0.1, hidden = 0.3 }\n";
    let relation = at_start(&plan(&format!("{SHARED}{solver}[compare]\n[learner.microcircuit]\n"), options()));
    let m = &relation.matrices[0];
    assert_eq!(m.names, ["microcircuit two-step", "bp of matching"]);
    assert!((0..3).all(|layer| m.at(layer, 0, 1) < 0.5), "{m:?}");
}

#[test]
fn a_learner_with_another_network_is_left_out_with_a_word() {
    let text = format!(
        "{SHARED}[compare]\n[learner.bp]\n[learner.wide]\nkind = \"bp\"\n\
        [learner.wide.set]\n\"network.sizes\" = [64, 20, 10]\n"
    );
    let plan = plan(&text, options());
    assert_eq!(plan.participants.len(), 1);
    assert!(plan.left_out[0].contains("wide") && plan.left_out[0].contains("64-20-10"), "{:?}", plan.left_out);
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let c = comparison(&format!("{SHARED}[compare]\n[learner.bp]\n[learner.fa]\n"));
    let refused = |trained: Option<&str>, options: Options| match Plan::new(&c.name, &c.entries, trained, options) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("{trained:?} {options:?}"),
    };
    assert!(refused(Some("dfa"), options()).contains("bp, fa"));
    assert!(refused(None, Options { samples: 0, ..options() }).contains("--samples"));
    assert!(refused(None, Options { samples: 1_000_000, ..options() }).contains("allowed: 1 to"));
    assert!(refused(None, Options { limit_samples: 1_000_000, ..options() }).contains("--limit-samples"));
}
