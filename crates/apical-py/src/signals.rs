//! Ctrl-C while Rust works: the thread that Python called waits and lets Python handle its signals, another one works.

use pyo3::{PyErr, PyResult, Python};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

/// Python's signals are looked at so often.
pub const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Lets Python handle its signals.
pub fn look() -> PyResult<()> {
    Python::attach(|py| py.check_signals())
}

/// Does something long while signals are heard; `stop` is called when one of them raises, and what it raised is the error once
/// the work has ended.
pub fn attended<R: Send>(stop: impl Fn(), does: impl FnOnce() -> R + Send) -> Result<R, PyErr> {
    thread::scope(|scope| {
        let (ended, end) = sync_channel::<()>(1);
        let worker = scope.spawn(move || {
            let _ended = ended;
            does()
        });
        let mut raised = None;
        while end.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
            if let (None, Err(error)) = (&raised, look()) {
                stop();
                raised = Some(error);
            }
        }
        let result = worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        raised.map_or(Ok(result), Err)
    })
}

/// Does something long in a thread that is left to itself when a signal raises: the flag then tells it to end where it looks.
pub fn abandonable<R: Send + 'static>(does: impl FnOnce(&AtomicBool) -> R + Send + 'static) -> Result<R, PyErr> {
    let (ended, end) = sync_channel(1);
    let left = Arc::new(AtomicBool::new(false));
    let told = left.clone();
    let worker = thread::spawn(move || {
        // Nobody may be waiting any more.
        let _ = ended.send(does(&told));
    });
    loop {
        match end.recv_timeout(LOOK_EVERY) {
            Ok(result) => return Ok(result),
            Err(RecvTimeoutError::Timeout) => look().inspect_err(|_| left.store(true, Ordering::Relaxed))?,
            Err(RecvTimeoutError::Disconnected) => match worker.join() {
                Err(panic) => std::panic::resume_unwind(panic),
                Ok(()) => unreachable!("it ends by telling its result"),
            },
        }
    }
}
