//! Ctrl-C and SIGTERM.

use signal_hook::{
    consts::{SIGINT, SIGTERM},
    iterator::Signals,
};
use std::{
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
    thread,
};

/// Whether, and how urgently, the user wants the run to stop.
#[derive(Debug, Clone, Default)]
pub struct Cancellation(Arc<Asked>);

#[derive(Debug, Default)]
struct Asked {
    times: AtomicU8,
    /// Whether there is something to lose, so that the process must not just end.
    guarded: AtomicBool,
}

impl Cancellation {
    /// Listens to SIGINT and SIGTERM from now on. Before [`Cancellation::guard`] the first ends the process with
    /// `exit_code`, for nothing has run. After it the first asks, the second insists, and the third ends the process (the
    /// guard process then ends the stages).
    ///
    /// # Errors
    /// When the handlers cannot be set.
    pub fn from_signals(exit_code: u8) -> io::Result<Self> {
        let cancellation = Self::default();
        let mut signals = Signals::new([SIGINT, SIGTERM])?;
        let asked = cancellation.clone();
        thread::Builder::new().name("signals".to_owned()).spawn(move || {
            for _ in signals.forever() {
                let times = asked.0.times.fetch_add(1, Ordering::SeqCst);
                let nothing_to_lose = !asked.0.guarded.load(Ordering::SeqCst);
                if nothing_to_lose {
                    writeln!(io::stderr(), "cancelled; nothing was run").ok();
                }
                if nothing_to_lose || times >= 2 {
                    std::process::exit(i32::from(exit_code));
                }
            }
        })?;
        Ok(cancellation)
    }

    /// From here on there is something to lose.
    pub fn guard(&self) {
        self.0.guarded.store(true, Ordering::SeqCst);
    }

    /// Whether the user asked to stop.
    #[must_use]
    pub fn asked(&self) -> bool {
        self.0.times.load(Ordering::SeqCst) >= 1
    }

    /// Whether the user asked again.
    #[must_use]
    pub fn insisted(&self) -> bool {
        self.0.times.load(Ordering::SeqCst) >= 2
    }
}
