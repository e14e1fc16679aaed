//! `stm32ai_main.log`: the run in words.

use super::{RecordError, describe};
use contract::Event;
use fs_err::{File, OpenOptions};
use std::{
    io::{BufWriter, Write},
    path::PathBuf,
};

/// The log of a run for people: a line an event, with its time.
#[derive(Debug)]
pub struct RunLog {
    file: BufWriter<File>,
}

impl RunLog {
    pub(super) fn open(path: PathBuf) -> Result<Self, RecordError> {
        let file = OpenOptions::new().create(true).append(true).open(&path);
        Ok(Self { file: BufWriter::new(file.map_err(|e| RecordError::io("open", path, e))?) })
    }

    /// Writes an event; what [`describe`] has no words for is left out.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&mut self, event: &Event) -> Result<(), RecordError> {
        let Some(text) = describe(&event.kind) else { return Ok(()) };
        let cached = if event.cached { " (cached)" } else { "" };
        let stage = event.stage.as_deref().map(|stage| format!("{stage}: ")).unwrap_or_default();
        self.append(&event.at, &format!("{stage}{text}{cached}"))
    }

    /// Writes some text that is no event, such as what a stage's process said on its standard error.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn line(&mut self, text: &str) -> Result<(), RecordError> {
        self.append(&jiff::Timestamp::now().to_string(), text)
    }

    /// A text of several lines is indented below its first, so that each line with a time is an entry.
    fn append(&mut self, at: &str, text: &str) -> Result<(), RecordError> {
        let entry = format!("{at} {}\n", text.trim_end().replace('\n', "\n    "));
        self.file.write_all(entry.as_bytes()).map_err(|e| RecordError::io("write", self.path(), e))
    }

    /// Hands to the system what was written.
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
    use contract::EventKind;

    #[test]
    fn the_log_has_a_line_an_event_with_its_time_and_stage() {
        let root = tempfile::tempdir().unwrap();
        let run = RunFolder::create(root.path().join("run").to_str().unwrap()).unwrap();
        let mut log = run.log().unwrap();
        let kind = EventKind::Metric { name: "val_loss".to_owned(), step: Some(3), value: 0.5 };
        let at = "2026-11-22T14:45:00Z".to_owned();
        log.write(&Event { seq: 0, at, stage: Some("train".to_owned()), attempt: 1, cached: true, kind })
            .unwrap();
        log.line("panicked at\n  here").unwrap();
        log.flush().unwrap();

        let text = fs_err::read_to_string(run.path().join("stm32ai_main.log")).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "2026-11-22T14:45:00Z train: val_loss = 0.5 (step 3) (cached)");
        assert!(lines[1].ends_with("Z panicked at"), "{}", lines[1]);
        assert_eq!(lines[2], "      here");
    }
}
