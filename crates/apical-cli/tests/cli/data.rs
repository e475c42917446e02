//! `apical data`: what the command adds to the fetching that the lab's tests hold: flags, messages, exit codes.

use super::support::{Done, Place};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};

/// A server on this machine that gives the files of a folder, and 404 for all others.
fn serve(folder: PathBuf) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            let request = lines.next().unwrap_or_default();
            lines.find(String::is_empty);
            let name = request.split(' ').nth(1).and_then(|path| path.rsplit('/').next()).unwrap_or_default();
            let (status, body) = match std::fs::read(folder.join(name)) {
                Ok(body) => ("200 OK", body),
                Err(_) => ("404 Not Found", Vec::new()),
            };
            let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            // A client may hang up early.
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
        }
    });
    format!("http://{address}/mnist")
}

/// The folder of MNIST on the tester's machine, gzipped.
fn mnist() -> Option<PathBuf> {
    let folder = Path::new(&std::env::var_os("APICAL_DATA")?).join("mnist");
    let packed = folder.join("train-images-idx3-ubyte.gz").is_file();
    packed.then_some(folder)
}

#[test]
fn a_mirror_without_the_files_exits_3() {
    let place = Place::new();
    let mirror = serve(place.join("nothing"));
    let done = place.apical(&["data", "fetch", "--mirror", &mirror, "--dir", "data"]);
    done.refused(3, &["train-images-idx3-ubyte", &mirror, "404"]);
    // The variable does the same, and the flag has the last word.
    let by_variable =
        |args: &[&str]| Done::from(place.command(args).env("APICAL_MIRRORS", "ftp://nowhere").output().unwrap());
    by_variable(&["data", "fetch", "--dir", "data"]).refused(2, &["ftp://nowhere", "http"]);
    by_variable(&["data", "fetch", "--dir", "data", "--mirror", &mirror]).refused(3, &["404"]);
}

#[test]
fn missing_and_wrong_files_are_named() {
    let place = Place::new();
    std::fs::create_dir_all(place.join("data/mnist")).unwrap();
    place.write("data/mnist/t10k-labels-idx1-ubyte", "wrong");
    let done = place.apical(&["data", "check", "data"]);
    assert_eq!(done.code, Some(2), "{done:?}");
    for words in ["train-images-idx3-ubyte", "t10k-labels-idx1-ubyte", "apical data fetch"] {
        assert!(done.stderr.contains(words), "{done:?}");
    }
    assert!(done.stdout.contains("missing") && done.stdout.contains("another content"), "{done:?}");
    let json = place.apical(&["data", "check", "data", "--json"]).json();
    assert!(json.as_array().unwrap().iter().all(|file| file["good"] == false), "{json}");
    // Where nothing was ever fetched, an experiment says what to do.
    place.apical(&["run", "s18-mnist"]).refused(2, &["MNIST", "apical data fetch"]);
}

#[test]
fn mnist_is_fetched_checked_and_found() {
    let Some(source) = mnist() else {
        println!("skipped: APICAL_DATA names no folder with MNIST's gzipped files");
        return;
    };
    let place = Place::new();
    let mirror = serve(source);
    for words in ["train-images-idx3-ubyte from http://", "is here and whole"] {
        let done = place.apical(&["data", "fetch", "--mirror", &mirror, "--dir", "data"]);
        assert_eq!((done.code, done.stdout.as_str()), (Some(0), "data/mnist\n"), "{done:?}");
        assert!(done.stderr.contains(words), "{done:?}");
    }
    let done = place.apical(&["data", "check", "data"]);
    assert_eq!((done.code, done.stdout.matches("good").count()), (Some(0), 4), "{done:?}");
    let check = place.command(&["data", "check"]).env("APICAL_DATA", place.join("data")).output().unwrap();
    assert_eq!(check.status.code(), Some(0));
}
