//! Why a stage has no result.

use crate::{record::RecordError, store::StoreError};
use contract::{EventKind, StageError};
use miette::Diagnostic;
use std::io;

/// Why a stage of a run has no result, in the words its event has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What sort of end it is.
    pub reason: Reason,
    /// Stable code.
    pub code: String,
    /// What happened.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// The sort of a [`Failure`], which decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The stage, its process, or what it needs of the system failed.
    Failed,
    /// The user stopped it.
    Cancelled,
    /// A stored result stays corrupt however often it is made again.
    Corrupt,
    /// The engine has a mistake.
    Bug,
}

impl Failure {
    /// The user stopped the stage.
    #[must_use]
    pub fn cancelled() -> Self {
        StageError::Cancelled.into()
    }

    /// The engine panicked over the stage.
    #[must_use]
    pub fn bug(stage: &str) -> Self {
        Self {
            reason: Reason::Bug,
            code: "engine::bug".to_owned(),
            message: format!(
                "a mistake in the engine ended its work on `{stage}`; its message is on standard error"
            ),
            help: Some(
                "please report it, with that message and the run folder's stm32ai_main.log".to_owned(),
            ),
        }
    }

    /// The system has no thread for the stage.
    #[must_use]
    pub fn no_thread(stage: &str, error: &io::Error) -> Self {
        Self {
            reason: Reason::Failed,
            code: "engine::no_thread".to_owned(),
            message: format!("there is no thread to work on `{stage}`: {error}"),
            help: Some(
                "the limit of processes and threads is reached (`ulimit -u`, or the container's pids limit), or memory \
                 is used up: raise it or end other programs, then run the same command again"
                    .to_owned(),
            ),
        }
    }

    /// The event that tells of it.
    #[must_use]
    pub fn event(&self) -> EventKind {
        EventKind::StageFailed {
            code: self.code.clone(),
            message: self.message.clone(),
            help: self.help.clone(),
        }
    }

    fn of(diagnostic: &dyn Diagnostic) -> Self {
        let mut message = diagnostic.to_string();
        let mut cause = diagnostic.source();
        while let Some(error) = cause {
            message.push_str(": ");
            message.push_str(&error.to_string());
            cause = error.source();
        }
        Self {
            reason: Reason::Failed,
            code: diagnostic.code().map_or_else(|| "engine".to_owned(), |code| code.to_string()),
            message,
            help: diagnostic.help().map(|help| help.to_string()),
        }
    }
}

impl From<StageError> for Failure {
    fn from(error: StageError) -> Self {
        match error {
            StageError::Cancelled => Self {
                reason: Reason::Cancelled,
                code: "cancelled".to_owned(),
                message: "cancelled".to_owned(),
                help: None,
            },
            StageError::Failed { code, message, help } => {
                Self { reason: Reason::Failed, code, message, help }
            }
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let reason = if error.is_damage() { Reason::Corrupt } else { Reason::Failed };
        Self { reason, ..Self::of(&error) }
    }
}

impl From<RecordError> for Failure {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Store(error) => error.into(),
            error => Self::of(&error),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        StageError::from(error).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Digest;

    #[test]
    fn damage_of_the_store_is_told_from_other_failures() {
        let damage = || StoreError::Missing { digest: Digest::of(b""), path: "object".into() };
        assert_eq!(Failure::from(damage()).reason, Reason::Corrupt);
        assert_eq!(Failure::from(RecordError::Store(damage())).reason, Reason::Corrupt);
        let full = |kind: io::ErrorKind| StoreError::io("write", "object", kind.into());
        assert_eq!(Failure::from(full(io::ErrorKind::StorageFull)).reason, Reason::Failed);
        let failure = Failure::from(RecordError::Store(full(io::ErrorKind::StorageFull)));
        assert_eq!((failure.reason, failure.code.as_str()), (Reason::Failed, "store::full"));
    }
}
