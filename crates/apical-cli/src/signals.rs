//! Signals that stop a run: the first is a request, a second Ctrl-C ends at once.

use apical_lab::Error;
use apical_lab::run::Stop;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Exit code after Ctrl-C.
const INTERRUPTED: i32 = 128 + SIGINT;
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
    for signal in signals {
        flag::register_usize(signal, stop.0.clone(), signal.unsigned_abs() as usize).map_err(machine)?;
    }
    Ok(stop)
}

/// The exit code of a run that a signal stopped.
pub fn exit_code(signal: i32) -> i32 {
    if signal == SIGINT { INTERRUPTED } else { TERMINATED }
}

/// The signal's name, for people.
pub fn name(signal: i32) -> &'static str {
    match signal {
        SIGINT => "SIGINT",
        SIGTERM => "SIGTERM",
        #[cfg(unix)]
        signal_hook::consts::SIGUSR1 => "SIGUSR1",
        _ => "a signal",
    }
}
