//! A place to be killed in: the binary, one experiment, and what it leaves if nobody kills it.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Small, with everything that a checkpoint must hold: noise, low-pass, a lag, biases, side-by-side samples, two phases,
/// traces of several chunks, metric intervals that divide neither an epoch nor the stretch between checkpoints, better
/// and worse validations, numbered checkpoints. 5 epochs of 8 presentations of 30 steps.
pub const EULER: &str = r#"
name = "euler"
precision = "f64"
seed = 5
[network]
sizes = [64, 4, 3, 2]
bias_rate = 0.5
sigma = 0.2
[network.start]
bpp = 0.3
[time]
presentation = 3.0
lag = 1.1
tau_target = 3.0
[plasticity]
tau_w = 30.0
eta_pp = 0.02
eta_ip = 0.02
eta_pi = 0.01
eta_pb = 0.005
[task]
kind = "teacher"
layers = [64, 3, 2]
activation = "logistic"
gains = [1.0, 1.0]
input = 1.0
weight = 1.0
train = 32
validation = 7
test = 5
[train]
batch = 4
decay = 0.9
checkpoint_every = 6
keep_every = 2
[[phase]]
name = "first"
epochs = 2
target = false
plastic = ["ip", "pi"]
[[phase]]
name = "second"
epochs = 3
[record]
figures = false
tensorboard = true
interval = 7
soma = { every = 7, layers = [1] }
input = { every = 1 }
weights = { "Wpp.1" = { every = 7, pairs = [[0, 1], [2, 3]] } }
"#;

/// Steps of `EULER`: passes of `presentation.middle`.
pub const STEPS: u64 = 5 * 8 * 30;

/// Digits by the two-step circuit: three epochs of 119 presentations.
pub const DIGITS: &str = r#"
name = "two-step"
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
checkpoint_every = 50
[record]
figures = false
interval = 70
"#;

/// Files of a run folder by their path in it.
pub type Files = BTreeMap<PathBuf, Vec<u8>>;

/// A folder that goes with the test, and what the experiment in it comes to.
pub struct Place {
    dir: tempfile::TempDir,
    unbroken: Files,
    /// Places passed by the unbroken run, in order.
    pub passed: Vec<String>,
}

impl Place {
    /// Makes the unbroken run of an experiment.
    pub fn new(experiment: &str) -> Self {
        // A kill takes nothing from the system's memory of a disk, so a disk that is only memory will do, and its syncs
        // take no time.
        let memory = Path::new("/dev/shm");
        let dir = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        let mut place = Place { dir: dir.unwrap(), unbroken: Files::new(), passed: Vec::new() };
        std::fs::write(place.join("x.toml"), experiment).unwrap();
        let run = place.finish("unbroken");
        place.unbroken = results(&run);
        place.passed = place.trail();
        place
    }

    pub fn join(&self, inside: impl AsRef<Path>) -> PathBuf {
        self.dir.path().join(inside)
    }

    /// The command in this folder, to be killed at a place, if one is given. What it passes is written down.
    pub fn command(&self, args: &[&str], kill: Option<&str>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_apical"));
        command.args(args).current_dir(&self.dir).env_clear().stdin(Stdio::null());
        match kill {
            Some(at) => command.env("APICAL_KILL_AT", at),
            None => command.env("APICAL_PASSES", self.join("passes")),
        };
        command
    }

    /// Runs into the parent folder `out` and dies at a place.
    #[track_caller]
    pub fn kill(&self, out: &str, at: &str) {
        self.kill_command(&["run", "-q", "--threads", "1", "x.toml", "--out", out], at);
    }

    #[track_caller]
    pub fn kill_command(&self, args: &[&str], at: &str) {
        let output = self.command(args, Some(at)).output().unwrap();
        assert_eq!(output.status.signal(), Some(9), "not killed at {at}: {output:?}");
    }

    /// Runs into the parent folder `out` to the end; gives the run folder.
    #[track_caller]
    pub fn finish(&self, out: &str) -> PathBuf {
        let output = self.output(&["run", "-q", "--threads", "1", "x.toml", "--out", out]);
        let path = String::from_utf8(output.stdout).unwrap();
        self.join(path.lines().last().unwrap())
    }

    #[track_caller]
    pub fn output(&self, args: &[&str]) -> Output {
        let output = self.command(args, None).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        output
    }

    /// Copies a run's parent folder.
    pub fn copy(&self, from: &str, to: &str) {
        let status = Command::new("cp").arg("-R").args([self.join(from), self.join(to)]).status().unwrap();
        assert!(status.success());
    }

    /// What was passed since this was last asked.
    pub fn trail(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.join("passes")).unwrap();
        std::fs::remove_file(self.join("passes")).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    /// Runs to the end and compares with the unbroken run; removes the run.
    #[track_caller]
    pub fn ends_the_same(&self, out: &str, killed: &str) {
        let found = results(&self.finish(out));
        let names = |files: &Files| files.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&self.unbroken), names(&found), "killed at {killed}");
        for (name, bytes) in &found {
            assert!(*bytes == self.unbroken[name], "{} differs: killed at {killed}", name.display());
        }
        std::fs::remove_dir_all(self.join(out)).unwrap();
    }
}

/// All files of a run but those that tell the time: `run.json`, `log.txt`; of events their wall times are left out. So a
/// temporary file left behind is a difference too.
fn results(run: &Path) -> Files {
    let (mut folders, mut files) = (vec![run.to_path_buf()], Files::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(run).unwrap();
            if path.is_dir() {
                folders.push(path);
            } else if name != "run.json" && name != "log.txt" {
                let bytes = std::fs::read(&path).unwrap();
                let is_events = name.starts_with("tensorboard");
                files.insert(name.to_path_buf(), if is_events { without_wall_times(bytes) } else { bytes });
            }
        }
    }
    files
}

/// Events with 0 for each wall time, bytes 1 to 8 of an event, and for the sums over it; every record is whole.
fn without_wall_times(mut bytes: Vec<u8>) -> Vec<u8> {
    let mut at = 0;
    while at < bytes.len() {
        let length = u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize;
        let data = at + 12;
        assert_eq!(bytes[data], 1 << 3 | 1, "an event begins with its wall time");
        bytes[data + 1..data + 9].fill(0);
        bytes[data + length..data + length + 4].fill(0);
        at = data + length + 4;
    }
    bytes
}

/// Random numbers that are the same everywhere: the generator SplitMix64.
pub struct Random(pub u64);

impl Random {
    /// A number in `1..=largest`.
    pub fn one_to(&mut self, largest: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        1 + (z ^ (z >> 31)) % largest
    }
}
