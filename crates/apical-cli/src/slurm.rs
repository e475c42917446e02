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
    /// Threads of each run; the others of a task's cores make runs beside it.
    pub threads: u64,
    /// `APICAL_DATA`, if it is set here.
    pub data: Option<&'a str>,
}

/// The script. A task makes runs until none is left. Ahead of its time limit it is told by SIGUSR1, saves what it is at,
/// and is queued again; so it is when its node fails. Its log is appended to.
pub fn script(asks: &Slurm, task: &Task<'_>) -> String {
    let path = |path: &Path| shell_word(&path.to_string_lossy());
    let mut options = vec![
        format!("--job-name={}", task.name),
        match asks.at_once {
            Some(at_once) => format!("--array=0-{}%{at_once}", asks.array_size - 1),
            None => format!("--array=0-{}", asks.array_size - 1),
        },
        "--ntasks=1".to_owned(),
        format!("--cpus-per-task={}", asks.cpus),
        format!("--signal=B:USR1@{}", asks.notice),
        "--requeue".to_owned(),
        "--open-mode=append".to_owned(),
        // sbatch reads this line itself: % stands for numbers, and there is no shell to take quotes away.
        format!("--output={}/%A_%a.log", task.logs.to_string_lossy()),
    ];
    let named =
        [("time", &asks.time), ("partition", &asks.partition), ("account", &asks.account), ("mem", &asks.memory)];
    options.extend(named.into_iter().filter_map(|(name, value)| Some(format!("--{name}={}", value.as_ref()?))));
    options.extend(asks.extra.iter().cloned());
    let options: String = options.iter().map(|option| format!("#SBATCH {option}\n")).collect();
    let data = task.data.map_or(String::new(), |data| format!("export APICAL_DATA={}\n", shell_word(data)));
    let jobs = (asks.cpus / task.threads).max(1);
    format!(
        "#!/bin/bash\n{options}\n{data}{} sweep run {} --out {} --jobs {jobs} --threads {} --no-wait &\nchild=$!\n\
        trap 'kill -USR1 \"$child\" 2>/dev/null' USR1 TERM\n\
        # A signal ends `wait` early: wait until the child has ended, whose exit code the last one gives.\n\
        wait \"$child\"; code=$?\n\
        while kill -0 \"$child\" 2>/dev/null; do wait \"$child\"; code=$?; done\n\
        # Stopped by the signal, with checkpoints kept: more is left to do.\n\
        if [ \"$code\" -eq 143 ]; then scontrol requeue \"$SLURM_JOB_ID\"; fi\n\
        exit \"$code\"\n",
        path(task.program),
        path(task.file),
        path(task.out),
        task.threads,
    )
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
