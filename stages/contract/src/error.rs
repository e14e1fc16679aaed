//! Errors of a running stage.

use serde::{Deserialize, Serialize};
use thiserror::Error;

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
