//! Events for TensorBoard: scalars, and histograms of weights.
//!
//! The file is a row of TFRecord frames: length (u64), its masked CRC-32C, data, their masked CRC-32C, all
//! little-endian. The data of each are an `Event` in protocol buffers, written here by hand: five messages of a format
//! that has not changed since 2015 are less than a crate for it. An event's wall time has always eight bytes, so a
//! resumed run writes the same bytes to the same places but for these and the sums over them, and TensorBoard, which
//! reads on from where it was, finds whole records there.

use super::growing::Growing;
use crate::error::Error;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// Name of the file. TensorBoard looks for `tfevents` in names.
pub const FILE: &str = "events.out.tfevents.0.apical";
/// What the first event of a file must say.
const VERSION: &str = "brain.Event:2";
/// Equal buckets of a histogram, from the smallest to the largest value.
const BUCKETS: usize = 30;

/// Writes one event file.
#[derive(Debug)]
pub struct EventWriter {
    file: Growing,
}

impl EventWriter {
    /// Opens the file (made if missing) and cuts it back to its first `position` bytes: 0 begins anew.
    ///
    /// # Errors
    /// `Input` if the file is shorter than `position` or that is not a record's end; `Machine`: disk.
    pub fn resume(path: &Path, position: u64) -> Result<Self, Error> {
        let mut writer = EventWriter { file: Growing::resume(path, "events", "record", position, ends_record)? };
        if position == 0 {
            let mut event = header(0);
            put_bytes(&mut event, 3, VERSION.as_bytes());
            writer.file.append(&frame(&event))?;
        }
        Ok(writer)
    }

    /// Appends the value of a metric; TensorBoard keeps it in single precision.
    ///
    /// # Errors
    /// The machine's.
    pub fn scalar(&mut self, step: u64, name: &str, value: f64) -> Result<(), Error> {
        let mut entry = Vec::new();
        put_bytes(&mut entry, 1, tag(name).as_bytes());
        put_key(&mut entry, 2, FOUR_BYTES);
        entry.extend_from_slice(&(value as f32).to_le_bytes());
        self.summary(step, &entry)
    }

    /// Appends the histogram of some numbers; those that are not finite are left out.
    ///
    /// # Errors
    /// The machine's.
    pub fn histogram(&mut self, step: u64, name: &str, values: &[f64]) -> Result<(), Error> {
        let mut entry = Vec::new();
        put_bytes(&mut entry, 1, tag(name).as_bytes());
        put_bytes(&mut entry, 5, &Histogram::of(values).encode());
        self.summary(step, &entry)
    }

    fn summary(&mut self, step: u64, entry: &[u8]) -> Result<(), Error> {
        let mut summary = Vec::new();
        put_bytes(&mut summary, 1, entry);
        let mut event = header(step);
        put_bytes(&mut event, 5, &summary);
        self.file.append(&frame(&event))
    }

    /// Hands all records to the operating system, so that a reader sees them.
    ///
    /// # Errors
    /// The machine's.
    pub fn flush(&mut self) -> Result<(), Error> {
        self.file.flush()
    }

    /// Makes all records durable and returns the file's length in bytes, for a checkpoint.
    ///
    /// # Errors
    /// The machine's.
    pub fn position(&mut self) -> Result<u64, Error> {
        self.file.position()
    }
}

/// A metric's name as a tag: TensorBoard makes groups at slashes.
fn tag(name: &str) -> String {
    name.replace('.', "/")
}

/// Numbers sorted into buckets.
#[derive(Clone, Debug, PartialEq)]
struct Histogram {
    min: f64,
    max: f64,
    count: f64,
    sum: f64,
    sum_squares: f64,
    /// Upper bound of each bucket; the last is `max`.
    limits: Vec<f64>,
    counts: Vec<f64>,
}

impl Histogram {
    fn of(values: &[f64]) -> Self {
        let finite = || values.iter().copied().filter(|x| x.is_finite());
        let (min, max) = finite().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(x), b.max(x)));
        let (mut h, width) = match max - min {
            // Nothing is finite.
            w if w < 0.0 => (Histogram::empty(0.0, 0.0, 0), 0.0),
            // One value: one bucket.
            0.0 => (Histogram::empty(min, max, 1), 0.0),
            // The difference of the largest numbers is infinite.
            _ => (Histogram::empty(min, max, BUCKETS), max / BUCKETS as f64 - min / BUCKETS as f64),
        };
        let last = h.counts.len().saturating_sub(1);
        h.limits.iter_mut().enumerate().for_each(|(i, limit)| {
            // In two steps for the same reason.
            let half = 0.5 * (i + 1) as f64 * width;
            *limit = if i == last { max } else { min + half + half };
        });
        for x in finite() {
            h.count += 1.0;
            h.sum += x;
            h.sum_squares += x * x;
            // A difference below a bucket's width may round to 0 / 0 among subnormal numbers: the first bucket then.
            let bucket = ((x / width - min / width).max(0.0) as usize).min(last);
            h.counts[bucket] += 1.0;
        }
        h
    }

    fn empty(min: f64, max: f64, buckets: usize) -> Self {
        let zeros = vec![0.0; buckets];
        Histogram { min, max, count: 0.0, sum: 0.0, sum_squares: 0.0, limits: zeros.clone(), counts: zeros }
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for (field, x) in [self.min, self.max, self.count, self.sum, self.sum_squares].into_iter().enumerate() {
            put_double(&mut out, field as u32 + 1, x);
        }
        for (field, list) in [(6, &self.limits), (7, &self.counts)] {
            let packed: Vec<u8> = list.iter().flat_map(|x| x.to_le_bytes()).collect();
            put_bytes(&mut out, field, &packed);
        }
        out
    }
}

/// The start of an event: wall time, which tests know to lie in bytes 1 to 8, and step.
fn header(step: u64) -> Vec<u8> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut event = Vec::new();
    put_double(&mut event, 1, now.as_secs_f64());
    put_key(&mut event, 2, VARINT);
    put_varint(&mut event, step);
    event
}

// The wire types of protocol buffers.
const VARINT: u32 = 0;
const EIGHT_BYTES: u32 = 1;
const LENGTH: u32 = 2;
const FOUR_BYTES: u32 = 5;

fn put_varint(out: &mut Vec<u8>, mut x: u64) {
    while x >= 0x80 {
        out.push(x as u8 | 0x80);
        x >>= 7;
    }
    out.push(x as u8);
}

fn put_key(out: &mut Vec<u8>, field: u32, wire: u32) {
    put_varint(out, u64::from(field << 3 | wire));
}

fn put_double(out: &mut Vec<u8>, field: u32, x: f64) {
    put_key(out, field, EIGHT_BYTES);
    out.extend_from_slice(&x.to_le_bytes());
}

fn put_bytes(out: &mut Vec<u8>, field: u32, bytes: &[u8]) {
    put_key(out, field, LENGTH);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn frame(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    let mut out = Vec::with_capacity(data.len() + 16);
    out.extend_from_slice(&length);
    out.extend_from_slice(&masked(crc32c(&length)).to_le_bytes());
    out.extend_from_slice(data);
    out.extend_from_slice(&masked(crc32c(data)).to_le_bytes());
    out
}

/// TFRecord's mask, so that a sum over data that hold a sum is still worth something.
fn masked(crc: u32) -> u32 {
    crc.rotate_right(15).wrapping_add(0xa282_ead8)
}

/// CRC-32C (Castagnoli), reflected.
fn crc32c(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut i = 0;
        while i < 256 {
            let (mut crc, mut bit) = (i as u32, 0);
            while bit < 8 {
                crc = if crc & 1 == 1 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 };
                bit += 1;
            }
            table[i] = crc;
            i += 1;
        }
        table
    };
    !bytes.iter().fold(!0, |crc, &byte| crc >> 8 ^ TABLE[(crc as u8 ^ byte) as usize])
}

/// True if a record ends at `position`, seen by walking over the lengths of all records before.
fn ends_record(file: &mut File, position: u64) -> io::Result<bool> {
    file.seek(SeekFrom::Start(0))?;
    let mut reader = BufReader::new(file);
    let mut at = 0u64;
    while at < position {
        let mut head = [0; 12];
        match reader.read_exact(&mut head) {
            Err(source) if source.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
            read => read?,
        }
        let (length, sum) = head.split_at(8);
        if masked(crc32c(length)).to_le_bytes() != sum {
            return Ok(false);
        }
        let length = length.iter().rev().fold(0, |n, &byte| n << 8 | u64::from(byte));
        let Some(end) = at.checked_add(16).and_then(|end| end.checked_add(length)) else { return Ok(false) };
        let Ok(rest) = i64::try_from(end - at - 12) else { return Ok(false) };
        reader.seek_relative(rest)?;
        at = end;
    }
    Ok(at == position)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3720, B.4, and the check value of the catalogue of CRCs.
    #[test]
    fn sums_are_those_of_the_standard() {
        let rising: Vec<u8> = (0..32).collect();
        let falling: Vec<u8> = (0..32).rev().collect();
        let known: [(&[u8], u32); 6] = [
            (&[0; 32], 0x8a91_36aa),
            (&[0xff; 32], 0x62a8_ab43),
            (&rising, 0x46dd_794e),
            (&falling, 0x113f_db5c),
            (b"123456789", 0xe306_9283),
            (b"", 0),
        ];
        for (bytes, sum) in known {
            assert_eq!(crc32c(bytes), sum, "{bytes:?}");
        }
    }

    #[test]
    fn every_finite_value_is_in_the_bucket_whose_bounds_hold_it() {
        let values: Vec<f64> = (0..1000).map(|i| (f64::from(i) * 0.7).sin() * 3.0 - 1.0).chain([f64::NAN]).collect();
        let h = Histogram::of(&values);
        assert_eq!((h.counts.len(), h.counts.iter().sum::<f64>(), h.count), (BUCKETS, 1000.0, 1000.0));
        assert_eq!(h.limits[BUCKETS - 1], h.max);
        // A value on a bound may be rounded to either side: none of these lies on one.
        for (i, &count) in h.counts.iter().enumerate() {
            let from = if i == 0 { f64::NEG_INFINITY } else { h.limits[i - 1] };
            let inside = values.iter().filter(|&&x| x >= from && (x < h.limits[i] || i == BUCKETS - 1)).count();
            assert_eq!(inside as f64, count, "bucket {i}");
        }
    }

    #[test]
    fn odd_values_have_histograms_too() {
        assert_eq!(Histogram::of(&[f64::NAN, f64::INFINITY]), Histogram::empty(0.0, 0.0, 0));
        assert_eq!(Histogram::of(&[]), Histogram::empty(0.0, 0.0, 0));
        let one = Histogram::of(&[0.5; 7]);
        assert_eq!((one.limits, one.counts, one.sum), (vec![0.5], vec![7.0], 3.5));
        for pair in [[-f64::MAX, f64::MAX], [0.0, f64::MIN_POSITIVE / 1e10], [1.0, 1.0 + f64::EPSILON]] {
            let h = Histogram::of(&pair);
            assert_eq!(h.counts.iter().sum::<f64>(), 2.0, "{pair:?}");
            assert!(h.limits.iter().all(|x| x.is_finite()) && h.limits.is_sorted(), "{h:?}");
        }
    }
}
