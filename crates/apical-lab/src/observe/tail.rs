//! `metrics.jsonl` of a run that goes on, read from where the last look ended.
//!
//! The file may end in half a line, be cut back (a resumed run) and grow again, be missing, or be anything at all. What is
//! kept of it is bounded: curves are thinned, odd lines are counted.

use crate::record::read::parse;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Points of a curve that are kept, at most.
const POINTS: usize = 1024;
/// Curves, at most, and bytes of a name.
const CURVES: usize = 2000;
const NAME: usize = 200;
/// A line that is longer is none of ours.
const LINE: usize = 1 << 16;
/// Bytes before the end of what was read that must be there again.
const REMEMBERED: usize = 256;

/// A metric over presentations, thinned.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// Name of the metric.
    pub name: String,
    /// Presentation and value, at most 1024; NaN where the file has null. The newest value is `last`.
    pub points: Vec<(u64, f64)>,
    /// The newest.
    pub last: (u64, f64),
    /// The smallest and the largest finite value, infinite without any.
    pub range: (f64, f64),
    /// Values so far; every `stride`th is a point.
    count: u64,
    stride: u64,
}

impl Curve {
    fn new(name: String) -> Self {
        let range = (f64::INFINITY, f64::NEG_INFINITY);
        Curve { name, points: Vec::new(), last: (0, f64::NAN), range, count: 0, stride: 1 }
    }

    fn push(&mut self, at: u64, value: f64) {
        if self.count.is_multiple_of(self.stride) {
            if self.points.len() == POINTS {
                let mut keep = false;
                self.points.retain(|_| {
                    keep = !keep;
                    keep
                });
                self.stride *= 2;
            }
            self.points.push((at, value));
        }
        self.count += 1;
        self.last = (at, value);
        if value.is_finite() {
            self.range = (self.range.0.min(value), self.range.1.max(value));
        }
    }
}

/// The metrics of a run as far as they have been read.
#[derive(Debug)]
pub struct Tail {
    path: PathBuf,
    /// Everything before is read; a line's end, or inside a line that is too long.
    offset: u64,
    /// The bytes before `offset`.
    remembered: Vec<u8>,
    skipping: bool,
    lines: u64,
    /// In order of first appearance.
    pub curves: Vec<Curve>,
    /// Presentation and epoch of the last line.
    pub made: (u64, u64),
    /// What is wrong with the file, in words.
    pub problem: Option<String>,
}

impl Tail {
    /// Nothing is read yet.
    pub fn new(path: PathBuf) -> Self {
        Tail {
            path,
            offset: 0,
            remembered: Vec::new(),
            skipping: false,
            lines: 0,
            curves: Vec::new(),
            made: (0, 0),
            problem: None,
        }
    }

    /// Reads what is new, at most `budget` bytes of it; true if there is more.
    pub fn look(&mut self, budget: u64) -> bool {
        match self.read(budget) {
            Ok(more) => more,
            Err(source) => {
                self.problem = Some(format!("{}: {source}", file_name(&self.path)));
                false
            }
        }
    }

    fn read(&mut self, budget: u64) -> io::Result<bool> {
        let meta = match std::fs::metadata(&self.path) {
            Err(source) if source.kind() == io::ErrorKind::NotFound => {
                *self = Tail::new(self.path.clone());
                return Ok(false);
            }
            meta => meta?,
        };
        // Opening a pipe may wait for ever.
        if !meta.is_file() {
            self.problem = Some(format!("{} is no file", file_name(&self.path)));
            return Ok(false);
        }
        let mut file = File::open(&self.path)?;
        if !self.is_the_same(&mut file)? {
            *self = Tail::new(self.path.clone());
        }
        file.seek(SeekFrom::Start(self.offset))?;
        let mut bytes = Vec::new();
        let read = file.take(budget.max(2 * LINE as u64)).read_to_end(&mut bytes)? as u64;
        let more = self.offset + read < meta.len();
        let mut rest = &bytes[..];
        while let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
            let (line, after) = rest.split_at(end + 1);
            self.line(line);
            rest = after;
        }
        if rest.len() > LINE {
            // No line of ours: what follows up to its end is passed over.
            self.odd("is too long");
            self.skipping = true;
            rest = &[];
        }
        let taken = bytes.len() - rest.len();
        self.offset += taken as u64;
        if taken > 0 {
            self.remembered = bytes[taken.saturating_sub(REMEMBERED)..taken].to_vec();
        }
        Ok(more)
    }

    /// The file still holds what was read last, at its place.
    fn is_the_same(&self, file: &mut File) -> io::Result<bool> {
        file.seek(SeekFrom::Start(self.offset - self.remembered.len() as u64))?;
        let mut there = Vec::new();
        file.take(self.remembered.len() as u64).read_to_end(&mut there)?;
        Ok(there == self.remembered)
    }

    fn line(&mut self, line: &[u8]) {
        if std::mem::take(&mut self.skipping) {
            return;
        }
        self.lines += 1;
        let plain = |name: &String| name.len() <= NAME && !name.chars().any(char::is_control);
        let Some((name, when, value)) = parse(line).filter(|(name, ..)| plain(name)) else {
            return self.odd("is none that a run writes");
        };
        self.made = (when.presentation, when.epoch);
        let index = match self.curves.iter().position(|curve| curve.name == name) {
            Some(index) => index,
            None if self.curves.len() == CURVES => return self.odd("names one metric too many"),
            None => {
                self.curves.push(Curve::new(name));
                self.curves.len() - 1
            }
        };
        self.curves[index].push(when.presentation, value);
    }

    fn odd(&mut self, what: &str) {
        let place = format!("{}:{}", file_name(&self.path), self.lines.max(1));
        self.problem.get_or_insert_with(|| format!("{place} {what}: left out"));
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(presentation: u64, value: f64) -> String {
        format!(r#"{{"presentation":{presentation},"epoch":1,"time_ms":0.0,"name":"a","value":{value:?}}}"#) + "\n"
    }

    fn values(tail: &Tail) -> Vec<f64> {
        tail.curves.first().map_or(Vec::new(), |curve| curve.points.iter().map(|point| point.1).collect())
    }

    #[test]
    fn a_file_that_grows_is_cut_and_grows_again_is_followed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("metrics.jsonl");
        let mut tail = Tail::new(path.clone());
        assert!(
            !tail.look(100) && tail.curves.is_empty() && tail.problem.is_none(),
            "a missing file is no problem yet"
        );
        let (one, two) = (line(1, 0.5), line(2, 0.25));
        // Half a line at the end waits for its other half.
        std::fs::write(&path, format!("{one}{}", &two[..20])).unwrap();
        tail.look(100);
        assert_eq!((values(&tail), tail.made), (vec![0.5], (1, 1)));
        std::fs::write(&path, format!("{one}{two}")).unwrap();
        tail.look(100);
        assert_eq!((values(&tail), tail.made), (vec![0.5, 0.25], (2, 1)));
        // Cut back, and grown beyond what was read, with other values.
        std::fs::write(&path, format!("{one}{}{}", line(2, 0.75), line(3, 0.125))).unwrap();
        tail.look(100);
        assert_eq!((values(&tail), tail.made), (vec![0.5, 0.75, 0.125], (3, 1)));
        std::fs::write(&path, &one).unwrap();
        tail.look(100);
        assert_eq!((values(&tail), tail.made), (vec![0.5], (1, 1)));
        std::fs::remove_file(&path).unwrap();
        tail.look(100);
        assert!(tail.curves.is_empty() && tail.made == (0, 0) && tail.problem.is_none());
    }

    #[test]
    fn odd_lines_are_told_and_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("metrics.jsonl");
        let escape = line(2, 0.0).replace("\"a\"", "\"\\u001b[31m\"");
        let deep = "[".repeat(5000);
        let long = "x".repeat(3 * LINE);
        let text = format!("{}\u{0}\n{escape}{deep}\n{long}\n{}", line(1, 0.5), line(4, 0.25));
        std::fs::write(&path, &text).unwrap();
        let mut tail = Tail::new(path);
        while tail.look(1) {}
        tail.look(1);
        assert_eq!((values(&tail), tail.made, tail.curves.len()), (vec![0.5, 0.25], (4, 1), 1));
        assert_eq!(tail.problem.as_deref(), Some("metrics.jsonl:2 is none that a run writes: left out"));
        let mut tail = Tail::new(dir.path().to_path_buf());
        tail.look(100);
        assert!(tail.problem.is_some_and(|problem| problem.contains("is no file")));
    }

    #[test]
    fn long_curves_are_thinned_and_keep_their_last_value_and_range() {
        let mut curve = Curve::new("a".into());
        let n = 10_000_u64;
        (0..n).for_each(|i| curve.push(i, (i as f64 - 5000.0).abs()));
        assert!(curve.points.len() <= POINTS && curve.points.len() > POINTS / 2, "{}", curve.points.len());
        let step = curve.points[1].0;
        assert!(curve.points.iter().enumerate().all(|(i, point)| point.0 == i as u64 * step), "even steps");
        assert_eq!((curve.last, curve.range), ((n - 1, 4999.0), (0.0, 5000.0)));
    }
}
