//! Places at which a test build can be killed, to prove that a run survives it there.
//!
//! With the cargo feature `failpoints`, `APICAL_KILL_AT="checkpoint.rename.before:3"` ends the process at the third
//! pass of that place, by SIGKILL: no destructor, no flush, as `kill -9` does. `APICAL_PASSES=FILE` appends the name of
//! each place passed to a file, a line each: so a test knows how often there is something to kill. Without the feature
//! `hit` is empty. A kill test walks over `names()`; each name is a kind of file and a step of its writing, or a place of
//! the run.

/// Kinds of files that are written as a whole: temporary file, sync, rename, sync of the folder.
pub const ATOMIC_FILES: [&str; 11] = [
    "config",
    "run-info",
    "ending",
    "checkpoint",
    "final-metrics",
    "trace-chunk",
    "trace-shape",
    "figure",
    "predictions",
    "comparison",
    "observation",
];

/// Steps of writing such a file. At `write.middle` half of the bytes are there.
pub const ATOMIC_STEPS: [&str; 8] = [
    "write.before",
    "write.middle",
    "write.after",
    "sync.before",
    "sync.after",
    "rename.before",
    "rename.after",
    "folder-sync.after",
];

/// Kinds of files that are appended to and cut back on resume.
pub const GROWING_FILES: [&str; 2] = ["metrics", "events"];

/// Steps of writing such a file.
pub const GROWING_STEPS: [&str; 8] = [
    "write.before",
    "write.after",
    "flush.before",
    "flush.after",
    "sync.before",
    "sync.after",
    "cut.before",
    "cut.after",
];

/// Places elsewhere: cutting traces back on resume, rows written into a chunk, the course of the run.
pub const PLACES: [&str; 9] = [
    "traces.cut.before",
    "traces.cut.after",
    "traces.rows.before",
    "traces.rows.middle",
    "traces.rows.after",
    "folder.created",
    "folder.moved-aside",
    "presentation.middle",
    "evaluation.middle",
];

/// All places at which a test can kill: what the kill test walks over.
pub fn names() -> Vec<String> {
    let steps = |files: &[&'static str], steps: &'static [&'static str]| -> Vec<String> {
        files.iter().flat_map(|file| steps.iter().map(move |step| format!("{file}.{step}"))).collect()
    };
    let mut names = steps(&ATOMIC_FILES, &ATOMIC_STEPS);
    names.extend(steps(&GROWING_FILES, &GROWING_STEPS));
    names.extend(PLACES.map(str::to_string));
    names
}

/// Passes a place. In a test build the process may die here.
#[inline(always)]
pub fn hit(place: &str) {
    let _ = place;
    #[cfg(feature = "failpoints")]
    active::hit("", place);
}

/// Passes a step of writing a file of a kind. In a test build the process may die here.
#[inline(always)]
pub fn hit_step(file: &str, step: &str) {
    let _ = (file, step);
    #[cfg(feature = "failpoints")]
    active::hit(file, step);
}

#[cfg(feature = "failpoints")]
mod active {
    use std::fs::{File, OpenOptions};
    use std::io::Write;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// The place and the pass at which the process dies, if the environment says so.
    fn order() -> &'static Option<(String, u64)> {
        static ORDER: OnceLock<Option<(String, u64)>> = OnceLock::new();
        ORDER.get_or_init(|| {
            let text = std::env::var("APICAL_KILL_AT").ok()?;
            let (place, pass) = text.rsplit_once(':').unwrap_or((&text, "1"));
            let known = super::names().iter().any(|name| name == place);
            let pass = pass.parse().ok().filter(|&pass| pass > 0 && known);
            // A test that names no place would pass without testing anything.
            let pass = pass.unwrap_or_else(|| panic!("APICAL_KILL_AT={text}: expected PLACE or PLACE:PASS"));
            Some((place.to_string(), pass))
        })
    }

    /// Where to write down what is passed, if the environment says so.
    fn passes() -> Option<&'static File> {
        static FILE: OnceLock<Option<File>> = OnceLock::new();
        let open = || {
            let path = std::env::var_os("APICAL_PASSES")?;
            let file = OpenOptions::new().create(true).append(true).open(&path);
            Some(file.unwrap_or_else(|source| panic!("APICAL_PASSES={}: {source}", path.display())))
        };
        FILE.get_or_init(open).as_ref()
    }

    pub fn hit(file: &str, step: &str) {
        static PASSES: AtomicU64 = AtomicU64::new(0);
        let known = match file {
            "" => super::PLACES.contains(&step),
            _ => super::ATOMIC_FILES.contains(&file) || super::GROWING_FILES.contains(&file),
        };
        // No test would ever kill there.
        assert!(known, "\"{file}\" \"{step}\" is not in the lists of failpoint.rs");
        if let Some(mut passes) = passes() {
            let name = if file.is_empty() { format!("{step}\n") } else { format!("{file}.{step}\n") };
            passes.write_all(name.as_bytes()).unwrap_or_else(|source| panic!("APICAL_PASSES: {source}"));
        }
        let Some((place, pass)) = order() else { return };
        let here = match file {
            "" => place == step,
            _ => place.strip_prefix(file).and_then(|rest| rest.strip_prefix('.')) == Some(step),
        };
        if here && PASSES.fetch_add(1, Ordering::SeqCst) + 1 == *pass {
            die();
        }
    }

    fn die() -> ! {
        #[cfg(unix)]
        let _ = signal_hook::low_level::raise(signal_hook::consts::SIGKILL);
        std::process::abort()
    }
}
