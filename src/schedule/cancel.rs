//! Ctrl-C, SIGTERM, and the terminal that closes.

use signal_hook::{
    consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};
use std::{
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// Signals that come closer together than this are one: a wrapper passes on what the terminal has sent to all, and
/// `timeout` sends to the process and to its group. No hand is as quick.
const ONE_SIGNAL: Duration = Duration::from_millis(100);

/// Whether, and how urgently, the run is to stop.
#[derive(Debug, Clone, Default)]
pub struct Cancellation(Arc<Asked>);

#[derive(Debug, Default)]
struct Asked {
    times: AtomicU8,
    /// Whether there is something to lose, so that the process must not just end.
    guarded: AtomicBool,
}

impl Cancellation {
    /// Listens to SIGINT, SIGTERM and SIGHUP from now on. Before [`Cancellation::guard`] the first ends the process with
    /// `exit_code`, for nothing has run. After it the first asks, the second insists, and the third ends the process (the
    /// guard process then ends the stages). A terminal that closes may say so twice, so SIGHUP only asks; where it is
    /// ignored, as under `nohup`, it stays ignored.
    ///
    /// # Errors
    /// When the handlers cannot be set.
    pub fn from_signals(exit_code: u8) -> io::Result<Self> {
        let cancellation = Self::default();
        let heard = [SIGINT, SIGTERM].into_iter().chain((!is_ignored(SIGHUP)).then_some(SIGHUP));
        let mut signals = Signals::new(heard)?;
        // Where SIGCHLD is ignored, as a parent may leave it, the kernel forgets how a process ended; a handler ends that.
        signal_hook::flag::register(SIGCHLD, Arc::default())?;
        let asked = cancellation.clone();
        thread::Builder::new().name("signals".to_owned()).spawn(move || {
            let mut last: Option<Instant> = None;
            for signal in signals.forever() {
                let guarded = asked.0.guarded.load(Ordering::SeqCst);
                if !guarded {
                    writeln!(io::stderr(), "cancelled; nothing was run").ok();
                    std::process::exit(i32::from(exit_code));
                }
                let is_new = last.replace(Instant::now()).is_none_or(|last| last.elapsed() >= ONE_SIGNAL);
                if signal == SIGHUP {
                    asked.ask();
                } else if is_new && asked.0.times.fetch_add(1, Ordering::SeqCst) >= 2 {
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

    /// Asks the run to stop, as the first Ctrl-C does.
    pub fn ask(&self) {
        self.0.times.fetch_max(1, Ordering::SeqCst);
    }

    /// Whether the run was asked to stop.
    #[must_use]
    pub fn asked(&self) -> bool {
        self.0.times.load(Ordering::SeqCst) >= 1
    }

    /// Whether it was asked again.
    #[must_use]
    pub fn insisted(&self) -> bool {
        self.0.times.load(Ordering::SeqCst) >= 2
    }
}

/// Whether whoever started this process wants it to ignore a signal.
fn is_ignored(signal: i32) -> bool {
    let status = fs_err::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & (1 << (signal - 1)) != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_stops_itself_is_asked_once_however_often() {
        let cancellation = Cancellation::default();
        assert!(!cancellation.asked());
        cancellation.ask();
        cancellation.ask();
        assert!(cancellation.asked() && !cancellation.insisted());
    }

    #[test]
    fn a_signal_that_nobody_ignores_is_none() {
        assert!(!is_ignored(SIGTERM));
    }
}
