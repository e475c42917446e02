//! A file as a stream of unpacked bytes that knows where it is. Knows no format but gzip, which it sees by its first
//! two bytes, whatever the file is called.
//!
//! Nothing is allocated because a header says so: memory grows with the bytes that really come, and what a packed file
//! may unfold to is bounded.

use super::error::{DataError, Place};
use flate2::bufread::MultiGzDecoder;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};

/// The most that a packed file may unfold to (or its own length, if that is more): MNIST has 47 MB.
const UNPACKED_MAX: u64 = 1 << 30;

/// How many unpacked bytes are taken from a file of `length` bytes.
pub(super) fn unpacked_limit(length: u64) -> u64 {
    length.max(UNPACKED_MAX)
}

/// Unpacked bytes of a file.
pub(super) struct Source {
    path: PathBuf,
    reader: Box<dyn Read>,
    position: u64,
    limit: u64,
}

impl Source {
    /// Opens a file, gzipped or not.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        let of_machine = |e| DataError::io(path, &e);
        let file = File::open(path).map_err(of_machine)?;
        let meta = file.metadata().map_err(of_machine)?;
        if meta.is_dir() {
            return Err(DataError::input(path, Place::File, "this is a folder", "a file"));
        }
        Self::over(path, BufReader::new(file), meta.len())
    }

    /// Bytes in memory, as if they were the content of `path`.
    pub fn from_bytes(path: &Path, bytes: &'static [u8]) -> Result<Self, DataError> {
        Self::over(path, Cursor::new(bytes), bytes.len() as u64)
    }

    fn over(path: &Path, mut reader: impl BufRead + 'static, length: u64) -> Result<Self, DataError> {
        let start = reader.fill_buf().map_err(|e| DataError::io(path, &e))?;
        let reader: Box<dyn Read> =
            if start.starts_with(&[0x1f, 0x8b]) { Box::new(MultiGzDecoder::new(reader)) } else { Box::new(reader) };
        Ok(Source { path: path.into(), reader, position: 0, limit: unpacked_limit(length) })
    }

    /// Bad data at a byte of this file.
    pub fn error(&self, byte: u64, found: impl Into<String>, allowed: impl Into<String>) -> DataError {
        DataError::input(&self.path, Place::Byte(byte), found, allowed)
    }

    /// The next `count` bytes, which are `what`; an error if the file ends before.
    pub fn exact(&mut self, count: u64, what: &str) -> Result<Vec<u8>, DataError> {
        let start = self.position;
        if count > self.limit.saturating_sub(start) {
            let allowed = format!("at most {} bytes unpacked", self.limit);
            return Err(self.error(start, format!("{what} of {count} bytes announced"), allowed));
        }
        let mut bytes = Vec::new();
        let read = self.limited(count).read_to_end(&mut bytes);
        read.map_err(|e| self.failed(&e))?;
        if (bytes.len() as u64) < count {
            let allowed = format!("{what}, {count} bytes from byte {start} on");
            return Err(self.error(start + bytes.len() as u64, "the file ends here", allowed));
        }
        Ok(bytes)
    }

    /// Everything that is left, within the bound.
    pub fn rest(&mut self) -> Result<Vec<u8>, DataError> {
        let left = self.limit.saturating_sub(self.position);
        let mut bytes = Vec::new();
        let read = self.limited(left + 1).read_to_end(&mut bytes);
        read.map_err(|e| self.failed(&e))?;
        if bytes.len() as u64 > left {
            let allowed = format!("at most {} bytes unpacked", self.limit);
            return Err(self.error(self.limit, "the file goes on", allowed));
        }
        Ok(bytes)
    }

    /// An error if anything is left.
    pub fn end(&mut self) -> Result<(), DataError> {
        let byte = self.position;
        let mut one = Vec::new();
        let read = self.limited(1).read_to_end(&mut one);
        read.map_err(|e| self.failed(&e))?;
        if one.is_empty() { Ok(()) } else { Err(self.error(byte, "more bytes", "the end of the file")) }
    }

    fn limited(&mut self, count: u64) -> io::Take<&mut Self> {
        Read::take(self, count)
    }

    /// A failed read: a damaged gzip stream is bad data, the rest is the machine.
    fn failed(&self, e: &io::Error) -> DataError {
        use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
        match e.kind() {
            UnexpectedEof => {
                self.error(self.position, "the gzip stream is cut off after this unpacked byte", "its end")
            }
            InvalidData | InvalidInput => {
                let found = format!("the gzip stream is damaged after this unpacked byte ({e})");
                self.error(self.position, found, "a whole gzip file")
            }
            _ => DataError::io(&self.path, e),
        }
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.position += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_unfolds_beyond_the_bound_is_refused() {
        let source =
            |limit| Source { limit, ..Source::from_bytes(Path::new("a"), &[7; 100]).expect("bytes in memory") };
        assert_eq!(source(100).rest().expect("within the bound").len(), 100);
        let error = source(99).rest().expect_err("beyond the bound").to_string();
        assert_eq!(error, "a, byte 99: the file goes on; expected at most 99 bytes unpacked");
        assert!(source(99).exact(100, "values").is_err());
    }
}
