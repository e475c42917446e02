//! Configs as text: where they come from, what they may hold, where in them something is wrong. What they mean together
//! is decided in `check`.

pub mod departure_fields;
pub mod diagnostic;
pub mod docs;
pub mod fields;
pub mod node;
pub mod record_fields;
pub mod registry;
pub mod sweep_fields;
pub mod sweep_schema;
pub mod walk;

pub use diagnostic::{Diagnostic, Severity, report};
pub use docs::{explain, reference_markdown, schema};
pub use node::Override;
pub use sweep_schema::sweep_schema;

use crate::Error;
use std::path::{Path, PathBuf};

/// A config before anything was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// File name or "preset NAME", for messages.
    pub label: String,
    /// Name of the run unless the config gives one.
    pub name: String,
    /// The content, which may be anything.
    pub text: Vec<u8>,
    /// Paths in the config are relative to this folder.
    pub dir: PathBuf,
}

impl Source {
    /// A config from memory.
    pub fn new(label: impl Into<String>, text: impl Into<Vec<u8>>, dir: impl Into<PathBuf>) -> Self {
        let label = label.into();
        // A file may be called what a run may not: what does not fit becomes a hyphen.
        let stem = Path::new(&label).file_stem().unwrap_or_default().to_string_lossy();
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_');
        let name: String = stem.chars().map(|c| if fits(c) { c } else { '-' }).take(100).collect();
        let name = match name.trim_start_matches(['.', '-']) {
            "" => "run".to_owned(),
            name => name.to_owned(),
        };
        Source { name, label, text: text.into(), dir: dir.into() }
    }
}

/// A config inside the binary.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// Its name.
    pub name: &'static str,
    /// What it shows, in a line.
    pub about: &'static str,
    /// The TOML.
    pub text: &'static str,
}

macro_rules! presets {
    ($(#[$doc:meta])* $list:ident in $folder:literal: $($name:literal: $about:literal,)*) => {
        $(#[$doc])*
        pub const $list: &[Preset] = &[$(Preset {
            name: $name,
            about: $about,
            text: include_str!(concat!($folder, $name, ".toml")),
        },)*];
    };
}

presets! {
    /// All sweeps inside the binary.
    SWEEPS in "../presets/sweeps/":
    "thesis-self-prediction": "50 trials: rates, minibatch and low-pass with which interneurons learn to predict",
    "thesis-single-target": "50 trials: rates and low-pass with which one target is learned, from two self-predicting starts",
}

presets! {
    /// All presets.
    PRESETS in "../presets/":
    "digits": "handwritten digits (UCI, 64-32-10) by the two-step circuit, in seconds",
    "compare-digits": "`apical compare`: every learner on handwritten digits, 64-32-10, five seeds each",
    "compare-mnist-s18": "`apical compare`: bp, fa and the microcircuit on MNIST, 784-500-500-10, with S18's protocol",
    "compare-mnist-pc": "`apical compare`: learners on MNIST with the predictive-coding field's net, 784-128-128-128-10",
    "compare-yin-yang": "`apical compare`: every learner on Yin-Yang, 4-120-3, beside the full dynamics",
    "s18-self-prediction": "interneurons learn to predict the cells above them (Sacramento et al. 2018, Fig. S1)",
    "s18-single-target": "one input learns one target; the apical error vanishes again (Sacramento et al. 2018, Fig. 1)",
    "s18-regression": "nonlinear regression of a teacher network (Sacramento et al. 2018, Fig. 2)",
    "s18-mnist": "MNIST, 784-500-500-10, two-step, rates tuned on validation (Sacramento et al. 2018, Fig. 3)",
    "s18-mnist-published": "the same with the published rates, which are too small and too large at once",
    "mnist-continuous": "MNIST, 784-500-10, full dynamics: no phases, no reset between patterns",
    "h20-yin-yang": "Yin-Yang, 4-120-3, full dynamics with a learning lag (Hill 2020)",
    "s18-regression-short": "s18-regression with a budget for comparisons",
    "h20-yin-yang-short": "h20-yin-yang with a budget for comparisons",
    "thesis-code-self-prediction": "s18-self-prediction with the steps of a thesis that did not reproduce it",
    "thesis-code-single-target": "s18-single-target with the steps of a thesis that did not reproduce it",
    "thesis-code-regression": "s18-regression-short with the steps and the net of a thesis that did not reproduce it",
    "thesis-code-yin-yang": "h20-yin-yang-short with the steps of a thesis that did not reproduce Sacramento et al. 2018",
}

/// Reads a config file.
pub fn load_file(path: &Path) -> Result<Source, Error> {
    // A device or a pipe has no end to wait for.
    if std::fs::metadata(path).is_ok_and(|there| !there.is_file() && !there.is_dir()) {
        return Err(Error::input(path.display().to_string(), "this is no regular file", "give a TOML file"));
    }
    let text = std::fs::read(path).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => Error::input(
            path.display().to_string(),
            "there is no such file",
            format!("give a TOML file or a preset: {}", preset_names().join(", ")),
        ),
        std::io::ErrorKind::IsADirectory => {
            Error::input(path.display().to_string(), "this is a folder", "give a TOML file")
        }
        _ => Error::machine(path.display().to_string(), e),
    })?;
    let dir = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_path_buf();
    Ok(Source::new(path.display().to_string(), text, dir))
}

/// The preset of this name.
pub fn preset(name: &str) -> Result<Source, Error> {
    let Some(preset) = PRESETS.iter().find(|p| p.name == name) else {
        let near = registry::nearest(name, preset_names()).map_or(String::new(), |n| format!("did you mean `{n}`? "));
        let found = "there is no preset or file of this name";
        return Err(Error::input(name, found, format!("{near}presets: {}", preset_names().join(", "))));
    };
    let mut source = Source::new(format!("preset {name}"), preset.text, ".");
    source.name = name.to_owned();
    Ok(source)
}

/// The config that a preset's name or a file's path from `dir` means. What holds a slash or ends in `.toml` is a path,
/// whatever presets there are; another word is a preset if there is one of its name.
///
/// # Errors
/// No preset and no file of this name; a file that cannot be read.
pub fn find(named: &str, dir: &Path) -> Result<Source, Error> {
    let path = dir.join(named);
    if is_path(named) || (PRESETS.iter().all(|preset| preset.name != named) && path.is_file()) {
        load_file(&path)
    } else {
        preset(named)
    }
}

/// The sweep that a preset's name or a file's path means, as [`find`] has it for experiments.
///
/// # Errors
/// No preset and no file of this name; a file that cannot be read.
pub fn find_sweep(named: &str) -> Result<Source, Error> {
    let sweep = SWEEPS.iter().find(|sweep| sweep.name == named);
    match sweep {
        Some(sweep) => Ok(Source { name: named.to_owned(), ..Source::new(format!("sweep {named}"), sweep.text, ".") }),
        None if is_path(named) || Path::new(named).exists() => load_file(Path::new(named)),
        None => {
            let names: Vec<&str> = SWEEPS.iter().map(|sweep| sweep.name).collect();
            let near = registry::nearest(named, names.clone());
            let near = near.map_or(String::new(), |n| format!("did you mean `{n}`? "));
            let found = "there is no sweep or file of this name";
            Err(Error::input(named, found, format!("{near}a TOML file, or one of {}", names.join(", "))))
        }
    }
}

/// True for what can only be a path.
pub fn is_path(named: &str) -> bool {
    named.contains(std::path::is_separator) || named.ends_with(".toml")
}

fn preset_names() -> Vec<&'static str> {
    PRESETS.iter().map(|p| p.name).collect()
}
