//! The book by the letter: every command of its pages is typed in order into a folder of the page's own.
//!
//! A block of commands is fenced as `sh`. Behind that may stand `exit=1`, the code with which each of its commands ends, or
//! `not-run="reason"`: then the command line alone is checked. Blocks with `file=NAME` are written to that file, blocks of
//! Python are run where `APICAL_PYTHON` names one with the packages, unless they are marked as a `fragment`.

#![cfg(unix)]

mod gallery;
mod page;
mod place;

use page::Block;
use place::Place;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The root of the repository, unless this package stands alone.
fn root() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    if root.join("docs/SUMMARY.md").is_file() {
        return root.canonicalize().ok();
    }
    println!("skipped: the book is not part of this package");
    None
}

/// The README and the pages of the book: path from the root, text.
fn pages(root: &Path) -> Vec<(String, String)> {
    let mut pages = vec![root.join("README.md")];
    for folder in ["docs", "docs/results"] {
        let files = std::fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().path());
        pages.extend(files.filter(|path| path.extension().is_some_and(|end| end == "md")));
    }
    pages.sort();
    let name = |path: &Path| path.strip_prefix(root).unwrap().display().to_string();
    pages.into_iter().map(|path| (name(&path), std::fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn every_command_of_the_book_runs() {
    let Some(root) = root() else { return };
    let pages = pages(&root);
    let pages: Vec<_> = pages.iter().filter(|(name, _)| name != gallery::PAGE).collect();
    let (next, failures) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some((name, text)) = pages.get(next.fetch_add(1, Ordering::Relaxed)) {
            let mut found = Vec::new();
            follow(&mut Place::new(), name, text, &mut found);
            failures.lock().unwrap().extend(found);
        }
    };
    let cores = std::thread::available_parallelism().map_or(1, |n| n.get());
    std::thread::scope(|scope| (0..cores).for_each(|_| drop(scope.spawn(work))));
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Does what a page says, and adds to the list what went otherwise.
fn follow(place: &mut Place, name: &str, text: &str, failures: &mut Vec<String>) {
    let (blocks, text) = page::read(text);
    for block in &blocks {
        let at = format!("{name}:{}", block.line);
        if block.text.contains("python3 ") && !place.sh("python3 --version").status.success() {
            println!("skipped: {at} and what follows: there is no python3");
            return;
        }
        if let Some(file) = block.attribute("file") {
            std::fs::write(place.here().join(file), &block.text).unwrap();
        }
        let done = match block.language() {
            "sh" if block.attribute("not-run").is_some() => parse_all(place, &block.commands()),
            "sh" => run_all(place, block),
            "python" if block.attribute("file").is_none() && !block.info.ends_with(" fragment") => python(place, block),
            _ => Ok(()),
        };
        failures.extend(done.err().map(|what| format!("{at}: {what}")));
    }
    for code in page::inline_commands(&text) {
        failures.extend(parse(place, &code).err().map(|what| format!("{name}: `{code}`: {what}")));
    }
}

fn run_all(place: &mut Place, block: &Block) -> Result<(), String> {
    let expected: i32 = block.attribute("exit").map_or(Ok(0), str::parse).map_err(|_| "exit= wants a number")?;
    for (line, command) in block.commands() {
        let done = place.run(&command)?;
        if done.status.code() != Some(expected) {
            let streams = [done.stdout, done.stderr].map(|s| String::from_utf8_lossy(&s).into_owned());
            return Err(format!(
                "line {line}: `{command}` ended with {}, not {expected}\n{}",
                done.status,
                streams.concat()
            ));
        }
    }
    Ok(())
}

/// Holds command lines that are not run against the command's grammar.
fn parse_all(place: &Place, commands: &[(usize, String)]) -> Result<(), String> {
    let mut ours = commands.iter().filter(|(_, command)| command.starts_with("apical "));
    ours.try_for_each(|(_, command)| parse(place, command))
}

/// With `--help` behind it a command line is read up to there, and nothing is done.
fn parse(place: &Place, command: &str) -> Result<(), String> {
    let end = [" #", " >", " |"].iter().filter_map(|end| command.find(end)).min().unwrap_or(command.len());
    // The names of things that the reader puts in stand for paths.
    let done = place.sh(&format!("{} --help", &command[..end]));
    if done.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&done.stderr).into_owned()) }
}

fn python(place: &mut Place, block: &Block) -> Result<(), String> {
    let Some(python) = std::env::var_os("APICAL_PYTHON") else { return Ok(()) };
    let code = place.with_ids(&block.text)?;
    std::fs::write(place.here().join("block.py"), code).unwrap();
    let done = place.sh(&format!("'{}' block.py", Path::new(&python).display()));
    if done.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&done.stderr).into_owned()) }
}

#[test]
fn commands_stand_in_blocks_that_say_what_they_are() {
    let Some(root) = root() else { return };
    let place = Place::new();
    let mut failures = Vec::new();
    for (name, text) in pages(&root) {
        let (blocks, text) = page::read(&text);
        for block in &blocks {
            let at = format!("{name}:{}", block.line);
            match block.language() {
                "" => failures.push(format!("{at}: a block without a language")),
                "sh" => {}
                "text" => failures.extend(synopsis(&place, &block.text).err().map(|what| format!("{at}: {what}"))),
                _ if block.text.lines().any(page::is_ours) => failures.push(format!("{at}: commands outside of `sh`")),
                _ => {}
            }
            let known =
                |word: &str| ["exit=", "needs=", "not-run=\"", "file=", "fragment"].iter().any(|k| word.starts_with(k));
            let extra = block
                .info
                .split('"')
                .step_by(2)
                .flat_map(str::split_whitespace)
                .skip(1)
                .find(|w| !known(&format!("{w}\"")));
            failures.extend(extra.map(|word| format!("{at}: `{word}` means nothing")));
        }
        for line in text.lines().filter(|line| line.starts_with("    ") && page::is_ours(line)) {
            failures.push(format!("{name}: a command that is indented instead of fenced: {}", line.trim()));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Every flag of a grammar, as in `apical plot RUN... [--figure NAME]`, is one of the command's.
fn synopsis(place: &Place, text: &str) -> Result<(), String> {
    let mut help = String::new();
    for line in text.lines() {
        if let Some(command) = line.strip_prefix("apical ") {
            let command = command.split_whitespace().next().unwrap_or_default();
            let done = place.sh(&format!("apical {command} --help"));
            if !done.status.success() {
                return Err(format!("there is no apical {command}"));
            }
            help = String::from_utf8_lossy(&done.stdout).into_owned();
        }
        let flags = line.split(['[', ']', ' ', '|']).filter(|word| word.starts_with("--"));
        for flag in flags.filter(|_| !help.is_empty()) {
            if !help.split_whitespace().any(|word| word.trim_end_matches(',') == flag) {
                return Err(format!("there is no {flag}"));
            }
        }
    }
    Ok(())
}
