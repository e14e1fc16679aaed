//! `events.jsonl`.

use super::RecordError;
use contract::{Event, EventKind};
use fs_err::{File, OpenOptions};
use std::{
    io::{BufWriter, Write},
    path::PathBuf,
};

/// The events of a run on disk, one JSON object a line.
#[derive(Debug)]
pub struct EventLog {
    file: BufWriter<File>,
}

impl EventLog {
    pub(super) fn open(path: PathBuf) -> Result<Self, RecordError> {
        let file = OpenOptions::new().create(true).append(true).open(&path);
        Ok(Self { file: BufWriter::new(file.map_err(|e| RecordError::io("open", path, e))?) })
    }

    /// Appends an event. Progress is shown, not stored.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&mut self, event: &Event) -> Result<(), RecordError> {
        if matches!(event.kind, EventKind::Progress(_)) {
            return Ok(());
        }
        let mut line = serde_json::to_string(event)
            .map_err(|error| RecordError::NotWritable { path: self.path(), what: error.to_string() })?;
        line.push('\n');
        self.file.write_all(line.as_bytes()).map_err(|e| RecordError::io("write", self.path(), e))
    }

    /// Hands to the system what was written: from here on it is there even if the engine is killed.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn flush(&mut self) -> Result<(), RecordError> {
        self.file.flush().map_err(|e| RecordError::io("write", self.path(), e))
    }

    fn path(&self) -> PathBuf {
        self.file.get_ref().path().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::RunFolder;
    use contract::Progress;

    fn event(seq: u64, kind: EventKind) -> Event {
        let at = "2026-11-22T14:45:00Z".to_owned();
        Event { seq, at, stage: Some("train".to_owned()), attempt: 1, cached: false, kind }
    }

    #[test]
    fn events_read_back_one_a_line_without_progress() {
        let root = tempfile::tempdir().unwrap();
        let run = RunFolder::create(root.path().join("run").to_str().unwrap()).unwrap();
        let metric = event(0, EventKind::Metric { name: "val_loss".to_owned(), step: Some(1), value: 0.25 });
        let note = event(2, EventKind::note("two\nlines"));
        let progress = Progress { label: "epoch 1/2".to_owned(), done: 1, total: 2, note: None };
        let mut log = run.events().unwrap();
        log.write(&metric).unwrap();
        log.write(&event(1, EventKind::Progress(progress))).unwrap();
        drop(log);
        run.events().unwrap().write(&note).unwrap();

        let text = fs_err::read_to_string(run.path().join("events.jsonl")).unwrap();
        let events: Vec<Event> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(events, [metric, note]);
    }
}
