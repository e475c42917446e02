//! Runs watched in the terminal. A thread of its own reads their files, so that keys are answered when a network file
//! system is not.

mod app;
mod board;
mod page;
mod words;

pub use board::board;
pub use page::page;

use crate::signals::HANGUP;
use crate::table::clean;
use apical_lab::Error;
use apical_lab::observe::{Seen, Watch};
use app::{App, Asked};
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyEventKind};
use signal_hook::consts::{SIGINT, SIGTERM};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// Keys and signals are looked for this often.
const TICK: Duration = Duration::from_millis(100);
/// Ages are told anew this often.
const REDRAW: Duration = Duration::from_secs(1);

/// What the reading thread sends: runs, or why they cannot be seen.
type Look = Result<Vec<Seen>, String>;

/// What there is to see, with nothing in it that a terminal obeys.
pub fn seen(watch: &Watch) -> Vec<Seen> {
    let mut list = watch.seen();
    for seen in &mut list {
        let lists = [&mut seen.words, &mut seen.log, &mut seen.problems];
        let texts = lists.into_iter().flatten().chain([&mut seen.name, &mut seen.reason]);
        texts.for_each(|text| *text = clean(text));
    }
    list
}

/// Shows the runs until the user has seen enough. Returns the signal that ended it; 0: a key.
///
/// # Errors
/// The machine's: a terminal that cannot be used.
pub fn watch(watch: Watch, root: &str, interval: Duration) -> Result<i32, Error> {
    let machine = |source: io::Error| Error::machine("terminal", source);
    let signal = Arc::new(AtomicUsize::new(0));
    for number in [
        SIGINT,
        SIGTERM,
        #[cfg(unix)]
        HANGUP,
    ] {
        signal_hook::flag::register_usize(number, signal.clone(), number.unsigned_abs() as usize).map_err(machine)?;
    }
    let app = App::new(clean(root), watch.is_single());
    let (sender, looks) = channel();
    // Kept to the end: the thread sees by it that nobody looks any more.
    let (_open, closed) = channel::<()>();
    std::thread::spawn(move || read(watch, interval, &sender, &closed));
    // From here on a panic restores the terminal before its message is printed.
    let mut terminal = ratatui::try_init().map_err(machine)?;
    let ended = show(&mut terminal, app, &looks, &signal);
    let restored = ratatui::try_restore();
    if matches!(ended, Err(_) | Ok(HANGUP)) {
        // When it is dropped it would complain to a terminal that is gone, and panic.
        std::mem::forget(terminal);
        return ended.map_err(machine);
    }
    restored.map_err(machine)?;
    ended.map_err(machine)
}

fn read(mut watch: Watch, interval: Duration, sender: &Sender<Look>, closed: &Receiver<()>) {
    loop {
        let looked = watch.look();
        let more = matches!(looked, Ok(true));
        if sender.send(looked.map(|_| seen(&watch)).map_err(|error| clean(&error.to_string()))).is_err() {
            return;
        }
        let pause = if more { Duration::ZERO } else { interval };
        if closed.recv_timeout(pause) == Err(RecvTimeoutError::Disconnected) {
            return;
        }
    }
}

/// Waits for a key, a tick at most. False: the terminal is gone, and reading from it would never return.
#[cfg(unix)]
fn wait() -> io::Result<bool> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let stdin = io::stdin();
    let mut terminal = [PollFd::new(&stdin, PollFlags::IN)];
    let tick = Timespec { tv_sec: 0, tv_nsec: TICK.subsec_nanos().into() };
    match poll(&mut terminal, Some(&tick)) {
        // A signal: the terminal's new size, or one that ends this.
        Ok(_) | Err(rustix::io::Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(!terminal[0].revents().intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL))
}

/// Waits for a key, a tick at most.
#[cfg(not(unix))]
fn wait() -> io::Result<bool> {
    event::poll(TICK)?;
    Ok(true)
}

fn show(terminal: &mut DefaultTerminal, mut app: App, looks: &Receiver<Look>, signal: &AtomicUsize) -> io::Result<i32> {
    let mut drawn: Option<Instant> = None;
    loop {
        if let Ok(signal @ 1..) = i32::try_from(signal.load(Ordering::Relaxed)) {
            return Ok(signal);
        }
        let mut new = drawn.is_none_or(|when| when.elapsed() > REDRAW);
        while let Ok(look) = looks.try_recv() {
            app.take(look);
            new = true;
        }
        if new {
            terminal.draw(|frame| app.draw(frame))?;
            drawn = Some(Instant::now());
        }
        if !wait()? {
            return Ok(HANGUP);
        }
        while event::poll(Duration::ZERO)? {
            match event::read()? {
                Event::Key(key) if key.kind != KeyEventKind::Release => match app.key(key) {
                    Asked::Quit => return Ok(0),
                    Asked::Interrupt => return Ok(SIGINT),
                    Asked::Nothing => {}
                },
                _ => {}
            }
            drawn = None;
        }
    }
}
