//! A sweep as it happens, for programs.

use contract::{Event, EventKind};
use fs_err::{File, OpenOptions};
use serde::Serialize;
use std::{
    io::{self, Write},
    path::Path,
};

/// Writes each event as a line: the folders of the variants that share its stage, `stage` as these call it, and the rest
/// as in a run's `events.jsonl`. The lines go to `events.jsonl` of the sweep's folder, and to standard output for the
/// program that started the sweep.
#[derive(Debug)]
pub struct Lines {
    file: Option<File>,
    /// Whether somebody reads standard output.
    out: bool,
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(skip_serializing_if = "<[&str]>::is_empty")]
    variants: &'a [&'a str],
    #[serde(flatten)]
    event: &'a Event,
}

impl Lines {
    /// Lines in the sweep's folder, and on standard output if `out`.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn open(folder: &Path, out: bool) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(folder.join("events.jsonl"))?;
        Ok(Self { file: Some(file), out })
    }

    pub(super) fn tell(&mut self, event: &Event, stage: Option<&str>, variants: &[&str]) {
        if matches!(event.kind, EventKind::Progress(_)) {
            return;
        }
        let event =
            Event { stage: stage.map(str::to_owned).or_else(|| event.stage.clone()), ..event.clone() };
        // An event is plain data with strings as keys.
        let Ok(mut line) = serde_json::to_string(&Line { variants, event: &event }) else { return };
        line.push('\n');
        if let Some(Err(error)) = self.file.as_mut().map(|file| file.write_all(line.as_bytes())) {
            self.file = None;
            tracing::error!("{error}; the sweep goes on, its events are incomplete");
        }
        if self.out {
            let mut out = io::stdout().lock();
            self.out = out.write_all(line.as_bytes()).and_then(|()| out.flush()).is_ok();
        }
    }
}
