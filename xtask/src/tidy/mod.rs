//! `cargo xtask tidy`: rules of the house that the compiler does not know. Each check is a function from the tree to
//! what it found; a file of this folder holds the checks of one kind.

mod book;
mod equations;
mod layers;
mod links;
mod text;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

/// Runs every check on the repository, prints what they find, and tells whether it was nothing.
pub fn run() -> bool {
    println!("--- tidy");
    let tree = match Tree::read(&crate::root()) {
        Ok(tree) => tree,
        Err(error) => {
            eprintln!("tidy: {error}");
            return false;
        }
    };
    let checks = [
        layers::crates,
        layers::report_uses_record_only,
        layers::modules,
        equations::numbered_once,
        text::module_docs,
        text::short_files,
        text::no_machine_paths,
        book::architecture_paths,
        book::dependencies,
        book::presets,
        book::functions,
        links::chapters,
        links::targets,
        links::tasks,
    ];
    let findings: Vec<Finding> = checks.iter().flat_map(|check| check(&tree)).collect();
    for finding in &findings {
        eprintln!("{finding}");
    }
    println!("tidy: {} findings", findings.len());
    findings.is_empty()
}

/// What is not as it should be, and where.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    path: String,
    /// Counted from 1; 0 where it is the whole file.
    line: usize,
    what: String,
}

impl Finding {
    fn new(path: &str, line: usize, what: impl Into<String>) -> Self {
        Finding { path: path.to_string(), line, what: what.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.what),
            line => write!(f, "{}:{line}: {}", self.path, self.what),
        }
    }
}

/// The repository's files: path from the root, with `/`, to content (empty for what is not text).
struct Tree(BTreeMap<String, String>);

impl Tree {
    /// Reads all files below `root` but those of builds and runs.
    fn read(root: &Path) -> std::io::Result<Self> {
        let mut files = BTreeMap::new();
        let mut folders = vec![String::new()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(root.join(&folder))? {
                let entry = entry?;
                let name = entry.file_name().to_string_lossy().into_owned();
                if ["target", "runs", ".git", ".venv", "node_modules", "__pycache__", ".hypothesis", ".mypy_cache"]
                    .contains(&name.as_str())
                {
                    continue;
                }
                let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
                let kind = entry.file_type()?;
                if kind.is_dir() {
                    folders.push(path);
                } else if kind.is_file() {
                    let text = String::from_utf8(std::fs::read(entry.path())?).unwrap_or_default();
                    files.insert(path, text);
                }
            }
        }
        Ok(Tree(files))
    }

    /// A made-up tree.
    #[cfg(test)]
    fn of(files: &[(&str, &str)]) -> Self {
        Tree(files.iter().map(|(path, text)| (path.to_string(), text.to_string())).collect())
    }

    /// All files, sorted by path.
    fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// Rust files.
    fn rust(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files().filter(|(path, _)| path.ends_with(".rs"))
    }

    /// A file's content.
    fn get(&self, path: &str) -> Option<&str> {
        self.0.get(path).map(String::as_str)
    }

    /// True for a file and for a folder that holds one.
    fn exists(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        let folder = format!("{path}/");
        self.0.contains_key(path) || self.0.range(folder.clone()..).next().is_some_and(|(p, _)| p.starts_with(&folder))
    }

    /// Manifests: path, name of the package (empty for the workspace), table. What cannot be read is left to cargo.
    fn manifests(&self) -> impl Iterator<Item = (&str, String, toml::Table)> {
        self.files().filter(|(path, _)| *path == "Cargo.toml" || path.ends_with("/Cargo.toml")).filter_map(
            |(path, text)| {
                let table: toml::Table = text.parse().ok()?;
                let name = table.get("package").and_then(|p| p.get("name")).and_then(|n| n.as_str());
                Some((path, name.unwrap_or_default().to_string(), table))
            },
        )
    }
}

/// The lines of a file before its unit tests, with their numbers from 1.
fn outside_tests(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(i, line)| (i + 1, line)).take_while(|(_, line)| line.trim() != "#[cfg(test)]")
}

/// True for files that hold nothing but tests.
fn is_test_file(path: &str) -> bool {
    path.contains("/tests/") || path.ends_with("/tests.rs")
}
