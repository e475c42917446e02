//! Checkpoints: what is written is read back, the same bytes each time, and no damage passes unseen.

use apical_lab::checkpoint::{Checkpoint, Tensor, TensorType, read_weights};
use apical_lab::error::Kind;
use std::fs;

fn small() -> Checkpoint {
    let meta = [("step", "7"), ("plan", "reference, \"quoted\""), ("metrics.position", "1234")];
    Checkpoint {
        tensors: vec![
            Tensor::f32("Wpp.1", &[2, 3], &[1.0, -2.5, f32::NAN, f32::INFINITY, 0.0, -0.0]),
            Tensor::f64("delta.Wpp.1", &[2], &[0.1, f64::MIN_POSITIVE]),
            Tensor::u64("counters", &[2], &[u64::MAX, 3]),
            Tensor { name: "order".into(), dtype: TensorType::U8, shape: vec![3], data: vec![1, 2, 3] },
            Tensor::f64("empty", &[0], &[]),
        ],
        meta: meta.map(|(name, value)| (name.to_string(), value.to_string())).into(),
    }
}

#[test]
fn round_trip_and_equal_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("last.safetensors");
    let written = small();
    written.save(&path).unwrap();
    let first = fs::read(&path).unwrap();
    let read = Checkpoint::load(&path).unwrap();
    assert_eq!(read.meta, written.meta);
    assert_eq!(read.tensors.len(), written.tensors.len());
    for tensor in &written.tensors {
        assert_eq!(read.tensor(&tensor.name).unwrap(), tensor);
    }
    assert_eq!(read.tensor("counters").unwrap().to_u64().unwrap(), [u64::MAX, 3]);
    assert_eq!(read.tensor("Wpp.1").unwrap().to_f64()[1], -2.5);
    read.save(&path).unwrap();
    assert_eq!(fs::read(&path).unwrap(), first, "the order of tensors given must not show");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no temporary file is left");
    assert_eq!(read_weights(&path).unwrap(), read.tensors);
}

#[test]
fn any_cut_and_any_changed_byte_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("last.safetensors");
    small().save(&path).unwrap();
    let whole = fs::read(&path).unwrap();
    let refused = |bytes: &[u8], what: String| {
        fs::write(&path, bytes).unwrap();
        let error = Checkpoint::load(&path).expect_err(&what);
        assert_eq!(error.kind, Kind::Input, "{what}");
        assert!(error.to_string().contains("last.safetensors"), "{what}: {error}");
    };
    for length in 0..whole.len() {
        refused(&whole[..length], format!("cut to {length} bytes"));
    }
    refused(&[whole.as_slice(), b"x"].concat(), "a byte more".into());
    for byte in 0..whole.len() {
        // 0x29 turns a space of the padding into a tab, which JSON would not mind.
        for change in [1, 0x29, 0x80] {
            let mut changed = whole.clone();
            changed[byte] ^= change;
            refused(&changed, format!("byte {byte} changed by {change:#x}"));
        }
    }
    // A header that claims to be huge, of both lengths that a 64-bit sum could wrap at.
    for length in [u64::MAX, u64::MAX - 7, 1 << 40] {
        let mut changed = whole.clone();
        changed[..8].copy_from_slice(&length.to_le_bytes());
        refused(&changed, format!("header of {length} bytes"));
    }
    assert_eq!(Checkpoint::load(dir.path()).unwrap_err().kind, Kind::Input, "a folder is no checkpoint");
}

fn plain(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
}

#[test]
fn plain_weights_are_read_and_strange_ones_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("w.safetensors");
    let header = r#"{"Wpp.1":{"dtype":"F64","shape":[1,2],"data_offsets":[0,16]}}"#;
    let data: Vec<u8> = [1.5f64, -2.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    fs::write(&path, plain(header, &data)).unwrap();
    let tensors = read_weights(&path).unwrap();
    assert_eq!((tensors[0].name.as_str(), tensors[0].shape.as_slice()), ("Wpp.1", [1, 2].as_slice()));
    assert_eq!(tensors[0].to_f64(), [1.5, -2.0]);
    let error = Checkpoint::load(&path).unwrap_err();
    assert!(error.to_string().contains("no entry"), "{error}");

    let cases = [
        (r#"{"a":{"dtype":"F16","shape":[8],"data_offsets":[0,16]}}"#, "F16"),
        (r#"{"a":{"dtype":"F64","shape":[4611686018427387905,4],"data_offsets":[0,16]}}"#, "w.safetensors"),
        (r#"{"a":{"dtype":"F64","shape":[2],"data_offsets":[16,0]}}"#, "w.safetensors"),
        (r#"{"__metadata__":{"apical":"{}"},"a":{"dtype":"F64","shape":[2],"data_offsets":[0,16]}}"#, "damaged"),
        ("[[[[", "w.safetensors"),
    ];
    for (header, says) in cases {
        fs::write(&path, plain(header, &data)).unwrap();
        let error = read_weights(&path).expect_err(header);
        assert!(error.kind == Kind::Input && error.to_string().contains(says), "{header}: {error}");
    }
}
