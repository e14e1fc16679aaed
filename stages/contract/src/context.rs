//! What a running stage holds in its hands.

use crate::{ArtifactKind, EventKind, Progress, SourceContent, StageError};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// Everything a stage may touch while it runs.
///
/// The configuration is not here, so a stage cannot read what is not in its key.
pub struct StageContext {
    /// The inputs by port name; an unbound optional port is absent.
    pub inputs: BTreeMap<String, Input>,
    /// An empty folder that dies with the attempt. What lies in it when the stage returns is the result: every file is
    /// stored and put into the run folder under the same relative path (see [`crate::layout`]).
    pub out: PathBuf,
    /// A folder that outlives the attempt and belongs to this very work (same fingerprint): checkpoints go here. The
    /// stage commits with fsync and rename, and finds on start what an interrupted attempt left.
    pub partial: PathBuf,
    /// Where the run folder's own copy of the stage's files lies while it runs, for files promised to users before the
    /// stage ends (`saved_models/last_model.h5`). None when nobody watches.
    pub live: Option<PathBuf>,
    /// What changes how, not what.
    pub runtime: Runtime,
    /// Cancellation, to be looked at every 500 ms or more often.
    pub cancel: CancelToken,
    /// Memory that can be had as the stage starts, bytes, where the machine tells: for what may be kept in memory to save
    /// time. Results do not depend on it.
    pub memory: Option<u64>,
    events: Box<dyn Fn(EventKind) + Send + Sync>,
}

/// An input as a running stage sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// What it is.
    pub kind: ArtifactKind,
    /// Where it is.
    pub content: InputContent,
}

/// Where an [`Input`] is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputContent {
    /// A file made by another stage, or a single file from outside.
    File {
        /// The file's own name, whose extension tells the format: an object of the store has none.
        name: String,
        /// Where to read it. Read only.
        path: PathBuf,
    },
    /// A set from outside.
    Source(SourceContent),
}

/// What changes how a stage works, never what it makes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Runtime {
    /// Worker threads to use.
    pub threads: usize,
    /// Which attempt of this stage in this run, from 1.
    pub attempt: u32,
}

impl StageContext {
    /// A context that hands its events to `events`.
    pub fn new(
        inputs: BTreeMap<String, Input>,
        (out, partial, live): (PathBuf, PathBuf, Option<PathBuf>),
        runtime: Runtime,
        cancel: CancelToken,
        events: impl Fn(EventKind) + Send + Sync + 'static,
    ) -> Self {
        Self { inputs, out, partial, live, runtime, cancel, memory: None, events: Box::new(events) }
    }

    /// The same on a machine with so much memory to be had, where it is known.
    #[must_use]
    pub fn with_memory(self, memory: Option<u64>) -> Self {
        Self { memory, ..self }
    }

    /// Sends an event to the engine.
    pub fn emit(&self, event: EventKind) {
        (self.events)(event);
    }

    /// Says how far the work has come.
    pub fn progress(&self, label: impl Into<String>, done: u64, total: u64) {
        self.emit(EventKind::Progress(Progress { label: label.into(), done, total, note: None }));
    }

    /// Reports a number that is not part of a series.
    pub fn metric(&self, name: impl Into<String>, value: f64) {
        self.emit(EventKind::Metric { name: name.into(), step: None, value });
    }

    /// Says a line about the result. Whoever gets it from the store is told too.
    pub fn note(&self, message: impl Into<String>) {
        self.emit(EventKind::note(message));
    }

    /// Says a line that concerns this attempt alone, a speed for instance; nobody is told again.
    pub fn note_transient(&self, message: impl Into<String>) {
        self.emit(EventKind::transient_note(message));
    }

    /// Warns the user of something about the result; the run goes on. Whoever gets the result from the store is warned
    /// too.
    pub fn warn(&self, message: impl Into<String>) {
        self.emit(EventKind::warning(message));
    }

    /// Warns the user of something that concerns this attempt alone; the run goes on and nobody is told again.
    pub fn warn_transient(&self, message: impl Into<String>) {
        self.emit(EventKind::transient_warning(message));
    }

    /// The input at a port that is not optional.
    ///
    /// # Errors
    /// When nothing is bound there, which is a mistake in the engine.
    pub fn input(&self, port: &str) -> Result<&Input, StageError> {
        self.inputs.get(port).ok_or_else(|| {
            StageError::failed("stage::unbound_port", format!("nothing is bound to the input `{port}`"))
        })
    }

    /// The file at a port: its own name, and where to read it.
    ///
    /// # Errors
    /// When the port is unbound or bound to a set.
    pub fn file(&self, port: &str) -> Result<(&str, &Path), StageError> {
        match &self.input(port)?.content {
            InputContent::File { name, path } => Ok((name, path)),
            InputContent::Source(_) => Err(StageError::failed(
                "stage::unbound_port",
                format!("the input `{port}` is not a single file"),
            )),
        }
    }

    /// The set at a port.
    ///
    /// # Errors
    /// When the port is unbound or bound to a file.
    pub fn set(&self, port: &str) -> Result<&SourceContent, StageError> {
        match &self.input(port)?.content {
            InputContent::Source(content) => Ok(content),
            InputContent::File { .. } => Err(StageError::failed(
                "stage::unbound_port",
                format!("the input `{port}` is a file, not a set"),
            )),
        }
    }

    /// Returns early from work that was cancelled: `ctx.check_cancel()?`.
    ///
    /// # Errors
    /// [`StageError::Cancelled`] once the token is set.
    pub fn check_cancel(&self) -> Result<(), StageError> {
        if self.cancel.is_cancelled() { Err(StageError::Cancelled) } else { Ok(()) }
    }
}

/// A flag that the engine sets when the user wants a stage to stop.
#[derive(Debug, Clone, Default)]
pub struct CancelToken(Arc<AtomicBool>);

impl CancelToken {
    /// Asks the stage to stop.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether the stage should stop.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
