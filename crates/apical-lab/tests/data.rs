//! Fetching and checking data sets, against a server on this machine.

use apical_lab::data::{self, MNIST, Progress, RemoteFile, State};
use apical_lab::error::Kind;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

/// gzip of [`content`], stored: more than 3 kB, so that it can be cut in the middle.
fn packed() -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    encoder.write_all(&content()).and_then(|()| encoder.finish()).expect("memory takes all bytes")
}

fn content() -> Vec<u8> {
    (0..3000u32).map(|i| (i * i % 251) as u8).collect()
}

const FILE: RemoteFile =
    RemoteFile { name: "small", sha256: "1c1398aeaf055a521aff5e8d26fe612d2628aec0e4be0cee2fc155131bd118a8" };

/// What the server does with a request.
#[derive(Clone, Copy)]
enum Answer {
    /// The file, or its end if a range is asked for.
    Good,
    /// The file from its start, whatever range is asked for.
    Whole,
    /// The right header, then only this many bytes.
    Cut(usize),
    /// Another file.
    Wrong,
    /// 404.
    Missing,
}

/// A server that gives each connection the next answer (the last one for ever) and notes the `Range` of each request.
struct Server {
    url: String,
    ranges: Arc<Mutex<Vec<Option<String>>>>,
}

impl Server {
    fn new(answers: &'static [Answer]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}/files", listener.local_addr().expect("it is bound"));
        let ranges = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&ranges);
        thread::spawn(move || {
            for (i, stream) in listener.incoming().enumerate() {
                let Ok(stream) = stream else { continue };
                // A client that hangs up is no failure of the server.
                let _ = serve(stream, answers[i.min(answers.len() - 1)], &seen);
            }
        });
        Server { url, ranges }
    }

    fn ranges(&self) -> Vec<Option<String>> {
        self.ranges.lock().expect("no test panics with the lock").clone()
    }
}

fn serve(mut stream: TcpStream, answer: Answer, seen: &Mutex<Vec<Option<String>>>) -> std::io::Result<()> {
    let mut range = None;
    for line in BufReader::new(stream.try_clone()?).lines() {
        let line = line?.to_lowercase();
        if let Some(value) = line.strip_prefix("range: ") {
            range = Some(value.to_string());
        }
        if line.is_empty() {
            break;
        }
    }
    seen.lock().expect("no test panics with the lock").push(range.clone());
    let start: usize = match (answer, &range) {
        (Answer::Good | Answer::Cut(_), Some(range)) => {
            range.trim_start_matches("bytes=").trim_end_matches('-').parse().expect("an open range")
        }
        _ => 0,
    };
    let body = match answer {
        Answer::Wrong => b"something else".to_vec(),
        Answer::Missing => Vec::new(),
        _ => packed()[start..].to_vec(),
    };
    let status = match answer {
        Answer::Missing => "404 Not Found".to_string(),
        _ if start > 0 => {
            let total = packed().len();
            format!("206 Partial Content\r\nContent-Range: bytes {start}-{}/{total}", total - 1)
        }
        _ => "200 OK".to_string(),
    };
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len())?;
    stream.write_all(if let Answer::Cut(n) = answer { &body[..n] } else { &body })
}

fn fetch(folder: &Path, servers: &[&Server]) -> Result<Vec<String>, apical_lab::Error> {
    let mirrors: Vec<String> = servers.iter().map(|s| s.url.clone()).collect();
    let mut failures = Vec::new();
    data::fetch_files(&[FILE], folder, &mirrors, &mut |progress| {
        if let Progress::Failed { reason, .. } = progress {
            failures.push(reason.to_string());
        }
    })
    .map(|()| failures)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("the folder is there");
    entries.map(|e| e.expect("readable").file_name().to_string_lossy().into_owned()).collect()
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

#[test]
fn a_good_file_is_fetched_once() {
    let (dir, server) = (folder(), Server::new(&[Answer::Good]));
    assert!(fetch(dir.path(), &[&server]).expect("the server has it").is_empty());
    assert_eq!(names(dir.path()), ["small.gz"]);
    assert_eq!(fs::read(dir.path().join("small.gz")).expect("it is there"), packed());
    fetch(dir.path(), &[&server]).expect("it is here already");
    assert_eq!(server.ranges(), [None]);
    assert_eq!(data::check_files(&[FILE], dir.path())[0].state, State::Good);
}

#[test]
fn a_cut_transfer_goes_on_where_it_stopped() {
    let (dir, server) = (folder(), Server::new(&[Answer::Cut(1000), Answer::Good]));
    fetch(dir.path(), &[&server]).expect("the second connection is good");
    assert_eq!(server.ranges(), [None, Some("bytes=1000-".into())]);
    assert_eq!(names(dir.path()), ["small.gz"]);
}

#[test]
fn a_later_call_resumes_what_an_earlier_one_left() {
    let (dir, server) =
        (folder(), Server::new(&[Answer::Cut(500), Answer::Cut(0), Answer::Cut(0), Answer::Cut(0), Answer::Good]));
    let error = fetch(dir.path(), &[&server]).expect_err("all attempts are cut off");
    assert_eq!(error.kind, Kind::Machine);
    assert!(error.to_string().contains("broke off at byte 500"), "{error}");
    assert!(names(dir.path())[0].ends_with(".part"));
    fetch(dir.path(), &[&server]).expect("now the server is good");
    assert_eq!(server.ranges().last(), Some(&Some("bytes=500-".into())));
    assert_eq!(names(dir.path()), ["small.gz"]);
}

#[test]
fn a_server_that_ignores_ranges_sends_all_again() {
    let (dir, server) = (folder(), Server::new(&[Answer::Cut(1000), Answer::Whole]));
    fetch(dir.path(), &[&server]).expect("the whole file came");
    assert_eq!(fs::read(dir.path().join("small.gz")).expect("it is there"), packed());
}

#[test]
fn a_wrong_checksum_is_named_and_nothing_is_kept() {
    let (dir, server) = (folder(), Server::new(&[Answer::Wrong]));
    let error = fetch(dir.path(), &[&server]).expect_err("the content is wrong");
    assert_eq!(error.kind, Kind::Machine);
    let text = error.to_string();
    let found = "content with SHA-256 f41f3fa625ff120ddca7ef456bf66371ecea23c129f4e4c32367101edb516cf8";
    for part in ["small", found, FILE.sha256] {
        assert!(text.contains(part), "{text}");
    }
    assert!(names(dir.path()).is_empty());
}

#[test]
fn the_next_mirror_is_asked_when_one_fails() {
    let (dir, missing) = (folder(), Server::new(&[Answer::Missing]));
    let (wrong, good) = (Server::new(&[Answer::Wrong]), Server::new(&[Answer::Good]));
    let failures = fetch(dir.path(), &[&missing, &wrong, &good]).expect("the third mirror is good");
    assert_eq!(failures.len(), 2);
    assert_eq!(failures[0], "HTTP status 404");
    assert_eq!(names(dir.path()), ["small.gz"]);
    let error = fetch(folder().path(), &[&missing]).expect_err("404");
    assert!(error.kind == Kind::Machine && error.to_string().contains("HTTP status 404"), "{error}");
}

#[test]
fn a_stale_part_is_thrown_away_and_fetched_anew() {
    let (dir, server) =
        (folder(), Server::new(&[Answer::Cut(700), Answer::Cut(0), Answer::Cut(0), Answer::Cut(0), Answer::Good]));
    fetch(dir.path(), &[&server]).expect_err("all attempts are cut off");
    let part = dir.path().join(&names(dir.path())[0]);
    fs::write(&part, [7; 700]).expect("the folder is writable");
    fetch(dir.path(), &[&server]).expect("the second time from its start");
    assert_eq!(server.ranges()[4..], [Some("bytes=700-".into()), None]);
}

#[test]
fn no_server_and_no_folder_are_failures_of_the_machine() {
    let dir = folder();
    let nobody = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port");
    let error = data::fetch_files(&[FILE], dir.path(), &[format!("http://{nobody}")], &mut |_| {});
    assert_eq!(error.expect_err("nobody listens").kind, Kind::Machine);
    let file = dir.path().join("file");
    fs::write(&file, "x").expect("the folder is writable");
    let error = data::fetch(&file, &[], &mut |_| {}).expect_err("a file is no folder");
    assert_eq!(error.kind, Kind::Machine);
}

#[test]
fn check_tells_missing_wrong_and_cut_files() {
    let dir = folder();
    let state = || data::check_files(&[FILE], dir.path())[0].state.clone();
    assert_eq!(state(), State::Missing);
    fs::write(dir.path().join("small.gz"), &packed()[..2000]).expect("the folder is writable");
    assert!(matches!(state(), State::Unreadable(_)));
    fs::write(dir.path().join("small.gz"), "something else").expect("the folder is writable");
    assert!(matches!(state(), State::Different(_)));
    // An unpacked file is looked at first.
    fs::write(dir.path().join("small"), content()).expect("the folder is writable");
    assert_eq!(state(), State::Good);
}

#[test]
fn mnist_of_this_machine_is_whole() {
    let Some(dir) = std::env::var_os(data::DATA_VARIABLE) else {
        eprintln!("skipped: APICAL_DATA is not set");
        return;
    };
    for (report, file) in data::check(Path::new(&dir)).iter().zip(MNIST) {
        assert_eq!((report.file, &report.state), (file, &State::Good), "{}", report.path.display());
    }
    assert_eq!(data::find_mnist(), Some(Path::new(&dir).join("mnist")));
}
