//! How the engine stops a process: it asks, insists, and ends it; at once when the user asks twice.

use super::{Cancellation, process::Process};
use rustix::process::Signal;
use std::time::{Duration, Instant};

/// From SIGTERM to SIGKILL.
const TERM_GRACE: Duration = Duration::from_secs(2);

/// Why a process must stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// The user wants it.
    Cancelled,
    /// It took too long.
    Timeout(Duration),
}

/// How a process is asked before it gets SIGTERM, and how long it has then.
pub(super) trait Manners {
    /// Time between the question and SIGTERM.
    fn grace(cause: Cause) -> Duration;
    /// Asks.
    fn ask(process: &mut Process);
}

/// How far the engine has gone to stop a process.
pub(super) struct Stopping<'a> {
    cancellation: &'a Cancellation,
    limit: Option<(Duration, Instant)>,
    asked: Option<(Cause, Instant)>,
    terminated: Option<Instant>,
}

impl<'a> Stopping<'a> {
    /// Stops when the user wants it, or after `timeout` from now.
    pub(super) fn new(cancellation: &'a Cancellation, timeout: Option<Duration>) -> Self {
        // A limit beyond the end of time is none.
        let limit = timeout.and_then(|limit| Some((limit, Instant::now().checked_add(limit)?)));
        Self { cancellation, limit, asked: None, terminated: None }
    }

    /// Does what it is time for.
    pub(super) fn press<M: Manners>(&mut self, process: &mut Process) {
        let (cause, asked) = match self.asked {
            Some(asked) => asked,
            None => {
                let Some(cause) = self.wanted() else { return };
                M::ask(process);
                *self.asked.insert((cause, Instant::now()))
            }
        };
        if self.cancellation.insisted() {
            self.terminated.get_or_insert_with(Instant::now);
            return process.signal(Signal::KILL);
        }
        match self.terminated {
            None if asked.elapsed() >= M::grace(cause) => {
                process.signal(Signal::TERM);
                self.terminated = Some(Instant::now());
            }
            Some(terminated) if terminated.elapsed() >= TERM_GRACE => process.signal(Signal::KILL),
            _ => {}
        }
    }

    /// Why the process was asked to stop, if it was.
    pub(super) fn cause(&self) -> Option<Cause> {
        self.asked.map(|(cause, _)| cause)
    }

    /// Why it got a signal, if it did.
    pub(super) fn forced(&self) -> Option<Cause> {
        self.cause().filter(|_| self.terminated.is_some())
    }

    fn wanted(&self) -> Option<Cause> {
        if self.cancellation.asked() {
            return Some(Cause::Cancelled);
        }
        let (limit, at) = self.limit?;
        (Instant::now() >= at).then_some(Cause::Timeout(limit))
    }
}
