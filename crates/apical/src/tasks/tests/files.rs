//! The user's own files, well-formed.

use super::*;

const CSV: &str = "width,kind,height\n1,b,10\n2,a,20\n3,b,30\n4,a,40\n5,b,50\n6,a,60\n7,b,70\n8,a,80\n";

fn csv_spec(path: &Path) -> TaskSpec {
    with(path, |spec| {
        if let TaskSpec::File { target_columns, .. } = spec {
            *target_columns = vec!["kind".into()];
        }
    })
}

fn with(path: &Path, change: impl Fn(&mut TaskSpec)) -> TaskSpec {
    let mut spec = file_spec(path);
    change(&mut spec);
    spec
}

fn built(spec: &TaskSpec) -> Task {
    build(spec, 9, 9, 0).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn a_csv_file_is_split_by_class_and_predicted_by_column_name() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let task = built(&csv_spec(&write(dir.path(), "a.csv", CSV)));
    assert_eq!((task.inputs, task.outputs, &task.classes[..]), (2, 2, &["a".to_string(), "b".into()][..]));
    for (set, each) in [(train_set(&task), 2), (&task.validation, 1), (&task.test, 1)] {
        assert_eq!(classes(set).iter().filter(|&&c| c == 0).count(), each);
        for (x, class) in inputs(set).iter().zip(classes(set)) {
            assert_eq!(x[1], 10.0 * x[0]);
            assert_eq!(class, if x[0] % 2.0 == 0.0 { 0 } else { 1 });
        }
    }
    // Other columns, another order, no target, a byte order mark, gzip and Windows line ends.
    let other = gzipped("\u{feff}height, note ,width\r\n20,x,2\r\n".as_bytes());
    let set = read_inputs(&task, &write(dir.path(), "b.csv.gz", other)).expect("the columns are there");
    assert_eq!(inputs(&set), [[2.0, 20.0]]);
}

#[test]
fn scaling_is_fitted_on_training_rows_only() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = write(dir.path(), "a.csv", "a,b,y\n1,5,0\n2,5,1\n3,5,2\n100,9,3\n-50,5,4\n");
    let spec = |scale| {
        with(&path, |spec| {
            if let TaskSpec::File { target_columns, targets, split, scaling, sequence, .. } = spec {
                *target_columns = vec!["y".into()];
                *targets = FileTargets::Potentials;
                *split = SplitSpec::Tail { validation: 0.2, test: 0.2 };
                *scaling = scale;
                *sequence = true;
            }
        })
    };
    let task = built(&spec(Scaling::UnitInterval));
    assert!(task.sequence);
    assert_eq!(inputs(train_set(&task)), [[0.0, 0.0], [0.5, 0.0], [1.0, 0.0]]);
    assert_eq!(inputs(&task.validation), [[49.5, 4.0]]);
    let mut y = [0.0];
    assert!(task.test.target(0, &mut y) && y == [4.0]);

    let task = built(&spec(Scaling::Standard));
    // Mean 2, standard deviation sqrt(2/3) of 1, 2, 3; one rounding each in root and quotient.
    let expected = 1.0 / (2.0f64 / 3.0).sqrt();
    let x = inputs(train_set(&task));
    assert!((x[0][0] + expected).abs() < 1e-15 && x[1][0] == 0.0 && (x[2][0] - expected).abs() < 1e-15, "{x:?}");
    assert_eq!(x.iter().map(|x| x[1]).collect::<Vec<_>>(), [0.0; 3]);
    assert_eq!(inputs(&read_inputs(&task, &path).expect("the training file itself"))[3], inputs(&task.validation)[0]);
}

#[test]
fn npz_of_the_usual_types_in_both_orders() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let labels = npy("<i8", false, "(2,)", &le!(i64: 7, -3));
    for (name, x) in [
        ("f8", npy("<f8", false, "(2, 3)", &le!(f64: 1., 2., 3., 4., 5., 6.))),
        ("f4", npy("<f4", true, "(2, 3)", &le!(f32: 1., 4., 2., 5., 3., 6.))),
        ("u1", npy("|u1", false, "(2, 3)", &[1, 2, 3, 4, 5, 6])),
        ("i2", npy(">i2", false, "(2, 3)", &[0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6])),
        ("u8", npy("<u8", true, "(2, 3)", &le!(u64: 1, 4, 2, 5, 3, 6))),
    ] {
        let method = if name == "u1" { 8 } else { 0 };
        let packed = zip_with(method, &[("x.npy", &x), ("y.npy", &labels)]);
        let path = write(dir.path(), &format!("{name}.npz"), packed);
        let task = built(&with(&path, |spec| {
            if let TaskSpec::File { split, .. } = spec {
                *split = SplitSpec::Tail { validation: 0.0, test: 0.0 };
            }
        }));
        assert_eq!(inputs(train_set(&task)), [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], "{name}");
        // Numbers are sorted by value: -3 before 7.
        assert_eq!((&task.classes[..], classes(train_set(&task))), (&["-3".to_string(), "7".into()][..], vec![1, 0]));
    }
}

#[test]
fn npz_labels_may_be_text_and_targets_potentials() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let x = npy("<f8", false, "(2, 1)", &le!(f64: 1., 2.));
    let text = npy("<U2", false, "(2,)", &le!(u32: 'n' as u32, 'o' as u32, 'k' as u32, 0));
    let whole = |spec: &mut TaskSpec, t: FileTargets| {
        if let TaskSpec::File { split, targets, .. } = spec {
            *split = SplitSpec::Tail { validation: 0.0, test: 0.0 };
            *targets = t;
        }
    };
    let path = write(dir.path(), "t.npz", zip(&[("x.npy", &x), ("y.npy", &text)]));
    let task = built(&with(&path, |spec| whole(spec, FileTargets::Classes(CODING))));
    assert_eq!((&task.classes[..], classes(train_set(&task))), (&["k".to_string(), "no".into()][..], vec![1, 0]));

    let y = npy("<f4", false, "(2, 2)", &le!(f32: 0.5, -0.5, 1.0, -1.0));
    let path = write(dir.path(), "p.npz", zip(&[("x.npy", &x), ("y.npy", &y)]));
    let task = built(&with(&path, |spec| whole(spec, FileTargets::Potentials)));
    let mut target = [0.0; 2];
    assert!(task.outputs == 2 && train_set(&task).target(1, &mut target));
    assert_eq!(target, [1.0, -1.0]);
}

#[test]
fn idx_images_with_labels_and_a_test_file_of_their_own() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let images =
        write(dir.path(), "train-images-idx3-ubyte.gz", gzipped(&idx_bytes(&[4, 1, 2], &[0, 255, 51, 0, 1, 2, 3, 4])));
    let names = write(dir.path(), "train-labels-idx1-ubyte", idx_bytes(&[4], &[1, 0, 1, 0]));
    let test_images = write(dir.path(), "test", idx_bytes(&[1, 1, 2], &[255, 0]));
    let test_names = write(dir.path(), "test-labels", idx_bytes(&[1], &[1]));
    let spec = with(&images, |spec| {
        if let TaskSpec::File { labels, test_path, test_labels, classes, split, .. } = spec {
            *labels = Some(names.clone());
            *test_path = Some(test_images.clone());
            *test_labels = Some(test_names.clone());
            *classes = vec!["0".into(), "1".into(), "2".into()];
            *split = SplitSpec::Shares { validation: 0.5, test: 0.5, seed: 0 };
        }
    });
    // Shares of 1/2 and 1/2 would leave nothing, but the test set has its own file.
    let task = built(&spec);
    assert_eq!((task.inputs, task.outputs, task.per_epoch(), task.validation.len()), (2, 3, 2, 2));
    assert_eq!((inputs(&task.test), classes(&task.test)), (vec![vec![1.0, 0.0]], vec![1]));
    assert_eq!(read_inputs(&task, &test_images).expect("it was just read").x, task.test.x);
}

#[test]
fn inputs_only() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let task = built(&with(&write(dir.path(), "a.csv", "a,b\n1,2\n3,4\n5,6\n7,8\n"), |spec| {
        if let TaskSpec::File { targets, .. } = spec {
            *targets = FileTargets::None;
        }
    }));
    assert_eq!((task.inputs, task.outputs, task.classes.len()), (2, 9, 0));
    assert!(!task.validation.target(0, &mut [0.0; 9]));
}
