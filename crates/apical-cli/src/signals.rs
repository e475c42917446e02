//! Signals that stop a run: the first is a request, a second Ctrl-C ends at once.

use apical_lab::Error;
use apical_lab::run::Stop;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Exit code after Ctrl-C.
const INTERRUPTED: i32 = 128 + SIGINT;
/// SIGHUP: the terminal is gone.
pub const HANGUP: i32 = 1;
/// Exit code after SIGTERM, and after SIGUSR1, which batch systems send ahead of it.
const TERMINATED: i32 = 128 + SIGTERM;

/// From now on signals ask this to stop.
///
/// # Errors
/// The machine's, if a signal cannot be handled.
pub fn stop() -> Result<Stop, Error> {
    let stop = Stop::default();
    let ready = Arc::new(AtomicBool::new(false));
    let machine = |source: std::io::Error| Error::machine("signals", source);
    // In this order: the first Ctrl-C finds the flag down and raises it, the second finds it raised.
    flag::register_conditional_shutdown(SIGINT, INTERRUPTED, ready.clone()).map_err(machine)?;
    flag::register(SIGINT, ready).map_err(machine)?;
    let mut signals = vec![SIGINT, SIGTERM];
    #[cfg(unix)]
    signals.push(signal_hook::consts::SIGUSR1);
    // `nohup` has it ignored, and so it stays.
    #[cfg(target_os = "linux")]
    if !is_ignored(HANGUP) {
        signals.push(HANGUP);
    }
    for signal in signals {
        flag::register_usize(signal, stop.0.clone(), signal.unsigned_abs() as usize).map_err(machine)?;
    }
    Ok(stop)
}

/// True if whoever started this has a signal ignored, or if that cannot be told.
#[cfg(target_os = "linux")]
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_none_or(|mask| mask >> (signal - 1) & 1 == 1)
}

/// The exit code of a run that a signal stopped.
pub fn exit_code(signal: i32) -> i32 {
    match signal {
        SIGINT => INTERRUPTED,
        HANGUP => 128 + HANGUP,
        _ => TERMINATED,
    }
}

/// The signal's name, for people.
pub fn name(signal: i32) -> &'static str {
    match signal {
        SIGINT => "SIGINT",
        SIGTERM => "SIGTERM",
        HANGUP => "SIGHUP",
        #[cfg(unix)]
        signal_hook::consts::SIGUSR1 => "SIGUSR1",
        _ => "a signal",
    }
}
