//! A SLURM that goes with the test; and the folder of a sweep, whose workers can be held.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const BASE: &str = "task = { kind = \"patterns\", train = 1000 }\n[network]\nsizes = [4, 3, 2]\nsigma = 0.1\n[time]\n\
    presentation = 5.0\n[plasticity]\neta_ip = 0.001\neta_pi = 0.005\n[train]\nepochs = 30\n";
const USR1: u64 = 10;

/// Waits; a limit for what hangs, far above all that a slow machine needs.
#[track_caller]
pub fn await_that(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(300), "hung while waiting for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Lines of a text that say that a run was begun, or gone on with.
pub fn log_lines(path: &Path) -> usize {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().filter(|line| ["started", "resumed"].iter().any(|word| line.contains(word))).count()
}

fn output(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| !name.starts_with('.')).collect()
}

/// A controller and a node.
pub struct Cluster {
    dir: tempfile::TempDir,
}

impl Cluster {
    pub fn start() -> Self {
        let cluster = Cluster { dir: tempfile::tempdir().unwrap() };
        cluster.start_again();
        cluster
    }

    fn script(&self, what: &str) -> Command {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/slurm-one-node.sh");
        let mut command = Command::new(script);
        command.arg(what).arg(self.dir.path());
        command
    }

    /// Starts the daemons that do not run. Their output goes to files: a pipe would stay open as long as they live.
    pub fn start_again(&self) {
        let file = |name: &str| std::fs::File::create(self.dir.path().join(name)).unwrap();
        let (out, err) = (file("start.out"), file("start.err"));
        let status = self.script("start").stdin(Stdio::null()).stdout(out).stderr(err).status().unwrap();
        let told = std::fs::read_to_string(self.dir.path().join("start.err"));
        assert!(status.success(), "{told:?}");
    }

    pub fn tool(&self, name: &str, args: &[&str]) -> String {
        output(Command::new(name).args(args).env("SLURM_CONF", self.dir.path().join("slurm.conf")))
    }

    /// Submits a sweep; gives the array's number.
    pub fn submit(&self, place: &Place, file: &str) -> String {
        let mut command = place.command(&["sweep", "submit", "--slurm", file, "--json"]);
        let told = output(command.env("SLURM_CONF", self.dir.path().join("slurm.conf")));
        let told: serde_json::Value = serde_json::from_str(told.lines().next().unwrap_or_default()).unwrap();
        assert_eq!(told["tasks"].as_u64(), Some(2));
        told["job"].as_str().unwrap().to_owned()
    }

    /// Tasks that wait or run.
    pub fn jobs(&self) -> String {
        self.tool("squeue", &["--noheader", "--array"])
    }

    /// The node's state.
    pub fn node(&self) -> String {
        self.tool("sinfo", &["--noheader", "--format=%T"])
    }

    /// How often a task was queued again.
    pub fn restarts(&self, job: &str, task: u64) -> u64 {
        let told = self.tool("scontrol", &["show", "job", &format!("{job}_{task}")]);
        let restarts = told.split_whitespace().find_map(|word| word.strip_prefix("Restarts="));
        restarts.and_then(|n| n.parse().ok()).unwrap_or_else(|| panic!("{told}"))
    }

    /// Kills the node's daemon.
    pub fn kill_node(&self) {
        let pid = std::fs::read_to_string(self.dir.path().join("slurmd.pid")).unwrap();
        signal("KILL", pid.trim().parse().unwrap());
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for log in ["slurmctld.log", "slurmd.log"] {
                let text = std::fs::read_to_string(self.dir.path().join(log)).unwrap_or_default();
                println!("--- {log}\n{text}");
            }
        }
        let _ = self.script("stop").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

fn signal(name: &str, pid: u32) {
    let status = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status();
    assert!(status.is_ok_and(|status| status.success()), "no process {pid}");
}

/// A field of what the system tells of a process.
fn told(pid: u32, field: &str) -> Option<String> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    text.lines().find_map(|line| Some(line.strip_prefix(field)?.strip_prefix(':')?.trim().to_owned()))
}

/// True while a process is there. One that ended and that nobody asks for its exit code is not.
fn lives(pid: u32) -> bool {
    told(pid, "State").is_some_and(|state| !state.starts_with('Z'))
}

/// A folder with an experiment in it, whose name a shell and sbatch must be told with care.
pub struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    pub fn new() -> Self {
        let place = Place { dir: tempfile::Builder::new().prefix("it's 100%A \"odd\" #").tempdir().unwrap() };
        place.write("base.toml", BASE);
        place
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        std::fs::write(self.dir.path().join(name), text).unwrap();
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_apical"));
        command.args(args).current_dir(self.dir.path());
        command
    }

    pub fn json(&self, args: &[&str]) -> serde_json::Value {
        let told = output(self.command(args).arg("--json"));
        // The last line is the folder.
        serde_json::from_str(told.lines().next().unwrap_or_default()).unwrap()
    }

    /// The collected table.
    pub fn table(&self, out: &str, name: &str) -> String {
        output(&mut self.command(&["sweep", "collect", "-q", "--out", out, &format!("{name}.toml")]));
        std::fs::read_to_string(self.dir.path().join(out).join(name).join("results.csv")).unwrap()
    }

    pub fn sweep(&self, name: &str) -> Sweep {
        Sweep { path: self.dir.path().join("sweeps").join(name) }
    }
}

/// The folder of a sweep.
pub struct Sweep {
    path: PathBuf,
}

/// A process that makes a run, held by SIGSTOP: nothing goes on, and no time is used up, until the test wants it to.
pub struct Held {
    pid: u32,
    /// The run that it is at.
    pub run: String,
    /// How often that run was begun or gone on with.
    pub lines: usize,
}

impl Sweep {
    pub fn join(&self, inside: impl AsRef<Path>) -> PathBuf {
        self.path.join(inside)
    }

    /// Runs that have ended.
    pub fn runs(&self) -> Vec<PathBuf> {
        names(&self.join("runs")).into_iter().map(|name| self.run(&name)).collect()
    }

    pub fn run(&self, name: &str) -> PathBuf {
        self.join("runs").join(name)
    }

    /// The log of a task.
    pub fn log(&self, job: &str, task: u64) -> String {
        std::fs::read_to_string(self.join(format!("slurm/{job}_{task}.log"))).unwrap()
    }

    /// Tokens and processes of the workers that live.
    pub fn workers(&self) -> Vec<(String, u32)> {
        let pid = |token: &String| {
            let text = std::fs::read_to_string(self.join("workers").join(token)).ok()?;
            let pid = text.lines().nth(3)?.parse().ok()?;
            told(pid, "State")?;
            Some((token.clone(), pid))
        };
        names(&self.join("workers")).iter().filter_map(pid).collect()
    }

    /// Waits until so many workers, but for some, are each in the middle of a run, and holds them there.
    #[track_caller]
    pub fn hold(&self, workers: usize, but: &[Held]) -> Vec<Held> {
        let mut held: Vec<Held> = Vec::new();
        await_that("workers in the middle of runs", || {
            for (token, pid) in self.workers() {
                if held.iter().chain(but).any(|h| h.pid == pid) {
                    continue;
                }
                signal("STOP", pid);
                match self.made_by(&token) {
                    Some((run, lines)) => held.push(Held { pid, run, lines }),
                    None => signal("CONT", pid),
                }
            }
            held.len() == workers
        });
        held
    }

    /// The run that a worker is at, once that run has a log.
    fn made_by(&self, token: &str) -> Option<(String, usize)> {
        let claims = names(&self.join("claims"));
        let claim = claims
            .iter()
            .find(|claim| std::fs::read_to_string(self.join("claims").join(claim)).is_ok_and(|t| t == token))?;
        let attempt = self.join("work").join(claim);
        let run = names(&attempt).pop()?;
        let lines = log_lines(&attempt.join(&run).join("log.txt"));
        (lines > 0).then_some((run, lines))
    }
}

impl Held {
    pub fn go_on(&self) {
        signal("CONT", self.pid);
    }

    /// True while the process is there.
    pub fn lives(&self) -> bool {
        lives(self.pid)
    }

    /// True if SIGUSR1 waits for it.
    pub fn is_told(&self) -> bool {
        told(self.pid, "ShdPnd")
            .and_then(|bits| u64::from_str_radix(&bits, 16).ok())
            .is_some_and(|bits| bits >> (USR1 - 1) & 1 == 1)
    }

    /// Kills what SLURM sets beside a task to look after it, the parent of the shell that runs the script, and waits for its end.
    pub fn kill_keeper(&self) {
        let parent = |pid: u32| told(pid, "PPid").and_then(|pid| pid.parse().ok()).unwrap();
        let keeper = parent(parent(self.pid));
        signal("KILL", keeper);
        await_that("the end of a task's keeper", || !lives(keeper));
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // A test that failed leaves no process behind that is held for ever.
        if std::thread::panicking() && self.lives() {
            signal("KILL", self.pid);
        }
    }
}
