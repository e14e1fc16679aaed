//! The files of a variant's run, of which there may be more than a process can have open.

use crate::{
    record::{RecordError, RunFolder, RunRecord},
    report::Journal,
    schedule::Subscriber,
};
use contract::{Event, EventKind};

/// Runs whose files are open at a time: the stages' processes need some as well.
pub(super) fn most_open() -> usize {
    const EACH: u64 = 3;
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(1024);
    usize::try_from(limit / 2 / EACH).unwrap_or(usize::MAX).clamp(4, 200)
}

/// Entries that wait for files that are shut, at most.
const WAITING: usize = 32;

/// The files of a run. While they are shut, what is to be written waits.
pub(super) struct Files {
    folder: RunFolder,
    state: State,
    waiting: Vec<Entry>,
}

enum State {
    Open(Box<Journal>),
    Shut(Box<RunRecord>),
    /// They cannot be written, which was told.
    Lost,
}

enum Entry {
    Event(Event),
    Text(String, String),
}

impl Files {
    /// Files that are open.
    pub(super) fn new(folder: RunFolder, journal: Journal) -> Self {
        Self { folder, state: State::Open(Box::new(journal)), waiting: Vec::new() }
    }

    /// Files that cannot be written.
    pub(super) fn lost(folder: RunFolder) -> Self {
        Self { folder, state: State::Lost, waiting: Vec::new() }
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, State::Open(_))
    }

    /// Whether so much waits that it should be written.
    pub(super) fn is_full(&self) -> bool {
        self.waiting.len() >= WAITING
    }

    pub(super) fn event(&mut self, event: Event) {
        match &mut self.state {
            State::Open(journal) => journal.event(&event),
            // It is shown, and not stored.
            State::Shut(_) if matches!(event.kind, EventKind::Progress(_)) => {}
            State::Shut(_) => self.waiting.push(Entry::Event(event)),
            State::Lost => {}
        }
    }

    pub(super) fn text(&mut self, stage: &str, line: &str) {
        match &mut self.state {
            State::Open(journal) => journal.text(stage, line),
            State::Shut(_) => self.waiting.push(Entry::Text(stage.to_owned(), line.to_owned())),
            State::Lost => {}
        }
    }

    /// Opens the files, and writes what waits.
    ///
    /// # Errors
    /// When they cannot be opened: then they are lost.
    pub(super) fn open(&mut self) -> Result<(), RecordError> {
        let record = match std::mem::replace(&mut self.state, State::Lost) {
            State::Shut(record) => *record,
            state => {
                self.state = state;
                return Ok(());
            }
        };
        let mut journal = match self.folder.try_lease() {
            Ok(Some(lease)) => Journal::resume(self.folder.clone(), record, lease)?,
            Ok(None) => {
                let (engine, since) = ("another process".to_owned(), "a moment ago".to_owned());
                return Err(RecordError::Running { path: self.folder.path().to_owned(), engine, since });
            }
            // Without locks nobody can tell whether it lives, and it goes on all the same.
            Err(_) => Journal::start(self.folder.clone(), record)?,
        };
        for entry in std::mem::take(&mut self.waiting) {
            match entry {
                Entry::Event(event) => journal.event(&event),
                Entry::Text(stage, line) => journal.text(&stage, &line),
            }
        }
        self.state = State::Open(Box::new(journal));
        Ok(())
    }

    /// Closes the files for a while.
    pub(super) fn shut(&mut self) {
        self.state = match std::mem::replace(&mut self.state, State::Lost) {
            State::Open(journal) => State::Shut(Box::new(journal.close())),
            state => state,
        };
    }

    pub(super) fn pause(&mut self) {
        if let State::Open(journal) = &mut self.state {
            journal.pause();
        }
    }

    pub(super) fn tick(&mut self) {
        if let State::Open(journal) = &mut self.state {
            journal.tick();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::history;

    #[test]
    fn what_is_told_while_files_are_shut_is_there_once_they_were_open_again() -> Result<(), RecordError> {
        let root = tempfile::tempdir().expect("a folder");
        let folder = RunFolder::create(&root.path().join("run").to_string_lossy())?;
        let record = RunRecord::start(folder.id(), "training", "a.yaml");
        let mut files = Files::new(folder.clone(), Journal::start(folder.clone(), record)?);
        let tell = |files: &mut Files, seq: u64| {
            let kind = EventKind::note(seq.to_string());
            files.event(Event { seq, at: String::new(), stage: None, attempt: 0, cached: false, kind });
        };
        tell(&mut files, 0);
        files.shut();
        for seq in 1..=32 {
            assert!(!files.is_full());
            tell(&mut files, seq);
        }
        files.text("train", "a line");
        assert!(files.is_full() && !files.is_open());
        assert_eq!(history(folder.path())?.events.len(), 1);
        files.open()?;
        files.shut();
        let numbers: Vec<u64> = history(folder.path())?.events.iter().map(|event| event.seq).collect();
        assert_eq!(numbers, (0..=32).collect::<Vec<_>>());
        let log = fs_err::read_to_string(folder.path().join("stm32ai_main.log")).expect("a log");
        assert!(log.ends_with("train | a line\n"), "{log}");
        Ok(())
    }
}
