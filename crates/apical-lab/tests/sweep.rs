//! Sweeps: which runs a file becomes, who makes them, and what is refused.

#[path = "sweep/parquet.rs"]
mod parquet;
#[path = "sweep/support.rs"]
mod support;

use apical_lab::check::{self, Context, canonical};
use apical_lab::config::{Source, report};
use apical_lab::folder::folder_name;
use apical_lab::sweep::claim::{Claim, Tried, Watch, Worker};
use apical_lab::sweep::table::Cell;
use apical_lab::sweep::{Layout, Plan, Spec, Trouble};
use std::path::Path;
use std::time::Duration;
use support::{BASE, Manner, Place, make, manner, planned, table};

fn words(spec: &Spec) -> Vec<String> {
    planned(spec).runs.iter().map(|p| spec.words(p.point())).collect()
}

#[test]
fn a_grid_has_all_combinations_the_last_key_changing_fastest() {
    let place = Place::new();
    let spec = place
        .spec("seeds = 2\n[vary]\nplasticity.eta_pi = [0.1, 0.2]\n\"time.dt\" = { linear = [0.1, 0.2], steps = 2 }\n");
    let expected = [
        "plasticity.eta_pi=0.1 time.dt=0.1 seed=0",
        "plasticity.eta_pi=0.1 time.dt=0.1 seed=1",
        "plasticity.eta_pi=0.1 time.dt=0.2 seed=0",
        "plasticity.eta_pi=0.1 time.dt=0.2 seed=1",
        "plasticity.eta_pi=0.2 time.dt=0.1 seed=0",
        "plasticity.eta_pi=0.2 time.dt=0.1 seed=1",
        "plasticity.eta_pi=0.2 time.dt=0.2 seed=0",
        "plasticity.eta_pi=0.2 time.dt=0.2 seed=1",
    ];
    assert_eq!(words(&spec), expected);
}

#[test]
fn a_run_of_a_sweep_is_the_run_that_one_would_write() {
    let place = Place::new();
    let spec = place.spec("seeds = 2\n[set]\ntrain.batch = 1\n[vary]\nplasticity.eta_pi = [0.1, 0.25]\n");
    // Without the traces, which a sweep leaves out, and with the figures off.
    let text = BASE
        .replace("0.002", "0.25")
        .replace("soma = { every = 5 }", "figures = false")
        .replace("epochs = 4", "epochs = 4\nbatch = 1");
    let source = Source::new("base.toml", format!("seed = 1\n{text}"), place.dir.path());
    let e = check::check(&source, &[], &Context::default()).unwrap().experiment;
    assert_eq!(planned(&spec).runs[3].run, folder_name("base", &canonical(&e).unwrap()).unwrap());
}

#[test]
fn ranges_have_both_ends_and_even_steps() {
    let place = Place::new();
    let log = words(&place.spec("[vary]\nplasticity.eta_pi = { log = [0.0001, 0.01], steps = 3 }\n"));
    assert_eq!(log, ["plasticity.eta_pi=0.0001", "plasticity.eta_pi=0.001", "plasticity.eta_pi=0.01"]);
    let whole = words(&place.spec("[vary]\ntrain.epochs = { linear = [1, 4], steps = 4, integer = true }\n"));
    assert_eq!(whole, ["train.epochs=1", "train.epochs=2", "train.epochs=3", "train.epochs=4"]);
    let one = words(&place.spec("[vary]\ntrain.epochs = { linear = [1, 4], steps = 1, integer = true }\n"));
    assert_eq!(one, ["train.epochs=1"]);
}

#[test]
fn zipped_keys_vary_together_and_conditions_leave_keys_alone() {
    let place = Place::new();
    let spec = place.spec(
        "[vary]\ntrain.epochs = [1, 2]\n[zip.rates]\nplasticity.eta_ip = [0.1, 0.2]\nplasticity.eta_pi = [0.3, 0.4]\n",
    );
    assert_eq!(
        words(&spec),
        [
            "train.epochs=1 plasticity.eta_ip=0.1 plasticity.eta_pi=0.3",
            "train.epochs=1 plasticity.eta_ip=0.2 plasticity.eta_pi=0.4",
            "train.epochs=2 plasticity.eta_ip=0.1 plasticity.eta_pi=0.3",
            "train.epochs=2 plasticity.eta_ip=0.2 plasticity.eta_pi=0.4",
        ]
    );
    let spec = place.spec(
        "[vary]\ntrain.epochs = [1, 2]\nplasticity.eta_ip = { values = [0.1, 0.2], only_if = { train.epochs = 2 } }\n\
        plasticity.eta_pi = { values = [0.3, 0.4], only_if = { plasticity.eta_ip = [0.2] } }\n",
    );
    assert_eq!(
        words(&spec),
        [
            "train.epochs=1",
            "train.epochs=2 plasticity.eta_ip=0.1",
            "train.epochs=2 plasticity.eta_ip=0.2 plasticity.eta_pi=0.3",
            "train.epochs=2 plasticity.eta_ip=0.2 plasticity.eta_pi=0.4",
        ]
    );
    assert_eq!(planned(&spec).twins, 4, "a combination that a condition makes equal to another is no second run");
}

#[test]
fn variants_are_settings_with_names_crossed_with_what_varies() {
    let place = Place::new();
    let text = "experiment = \"digits\"\n[variant.plain]\n[variant.slow]\n\"train.epochs\" = 2\n[variant.slow.plasticity]\n\
        eta_pp = 0.5\n[variant.backprop]\nlearner = { kind = \"bp\" }\n[vary]\n\
        plasticity.eta_ip = { values = [1.0, 2.0], only_if = { variant = [\"plain\", \"slow\"] } }\n";
    let spec = place.spec(text);
    let expected = [
        "variant=\"plain\" plasticity.eta_ip=1.0",
        "variant=\"plain\" plasticity.eta_ip=2.0",
        "variant=\"slow\" plasticity.eta_ip=1.0",
        "variant=\"slow\" plasticity.eta_ip=2.0",
        "variant=\"backprop\"",
    ];
    assert_eq!(words(&spec), expected);
    let same = "experiment = \"digits\"\n[set]\ntrain.epochs = 2\nplasticity.eta_pp = 0.5\n[vary]\n\
        plasticity.eta_ip = [1.0, 2.0]\n";
    let ids = |spec: &Spec| -> Vec<String> { planned(spec).runs.iter().map(|p| p.run.clone()).collect() };
    assert_eq!(ids(&spec)[2..4], ids(&place.spec(same))[..], "a variant is its settings");
}

#[test]
fn learners_can_be_varied_and_keep_what_means_something_to_them() {
    let place = Place::new();
    let text = "experiment = \"digits\"\n[vary]\nlearner.kind = [\"microcircuit\", \"bp\"]\n\
        plasticity.eta_ip = { values = [0.1, 0.2], only_if = { learner.kind = \"microcircuit\" } }\n";
    assert_eq!(planned(&place.spec(text)).runs.len(), 3);
}

/// The value of a key in each run.
fn values(spec: &Spec, key: &str) -> Vec<f64> {
    let of = |words: String| {
        let found = words.split(' ').find_map(|word| word.strip_prefix(&format!("{key}=")).map(str::to_owned));
        found.unwrap().parse().unwrap()
    };
    words(spec).into_iter().map(of).collect()
}

#[test]
fn draws_are_addressed_by_sample_and_axis_and_sobol_fills_evenly() {
    let place = Place::new();
    let eta = "plasticity.eta_pi = { log = [1e-4, 1e-2] }\n";
    let few = place.spec(&format!("method = \"random\"\nsamples = 5\n[vary]\n{eta}"));
    let more = place.spec(&format!(
        "method = \"random\"\nsamples = 9\n[vary]\n{eta}plasticity.eta_ip = {{ linear = [0.0, 1.0] }}\n"
    ));
    assert_eq!(
        values(&few, "plasticity.eta_pi"),
        values(&more, "plasticity.eta_pi")[..5],
        "more samples and keys change no draw"
    );
    let other = place.spec(&format!("method = \"random\"\nsamples = 5\nsampler_seed = 1\n[vary]\n{eta}"));
    assert_ne!(values(&few, "plasticity.eta_pi"), values(&other, "plasticity.eta_pi"));
    assert!(values(&more, "plasticity.eta_pi").iter().all(|x| (1e-4..=1e-2).contains(x)));
    // A scrambled Sobol sequence of 2^k points has one in each of 2^k equal parts, of every axis.
    let sobol = place.spec("method = \"sobol\"\nsamples = 16\n[vary]\nplasticity.eta_pi = { linear = [0.0, 16.0] }\nplasticity.eta_ip = { linear = [0.0, 16.0] }\n");
    for key in ["plasticity.eta_pi", "plasticity.eta_ip"] {
        let mut parts: Vec<u64> = values(&sobol, key).iter().map(|x| x.floor() as u64).collect();
        parts.sort_unstable();
        assert_eq!(parts, (0..16).collect::<Vec<u64>>(), "{key}");
    }
}

#[test]
fn what_is_wrong_in_a_sweep_file_is_told_with_its_line() {
    let place = Place::new();
    let cases: &[(&str, &[&str])] = &[
        ("metric = \"test.error\"\n[vary]\ntrain.epochs = [1]\n", &["mine.toml:2", "test.error", "validation"]),
        ("[vary]\ntrain.epoch = [1, 2]\n", &["train.epoch", "did you mean `epochs`"]),
        ("[vary]\ntrain.epochs = [1, \"x\"]\n", &["mine.toml:3", "`train.epochs` cannot be \"x\""]),
        ("[vary]\ntrain.epochs = 3\n", &["mine.toml:3", "cannot be 3", "an array of values"]),
        ("[vary]\ntrain.epochs = []\n", &["mine.toml:3", "an empty array"]),
        ("[vary]\nplasticity.eta_pi = { log = [0, 1], steps = 3 }\n", &["mine.toml:3", "0 < from < to"]),
        ("[vary]\nplasticity.eta_pi = { linear = [2, 1], steps = 3 }\n", &["mine.toml:3", "from < to"]),
        ("[vary]\nplasticity.eta_pi = { linear = [1, 2, 3], steps = 3 }\n", &["3 numbers", "[from, to]"]),
        ("[vary]\nplasticity.eta_pi = { linear = [1, 2] }\n", &["a grid needs the number", "steps"]),
        ("[vary]\nplasticity.eta_pi = { linear = [1, 2], log = [1, 2], steps = 2 }\n", &["linear and log"]),
        ("[vary]\nplasticity.eta_pi = { linear = [1, 2], step = 2 }\n", &["unknown key", "step"]),
        ("[vary]\nplasticity.eta_pi = [0.1]\n\"plasticity.eta_pi\" = [0.2]\n", &["is varied beside"]),
        ("[vary]\nname = [\"a\", \"b\"]\n", &["`name` cannot be varied"]),
        (
            "[zip.a]\ntrain.epochs = [1, 2]\ntrain.batch = [1]\n",
            &["different numbers", "train.epochs: 2", "train.batch: 1"],
        ),
        ("[zip.a]\ntrain.epochs = [1, 2]\n", &["no group of at least two"]),
        ("samples = 3\n[vary]\ntrain.epochs = [1]\n", &["`samples` means nothing to a grid"]),
        ("zip = { a = 3 }\n", &["mine.toml:2", "`zip.a` is 3", "[zip.NAME]"]),
        ("method = \"random\"\nsamples = 0\n[vary]\ntrain.epochs = [1]\n", &["`samples` cannot be 0"]),
        ("method = \"random\"\n[vary]\ntrain.epochs = [1]\n", &["how many times"]),
        ("method = \"sobol\"\nsamples = 100000\n[vary]\ntrain.epochs = [1, 2]\n", &["100000 samples", "65536"]),
        ("method = \"annealing\"\n", &["annealing", "grid"]),
        ("seeds = 0\n", &["`seeds` cannot be 0"]),
        ("seeds = 2\n[vary]\nseed = [1, 2]\n", &["`seeds` is given and `seed` is varied"]),
        ("seeds = 20000000\n", &["20000000 runs", "10000000"]),
        (
            "[vary]\nplasticity.eta_ip = { values = [0.1], only_if = { train.epochs = 2 } }\ntrain.epochs = [1, 2]\n",
            &["stands below it"],
        ),
        ("[stop]\nfactor = 1\n", &["`stop.factor` cannot be 1"]),
        ("sedes = 3\n", &["unknown key `sedes`", "seeds"]),
        ("experiment = \"nothing.toml\"\n", &["mine.toml:1", "there is no such file"]),
        ("experiment = \"digit\"\n", &["did you mean `digits`"]),
        ("experiment = \"compare-digits\"\n", &["a comparison of learners"]),
        ("experiment = 3\n", &["`experiment` cannot be 3"]),
        ("[vary\n", &["not valid TOML"]),
        ("name = \"a/b\"\n", &["`name` cannot be"]),
        ("[vary]\nvariant = [\"a\"]\n", &["mine.toml:3", "`variant` cannot be varied"]),
        (
            "[variant.a]\ntrain.epochs = 2\n[variant.b]\n[vary]\ntrain.epochs = [1, 2]\n",
            &["mine.toml:6", "`train.epochs` is varied", "variant.a"],
        ),
        (
            "[variant.a]\n[vary]\ntrain.epochs = { values = [1, 2], only_if = { variant = \"b\" } }\n",
            &["mine.toml:4", "never has"],
        ),
        (
            "[vary]\ntrain.batch = [1, 2]\ntrain.epochs = { values = [1, 2], only_if = { train.batch = 3 } }\n",
            &["mine.toml:4", "never has"],
        ),
        ("[variant]\nplain = 3\n", &["mine.toml:3", "`variant.plain` is 3", "a table"]),
        ("[variant]\n", &["mine.toml:2", "has no variants"]),
        ("[variant.\"a b\"]\n", &["mine.toml:2", "no name of a variant"]),
        ("[variant.a]\nseed = 3\n", &["mine.toml:2", "`variant.a` sets `seed`"]),
        ("[variant.a]\ntime.dtt = 3\n", &["mine.toml:3", "unknown key", "dtt"]),
    ];
    for (text, expected) in cases {
        let found = match place.read(text) {
            Err(message) => message,
            Ok(spec) => match Plan::compute(&spec, &Context::default()) {
                Err(Trouble::Config(list)) => report(&list, false),
                Err(Trouble::Error(error)) => error.to_string(),
                Ok(_) => panic!("nothing wrong with {text:?}"),
            },
        };
        expected.iter().for_each(|word| assert!(found.contains(word), "{text:?}: no {word:?} in\n{found}"));
    }
    let missing = Spec::read(&Source::new("mine.toml", "[vary]\ntrain.epochs = [1]\n", place.dir.path())).unwrap_err();
    assert!(report(&missing, false).contains("names no experiment"));
}

#[test]
fn the_run_in_which_something_is_wrong_is_named() {
    let place = Place::new();
    let spec = place.spec("[vary]\ntrain.batch = [1, 2]\nsolver.plan = [\"auto\", \"fused\"]\n");
    let Err(Trouble::Config(list)) = Plan::compute(&spec, &Context::default()) else { panic!("accepted") };
    let text = report(&list, false);
    assert!(text.contains("in the run with train.batch = 2, solver.plan = \"fused\""), "{text}");
}

#[test]
fn workers_side_by_side_make_each_run_once_and_the_table_is_the_same() {
    let place = Place::new();
    let spec = place.spec("seeds = 20\n[vary]\nplasticity.eta_pi = [0.1, 0.2]\n");
    let (one, many) = (place.layout("one"), place.layout("many"));
    assert_eq!(make(&spec, &one, &manner(1)).made.lock().unwrap().len(), 40);
    let made: Vec<String> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4).map(|_| scope.spawn(|| make(&spec, &many, &manner(2)))).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap().made.into_inner().unwrap()).collect()
    });
    let mut names = made.clone();
    names.sort();
    names.dedup();
    assert_eq!((made.len(), names.len()), (40, 40), "no run twice, none missing");
    assert_eq!(table(&spec, &one), table(&spec, &many));
    for folder in [many.claims(), many.work(), many.workers()] {
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0, "{}", folder.display());
    }
    assert!(make(&spec, &many, &manner(2)).made.lock().unwrap().is_empty(), "nothing is left to make");
}

#[test]
fn halving_ends_those_that_fall_behind_whoever_decides() {
    let place = Place::new();
    let text = "metric = \"apical_squared.1\"\n[vary]\nplasticity.eta_pi = { log = [1e-4, 1e-1], steps = 9 }\n[stop]\nfirst = 1\nfactor = 3\n";
    let spec = place.spec(text);
    let (one, many) = (place.layout("one"), place.layout("many"));
    make(&spec, &one, &manner(1));
    std::thread::scope(|scope| {
        (0..3).for_each(|_| {
            scope.spawn(|| make(&spec, &many, &manner(2)));
        });
    });
    let table = table(&spec, &one);
    assert_eq!(table, self::table(&spec, &many));
    let mut epochs: Vec<f64> = table
        .column("epochs")
        .unwrap()
        .iter()
        .map(|cell| if let Cell::Number(x) = cell { *x } else { panic!("{cell:?}") })
        .collect();
    epochs.sort_by(f64::total_cmp);
    // Nine runs, of which three go beyond epoch 1 and one beyond epoch 3, to its end at 4.
    assert_eq!(epochs, [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 3.0, 3.0, 4.0]);
    // Whoever went on is bit for bit what it is without the stops in between.
    let whole = place.spec(&text[..text.find("[stop]").unwrap()]);
    let free = place.layout("free");
    make(&whole, &free, &manner(1));
    let longest = (0..9).find(|&r| table.column("epochs").unwrap()[r] == Cell::Number(4.0)).unwrap();
    let free = self::table(&whole, &free);
    for name in ["run", "apical_squared.1", "weight_norm.Wpi.1"] {
        assert_eq!(table.column(name).unwrap()[longest], free.column(name).unwrap()[longest], "{name}");
    }
}

/// A worker of another machine: what it leaves in the folder, with a clock that is an hour off.
fn foreign_worker(layout: &Layout, token: &str, beat: u64) {
    let path = layout.workers().join(token);
    std::fs::write(&path, format!("{beat:020}\nanother boot\nfar-away\n1\n")).unwrap();
    let skewed = std::time::SystemTime::now() + Duration::from_secs(3600);
    std::fs::File::options().write(true).open(&path).unwrap().set_modified(skewed).unwrap();
}

fn try_claim(layout: &Layout, worker: &Worker, watch: &mut Watch) -> Option<Claim> {
    match Claim::take(layout, "00ff", worker, watch).unwrap() {
        Tried::Ours(claim) => Some(claim),
        Tried::Busy(_) => None,
    }
}

#[test]
fn a_claim_passes_on_when_its_workers_counter_stands_still_whatever_the_clocks_say() {
    let place = Place::new();
    let layout = place.layout("s");
    layout.make().unwrap();
    let worker = Worker::enter(&layout).unwrap();
    std::fs::write(layout.claims().join("00ff.1"), "0badcafe").unwrap();
    let stale = Duration::from_millis(60);
    let mut watch = Watch::new(stale);
    for beat in 0..4 {
        foreign_worker(&layout, "0badcafe", beat);
        assert!(try_claim(&layout, &worker, &mut watch).is_none(), "its counter has gone on to {beat}");
        std::thread::sleep(stale);
    }
    let claim = try_claim(&layout, &worker, &mut watch).expect("the counter has stood still");
    assert_eq!((claim.generation, claim.deaths), (2, 1));
    assert!(claim.holds());
    // One that a disk has garbled is taken over like that of the dead, and stops nobody.
    std::fs::write(layout.claims().join("00ff.2"), [0xff, 0x00, 0xfe]).unwrap();
    assert!(try_claim(&layout, &worker, &mut watch).is_none(), "it may be a living worker's");
    std::thread::sleep(stale);
    assert_eq!(try_claim(&layout, &worker, &mut watch).map(|claim| claim.generation), Some(3));
    std::fs::write(layout.claims().join("00ff.2"), worker.token()).unwrap();
    std::fs::remove_file(layout.claims().join("00ff.3")).unwrap();
    // The other one lives after all: what it sees now is that its claim is not the highest.
    std::fs::write(layout.claims().join("00ff.3"), "feed").unwrap();
    assert!(!claim.holds());
}

#[test]
fn a_claim_is_free_when_it_was_given_up_or_its_worker_died_here() {
    let place = Place::new();
    let layout = place.layout("s");
    layout.make().unwrap();
    let (first, second) = (Worker::enter(&layout).unwrap(), Worker::enter(&layout).unwrap());
    // An hour: whoever gets a claim below did not wait for a counter.
    let mut watch = Watch::new(Duration::from_secs(3600));
    let claim = try_claim(&layout, &first, &mut watch).unwrap();
    assert!(try_claim(&layout, &second, &mut watch).is_none(), "its worker lives");
    claim.release();
    let claim = try_claim(&layout, &second, &mut watch).expect("it was given up");
    assert_eq!((claim.generation, claim.deaths), (2, 0));
    // A process that was killed leaves its file, and the operating system frees the lock.
    let text = std::fs::read_to_string(layout.workers().join(second.token())).unwrap();
    std::fs::write(layout.workers().join("dead"), text).unwrap();
    std::fs::write(layout.claims().join("00ff.3"), "dead").unwrap();
    assert!(!claim.holds());
    assert_eq!(try_claim(&layout, &first, &mut watch).expect("its lock is free").deaths, 2);
}

/// A task of a cluster leaves what others make to them, but only once it has seen that they live.
#[test]
fn who_does_not_wait_takes_over_from_the_dead_and_leaves_to_the_living() {
    let place = Place::new();
    let spec = place.spec("[vary]\nplasticity.eta_pi = [0.1]\n");
    let layout = place.layout("s");
    layout.make().unwrap();
    let run = planned(&spec).runs[0].clone();
    std::fs::write(layout.claims().join(format!("{}.1", run.id())), "0badcafe").unwrap();
    let impatient = |stale| Manner { stale: Duration::from_millis(stale), wait: false, ..manner(1) };
    // It beats whenever it is looked at. Two looks are needed to see that: an hour would be too short for one to be enough.
    std::thread::scope(|scope| {
        let (ended, end) = std::sync::mpsc::channel::<()>();
        let layout = &layout;
        scope.spawn(move || {
            let mut beat = 0;
            while end.recv_timeout(Duration::from_millis(1)) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                foreign_worker(layout, "0badcafe", beat);
                beat += 1;
            }
        });
        assert!(make(&spec, layout, &impatient(3_600_000)).made.lock().unwrap().is_empty());
        drop(ended);
    });
    assert!(!layout.runs().join(&run.run).exists(), "left to the other one");
    assert_eq!(*make(&spec, &layout, &impatient(100)).made.lock().unwrap(), [run.run]);
}

#[test]
fn a_changed_file_adds_and_orphans_runs_and_says_which() {
    let place = Place::new();
    let layout = place.layout("s");
    let open = |text: &str| Plan::open(&place.spec(text), &layout, &Context::default(), true).unwrap();
    let (_, change) = open("[vary]\ntrain.epochs = [1, 2]\n");
    assert_eq!((change.from_before, change.added.len()), (false, 0));
    let (again, change) = open("[vary]\ntrain.epochs = [1, 2]\n");
    assert_eq!((again.runs.len(), change.added.len() + change.orphaned.len()), (2, 0));
    let (plan, change) = open("[vary]\ntrain.epochs = [2, 3, 4]\n");
    assert_eq!(plan.runs.len(), 3);
    assert_eq!((change.added.len(), change.orphaned.len()), (2, 1));
    assert!(change.orphaned[0].ends_with(" train.epochs=1"), "{change:?}");
    assert!(change.added[1].ends_with(" train.epochs=4"), "{change:?}");
    // A plan that somebody cut or wrote in is refused by its line, and nothing is planned.
    let path = layout.join("plan.jsonl");
    let text = std::fs::read_to_string(&path).unwrap();
    for (bad, line) in
        [(text[..text.len() - 20].to_owned(), ":4"), (text.replace("[0,0]", "[99,0]"), "99"), (String::new(), ":1")]
    {
        std::fs::write(&path, &bad).unwrap();
        let spec = place.spec("[vary]\ntrain.epochs = [2, 3, 4]\n");
        let Err(Trouble::Error(error)) = Plan::open(&spec, &layout, &Context::default(), true) else {
            panic!("accepted: {bad}")
        };
        assert!(error.to_string().contains(line), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), bad);
    }
}

#[test]
fn what_a_dead_worker_left_is_taken_up_even_in_pieces() {
    let place = Place::new();
    let spec = place.spec("[vary]\nplasticity.eta_pi = [0.1, 0.2]\n");
    let (clean, hurt) = (place.layout("clean"), place.layout("hurt"));
    make(&spec, &clean, &manner(1));
    hurt.make().unwrap();
    for (i, planned) in planned(&spec).runs.iter().enumerate() {
        // A worker died in the first claim on each run: of one it left a whole folder without an end, of the other ruins.
        std::fs::write(hurt.claims().join(format!("{}.1", planned.id())), "0badcafe").unwrap();
        let left = hurt.attempt(planned.id(), 1).join(&planned.run);
        copy(&clean.runs().join(&planned.run), &left);
        std::fs::remove_file(left.join("DONE")).unwrap();
        if i == 1 {
            std::fs::write(left.join("checkpoints/last.safetensors"), b"\0\0\0").unwrap();
        }
    }
    let quick = Manner { stale: Duration::from_millis(10), ..manner(1) };
    let board = make(&spec, &hurt, &quick);
    assert_eq!(board.made.lock().unwrap().len(), 2);
    let notes = board.notes.lock().unwrap().join("\n");
    assert_eq!(notes.matches("begun anew").count(), 1, "{notes}");
    assert_eq!(table(&spec, &clean), table(&spec, &hurt));
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target)
        } else {
            std::fs::copy(entry.path(), &target).map(|_| ()).unwrap()
        }
    }
}

#[test]
fn a_run_that_cannot_be_made_does_not_stop_the_others() {
    let place = Place::new();
    let spec = place.spec("[vary]\nplasticity.eta_pi = [0.1, 0.2, 0.3]\n");
    let layout = place.layout("s");
    layout.make().unwrap();
    let id = planned(&spec).runs[1].id().to_owned();
    for generation in 1..=25 {
        std::fs::write(layout.claims().join(format!("{id}.{generation}")), "0badcafe").unwrap();
    }
    let quick = Manner { stale: Duration::from_millis(10), ..manner(1) };
    make(&spec, &layout, &quick);
    let table = table(&spec, &layout);
    let text = |name: &str| table.column(name).unwrap().iter().map(Cell::text).collect::<Vec<_>>();
    assert_eq!(text("state"), ["done", "crashed", "done"]);
    assert_eq!(text("reason")[1], "25 workers died at it");
}
