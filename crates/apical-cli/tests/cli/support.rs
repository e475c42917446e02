//! An empty folder with the binary in it, and small experiments.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Digits by the two-step circuit: three epochs in a moment.
pub const DIGITS: &str = r#"
task = "digits"
[network]
sizes = [64, 12, 10]
[network.start]
pp = "fan-in"
pb = 1.0
ip = "self-predicting"
pi = "self-predicting"
[solver]
kind = "two-step"
attenuation = "none"
mixing = { output = 0.1, interneuron = 0.1, hidden = 0.3 }
[plasticity]
eta_pp = [3.0, 0.3]
eta_ip = 3.0
[train]
epochs = 3
batch = 10
"#;

/// Full dynamics with noise, traces and short presentations of 5 ms: about 25000 presentations a second.
pub const EULER: &str = r#"
task = { kind = "patterns", train = 1000 }
[network]
sizes = [4, 3, 2]
sigma = 0.1
[time]
presentation = 5.0
[plasticity]
eta_ip = 0.001
eta_pi = 0.005
[train]
epochs = 2
checkpoint_every = 500
[record]
interval = 500
soma = { every = 5000 }
"#;

/// A folder that goes with the test.
pub struct Place {
    dir: tempfile::TempDir,
}

/// What a command left.
#[derive(Debug)]
pub struct Done {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Place {
    pub fn new() -> Self {
        Place { dir: tempfile::tempdir().unwrap() }
    }

    /// With `digits.toml` and `euler.toml` in it.
    pub fn with_experiments() -> Self {
        let place = Place::new();
        place.write("quick.toml", DIGITS);
        place.write("euler.toml", EULER);
        place
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn join(&self, inside: impl AsRef<Path>) -> PathBuf {
        self.path().join(inside)
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        std::fs::write(self.join(name), text).unwrap();
    }

    /// The command, not yet run: in this folder, with nothing of the tester's environment.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_apical"));
        command.args(args).current_dir(self.path()).env_clear().env("HOME", self.path()).stdin(Stdio::null());
        command
    }

    pub fn apical(&self, args: &[&str]) -> Done {
        Done::from(self.command(args).output().unwrap())
    }

    /// Runs, expects success, gives the run folder (relative to this one).
    pub fn run(&self, args: &[&str]) -> String {
        let done = self.apical(&[&["run", "-q"], args].concat());
        assert_eq!(done.code, Some(0), "{done:?}");
        done.last_line()
    }

    /// The bytes of a file in a run folder.
    pub fn bytes(&self, run: &str, file: &str) -> Vec<u8> {
        let path = self.join(run).join(file);
        std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    }

    /// Everything of a run that does not depend on the clock: path within the folder, bytes.
    pub fn results(&self, run: &str) -> Vec<(PathBuf, Vec<u8>)> {
        let root = self.join(run);
        let (mut folders, mut files) = (vec![root.clone()], Vec::new());
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { files.push(path) }
            }
        }
        files.sort();
        let of_clock = ["run.json", "log.txt"];
        let inside = files.into_iter().filter(|path| of_clock.iter().all(|name| !path.ends_with(name)));
        inside.map(|path| (path.strip_prefix(&root).unwrap().to_path_buf(), std::fs::read(&path).unwrap())).collect()
    }
}

impl From<Output> for Done {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Done { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl Done {
    pub fn last_line(&self) -> String {
        self.stdout.lines().last().unwrap_or_else(|| panic!("no line in stdout: {self:?}")).to_owned()
    }

    /// Stdout's first line as JSON.
    pub fn json(&self) -> serde_json::Value {
        let line = self.stdout.lines().next().unwrap_or_default();
        serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    /// It was refused with this exit code, nothing on stdout and all these words on stderr.
    #[track_caller]
    pub fn refused(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert_eq!(self.stdout, "", "{self:?}");
        words.iter().for_each(|word| assert!(self.stderr.contains(word), "no {word:?}: {self:?}"));
        assert!(!self.stderr.contains("bug"), "{self:?}");
    }
}
