//! Events for TensorBoard, read by another reader: a small one of this file, and the package `tensorboard` where there is
//! one.

use apical_lab::error::Kind;
use apical_lab::record::EventWriter;
use std::path::Path;

/// What a record of an event file says, by a reader that shares nothing with the writer.
#[derive(Debug, Default, PartialEq)]
struct Event {
    wall_time: f64,
    step: u64,
    version: String,
    tag: String,
    scalar: Option<f32>,
    /// min, max, number, sum, sum of squares; limits; counts.
    histogram: Option<(Vec<f64>, Vec<f64>, Vec<f64>)>,
}

/// CRC-32C bit by bit, masked.
fn sum(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for &byte in bytes {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc % 2 == 1 { (crc / 2) ^ 0x82F6_3B78 } else { crc / 2 };
        }
    }
    let crc = !crc;
    ((crc / 32768) | (crc << 17)).wrapping_add(0xA282_EAD8)
}

/// Fields of a message: number, and a number or the bytes it holds.
fn fields(mut bytes: &[u8]) -> Vec<(u64, u64, Vec<u8>)> {
    let mut list = Vec::new();
    fn varint(bytes: &mut &[u8]) -> u64 {
        let mut x = 0;
        for shift in (0..64).step_by(7) {
            let byte = bytes[0];
            *bytes = &bytes[1..];
            x |= u64::from(byte % 128) << shift;
            if byte < 128 {
                return x;
            }
        }
        panic!("a varint of more than ten bytes")
    }
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let (number, length) = match key % 8 {
            0 => (varint(&mut bytes), 0),
            1 => (0, 8),
            2 => (0, varint(&mut bytes) as usize),
            5 => (0, 4),
            wire => panic!("wire type {wire}"),
        };
        let (own, rest) = bytes.split_at(length);
        bytes = rest;
        list.push((key / 8, number, own.to_vec()));
    }
    list
}

fn doubles(bytes: &[u8]) -> Vec<f64> {
    bytes.chunks(8).map(|eight| f64::from_le_bytes(eight.try_into().unwrap())).collect()
}

/// All whole records; what is left of the file after them.
fn read(bytes: &[u8]) -> (Vec<Event>, usize) {
    let (mut events, mut at) = (Vec::new(), 0);
    while at + 12 <= bytes.len() {
        let length = u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize;
        let four = |from: usize| u32::from_le_bytes(bytes[from..from + 4].try_into().unwrap());
        assert_eq!(four(at + 8), sum(&bytes[at..at + 8]), "sum over the length at byte {at}");
        if at + 16 + length > bytes.len() {
            break;
        }
        let data = &bytes[at + 12..at + 12 + length];
        assert_eq!(four(at + 12 + length), sum(data), "sum over the record at byte {at}");
        events.push(event(data));
        at += 16 + length;
    }
    (events, bytes.len() - at)
}

fn event(data: &[u8]) -> Event {
    let mut event = Event::default();
    for (field, number, bytes) in fields(data) {
        match field {
            1 => event.wall_time = doubles(&bytes)[0],
            2 => event.step = number,
            3 => event.version = String::from_utf8(bytes).unwrap(),
            5 => {
                let values = fields(&bytes);
                assert_eq!((values.len(), values[0].0), (1, 1), "one value a summary");
                for (field, _, bytes) in fields(&values[0].2) {
                    match field {
                        1 => event.tag = String::from_utf8(bytes).unwrap(),
                        2 => event.scalar = Some(f32::from_le_bytes(bytes.try_into().unwrap())),
                        5 => {
                            let histogram = fields(&bytes);
                            assert_eq!(histogram.iter().map(|f| f.0).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6, 7]);
                            let numbers = histogram[..5].iter().map(|f| doubles(&f.2)[0]).collect();
                            event.histogram = Some((numbers, doubles(&histogram[5].2), doubles(&histogram[6].2)));
                        }
                        other => panic!("field {other} of a value"),
                    }
                }
            }
            other => panic!("field {other} of an event"),
        }
    }
    event
}

const WEIGHTS: [f64; 6] = [-1.0, -0.5, 0.0, 0.25, 2.0, f64::NAN];

fn write(writer: &mut EventWriter, steps: std::ops::Range<u64>) {
    for step in steps {
        writer.scalar(step, "train.loss", 1.0 / (step + 1) as f64).unwrap();
        writer.histogram(step, "weights.Wpp.1", &WEIGHTS).unwrap();
    }
}

fn without_times(events: Vec<Event>) -> Vec<Event> {
    events.into_iter().map(|event| Event { wall_time: 0.0, ..event }).collect()
}

#[test]
fn another_reader_finds_what_was_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("events.out.tfevents.test");
    let mut writer = EventWriter::resume(&path, 0).unwrap();
    // More than one byte of a varint.
    write(&mut writer, 299..301);
    writer.scalar(301, "train.error", f64::NAN).unwrap();
    writer.histogram(301, "weights.empty", &[]).unwrap();
    writer.flush().unwrap();
    let (events, rest) = read(&std::fs::read(&path).unwrap());
    assert_eq!((events.len(), rest), (7, 0));
    assert_eq!((events[0].version.as_str(), events[0].step), ("brain.Event:2", 0));
    assert!(events.windows(2).all(|pair| pair[0].wall_time <= pair[1].wall_time && pair[0].wall_time > 1.7e9));
    let loss = &events[1];
    assert_eq!((loss.step, loss.tag.as_str(), loss.scalar), (299, "train/loss", Some(1.0 / 300.0)));
    let (numbers, limits, counts) = events[2].histogram.as_ref().unwrap();
    assert_eq!((events[2].step, events[2].tag.as_str()), (299, "weights/Wpp/1"));
    assert_eq!(*numbers, [-1.0, 2.0, 5.0, 0.75, 1.0 + 0.25 + 0.0625 + 4.0]);
    assert_eq!((limits.len(), counts.len(), counts.iter().sum::<f64>(), limits[29]), (30, 30, 5.0, 2.0));
    // Buckets of a tenth from -1: -1 in the first, 0.25 in the thirteenth, 2 in the last.
    assert!((limits[0] + 0.9).abs() < 1e-12 && counts[0] == 1.0 && counts[12] == 1.0 && counts[29] == 1.0);
    assert!(events[5].scalar.is_some_and(f32::is_nan));
    assert_eq!(events[6].histogram, Some((vec![0.0; 5], vec![], vec![])));
}

#[test]
fn cut_anywhere_and_resumed_the_events_are_those_of_an_unbroken_file() {
    let dir = tempfile::tempdir().unwrap();
    let unbroken = dir.path().join("whole");
    let mut writer = EventWriter::resume(&unbroken, 0).unwrap();
    write(&mut writer, 0..4);
    let checkpoint = writer.position().unwrap();
    write(&mut writer, 4..9);
    let end = writer.position().unwrap();
    drop(writer);
    let whole = std::fs::read(&unbroken).unwrap();
    assert_eq!(whole.len() as u64, end);
    let path = dir.path().join("cut");
    for length in (checkpoint..end).step_by(7) {
        // Killed while these bytes were in the file: all records before the cut are read.
        std::fs::write(&path, &whole[..length as usize]).unwrap();
        let (events, _) = read(&whole[..length as usize]);
        assert!(events.len() >= 9, "{} events", events.len());
        let mut writer = EventWriter::resume(&path, checkpoint).unwrap();
        write(&mut writer, 4..9);
        assert_eq!(writer.position().unwrap(), end);
        let (events, rest) = read(&std::fs::read(&path).unwrap());
        assert_eq!((without_times(events), rest), (without_times(read(&whole).0), 0));
    }
    for wrong in [1, checkpoint - 1, checkpoint + 3, end + 1] {
        std::fs::write(&path, &whole).unwrap();
        let error = EventWriter::resume(&path, wrong).unwrap_err();
        assert!(error.kind == Kind::Input && error.to_string().contains("record's end"), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), whole, "a refused file is left alone");
    }
    let mut damaged = whole.clone();
    damaged[3] = 0xff;
    std::fs::write(&path, &damaged).unwrap();
    assert_eq!(EventWriter::resume(&path, checkpoint).unwrap_err().kind, Kind::Input);
}

/// `cargo xtask test` sees to a Python that has it.
#[test]
fn tensorboard_reads_the_events() {
    let Ok(python) = std::env::var("APICAL_PYTHON") else {
        println!("skipped: tensorboard (APICAL_PYTHON names no Python that has it)");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let logs = |name: &str| {
        std::fs::create_dir(dir.path().join(name)).unwrap();
        dir.path().join(name).join(apical_lab::record::events::FILE)
    };
    let whole = logs("whole");
    let mut writer = EventWriter::resume(&whole, 0).unwrap();
    write(&mut writer, 0..5);
    writer.position().unwrap();
    // Half a record at the end, as kill -9 leaves it.
    let bytes = std::fs::read(&whole).unwrap();
    std::fs::write(logs("killed"), &bytes[..bytes.len() - 30]).unwrap();
    reads(&python, &dir.path().join("whole"), 5);
    reads(&python, &dir.path().join("killed"), 4);
}

#[track_caller]
fn reads(python: &str, dir: &Path, histograms: usize) {
    let script = "
import sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
events = EventAccumulator(sys.argv[1], size_guidance={'scalars': 0, 'histograms': 0, 'tensors': 0}).Reload()
assert events.file_version == 2.0, events.file_version
tags = events.Tags()
def values(tag):
    if tag in tags['scalars']:
        return [(e.step, e.value) for e in events.Scalars(tag)]
    return [(e.step, e.tensor_proto.float_val[0]) for e in events.Tensors(tag)]
loss = values('train/loss')
assert [step for step, _ in loss] == [0, 1, 2, 3, 4], loss
assert all(abs(x - 1 / (step + 1)) < 1e-7 for step, x in loss), loss
n = int(sys.argv[2])
if 'weights/Wpp/1' in tags['histograms']:
    found = events.Histograms('weights/Wpp/1')
    assert len(found) == n, len(found)
    h = found[-1].histogram_value
    assert (h.min, h.max, h.num, h.sum) == (-1.0, 2.0, 5.0, 0.75), h
    assert len(h.bucket) == 30 and sum(h.bucket) == 5 and h.bucket[0] == h.bucket[29] == 1, h
else:
    assert len(events.Tensors('weights/Wpp/1')) == n
";
    let mut command = std::process::Command::new(python);
    command.args(["-W", "ignore", "-c", script]).arg(dir).arg(histograms.to_string());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
