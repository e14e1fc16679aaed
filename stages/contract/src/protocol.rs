//! The line-JSON protocol between the engine and a stage's process.
//!
//! The engine writes one [`Request`] line to the child's standard input and keeps it open. A later line `cancel` sets the
//! child's token; end-of-file means that the engine is gone, and the child exits at once. The child writes one
//! [`Reply`] a line to its standard output, the last of which is `done` or `failed`. Standard error is free text for the
//! log.

use crate::{EventKind, Input, Outputs, Runtime, Settings, StageError};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::PathBuf};

/// Version of this protocol.
pub const VERSION: u32 = 1;

/// The line that asks a running stage to stop.
pub const CANCEL: &str = "cancel";

/// What the engine asks of a stage's process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// [`VERSION`].
    pub protocol: u32,
    /// Name of the stage.
    pub stage: String,
    /// Its settings.
    pub settings: Settings,
    /// Its inputs by port.
    pub inputs: BTreeMap<String, Input>,
    /// [`crate::StageContext::out`].
    pub out: PathBuf,
    /// [`crate::StageContext::partial`].
    pub partial: PathBuf,
    /// [`crate::StageContext::live`].
    pub live: Option<PathBuf>,
    /// [`crate::StageContext::runtime`].
    pub runtime: Runtime,
}

/// What a stage's process says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// Something happened.
    Event(EventKind),
    /// The work is done and the output folder complete.
    Done(Outputs),
    /// The work ended without a result.
    Failed(StageError),
}
