//! Damaged and hostile files: an error that says where, never a panic, never an allocation because a header says so.

use super::*;
use proptest::prelude::*;

const CSV: &str = "a,kind,b\n1,x,2\n3,y,4\n5,x,6\n7,y,8\n";

fn csv_error(content: impl AsRef<[u8]>) -> String {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = write(dir.path(), "a.csv", content);
    let mut spec = file_spec(&path);
    if let TaskSpec::File { target_columns, .. } = &mut spec {
        *target_columns = vec!["kind".into()];
    }
    short(&error_of(&spec), &path)
}

/// The message without the folder.
fn short(error: &str, path: &Path) -> String {
    let folder = path.parent().expect("a file lies in a folder").display().to_string() + "/";
    error.replace(&folder, "")
}

#[test]
fn csv_errors_name_line_and_column() {
    for (content, expected) in [
        ("", "a.csv: an empty file"),
        ("a,kind\n", "a.csv: a header line only"),
        ("1,2\n3,4\n", "a.csv, line 1: numbers only; expected a header line"),
        ("a,kind,a\n1,x,2\n", "a.csv, line 1: two columns are named \"a\""),
        (",kind\n1,x\n", "a.csv, line 1: column 1 has no name"),
        ("a,sort\n1,x\n", "a.csv, line 1: columns \"a\", \"sort\"; expected a column \"kind\" among them"),
        ("kind\nx\n", "a.csv, line 1: no input column"),
        ("a,kind\n1,x\n2\n", "a.csv, line 3: 1 cells; expected 2 as in the header line"),
        ("a,kind\n1,x\nNaN,x\n", "a.csv, line 3, column \"a\": \"NaN\"; expected a finite number"),
        ("a,kind\n1e999,x\n", "a.csv, line 2, column \"a\": \"1e999\"; expected a finite number"),
        ("a,kind\n,x\n", "a.csv, line 2, column \"a\": an empty cell; expected a finite number"),
        ("a,kind\n1,\n", "a.csv, line 2, column \"kind\": an empty cell; expected the name of a class"),
        ("a,kind\n1,x\n2,x\n", "a.csv: 2 rows, of which 1 validate and 1 test; expected at least one row for training"),
    ] {
        let error = csv_error(content);
        assert!(error.starts_with(expected), "{error}");
    }
    assert!(
        csv_error(b"a,kind\n1,\xff\n").starts_with("a.csv, line 2, column \"kind\": byte 0 of the cell is not UTF-8")
    );
    assert!(csv_error(b"a,\xff\n1,2\n").starts_with("a.csv, line 1: column 2 has a name that is not UTF-8"));
    let packed = gzipped(CSV.as_bytes());
    assert!(csv_error(&packed[..packed.len() - 9]).contains("the gzip stream is cut off"));
}

#[test]
fn unknown_classes_and_missing_files_are_named() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = write(dir.path(), "a.csv", CSV);
    let mut spec = file_spec(&path);
    if let TaskSpec::File { target_columns, classes, .. } = &mut spec {
        *target_columns = vec!["kind".into()];
        *classes = vec!["x".into()];
    }
    assert_eq!(short(&error_of(&spec), &path), "a.csv, row 2: class \"y\"; expected one of the classes x");
    let missing = build(&file_spec(&dir.path().join("b.npz")), 1, 1, 0).err().expect("there is no file");
    assert_eq!(missing.fault, Fault::Input);
    assert!(missing.to_string().ends_with("b.npz: there is no such file"));
    let mnist = error_of(&TaskSpec::Mnist { dir: dir.path().into(), coding: CODING, range: (0.0, 1.0), train: 10 });
    assert!(mnist.contains("train-images-idx3-ubyte: there is no such file"), "{mnist}");
}

/// The error of an idx file.
fn idx_error(bytes: &[u8]) -> String {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = write(dir.path(), "a-idx", bytes);
    match idx::read(&path) {
        Ok(_) => String::new(),
        Err(e) => short(&e.to_string(), &path),
    }
}

#[test]
fn idx_errors_name_the_byte() {
    let good = idx_bytes(&[2, 3], &[1, 2, 3, 4, 5, 6]);
    assert_eq!(idx_error(&good), "");
    for cut in 0..good.len() {
        let error = idx_error(&good[..cut]);
        assert!(error.starts_with(&format!("a-idx, byte {cut}: the file ends here; expected ")), "{error}");
    }
    let packed = gzipped(&good);
    for cut in 3..packed.len() {
        assert!(idx_error(&packed[..cut]).contains("gzip stream"), "{cut}");
    }
    for (bytes, expected) in [
        ([&good[..], &[0]].concat(), "a-idx, byte 18: more bytes; expected the end of the file"),
        ([&[1][..], &good[1..]].concat(), "a-idx, byte 0: 01 00; expected 00 00"),
        (vec![0, 0, 10, 1, 0, 0, 0, 1, 0], "a-idx, byte 2: type 0a; expected an idx type"),
        (vec![0, 0, 8, 0], "a-idx, byte 3: 0 dimensions; expected 1 to 8"),
        (idx_bytes(&[2, 0], &[]), "a-idx, byte 8: a dimension of size 0"),
        (idx_bytes(&[u32::MAX; 8], &[0]), "a-idx, byte 4: dimensions [4294967295"),
        (
            idx_bytes(&[u32::MAX, 9], &[0]),
            "a-idx, byte 12: values of dimensions [4294967295, 9] of 38654705655 bytes announced",
        ),
        (
            gzipped(&idx_bytes(&[1 << 29], &[0])),
            "a-idx, byte 9: the file ends here; expected values of dimensions [536870912]",
        ),
        (
            [&[0, 0, 13, 1, 0, 0, 0, 2][..], &1f32.to_be_bytes(), &f32::NAN.to_be_bytes()].concat(),
            "a-idx, byte 12: NaN",
        ),
        ([&gzipped(&good)[..], b"rubbish"].concat(), "a-idx, byte 18: the gzip stream"),
    ] {
        let error = idx_error(&bytes);
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn labels_must_be_as_many_as_images() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let images = write(dir.path(), "a-idx", idx_bytes(&[2, 1], &[1, 2]));
    let labels = write(dir.path(), "b-idx", idx_bytes(&[3], &[0, 1, 0]));
    let error = idx::read_table(&images, Some(&labels)).expect_err("3 labels for 2 images").to_string();
    assert!(
        short(&error, &labels)
            .starts_with("b-idx, byte 4: dimensions [3]; expected one label for each of the 2 images")
    );
}

fn npz_error(bytes: &[u8], wanted: table::Wanted) -> String {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = write(dir.path(), "a.npz", bytes);
    match npz::read(&path, wanted) {
        Ok(_) => String::new(),
        Err(e) => short(&e.to_string(), &path),
    }
}

fn small_npz() -> Vec<u8> {
    let x = npy("<f8", false, "(2, 1)", &le!(f64: 1., 2.));
    let y = npy("<i4", false, "(2,)", &le!(i32: 0, 1));
    zip(&[("x.npy", &x), ("y.npy", &y)])
}

#[test]
fn npz_errors_name_the_array() {
    assert_eq!(npz_error(&small_npz(), table::Wanted::Labels), "");
    let two = le!(f64: 1., 2.);
    let nested = format!("{}1{}", "(".repeat(1500), ")".repeat(1500));
    let long = format!("(2, {}1)", " ".repeat(5000));
    for (x, expected) in [
        (npy("<f8", false, "(2,)", &two), "a.npz, array `x`: shape [2]; expected two dimensions (rows, inputs)"),
        (npy("<f8", false, "(2, 2)", &two), "a.npz, array `x`: 16 bytes of values; expected shape [2, 2] of '<f8'"),
        (npy("<f8", false, "(2, 0)", &[]), "a.npz, array `x`: shape [2, 0]; expected at least one value"),
        (npy("<f8", false, "(0, 18446744073709551615, 9)", &[]), "a.npz, array `x`: shape"),
        (npy("<f8", false, "(4294967296, 4294967296)", &two), "a.npz, array `x`: shape"),
        (npy("<f8", false, "(99999999999999999999, 1)", &two), "a.npz, array `x`: shape"),
        (npy("<f8", false, "(4294967296, 4294967295)", &two), "a.npz, array `x`: 16 bytes of values"),
        (npy("<f8", false, &nested, &two), "a.npz, array `x`: a deeply nested header"),
        (npy("<f8", false, &long, &two), "a.npz, array `x`: a header of"),
        (npy("|O", false, "(2, 1)", &two), "a.npz, array `x`: values of type '|O'"),
        (npy("<c16", false, "(1, 1)", &two), "a.npz, array `x`: values of type '<c16'"),
        (npy("<f8", false, "(2, 1)", &le!(f64: 1., f64::NAN)), "a.npz, array `x`, row 2: NaN"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff".to_vec(), "a.npz, array `x`: a header of 4294967295 bytes"),
        (b"rubbish rubbish".to_vec(), "a.npz, array `x`: not a numpy array"),
    ] {
        let error = npz_error(&zip(&[("x.npy", &x)]), table::Wanted::Nothing);
        assert!(error.starts_with(expected), "{error}");
    }
    let x = npy("<f8", false, "(2, 1)", &two);
    assert!(npz_error(&zip(&[("x.npy", &x)]), table::Wanted::Labels).starts_with("a.npz, array `y`: only `x`"));
    for (y, expected) in [
        (npy("<i4", false, "(1,)", &le!(i32: 0)), "a.npz, array `y`: 1 rows; expected 2 as in `x`"),
        (npy("<f8", false, "(2,)", &two), "a.npz, array `y`: shape [2] of '<f8'; expected one dimension of integers"),
    ] {
        let error = npz_error(&zip(&[("x.npy", &x), ("y.npy", &y)]), table::Wanted::Labels);
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn npz_errors_of_the_zip_archive() {
    let x = npy("<f8", false, "(2, 1)", &le!(f64: 1., 2.));
    let mut miscounted = small_npz();
    // The count of all entries stands 12 bytes before the end.
    let count = miscounted.len() - 12;
    miscounted[count] = 3;
    let mut flipped = small_npz();
    let at = flipped.windows(8).position(|w| w == 2f64.to_le_bytes()).expect("x holds a 2");
    flipped[at] ^= 1;
    for (bytes, expected) in [
        (zip(&[("x.npy", &x), ("x.npy", &x)]), "a.npz: two arrays named `x`"),
        (zip_with(12, &[("x.npy", &x)]), "a.npz, array `x`: packed by the zip method"),
        (zip(&[("readme.txt", &x)]), "a.npz, array `x`: no array; expected an array named `x`"),
        (miscounted, "a.npz: 2 entries in the zip file; expected 3 as its end announces"),
        (flipped, "a.npz, array `x`: not readable ("),
    ] {
        let error = npz_error(&bytes, table::Wanted::Nothing);
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn a_cut_npz_is_an_error_at_every_byte() {
    let good = small_npz();
    for cut in 0..good.len() {
        assert!(npz_error(&good[..cut], table::Wanted::Labels).starts_with("a.npz"), "{cut}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    /// Bytes changed anywhere: any answer but a panic. The zip's checksum catches changed values.
    #[test]
    fn changed_bytes_never_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let change = |mut bytes: Vec<u8>| {
            for (at, value) in &changes {
                let at = at.index(bytes.len());
                bytes[at] = *value;
            }
            bytes
        };
        npz_error(&change(small_npz()), table::Wanted::Labels);
        idx_error(&change(idx_bytes(&[2, 3], &[1, 2, 3, 4, 5, 6])));
        idx_error(&change(gzipped(&idx_bytes(&[2, 3], &[1, 2, 3, 4, 5, 6]))));
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = write(dir.path(), "a.csv", change(CSV.as_bytes().to_vec()));
        let _ = csv_file::read(&path, &csv_file::Columns::All);
    }

    /// A header that is anything: the npy reader's own parser is only given what it can take.
    #[test]
    fn any_npy_header_never_panics(shape in "[(),0-9 {}\\[\\]'a-z:]{0,60}", descr in "[<>|]?[a-zA-Z]?[0-9]{0,20}") {
        let x = npy(&descr, false, &shape, &[0; 16]);
        npz_error(&zip(&[("x.npy", &x), ("y.npy", &x)]), table::Wanted::Labels);
    }
}
