//! Files that a config names: where they lie and what they hold.

use crate::Error;
use flate2::read::MultiGzDecoder;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

/// A path of a config in full.
pub(super) fn resolve(dir: &Path, path: &str) -> PathBuf {
    let path = dir.join(path);
    std::path::absolute(&path).unwrap_or(path)
}

/// SHA-256 (hex) of a file's content, unpacked if it is gzipped: packed bytes differ between mirrors, data does not.
///
/// # Errors
/// The file cannot be read or unpacked.
pub fn content_hash(path: &Path) -> Result<String, Error> {
    let fail = |e: std::io::Error| Error::machine(path.display().to_string(), e);
    let file = File::open(path).map_err(fail)?;
    // Sweeps ask for the same files thousands of times: one that was not written since is not read again.
    let stamp = file.metadata().and_then(|meta| Ok((meta.len(), meta.modified()?))).map_err(fail)?;
    let key = (path.to_owned(), stamp.0, stamp.1);
    if let Some(known) = HASHES.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
        return Ok(known.clone());
    }
    let mut file = BufReader::new(file);
    let packed = file.fill_buf().map_err(fail)?.starts_with(&[0x1f, 0x8b]);
    let mut content: Box<dyn Read> = if packed { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
    let mut hash = Sha256::new();
    let mut buffer = vec![0u8; 1 << 16];
    loop {
        match content.read(&mut buffer).map_err(fail)? {
            0 => break,
            n => hash.update(&buffer[..n]),
        }
    }
    let text: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    HASHES.lock().unwrap_or_else(PoisonError::into_inner).insert(key, text.clone());
    Ok(text)
}

/// Hashes of files by path, length and time of the last change.
static HASHES: Mutex<BTreeMap<(PathBuf, u64, SystemTime), String>> = Mutex::new(BTreeMap::new());

/// Memory in bytes that this process may take, where the system says it: the machine's, or less where its address space
/// (`ulimit -v`) or a control group (a container's, a batch job's) is limited.
pub fn memory_limit() -> Option<u64> {
    let text = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let groups = text("/proc/self/cgroup");
    let group = groups.lines().find_map(|line| line.strip_prefix("0::")).unwrap_or("/");
    // The limits of the groups around it hold, too.
    let groups = Path::new(group).ancestors().filter_map(|group| {
        let below = group.strip_prefix("/").ok()?;
        std::fs::read_to_string(Path::new("/sys/fs/cgroup").join(below).join("memory.max")).ok()?.trim().parse().ok()
    });
    let limits = [machine_memory(&text("/proc/meminfo")), address_space(&text("/proc/self/limits"))];
    limits.into_iter().flatten().chain(groups).min()
}

fn machine_memory(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|l| l.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    kib.checked_mul(1024)
}

/// None where it is unlimited.
fn address_space(limits: &str) -> Option<u64> {
    limits.lines().find_map(|l| l.strip_prefix("Max address space"))?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_limit_counts() {
        assert_eq!(machine_memory("MemTotal:       16384 kB\nMemFree: 1 kB\n"), Some(16384 * 1024));
        let limits = "Limit Soft Limit Hard Limit Units\nMax address space         4294967296           unlimited            bytes\n";
        assert_eq!(address_space(limits), Some(1 << 32));
        assert_eq!(address_space("Max address space         unlimited            unlimited            bytes\n"), None);
        let machine = machine_memory(&std::fs::read_to_string("/proc/meminfo").unwrap_or_default());
        assert!(memory_limit() <= machine.or(memory_limit()), "a limit above the machine's memory");
    }
}
