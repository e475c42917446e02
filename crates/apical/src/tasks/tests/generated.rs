//! Tasks that need no file of the user's.

use super::*;
use crate::kernels::Activation;

fn sample(task: &Task, index: u64) -> (bool, Vec<f64>, Vec<f64>) {
    let Train::Stream { source, .. } = &task.train else { panic!("not a stream") };
    let (mut x, mut y) = (vec![f64::NAN; task.inputs], vec![f64::NAN; task.outputs]);
    let has_target = source.sample(index, &mut x, &mut y);
    (has_target, x, y)
}

#[test]
fn names_are_different_and_each_spec_has_its_own() {
    let mut names: Vec<&str> = TASKS.iter().map(|t| t.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), TASKS.len());
    assert_eq!(TaskSpec::Digits { coding: CODING }.entry().name, "digits");
    assert_eq!(TaskSpec::YinYang { coding: CODING, sizes: SIZES }.entry().name, "yin-yang");
    assert_eq!(file_spec(Path::new("a.csv")).entry().name, "file");
}

#[test]
fn patterns_are_functions_of_seed_and_index_and_have_no_target() {
    let spec = TaskSpec::Patterns { low: -1.0, high: 2.0, sizes: SIZES };
    let [a, b, other] = [5, 5, 6].map(|seed| build(&spec, 4, 3, seed).expect("a valid spec"));
    assert_eq!((a.per_epoch(), a.validation.len(), a.test.len()), (30, 7, 5));
    let later = sample(&a, 1_000_000_007);
    assert_eq!(sample(&b, 1_000_000_007).1, later.1);
    assert!(!later.0 && later.1.iter().all(|x| (-1.0..2.0).contains(x)));
    assert_ne!(sample(&other, 1_000_000_007).1, later.1);
    assert_ne!(sample(&a, 0).1, inputs(&a.validation)[0]);
    assert_ne!(inputs(&a.test)[0], inputs(&a.validation)[0]);
    assert!(!a.test.target(0, &mut [0.0; 3]));
}

#[test]
fn a_single_pair_is_the_same_everywhere() {
    let spec = TaskSpec::Single { low: 0.0, high: 1.0, target_low: -1.0, target_high: 1.0, presentations: 12 };
    let task = build(&spec, 4, 3, 1).expect("a valid spec");
    let (has_target, x, y) = sample(&task, 0);
    assert!(has_target && task.per_epoch() == 12);
    assert_eq!(sample(&task, 99), (true, x.clone(), y.clone()));
    for set in [&task.validation, &task.test] {
        let mut target = [0.0; 3];
        assert!(set.len() == 1 && set.target(0, &mut target));
        assert_eq!((&inputs(set)[0], &target[..]), (&x, &y[..]));
    }
    assert_ne!(sample(&build(&spec, 4, 3, 2).expect("a valid spec"), 0).2, y);
}

#[test]
fn teachers_differ_by_seed_and_agree_over_their_sets() {
    let spec = TaskSpec::Teacher {
        layers: vec![6, 5, 2],
        activation: Activation::Logistic,
        gains: vec![2.0, 10.0],
        input: 1.0,
        weight: 1.0,
        rates_as_target: false,
        sizes: SIZES,
    };
    let task = build(&spec, 6, 2, 3).expect("a valid spec");
    assert_eq!((task.inputs, task.outputs, task.validation.len()), (6, 2, 7));
    let (has_target, x, y) = sample(&task, 4);
    assert!(has_target && y.iter().any(|y| y.abs() > 1.0), "targets are potentials, not rates: {y:?}");
    assert_eq!(sample(&task, 4), (true, x, y.clone()));
    assert_ne!(sample(&build(&spec, 6, 2, 4).expect("a valid spec"), 4).2, y);
}

#[test]
fn yin_yang_is_balanced_and_the_same_for_every_run() {
    let spec = TaskSpec::YinYang { coding: CODING, sizes: SIZES };
    let [a, b] = [1, 2].map(|seed| build(&spec, 4, 3, seed).expect("a valid spec"));
    assert_eq!(a.classes, ["yin", "yang", "dot"]);
    assert_eq!(inputs(train_set(&a)), inputs(train_set(&b)));
    let count = |class| classes(train_set(&a)).iter().filter(|&&c| c == class).count();
    assert_eq!([count(0), count(1), count(2)], [10, 10, 10]);
    for x in inputs(train_set(&a)) {
        assert_eq!((x[2], x[3]), (1.0 - x[0], 1.0 - x[1]));
        assert!((x[0] - 0.5).hypot(x[1] - 0.5) <= 0.5);
    }
    assert_ne!(inputs(&a.validation)[0], inputs(&a.test)[0]);
}

#[test]
fn digits_have_their_sizes_and_a_split_that_no_seed_moves() {
    let spec = TaskSpec::Digits { coding: CODING };
    let [a, b] = [1, 2].map(|seed| build(&spec, 64, 10, seed).expect("the data are in the library"));
    assert_eq!([train_set(&a).len(), a.validation.len(), a.test.len()], [1197, 300, 300]);
    assert_eq!(inputs(&a.test), inputs(&b.test));
    for set in [&a.validation, &a.test] {
        for digit in 0..10 {
            let n = classes(set).iter().filter(|&&c| c == digit).count();
            assert!((28..=32).contains(&n), "{n} of digit {digit}: 174 to 183 of 1797 are 29.0 to 30.6 of 300");
        }
    }
    let highest = inputs(train_set(&a)).iter().flatten().fold(0.0, |a: f64, &b| a.max(b));
    assert_eq!(highest, 1.0);
    // The rule: sorted by digit, the first of every six tests, the second validates. The first line of the file is a 0.
    assert!(classes(&a.test).is_sorted());
    assert_eq!(inputs(&a.test)[0][..6], [0.0, 0.0, 5.0 / 16.0, 13.0 / 16.0, 9.0 / 16.0, 1.0 / 16.0]);
}

#[test]
fn settings_out_of_range_are_named() {
    let none = Sizes { train: 0, ..SIZES };
    let vast = Sizes { validation: usize::MAX, ..SIZES };
    for (spec, expected) in [
        (TaskSpec::Patterns { low: 0.0, high: 1.0, sizes: none }, "task.train: 0; expected at least 1"),
        (TaskSpec::Patterns { low: 0.0, high: 1.0, sizes: vast }, "task.validation: "),
        (TaskSpec::YinYang { coding: CODING, sizes: Sizes { train: usize::MAX, ..SIZES } }, "task.train: "),
        (
            TaskSpec::Mnist { dir: "nowhere".into(), coding: CODING, range: (0.0, 1.0), train: 55_001 },
            "task.train: 55001; expected 1 to 55000",
        ),
    ] {
        let error = error_of(&spec);
        assert!(error.starts_with(expected), "{error}");
    }
    let teacher = |layers: &[usize], gains: &[f64]| TaskSpec::Teacher {
        layers: layers.to_vec(),
        activation: Activation::Tanh,
        gains: gains.to_vec(),
        input: 1.0,
        weight: 1.0,
        rates_as_target: false,
        sizes: SIZES,
    };
    assert!(error_of(&teacher(&[3], &[])).starts_with("task.layers: [3]"));
    assert!(error_of(&teacher(&[3, 2], &[1.0, 1.0])).starts_with("task.gains: 2 values"));
    assert!(error_of(&teacher(&[usize::MAX, 2], &[1.0])).starts_with("task.layers: "));
}

#[test]
#[expect(clippy::disallowed_macros, reason = "a skipped test says so aloud")]
fn mnist_is_split_at_random_by_a_fixed_seed() {
    let Some(dir) = std::env::var_os("APICAL_DATA").map(|d| PathBuf::from(d).join("mnist")) else {
        eprintln!("skipped: APICAL_DATA is not set");
        return;
    };
    let spec = |train| TaskSpec::Mnist { dir: dir.clone(), coding: CODING, range: (0.0, 1.0), train };
    let task = build(&spec(55_000), 784, 10, 1).expect("MNIST is there");
    assert_eq!([train_set(&task).len(), task.validation.len(), task.test.len()], [55_000, 5_000, 10_000]);
    // The first test images show 7, 2, 1, 0, 4.
    assert_eq!(classes(&task.test)[..5], [7, 2, 1, 0, 4]);
    assert!(inputs(&task.test)[..50].iter().flatten().all(|x| (0.0..=1.0).contains(x)));
    let few = build(&spec(100), 784, 10, 2).expect("MNIST is there");
    assert_eq!(inputs(train_set(&few))[99], inputs(train_set(&task))[99]);
    assert_eq!(few.validation, task.validation);
    // The test images as a file to predict are the same inputs, bit for bit.
    let again =
        read_inputs(&task, &mnist::locate(&dir, mnist::FILES[2]).expect("it was just read")).expect("it is whole");
    assert_eq!(again.x, task.test.x);
}
