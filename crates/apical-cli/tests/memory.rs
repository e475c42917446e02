//! A run on MNIST with S18's net and batches of 100 fits 200 MB, a longer one takes no more, and what `--dry-run` says of it is
//! about so: by the real binary, watched from outside.
#![cfg(target_os = "linux")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Full dynamics; presentations of a single step, since memory does not ask how long they are.
const CONFIG: &str = r#"
[network]
sizes = [784, 500, 500, 10]
bias_rate = 1.0
[network.start]
pp = 0.1
bpp = 0.1
pb = 0.5
ip = "self-predicting"
pi = "self-predicting"
[time]
presentation = 0.1
[plasticity]
eta_pp = 0.0001
eta_ip = 0.0001
eta_pi = 0.0001
[task]
kind = "mnist"
target = { low = 0.1, high = 0.8, as = "rates" }
"#;

/// Resident memory of a process that was asked again and again while it ran, MB.
struct Watched {
    /// The largest that it ever was.
    peak: f64,
    /// The largest in the second half of its time, when data and weights have long been there.
    late: f64,
}

/// A field of /proc/PID/status in MB.
fn field(status: &str, name: &str) -> Option<f64> {
    let rest = status.lines().find_map(|line| line.strip_prefix(name))?;
    Some(rest.trim_start_matches(':').split_whitespace().next()?.parse::<f64>().ok()? / 1000.0)
}

/// The command that runs the config in `folder`.
fn command(folder: &Path, data: &Path, sets: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_apical"));
    command.args(["run", "-q", "mnist.toml", "--threads", "2"]).args(sets.iter().flat_map(|set| ["--set", set]));
    command.current_dir(folder).env_clear().env("HOME", folder).env("APICAL_DATA", data);
    command
}

/// What `--dry-run` expects, MB.
fn expected(folder: &Path, data: &Path, sets: &[&str]) -> f64 {
    let output = command(folder, data, sets).args(["--dry-run", "--json"]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let plan: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    plan["memory_bytes"]["total"].as_f64().unwrap() / 1e6
}

/// Runs the config in `folder` and watches it.
fn watched(folder: &Path, data: &Path, sets: &[&str]) -> Watched {
    let mut child = command(folder, data, sets).stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    let path = PathBuf::from(format!("/proc/{}/status", child.id()));
    let (mut peak, mut resident) = (0.0f64, Vec::new());
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        // A process that has just ended has no such lines.
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        if let (Some(high), Some(now)) = (field(&text, "VmHWM"), field(&text, "VmRSS")) {
            peak = peak.max(high);
            resident.push(now);
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    assert!(status.success(), "{status}");
    Watched { peak, late: resident[resident.len() / 2..].iter().copied().fold(0.0, f64::max) }
}

/// The four files of MNIST's sizes, full of noise.
fn write_noise(folder: &Path) {
    std::fs::create_dir_all(folder).unwrap();
    let mut word = 1u32;
    for (name, count) in [("train", 60_000u32), ("t10k", 10_000)] {
        for (what, dims) in [("images-idx3", &[count, 28, 28][..]), ("labels-idx1", &[count])] {
            let mut bytes = vec![0, 0, 8, dims.len() as u8];
            bytes.extend(dims.iter().flat_map(|d| d.to_be_bytes()));
            let largest = if dims.len() == 1 { 10 } else { 256 };
            bytes.extend((0..dims.iter().product()).map(|_| {
                word = word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                ((word >> 16) % largest) as u8
            }));
            std::fs::write(folder.join(format!("{name}-{what}-ubyte")), bytes).unwrap();
        }
    }
}

#[test]
fn mnist_in_batches_of_100_fits_200_mb_and_does_not_grow() {
    if !Path::new("/proc/self/status").exists() {
        println!("skipped: there is no /proc to ask for memory");
        return;
    }
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("mnist.toml"), CONFIG).unwrap();
    let given = std::env::var_os("APICAL_DATA").map(PathBuf::from);
    let data = given.filter(|folder| folder.join("mnist").is_dir()).unwrap_or_else(|| {
        write_noise(&place.path().join("data/mnist"));
        place.path().join("data")
    });
    // All 55000 training images, which stay bytes in memory (47 MB with those that validate, and 8 MB that test).
    let whole = watched(place.path(), &data, &["train.batch=100", "train.epochs=1", "task.train=55000"]);
    println!("all of MNIST: {:.0} MB at the peak, {:.0} MB late", whole.peak, whole.late);
    assert!(whole.peak > 55.0, "not even the images: {} MB", whole.peak);
    assert!(whole.peak < 200.0, "{} MB", whole.peak);
    let [short, long] = ["train.epochs=2", "train.epochs=12"]
        .map(|epochs| watched(place.path(), &data, &["train.batch=100", epochs, "task.train=500"]));
    println!("2 epochs: {:.0} MB late; 12 epochs: {:.0} MB late", short.late, long.late);
    // What allocators keep for reuse differs from run to run by 12 MB; one copy of the weights an epoch would be 60 MB.
    assert!(long.late < short.late + 20.0, "{} MB after 2 epochs, {} MB after 12", short.late, long.late);
}

#[test]
fn the_memory_that_a_dry_run_tells_is_about_what_a_run_takes() {
    if !Path::new("/proc/self/status").exists() {
        println!("skipped: there is no /proc to ask for memory");
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let teacher = "kind = \"teacher\"\nlayers = [784, 20, 10]\nactivation = \"logistic\"\ngains = [1.0, 1.0]\n\
                   input = 1.0\nweight = 1.0\ntrain = 300\nvalidation = 100\ntest = 100\n";
    let config = CONFIG.split("kind = \"mnist\"").next().unwrap().to_owned() + teacher;
    std::fs::write(place.path().join("mnist.toml"), config).unwrap();
    for (name, sets) in [
        ("euler", &["solver.kind=euler", "train.batch=100"][..]),
        ("adaptive", &["solver.kind=adaptive", "train.batch=100"]),
        ("one by one", &["solver.kind=adaptive", "task.train=20"]),
        ("f64", &["solver.kind=adaptive", "train.batch=100", "precision=f64"]),
    ] {
        let (peak, told) = (watched(place.path(), place.path(), sets).peak, expected(place.path(), place.path(), sets));
        println!("{name}: {peak:.0} MB at the peak, about {told:.0} MB told");
        // Within a factor of 1.5: what the allocator keeps for reuse is not counted, and threads rarely hold the most at once.
        assert!((0.67..1.5).contains(&(told / peak)), "{name}: {told} MB told, {peak} MB at the peak");
    }
}
