//! Errors of a running stage.

use crate::Finding;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// An error of a stage's crate, with what users are told besides its message: it is the same before a run, as a
/// [`Finding`], and in one, as a [`StageError`].
pub trait Problem: std::error::Error {
    /// Stable code: `data::mask_value`, `quantize::graph`.
    fn code(&self) -> &'static str;

    /// What to do about it.
    fn help(&self) -> Option<&'static str> {
        None
    }

    /// The same where it says something of what was found.
    fn advice(&self) -> Option<String> {
        self.help().map(str::to_owned)
    }

    /// Whether it is no mistake but the user's wish to stop.
    fn is_cancellation(&self) -> bool {
        false
    }

    /// As something found before the run.
    fn finding(&self) -> Finding {
        Finding { help: self.advice(), ..Finding::error(self.code(), self.to_string()) }
    }
}

impl<P: Problem> From<P> for StageError {
    fn from(problem: P) -> Self {
        if problem.is_cancellation() {
            return Self::Cancelled;
        }
        let (code, message) = (problem.code().to_owned(), problem.to_string());
        Self::Failed { code, message, help: problem.advice() }
    }
}

/// Why a stage ended without a result. It travels from the stage's process to the engine as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StageError {
    /// The stage saw its [`crate::CancelToken`] and stopped after saving what can be saved.
    #[error("cancelled")]
    Cancelled,
    /// The work failed.
    #[error("{message}")]
    Failed {
        /// Stable code: `train::nan_loss`, `io`.
        code: String,
        /// What happened, where, one sentence.
        message: String,
        /// What to do about it.
        help: Option<String>,
    },
}

impl StageError {
    /// A failure with a stable code.
    pub fn failed(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Failed { code: code.into(), message: message.into(), help: None }
    }

    /// Adds what to do about it; a cancellation needs no help.
    #[must_use]
    pub fn with_help(self, text: impl Into<String>) -> Self {
        match self {
            Self::Failed { code, message, .. } => Self::Failed { code, message, help: Some(text.into()) },
            Self::Cancelled => Self::Cancelled,
        }
    }
}

impl From<std::io::Error> for StageError {
    fn from(error: std::io::Error) -> Self {
        Self::failed("io", error.to_string())
    }
}
