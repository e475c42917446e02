//! Every command, by the real binary in an empty folder: what it prints where, and its exit code.

#[cfg(unix)]
mod browser;
mod cite;
mod commands;
mod compare;
mod data;
mod hostile;
mod kept;
mod output;
mod plot;
mod relate;
mod report;
#[cfg(unix)]
mod report_opened;
mod run;
mod search;
#[cfg(unix)]
mod signals;
#[cfg(target_os = "linux")]
mod slurm;
mod support;
mod sweep;
mod sweep_figures;
mod trouble;
mod watch;
