//! Data sets on this machine: where they lie, whether they are whole, and how they get here.
//!
//! Files lie in DIR/mnist/ as the mirrors have them (gzipped). Checksums are of the unpacked content, since gzip bytes
//! differ between mirrors. A download goes to a `.part` file of its own per mirror, which a later call continues; only a
//! whole and right file gets its name, by a rename.

use crate::Error;
use crate::error::Kind;
use apical::tasks::{DataError, Fault};
use flate2::read::MultiGzDecoder;
use sha2::{Digest, Sha256};
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use ureq::Agent;

impl From<DataError> for Error {
    fn from(e: DataError) -> Self {
        let kind = match e.fault {
            Fault::Input => Kind::Input,
            Fault::Machine => Kind::Machine,
        };
        let allowed = if e.allowed.is_empty() { String::new() } else { format!("expected {}", e.allowed) };
        Error { kind, place: e.whereabouts(), found: e.found, allowed }
    }
}

/// A file that mirrors have, gzipped, as NAME.gz.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RemoteFile {
    /// Name without `.gz`.
    pub name: &'static str,
    /// SHA-256 of the unpacked content, hex.
    pub sha256: &'static str,
}

/// The four files of MNIST.
pub const MNIST: [RemoteFile; 4] = [
    RemoteFile {
        name: "train-images-idx3-ubyte",
        sha256: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    },
    RemoteFile {
        name: "train-labels-idx1-ubyte",
        sha256: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    },
    RemoteFile {
        name: "t10k-images-idx3-ubyte",
        sha256: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    },
    RemoteFile {
        name: "t10k-labels-idx1-ubyte",
        sha256: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    },
];

/// Public mirrors of MNIST, tried in this order.
pub const MIRRORS: [&str; 2] =
    ["https://ossci-datasets.s3.amazonaws.com/mnist", "https://storage.googleapis.com/cvdf-datasets/mnist"];

/// The variable that names the data folder.
pub const DATA_VARIABLE: &str = "APICAL_DATA";
/// The variable that lists mirrors, separated by spaces.
pub const MIRRORS_VARIABLE: &str = "APICAL_MIRRORS";

/// The most bytes of a packed file: six times the largest of MNIST.
const PACKED_MAX: u64 = 64 << 20;
/// The most bytes that are hashed of an unpacked file.
const UNPACKED_MAX: u64 = 1 << 30;
/// How often one mirror is asked for one file, if the transfer breaks off.
const ATTEMPTS: usize = 4;

/// What a fetch is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress<'a> {
    /// The file is here and whole.
    Present {
        /// Its name.
        name: &'a str,
    },
    /// Bytes have come.
    Bytes {
        /// Name of the file.
        name: &'a str,
        /// The mirror.
        mirror: &'a str,
        /// Packed bytes so far, those of earlier calls included.
        done: u64,
        /// Packed bytes in all, where the mirror says so.
        total: Option<u64>,
    },
    /// A mirror did not give the file; the next one is asked.
    Failed {
        /// Name of the file.
        name: &'a str,
        /// The mirror.
        mirror: &'a str,
        /// Why not.
        reason: &'a str,
    },
}

/// What a file of a data set is like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Whole and right.
    Good,
    /// Not there.
    Missing,
    /// Another content; the SHA-256 that was found.
    Different(String),
    /// Not readable; why.
    Unreadable(String),
}

/// A file of a data set and what it is like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Which file.
    pub file: RemoteFile,
    /// Where it lies (where it should, if it is missing).
    pub path: PathBuf,
    /// What it is like.
    pub state: State,
}

/// The user's data folder for apical: XDG_DATA_HOME or ~/.local/share, on macOS ~/Library/Application Support, on Windows
/// LOCALAPPDATA, each with `apical` in it. None if there is no home.
pub fn user_data_dir() -> Option<PathBuf> {
    user_dir(std::env::consts::OS, |name| std::env::var_os(name), std::env::home_dir())
}

fn user_dir(os: &str, variable: impl Fn(&str) -> Option<OsString>, home: Option<PathBuf>) -> Option<PathBuf> {
    // Both specifications tell to ignore relative paths.
    let folder = |name| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = match os {
        "windows" => folder("LOCALAPPDATA").or_else(|| Some(home?.join("AppData").join("Local"))),
        "macos" => home.map(|home| home.join("Library").join("Application Support")),
        _ => folder("XDG_DATA_HOME").or_else(|| Some(home?.join(".local").join("share"))),
    };
    base.map(|base| base.join("apical"))
}

/// Folders in which data sets are looked for: $APICAL_DATA, then [`user_data_dir`]. Downloads go to the first.
pub fn data_dirs() -> Vec<PathBuf> {
    let chosen = std::env::var_os(DATA_VARIABLE).filter(|v| !v.is_empty()).map(PathBuf::from);
    chosen.into_iter().chain(user_data_dir()).collect()
}

/// The first folder DIR/mnist, DIR of [`data_dirs`], that holds all four files of MNIST, gzipped or not.
pub fn find_mnist() -> Option<PathBuf> {
    data_dirs()
        .into_iter()
        .map(|dir| dir.join("mnist"))
        .find(|dir| MNIST.iter().all(|file| apical::tasks::mnist::locate(dir, file.name).is_some()))
}

/// Mirrors to ask: those of the flag, else those of $APICAL_MIRRORS, else [`MIRRORS`].
pub fn mirrors(flag: &[String]) -> Vec<String> {
    if !flag.is_empty() {
        return flag.to_vec();
    }
    let variable = std::env::var(MIRRORS_VARIABLE).unwrap_or_default();
    let listed: Vec<String> = variable.split_whitespace().map(String::from).collect();
    if listed.is_empty() { MIRRORS.map(String::from).to_vec() } else { listed }
}

/// Compares the files of MNIST in `dir`/mnist with their checksums.
pub fn check(dir: &Path) -> Vec<Report> {
    check_files(&MNIST, &dir.join("mnist"))
}

/// Compares files in a folder with their checksums.
pub fn check_files(files: &[RemoteFile], folder: &Path) -> Vec<Report> {
    files.iter().map(|&file| check_file(file, folder)).collect()
}

fn check_file(file: RemoteFile, folder: &Path) -> Report {
    let Some(path) = apical::tasks::mnist::locate(folder, file.name) else {
        return Report { file, path: folder.join(format!("{}.gz", file.name)), state: State::Missing };
    };
    let state = match unpacked_sha256(&path) {
        Ok(found) if found == file.sha256 => State::Good,
        Ok(found) => State::Different(found),
        Err(e) => State::Unreadable(e.to_string()),
    };
    Report { file, path, state }
}

/// SHA-256 of a file's content, unpacked if it is gzipped.
fn unpacked_sha256(path: &Path) -> io::Result<String> {
    let mut magic = Vec::new();
    File::open(path)?.take(2).read_to_end(&mut magic)?;
    let file = BufReader::new(File::open(path)?);
    let content: Box<dyn Read> =
        if magic == [0x1f, 0x8b] { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
    let mut content = content.take(UNPACKED_MAX);
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match content.read(&mut buffer)? {
            0 => return Ok(hex(&hash.finalize())),
            n => hash.update(&buffer[..n]),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Brings MNIST into `dest`/mnist, whatever is not there yet; gives that folder.
///
/// # Errors
/// Kind `Machine` if no mirror has a right copy of a file (with what each of them said) or the disk fails.
pub fn fetch(dest: &Path, mirrors: &[String], progress: &mut dyn FnMut(Progress)) -> Result<PathBuf, Error> {
    let folder = dest.join("mnist");
    fetch_files(&MNIST, &folder, mirrors, progress)?;
    Ok(folder)
}

/// Brings files into a folder, whatever is not there and right yet; see [`fetch`].
pub fn fetch_files(
    files: &[RemoteFile],
    folder: &Path,
    mirrors: &[String],
    progress: &mut dyn FnMut(Progress),
) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(|e| Error::machine(folder.display().to_string(), e))?;
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .timeout_connect(Some(Duration::from_secs(30)))
        .timeout_recv_response(Some(Duration::from_secs(60)))
        .timeout_per_read(Some(Duration::from_secs(60)));
    let fetcher = Fetcher { agent: config.build().into(), folder };
    for &file in files {
        match check_file(file, folder).state {
            State::Good => progress(Progress::Present { name: file.name }),
            _ => fetcher.get(file, mirrors, progress)?,
        }
    }
    Ok(())
}

/// Why a mirror did not give a file.
enum Failure {
    /// The mirror's or the network's fault: ask the next.
    Mirror(String),
    /// The same mirror may go on where it stopped.
    CutOff(String),
    /// This machine's disk: no mirror helps.
    Disk(Error),
}

struct Fetcher<'a> {
    agent: Agent,
    folder: &'a Path,
}

impl Fetcher<'_> {
    fn get(&self, file: RemoteFile, mirrors: &[String], progress: &mut dyn FnMut(Progress)) -> Result<(), Error> {
        let mut reasons = Vec::new();
        for mirror in mirrors {
            match self.get_from(file, mirror, progress) {
                Ok(()) => return Ok(()),
                Err(Failure::Disk(error)) => return Err(error),
                Err(Failure::Mirror(reason) | Failure::CutOff(reason)) => {
                    progress(Progress::Failed { name: file.name, mirror, reason: &reason });
                    reasons.push(format!("{mirror}: {reason}"));
                }
            }
        }
        let found = if reasons.is_empty() { "no mirror to ask".into() } else { reasons.join("; ") };
        let mut error = Error::machine(self.folder.join(file.name).display().to_string(), found);
        error.allowed = format!("a file whose unpacked content has SHA-256 {}", file.sha256);
        Err(error)
    }

    fn get_from(&self, file: RemoteFile, mirror: &str, progress: &mut dyn FnMut(Progress)) -> Result<(), Failure> {
        let url = format!("{}/{}.gz", mirror.trim_end_matches('/'), file.name);
        let id = &hex(&Sha256::digest(&url))[..8];
        let part = self.folder.join(format!("{}.{id}.part", file.name));
        let mut cut_off = None;
        for _ in 0..ATTEMPTS {
            let resumed = part.metadata().is_ok_and(|meta| meta.len() > 0);
            let result = self.transfer(&url, &part, &mut |done, total| {
                progress(Progress::Bytes { name: file.name, mirror, done, total });
            });
            match result {
                Err(Failure::CutOff(reason)) => cut_off = Some(reason),
                Err(other) => return Err(other),
                Ok(()) => match self.keep(file, &part) {
                    // The part may have been of another version of the file: once more, from its start.
                    Err(Failure::Mirror(_)) if resumed => {}
                    result => return result,
                },
            }
        }
        Err(Failure::CutOff(cut_off.unwrap_or_else(|| "wrong content again and again".into())))
    }

    /// Gives a complete part its name, or removes it if its content is not right.
    fn keep(&self, file: RemoteFile, part: &Path) -> Result<(), Failure> {
        let found = match unpacked_sha256(part) {
            Ok(found) if found == file.sha256 => {
                let path = self.folder.join(format!("{}.gz", file.name));
                fs::rename(part, &path).map_err(|e| disk(&path, &e))?;
                // An unpacked file beside it is not right, or it would not have been fetched again.
                remove(&self.folder.join(file.name))?;
                return self.remove_other_parts(file);
            }
            Ok(found) => format!("content with SHA-256 {found}, expected {}", file.sha256),
            Err(e) => format!("content that cannot be unpacked ({e})"),
        };
        remove(part)?;
        Err(Failure::Mirror(found))
    }

    fn remove_other_parts(&self, file: RemoteFile) -> Result<(), Failure> {
        let entries = fs::read_dir(self.folder).map_err(|e| disk(self.folder, &e))?;
        for entry in entries.filter_map(Result::ok) {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with(&format!("{}.", file.name)) && name.ends_with(".part") {
                remove(&entry.path())?;
            }
        }
        Ok(())
    }

    /// Appends to the part what it lacks. After `Ok` the mirror has sent all it has.
    fn transfer(&self, url: &str, part: &Path, progress: &mut dyn FnMut(u64, Option<u64>)) -> Result<(), Failure> {
        let have = part.metadata().map_or(0, |meta| meta.len());
        let mut request = self.agent.get(url);
        if have > 0 {
            request = request.header("Range", format!("bytes={have}-"));
        }
        let mut response = request.call().map_err(|e| match e {
            // A connection that breaks before the answer may be there again the next time.
            ureq::Error::Io(e) if have > 0 => Failure::CutOff(e.to_string()),
            e => Failure::Mirror(e.to_string()),
        })?;
        let range = response.headers().get("content-range").and_then(|v| v.to_str().ok());
        let continues = range.is_some_and(|range| range.starts_with(&format!("bytes {have}-")));
        let mut done = match response.status().as_u16() {
            200 => 0,
            206 if continues => have,
            // The part is as long as the file, or longer, or the answer is of another part: start again.
            206 | 416 if have > 0 => {
                remove(part)?;
                return Err(Failure::CutOff(format!("cannot go on at byte {have}")));
            }
            status => return Err(Failure::Mirror(format!("HTTP status {status}"))),
        };
        let total = response.body().content_length().map(|length| done + length);
        if total.is_some_and(|total| total > PACKED_MAX) {
            return Err(Failure::Mirror(format!("a file of more than {PACKED_MAX} bytes")));
        }
        let mut out = OpenOptions::new();
        let out = if done > 0 { out.append(true) } else { out.write(true).create(true).truncate(true) };
        let mut out = out.open(part).map_err(|e| disk(part, &e))?;
        let mut body = response.body_mut().as_reader();
        let mut buffer = vec![0; 1 << 16];
        loop {
            let n = match body.read(&mut buffer) {
                Ok(0) => break,
                Ok(n) => n,
                Err(e) => return Err(Failure::CutOff(format!("the transfer broke off at byte {done} ({e})"))),
            };
            out.write_all(&buffer[..n]).map_err(|e| disk(part, &e))?;
            done += n as u64;
            if done > PACKED_MAX {
                drop(out);
                remove(part)?;
                return Err(Failure::Mirror(format!("a file of more than {PACKED_MAX} bytes")));
            }
            progress(done, total);
        }
        if total.is_some_and(|total| done < total) {
            return Err(Failure::CutOff(format!("the transfer broke off at byte {done}")));
        }
        out.sync_all().map_err(|e| disk(part, &e))
    }
}

fn disk(path: &Path, e: &io::Error) -> Failure {
    Failure::Disk(Error::machine(path.display().to_string(), e))
}

/// Removes a file; one that is not there is fine.
fn remove(path: &Path) -> Result<(), Failure> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(disk(path, &e)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_folder_follows_each_platform() {
        let home = || Some(PathBuf::from("/users/me"));
        let unset = |_: &str| None;
        let set = |_: &str| Some(OsString::from("/data"));
        let relative = |_: &str| Some(OsString::from("data"));
        assert_eq!(user_dir("linux", unset, home()), Some("/users/me/.local/share/apical".into()));
        assert_eq!(user_dir("linux", set, home()), Some("/data/apical".into()));
        assert_eq!(user_dir("linux", relative, home()), Some("/users/me/.local/share/apical".into()));
        assert_eq!(user_dir("macos", set, home()), Some("/users/me/Library/Application Support/apical".into()));
        assert_eq!(user_dir("linux", unset, None), None);
    }

    #[test]
    fn a_data_error_reads_the_same_in_both_crates() {
        let path = Path::new("a.csv");
        let e = DataError::input(path, apical::tasks::Place::Byte(3), "this", "that");
        assert_eq!(Error::from(e).to_string(), "a.csv, byte 3: this; expected that");
        let denied = DataError::io(path, &io::Error::from(io::ErrorKind::PermissionDenied));
        assert_eq!(Error::from(denied).exit_code(), 3);
    }

    #[test]
    fn names_are_those_of_the_engine() {
        assert_eq!(MNIST.map(|file| file.name), apical::tasks::mnist::FILES);
    }
}
