//! From the events of the merged plan to the run folders of the variants.

use super::{
    Lines, Screen,
    files::{Files, most_open},
    variant::Variant,
};
use crate::{
    plan::Member,
    record::{
        EVENTS_FORMAT, Outcome, RecordError, RunFolder, RunRecord, Standing, SweepRecord, VariantError,
        VariantRecord,
    },
    report::Journal,
    schedule::Subscriber,
};
use contract::{Event, EventKind};
use indexmap::IndexMap;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

/// `sweep.json` is written whole, so not at each change of a variant.
const SAVE_INTERVAL: Duration = Duration::from_millis(250);

/// Writes what happens into the folders of the variants, and `sweep.json`.
pub struct Follow<'a> {
    folder: &'a RunFolder,
    record: SweepRecord,
    /// Which stages of which variants a node stands for, by its name in the merged plan.
    nodes: BTreeMap<String, Vec<(usize, usize)>>,
    followed: Vec<Followed<'a>>,
    started: Instant,
    /// Whether the record has changed since it was saved.
    changed: bool,
    saved: Instant,
    told: bool,
    screen: Screen,
    lines: Lines,
    /// Variants with something that is not handed to the system yet.
    written: BTreeSet<usize>,
    /// Variants whose files are open, and how many may be.
    open: usize,
    most_open: usize,
}

/// A variant of the sweep.
pub struct Followed<'a> {
    /// Its position in the record.
    pub position: usize,
    /// What it is.
    pub variant: &'a Variant,
    /// Its run folder.
    pub folder: &'a RunFolder,
    /// Its stages.
    pub members: &'a [Member],
    run: Run,
    stages: Vec<State>,
    /// What its stages measured, by stage and name.
    metrics: IndexMap<(usize, String), f64>,
    failure: Option<VariantError>,
    /// What is to be told once it starts.
    pending: Vec<(Option<usize>, EventKind)>,
}

/// The files of a variant's run.
enum Run {
    /// None yet.
    Waiting {
        /// The record to start with.
        record: Box<RunRecord>,
        /// How it stood before, where it goes on.
        after: Option<Standing>,
    },
    Begun {
        files: Files,
        /// The number of the next event.
        next: u64,
    },
    Closed,
}

/// Where a stage of a variant stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Done,
    Failed,
    /// It can never start.
    Skipped,
}

impl<'a> Followed<'a> {
    /// A variant that has not started. `record` is its `run.json` to begin with; `after` says how it stood before, where it
    /// goes on in a folder with files of an earlier engine.
    #[must_use]
    pub fn new(
        position: usize,
        variant: &'a Variant,
        folder: &'a RunFolder,
        members: &'a [Member],
        record: RunRecord,
        after: Option<Standing>,
    ) -> Self {
        let notes = variant.notes.iter().map(|note| (None, EventKind::note(note.clone())));
        Self {
            position,
            variant,
            folder,
            members,
            run: Run::Waiting { record: Box::new(record), after },
            stages: vec![State::Open; members.len()],
            metrics: IndexMap::new(),
            failure: None,
            pending: notes.collect(),
        }
    }

    /// Opens its files, with the first events.
    fn start(&mut self) -> Result<(), RecordError> {
        let Run::Waiting { record, after } = std::mem::replace(&mut self.run, Run::Closed) else {
            return Ok(());
        };
        self.run = Run::Begun { files: Files::lost(self.folder.clone()), next: 0 };
        let (folder, format) = (self.folder.clone(), EVENTS_FORMAT);
        let (run, operation_mode) = (folder.id().to_owned(), self.variant.operation_mode.clone());
        let (journal, next, kind) = match after {
            None => {
                let kind = EventKind::RunStarted { format, run, operation_mode };
                (Journal::start(folder, *record)?, 0, kind)
            }
            Some(after) => {
                let engine = "another process".to_owned();
                let running =
                    || RecordError::Running { path: folder.path().to_owned(), engine, since: run.clone() };
                let lease = folder.try_lease()?.ok_or_else(running)?;
                let next = folder.mend()?;
                let after = after.as_str().to_owned();
                let kind = EventKind::RunResumed { format, run, operation_mode, after };
                (Journal::resume(folder, record.resumed(), lease)?, next, kind)
            }
        };
        self.run = Run::Begun { files: Files::new(self.folder.clone(), journal), next };
        self.tell(&now(), None, 0, false, kind);
        for (stage, member) in self.members.iter().enumerate() {
            let kind = EventKind::StagePlanned { after: member.after.clone() };
            self.tell(&now(), Some(stage), 0, false, kind);
        }
        for (stage, kind) in std::mem::take(&mut self.pending) {
            self.tell(&now(), stage, 0, false, kind);
        }
        Ok(())
    }

    fn tell(&mut self, at: &str, stage: Option<usize>, attempt: u32, cached: bool, kind: EventKind) {
        let Run::Begun { files, next } = &mut self.run else { return };
        let stage = stage.and_then(|stage| self.members.get(stage)).map(|member| member.name.clone());
        let is_shown_only = matches!(kind, EventKind::Progress(_));
        files.event(Event { seq: *next, at: at.to_owned(), stage, attempt, cached, kind });
        if !is_shown_only {
            *next += 1;
        }
    }

    /// Notes what an event of a stage says of it.
    fn note(&mut self, stage: usize, kind: &EventKind) {
        let state = match kind {
            // It may be made again because a stored result is damaged.
            EventKind::StageStarted { .. } => State::Open,
            EventKind::StageFinished { .. } => State::Done,
            EventKind::StageFailed { code, message, .. } => {
                if code != "cancelled" && self.failure.is_none() {
                    let stage = self.members.get(stage).map(|member| member.name.clone()).unwrap_or_default();
                    let (code, message) = (code.clone(), message.clone());
                    self.failure = Some(VariantError { stage, code, message });
                }
                State::Failed
            }
            EventKind::Metric { name, step: None, value } => {
                self.metrics.insert((stage, name.clone()), *value);
                return;
            }
            _ => return,
        };
        if let Some(known) = self.stages.get_mut(stage) {
            *known = state;
        }
    }

    /// Whether nothing of it can happen any more, without more failures to wait for.
    fn is_over(&mut self) -> bool {
        let mut without: Vec<&str> = Vec::new();
        for (member, state) in self.members.iter().zip(&mut self.stages) {
            if *state == State::Open && member.after.iter().any(|name| without.contains(&name.as_str())) {
                *state = State::Skipped;
            }
            if matches!(state, State::Failed | State::Skipped) {
                without.push(&member.name);
            }
        }
        !self.stages.contains(&State::Open)
    }

    fn outcome(&self) -> Outcome {
        match (&self.failure, self.stages.iter().all(|state| *state == State::Done)) {
            (Some(_), _) => Outcome::Failed,
            (None, true) => Outcome::Done,
            (None, false) => Outcome::Cancelled,
        }
    }

    /// The last events, and its files are closed.
    fn finish(&mut self, seconds: f64) -> Outcome {
        let outcome = self.outcome();
        let not_run = |(member, state): (&'a Member, &State)| {
            matches!(state, State::Open | State::Skipped).then_some(member.name.as_str())
        };
        let not_run: Vec<&str> = self.members.iter().zip(&self.stages).filter_map(not_run).collect();
        if !not_run.is_empty() {
            let message = format!("not run: {}", not_run.join(", "));
            self.tell(&now(), None, 0, false, EventKind::transient_warning(message));
        }
        let kind = EventKind::RunFinished { outcome: outcome.as_str().to_owned(), seconds };
        self.tell(&now(), None, 0, false, kind);
        self.run = Run::Closed;
        outcome
    }

    /// What its stages measured, in the order of the plan.
    pub(super) fn measured(&self) -> impl Iterator<Item = (&str, &str, f64)> {
        self.metrics.iter().map(|((stage, name), value)| {
            let stage = self.members.get(*stage).map(|member| member.name.as_str()).unwrap_or_default();
            (stage, name.as_str(), *value)
        })
    }
}

fn now() -> String {
    jiff::Timestamp::now().to_string()
}

impl<'a> Follow<'a> {
    /// Follows variants; `names` are what the merged plan calls the nodes of each.
    #[must_use]
    pub fn new(
        folder: &'a RunFolder,
        record: SweepRecord,
        followed: Vec<Followed<'a>>,
        name: impl Fn(&Member) -> String,
        screen: Screen,
        lines: Lines,
    ) -> Self {
        let mut nodes: BTreeMap<String, Vec<(usize, usize)>> = BTreeMap::new();
        for (variant, followed) in followed.iter().enumerate() {
            for (stage, member) in followed.members.iter().enumerate() {
                nodes.entry(name(member)).or_default().push((variant, stage));
            }
        }
        let now = Instant::now();
        Self {
            folder,
            record,
            nodes,
            followed,
            started: now,
            changed: false,
            saved: now,
            told: false,
            screen,
            lines,
            written: BTreeSet::new(),
            open: 0,
            most_open: most_open(),
        }
    }

    fn stage_event(&mut self, name: &str, event: &Event) {
        let Some(targets) = self.nodes.get(name).cloned() else { return };
        // Each variant plans its own stages.
        if matches!(event.kind, EventKind::StagePlanned { .. }) {
            return;
        }
        // What is known before anything runs starts no run.
        let is_before = event.attempt == 0 && !event.cached && !event.kind.is_end();
        let mut local = None;
        let mut variants = Vec::new();
        for (variant, stage) in targets {
            let Some(followed) = self.followed.get_mut(variant) else { continue };
            match &followed.run {
                Run::Closed => continue,
                Run::Waiting { .. } if is_before => {
                    followed.pending.push((Some(stage), event.kind.clone()));
                    continue;
                }
                Run::Waiting { .. } => {
                    if let Err(error) = followed.start() {
                        self.tell(&error);
                    }
                    self.began(variant);
                }
                Run::Begun { .. } => {}
            }
            let Some(followed) = self.followed.get_mut(variant) else { continue };
            let mut kind = event.kind.clone();
            if let Some(member) = followed.members.get(stage).filter(|member| member.name != name) {
                // Its own run knows it by its own name.
                let (shown, own) = (format!("`{name}`"), format!("`{}`", member.name));
                for text in kind.texts_mut().into_iter().filter(|text| text.contains(&shown)) {
                    *text = text.replace(&shown, &own);
                }
            }
            self.written.insert(variant);
            followed.note(stage, &kind);
            followed.tell(&event.at, Some(stage), event.attempt, event.cached, kind);
            local = followed.members.get(stage).map(|member| member.name.as_str());
            variants.push(followed.position);
            self.make_room(variant);
            let Some(followed) = self.followed.get_mut(variant) else { continue };
            if event.kind.is_end() && followed.is_over() {
                self.finish(variant);
            }
        }
        let folder = |variant: &usize| self.record.variants.get(*variant).map(|known| known.folder.as_str());
        let folders: Vec<&str> = variants.iter().filter_map(folder).collect();
        self.lines.tell(event, local, &folders);
    }

    /// The files of a variant were opened: they stay open if there is room.
    fn began(&mut self, variant: usize) {
        let Some(Followed { run: Run::Begun { files, .. }, .. }) = self.followed.get_mut(variant) else {
            return;
        };
        if self.open < self.most_open {
            self.open += usize::from(files.is_open());
        } else {
            files.shut();
        }
    }

    /// Opens the files of a variant that are shut, if there is room or too much waits for them.
    fn make_room(&mut self, variant: usize) {
        let Some(Followed { run: Run::Begun { files, .. }, .. }) = self.followed.get_mut(variant) else {
            return;
        };
        let is_room = self.open < self.most_open;
        if files.is_open() || !(is_room || files.is_full()) {
            return;
        }
        if let Err(error) = files.open() {
            return self.tell(&error);
        }
        match is_room {
            true => self.open += usize::from(files.is_open()),
            false => files.shut(),
        }
    }

    fn finish(&mut self, variant: usize) {
        let seconds = self.started.elapsed().as_secs_f64();
        let Some(followed) = self.followed.get_mut(variant) else { return };
        if let Run::Begun { files, .. } = &mut followed.run {
            match files.is_open() {
                true => self.open -= 1,
                false => {
                    if let Err(error) = files.open() {
                        self.tell(&error);
                    }
                }
            }
        }
        let Some(followed) = self.followed.get_mut(variant) else { return };
        let outcome = followed.finish(seconds);
        let error = followed.failure.clone();
        if let Some(known) = self.record.variants.get_mut(followed.position) {
            (known.outcome, known.error) = (outcome, error);
            self.screen.finished(known, followed);
        }
        self.changed = true;
    }

    /// The sweep is over: so are all variants.
    fn end(&mut self, outcome: &str, seconds: f64) {
        for variant in 0..self.followed.len() {
            match self.followed.get(variant).map(|followed| &followed.run) {
                Some(Run::Begun { .. }) => self.finish(variant),
                // It never started, so there is nothing to tell of it.
                Some(Run::Waiting { .. }) => {
                    let followed = &self.followed[variant];
                    if let Some(known) = self.record.variants.get_mut(followed.position) {
                        known.outcome = Outcome::Cancelled;
                    }
                }
                _ => {}
            }
        }
        let count = |outcome| self.record.count(outcome);
        self.record.outcome = match (count(Outcome::Failed), count(Outcome::Cancelled)) {
            (0, 0) => Outcome::Done,
            (0, _) => Outcome::Cancelled,
            _ if outcome == Outcome::Cancelled.as_str() => Outcome::Cancelled,
            _ => Outcome::Failed,
        };
        self.record.finished = Some(now());
        self.save();
        self.screen.end(self.folder.path(), &self.record, &self.followed, seconds);
    }

    fn save_in_time(&mut self) {
        if self.changed && self.saved.elapsed() >= SAVE_INTERVAL {
            self.save();
        }
    }

    fn save(&mut self) {
        (self.changed, self.saved) = (false, Instant::now());
        if let Err(error) = self.folder.save_sweep(&self.record) {
            self.tell(&error);
        }
    }

    /// A disk that fills up must not take hours of work with it.
    fn tell(&mut self, error: &RecordError) {
        if !std::mem::replace(&mut self.told, true) {
            let cause =
                std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
            tracing::error!("{error}{cause}; the sweep goes on, its record is incomplete");
        }
    }
}

/// Whether an event is the last of an attempt.
trait IsEnd {
    fn is_end(&self) -> bool;
}

impl IsEnd for EventKind {
    fn is_end(&self) -> bool {
        matches!(self, Self::StageFinished { .. } | Self::StageFailed { .. })
    }
}

impl Subscriber for Follow<'_> {
    fn event(&mut self, event: &Event) {
        self.screen.event(event);
        match (&event.stage, &event.kind) {
            (Some(stage), _) => self.stage_event(&stage.clone(), event),
            (None, EventKind::RunFinished { outcome, seconds }) => {
                self.lines.tell(event, None, &[]);
                self.end(outcome, *seconds);
            }
            (None, kind) => {
                // What is about the whole sweep is about each variant that runs.
                if matches!(kind, EventKind::Warning { .. }) {
                    for (variant, followed) in self.followed.iter_mut().enumerate() {
                        followed.tell(&event.at, None, 0, false, kind.clone());
                        self.written.insert(variant);
                    }
                }
                self.lines.tell(event, None, &[]);
            }
        }
        self.save_in_time();
    }

    fn text(&mut self, stage: &str, line: &str) {
        for (variant, stage) in self.nodes.get(stage).into_iter().flatten() {
            let Some(followed) = self.followed.get_mut(*variant) else { continue };
            let Some(member) = followed.members.get(*stage) else { continue };
            if let Run::Begun { files, .. } = &mut followed.run {
                files.text(&member.name, line);
                self.written.insert(*variant);
            }
        }
    }

    fn pause(&mut self) {
        for variant in std::mem::take(&mut self.written) {
            if let Some(Followed { run: Run::Begun { files, .. }, .. }) = self.followed.get_mut(variant) {
                files.pause();
            }
        }
    }

    fn tick(&mut self) {
        for followed in &mut self.followed {
            if let Run::Begun { files, .. } = &mut followed.run {
                files.tick();
            }
        }
        self.save_in_time();
        self.screen.tick();
    }
}

/// The record of a sweep that starts now.
#[must_use]
pub(crate) fn record(
    folder: &RunFolder,
    file: &str,
    directory: std::path::PathBuf,
    variants: &[Variant],
) -> SweepRecord {
    let mut modes: Vec<&str> = variants.iter().map(|variant| variant.operation_mode.as_str()).collect();
    modes.dedup();
    let keys: indexmap::IndexSet<&String> =
        variants.iter().flat_map(|variant| variant.values.keys()).collect();
    let one = |(number, variant): (usize, &Variant)| VariantRecord {
        folder: number.to_string(),
        overrides: variant.overrides.clone(),
        values: variant.values.clone(),
        outcome: Outcome::Running,
        error: None,
    };
    SweepRecord {
        format: SweepRecord::FORMAT,
        id: folder.id().to_owned(),
        file: file.to_owned(),
        operation_mode: modes.join(", "),
        directory,
        started: now(),
        finished: None,
        outcome: Outcome::Running,
        keys: keys.into_iter().cloned().collect(),
        variants: variants.iter().enumerate().map(one).collect(),
    }
}
