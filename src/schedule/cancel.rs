//! Ctrl-C and SIGTERM.

use signal_hook::{
    consts::{SIGINT, SIGTERM},
    iterator::Signals,
};
use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    thread,
};

/// Whether, and how urgently, the user wants the run to stop.
#[derive(Debug, Clone, Default)]
pub struct Cancellation(Arc<AtomicU8>);

impl Cancellation {
    /// Listens to SIGINT and SIGTERM from now on. The first asks, the second insists, the third ends the process with
    /// `last_resort` (its guard then ends the stages).
    ///
    /// # Errors
    /// When the handlers cannot be set.
    pub fn from_signals(last_resort: u8) -> io::Result<Self> {
        let cancellation = Self::default();
        let mut signals = Signals::new([SIGINT, SIGTERM])?;
        let asked = cancellation.clone();
        thread::Builder::new().name("signals".to_owned()).spawn(move || {
            for _ in signals.forever() {
                if asked.0.fetch_add(1, Ordering::SeqCst) >= 2 {
                    std::process::exit(i32::from(last_resort));
                }
            }
        })?;
        Ok(cancellation)
    }

    /// Whether the user asked to stop.
    #[must_use]
    pub fn asked(&self) -> bool {
        self.0.load(Ordering::SeqCst) >= 1
    }

    /// Whether the user asked again.
    #[must_use]
    pub fn insisted(&self) -> bool {
        self.0.load(Ordering::SeqCst) >= 2
    }
}
