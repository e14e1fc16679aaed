//! The run's own files: `events.jsonl`, `stm32ai_main.log` and `run.json`, kept up as events come.

use crate::{
    record::{
        EventLog, Lease, Outcome, Published, RecordError, RunFolder, RunLog, RunRecord, StageRecord,
        StageState,
    },
    schedule::Subscriber,
};
use contract::{Event, EventKind};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// `run.json` is written whole, so with many stages not at each change of one.
const SAVE_INTERVAL: Duration = Duration::from_millis(100);

/// Writes what happens into the run folder.
///
/// A disk that fills up must not take hours of work with it, so a file that cannot be written is told once and left
/// alone from then on.
pub struct Journal {
    folder: RunFolder,
    record: RunRecord,
    /// Where each node stands in the record.
    places: BTreeMap<String, usize>,
    events: Option<EventLog>,
    log: Option<RunLog>,
    failure_told: bool,
    /// Whether the record has changed since it was saved.
    changed: bool,
    /// When it was saved with all that is planned in it.
    saved: Option<Instant>,
    /// Says that the engine lives; none where the file system has no locks.
    _lease: Option<Lease>,
}

impl Journal {
    /// Starts the files of a run.
    ///
    /// # Errors
    /// When one cannot be made.
    pub fn start(folder: RunFolder, record: RunRecord) -> Result<Self, RecordError> {
        // Before the record, so that whoever finds it finds it held.
        let lease = folder.lease().inspect_err(|error| {
            tracing::warn!("{error}: `pipeline runs` cannot tell whether this run is alive");
        });
        Self::open(folder, record, lease.ok())
    }

    /// Goes on with the files of a run that is held and mended.
    ///
    /// # Errors
    /// When one cannot be opened.
    pub fn resume(folder: RunFolder, record: RunRecord, lease: Lease) -> Result<Self, RecordError> {
        Self::open(folder, record, Some(lease))
    }

    fn open(folder: RunFolder, record: RunRecord, lease: Option<Lease>) -> Result<Self, RecordError> {
        let (events, log) = (Some(folder.events()?), Some(folder.log()?));
        folder.save(&record)?;
        let places = record.stages.iter().enumerate().map(|(place, stage)| (stage.name.clone(), place));
        Ok(Self {
            folder,
            places: places.collect(),
            record,
            events,
            log,
            failure_told: false,
            changed: false,
            saved: None,
            _lease: lease,
        })
    }

    /// Closes the files; with the record it can be gone on with.
    #[must_use]
    pub fn close(mut self) -> RunRecord {
        self.pause();
        if self.changed {
            self.save();
        }
        self.record
    }

    fn save(&mut self) {
        self.changed = false;
        self.saved = Some(Instant::now());
        if let Err(error) = self.folder.save(&self.record) {
            self.tell(&error);
        }
    }

    /// Brings the record up to date; says whether anything in it changed.
    fn note(&mut self, event: &Event) -> bool {
        let Some(stage) = &event.stage else {
            if let EventKind::RunFinished { outcome, .. } = &event.kind {
                self.finish(outcome);
                return true;
            }
            return false;
        };
        let stage = self.stage(stage);
        match &event.kind {
            EventKind::StagePlanned { .. } => {}
            EventKind::StageStarted { fingerprint } => {
                stage.state = StageState::Running;
                stage.fingerprint = fingerprint.parse().ok();
                stage.files.clear();
            }
            EventKind::CacheHit { fingerprint } => {
                stage.state = StageState::Hit;
                stage.fingerprint = fingerprint.parse().ok();
                stage.files.clear();
            }
            EventKind::ArtifactPublished { path, digest, bytes } => {
                let Ok(digest) = digest.parse() else { return false };
                stage.files.push(Published { path: path.clone(), digest, bytes: *bytes });
                // Written when the stage is finished, which comes next.
                return false;
            }
            EventKind::StageFinished { seconds } => {
                stage.seconds = Some(*seconds);
                if stage.state == StageState::Running {
                    stage.state = StageState::Run;
                }
            }
            EventKind::StageFailed { code, .. } => {
                let cancelled = code == "cancelled";
                stage.state = if cancelled { StageState::Cancelled } else { StageState::Failed };
            }
            _ => return false,
        }
        true
    }

    /// The record of a node, made when it is not there.
    fn stage(&mut self, name: &str) -> &mut StageRecord {
        let stages = &mut self.record.stages;
        let place = match self.places.get(name) {
            Some(place) => *place,
            None => {
                stages.push(StageRecord::planned(name));
                self.places.insert(name.to_owned(), stages.len() - 1);
                stages.len() - 1
            }
        };
        &mut stages[place]
    }

    fn finish(&mut self, outcome: &str) {
        for stage in &mut self.record.stages {
            if stage.state == StageState::Planned {
                stage.state = StageState::Skipped;
            }
        }
        let known = [Outcome::Done, Outcome::Failed, Outcome::Cancelled];
        let outcome = known.into_iter().find(|known| known.as_str() == outcome);
        self.record.finish(outcome.unwrap_or(Outcome::Failed));
    }

    fn tell(&mut self, error: &RecordError) {
        if !self.failure_told {
            self.failure_told = true;
            let cause =
                std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
            tracing::error!("{error}{cause}; the run goes on, its record is incomplete");
        }
    }
}

impl Subscriber for Journal {
    fn event(&mut self, event: &Event) {
        if let Some(Err(error)) = self.events.as_mut().map(|events| events.write(event)) {
            self.events = None;
            self.tell(&error);
        }
        if let Some(Err(error)) = self.log.as_mut().map(|log| log.write(event)) {
            self.log = None;
            self.tell(&error);
        }
        self.changed |= self.note(event);
        match event.kind {
            // More of the plan comes at once.
            EventKind::StagePlanned { .. } => {}
            EventKind::RunFinished { .. } => {
                self.pause();
                self.save();
            }
            _ => self.tick(),
        }
    }

    fn pause(&mut self) {
        if let Some(Err(error)) = self.events.as_mut().map(EventLog::flush) {
            self.events = None;
            self.tell(&error);
        }
        if let Some(Err(error)) = self.log.as_mut().map(RunLog::flush) {
            self.log = None;
            self.tell(&error);
        }
    }

    fn tick(&mut self) {
        if self.changed && self.saved.is_none_or(|saved| saved.elapsed() >= SAVE_INTERVAL) {
            self.save();
        }
    }

    fn text(&mut self, stage: &str, line: &str) {
        if let Some(Err(error)) = self.log.as_mut().map(|log| log.line(&format!("{stage} | {line}"))) {
            self.log = None;
            self.tell(&error);
        }
    }
}
