//! Events: the engine's only output channel.

use serde::{Deserialize, Serialize};

/// One thing that happened in a run. `events.jsonl` is a sequence of these, one JSON object a line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Position in the run, from 0, without gaps.
    pub seq: u64,
    /// Wall clock, RFC 3339, UTC.
    pub at: String,
    /// The node of the plan it is about (`train`, `evaluate-2`); none for the run itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// Which attempt of the stage, from 1; 0 for events of the run and of stages that did not start.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub attempt: u32,
    /// Whether it is replayed from the store rather than happening now.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cached: bool,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
fn is_zero(value: &u32) -> bool {
    *value == 0
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum EventKind {
    /// The first event of a run.
    RunStarted {
        /// Version of this event format.
        format: u32,
        /// The run folder's name.
        run: String,
        /// The mode word.
        operation_mode: String,
    },
    /// A run that had ended, or was killed, goes on in its folder: its stages are planned, and told, again.
    RunResumed {
        /// Version of the event format from here on.
        format: u32,
        /// The run folder's name.
        run: String,
        /// The mode word.
        operation_mode: String,
        /// How it stood: `failed`, `cancelled` or `killed`.
        after: String,
    },
    /// A stage is part of the plan.
    StagePlanned {
        /// Nodes it waits for.
        after: Vec<String>,
    },
    /// A stage's process started.
    StageStarted {
        /// Its fingerprint, hexadecimal.
        fingerprint: String,
    },
    /// The store had the stage's result.
    CacheHit {
        /// Its fingerprint, hexadecimal.
        fingerprint: String,
    },
    /// How far a stage has come. Shown, not stored.
    Progress(Progress),
    /// A measured number.
    Metric {
        /// Name, as it appears in tables and trackers: `val_loss`, `quantized_acc_validation_set`.
        name: String,
        /// Epoch or other step, for a series.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        step: Option<u64>,
        /// The number; not finite is written as null and read as NaN.
        #[serde(deserialize_with = "null_as_nan")]
        value: f64,
    },
    /// A picture among the stage's files.
    Figure {
        /// Caption.
        title: String,
        /// Path below the stage's output folder.
        path: String,
    },
    /// A line for people: what a stage says of its work.
    Note {
        /// One line.
        message: String,
        /// Whether it is about this attempt alone, as a speed is, so that no hit tells it again.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        transient: bool,
    },
    /// Something the user should know of; the run goes on.
    Warning {
        /// One line.
        message: String,
        /// Whether it is about this attempt alone and says nothing of its result, so that no hit tells it again.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        transient: bool,
    },
    /// A file of the stage is in the run folder.
    ArtifactPublished {
        /// Path below the run folder.
        path: String,
        /// Content digest, hexadecimal.
        digest: String,
        /// Bytes.
        bytes: u64,
    },
    /// A stage is done.
    StageFinished {
        /// Seconds of wall clock; those of the run that did the work where the result came from the store.
        seconds: f64,
    },
    /// A stage ended without a result.
    StageFailed {
        /// Stable code.
        code: String,
        /// What happened.
        message: String,
        /// What to do about it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        help: Option<String>,
    },
    /// The last event of a run, unless it is resumed.
    RunFinished {
        /// `done`, `failed` or `cancelled`.
        outcome: String,
        /// Seconds of wall clock.
        seconds: f64,
    },
}

impl EventKind {
    /// The texts in it that people wrote or programs printed; names of runs, digests and paths of files that are there are
    /// neither.
    pub fn texts_mut(&mut self) -> Vec<&mut String> {
        match self {
            Self::RunStarted { operation_mode, .. } | Self::RunResumed { operation_mode, .. } => {
                vec![operation_mode]
            }
            Self::Progress(Progress { label, note, .. }) => [label].into_iter().chain(note).collect(),
            Self::Metric { name, .. } => vec![name],
            Self::Figure { title, .. } => vec![title],
            Self::Note { message, .. } | Self::Warning { message, .. } => vec![message],
            Self::StageFailed { message, help, .. } => [message].into_iter().chain(help).collect(),
            Self::StagePlanned { .. }
            | Self::StageStarted { .. }
            | Self::CacheHit { .. }
            | Self::ArtifactPublished { .. }
            | Self::StageFinished { .. }
            | Self::RunFinished { .. } => Vec::new(),
        }
    }

    /// Whether a cache hit replays it: what the stage found out, not how it went about it.
    #[must_use]
    pub fn survives_a_hit(&self) -> bool {
        matches!(
            self,
            Self::Metric { .. }
                | Self::Figure { .. }
                | Self::Note { transient: false, .. }
                | Self::Warning { transient: false, .. }
        )
    }

    /// A line about a result, which goes with it wherever it is used.
    pub fn note(message: impl Into<String>) -> Self {
        Self::Note { message: message.into(), transient: false }
    }

    /// A line about what happens now, of no concern to who uses the result later.
    pub fn transient_note(message: impl Into<String>) -> Self {
        Self::Note { message: message.into(), transient: true }
    }

    /// A warning about a result, which goes with it wherever it is used.
    pub fn warning(message: impl Into<String>) -> Self {
        Self::Warning { message: message.into(), transient: false }
    }

    /// A warning about what happens now, of no concern to who uses the result later.
    pub fn transient_warning(message: impl Into<String>) -> Self {
        Self::Warning { message: message.into(), transient: true }
    }
}

/// How far a stage has come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// What is going on: `epoch 3/60`, `calibrating`.
    pub label: String,
    /// Units done.
    pub done: u64,
    /// Units in all.
    pub total: u64,
    /// The latest figures, for display: `loss 0.512, val_loss 0.601`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

fn null_as_nan<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::<f64>::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transient_note_is_marked_on_the_wire_and_does_not_survive_a_hit() -> serde_json::Result<()> {
        let (lasting, transient) = (EventKind::note("n"), EventKind::transient_note("n"));
        assert!(lasting.survives_a_hit() && !transient.survives_a_hit());
        assert_eq!(serde_json::to_string(&lasting)?, r#"{"event":"note","message":"n"}"#);
        for kind in [lasting, transient] {
            assert_eq!(serde_json::from_str::<EventKind>(&serde_json::to_string(&kind)?)?, kind);
        }
        Ok(())
    }

    #[test]
    fn a_transient_warning_is_marked_on_the_wire_and_does_not_survive_a_hit() -> serde_json::Result<()> {
        let (lasting, transient) = (EventKind::warning("w"), EventKind::transient_warning("w"));
        assert!(lasting.survives_a_hit() && !transient.survives_a_hit());
        assert_eq!(serde_json::to_string(&lasting)?, r#"{"event":"warning","message":"w"}"#);
        for kind in [lasting, transient] {
            assert_eq!(serde_json::from_str::<EventKind>(&serde_json::to_string(&kind)?)?, kind);
        }
        Ok(())
    }
}
