//! The events of a run as they happen, for the program that started it.

use crate::schedule::Subscriber;
use contract::{Event, EventKind};
use std::io::{self, Write};

/// Writes the lines of `events.jsonl` to standard output as they come.
#[derive(Debug, Default)]
pub struct JsonLines {
    /// Whether the reader went away; the run goes on all the same.
    closed: bool,
}

impl Subscriber for JsonLines {
    fn event(&mut self, event: &Event) {
        if self.closed || matches!(event.kind, EventKind::Progress(_)) {
            return;
        }
        // An event is plain data with strings as keys.
        let Ok(line) = serde_json::to_string(event) else { return };
        let mut out = io::stdout().lock();
        self.closed = writeln!(out, "{line}").and_then(|()| out.flush()).is_err();
    }
}
