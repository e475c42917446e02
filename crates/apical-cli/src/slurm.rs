//! A sweep as an array of SLURM jobs: the script of a task, and its submission.

use crate::failure::Failure;
use crate::table::shell_word;
use apical_lab::Error;
use apical_lab::sweep::Slurm;
use std::path::Path;
use std::process::Command;

/// What a task runs.
pub struct Task<'a> {
    /// Name of the sweep.
    pub name: &'a str,
    /// The program, by its whole path.
    pub program: &'a Path,
    /// The sweep file, by its whole path.
    pub file: &'a Path,
    /// The folder in which the sweep's folder lies, by its whole path.
    pub out: &'a Path,
    /// Where the output of tasks goes.
    pub logs: &'a Path,
    /// The table that runs are added to, by its whole path.
    pub table: Option<&'a Path>,
    /// Threads of each run; the others of a task's cores make runs beside it.
    pub threads: u64,
    /// Runs wait for each other, as those that are ranked on the way do.
    pub together: bool,
    /// `APICAL_DATA`, if it is set here.
    pub data: Option<&'a str>,
}

/// The script. A task makes runs until none is left. Ahead of its time limit it is told by SIGUSR1, saves what it is at,
/// and is queued again; so it is when its node fails, and not when it is cancelled. Its log is appended to.
pub fn script(asks: &Slurm, task: &Task<'_>) -> String {
    let path = |path: &Path| shell_word(&path.to_string_lossy());
    // % stands for numbers in the name of a log.
    let logs = task.logs.to_string_lossy().replace('%', "%%");
    let mut options = vec![
        option("job-name", task.name),
        match asks.at_once {
            Some(at_once) => format!("--array=0-{}%{at_once}", asks.array_size - 1),
            None => format!("--array=0-{}", asks.array_size - 1),
        },
        "--ntasks=1".to_owned(),
        format!("--cpus-per-task={}", asks.cpus),
        format!("--signal=B:USR1@{}", asks.notice),
        "--requeue".to_owned(),
        "--open-mode=append".to_owned(),
        option("output", &format!("{logs}/%A_%a.log")),
    ];
    let named =
        [("time", &asks.time), ("partition", &asks.partition), ("account", &asks.account), ("mem", &asks.memory)];
    options.extend(named.into_iter().filter_map(|(name, value)| Some(option(name, value.as_ref()?))));
    options.extend(asks.extra.iter().cloned());
    let options: String = options.iter().map(|option| format!("#SBATCH {option}\n")).collect();
    let data = task.data.map_or(String::new(), |data| format!("export APICAL_DATA={}\n", shell_word(data)));
    let jobs = (asks.cpus / task.threads).max(1);
    // Where runs wait for each other, who leaves early leaves all that comes later to the last.
    let wait = if task.together { "" } else { " --no-wait" };
    let table = task.table.map_or(String::new(), |table| format!(" --table {}", path(table)));
    format!(
        "#!/bin/bash\n{options}\n{data}{BEGINNING}{} sweep run {} --out {}{table} --jobs {jobs} --threads {}{wait} &\n{END}",
        path(task.program),
        path(task.file),
        path(task.out),
        task.threads,
    )
}

/// TERM comes with an end that others have decided on.
const BEGINNING: &str = r#"again= child=
trap 'again=yes; kill -USR1 "$child" 2>/dev/null' USR1
trap 'kill -TERM "$child" 2>/dev/null' TERM
"#;

/// The number of a job is no name for one task: the last of an array has that of the array, and with it all would be
/// queued again.
const END: &str = r#"child=$!
if [ "$again" ]; then kill -USR1 "$child"; fi
# A signal ends `wait` early.
while kill -0 "$child" 2>/dev/null; do wait "$child"; done
wait "$child"
code=$?
# Stopped ahead of the time limit, with checkpoints kept: more is left to do.
case $again$code in
yes138 | yes143) scontrol requeue "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID" ;;
esac
exit "$code"
"#;

/// A line break in an option would be a line of the script.
///
/// # Errors
/// `Input` if there is one.
pub fn must_be_lines(asks: &Slurm) -> Result<(), Failure> {
    let named =
        [("time", &asks.time), ("partition", &asks.partition), ("account", &asks.account), ("mem", &asks.memory)];
    let named = named.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
    for (name, value) in named.chain(asks.extra.iter().map(|value| ("extra", value))) {
        if value.is_empty() || value.contains(char::is_control) {
            return Err(Failure::input(format!("slurm.{name}"), format!("{value:?}"), "one line of text"));
        }
    }
    Ok(())
}

/// A line of a script is read by sbatch itself, which knows blanks, #, quotes and backslashes as a shell does.
fn option(name: &str, value: &str) -> String {
    let plain = value.chars().all(|c| c.is_ascii_alphanumeric() || "/._-:%,+=@".contains(c));
    match plain {
        true => format!("--{name}={value}"),
        false => format!("--{name}=\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")),
    }
}

/// Hands a script to sbatch; returns what it printed: the array's id.
///
/// # Errors
/// `Input` if there is no sbatch, or it refuses the script; `Machine`.
pub fn submit(script: &Path) -> Result<String, Failure> {
    let told = Command::new("sbatch").arg("--parsable").arg(script).output().map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => Failure::input(
            "sbatch",
            "there is no such program on this machine",
            format!("submit on a cluster's login node; the script is {}", script.display()),
        ),
        _ => Error::machine("sbatch", source).into(),
    })?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if !told.status.success() {
        return Err(Failure::input(
            "sbatch",
            text(&told.stderr),
            "see [slurm] in the sweep file, and the flags of submit",
        ));
    }
    Ok(text(&told.stdout))
}
