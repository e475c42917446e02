//! Configs: bad ones give reviewed messages, presets give what they say, and everything made from the registry is whole.
//!
//! Each `tests/config/NAME.toml` has its messages in `NAME.txt`. A first line `# --set KEY=VALUE` is an override. After a change
//! of wording run with `BLESS=1` and read the difference.

use apical::circuit::departures::Departures;
use apical::tasks::TaskSpec;
use apical_lab::check::{Context, canonical, check, resolved_toml};
use apical_lab::config::fields::FIELDS;
use apical_lab::config::{self, Override, PRESETS, Severity, Source, explain, reference_markdown, report, schema};
use apical_lab::experiment::{Experiment, SolverSpec, Start, StartWeights, Starts};
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config")
}

/// A machine with MNIST and 16 GiB.
fn machine() -> Context {
    Context { mnist_dir: Some(folder()), looked_in: Vec::new(), memory: Some(16 << 30) }
}

/// The experiment of a good config without warnings.
fn good(text: &str, sets: &[&str]) -> Experiment {
    let overrides: Vec<_> = sets.iter().map(|s| Override::set(*s)).collect();
    let source = Source::new("good.toml", text, folder());
    check(&source, &overrides, &machine()).unwrap_or_else(|d| panic!("{}", report(&d, false))).experiment
}

/// The messages of a bad one.
fn bad(text: impl Into<Vec<u8>>, sets: &[&str]) -> String {
    let overrides: Vec<_> = sets.iter().map(|s| Override::set(*s)).collect();
    let source = Source::new("bad.toml", text, folder());
    match check(&source, &overrides, &machine()) {
        Ok(checked) => report(&checked.warnings, false),
        Err(d) => report(&d, false),
    }
}

/// Presets that are no comparisons.
fn single() -> impl Iterator<Item = &'static config::Preset> {
    PRESETS.iter().filter(|p| !apical_lab::compare::is_comparison(&config::preset(p.name).unwrap()))
}

const SMALL: &str =
    "task = \"digits\"\n[network]\nsizes = [64, 32, 10]\n[plasticity]\neta_pp = 0.001\neta_ip = 0.0023\n";

#[test]
fn bad_configs_give_their_reviewed_messages() {
    let mut cases: Vec<PathBuf> = std::fs::read_dir(folder()).unwrap().map(|e| e.unwrap().path()).collect();
    cases.retain(|p| p.extension().is_some_and(|e| e == "toml"));
    cases.sort();
    assert!(cases.len() >= 30, "only {} cases", cases.len());
    let mut wrong = Vec::new();
    for path in cases {
        let text = std::fs::read(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let source = Source::new(name.clone(), text.clone(), folder());
        let first = String::from_utf8_lossy(&text).lines().next().unwrap_or_default().to_owned();
        let overrides: Vec<_> = first.strip_prefix("# --set ").map(Override::set).into_iter().collect();
        let context = Context { mnist_dir: None, looked_in: vec!["/data/mnist".to_owned()], memory: Some(16 << 30) };
        let found = match check(&source, &overrides, &context) {
            Ok(checked) => checked.warnings,
            Err(diagnostics) => diagnostics,
        };
        assert!(!found.is_empty(), "{name}: nothing was found wrong");
        let found = report(&found, false).replace(&folder().display().to_string(), "FOLDER");
        let expected = path.with_extension("txt");
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&expected, &found).unwrap();
        } else if std::fs::read_to_string(&expected).unwrap_or_default() != found {
            wrong.push(format!("{name}:\n{found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn presets_check_and_warn_only_where_published_rates_cannot_keep_the_self_prediction() {
    for preset in single() {
        let source = config::preset(preset.name).unwrap();
        let checked = check(&source, &[], &machine()).unwrap_or_else(|d| panic!("{}", report(&d, false)));
        let warned = !checked.warnings.is_empty();
        let published = ["s18-mnist-published", "h20-yin-yang", "h20-yin-yang-short", "thesis-code-yin-yang"];
        let published = published.contains(&preset.name);
        assert_eq!(warned, published, "{}: {}", preset.name, report(&checked.warnings, false));
        assert!(checked.warnings.iter().all(|w| w.title.contains("eta_ip") && w.severity == Severity::Warning));
        assert_eq!(checked.experiment.name, preset.name);
    }
}

#[test]
fn a_resolved_config_gives_the_same_experiment() {
    let many = "[network]\nsizes=[5,4,3]\nsigma=0.2\nbias_rate=1\n[network.start]\npb={transpose=0.3}\nip='self-predicting'\n\
        pp=[0.1,0.2]\nbpp='fan-in'\n[conductances]\nfrom_mixing={output=0.1,interneuron=0.2,hidden=0.3}\n\
        [time]\nreset=['delta','state']\nlag=20\nlag_kind='filter'\ntau_target=3\nwindow=5\n[plasticity]\neta_pp=1e-9\neta_ip=4e-9\n\
        [task]\nkind='single'\n[record]\nsoma={cells=[0,2],every=3,window=[0.1,7]}\napical={}\ninput={}\n\
        weights.\"Wpb.1\"={pairs=[[0,1]]}\nweights.\"bip.1\"={}\n[expect.\"train.loss\"]\nmin=0.1\nmax=0.3\n[train]\nloss='rates'\n";
    let file = "[network]\nsizes=[4,3]\n[plasticity]\neta_pp=0.1\n[task]\nkind='file'\npath='empty.toml'\ntest_path='empty.toml'\n\
        target_columns=\"a \\\" b\"\nclasses=['x','y','z']\nscaling='standard'\n[solver]\nkind='steady'\n";
    let mut all = vec![good(many, &[]), good(file, &[]), good(file, &["task.sequence=true", "task.split={by='tail'}"])];
    let phases = "[[phase]]\nepochs=1\nshuffled=true\n[[phase]]\nepochs=2\neta_pp=0.1\n[record]\nswitches=3\n[departures]\nwithout_teacher=true\n";
    all.push(good(
        &format!("[network]\nsizes=[4,5,3]\n[task]\nkind='yin-yang'\n[plasticity]\neta_pp=0.1\neta_ip=1\n{phases}"),
        &[],
    ));
    let imperfect = "[imperfections]\nunpredicted=0.1\nmissing_synapses=0.2\nmissing_interneurons=1\nsigns='per-cell'\nweight_noise=2\n\
        weight_step=0.01\nblurred_nudging=0.3\ndelay=0.5\n";
    all.push(good(&format!("{SMALL}{imperfect}"), &[]));
    for preset in single() {
        let set = [Override::set("seed=18446744073709551615"), Override::precision("f64")];
        all.push(check(&config::preset(preset.name).unwrap(), &set, &machine()).unwrap().experiment);
    }
    let trained = "[network]\nsizes=[64,32,10]\nbias_rate=1\n[task]\nkind='digits'\n[train]\nschedule='linear'\nwarmup=2\nepochs=7\n\
        [record]\nangles=10\n";
    for learner in [
        "{kind='bp',attenuation='conductances',optimiser={kind='adamw',beta1=0.8,weight_decay=0.1,clip=3,rate=[1,2]}}",
        "{kind='dfa',feedback=0.3,frozen=[2],optimiser={kind='momentum',momentum=0.8}}",
        "{kind='ep',dynamics='energy',nudging='negative',beta=0.7,free_steps=9,nudged_steps=8,step=0.3,tolerance='none'}",
        "{kind='pc',schedule='incremental',inference_steps=9,state_rate=0.3,state_momentum=0.2,output_precision=0.5}",
        "{kind='pc',schedule='zero-divergence',unsettled_allowed=0.5}",
        "{kind='dtp',target_step=0.3,noise=0.2,draws=2,feedback_rate=0.7}",
        "{kind='dtp',inverse='exact'}",
        "{kind='microcircuit',optimiser={kind='adam',epsilon=1e-5}}",
        "sign-symmetric",
        "fa",
    ] {
        let set = format!("learner={learner}");
        let plastic = if learner.contains("microcircuit") { "[plasticity]\neta_pp=1\neta_ip=2.375\n" } else { "" };
        all.push(good(&format!("{trained}{plastic}"), &[set.as_str()]));
    }
    for experiment in all {
        let text = resolved_toml(&experiment);
        let again = check(&Source::new("resolved.toml", text.as_bytes(), "/"), &[], &machine());
        let again = again.unwrap_or_else(|d| panic!("{text}\n{}", report(&d, false))).experiment;
        assert_eq!(again, experiment, "{text}");
        assert_eq!(resolved_toml(&again), text);
    }
}

#[test]
fn identity_is_what_changes_results() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    write("a.csv", "x,y\n1,2\n");
    write("b.csv", "x,y\n1,2\n");
    write("c.csv", "x,y\n1,3\n");
    let id = |text: &str, sets: &[&str]| {
        let sets: Vec<_> = sets.iter().map(|s| Override::set(*s)).collect();
        let source = Source::new("x.toml", text, dir.path());
        canonical(&check(&source, &sets, &machine()).unwrap_or_else(|d| panic!("{}", report(&d, false))).experiment)
            .unwrap()
    };
    let config = "[network]\nsizes = [1, 2]\n[plasticity]\neta_pp = 0.1\n[task]\nkind = \"file\"\npath = \"a.csv\"\n";
    let base = id(config, &[]);
    assert_eq!(base, id(config, &["name=other"]));
    assert_eq!(base, id(config, &["task.path=b.csv"]), "the same content elsewhere");
    assert_eq!(base, id(&format!("# a comment\n{config}"), &["time.dt=0.1"]));
    for other in ["task.path=c.csv", "seed=1", "precision=f64", "record.interval=5", "expect.\"test.error\".max=0.5"] {
        assert_ne!(base, id(config, &[other]), "{other}");
    }
}

#[test]
fn overrides_reach_everywhere_and_their_errors_point_at_them() {
    let phases = "[[phase]]\nepochs = 1\n[[phase]]\nepochs = 2\nplastic = ['ip']\n";
    let e = good(&format!("{SMALL}{phases}"), &["phase.1.epochs=7", "name = run-one", "expect.\"test.error\".max=0.5"]);
    assert_eq!((e.phases[0].epochs, e.phases[1].epochs, e.name.as_str()), (1, 7, "run-one"));
    assert_eq!((e.phases[1].rates.pp[1], e.phases[1].rates.ip[0]), (0.0, 0.0023));
    assert_eq!(e.expect[0].max, Some(0.5));
    assert_eq!(e.phases.iter().map(|phase| phase.shuffled).collect::<Vec<_>>(), [false, false]);
    assert!(good(&format!("{SMALL}{phases}"), &["phase.1.shuffled=true"]).phases[1].shuffled);
    let id = |set: &[&str]| canonical(&good(&format!("{SMALL}{phases}"), set)).unwrap();
    assert_ne!(id(&[]), id(&["phase.1.shuffled=true"]), "another run");
    let untaught = ["phase.1.shuffled=true", "phase.1.target=false"];
    assert!(bad(format!("{SMALL}{phases}"), &untaught).contains("no targets of a set to shuffle"));
    let message = bad(SMALL, &["time.dt=-0.1"]);
    assert!(message.contains("--set") && message.contains("time.dt=-0.1") && message.contains("above 0"), "{message}");
    for (set, part) in [
        ("phase.2.epochs=1", "no element of an array of 2"),
        ("train.epochs=2", "phase.0.epochs"),
        ("nothing", "KEY=VALUE"),
        ("=3", "KEY=VALUE"),
        ("network.sizes.x.y=3", "no element"),
        ("seed.x=3", "which is no table"),
    ] {
        let message = bad(format!("seed = 1\n{SMALL}{phases}"), &[set]);
        assert!(message.contains(part) && message.contains("--set"), "{set}: {message}");
    }
}

#[test]
fn defaults_are_the_documented_ones() {
    let e = good(SMALL, &[]);
    assert_eq!((e.timing.dt, e.timing.tau_0, e.timing.presentation, e.tau_w), (0.1, 3.0, 100.0, Some(30.0)));
    let StartWeights::Kinds(Starts { pp, bip, .. }) = &e.start else { panic!("no file was named") };
    assert_eq!((pp, bip), (&Start::Uniform(vec![1.0, 1.0]), &Start::Uniform(vec![0.0])));
    assert!(e.phases[0].target && e.phases.len() == 1);
    let steady = good(SMALL, &["solver=steady", "precision=f64"]);
    assert!(matches!(steady.solver, SolverSpec::Steady { tolerance: 1e-10, .. }) && steady.tau_w.is_none());
    let patterns = good(SMALL, &["task=patterns"]);
    assert!(!patterns.phases[0].target);
}

/// Each departure is on only where it is asked for, has an id of its own, and steps in plain loops; without any the table
/// leaves no trace.
#[test]
fn departures_are_named_one_by_one() {
    let teacher = "[network]\nsizes=[3,4,2]\n[plasticity]\neta_pp=1e-3\neta_ip=2.375e-3\n[train]\nbatch=2\n\
        [task]\nkind='teacher'\nlayers=[3,4,2]\ngains=[1,1]\n[departures]\n";
    let none = good(teacher, &["departures.late_rules=false"]);
    assert!(!none.departures.any() && !canonical(&none).unwrap().contains("departures"));
    let fields = config::departure_fields::DEPARTURE_FIELDS.iter().filter(|f| f.table == "departures");
    let mut ids = vec![canonical(&none).unwrap()];
    for f in fields {
        let e = good(teacher, &[format!("{}=true", f.path()).as_str()]);
        let mut expected = Departures::default();
        match f.key {
            "rate_over_tau_w" => expected.rate_over_tau_w = Some(30.0),
            "weight_decay" => expected.weight_decay = Some(30.0),
            "activation_on_input" => expected.activation_on_input = true,
            "late_rules" => expected.late_rules = true,
            "divided_output_prediction" => expected.divided_output_prediction = true,
            "summed_updates" => expected.summed_updates = true,
            "without_soma_lag" => expected.without_soma_lag = true,
            "without_apical_error" => expected.without_apical_error = true,
            "without_teacher" => expected.without_teacher = true,
            key => assert_eq!(key, "rates_as_target"),
        }
        let of_the_task = f.key == "rates_as_target";
        assert_eq!(e.departures, expected, "{}", f.key);
        assert_eq!(matches!(e.task, TaskSpec::Teacher { rates_as_target: true, .. }), of_the_task);
        assert_eq!(apical_lab::plan::describe(&e).starts_with("departures from reference"), !of_the_task, "{}", f.key);
        let text = resolved_toml(&e);
        let again = check(&Source::new("resolved.toml", text.as_bytes(), "/"), &[], &machine()).unwrap().experiment;
        assert_eq!(again, e);
        ids.push(canonical(&e).unwrap());
    }
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!((count, ids.len()), (11, 11));
}

#[test]
fn rates_become_potentials() {
    let e = good(SMALL, &["task.target={low=0.1,high=0.8}"]);
    let apical::tasks::TaskSpec::Digits { coding } = e.task else { panic!("digits were asked for") };
    // logit(0.8) = ln 4, logit(0.1) = -ln 9; two roundings each.
    assert!((coding.high - 4f64.ln()).abs() < 1e-14 && (coding.low + 9f64.ln()).abs() < 1e-14);
}

#[test]
fn rubbish_gives_bounded_messages() {
    let mut state = 1u64;
    let mut random = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as u8
    };
    let ascii: Vec<u8> = (0..1 << 20).map(|_| 32 + random() % 95).collect();
    let lines: Vec<u8> = ascii.iter().map(|&b| if b == b'~' { b'\n' } else { b }).collect();
    let bytes: Vec<u8> = (0..1 << 20).map(|_| random()).collect();
    let keys: String = (0..60_000).map(|i| format!("key_{i} = {i}\n")).collect();
    let deep = format!("a = {}", "[".repeat(1 << 20));
    for text in [ascii, lines, bytes, keys.into_bytes(), deep.into_bytes(), vec![b'x'; 1 << 20], vec![0; 1 << 20]] {
        let message = bad(text, &[]);
        assert!(message.contains("error") && message.len() < 40_000, "{} bytes", message.len());
    }
}

#[test]
fn colour_is_a_choice() {
    let source = Source::new("bad.toml", "seed = -1\n", folder());
    let found = check(&source, &[], &machine()).unwrap_err();
    assert!(found[0].render(true).contains('\u{1b}') && !report(&found, false).contains('\u{1b}'));
}

#[test]
fn unknown_names_suggest_the_nearest() {
    let preset = config::preset("s18-minst").unwrap_err().to_string();
    assert!(preset.contains("`s18-mnist`"), "{preset}");
    let key = explain("time.tau0").unwrap_err().to_string();
    assert!(key.contains("`time.tau_0`"), "{key}");
    let file = config::load_file(Path::new("there/is/none.toml")).unwrap_err();
    assert_eq!(file.exit_code(), 2);
}

#[test]
fn explain_schema_and_reference_cover_every_field() {
    let (schema, page) = (schema(), reference_markdown());
    for f in FIELDS {
        let text = explain(&f.path()).unwrap();
        assert!(text.contains(f.doc) && text.contains("allowed: "), "{}", f.path());
        let table = if f.table.is_empty() { &schema } else { &schema["$defs"][f.table] };
        assert!(table["properties"][f.key]["description"].is_string(), "{}", f.path());
        assert!(page.contains(&f.doc.replace('|', "\\|")), "{}", f.path());
    }
}

#[test]
fn defaults_and_examples_are_what_their_fields_allow() {
    for f in FIELDS {
        for (what, text) in [("default", f.default), ("example", f.example)] {
            if what == "default" && text.is_empty() {
                continue;
            }
            let value = toml::de::DeValue::parse(text).unwrap_or_else(|e| panic!("{} {what}: {e}", f.path()));
            let node = config::node::Node::from_toml(value.into_inner());
            assert!(f.kind.refused(&node).is_none(), "{what} of {}: {text}", f.path());
        }
    }
}

#[test]
fn keys_of_tables_that_share_a_description_are_explained() {
    for key in ["record.soma.every", "record.apical.cells"] {
        let (_, last) = key.rsplit_once('.').unwrap();
        assert!(explain(key).unwrap().starts_with(&format!("record.trace.{last}\n")), "{key}");
    }
    assert!(explain("record.soma.evry").is_err());
}

#[test]
fn a_net_of_thousands_of_layers_is_refused_once() {
    let text = format!("task = \"digits\"\n[network]\nsizes = [{}]\n", vec!["3"; 5000].join(","));
    let refused = check(&Source::new("deep.toml", text, "."), &[], &Context::default()).unwrap_err();
    let shown = report(&refused, false);
    assert!(shown.contains("`network.sizes` has 5000 layers") && shown.contains("at most 1000"), "{shown}");
}

/// Where a reference of a schema leads.
fn led<'a>(root: &'a serde_json::Value, schema: &'a serde_json::Value) -> &'a serde_json::Value {
    let reference = schema["$ref"].as_str().or_else(|| schema["allOf"][0]["$ref"].as_str());
    reference
        .map_or(schema, |to| root.pointer(to.trim_start_matches('#')).unwrap_or_else(|| panic!("{to} leads nowhere")))
}

#[test]
fn the_schema_of_sweeps_covers_their_fields_and_the_keys_that_they_set_or_vary() {
    let schema = config::sweep_schema();
    for f in config::sweep_fields::SWEEP_FIELDS {
        let table = if f.table == "sweep" { &schema } else { &schema["$defs"][f.table] };
        assert!(table["properties"][f.key]["description"].is_string(), "{}", f.path());
    }
    assert_eq!(schema["required"], serde_json::json!(["experiment"]));
    for f in FIELDS.iter().filter(|f| f.table == "train" || f.table == "plasticity") {
        let set = led(&schema, &led(&schema, &schema["properties"]["set"])["properties"][f.table]);
        assert!(set["properties"][f.key].is_object() && set["required"].is_null(), "{}", f.path());
        let varied = led(&schema, &led(&schema, &schema["properties"]["vary"])["properties"][f.table]["anyOf"][2]);
        let any = &varied["properties"][f.key]["anyOf"];
        assert_eq!(
            (&any[0]["type"], &any[1]["$ref"]),
            (&"array".into(), &"#/$defs/sweep.range".into()),
            "{}",
            f.path()
        );
    }
    let mut open = vec![&schema];
    while let Some(next) = open.pop() {
        led(&schema, next);
        open.extend(next.as_object().into_iter().flat_map(|map| map.values()));
        open.extend(next.as_array().into_iter().flatten());
    }
}
