//! Comparisons: which experiment each learner becomes, and what is refused.

use apical_lab::check::{self, Context, canonical};
use apical_lab::compare::{Comparison, check, is_comparison};
use apical_lab::config::{Diagnostic, Override, PRESETS, Source, preset, report};
use apical_lab::experiment::{AlgorithmSpec, LearnerSpec};

fn compare(text: &str, names: Option<&[&str]>, seeds: Option<u64>) -> Result<Comparison, String> {
    set(text, names, seeds, &[])
}

fn set(text: &str, names: Option<&[&str]>, seeds: Option<u64>, sets: &[&str]) -> Result<Comparison, String> {
    let source = Source::new("mine.toml", text, ".");
    let overrides: Vec<_> = sets.iter().map(|s| Override::set(*s)).collect();
    let names: Option<Vec<String>> = names.map(|list| list.iter().map(|name| (*name).to_owned()).collect());
    check(&source, &overrides, names.as_deref(), seeds, &Context::default()).map_err(|d| report(&d, false))
}

fn good(text: &str) -> Comparison {
    compare(text, None, None).unwrap_or_else(|message| panic!("{message}"))
}

/// The id of a plain experiment.
fn plain(text: &str) -> String {
    let source = Source::new("plain.toml", text, ".");
    let checked = check::check(&source, &[], &Context::default());
    canonical(&checked.unwrap_or_else(|d| panic!("{}", report(&d, false))).experiment).unwrap()
}

const SHARED: &str = "seed = 3\n[network]\nsizes = [64, 32, 10]\nbias_rate = 1\n[task]\nkind = \"digits\"\n";
const CIRCUIT: &str = "[network.start]\npp = \"fan-in\"\npb = 5.0\nip = \"self-predicting\"\npi = \"self-predicting\"\n\
    [solver]\nkind = \"two-step\"\n[time]\ndt = 0.05\n[conductances]\ng_A = 0.28\n\
    [plasticity]\neta_pp = 0.1\neta_ip = 0.42\n[record.soma]\nevery = 10\n";

#[test]
fn every_learner_becomes_the_experiment_that_one_would_write_for_it() {
    let text = format!(
        "{SHARED}{CIRCUIT}[[phase]]\nepochs = 2\ntarget = false\n[[phase]]\nepochs = 3\n[[phase]]\nepochs = 4\n\
        [compare]\nseeds = 2\n[learner.microcircuit]\n[learner.bp]\n[learner.bp.optimiser]\nrate = 0.3\n\
        [learner.ours]\nkind = \"fa\"\nlabel = \"feedback\"\n[learner.seen]\nkind = \"bp\"\nattenuation = \"conductances\"\n"
    );
    let c = good(&text);
    assert_eq!((c.name.as_str(), &c.seeds[..]), ("mine", &[3, 4][..]));
    let both = [3, 4].map(|seed| canonical(&c.entries[0].seeded(seed)).unwrap());
    assert_eq!(c.entries[0].canonicals(&[3, 4]).unwrap(), both);
    let names: Vec<_> = c.entries.iter().map(|e| (e.name.as_str(), e.label.as_str())).collect();
    assert_eq!(names, [("microcircuit", "microcircuit"), ("bp", "bp"), ("ours", "feedback"), ("seen", "seen")]);
    let phases = "[[phase]]\nepochs = 2\ntarget = false\n[[phase]]\nepochs = 3\n[[phase]]\nepochs = 4\n";
    let written = [
        format!("{SHARED}{CIRCUIT}{phases}"),
        format!(
            "{SHARED}[network.start]\npp='fan-in'\n[train]\nepochs = 7\n[learner]\nkind='bp'\n[learner.optimiser]\nrate=0.3\n"
        ),
        format!("{SHARED}[network.start]\npp='fan-in'\npb=5.0\n[train]\nepochs = 7\n[learner]\nkind='fa'\n"),
        format!(
            "{SHARED}[network.start]\npp='fan-in'\n[train]\nepochs = 7\n[learner]\nkind='bp'\nattenuation='conductances'\n\
            [conductances]\ng_A = 0.28\n"
        ),
    ];
    for (entry, written) in c.entries.iter().zip(&written) {
        assert_eq!(canonical(&entry.experiment).unwrap(), plain(written), "{}", entry.name);
        assert_eq!(entry.experiment.name, format!("mine-{}", entry.name));
        assert_eq!(canonical(&entry.seeded(4)).unwrap(), plain(&written.replace("seed = 3", "seed = 4")));
    }
}

#[test]
fn what_differs_for_one_learner_differs_for_it_alone() {
    let text = format!(
        "{SHARED}[train]\nepochs = 9\nbatch = 10\n[compare]\n[learner.bp]\n\
        [learner.single]\nkind = \"bp\"\nset = {{ \"network.sizes\" = [64, 10], \"train.epochs\" = 5 }}\n\
        [learner.nested]\nkind = \"bp\"\nset = {{ network.sizes = [64, 10], train = {{ epochs = 5 }}, task = \"digits\" }}\n\
        [learner.readout]\nkind = \"bp\"\nfrozen = [1]\n"
    );
    let c = good(&text);
    let [bp, single, nested, readout] = &c.entries[..] else { panic!("four learners") };
    assert_eq!((&bp.experiment.network.sizes[..], bp.experiment.phases[0].epochs), (&[64, 32, 10][..], 9));
    assert_eq!((&single.experiment.network.sizes[..], single.experiment.phases[0].epochs), (&[64, 10][..], 5));
    assert_eq!(single.experiment.train.batch, 10, "the rest of the table stays");
    assert_eq!(canonical(&single.experiment).unwrap(), canonical(&nested.experiment).unwrap());
    let LearnerSpec::Trained(t) = &readout.experiment.learner else { panic!("bp is trained") };
    assert_eq!((&t.algorithm, &t.optimiser.frozen[..]), (&AlgorithmSpec::Bp, &[1][..]));
}

#[test]
fn a_plain_experiment_is_compared_with_others_at_their_defaults() {
    let digits = preset("digits").unwrap();
    let names = ["bp".to_owned(), "microcircuit".to_owned(), "fa".to_owned()];
    let c = check(&digits, &[], Some(&names), Some(1), &Context::default()).unwrap();
    let [bp, own, fa] = &c.entries[..] else { panic!("three learners") };
    let alone = check::check(&digits, &[], &Context::default()).unwrap().experiment;
    assert_eq!(canonical(&own.experiment).unwrap(), canonical(&alone).unwrap());
    assert!(bp.experiment.expect.is_empty() && fa.experiment.expect.is_empty(), "[expect] speaks of the config's own");
    assert_eq!(bp.experiment.phases[0].epochs, alone.phases[0].epochs);
    assert_eq!(c.seeds, [0]);
    assert!(!is_comparison(&digits));
    let message = check(&digits, &[], None, None, &Context::default()).map_err(|d| report(&d, false)).unwrap_err();
    assert!(message.contains("--learners"), "{message}");
}

#[test]
fn overrides_reach_one_learner_or_all() {
    let text = format!("{SHARED}[compare]\n[learner.bp]\n[learner.fa]\n");
    let c = set(&text, None, None, &["learner.bp.optimiser.rate=0.7", "train.epochs=4", "compare.seeds=1"]).unwrap();
    let rate = |i: usize| match &c.entries[i].experiment.learner {
        LearnerSpec::Trained(t) => t.optimiser.rate[0],
        LearnerSpec::Microcircuit => panic!("both are trained"),
    };
    assert_eq!((rate(0), rate(1), c.entries[1].experiment.phases[0].epochs, c.seeds.len()), (0.7, 0.1, 4, 1));
    let message = set(&text, None, None, &["learner.bp.optimiser.rate=-1"]).unwrap_err();
    assert!(message.contains("`learner.bp.optimiser.rate` cannot be -1") && message.contains("--set"), "{message}");
}

#[test]
fn bad_comparisons_are_refused_with_what_is_allowed() {
    let with = |rest: &str| format!("{SHARED}{rest}");
    for (rest, names, seeds, parts) in [
        ("[compare]\n[learner.dtpp]\n", None, None, &["`learner.dtpp` says no kind", "did you mean `dtp`?"][..]),
        ("[compare]\nlearners = ['bp', 'dfaa']\n", None, None, &["unknown learner \"dfaa\"", "did you mean `dfa`?"]),
        ("[compare]\nlearners = []\n", None, None, &["no learners to compare"]),
        ("[compare]\n", None, None, &["no learners to compare"]),
        ("[compare]\nlearners = ['bp', 'bp']\n", None, None, &["named twice"]),
        ("[compare]\nlearners = 3\n", None, None, &["`compare.learners` cannot be 3"]),
        ("[compare]\nseeds = 0\n[learner.bp]\n", None, None, &["`compare.seeds` cannot be 0", "from 1 on"]),
        ("[compare]\nlerners = ['bp']\n[learner.bp]\n", None, None, &["unknown key `compare.lerners`", "learners"]),
        ("[compare]\n[learner]\nkind = 'bp'\n", None, None, &["`learner.kind` is no learner", "[learner.NAME]"]),
        ("[compare]\n[learner.optimiser]\nrate = 1\n", None, None, &["[learner.bp.optimiser]"]),
        ("[compare]\n[learner.bp]\nbeta = 1\n", None, None, &["`learner.bp.beta` does not go with"]),
        ("[compare]\n[learner.x]\nkind = 'pb'\n", None, None, &["`learner.x.kind` cannot be \"pb\"", "\"bp\""]),
        ("[compare]\n[learner.bp]\nset = 3\n", None, None, &["`learner.bp.set` cannot be 3"]),
        ("[compare]\n[learner.bp]\nset = { \"network.szies\" = [1] }\n", None, None, &["unknown key `network.szies`"]),
        ("[compare]\n[learner.bp]\nset = { seed = 1 }\n", None, None, &["cannot set `seed`", "the same seeds"]),
        ("[compare]\n[learner.bp]\nset = { \"solver.kind\" = 'euler' }\n", None, None, &["[solver] means nothing"]),
        ("[compare]\n[learner.\"a b\"]\nkind = 'bp'\n", None, None, &["cannot be called \"mine-a b\""]),
        ("[compare]\n[learner.bp]\n[learner.fa]\nlabel = 'bp'\n", None, None, &["has the label \"bp\" too"]),
        ("[compare]\n[learner.bp]\n", Some(&["bp", "fq"][..]), None, &["unknown learner \"fq\"", "--learners"]),
        ("[compare]\n[learner.bp]\n", Some(&["fa", "fa"][..]), None, &["named twice", "--learners"]),
        ("[compare]\n[learner.bp]\n", None, Some(0), &["0 seeds", "--seeds"]),
        ("[compare]\n[learner.bp]\n", None, Some(1 << 40), &["seeds", "10000"]),
        ("compare = 3\n", None, None, &["`task.compare`"]),
    ] {
        let message = compare(&with(rest), names, seeds).unwrap_err();
        for part in parts {
            assert!(message.contains(part), "{rest}: {part} is not in\n{message}");
        }
    }
    let message = compare("compare = 3\n", None, None).unwrap_err();
    assert!(message.contains("`compare` cannot be 3"), "{message}");
    let seeds =
        compare(&with("[compare]\n[learner.bp]\n").replace("seed = 3", "seed = 18446744073709551615"), None, None);
    assert!(seeds.unwrap_err().contains("5 seeds from 18446744073709551615 on"));
}

#[test]
fn errors_of_all_learners_are_told_at_once_and_each_once() {
    let text = "[network]\nsizes = [64, 32, 9]\nsigam = 1\n[task]\nkind = \"digits\"\n[solver]\nkind = \"tow-step\"\n[compare]\n\
        learners = [\"bp\", \"fa\", \"sign-symmetric\"]\n[learner.bp]\nfrozen = [7]\n[learner.fa.optimiser]\nrat = 1\n\
        [learner.dfa]\nfeedback = -1\n";
    let message = compare(text, None, None).unwrap_err();
    for part in [
        "`network.sizes` has 9",
        "unknown key `network.sigam`",
        "`solver.kind` cannot be \"tow-step\"",
        "`learner.bp.frozen`",
        "unknown key `learner.fa.optimiser.rat`",
        "`learner.dfa.feedback` cannot be -1",
    ] {
        assert_eq!(message.matches(part).count(), 1, "{part} in\n{message}");
    }
    assert!(message.trim_end().ends_with("6 errors"), "{message}");
}

#[test]
fn a_comparison_is_no_single_experiment() {
    let source = Source::new("mine.toml", format!("{SHARED}[compare]\n[learner.bp]\n"), ".");
    assert!(is_comparison(&source));
    let message = report(&check::check(&source, &[], &Context::default()).unwrap_err(), false);
    assert!(message.contains("apical compare") && message.trim_end().ends_with("1 error"), "{message}");
}

#[test]
fn presets_that_are_comparisons_check_without_warnings() {
    let mut found = 0;
    for source in PRESETS.iter().map(|p| preset(p.name).unwrap()).filter(is_comparison) {
        let machine = Context { mnist_dir: Some(".".into()), ..Context::default() };
        let c = check(&source, &[], None, None, &machine).unwrap_or_else(|d| panic!("{}", report(&d, false)));
        // Hill's published rates cannot keep the self-prediction, as in the preset h20-yin-yang.
        let published = source.name == "compare-yin-yang";
        let expected = |w: &Diagnostic| published && w.title.contains("eta_ip");
        assert!(c.warnings.iter().all(expected), "{}: {}", source.name, report(&c.warnings, false));
        found += 1;
    }
    assert!(found > 0);
}
