//! A sweep as it happens, for the program that started it.

use contract::{Event, EventKind};
use serde::Serialize;
use std::io::{self, Write};

/// Writes each event to standard output as a line, with the folders of the variants that it is about: those that share
/// the stage. `stage` is what the variants call it.
#[derive(Debug, Default)]
pub struct Lines {
    /// Whether the reader went away; the sweep goes on all the same.
    closed: bool,
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(skip_serializing_if = "<[&str]>::is_empty")]
    variants: &'a [&'a str],
    #[serde(flatten)]
    event: &'a Event,
}

impl Lines {
    pub(super) fn tell(&mut self, event: &Event, variants: &[&str]) {
        if self.closed || matches!(event.kind, EventKind::Progress(_)) {
            return;
        }
        // An event is plain data with strings as keys.
        let Ok(line) = serde_json::to_string(&Line { variants, event }) else { return };
        let mut out = io::stdout().lock();
        self.closed = writeln!(out, "{line}").and_then(|()| out.flush()).is_err();
    }
}
